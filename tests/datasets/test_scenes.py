"""Scenes against brute-force integration and elementary geometry."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.ndimage import gaussian_filter
from scipy.stats import norm

from datasets import DatasetError
from datasets.scenes import Bar, Disk, HalfPlane, Point, Scene


def brute_force_edge(point: Point, angle_deg: float, sigma: float, width: int, height: int) -> np.ndarray:
    """Mean of the blurred step over each pixel, by sampling it 41 x 41 times."""
    fine = 41
    offset = (np.arange(fine) + 0.5) / fine - 0.5
    x = (np.arange(width)[:, None] + offset).ravel()
    y = (np.arange(height)[:, None] + offset).ravel()
    turn = math.radians(angle_deg)
    distance = (x[None, :] - point[0]) * math.cos(turn) + (y[:, None] - point[1]) * math.sin(turn)
    return norm.cdf(-distance / sigma).reshape(height, fine, width, fine).mean(axis=(1, 3))


@pytest.mark.parametrize("angle", [0.0, 0.001, 3.0, 45.0, 90.0, 137.0, 180.0, 290.0])
@pytest.mark.parametrize("sigma", [0.3, 0.7, 2.0])
def test_a_half_plane_is_the_integral_over_each_pixel(angle: float, sigma: float) -> None:
    cover = HalfPlane((7.31, 6.62), angle, 1.0).cover(15, 13, sigma)
    np.testing.assert_allclose(cover, brute_force_edge((7.31, 6.62), angle, sigma, 15, 13), atol=3e-4)


@settings(max_examples=15, deadline=None)
@given(x=st.floats(38, 42), y=st.floats(38, 42), radius=st.floats(5, 28), sigma=st.floats(0.8, 1.5))
def test_a_disk_has_its_area_and_centre(x: float, y: float, radius: float, sigma: float) -> None:
    cover = Disk((x, y), radius, 1.0).cover(80, 81, sigma)
    rows, columns = np.mgrid[0:81, 0:80]
    assert math.sqrt(cover.sum() / math.pi) == pytest.approx(radius, abs=1e-6)
    assert (cover * columns).sum() / cover.sum() == pytest.approx(x, abs=3e-5)
    assert (cover * rows).sum() / cover.sum() == pytest.approx(y, abs=3e-5)


def test_a_disk_has_the_blur_asked_for() -> None:
    sharp = Disk((40.2, 39.7), 20.0, 1.0).cover(80, 80, 0.7)
    soft = Disk((40.2, 39.7), 20.0, 1.0).cover(80, 80, 1.7)
    # A sampled Gaussian of this width is the continuous one to 1e-7.
    np.testing.assert_allclose(
        gaussian_filter(sharp, math.sqrt(1.7**2 - 0.7**2), truncate=8), soft, atol=2e-4
    )


def test_a_disk_at_the_border_is_cut_and_one_outside_is_nothing() -> None:
    whole = Disk((30.0, 30.0), 6.0, 1.0).cover(60, 60, 0.7)
    np.testing.assert_allclose(Disk((0.0, 2.0), 6.0, 1.0).cover(20, 20, 0.7), whole[28:48, 30:50], atol=1e-12)
    assert Disk((-40.0, 3.0), 6.0, 1.0).cover(20, 20, 0.7).max() == 0


@pytest.mark.parametrize("angle", [0.0, 20.0, 90.0, 200.0])
def test_a_bar_is_as_wide_as_asked(angle: float) -> None:
    cover = Bar((50.3, 49.8), angle, 12.34, 1.0).cover(101, 101, 0.8)
    across = abs(math.cos(math.radians(angle)))
    row_or_column = cover[50] if across > 0.5 else cover[:, 50]
    assert row_or_column.sum() * max(across, math.sqrt(1 - across**2)) == pytest.approx(12.34, abs=1e-6)


def test_shapes_are_painted_in_turn() -> None:
    light = Scene(60, 60, 0.1, (HalfPlane((30, 30), 0.0, 0.8), Disk((12, 30), 5, 0.02))).light()
    assert light.shape == (60, 60, 3)
    assert light.dtype == np.float32
    assert light[30, 12, 0] == pytest.approx(0.02)
    assert light[5, 12, 1] == pytest.approx(0.8)
    assert light[30, 50, 2] == pytest.approx(0.1)


def test_codes_are_the_srgb_codes_and_repeat_with_their_seed() -> None:
    scene = Scene(40, 30, 0.215861, ())  # code 128 by IEC 61966-2-1
    assert (scene.codes() == 128).all()
    noisy = scene.codes(3, full_well_e=5000, read_noise_e=5)
    assert noisy.std() > 1
    np.testing.assert_array_equal(noisy, scene.codes(3, full_well_e=5000, read_noise_e=5))
    assert (noisy != scene.codes(4, full_well_e=5000, read_noise_e=5)).any()


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ({"width": 0}, "0 x 10 px"),
        ({"blur_sigma_px": 0.0}, "blur_sigma_px"),
        ({"background": 1.5}, "level of 1.5"),
        ({"background": math.nan}, "level of nan"),
        ({"shapes": (Disk((3, 3), 2, -0.1),)}, "level of -0.1"),
        ({"shapes": (Disk((3, 3), 0, 0.1),)}, "radius_px"),
        ({"shapes": (Bar((3, 3), 0, -2, 0.1),)}, "width_px"),
    ],
)
def test_impossible_scenes_are_refused(arguments: dict[str, Any], says: str) -> None:
    with pytest.raises(DatasetError, match=says):
        Scene(**({"width": 10, "height": 10, "background": 0.5, "shapes": ()} | arguments)).light()
