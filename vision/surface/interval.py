# pyright: reportUnknownMemberType=false
"""The interval of codes that one golden image lets each pixel have: edges, texture and noise foreseen."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from kernels.compiled import U8

_BASE_TOLERANCE = 9  # codes: noise and residual shading
_TEXTURE_TOLERANCE = 0.25  # of the golden interval's width


@dataclass(frozen=True, slots=True, eq=False)
class Interval:
    """What each pixel at half resolution may be: `low - tolerance` to `high + tolerance`, in codes.

    Attributes:
        low: (h, w, 3) uint8 least code.
        high: (h, w, 3) uint8 greatest code.
        tolerance: (h, w) uint8 codes that are tolerated beyond both.
    """

    low: U8
    high: U8
    tolerance: U8


def golden_interval(golden: U8) -> Interval:
    """Return the interval of (h, w, 3) uint8 golden codes nearby: edges are tolerated to about one pixel."""
    kernel = np.ones((3, 3), np.uint8)
    soft = np.asarray(cv2.GaussianBlur(golden, (3, 3), 0.5), np.uint8)
    low = np.minimum(np.asarray(cv2.erode(golden, kernel), np.uint8), soft)
    high = np.maximum(np.asarray(cv2.dilate(golden, kernel), np.uint8), soft)
    width = (high.astype(np.int16) - low).max(axis=2)
    tolerance = np.clip(_BASE_TOLERANCE + _TEXTURE_TOLERANCE * width, 0, 255).astype(np.uint8)
    return Interval(low, high, tolerance)
