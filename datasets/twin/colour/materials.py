"""Coloured materials: drawn from pigments, changed as production changes them, and matched as metamers.

Kubelka and Munk (1931): an opaque layer with absorption K and scattering S reflects R inside, where
K/S = (1 - R)^2 / 2R; pigments add their K to that of a scattering base. A share of the light is reflected at
the surface and never enters: gloss trap, haze or dust change it. All spectra are smooth and lie in 0..1.
"""

# scipy publishes incomplete types.
# pyright: reportUnknownVariableType=false, reportArgumentType=false
from __future__ import annotations

from typing import Final

import numpy as np
from scipy.optimize import brentq

from datasets.errors import DatasetError
from datasets.twin.colour.spectra import F64, WAVELENGTHS
from datasets.twin.colour.truth import true_ciede2000, true_lab, weights

_FURTHEST: Final = 64.0
_BANDS: Final = {  # absorption: bands and long-pass edges, each (middle nm, width nm, strength)
    "yellow": ((), ((478, 9, 1.0),)),
    "orange": ((), ((540, 10, 1.0),)),
    "red": (((540, 45, 0.2),), ((588, 9, 1.0),)),
    "magenta": (((530, 32, 0.8), (560, 20, 0.6)), ()),
    "violet": (((570, 38, 1.0), (520, 30, 0.4)), ()),
    "blue": (((600, 42, 0.8), (660, 40, 0.7)), ()),
    "cyan": (((630, 45, 0.8), (690, 35, 0.8)), ((395, 12, 0.3),)),
    "turquoise": (((655, 55, 1.0), (400, 30, 0.4)), ()),
    "green": (((640, 48, 1.0), (435, 38, 0.7)), ()),
    "leaf": (((660, 42, 0.5),), ((490, 14, 1.0),)),
    "ochre": ((), ((520, 28, 0.5), (600, 40, 0.15))),
    "umber": ((), ((560, 70, 1.0),)),
    "black": ((), ()),
}
_FLOOR: Final = {"black": 1.0, "umber": 0.1, "ochre": 0.02}


def material(rng: np.random.Generator) -> F64:
    """Return the reflectance (81,) of a random opaque material: paint, plastic or textile.

    One to three pigments in a scattering base, some with black; about one in ten is a near white, one in ten
    a near black.
    """
    kind = rng.random()
    surface = float(rng.uniform(0.002, 0.04))
    ultraviolet = 10 ** rng.uniform(-1, 0.6) / (1 + np.exp((WAVELENGTHS - rng.uniform(385, 405)) / 7))
    ks = 0.002 + 0.003 * rng.random() + ultraviolet
    if kind < 0.1:
        ks = ks + 10 ** rng.uniform(-3.5, -1.7) * _pigment(rng)
    elif kind < 0.2:
        ks = ks + 10 ** rng.uniform(0.8, 2.2) * (1 + 0.3 * rng.random() * _pigment(rng))
    else:
        for load in 10 ** rng.uniform([-1.2, -2.5, -3.0], [1.6, 0.3, -0.3])[: rng.integers(1, 4)]:
            ks = ks + load * _pigment(rng)
        ks = ks + (rng.random() < 0.5) * 10 ** rng.uniform(-3, 0)
    return surface + (1 - surface) * _reflected(ks)


def near(
    reflectance: F64,
    rng: np.random.Generator,
    delta_e: float,
    illuminant: str | F64 = "D65",
    observer: str = "2",
) -> F64:
    """Return the same material (81,) as another batch of it, at a true CIEDE2000 of `delta_e` from the first.

    The direction is drawn: more or less of all pigments, of one pigment, its band shifted, a trace of
    another one, more or less light from the surface; how far it goes in that direction is solved for, to
    1e-9. The first is the reference of the difference.

    Raises:
        DatasetError: `delta_e` is below 0, or so large that twenty drawn directions do not reach it.
    """
    if delta_e < 0:
        raise DatasetError(f"a colour difference of {delta_e} is asked; it must be at least 0")
    if delta_e == 0:
        return reflectance.copy()
    reference = true_lab(reflectance, illuminant, observer)
    for _ in range(20):
        surface, ks, change, trace, haze = _direction(reflectance, rng)

        def batch(far: float) -> F64:
            outer = min(surface * np.exp(far * haze), 0.5)  # noqa: B023 - called within this turn only
            return outer + (1 - outer) * _reflected(ks * np.exp(far * change) + far * trace)  # noqa: B023

        def beyond(far: float) -> float:
            lab = true_lab(batch(far), illuminant, observer)
            return float(true_ciede2000(reference, lab)) - delta_e

        far = 0.125
        while far < _FURTHEST and beyond(far) < 0:
            far *= 2
        if far < _FURTHEST:
            return batch(float(brentq(beyond, 0.0, far, xtol=1e-11)))
    raise DatasetError(f"a batch of this material at a CIEDE2000 of {delta_e} could not be made")


