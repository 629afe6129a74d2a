"""Incoming material and genealogy over HTTP: who may, what is refused, and that nothing is half written."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from api import ledger
from tests import builders
from tests.api import records
from tests.api.conftest import Plant, open_plant
from tests.api.people import BUYER, STRANGER, SUPPLIER, Factory, Staff, ok, refused, register, reopened
from tests.quality.materials import deliveries

CERTIFICATE = {
    "proves": "certificate of conformity", "form": "certificate", "digest": "sha256:" + "c" * 64,
    "reference": "C-1",
}  # fmt: skip
LABEL = {**CERTIFICATE, "proves": "lot label", "form": "label", "digest": "sha256:" + "d" * 64}
GAUGE = {"id": "MIC-7", "calibration_due": "2026-12-31"}


@pytest.fixture
def staff(plant: Plant) -> Staff:
    return Staff(plant)


@pytest.fixture
def golden(plant: Plant) -> dict[str, Any]:
    return register(plant)


def delivered(golden: dict[str, Any], name: str = "M1", **changes: Any) -> dict[str, Any]:
    delivery = deliveries.delivery(**changes).model_dump(mode="json")
    return {"id": name, "golden": golden["digest"], "material": "laminate", "delivery": delivery}


def thickness(*wrong: float, n: int = 20) -> dict[str, Any]:
    return {"check": "thickness", "readings": [*[1.6] * (n - len(wrong)), *wrong], "instrument": GAUGE}


def receive(staff: Staff, golden: dict[str, Any], name: str = "M1", **changes: Any) -> dict[str, Any]:
    return ok(staff.post(SUPPLIER, "inspector", "/materials", delivered(golden, name, **changes)), 201)


def inspect(staff: Staff, name: str = "M1") -> None:
    """Give all evidence and results of a conforming lot."""
    for path, body in (("evidence", CERTIFICATE), ("evidence", LABEL), ("inspections", thickness())):
        ok(staff.post(SUPPLIER, "inspector", f"/materials/{name}/{path}", body))
    count = {"check": "check-2", "inspected": 10, "nonconforming": 0}
    ok(staff.post(BUYER, "inspector", f"/materials/{name}/inspections", count))


def release(staff: Staff, golden: dict[str, Any], name: str = "M1") -> dict[str, Any]:
    receive(staff, golden, name)
    inspect(staff, name)
    return ok(staff.post(SUPPLIER, "quality", f"/materials/{name}/decision"))


def test_a_conforming_lot_is_released_and_booked_until_nothing_remains(
    staff: Staff, golden: dict[str, Any]
) -> None:
    assert receive(staff, golden)["missing"] == [
        "evidence 'certificate of conformity'", "evidence 'lot label'", "check thickness", "check check-2",
    ]  # fmt: skip
    early = staff.post(SUPPLIER, "quality", "/materials/M1/decision")
    assert "is held until there is" in refused(early, 409, "lot-step")
    inspect(staff)
    decided = ok(staff.post(SUPPLIER, "quality", "/materials/M1/decision"))
    assert (decided["decision"], decided["disposition"], decided["remaining"]) == (
        "accept",
        "released",
        "100",
    )
    assert decided["signed_by"] == {"name": "S quality", "party": SUPPLIER, "roles": ["quality"]}
    factory = Factory(staff.plant, golden)
    factory.in_production("L1")
    for quantity, left in (("60.5", "39.5"), ("39.5", "0.0")):
        booking = {"lot": "L1", "quantity": quantity}
        assert ok(staff.post(SUPPLIER, "production", "/materials/M1/bookings", booking))["remaining"] == left
    more = staff.post(SUPPLIER, "production", "/materials/M1/bookings", {"lot": "L1", "quantity": "0.000001"})
    assert "0.0 remain" in refused(more, 409, "lot-step")
    assert staff.get("/nonconformances")["items"] == []


def test_a_substitution_opens_its_nonconformance_in_the_same_transaction(
    staff: Staff, golden: dict[str, Any]
) -> None:
    received = receive(staff, golden, manufacturer="Cheap Laminates")
    assert [n["cause"] for n in received["nonconformities"]] == ["substitution:manufacturer"]
    kinds = ["material.received", "material.nonconforming", "nonconformance.opened"]
    found = [line for line in staff.lines() if line["kind"] in kinds]
    assert [line["kind"] for line in found] == kinds
    assert len({line["time"] for line in found}) == 1
    (opened,) = staff.get("/nonconformances", lot="material:M1")["items"]
    assert (opened["cause"], opened["severity"], opened["triggers"], opened["quantity"]) == (
        "substitution:manufacturer", "major", ["iqc_rejection"], "100",
    )  # fmt: skip
    ok(staff.post(SUPPLIER, "quality", "/materials/M1/decision"))
    booking = {"lot": "L1", "quantity": "1"}
    Factory(staff.plant, golden).in_production("L1")
    held = staff.post(SUPPLIER, "production", "/materials/M1/bookings", booking)
    assert "only released or conceded material" in refused(held, 409, "lot-step")
    concession = {"quantity": "40", "reason": "urgent", "expires": "2026-08-01T00:00:00+02:00"}
    conceded = ok(staff.post(BUYER, "quality", "/materials/M1/concession", concession))
    assert (conceded["disposition"], conceded["remaining"]) == ("conceded", "40")
    assert conceded["concession"]["expires"] == "2026-07-31T22:00:00Z"
    assert ok(staff.post(SUPPLIER, "production", "/materials/M1/bookings", booking))["remaining"] == "39"
    staff.plant.now += timedelta(days=31)
    late = staff.post(SUPPLIER, "production", "/materials/M1/bookings", booking)
    assert "concession expired" in refused(late, 409, "lot-step")


def test_only_the_agreed_role_and_party_signs_and_the_body_names_nobody(
    staff: Staff, golden: dict[str, Any]
) -> None:
    body = delivered(golden)
    for party, role in ((SUPPLIER, "quality"), (BUYER, "management"), (STRANGER, "inspector")):
        assert "needs a person with the role inspector" in refused(
            staff.post(party, role, "/materials", body), 409, "lot-step"
        )
    forged = {**body, "person": {"name": "Li Wei", "party": SUPPLIER, "roles": ["inspector"]}}
    refused(staff.post(SUPPLIER, "inspector", "/materials", forged), 422, "invalid")
    receive(staff, golden)
    lines = staff.told()
    refused(staff.post(BUYER, "quality", "/materials/M1/evidence", CERTIFICATE), 409, "lot-step")
    forged = {**CERTIFICATE, "person": {"name": "Li Wei", "party": SUPPLIER, "roles": ["inspector"]}}
    refused(staff.post(BUYER, "inspector", "/materials/M1/evidence", forged), 422, "invalid")
    refused(staff.post(STRANGER, "inspector", "/materials/M1/inspections", thickness()), 409, "lot-step")
    assert staff.told() == lines
    ok(staff.post(BUYER, "inspector", "/materials/M1/inspections", thickness(2.0, 2.0, 2.0)))
    lines = staff.told()
    for party, role in ((BUYER, "quality"), (SUPPLIER, "inspector")):
        refused(staff.post(party, role, "/materials/M1/decision"), 409, "lot-step")
    ok(staff.post(SUPPLIER, "quality", "/materials/M1/decision"))
    concession = {"quantity": "40", "reason": "urgent", "expires": "2026-08-01T00:00:00Z"}
    for party, role in ((SUPPLIER, "quality"), (BUYER, "production")):
        refused(staff.post(party, role, "/materials/M1/concession", concession), 409, "lot-step")
    assert staff.told() == lines + 1


def test_what_cannot_be_is_refused_and_writes_nothing(staff: Staff, golden: dict[str, Any]) -> None:
    receive(staff, golden)
    lines = staff.told()

    def post(path: str, body: Any, role: str = "inspector", party: str = SUPPLIER) -> Any:
        return staff.post(party, role, path, body)

    refused(post("/materials", {**delivered(golden), "golden": "sha256:" + "0" * 64}), 409, "golden-unknown")
    told = refused(post("/materials", {**delivered(golden), "material": "glue"}), 409, "lot-step")
    assert "it holds: laminate" in told
    assert "received once" in refused(post("/materials", delivered(golden)), 409, "lot-step")
    refused(post("/materials", delivered(golden, "a/b")), 422, "invalid")
    early = delivered(golden, "M2", received_at="2026-07-02T12:00:00Z")
    assert "lies in the future" in refused(post("/materials", early), 409, "lot-step")
    restart = {**delivered(golden, "M2"), "restart": "8D 7"}
    assert "nothing to restart" in refused(post("/materials", restart, "quality"), 409, "lot-step")
    for path in ("/materials/M9/evidence", "/materials/M9/inspections"):
        body = CERTIFICATE if path.endswith("evidence") else thickness()
        refused(post(path, body), 404, "not-found")
    refused(post("/materials/M9/decision", None, "quality"), 404, "not-found")
    refused(staff.plant.ask("reader", "GET", "/materials/M9"), 404, "not-found")
    nan = b'{"check": "thickness", "readings": [NaN], "instrument": null}'
    token = staff.token(SUPPLIER, "inspector")
    headers = {"Content-Type": "application/json"}
    sent = staff.plant.ask(token, "POST", "/materials/M1/inspections", content=nan, headers=headers)
    assert sent.status_code == 422
    assert "20 items" in refused(post("/materials/M1/inspections", thickness(n=19)), 409, "lot-step")
    old = {**thickness(), "instrument": {"id": "MIC-7", "calibration_due": "2026-06-30"}}
    assert "calibration of MIC-7 ended" in refused(post("/materials/M1/inspections", old), 409, "lot-step")
    for expires, why in (
        ("2026-08-01T00:00:00", "no zone"),
        ("0001-01-01T00:00:00+01:00", "outside the calendar"),
        ("2026-08-01T00:00:00Z", "material.conceded cannot follow"),
    ):
        body = {"quantity": "1", "reason": "urgent", "expires": expires}
        assert why in refused(post("/materials/M1/concession", body, "quality", BUYER), 409, "lot-step")
    assert staff.told() == lines
    staff.plant.now = builders.EXPIRES
    refused(post("/materials", delivered(golden, "M2")), 409, "golden-expired")


def test_material_is_booked_to_an_open_lot_of_its_own_part(staff: Staff, golden: dict[str, Any]) -> None:
    release(staff, golden)
    booking = {"lot": "L9", "quantity": "1"}
    refused(staff.post(SUPPLIER, "production", "/materials/M1/bookings", booking), 404, "not-found")
    part = {**builders.tiny_fields()["part"], "number": "T2"}
    other = register(staff.plant, version=1, part=part)
    ok(staff.plant.ask("qc", "POST", "/lots", json={"lot": "L9", "golden": other["digest"]}), 201)
    told = refused(staff.post(SUPPLIER, "production", "/materials/M1/bookings", booking), 409, "lot-step")
    assert told == "material:M1 was received for part T1; lot L9 is of T2"
    Factory(staff.plant, golden).in_production("L1")
    booking["lot"] = "L1"
    for party, role in ((BUYER, "production"), (SUPPLIER, "quality")):
        told = refused(staff.post(party, role, "/materials/M1/bookings", booking), 409, "lot-step")
        assert f"role production at {SUPPLIER}" in told


def test_rejected_deliveries_tighten_and_then_stop_the_inspection_of_the_supplier(
    staff: Staff, golden: dict[str, Any]
) -> None:
    """Truth: ISO 2859-1:1999, 9.3.1 and 9.4, counted by hand; another supplier is another series."""
    token = staff.token(SUPPLIER, "inspector", "quality")

    def post(path: str, body: Any = None) -> Any:
        return staff.plant.ask(token, "POST", path, **({} if body is None else {"json": body}))

    def severity(record: dict[str, Any]) -> str:
        told: str = record["checks"][0]["switching_severity"]
        return told

    beside = ok(post("/materials", delivered(golden, "beside")), 201)
    for i in range(7):
        received = ok(post("/materials", delivered(golden, f"M{i}")), 201)
        assert severity(received) == ("normal" if i < 2 else "tightened")
        ok(post(f"/materials/M{i}/inspections", thickness(2.0, 2.0, 2.0, n=3)))
        decided = ok(post(f"/materials/M{i}/decision"))
    assert decided["switching_state_after"] == {"thickness": "discontinued"}
    told = refused(post("/materials", delivered(golden, "M8")), 409, "lot-step")
    assert "inspection of thickness is discontinued" in told
    assert (
        severity(ok(post("/materials", delivered(golden, "other", supplier="Somebody else")), 201))
        == "normal"
    )
    restarted = ok(post("/materials", {**delivered(golden, "M8"), "restart": "8D 7"}), 201)
    assert severity(restarted) == "tightened"
    assert severity(beside) == "normal"
    inspect(staff, "beside")  # in house since before the switch: decided, and it does not count
    assert ok(post("/materials/beside/decision"))["disposition"] == "released"
    inspect(staff, "M8")
    assert ok(post("/materials/M8/decision"))["switching_state_after"] == {"thickness": "tightened"}


def test_a_failure_in_the_middle_leaves_nothing(
    staff: Staff, golden: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    lines, whole = staff.told(), ledger.journal.append_line
    body = delivered(golden, manufacturer="Cheap Laminates")
    for last in ("material.received", "material.nonconforming"):

        def dies(*given: Any, kind: str, last: str = last, **more: Any) -> Any:
            line = whole(*given, kind=kind, **more)
            if kind == last:
                raise OSError("the disk is full")
            return line

        monkeypatch.setattr(ledger.journal, "append_line", dies)
        refused(staff.post(SUPPLIER, "inspector", "/materials", body), 503, "store-unavailable")
        monkeypatch.undo()
        assert staff.told() == lines
        refused(staff.plant.ask("reader", "GET", "/materials/M1"), 404, "not-found")
    ok(staff.post(SUPPLIER, "inspector", "/materials", body), 201)
    assert staff.told() == lines + 3


def genealogy(staff: Staff, golden: dict[str, Any]) -> Factory:
    """Release lot L1 of six units, and book M1 to it."""
    release(staff, golden)
    factory = Factory(staff.plant, golden)
    factory.released("L1", 6)
    booking = {"lot": "L1", "quantity": "2"}
    ok(staff.post(SUPPLIER, "production", "/materials/M1/bookings", booking))
    return factory


UNITS = [f"L1-{i:03d}" for i in range(6)]


def test_recall_follows_a_material_a_cavity_and_a_unit(staff: Staff, golden: dict[str, Any]) -> None:
    factory = genealogy(staff, golden)
    for cavity, serials in (("1", UNITS[:3]), ("2", UNITS[3:])):
        body = {"lot": "L1", "serials": serials, "cavity": cavity, "materials": ["M1"]}
        ok(staff.post(SUPPLIER, "production", "/genealogy/units", body), 201)
    cartons = {"C1": UNITS[:2], "C2": UNITS[2:4]}
    for carton, serials in cartons.items():
        body = {"carton": carton, "units": {"L1": serials}}
        ok(staff.post(SUPPLIER, "production", "/genealogy/cartons", body), 201)
    sent = {"shipment": "S1", "cartons": ["C1"], "customer": "Nordic"}
    ok(staff.post(SUPPLIER, "production", "/genealogy/shipments", sent), 201)
    affected = staff.get("/recall", material="M1")
    # the first article too: all that the lot has made may hold the material
    assert affected["units"] == [["L1", serial] for serial in ("L1-F", *UNITS)]
    assert (affected["cartons"], affected["shipments"]) == (["C1", "C2"], ["S1"])
    assert affected["in_house"] == [["L1", serial] for serial in ("L1-F", *UNITS[2:])]
    cavity = staff.get("/recall", lot="L1", cavity="2")
    assert cavity["units"] == [["L1", serial] for serial in UNITS[3:]]
    assert (cavity["cartons"], cavity["shipments"]) == (["C2"], [])
    unit = staff.get("/recall", lot="L1", unit=UNITS[0])
    assert (unit["cavity"], unit["materials"], unit["carton"], unit["shipment"]) == ("1", ["M1"], "C1", "S1")
    assert unit["golden"] == golden
    assert set(unit["stations"]) >= {records.STATION}
    factory.in_production("L2")  # the index goes on from where it was
    release(staff, golden, "M2")
    assert staff.get("/recall", material="M2")["units"] == []


def test_recall_of_what_is_not_known_is_not_found_rather_than_nowhere(
    staff: Staff, golden: dict[str, Any]
) -> None:
    Factory(staff.plant, golden).in_production("L1")

    def asked(**query: str) -> Any:
        return staff.plant.ask("reader", "GET", "/recall", params=query)

    for query in (
        {"material": "M9"}, {"lot": "L1", "unit": "X"}, {"lot": "L9", "unit": "X"},
        {"lot": "L1", "cavity": "1"}, {"lot": "L9", "cavity": "1"},
    ):  # fmt: skip
        refused(asked(**query), 404, "not-found")
    for query in (
        {}, {"lot": "L1"}, {"unit": "X"}, {"material": "M1", "lot": "L1"},
        {"lot": "L1", "unit": "X", "cavity": "1"}, {"cavity": "1"}, {"material": ""},
    ):  # fmt: skip
        told = refused(asked(**query), 422, "invalid")
        assert told == "give material, or lot and unit, or lot and cavity"


def test_units_cartons_and_shipments_refuse_what_cannot_be(staff: Staff, golden: dict[str, Any]) -> None:
    factory = Factory(staff.plant, golden)
    serials = factory.frozen("L1", 1)
    lines = staff.told()
    made = {"lot": "L1", "serials": serials[:1], "cavity": "1"}
    packed = {"carton": "C1", "units": {"L1": serials[:1]}}
    sent = {"shipment": "S1", "cartons": ["C1"], "customer": "Nordic"}

    def post(path: str, body: Any, role: str = "production", party: str = SUPPLIER) -> Any:
        return staff.post(party, role, f"/genealogy/{path}", body)

    for path, body in (("units", made), ("cartons", packed)):
        for party, role in ((BUYER, "production"), (SUPPLIER, "quality"), (STRANGER, "production")):
            refused(post(path, body, role, party), 409, "lot-step")
        refused(post(path, {**body, "person": {"name": "x", "party": SUPPLIER}}), 422, "invalid")
    refused(post("units", {**made, "lot": "L9"}), 404, "not-found")
    refused(post("cartons", {"carton": "C1", "units": {"L9": ["x"]}}), 404, "not-found")
    assert "is not booked" in refused(post("units", {**made, "materials": ["M1"]}), 409, "lot-step")
    told = refused(post("cartons", {"carton": "C1", "units": {"L1": ["X"]}}), 409, "lot-step")
    assert "not in the frozen manifest" in told
    assert "is not packed" in refused(post("shipments", sent), 409, "lot-step")
    assert staff.told() == lines
    ok(post("units", made), 201)
    assert "noted already" in refused(post("units", made), 409, "lot-step")
    ok(post("cartons", packed), 201)
    assert "is packed already" in refused(post("cartons", packed), 409, "lot-step")
    assert "which is not released" in refused(post("shipments", sent), 409, "lot-step")
    assert "needs a person with the role production" in refused(
        post("shipments", sent, "quality"), 409, "lot-step"
    )
    assert staff.told() == lines + 2


def test_a_restarted_server_tells_the_same(tmp_path: Path) -> None:
    paths = ("/materials/M1", "/materials/M2", "/recall?material=M1", "/recall?lot=L1&cavity=1",
             "/nonconformances", "/lots/L1")  # fmt: skip
    with open_plant(tmp_path) as plant:
        staff, golden = Staff(plant), register(plant)
        genealogy(staff, golden)
        receive(staff, golden, "M2", manufacturer="Cheap Laminates")
        body = {"lot": "L1", "serials": UNITS[:3], "cavity": "1"}
        ok(staff.post(SUPPLIER, "production", "/genealogy/units", body), 201)
        before = [plant.ask("reader", "GET", path).json() for path in paths]
    with reopened(plant) as again:
        assert [again.ask("reader", "GET", path).json() for path in paths] == before
        staff.plant = again
        ok(
            staff.post(
                SUPPLIER, "production", "/genealogy/cartons", {"carton": "C1", "units": {"L1": UNITS}}
            ),
            201,
        )
        assert again.ask("reader", "GET", paths[3]).json()["cartons"] == ["C1"]
