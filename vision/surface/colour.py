"""The colour of a region against the golden sample's, without a certificate of colour."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from golden.regions import Region
from kernels.colour import ciede2000, lab_from_linear
from kernels.comparison import GAMMA, UNIT_GAIN, mean_light
from kernels.compiled import F32, F64, I32, U8
from vision.regions import mask
from vision.surface.aligned import Aligned
from vision.surface.sampling import SCALE

_REPEATABILITY = 0.10  # CIEDE2000, what the model of light leaves over
_LEAST_SHARE = 0.5


@dataclass(frozen=True, slots=True)
class ColourDifference:
    """CIEDE2000 of a region's mean to the golden sample's, and its standard uncertainty."""

    value: float
    standard_uncertainty: float


@dataclass(frozen=True, slots=True, eq=False)
class ColourReference:
    """A colour region at half resolution: (n, 2) int32 pixels, and the golden image's mean light there."""

    pixels: I32
    light: F64

    @classmethod
    def of(cls, golden: U8, region: Region, table: F32) -> ColourReference:
        """Return what a region needs of the (h, w, 3) golden codes at half resolution.

        `table` is (256,) float32 code to light.
        """
        ys, xs = np.nonzero(mask(region, golden.shape[0], golden.shape[1], SCALE))
        pixels = np.column_stack((xs, ys)).astype(np.int32)
        return cls(pixels, mean_light(golden, pixels, UNIT_GAIN, table))

    def difference(self, aligned: Aligned, table: F32) -> ColourDifference | None:
        """Return a unit's difference to the golden sample, or None where too little of it is usable."""
        light = mean_light(aligned.pixels, self.pixels, aligned.gain, table)
        if light[6] < _LEAST_SHARE or self.light[6] < _LEAST_SHARE:
            return None
        golden_lab = lab_from_linear(self.light[:3])
        value = ciede2000(golden_lab, lab_from_linear(light[:3]))
        # what one standard deviation of the illumination's gain would do to the colour
        shifted = light[:3] * (1 + GAMMA * aligned.gain_residual)
        shading = ciede2000(lab_from_linear(light[:3]), lab_from_linear(shifted))
        return ColourDifference(value, math.hypot(shading, _REPEATABILITY))
