"""What approved units show at each pixel: exact running sums, from which one bad unit is set aside.

Codes are whole numbers, so sums of codes and of their squares are exact: a unit more costs one pass, the
order of the units does not matter, and no unit has to be kept. That is Welford's running mean and variance
(doi:10.1080/00401706.1962.10490022) without its rounding.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import numpy as np
import numpy.typing as npt

from kernels.compiled import F32, F64, U8, Mask

U16 = npt.NDArray[np.uint16]
U32 = npt.NDArray[np.uint32]

FEWEST = 4  # units from which something is learned: one is set aside, two degrees of freedom remain
MOST = 10_000  # units; sums of squares stay below 2**32

# Variance of n normal values without the one farthest from their mean: by what it is to be multiplied, and of
# how many degrees of freedom a chi-squared variable has the same variance of its logarithm. 400,000 samples
# each; `tests.vision.test_variation` draws them again.
_UNITS = (4, 5, 6, 7, 8, 10, 12, 15, 20, 30, 50, 100)
_FACTOR = (2.751, 2.174, 1.919, 1.762, 1.655, 1.521, 1.436, 1.355, 1.276, 1.196, 1.128, 1.073)
_FREEDOM = (1.79, 2.70, 3.62, 4.57, 5.53, 7.39, 9.34, 12.18, 17.14, 26.82, 46.66, 97.12)


@dataclass(frozen=True, slots=True, eq=False)
class Spread:
    """Mean and variance of units at each pixel, (h, w, 3) float32 codes, the farthest unit set aside."""

    mean: F32
    variance: F32
    degrees_of_freedom: float


@dataclass(frozen=True, slots=True, eq=False)
class Tally:
    """Sums over units in the golden view at half resolution, their illumination removed.

    Attributes:
        count: units.
        total: (h, w, 3) uint32 sum of codes.
        squares: (h, w, 3) uint32 sum of squared codes.
        least: (h, w, 3) uint8.
        greatest: (h, w, 3) uint8.
        beyond: (h, w) uint16, how many units deviate from the golden image alone.
    """

    count: int
    total: U32
    squares: U32
    least: U8
    greatest: U8
    beyond: U16

    @classmethod
    def empty(cls, height: int, width: int) -> Self:
        """Return the sums over no unit."""
        shape = height, width, 3
        return cls(
            0, np.zeros(shape, np.uint32), np.zeros(shape, np.uint32), np.full(shape, 255, np.uint8),
            np.zeros(shape, np.uint8), np.zeros((height, width), np.uint16),
        )  # fmt: skip

    def plus(self, codes: U8, beyond: Mask) -> Tally:
        """Return the sums with one unit more.

        Args:
            codes: (h, w, 3) uint8.
            beyond: (h, w) bool, where it deviates from the golden image alone.

        Raises:
            ValueError: MOST units are in it already.
        """
        if self.count >= MOST:
            raise ValueError(f"the sums hold {MOST} units and no more")
        wide = codes.astype(np.uint32)
        return Tally(
            self.count + 1, self.total + wide, self.squares + wide * wide,
            np.minimum(self.least, codes), np.maximum(self.greatest, codes), self.beyond + beyond,
        )  # fmt: skip

    def spread(self) -> Spread:
        """Return what the units but the farthest of each pixel and channel show; FEWEST units or more.

        The variance is that of normal values, of which setting one aside takes the tail; 1/12 of a squared
        code for rounding is in it.
        """
        n = self.count
        if n < FEWEST:
            raise ValueError(f"{n} units: {FEWEST} or more are needed")
        total: F64 = self.total.astype(np.float64)
        below, above = total - n * self.least.astype(np.float64), n * self.greatest.astype(np.float64) - total
        farthest = np.where(below > above, self.least, self.greatest).astype(np.float64)
        kept = total - farthest
        sums = self.squares - farthest * farthest - kept * kept / (n - 1)
        factor, freedom = (float(np.interp(n, _UNITS, row)) for row in (_FACTOR, _FREEDOM))
        if n > _UNITS[-1]:
            freedom = n - 3.0
        variance = np.maximum(sums, 0) * (factor / (n - 2)) + 1 / 12
        return Spread((kept / (n - 1)).astype(np.float32), variance.astype(np.float32), freedom)
