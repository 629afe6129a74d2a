"""How much of each pixel a shape covers, blurred: exact integrals along outlines instead of samples of areas.

A pixel's value is the integral of the scene times k(x - i) k(y - j), k being the pixel's square blurred by a
Gaussian. By Green's theorem a region's share of it is the integral of K(x - i) k(y - j) dy along the region's
outline, K being the integral of k. Outlines are carried through the camera point by point and integrated by
Gauss-Legendre quadrature on pieces shorter than the blur, so there is no sampling of areas and no polygon in
place of a curve; only pixels near an outline are visited. Where outlines cross, the pieces are split there.
"""

# numba and OpenCV publish no complete types.
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportMissingTypeStubs=false
# pyright: reportUntypedFunctionDecorator=false
from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

import numba
import numpy as np
from numpy.typing import NDArray

from datasets.twin.metrology.camera import Camera
from datasets.twin.metrology.shapes import Doubles, Mask, Outline, Shape

Window = tuple[int, int, int, int]
"""x0, y0, width, height of a part of the frame, px."""

_REACH: Final = 5.2  # standard deviations at which the Gaussian is cut: 2e-7 of an edge
_STRETCH_PX: Final = 16.0  # outlines are first cut to this length, to leave out what no pixel sees
_PIECE: Final = 1.0  # length of the quadrature's pieces over the blur's standard deviation
_NODES, _WEIGHTS = np.polynomial.legendre.leggauss(3)
_NUDGE: Final = 0.01  # of a piece: half the step of the derivative of the projection
_ARC: Final = math.pi / 8  # arcs are cut at least this fine before their length is judged
_BISECTIONS: Final = 40

Lobe = tuple[float, float, float, float]
"""One Gaussian of the point spread: weight, shift x, shift y, standard deviation, px."""


@dataclass(frozen=True, slots=True, eq=False)
class _Pieces:
    """Pieces of one outline: which curve of it, from which parameter to which."""

    curve: NDArray[np.int64]
    start: Doubles
    end: Doubles

    def cut(self, count: NDArray[np.int64]) -> _Pieces:
        """Return each piece cut into `count` equal ones."""
        curve = np.repeat(self.curve, count)
        place = np.arange(len(curve)) - np.repeat(np.cumsum(count) - count, count)
        width = np.repeat((self.end - self.start) / count, count)
        start = np.repeat(self.start, count) + place * width
        return _Pieces(curve, start, start + width)

    @property
    def middle(self) -> Doubles:
        return (self.start + self.end) / 2

    def where(self, kept: Mask) -> _Pieces:
        return _Pieces(self.curve[kept], self.start[kept], self.end[kept])


