"""A frame at several scales: what registration, the judgement of focus and the comparison look at."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from kernels.compiled import F32, U8
from kernels.light import luminance_window
from kernels.warp import halve

COARSEST = 8


@dataclass(frozen=True, slots=True, eq=False)
class Pyramid:
    """Codes of a frame, (h, w, 3) uint8 RGB, and their averages over blocks of 2, 4 and 8 pixels.

    Codes are averaged, not light: that is enough to find where to look at full scale, and cheap.
    `table`, (256,) float32, is the light of each code.
    """

    full: U8
    half: U8
    quarter: U8
    eighth: U8
    table: F32

    @classmethod
    def of(cls, codes: U8, table: F32) -> Pyramid:
        """Build the averages; rows and columns beyond whole blocks are left out of them."""
        codes = np.ascontiguousarray(codes)
        half = _half(codes)
        quarter = _half(half)
        return cls(codes, half, quarter, _half(quarter), table)

    def at(self, scale: int) -> U8:
        """Return the codes of one scale: 1, 2, 4 or 8."""
        return {1: self.full, 2: self.half, 4: self.quarter, 8: self.eighth}[scale]

    def light(self, scale: int) -> F32:
        """Return the linear-light luminance of one scale, (h, w) float32 in 0..1."""
        codes = self.at(scale)
        return luminance_window(codes, self.table, 0, 0, codes.shape[1], codes.shape[0])


def _half(codes: U8) -> U8:
    out = np.empty((codes.shape[0] // 2, codes.shape[1] // 2, 3), np.uint8)
    halve(codes, out)
    return out
