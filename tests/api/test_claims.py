"""What the buyer finds comes back over HTTP: claims, and the trend that they end up in."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.stats import fisher_exact

from quality.proportions import clopper_pearson
from tests.api import records
from tests.api.conftest import Plant, open_plant
from tests.api.people import BUYER, STRANGER, SUPPLIER, Factory, Staff, ok, refused, register, reopened
from tests.api.test_corrective import CAUSE, Case, records_of_a_scratch

PICTURE = "sha256:" + "e" * 64


@pytest.fixture
def staff(plant: Plant) -> Staff:
    return Staff(plant)


@pytest.fixture
def factory(plant: Plant) -> Factory:
    return Factory(plant, register(plant))


def claim(lot: str = "L1", name: str = "7", units: int = 2, **fields: Any) -> dict[str, Any]:
    cause = {"cause": CAUSE, "severity": "major", "units": units, "serials": [f"{lot}-001"]}
    arrival = {
        "lot": lot, "source": "receiving", "found_at": "2026-07-01T12:00:00Z", "quantity": 3, "inspected": 3,
        "unacceptable": units, "causes": [cause] if units else [], "evidence": [PICTURE] if units else [],
        **fields,
    }  # fmt: skip
    return {"id": name, "arrival": arrival}


def test_a_claim_opens_a_nonconformance_is_answered_and_withdrawn(staff: Staff, factory: Factory) -> None:
    factory.released("L1")
    reported = ok(staff.post(BUYER, "inspector", "/claims", claim()), 201)
    assert (reported["id"], reported["phase"]) == ("claim:7", "claimed")
    said = reported["reported"]
    assert (said["suppliers"], said["buyers"], said["part"]) == ([SUPPLIER], [BUYER], "T1")
    assert said["person"] == {"name": "N inspector", "party": BUYER, "roles": ["inspector"]}
    (opened,) = staff.get("/nonconformances", lot="L1")["items"]
    assert (opened["cause"], opened["triggers"], opened["serials"], opened["quantity"]) == (
        CAUSE, ["buyer_claim"], ["L1-001"], "1",
    )  # fmt: skip
    answer = {"outcome": "disputed", "reason": "handled after arrival"}
    refused(staff.post(BUYER, "quality", "/claims/7/answer", answer), 409, "lot-step")
    assert ok(staff.post(SUPPLIER, "quality", "/claims/7/answer", answer))["phase"] == "disputed"
    accepted = {**answer, "outcome": "accepted"}
    assert ok(staff.post(SUPPLIER, "quality", "/claims/7/answer", accepted))["phase"] == "accepted"
    why = {"reason": "counted twice"}
    refused(staff.post(SUPPLIER, "quality", "/claims/7/withdrawal", why), 409, "lot-step")
    withdrawn = ok(staff.post(BUYER, "quality", "/claims/7/withdrawal", why))
    assert (withdrawn["phase"], withdrawn["decided"]["reason"]) == ("withdrawn", "counted twice")
    assert staff.get("/claims/7") == withdrawn
    assert staff.get("/nonconformances", lot="L1")["items"] == [opened]
    again = ok(staff.post(BUYER, "quality", "/claims", claim(name="8", found_at="2026-07-01T12:00:00Z")), 201)
    assert again["phase"] == "claimed"
    (extended,) = staff.get("/nonconformances", lot="L1")["items"]
    assert (extended["id"], extended["quantity"]) == (opened["id"], "2")


def test_who_may_and_what_is_refused(staff: Staff, factory: Factory) -> None:
    factory.frozen("L2", 1)
    factory.released("L1")
    lines = staff.told()
    for party, role in ((SUPPLIER, "quality"), (BUYER, "production"), (STRANGER, "inspector")):
        refused(staff.post(party, role, "/claims", claim()), 409, "lot-step")
    forged = claim()
    refused(staff.post(BUYER, "quality", "/claims", {**forged, "suppliers": ["Somebody"]}), 422, "invalid")
    forged["arrival"]["person"] = {"name": "x", "party": BUYER}
    refused(staff.post(BUYER, "quality", "/claims", forged), 422, "invalid")
    refused(staff.post(BUYER, "quality", "/claims", claim("L9")), 404, "not-found")
    assert "only what was released" in refused(
        staff.post(BUYER, "quality", "/claims", claim("L2")), 409, "lot-step"
    )
    future = claim(found_at="2026-07-02T12:00:00Z")
    assert "lies after" in refused(staff.post(BUYER, "quality", "/claims", future), 409, "lot-step")
    refused(staff.post(BUYER, "quality", "/claims", claim(quantity=4, inspected=4)), 422, "evidence")
    strange = claim()
    strange["arrival"]["causes"][0]["serials"] = ["X"]
    refused(staff.post(BUYER, "quality", "/claims", strange), 422, "evidence")
    for wrong in ({"evidence": []}, {"found_at": "2026-07-01T12:00:00"}, {"inspected": 1}):
        refused(staff.post(BUYER, "quality", "/claims", claim(**wrong)), 422, "invalid")
    refused(staff.plant.ask("reader", "GET", "/claims/7"), 404, "not-found")
    answer = {"outcome": "accepted", "reason": "seen"}
    refused(staff.post(SUPPLIER, "quality", "/claims/7/answer", answer), 404, "not-found")
    refused(staff.post(BUYER, "quality", "/claims/7/withdrawal", {"reason": "r"}), 404, "not-found")
    assert staff.told() == lines
    ok(staff.post(BUYER, "quality", "/claims", claim(units=0)), 201)
    assert "reported once" in refused(staff.post(BUYER, "quality", "/claims", claim()), 409, "lot-step")
    told = refused(staff.post(SUPPLIER, "quality", "/claims/7/answer", answer), 409, "lot-step")
    assert "has no claim to answer" in told


def test_a_claim_on_arrival_is_a_repeat_of_a_closed_action(plant: Plant) -> None:
    case = Case(plant, register(plant))
    case.closed()
    case.factory.released("L2")
    ok(case.staff.post(BUYER, "quality", "/claims", claim("L2")), 201)
    kinds = [line["kind"] for line in case.staff.lines()]
    assert kinds[-3:] == ["claim.reported", "nonconformance.opened", "capa.recurred"]
    assert case.capa()["containment_in_force"] is True
    (repeat,) = case.capa()["recurrences"]
    assert (repeat["lot"], repeat["status"]) == ("L2", "pending")


def test_the_trend_is_counted_from_the_journal(staff: Staff, factory: Factory) -> None:
    for lot, units, bad in (("L1", 25, 0), ("L2", 10, 4)):
        factory.in_production(lot)
        for i in range(units):
            flaw = records_of_a_scratch() if i < bad else {}
            factory.inspect(
                lot, f"{lot}-{i:03d}", characteristics=with_hole(0.79 + 0.0005 * (7 * i % 30)), **flaw
            )
    factory.inspect("L1", "L1-000", characteristics=with_hole(0.84))  # again: its first record counts
    factory.ask("qc", "/lots/L1/freeze")
    factory.ask("qc", "/lots/L1/draw")
    factory.in_production("L3")
    told = staff.get("/trend", part="T1", unit_cost=2.5)
    assert [lot["lot"] for lot in told["lots"]] == ["L1", "L2"]
    assert told["without_results"] == ["L3"]
    one, other = told["lots"]
    share = clopper_pearson(4, 10)
    assert other["ppm"]["major"] == pytest.approx(
        {"value": 400_000, "lower": 1e6 * share.lower, "upper": 1e6 * share.upper}
    )
    assert (one["first_pass_yield"]["value"], other["first_pass_yield"]["value"]) == (1.0, 0.6)
    assert (one["inspection"], other["inspection"]) == ("normal", None)
    values = [0.79 + 0.0005 * (7 * i % 30) for i in range(25)]
    sigma = np.abs(np.diff(values)).mean() / 1.128  # d2 of two values
    cpk = min(0.85 - np.mean(values), np.mean(values) - 0.75) / (3 * sigma)
    assert one["cpk"]["hole"]["value"] == pytest.approx(cpk, rel=1e-3)
    assert one["cpk"].keys() <= {"hole", "paint"}
    assert other["cpk"] == {}  # too few values
    assert one["cost"]["value"] == 0
    (changed,) = [c for c in told["changes"] if c["measure"] == "first_pass"]
    assert changed["p_value"] == pytest.approx(fisher_exact([[6, 4], [25, 0]]).pvalue)
    assert told["arrival"] is None


def with_hole(value: float) -> list[dict[str, Any]]:
    """Return conforming results with this hole."""
    found = [c.model_dump(mode="json") for c in records.inspection(1)[0].characteristics]
    found[0]["value"] = value
    return found


def test_the_trend_tells_of_arrivals_scrap_and_open_causes(plant: Plant) -> None:
    case = Case(plant, register(plant))
    case.factory.released("L2")
    ok(case.staff.post(BUYER, "quality", "/claims", claim("L2")), 201)
    (serial,) = case.staff.get(f"/nonconformances/{case.nc}")["serials"]
    scrap = {"decision": "scrap", "quantity": "1", "serials": [serial], "reason": "cannot be repaired"}
    ok(case.staff.post(SUPPLIER, "quality", f"/nonconformances/{case.nc}/dispositions", scrap), 201)
    told = case.staff.get("/trend", part="T1", unit_cost=3)
    assert (told["arrival"]["units"]["count"], told["arrival"]["units"]["n"]) == (2, 3)
    assert told["arrival"]["lots"]["value"] == 1.0
    (cause,) = told["causes"]
    assert (cause["cause"], cause["lots"], cause["open_in"], cause["recurring"]) == (
        CAUSE, ["L1", "L2"], ["L2"], True,
    )  # fmt: skip
    assert [lot["cost"]["value"] for lot in told["lots"]] == [3.0, 0.0]
    ok(case.staff.post(BUYER, "quality", "/claims/7/withdrawal", {"reason": "counted twice"}))
    newest = case.staff.get("/trend", part="T1", lots=1)
    assert ([lot["lot"] for lot in newest["lots"]], newest["arrival"]) == (["L2"], None)


def test_a_trend_needs_a_part_with_lots_and_figures_within_bounds(staff: Staff, factory: Factory) -> None:
    def asked(**query: Any) -> Any:
        return staff.plant.ask("reader", "GET", "/trend", params=query)

    refused(asked(), 422, "invalid")
    refused(asked(part="T1"), 404, "not-found")
    factory.in_production("L1")
    assert "0 lots" in refused(asked(part="T1"), 422, "evidence")
    for wrong in ({"alpha": 0}, {"confidence": 1}, {"latest": 0}, {"unit_cost": -1}, {"unit_cost": "nan"}):
        refused(asked(part="T1", **wrong), 422, "invalid")


def test_a_restarted_server_tells_the_same_claim(tmp_path: Path) -> None:
    with open_plant(tmp_path) as plant:
        staff, factory = Staff(plant), Factory(plant, register(plant))
        factory.released("L1")
        before = ok(staff.post(BUYER, "quality", "/claims", claim()), 201)
        trend = staff.get("/trend", part="T1")
    with reopened(plant) as again:
        assert again.ask("reader", "GET", "/claims/7").json() == before
        assert again.ask("reader", "GET", "/trend", params={"part": "T1"}).json() == trend
