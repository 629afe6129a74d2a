"""Constants against two other ways to compute them, and what is refused."""

import math

import numpy as np
import pytest
from scipy import integrate, stats

from quality.errors import ChartError
from quality.spc import constants


def test_closed_forms_of_small_samples() -> None:
    pair, triple = constants(2), constants(3)
    assert pair.d2 == pytest.approx(2 / math.sqrt(math.pi), abs=1e-11)
    assert pair.d3 == pytest.approx(math.sqrt(2 - 4 / math.pi), abs=1e-10)
    assert pair.c4 == pytest.approx(math.sqrt(2 / math.pi), abs=1e-14)
    assert triple.d2 == pytest.approx(3 / math.sqrt(math.pi), abs=1e-11)
    assert triple.c4 == pytest.approx(math.sqrt(math.pi) / 2, abs=1e-14)


@pytest.mark.parametrize("n", [4, 5, 12, 25])
def test_mean_range_is_twice_the_mean_of_the_largest_value(n: int) -> None:
    largest = integrate.quad(lambda x: n * x * stats.norm.pdf(x) * stats.norm.cdf(x) ** (n - 1), -10, 10)[0]
    assert constants(n).d2 == pytest.approx(2 * largest, abs=1e-9)


@pytest.mark.parametrize("n", [5, 25])
def test_variance_of_the_range_agrees_with_the_studentized_range(n: int) -> None:
    # E W^2 = int 2 w P(W > w) dw, with the distribution of the range (infinite degrees of freedom).
    square = integrate.quad(lambda w: 2 * w * stats.studentized_range.sf(w, n, np.inf), 0, 14, limit=200)[0]
    known = constants(n)
    assert known.d3 == pytest.approx(math.sqrt(square - known.d2**2), abs=2e-6)


def test_range_and_deviation_of_simulated_samples() -> None:
    draws = np.random.default_rng(11).standard_normal((400_000, 7))
    ranges, known = np.ptp(draws, axis=1), constants(7)
    assert ranges.mean() == pytest.approx(known.d2, abs=5 * known.d3 / math.sqrt(400_000))
    assert ranges.std() == pytest.approx(known.d3, abs=0.006)
    deviations = draws.std(axis=1, ddof=1)
    assert deviations.mean() == pytest.approx(known.c4, abs=0.0025)
    assert deviations.std() == pytest.approx(known.c5, abs=0.0025)


def test_the_table_of_five() -> None:
    five = constants(5)
    printed = {"A": 1.342, "A2": 0.577, "A3": 1.427, "B4": 2.089, "B6": 1.964, "D2": 4.918, "D4": 2.114}
    assert {name: round(getattr(five, name), 3) for name in printed} == printed
    assert (five.B3, five.B5, five.D1, five.D3) == (0, 0, 0, 0)
    assert constants(7).D3 > 0 > constants(6).d2 - 3 * constants(6).d3
    assert constants(6).B3 > 0


@pytest.mark.parametrize("n", [-1, 0, 1, 26])
def test_other_sizes_are_refused(n: int) -> None:
    with pytest.raises(ChartError, match=rf"subgroup size {n}: .* 2 to 25"):
        constants(n)
