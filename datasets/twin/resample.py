"""Resampling onto a twice finer grid that moves no edge.

OpenCV's Lanczos kernel does not reproduce a ramp: at a quarter pixel it is off by 0.015 px, and that shifts
whole edges where a frame's pixels fall on one phase. This kernel reproduces polynomials to degree 3.
"""

# OpenCV publishes incomplete types.
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false
from __future__ import annotations

from typing import Final

import cv2
import numpy as np

from datasets.light import Floats

REACH: Final = 6
"""How many pixels either way a fine sample depends on."""


def _quarter_kernel() -> Floats:
    """Return 13 taps that interpolate a quarter pixel after the middle one."""
    x = np.arange(-REACH, REACH + 1) - 0.25
    taps = np.where(np.abs(x) < REACH, np.sinc(x) * np.sinc(x / REACH), 0.0)
    inside = np.abs(x) < REACH
    powers = np.vander(x[inside], 4, increasing=True).T  # rows 1, x, x^2, x^3
    missing = np.array([1.0, 0, 0, 0]) - powers @ taps[inside]
    taps[inside] += powers.T @ np.linalg.solve(powers @ powers.T, missing)
    return taps.astype(np.float32)


_AFTER: Final = _quarter_kernel()
_BEFORE: Final = _AFTER[::-1].copy()


def finer(image: Floats) -> Floats:
    """Return the image (h, w, c) on a grid (2h, 2w, c) where fine pixel 2x + 0.5 lies at pixel x."""
    height, width, channels = image.shape
    fine = np.empty((2 * height, 2 * width, channels), dtype=np.float32)
    for row, along_y in enumerate((_BEFORE, _AFTER)):
        for column, along_x in enumerate((_BEFORE, _AFTER)):
            part = cv2.sepFilter2D(image, cv2.CV_32F, along_x, along_y, borderType=cv2.BORDER_REPLICATE)
            fine[row::2, column::2] = part
    return fine
