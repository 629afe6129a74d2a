"""The robust quadratic against SciPy's minimiser of the same loss, and what its weights are for."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.optimize import minimize

from kernels.compiled import F64
from kernels.quadratic import middle_of_positive, padded, robust_quadratic

TRUTH = np.array([1.02, 0.05, -0.03, 0.02, 0.01, -0.02])
COUNT = 397


def terms(places: F64) -> F64:
    u, v = places
    return np.stack((np.ones_like(u), u, v, u * u, u * v, v * v))


def scene(noise: float, seed: int = 1) -> tuple[F64, F64]:
    """Return places and values of which a corner, an eighth, lies far off."""
    rng = np.random.default_rng(seed)
    places = rng.uniform(-1, 1, (2, COUNT))
    values = TRUTH @ terms(places) + rng.normal(0, noise, COUNT)
    values[(places[0] > 0.3) & (places[1] > 0.3)] += 0.2
    return places, values


@pytest.mark.parametrize("from_median", [False, True])
def test_a_part_that_lies_far_off_moves_nothing(from_median: bool) -> None:
    places, values = scene(0.0)
    fitted, spread = robust_quadratic(padded(places), padded(values), COUNT, from_median)
    np.testing.assert_allclose(fitted, TRUTH, atol=2e-4)
    assert spread < 1e-4


@pytest.mark.parametrize("from_median", [False, True])
def test_the_fit_is_where_the_loss_of_its_spread_is_least(from_median: bool) -> None:
    places, values = scene(0.004)
    fitted, spread = robust_quadratic(padded(places), padded(values), COUNT, from_median)
    off = np.abs(values - fitted @ terms(places))
    assert spread == pytest.approx(1.4826 * np.sort(off)[COUNT // 2], rel=1e-4)

    def loss(p: F64) -> float:
        share = np.minimum(((values - p @ terms(places)) / (4.685 * spread)) ** 2, 1)
        return float((1 - (1 - share) ** 3).sum())

    least = minimize(loss, TRUTH, method="BFGS", options={"gtol": 1e-9}).x
    np.testing.assert_allclose(fitted, least, atol=2e-5)


def test_values_all_alike_and_fewer_than_terms_do_no_harm() -> None:
    places = np.array([[-0.5, 0.5, 0.1], [0.2, -0.2, 0.6]])
    fitted, spread = robust_quadratic(padded(places), padded(np.full(3, 1.1)), 3, False)
    assert fitted @ terms(places) == pytest.approx([1.1, 1.1, 1.1], abs=1e-6)
    assert spread == pytest.approx(0, abs=1e-6)


@pytest.mark.parametrize("count", [1, 2, 3, 8, 1001])
def test_the_middle_is_the_upper_median(count: int) -> None:
    rng = np.random.default_rng(count)
    for values in (rng.random(count), rng.integers(0, 3, count), np.exp(rng.normal(0, 9, count))):
        single = values.astype(np.float32)
        assert middle_of_positive(single) == np.sort(single)[count // 2]
