# pyright: reportUnknownMemberType=false
"""From loose quadrilaterals to a lattice: neighbours one pitch apart, whole-numbered places, a homography."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import cast

import cv2
import numpy as np
from scipy.spatial import KDTree

from calibration.colour.patches import project
from kernels.compiled import F64, I64, Mask

_NEAREST = 13
_STRAY = 0.28  # of a side, by which a neighbour may lie beside its row
_SPARE = 0.75  # of a side, by which a neighbour may lie farther than one pitch
_ALIKE = 1.7  # ratio of neighbours' sides, at most
_OFF = 0.16  # of a pitch, by which a quadrilateral may lie off its place
_FEWEST = 5
_WORST = 1e9  # condition of a homography
_MOST = 8  # lattices of one picture


@dataclass(frozen=True, slots=True, eq=False)
class Lattice:
    """Quadrilaterals at whole-numbered places.

    Attributes:
        places: (n, 2) column and row of each, seen so that rows turn clockwise from columns.
        matrix: (3, 3) homography from places to pixels.
    """

    places: I64
    matrix: F64


def grow_lattices(quads: F64, patch_to_pitch: float) -> list[Lattice]:
    """Return lattices of at least five quadrilaterals over two rows and columns, largest first.

    Args:
        quads: (n, 4, 2) corners, clockwise.
        patch_to_pitch: side of a patch over the distance of two patches' middles.
    """
    if len(quads) < _FEWEST:
        return []
    axes = _axes(quads)
    links = _links(quads.mean(axis=1), axes, 1 / patch_to_pitch)
    free = np.ones(len(quads), np.bool_)
    out: list[Lattice] = []
    seeds = np.argsort([-len(near) for near in links], kind="stable")
    groups = [_number(int(seed), links, axes, free) for seed in seeds if free[seed] and links[seed]]
    for members, places in sorted(groups, key=lambda g: -len(g[0])):
        if len(members) < _FEWEST or len(out) == _MOST:
            break
        lattice = _fitted(quads, members, places)
        if lattice is not None:
            out.append(lattice)
    return sorted(out, key=lambda found: -len(found.places))


def _axes(quads: F64) -> F64:
    """Return (n, 2, 2) the two mid-lines of each, as vectors; the second turns clockwise from the first."""
    a, b, c, d = quads.transpose(1, 0, 2)
    return 0.5 * np.stack((b - a + c - d, d - a + c - b), axis=1)


def _links(centres: F64, axes: F64, pitch: float) -> list[list[tuple[int, int, int]]]:
    """Return for each quadrilateral its neighbours, the axis towards each and the sign along it."""
    k = min(_NEAREST, len(centres))
    _, index = cast("tuple[F64, I64]", KDTree(centres).query(centres, k))
    offset = centres[index] - centres[:, None]
    # Offsets in units of the sides, in the frame of either end.
    here = np.linalg.inv(axes.transpose(0, 2, 1))
    seen = np.einsum("nij,nkj->nki", here, offset)
    back = np.einsum("nkij,nkj->nki", here[index], offset)
    axis, good = _one_pitch(seen, pitch)
    other, also = _one_pitch(back, pitch)
    rows = np.arange(len(centres))[:, None]
    first, second = axes[rows, axis], axes[index, other]
    good &= also & _parallel(first, second)
    good &= _parallel(axes[rows, 1 - axis], axes[index, 1 - other])
    links: list[list[tuple[int, int, int]]] = [[] for _ in centres]
    for i, j in np.argwhere(good):
        a = int(axis[i, j])
        links[i].append((int(index[i, j]), a, int(np.sign(seen[i, j, a]))))
    return links


def _one_pitch(seen: F64, pitch: float) -> tuple[I64, Mask]:
    axis = np.abs(seen).argmax(axis=2)
    along = np.abs(seen).max(axis=2)
    beside = np.abs(seen).min(axis=2)
    return axis, (beside < _STRAY) & (along > 0.8 * pitch) & (along < pitch + _SPARE)


def _parallel(first: F64, second: F64) -> Mask:
    lengths = np.hypot(first[..., 0], first[..., 1]), np.hypot(second[..., 0], second[..., 1])
    ratio = lengths[0] / np.maximum(lengths[1], 1e-9)
    turn = np.abs(first[..., 0] * second[..., 1] - first[..., 1] * second[..., 0])
    return (ratio < _ALIKE) & (ratio > 1 / _ALIKE) & (turn < 0.4 * lengths[0] * lengths[1])


def _number(seed: int, links: list[list[tuple[int, int, int]]], axes: F64, free: Mask) -> tuple[I64, I64]:
    """Give places to all quadrilaterals that hang together with the seed; they are free no more."""
    places = {seed: (0, 0)}
    taken = {(0, 0)}
    frames = {seed: axes[seed]}
    free[seed] = False
    queue = deque([seed])
    while queue:
        here = queue.popleft()
        x, y = places[here]
        for there, axis, sign in links[here]:
            step = sign * axes[here, axis]
            along = frames[here] @ step / (frames[here] ** 2).sum(axis=1)
            way = int(np.abs(along).argmax())
            ahead = 1 if along[way] > 0 else -1
            place = (x + ahead, y) if way == 0 else (x, y + ahead)
            if not free[there] or place in taken:
                continue
            free[there] = False
            places[there] = place
            taken.add(place)
            frames[there] = _turned(axes[there], frames[here])
            queue.append(there)
    return np.array(list(places), np.int64), np.array(list(places.values()), np.int64)


def _turned(axes: F64, like: F64) -> F64:
    """Return the axes of a quadrilateral in the order and with the signs of another's."""
    candidates = [np.stack((s * axes[0], s * axes[1])) for s in (1, -1)]
    candidates += [np.stack((s * axes[1], -s * axes[0])) for s in (1, -1)]
    return max(candidates, key=lambda pair: float((pair * like).sum()))


