"""First article inspection reports over HTTP: forms filled from records, signatures in order, triggers."""

from __future__ import annotations

from typing import Any

import pytest

from tests import builders
from tests.api import records
from tests.api.conftest import Plant
from tests.api.people import BUYER, SUPPLIER, Factory, Staff, ok, refused, register
from tests.quality.materials import deliveries

ENTERED = {
    "serial": "L1-F", "characteristic": "continuity", "value": 0.1, "standard_uncertainty": 0.01,
    "evidence": "report 17", "instrument": "ohmmeter 3",
}  # fmt: skip
_MATERIAL = deliveries.MATERIAL
LAMINATE = {
    "name": _MATERIAL["name"], "specification": _MATERIAL["standard"],
    "supplier": _MATERIAL["approved_manufacturers"][0], "customer_approval": "yes", "certificate": "3.1-77",
}  # fmt: skip


class Desk:
    """A registered golden sample, a lot with its first article, and the people who sign."""

    def __init__(self, plant: Plant) -> None:
        self.plant, self.staff = plant, Staff(plant)
        self.golden = register(plant, plans={})
        self.factory = Factory(plant, self.golden)
        self.factory.ask("qc", "/lots", {"lot": "L1", "golden": self.golden["digest"]})
        self.record = self.factory.inspect("L1", "L1-F")

    def open(self, identifier: str = "F1", role: str = "qc", **more: Any) -> Any:
        body = {"identifier": identifier, "golden": self.golden["digest"], **more}
        return self.plant.ask(role, "POST", "/fairs", json=body)

    def records(self, **changes: Any) -> dict[str, Any]:
        """Return the body that lets the server fill the forms."""
        return {
            "records": {
                "inspections": [self.record["id"]], "entered": [ENTERED],
                "form1": {"process_reference": "WO-1", "fai_of": "detail"}, "materials": [LAMINATE],
                **changes,
            }
        }  # fmt: skip

    def sign(self, party: str, role: str, step: str, body: Any = None, *, name: str | None = None) -> Any:
        return self.staff.post(party, role, f"/fairs/F1/{step}", {} if body is None else body, name=name)

    def approved(self) -> dict[str, Any]:
        """Take the report F1 to the buyer's approval."""
        ok(self.open(), 201)
        ok(self.sign(SUPPLIER, "inspector", "submission", self.records()))
        ok(self.sign(SUPPLIER, "inspector", "verification"))
        ok(self.sign(SUPPLIER, "quality", "approval"))
        return ok(self.sign(BUYER, "quality", "customer-approval"))


@pytest.fixture
def desk(plant: Plant) -> Desk:
    return Desk(plant)


def test_a_report_is_filled_from_records_and_signed_in_order(desk: Desk) -> None:
    opened = ok(desk.open(role="engineer"), 201)
    assert (opened["phase"], opened["identifier"]) == ("opened", "F1")
    assert {lack["code"] for lack in opened["invalid_because"]} >= {"signature"}
    refused(desk.open(), 409, "lot-step")
    refused(desk.plant.ask("reader", "GET", "/fairs/F9"), 404, "not-found")
    refused(desk.open("F2", golden="sha256:" + "0" * 64), 409, "golden-unknown")

    lines = desk.staff.told()
    refused(desk.sign(SUPPLIER, "inspector", "verification"), 409, "lot-step")
    refused(desk.sign(BUYER, "quality", "submission", desk.records()), 409, "lot-step")
    for missing, where in (
        ({"entered": []}, "continuity"),
        ({"inspections": ["insp-0"]}, "insp-0"),
        ({"materials": []}, "field 5"),
        ({"form1": {"fai_of": "detail"}}, "field 9"),
    ):
        answer = desk.sign(SUPPLIER, "inspector", "submission", desk.records(**missing))
        assert answer.status_code in (409, 422), answer.text
        assert where in answer.json()["detail"]
    for wrong in ({}, {"forms": None, "records": None}):
        refused(desk.sign(SUPPLIER, "inspector", "submission", wrong), 422, "invalid")
    assert desk.staff.told() == lines

    submitted = ok(desk.sign(SUPPLIER, "inspector", "submission", desk.records()))
    rows = submitted["forms"]["form3"]["rows"]
    assert [row["id"] for row in rows] == ["hole", "paint", "face", "continuity"]
    assert rows[0]["results"][0]["value"] == 0.8
    assert rows[3]["results"][0]["instrument"] == "ohmmeter 3"

    lines = desk.staff.told()
    refused(desk.sign(BUYER, "quality", "verification"), 409, "lot-step")
    remote = {"manner": "remote"}
    assert "evidence" in refused(desk.sign(SUPPLIER, "inspector", "verification", remote), 409, "lot-step")
    assert desk.staff.told() == lines
    remote["evidence"] = "call of 1 July, 14 pictures"
    verified = ok(desk.sign(SUPPLIER, "inspector", "verification", remote))
    assert verified["verified"]["evidence"] == remote["evidence"]
    both = desk.staff.token(SUPPLIER, "inspector", "quality", name="S inspector")
    told = refused(desk.plant.ask(both, "POST", "/fairs/F1/approval", json={}), 409, "lot-step")
    assert "another signs 22" in told
    assert ok(desk.sign(SUPPLIER, "quality", "approval"))["phase"] == "reviewed"
    refused(desk.sign(SUPPLIER, "quality", "customer-approval"), 409, "lot-step")
    approved = ok(desk.sign(BUYER, "quality", "customer-approval"))
    assert (approved["phase"], approved["invalid_because"]) == ("approved", [])
    assert desk.staff.get("/fairs/F1") == approved


