"""Inspection errors: apparent fraction, effective curve, outgoing quality, what decisions may not use."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from quality.curves import DoublePlan, SinglePlan, acceptance_probability
from quality.errors import EvidenceError, PlanError, ProportionError, SimulatedEvidenceError
from quality.inspection_error import (
    AgreementCount,
    InspectionError,
    Source,
    apparent_fraction,
    effective_curve,
    outgoing_quality,
)
from quality.proportions import clopper_pearson

REAL: Source = "measured on real parts"


def station(
    detected: int = 180,
    bad: int = 200,
    alarms: int = 6,
    good: int = 300,
    *,
    d: Source = REAL,
    f: Source = REAL,
) -> InspectionError:
    return InspectionError(
        defect_class="scratch",
        detection=AgreementCount(called_nonconforming=detected, parts=bad, source=d),
        false_alarm=AgreementCount(called_nonconforming=alarms, parts=good, source=f),
    )


def test_the_apparent_fraction_is_detected_plus_false_alarms() -> None:
    assert apparent_fraction([0.0, 0.25, 1.0], 0.9, 0.02).tolist() == pytest.approx([0.02, 0.24, 0.9])
    assert apparent_fraction(0.3, 1.0, 0.0) == 0.3


def test_the_effective_curve_is_the_plans_at_the_apparent_fraction() -> None:
    plan, p = SinglePlan(80, 5), np.array([0.0, 0.02, 0.1])
    got = effective_curve(plan, p, station(), use="decision")
    np.testing.assert_array_equal(got.perfect, acceptance_probability(plan, p))
    np.testing.assert_allclose(
        got.effective, acceptance_probability(plan, 0.9 * p + 0.02 * (1 - p)), rtol=1e-12
    )
    d, f = clopper_pearson(180, 200, 0.975), clopper_pearson(6, 300, 0.975)
    for bound, dd, ff in ((got.least, d.upper, f.upper), (got.greatest, d.lower, f.lower)):
        np.testing.assert_allclose(bound, acceptance_probability(plan, dd * p + ff * (1 - p)), rtol=1e-9)
    assert (got.defect_class, got.source, got.confidence) == ("scratch", REAL, 0.95)
    assert got.effective[0] < got.perfect[0]


@given(st.integers(0, 50), st.integers(0, 50), st.floats(0, 1))
def test_the_bounds_enclose_the_estimate(detected: int, alarms: int, p: float) -> None:
    got = effective_curve(DoublePlan((20, 20), (0, 2), 2), p, station(detected, 50, alarms, 50), use="study")
    assert got.least <= got.effective + 1e-12
    assert got.effective <= got.greatest + 1e-12


def test_simulated_samples_are_accepted_as_the_effective_curve_says() -> None:
    """50 000 samples of 30 at p = 0.1, d = 0.9, f = 0.02; 5 standard errors are allowed."""
    rng = np.random.default_rng(11)
    bad = rng.random((50_000, 30)) < 0.1
    called = rng.random((50_000, 30)) < np.where(bad, 0.9, 0.02)
    accepted = (called.sum(axis=1) <= 3).mean()
    expected = float(effective_curve(SinglePlan(30, 3), 0.1, station(), use="study").effective)
    assert abs(accepted - expected) < 5 * np.sqrt(expected * (1 - expected) / 50_000)


def test_outgoing_quality_is_what_a_simulated_screen_lets_pass() -> None:
    """A million units at p = 0.05 through d = 0.9, f = 0.02: fraction of bad among the passed."""
    rng = np.random.default_rng(5)
    bad = rng.random(1_000_000) < 0.05
    rejected = rng.random(1_000_000) < np.where(bad, 0.9, 0.02)
    got = outgoing_quality(1_000_000, int(rejected.sum()), station(), use="decision")
    passed = bad[~rejected].mean()
    assert got.incoming == pytest.approx(0.05, abs=0.0015)  # 5 standard errors: sqrt(r / 1e6) / (d - f) each
    assert got.outgoing == pytest.approx(passed, abs=0.0003)
    assert got.outgoing_lower < passed < got.outgoing_upper


def test_outgoing_quality_by_hand() -> None:
    """r = 64/1000, d = 0.9, f = 0.02: p = 0.044 / 0.88 = 0.05; passed 0.05 * 0.1 / (1 - 0.064)."""
    got = outgoing_quality(1000, 64, station(), use="decision")
    assert got.incoming == pytest.approx(0.05)
    assert got.outgoing == pytest.approx(0.005 / 0.936)
    each = 1 - 0.05 / 3
    r, d, f = clopper_pearson(64, 1000, each), clopper_pearson(180, 200, each), clopper_pearson(6, 300, each)

    def passed(r: float, d: float, f: float) -> float:
        return max(r - f, 0) / (d - f) * (1 - d) / (1 - r)

    assert got.outgoing_upper == pytest.approx(passed(r.upper, d.lower, f.lower))
    assert got.outgoing_lower == pytest.approx(passed(r.lower, d.upper, f.upper))
    assert got.outgoing_lower < got.outgoing < got.outgoing_upper
    assert (got.defect_class, got.source, got.confidence) == ("scratch", REAL, 0.95)


def test_fewer_rejects_than_false_alarms_estimate_zero_but_not_a_bound_of_zero() -> None:
    got = outgoing_quality(1000, 10, station(), use="decision")
    assert (got.incoming, got.outgoing, got.outgoing_lower) == (0, 0, 0)
    assert got.outgoing_upper > 0


def test_more_rejects_than_are_detected_mean_that_all_are_nonconforming() -> None:
    got = outgoing_quality(1000, 950, station(), use="decision")
    assert (got.incoming, got.outgoing, got.outgoing_upper) == (1, 1, 1)


def test_bounds_that_do_not_tell_detection_from_false_alarm_are_the_whole_range() -> None:
    got = outgoing_quality(100, 30, station(3, 5, 2, 5), use="decision")
    assert (got.outgoing_lower, got.outgoing_upper) == (0, 1)
    assert 0 <= got.outgoing <= 1


@given(st.integers(6, 60), st.integers(0, 5), st.integers(0, 99))
def test_the_bounds_of_outgoing_quality_enclose_it(detected: int, alarms: int, rejected: int) -> None:
    got = outgoing_quality(100, rejected, station(detected, 60, alarms, 60), use="decision")
    assert 0 <= got.outgoing_lower <= got.outgoing + 1e-12
    assert got.outgoing <= got.outgoing_upper + 1e-12 <= 1 + 1e-12


@pytest.mark.parametrize("simulated", [{"d": "simulated"}, {"f": "simulated"}])
def test_simulated_probabilities_are_labelled_and_barred_from_decisions(simulated: Any) -> None:
    error = station(**simulated)
    assert error.source == "simulated"
    assert effective_curve(SinglePlan(5, 0), 0.1, error, use="study").source == "simulated"
    assert outgoing_quality(100, 10, error, use="study").source == "simulated"
    for call in (
        lambda: effective_curve(SinglePlan(5, 0), 0.1, error, use="decision"),
        lambda: outgoing_quality(100, 10, error, use="decision"),
    ):
        with pytest.raises(SimulatedEvidenceError, match=r"class 'scratch'.*measured on real parts"):
            call()


@pytest.mark.parametrize(
    ("call", "error", "sentence"),
    [
        (lambda: apparent_fraction(0.1, 1.1, 0.0), PlanError, r"p = 1\.1"),
        (lambda: apparent_fraction(-0.1, 1.0, 0.0), PlanError, r"p = -0\.1"),
        (lambda: apparent_fraction(0.1, 1.0, float("nan")), PlanError, "p = nan"),
        (lambda: outgoing_quality(10, 11, station(), use="study"), ProportionError, "11 of 10"),
        (lambda: outgoing_quality(0, 0, station(), use="study"), ProportionError, "0 units"),
        (lambda: outgoing_quality(10, 10, station(), use="study"), PlanError, "all 10 units"),
        (lambda: outgoing_quality(10, 1, station(5, 50, 5, 50), use="study"), EvidenceError, "not above"),
        (
            lambda: effective_curve(SinglePlan(5, 0), 0.1, station(), use="study", confidence=1.0),
            ProportionError, "confidence",
        ),
        (
            lambda: AgreementCount(called_nonconforming=3, parts=2, source="simulated"),
            ValidationError, "exceeds parts 2",
        ),
    ],
)  # fmt: skip
def test_refusals(call: Any, error: type[Exception], sentence: str) -> None:
    with pytest.raises(error, match=sentence):
        call()
