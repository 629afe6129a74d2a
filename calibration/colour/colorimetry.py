"""CIE colorimetry: illuminants and observers by name, L*a*b*, spectra, chromatic adaptation.

XYZ is relative: Y = 1 for the perfect reflecting diffuser. Arrays are float64 (..., 3), white points (3,).
Sources: CIE 15:2018 (white points of A, C and the daylights: its tables; weights: sums over 380 to 780 nm in
steps of 5 nm, clause 7.2), ISO/CIE 11664-4:2019 (L*a*b*), Lam (1985, Bradford), Li et al. (2017, CAT16,
doi:10.1002/col.22131). The spectra are in `cie_spectra.csv`, which names its own source.
"""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from typing import Literal, get_args

import numpy as np
from pydantic import TypeAdapter, ValidationError
from scipy.interpolate import CubicSpline

from calibration.errors import SpectrumError, UnknownIlluminantError
from golden.colours import Illuminant
from kernels.compiled import F64

Observer = Literal["2", "10"]
AdaptationMethod = Literal["Bradford", "CAT16"]

# CIE 15:2018, tristimulus values of illuminants, Y = 1: 2 degrees, 10 degrees
_TABULATED: dict[str, tuple[tuple[float, float], tuple[float, float]]] = {
    "A": ((1.0985, 0.3558), (1.1114, 0.3520)),
    "C": ((0.9807, 1.1822), (0.9729, 1.1614)),
    "D50": ((0.9642, 0.8251), (0.9672, 0.8143)),
    "D55": ((0.9568, 0.9214), (0.9580, 0.9093)),
    "D65": ((0.9504, 1.0888), (0.9481, 1.0732)),
    "D75": ((0.9497, 1.2261), (0.9442, 1.2064)),
    "E": ((1.0, 1.0), (1.0, 1.0)),
}
ILLUMINANTS: tuple[str, ...] = get_args(get_args(Illuminant)[0])
OBSERVERS: tuple[Observer, ...] = ("2", "10")

_NAME = TypeAdapter[str](Illuminant)
_DELTA = 6 / 29
_CONES = {
    "Bradford": np.array([[0.8951, 0.2664, -0.1614], [-0.7502, 1.7135, 0.0367], [0.0389, -0.0685, 1.0296]]),
    "CAT16": np.array(
        [[0.401288, 0.650173, -0.051461], [-0.250268, 1.204414, 0.045854], [-0.002079, 0.048952, 0.953127]]
    ),
}


def illuminant_name(name: str) -> str:
    """Return CIE's name of an illuminant: "F11" and the trade name "TL84" are FL11; case does not matter.

    A lamp sold as TL84 resembles FL11 and is not identical with it.

    Raises:
        UnknownIlluminantError: it is not one of `ILLUMINANTS`, which the message lists.
    """
    try:
        return _NAME.validate_python(name.strip().upper())
    except ValidationError as error:
        known = ", ".join(ILLUMINANTS)
        raise UnknownIlluminantError(
            f"illuminant {name!r} is not known: write one of {known}, F1 to F12 or TL84 (FL11)"
        ) from error


def observer_name(name: str) -> Observer:
    """Return "2" (CIE 1931) or "10" (CIE 1964).

    Raises:
        UnknownIlluminantError: it is neither.
    """
    for observer in OBSERVERS:
        if name.strip() == observer:
            return observer
    raise UnknownIlluminantError(
        f'observer {name!r} is not known: write "2" (CIE 1931, 2 degrees) or "10" (CIE 1964, 10 degrees)'
    )


def white_point(illuminant: str, observer: str = "2") -> F64:
    """Return the XYZ (3,) of the perfect reflecting diffuser under an illuminant, Y = 1.

    Raises:
        UnknownIlluminantError: no such illuminant or observer.
    """
    name, viewer = illuminant_name(illuminant), observer_name(observer)
    if name in _TABULATED:
        x, z = _TABULATED[name][OBSERVERS.index(viewer)]
        return np.array([x, 1.0, z])
    total: F64 = _weights(name, viewer)[1].sum(axis=0)
    return total / total[1]


