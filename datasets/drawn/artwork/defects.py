"""Three ways to go wrong, on copper and on its inverse: a cut through it, a bite at its edge, a hole in it.

A cut is an open in copper and a short in substrate, a bite a mousebite and a spur, a hole a pin-hole and
stray copper. Each is checked on the finished pixels, alone on the good board: an open leaves a conductor in
two or opens a loop, a short joins two, a bite neither parts nor joins anything, a hole lies
clear of every edge.
"""

# OpenCV publishes incomplete types.
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false
from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from datasets.deeppcb import TYPES
from datasets.drawn.artwork.conductors import (
    LEAST_CONDUCTOR_PX,
    SPECK_PX,
    Mask,
    Material,
    Points,
    Ways,
    conductors,
    material,
    parts,
    ways,
)
from datasets.drawn.artwork.marks import Mark, Spine, line, mark, wavy

_LEAST_DEFECTS: Final = 5
_MOST_DEFECTS: Final = 14
_ROUNDS: Final = 4  # through the six types
_TRIES: Final = 12
_CLEAR_PX: Final = 6  # between two defects
_LEAST_RADIUS: Final = 1.6
_MOST_RADIUS: Final = 13.0
_LONGEST: Final = 45.0  # of a bite, in pixels: no longer than a crop shows with what it starts from
_LEAST_DEPTH: Final = 3.0  # of a bite, by so many pixels; less is lost among edges that differ
_LEAST_DEEP_PX: Final = 3
_LEAST_BITE_PX: Final = 14
_HOLE_CLEAR: Final = 2.0  # of edges, round a hole
_LEAST_PX: Final = 8  # of any defect
_AROUND: Final = 6


@dataclass(frozen=True, eq=False)
class Change:
    """A defect: its type, and the pixels that it turned over."""

    type: str
    mark: Mark


@dataclass(frozen=True, eq=False)
class _Side:
    """The material that a defect takes away, the one that comes in its place, and ways through the former.

    `parts` tells whether a cut counts that parts the material and joins nothing; what it joins has at least
    `least_joined` px.
    """

    taken: Material
    given: Material
    ways: Ways
    parts: bool
    least_joined: int


def draw_defects(good: Mask, rng: np.random.Generator) -> tuple[Mask, tuple[Change, ...]]:
    """Draw defects of all types on a good board, (h, w) bool copper; return the board and what changed."""
    copper, substrate = material(good, 8, rng), material(~good, 4, rng)
    on_copper = _Side(copper, substrate, ways(copper, substrate), True, SPECK_PX)
    on_substrate = _Side(substrate, copper, ways(substrate, copper), False, LEAST_CONDUCTOR_PX)
    board, busy = good.copy(), np.zeros_like(good)
    changes: list[Change] = []
    count = int(rng.integers(_LEAST_DEFECTS, _MOST_DEFECTS + 1))
    for kind in (str(name) for _ in range(_ROUNDS) for name in rng.permutation(TYPES)):
        if len(changes) == count:
            break
        side = on_copper if kind in {"open", "mousebite", "pin-hole"} else on_substrate
        for _ in range(_TRIES):
            drawn = _DRAWERS[kind](rng, side)
            if drawn is None or busy[drawn.window][drawn.pixels].any():
                continue
            board[drawn.window] ^= drawn.pixels
            busy[drawn.framed(_CLEAR_PX, busy.shape).window] = True
            changes.append(Change(kind, drawn))
            break
    return board, tuple(changes)


def _log_uniform(rng: np.random.Generator, least: float, most: float) -> float:
    return math.exp(rng.uniform(math.log(least), math.log(max(most, least))))


def _unit(angle: float) -> NDArray[np.float64]:
    return np.array([math.cos(angle), math.sin(angle)])


