# pyright: reportUnknownMemberType=false
"""The colour channel: squares whose mean colour differs, though no pixel of them leaves its tolerance."""

from __future__ import annotations

import cv2
import numpy as np

from kernels.colour import ciede2000_each, lab_from_linear
from kernels.compiled import F32, F64, U8, Mask
from vision.surface.interval import Interval

_FLAT = 24  # codes of the golden interval's width: more is an edge, whose mean depends on where it lies
_LEAST_SHARE = 0.5  # of a square's pixels that are flat and judged


class ColourChannel:
    """Compares mean colours of squares away from edges; what does not depend on the unit is computed here.

    Colours are those of the codes' light under sRGB primaries, as `vision.surface.colour` takes them.

    Args:
        golden: (h, w, 3) uint8 golden codes at half resolution.
        interval: what the golden image allows.
        judged: (h, w) uint8, 0 where the surface is not inspected.
        table: (256,) float32 code to light.
        side: of a square, pixels, 2 or more.
        delta_e: CIEDE2000 above which a square deviates.
    """

    def __init__(
        self, golden: U8, interval: Interval, judged: U8, table: F32, side: int, delta_e: float
    ) -> None:
        """Take the golden image's mean colours."""
        self._table, self._side, self._delta_e = table, side, delta_e
        width = (interval.high.astype(np.int16) - interval.low).max(axis=2)
        self._flat = ((width <= _FLAT) & (judged > 0)).astype(np.float32)
        self._share = self._means(self._flat)
        self._used = self._share >= _LEAST_SHARE
        self._lab = self._colours(golden)

    def deviates(self, codes: U8) -> Mask:
        """Return (h, w) bool, the flat pixels of squares that deviate, of relit codes at half resolution."""
        found = np.zeros(self._share.shape, np.uint8)
        found[self._used] = ciede2000_each(self._lab, self._colours(codes)) > self._delta_e
        height, width = self._flat.shape
        whole = found.repeat(self._side, axis=0).repeat(self._side, axis=1)[:height, :width]
        return (whole > 0) & (self._flat > 0)

    def _colours(self, codes: U8) -> F64:
        """Return L*a*b*, (n, 3), of the squares that are used."""
        light = np.asarray(cv2.LUT(codes, self._table), np.float32) * self._flat[..., None]
        mean = self._means(light)[self._used].astype(np.float64)
        return lab_from_linear(mean / self._share[self._used][:, None])

    def _means(self, image: F32) -> F32:
        """Return the means of squares; those at the far borders are filled up with zeros."""
        height, width = image.shape[:2]
        down, across = -height % self._side, -width % self._side
        filled = cv2.copyMakeBorder(image, 0, down, 0, across, cv2.BORDER_CONSTANT, value=0)
        size = (width + across) // self._side, (height + down) // self._side
        return np.asarray(cv2.resize(filled, size, interpolation=cv2.INTER_AREA), np.float32)