def lab_from_xyz(xyz: F64, white: F64) -> F64:
    """Return L*a*b* (..., 3) of XYZ (..., 3) against a white (3,) in the same scale.

    Below (6/29)^3 of the white the linear branch of the standard holds, on which negative values stay finite.
    """
    ratio: F64 = np.asarray(xyz, np.float64) / white
    f: F64 = np.where(ratio > _DELTA**3, np.cbrt(ratio), ratio / (3 * _DELTA**2) + 4 / 29)
    x, y, z = f[..., 0], f[..., 1], f[..., 2]
    return np.stack((116 * y - 16, 500 * (x - y), 200 * (y - z)), axis=-1)


def xyz_from_lab(lab: F64, white: F64) -> F64:
    """Return XYZ (..., 3) of L*a*b* (..., 3): the inverse of `lab_from_xyz`."""
    values = np.asarray(lab, np.float64)
    y = (values[..., 0] + 16) / 116
    f: F64 = np.stack((y + values[..., 1] / 500, y, y - values[..., 2] / 200), axis=-1)
    ratio: F64 = np.where(f > _DELTA, f**3, 3 * _DELTA**2 * (f - 4 / 29))
    return ratio * white


def lab_jacobian(xyz: F64, white: F64) -> F64:
    """Return d(L*, a*, b*) / d(X, Y, Z), (..., 3, 3), at XYZ (..., 3)."""
    ratio: F64 = np.asarray(xyz, np.float64) / white
    bright = ratio > _DELTA**3
    root: F64 = np.cbrt(np.where(bright, ratio, 1.0))
    slope: F64 = np.where(bright, root**-2 / 3, 1 / (3 * _DELTA**2)) / white
    mix = np.array([[0.0, 116.0, 0.0], [500.0, -500.0, 0.0], [0.0, 200.0, -200.0]])
    return mix * slope[..., None, :]


def adaptation(source_white: F64, target_white: F64, method: AdaptationMethod = "Bradford") -> F64:
    """Return the (3, 3) matrix that takes XYZ under one white to corresponding XYZ under another.

    One von Kries step in the method's cone space, full adaptation (D = 1); `matrix @ source_white` is the
    target white. It says what looks alike, not what a given surface would measure under the other light.
    """
    cones = _CONES[method]
    gain = (cones @ target_white) / (cones @ source_white)
    return np.linalg.inv(cones) @ (gain[:, None] * cones)


def xyz_from_reflectance(wavelengths: F64, reflectance: F64, illuminant: str, observer: str = "2") -> F64:
    """Return XYZ (..., 3) of spectral reflectances (..., w) under an illuminant.

    Between wavelengths a cubic spline is taken, beyond them the last value (CIE 15:2018, 7.2.2 and 7.2.3);
    the instrument's bandpass is not undone. The perfect diffuser has exactly `white_point`.

    Args:
        wavelengths: (w,) nm, rising, at least from 400 to 700 in steps of 20 or less.
        reflectance: 0..1, 1 for the perfect diffuser; fluorescent samples may exceed it.
        illuminant: its name.
        observer: "2" or "10".

    Raises:
        SpectrumError: the wavelengths do not fit.
        UnknownIlluminantError: no such illuminant or observer.
    """
    steps = np.diff(wavelengths)
    reaches = steps.size > 0 and wavelengths[0] <= 400 and wavelengths[-1] >= 700
    if not reaches or steps.min() <= 0 or steps.max() > 20:
        raise SpectrumError(
            "a spectrum must reach at least from 400 to 700 nm, rising, in steps of 20 nm or less: "
            "export it again with these wavelengths"
        )
    grid, weights = _weights(illuminant_name(illuminant), observer_name(observer))
    inside = np.clip(grid, wavelengths[0], wavelengths[-1])
    spectrum: F64 = CubicSpline(wavelengths, reflectance, axis=-1)(inside)
    return white_point(illuminant, observer) * (spectrum @ weights) / weights.sum(axis=0)


@cache
def _weights(illuminant: str, observer: Observer) -> tuple[F64, F64]:
    """Return wavelengths (w,) and weights (w, 3), in any scale."""
    columns = _spectra()
    matching: F64 = np.stack([columns[axis + observer] for axis in "xyz"], axis=-1)
    weights: F64 = matching * columns[illuminant][:, None]
    return columns["nm"], weights


@cache
def _spectra() -> dict[str, F64]:
    text = files("calibration.colour").joinpath("cie_spectra.csv").read_text(encoding="utf-8")
    header, *rows = (line for line in text.splitlines() if not line.startswith("#"))
    table = np.array([[float(cell) for cell in row.split(",")] for row in rows])
    return {name: table[:, i] for i, name in enumerate(header.split(","))}
