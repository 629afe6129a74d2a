"""How sure one value is, decisions by it, and what they mean for whoever must prove."""

from __future__ import annotations

import math
import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from golden.conformity import (
    conformance_probability,
    decide,
    decide_by_probability,
    disposition,
    measurement_capability_index,
)
from golden.errors import MeasurementError
from golden.spec import DecisionRule

number = st.floats(-100, 100)
positive = st.floats(1e-3, 50)


@given(number, positive, number, positive)
def test_probability_is_that_of_scipy(value: float, u: float, lower: float, width: float) -> None:
    upper = lower + width
    both = stats.norm.cdf(upper, value, u) - stats.norm.cdf(lower, value, u)
    assert conformance_probability(value, u, lower, upper) == pytest.approx(both, abs=1e-14)
    assert conformance_probability(value, u, None, upper) == pytest.approx(
        stats.norm.cdf(upper, value, u), rel=1e-12, abs=1e-300
    )
    assert conformance_probability(value, u, lower, None) == pytest.approx(
        stats.norm.sf(lower, value, u), rel=1e-12, abs=1e-300
    )


def test_small_probabilities_keep_their_digits_on_both_sides() -> None:
    exact = stats.norm.cdf(-10) - stats.norm.cdf(-11)
    assert conformance_probability(10.0, 1.0, -1.0, 0.0) == pytest.approx(exact, rel=1e-12, abs=0)
    assert conformance_probability(-10.0, 1.0, 0.0, 1.0) == pytest.approx(exact, rel=1e-12, abs=0)


@pytest.mark.parametrize(("value", "sure"), [(0.9, 0), (1.0, 1), (1.5, 1), (2.0, 1), (2.1, 0)])
def test_without_uncertainty_a_value_is_in_or_out(value: float, sure: float) -> None:
    assert conformance_probability(value, 0.0, 1.0, 2.0) == sure


def test_capability_index_of_jcgm_106() -> None:
    """JCGM 106:2012, 7.6.3: Cm = T / (4 u)."""
    assert measurement_capability_index(0.01, 9.95, 10.03) == pytest.approx(2.0, abs=1e-12)
    for u, lower, upper in (
        (0.0, 0, 1),
        (-0.1, 0, 1),
        (0.1, 1, 1),
        (0.1, 2, 1),
        (math.nan, 0, 1),
        (0.1, 0, math.inf),
    ):
        with pytest.raises(MeasurementError, match=r"must be positive|must lie below"):
            measurement_capability_index(u, lower, upper)


@pytest.mark.parametrize("limit", [0.9, 0.95, 0.99])
def test_decision_by_probability_turns_at_the_limit_on_both_sides(limit: float) -> None:
    """With one limit the zone's edge is z u inside and outside of it; both are inclusive."""
    edge = float(stats.norm.ppf(limit))
    near = 1e-9
    for sign in (1, -1):
        lower, upper = (None, 0.0) if sign == 1 else (0.0, None)

        def at(z: float, lower: float | None = lower, upper: float | None = upper, sign: int = sign) -> str:
            return decide_by_probability(sign * z, 1.0, lower, upper, limit=limit)

        assert at(-edge - near) == "conform"
        assert at(-edge + near) == at(edge - near) == at(0.0) == "undecided"
        assert at(edge + near) == "nonconform"


def test_the_edge_of_proof_itself_is_proof() -> None:
    """A limit that is just the probability of this value proves it, conforming or not."""
    inside = conformance_probability(-1.0, 1.0, None, 0.0)
    assert decide_by_probability(-1.0, 1.0, None, 0.0, limit=inside) == "conform"
    assert decide_by_probability(-1.0, 1.0, None, 0.0, limit=math.nextafter(inside, 1)) == "undecided"
    outside = 1 - conformance_probability(1.0, 1.0, None, 0.0)
    assert decide_by_probability(1.0, 1.0, None, 0.0, limit=outside) == "nonconform"
    assert decide_by_probability(1.0, 1.0, None, 0.0, limit=math.nextafter(outside, 1)) == "undecided"


def test_with_a_large_uncertainty_the_guard_band_is_not_enough() -> None:
    """Within both guard bands of 1.645 u, and yet beyond one or the other limit with more than 5 %."""
    rule = DecisionRule(coverage_factor=1.6449)
    assert decide(0.0, 0.6, -1.0, 1.0, rule) == "conform"
    assert conformance_probability(0.0, 0.6, -1.0, 1.0) == pytest.approx(0.9044, abs=1e-4)
    assert decide_by_probability(0.0, 0.6, -1.0, 1.0) == "undecided"


@pytest.mark.parametrize("limit", [0.5, 1.0, 0.0, math.nan])
def test_a_probability_limit_lies_above_one_half(limit: float) -> None:
    with pytest.raises(MeasurementError, match=r"between 0\.5 and 1"):
        decide_by_probability(0.0, 1.0, 0.0, 1.0, limit=limit)


@pytest.mark.parametrize(
    ("decision", "supplier", "buyer"),
    [
        ("conform", "accept", "accept"),
        ("undecided", "hold", "accept_with_record"),
        ("nonconform", "reject", "reject"),
    ],
)
def test_the_direction_of_iso_14253_1(decision: str, supplier: str, buyer: str) -> None:
    """The supplier proves conformity, the buyer nonconformity: undecided turns by who must prove."""
    assert disposition(decision, "supplier") == supplier
    assert disposition(decision, "buyer") == buyer


def test_judging_loads_no_scipy() -> None:
    code = (
        "import sys, golden.conformity as c, golden.uncertainty\n"
        "c.conformance_probability(0, 1, 0, 1); c.guard_band_for_risk(1, .05, 9)\n"
        "assert 'scipy' not in sys.modules and 'numpy' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)
