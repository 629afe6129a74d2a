"""Places, gradient, mottle and match of regions whose truth is set."""

from __future__ import annotations

import numpy as np
import pytest

from kernels.compiled import F64
from tests.vision.colour_cell import calibration, square
from vision.colour.characteristics import (
    Asked,
    Gradient,
    Mottle,
    Pair,
    gradient,
    gradient_difference,
    match_difference,
    mottle,
    mottle_difference,
    place_differences,
)
from vision.colour.difference import delta_e
from vision.colour.reference import MeanLight
from vision.colour.region import RegionReading, read_region
from vision.colour.uncertainty import ColourDifference, colour_difference

SIDE = 200
FINE = np.arange(65536, dtype=np.float32) / 65535
BODY = np.array([0.45, 0.25, 0.12])
ASKED = Asked()
EYE = np.eye(2)


def seen(light: F64, noise: float = 0.004, seed: int = 0) -> RegionReading:
    """Return a reading of light (h, w, 3) or (3,), fine codes."""
    whole = np.broadcast_to(light, (SIDE, SIDE, 3))
    codes = whole + noise * np.random.default_rng(seed).standard_normal(whole.shape)
    found = read_region(np.round(65535 * codes).astype(np.uint16), square(10, 10, 180), FINE)
    assert isinstance(found, RegionReading)
    return found


def mean(unit: RegionReading, golden: RegionReading | MeanLight) -> ColourDifference:
    return colour_difference(golden, unit, calibration())


def shifted(delta: tuple[float, float, float], light: F64 = BODY) -> F64:
    """Return light whose L*a*b* is off by so much, by Newton's method on the calibration."""
    target = calibration().lab(light) + np.array(delta)
    found = light.copy()
    for _ in range(20):
        found = found - np.linalg.solve(calibration().lab_jacobian(found), calibration().lab(found) - target)
    return found


GOLDEN = MeanLight(BODY, 1e-12 * np.eye(3))
LAB: F64 = calibration().lab(BODY)


def off(delta: tuple[float, float, float]) -> F64:
    return LAB + np.array(delta)


@pytest.mark.parametrize("noise", [0.002, 0.015])
def test_places_of_an_even_region_differ_as_its_mean_does_however_noisy(noise: float) -> None:
    unit = seen(shifted((1.0, -1.0, 0.5)), noise)
    true = float(delta_e(LAB, off((1.0, -1.0, 0.5))))
    found = place_differences(unit, calibration(), mean(unit, GOLDEN), LAB, ASKED)
    assert found.value == pytest.approx(true, abs=0.1)
    assert found.low <= true <= found.high
    if noise > 0.01:
        assert found.uncorrected > true + 1.0, "noise alone would make it large"


def test_places_find_the_spot_that_the_mean_hides() -> None:
    light = np.ones((SIDE, SIDE, 3)) * BODY
    light[60:120, 60:120] = shifted((-4.0, 0.0, 0.0))  # 11 % of the region
    unit = seen(light, 0.006)
    found = place_differences(unit, calibration(), mean(unit, GOLDEN), LAB, ASKED)
    spot = float(delta_e(LAB, off((-4.0, 0, 0))))
    assert mean(unit, GOLDEN).value < 0.3 * spot
    assert found.value == pytest.approx(spot, abs=0.35)


def ramp(delta: float, turn: float = 0.0) -> F64:
    """Return light whose L* runs by delta over 181 px of the frame, along an angle."""
    slope = shifted((1.0, 0, 0)) - BODY
    x, y = np.arange(SIDE) - 100.0, np.arange(SIDE)[:, None] - 100.0
    along = (x * np.cos(turn) + y * np.sin(turn)) / 180
    return BODY + delta * along[..., None] * slope


def plane(light: F64, seed: int = 0, stretch: F64 = EYE) -> Gradient:
    found = gradient(seen(light, seed=seed), calibration(), stretch)
    assert isinstance(found, Gradient)
    return found


