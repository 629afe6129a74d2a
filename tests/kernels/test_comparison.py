"""The comparison kernels against plain NumPy, written from their contracts."""

from __future__ import annotations

import numpy as np
import pytest

from kernels.comparison import CODE_OFFSET, block_means, deviation, mean_light
from kernels.compiled import F64, U8

HEIGHT, WIDTH = 37, 53


def codes(seed: int, *shape: int) -> U8:
    return np.random.default_rng(seed).integers(0, 256, shape).astype(np.uint8)


def gain_field(gain: F64, height: int, width: int) -> F64:
    v, u = np.meshgrid(np.linspace(-1, 1, height), np.linspace(-1, 1, width), indexing="ij")
    return np.tensordot(np.stack((np.ones_like(u), u, v, u * u, u * v, v * v), axis=-1), gain, axes=1)


GAIN = np.array([1.05, -0.08, 0.05, 0.03, -0.02, 0.04])


def test_block_means_take_valid_pixels_of_blocks_at_least_half_valid() -> None:
    image, valid = codes(3, HEIGHT, WIDTH, 3), (codes(4, HEIGHT, WIDTH) > 120).astype(np.uint8)
    valid[:8, :8] = 0
    valid[0, :4] = 1  # 4 of 64
    valid[8:16, :8] = 0
    valid[8:12, :8] = 1  # exactly half
    means = block_means(image, valid, 8)
    assert means.shape == (HEIGHT // 8, WIDTH // 8)
    for r in range(means.shape[0]):
        for c in range(means.shape[1]):
            cut = np.s_[8 * r : 8 * r + 8, 8 * c : 8 * c + 8]
            inside = image[cut][valid[cut] > 0].astype(np.float64)
            expected = inside.mean() + CODE_OFFSET if len(inside) >= 32 else 0.0
            assert means[r, c] == pytest.approx(expected)
    assert means[0, 0] == 0
    assert means[1, 0] > 0


@pytest.mark.parametrize("gain", [GAIN, np.array([1.4, 0.5, -0.3, 0.2, 0.1, -0.1]), 9 * GAIN])
def test_deviation_is_the_greatest_excess_beyond_interval_and_tolerance(gain: F64) -> None:
    image = codes(5, HEIGHT, WIDTH, 3)
    low, high = np.sort(np.stack((codes(6, HEIGHT, WIDTH, 3), codes(7, HEIGHT, WIDTH, 3))), axis=0)
    tolerance = (codes(8, HEIGHT, WIDTH) // 8).astype(np.uint8)
    zones = (codes(9, HEIGHT, WIDTH) % 3).astype(np.uint8)
    out = np.full((HEIGHT, WIDTH), 77, np.uint8)
    deviation(image, gain, low, high, tolerance, zones, out)
    value = (image + CODE_OFFSET) * gain_field(gain, HEIGHT, WIDTH)[..., None] - CODE_OFFSET
    bent = np.where(image >= 240, 16, 0)  # a saturated code may stand for more light
    over, under = np.minimum(value, 255) - high, low - (value + bent)
    excess = np.maximum(over, under).max(axis=2).clip(min=0) - tolerance
    expected = np.where(zones > 0, np.clip(np.floor(excess + 0.5), 0, 255), 0)
    assert np.abs(out - expected).max() <= 1  # the kernel knows 64ths of a code, of larger gains fewer
    assert np.mean(out == expected) > 0.98
    assert np.mean(out - expected) == pytest.approx(0, abs=0.01)
    assert (out[zones == 0] == 0).all()
    assert (out[zones > 0] > 0).any()


def test_a_unit_inside_the_interval_does_not_deviate_and_each_channel_counts() -> None:
    image = np.full((4, 5, 3), 100, np.uint8)
    low, high = image - 10, image + 10
    tolerance, zones = np.full((4, 5), 9, np.uint8), np.ones((4, 5), np.uint8)
    out = np.empty((4, 5), np.uint8)
    flat = np.array([1.0, 0, 0, 0, 0, 0])
    image[0, 0] = (119, 100, 100)
    image[1, 1] = (100, 125, 100)
    image[2, 2] = (100, 100, 70)
    deviation(image, flat, low, high, tolerance, zones, out)
    expected = np.zeros((4, 5), np.uint8)
    expected[1, 1], expected[2, 2] = 25 - 10 - 9, 30 - 10 - 9
    np.testing.assert_array_equal(out, expected)


def test_mean_light_is_taken_over_unsaturated_pixels_with_illumination_removed() -> None:
    image = codes(10, HEIGHT, WIDTH, 3)
    image[::5, ::5] = (10, 255, 20)
    table = (np.arange(256) / 255.0) ** 2.2
    rng = np.random.default_rng(11)
    pixels = np.column_stack((rng.integers(0, WIDTH, 400), rng.integers(0, HEIGHT, 400))).astype(np.int32)
    result = mean_light(image, pixels, GAIN, table.astype(np.float32))
    chosen = image[pixels[:, 1], pixels[:, 0]].astype(np.float64)
    usable = (chosen < 254).all(axis=1)
    field = gain_field(GAIN, HEIGHT, WIDTH)[pixels[:, 1], pixels[:, 0]][:, None]
    corrected = np.clip((chosen + CODE_OFFSET) * field - CODE_OFFSET, 0, 254.999)[usable]
    light = np.interp(corrected, np.arange(256), table)
    np.testing.assert_allclose(result[:3], light.mean(axis=0), atol=1e-6)
    np.testing.assert_allclose(result[3:6], light.var(axis=0), atol=1e-6)
    assert result[6] == pytest.approx(usable.mean())
    assert 0 < usable.mean() < 1


@pytest.mark.parametrize("count", [0, 12])
def test_mean_light_of_nothing_usable_says_so(count: int) -> None:
    image = np.full((6, 6, 3), 255, np.uint8)
    pixels = np.zeros((count, 2), np.int32)
    result = mean_light(image, pixels, GAIN, np.linspace(0, 1, 256).astype(np.float32))
    assert (result == 0).all()
