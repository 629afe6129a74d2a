"""AS9102 Rev C forms: which fields are required, and how a refusal names them."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from hallmark.eligibility.records_fai import ADAPTERS
from quality import fai_report
from quality.fai_report.forms import decide_value
from tests.quality.fai_report.reports import SPEC, STEEL, Reports

ORACLE = Path(__file__).parents[2] / "oracles/g4_fai_as9102c.json"
FORM1: dict[str, Any] = {
    "part_number": "T1", "part_name": "Test plate", "serial_number": ("FA-1",), "fair_identifier": "F1",
    "part_revision": "A", "process_reference": "WO-1", "organization": "Shenzhen Boards", "fai_of": "detail",
    "fai_type": "full", "documented_nonconformance": False,
}  # fmt: skip
UNIT: dict[str, Any] = {
    "serial": "FA-1", "value": 0.8, "standard_uncertainty": 0.001, "decision": "conform",
    "instrument": "line-1", "evidence": "i1",
}  # fmt: skip
ROW: dict[str, Any] = {
    "number": 1, "reference_location": "B2", "requirement": "0.75 to 0.85 mm", "results": (UNIT,),
    "id": "hole", "kind": "dimension", "severity": "major", "variables": True,
    "unit": "mm", "lower": 0.75, "upper": 0.85,
    "rule": {},
}  # fmt: skip


@pytest.mark.parametrize("case", json.loads(ORACLE.read_text())["cases"], ids=lambda case: case["id"])
def test_every_case_of_the_oracle_agrees(case: dict[str, Any]) -> None:
    assert ADAPTERS["g4"].keys is None
    assert ADAPTERS["g4"].answer(case["input"]) == case["expected"]


def test_the_status_of_every_numbered_field() -> None:
    known = fai_report.requirements()
    said = {form: "".join(v[0] for (f, _), v in known.items() if f == form) for form in (1, 2, 3)}
    # R, C(R), O by field number: 26 fields, 13 and 12
    assert said == {1: "RRCRCCCCRROORRCCCCRRRRROOO", 2: "RRCRCCOCCCCCO", 3: "RRCRRCCRRCCO"}
    assert [n for f, n in known if f == 1] == list(range(1, 27))


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"part_number": None}, r"form 1, field 1 \(Part Number\): is required"),
        ({"process_reference": "  "}, r"form 1, field 9 \(Manufacturing Process Reference\): is required"),
        ({"serial_number": None}, r"field 3 \(Serial Number\): is required where units carry serial numbers"),
        ({"part_revision": None}, r"field 5 \(Part Revision Level\): is required without a drawing revision"),
        ({"drawing_number": "D"}, r"field 7 \(Drawing Revision Level\): is required with a drawing number"),
        ({"drawing_revision": "3"}, r"field 6 \(Drawing Number\): is required with a drawing revision"),
        ({"trigger": "design"}, r"field 8 \(Additional Changes\): is required after a change of design"),
        ({"fai_of": "assembly"}, r"index: is required for an assembly"),
        ({"fai_type": "partial", "reason": "x"}, r"field 14 \(Baseline .*\): is required for a partial FAI"),
        ({"fai_type": "partial", "baseline": "F0"}, r"field 14 \(Reason .*\): is required for a partial FAI"),
        ({"documented_nonconformance": None}, r"field 19 \(Does FAIR .*\): is required"),
        ({"index": [{"part_name": "n", "part_type": "detail"}]}, r"field 15 \(Part Number\): is required"),
        (
            {"index": [{"part_number": "n", "part_name": "n", "part_type": "detail"}]},
            r"field 18 \(FAIR Identifier\): is required unless it is off the shelf",
        ),
    ],
)
def test_a_field_of_form_1_that_lacks_is_named(change: dict[str, Any], problem: str) -> None:
    fai_report.PartNumberAccountability.model_validate(FORM1)
    with pytest.raises(ValidationError, match=problem):
        fai_report.PartNumberAccountability.model_validate({**FORM1, **change})


@pytest.mark.parametrize(
    "change",
    [
        {"serialized": False, "serial_number": None},
        {"part_revision": None, "drawing_number": "D", "drawing_revision": "3"},
        {"trigger": "design", "additional_changes": "ECO-4"},
        {"trigger": "process"},
        {
            "fai_of": "assembly",
            "index": [{"part_number": "n", "part_name": "n", "part_type": "off_the_shelf"}],
        },
    ],
)
def test_a_condition_that_does_not_hold_asks_nothing(change: dict[str, Any]) -> None:
    fai_report.PartNumberAccountability.model_validate({**FORM1, **change})


@pytest.mark.parametrize("name", ["verified_by", "verified_on", "approved_by", "approved_on"])
def test_a_signed_form_1_has_signatures_and_dates(name: str) -> None:
    full = {**FORM1, "verified_by": "A", "verified_on": "2026-07-01", "approved_by": "B"}
    full["approved_on"] = "2026-07-02"
    fai_report.SignedPartNumberAccountability.model_validate(full)
    with pytest.raises(ValidationError, match=r"form 1, field 2[0-3] .*: is required"):
        fai_report.SignedPartNumberAccountability.model_validate({**full, name: None})
    with pytest.raises(ValidationError, match="field 3"):
        fai_report.SignedPartNumberAccountability.model_validate({**full, "serial_number": None})


@pytest.mark.parametrize(
    ("name", "place"),
    [
        ("name", r"5 \(Material"), ("specification", r"6 \(Spec"), ("supplier", r"8 \(Supp"),
        ("customer_approval", r"9 \(Cust"), ("certificate", r"10 \(Cert"),
    ],
)  # fmt: skip
def test_a_material_row_of_form_2_is_whole(name: str, place: str) -> None:
    with pytest.raises(ValidationError, match=f"form 2, field {place}"):
        fai_report.MaterialRow.model_validate({**STEEL.model_dump(), name: None})


def test_a_functional_test_names_procedure_and_report() -> None:
    for name, place in (("procedure", r"11 \(Functional"), ("report", r"12 \(Acceptance")):
        given = {"procedure": "P", "report": "R", "characteristic": "c", name: None}
        with pytest.raises(ValidationError, match=f"form 2, field {place}"):
            fai_report.FunctionalTestRow.model_validate(given)


ATTRIBUTE = {
    "kind": "attribute", "variables": False, "unit": None, "lower": None, "upper": None,
    "results": ({**UNIT, "value": None, "standard_uncertainty": None, "conform": True},),
    "tooling": "gauge 0.80", "reference_location": None,
}  # fmt: skip


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"requirement": None}, r"form 3, field 8 \(Requirement\)"),
        ({"results": ()}, r"form 3, field 9 \(Results\)"),
        ({"number": None}, r"form 3, field 5"),
        ({"reference_location": None}, r"field 6 .* on a drawn feature"),
        ({"kind": "colour", "reference_location": None}, r"field 6 .* on a drawn feature"),
        ({"severity": "critical"}, r"field 7 .* for a critical characteristic"),
        ({**ATTRIBUTE, "tooling": None}, r"field 10 .* for attribute results"),
        ({**ATTRIBUTE, "results": (UNIT,)}, "gives a value, yet no technique"),
        ({"results": ATTRIBUTE["results"]}, "give the measured value; a technique gives variables data"),
        ({"results": (UNIT, UNIT)}, "has a unit twice"),
        ({"results": ({**UNIT, "value": 0.9, "decision": "nonconform"},)}, r"field 11 .* does not conform"),
        ({"results": ({**UNIT, "value": 0.85, "decision": "undecided"},)}, r"field 11 .* does not conform"),
        ({"results": ({**UNIT, "value": 0.9},)}, "0.9 is nonconform, not conform"),
        ({"results": ({**UNIT, "value": 0.849},)}, "0.849 is undecided, not conform"),
        ({"results": ({**UNIT, "standard_uncertainty": None},)}, "0.8 is undecided, not conform"),
        ({"results": ({**UNIT, "conform": True},)}, "either a measured value or conform"),
        ({"results": ({**UNIT, "value": None},)}, "either a measured value or conform"),
        ({**ATTRIBUTE, "results": ({**ATTRIBUTE["results"][0], "conform": False},)}, "conform is False"),
    ],
)
def test_a_row_of_form_3_is_whole_and_true(change: dict[str, Any], problem: str) -> None:
    fai_report.CharacteristicRow.model_validate(ROW)
    fai_report.CharacteristicRow.model_validate({**ROW, **ATTRIBUTE})
    with pytest.raises(ValidationError, match=problem):
        fai_report.CharacteristicRow.model_validate({**ROW, **change})


def test_a_value_of_unstated_uncertainty_never_speaks_for_a_unit() -> None:
    rule = fai_report.CharacteristicRow.model_validate(ROW).rule
    assert decide_value(0.8, None, 0.75, 0.85, rule) == "undecided"
    assert decide_value(0.9, None, 0.75, 0.85, rule) == "nonconform"
    assert decide_value(0.8, 0.0, 0.75, 0.85, rule) == "conform"
    assert decide_value(0.8, None, 0.75, 0.85, rule.model_copy(update={"rule": "simple"})) == "conform"
    with pytest.raises(ValueError, match="finite"):
        decide_value(math.nan, 0.0, 0.75, 0.85, rule)


def test_the_forms_repeat_each_other_truly() -> None:
    forms = Reports(SPEC).opened().forms()
    for name, value in (("fair_identifier", "F9"), ("part_name", "x"), ("serial_number", ("FA-2",))):
        for form in ("form2", "form3"):
            given = forms.model_dump()
            given[form][name] = value
            with pytest.raises(ValidationError, match=rf"form {form[-1]}, field \d .*: is .*, on form 1"):
                fai_report.FairForms.model_validate(given)
    given = forms.model_dump()
    given["form1"]["documented_nonconformance"] = True
    with pytest.raises(ValidationError, match=r"field 19 .*: must be False: 0 rows do not conform"):
        fai_report.FairForms.model_validate(given)
    given = forms.model_dump()
    given["form3"]["rows"] = [*given["form3"]["rows"], given["form3"]["rows"][0]]
    with pytest.raises(ValidationError, match="accounted for twice"):
        fai_report.FairForms.model_validate(given)
