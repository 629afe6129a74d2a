# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false
"""The golden picture of binary artwork brought onto a tested one: a whole-pixel shift, then a smooth field.

A line scanner shows the same artwork shifted, mostly by no more than a pixel; dense boards are also stretched
by a few pixels here and there. The field is looked for only where the shift leaves more than edges.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np

from kernels.artwork import block_edges, block_offsets, block_step, closest_shift, displaced
from kernels.compiled import F64, U8

REACH: Final = 48
"""Largest shift looked for, in pixels."""
LEAST_SIDE: Final = 2 * (REACH + 4) + 8
"""Pictures have sides of at least so many pixels."""

_SCALE: Final = 4
_FINE: Final = 4  # refinement about a coarse answer, in pixels
_EDGE: Final = REACH + _FINE
_CLEARLY: Final = 0.7  # of the difference: periodic artwork fits about as well a period away
_ENOUGH: Final = 0.001  # of the picture's pixels that differ: fewer are worth no field
_BLOCKS: Final = 16  # along each side
_ROBUST_PX: Final = 1.0
_CLOSER: Final = 0.9  # of the coarse difference: a field that leaves more is not looked at closely
_TURNS: Final = 2  # at each of two scales
_STANDS_PX: Final = 0.1  # a turn that moves no place farther is the last
_SMALLEST_PX: Final = 0.3  # a field that moves nothing farther is none
_GRID: Final = (np.arange(32) + 0.5) / 32


@dataclass(frozen=True, slots=True, eq=False)
class Alignment:
    """The golden picture brought onto a unit's, and how.

    Attributes:
        picture: (h, w) uint8, the golden picture as the unit's shows it.
        shift: x, y in whole pixels; unit(x + shift x, y + shift y) shows golden(x, y) but for the field.
        field: (6, 2) of the displacement that follows, see `kernels.artwork`; None where the shift fits.
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
        return np.asarray(_basis(u, v) @ self.field, np.float64)

    def golden_points(self, unit: F64) -> F64:
        """Return where the golden picture shows what (n, 2) pixels of the unit show, (n, 2)."""
        return unit - self.shift - self.displacements(unit)

    def unit_points(self, golden: F64) -> F64:
        """Return where the unit shows what (n, 2) pixels of the golden picture show, (n, 2).

        To about 0.01 px, since fields of a few pixels hardly change within as many.
        """
        first = golden + self.shift
        return first + self.displacements(first + self.displacements(first))

    def move(self, picture: U8, beyond: U8) -> U8:
        """Return another (h, w) uint8 picture of the golden view as the unit's shows it.

        Where it does not reach, `beyond` (h, w) uint8 stands in.
        """
        if self.field is None:
            return _moved(picture, beyond, *self.shift)
        out = np.empty_like(beyond)
        displaced(picture, beyond, self.field, *self.shift, out)
        return out


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
    dx, dy = shift(golden, unit)
    moved = _moved(golden, unit, dx, dy)
    field = _field(moved, unit)
    if field is None:
        return Alignment(moved, (dx, dy), None)
    out = np.empty_like(unit)
    displaced(golden, unit, field, dx, dy, out)
    return Alignment(out, (dx, dy), field)


def shift(golden: U8, unit: U8) -> tuple[int, int]:
    """Return (dx, dy), whole pixels, such that unit(x + dx, y + dy) shows golden(x, y).

    Absolute differences at a quarter of the resolution find it, at full resolution they refine it; only
    the middle of the golden picture is compared, which the unit covers at each shift. A shift that is not
    about zero must fit clearly better than those that are; of equal ones the smallest counts.
    """
    near = _refined(golden, unit, 0, 0)
    if near[0] <= _ENOUGH * 255 * golden.size:
        return near[1], near[2]
    coarse, searched = (_halved(_halved(p)) for p in (golden, unit))
    x, y = closest_shift(coarse, searched, REACH // _SCALE)
    far = _refined(golden, unit, x * _SCALE, y * _SCALE)
    _, dx, dy = far if far[0] < _CLEARLY * near[0] else near
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


def _field(moved: U8, unit: U8) -> F64 | None:
    """Return (6, 2) coefficients of the displacement that remains after the shift, or None.

    Gauss-Newton on a quadratic displacement, coarse to fine, on sums over blocks: each block tells the
    direction in which it has edges. The unit's edges stand, the golden picture moves (S. Baker and I.
    Matthews, doi:10.1023/B:VISI.0000011205.11775.fd). A field is taken only where it makes the pictures
    differ clearly less: on parallel traces it may be wrong by a pitch.
    """
    fine = _reduced(moved, unit)
    if cv2.norm(*fine, cv2.NORM_L1) <= _ENOUGH * 255 * fine[0].size:
        return None
    coefficients = _followed(*_reduced(*fine), 4, np.zeros((6, 2)), _CLOSER)
    if coefficients is None or np.abs(_GRID_BASIS @ coefficients).max() < _SMALLEST_PX:
        return None
    return _followed(*fine, 2, coefficients, _CLEARLY)


def _followed(golden: U8, unit: U8, scale: int, start: F64, share: float) -> F64 | None:
    """Return coefficients after some turns at a scale; None where more than a share of what differs stays."""
    edges = np.empty((3, _BLOCKS * _BLOCKS))
    block_edges(unit, _BLOCKS, edges)
    offsets = np.empty_like(edges)
    block_offsets(golden, unit, np.zeros((6, 2)), scale, _BLOCKS, offsets)
    before = offsets[2].sum()
    coefficients, step = start, np.empty((6, 2))
    for _ in range(_TURNS):
        if coefficients.any():
            block_offsets(golden, unit, coefficients, scale, _BLOCKS, offsets)
        block_step(edges, offsets, _BASIS, _ROBUST_PX / scale, step)
        step *= scale
        coefficients = coefficients + step
        if np.abs(step).sum() < _STANDS_PX:
            break
    block_offsets(golden, unit, coefficients, scale, _BLOCKS, offsets)
    return coefficients if offsets[2].sum() < share * before else None


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


def _over(places: F64) -> F64:
    """Return the basis (n * n, 6) at each pair of places."""
    return _basis(*(axis.ravel() for axis in np.meshgrid(places, places)))


_BASIS: Final = _over((np.arange(_BLOCKS) + 0.5) / _BLOCKS)
_GRID_BASIS: Final = _over(_GRID)
