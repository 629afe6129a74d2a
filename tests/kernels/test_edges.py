"""Sub-pixel edges on images whose edge is known in closed form: error functions evaluated by SciPy."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import ndtr

from datasets.scenes import HalfPlane, Scene
from kernels.compiled import F32, F64
from kernels.edges import edges_across

SIDE = 41
MIDDLE = 20.0


def straight(angle: float, phase: float, blur: float, low: float = 0.1, high: float = 0.8) -> F32:
    """Return an edge that rises along `angle`, `phase` px beyond the middle, sampled at pixel centres."""
    y, x = np.mgrid[:SIDE, :SIDE] - MIDDLE
    t = x * math.cos(angle) + y * math.sin(angle)
    return (low + (high - low) * ndtr((t - phase) / blur)).astype(np.float32)


def one(image: F32, angle: float, *, reach: float = 8.0, near: float = 6.0, sign: float = 1.0) -> F64:
    """Return the result of one profile through the middle."""
    direction = np.array([[math.cos(angle), math.sin(angle)]])
    return edges_across(image, np.array([[MIDDLE, MIDDLE]]), direction, reach, near, sign, np.zeros(1))[0]


@given(st.floats(0, 2 * math.pi), st.floats(-2, 2), st.floats(0.45, 1.4))
def test_a_straight_edge_at_any_angle_and_phase_has_no_bias(angle: float, phase: float, blur: float) -> None:
    position, found_blur, rise, residual, found = one(straight(angle, phase, blur), angle)
    assert found == 1
    assert position == pytest.approx(phase, abs=1e-4)
    assert found_blur == pytest.approx(blur, abs=2e-3)
    assert rise == pytest.approx(0.7, abs=2e-3)
    assert residual < 0.01  # of the step before the last


@given(st.floats(0, 2 * math.pi), st.floats(-1, 1), st.floats(-0.05, 0.05))
def test_a_slightly_oblique_profile_meets_the_edge_where_its_own_line_does(
    angle: float, phase: float, off: float
) -> None:
    found = one(straight(angle + off, phase, 0.8), angle)
    assert found[4] == 1
    assert found[0] == pytest.approx(phase / math.cos(off), abs=0.01)


@pytest.mark.parametrize("angle", [0, 17, 45, 90, 133, 180, 251, 315])
@pytest.mark.parametrize("phase", [-0.5, -0.21, 0.0, 0.38])
def test_pixels_that_integrate_over_their_square_add_no_bias(angle: float, phase: float) -> None:
    turn = math.radians(angle)
    at = (MIDDLE + phase * math.cos(turn), MIDDLE + phase * math.sin(turn))
    scene = Scene(SIDE, SIDE, 0.8, (HalfPlane(at, angle, 0.1),), blur_sigma_px=0.7)
    found = one(scene.light()[..., 0].copy(), turn)
    assert found[4] == 1
    # a box under a Gaussian is not quite a wider Gaussian: what is left is symmetric and small
    assert found[0] == pytest.approx(phase, abs=1e-3)


@pytest.mark.parametrize("radius", [8.3, 15.7, 40.2, 150.0])
@pytest.mark.parametrize("fraction", [0.0, 0.37])
def test_a_profile_outward_across_a_circle_reaches_its_rim(radius: float, fraction: float) -> None:
    side = 2 * math.ceil(radius) + 31
    middle = side // 2 + fraction
    y, x = np.mgrid[:side, :side] - middle
    image = (0.1 + 0.7 * ndtr((np.hypot(x, y) - radius) / 0.8)).astype(np.float32)
    angles = np.arange(48) * (2 * math.pi / 48)
    directions = np.stack((np.cos(angles), np.sin(angles)), axis=1)
    centres = middle + (radius - 0.4) * directions
    bent = edges_across(image, centres, directions, 7.0, 6.0, 1.0, np.full(len(centres), 1 / radius))
    flat = edges_across(image, centres, directions, 7.0, 6.0, 1.0, np.zeros(len(centres)))
    assert (bent[:, 4] == 1).all()
    # second order in 1 / radius is left over
    assert np.abs(bent[:, 0] - 0.4).max() < 2e-4 + 0.15 / radius**2
    assert abs(bent[:, 0].mean() - 0.4) < abs(flat[:, 0].mean() - 0.4) / 5


NOISE, RISE, BLUR = 0.01, 0.6, 0.7
BOUND = NOISE / RISE * math.sqrt(2 * math.sqrt(math.pi) * BLUR)  # of one profile, samples one pixel apart


def scatter(angle: float, start: float, step: float, count: int) -> float:
    """Return the standard deviation of `count` independent profiles across one noisy edge."""
    turn = math.radians(angle)
    height, width = math.ceil(count * step) + 40, 40
    along = np.array([-math.sin(turn), math.cos(turn)])
    across = np.array([math.cos(turn), math.sin(turn)])
    centres = np.array([20.3, start + 5]) + np.arange(count)[:, None] * step * along
    width += math.ceil(abs(float(centres[-1, 0] - 20.3)))
    centres[:, 0] += max(0.0, 20.3 - float(centres[:, 0].min()))
    y, x = np.mgrid[:height, :width]
    t = (x - centres[0, 0]) * across[0] + (y - centres[0, 1]) * across[1]
    image = 0.2 + RISE * ndtr(t / BLUR) + np.random.default_rng(5).normal(0, NOISE, t.shape)
    found = edges_across(
        image.astype(np.float32), centres, np.tile(across, (count, 1)), 8.0, 6.0, 1.0, np.zeros(count)
    )
    assert (found[:, 4] == 1).all()
    assert abs(found[:, 0].mean()) < 4 * BOUND / math.sqrt(count)
    return float(found[:, 0].std())


def test_on_one_row_the_scatter_is_near_the_cramer_rao_bound() -> None:
    ratio = scatter(0, 0.0, 1.0, 3000) / BOUND
    assert 0.96 < ratio < 1.4  # 3000 profiles give the ratio to 1.3 %


def test_between_two_rows_the_scatter_is_near_the_bound_of_two_profiles() -> None:
    ratio = scatter(0, 0.5, 2.0, 3000) / (BOUND / math.sqrt(2))
    assert 0.96 < ratio < 1.4


def test_across_an_oblique_edge_the_scatter_is_near_the_bound_of_its_weights() -> None:
    # Steps are 1 / cos apart. Weights f and 1 - f, with f spread evenly, leave 2 / 3 of one row's variance.
    turn = math.radians(-25)
    bound = BOUND * math.sqrt(2 / 3 / math.cos(turn))
    ratio = scatter(-25, 10.0, 3.0, 1500) / bound
    assert 0.94 < ratio < 1.4


@pytest.mark.parametrize("angle", [0.0, 1.1, 2.5, 4.0])
def test_an_edge_of_the_other_polarity_is_not_found(angle: float) -> None:
    image = straight(angle, 0.3, 0.8)
    assert one(image, angle, sign=-1.0)[4] == 0
    assert one(image, angle + math.pi, sign=1.0)[4] == 0
    falling = one(image, angle + math.pi, sign=-1.0)
    assert falling[4] == 1
    assert falling[0] == pytest.approx(-0.3, abs=1e-4)
    assert falling[2] == pytest.approx(-0.7, abs=2e-3)


def test_the_asked_polarity_is_taken_where_both_are_near() -> None:
    x = np.arange(SIDE) - MIDDLE
    bar = 0.1 + 0.6 * (ndtr((x + 4.2) / 0.7) - ndtr((x - 4.6) / 0.7))
    image = np.tile(bar, (SIDE, 1)).astype(np.float32)
    assert one(image, 0.0, reach=9.0, near=4.0)[0] == pytest.approx(-4.2, abs=2e-3)
    assert one(image, 0.0, reach=9.0, near=4.0, sign=-1.0)[0] == pytest.approx(4.6, abs=2e-3)


@pytest.mark.parametrize("near", [0.0, 6.0])
def test_an_even_image_has_no_edge(near: float) -> None:
    assert one(np.full((SIDE, SIDE), 0.4, np.float32), 0.4, near=near)[4] == 0


def test_a_blur_beyond_four_pixels_is_no_edge() -> None:
    assert one(straight(0.0, 0.0, 6.0), 0.0, reach=14.0, near=14.0)[4] == 0


@pytest.mark.parametrize(
    "centre", [(6.0, 20.0), (34.5, 20.0), (20.0, 5.0), (20.0, 36.0), (-30.0, 20.0), (20.0, 80.0)]
)
def test_a_profile_that_leaves_the_image_finds_nothing(centre: tuple[float, float]) -> None:
    angle = 0.0 if centre[1] == 20.0 else math.pi / 2
    image = straight(angle, centre[angle > 0] - MIDDLE, 0.8)
    direction = np.array([[math.cos(angle), math.sin(angle)]])
    found = edges_across(image, np.array([centre]), direction, 8.0, 6.0, 1.0, np.zeros(1))
    assert found[0, 4] == 0


@given(st.floats(0, 2 * math.pi), st.floats(-5, 5))
def test_without_a_fit_the_steepest_place_is_good_to_about_a_pixel(angle: float, phase: float) -> None:
    found = one(straight(angle, phase, 0.8), angle, reach=9.0, near=0.0)
    assert found[4] == 1
    assert abs(found[0] - phase) < 1.2


def test_profiles_do_not_influence_each_other() -> None:
    image = straight(0.3, 0.2, 0.8)
    centres = np.array([[20.0, 20.0], [20.5, 18.0], [-50.0, 20.0], [19.0, 22.0]])
    directions = np.tile([math.cos(0.3), math.sin(0.3)], (4, 1))
    together = edges_across(image, centres, directions, 8.0, 6.0, 1.0, np.zeros(len(centres)))
    for k in range(4):
        alone = edges_across(image, centres[k : k + 1], directions[k : k + 1], 8.0, 6.0, 1.0, np.zeros(1))
        np.testing.assert_array_equal(together[k], alone[0])
    assert together[2, 4] == 0
    assert together[[0, 1, 3], 4].all()
