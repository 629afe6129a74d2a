"""What one capture may draw: named constants, printed by whoever reports results of the twin."""

from __future__ import annotations

import math
from dataclasses import dataclass, fields
from typing import Final

from datasets.errors import DatasetError


@dataclass(frozen=True, kw_only=True)
class CaptureRanges:
    """The range of each quantity drawn once per capture, uniform and symmetric about its nominal value.

    Raises:
        DatasetError: A value is negative, not finite or beyond what the model holds for.
    """

    angle_deg: float
    """Largest rotation either way, degrees."""
    shift_fraction: float
    """Largest shift of the part's centre from the sensor's, as a fraction of the field on either axis."""
    scale_jitter: float
    """Largest relative deviation of the magnification."""
    tilt: float
    """Largest relative change of the magnification across the part's diagonal, by perspective."""
    exposure: float
    """Largest relative deviation of the exposure."""
    gradient: float
    """Largest relative deviation of the light from its value at the sensor's centre."""
    blur_sigma_px: tuple[float, float]
    """Least and greatest standard deviation of the optics' Gaussian point spread, sensor pixels."""
    full_well_e: float
    """Electrons of a pixel at linear light 1; infinity switches all noise off."""
    read_noise_e: float
    """Standard deviation of the read noise, electrons."""
    colour_drift: float = 0.0
    """Largest relative change of red and blue, in opposite senses, as when the lamp's temperature drifts."""

    def __post_init__(self) -> None:
        """Refuse ranges for which the model makes no sense."""
        limits = {
            "angle_deg": 180.0,
            "shift_fraction": 0.45,
            "scale_jitter": 0.2,
            "tilt": 0.1,
            "exposure": 0.9,
            "gradient": 0.9,
            "colour_drift": 0.5,
        }
        for name, most in limits.items():
            value = getattr(self, name)
            if not 0 <= value <= most:
                raise DatasetError(f"CaptureRanges.{name} is {value}; give a number from 0 to {most}")
        low, high = self.blur_sigma_px
        if not 0.3 <= low <= high <= 10:
            raise DatasetError(
                f"CaptureRanges.blur_sigma_px is {self.blur_sigma_px}; give the least and greatest, 0.3 to 10"
            )
        if not self.full_well_e >= 100:
            raise DatasetError(
                f"CaptureRanges.full_well_e is {self.full_well_e}; give at least 100 electrons"
            )
        if not (self.read_noise_e >= 0 and math.isfinite(self.read_noise_e)):
            raise DatasetError(
                f"CaptureRanges.read_noise_e is {self.read_noise_e}; give electrons, 0 or more"
            )

    def lines(self) -> tuple[str, ...]:
        """Return `name = value` of each constant, for printing beside results."""
        return tuple(f"{field.name} = {getattr(self, field.name)}" for field in fields(self))


DEMO_RANGES: Final = CaptureRanges(
    angle_deg=2.0,
    shift_fraction=0.02,
    scale_jitter=0.0002,
    tilt=0.0003,
    exposure=0.08,
    gradient=0.10,
    blur_sigma_px=(0.6, 0.9),
    full_well_e=20_000.0,
    read_noise_e=12.0,
)
"""A fixed camera over a fixture that places the part within a few per cent of the field."""

WIDE_RANGES: Final = CaptureRanges(
    angle_deg=5.0,
    shift_fraction=0.10,
    scale_jitter=0.0002,
    tilt=0.0003,
    exposure=0.08,
    gradient=0.10,
    blur_sigma_px=(0.6, 0.9),
    full_well_e=20_000.0,
    read_noise_e=12.0,
)
"""The same camera over a loosely placed part: what registration must cope with."""
