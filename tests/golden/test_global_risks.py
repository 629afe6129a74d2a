"""Global risks against the bivariate normal distribution and hand-made cases."""

from __future__ import annotations

import math
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from golden.conformity import global_risks
from golden.errors import MeasurementError


def by_bivariate(
    mean: float, sd: float, u: float, lower: float, upper: float, guard: float
) -> tuple[float, ...]:
    """Return P(conforming and accepted), P(conforming), P(accepted) by scipy's bivariate normal."""
    total = math.hypot(sd, u)
    rho = sd / total
    pair = stats.multivariate_normal([0, 0], [[1, rho], [rho, 1]])
    a = [(lower - mean) / sd, (upper - mean) / sd]
    b = [(lower + guard - mean) / total, (upper - guard - mean) / total]
    both = pair.cdf([a[1], b[1]], lower_limit=[a[0], b[0]])
    return (
        float(both),
        float(stats.norm.cdf(a[1]) - stats.norm.cdf(a[0])),
        float(stats.norm.cdf(b[1]) - stats.norm.cdf(b[0])),
    )


@settings(max_examples=40, deadline=None)
@given(
    st.floats(-1, 1), st.floats(0.1, 2), st.floats(0.01, 1), st.floats(-0.3, 0.8)
)  # fmt: skip
def test_against_the_bivariate_normal(mean: float, sd: float, u: float, guard: float) -> None:
    both, conforming, accepted = by_bivariate(mean, sd, u, -1.0, 1.0, guard)
    found = global_risks(
        process_mean=mean, process_sd=sd, standard_uncertainty=u, lower=-1.0, upper=1.0, guard_band=guard
    )
    assert found.conforming == pytest.approx(conforming, abs=1e-12)
    assert found.accepted == pytest.approx(accepted, abs=1e-9)
    assert found.consumer == pytest.approx(accepted - both, abs=1e-6)
    assert found.producer == pytest.approx(conforming - both, abs=1e-6)
    assert found.nonconforming_given_accepted == pytest.approx(found.consumer / found.accepted)


@pytest.mark.parametrize(("lower", "upper"), [(None, 1.0), (-1.0, None)])
def test_one_limit_and_its_mirror(lower: float | None, upper: float | None) -> None:
    found = global_risks(process_mean=0.0, process_sd=1.0, standard_uncertainty=0.5, lower=lower, upper=upper)
    assert found.conforming == pytest.approx(stats.norm.cdf(1.0), abs=1e-12)
    assert found.accepted == pytest.approx(stats.norm.cdf(1 / math.hypot(1, 0.5)), abs=1e-9)
    assert found.accepted == pytest.approx(found.conforming - found.producer + found.consumer, abs=1e-12)
    # sheppard's formula gives the quadrant about the middle: a limit at the mean, nothing but geometry
    middle = global_risks(process_mean=0.0, process_sd=1.0, standard_uncertainty=1.0, lower=None, upper=0.0)
    assert middle.consumer == pytest.approx(1 / 8, abs=1e-9)
    assert middle.producer == pytest.approx(1 / 8, abs=1e-9)


def test_the_resistors_of_jcgm_106() -> None:
    """JCGM 106:2012, 9.5.4: 1500 +-0.2 ohm, process 0.12, u 0.04: consumer 2 %, producer 4 %."""
    found = global_risks(
        process_mean=1500, process_sd=0.12, standard_uncertainty=0.04, lower=1499.8, upper=1500.2
    )
    assert (round(found.consumer, 2), round(found.producer, 2)) == (0.02, 0.04)


def test_a_sharp_measurement_makes_hardly_an_error() -> None:
    """The quadrature must not jump over a step 1e-5 wide; there the risk is about u phi(z) / sqrt(2 pi)."""
    found = global_risks(process_mean=0, process_sd=1, standard_uncertainty=1e-5, lower=None, upper=0.5)
    expected = 1e-5 * stats.norm.pdf(0.5) / math.sqrt(2 * math.pi)
    assert found.consumer == pytest.approx(expected, rel=1e-4)
    assert found.producer == pytest.approx(expected, rel=1e-4)


def test_guarding_moves_risk_from_the_consumer_to_the_producer() -> None:
    risks = [
        global_risks(
            process_mean=0, process_sd=0.5, standard_uncertainty=0.2, lower=-1, upper=1, guard_band=g
        )
        for g in (-0.2, 0.0, 0.2, 0.4)
    ]
    assert [r.consumer for r in risks] == sorted((r.consumer for r in risks), reverse=True)
    assert [r.producer for r in risks] == sorted(r.producer for r in risks)
    assert len({r.conforming for r in risks}) == 1


def test_where_all_is_accepted_rounding_makes_no_negative_risk() -> None:
    found = global_risks(
        process_mean=0.0, process_sd=1.0, standard_uncertainty=0.1, lower=-1.0, upper=1.0, guard_band=-1.0
    )
    assert 0 <= found.producer < 1e-15


def test_where_nothing_is_accepted_there_is_no_share_of_it() -> None:
    found = global_risks(process_mean=500, process_sd=1, standard_uncertainty=1, lower=-1, upper=1)
    assert (found.accepted, found.nonconforming_given_accepted) == (0.0, None)


@pytest.mark.parametrize(
    ("change", "what"),
    [
        ({"process_sd": 0.0}, "must be positive"), ({"process_sd": -1.0}, "must be positive"),
        ({"standard_uncertainty": 0.0}, "must be positive"), ({"standard_uncertainty": -1.0}, "negative"),
        ({"process_sd": math.nan}, "must be finite"), ({"process_mean": math.inf}, "must be finite"),
        ({"guard_band": math.nan}, "must be finite"), ({"upper": math.nan}, "must be finite"),
        ({"lower": None, "upper": None}, "needs a limit"), ({"lower": 2.0}, "above upper"),
        ({"guard_band": 1.0}, "no interval of acceptance"), ({"lower": 1.0}, "no interval of acceptance"),
    ],
)  # fmt: skip
def test_broken_numbers_are_refused(change: dict[str, Any], what: str) -> None:
    given: dict[str, Any] = {
        "process_mean": 0.0, "process_sd": 1.0, "standard_uncertainty": 0.1, "lower": -1.0, "upper": 1.0,
    }  # fmt: skip
    with pytest.raises(MeasurementError, match=what):
        global_risks(**{**given, **change})
