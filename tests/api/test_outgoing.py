"""Outgoing control over HTTP: quarantine, a neutral draw, people who judge, resubmission, the series."""

from __future__ import annotations

import hashlib
import json
from typing import Any

import pytest

from quality.nonconformances import Nonconformance
from tests.api import records
from tests.api.conftest import Plant
from tests.api.people import BUYER, SUPPLIER, Factory, Staff, ok, refused, register

Shop = tuple[Plant, Staff, Factory]
CHECKLIST = [{"id": "label", "item": "Carton label", "severity": "major"}]


def shop(plant: Plant, **plans: Any) -> Shop:
    return plant, Staff(plant), Factory(plant, register(plant, plans=plans))


@pytest.fixture
def plain(plant: Plant) -> Shop:
    return shop(plant)


def test_quarantined_units_leave_the_lot_unless_a_person_clears_them(plain: Shop) -> None:
    plant, staff, factory = plain
    factory.in_production("L1")
    for serial in ("A", "B", "C"):
        factory.inspect("L1", serial)
    body = {"serials": ["A", "B"], "cause": "handling:3", "reason": "the tray fell"}
    for role in ("qc", staff.token(SUPPLIER)):
        state = ok(plant.ask(role, "POST", "/lots/L1/quarantine", json=body))
    assert state["units"] == {
        "accepted": 1,
        "rejected": 0,
        "held": 0,
        "quarantined": 3,
    }  # and the first article
    assert state["quarantine"] == [{"serial": s, "causes": ["handling:3"]} for s in ("A", "B")]
    lines = staff.told()
    clear = {"serials": ["A"], "reason": "no damage under the microscope"}
    for party, role in ((SUPPLIER, "quality"), (BUYER, "inspector")):
        told = refused(staff.post(party, role, "/lots/L1/clearance", clear), 409, "lot-step")
        assert ("supplier" if party == SUPPLIER else "quality") in told or BUYER in told
    strangers = {**body, "serials": ["A", "Z"]}
    assert "Z has no record" in refused(
        plant.ask("qc", "POST", "/lots/L1/quarantine", json=strangers), 409, "lot-step"
    )
    opens = {**body, "cause": "characteristic:hole"}  # its non-conformance would be missing
    refused(plant.ask("qc", "POST", "/lots/L1/quarantine", json=opens), 422, "invalid")
    refused(plant.ask("qc", "POST", "/lots/L9/quarantine", json=body), 404, "not-found")
    assert staff.told() == lines
    cleared = ok(staff.post(BUYER, "quality", "/lots/L1/clearance", clear))
    assert cleared["quarantine"] == [{"serial": "B", "causes": ["handling:3"]}]
    assert ok(plant.ask("qc", "POST", "/lots/L1/freeze"))["size"] == 2  # A and C


def commitment(lot: str, manifest: str, party: str, secret: str, protocol: str) -> str:
    """Truth: SHA-256 over the canonical JSON that the protocol names."""
    fields = {"protocol": protocol, "lot": lot, "manifest": manifest, "party": party, "secret": secret}
    text = json.dumps(fields, sort_keys=True, separators=(",", ":"))
    return "sha256:" + hashlib.sha256(text.encode()).hexdigest()


