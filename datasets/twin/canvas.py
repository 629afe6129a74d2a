"""The golden image in linear light that changes are drawn on, and antialiased shapes."""

# OpenCV publishes incomplete types.
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false
from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from datasets.errors import DatasetError
from datasets.light import Floats
from datasets.twin.resample import finer

Point = tuple[float, float]
Polygon = Sequence[Point]

_SUBLINES = 8  # polygons are covered exactly along x and by this many lines per pixel along y


@dataclass(frozen=True)
class Window:
    """An upright part of the canvas: columns x0 .. x1 - 1 and rows y0 .. y1 - 1."""

    x0: int
    y0: int
    x1: int
    y1: int

    @property
    def slices(self) -> tuple[slice, slice]:
        """Rows and columns, to index an image with."""
        return slice(self.y0, self.y1), slice(self.x0, self.x1)

    def grid(self) -> tuple[Floats, Floats]:
        """Return x (1, w) and y (h, 1) of the pixel centres, float32."""
        return (
            np.arange(self.x0, self.x1, dtype=np.float32)[None, :],
            np.arange(self.y0, self.y1, dtype=np.float32)[:, None],
        )


class Canvas:
    """A linear-light image (h, w, 3) float32 that changes draw on in place, with its scale."""

    def __init__(self, linear: Floats, mm_per_px: float) -> None:
        self.linear = linear
        self.mm_per_px = mm_per_px

    def px(self, millimetres: float) -> float:
        """Return a length in pixels."""
        return millimetres / self.mm_per_px

    def window(self, points: Polygon, margin: float) -> Window:
        """Return the whole pixels within `margin` of the points' bounding box, clipped to the image.

        Raises:
            DatasetError: The window holds no pixel of the image, or a coordinate is not finite.
        """
        xy = np.asarray(points, dtype=np.float64).reshape(-1, 2)
        if not (np.isfinite(xy).all() and math.isfinite(margin)):
            raise DatasetError(
                "a change has a coordinate or size that is not finite; give numbers in pixels and mm"
            )
        height, width = self.linear.shape[:2]
        (left, top), (right, bottom) = xy.min(axis=0) - margin, xy.max(axis=0) + margin
        window = Window(
            max(0, math.floor(left)),
            max(0, math.floor(top)),
            min(width, math.ceil(right) + 1),
            min(height, math.ceil(bottom) + 1),
        )
        if window.x0 >= window.x1 or window.y0 >= window.y1:
            raise DatasetError(
                f"a change around ({xy[0, 0]:.1f}, {xy[0, 1]:.1f}) px lies outside the golden image of "
                f"{width} x {height} px; move it inside"
            )
        return window

    def blend(self, window: Window, cover: Floats, onto: Floats) -> None:
        """Mix `onto` (h, w, 3) into the window by coverage (h, w), 0 keeping what is there."""
        part = self.linear[window.slices]
        part += cover[..., None] * (onto - part)

    def displaced(self, window: Window, dx: Floats, dy: Floats) -> Floats:
        """Return the window resampled at (x + dx, y + dy), (h, w) each, in pixels; shifts stay inside it."""
        part = self.linear[window.slices]
        fine = finer(finer(part))  # four times finer, since bilinear sampling alone would soften texture
        height, width = part.shape[:2]
        x = np.arange(width, dtype=np.float32)[None, :] + dx
        y = np.arange(height, dtype=np.float32)[:, None] + dy
        return np.asarray(
            cv2.remap(fine, 4 * x + 1.5, 4 * y + 1.5, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE),
            dtype=np.float32,
        )


def cover_polygon(window: Window, polygon: Polygon) -> Floats:
    """Return how much of each pixel (h, w) a closed polygon covers, 0..1, by the even-odd rule."""
    xy = np.asarray(polygon, dtype=np.float64)
    following = np.roll(xy, -1, axis=0)
    left_edges = np.arange(window.x0, window.x1) - 0.5
    cover = np.zeros((window.y1 - window.y0, window.x1 - window.x0), dtype=np.float32)
    for row in range(cover.shape[0]):
        for line in range(_SUBLINES):
            y = window.y0 + row - 0.5 + (line + 0.5) / _SUBLINES
            crosses = (xy[:, 1] <= y) != (following[:, 1] <= y)
            if not crosses.any():
                continue
            a, b = xy[crosses], following[crosses]
            at = np.sort(a[:, 0] + (y - a[:, 1]) / (b[:, 1] - a[:, 1]) * (b[:, 0] - a[:, 0]))
            for enter, leave in zip(at[::2], at[1::2], strict=True):
                inside = np.minimum(leave, left_edges + 1) - np.maximum(enter, left_edges)
                cover[row] += np.clip(inside, 0, 1).astype(np.float32) / _SUBLINES
    return np.minimum(cover, 1.0)


def cover_polyline(window: Window, line: Polygon, width_px: float) -> Floats:
    """Return how much of each pixel (h, w) a line of this width with round ends covers, 0..1."""
    x, y = window.grid()
    nearest = np.full((window.y1 - window.y0, window.x1 - window.x0), np.inf, dtype=np.float32)
    for (ax, ay), (bx, by) in itertools.pairwise(line):
        ux, uy = bx - ax, by - ay
        along = np.clip(((x - ax) * ux + (y - ay) * uy) / max(ux * ux + uy * uy, 1e-12), 0, 1)
        nearest = np.minimum(nearest, np.hypot(x - ax - along * ux, y - ay - along * uy))
    half = width_px / 2
    overlap = np.minimum(half, nearest + 0.5) - np.maximum(-half, nearest - 0.5)
    return np.clip(overlap, 0, 1).astype(np.float32)


def longest_extent(polygon: Polygon) -> float:
    """Return the greatest distance between two corners, in the polygon's unit."""
    xy = np.asarray(polygon, dtype=np.float64)
    return float(np.sqrt(((xy[:, None, :] - xy[None, :, :]) ** 2).sum(axis=2).max()))
