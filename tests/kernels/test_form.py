"""The least maximum against another implementation of linear programming (HiGHS)."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import linprog

from kernels.form import least_maximum


@settings(deadline=None, max_examples=40)
@given(st.integers(0, 3), st.integers(5, 60), st.booleans(), st.integers(0, 10_000))
def test_the_least_maximum_is_that_of_highs(p: int, m: int, rounded: bool, seed: int) -> None:
    rng = np.random.default_rng(seed)
    half, some = rng.normal(size=(m, p)), rng.normal(size=m)
    if rounded:  # ties and repeated points
        half, some = np.round(half, 1), np.round(some, 1)
    rows, values = np.vstack((half, -half)), np.concatenate((some, -some))  # bounded: both signs are there
    x, active, weights = (a[0] for a in least_maximum(rows, values[None]))
    objective = np.append(np.zeros(p), 1.0)
    bounds = [(None, None)] * (p + 1)
    truth = linprog(objective, -np.column_stack((rows, np.ones(2 * m))), -values, bounds=bounds)
    assert x[p] == pytest.approx(truth.fun, abs=1e-9)
    assert (values - rows @ x[:p]).max() == pytest.approx(x[p], abs=1e-9)
    real = weights > 0
    assert (active[real] < 2 * m).all()
    assert weights.sum() == pytest.approx(1)
    assert weights[real] @ values[active[real]] == pytest.approx(x[p], abs=1e-9)  # duality
    assert weights[real] @ rows[active[real]] == pytest.approx(np.zeros(p), abs=1e-9)


def test_the_weights_are_the_gradient() -> None:
    rng = np.random.default_rng(3)
    angles = rng.uniform(0, 2 * np.pi, 40)
    rows, values = np.column_stack((np.cos(angles), np.sin(angles))), rng.normal(size=40)
    x, active, weights = least_maximum(rows, values[None])
    gradient = np.zeros(40)
    gradient[active[0]] = weights[0]
    moved = least_maximum(rows, values + 1e-6 * np.eye(40))[0][:, 2]
    assert (moved - x[0, 2]) / 1e-6 == pytest.approx(gradient, abs=1e-6)


def test_an_unbounded_problem_says_so() -> None:
    rows = np.column_stack((np.ones(5), np.arange(5.0)))
    _, active, weights = least_maximum(rows, np.arange(5.0)[None])
    assert (active[0][weights[0] > 0] >= 5).any()