def _through(rng: np.random.Generator, side: _Side) -> Mark | None:
    """Return a cut through the material: it joins what lies on both sides, or parts what it takes from.

    A bridge within one conductor shorts nothing: in the substrate only what joins two counts.
    """
    way = _way(rng, side.ways)
    if way is None:
        return None
    near, far = int(side.ways.near[way]), int(side.ways.far[way])
    if min(side.given.boxes[[near, far], 4]) < side.least_joined or (near == far and not side.parts):
        return None
    drawn = _cut(rng, side, way)
    if drawn is None or (near != far and _joins(side.given, drawn, near, far)):
        return drawn
    if not side.parts:
        return None
    label = _label(side.taken, side.ways.start[way])
    left = side.taken.labels == label
    left[drawn.window] &= ~drawn.pixels
    return drawn if conductors(left[side.taken.box(label)], side.taken.connectivity) >= 2 else None


def _way(rng: np.random.Generator, found: Ways) -> int | None:
    """Return which way to cut, a short one rather than a long one."""
    if not len(found.length):
        return None
    shares = np.cumsum(1 / np.sqrt(found.length + 4))
    return int(np.searchsorted(shares, rng.uniform(0, shares[-1])))


def _cut(rng: np.random.Generator, side: _Side, way: int) -> Mark | None:
    """Return a band or one to three strokes along a way through a part of the material."""
    start, end, length = side.ways.start[way], side.ways.end[way], float(side.ways.length[way])
    ahead = side.ways.along[way]
    aside = np.array([-ahead[1], ahead[0]])
    over = float(rng.uniform(1.0, 2.5)) * ahead
    if rng.random() < 0.5:
        radius = _log_uniform(rng, _LEAST_RADIUS, min(_MOST_RADIUS, 4 + 0.6 * length))
        spines = [line(start - over, end + over)]
    else:
        radius = _log_uniform(rng, 0.8, 2.4)
        spines = [wavy(rng, start - over, end + over, 0.1 * length + 0.5)]
        for _ in range(int(rng.integers(0, 3))):
            left, right = rng.normal(0, 0.15 * length + 2, (2, 1)) * aside
            spines.append(wavy(rng, start - over + left, end + over + right, 0.1 * length + 0.5))
    drawn = _taken(rng, side, start, spines, radius)
    return None if drawn is None else _attached(side.given, drawn)


def _attached(given: Material, drawn: Mark) -> Mark:
    """Return a mark without pieces, other than specks, that touch nothing of what they are made of."""
    framed = drawn.framed(1, given.mask.shape)
    there = given.mask[framed.window]
    pieces = _pieces(there | framed.pixels, given.connectivity)
    kept = np.bincount(pieces[framed.pixels], minlength=int(pieces.max()) + 1) < SPECK_PX
    kept[pieces[there]] = True
    return framed.within(kept[pieces])


def _pieces(mask: Mask, connectivity: int) -> NDArray[np.int32]:
    return np.asarray(cv2.connectedComponents(mask.astype(np.uint8), connectivity=connectivity)[1], np.int32)


def _taken(
    rng: np.random.Generator, side: _Side, at: Points, spines: list[Spine], radius: float
) -> Mark | None:
    """Return what a mark takes from the part of the material at one of its pixels."""
    drawn = mark(rng, side.taken.mask.shape, spines, radius)
    if drawn is None:
        return None
    drawn = drawn.within(side.taken.labels[drawn.window] == _label(side.taken, at))
    return drawn if drawn.pixels.sum() >= _LEAST_PX else None


def _label(whole: Material, at: Points) -> int:
    return int(whole.labels[int(at[1]), int(at[0])])


def _joins(given: Material, drawn: Mark, near: int, far: int) -> bool:
    """Tell whether a mark connects two parts."""
    framed = drawn.framed(1, given.mask.shape)
    labels = given.labels[framed.window]
    pieces = _pieces((labels == near) | (labels == far) | framed.pixels, given.connectivity)
    return bool(np.intersect1d(pieces[labels == near], pieces[labels == far]).size)


