# pyright: reportUnknownMemberType=false
"""From loose X-corners to a board: neighbours along the edges, then whole-numbered places."""

from __future__ import annotations

from collections import deque
from typing import cast

import cv2
import numpy as np
from scipy.spatial import KDTree

from calibration.detection.saddles import Saddles
from kernels.compiled import F32, F64, I64, Mask

_NEAREST = 24
_CONE = np.cos(np.radians(14.0))  # how far from its edge a neighbour may lie
_TURN = np.sin(np.radians(25.0))  # how much edges may turn from corner to corner
_EDGE_CONTRAST = 0.35  # of the corners' own


def grow_lattices(image: F32, saddles: Saddles) -> list[tuple[I64, I64]]:
    """Return the boards that X-corners form, largest first.

    Args:
        image: (h, w) float32, the image that the corners were found in.
        saddles: the corners.

    Returns:
        For each board of at least four corners: indices (n,) into the corners, and their places (n, 2) whole
        numbers from 0, so that x and y turn in the picture as they do in the target's frame.
    """
    if len(saddles.points) < 4:
        return []
    lines = np.stack((np.cos(saddles.angles), np.sin(saddles.angles)), axis=2)
    directions = np.concatenate((lines, -lines), axis=1)
    neighbours = _mutual(_neighbours(image, saddles, directions))
    free = np.ones(len(saddles.points), np.bool_)
    boards: list[tuple[I64, I64]] = []
    for seed in np.argsort(-(neighbours >= 0).sum(axis=1), kind="stable"):
        if free[seed] and (neighbours[seed] >= 0).any():
            members, places = _number(int(seed), neighbours, directions, free)
            if len(members) >= 4:
                boards.append((members, places - places.min(axis=0)))
    return sorted(boards, key=lambda board: -len(board[0]))


def rotations(places: I64, size: tuple[int, int]) -> list[tuple[I64, tuple[int, int]]]:
    """Return the places of a board, so many across and down, and its size, seen from each side."""
    out: list[tuple[I64, tuple[int, int]]] = []
    for _ in range(4):
        out.append((places, size))
        places = np.stack((size[1] - 1 - places[:, 1], places[:, 0]), axis=1)
        size = size[1], size[0]
    return out


def _neighbours(image: F32, saddles: Saddles, directions: F64) -> I64:
    """Return (n, 4) the nearest corner of the other colour along each direction, or -1."""
    points, n = saddles.points, len(saddles.points)
    k = min(_NEAREST + 1, n)
    distance, index = cast("tuple[F64, I64]", KDTree(points).query(points, k))
    offsets = points[index] - points[:, None]
    unit = offsets / np.maximum(distance, 1e-9)[..., None]
    # Of neighbours on a board the bright sector of one is the dark one of the other: their edges are swapped.
    swapped = np.abs(np.sin(saddles.angles[index][..., ::-1] - saddles.angles[:, None])).max(axis=2) < _TURN
    swapped &= distance > 0
    out = np.full((n, 4), -1, np.int64)
    for d in range(4):
        along = np.einsum("nkx,nx->nk", unit, directions[:, d])
        fits = swapped & (along > _CONE)
        nearest = np.where(fits, distance, np.inf).argmin(axis=1)
        rows = np.flatnonzero(fits[np.arange(n), nearest])
        targets = index[rows, nearest[rows]]
        kept = _edge_between(image, saddles, rows, targets)
        out[rows[kept], d] = targets[kept]
    return out


def _edge_between(image: F32, saddles: Saddles, first: I64, second: I64) -> Mask:
    """Return whether the picture shows one and the same edge all the way between pairs of corners."""
    if not len(first):
        return np.zeros(0, np.bool_)
    start, step = saddles.points[first], saddles.points[second] - saddles.points[first]
    across = 0.2 * np.stack((-step[:, 1], step[:, 0]), axis=1)
    differences: list[F64] = []
    for share in (0.3, 0.5, 0.7):
        sides = np.stack((start + share * step + across, start + share * step - across), axis=1)
        x, y = sides[..., 0].astype(np.float32), sides[..., 1].astype(np.float32)
        values = cv2.remap(image, x, y, cv2.INTER_LINEAR).reshape(-1, 2).astype(np.float64)
        differences.append(values[:, 0] - values[:, 1])
    seen = np.stack(differences)
    enough = _EDGE_CONTRAST * np.minimum(saddles.contrast[first], saddles.contrast[second])
    return cast("Mask", (seen > enough).all(axis=0) | (seen < -enough).all(axis=0))


def _mutual(neighbours: I64) -> I64:
    """Keep neighbours that point back."""
    n = len(neighbours)
    back = (neighbours[neighbours] == np.arange(n)[:, None, None]).any(axis=2)
    return np.where((neighbours >= 0) & back, neighbours, -1)


def _number(seed: int, neighbours: I64, directions: F64, free: Mask) -> tuple[I64, I64]:
    """Give places to all corners that hang together with the seed; they are free no more."""
    second = directions[seed, 1]
    first = directions[seed, 0]
    if first[0] * second[1] - first[1] * second[0] < 0:
        second = -second
    places: dict[int, tuple[int, int]] = {seed: (0, 0)}
    taken = {(0, 0): seed}
    axes = {seed: (first, second)}
    queue = deque([seed])
    free[seed] = False
    while queue:
        here = queue.popleft()
        x, y = places[here]
        ax, ay = axes[here]
        for d in range(4):
            there = int(neighbours[here, d])
            if there < 0 or not free[there]:
                continue
            along, down = float(directions[here, d] @ ax), float(directions[here, d] @ ay)
            step = (round(np.sign(along)), 0) if abs(along) > abs(down) else (0, round(np.sign(down)))
            place = (x + step[0], y + step[1])
            if place in taken:
                continue
            free[there] = False
            places[there], taken[place] = place, there
            axes[there] = (
                directions[there, int((directions[there] @ ax).argmax())],
                directions[there, int((directions[there] @ ay).argmax())],
            )
            queue.append(there)
    return np.array(list(places), np.int64), np.array(list(places.values()), np.int64)