class _Contour:
    """The outline of one shape as a camera sees it."""

    def __init__(self, shape: Shape, camera: Camera) -> None:
        self.shape = shape
        self.camera = camera
        self.outline: Outline = shape.outline()
        whole = _Pieces(np.arange(len(self.outline.t0)), self.outline.t0, self.outline.t1)
        turns = np.where(self.outline.bent, np.ceil((whole.end - whole.start) / _ARC), 1).astype(np.int64)
        coarse = whole.cut(np.maximum(turns, 1))
        self.stretches = coarse.cut(self._count(coarse, _STRETCH_PX))
        firsts = self.px(self.stretches.curve, self.stretches.start)
        middles = self.px(self.stretches.curve, self.stretches.middle)
        lasts = self.px(self.stretches.curve, self.stretches.end)
        all_three = np.stack([firsts, middles, lasts])
        self.low, self.high = all_three.min(axis=0) - 1, all_three.max(axis=0) + 1
        self.box = self.low.min(axis=0), self.high.max(axis=0)

    def px(self, curve: NDArray[np.int64], t: Doubles) -> Doubles:
        return self.project(self.outline.at(curve, t)[0])

    def project(self, points: Doubles) -> Doubles:
        return self.camera.project(np.column_stack([points, np.full(len(points), self.shape.height)]))

    def _count(self, pieces: _Pieces, length_px: float) -> NDArray[np.int64]:
        """How often pieces must be cut to be no longer than `length_px`."""
        steps = [self.px(pieces.curve, pieces.start + f * (pieces.end - pieces.start)) for f in (0, 0.5, 1)]
        length = sum(np.hypot(*(b - a).T) for a, b in pairwise(steps))
        return np.maximum(np.ceil(np.asarray(length) * 1.02 / length_px), 1).astype(np.int64)

    def seen(self, window: Window, reach: float, length_px: float) -> _Pieces:
        """Pieces no longer than `length_px` that a pixel of the window can see, or that lie right of it."""
        x0, y0, _, h = window
        near = (self.high[:, 1] > y0 - reach) & (self.low[:, 1] < y0 + h + reach)
        stretches = self.stretches.where(near & (self.high[:, 0] > x0 - reach))
        return stretches.cut(self._count(stretches, length_px))

    def nodes(self, pieces: _Pieces) -> tuple[Doubles, Doubles]:
        """Return the nodes (k, 2) px of the quadrature on all pieces, and dy times its weight there."""
        half = (pieces.end - pieces.start) / 2
        t = ((pieces.start + half)[:, None] + half[:, None] * _NODES).ravel()
        point, way = self.outline.at(np.repeat(pieces.curve, len(_NODES)), t)
        step = _NUDGE * np.repeat(half, len(_NODES))[:, None] * way
        dy = (self.project(point + step) - self.project(point - step))[:, 1] / (2 * _NUDGE)
        return self.project(point), dy * np.tile(_WEIGHTS, len(half))

    def holds(self, other: _Contour, curve: NDArray[np.int64], t: Doubles) -> Mask:
        """Return which points of another shape's outline are seen inside this shape."""
        points = other.outline.at(curve, t)[0]
        if other.shape.height != self.shape.height:
            points = self.camera.to_plane(other.project(points), self.shape.height)
        return self.shape.contains(points)

    def near(self, px: Doubles) -> Mask:
        """Return which pixels lie in this shape's bounding box."""
        return np.asarray(((px >= self.box[0]) & (px <= self.box[1])).all(axis=1))

    def handedness(self) -> float:
        """+1 where the camera sees outlines turn as they are drawn, -1 where it looks from behind."""
        at = self.outline.c[:1] + self.outline.u[:1] * self.outline.t0[0]
        small = 1e-3 * np.linalg.norm(self.outline.u[0])
        o, a, b = self.project(at + small * np.array([[0.0, 0.0], [1.0, 0.0], [0.0, 1.0]]))
        return float(np.sign((a[0] - o[0]) * (b[1] - o[1]) - (a[1] - o[1]) * (b[0] - o[0])))


def integrate(
    shapes: Sequence[Shape],
    levels: Doubles,
    camera: Camera,
    lobes: Sequence[Lobe],
    window: Window,
) -> Doubles:
    """Return the scene as pixels see it, less its background: (channels, h, w).

    Args:
        shapes: in the order in which they are painted.
        levels: (1 + shapes, channels) light of the background and of each shape.
        camera: what sees them.
        lobes: Gaussians whose sum is the point spread; their weights add up to 1.
        window: which part of the frame.
    """
    contours = [_Contour(shape, camera) for shape in shapes]
    boxes = np.array([contour.box for contour in contours])
    widest = max(_REACH * s + max(abs(dx), abs(dy)) for _, dx, dy, s in lobes) + 0.5
    finest = _PIECE * min(s for *_, s in lobes)
    _, _, w, h = window
    image = np.zeros((levels.shape[1], h, w))
    spill = np.zeros((levels.shape[1], h, w + 1))
    for k, contour in enumerate(contours):
        pieces = contour.seen(window, widest, finest)
        if len(pieces.curve) == 0:
            continue
        pieces, jump = _jumps(k, pieces, contours, boxes, levels)
        px, dy = contour.nodes(pieces)
        weights = np.repeat(jump, len(_NODES), axis=0) * (dy * contour.handedness())[:, None]
        for share, dx, dy_px, sigma in lobes:
            shifted = px + np.array([dx - window[0], dy_px - window[1]])
            for channel in range(levels.shape[1]):
                _spread(shifted, share * weights[:, channel], sigma, image[channel], spill[channel])
    for channel in range(levels.shape[1]):
        _settle(image[channel], spill[channel])
    return image


