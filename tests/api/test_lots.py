"""A lot's way over HTTP, from opening to release, and a lot that is rejected."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from typing import Any

import pytest

from golden import bundle
from golden.spec import GoldenSpec
from tests import builders
from tests.api import records
from tests.api.conftest import Plant

ENTERED = {"serial": "F-1", "characteristic": "continuity", "value": 0.1, "standard_uncertainty": 0.01,
           "evidence": "report 17"}  # fmt: skip


def ok(answer: Any, status: int = 200) -> dict[str, Any]:
    assert answer.status_code == status, answer.text
    body: dict[str, Any] = answer.json()
    return body


def refused(answer: Any, status: int, name: str) -> None:
    assert (answer.status_code, answer.json()["type"]) == (status, f"urn:hallmark:problem:{name}"), (
        answer.text
    )


def open_lot(plant: Plant, lot: str = "L1", status: int = 201) -> dict[str, Any]:
    body = {"lot": lot, "golden": records.GOLDEN["digest"]}
    return ok(plant.ask("qc", "POST", "/lots", json=body), status)


def produce(plant: Plant, units: int, *, verdicts: dict[int, str] | None = None) -> None:
    """Take a lot through its first article to `units` produced units."""
    open_lot(plant)
    first = ok(plant.post(1, serial="F-1", lot="L1"), 201)
    body = {"inspections": [first["id"]], "entered": [ENTERED]}
    decided = ok(plant.ask("qc", "POST", "/lots/L1/fai", json=body))
    assert decided["phase"] == "first_article_accepted", decided["first_article"]
    assert ok(plant.ask("approver", "POST", "/lots/L1/fai/approval"))["phase"] == "production"
    for i in range(units):
        ok(plant.post(2 + i, lot="L1", verdict=(verdicts or {}).get(i, "ACCEPT")), 201)


def test_from_opening_to_release(plant: Plant) -> None:
    produce(plant, 12, verdicts={3: "REJECT", 5: "HOLD"})
    frozen = ok(plant.ask("qc", "POST", "/lots/L1/freeze"))
    assert (frozen["phase"], frozen["size"]) == ("frozen", 10)
    drawn = ok(plant.ask("qc", "POST", "/lots/L1/draw"))
    assert drawn["draw"]["manifest"] == frozen["manifest"]
    second = plant.key("station", "the second station", station=records.OTHER_STATION)
    for number, serial in enumerate(drawn["draw"]["serials"], start=1):
        taken = plant.post(number, role=second, station=records.OTHER_STATION, serial=serial, lot="L1",
                           characteristics=measured())  # fmt: skip
        assert ok(taken, 201)["counted"] is True, taken.json()["refused"]
    decided = ok(plant.ask("qc", "POST", "/lots/L1/oqc"))
    assert decided["phase"] == "oqc_accepted", decided["oqc"]
    released = ok(plant.ask("approver", "POST", "/lots/L1/release"))
    assert released["released_by"] == {"name": "the approver", "party": builders.BUYER.party, "roles": []}
    assert ok(plant.ask("reader", "GET", "/lots/L1")) == released
    assert ok(plant.ask("reader", "GET", "/lots"))["items"] == [released]
    lines = ok(plant.ask("auditor", "GET", "/journal", params={"subject": "L1"}))["items"]
    actors = {line["kind"]: line["actor"].split(":")[0] for line in lines}
    assert actors == {
        "lot.opened": "qc", "inspection.recorded": "station", "fai.decided": "qc", "fai.approved": "approver",
        "lot.frozen": "qc", "oqc.drawn": "qc", "oqc.decided": "qc", "lot.released": "approver",
    }  # fmt: skip


def measured() -> list[dict[str, Any]]:
    """Return a conforming unit's results, the entered one too."""
    base = [c.model_dump(mode="json") for c in records.inspection(1)[0].characteristics]
    entered = {
        **base[0], "id": "continuity", "name": "continuity", "source": "manual", "value": 0.1, "unit": "ohm",
        "nominal": None, "lower": None, "upper": 0.5, "standard_uncertainty": 0.01,
    }  # fmt: skip
    return [*base, entered]


