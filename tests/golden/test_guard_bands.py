"""Guard bands for a risk, and acceptance limits by test uncertainty ratio."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import optimize, stats

from golden.conformity import (
    conformance_probability,
    dobbert_factor,
    guard_band_for_risk,
    rss_factor,
)
from golden.conformity import (
    test95_factor as factor_of_test95,
)
from golden.errors import MeasurementError


@given(st.floats(1e-3, 10), st.floats(1e-4, 0.4999))
def test_at_the_edge_of_one_limit_the_risk_is_the_stated_one(u: float, risk: float) -> None:
    band = guard_band_for_risk(u, risk)
    assert band == pytest.approx(u * stats.norm.ppf(1 - risk), rel=1e-9, abs=1e-12)
    assert 1 - conformance_probability(-band, u, None, 0.0) == pytest.approx(risk, rel=1e-9)


@given(st.floats(1e-3, 10), st.floats(1e-4, 0.4999), st.floats(0.1, 100))
def test_at_the_edge_of_two_limits_too(u: float, risk: float, tolerance: float) -> None:
    middle = 1 - conformance_probability(tolerance / 2, u, 0.0, tolerance)
    if middle > risk:
        with pytest.raises(MeasurementError, match="measure with less uncertainty"):
            guard_band_for_risk(u, risk, tolerance)
        return
    band = guard_band_for_risk(u, risk, tolerance)
    assert guard_band_for_risk(u, risk) - 1e-9 <= band <= tolerance / 2
    found = 1 - conformance_probability(tolerance - band, u, 0.0, tolerance)
    assert found == pytest.approx(risk, rel=1e-6)


def test_a_wide_tolerance_is_as_one_limit_and_a_narrow_one_takes_more() -> None:
    assert guard_band_for_risk(1.0, 0.05, 100.0) == pytest.approx(1.6448536269514722, abs=1e-9)
    exact = optimize.brentq(lambda g: stats.norm.cdf(-g) + stats.norm.cdf(g - 4) - 0.05, 1, 2, xtol=1e-13)
    assert guard_band_for_risk(1.0, 0.05, 4.0) == pytest.approx(exact, abs=1e-11)
    assert exact == pytest.approx(1.79621272, abs=1e-7)


@pytest.mark.parametrize(
    ("tur", "rss", "dobbert", "t95"),
    [
        (1.0, 0.0, 1 - (1.04 - math.exp(-0.54)), 0.0),
        (2.0, 0.75**0.5, 0.85917735, 0.5),
        (4.0, 0.9682458, 0.9867197, 0.75),
        (4.5, (1 - 1 / 20.25) ** 0.5, 0.9982339, 1 - 1 / 4.5),
        (4.6, (1 - 1 / 21.16) ** 0.5, 1.0, 1 - 1 / 4.6),
        (100.0, 0.99995, 1.0, 0.99),
    ],
)
def test_factors_by_tur(tur: float, rss: float, dobbert: float, t95: float) -> None:
    assert rss_factor(tur) == pytest.approx(rss, abs=1e-7)
    assert dobbert_factor(tur) == pytest.approx(dobbert, abs=1e-7)
    assert factor_of_test95(tur) == pytest.approx(t95, abs=1e-12)


@pytest.mark.parametrize("tur", [0.99, 0.0, -2.0, math.nan, math.inf])
def test_a_tur_below_one_is_refused(tur: float) -> None:
    for factor in (rss_factor, dobbert_factor, factor_of_test95):
        with pytest.raises(MeasurementError, match=r"ratio .* at least 1"):
            factor(tur)


@pytest.mark.parametrize(
    ("u", "risk", "tolerance", "what"),
    [
        (0.0, 0.05, None, "uncertainty 0"), (-1.0, 0.05, None, "uncertainty -1"),
        (math.nan, 0.05, None, "uncertainty"), (math.inf, 0.05, None, "uncertainty"),
        (1.0, 0.0, None, "risk"), (1.0, 0.5, None, "risk"), (1.0, math.nan, None, "risk"),
        (1.0, 0.05, 0.0, "tolerance 0"), (1.0, 0.05, math.inf, "tolerance"),
        (1.0, 0.05, 3.9, "with probability 0.0512, above 0.05"),
    ],
)  # fmt: skip
def test_no_guard_band_of_broken_numbers(u: float, risk: float, tolerance: float | None, what: str) -> None:
    with pytest.raises(MeasurementError, match=what):
        guard_band_for_risk(u, risk, tolerance)
