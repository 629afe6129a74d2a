"""Tables and luminance against the formula of IEC 61966-2-1:1999 written out for one code at a time."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from kernels.light import decoding_table, difference_counts, luma_counts, luminance_window


def test_the_srgb_table_is_the_standard_formula() -> None:
    table = decoding_table("srgb")
    assert table.shape == (256,)
    assert table.dtype == np.float32
    for code in range(256):
        v = code / 255
        expected = v / 12.92 if v <= 0.04045 else ((v + 0.055) / 1.055) ** 2.4
        assert table[code] == pytest.approx(expected, abs=1e-7)


def test_known_points_of_the_srgb_table() -> None:
    table = decoding_table("srgb")
    assert table[0] == 0
    assert table[255] == 1
    assert table[188] == pytest.approx(0.5029, abs=1e-4)  # half light
    assert table[119] == pytest.approx(0.1845, abs=1e-4)  # L* 50


def test_the_linear_table_divides_by_255() -> None:
    np.testing.assert_allclose(decoding_table("linear"), np.arange(256) / 255, atol=1e-7)


@pytest.mark.parametrize("transfer", ["", "SRGB", "gamma2.2"])
def test_another_transfer_is_refused_by_name(transfer: str) -> None:
    with pytest.raises(ValueError, match=repr(transfer)):
        decoding_table(transfer)


def test_luminance_of_a_window_weighs_channels_by_bt709() -> None:
    rng = np.random.default_rng(8)
    pixels = rng.integers(0, 256, (12, 17, 3)).astype(np.uint8)
    table = rng.random(256).astype(np.float32)
    window = luminance_window(pixels, table, 3, 5, 9, 6)
    cut = table[pixels[5:11, 3:12]].astype(np.float64)
    np.testing.assert_allclose(window, cut @ [0.2126, 0.7152, 0.0722], atol=1e-6)
    assert window.shape == (6, 9)
    assert window.dtype == np.float32


@pytest.mark.parametrize(("shape", "step"), [((9, 140), 1), ((33, 70), 4), ((3, 3), 4), ((40, 200), 5)])
def test_differences_of_light_are_counted_to_the_right_and_down_from_staggered_runs(
    shape: tuple[int, int], step: int
) -> None:
    rng = np.random.default_rng(3)
    pixels = rng.integers(0, 256, (*shape, 3), np.uint8)
    table = np.sort(rng.random(256)).astype(np.float32)
    light = table[pixels] @ np.array([0.2126, 0.7152, 0.0722], np.float32)
    y, x = np.mgrid[: shape[0] - 2, : shape[1] - 2]
    counted = (y - x // 64 * 7) % step == 0
    across, down = light[:-2, 2:] - light[:-2, :-2], light[2:, :-2] - light[:-2, :-2]
    every = np.abs(np.concatenate((across[counted], down[counted])))
    found = difference_counts(pixels, table, step, 50)
    assert found.sum() == len(every)
    # single precision may put a difference that lies on a boundary on either side
    assert np.abs(found - np.bincount((every * 50).astype(int), minlength=51)).sum() <= 2


@pytest.mark.parametrize(
    ("shape", "rows", "columns"), [((9, 14), 4, 3), ((8, 13), 3, 3), ((5, 5), 1, 1), ((2, 3), 7, 9)]
)
def test_lumas_are_those_of_opencv_in_the_pixels_that_count(
    shape: tuple[int, int], rows: int, columns: int
) -> None:
    pixels = np.random.default_rng(3).integers(0, 256, (*shape, 3), np.uint8)
    luma = cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY)[::rows, ::columns]
    assert np.array_equal(luma_counts(pixels, rows, columns), np.bincount(luma.ravel(), minlength=256))
