"""The kernels of areas against plain NumPy, written from their contracts."""

from __future__ import annotations

import numpy as np
import pytest
from skimage.measure import block_reduce

from kernels.areas import block_ratios, cell_means, exceeding, magnitudes, opponent_differences
from kernels.comparison import CODE_OFFSET
from kernels.compiled import F64

ROWS, COLUMNS = 20, 31
GAIN = np.array([1.05, -0.08, 0.05, 0.03, -0.02, 0.04])
LAMP = np.array([GAIN - [1, 0, 0, 0, 0, 0], np.zeros(6), 0.3 * GAIN])
RNG = np.random.default_rng(4)
CELLS, GOLDEN = (RNG.uniform(14, 269, (3, ROWS, COLUMNS)).astype(np.float32) for _ in range(2))


def smooth(quadratic: F64) -> F64:
    v, u = (((2 * np.arange(n) + 1) / n - 1) for n in (ROWS, COLUMNS))
    v, u = np.meshgrid(v, u, indexing="ij")
    return np.tensordot(quadratic, np.stack((np.ones_like(u), u, v, u * u, u * v, v * v)), axes=1)


def test_cell_means_are_those_of_an_independent_reduction() -> None:
    image = RNG.integers(0, 256, (23, 30, 3), np.uint8)
    out = np.empty((3, 5, 7), np.float32)
    cell_means(image, out)
    means = block_reduce(image[:20, :28], (4, 4, 1), np.mean) + CODE_OFFSET
    np.testing.assert_allclose(out, np.moveaxis(means, 2, 0), rtol=1e-6)
    cell_means(np.full_like(image, 255), out)
    assert (out == 255 + CODE_OFFSET).all()


def test_block_ratios_are_weighted_means_over_cells_that_count() -> None:
    counts = RNG.integers(0, 2, (ROWS, COLUMNS))
    blocks = np.array([0, 4, 6, 12, 14], np.int32)  # of 3 x 5
    of_block = [np.s_[6 * (n // 5) : 6 * (n // 5) + 6, 6 * (n % 5) : 6 * (n % 5) + 6] for n in blocks]
    shares, expected = np.zeros_like(GOLDEN), np.empty((3, len(blocks)))
    for n, at in enumerate(of_block):
        shares[:, *at] = counts[at] / counts[at].sum() / GOLDEN[:, *at]
        ratio = (CELLS * smooth(GAIN) / GOLDEN)[:, *at] - 1
        expected[:, n] = ratio[:, counts[at] > 0].mean(axis=1)
    out = np.full((3, 8), 7.0)
    block_ratios(CELLS, GAIN, shares, blocks, out)
    np.testing.assert_allclose(out[:, :5], expected, atol=1e-5)
    assert (out[:, 5:] == 7).all()


def test_differences_are_of_squares_with_the_lamp_taken_out() -> None:
    out = np.empty((3, ROWS - 1, COLUMNS - 1), np.float32)
    opponent_differences(CELLS, GAIN, LAMP, GOLDEN, out)
    lamps = np.stack([smooth(lamp) for lamp in LAMP])
    cells = CELLS * smooth(GAIN) - GOLDEN * (1 + lamps)
    red, green, blue = (cells[:, :-1] + cells[:, 1:])[:, :, :-1] / 4 + (cells[:, :-1] + cells[:, 1:])[
        :, :, 1:
    ] / 4
    expected = np.stack(((red + green + blue) / 3, red - blue, green - (red + blue) / 2))
    np.testing.assert_allclose(out, expected, atol=1e-3)


def test_what_exceeds_is_the_greatest_of_three_where_it_is_judged() -> None:
    found = RNG.normal(0, 9, (3, ROWS, COLUMNS)).astype(np.float32)
    middle, allowed = RNG.uniform(0, 9, (2, 3, ROWS, COLUMNS)).astype(np.float32)
    floor, judged = np.array([7, 3, 2], np.float32), RNG.integers(0, 3, (ROWS, COLUMNS)).astype(np.uint8)
    out = np.empty((ROWS, COLUMNS), np.float32)
    most = exceeding(found, middle, allowed, floor, judged, out)
    expected = (np.abs(found - middle) - allowed - floor[:, None, None]).max(axis=0) * (judged > 0)
    np.testing.assert_allclose(out, expected, atol=1e-5)
    assert most == out.max() > 0
    assert exceeding(found, middle, allowed, floor, np.zeros_like(judged), out) == 0


def test_magnitudes_are_of_listed_places() -> None:
    out, at = np.empty(3, np.float32), np.array([5, 0, 8], np.int32)
    magnitudes(-np.arange(9, dtype=np.float32), at, out)
    assert out.tolist() == pytest.approx([5, 0, 8])
