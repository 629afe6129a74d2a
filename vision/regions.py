# pyright: reportUnknownMemberType=false
"""Regions of the golden view as masks and outlines."""

from __future__ import annotations

import cv2
import numpy as np

from golden.regions import Disk, Rectangle, Region
from kernels.compiled import F64, Mask

_SHIFT = 4  # sub-pixel bits of OpenCV's polygon filling


def outline(region: Region) -> F64:
    """Return the (n, 2) float64 corner points of a region's outline, golden pixels; a disk has 64."""
    if isinstance(region, Rectangle):
        left, top = region.x, region.y
        right, bottom = left + region.width - 1, top + region.height - 1
        return np.array([[left, top], [right, top], [right, bottom], [left, bottom]])
    if isinstance(region, Disk):
        t = np.linspace(0, 2 * np.pi, 64, endpoint=False)
        return np.array(region.center_px) + region.radius_px * np.stack((np.cos(t), np.sin(t)), axis=1)
    return np.array(region.points_px)


def dense_outline(region: Region) -> F64:
    """Return the closed outline with eight points on each side: a straight side may map to a bent one."""
    points = outline(region)
    t = np.linspace(0, 1, 8, endpoint=False)[:, None]
    following = np.roll(points, -1, axis=0)
    return np.concatenate([a + t * (b - a) for a, b in zip(points, following, strict=True)])


def mask(region: Region, height: int, width: int, scale: int = 1) -> Mask:
    """Return the (height, width) bool mask of a region on a golden view shrunk by `scale`."""
    canvas = np.zeros((height, width), np.uint8)
    points = ((outline(region) + 0.5) / scale - 0.5) * (1 << _SHIFT)
    cv2.fillPoly(canvas, [np.round(points).astype(np.int32)], 1, shift=_SHIFT)
    return canvas.astype(np.bool_)
