"""Non-conformances, 8D and its clocks, repeats and the trend over HTTP."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from api import ledger
from tests.api import records
from tests.api.conftest import Plant, open_plant
from tests.api.people import (
    BUYER,
    STRANGER,
    SUPPLIER,
    Factory,
    Staff,
    ok,
    refused,
    register,
    reopened,
    spec_fields,
)
from tests.api.test_materials import delivered
from tests.quality.corrective.cases import report

CAUSE = "defect:unclassified:front"
SMALL = {"claim_below": 0.3, "lots": 3, "units": 9}  # met, it excludes 28.3 % (Clopper-Pearson, 95 %)


class Case:
    """A rejected lot L1 with its non-conformance, and the people who work on it."""

    def __init__(self, plant: Plant, golden: dict[str, Any]) -> None:
        self.plant, self.staff = plant, Staff(plant)
        self.factory = Factory(plant, golden)
        self.nc = self.reject("L1")

    def reject(self, lot: str) -> str:
        """Have a lot's outgoing control find a scratch; return its non-conformance."""
        self.factory.frozen(lot, 3)
        assert self.factory.judged(lot, records_of_a_scratch())["phase"] == "oqc_rejected"
        (found,) = self.staff.get("/nonconformances", lot=lot)["items"]
        assert found["cause"] == CAUSE
        nc: str = found["id"]
        return nc

    def post(self, path: str, body: Any = None, *, by: str = "supplier", name: str | None = None) -> Any:
        """Post about the corrective action as quality of a party."""
        party = SUPPLIER if by == "supplier" else BUYER
        return self.staff.post(party, "quality", f"/capas/{self.nc}/{path}", body, name=name)

    def open(self) -> dict[str, Any]:
        return ok(self.staff.post(BUYER, "quality", f"/nonconformances/{self.nc}/capa"), 201)

    def capa(self) -> dict[str, Any]:
        found: dict[str, Any] = self.staff.get(f"/capas/{self.nc}")
        return found

    def said(self, discipline: str, **fields: Any) -> dict[str, Any]:
        """Return a full report of this case, told now."""
        (nonconformance,) = [n for n in self.staff.get("/nonconformances")["items"] if n["id"] == self.nc]
        own: dict[str, dict[str, Any]] = {
            "D0": {"nonconformance": self.nc, "opened_at": nonconformance["opened_at"]},
            "D3": {"in_force_from": self.now()},
            "D6": {"implemented_at": self.now()},
            "D8": {"closed_by": "S quality", "closed_at": self.now()},
        }
        return report(discipline, **{**own.get(discipline, {}), **fields}).model_dump(mode="json")

    def now(self) -> str:
        return self.plant.now.isoformat().replace("+00:00", "Z")

    def submit(self, discipline: str, **fields: Any) -> dict[str, Any]:
        return ok(self.post("reports", self.said(discipline, **fields)))

    def approve(self, discipline: str, **more: Any) -> dict[str, Any]:
        return ok(self.post("approvals", {"discipline": discipline, **more}, by="buyer"))

    def file(self, *disciplines: str, **fields: Any) -> dict[str, Any]:
        for discipline in disciplines:
            self.submit(discipline, **fields)
            last = self.approve(discipline)
        return last

    def implemented(self) -> None:
        self.file("D0", "D1", "D2", "D3", "D4")
        self.file("D5", criterion=SMALL)
        assert self.file("D6", "D7")["phase"] == "implemented"

    def closed(self) -> None:
        self.open()
        self.implemented()
        for lot in ("G1", "G2", "G3"):
            self.factory.ask("qc", "/lots", {"lot": lot, "golden": self.factory.golden["digest"]})
            ok(self.post("lots", {"lot": lot, "counts": {"nonconforming": 0, "inspected": 3}}))
        ok(self.post("verification", {"outcome": "effective"}, name="Wu Ying"))
        assert self.file("D8")["phase"] == "closed"


def records_of_a_scratch() -> dict[str, Any]:
    """Return what the second station says of a unit with a large flaw of no class."""
    found = records.inspection(1, verdict="REJECT")[0].model_dump(mode="json", by_alias=True)
    return {name: found[name] for name in ("verdict", "reasons", "defects")}


