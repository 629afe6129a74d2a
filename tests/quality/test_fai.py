"""The first-article decision, item by item."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

import quality
from golden.spec import GoldenSpec
from tests.builders import tiny_fields
from tests.quality.records import SPEC, defect, inspection, proof, result, spec_with


def decide(
    *entered: quality.EnteredResult, spec: GoldenSpec = SPEC, **record: Any
) -> quality.FirstArticleDecision:
    return quality.first_article(spec, [inspection("FA-1", spec=spec, **record)], entered)


def outcomes(decision: quality.FirstArticleDecision) -> dict[str, str]:
    return {i.id: i.outcome for i in decision.items}


def test_all_items_conform() -> None:
    decision = decide(proof("FA-1"))
    assert [i.number for i in decision.items] == [1, 2, 3, 4]
    assert set(outcomes(decision).values()) == {"conform"}
    assert decision.accepted
    assert decision.causes == ()
    entered = decision.items[3]
    assert (entered.value, entered.upper, entered.unit, entered.evidence) == (0.1, 0.5, "ohm", "report 7")


@pytest.mark.parametrize("name", ["hole", "paint", "face"])
@pytest.mark.parametrize("outcome", ["nonconform", "undecided"])
def test_one_item_that_is_not_conform_is_enough(name: str, outcome: str) -> None:
    verdict = "REJECT" if outcome == "nonconform" else "HOLD"
    decision = decide(proof("FA-1"), verdict=verdict, decisions={name: outcome},
                      reasons=[f"characteristic_{outcome}"])  # fmt: skip
    assert outcomes(decision)[name] == outcome
    assert not decision.accepted
    assert [c.cause for c in decision.causes] == [f"characteristic:{name}"]


def test_an_undecided_item_is_not_accepted_even_where_the_buyer_has_to_prove() -> None:
    fields = tiny_fields()
    fields["characteristics"][0]["decision"] = {"who_proves": "buyer"}
    spec = GoldenSpec.model_validate(fields)
    decision = decide(proof("FA-1"), spec=spec, verdict="HOLD", decisions={"hole": "undecided"},
                      reasons=["characteristic_undecided"])  # fmt: skip
    assert not decision.accepted


def test_what_nobody_entered_is_missing() -> None:
    decision = decide()
    assert outcomes(decision)["continuity"] == "missing"
    assert not decision.accepted
    assert decision.causes == (quality.Nonconformity(cause="characteristic:continuity", severity="critical"),)


def test_a_characteristic_without_any_result_is_missing() -> None:
    record = inspection(
        "FA-1", "HOLD", reasons=["not_entered"], characteristics=[result(SPEC, "hole"), result(SPEC, "face")]
    )
    decision = quality.first_article(SPEC, [record], [proof("FA-1")])
    assert outcomes(decision)["paint"] == "missing"
    assert not decision.accepted


@pytest.mark.parametrize(
    ("given", "outcome"),
    [
        ({"value": 0.1}, "conform"),
        ({"value": 0.48}, "conform"),  # 0.48 + 2 x 0.01 reaches the limit exactly
        ({"value": 0.485}, "undecided"),
        ({"value": 0.6}, "nonconform"),
        ({"value": 0.1, "standard_uncertainty": None}, "undecided"),
    ],
)
def test_entered_values_are_decided_by_the_rule_of_the_golden_sample(
    given: dict[str, Any], outcome: str
) -> None:
    decision = decide(proof("FA-1", **given))
    assert outcomes(decision)["continuity"] == outcome
    assert decision.accepted == (outcome == "conform")


@pytest.mark.parametrize("value", [0.75, 0.85])
def test_limits_are_inclusive(value: float) -> None:
    exact = result(SPEC, "hole", value=value, standard_uncertainty=0.0)
    record = inspection("FA-1", characteristics=[exact, result(SPEC, "paint"), result(SPEC, "face")])
    decision = quality.first_article(SPEC, [record], [proof("FA-1")])
    assert outcomes(decision)["hole"] == "conform"


def attribute_spec(**fields: Any) -> GoldenSpec:
    known = tiny_fields()
    known["characteristics"].append({
        "kind": "attribute", "number": 5, "id": "label", "name": "Label", "severity": "minor",
        "method": "by eye", **fields,
    })  # fmt: skip
    return GoldenSpec.model_validate(known)


def label(*, conform: bool) -> quality.EnteredResult:
    return quality.EnteredResult(serial="FA-1", characteristic="label", conform=conform, evidence="seen")


@pytest.mark.parametrize("conform", [True, False])
def test_attributes_are_entered_as_conform_or_not(conform: bool) -> None:
    decision = decide(proof("FA-1"), label(conform=conform), spec=attribute_spec())
    assert decision.accepted == conform
    assert [i.coverage_factor for i in decision.items[-2:]] == [2.0, None]


def test_what_is_proven_elsewhere_is_listed_and_does_not_wait() -> None:
    spec = attribute_spec(required_at=("iqc",))
    decision = decide(proof("FA-1"), spec=spec)
    item = decision.items[-1]
    assert (item.id, item.outcome, item.required) == ("label", "missing", False)
    assert decision.accepted
    assert not decide(proof("FA-1"), label(conform=False), spec=spec).accepted


def test_a_result_on_every_unit_is_required_whatever_the_checkpoints() -> None:
    spec = attribute_spec(required_at=("iqc",), every_unit=True)
    assert not decide(proof("FA-1"), spec=spec, verdict="HOLD", reasons=["not_entered"]).accepted


def test_not_entered_is_cured_by_entering() -> None:
    assert decide(proof("FA-1"), verdict="HOLD", reasons=["not_entered"]).accepted
    held = decide(proof("FA-1"), verdict="HOLD", reasons=["not_entered", "frame_blurred"])
    assert not held.accepted
    assert [c.cause for c in held.causes] == ["reason:frame_blurred"]


def test_a_defect_outside_every_surface_characteristic_stops_it() -> None:
    decision = decide(
        proof("FA-1"),
        verdict="HOLD",
        reasons=["surface_unclassified"],
        defects=[defect(None)],
    )
    assert not decision.accepted
    assert [c.cause for c in decision.causes] == ["defect:unclassified:front"]


@pytest.mark.parametrize("severity", ["critical", "major", "minor", None])
def test_a_held_record_with_a_defect_is_not_cured_by_entering(severity: str | None) -> None:
    with pytest.raises(quality.EvidenceError, match="does not conform"):
        decide(proof("FA-1"), verdict="HOLD", reasons=["not_entered"], defects=[defect(severity)])


def test_a_held_record_without_the_view_is_not_cured_by_entering() -> None:
    with pytest.raises(quality.EvidenceError, match="'top' has no frame"):
        decide(proof("FA-1"), verdict="HOLD", reasons=["not_entered"], frames=[])


def test_every_unit_of_the_plan_counts() -> None:
    spec = spec_with(fai={"units": 2})
    good, other = inspection("FA-1"), inspection("FA-2", "REJECT", decisions={"hole": "nonconform"})
    with pytest.raises(quality.EvidenceError, match="1 units; the plan asks for 2"):
        quality.first_article(spec, [good], [proof("FA-1")])
    with pytest.raises(quality.EvidenceError, match="names a unit twice"):
        quality.first_article(spec, [good, good], [proof("FA-1")])
    decision = quality.first_article(spec, [good, other], [proof("FA-1"), proof("FA-2")])
    assert len(decision.items) == 8
    assert not decision.accepted


@pytest.mark.parametrize(
    ("entered", "sentence"),
    [
        ([proof("FA-9")], "not one of the first article"),
        ([proof("FA-1", characteristic="hole")], "no such characteristic"),
        ([proof("FA-1"), proof("FA-1")], "given twice"),
        ([proof("FA-1", value=None, standard_uncertainty=None, conform=True)], "takes a value in ohm"),
    ],
)
def test_entered_results_that_do_not_fit_are_refused(
    entered: list[quality.EnteredResult], sentence: str
) -> None:
    with pytest.raises(quality.EvidenceError, match=sentence):
        decide(*entered)


def test_a_result_that_the_record_already_holds_cannot_be_entered_again() -> None:
    with pytest.raises(quality.EvidenceError, match="given twice"):
        decide(proof("FA-1"), verdict="REJECT", decisions={"continuity": "nonconform"})


@pytest.mark.parametrize(
    "given", [{"value": 1, "conform": True}, {}, {"conform": True, "standard_uncertainty": 1}]
)
def test_an_entered_result_is_a_value_or_conform(given: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        quality.EnteredResult.model_validate({"serial": "1", "characteristic": "c", "evidence": "e", **given})


@pytest.mark.parametrize(
    ("altered", "sentence"),
    [
        ({"upper": 9.0}, "not those of the golden sample"),
        ({"lower": 0.1}, "not those of the golden sample"),
        ({"unit": "inch"}, "not those of the golden sample"),
        ({"rule": {"rule": "simple"}}, "not those of the golden sample"),
        ({"value": 0.9}, "yet the record calls it conform"),
        ({"value": 0.7}, "yet the record calls it conform"),
        ({"value": None}, "yet the record calls it conform"),
        ({"id": "other"}, "'other' is not in the golden sample"),
        ({"id": "paint", "upper": 2.0, "lower": None, "unit": "CIEDE2000"}, "'paint' occurs twice"),
    ],
)
def test_a_record_judged_by_other_limits_is_refused(altered: dict[str, Any], sentence: str) -> None:
    record = inspection("FA-1", characteristics=[result(SPEC, "paint"), result(SPEC, "hole", **altered)])
    with pytest.raises(quality.EvidenceError, match=sentence):
        quality.first_article(SPEC, [record], [proof("FA-1")])