def test_both_parties_choose_the_seed_of_the_draw(plant: Plant) -> None:
    plant, staff, factory = shop(plant, oqc={"draw": "both_parties"})
    factory.frozen("L1", 6)
    assert "both" in refused(plant.ask("qc", "POST", "/lots/L1/draw"), 409, "lot-step")
    agreement = staff.get("/lots/L1/draw")
    secrets = {SUPPLIER: "5a" * 16, BUYER: "c3" * 32}
    bound = {
        party: {"commitment": commitment("L1", agreement["manifest"], party, secret, agreement["protocol"])}
        for party, secret in secrets.items()
    }
    path = "/lots/L1/draw/commitments"
    assert ok(staff.post(SUPPLIER, "quality", path, bound[SUPPLIER]))["withheld"] == [SUPPLIER]
    refused(staff.post(SUPPLIER, "quality", path, bound[SUPPLIER]), 409, "lot-step")
    refused(staff.post("Third Laboratory", "quality", path, bound[BUYER]), 409, "lot-step")
    reveals = "/lots/L1/draw/reveals"
    early = {"secret": secrets[SUPPLIER]}
    assert "before both" in refused(staff.post(SUPPLIER, "quality", reveals, early), 409, "lot-step")
    ok(staff.post(BUYER, "quality", path, bound[BUYER]))
    ok(staff.post(SUPPLIER, "quality", reveals, early))
    lines = staff.told()
    other = {"secret": "00" * 16}
    assert "committed to" in refused(staff.post(BUYER, "quality", reveals, other), 422, "evidence")
    assert "no seed" in refused(plant.ask("qc", "POST", "/lots/L1/draw"), 409, "lot-step")
    assert staff.told() == lines
    agreed = ok(staff.post(BUYER, "quality", reveals, {"secret": secrets[BUYER]}))
    drawn = ok(plant.ask("qc", "POST", "/lots/L1/draw"))
    assert drawn["draw"]["seed"] == agreed["seed"]
    assert drawn["seed_source"] == "both_parties"
    assert staff.get("/lots/L1/draw") == agreed


def test_one_commitment_is_enough_to_bind_a_draw_that_one_party_may_seed(plain: Shop) -> None:
    plant, staff, factory = plain
    factory.frozen("L1", 3)
    bound = {"commitment": "sha256:" + "1" * 64}
    ok(staff.post(SUPPLIER, "quality", "/lots/L1/draw/commitments", bound))
    assert "1 committed" in refused(plant.ask("qc", "POST", "/lots/L1/draw"), 409, "lot-step")


def test_people_judge_the_sample_and_answer_the_checklist(plant: Plant) -> None:
    plant, staff, factory = shop(plant, oqc={"checklist": CHECKLIST})
    factory.frozen("L1", 5)
    refused(plant.ask("reader", "GET", "/lots/L1/tally"), 409, "lot-step")
    drawn = factory.ask("qc", "/lots/L1/draw")["draw"]["serials"]
    tally = staff.get("/lots/L1/tally")
    assert (tally["lot"], tally["phase"]) == ("L1", "drawn")
    assert [c["severity"] for c in tally["classes"]] == ["critical", "major", "minor"]
    assert {c["found"] for c in tally["classes"]} == {0}
    judged = {"serial": drawn[0], "evidence": "seen at 1000 lx"}
    path = "/lots/L1/oqc/judgements"
    lines = staff.told()
    told = refused(staff.post(SUPPLIER, "production", path, judged), 409, "lot-step")
    assert "inspector or quality" in told
    refused(staff.post("Third Laboratory", "inspector", path, judged), 409, "lot-step")
    strange = {**judged, "nonconformities": [{"cause": "characteristic:nothing", "severity": "major"}]}
    refused(staff.post(SUPPLIER, "inspector", path, strange), 422, "evidence")
    refused(staff.post(SUPPLIER, "inspector", path, {**judged, "serial": "Z"}), 409, "lot-step")
    assert staff.told() == lines
    for serial in drawn:
        found = [{"cause": "characteristic:hole", "severity": "major"}] if serial == drawn[0] else []
        body = {**judged, "serial": serial, "nonconformities": found}
        state = ok(staff.post(SUPPLIER, "inspector", path, body))
    assert [unit["means"] for unit in state["sample"]] == ["person"] * len(drawn)
    assert {c["severity"]: c["found"] for c in staff.get("/lots/L1/tally")["classes"]}["major"] == 1
    checks = "/lots/L1/oqc/checks"
    answer = {"item": "label", "conforms": True, "evidence": "photograph 3"}
    assert "label" in refused(plant.ask("qc", "POST", "/lots/L1/oqc"), 409, "lot-step")
    refused(staff.post(SUPPLIER, "inspector", checks, {**answer, "item": "carton"}), 409, "lot-step")
    refused(staff.post(SUPPLIER, "production", checks, answer), 409, "lot-step")
    checked = ok(staff.post(SUPPLIER, "inspector", checks, answer))
    assert (checked["checklist"][0]["item"], checked["checklist"][0]["conforms"]) == ("label", True)
    decided = ok(plant.ask("qc", "POST", "/lots/L1/oqc"))
    assert decided["phase"] == "oqc_rejected"
    (noted,) = staff.get("/nonconformances")["items"]
    assert (noted["cause"], noted["serials"]) == ("characteristic:hole", [drawn[0]])
    assert set(noted) >= set(Nonconformance.__slots__) - {"sequence"}


