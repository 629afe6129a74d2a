"""The policy of the golden sample: a measuring process that is not capable never accepts on its own."""

from __future__ import annotations

import math
from typing import Any

import pytest
from pydantic import ValidationError

from evidence.inspection import CharacteristicResult
from evidence.reasons import REASONS
from golden.conformity import capable, decide, tolerance, u_over_tolerance
from golden.digests import canonical_json
from golden.errors import MeasurementError
from golden.spec import Characteristic, Colour, DecisionRule, Dimension, Entered, GoldenSpec
from tests import builders
from vision.judge import check_entered, judge, measured

QUARTER = DecisionRule(rule="simple", largest_u_over_tolerance=0.25)
GUARDED_QUARTER = DecisionRule(largest_u_over_tolerance=0.25)


@pytest.mark.parametrize(
    ("u", "able"),
    [(0.0, True), (0.124, True), (0.125, True), (0.125 * (1 + 1e-8), False), (5.0, False)],
)
def test_the_limit_itself_is_still_capable(u: float, able: bool) -> None:
    """U = 2 u over a tolerance of 1 mm: a quarter of it is u = 0.125 mm."""
    assert capable(u, 9.5, 10.5, QUARTER) is able
    assert decide(10.0, u, 9.5, 10.5, QUARTER) == ("conform" if able else "undecided")


def test_a_value_outside_is_still_rejected_by_any_process() -> None:
    assert decide(10.6, 0.2, 9.5, 10.5, QUARTER) == "nonconform"
    assert decide(10.95, 0.2, 9.5, 10.5, GUARDED_QUARTER) == "nonconform"
    assert decide(10.6, 0.2, 9.5, 10.5, GUARDED_QUARTER) == "undecided"


def test_what_is_capable_is_decided_as_without_the_policy() -> None:
    for value in (9.0, 9.4, 9.6, 10.0, 10.45, 10.8):
        assert decide(value, 0.1, 9.5, 10.5, GUARDED_QUARTER) == decide(value, 0.1, 9.5, 10.5, DecisionRule())


def test_the_ratio_counts_the_rules_own_coverage_factor() -> None:
    assert u_over_tolerance(0.1, 9.0, 11.0, DecisionRule(coverage_factor=3.0)) == pytest.approx(0.15)
    assert u_over_tolerance(0.1, None, 2.0, DecisionRule()) == pytest.approx(0.1)
    assert tolerance(-1.0, 3.0) == 4.0
    assert tolerance(None, 3.0) == 3.0
    assert capable(1e9, 9.0, 11.0, DecisionRule()) is True  # nothing asked


@pytest.mark.parametrize(
    ("lower", "upper", "what"),
    [(1.0, None, "lower limit alone"), (None, 0.0, "no tolerance above zero"), (None, -1.0, "no tolerance"),
     (1.0, 1.0, "no tolerance"), (None, math.inf, "finite|no tolerance")],
)  # fmt: skip
def test_without_a_tolerance_the_policy_cannot_be_asked(lower: Any, upper: Any, what: str) -> None:
    with pytest.raises(MeasurementError, match=what):
        decide(0.5, 0.1, lower, upper, QUARTER)


@pytest.mark.parametrize("u", [-0.1, math.nan, math.inf])
def test_a_broken_uncertainty_has_no_ratio(u: float) -> None:
    with pytest.raises(MeasurementError, match="not negative"):
        u_over_tolerance(u, 0.0, 1.0, QUARTER)


def with_policy(i: int, **changes: Any) -> dict[str, Any]:
    fields = builders.tiny_fields()
    fields["characteristics"][i] |= {"decision": {"largest_u_over_tolerance": 0.1}, **changes}
    return fields


@pytest.mark.parametrize(
    ("i", "changes", "needs"),
    [
        (0, {}, False), (1, {}, False), (3, {}, False),
        (0, {"upper": None}, True),  # a lower limit alone
        (0, {"lower": None}, False),  # a length from zero
        (3, {"upper": -0.5, "lower": None}, True),
        (3, {"unit": None, "upper": None}, True),  # conform or not
        (2, {}, True),  # a surface has no uncertainty
    ],
)  # fmt: skip
def test_a_specification_asks_for_it_only_where_there_is_a_tolerance(
    i: int, changes: dict[str, Any], needs: bool
) -> None:
    if needs:
        with pytest.raises(ValidationError, match="largest_u_over_tolerance needs a tolerance"):
            GoldenSpec.model_validate(with_policy(i, **changes))
    else:
        spec = GoldenSpec.model_validate(with_policy(i, **changes))
        assert spec.characteristics[i].decision.largest_u_over_tolerance == 0.1


