# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false
"""The golden picture of binary artwork brought onto a tested one: a whole-pixel shift, then a smooth field.

A line scanner shows the same artwork shifted, mostly by no more than a pixel; dense boards are also stretched
by a few pixels, some bent here and there, and strips of lines slip. The field is looked for only where the
shift leaves more than edges: first a quadratic, then, where neighbouring places still lie off alike, a bend.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np

from kernels.artwork import (
    bent,
    bent_offsets,
    block_edges,
    block_offsets,
    block_step,
    closest_shift,
    common_offset,
    displaced,
    relax,
)
from kernels.compiled import F64, U8

REACH: Final = 48
"""Largest shift looked for, in pixels."""
LEAST_SIDE: Final = 2 * (REACH + 4) + 8
"""Pictures have sides of at least so many pixels."""

_SCALE: Final = 4
_FINE: Final = 4  # refinement about a coarse answer, in pixels
_EDGE: Final = REACH + _FINE
_CLEARLY: Final = 0.7  # of the difference: periodic artwork fits about as well a period away
_HARDLY: Final = 1.1  # times the difference: along parallel traces a shift fits about as well as any other
_ENOUGH: Final = 0.001  # of the picture's pixels that differ: fewer are worth no field
_BLOCKS: Final = 16  # along each side at least
_BLOCK_PX: Final = 40  # at most, or a bend would cancel within a block
_ROBUST_PX: Final = 1.0
_CLOSER: Final = 0.9  # of the coarse difference: a field that leaves more is not looked at closely
_TURNS: Final = 2  # at each of two scales
_STANDS_PX: Final = 0.1  # a turn that moves no place farther is the last
_SMALLEST_PX: Final = 0.3  # a field that moves nothing farther is none
_LEAST_EDGES: Final = 0.002  # of the mean: blocks with fewer are held, or the quadratic runs away there
_CALM_PX: Final = 0.5  # what neighbours lie off alike: a bend is looked for where it is more
_BENT_ROBUST_PX: Final = (6.0, 2.5, 1.0)  # one turn each
_NODE_PX: Final = 16
_INVERSIONS: Final = 4
_BETTER: Final = 0.9  # of the difference that the quadratic leaves


@dataclass(frozen=True, slots=True, eq=False)
class Alignment:
    """The golden picture brought onto a unit's, and how.

    Attributes:
        picture: (h, w) uint8, the golden picture as the unit's shows it.
        shift: x, y in whole pixels; unit(x + shift x, y + shift y) shows golden(x, y) but for the field.
        field: of the displacement that follows, (6, 2) of a quadratic or (rows, columns, 2) at nodes of a
            bent one, see `kernels.artwork`; None where the shift fits.
    """

    picture: U8
    shift: tuple[int, int]
    field: F64 | None

    def displacements(self, unit: F64) -> F64:
        """Return by how much the field moves what (n, 2) pixels of the unit show, (n, 2)."""
        if self.field is None:
            return np.zeros_like(unit)
        h, w = self.picture.shape
        u, v = ((unit + 0.5) / (w, h)).T
        if self.field.ndim == 3:
            return _at_nodes(self.field, u, v)
        return np.asarray(_basis(u, v) @ self.field, np.float64)

    def golden_points(self, unit: F64) -> F64:
        """Return where the golden picture shows what (n, 2) pixels of the unit show, (n, 2)."""
        return unit - self.shift - self.displacements(unit)

    def unit_points(self, golden: F64) -> F64:
        """Return where the unit shows what (n, 2) pixels of the golden picture show, (n, 2).

        To about 0.01 px where fields change by a fifth of a pixel in a pixel; where a strip slips, to 0.1.
        """
        first = found = golden + self.shift
        for _ in range(_INVERSIONS):
            found = first + self.displacements(found)
        return found

    def move(self, picture: U8, beyond: U8) -> U8:
        """Return another (h, w) uint8 picture of the golden view as the unit's shows it.

        Where it does not reach, `beyond` (h, w) uint8 stands in.
        """
        return _shown(picture, beyond, self.shift, self.field)


def aligned(golden: U8, unit: U8) -> U8:
    """Return the golden picture as the unit's picture shows it; see `align`."""
    return align(golden, unit).picture


def align(golden: U8, unit: U8) -> Alignment:
    """Bring the golden picture onto the unit's.

    Where it does not reach, the unit's picture stands in: nothing can differ where nothing is known. Mirrored
    artwork there looks like defects.

    Args:
        golden: (h, w) uint8, sides of at least LEAST_SIDE.
        unit: (h, w) uint8.
    """
    found = shift(golden, unit)
    moved = _moved(golden, unit, *found)
    field = _field(moved, unit)
    return Alignment(moved if field is None else _shown(golden, unit, found, field), found, field)


