"""Irregular shapes as soft coverage of a small window: blobs, strokes, bands, sprays."""

# OpenCV publishes incomplete types.
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false
from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from datasets.light import Floats

_FINE = 3  # bits of sub-pixel position


@dataclass(frozen=True)
class Patch:
    """A window of the image, columns x0 .. and rows y0 .., and how much of each pixel (h, w) is covered."""

    x0: int
    y0: int
    cover: Floats

    @property
    def window(self) -> tuple[slice, slice]:
        """Rows and columns, to index an image with."""
        h, w = self.cover.shape
        return slice(self.y0, self.y0 + h), slice(self.x0, self.x0 + w)


def blob(
    rng: np.random.Generator, shape: tuple[int, int], x: float, y: float, radius: float, rough: float
) -> Patch | None:
    """Return an irregular, possibly long, possibly ragged spot about (x, y)."""
    stretch = math.exp(rng.normal(0, 0.35))
    turn = rng.uniform(0, math.pi)
    angle = np.linspace(0, 2 * math.pi, 96, endpoint=False)
    wave = np.zeros(96)
    for order in range(2, 14):
        share = rough / order ** float(rng.uniform(0.7, 1.3))
        wave += share * np.cos(order * angle + rng.uniform(0, 2 * math.pi))
    r = radius * np.maximum(1 + wave, 0.2)
    u, v = r * np.cos(angle) * stretch, r * np.sin(angle) / stretch
    px = x + u * math.cos(turn) - v * math.sin(turn)
    py = y + u * math.sin(turn) + v * math.cos(turn)
    return polygon(shape, np.column_stack((px, py)))


def disk(shape: tuple[int, int], x: float, y: float, radius: float) -> Patch | None:
    """Return a round spot."""
    angle = np.linspace(0, 2 * math.pi, 64, endpoint=False)
    return polygon(shape, np.column_stack((x + radius * np.cos(angle), y + radius * np.sin(angle))))


def shifted(cover: Floats, dx: int, dy: int) -> Floats:
    """Return the coverage moved by whole pixels, nothing coming in from beyond."""
    move = np.array([[1, 0, dx], [0, 1, dy]], np.float32)
    return np.asarray(cv2.warpAffine(cover, move, (cover.shape[1], cover.shape[0])), np.float32)


def polygon(shape: tuple[int, int], points: np.ndarray) -> Patch | None:
    """Return a filled polygon (n, 2), or None if it lies outside the image."""
    window = _window(shape, points, 3)
    if window is None:
        return None
    x0, y0, x1, y1 = window
    mask = np.zeros((y1 - y0, x1 - x0), np.uint8)
    fine = np.round((points - (x0, y0)) * (1 << _FINE)).astype(np.int32).reshape(-1, 1, 2)
    cv2.fillPoly(mask, [fine], 255, cv2.LINE_AA, _FINE)
    return Patch(x0, y0, np.asarray(mask / 255, np.float32))


def stroke(shape: tuple[int, int], points: np.ndarray, widths: Sequence[float] | float) -> Patch | None:
    """Return a line through (n, 2) points with round ends; its width may change along it."""
    each = np.broadcast_to(np.asarray(widths, np.float64), (len(points),))
    window = _window(shape, points, float(each.max()) / 2 + 3)
    if window is None:
        return None
    x0, y0, x1, y1 = window
    nearest = np.full((y1 - y0, x1 - x0), 1e6, np.float32)
    xx = np.arange(x0, x1, dtype=np.float32)[None, :]
    yy = np.arange(y0, y1, dtype=np.float32)[:, None]
    for a, b, wa, wb in zip(points[:-1], points[1:], each[:-1], each[1:], strict=True):
        ux, uy = float(b[0] - a[0]), float(b[1] - a[1])
        along = np.clip(
            ((xx - np.float32(a[0])) * np.float32(ux) + (yy - np.float32(a[1])) * np.float32(uy))
            / np.float32(max(ux * ux + uy * uy, 1e-6)),
            0,
            1,
        )
        far = np.hypot(
            xx - np.float32(a[0]) - along * np.float32(ux), yy - np.float32(a[1]) - along * np.float32(uy)
        )
        nearest = np.minimum(nearest, far - np.float32(wa / 2) - along * np.float32((wb - wa) / 2))
    return Patch(x0, y0, np.clip(0.5 - nearest, 0, 1).astype(np.float32))


def wandering(
    rng: np.random.Generator, x: float, y: float, angle: float, length: float, bend: float, parts: int = 10
) -> np.ndarray:
    """Return (n, 2) points of a line that leaves (x, y) at an angle and bends at random."""
    turn = angle + np.cumsum(rng.normal(0, bend / math.sqrt(parts), parts))
    step = length / parts
    px = x + np.concatenate(([0.0], np.cumsum(np.cos(turn)) * step))
    py = y + np.concatenate(([0.0], np.cumsum(np.sin(turn)) * step))
    return np.column_stack((px, py))


def ragged(rng: np.random.Generator, patch: Patch, depth: float) -> Patch:
    """Return the patch with its outline eaten at random, `depth` pixels deep."""
    solid = (patch.cover > 0.5).astype(np.uint8)
    inside = cv2.distanceTransform(np.pad(solid, 1), cv2.DIST_L2, 5)[1:-1, 1:-1]
    noise = rng.standard_normal(solid.shape).astype(np.float32)
    noise = cv2.GaussianBlur(noise, (0, 0), max(depth, 1.0))
    noise *= np.float32(depth / max(float(noise.std()), 1e-6))
    eaten = np.clip(inside - np.maximum(noise, 0) + 0.5, 0, 1) * solid
    return Patch(patch.x0, patch.y0, np.minimum(patch.cover, eaten).astype(np.float32))


def _window(shape: tuple[int, int], points: np.ndarray, margin: float) -> tuple[int, int, int, int] | None:
    (left, top), (right, bottom) = points.min(axis=0) - margin, points.max(axis=0) + margin
    x0, y0 = max(int(left), 0), max(int(top), 0)
    x1, y1 = min(int(right) + 2, shape[1]), min(int(bottom) + 2, shape[0])
    return (x0, y0, x1, y1) if x1 - x0 >= 4 and y1 - y0 >= 4 else None
