"""A measuring process that is not capable accepts nothing: in records, and at the first article."""

from __future__ import annotations

from typing import Any

import pytest

import quality
from golden.spec import GoldenSpec
from quality.record_checks import check_results
from tests.quality.records import fields, inspection, proof, result


def spec(rule: str = "simple", largest: float | None = 0.1) -> GoldenSpec:
    """Return the test plate with a policy on hole (0.75 to 0.85 mm) and continuity (up to 0.5 ohm)."""
    known = fields()
    for i in (0, 3):
        known["characteristics"][i]["decision"] = {"rule": rule, "largest_u_over_tolerance": largest}
    return GoldenSpec.model_validate(known)


def record(agreed: GoldenSpec, decision: str, **measured: Any) -> None:
    hole = result(agreed, "hole", decision, value=0.8, **measured)
    others = [result(agreed, "paint"), result(agreed, "face")]
    verdict, reasons = ("ACCEPT", []) if decision == "conform" else ("HOLD", ["measurement_not_capable"])
    found = inspection("U1", verdict, spec=agreed, reasons=reasons, characteristics=[hole, *others])
    check_results(agreed, found)


def test_a_record_that_accepts_by_such_a_process_is_no_evidence() -> None:
    """A tenth of 0.1 mm is U = 0.01, u = 0.005 mm."""
    record(spec(), "conform", standard_uncertainty=0.005)
    record(spec(), "undecided", standard_uncertainty=0.0051)
    with pytest.raises(quality.EvidenceError, match="is undecided, yet the record calls it conform"):
        record(spec(), "conform", standard_uncertainty=0.0051)
    with pytest.raises(quality.EvidenceError, match="is conform, yet the record calls it undecided"):
        record(spec(largest=None), "undecided", standard_uncertainty=0.0051)


def test_a_record_without_uncertainty_cannot_meet_the_policy() -> None:
    record(spec(largest=None), "conform", standard_uncertainty=None)
    with pytest.raises(quality.EvidenceError, match="is undecided, yet the record calls it conform"):
        record(spec(), "conform", standard_uncertainty=None)


@pytest.mark.parametrize(
    ("largest", "u", "outcome"),
    [(0.1, 0.025, "conform"), (0.1, 0.026, "undecided"), (None, 0.026, "conform"), (0.1, None, "undecided"),
     (None, None, "conform")],
)  # fmt: skip
def test_the_first_article_too(largest: float | None, u: float | None, outcome: str) -> None:
    agreed = spec(largest=largest)
    entered = [proof("FA-1", standard_uncertainty=u)]
    decision = quality.first_article(agreed, [inspection("FA-1", spec=agreed)], entered)
    assert {i.id: i.outcome for i in decision.items}["continuity"] == outcome
    assert decision.accepted is (outcome == "conform")


def test_the_first_article_names_the_characteristic_and_not_the_reason_besides() -> None:
    agreed = spec()
    hole = result(agreed, "hole", "undecided", value=0.8, standard_uncertainty=0.02)
    found = inspection(
        "FA-1", "HOLD", spec=agreed, reasons=["measurement_not_capable"],
        characteristics=[hole, result(agreed, "paint"), result(agreed, "face")],
    )  # fmt: skip
    decision = quality.first_article(agreed, [found], [proof("FA-1")])
    assert not decision.accepted
    assert [c.cause for c in decision.causes] == ["characteristic:hole"]