def _fitted(quads: F64, members: I64, places: I64) -> Lattice | None:
    """Fit a homography, drop what strays, take in what lies where it predicts."""
    centres = quads.mean(axis=1)
    matrix = _homography(places, centres[members])
    for _ in range(3):
        if matrix is None:
            return None
        members, places = _assigned(quads, centres, matrix, places)
        if len(members) < _FEWEST:
            return None
        matrix = _homography(places, centres[members])
    return None if matrix is None else Lattice(places, matrix)


def _homography(places: I64, centres: F64) -> F64 | None:
    if len(places) < _FEWEST or (np.ptp(places, axis=0) < 1).any():
        return None
    pitch = float(np.median(np.hypot(*np.diff(centres, axis=0).T)) / _median_step(places))
    matrix, _ = cv2.findHomography(
        places.astype(np.float64), centres, cv2.RANSAC, max(1.0, _OFF * pitch), maxIters=500
    )
    matrix = np.asarray(matrix, np.float64)  # a NaN for None, where there is none
    return matrix if matrix.shape == (3, 3) and np.linalg.cond(matrix) < _WORST else None


def _median_step(places: I64) -> float:
    return max(float(np.median(np.hypot(*np.diff(places, axis=0).T.astype(np.float64)))), 1.0)


def _assigned(quads: F64, centres: F64, matrix: F64, places: I64) -> tuple[I64, I64]:
    """Return which quadrilaterals lie at which places, within and next to those known."""
    inverse = np.asarray(np.linalg.inv(matrix), np.float64)
    ends = project(inverse, quads)
    middle = project(inverse, centres)
    nearest = np.round(middle)
    off = np.abs(middle - nearest).max(axis=1)
    size = np.abs(_axes(ends))
    # A field's mid-lines, in pitches: as long as wide, and along the lattice.
    side, cross = size.max(axis=2), size.min(axis=2)
    even = (side > 0.5).all(axis=1) & (side < 1.25).all(axis=1) & (cross < 0.3).all(axis=1)
    low, high = places.min(axis=0) - 3, places.max(axis=0) + 3
    fits = even & (off < _OFF) & (nearest >= low).all(axis=1) & (nearest <= high).all(axis=1)
    index = np.flatnonzero(fits)
    index = index[np.argsort(off[index], kind="stable")]
    found, first = np.unique(nearest[index].astype(np.int64), axis=0, return_index=True)
    return index[first], found
