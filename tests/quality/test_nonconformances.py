"""Non-conformances: one per lot and cause, opened and extended by what is found."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

import quality
from evidence.journal import JournalLine, append
from tests.builders import BUYER, SUPPLIER
from tests.quality.records import SPEC, Line, bad, defect, inspection


def outgoing(serial: str, verdict: str = "ACCEPT", **fields: Any) -> Any:
    return inspection(serial, verdict, station="oqc-1", sequence=9, **fields)


def test_a_critical_nonconformity_opens_one_per_cause_and_lot() -> None:
    line = Line().in_production()
    line.record(bad("U1", "critical"), bad("U2", "critical"), bad("U3", "major"))
    (only,) = line.nonconformances()
    assert (only.cause, only.severity, only.serials) == (
        "characteristic:continuity",
        "critical",
        ("U1", "U2"),
    )
    assert only.triggers == ("critical_nonconformity",)
    assert [k for k in line.kinds() if k.startswith("nonc")] == [
        "nonconformance.opened",
        "nonconformance.extended",
    ]
    other = Line(lot="L2").opened().record(bad("U1", "critical", lot="L2"))
    assert other.nonconformances()[0].id != only.id


def test_a_rejected_lot_opens_one_for_each_cause_of_the_rejecting_classes() -> None:
    line = Line().drawn(3)
    a, b, c = line.sample
    line.record(
        bad(a, "major", station="oqc-1"),
        inspection(b, "REJECT", station="oqc-1", decisions={"hole": "nonconform", "paint": "nonconform"}),
        outgoing(c),
    )
    line.add(quality.decide_oqc(line.state, SPEC))
    (hole,) = line.nonconformances()
    assert (hole.cause, hole.serials, hole.triggers) == ("characteristic:hole", (a, b), ("lot_rejected",))
    assert line.state.record()["nonconformances"] == [{"id": hole.id, "cause": "characteristic:hole"}]
    assert hole.record()["serials"] == [a, b]


def test_one_critical_unit_in_the_sample_rejects_the_lot() -> None:
    line = Line().drawn(3)
    line.record(bad(line.sample[0], "critical", station="oqc-1"))
    assert [n.triggers for n in line.nonconformances()] == [("critical_nonconformity",)]
    line.add(quality.decide_oqc(line.state, SPEC))
    assert line.state.phase == "oqc_rejected"
    (only,) = line.nonconformances()
    assert only.triggers == ("critical_nonconformity", "lot_rejected")


def test_defects_merge_by_class_and_zone_and_keep_the_worst_severity() -> None:
    line = Line().in_production()
    line.record(*(inspection(f"U{i}", "REJECT", defects=[defect("critical")]) for i in range(3)))
    (only,) = line.nonconformances()
    assert only.cause == "defect:crack:front"
    assert len(only.inspections) == 3
    note = line.lines[-1]
    better = append(
        note, time=note.time, actor="test", kind="nonconformance.extended", subject=note.subject,
        body={**note.body, "severity": "minor"},
    )  # fmt: skip
    assert quality.apply_nonconformance({only.id: only}, better)[only.id].severity == "critical"


def test_nonconformances_refuse_lines_that_do_not_follow() -> None:
    line = Line().in_production().record(bad("U1", "critical"), bad("U2", "critical"))
    opened = next(x for x in line.lines if x.kind == "nonconformance.opened")
    extended = next(x for x in line.lines if x.kind == "nonconformance.extended")
    for lines in ([extended], [opened, opened], [opened.model_copy(update={"subject": "nc-1"})],
                  [opened.model_copy(update={"body": {}})]):  # fmt: skip
        with pytest.raises(quality.StepError):
            quality.replay_nonconformances(lines)


# --- dispositions ------------------------------------------------------------------------------------------

QUALITY = ("quality",)


def acting(party: str, *roles: str) -> quality.Person:
    return quality.Person.model_validate({"name": "Somebody", "party": party, "roles": roles})


class Noted:
    """One non-conformance with two named units, its journal and live state."""

    def __init__(self, quantity: int = 0) -> None:
        self.lines: list[JournalLine] = []
        self.note("U1", "U2", quantity=quantity)

    def note(self, *serials: str, quantity: int = 0) -> Noted:
        note = quality.NonconformanceNoted(
            lot="L1", cause="characteristic:hole", severity="major", trigger="out_of_specification",
            serials=serials, inspections=(), quantity=Decimal(quantity),
        )  # fmt: skip
        return self.add((quality.note_nonconformance(self.known, note),))

    @property
    def known(self) -> dict[str, quality.Nonconformance]:
        return quality.replay_nonconformances(self.lines)

    @property
    def only(self) -> quality.Nonconformance:
        (only,) = self.known.values()
        return only

    def add(self, events: tuple[quality.NewEvent, ...]) -> Noted:
        before = self.known
        for event in events:
            last = self.lines[-1] if self.lines else None
            self.lines.append(append(
                last, time="2026-07-01T12:00:00Z", actor="test", kind=event.kind, subject=event.subject,
                body=event.body,
            ))  # fmt: skip
            before = quality.apply_nonconformance(before, self.lines[-1])
        assert before == self.known
        return self

    def dispose(self, decision: Any, person: quality.Person, quantity: int, *serials: str) -> Noted:
        return self.add(quality.dispose(
            self.only, SPEC, decision, person, quantity=Decimal(quantity), reason="agreed", serials=serials
        ))  # fmt: skip


@pytest.mark.parametrize("decision", ["use_as_is", "concession", "repair"])
def test_only_the_buyer_accepts_what_stays_outside_the_specification(decision: str) -> None:
    noted = Noted()
    with pytest.raises(quality.StepError, match=f"{decision} needs a person .* at {BUYER.party}"):
        noted.dispose(decision, acting(SUPPLIER.party, *QUALITY), 1, "U1")
    with pytest.raises(quality.StepError, match="has production at"):
        noted.dispose(decision, acting(BUYER.party, "production"), 1, "U1")
    noted.dispose(decision, acting(BUYER.party, *QUALITY), 1, "U1")
    (disposition,) = noted.only.dispositions
    assert (disposition.decision, disposition.acts_for, disposition.quantity) == (decision, "buyer", 1)


@pytest.mark.parametrize(("decision", "role"), [
    ("rework", "production"), ("rework", "engineering"), ("rework", "quality"), ("scrap", "production"),
    ("scrap", "quality"), ("return_to_supplier", "quality"), ("repair", "engineering"),
])  # fmt: skip
def test_what_roles_may_decide(decision: str, role: str) -> None:
    parties = (BUYER.party,) if decision == "repair" else (BUYER.party, SUPPLIER.party)
    for party in parties:
        noted = Noted().dispose(decision, acting(party, role), 2, "U1", "U2")
        assert noted.only.status == "disposed"
    with pytest.raises(quality.StepError, match="has inspector"):
        Noted().dispose(decision, acting(BUYER.party, "inspector"), 1, "U1")
    with pytest.raises(quality.StepError, match="Elsewhere"):
        Noted().dispose(decision, acting("Elsewhere", role), 1, "U1")


@pytest.mark.parametrize(("decision", "role"), [
    ("use_as_is", "engineering"), ("concession", "engineering"), ("scrap", "engineering"),
    ("return_to_supplier", "production"), ("rework", "management"),
])  # fmt: skip
def test_what_roles_may_not_decide(decision: str, role: str) -> None:
    with pytest.raises(quality.StepError, match=f"has {role}"):
        Noted().dispose(decision, acting(BUYER.party, role), 1, "U1")


def test_each_unit_has_one_disposition() -> None:
    boss = acting(BUYER.party, *QUALITY)
    noted = Noted().dispose("scrap", boss, 1, "U1")
    assert noted.only.status == "open"
    for serials, quantity, word in (
        (("U1",), 1, "unit U1"), (("U9",), 1, "unit U9"), (("U2", "U2"), 2, "named twice"),
        (("U2",), 2, "1 units are named"), ((), 0, "quantity"),
    ):  # fmt: skip
        with pytest.raises(quality.StepError, match=word):
            noted.dispose("scrap", boss, quantity, *serials)
    noted.dispose("rework", boss, 1, "U2")
    assert noted.only.status == "disposed"
    assert noted.note("U3").only.status == "open"
    record = noted.dispose("scrap", boss, 1, "U3").only.record()
    assert record["status"] == "disposed"
    assert [d["serials"] for d in record["dispositions"]] == [["U1"], ["U2"], ["U3"]]
    assert "sequence" not in record


def test_a_quantity_beside_the_named_units_is_not_exceeded() -> None:
    boss = acting(BUYER.party, *QUALITY)
    noted = Noted(quantity=10).dispose("scrap", boss, 2, "U1", "U2")
    assert noted.only.status == "open"
    with pytest.raises(quality.StepError, match="only 10 beside"):
        noted.dispose("scrap", boss, 11)
    noted.dispose("scrap", boss, 4)
    with pytest.raises(quality.StepError, match="only 6 beside"):
        noted.dispose("rework", boss, 7)
    assert noted.dispose("rework", boss, 6).only.status == "disposed"
    assert noted.note(quantity=1).only.quantity == 11
    assert noted.only.status == "open"


@pytest.mark.parametrize("quantity", ["0.0000001", "1e15", "-1", "NaN"])
def test_a_quantity_is_a_sound_number(quantity: str) -> None:
    with pytest.raises(quality.StepError, match="quantity"):
        quality.dispose(
            Noted().only, SPEC, "scrap", acting(BUYER.party, *QUALITY), quantity=Decimal(quantity), reason="x"
        )


def test_units_beside_those_named_may_be_decided_where_no_quantity_is_known() -> None:
    noted = Noted().dispose("return_to_supplier", acting(SUPPLIER.party, *QUALITY), 500)
    assert noted.only.status == "open"


def test_a_forged_disposition_is_refused() -> None:
    noted = Noted()
    (event,) = quality.dispose(
        noted.only, SPEC, "use_as_is", acting(BUYER.party, *QUALITY), quantity=Decimal(1), reason="x",
        serials=("U1",),
    )  # fmt: skip
    supplier = {**event.body, "acts_for": "supplier"}
    nobody = {**event.body, "person": {**event.body["person"], "roles": []}}
    for body in (supplier, nobody, {**event.body, "serials": ["U7"]}, {**event.body, "reason": ""}):
        with pytest.raises(quality.StepError):
            noted.add((quality.NewEvent(event.kind, event.subject, body),))
        noted.lines.pop()
    other = append(
        noted.lines[-1],
        time="2026-07-01T12:00:00Z",
        actor="t",
        kind=event.kind,
        subject="nc-9",
        body=event.body,
    )
    with pytest.raises(quality.StepError, match="it is not open"):
        quality.apply_nonconformance(noted.known, other)
    with pytest.raises(quality.StepError, match="comes after"):
        quality.apply_nonconformance(noted.known, noted.lines[-1])


def test_a_material_lot_has_nonconformances_too() -> None:
    note = quality.NonconformanceNoted(
        lot="material:M-7", cause="substitution:manufacturer", severity="critical", trigger="iqc_rejection",
        serials=(), inspections=(), quantity=Decimal("2.5"),
    )  # fmt: skip
    event = quality.note_nonconformance({}, note)
    line = append(
        None, time="2026-07-01T12:00:00Z", actor="t", kind=event.kind, subject=event.subject, body=event.body
    )
    (only,) = quality.replay_nonconformances([line]).values()
    assert (only.lot, only.quantity, only.triggers) == ("material:M-7", Decimal("2.5"), ("iqc_rejection",))
    assert only.record()["quantity"] == "2.5"
    with pytest.raises(ValueError, match="cause"):
        quality.NonconformanceNoted.model_validate({**event.body, "cause": "weather:rain"})
    more = append(
        line, time="2026-07-02T12:00:00Z", actor="t", kind="nonconformance.extended", subject=event.subject,
        body=event.body,
    )  # fmt: skip
    (only,) = (known := quality.replay_nonconformances([line, more])).values()
    assert (only.quantity, only.opened_at, only.sequence) == (Decimal(5), line.time, more.sequence)
    with pytest.raises(quality.StepError, match="comes after line 2"):
        quality.apply_nonconformance(known, more)
