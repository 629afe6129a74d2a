"""L*a*b* as a screen shows it: for pictures that people look at, never for a number."""

from __future__ import annotations

import numpy as np

from calibration.colour import adaptation, white_point, xyz_from_lab
from kernels.compiled import F64, U8

# IEC 61966-2-1:1999, XYZ of D65 to linear sRGB
_SRGB = np.array([[3.2406, -1.5372, -0.4986], [-0.9689, 1.8758, 0.0415], [0.0557, -0.2040, 1.0570]])


def srgb(lab: F64, illuminant: str, observer: str = "2") -> U8:
    """Return 8-bit sRGB (..., 3) of L*a*b* (..., 3), adapted to the screen's D65, clipped to its gamut."""
    white = white_point(illuminant, observer)
    xyz = xyz_from_lab(lab, white) @ adaptation(white, white_point("D65")).T
    return encoded(xyz @ _SRGB.T)


def hexadecimal(lab: F64, illuminant: str, observer: str = "2") -> str:
    """Return the colour of L*a*b* (3,) as HTML writes it."""
    return "#" + srgb(lab, illuminant, observer).tobytes().hex()


def encoded(light: F64) -> U8:
    """Return 8-bit codes of linear light (...), 0..1, clipped."""
    inside = np.clip(light, 0, 1)
    codes = np.where(inside <= 0.0031308, 12.92 * inside, 1.055 * inside ** (1 / 2.4) - 0.055)
    return np.asarray(np.rint(255 * codes), np.uint8)
