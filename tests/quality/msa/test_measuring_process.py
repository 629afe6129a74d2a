"""The verdict about a measuring process: U against the tolerance, bias and linearity included."""

from __future__ import annotations

import math
from typing import Any

import pytest

from golden.spec import DecisionRule
from golden.uncertainty import Component
from quality.errors import StudyError
from quality.msa import (
    Bias,
    Linearity,
    MeasuringProcess,
    bias_study,
    crossed_gage_rr,
    linearity_study,
    measuring_process_capable,
)
from tests.quality.msa.test_gage_rr import aiag

BIAS = bias_study([0.2, 0.4], 0.0)  # 0.3
NO_BIAS = bias_study([-0.1, 0.1], 0.0)
LINEARITY = linearity_study([(1.0, 1.5), (1.0, 1.7), (3.0, 3.0), (3.0, 3.2)])  # fitted 0.6 at 1, 0.1 at 3


def verdict(largest: float | None = 0.1, k: float = 2.0, **changes: Any) -> MeasuringProcess:
    rule = DecisionRule(coverage_factor=k, largest_u_over_tolerance=largest)
    given: dict[str, Any] = {
        "lower": -5.0, "upper": 5.0, "rule": rule, "spread": 0.3, "bias": NO_BIAS,
        "linearity": linearity_study([(1.0, 0.9), (1.0, 1.1), (3.0, 2.9), (3.0, 3.1)]),
        "reference_uncertainty": 0.4,
    }  # fmt: skip
    return measuring_process_capable(**{**given, **changes})


def test_by_hand() -> None:
    """u = hypot(0.3, 0.4) = 0.5, U = 1, a tenth of 10: just capable."""
    found = verdict()
    assert found.standard_uncertainty == pytest.approx(0.5)
    assert found.uncertainty == pytest.approx(1.0)
    assert found.u_over_tolerance == pytest.approx(0.1)
    assert found.missing == ()
    assert (found.tolerance, found.coverage_factor, found.largest_u_over_tolerance) == (10.0, 2.0, 0.1)


@pytest.mark.parametrize(
    ("largest", "expected"), [(0.11, "capable"), (0.125, "capable"), (0.09, "not_capable")]
)
def test_the_verdict_turns_at_the_limit(largest: float, expected: str) -> None:
    assert verdict(largest).verdict == expected


def test_the_limit_itself_is_capable() -> None:
    """U = 1.25 of 10."""
    assert verdict(0.125, spread=0.625, reference_uncertainty=0.0).verdict == "capable"
    assert verdict(0.125, spread=0.6251, reference_uncertainty=0.0).verdict == "not_capable"


def test_one_upper_limit_has_its_tolerance_from_zero() -> None:
    assert verdict(lower=None).tolerance == 5.0
    assert verdict(lower=None).u_over_tolerance == pytest.approx(0.2)


def test_where_the_agreement_asks_for_nothing_it_is_unknown() -> None:
    found = verdict(None)
    assert (found.verdict, found.missing) == ("unknown", ("largest_u_over_tolerance",))
    assert found.u_over_tolerance == pytest.approx(0.1)


def test_bias_and_linearity_count_once_and_the_larger_of_them() -> None:
    biased = verdict(bias=BIAS)
    assert [c.name for c in biased.components] == ["gage R&R", "bias", "reference"]
    assert biased.standard_uncertainty == pytest.approx(math.sqrt(0.25 + 0.3**2 / 3))
    bent = verdict(bias=BIAS, linearity=LINEARITY)
    assert LINEARITY.largest_bias == pytest.approx(0.6)
    assert [c.name for c in bent.components] == ["gage R&R", "linearity", "reference"]
    assert bent.standard_uncertainty == pytest.approx(math.sqrt(0.25 + 0.36 / 3))
    opposite = bias_study([-0.2, -0.4], 0.0)
    assert verdict(bias=opposite).standard_uncertainty == biased.standard_uncertainty


def test_a_bias_alone_can_make_a_process_not_capable() -> None:
    assert verdict(0.105).verdict == "capable"
    assert verdict(0.105, bias=BIAS).verdict == "not_capable"


@pytest.mark.parametrize(
    ("left_out", "name"),
    [
        ("spread", "gage R&R"),
        ("bias", "bias"),
        ("linearity", "linearity"),
        ("reference_uncertainty", "reference"),
    ],
)
def test_what_was_not_studied_leaves_it_unknown(left_out: str, name: str) -> None:
    found = verdict(0.2, **{left_out: None})
    assert (found.verdict, found.missing) == ("unknown", (name,))
    assert verdict(0.01, **{left_out: None}).verdict == "not_capable"


def test_nothing_studied_is_unknown() -> None:
    found = verdict(spread=None, bias=None, linearity=None, reference_uncertainty=None)
    assert (found.verdict, found.uncertainty, len(found.missing)) == ("unknown", 0.0, 4)


def test_others_and_the_coverage_factor_count() -> None:
    found = verdict(others=[Component("temperature", 0.6, sensitivity=2.0)], k=3.0)
    assert found.standard_uncertainty == pytest.approx(1.3)
    assert found.uncertainty == pytest.approx(3.9)
    assert found.components[-1].name == "temperature"


def test_a_studys_own_gage_rr_is_taken() -> None:
    gage = crossed_gage_rr(aiag()).gage_rr
    found = verdict(spread=gage, reference_uncertainty=0.0)
    assert found.standard_uncertainty == pytest.approx(gage.standard_deviation)


@pytest.mark.parametrize(
    ("changes", "what"),
    [
        ({"upper": -5.0}, "no tolerance"), ({"upper": math.nan}, "no tolerance"),
        ({"upper": None}, "lower limit alone"), ({"spread": -0.1}, "gage R&R: standard uncertainty -0.1"),
        ({"reference_uncertainty": math.nan}, "reference: standard uncertainty nan"),
    ],
)  # fmt: skip
def test_numbers_outside_their_range(changes: dict[str, Any], what: str) -> None:
    with pytest.raises(StudyError, match=what):
        verdict(**changes)


def test_types_are_what_the_studies_return() -> None:
    assert isinstance(BIAS, Bias)
    assert isinstance(LINEARITY, Linearity)
