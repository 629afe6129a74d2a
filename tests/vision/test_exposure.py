"""What tells that a frame is out of focus; dark and saturated frames are `test_inspector`'s."""

from __future__ import annotations

import functools

import cv2
import numpy as np
import pytest

from kernels.compiled import U8
from kernels.light import decoding_table
from tests.vision import board, s4
from vision.frames import Exposure, sharpness
from vision.pyramid import Pyramid

TABLE = decoding_table("srgb")


@functools.cache
def exposure(of: str) -> Exposure:
    return Exposure((s4 if of == "s4" else board).golden_rgb(), TABLE)


def blurred(pixels: U8, sigma: float) -> Pyramid:
    return Pyramid.of(np.asarray(cv2.GaussianBlur(pixels, (0, 0), sigma), np.uint8), TABLE)


@pytest.mark.parametrize(("of", "judged", "refused"), [("s4", 1.2, 2.1), ("board", 2.5, 4.0)])
@pytest.mark.parametrize("seed", range(2))
def test_a_frame_is_blurred_from_two_to_four_pixels_on(
    of: str, judged: float, refused: float, seed: int
) -> None:
    pixels = (s4 if of == "s4" else board).captured(seed).pixels
    assert not exposure(of).blurred(blurred(pixels, judged))
    assert exposure(of).blurred(blurred(pixels, refused))


@pytest.mark.parametrize("of", ["s4", "board"])
def test_few_pixels_tell_the_sharpness_of_all(of: str) -> None:
    part = s4 if of == "s4" else board
    for pixels in (part.golden_rgb(), part.captured(0).pixels, part.captured(1).pixels):
        seen = Pyramid.of(pixels, TABLE)
        assert sharpness(seen, sparse=True) == pytest.approx(sharpness(seen), rel=0.125)


def test_edges_along_rows_count_as_often_as_they_are() -> None:
    rng = np.random.default_rng(3)
    pixels = np.full((1200, 1600, 3), 60, np.uint8)
    for _ in range(40):  # rows of text, as it were: they begin and end on few rows
        x, y = rng.integers(0, 1500), 40 * rng.integers(1, 29)
        pixels[y : y + 20, x : x + int(rng.integers(100, 900))] = rng.integers(90, 250)
    seen = blurred(pixels, 0.7)
    assert sharpness(seen, sparse=True) == pytest.approx(sharpness(seen), rel=0.125)
