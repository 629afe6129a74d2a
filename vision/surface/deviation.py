# pyright: reportUnknownMemberType=false
"""One region that deviates: where, and how large by each of its sizes."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from kernels.compiled import F64, Mask


@dataclass(frozen=True, slots=True)
class Deviation:
    """One region that deviates. Boxes are x, y, width, height; `golden_px` and `frame_px` in full pixels.

    Attributes:
        golden_px: its box in the golden image.
        frame_px: its box in the frame.
        size_mm: the largest distance across it, which the catalogue weighs.
        area_mm2: of its pixels.
        length_mm: its extent along its own principal direction, never more than `size_mm`.
        contrast: its largest excess beyond the tolerance, in codes, of a pixel or of the mean about one;
            0 where no pixel of it deviates, None where materials are compared, not codes.
        zones: all that it reaches into, the one with most of it first.
        corner: x, y of the first pixel of its window of the half-resolution view; of artwork, of the frame.
        inside: (h, w) bool, its pixels in that window.
    """

    golden_px: tuple[float, float, float, float]
    frame_px: tuple[float, float, float, float]
    size_mm: float
    area_mm2: float
    length_mm: float
    contrast: float | None
    zones: tuple[str, ...]
    corner: tuple[int, int]
    inside: Mask


def largest_extent(inside: Mask) -> float:
    """Return the largest distance across a region in pixels, pixels counted as squares of side one."""
    hull = _hull(inside)
    spans = hull[:, None] - hull[None]
    return (
        float(np.hypot(np.abs(spans[..., 0]) + 1, np.abs(spans[..., 1]) + 1).max()) if len(hull) > 1 else 1.0
    )


def principal_extent(inside: Mask) -> float:
    """Return the extent of a region along its principal direction in pixels, pixels counted as squares.

    The direction is the eigenvector of the larger second central moment; without one, as of a disk, x.
    """
    ys, xs = np.nonzero(inside)
    dx, dy = xs - xs.mean(), ys - ys.mean()
    angle = 0.5 * np.arctan2(2 * float(dx @ dy), float(dx @ dx - dy @ dy))
    along = np.array([np.cos(angle), np.sin(angle)])
    return float(np.ptp(_hull(inside) @ along) + np.abs(along).sum())


def _hull(inside: Mask) -> F64:
    """Return the (n, 2) x, y of the convex hull of a region's pixel centres."""
    ys, xs = np.nonzero(inside)
    return cv2.convexHull(np.column_stack((xs, ys)).astype(np.int32)).reshape(-1, 2).astype(np.float64)
