"""S-CIELAB: against direct convolution with the published kernels, and the properties it was made for."""

from __future__ import annotations

import math

import numpy as np
import pytest

from kernels.compiled import F64
from vision.colour.difference import delta_e
from vision.colour.scielab import samples_per_degree, scielab_difference, seen

WHITE = np.array([0.95047, 1.0, 1.08883])
# Zhang and Wandell (1997), table of weights and spreads; opponent space of Poirson and Wandell (1993).
TO_OPPONENT = np.array([[0.279, 0.720, -0.107], [-0.449, 0.290, -0.077], [0.086, -0.590, 0.501]])
WEIGHTS = ((0.921, 0.105, -0.108), (0.531, 0.330), (0.488, 0.371))
SPREADS = ((0.0283, 0.133, 4.336), (0.0392, 0.494), (0.0536, 0.386))


def direct(xyz: F64, density: float) -> F64:
    """Convolve the image, mirrored without end, with whole kernels by FFT."""
    h, w = xyz.shape[:2]
    opponent = np.pad(xyz @ TO_OPPONENT.T, ((0, h), (0, w), (0, 0)), mode="symmetric")
    planes = []
    for channel, (weights, spreads) in enumerate(zip(WEIGHTS, SPREADS, strict=True)):
        kernel = sum(
            weight * np.outer(wrapped(spread * density, 2 * h), wrapped(spread * density, 2 * w))
            for weight, spread in zip(weights, spreads, strict=True)
        )
        spectrum = np.fft.rfft2(opponent[..., channel]) * np.fft.rfft2(kernel / np.sum(kernel))
        planes.append(np.fft.irfft2(spectrum, s=(2 * h, 2 * w))[:h, :w])
    return np.stack(planes, axis=-1) @ np.linalg.inv(TO_OPPONENT).T


def wrapped(spread: float, period: int) -> F64:
    """Return exp(-x^2 / s^2) of sum one, wrapped round a period."""
    x = np.arange(-math.ceil(5 * spread), math.ceil(5 * spread) + 1)
    gauss = np.exp(-((x / spread) ** 2))
    out = np.zeros(period)
    np.add.at(out, x % period, gauss / gauss.sum())
    return out


@pytest.mark.parametrize("density", [15.0, 60.0, 150.0])
def test_it_is_the_convolution_with_the_published_kernels(density: float) -> None:
    rng = np.random.default_rng(1)
    coarse = rng.uniform(0.05, 0.9, (30, 40, 3))
    image = np.repeat(np.repeat(coarse, 5, axis=0), 5, axis=1) * WHITE
    np.testing.assert_allclose(seen(image, density), direct(image, density), atol=1e-3)


def test_even_areas_keep_their_plain_difference() -> None:
    one, two = np.array([0.3, 0.32, 0.2]), np.array([0.31, 0.32, 0.22])
    shape = (40, 50, 3)
    found = scielab_difference(
        np.broadcast_to(one, shape), np.broadcast_to(two, shape), WHITE, 0.1, 500, "CIE76"
    )

    def lab(xyz: F64) -> F64:
        f = np.cbrt(xyz / WHITE)
        return np.array([116 * f[1] - 16, 500 * (f[0] - f[1]), 200 * (f[1] - f[2])])

    np.testing.assert_allclose(found, float(delta_e(lab(one), lab(two), "CIE76")), rtol=2e-4)


@pytest.mark.parametrize(("distance_mm", "low", "high"), [(1000, 0.0, 0.1), (30, 10.0, 100.0)])
def test_a_fine_checkerboard_is_its_mean_from_afar(distance_mm: float, low: float, high: float) -> None:
    """Squares of 0.05 mm: 0.003 degrees at 1 m."""
    checks = np.indices((96, 96)).sum(axis=0) % 2
    pattern = (0.1 + 0.4 * checks)[..., None] * WHITE
    even = np.broadcast_to(pattern.mean(axis=(0, 1)), pattern.shape)
    found = scielab_difference(even, pattern, WHITE, 0.05, distance_mm)
    inside = found[20:-20, 20:-20]
    assert low <= inside.mean() <= high


def test_samples_of_a_degree() -> None:
    assert samples_per_degree(0.1, 500) == pytest.approx(500 * math.tan(math.radians(1)) / 0.1)
