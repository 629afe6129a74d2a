"""The warp against SciPy's linear interpolation at places that the quadratic map's formula gives; halves."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.ndimage import map_coordinates

from kernels.compiled import F64, U8
from kernels.warp import halve, warp

HEIGHT, WIDTH = 60, 80
CENTRE, EXTENT = (50.5, 41.25), 90.0


def turned(degrees: float, scale: int, size: float = 1.0) -> F64:
    """Return a slightly bent map that turns about the middle of both images."""
    c, s = size * EXTENT * np.array([np.cos(np.radians(degrees)), np.sin(np.radians(degrees))])
    middle = scale * np.array([WIDTH, HEIGHT]) / 2
    return np.array([middle, (c, s), (-s, c), (0.9, -0.4), (0.3, 0.8), (-0.5, 0.6)])


def expected(image: U8, coefficients: F64, scale: int, height: int, width: int) -> F64:
    y, x = (((n + 0.5) * scale - 0.5) for n in np.mgrid[:height, :width])  # centres of blocks, full pixels
    u, v = (x - CENTRE[0]) / EXTENT, (y - CENTRE[1]) / EXTENT
    full = np.stack((np.ones_like(u), u, v, u * u, u * v, v * v), axis=-1) @ coefficients
    at = ((full + 0.5) / scale - 0.5)[..., ::-1].reshape(-1, 2).T
    channels = [
        map_coordinates(image[..., c].astype(np.float64), at, order=1, mode="nearest") for c in range(3)
    ]
    return np.stack(channels, axis=-1).reshape(height, width, 3)


@pytest.mark.parametrize("degrees", [0.0, 1.3, -2.0, 9.0, 90.0, 180.0])
@pytest.mark.parametrize(("scale", "size"), [(1, 1.0), (2, 1.0), (2, 0.93), (2, 1.9)])
def test_pixels_are_interpolated_where_the_map_leads(degrees: float, scale: int, size: float) -> None:
    image = np.random.default_rng(5).integers(0, 256, (HEIGHT, WIDTH, 3), np.uint8)
    coefficients = turned(degrees, scale, size)
    out = np.zeros((45, 70, 3), np.uint8)
    warp(image, coefficients, *CENTRE, EXTENT, scale, out)
    off = out - expected(image, coefficients, scale, 45, 70)
    assert np.abs(off).max() < 0.5 + 0.04  # rounded to the nearest code, fixed point
    assert np.sqrt(np.mean(off * off)) < 0.3  # rounding alone: 0.289
    assert off.mean() == pytest.approx(0, abs=0.02)


def test_beyond_the_border_the_border_is_repeated() -> None:
    image = np.random.default_rng(6).integers(0, 256, (HEIGHT, WIDTH, 3), np.uint8)
    away = np.array([(-40.0, 500.0), (EXTENT, 0), (0, EXTENT), (0, 0), (0, 0), (0, 0)])
    out = np.empty((9, WIDTH, 3), np.uint8)
    warp(image, away, 0.0, 0.0, EXTENT, 1, out)
    for row in out:
        np.testing.assert_array_equal(row[:40], np.broadcast_to(image[-1, 0], (40, 3)))
        np.testing.assert_array_equal(row[40:], image[-1, :40])


def test_the_identity_changes_nothing() -> None:
    image = np.random.default_rng(7).integers(0, 256, (HEIGHT, WIDTH, 3), np.uint8)
    same = np.array([(50.0, 40.0), (100, 0), (0, 100), (0, 0), (0, 0), (0, 0)])
    out = np.empty_like(image)
    warp(image, same, 50.0, 40.0, 100.0, 2, out)
    np.testing.assert_array_equal(out, image)


@pytest.mark.parametrize("moved", [-0.31, 8000.0])
def test_wide_images_have_coarser_places_and_no_wrong_ones(moved: float) -> None:
    """Places in an image of more than 8192 pixels have fewer bits for fractions."""
    image = np.random.default_rng(8).integers(0, 256, (3, 45_000, 3), np.uint8)
    out = np.empty((3, 36_000, 3), np.uint8)
    same = np.array([(20_000 + moved, 1.25), (20_000, 0), (0, 20_000), (0, 0), (0, 0), (0, 0)])
    warp(image, same, 20_000.0, 1.0, 20_000.0, 1, out)
    y, x = np.mgrid[:3, :36_000] + np.array([0.25, moved])[:, None, None]
    for c in range(3):
        exact = map_coordinates(image[..., c].astype(np.float64), [y, x], order=1, mode="nearest")
        assert np.abs(out[..., c] - exact).max() < 0.5 + 0.15


@pytest.mark.parametrize("shape", [(60, 80), (61, 83), (2, 2), (3, 67)])
def test_halves_are_means_of_four_pixels_rounded(shape: tuple[int, int]) -> None:
    image = np.random.default_rng(9).integers(0, 256, (*shape, 3), np.uint8)
    out = np.empty((shape[0] // 2, shape[1] // 2, 3), np.uint8)
    halve(image, out)
    cut = image[: 2 * out.shape[0], : 2 * out.shape[1]].astype(np.int64)
    fours = cut.reshape(out.shape[0], 2, out.shape[1], 2, 3).sum(axis=(1, 3))
    np.testing.assert_array_equal(out, (fours + 2) // 4)