@pytest.fixture
def case(plant: Plant) -> Case:
    return Case(plant, register(plant))


def test_from_a_rejected_lot_to_a_closed_8d_by_lots_that_the_journal_counts(case: Case) -> None:
    opened = case.open()
    about = opened["opened"]
    assert (about["suppliers"], about["buyers"], about["part"]) == ([SUPPLIER], [BUYER], "T1")
    assert about["person"] == {"name": "N quality", "party": BUYER, "roles": ["quality"]}
    assert about["deadlines"]["containment_hours"] == 24
    case.implemented()
    for number, lot in enumerate(("G1", "G2", "G3"), 1):
        case.factory.released(lot)
        seen = ok(case.post("lots", {"lot": lot}))
        assert seen["evidence"][-1]["counts"] == {"nonconforming": 0, "inspected": 3}
        assert seen["phase"] == "verifying"
        (line,) = case.staff.lines(subject=lot, kind="lot.opened")
        assert seen["evidence"][-1]["produced_from"] == line["time"]
        assert seen["verdict"]["outcome"] == ("effective" if number == 3 else None)
    assert seen["criterion_power"]["excluded_fraction"] == pytest.approx(1 - 0.05 ** (1 / 9))
    owner = case.post("verification", {"outcome": "effective"}, name="Chen Bo")
    assert "owns the action" in refused(owner, 409, "lot-step")
    assert ok(case.post("verification", {"outcome": "effective"}, name="Wu Ying"))["phase"] == "effective"
    assert case.file("D8")["phase"] == "closed"
    told = case.staff.get("/capas")
    assert (told["open"], told["overdue"]) == ([], [])


def test_the_supplier_submits_and_the_buyer_decides(case: Case) -> None:
    lines = case.staff.told()
    capa = f"/nonconformances/{case.nc}/capa"
    for party, role in ((STRANGER, "quality"), (BUYER, "production"), (SUPPLIER, "inspector")):
        refused(case.staff.post(party, role, capa), 409, "lot-step")
    refused(case.plant.ask("reader", "GET", f"/capas/{case.nc}"), 404, "not-found")
    refused(case.post("approvals", {"discipline": "D0"}, by="buyer"), 404, "not-found")
    assert case.staff.told() == lines
    case.open()
    refused(case.staff.post(BUYER, "quality", capa), 409, "lot-step")
    refused(case.post("reports", case.said("D0"), by="buyer"), 409, "lot-step")
    refused(
        case.staff.post(SUPPLIER, "inspector", f"/capas/{case.nc}/reports", case.said("D0")), 409, "lot-step"
    )
    forged = {**case.said("D0"), "person": {"name": "x", "party": SUPPLIER}}
    refused(case.post("reports", forged), 422, "invalid")
    refused(case.post("reports", {**case.said("D0"), "discipline": "D9"}), 422, "invalid")
    missing = case.said("D0")
    del missing["response"]
    answer = case.post("reports", missing)
    refused(answer, 422, "invalid")
    assert [e["field"] for e in answer.json()["errors"]] == ["body.D0.response"]
    early = case.said("D0", opened_at="2026-06-30T00:00:00Z")
    assert "D0 opened_at" in refused(case.post("reports", early), 409, "lot-step")
    case.submit("D0")
    refused(case.post("approvals", {"discipline": "D0"}), 409, "lot-step")  # the supplier
    refused(case.post("rejections", {"discipline": "D0", "reason": "r"}), 409, "lot-step")
    refused(case.post("rejections", {"discipline": "D0", "reason": ""}, by="buyer"), 422, "invalid")
    sent_back = ok(case.post("rejections", {"discipline": "D0", "reason": "which stock?"}, by="buyer"))
    assert (sent_back["reports"]["D0"]["status"], sent_back["reports"]["D0"]["reason"]) == (
        "rejected", "which stock?",
    )  # fmt: skip
    case.submit("D0", response="all stock stopped")
    assert case.approve("D0")["reports"]["D0"]["submissions"] == 2
    told = refused(case.post("reports", case.said("D4")), 409, "lot-step")
    assert "containment first" in told


