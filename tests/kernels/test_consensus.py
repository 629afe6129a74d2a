"""Forms that most points agree on, against SciPy's least squares over the points that truly belong to one."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.optimize import least_squares

from kernels.consensus import agreed_circle, agreed_line


@pytest.mark.parametrize(("seed", "turn"), [(0, 6.28), (1, 6.28), (2, 3.0), (3, 1.5)])
def test_a_circle_is_that_of_the_points_on_it_whatever_the_others_do(seed: int, turn: float) -> None:
    rng = np.random.default_rng(seed)
    angle = np.sort(rng.uniform(0, turn, 90))
    points = np.column_stack((4 + 50 * np.cos(angle), -7 + 50 * np.sin(angle))) + rng.normal(0, 0.05, (90, 2))
    stray = np.zeros(90, np.bool_)
    stray[20:50] = True  # a third, in one piece, off by 8
    points[stray] += 8 * np.column_stack((np.cos(angle), np.sin(angle)))[stray]

    found, kept, agreed = agreed_circle(points)

    assert agreed
    assert np.array_equal(kept, ~stray)
    own = points[~stray]
    right = least_squares(
        lambda p: np.hypot(own[:, 0] - p[0], own[:, 1] - p[1]) - p[2], (4.0, -7.0, 50.0), xtol=1e-14
    ).x
    np.testing.assert_allclose(found, right, atol=2e-6)


@pytest.mark.parametrize("count", [9, 40, 128])
def test_a_line_is_that_of_the_points_on_it(count: int) -> None:
    rng = np.random.default_rng(count)
    u = np.sort(rng.uniform(-60, 60, count))
    points = np.column_stack((u, 2.5 - 0.03 * u + rng.normal(0, 0.04, count)))
    stray = np.arange(count) < count // 3
    points[stray, 1] += 3.0

    found, kept, agreed = agreed_line(points)

    assert agreed
    assert np.array_equal(kept, ~stray)
    slope, offset = np.polyfit(*points[~stray].T, 1)
    np.testing.assert_allclose(found, (offset, slope), rtol=1e-9)


def test_what_lies_off_by_little_counts_and_by_more_does_not() -> None:
    u = np.linspace(-20, 20, 41)
    points = np.column_stack((u, np.zeros(41)))
    points[5, 1], points[30, 1] = 0.47, 0.49  # of 4 x 0.12, the least spread
    _, kept, _ = agreed_line(points)
    assert kept[5]
    assert not kept[30]


def test_there_is_no_form_of_too_few_points_or_of_the_wrong_ones() -> None:
    u = np.arange(12.0)
    assert not agreed_circle(np.column_stack((np.cos(u), np.sin(u)))[:5])[2]
    assert agreed_circle(np.column_stack((np.cos(u), np.sin(u)))[:6])[2]
    assert not agreed_circle(np.column_stack((u, 2 * u)))[2]
    assert not agreed_line(np.column_stack((u, u))[:3])[2]
    assert agreed_line(np.column_stack((u, u))[:4])[2]
    assert not agreed_line(np.column_stack((np.ones(12), u)))[2]
