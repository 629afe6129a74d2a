"""Patches under light that falls off, on a texture that can be evaluated anywhere."""

from __future__ import annotations

import math

import numpy as np
import pytest

from kernels.compiled import F64
from kernels.light import decoding_table
from kernels.patches import SAMPLING_BLUR_PX, prepare_patches, track_mapped
from kernels.shading import undo_drift

SIDE, HALF = 260, 12
CENTRES = np.stack(np.meshgrid(np.arange(30.0, 231, 40), np.arange(30.0, 231, 40)), axis=-1).reshape(-1, 2)
MIDDLE = (SIDE - 1) / 2
SHIFT = np.array([0.3, -0.2])
_waves = np.random.default_rng(12).uniform((0.05, 0, 0), (0.9, 2 * math.pi, 2 * math.pi), (60, 3))


def texture(blur: float, shift: F64) -> F64:
    """Return waves of seven pixels and longer through a Gaussian blur, shifted: about 100, rms 22."""
    y, x = np.mgrid[:SIDE, :SIDE].astype(np.float64)
    x, y = x - shift[0], y - shift[1]
    seen = sum(
        math.exp(-(k * k) * blur**2 / 2) * np.cos(k * (math.cos(t) * x + math.sin(t) * y) + r)
        for k, t, r in _waves
    )
    return 100 + 4 * np.asarray(seen)


def errors(light: F64, *, undone: bool) -> F64:
    """Return how far off patches are found in the shifted texture under light, (m, 2)."""
    golden = (texture(math.hypot(0.8, SAMPLING_BLUR_PX), np.zeros(2)) / 255).astype(np.float32)
    unit = np.round(texture(0.8, SHIFT) * light).clip(0, 255).astype(np.uint8)
    values, gradients, inverses, means, drifts = prepare_patches(golden, CENTRES, HALF)
    placed = np.array([(MIDDLE, MIDDLE), (100, 0), (0, 100), (0, 0), (0, 0), (0, 0)])
    mapping = placed, MIDDLE, MIDDLE, 100.0
    tracked = track_mapped(
        np.repeat(unit[..., None], 3, axis=2), decoding_table("linear"), values, gradients, inverses, HALF,
        CENTRES, *mapping, 1, 15, 0.02,
    )  # fmt: skip
    assert (tracked[:, 2] > 0.7).all()
    if undone:
        undo_drift(tracked, CENTRES, means, drifts, *mapping)
    return tracked[:, :2] - CENTRES - SHIFT


def falling(along_x: float, along_y: float) -> F64:
    y, x = (np.mgrid[:SIDE, :SIDE] - MIDDLE) / SIDE
    return 1 + along_x * x + along_y * y


@pytest.mark.parametrize("slopes", [(0.3, 0.0), (0.0, -0.3), (0.2, 0.2)])
def test_what_the_fall_of_light_moves_is_taken_back(slopes: tuple[float, float]) -> None:
    even = errors(np.ones((SIDE, SIDE)), undone=False)
    moved, undone = (errors(falling(*slopes), undone=u) for u in (False, True))
    before, after = (float(np.sqrt(((found - even) ** 2).mean())) for found in (moved, undone))
    assert before > 0.008
    assert after < before / 6


def test_patches_in_other_light_do_not_count() -> None:
    light = falling(0.3, 0.0)
    light[:90, :90] *= 1.3
    light[180:, 90:130] *= 0.6
    every = errors(falling(0.3, 0.0), undone=True)
    hidden = (CENTRES < 110).all(axis=1) | ((CENTRES[:, 1] > 160) & (np.abs(CENTRES[:, 0] - 110) < 40))
    assert np.abs(errors(light, undone=True) - every)[~hidden].max() < 0.003


def test_few_patches_stay_where_they_are() -> None:
    tracked = np.ones((11, 7))
    tracked[:, 6] = np.arange(11) + 1
    before = tracked.copy()
    undo_drift(tracked, CENTRES[:11], np.ones(11), np.ones((11, 2, 2)), np.eye(6, 2), 0.0, 0.0, 100.0)
    assert np.array_equal(tracked, before)