def shift(golden: U8, unit: U8) -> tuple[int, int]:
    """Return (dx, dy), whole pixels, such that unit(x + dx, y + dy) shows golden(x, y).

    Absolute differences at a quarter of the resolution find it, at full resolution they refine it; only
    the middle of the golden picture is compared, which the unit covers at each shift. A shift that is not
    about zero must fit clearly better than those that are, and than one that is not about zero along one axis
    alone a little; of equal ones the smallest counts.
    """
    near = _refined(golden, unit, 0, 0)
    if near[0] <= _ENOUGH * 255 * golden.size:
        return near[1], near[2]
    coarse, searched = (_halved(_halved(p)) for p in (golden, unit))
    x, y = closest_shift(coarse, searched, REACH // _SCALE)
    far = _refined(golden, unit, x * _SCALE, y * _SCALE)
    if far[0] >= _CLEARLY * near[0]:
        return near[1], near[2]
    along = min(_refined(golden, unit, x * _SCALE, 0), _refined(golden, unit, 0, y * _SCALE))
    _, dx, dy = along if along[0] <= _HARDLY * far[0] else far
    return dx, dy


def _refined(golden: U8, unit: U8, x: int, y: int) -> tuple[float, int, int]:
    """Return cost, dx, dy of the best shift about (x, y): downhill, a step either way, at most _FINE far."""
    middle = golden[_EDGE:-_EDGE, _EDGE:-_EDGE]
    h, w = middle.shape
    costs: dict[tuple[int, int], float] = {}

    def cost(dx: int, dy: int) -> float:
        if (dx, dy) not in costs:
            under = unit[_EDGE + dy : _EDGE + dy + h, _EDGE + dx : _EDGE + dx + w]
            costs[dx, dy] = float(cv2.norm(middle, under, cv2.NORM_L1))
        return costs[dx, dy]

    best = (cost(x, y), 0, x, y)
    while True:
        around = [(best[2] + i, best[3] + j) for i in (-1, 0, 1) for j in (-1, 0, 1)]
        near = [(cost(i, j), i * i + j * j, i, j) for i, j in around if max(abs(i - x), abs(j - y)) <= _FINE]
        step = min(near)
        if step[:2] >= best[:2] or step[2:] == best[2:]:
            return best[0], best[2], best[3]
        best = step


def _moved(golden: U8, unit: U8, dx: int, dy: int) -> U8:
    """Return the picture moved by whole pixels; where it does not reach, the unit's stands in."""
    if dx == 0 and dy == 0:
        return golden
    h, w = golden.shape
    out = unit.copy()
    out[max(dy, 0) : h + min(dy, 0), max(dx, 0) : w + min(dx, 0)] = golden[
        max(-dy, 0) : h - max(dy, 0), max(-dx, 0) : w - max(dx, 0)
    ]
    return out


def _shown(picture: U8, beyond: U8, shift: tuple[int, int], field: F64 | None) -> U8:
    """Return a picture moved by a shift and a field; where it does not reach, `beyond` stands in."""
    if field is None:
        return _moved(picture, beyond, *shift)
    out = np.empty_like(beyond)
    (displaced if field.ndim == 2 else bent)(picture, beyond, field, *shift, out)
    return out


def _field(moved: U8, unit: U8) -> F64 | None:
    """Return the field, see `Alignment`, of the displacement that remains after the shift.

    Gauss-Newton on a quadratic displacement, coarse to fine, on sums over blocks: each block tells the
    direction in which it has edges. The unit's edges stand, the golden picture moves (S. Baker and I.
    Matthews, doi:10.1023/B:VISI.0000011205.11775.fd). A field is taken only where it makes the pictures
    differ clearly less: on parallel traces it may be wrong by a pitch.
    """
    fine = _reduced(moved, unit)
    if cv2.norm(*fine, cv2.NORM_L1) <= _ENOUGH * 255 * fine[0].size:
        return None
    quadratic, apart = _followed(*_reduced(*fine), 4, np.zeros((6, 2)), _CLOSER)
    if quadratic is not None:
        if np.abs(_GRID_BASIS @ quadratic).max() < _SMALLEST_PX:
            quadratic = None
        else:
            quadratic, apart = _followed(*fine, 2, quadratic, _CLEARLY)
    bend = _bent(*fine, quadratic) if apart > _CALM_PX else None
    return quadratic if bend is None else bend


def _followed(golden: U8, unit: U8, scale: int, start: F64, share: float) -> tuple[F64 | None, float]:
    """Return coefficients after some turns at a scale, and what neighbours lie off alike beyond a quadratic.

    The coefficients are None where more than a share of what differs stays; the other in full pixels.
    """
    rows, columns = (max(_BLOCKS, -(-side * scale // _BLOCK_PX)) for side in unit.shape)
    basis = _over(rows, columns)
    edges = np.empty((3, len(basis)))
    block_edges(unit, rows, columns, edges)
    offsets = np.empty_like(edges)
    inner = np.s_[1:-1, 1:-1]
    before = cv2.norm(golden[inner], unit[inner], cv2.NORM_L1)
    coefficients, step = start, np.empty((6, 2))
    for _ in range(_TURNS):
        block_offsets(golden, unit, coefficients, scale, rows, columns, offsets)
        block_step(edges, offsets, basis, _ROBUST_PX / scale, _LEAST_EDGES, coefficients / scale, step)
        step *= scale
        coefficients = coefficients + step
        if np.abs(step).sum() < _STANDS_PX:
            break
    block_offsets(golden, unit, coefficients, scale, rows, columns, offsets)
    apart = scale * common_offset(edges, offsets, np.zeros((len(basis), 2)), columns)
    if apart > _CALM_PX:
        block_step(edges, offsets, basis, 2 * _ROBUST_PX / scale, 0.0, coefficients, step)
        apart = scale * common_offset(edges, offsets, basis @ step, columns)
    return coefficients if offsets[2].sum() < share * before else None, apart


def _bent(golden: U8, unit: U8, quadratic: F64 | None) -> F64 | None:
    """Return a bent displacement at nodes about a quadratic one, of pictures at half the resolution.

    None where it leaves more than a share of what differs.
    """
    h, w = unit.shape
    rows, columns = (max(round(2 * side / _NODE_PX), 2) for side in (h, w))
    edges = np.empty((3, 4 * rows * columns))
    block_edges(unit, 2 * rows, 2 * columns, edges)
    offsets, bend = np.empty_like(edges), np.zeros((rows, columns, 2))
    start = np.zeros((6, 2)) if quadratic is None else quadratic
    straight = (_over(rows, columns) @ start / 2).reshape(bend.shape)
    differs: list[float] = []
    for robust in _BENT_ROBUST_PX:
        bent_offsets(golden, unit, straight + bend, offsets)
        differs.append(offsets[2].sum())
        relax(edges, offsets, robust / 2, bend)
    nodes = straight + bend
    bent_offsets(golden, unit, nodes, offsets)
    return 2 * nodes if offsets[2].sum() < _BETTER * differs[0] else None


def _reduced(golden: U8, unit: U8) -> tuple[U8, U8]:
    """Return both at half the resolution, smoothed."""
    one, other = (np.asarray(cv2.GaussianBlur(_halved(p), (5, 5), 1.0), np.uint8) for p in (golden, unit))
    return one, other


def _halved(picture: U8) -> U8:
    size = picture.shape[1] // 2, picture.shape[0] // 2
    return np.asarray(cv2.resize(picture, size, interpolation=cv2.INTER_AREA), np.uint8)


def _basis(u: F64, v: F64) -> F64:
    u, v = 2 * u - 1, 2 * v - 1
    return np.stack((np.ones_like(u), u, v, u * u, u * v, v * v), axis=1)


def _at_nodes(field: F64, u: F64, v: F64) -> F64:
    """Return a field at nodes, (rows, columns, 2), at places from 0 to 1 over the picture, (n, 2)."""
    rows, columns = field.shape[:2]
    x, y = np.clip(u * columns - 0.5, 0, columns - 1), np.clip(v * rows - 0.5, 0, rows - 1)
    k, i = np.minimum(x.astype(np.int64), columns - 2), np.minimum(y.astype(np.int64), rows - 2)
    right, lower = (x - k)[:, None], (y - i)[:, None]
    upper_line = field[i, k] * (1 - right) + field[i, k + 1] * right
    lower_line = field[i + 1, k] * (1 - right) + field[i + 1, k + 1] * right
    return upper_line * (1 - lower) + lower_line * lower


@functools.lru_cache(maxsize=16)
def _over(rows: int, columns: int) -> F64:
    """Return the basis (rows * columns, 6) at the middles of so many parts of a picture."""
    u, v = np.meshgrid((np.arange(columns) + 0.5) / columns, (np.arange(rows) + 0.5) / rows)
    return _basis(u.ravel(), v.ravel())


_GRID_BASIS: Final = _over(32, 32)