@pytest.mark.parametrize("turn", [0.0, 0.9])
def test_a_gradient_is_found_end_to_end_beyond_the_golden_samples(turn: float) -> None:
    outline = square(10, 10, 180) - 100
    own = plane(ramp(1.0))
    found = gradient_difference(
        [own], plane(ramp(1.0) + ramp(1.5, turn) - BODY, 1), LAB, outline, calibration(), ASKED
    )
    length = abs(np.cos(turn)) + abs(np.sin(turn))
    true = float(delta_e(LAB, off((1.5 * length, 0, 0))))
    assert found.value == pytest.approx(true, abs=0.1)
    assert found.low <= true <= found.high
    none = gradient_difference([own], plane(ramp(1.0), 2), LAB, outline, calibration(), ASKED)
    assert none.low == 0
    assert none.value < 0.15


def test_a_gradient_is_that_of_the_part_when_the_frame_shows_it_turned_and_larger() -> None:
    stretch = 1.2 * np.array([[0.0, -1.0], [1.0, 0.0]])  # golden x points down in the frame
    found = plane(ramp(1.2, np.pi / 2), stretch=stretch).slopes[0]
    np.testing.assert_allclose(found, [1.2 * 1.2 / 180, 0.0], atol=3e-4)


def wavy(contrast: float) -> F64:
    """Return light whose L* has a standard deviation of contrast, in waves of 60 px along both axes."""
    wave = np.sin(2 * np.pi * np.arange(SIDE) / 60)
    return BODY + 2 * contrast * np.outer(wave, wave)[..., None] * (shifted((1.0, 0, 0)) - BODY)


MM_PER_PX = 1.27 / 10  # tiles of 10 px, which see a wave of 60 px at sinc(1/6) along each axis
SHARE = np.sinc(1 / 6) ** 2


def uneven(light: F64, noise: float, seed: int = 0) -> Mottle:
    found = mottle(seen(light, noise, seed), calibration(), MM_PER_PX)
    assert isinstance(found, Mottle)
    return found


def test_mottle_is_what_noise_is_not() -> None:
    for noise in (0.001, 0.03):
        even = uneven(BODY, noise)
        assert abs(even.variance) < 3 * even.u_variance
    found = uneven(wavy(0.8), 0.02)
    assert np.sqrt(found.variance) == pytest.approx(0.8 * SHARE, rel=0.06)


def test_mottle_counts_beyond_the_golden_samples() -> None:
    own, unit = uneven(wavy(0.6), 0.004), uneven(wavy(1.0), 0.004, 1)
    one_l = float(delta_e(LAB, off((1.0, 0, 0))))
    even = mean(seen(BODY), GOLDEN)
    found = mottle_difference([own], unit, LAB, even, calibration(), ASKED)
    assert found.value == pytest.approx(one_l * SHARE * np.sqrt(1.0 - 0.36), rel=0.05)
    assert found.low < found.value < found.high
    same = mottle_difference([own], own, LAB, even, calibration(), ASKED)
    assert same.value == 0
    assert same.high > 0


def test_regions_match_as_the_golden_samples_do_whatever_the_light() -> None:
    other = shifted((3.0, 2.0, -4.0))
    golden = Pair(GOLDEN, MeanLight(other, 1e-12 * np.eye(3)))
    brighter = 1.01
    unit = Pair(MeanLight(BODY * brighter, GOLDEN.covariance), MeanLight(other * brighter, GOLDEN.covariance))
    same = match_difference(golden, golden.lab(calibration())[None], unit, calibration(), ASKED)
    assert same.value < 0.05
    changed = Pair(unit.judged, MeanLight(shifted((0, 1.5, 0), other) * brighter, GOLDEN.covariance))
    found = match_difference(golden, golden.lab(calibration())[None], changed, calibration(), ASKED)
    true = float(delta_e(LAB, off((0, -1.5, 0))))
    assert found.value == pytest.approx(true, rel=0.05)
    assert found.low < true < found.high


def test_a_region_too_small_for_tiles_is_told() -> None:
    codes = 20000 + np.random.default_rng(3).integers(0, 99, (60, 60, 3))
    small = read_region(codes.astype(np.uint16), square(5, 5, 40), FINE)
    assert isinstance(small, RegionReading)
    assert not isinstance(mottle(small, calibration(), 0.05), Mottle)
