"""Bins and tiles against NumPy on the same pixels."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from kernels.bins import HIGHEST, LOWEST, light_bins, moments, tile_sums


@pytest.mark.parametrize(("dtype", "white"), [(np.uint8, 255), (np.uint16, 4095)])
@pytest.mark.parametrize("uneven", [False, True])
def test_bins_are_means_and_variances_of_four_pixels(dtype: Any, white: int, uneven: bool) -> None:
    rng = np.random.default_rng(1)
    codes = rng.integers(1, white, (20, 30, 3)).astype(dtype)
    codes[7, 9, 1], codes[10, 4, 2] = 0, white
    table = (np.arange(white + 1) / white).astype(np.float32) ** 2
    flat = np.ones((1, 1, 3), np.float32)
    if uneven:
        flat = rng.uniform(0.8, 1.2, (20, 30, 3)).astype(np.float32)
    mean, within, clipped = light_bins(codes, table, flat, 3, 4, 6, 11)
    light = (table[codes] * flat)[4:16, 3:25].astype(np.float64)
    pixels = light.reshape(6, 2, 11, 2, 3).transpose(0, 2, 4, 1, 3).reshape(6, 11, 3, 4)
    np.testing.assert_allclose(mean, pixels.mean(axis=-1), rtol=2e-6)
    np.testing.assert_allclose(within, pixels.var(axis=-1, ddof=1), rtol=1e-4, atol=1e-7)
    expected = np.zeros((6, 11), np.uint8)
    expected[1, 3], expected[3, 0] = LOWEST, HIGHEST
    np.testing.assert_array_equal(clipped, expected)


def test_codes_beyond_the_table_are_clipped_and_read_nothing_else() -> None:
    memory = np.full(70_000, 777, np.float32)
    memory[:256] = np.arange(256, dtype=np.float32) / 255
    codes = np.full((4, 4, 3), 100, np.uint16)
    codes[0, 0, 0] = 65_535
    mean, _, clipped = light_bins(codes, memory[:256], np.ones((1, 1, 3), np.float32), 0, 0, 2, 2)
    assert mean.max() <= 1
    np.testing.assert_array_equal(clipped, [[HIGHEST, 0], [0, 0]])


def test_moments_and_tiles_count_used_bins_only() -> None:
    rng = np.random.default_rng(2)
    mean = rng.uniform(0, 1, (7, 9, 3)).astype(np.float32)
    within = rng.uniform(0, 0.1, (7, 9, 3)).astype(np.float32)
    used = rng.random((7, 9)) < 0.6
    centre, variance, inner = moments(mean, within, used)
    np.testing.assert_allclose(centre, mean[used].mean(axis=0, dtype=np.float64))
    np.testing.assert_allclose(inner, within[used].mean(axis=0, dtype=np.float64))
    np.testing.assert_allclose(variance, mean[used].astype(np.float64).var(axis=0) + 0.75 * inner)
    sums, counts = tile_sums(mean, used, 3, 4)
    assert sums.shape == (3, 3, 3)
    last = used[6:, 8:]
    assert counts[2, 2] == last.sum()
    np.testing.assert_allclose(sums[0, 1], mean[:3, 4:8][used[:3, 4:8]].sum(axis=0, dtype=np.float64))
    assert counts.sum() == used.sum()
