"""A lot in production over HTTP: first pieces lock it, in-process control holds back what is suspect."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

import quality
from api.ledger import Step
from api.store import journal
from api.store.keys import ApiKey
from quality import ipqc
from quality.fai_report import first_piece
from tests.api.conftest import Plant
from tests.api.people import BUYER, SUPPLIER, Factory, Staff, ok, refused, register
from tests.quality.materials import deliveries

IPQC = {
    "size": 2, "every_units": 10, "grace_percent": 20,
    "key_characteristics": [{"characteristic": "hole", "chart": "xbar_r", "rules": "nelson 1 2"}],
    "reaction_plan": ["stop the machine", "remove the cause"], "reaction_minutes": 30,
    "escalation": [{"role": "quality", "after_minutes": 30}],
}  # fmt: skip
CALL = {"occasion": "shift", "label": "night"}


class Line:
    """A lot in production, the people of its two parties, and its units in order."""

    def __init__(self, plant: Plant) -> None:
        self.plant, self.staff = plant, Staff(plant)
        self.factory = Factory(plant, register(plant, plans={"ipqc": IPQC}))
        self.factory.in_production("L1")
        self.made: list[str] = []

    def make(self, *verdicts: str) -> list[dict[str, Any]]:
        """Inspect units; return the stored records."""
        found: list[dict[str, Any]] = []
        for verdict in verdicts:
            self.made.append(f"U-{len(self.made) + 1:03d}")
            found.append(self.factory.inspect("L1", self.made[-1], verdict=verdict))
        return found

    def post(self, party: str, role: str, path: str, body: Any = None, *, name: str | None = None) -> Any:
        return self.staff.post(party, role, f"/lots/L1/{path}", body, name=name)

    def lot(self) -> dict[str, Any]:
        return self.staff.get("/lots/L1")

    def quarantine(self) -> dict[str, list[str]]:
        return {unit["serial"]: unit["causes"] for unit in self.lot()["quarantine"]}

    def kinds(self, after: int) -> list[str]:
        """Return the kinds of the lines after so many, those of keys left out."""
        kinds = [line["kind"] for line in self.staff.lines() if not line["kind"].startswith("apikey.")]
        return kinds[after:]

    def started(self) -> None:
        """Start in-process control, with a procedure that the operator has read."""
        ok(self.post(SUPPLIER, "quality", "ipqc", {"sop": "WI-7", "sop_version": "B"}), 201)
        ok(self.post(SUPPLIER, "production", "ipqc/acknowledgements", {"sop_version": "B"}))

    def sample(self, *values: float, status: int = 201, serials: list[str] | None = None) -> Any:
        """Sample the newest units with these values; return the state."""
        units = self.made[-len(values) :] if serials is None else serials
        readings = [
            {"serial": serial, "characteristic": "hole", "value": value, "standard_uncertainty": 0.001,
             "instrument": "pin gauge 4"}
            for serial, value in zip(units, values, strict=True)
        ]  # fmt: skip
        return ok(self.post(SUPPLIER, "production", "ipqc/samples", {"readings": readings}), status)


@pytest.fixture
def line(plant: Plant) -> Line:
    return Line(plant)


def entered(serial: str) -> dict[str, Any]:
    return {
        "serial": serial, "characteristic": "continuity", "value": 0.1, "standard_uncertainty": 0.01,
        "evidence": "report 18",
    }  # fmt: skip


def test_a_shift_begins_with_its_first_piece(line: Line) -> None:
    line.make("ACCEPT")
    assert line.staff.get("/lots/L1/first-pieces")["locked"] is False
    before = line.staff.told()
    for party, role in ((SUPPLIER, "inspector"), (BUYER, "quality")):
        refused(line.post(party, role, "first-pieces", CALL), 409, "lot-step")
    refused(line.post(SUPPLIER, "quality", "first-pieces", {**CALL, "occasion": "lunch"}), 422, "invalid")
    refused(line.post(SUPPLIER, "quality", "first-pieces/approval"), 409, "lot-step")
    assert line.staff.told() == before
    called = ok(line.post(SUPPLIER, "production", "first-pieces", CALL), 201)
    assert (called["locked"], called["call"]["label"], called["held"]) == (True, "night", [])

    before = line.staff.told()
    first, second = line.make("ACCEPT", "ACCEPT")  # each is held in the transaction that records it
    one = ["inspection.stored", "inspection.recorded", "firstpiece.held", "lot.quarantined"]
    assert line.kinds(before) == one * 2
    assert line.quarantine() == {"U-002": ["first_piece:night"], "U-003": ["first_piece:night"]}

    decision = {"pieces": {"line": ["U-003"]}, "inspections": [second["id"]], "entered": [entered("U-003")]}
    before = line.staff.told()
    path = "/lots/L1/first-pieces/decision"
    told = refused(line.plant.ask("qc", "POST", path, json=decision), 409, "lot-step")
    assert "U-002" in told  # the first unit made cannot be left out
    refused(line.plant.ask("qc", "POST", path, json={**decision, "inspections": ["insp-0"]}), 422, "evidence")
    assert line.staff.told() == before
    decision = {"pieces": {"line": ["U-002"]}, "inspections": [first["id"]], "entered": [entered("U-002")]}
    decided = ok(line.plant.ask("qc", "POST", path, json=decision))
    assert decided["decided"]["decision"]["accepted"] is True
    assert decided["locked"] is True

    for party, role in ((SUPPLIER, "quality"), (BUYER, "inspector")):
        refused(line.post(party, role, "first-pieces/approval"), 409, "lot-step")
    approved = ok(line.post(BUYER, "quality", "first-pieces/approval"))
    assert (approved["locked"], approved["held"], approved["quarantined"]) == (False, ["U-002", "U-003"], 2)
    line.make("ACCEPT")
    assert list(line.quarantine()) == ["U-002", "U-003"]
    frozen = ok(line.plant.ask("qc", "POST", "/lots/L1/freeze"))
    assert frozen["size"] == 2  # U-001 and U-004
    assert line.staff.get("/lots/L1/first-pieces")["held"] == ["U-002", "U-003"]


def test_a_first_piece_that_fails_opens_its_nonconformance_and_keeps_the_line_locked(line: Line) -> None:
    ok(line.post(SUPPLIER, "production", "first-pieces", CALL), 201)
    (record,) = line.make("REJECT")
    decision = {"pieces": {"line": ["U-001"]}, "inspections": [record["id"]], "entered": [entered("U-001")]}
    path = "/lots/L1/first-pieces/decision"
    assert ok(line.plant.ask("qc", "POST", path, json=decision))["decided"]["decision"]["accepted"] is False
    found = line.staff.get("/nonconformances")["items"]
    assert {n["cause"] for n in found} == set(line.quarantine()["U-001"]) - {"first_piece:night"}
    assert [(n["triggers"], n["serials"]) for n in found] == [(["first_article"], ["U-001"])] * len(found)
    refused(line.post(BUYER, "quality", "first-pieces/approval"), 409, "lot-step")
    again = ok(line.post(SUPPLIER, "quality", "first-pieces", {**CALL, "label": "night, again"}), 201)
    assert (again["made"], again["held"]) == ([], ["U-001"])


def test_in_process_control_starts_with_an_acknowledged_procedure(line: Line) -> None:
    before = line.staff.told()
    procedure = {"sop": "WI-7", "sop_version": "B"}
    for party, role in ((SUPPLIER, "production"), (BUYER, "quality")):
        refused(line.post(party, role, "ipqc", procedure), 409, "lot-step")
    refused(line.post(SUPPLIER, "production", "ipqc/acknowledgements", {"sop_version": "B"}), 409, "lot-step")
    assert "not started" in refused(
        line.post(SUPPLIER, "quality", "ipqc/limits", {"characteristic": "hole", "reason": "r"}),
        409,
        "lot-step",
    )
    refused(line.plant.ask("qc", "POST", "/lots/L9/ipqc/watch"), 404, "not-found")
    assert ok(line.plant.ask("qc", "POST", "/lots/L1/ipqc/watch"))["started"] is None
    assert line.staff.told() == before

    line.started()
    refused(line.post(SUPPLIER, "quality", "ipqc", procedure), 409, "lot-step")
    line.make("ACCEPT", "ACCEPT")
    changed = ok(line.post(SUPPLIER, "engineering", "ipqc/sop", {"sop_version": "C"}))
    assert (changed["sop_version"], changed["acknowledged"]) == ("C", [])
    body = {"readings": [{"serial": "U-001", "characteristic": "hole", "value": 0.8, "instrument": "g"}]}
    told = refused(line.post(SUPPLIER, "production", "ipqc/samples", body), 409, "lot-step")
    assert "2" in told  # the plan asks for two units
    body["readings"].append({**body["readings"][0], "serial": "U-002"})
    told = refused(line.post(SUPPLIER, "production", "ipqc/samples", body), 409, "lot-step")
    assert "has not acknowledged WI-7 C" in told
    ok(line.post(SUPPLIER, "production", "ipqc/acknowledgements", {"sop_version": "C"}))
    assert len(line.sample(0.8, 0.801)["samples"]) == 1
    assert line.staff.get("/lots/L1/ipqc")["started"]["record_keeper"]["roles"] == ["quality"]


def test_out_of_specification_holds_back_everything_since_the_last_conforming_sample(line: Line) -> None:
    line.started()
    line.make(*["ACCEPT"] * 4)
    line.sample(0.80, 0.801)
    line.make(*["ACCEPT"] * 3)
    before = line.staff.told()
    state = line.sample(0.80, 0.90)  # above 0.85
    assert line.kinds(before) == [
        "ipqc.sampled", "ipqc.signal", "lot.quarantined", "nonconformance.opened",
    ]  # fmt: skip
    cause = ["characteristic:hole"]
    assert line.quarantine() == {"U-005": cause, "U-006": cause, "U-007": cause}
    assert state["suspects"] == ["hole"]
    (found,) = line.staff.get("/nonconformances")["items"]
    assert (found["cause"], found["triggers"], found["serials"]) == (
        "characteristic:hole", ["out_of_specification"], ["U-007"],
    )  # fmt: skip
    before = line.staff.told()
    line.make("ACCEPT")  # nobody watches; it is held all the same
    assert line.kinds(before) == ["inspection.stored", "inspection.recorded", "lot.quarantined"]
    assert line.quarantine()["U-008"] == cause

    path = "ipqc/reactions"
    step = {"reaction": "2:hole", "note": "stopped"}
    refused(line.post(BUYER, "quality", path, step), 409, "lot-step")
    refused(line.post(SUPPLIER, "production", path, {**step, "reaction": "9:hole"}), 409, "lot-step")
    for note in ("stopped", "worn drill changed"):
        state = ok(line.post(SUPPLIER, "production", path, {**step, "note": note}))
    assert state["reactions"][0]["done"] is True
    line.make("ACCEPT", "ACCEPT")
    assert line.quarantine()["U-010"] == cause  # until a sample conforms
    line.sample(0.80, 0.80)
    line.make("ACCEPT")
    assert sorted(line.quarantine()) == [f"U-{n:03d}" for n in range(5, 11)]
    with line.plant.store.database.read() as connection:  # what memory held is what the journal says
        lines = journal.read_lines(connection)
    assert quality.replay("L1", lines).record() == line.lot()
    assert ipqc.replay_ipqc("L1", lines).record() == line.staff.get("/lots/L1/ipqc")
    assert first_piece.replay_first_piece("L1", lines).record() == line.staff.get("/lots/L1/first-pieces")


def test_a_second_bad_sample_extends_the_nonconformance_that_the_first_opened(line: Line) -> None:
    line.started()
    line.make("ACCEPT", "ACCEPT")
    line.sample(0.80, 0.90)
    line.make("ACCEPT", "ACCEPT")
    before = line.staff.told()
    line.sample(0.91, 0.90)
    assert line.kinds(before)[-1] == "nonconformance.extended"
    (found,) = line.staff.get("/nonconformances")["items"]
    assert found["serials"] == ["U-002", "U-003", "U-004"]


def test_a_missed_sample_is_an_event_of_the_inspection_that_shows_it(line: Line) -> None:
    line.started()
    line.make(*["ACCEPT"] * 12)  # ten units, and 20 % of grace
    assert line.staff.get("/lots/L1/ipqc")["missed"] == []
    line.make("ACCEPT")
    (missed,) = line.staff.get("/lots/L1/ipqc")["missed"]
    assert (missed["by"], missed["units"]) == ("units", 10)
    before = line.staff.told()
    ok(line.plant.ask("qc", "POST", "/lots/L1/ipqc/watch"))
    assert line.staff.told() == before


def test_a_reaction_that_is_not_done_is_escalated_when_somebody_looks(line: Line) -> None:
    line.started()
    line.make("ACCEPT", "ACCEPT")
    line.sample(0.80, 0.90)
    line.plant.now += timedelta(minutes=29)
    assert ok(line.plant.ask("qc", "POST", "/lots/L1/ipqc/watch"))["reactions"][0]["escalated"] == 0
    line.plant.now += timedelta(minutes=2)
    path = "/lots/L1/ipqc/watch"
    watched = ok(line.plant.ask(line.staff.token(SUPPLIER, "quality"), "POST", path))
    assert watched["reactions"][0]["escalated"] == 1
    assert line.staff.lines(kind="ipqc.escalated")[0]["body"]["role"] == "quality"


def test_the_freeze_holds_back_what_nobody_watched(line: Line) -> None:
    line.started()
    line.make("ACCEPT", "ACCEPT")
    line.sample(0.80, 0.80)
    line.make("ACCEPT", "ACCEPT", "ACCEPT")
    line.sample(0.80, 0.90)
    line.plant.now += timedelta(minutes=31)
    before = line.staff.told()
    frozen = ok(line.plant.ask("qc", "POST", "/lots/L1/freeze"))
    assert line.kinds(before) == ["ipqc.escalated", "lot.frozen"]
    assert frozen["size"] == 2  # what the one conforming sample covers
    before = line.staff.told()
    refused(line.plant.ask("qc", "POST", "/lots/L1/freeze"), 409, "lot-step")
    assert line.staff.told() == before


def test_a_refused_freeze_takes_back_what_was_held_back_for_it(line: Line) -> None:
    line.started()
    line.make("ACCEPT", "ACCEPT")
    line.sample(0.80, 0.90)
    line.plant.now += timedelta(minutes=31)
    state, before = line.staff.get("/lots/L1/ipqc"), line.staff.told()
    told = refused(line.plant.ask("qc", "POST", "/lots/L1/freeze"), 409, "lot-step")
    assert "no unit is accepted" in told
    assert line.staff.told() == before
    assert line.staff.get("/lots/L1/ipqc") == state
    assert state["reactions"][0]["escalated"] == 0
    assert ok(line.plant.ask("qc", "POST", "/lots/L1/ipqc/watch"))["reactions"][0]["escalated"] == 1


def test_what_a_refused_transaction_saw_is_forgotten(line: Line) -> None:
    line.make("ACCEPT")
    state, before = line.lot(), line.staff.told()
    key = ApiKey("k1", "qc", "qc", None, None, "2026-07-01T00:00:00Z", None)

    def quarantined(serial: str) -> Step:
        return lambda past: quality.quarantine_units(
            past.lot("L1"), [serial], cause="handling:3", reason="the tray fell"
        )

    with pytest.raises(quality.StepError, match="Z has no record"):
        line.plant.app.state.ledger.take(key, quarantined("U-001"), quarantined("Z"))
    assert line.lot() == state
    assert line.staff.told() == before


def test_limits_are_estimated_from_the_samples_or_entered_with_a_reason(line: Line) -> None:
    line.started()
    path, ask = "ipqc/limits", {"characteristic": "hole", "reason": "study of the first three"}
    values = [(0.798, 0.802), (0.800, 0.803), (0.799, 0.800)]
    for pair in values:
        line.make("ACCEPT", "ACCEPT")
        if pair == values[1]:
            told = refused(line.post(SUPPLIER, "engineering", path, ask), 422, "evidence")
            assert "fewer than two" in told
        line.sample(*pair)
    before = line.staff.told()
    refused(line.post(SUPPLIER, "production", path, ask), 409, "lot-step")
    refused(line.post(BUYER, "quality", path, ask), 409, "lot-step")
    refused(line.post(SUPPLIER, "quality", path, {**ask, "characteristic": "paint"}), 409, "lot-step")
    refused(line.post(SUPPLIER, "quality", path, {**ask, "sigma": 0.1}), 422, "invalid")
    refused(line.post(SUPPLIER, "quality", path, {**ask, "exclude": {"9": "?"}}), 422, "evidence")
    assert line.staff.told() == before
    frozen = ok(line.post(SUPPLIER, "engineering", path, ask))["limits"]["hole"]
    ranges, centre = [0.004, 0.003, 0.001], sum(sum(p) for p in values) / 6
    assert frozen["version"] == 1
    assert frozen["origin"]["subgroups"] == ["1", "2", "3"]
    assert frozen["centre"] == pytest.approx(centre, abs=1e-12)
    assert frozen["sigma"] == pytest.approx(sum(ranges) / 3 / 1.128, rel=1e-3)  # d2 of two
    entered = {**ask, "reason": "drill of the old type", "centre": 0.8, "sigma": 0.002}
    second = ok(line.post(SUPPLIER, "quality", path, entered))["limits"]["hole"]
    assert (second["version"], second["sigma"], second["origin"]["source"]) == (2, 0.002, "entered")
    line.make("ACCEPT", "ACCEPT")
    state = line.sample(0.806, 0.806)  # above 0.8 + 3 * 0.002 / sqrt(2)
    assert state["reactions"][0]["signal"]["outcome"] == "signal"
    assert line.quarantine() == {}  # within specification: the reaction plan, no quarantine


def test_production_opens_and_ends_with_its_material_booked(plant: Plant) -> None:
    staff, golden = Staff(plant), register(plant, plans={"fai": {"materials_booked": True}})
    factory = Factory(plant, golden)
    factory.ask("qc", "/lots", {"lot": "L1", "golden": golden["digest"]})
    first = factory.inspect("L1", "F")
    factory.ask("qc", "/lots/L1/fai", {"inspections": [first["id"]], "entered": [entered("F")]})
    approval = "/lots/L1/fai/approval"
    before = staff.told()
    told = refused(plant.ask("approver", "POST", approval), 409, "lot-step")
    assert "0.25 sheet of laminate for its 1 units" in told
    assert staff.told() == before

    delivery = deliveries.delivery().model_dump(mode="json")
    received = {"id": "M1", "golden": golden["digest"], "material": "laminate", "delivery": delivery}
    proof = {
        "proves": "certificate of conformity", "form": "certificate", "digest": "sha256:" + "c" * 64,
        "reference": "C-1",
    }  # fmt: skip
    ok(staff.post(SUPPLIER, "inspector", "/materials", received), 201)
    ok(staff.post(SUPPLIER, "inspector", "/materials/M1/evidence", proof))
    ok(staff.post(SUPPLIER, "quality", "/materials/M1/decision"))
    booking = {"lot": "L1", "quantity": "0.25"}
    ok(staff.post(SUPPLIER, "production", "/materials/M1/bookings", booking))
    assert ok(plant.ask("approver", "POST", approval))["phase"] == "production"
    factory.inspect("L1", "A")
    assert "0.25 sheet" in refused(plant.ask("qc", "POST", "/lots/L1/freeze"), 409, "lot-step")
    ok(staff.post(SUPPLIER, "production", "/materials/M1/bookings", booking))
    assert ok(plant.ask("qc", "POST", "/lots/L1/freeze"))["size"] == 1
