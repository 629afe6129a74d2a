"""Shapes of defects as pixels of a small window: a spine with a width, its rim smooth, ragged or sprayed."""

# OpenCV publishes incomplete types.
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false
from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from datasets.light import Floats

Mask = NDArray[np.bool_]
Spine = NDArray[np.float64]
"""Points (n, 2) of a line, x and y in pixels of the picture."""

_FINE: Final = 4  # bits of sub-pixel position
_RIMS: Final = ("plain", "uneven", "ragged", "sprayed")
_RIM_SHARES: Final = (0.2, 0.35, 0.25, 0.2)


@dataclass(frozen=True, eq=False)
class Mark:
    """A window of the picture, columns x0 .. and rows y0 .., and which of its pixels (h, w) are meant."""

    x0: int
    y0: int
    pixels: Mask

    @property
    def window(self) -> tuple[slice, slice]:
        """Rows and columns, to index a picture with."""
        h, w = self.pixels.shape
        return slice(self.y0, self.y0 + h), slice(self.x0, self.x0 + w)

    def within(self, allowed: Mask) -> Mark:
        """Return the part that lies in a mask of the window."""
        return Mark(self.x0, self.y0, self.pixels & allowed)

    def framed(self, by: int, shape: tuple[int, ...]) -> Mark:
        """Return the same pixels in the window that lies `by` px round them, clipped to the picture."""
        left, top, right, bottom = self.extent
        x0, y0 = max(left - by, 0), max(top - by, 0)
        frame = np.zeros((min(bottom + by, shape[0]) - y0, min(right + by, shape[1]) - x0), np.bool_)
        inner = self.pixels[top - self.y0 : bottom - self.y0, left - self.x0 : right - self.x0]
        frame[top - y0 : bottom - y0, left - x0 : right - x0] = inner
        return Mark(x0, y0, frame)

    @property
    def extent(self) -> tuple[int, int, int, int]:
        """Left, top, right, bottom of the pixels, the last two one past them; there must be one."""
        rows, columns = np.flatnonzero(self.pixels.any(axis=1)), np.flatnonzero(self.pixels.any(axis=0))
        x0, y0 = self.x0, self.y0
        return x0 + int(columns[0]), y0 + int(rows[0]), x0 + int(columns[-1]) + 1, y0 + int(rows[-1]) + 1


def mark(
    rng: np.random.Generator, shape: tuple[int, ...], spines: Sequence[Spine], radius: float
) -> Mark | None:
    """Return what lies within `radius` of a spine, with a rim drawn at random; None outside the picture."""
    points = np.concatenate(spines)
    reach = 1.6 * radius + 3
    x0, y0 = (max(math.floor(n - reach), 0) for n in points.min(axis=0))
    x1 = min(math.ceil(points[:, 0].max() + reach) + 1, shape[1])
    y1 = min(math.ceil(points[:, 1].max() + reach) + 1, shape[0])
    if x1 - x0 < 2 or y1 - y0 < 2:
        return None
    far = np.ones((y1 - y0, x1 - x0), np.uint8)
    for spine in spines:
        corners = np.rint((spine - (x0, y0)) * (1 << _FINE)).astype(np.int32)
        cv2.polylines(far, [corners.reshape(-1, 1, 2)], isClosed=False, color=0, thickness=1, shift=_FINE)
    if far.all():
        return None
    inside = np.float32(radius) - np.asarray(cv2.distanceTransform(far, cv2.DIST_L2, 5))
    return Mark(x0, y0, _rimmed(rng, inside, radius))


def _rimmed(rng: np.random.Generator, inside: Floats, radius: float) -> Mask:
    """Return where a mark is that reaches as deep as `inside` px from its rim."""
    rim = str(rng.choice(_RIMS, p=_RIM_SHARES))
    if rim == "plain":
        return np.asarray(inside > -0.5)
    noise = rng.standard_normal(inside.shape, np.float32)
    if rim == "uneven":
        sigma = max(0.4 * radius, 0.8)
        noise = np.asarray(cv2.GaussianBlur(noise, (0, 0), sigma)) * np.float32(3.5 * sigma)
        return np.asarray(inside + np.float32(0.25 * radius) * noise > -0.5)
    if rim == "ragged":
        noise = np.asarray(cv2.GaussianBlur(noise, (0, 0), 0.8)) * np.float32(2.8)
        return np.asarray(inside + np.float32(rng.uniform(0.25, 0.45) * radius + 0.3) * noise > -0.5)
    grain = float(rng.uniform(0.25, 0.65))
    noise = np.asarray(cv2.GaussianBlur(noise, (0, 0), 0.5)) * np.float32(1.8)
    return np.asarray(inside / np.float32(0.8 * radius) + np.float32(grain) * noise > 0)


def line(start: NDArray[np.float64], end: NDArray[np.float64]) -> Spine:
    """Return the straight spine between two points."""
    return np.stack((start, end))


def wavy(
    rng: np.random.Generator, start: NDArray[np.float64], end: NDArray[np.float64], swing: float
) -> Spine:
    """Return a spine that wanders off the way from start to end by about `swing` px, and meets both."""
    way = end - start
    length = math.hypot(way[0], way[1])
    along = np.linspace(0, 1, max(int(length / 2), 4) + 1)
    off = np.zeros(len(along))
    for order in range(1, 5):
        off += rng.normal(0, swing / order) * np.sin(math.pi * order * along)
    across = np.array([-way[1], way[0]]) / max(length, 1e-6)
    return start + along[:, None] * way + off[:, None] * across
