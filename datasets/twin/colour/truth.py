"""Colour as CIE 15:2018 defines it, and CIEDE2000 as ISO/CIE 11664-6 defines it.

Tristimulus values are sums over 380 to 780 nm every 5 nm, without a correction for bandwidth: the twin's
spectra are what they are at these wavelengths, so nothing is lost. The perfect reflecting diffuser has Y = 1.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Final

import numpy as np
from numpy.typing import NDArray

from datasets.errors import DatasetError
from datasets.twin.colour import spectra
from datasets.twin.colour.spectra import F64, WAVELENGTHS

_EPSILON: Final = (6 / 29) ** 3
_SLOPE: Final = (29 / 6) ** 2 / 3
_P25: Final = 25.0**7
_HALF_TURN: Final = 180 + 1e-9  # rounding must not decide the tie


def weights(illuminant: str | F64, observer: str = "2") -> F64:
    """Return (81, 3) weights: `reflectance @ weights` is XYZ, Y = 1 for the perfect diffuser.

    Args:
        illuminant: its name, or the relative spectral power (81,) of any light.
        observer: "2" or "10".
    """
    if isinstance(illuminant, str):
        return _named_weights(illuminant, observer)
    if illuminant.shape != WAVELENGTHS.shape:
        raise DatasetError(f"spectral power has shape {illuminant.shape}; {WAVELENGTHS.shape} is needed")
    matched = illuminant[:, None] * spectra.observer(observer)
    return matched / matched[:, 1].sum()


@lru_cache(maxsize=64)
def _named_weights(illuminant: str, observer: str) -> F64:
    return weights(spectra.illuminant(illuminant), observer)


def true_xyz(reflectance: F64, illuminant: str | F64, observer: str = "2") -> F64:
    """Return XYZ (..., 3) of reflectances (..., 81) under a light, exact by the definition."""
    return reflectance @ weights(illuminant, observer)


def true_lab(reflectance: F64, illuminant: str | F64, observer: str = "2") -> F64:
    """Return L*a*b* (..., 3) of reflectances (..., 81), the perfect diffuser in that light being white."""
    table = weights(illuminant, observer)
    return lab_of((reflectance @ table) / table.sum(axis=0))


def lab_of(relative: F64) -> F64:
    """Return L*a*b* (..., 3) of XYZ divided by the white's XYZ."""
    f = np.where(relative > _EPSILON, np.cbrt(relative), _SLOPE * relative + 4 / 29)
    x, y, z = f[..., 0], f[..., 1], f[..., 2]
    return np.stack([116 * y - 16, 500 * (x - y), 200 * (y - z)], axis=-1)


def true_ciede2000(reference: F64, sample: F64) -> F64:
    """Return CIEDE2000 (...) of L*a*b* (..., 3) with kL = kC = kH = 1, written from the standard.

    At hues exactly 180 degrees apart the hue difference keeps its sign and the mean hue is half their sum.
    """
    L1, a1, b1 = (reference[..., i] for i in range(3))
    L2, a2, b2 = (sample[..., i] for i in range(3))
    mean_c7 = ((np.hypot(a1, b1) + np.hypot(a2, b2)) / 2) ** 7
    stretch = 1 + 0.5 * (1 - np.sqrt(mean_c7 / (mean_c7 + _P25)))
    C1, h1 = _polar(a1 * stretch, b1)
    C2, h2 = _polar(a2 * stretch, b2)
    coloured = C1 * C2 > 0
    turn = h2 - h1
    short = np.abs(turn) <= _HALF_TURN
    dh = np.where(coloured, np.where(short, turn, turn - np.copysign(360, turn)), 0.0)
    total = h1 + h2
    wrapped = np.where(total < 360, total + 360, total - 360)
    h = np.where(coloured, np.where(short, total, wrapped) / 2, total)
    L, C = (L1 + L2) / 2, (C1 + C2) / 2
    T = 1 - 0.17 * _cos(h - 30) + 0.24 * _cos(2 * h) + 0.32 * _cos(3 * h + 6) - 0.20 * _cos(4 * h - 63)
    lightness = (L - 50) ** 2
    d_L = (L2 - L1) / (1 + 0.015 * lightness / np.sqrt(20 + lightness))
    d_C = (C2 - C1) / (1 + 0.045 * C)
    d_H = 2 * np.sqrt(C1 * C2) * np.sin(np.radians(dh / 2)) / (1 + 0.015 * C * T)
    rotation = -np.sin(np.radians(60 * np.exp(-(((h - 275) / 25) ** 2))))
    rotation = rotation * 2 * np.sqrt(C**7 / (C**7 + _P25))
    square = d_L**2 + d_C**2 + d_H**2 + rotation * d_C * d_H
    return np.asarray(np.sqrt(np.maximum(square, 0.0)), np.float64)


def _polar(a: F64, b: F64) -> tuple[F64, F64]:
    """Chroma, and hue in 0..360 degrees; grey has hue 0."""
    hue: NDArray[np.float64] = np.degrees(np.arctan2(b, a))
    return np.hypot(a, b), np.where(hue < 0, hue + 360, hue)


def _cos(degrees: F64) -> F64:
    return np.cos(np.radians(degrees))