def _jumps(
    k: int, pieces: _Pieces, contours: Sequence[_Contour], boxes: Doubles, levels: Doubles
) -> tuple[_Pieces, Doubles]:
    """Return the pieces of outline k, split where others cross, and the step of light inwards (n, c).

    `boxes` (shapes, 2, 2) holds the corners of what each shape can touch.
    """
    own = contours[k]
    px = own.px(pieces.curve, pieces.middle)
    low, high = px.min(axis=0), px.max(axis=0)
    close: list[int] = np.flatnonzero(((boxes[:, 0] <= high) & (boxes[:, 1] >= low)).all(axis=1)).tolist()
    others = [(i, contours[i]) for i in close if i != k and contours[i].near(px).any()]
    if others:
        pieces = pieces.cut(np.full(len(pieces.curve), 4))
        for _, other in others:
            pieces = _split(own, other, pieces)
        px = own.px(pieces.curve, pieces.middle)
    under = np.zeros(len(px), np.int64)  # row of `levels`: 0 is the background
    hidden = np.zeros(len(px), bool)
    for i, other in others:
        near = other.near(px)
        near[near] = other.holds(own, pieces.curve[near], pieces.middle[near])
        if i > k:
            hidden |= near
        else:
            under[near] = i + 1
    return pieces, np.where(hidden[:, None], 0, levels[k + 1] - levels[under])


def _split(own: _Contour, other: _Contour, pieces: _Pieces) -> _Pieces:
    """Split pieces of an outline where they enter or leave another shape."""
    first = other.holds(own, pieces.curve, pieces.start)
    crossing = first != other.holds(own, pieces.curve, pieces.end)
    if not crossing.any():
        return pieces
    split = pieces.where(crossing)
    low, high, first = split.start, split.end, first[crossing]
    for _ in range(_BISECTIONS):
        middle = (low + high) / 2
        same = other.holds(own, split.curve, middle) == first
        low, high = np.where(same, middle, low), np.where(same, high, middle)
    rest = pieces.where(~crossing)
    return _Pieces(
        np.concatenate([rest.curve, split.curve, split.curve]),
        np.concatenate([rest.start, split.start, high]),
        np.concatenate([rest.end, high, split.end]),
    )


@numba.njit(cache=True, nogil=True, error_model="numpy")
def _spread(px: Doubles, weights: Doubles, sigma: float, image: Doubles, spill: Doubles) -> None:
    """Add weight K(x - i) k(y - j) of each node to the image.

    Columns left of the Gaussian's reach get weight k(y - j) through `spill`: an entry at column c counts for
    all columns before c.
    """
    height, width = image.shape
    reach = 5.2 * sigma + 0.5  # as _REACH
    most = int(2 * reach) + 3
    along, down = np.empty(most), np.empty(most)
    for n in range(len(px)):
        weight, x, y = weights[n], px[n, 0], px[n, 1]
        if weight == 0:
            continue
        top, bottom = max(math.ceil(y - reach), 0), min(math.floor(y + reach), height - 1)
        if top > bottom:
            continue
        left, right = max(math.ceil(x - reach), 0), min(math.floor(x + reach), width - 1)
        if right < 0:
            continue
        left = min(left, width)
        # k and K are differences over one pixel of the normal distribution and of its integral.
        before = 0.5 * math.erfc(-(y - top + 0.5) / sigma * math.sqrt(0.5))
        for j in range(top, bottom + 1):
            after = 0.5 * math.erfc(-(y - j - 0.5) / sigma * math.sqrt(0.5))
            down[j - top] = weight * (before - after)
            before = after
        before = _rise((x - left + 0.5) / sigma)
        for i in range(left, right + 1):
            after = _rise((x - i - 0.5) / sigma)
            along[i - left] = sigma * (before - after)
            before = after
        for j in range(top, bottom + 1):
            value = down[j - top]
            spill[j, left] += value
            for i in range(left, right + 1):
                image[j, i] += value * along[i - left]


@numba.njit(cache=True, nogil=True, error_model="numpy")
def _settle(image: Doubles, spill: Doubles) -> None:
    """Add to each pixel what crosses its row further right than the Gaussian reaches."""
    height, width = image.shape
    for j in range(height):
        total = 0.0
        for i in range(width - 1, -1, -1):
            total += spill[j, i + 1]
            image[j, i] += total


@numba.njit(cache=True, nogil=True, error_model="numpy")
def _rise(z: float) -> float:
    """Integral of the normal distribution function up to z."""
    return z * 0.5 * math.erfc(-z * math.sqrt(0.5)) + math.exp(-0.5 * z * z) / math.sqrt(2 * math.pi)