def rejected(factory: Factory, lot: str, units: int = 6) -> dict[str, Any]:
    factory.frozen(lot, units)
    return factory.judged(lot, {"verdict": "REJECT", **records_of_a_reject()})


def records_of_a_reject() -> dict[str, Any]:
    """Return the results of a unit with a major defect, the entered one too."""
    from tests.api.people import measured

    record = records.inspection(1, verdict="REJECT")[0]
    entered = measured()[-1]
    return {"characteristics": [*(c.model_dump(mode="json") for c in record.characteristics), entered]}


def test_a_rejected_lot_comes_again_once_under_its_own_golden_sample(plain: Shop) -> None:
    plant, staff, factory = plain
    assert rejected(factory, "L1")["phase"] == "oqc_rejected"
    digest = factory.golden["digest"]
    refused(
        plant.ask("qc", "POST", "/lots", json={"lot": "L2", "golden": digest, "resubmits": "L9"}),
        404,
        "not-found",
    )
    other = {"lot": "L2", "golden": records.GOLDEN["digest"], "resubmits": "L1"}
    assert "its own" in refused(plant.ask("qc", "POST", "/lots", json=other), 409, "lot-step")
    register(plant, version=3)  # what is made stays under the version that it was made by
    again = {"lot": "L2", "golden": digest, "resubmits": "L1"}
    opened = ok(plant.ask("qc", "POST", "/lots", json=again), 201)
    assert (opened["phase"], opened["resubmission_of"]) == ("screening", "L1")
    assert ok(plant.ask("qc", "POST", "/lots", json=again)) == opened
    assert staff.get("/lots/L1")["resubmitted_as"] == "L2"
    refused(plant.ask("qc", "POST", "/lots", json={**again, "lot": "L3"}), 409, "lot-step")
    plainly = {"lot": "L2", "golden": digest}
    refused(plant.ask("qc", "POST", "/lots", json=plainly), 409, "golden-superseded")
    assert "not screened" in refused(plant.ask("qc", "POST", "/lots/L2/freeze"), 409, "lot-step")


def test_the_series_tells_the_severity_and_its_authority_decides(plain: Shop) -> None:
    plant, staff, factory = plain
    factory.released("L1")
    subject = staff.get("/lots/L1")["series"]
    assert subject == f"switching:{SUPPLIER}:T1"
    state = staff.get(f"/series/{subject}")
    assert (state["subject"], state["drawn"]) == (subject, {})
    assert {c["severity"] for c in state["classes"].values()} == {"normal"}
    for unknown in ("switching:Nobody:T1", "L1"):
        refused(plant.ask("reader", "GET", f"/series/{unknown}"), 404, "not-found")
    body = {
        "series": subject, "production_steady": True, "reduced_approved": True, "reason": "audit of June",
    }  # fmt: skip
    lines = staff.told()
    for party, role in ((SUPPLIER, "quality"), (BUYER, "engineering")):
        refused(staff.post(party, role, "/series/conditions", body), 409, "lot-step")
    missing = {**body, "series": "switching:Nobody:T1"}
    refused(staff.post(BUYER, "quality", "/series/conditions", missing), 404, "not-found")
    refused(staff.post(BUYER, "quality", "/series/conditions", {**body, "series": "L1"}), 422, "invalid")
    end = {"series": subject, "severity": "major", "reason": "a delay"}
    refused(staff.post(BUYER, "quality", "/series/returns", end), 409, "lot-step")
    restart = {"series": subject, "severity": "major", "corrective_action": "nc-1"}
    refused(staff.post(BUYER, "quality", "/series/restarts", restart), 409, "lot-step")
    assert staff.told() == lines
    steady = ok(staff.post(BUYER, "quality", "/series/conditions", body))
    assert (steady["production_steady"], steady["reduced_approved"]) == (True, True)
    assert steady == staff.get(f"/series/{subject}")
