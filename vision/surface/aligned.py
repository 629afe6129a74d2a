"""The aligned unit, and the smooth gain of illumination that makes it match the golden image."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from kernels.comparison import GAMMA, UNIT_GAIN, block_means
from kernels.compiled import F64, U8, Mask
from kernels.quadratic import padded, robust_quadratic
from vision.field import Field
from vision.mapping import QuadraticMap

_BLOCK = 24  # pixels at half resolution
_CLIPS = 240  # codes: above, a camera's response bends before it clips, first in one channel
_LIGHT_RANGE = (0.7, 1.43)  # light of the unit over light of the golden sample
_MOST_UNEVEN = 1.35  # greatest over least of that ratio: more is no gradient of a lamp


@dataclass(frozen=True, slots=True, eq=False)
class Aligned:
    """A unit in the golden view at half resolution, with its illumination.

    Attributes:
        pixels: (h, w, 3) uint8 codes.
        gain: (6,) quadratic gain that makes it match the golden image.
        gain_residual: relative rms of what the gain leaves between blocks.
        field: where the unit's artwork lies beside the smooth map, or None where the map alone fits.
        shown: (h, w) uint8, 0 where the frame does not show what is inspected; None where it shows all of it.
    """

    pixels: U8
    gain: F64
    gain_residual: float
    field: Field | None = None
    shown: U8 | None = None

    @property
    def largest_px(self) -> float:
        """The greatest displacement of the field in native golden pixels, 0 without a field."""
        return 0.0 if self.field is None else self.field.largest_px

    def frame_points(self, mapping: QuadraticMap, golden: F64) -> F64:
        """Map (n, 2) golden points to the frame: the field first, then the map."""
        return mapping.points(golden if self.field is None else golden + self.field.points(golden))

    @property
    def comparable(self) -> bool:
        """Whether the unit's light is near enough to the golden sample's, everywhere, to be corrected."""
        u, v = (axis.ravel() for axis in np.meshgrid((-1.0, 0.0, 1.0), (-1.0, 0.0, 1.0)))
        gain = np.stack((np.ones_like(u), u, v, u * u, u * v, v * v), axis=1) @ self.gain
        ratio = np.maximum(gain, 1e-3) ** -GAMMA
        within = (ratio > _LIGHT_RANGE[0]) & (ratio < _LIGHT_RANGE[1])
        return bool(within.all()) and float(ratio.max() / ratio.min()) < _MOST_UNEVEN


class Illumination:
    """Finds the light of units against that of the golden image.

    Args:
        golden: (h, w, 3) uint8 golden codes at half resolution.
        ignored: (h, w) bool, pixels that tell nothing.
    """

    def __init__(self, golden: U8, ignored: Mask) -> None:
        """Take the golden image's block means where light shows: neither very dark nor near saturation."""
        grey = golden.mean(axis=2)
        self._lit = ((grey > 40) & (golden.max(axis=2) < _CLIPS) & ~ignored).astype(np.uint8)
        means = block_means(golden, self._lit, _BLOCK)
        self._known = np.flatnonzero(
            means > 0
        )  # of units, too: which blocks show enough is the golden image's
        self._golden_blocks = means.ravel()[self._known]
        rows, columns = np.divmod(self._known, max(means.shape[1], 1))
        height, width = self._lit.shape
        u, v = 2 * (columns + 0.5) * _BLOCK / width - 1, 2 * (rows + 0.5) * _BLOCK / height - 1
        self._places = padded(np.stack((u, v)))

    def of(self, aligned: U8) -> tuple[F64, float]:
        """Return the (6,) quadratic gain of a unit and the relative rms that it leaves between blocks."""
        if not len(self._known):
            return UNIT_GAIN, 0.0
        blocks = block_means(aligned, self._lit, _BLOCK).ravel()[self._known]
        return robust_quadratic(self._places, padded(self._golden_blocks / blocks), len(blocks), False)