def test_a_criterion_too_weak_is_accepted_only_by_name(case: Case) -> None:
    case.open()
    case.file("D0", "D1", "D2", "D3", "D4")
    weak = {"claim_below": 0.05, "lots": 3, "units": 39}
    case.submit("D5", criterion=weak)
    told = refused(case.post("approvals", {"discipline": "D5"}, by="buyer"), 409, "lot-step")
    assert "excludes 7.39%" in told
    assert "that takes 59 units" in told
    approved = case.approve("D5", weak_criterion="the line makes 13 a week")
    assert approved["reports"]["D5"]["reason"] == "the line makes 13 a week"
    assert approved["criterion_power"]["shows_claim"] is False


def test_what_is_overdue_now_is_told_by_escalation_level(case: Case) -> None:
    opened = case.open()["opened"]["opened_at"]
    assert case.staff.get("/capas")["overdue"] == []
    case.plant.now += timedelta(hours=25)
    (level,) = case.staff.get("/capas")["overdue"]
    (late,) = level["reports"]
    assert (level["level"], late["discipline"], late["waits_for"]) == (1, "D0", "supplier")
    assert 0.99 < late["late_by_hours"] < 1.01
    case.plant.now += timedelta(hours=48)  # 73 h: D0 is late by 49, D1 to D3 by 25
    told = case.staff.get("/capas", part="T1")
    assert [(o["level"], [r["discipline"] for r in o["reports"]]) for o in told["overdue"]] == [
        (2, ["D0", "D1", "D2", "D3"])
    ]
    case.plant.now += timedelta(hours=24)
    told = case.staff.get("/capas")
    assert [(o["level"], len(o["reports"])) for o in told["overdue"]] == [(3, 1), (2, 3)]
    (about,) = told["open"]
    assert (about["nonconformance"], about["phase"], about["opened_at"]) == (case.nc, "open", opened)
    assert case.capa()["due"]["d0"] == (datetime.fromisoformat(opened) + timedelta(hours=24)).isoformat()
    case.submit("D0")
    late = {o["level"]: o["reports"] for o in case.staff.get("/capas")["overdue"]}
    assert {r["waits_for"] for r in late[2]} == {"buyer"}
    other = case.staff.get("/capas", part="T9")
    assert (other["open"], other["overdue"]) == ([], [])


def test_a_repeat_restores_containment_by_itself_and_the_buyer_reviews_it(case: Case) -> None:
    case.closed()
    repeat = case.reject("L2")
    lines = [line for line in case.staff.lines() if line["subject"] in (repeat, f"capa:{case.nc}")]
    assert [line["kind"] for line in lines[-2:]] == ["nonconformance.opened", "capa.recurred"]
    assert lines[-1]["time"] == lines[-2]["time"]
    again = case.capa()
    assert (again["phase"], again["containment_in_force"]) == ("closed", True)
    assert [(r["nonconformance"], r["status"]) for r in again["recurrences"]] == [(repeat, "pending")]
    (listed,) = case.staff.get("/capas")["open"]
    assert listed["under_review"] is True
    review = {"nonconformance": repeat, "outcome": "confirmed", "reason": "the same rib"}
    refused(case.post("recurrence-reviews", review), 409, "lot-step")
    unknown = {**review, "nonconformance": "nc-0"}
    refused(case.post("recurrence-reviews", unknown, by="buyer"), 409, "lot-step")
    reopened_capa = ok(case.post("recurrence-reviews", review, by="buyer"))
    assert (reopened_capa["phase"], reopened_capa["round"]) == ("contained", 2)
    assert "D4" not in reopened_capa["reports"]


