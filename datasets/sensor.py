"""What a sensor makes of light: photon and read noise, then 8-bit or 16-bit sRGB codes."""

# OpenCV publishes incomplete types.
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false
from __future__ import annotations

import math
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from datasets.light import Floats, encode

_LEVELS: Final = 65535
_CODES: Final = np.round(encode(np.arange(_LEVELS + 1) / _LEVELS) * 255).astype(np.uint8)


def add_noise(light: Floats, rng: np.random.Generator, *, full_well_e: float, read_noise_e: float) -> None:
    """Add photon and read noise to linear light in place, 1 being a full well; none if that is infinite.

    Electrons have the variance of their mean plus that of the read noise (EMVA 1288), here Gaussian, which a
    Poisson count is nearly above some tens of electrons.
    """
    if math.isinf(full_well_e):
        return
    deviation = light * np.float32(1 / full_well_e)
    deviation += np.float32((read_noise_e / full_well_e) ** 2)
    np.sqrt(deviation, out=deviation)
    deviation *= rng.standard_normal(light.shape, dtype=np.float32)
    light += deviation


def quantise(light: Floats) -> NDArray[np.uint8]:
    """Return the nearest 8-bit sRGB codes of linear light, clipped to 0..1, to within 0.03 code of exact."""
    levels = np.clip(light, 0, 1)
    levels *= np.float32(_LEVELS)
    levels += np.float32(0.5)
    return np.asarray(cv2.LUT(levels.astype(np.uint16), _CODES), dtype=np.uint8)


def quantise_16(light: Floats) -> NDArray[np.uint16]:
    """Return the nearest 16-bit sRGB codes of linear light, clipped to 0..1."""
    return np.round(encode(light) * 65535).astype(np.uint16)
