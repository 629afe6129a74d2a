"""Patch tracking on a smooth texture that can be evaluated anywhere."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.ndimage import map_coordinates

from kernels.compiled import F64, U8
from kernels.light import decoding_table
from kernels.patches import SAMPLING_BLUR_PX, prepare_patches, track_patches

SIDE, HALF = 96, 10
CENTRES = np.array([[30.0, 30.0], [62.0, 34.0], [33.0, 63.0], [64.0, 60.0]])
_rng = np.random.default_rng(11)
_WAVES = [(*_rng.uniform(-0.7, 0.7, 2), _rng.uniform(0, 2 * math.pi)) for _ in range(24)]


def texture(x: F64, y: F64) -> F64:
    """Return a sum of plane waves of at least six pixels, about 0.5 with rms 0.12."""
    return 0.5 + 0.12 * math.sqrt(2 / len(_WAVES)) * sum(np.cos(p * x + q * y + r) for p, q, r in _WAVES)


def picture(linear: F64, shift: tuple[float, float], gain: float = 1.0, offset: float = 0.0) -> U8:
    """Return codes of the texture after p_unit = linear p_golden + shift."""
    y, x = np.mgrid[:SIDE, :SIDE].astype(np.float64)
    back = np.linalg.inv(linear)
    dx, dy = x - shift[0], y - shift[1]
    value = texture(back[0, 0] * dx + back[0, 1] * dy, back[1, 0] * dx + back[1, 1] * dy)
    codes = 255 * (gain * value + offset)
    assert codes.min() >= 0
    assert codes.max() <= 255
    return np.round(codes).astype(np.uint8)


def rgb(grey: U8) -> U8:
    return np.repeat(grey[..., None], 3, axis=2)


LINEAR = decoding_table("linear")
GOLDEN = picture(np.eye(2), (0.0, 0.0)).astype(np.float32)


def track(unit: U8, linear: F64, predicted: F64, centres: F64 = CENTRES, steps: int = 20) -> F64:
    """Prepare on the golden picture and track in the unit's."""
    jacobians = np.tile(linear, (len(centres), 1, 1))
    prepared = prepare_patches(GOLDEN, centres, HALF)[:3]
    return track_patches(rgb(unit), LINEAR, *prepared, HALF, predicted, jacobians, steps, 0.02)


@settings(max_examples=40)
@given(
    st.floats(-2.5, 2.5), st.floats(-2.5, 2.5), st.floats(0.6, 1.2), st.floats(-0.05, 0.05),
)  # fmt: skip
def test_shifts_are_recovered_whatever_gain_and_offset(
    dx: float, dy: float, gain: float, offset: float
) -> None:
    unit = picture(np.eye(2), (dx, dy), gain * 0.8, offset + 0.1)
    found = track(unit, np.eye(2), CENTRES)
    np.testing.assert_allclose(found[:, :2], CENTRES + np.array([dx, dy]), atol=0.02)
    assert (found[:, 2] > 0.99).all()


@pytest.mark.parametrize(("angle", "scale"), [(8.0, 1.0), (-5.0, 1.05), (0.0, 0.93), (3.0, 0.97)])
def test_the_local_map_carries_turn_and_scale(angle: float, scale: float) -> None:
    c, s = scale * math.cos(math.radians(angle)), scale * math.sin(math.radians(angle))
    linear = np.array([[c, -s], [s, c]])
    middle = np.array([47.5, 47.5])
    shift = middle - linear @ middle
    truth = CENTRES @ linear.T + shift
    found = track(picture(linear, (float(shift[0]), float(shift[1]))), linear, truth + np.array([0.9, -1.2]))
    np.testing.assert_allclose(found[:, :2], truth, atol=0.02)


@pytest.mark.parametrize(("angle", "scale"), [(0.0, 1.0), (1.5, 0.96), (-2.0, 1.03), (8.0, 0.98)])
def test_the_correlation_is_that_of_pearson_with_samples_of_a_cubic_spline(
    angle: float, scale: float
) -> None:
    c, s = scale * math.cos(math.radians(angle)), scale * math.sin(math.radians(angle))
    linear = np.array([[c, -s], [s, c]])
    unit = picture(np.eye(2), (0.0, 0.0))
    noisy = np.clip(unit + np.random.default_rng(0).normal(0, 25, unit.shape), 0, 255).astype(np.uint8)
    places = CENTRES + np.array([0.35, -0.8])
    found = track(noisy, linear, places, CENTRES, steps=1)
    v, u = (axis.ravel() for axis in np.mgrid[-HALF : HALF + 1, -HALF : HALF + 1])
    for place, centre, correlation in zip(places, CENTRES.astype(int), found[:, 2], strict=True):
        x, y = place[:, None] + linear @ np.stack((u, v))
        sampled = map_coordinates(noisy.astype(np.float64), [y, x], order=3, prefilter=False)
        expected = np.corrcoef(GOLDEN[centre[1] + v, centre[0] + u], sampled)[0, 1]
        assert correlation == pytest.approx(max(expected, 0) or -1, abs=1e-5)


