"""A lamp: its spectrum, how it ages, how its power changes from one exposure to the next."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np

from datasets.errors import DatasetError
from datasets.twin.colour.spectra import F64, WAVELENGTHS, illuminant, observer


@dataclass(frozen=True, slots=True)
class Ageing:
    """Relative changes in 1,000 hours of burning; those of a white LED by default.

    Attributes:
        power: loss of power at all wavelengths.
        tilt: growth of the red end against the blue end (`Light.tilt`).
        phosphor: loss around 560 nm (`Light.phosphor`).
    """

    power: float = 0.02
    tilt: float = 0.004
    phosphor: float = 0.004


@dataclass(frozen=True, slots=True)
class Light:
    """A lamp of an illuminant's spectrum, changed smoothly in power and colour.

    Attributes:
        illuminant: name, as `datasets.twin.colour.illuminant` knows it.
        power: relative to the lamp when the station was set up.
        tilt: power at wavelength w is multiplied by exp(tilt (w - 560 nm) / 200 nm): a warmer lamp above 0.
        phosphor: relative loss at 560 nm, a Gaussian of 50 nm standard deviation.
        flicker: relative standard deviation of the power between exposures.
        ageing: what `drifted` applies.
    """

    illuminant: str = "D65"
    power: float = 1.0
    tilt: float = 0.0
    phosphor: float = 0.0
    flicker: float = 0.0
    ageing: Ageing = Ageing()

    def __post_init__(self) -> None:
        if self.power <= 0 or self.flicker < 0 or self.phosphor >= 1:
            raise DatasetError("a light needs power above 0, flicker of at least 0 and phosphor loss below 1")
        illuminant(self.illuminant)

    @property
    def spectrum(self) -> F64:
        """Spectral power (81,); unchanged and at power 1 it gives the perfect diffuser a luminance of 1."""
        published = illuminant(self.illuminant)
        change = np.exp(self.tilt * (WAVELENGTHS - 560) / 200)
        change *= 1 - self.phosphor * np.exp(-0.5 * ((WAVELENGTHS - 560) / 50) ** 2)
        return published * change * (self.power / (published @ observer("2")[:, 1]))

    def drifted(self, hours: float) -> Light:
        """Return the lamp after so many more hours of burning."""
        kilohours = hours / 1000
        left = (1 - self.phosphor) * math.exp(-self.ageing.phosphor * kilohours)
        return replace(
            self,
            power=self.power * math.exp(-self.ageing.power * kilohours),
            tilt=self.tilt + self.ageing.tilt * kilohours,
            phosphor=1 - left,
        )