def metamer(
    reflectance: F64,
    illuminant: str | F64,
    rng: np.random.Generator,
    observer: str = "2",
    strength: float = 0.8,
) -> F64:
    """Return another reflectance (81,) with the same XYZ under this light, and others under most lights.

    R + R (1 - R) q with a smooth random q, |q| at most `strength` (0..1), so that it stays in 0..1; q has no
    detail finer than about 40 nm. XYZ agree to rounding.

    Raises:
        DatasetError: `strength` is not in 0..1, or the reflectance leaves 0..1.
    """
    if not 0 <= strength <= 1 or reflectance.min() < 0 or reflectance.max() > 1:
        raise DatasetError("a metamer needs a strength and reflectances within 0..1")
    place = (WAVELENGTHS - WAVELENGTHS[0]) / (WAVELENGTHS[-1] - WAVELENGTHS[0])
    order = np.arange(11.0)
    waves = np.cos(np.pi * place[:, None] * order)
    seen = (waves * (reflectance * (1 - reflectance))[:, None]).T @ weights(illuminant, observer)
    unseen: F64 = np.linalg.svd(seen.T)[2][3:]
    mostly_broad = rng.standard_normal(11) * np.exp(-order / 3)
    q: F64 = waves @ (unseen.T @ (unseen @ mostly_broad))
    return reflectance + reflectance * (1 - reflectance) * q * (strength / np.abs(q).max())


def _direction(reflectance: F64, rng: np.random.Generator) -> tuple[float, F64, F64, F64, float]:
    """How a batch may differ: surface share and K/S; change of log K/S, of K/S and of log surface share."""
    surface = min(0.02, 0.6 * float(reflectance.min()))
    inside = np.clip((reflectance - surface) / (1 - surface), 1e-5, 1 - 1e-6)
    ks = (1 - inside) ** 2 / (2 * inside)
    load, one, shift_nm, haze = rng.standard_normal(4) * [0.10, 0.15, 0.8, 0.2]
    band = np.exp(-0.5 * ((WAVELENGTHS - rng.uniform(420, 660)) / rng.uniform(30, 70)) ** 2)
    slope = np.asarray(np.gradient(np.log(ks), WAVELENGTHS), np.float64)
    change = load + one * band - shift_nm * np.clip(slope, -0.1, 0.1)
    trace = 10 ** rng.uniform(-4.0, -2.5) * _pigment(rng)
    return surface, ks, change, trace, float(haze)


def _pigment(rng: np.random.Generator) -> F64:
    """Absorption (81,) of a pigment of a random kind, highest about 1."""
    name = str(rng.choice(list(_BANDS)))
    bands, edges = _BANDS[name]
    out = np.full(len(WAVELENGTHS), _FLOOR.get(name, 0.003))
    for middle, width, strength in bands:
        at, wide = middle + rng.uniform(-12, 12), width * rng.uniform(0.85, 1.2)
        out += strength * np.exp(-0.5 * ((WAVELENGTHS - at) / wide) ** 2)
    for middle, width, strength in edges:
        at, wide = middle + rng.uniform(-15, 15), width * rng.uniform(0.8, 1.4)
        out += strength / (1 + np.exp((WAVELENGTHS - at) / wide))
    return out


def _reflected(ks: F64) -> F64:
    """Reflectance of an opaque layer of this K/S."""
    return 1 + ks - np.sqrt(ks**2 + 2 * ks)
