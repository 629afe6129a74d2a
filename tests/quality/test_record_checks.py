"""No verdict is taken on trust: a record must follow from its numbers and from the golden sample."""

from __future__ import annotations

from typing import Any

import pytest

import quality
from evidence import Inspection
from golden.spec import GoldenSpec
from quality.record_checks import check_results
from tests.quality.records import SPEC, Line, defect, fields, frame, inspection, result

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


def test_a_lot_is_not_accepted_on_empty_records() -> None:
    line = Line().drawn(20)
    empty = inspection(line.sample[0], station="oqc-1", characteristics=[], frames=[])
    with pytest.raises(quality.EvidenceError, match="ACCEPT without a result"):
        quality.record_inspection(line.state, SPEC, empty)