@pytest.mark.parametrize("ratio", [0.0, -0.1, 1.01, math.nan])
def test_a_ratio_lies_above_zero_and_up_to_one(ratio: float) -> None:
    with pytest.raises(ValidationError):
        DecisionRule(largest_u_over_tolerance=ratio)
    assert DecisionRule(largest_u_over_tolerance=1.0).largest_u_over_tolerance == 1.0


def test_without_the_policy_agreements_and_records_keep_their_bytes() -> None:
    """The key is not written where nothing is asked: what was sealed or recorded before it stays the same."""
    spec = builders.tiny_spec()
    text = canonical_json(spec.model_dump(mode="json", by_alias=True))
    assert b"largest_u_over_tolerance" not in text
    rule = b'{"coverage_factor":2.0,"guard_factor":1.0,"rule":"guarded","who_proves":"supplier"}'
    assert canonical_json(DecisionRule().model_dump(mode="json")) == rule
    assert DecisionRule.model_validate_json(rule) == DecisionRule()
    written = DecisionRule(largest_u_over_tolerance=0.1).model_dump(mode="json")
    assert DecisionRule.model_validate(written).largest_u_over_tolerance == 0.1
    again = GoldenSpec.model_validate_json(text)
    assert canonical_json(again.model_dump(mode="json", by_alias=True)) == text


def hole(largest: float | None, rule: str = "simple") -> Dimension:
    fields = builders.tiny_fields()["characteristics"][0]
    decision = {"rule": rule, "largest_u_over_tolerance": largest}
    return Dimension.model_validate({**fields, "decision": decision})


def judged(
    characteristic: Characteristic, value: float, u: float
) -> tuple[CharacteristicResult, str, tuple[str, ...]]:
    assert isinstance(characteristic, Dimension | Colour)
    result = measured(characteristic, value, u)
    return result, *judge([result], [], builders.tiny_spec().catalogue)


def test_a_station_holds_what_it_cannot_measure_well_enough() -> None:
    """0.75 to 0.85 mm: a tenth of the tolerance is U = 0.01 mm, u = 0.005 mm."""
    result, verdict, reasons = judged(hole(0.1), 0.8, 0.005)
    assert (result.decision, result.reason, verdict) == ("conform", None, "ACCEPT")
    result, verdict, reasons = judged(hole(0.1), 0.8, 0.0051)
    assert (result.decision, result.reason) == ("undecided", "measurement_not_capable")
    assert (verdict, reasons) == ("HOLD", ("measurement_not_capable",))
    assert result.rule.largest_u_over_tolerance == 0.1
    result, verdict, _ = judged(hole(None), 0.8, 0.0051)
    assert verdict == "ACCEPT"
    result, verdict, reasons = judged(hole(0.1), 0.9, 0.0051)
    assert (verdict, reasons) == ("REJECT", ("characteristic_nonconform",))


def test_undecided_by_a_capable_process_says_so() -> None:
    _, verdict, reasons = judged(hole(0.5, "guarded"), 0.845, 0.005)
    assert (verdict, reasons) == ("HOLD", ("characteristic_undecided",))


def test_a_colour_difference_has_its_tolerance_from_zero() -> None:
    fields = builders.tiny_fields()["characteristics"][1]
    paint = Colour.model_validate({**fields, "decision": {"rule": "simple", "largest_u_over_tolerance": 0.1}})
    assert judged(paint, 1.0, 0.1)[1] == "ACCEPT"  # U 0.2 of 2.0
    assert judged(paint, 1.0, 0.101)[2] == ("measurement_not_capable",)


def test_the_reason_holds() -> None:
    assert REASONS["measurement_not_capable"].verdict == "HOLD"


@pytest.mark.parametrize(("rule", "needs"), [(QUARTER, True), (GUARDED_QUARTER, True), (DecisionRule(), True),
                                             (DecisionRule(rule="simple"), False)])  # fmt: skip
def test_a_number_without_uncertainty_cannot_meet_the_policy(rule: DecisionRule, needs: bool) -> None:
    assert rule.needs_uncertainty is needs
    fields = builders.tiny_fields()
    fields["characteristics"][3]["decision"] = rule.model_dump(mode="json")
    spec = GoldenSpec.model_validate(fields)
    c = spec.characteristics[3]
    assert isinstance(c, Entered)
    base: dict[str, Any] = {
        "id": c.id, "name": c.name, "source": "manual", "value": 0.1, "unit": c.unit, "nominal": None,
        "lower": None, "upper": c.upper, "standard_uncertainty": None, "coverage_factor": 2.0,
        "rule": rule, "valid": True,
    }  # fmt: skip
    conform = CharacteristicResult(**base, reason=None, decision="conform")
    undecided = CharacteristicResult(**base, reason="characteristic_undecided", decision="undecided")
    right, wrong = (undecided, conform) if needs else (conform, undecided)
    check_entered(spec, [right])
    with pytest.raises(ValueError, match=f"0.1 is {right.decision}, not {wrong.decision}"):
        check_entered(spec, [wrong])