def _bite(rng: np.random.Generator, side: _Side) -> Mark | None:
    if not len(side.taken.edges):
        return None
    pick = int(rng.integers(len(side.taken.edges)))
    at, inward = side.taken.edges[pick], side.taken.inward[pick]
    drawn = _taken(rng, side, at, *_bite_shape(rng, at, inward))
    if drawn is None or drawn.pixels.sum() < _LEAST_BITE_PX:
        return None
    deep = side.taken.depth[drawn.window][drawn.pixels] >= _LEAST_DEPTH
    if deep.sum() < _LEAST_DEEP_PX:
        return None
    return drawn if _gains(side, drawn) == 0 else None


def _bite_shape(rng: np.random.Generator, at: Points, inward: Points) -> tuple[list[Spine], float]:
    """Return a blob, a finger or a stroke that starts at an edge, or a stretch of the edge that is worn."""
    kind = rng.random()
    if kind < 0.4:  # blob
        radius = _log_uniform(rng, _LEAST_RADIUS, _MOST_RADIUS)
        centre = at + float(rng.uniform(-0.4, 0.8)) * radius * inward
        long = float(rng.uniform(0, 0.8)) * radius * _unit(float(rng.uniform(0, math.pi)))
        return [line(centre - long, centre + long)], radius
    ahead = _unit(math.atan2(inward[1], inward[0]) + float(rng.normal(0, 0.5)))
    if kind < 0.65:  # finger
        radius = _log_uniform(rng, _LEAST_RADIUS, 6)
        return [line(at - inward, at + _log_uniform(rng, 0.8 * radius, _LONGEST) * ahead)], radius
    length = _log_uniform(rng, 5, _LONGEST)
    if kind < 0.85:  # stroke
        return [wavy(rng, at - inward, at + length * ahead, 0.12 * length)], _log_uniform(rng, 0.9, 2.2)
    half = length / 2 * np.array([-inward[1], inward[0]])
    return [wavy(rng, at - half, at + half, 0.05 * length)], _log_uniform(rng, 2.5, 6)


def _hole(rng: np.random.Generator, side: _Side) -> Mark | None:
    depth = side.taken.depth
    least = _LEAST_RADIUS + _HOLE_CLEAR + 1
    ys, xs = rng.integers(0, depth.shape[0], 60), rng.integers(0, depth.shape[1], 60)
    deep = np.flatnonzero(depth[ys, xs] >= least)
    if not len(deep):
        return None
    centre = np.array([xs[deep[0]], ys[deep[0]]], np.float64)
    room = float(depth[ys[deep[0]], xs[deep[0]]]) - _HOLE_CLEAR - 0.5
    radius = min(_log_uniform(rng, _LEAST_RADIUS, _MOST_RADIUS), room)
    long = radius * _unit(float(rng.uniform(0, math.pi)))
    if rng.random() < 0.65:
        long *= float(rng.uniform(0, 0.9))
        spine = line(centre - long, centre + long)
    else:
        long *= float(rng.uniform(1, 2.5))
        spine, radius = wavy(rng, centre - long, centre + long, 0.3 * radius), max(0.4 * radius, 1.0)
    drawn = mark(rng, depth.shape, [spine], radius)
    if drawn is None:
        return None
    drawn = drawn.within(depth[drawn.window] > _HOLE_CLEAR)
    return drawn if drawn.pixels.sum() >= _LEAST_PX and _gains(side, drawn) == 1 else None


def _gains(side: _Side, drawn: Mark) -> int | None:
    """Return how many parts of the other material a mark adds near it; None if it parts or ends its own."""
    framed = drawn.framed(_AROUND, side.taken.mask.shape)
    before = side.taken.mask[framed.window]
    after = before & ~framed.pixels
    if parts(after, side.taken.connectivity) != parts(before, side.taken.connectivity):
        return None
    return parts(~after, side.given.connectivity) - parts(~before, side.given.connectivity)


_DRAWERS: Final[dict[str, Callable[[np.random.Generator, _Side], Mark | None]]] = {
    "open": _through,
    "short": _through,
    "mousebite": _bite,
    "spur": _bite,
    "copper": _hole,
    "pin-hole": _hole,
}