def test_only_lots_of_the_product_made_after_the_action_are_evidence(case: Case) -> None:
    case.factory.released("E1")  # before the action
    case.open()
    case.implemented()
    lines = case.staff.told()
    for lot in ("L9", "nc-1", "material:M1", f"capa:{case.nc}", ""):
        answer = case.post("lots", {"lot": lot})
        refused(answer, 422 if lot == "" else 409, "invalid" if lot == "" else "lot-step")
    assert "not after the implementation" in refused(case.post("lots", {"lot": "E1"}), 409, "lot-step")
    later = {"lot": "E1", "produced_from": case.now()}
    assert "after its first record" in refused(case.post("lots", later), 409, "lot-step")
    refused(case.staff.post(BUYER, "production", f"/capas/{case.nc}/lots", {"lot": "E1"}), 409, "lot-step")
    case.factory.ask("qc", "/lots", {"lot": "G1", "golden": case.factory.golden["digest"]})
    assert "no unit was judged" in refused(case.post("lots", {"lot": "G1"}), 409, "lot-step")
    given = {"lot": "G1", "counts": {"nonconforming": 1, "inspected": 20}}
    assert ok(case.post("lots", given))["verdict"]["outcome"] == "not_effective"
    assert "has been counted" in refused(case.post("lots", given), 409, "lot-step")
    assert case.staff.told() == lines + 2  # the opening, and the one that counts


def test_a_lot_with_the_flaw_counts_against_the_action(case: Case) -> None:
    case.open()
    case.implemented()
    case.factory.in_production("G1")
    for i in range(6):
        bad = records_of_a_scratch() if i in (1, 4) else {}
        case.factory.inspect("G1", f"G1-{i}", **bad)
    case.factory.inspect("G1", "G1-6", verdict="HOLD", reasons=["frame_blurred"])
    case.factory.inspect("G1", "G1-1b", verdict="REJECT", **without_the_flaw())
    seen = ok(case.post("lots", {"lot": "G1"}))
    assert seen["evidence"][0]["counts"] == {"nonconforming": 2, "inspected": 7}
    failed = ok(case.post("verification", {"outcome": "not_effective"}, name="Wu Ying"))
    assert (failed["phase"], failed["round"]) == ("contained", 2)


def without_the_flaw() -> dict[str, Any]:
    """Return a rejection for another cause: the hole."""
    found = [c.model_dump(mode="json") for c in records.inspection(1)[0].characteristics]
    found[0] |= {"value": 0.9, "decision": "nonconform"}
    return {"characteristics": found, "reasons": ["characteristic_nonconform"], "defects": []}


def test_a_material_repeats_only_the_same_material(plant: Plant) -> None:
    fields = spec_fields()
    glue = {**fields["materials"][0], "id": "glue", "name": "Glue"}
    golden = register(plant, materials=[*fields["materials"], glue])
    staff = Staff(plant)

    def receive(name: str, material: str = "laminate") -> str:
        body = {**delivered(golden, name, manufacturer="Cheap Laminates"), "material": material}
        ok(staff.post(SUPPLIER, "inspector", "/materials", body), 201)
        (found,) = staff.get("/nonconformances", lot=f"material:{name}")["items"]
        nc: str = found["id"]
        return nc

    first = receive("M1")
    capa = ok(staff.post(SUPPLIER, "quality", f"/nonconformances/{first}/capa"), 201)
    assert (capa["opened"]["cause"], capa["opened"]["lot"]) == ("substitution:manufacturer", "material:M1")
    receive("G1", "glue")
    assert staff.get(f"/capas/{first}")["recurrences"] == []
    second = receive("M2")
    (repeat,) = staff.get(f"/capas/{first}")["recurrences"]
    assert (repeat["nonconformance"], repeat["lot"], repeat["status"]) == (second, "material:M2", "linked")