def test_forms_that_a_client_filled_are_taken_as_they_are(desk: Desk) -> None:
    ok(desk.open(), 201)
    forms = ok(desk.sign(SUPPLIER, "inspector", "submission", desk.records()))["forms"]
    ok(desk.open("F2"), 201)
    for form in ("form1", "form2", "form3"):
        forms[form]["fair_identifier"] = "F2"
    path = "/fairs/F2/submission"
    altered = {**forms, "form1": {**forms["form1"], "part_number": "T2"}}
    refused(desk.staff.post(SUPPLIER, "inspector", path, {"forms": altered}), 422, "invalid")
    taken = ok(desk.staff.post(SUPPLIER, "inspector", path, {"forms": forms}))
    assert taken["forms"] == forms


def test_another_golden_samples_inspection_proves_nothing_here(desk: Desk) -> None:
    ok(desk.open(), 201)
    stray = ok(desk.plant.post(90, serial="L1-F", golden=records.GOLDEN), 201)
    body = desk.records(inspections=[stray["id"]])
    told = refused(desk.sign(SUPPLIER, "inspector", "submission", body), 422, "evidence")
    assert records.GOLDEN["digest"] in told


def test_a_returned_report_is_signed_again_from_the_start(desk: Desk) -> None:
    ok(desk.open(), 201)
    ok(desk.sign(SUPPLIER, "inspector", "submission", desk.records()))
    ok(desk.sign(SUPPLIER, "inspector", "verification"))
    reason = {"reason": "the certificate is of another heat"}
    refused(desk.sign(SUPPLIER, "inspector", "return", reason), 409, "lot-step")
    returned = ok(desk.sign(SUPPLIER, "quality", "return", reason))
    assert (returned["phase"], returned["verified"], returned["forms"]) == ("opened", None, None)


def test_a_nonconforming_characteristic_is_completed_by_a_partial_report(desk: Desk) -> None:
    ok(desk.open(), 201)
    failed = {**ENTERED, "value": 0.9}  # above 0.5 ohm
    body = desk.records(entered=[failed])
    told = desk.sign(SUPPLIER, "inspector", "submission", body)
    assert "Nonconformance Number" in refused(told, 422, "invalid")
    body["records"]["nonconformances"] = {"continuity": "nc-17"}
    ok(desk.sign(SUPPLIER, "inspector", "submission", body))
    ok(desk.sign(SUPPLIER, "inspector", "verification"))
    assert ok(desk.sign(SUPPLIER, "quality", "approval"))["phase"] == "incomplete"
    refused(desk.sign(BUYER, "quality", "customer-approval"), 409, "lot-step")

    delta = {"baseline": "F1", "reason": "new contact spring"}
    assert "continuity" in refused(desk.open("F2", characteristics=["hole"], **delta), 409, "lot-step")
    refused(desk.open("F2", characteristics=["continuity"]), 409, "lot-step")
    ok(desk.open("F2", characteristics=["continuity"], **delta), 201)
    path = "/fairs/F2"
    ok(desk.staff.post(SUPPLIER, "inspector", f"{path}/submission", desk.records(materials=[])))
    ok(desk.staff.post(SUPPLIER, "inspector", f"{path}/verification", {}))
    ok(desk.staff.post(SUPPLIER, "quality", f"{path}/approval", {}))
    assert ok(desk.staff.post(BUYER, "quality", f"{path}/customer-approval", {}))["phase"] == "approved"
    assert desk.staff.get("/fairs/F1")["superseded_by"] == "F2"


def test_production_is_noted_under_a_report_until_a_trigger_ends_it(desk: Desk) -> None:
    desk.approved()
    path, body = "/fairs/F1/production", {"lot": "L1"}
    refused(desk.plant.ask("qc", "POST", path, json={"lot": "L9"}), 404, "not-found")
    refused(desk.plant.ask("qc", "POST", "/fairs/F9/production", json=body), 404, "not-found")
    noted = ok(desk.plant.ask("qc", "POST", path, json=body))
    assert noted["last_production"] == "2026-07-01"
    trigger = {"trigger": "tooling", "extent": "partial", "description": "new drill", "affected": ["hole"]}
    lines = desk.staff.told()
    refused(desk.sign(SUPPLIER, "production", "triggers", trigger), 409, "lot-step")
    refused(desk.sign(SUPPLIER, "engineering", "triggers", {**trigger, "affected": []}), 409, "lot-step")
    lapse = {"trigger": "production_lapse", "extent": "full", "description": "two years"}
    refused(desk.sign(SUPPLIER, "engineering", "triggers", lapse), 409, "lot-step")
    assert desk.staff.told() == lines
    ended = ok(desk.sign(SUPPLIER, "engineering", "triggers", trigger))
    assert [lack["code"] for lack in ended["invalid_because"]] == ["triggered"]
    refused(desk.plant.ask("qc", "POST", path, json=body), 409, "lot-step")


def test_a_lot_of_another_part_is_not_produced_under_the_report(desk: Desk) -> None:
    desk.approved()
    part = {**builders.tiny_fields()["part"], "number": "T2"}
    other = register(desk.plant, version=1, part=part)
    desk.factory.ask("qc", "/lots", {"lot": "L2", "golden": other["digest"]})
    told = refused(desk.plant.ask("qc", "POST", "/fairs/F1/production", json={"lot": "L2"}), 409, "lot-step")
    assert "T2" in told
