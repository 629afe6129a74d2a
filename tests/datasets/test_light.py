"""Colour against published values, noise against the photon model, quantising against rounding."""

from __future__ import annotations

import numpy as np
import pytest
from skimage.color import lab2rgb, rgb2lab

from datasets.light import encode, lab_from_linear, linear_from_lab, to_linear
from datasets.sensor import add_noise, quantise, quantise_16


def test_codes_decode_as_the_standard_says() -> None:
    # IEC 61966-2-1: the linear toe ends at 0.04045; code 128 is 0.21586.
    assert to_linear(np.array([0, 10, 128, 255], np.uint8)) == pytest.approx(
        [0, 10 / 255 / 12.92, 0.2158605, 1]
    )


def test_every_code_survives_linear_light() -> None:
    codes = np.arange(256, dtype=np.uint8).reshape(16, 16)
    np.testing.assert_array_equal(quantise(to_linear(codes)), codes)
    np.testing.assert_array_equal(quantise_16(to_linear(codes)), codes.astype(np.uint16) * 257)


def test_quantising_is_rounding() -> None:
    light = np.linspace(-0.1, 1.1, 200_000, dtype=np.float32).reshape(400, 500)
    exact = encode(light) * 255
    assert np.abs(quantise(light) - exact).max() < 0.53


def test_lab_agrees_with_another_library() -> None:
    linear = np.random.default_rng(1).random((50, 3)) ** 2
    lab = lab_from_linear(linear)
    assert np.abs(lab - rgb2lab(encode(linear).astype(np.float64))).max() < 0.02
    np.testing.assert_allclose(linear_from_lab(lab), linear, atol=1e-5)
    assert np.abs(encode(linear_from_lab(lab)) - lab2rgb(lab)).max() < 3e-3


@pytest.mark.parametrize("mean", [0.02, 0.2, 0.8])
def test_noise_has_the_variance_of_photons_and_readout(mean: float) -> None:
    light = np.full((500, 600), mean, dtype=np.float32)
    add_noise(light, np.random.default_rng(5), full_well_e=10_000, read_noise_e=20)
    electrons = light * 10_000
    # The variance of 300 000 samples is known to 0.26 %.
    assert electrons.var() == pytest.approx(mean * 10_000 + 20**2, rel=0.012)
    assert electrons.mean() == pytest.approx(mean * 10_000, abs=1)