def test_who_decides_what_becomes_of_the_units(case: Case) -> None:
    path = f"/nonconformances/{case.nc}"
    (serial,) = case.staff.get(path)["serials"]
    scrap = {"decision": "scrap", "quantity": "1", "serials": [serial], "reason": "cannot be repaired"}
    lines = case.staff.told()
    for party, role, decision in (
        (SUPPLIER, "quality", "use_as_is"), (SUPPLIER, "quality", "concession"),
        (SUPPLIER, "quality", "repair"), (BUYER, "inspector", "scrap"), (STRANGER, "quality", "scrap"),
        (SUPPLIER, "production", "use_as_is"),
    ):  # fmt: skip
        answer = case.staff.post(party, role, f"{path}/dispositions", {**scrap, "decision": decision})
        refused(answer, 409, "lot-step")
    for wrong in ({"quantity": "2"}, {"serials": ["X"]}, {"serials": [serial, serial], "quantity": "2"}):
        refused(
            case.staff.post(SUPPLIER, "quality", f"{path}/dispositions", {**scrap, **wrong}), 409, "lot-step"
        )
    for wrong in (
        {"quantity": "0"}, {"quantity": "NaN"}, {"decision": "forget"}, {"acts_for": "buyer"},
        {"person": {"name": "x", "party": BUYER, "roles": ["quality"]}},
    ):  # fmt: skip
        refused(
            case.staff.post(SUPPLIER, "quality", f"{path}/dispositions", {**scrap, **wrong}), 422, "invalid"
        )
    refused(
        case.staff.post(SUPPLIER, "quality", "/nonconformances/nc-0/dispositions", scrap), 404, "not-found"
    )
    refused(case.staff.post(SUPPLIER, "quality", "/nonconformances/nc-0/capa"), 404, "not-found")
    refused(case.plant.ask("reader", "GET", "/nonconformances/nc-0"), 404, "not-found")
    assert case.staff.told() == lines
    disposed = ok(case.staff.post(SUPPLIER, "quality", f"{path}/dispositions", scrap), 201)
    assert disposed["status"] == "disposed"
    (decided,) = disposed["dispositions"]
    assert (decided["person"]["name"], decided["acts_for"]) == ("S quality", "supplier")
    assert case.staff.get("/nonconformances")["items"] == [disposed]
    refused(case.staff.post(SUPPLIER, "quality", f"{path}/dispositions", scrap), 409, "lot-step")


def test_a_repeat_and_its_nonconformance_are_written_together_or_not_at_all(
    case: Case, monkeypatch: pytest.MonkeyPatch
) -> None:
    case.open()
    case.factory.frozen("L2", 3)
    drawn = case.factory.ask("qc", "/lots/L2/draw")["draw"]["serials"]
    for place, serial in enumerate(drawn):
        case.factory.inspect("L2", serial, second=True, **(records_of_a_scratch() if place == 0 else {}))
    lines, whole = case.staff.told(), ledger.journal.append_line

    def dies(*given: Any, kind: str, **more: Any) -> Any:
        if kind == "capa.recurred":
            raise OSError("the disk is full")
        return whole(*given, kind=kind, **more)

    monkeypatch.setattr(ledger.journal, "append_line", dies)
    refused(case.plant.ask("qc", "POST", "/lots/L2/oqc"), 503, "store-unavailable")
    monkeypatch.undo()
    assert case.staff.told() == lines
    assert case.staff.get("/lots/L2")["phase"] == "drawn"
    assert case.staff.get("/nonconformances", lot="L2")["items"] == []
    assert case.factory.ask("qc", "/lots/L2/oqc")["phase"] == "oqc_rejected"
    assert [r["lot"] for r in case.capa()["recurrences"]] == ["L2"]


def test_a_restarted_server_tells_the_same_and_goes_on(tmp_path: Path) -> None:
    with open_plant(tmp_path) as plant:
        case = Case(plant, register(plant))
        case.closed()
        repeat = case.reject("L2")
        paths = (
            f"/capas/{case.nc}",
            f"/nonconformances/{case.nc}",
            f"/nonconformances/{repeat}",
            "/trend?part=T1",
        )
        before = [plant.ask("reader", "GET", path).json() for path in paths]
        review = {"nonconformance": repeat, "outcome": "dismissed", "reason": "a handling mark"}
        token = case.staff.token(BUYER, "quality")
    with reopened(plant) as again:
        assert [again.ask("reader", "GET", path).json() for path in paths] == before
        assert again.ask("reader", "GET", "/capas").json()["open"][0]["under_review"] is True
        ended = ok(again.ask(token, "POST", f"/capas/{case.nc}/recurrence-reviews", json=review))
        assert (ended["phase"], ended["containment_in_force"]) == ("closed", False)