def test_a_flat_patch_and_a_patch_on_one_edge_cannot_be_located() -> None:
    image = np.zeros((SIDE, SIDE), np.float32)
    image[:, 60:] = 200
    values, _, inverses, *_ = prepare_patches(image, np.array([[30.0, 40.0], [60.0, 40.0]]), HALF)
    assert (inverses == 0).all()
    assert (values[0] == 0).all()
    found = track_patches(
        rgb(image.astype(np.uint8)),
        LINEAR,
        *prepare_patches(image, CENTRES, HALF)[:3],
        HALF,
        CENTRES,
        np.tile(np.eye(2), (4, 1, 1)),
        10,
        0.02,
    )
    assert (found[:, 2] == -1).all()


def test_prepared_patches_are_centred_and_of_unit_norm() -> None:
    values, gradients, *_ = prepare_patches(GOLDEN, CENTRES, HALF)
    np.testing.assert_allclose(values.sum(axis=1), 0, atol=1e-4)
    np.testing.assert_allclose((values**2).sum(axis=1), 1, atol=1e-4)
    np.testing.assert_allclose(gradients.sum(axis=2), 0, atol=1e-4)
    np.testing.assert_allclose((gradients * values[:, None]).sum(axis=2), 0, atol=1e-5)


@pytest.mark.parametrize("at", [(5.0, 40.0), (40.0, 3.0), (92.0, 40.0), (40.0, 200.0), (-40.0, 40.0)])
def test_a_patch_predicted_at_or_beyond_the_border_is_lost(at: tuple[float, float]) -> None:
    found = track(picture(np.eye(2), (0.0, 0.0)), np.eye(2), np.array([at]), CENTRES[:1])
    assert found[0, 2] == -1


def test_a_patch_that_is_not_there_is_not_found_well() -> None:
    other = np.random.default_rng(4).integers(0, 255, (SIDE, SIDE)).astype(np.uint8)
    assert (track(other, np.eye(2), CENTRES)[:, 2] < 0.5).all()
    even = np.full((SIDE, SIDE), 90, np.uint8)
    assert (track(even, np.eye(2), CENTRES)[:, 2] == -1).all()


_fine = np.random.default_rng(12)
_FINE_WAVES = [
    (k * math.cos(t), k * math.sin(t), r)
    for k, t, r in _fine.uniform((0.3, 0, 0), (1.6, 2 * math.pi, 2 * math.pi), (60, 3))
]


def fine_texture(blur: float, shift: tuple[float, float]) -> F64:
    """Return waves down to four pixels through a Gaussian blur, shifted exactly: about 120, rms below 30."""
    y, x = np.mgrid[:SIDE, :SIDE].astype(np.float64)
    x, y = x - shift[0], y - shift[1]
    seen = sum(np.exp(-(p * p + q * q) * blur**2 / 2) * np.cos(p * x + q * y + r) for p, q, r in _FINE_WAVES)
    return 120 + 5 * np.asarray(seen)


@pytest.mark.parametrize("shift", [(0.25, 0.25), (0.5, 0.0), (-0.25, 0.75), (0.1, -0.4)])
@pytest.mark.parametrize("blur", [0.7, 0.9, 1.1])
def test_neither_the_sub_pixel_phase_nor_the_focus_moves_fine_texture(
    shift: tuple[float, float], blur: float
) -> None:
    golden = fine_texture(math.hypot(0.8, SAMPLING_BLUR_PX), (0.0, 0.0)).astype(np.float32)
    unit = np.round(fine_texture(blur, shift)).astype(np.uint8)
    prepared = prepare_patches(golden, CENTRES, HALF)[:3]
    found = track_patches(
        rgb(unit), LINEAR, *prepared, HALF, CENTRES, np.tile(np.eye(2), (len(CENTRES), 1, 1)), 15, 0.02
    )
    np.testing.assert_allclose(found[:, :2], CENTRES + np.array(shift), atol=0.005)


def test_the_stated_covariance_is_that_of_the_scatter() -> None:
    rng = np.random.default_rng(13)
    golden = fine_texture(math.hypot(1.0, SAMPLING_BLUR_PX), (0.0, 0.0)).astype(np.float32)
    prepared = prepare_patches(golden, CENTRES, HALF)[:3]
    clean = fine_texture(1.0, (0.3, 0.2))
    runs = np.array([
        track_patches(
            rgb(np.round(clean + rng.normal(0, 4, clean.shape)).astype(np.uint8)), LINEAR, *prepared, HALF,
            CENTRES, np.tile(np.eye(2), (len(CENTRES), 1, 1)), 15, 0.02,
        )
        for _ in range(200)
    ])  # fmt: skip
    scatter = runs[:, :, :2].var(axis=0)
    stated = runs[:, :, [3, 5]].mean(axis=0)
    # sampling blurs the noise and neighbouring samples share it, so the misfit understates; fits rescale it
    assert (scatter / stated > 0.8).all()
    assert (scatter / stated < 8).all()
