"""Tables and luminance against the formula of IEC 61966-2-1:1999 written out for one code at a time."""

from __future__ import annotations

import numpy as np
import pytest

from kernels.light import code_counts, decoding_table, difference_counts, luminance_window


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


@pytest.mark.parametrize("shape", [(9, 14), (8, 13), (3, 3)])
def test_differences_over_two_pixels_are_counted_on_every_second_row_and_column(
    shape: tuple[int, int],
) -> None:
    image = np.random.default_rng(3).integers(0, 256, shape, np.uint8)
    signed = image.astype(np.int64)
    along = np.abs(signed[::2, 2:] - signed[::2, :-2]).ravel()
    down = np.abs(signed[2:, ::2] - signed[:-2, ::2]).ravel()
    expected = np.bincount(np.concatenate((along, down)), minlength=256)
    assert np.array_equal(difference_counts(image), expected)


@pytest.mark.parametrize(("shape", "step"), [((9, 14), 4), ((8, 13), 3), ((5, 5), 1), ((2, 3), 7)])
def test_codes_are_counted_in_every_step_th_row_and_column(shape: tuple[int, int], step: int) -> None:
    image = np.random.default_rng(3).integers(0, 256, shape, np.uint8)
    expected = np.bincount(image[::step, ::step].ravel(), minlength=256)
    assert np.array_equal(code_counts(image, step), expected)
