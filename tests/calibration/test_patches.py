"""Reading a chart's patches against charts drawn with known light."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
import pytest

from calibration.colour.chart import Chart
from calibration.colour.patches import sample_patches
from calibration.errors import PatchesError
from kernels.light import decoding_table
from tests.calibration.charts import draw, light_of, quad

CHART = Chart.open("classic-after-2014")
LIGHT = light_of(CHART.lab)
SIZE = (480, 640)
TABLE16 = np.arange(65536, dtype=np.float32) / np.float32(65535)


def scene(matrix: Any) -> Any:
    light = np.full((*SIZE, 3), 0.18)
    draw(light, LIGHT.reshape(4, 6, 3), matrix)
    return light


def corners(matrix: Any) -> Any:
    return cv2.perspectiveTransform(np.array([[[0, 0], [5, 0], [5, 3], [0, 3]]], np.float64), matrix)[0]


def codes16(light: Any) -> Any:
    return np.clip(np.round(light * 65535), 0, 65535).astype(np.uint16)


TILTED = quad(6, 4, at=(320, 240), size=62, angle=200, tilt=(0.35, -0.3))


def test_patches_of_a_tilted_chart_are_read_exactly() -> None:
    read = sample_patches(codes16(scene(TILTED)), corners(TILTED), CHART, TABLE16)
    np.testing.assert_allclose(read.rgb, LIGHT, atol=1e-5)
    np.testing.assert_allclose(read.codes, LIGHT * 65535, atol=0.51)
    where = cv2.perspectiveTransform(np.array([[[i % 6, i // 6] for i in range(24)]], np.float64), TILTED)[0]
    np.testing.assert_allclose(read.centres, where, atol=1e-3)
    assert (read.clipped == (LIGHT >= 1).any(axis=1)).all()
    assert (read.pixels > 500).all()


def test_corners_a_tenth_of_a_patch_off_do_no_harm() -> None:
    off = corners(TILTED) + np.array([[5, -4], [-4, 5], [4, 4], [-5, -5]])
    np.testing.assert_allclose(
        sample_patches(codes16(scene(TILTED)), off, CHART, TABLE16).rgb, LIGHT, atol=1e-5
    )


def test_gamma_is_undone_before_averaging() -> None:
    table = decoding_table("srgb", 255)
    light = np.full((*SIZE, 3), 0.18)
    draw(light, LIGHT.reshape(4, 6, 3), TILTED)
    rng = np.random.default_rng(1)
    seen = np.clip(light * (1 + 0.3 * rng.standard_normal(light.shape)), 0, 1)
    codes = np.searchsorted((table[1:] + table[:-1]) / 2, seen.astype(np.float32)).astype(np.uint8)
    read = sample_patches(codes, corners(TILTED), CHART, table)
    dim = (LIGHT < 0.4).all(axis=1)
    expected = 4 * np.sqrt(np.einsum("nii->ni", read.covariance))
    assert (np.abs(read.rgb - LIGHT)[dim] < expected[dim]).all()
    assert np.abs(table[np.round(read.codes).astype(int)] / LIGHT - 1)[dim].max() > 0.03


def test_covariance_is_that_of_the_mean_also_where_neighbours_share_noise() -> None:
    rng = np.random.default_rng(2)
    level = quad(6, 4, at=(320, 240), size=60, angle=0)
    light = scene(level)
    mix = np.array([[1, 0.6, 0], [0, 0.8, 0], [0, 0.3, 1]])
    scaled: list[Any] = []
    for _ in range(12):
        noise = cv2.GaussianBlur(rng.standard_normal((*SIZE, 3)), (0, 0), 1.0) * 0.02
        read = sample_patches(codes16(light * 0.8 + 0.1 + noise @ mix), corners(level), CHART, TABLE16)
        error = read.rgb - (LIGHT * 0.8 + 0.1)
        scaled.extend(e @ np.linalg.solve(c, e) for e, c in zip(error, read.covariance, strict=True))
    # Hotelling's T2 of 3 values with 13 degrees of freedom has the mean 3 * 13 / 9.
    assert np.mean(scaled) == pytest.approx(3 * 13 / 9, rel=0.25)


def test_rounding_is_counted_where_noise_does_not_average_it() -> None:
    table = np.arange(256, dtype=np.float32) / np.float32(255)
    codes = np.round(scene(TILTED) * 255).astype(np.uint8)
    read = sample_patches(codes, corners(TILTED), CHART, table)
    np.testing.assert_allclose(np.einsum("nii->ni", read.covariance), (1 / 255) ** 2 / 12, rtol=1e-3)


def test_dust_is_left_out_and_counted() -> None:
    light = scene(TILTED)
    rng = np.random.default_rng(3)
    light += 0.003 * rng.standard_normal(light.shape)
    clean = sample_patches(codes16(light), corners(TILTED), CHART, TABLE16)
    x, y = np.round(clean.centres[8]).astype(int)
    light[y - 4 : y + 4, x - 4 : x + 4] = 0.9
    dusty = sample_patches(codes16(light), corners(TILTED), CHART, TABLE16)
    assert dusty.left_out[8] > clean.left_out[8] + 0.02
    np.testing.assert_allclose(dusty.rgb[8], clean.rgb[8], atol=5e-4)


@pytest.mark.parametrize("planes", [1, 3])
def test_a_flat_field_makes_patches_alike(planes: int) -> None:
    y, x = np.mgrid[: SIZE[0], : SIZE[1]].astype(np.float64)
    fall = 1 - 0.4 * ((x - 200) ** 2 + (y - 100) ** 2) / 640**2
    flat = (1 / fall).astype(np.float32)
    flat = flat if planes == 1 else np.repeat(flat[..., None], 3, axis=2)
    seen = codes16(scene(TILTED) * fall[..., None])
    np.testing.assert_allclose(
        sample_patches(seen, corners(TILTED), CHART, TABLE16, flat).rgb, LIGHT, atol=3e-5
    )
    falling = sample_patches(seen, corners(TILTED), CHART, TABLE16)
    assert np.abs(falling.rgb / LIGHT - 1).max() > 0.05
    # The falloff within a patch is in its spread, not in the uncertainty of its mean.
    assert falling.spread[18, 1] > 50 * np.sqrt(falling.covariance[18, 1, 1])


@pytest.mark.parametrize(
    ("order", "words"),
    [([1, 0, 3, 2], "clockwise"), ([0, 2, 1, 3], "clockwise"), ([0, 1, 2], "four finite points")],
)
def test_corners_of_no_chart_are_refused(order: list[int], words: str) -> None:
    with pytest.raises(PatchesError, match=words):
        sample_patches(codes16(scene(TILTED)), corners(TILTED)[order], CHART, TABLE16)


def test_what_does_not_fit_is_refused() -> None:
    picture = codes16(scene(TILTED))
    with pytest.raises(PatchesError, match="patch 1 lies outside"):
        sample_patches(picture, corners(TILTED) - (-250, 0), CHART, TABLE16)
    with pytest.raises(PatchesError, match="at least 36"):
        sample_patches(picture, 300 + corners(TILTED) / 15, CHART, TABLE16)
    with pytest.raises(PatchesError, match="uint8 or uint16"):
        sample_patches(scene(TILTED), corners(TILTED), CHART, TABLE16)
    with pytest.raises(PatchesError, match="256 codes"):
        sample_patches(picture, corners(TILTED), CHART, TABLE16[:256])
    with pytest.raises(PatchesError, match="flat field"):
        sample_patches(picture, corners(TILTED), CHART, TABLE16, np.ones((3, 3), np.float32))