def test_no_step_before_its_turn(plant: Plant) -> None:
    open_lot(plant)
    first = ok(plant.post(1, serial="F-1", lot="L1"), 201)
    for role, path in (
        ("approver", "fai/approval"),
        ("qc", "freeze"),
        ("qc", "draw"),
        ("qc", "oqc"),
        ("approver", "release"),
    ):
        refused(plant.ask(role, "POST", f"/lots/L1/{path}"), 409, "lot-step")
    incomplete = ok(plant.ask("qc", "POST", "/lots/L1/fai", json={"inspections": [first["id"]]}))
    assert incomplete["phase"] == "first_article_rejected"
    (found,) = ok(plant.ask("reader", "GET", "/nonconformances"))["items"]
    assert (found["cause"], found["lot"], found["status"]) == ("characteristic:continuity", "L1", "open")
    refused(plant.ask("approver", "POST", "/lots/L1/fai/approval"), 409, "lot-step")
    assert ok(plant.ask("reader", "GET", "/nonconformances", params={"lot": "L2"}))["items"] == []
    assert ok(plant.ask("reader", "GET", "/nonconformances", params={"severity": "minor"}))["items"] == []


def test_only_the_agreed_party_approves(plant: Plant) -> None:
    open_lot(plant)
    first = ok(plant.post(1, serial="F-1", lot="L1"), 201)
    ok(plant.ask("qc", "POST", "/lots/L1/fai", json={"inspections": [first["id"]], "entered": [ENTERED]}))
    supplier = plant.key("approver", "Li Wei", party=builders.SUPPLIER.party)
    refused(plant.ask(supplier, "POST", "/lots/L1/fai/approval"), 409, "lot-step")
    assert ok(plant.ask("approver", "POST", "/lots/L1/fai/approval"))["approved_by"]["name"] == "the approver"


def test_a_record_that_the_lot_refuses_is_kept_and_says_so(plant: Plant) -> None:
    produce(plant, 3)
    ok(plant.ask("qc", "POST", "/lots/L1/freeze"))
    late = ok(plant.post(9, lot="L1"), 201)
    assert late["counted"] is False
    assert "frozen" in late["refused"]
    assert ok(plant.post(9, lot="L1"))["refused"] == late["refused"]
    assert ok(plant.ask("reader", "GET", f"/inspections/{late['id']}"))["counted"] is False


def test_a_lot_is_opened_once_under_a_known_golden_sample(plant: Plant) -> None:
    opened = open_lot(plant)
    assert open_lot(plant, status=200) == opened
    unknown = {"lot": "L2", "golden": "sha256:" + "0" * 64}
    refused(plant.ask("qc", "POST", "/lots", json=unknown), 409, "golden-unknown")
    refused(plant.ask("reader", "GET", "/lots/L2"), 404, "not-found")
    refused(plant.ask("qc", "POST", "/lots/L2/freeze"), 404, "not-found")
    body = {"inspections": ["insp-0"]}
    refused(plant.ask("qc", "POST", "/lots/L1/fai", json=body), 422, "evidence")
    plant.now = builders.EXPIRES
    expired = {"lot": "L3", "golden": records.GOLDEN["digest"]}
    refused(plant.ask("qc", "POST", "/lots", json=expired), 409, "golden-expired")


@pytest.mark.parametrize("lot", ["", "-x", "a/b", "insp-1", "nc-1", "key-1", "x" * 65, "a b", "ä"])
def test_a_lots_id_is_an_identifier_of_its_own(plant: Plant, lot: str) -> None:
    body = {"lot": lot, "golden": records.GOLDEN["digest"]}
    refused(plant.ask("qc", "POST", "/lots", json=body), 422, "invalid")


def test_a_lot_is_opened_under_the_newest_version_only(plant: Plant) -> None:
    opened = open_lot(plant)
    second, _ = builders.sealed_tiny(version=2)
    ok(plant.ask("engineer", "POST", "/goldens", content=second), 201)
    older = {"lot": "L2", "golden": records.GOLDEN["digest"]}
    refused(plant.ask("qc", "POST", "/lots", json=older), 409, "golden-superseded")
    assert open_lot(plant, status=200) == opened  # what is open stays open
    newest = bundle.read(second).digest
    ok(plant.ask("qc", "POST", "/lots", json={"lot": "L2", "golden": newest}), 201)


