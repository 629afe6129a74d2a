"""Uncertainty budgets against the GUM's examples, scipy and Bayes' theorem by numbers."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import integrate, stats

from golden import uncertainty
from golden.errors import MeasurementError
from golden.uncertainty import Combined, Component, combine, expand, posterior


def test_the_end_gauge_of_gum_h1() -> None:
    """GUM H.1: u = 32 nm, effective degrees of freedom 16, U99 = 93 nm (published, rounded)."""
    gum = [
        Component("standard", 25, 18), Component("difference", 5.8, 24), Component("random", 3.9, 5),
        Component("systematic", 6.7, 8), Component("expansion", 2.9, 50), Component("temperature", 16.6, 2),
    ]  # fmt: skip
    combined = combine(gum)
    assert combined.standard_uncertainty == pytest.approx(31.7, abs=0.1)
    assert math.floor(combined.degrees_of_freedom) == 16
    assert expand(combined, 0.99).uncertainty == pytest.approx(93, abs=0.6)
    assert expand(combined, 0.99).coverage_factor == pytest.approx(stats.t.ppf(0.995, 16), rel=1e-12)


def test_degrees_of_freedom_are_truncated_or_not() -> None:
    combined = combine([Component("a", 3, 4), Component("b", 0.5)])
    assert combined.degrees_of_freedom == pytest.approx((9.25**2) / (81 / 4))
    assert expand(combined).coverage_factor == pytest.approx(stats.t.ppf(0.975, 4), rel=1e-12)
    as_is = expand(combined, degrees_of_freedom="as_is")
    assert as_is.coverage_factor == pytest.approx(stats.t.ppf(0.975, combined.degrees_of_freedom), rel=1e-9)


@given(st.integers(1, 60))
def test_equal_components_add_their_degrees_of_freedom(n: int) -> None:
    """Two of nu each give exactly 2 nu, which truncation must not take one from."""
    combined = combine([Component("a", 0.1, n), Component("b", 0.1, n)])
    assert expand(combined).coverage_factor == pytest.approx(stats.t.ppf(0.975, 2 * n), rel=1e-12)


def test_exactly_known_components_give_the_normal_factor() -> None:
    combined = combine([Component("a", 3.0), Component("b", 4.0)])
    assert combined == Combined(5.0, math.inf)
    assert expand(combined, 0.9545).coverage_factor == pytest.approx(2.0000, abs=1e-4)
    assert expand(combined, 0.9545).uncertainty == pytest.approx(10.0, abs=1e-3)


def test_a_sensitivity_scales_and_its_sign_does_not_matter() -> None:
    for c in (-4.0, 4.0):
        scaled = combine([Component("t", 1.0, 5, sensitivity=c), Component("b", 3.0)])
        assert scaled.standard_uncertainty == pytest.approx(5.0)
        assert scaled.degrees_of_freedom == pytest.approx(5 * (5 / 4) ** 4)


def test_nothing_uncertain_is_certain() -> None:
    assert expand(combine([Component("a", 0.0, 3)])).uncertainty == 0.0


def test_distributions_have_the_deviation_of_scipy() -> None:
    assert uncertainty.rectangular(0.3) == pytest.approx(stats.uniform(-0.3, 0.6).std())
    assert uncertainty.triangular(0.3) == pytest.approx(stats.triang(0.5, -0.3, 0.6).std())
    assert uncertainty.arcsine(0.3) == pytest.approx(stats.arcsine(-0.3, 0.6).std())
    assert uncertainty.resolution(0.3) == pytest.approx(stats.uniform(0, 0.3).std())
    assert uncertainty.from_expanded(0.3, 1.5) == pytest.approx(0.2)
    assert uncertainty.from_interval(1.959963984540054, 0.95) == pytest.approx(1.0, abs=1e-12)


@given(st.floats(-5, 5), st.floats(0.1, 3), st.floats(-5, 5), st.floats(0.1, 3))
def test_the_posterior_is_bayes_theorem(mean: float, sd: float, value: float, u: float) -> None:
    found = posterior(prior_mean=mean, prior_sd=sd, value=value, standard_uncertainty=u)
    precision = 1 / sd**2 + 1 / u**2
    assert found.mean == pytest.approx((mean / sd**2 + value / u**2) / precision, abs=1e-9)
    assert found.standard_deviation == pytest.approx(precision**-0.5, rel=1e-9)


def test_the_posterior_by_numerical_integration() -> None:
    def weight(x: float) -> float:
        return float(stats.norm.pdf(x, 0, 0.5) * stats.norm.pdf(1.1, x, 0.25))

    norm = integrate.quad(weight, -5, 5)[0]
    mean = integrate.quad(lambda x: x * weight(x), -5, 5)[0] / norm
    found = posterior(prior_mean=0, prior_sd=0.5, value=1.1, standard_uncertainty=0.25)
    assert found.mean == pytest.approx(mean, abs=1e-8)


@pytest.mark.parametrize(
    ("given_to", "what"),
    [
        (lambda: Component("a", -0.1), "a: standard uncertainty -0.1"),
        (lambda: Component("a", math.nan), "standard uncertainty nan"),
        (lambda: Component("a", math.inf), "standard uncertainty inf"),
        (lambda: Component("a", 1, 0.99), "degrees of freedom 0.99"),
        (lambda: Component("a", 1, math.nan), "degrees of freedom nan"),
        (lambda: Component("a", 1, sensitivity=math.inf), "sensitivity inf"),
        (lambda: combine([]), "needs a component"),
        (lambda: expand(Combined(1, 5), 0.0), "coverage 0"),
        (lambda: expand(Combined(1, 5), 1.0), "coverage 1"),
        (lambda: uncertainty.rectangular(-1), "width -1"),
        (lambda: uncertainty.resolution(math.nan), "width nan"),
        (lambda: uncertainty.from_expanded(1, 0), "factor 0"),
        (lambda: uncertainty.from_interval(1, 1.0), "coverage 1"),
        (lambda: posterior(prior_mean=0, prior_sd=0, value=0, standard_uncertainty=1), "must be positive"),
        (lambda: posterior(prior_mean=0, prior_sd=1, value=0, standard_uncertainty=0), "must be positive"),
        (lambda: posterior(prior_mean=0, prior_sd=1, value=math.nan, standard_uncertainty=1), "finite"),
    ],
)
def test_broken_numbers_are_refused(given_to: object, what: str) -> None:
    assert callable(given_to)
    with pytest.raises(MeasurementError, match=what):
        given_to()
