"""Engineering changes over HTTP: which version of a golden sample opens a lot."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from tests import builders
from tests.api import records
from tests.api.conftest import Plant
from tests.api.people import BUYER, SUPPLIER, Staff, ok, refused, register


def second_version(plant: Plant, version: int = 2) -> str:
    """Register the tiny plate with a tighter hole; return its digest."""
    fields = builders.tiny_fields()
    fields["characteristics"][0] |= {"lower": 0.76}
    changes = {"characteristics": fields["characteristics"], "materials": [], "plans": {}}
    digest: str = register(plant, version=version, **changes)["digest"]
    return digest


def open_lot(plant: Plant, lot: str, digest: str) -> Any:
    return plant.ask("qc", "POST", "/lots", json={"lot": lot, "golden": digest})


def test_a_change_holds_for_its_lots_once_both_parties_approved(plant: Plant) -> None:
    staff, old, new = Staff(plant), records.GOLDEN["digest"], second_version(plant)
    refused(open_lot(plant, "L1", old), 409, "golden-superseded")  # without a change the newest holds
    body = {
        "id": "C1",
        "before": old,
        "after": new,
        "effectivity": {"lots": ["L2"]},
        "reason": "tighter hole",
    }
    lines = staff.told()
    for party, role in ((SUPPLIER, "quality"), ("Third Laboratory", "engineering")):
        refused(staff.post(party, role, "/changes", body), 409, "lot-step")
    refused(staff.post(SUPPLIER, "engineering", "/changes", {**body, "after": old}), 409, "lot-step")
    unknown = {**body, "after": "sha256:" + "0" * 64}
    refused(staff.post(SUPPLIER, "engineering", "/changes", unknown), 409, "golden-unknown")
    neither = {**body, "effectivity": {}}
    refused(staff.post(SUPPLIER, "engineering", "/changes", neither), 422, "invalid")
    refused(plant.ask("reader", "GET", "/changes/C1"), 404, "not-found")
    refused(staff.post(SUPPLIER, "engineering", "/changes/C1/approval"), 404, "not-found")
    assert staff.told() == lines

    proposed = ok(staff.post(SUPPLIER, "engineering", "/changes", body), 201)
    assert (proposed["phase"], proposed["proposed"]["delta_fai"]) == ("proposed", ["hole"])
    assert "not effective" in refused(open_lot(plant, "L2", new), 409, "lot-step")
    ok(staff.post(SUPPLIER, "engineering", "/changes/C1/approval"))
    refused(staff.post(SUPPLIER, "engineering", "/changes/C1/approval"), 409, "lot-step")
    refused(staff.post(BUYER, "quality", "/changes/C1/approval"), 409, "lot-step")
    approved = ok(staff.post(BUYER, "engineering", "/changes/C1/approval"))
    assert (approved["phase"], len(approved["approvals"])) == ("approved", 2)
    assert staff.get("/changes") == {"items": [approved]}
    assert staff.get("/changes/C1") == approved

    refused(open_lot(plant, "L2", old), 409, "lot-step")
    ok(open_lot(plant, "L2", new), 201)
    refused(open_lot(plant, "L1", new), 409, "lot-step")
    ok(open_lot(plant, "L1", old), 201)
    third = second_version(plant, version=3)  # newer than what the changes lead to
    refused(open_lot(plant, "L3", third), 409, "lot-step")


def test_a_change_holds_from_its_time_on(plant: Plant) -> None:
    staff, old, new = Staff(plant), records.GOLDEN["digest"], second_version(plant)
    start = plant.now + timedelta(hours=1)
    body = {
        "id": "C1", "before": old, "after": new, "reason": "tighter hole",
        "effectivity": {"from_time": start.isoformat().replace("+00:00", "Z")},
    }  # fmt: skip
    ok(staff.post(BUYER, "engineering", "/changes", body), 201)
    for party in (SUPPLIER, BUYER):
        ok(staff.post(party, "engineering", "/changes/C1/approval"))
    ok(open_lot(plant, "L1", old), 201)
    refused(open_lot(plant, "L2", new), 409, "lot-step")
    plant.now = start
    refused(open_lot(plant, "L2", old), 409, "lot-step")
    ok(open_lot(plant, "L2", new), 201)
    assert staff.get("/lots/L1")["golden"]["version"] == 1