def test_a_new_revision_goes_on_counting_versions(plant: Plant) -> None:
    fields = builders.tiny_fields()
    fields["part"]["revision"] = "B"
    spec = GoldenSpec.model_validate(fields)

    def sealed(version: int) -> bytes:
        return builders.sealed(
            bundle.build(
                spec, builders.tiny_images(), version=version, issued=builders.ISSUED,
                expires=builders.EXPIRES, predecessor=None,
            )
        )  # fmt: skip

    refused(plant.ask("engineer", "POST", "/goldens", content=sealed(1)), 409, "golden-conflict")
    ok(plant.ask("engineer", "POST", "/goldens", content=sealed(2)), 201)
    older = {"lot": "L1", "golden": records.GOLDEN["digest"]}
    refused(plant.ask("qc", "POST", "/lots", json=older), 409, "golden-superseded")


def test_a_late_rejection_stops_the_lot_until_the_approver_clears_it(plant: Plant) -> None:
    produce(plant, 3)
    ok(plant.ask("qc", "POST", "/lots/L1/freeze"))
    late = ok(plant.post(9, lot="L1", serial="T-0002", verdict="REJECT"), 201)
    assert late["counted"] is True
    refused(plant.ask("qc", "POST", "/lots/L1/draw"), 409, "lot-step")
    (found,) = ok(plant.ask("reader", "GET", "/nonconformances"))["items"]
    assert (found["severity"], found["triggers"]) == ("major", ["late_finding"])
    body = {"serial": "T-0002", "reason": "dust, wiped off"}
    supplier = plant.key("approver", "Li Wei", party=builders.SUPPLIER.party)
    refused(plant.ask(supplier, "POST", "/lots/L1/oqc/resolutions", json=body), 409, "lot-step")
    cleared = ok(plant.ask("approver", "POST", "/lots/L1/oqc/resolutions", json=body))
    assert cleared["late_findings"][0]["resolution"]["reason"] == "dust, wiped off"
    assert ok(plant.ask("qc", "POST", "/lots/L1/draw"))["phase"] == "drawn"


def test_an_accept_that_proves_nothing_is_kept_and_not_counted(plant: Plant) -> None:
    open_lot(plant)
    empty = ok(plant.post(1, serial="F-1", lot="L1", characteristics=[]), 201)
    assert empty["counted"] is False
    assert "ACCEPT without a result" in empty["refused"]


def test_a_lot_is_not_decided_by_another_file_than_its_golden_sample(plant: Plant) -> None:
    second, _ = builders.sealed_tiny(version=2)
    other = plant.store.frames.put(second)
    with closing(sqlite3.connect(plant.data / "hallmark.sqlite")) as db, db:
        db.execute("UPDATE goldens SET bundle = ?", (other,))
    body = {"lot": "L1", "golden": records.GOLDEN["digest"]}
    refused(plant.ask("qc", "POST", "/lots", json=body), 500, "frame-damaged")


def test_lists_of_lots_page(plant: Plant) -> None:
    for i in range(3):
        open_lot(plant, f"L{i}")
    page = ok(plant.ask("reader", "GET", "/lots", params={"limit": 2}))
    rest = ok(plant.ask("reader", "GET", "/lots", params={"limit": 2, "cursor": page["next"]}))
    assert [lot["lot"] for lot in page["items"] + rest["items"]] == ["L0", "L1", "L2"]
    assert rest["next"] is None


def test_golden_samples_register_once_and_never_roll_back(plant: Plant) -> None:
    first, _ = builders.sealed_tiny()
    second, _ = builders.sealed_tiny(version=2)
    assert plant.ask("engineer", "POST", "/goldens", content=first).status_code == 200
    assert plant.ask("engineer", "POST", "/goldens", content=second).status_code == 201
    third = builders.sealed(builders.unsigned_tiny(version=2, predecessor="sha256:" + "1" * 64))
    refused(plant.ask("engineer", "POST", "/goldens", content=third), 409, "golden-conflict")
    unsigned = builders.unsigned_tiny(version=3)
    refused(plant.ask("engineer", "POST", "/goldens", content=unsigned), 422, "golden-refused")
    items = ok(plant.ask("reader", "GET", "/goldens"))["items"]
    assert [item["version"] for item in items] == [1, 2]
    assert plant.ask("station", "GET", f"/goldens/{items[1]['digest']}").content == second
