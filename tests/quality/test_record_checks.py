"""No verdict is taken on trust: a record must follow from its numbers and from the golden sample."""

from __future__ import annotations

from typing import Any

import pytest

import quality
from evidence import MOST_DEFECTS, Inspection
from golden.spec import GoldenSpec
from quality.record_checks import check_results
from tests.quality.records import INSPECTOR, SPEC, Line, defect, fields, frame, inspection, proof, result

CONFORMING = {name: result(SPEC, name) for name in ("hole", "paint", "face")}


def with_results(verdict: str = "ACCEPT", reasons: Any = None, **results: Any) -> Inspection:
    """Return a record of the test plate; a result of None is left out."""
    kept = [r for r in {**CONFORMING, **results}.values() if r is not None]
    return inspection("U1", verdict, characteristics=kept, reasons=reasons)


def refused(record: Inspection, sentence: str, spec: GoldenSpec = SPEC) -> None:
    line = Line(spec).in_production()
    with pytest.raises(quality.EvidenceError, match=sentence):
        quality.record_inspection(line.state, spec, record)


@pytest.mark.parametrize("name", ["hole", "paint", "face"])
def test_an_accept_without_a_result_is_refused(name: str) -> None:
    refused(with_results(**{name: None}), f"without a result of '{name}'")


@pytest.mark.parametrize("decision", ["nonconform", "undecided"])
@pytest.mark.parametrize("name", ["hole", "paint", "face", "continuity"])
def test_an_accept_over_a_result_that_does_not_conform_is_refused(name: str, decision: str) -> None:
    refused(with_results(**{name: result(SPEC, name, decision)}), f"'{name}' is {decision}")


def test_an_accept_over_an_invalid_result_is_refused() -> None:
    unseen = result(SPEC, "hole", "undecided", valid=False, value=None, reason="edge_not_found")
    refused(with_results(hole=unseen), "'hole' is not valid")


@pytest.mark.parametrize("severity", ["critical", "major", "minor", None])
def test_an_accept_over_a_rejecting_or_unweighed_defect_is_refused(severity: str | None) -> None:
    refused(inspection("U1", defects=[defect(severity)]), "the unit does not conform")


def test_an_accept_with_defects_that_pass_counts() -> None:
    catalogue = {**fields()["catalogue"], "rejects": ["critical", "major"]}
    spec = GoldenSpec.model_validate({**fields(), "catalogue": catalogue})
    check_results(spec, inspection("U1", spec=spec, defects=[defect("minor"), defect("allowed")]))


@pytest.mark.parametrize("frames", [[], [frame(found=False)], [{**frame(), "view": "side"}]])
def test_an_accept_without_a_frame_of_every_view_is_refused(frames: list[dict[str, Any]]) -> None:
    refused(inspection("U1", frames=frames), "view 'top' has no frame")


def test_what_every_unit_proves_is_asked_of_an_accept() -> None:
    known = fields()
    known["characteristics"][3]["every_unit"] = True
    spec = GoldenSpec.model_validate(known)
    with pytest.raises(quality.EvidenceError, match="without a result of 'continuity'"):
        check_results(spec, inspection("U1", spec=spec))
    check_results(spec, inspection("U1", spec=spec, decisions={"continuity": "conform"}))
    check_results(spec, inspection("U1", "HOLD", spec=spec))


# ISO 14253-1, guard band 2u at limits 0.75 and 0.85 mm: 0.849 with u = 0.001 reaches over the limit
@pytest.mark.parametrize(
    ("value", "u", "said", "is_"),
    [
        (0.85, 5.0, "conform", "undecided"),
        (0.849, 0.001, "conform", "undecided"),
        (0.9, 0.001, "conform", "nonconform"),
        (0.8, 0.001, "nonconform", "conform"),
        (0.8, 0.001, "undecided", "conform"),
        (0.9, 0.001, "undecided", "nonconform"),
        (0.8, None, "conform", "undecided"),
        (None, None, "nonconform", "undecided"),
    ],
)
@pytest.mark.parametrize(
    ("verdict", "reason"), [("REJECT", "surface_rejected"), ("HOLD", "frame_blurred"), ("ACCEPT", None)]
)
def test_a_decision_that_its_number_does_not_bear_out_is_refused_whatever_the_verdict(
    value: float | None, u: float | None, said: str, is_: str, verdict: str, reason: str | None
) -> None:
    hole = result(SPEC, "hole", said, value=value, standard_uncertainty=u)
    record = with_results(verdict, [] if reason is None else [reason], hole=hole)
    refused(record, f"is {is_}, yet the record calls it {said}")


def test_an_entered_number_is_decided_by_the_golden_sample() -> None:
    far = result(SPEC, "continuity", "conform", value=99.0)
    refused(with_results(continuity=far), "is nonconform, yet the record calls it conform")
    own = result(SPEC, "continuity", "conform", value=99.0, upper=100.0)
    refused(with_results(continuity=own), "not those of the golden sample")


def test_a_number_without_uncertainty_stands_against_a_unit_and_never_for_it() -> None:
    bad = result(SPEC, "hole", "nonconform", standard_uncertainty=None)
    check_results(SPEC, with_results("REJECT", ["characteristic_nonconform"], hole=bad))


