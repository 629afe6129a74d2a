"""Camera sensitivities: two measured ones, and industrial RGB cameras drawn as such sensors are built."""

from __future__ import annotations

from functools import cache
from typing import Final

import numpy as np

from datasets.twin.colour.spectra import F64, WAVELENGTHS, known, published_camera

INDUSTRIAL: Final = tuple(f"industrial-{n}" for n in range(1, 9))


def camera(name: str) -> F64:
    """Return relative sensitivities R, G, B (81, 3), highest 1.

    "nikon-5100" and "sigma-sd-merrill" are measured, "industrial-1" to "industrial-8" drawn. None is a linear
    transform of an observer.

    Raises:
        DatasetError: no such camera.
    """
    if name in INDUSTRIAL:
        return _industrial(int(name.rpartition("-")[2]))
    return published_camera(name)


def cameras() -> tuple[str, ...]:
    """Return the names that `camera` knows."""
    return (*known("camera"), *INDUSTRIAL)


def drawn_camera(rng: np.random.Generator) -> F64:
    """Return the sensitivities (81, 3) of a plausible RGB area sensor with an infrared cut filter.

    Silicon's quantum efficiency times dye filters with skew flanks and leaks (red is a long-pass, green and
    red leak a few per cent into the blue, blue into the red) times lens and cut filter.
    """
    w = WAVELENGTHS
    blue = _bell(rng.uniform(448, 468), rng.uniform(22, 30), rng.uniform(28, 38))
    green = _bell(rng.uniform(522, 542), rng.uniform(32, 42), rng.uniform(34, 46))
    red = _step(rng.uniform(572, 592), rng.uniform(6, 11)) * rng.uniform(0.85, 1.0)
    leak = rng.uniform([0.02, 0.03, 0.01], [0.08, 0.10, 0.05])
    red = red + leak[0] * _bell(rng.uniform(430, 470), 35, 45)
    green = green + leak[1] * _bell(rng.uniform(620, 680), 50, 50) + 0.5 * leak[1]
    blue = blue + leak[2] * _step(rng.uniform(640, 680), 15) + 0.5 * leak[2]
    silicon = 1 - rng.uniform(0.25, 0.45) * ((w - 560) / 200) ** 2 + rng.uniform(-0.1, 0.1) * (w - 560) / 200
    window = _step(rng.uniform(400, 418), 4.0) * (1 - _step(rng.uniform(645, 685), rng.uniform(5, 10)))
    out = np.stack([red, green, blue], axis=-1) * (silicon * window)[:, None]
    return np.asarray(out / out.max(), np.float64)


def _bell(peak: float, below: float, above: float) -> F64:
    """A Gaussian with a different width on either side, nm."""
    distance = WAVELENGTHS - peak
    return np.exp(-0.5 * (distance / np.where(distance < 0, below, above)) ** 2)


def _step(middle: float, width: float) -> F64:
    return 1 / (1 + np.exp((middle - WAVELENGTHS) / width))


@cache
def _industrial(seed: int) -> F64:
    out = drawn_camera(np.random.default_rng(seed))
    out.flags.writeable = False
    return out
