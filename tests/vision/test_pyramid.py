"""What registration sees of a frame is what the comparison of surfaces would make of it itself."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from datasets.light import to_linear
from tests.vision import board
from vision.mapping import Similarity, from_similarity
from vision.pyramid import Pyramid

TABLE = to_linear(np.arange(256, dtype=np.uint8)).astype(np.float32)


@pytest.mark.parametrize("shape", [(160, 240), (167, 201)])
def test_each_scale_is_the_mean_of_its_blocks(shape: tuple[int, int]) -> None:
    codes = np.random.default_rng(5).integers(0, 256, (*shape, 3), np.uint8)
    seen = Pyramid.of(codes, TABLE)
    for scale in (2, 4, 8):
        h, w = shape[0] // scale, shape[1] // scale
        cut = codes[: h * scale, : w * scale]
        mean = cv2.resize(cut.astype(np.float64), (w, h), interpolation=cv2.INTER_AREA)
        assert seen.at(scale).shape == (h, w, 3)
        assert np.abs(seen.at(scale) - mean).max() < 0.5 * np.log2(scale) + 0.01  # each scale is rounded
    assert seen.at(1) is codes


def test_light_is_the_luminance_of_bt709() -> None:
    codes = np.random.default_rng(6).integers(0, 256, (64, 80, 3), np.uint8)
    light = Pyramid.of(codes, TABLE).light(1)
    np.testing.assert_allclose(light, to_linear(codes) @ [0.2126, 0.7152, 0.0722], atol=1e-6)


def test_a_frame_is_aligned_alike_whoever_halved_it() -> None:
    pixels = board.captured(3).pixels
    compiled = board.shared_inspector()._setup.views["top"]
    middle = (board.WIDTH - 1) / 2, (board.HEIGHT - 1) / 2
    mapping = from_similarity(Similarity(40.3, 30.8, 0.5, 1.0), middle, board.WIDTH / 2)
    alone = compiled.surface.align(pixels, mapping)
    given = compiled.surface.align(pixels, mapping, Pyramid.of(pixels, TABLE))
    assert np.array_equal(alone.pixels, given.pixels)
    assert np.array_equal(alone.gain, given.gain)
