"""Catmull-Rom against polynomials that it must reproduce and against SciPy-free definitions of its border."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kernels.interpolation import catmull_rom

inner = st.floats(2, 17)


@given(inner, inner, st.floats(-3, 3), st.floats(-3, 3))
def test_a_ramp_is_exact_at_any_place(x: float, y: float, along: float, down: float) -> None:
    ys, xs = np.mgrid[:20, :20]
    image = (5 + along * xs + down * ys).astype(np.float32)
    assert catmull_rom(image, x, y) == pytest.approx(5 + along * x + down * y, abs=2e-5)


@given(inner, inner)
def test_a_paraboloid_is_exact_at_any_place(x: float, y: float) -> None:
    # Keys (1981): convolution with a = -1/2 reproduces second order
    ys, xs = np.mgrid[:20, :20]
    image = (0.25 * (xs - 9) ** 2 - 0.125 * (ys - 9) ** 2).astype(np.float32)
    assert catmull_rom(image, x, y) == pytest.approx(0.25 * (x - 9) ** 2 - 0.125 * (y - 9) ** 2, abs=2e-5)


def test_pixel_centres_lie_at_whole_numbers_x_before_y() -> None:
    image = np.random.default_rng(1).random((7, 9)).astype(np.float32)
    for y in range(7):
        for x in range(9):
            assert catmull_rom(image, float(x), float(y)) == pytest.approx(float(image[y, x]), abs=1e-6)


@given(st.floats(-6, 14), st.floats(-6, 12))
def test_beyond_the_border_the_edge_pixels_repeat(x: float, y: float) -> None:
    image = np.random.default_rng(2).random((7, 9)).astype(np.float32)
    padded = np.pad(image, 10, mode="edge")
    assert catmull_rom(image, x, y) == pytest.approx(catmull_rom(padded, x + 10, y + 10), abs=1e-6)


def test_codes_interpolate_as_numbers() -> None:
    image = np.array([[0, 0, 255, 255]] * 4, np.uint8)
    assert catmull_rom(image, 1.5, 1.0) == pytest.approx(127.5)
    assert catmull_rom(image, 0.5, 1.0) == pytest.approx(255 * -0.0625)  # undershoots below 0
