# pyright: reportUnknownMemberType=false
"""Linear light of a frame at several scales: what registration and the judgement of focus look at."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from kernels.compiled import F32, U8

COARSEST = 8


@dataclass(frozen=True, slots=True, eq=False)
class Pyramid:
    """Linear light of a frame, (h, w) uint8, and its averages over blocks of 2, 4 and 8 pixels."""

    full: U8
    half: U8
    quarter: U8
    eighth: U8

    @classmethod
    def of(cls, light: U8) -> Pyramid:
        """Build the averages; rows and columns beyond a multiple of 8 are left out of them."""
        h, w = (n - n % COARSEST for n in light.shape)
        half = shrink(light[:h, :w], 2)
        quarter = shrink(half, 2)
        return cls(light, half, quarter, shrink(quarter, 2))

    def at(self, scale: int) -> U8:
        """Return the image of one scale: 1, 2, 4 or 8."""
        return {1: self.full, 2: self.half, 4: self.quarter, 8: self.eighth}[scale]


def shrink(image: U8, scale: int) -> U8:
    """Return the image averaged over scale x scale blocks; pixel p becomes (p + 0.5) / scale - 0.5."""
    if scale == 1:
        return image
    h, w = (n // scale for n in image.shape)
    cut = image[: h * scale, : w * scale]
    return np.asarray(cv2.resize(cut, (w, h), interpolation=cv2.INTER_AREA), np.uint8)


def light_of(grey: U8, table: F32) -> U8:
    """Return linear light, (h, w) uint8, of grey codes: what registration compares."""
    return np.asarray(cv2.LUT(grey, np.round(table * 255).astype(np.uint8)), np.uint8)
