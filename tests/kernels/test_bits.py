"""Masks of 64 pixels a word, against SciPy's morphology and labels."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import ndimage

from kernels.bits import grown, packed, strays, tally, unpacked

SIZES = [(9, 63), (9, 64), (9, 65), (40, 150)]


U8 = npt.NDArray[np.uint8]


def speckled(h: int, w: int, seed: int, share: float = 0.03) -> U8:
    return (np.random.default_rng(seed).random((h, w)) < share).astype(np.uint8)


@given(st.integers(1, 70), st.integers(1, 200), st.integers(0, 9))
def test_words_hold_each_pixel_and_nothing_beyond(h: int, w: int, seed: int) -> None:
    mask = speckled(h, w, seed, 0.5)
    words = packed(mask)
    assert words.shape == (h, -(-w // 64))
    np.testing.assert_array_equal(unpacked(words, w), mask)
    assert sum(int(word).bit_count() for word in words.ravel()) == mask.sum()
    assert bool(words[0, 0] & np.uint64(1)) == mask[0, 0]


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("reach", [1, 2, 3, 63])
def test_what_is_grown_is_a_square_about_each_pixel(size: tuple[int, int], reach: int) -> None:
    mask = speckled(*size, 1, 0.004 if reach > 3 else 0.03)
    mask[0, 0] = mask[-1, -1] = 1
    out = np.empty_like(packed(mask))
    grown(packed(mask), reach, out)
    square = np.ones((2 * reach + 1, 2 * reach + 1))
    np.testing.assert_array_equal(unpacked(out, size[1]), ndimage.binary_dilation(mask, square))


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("reach", [1, 2])
def test_strays_have_nothing_of_their_material_near_in_the_other_picture(
    size: tuple[int, int], reach: int
) -> None:
    smooth = ndimage.gaussian_filter(np.random.default_rng(2).normal(0, 1, size), 2)
    smooth = (smooth > 0).astype(np.uint8)
    one, other = smooth ^ speckled(*size, 3), np.roll(smooth, 1, axis=1) ^ speckled(*size, 4)
    out = np.empty_like(packed(one))
    strays(packed(one), packed(other), size[1], reach, out)
    expected = np.zeros(size, np.bool_)
    for y, x in np.ndindex(size):
        near = np.s_[max(y - reach, 0) : y + reach + 1, max(x - reach, 0) : x + reach + 1]
        expected[y, x] = (other[near] != one[y, x]).all() or (one[near] != other[y, x]).all()
    assert 0 < expected.sum() < expected.size / 4
    np.testing.assert_array_equal(unpacked(out, size[1]), expected)


def test_components_are_counted_and_bounded_by_the_masks_pixels() -> None:
    mask, strong = speckled(40, 150, 5), speckled(40, 150, 6, 0.5)
    count, labels = 4, np.repeat(np.arange(4, dtype=np.int32), 1500).reshape(40, 150)
    counts, boxes = np.zeros((2, count), np.int64), np.tile(np.array((150, 40, 0, 0)), (count, 1))
    tally(labels, packed(mask), packed(strong), counts, boxes)
    for k in range(count):
        np.testing.assert_array_equal(
            counts[:, k], [(mask & (labels == k)).sum(), (mask & strong & (labels == k)).sum()]
        )
        ys, xs = np.nonzero(mask & (labels == k))
        np.testing.assert_array_equal(boxes[k], [xs.min(), ys.min(), xs.max() + 1, ys.max() + 1])