@pytest.mark.parametrize(
    "altered",
    [
        {"severity": "allowed"},
        {"severity": "critical"},
        {"severity": None},
        {"rule": None},
        {"rule": "unheard-of"},
        {"rule": "speck"},
        {"class": "dent"},
        {"zone": "back"},
        {"class": "unclassified"},
    ],
)
@pytest.mark.parametrize("verdict", ["ACCEPT", "HOLD", "REJECT"])
def test_a_severity_that_the_catalogue_does_not_give_is_refused(
    altered: dict[str, Any], verdict: str
) -> None:
    record = inspection("U1", verdict, defects=[{**defect("minor"), **altered}])
    refused(record, "the catalogue does not say so")


# as this release writes them: weighed in all zones, with what was measured and the limits of the line
STATED = {
    **defect("minor"), "size_mm": 0.5, "length_mm": 0.5, "area_mm2": 0.1, "contrast": 30.0,
    "zones": ["back", "front"], "limits": [{"measure": "size_mm", "from": 0.3, "to": None}],
    "named_by": "classifier",
}  # fmt: skip


def test_a_defect_that_states_what_was_measured_is_weighed_again() -> None:
    check_results(SPEC, inspection("U1", "HOLD", defects=[STATED]))
    held = {**STATED, "size_mm": 0.3, "zones": ["front"]}
    check_results(SPEC, inspection("U1", "HOLD", defects=[held]))


@pytest.mark.parametrize(
    "altered",
    [
        {"size_mm": 0.2},  # an allowed speck
        {"limits": []},
        {"limits": [{"measure": "size_mm", "from": 0.2, "to": None}]},
        {"limits": [{"measure": "length_mm", "from": 0.3, "to": None}]},
        {"zones": ["front", "edge"], "zone": "edge"},
        {"zones": ["back"]},
        {"severity": None, "rule": None, "limits": None},
        {"severity": "allowed", "rule": "speck"},
    ],
)
def test_a_weighing_that_its_numbers_do_not_bear_out_is_refused(altered: dict[str, Any]) -> None:
    record = inspection("U1", "HOLD", defects=[{**STATED, **altered}])
    refused(record, "the catalogue does not say so")


def test_no_line_lets_pass_what_a_classifier_could_not_name() -> None:
    line = {"id": "dust", "defect_class": "unclassified", "to_mm": 1.0, "severity": "allowed"}
    catalogue = {**fields()["catalogue"], "rules": [line]}
    spec = GoldenSpec.model_validate({**fields(), "catalogue": catalogue})
    dust = {
        **STATED, "class": "unclassified", "severity": "allowed", "rule": "dust", "zones": ["front"],
        "limits": [{"measure": "size_mm", "from": None, "to": 1.0}],
    }  # fmt: skip
    check_results(spec, inspection("U1", spec=spec, defects=[{**dust, "named_by": "comparison"}]))
    refused(inspection("U1", spec=spec, defects=[dust]), "the catalogue does not say so", spec)


UNNAMED = {**defect("major"), "class": "unclassified"}


@pytest.mark.parametrize(
    ("defects", "dismissed"),
    [([defect("minor")], 0), ([{**UNNAMED, "confidence": 0.4}], 0), ([UNNAMED], 1), ([], 3)],
    ids=["a class", "a confidence", "one dismissed", "all dismissed"],
)
@pytest.mark.parametrize("verdict", ["ACCEPT", "HOLD", "REJECT"])
def test_without_a_model_nothing_is_named_or_dismissed(
    defects: list[dict[str, Any]], dismissed: int, verdict: str
) -> None:
    record = inspection("U1", verdict, defects=defects, dismissed=dismissed, model=None)
    refused(record, "but by no model")


def test_without_a_model_deviations_stay_unclassified() -> None:
    check_results(SPEC, inspection("U1", "REJECT", defects=[UNNAMED], model=None))


def counting(**change: Any) -> GoldenSpec:
    """Return the test plate in which three allowed or minor deviations are major."""
    rule = {"id": "few", "weighed": ["allowed", "minor"], "at_least": 3, "severity": "major", **change}
    cheap = {"id": "pair", "weighed": ["minor"], "at_least": 2, "severity": "major"}
    catalogue = {**fields()["catalogue"], "rejects": ["critical", "major"], "counts": [rule, cheap]}
    return GoldenSpec.model_validate({**fields(), "catalogue": catalogue})


FEW = {"rule": "few", "count": 3, "severity": "major"}
PAIR = {"rule": "pair", "count": 2, "severity": "major"}
THREE = [defect("minor"), defect("minor"), defect("allowed")]


def counted(counts: list[Any], verdict: str = "REJECT", defects: Any = THREE, **other: Any) -> Inspection:
    reasons = ["surface_rejected"] if verdict == "REJECT" else None
    return inspection("U1", verdict, defects=defects, counts=counts, reasons=reasons, **other)


def test_the_counting_rules_that_the_defects_meet_are_on_record() -> None:
    check_results(counting(), counted([FEW, PAIR]))
    check_results(counting(), counted([{**FEW, "at_least": 3}, {**PAIR, "at_least": 2}]))
    check_results(counting(at_least=4), counted([PAIR]))
    check_results(counting(), counted([], "ACCEPT", defects=THREE[1:]))


@pytest.mark.parametrize("verdict", ["ACCEPT", "HOLD", "REJECT"])
@pytest.mark.parametrize(
    "counts",
    [
        [],
        [PAIR],
        [FEW],
        [PAIR, FEW],
        [FEW, PAIR, PAIR],
        [{**FEW, "count": 2}, PAIR],
        [{**FEW, "count": 4}, PAIR],
        [{**FEW, "severity": "minor"}, PAIR],
        [FEW, PAIR, {**PAIR, "rule": "unheard-of"}],
        [FEW, PAIR, {**PAIR, "rule": "speck"}],
        [{**FEW, "at_least": 2}, PAIR],
        [{**FEW, "at_least": 3, "within_mm": 5}, PAIR],
    ],
)
def test_counts_that_the_defects_do_not_bear_out_are_refused(counts: list[Any], verdict: str) -> None:
    refused(counted(counts, verdict), "its defects meet the counting rules", counting())


def test_an_accept_over_a_counting_rule_that_rejects_is_refused() -> None:
    refused(counted([FEW, PAIR], "ACCEPT"), "3 defects together are major by rule 'few'", counting())
    check_results(counting(severity="minor", weighed=["allowed"]), counted([], "ACCEPT", THREE[1:]))
    passing = counting(severity="minor", weighed=["allowed"])
    minor = {**FEW, "severity": "minor"}
    check_results(passing, counted([minor], "ACCEPT", [defect("allowed")] * 3))


def test_a_full_list_of_defects_may_have_counted_more_and_never_fewer() -> None:
    full = [defect("allowed")] * MOST_DEFECTS
    check_results(counting(), counted([{**FEW, "count": MOST_DEFECTS}], defects=full))
    check_results(counting(), counted([{**FEW, "count": 900}, PAIR], defects=full))
    spec = counting()
    refused(counted([{**FEW, "count": MOST_DEFECTS - 1}], defects=full), "meet the counting rules", spec)
    refused(counted([PAIR], defects=full), "meet the counting rules", spec)
    refused(counted([{**FEW, "count": 900}], defects=full[1:]), "meet the counting rules", spec)
    refused(counted([{**FEW, "severity": "minor"}], defects=full), "meet the counting rules", spec)


def test_a_counting_rule_that_is_met_is_a_cause_of_its_own_in_its_class() -> None:
    allowed = counted([FEW], defects=[defect("allowed")] * 3, decisions={"face": "nonconform"})
    found = quality.findings(counting(), allowed)
    assert [(n.cause, n.severity) for n in found.nonconformities] == [("count:few", "major")]
    found = quality.findings(counting(), counted([FEW, PAIR], decisions={"face": "nonconform"}))
    assert [n.severity for n in found.nonconformities] == ["minor", "minor", "major", "major"]
    elsewhere = [defect("allowed", zone="back")] * 3
    found = quality.findings(counting(), counted([FEW], defects=elsewhere, decisions={"face": "nonconform"}))
    assert [n.cause for n in found.nonconformities] == ["characteristic:face", "count:few"]


def test_a_first_article_rejected_by_a_counting_rule_names_it() -> None:
    decision = quality.first_article(
        counting(), [counted([FEW], defects=[defect("allowed")] * 3)], [proof("U1")]
    )
    assert [(n.cause, n.severity) for n in decision.causes] == [("count:few", "major")]
    assert not decision.accepted


def test_a_critical_counting_rule_opens_a_nonconformance() -> None:
    line = Line(counting(severity="critical")).in_production()
    line.record(counted([{**FEW, "severity": "critical"}, PAIR]))
    assert [n.cause for n in line.nonconformances()] == ["count:few"]


def test_a_person_may_name_a_counting_rule_of_the_catalogue_and_no_other() -> None:
    line = Line(counting()).drawn(3)
    line.record(inspection(line.sample[0], "HOLD", station="oqc-1", spec=line.spec))
    for rule in ("speck", "unheard-of"):
        other = quality.Nonconformity(cause=f"count:{rule}", severity="critical")
        with pytest.raises(quality.EvidenceError, match="names nothing"):
            quality.resolve_unit(
                line.state, line.spec, line.sample[0], INSPECTOR, reason="seen", nonconformities=[other]
            )
    few = quality.Nonconformity(cause="count:few", severity="critical")
    line.add(
        quality.resolve_unit(
            line.state, line.spec, line.sample[0], INSPECTOR, reason="seen", nonconformities=[few]
        )
    )
    assert [n.cause for n in line.nonconformances()] == ["count:few"]


def test_a_lot_is_not_accepted_on_empty_records() -> None:
    line = Line().drawn(20)
    empty = inspection(line.sample[0], station="oqc-1", characteristics=[], frames=[])
    with pytest.raises(quality.EvidenceError, match="ACCEPT without a result"):
        quality.record_inspection(line.state, SPEC, empty)
