"""What the buyer finds comes back to the released lot: claims, their answers, and the rate."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from evidence.journal import JournalLine, append
from quality import claims
from quality.errors import EvidenceError, StepError
from quality.events import NewEvent, NonconformanceNoted, Person
from quality.lots import LotState
from quality.nonconformances import Nonconformance, note_nonconformance, replay_nonconformances
from quality.proportions import clopper_pearson, wilson
from tests.builders import BUYER, SUPPLIER
from tests.quality.records import SPEC

NOW = datetime(2026, 8, 1, 12, tzinfo=UTC)
SHIPPED = tuple(f"U{i:03d}" for i in range(50))
LOT = LotState("L1", phase="released", serials=SHIPPED)
BUYS = Person(name="Ada Berg", party=BUYER.party, roles=("quality",))
LOOKS = Person(name="Olof", party=BUYER.party, roles=("inspector",))
MAKER = Person(name="Li Wei", party=SUPPLIER.party, roles=("quality",))
PICTURE = "sha256:" + "e" * 64
CRACK = {"cause": "defect:crack:front", "severity": "critical", "units": 2, "serials": ["U001"]}


def arrival(**fields: Any) -> claims.Arrival:
    return claims.Arrival.model_validate({
        "lot": "L1", "source": "receiving", "found_at": "2026-08-01T12:00:00Z", "quantity": 50,
        "inspected": 20, "unacceptable": 2, "causes": [CRACK], "evidence": [PICTURE], **fields,
    })  # fmt: skip


def clean(lot: str = "L1", **fields: Any) -> claims.Arrival:
    return arrival(lot=lot, **{"unacceptable": 0, "causes": [], "evidence": [], **fields})


class Journal:
    def __init__(self) -> None:
        self.lines: list[JournalLine] = []

    def add(self, events: tuple[NewEvent, ...]) -> Journal:
        for event in events:
            last = self.lines[-1] if self.lines else None
            self.lines.append(append(
                last, time="2026-08-01T12:00:00Z", actor="test", kind=event.kind, subject=event.subject,
                body=event.body,
            ))  # fmt: skip
        return self

    def state(self, name: str = "claim:7") -> claims.ClaimState:
        return claims.replay_claims(self.lines).get(name, claims.ClaimState(name))

    def report(
        self, said: claims.Arrival | None = None, name: str = "claim:7", lot: LotState = LOT
    ) -> Journal:
        known = replay_nonconformances(self.lines)
        events = claims.report_arrival(
            self.state(name), SPEC, lot, said or arrival(), BUYS, now=NOW, known=known
        )
        return self.add(events)


def test_a_claim_opens_a_nonconformance_of_each_cause() -> None:
    scratch = {"cause": "defect:scratch:front", "severity": "minor", "units": 1}
    journal = Journal().report(arrival(unacceptable=3, causes=[CRACK, scratch]))
    assert [line.kind for line in journal.lines] == [
        "claim.reported", "nonconformance.opened", "nonconformance.opened",
    ]  # fmt: skip
    first, second = replay_nonconformances(journal.lines).values()
    assert (first.lot, first.cause, first.severity) == ("L1", "defect:crack:front", "critical")
    assert (first.triggers, first.serials, first.quantity) == (("buyer_claim",), ("U001",), 1)
    assert (second.serials, second.quantity) == ((), 1)
    assert journal.state().phase == "claimed"
    record = journal.state().record()
    assert json.loads(json.dumps(record)) == record
    assert record["reported"]["part"] == SPEC.part.number


def test_a_known_cause_is_extended() -> None:
    journal = Journal().report().report(name="claim:8")
    assert [line.kind for line in journal.lines][2:] == ["claim.reported", "nonconformance.extended"]
    (only,) = replay_nonconformances(journal.lines).values()
    assert only.quantity == 2


def test_the_lots_own_nonconformances_must_be_known() -> None:
    lot = LotState("L1", phase="released", serials=SHIPPED, causes={"defect:crack:front": None})
    with pytest.raises(StepError, match="known: the lot's non-conformance nc-"):
        claims.report_arrival(claims.ClaimState("claim:7"), SPEC, lot, arrival(), BUYS, now=NOW)
    note = NonconformanceNoted(
        lot="L1", cause="defect:crack:front", severity="minor", trigger="lot_rejected", serials=(),
        inspections=(),
    )  # fmt: skip
    journal = Journal().add((note_nonconformance({}, note),)).report(lot=lot)
    (only,) = replay_nonconformances(journal.lines).values()
    assert (only.severity, only.triggers) == ("critical", ("lot_rejected", "buyer_claim"))


def test_a_good_result_is_no_claim() -> None:
    journal = Journal().report(clean())
    assert [line.kind for line in journal.lines] == ["claim.reported"]
    assert journal.state().phase == "clean"
    with pytest.raises(StepError, match="clean has no claim to answer"):
        claims.answer_claim(journal.state(), "accepted", MAKER, reason="x", now=NOW)


def test_only_the_buyer_reports_and_withdraws_and_only_the_supplier_answers() -> None:
    empty = claims.ClaimState("claim:7")
    for person in (MAKER, BUYS.model_copy(update={"roles": ("production",)})):
        with pytest.raises(StepError, match="quality or inspector at Nordic"):
            claims.report_arrival(empty, SPEC, LOT, arrival(), person, now=NOW)
    assert claims.report_arrival(empty, SPEC, LOT, arrival(), LOOKS, now=NOW)
    state = Journal().report().state()
    with pytest.raises(StepError, match="role quality at Shenzhen"):
        claims.answer_claim(state, "accepted", BUYS, reason="x", now=NOW)
    for person in (MAKER, LOOKS):
        with pytest.raises(StepError, match="role quality at Nordic"):
            claims.withdraw_claim(state, person, reason="x", now=NOW)


def test_a_disputed_claim_may_be_accepted_and_an_accepted_one_withdrawn() -> None:
    journal = Journal().report()
    for outcome in ("disputed", "accepted"):
        journal.add(claims.answer_claim(journal.state(), outcome, MAKER, reason="8D follows", now=NOW))  # pyright: ignore[reportArgumentType]
        assert journal.state().phase == outcome
        assert journal.state().record()["decided"]["outcome"] == outcome
    with pytest.raises(StepError, match="accepted has no claim to answer"):
        claims.answer_claim(journal.state(), "disputed", MAKER, reason="x", now=NOW)
    journal.add(claims.withdraw_claim(journal.state(), BUYS, reason="wrong box", now=NOW))
    assert journal.state().phase == "withdrawn"
    assert journal.state().record()["decided"]["reason"] == "wrong box"
    with pytest.raises(StepError, match="withdrawn already"):
        claims.withdraw_claim(journal.state(), BUYS, reason="x", now=NOW)
    with pytest.raises(StepError, match="withdrawn has no claim"):
        claims.answer_claim(journal.state(), "accepted", MAKER, reason="x", now=NOW)


def test_a_claim_follows_only_its_report() -> None:
    empty = claims.ClaimState("claim:7")
    for step in (
        lambda: claims.answer_claim(empty, "accepted", MAKER, reason="x", now=NOW),
        lambda: claims.withdraw_claim(empty, BUYS, reason="x", now=NOW),
    ):
        with pytest.raises(StepError, match="nothing was reported"):
            step()
    with pytest.raises(StepError, match="reported once"):
        Journal().report().report()
    for name in ("claim:", "lot:7", "7"):
        with pytest.raises(StepError, match="under claim:"):
            Journal().report(name=name)
    with pytest.raises(StepError, match="reason"):
        claims.withdraw_claim(Journal().report().state(), BUYS, reason="", now=NOW)


def test_the_lot_must_have_arrived() -> None:
    empty = claims.ClaimState("claim:7")
    held = LotState("L1", phase="oqc_accepted", serials=SHIPPED)
    with pytest.raises(StepError, match="'oqc_accepted': only what was released"):
        claims.report_arrival(empty, SPEC, held, arrival(), BUYS, now=NOW)
    for said, word in (
        (clean("L2"), "of lot L2, not of L1"),
        (arrival(quantity=51), "quantity 51 is more than its 50 units"),
        (arrival(causes=[{**CRACK, "serials": ["U050"]}]), "unit U050 is not among"),
    ):
        with pytest.raises(EvidenceError, match=word):
            claims.report_arrival(empty, SPEC, LOT, said, BUYS, now=NOW)
    with pytest.raises(StepError, match="lies after"):
        claims.report_arrival(empty, SPEC, LOT, arrival(), BUYS, now=NOW - timedelta(seconds=1))
    with pytest.raises(StepError, match="no zone"):
        claims.report_arrival(empty, SPEC, LOT, arrival(), BUYS, now=NOW.replace(tzinfo=None))


@pytest.mark.parametrize(("fields", "word"), [
    ({"inspected": 1}, "unacceptable 2, inspected 1"), ({"quantity": 19}, "inspected 20, quantity 19"),
    ({"unacceptable": 1}, "do not make 1"), ({"unacceptable": 3}, "do not make 3"),
    ({"unacceptable": 4, "causes": [CRACK, CRACK]}, "each once"), ({"evidence": []}, "the buyer proves"),
    ({"inspected": 0}, "inspected"), ({"causes": [{**CRACK, "serials": ["U1", "U1"]}]}, "each once"),
    ({"causes": [{**CRACK, "units": 1, "serials": ["U1", "U2"]}]}, "2 serials of 1 units"),
    ({"found_at": "2026-08-01T12:00:00"}, "found_at"),
])  # fmt: skip
def test_an_arrival_that_does_not_add_up_is_refused(fields: dict[str, Any], word: str) -> None:
    with pytest.raises(ValueError, match=word):
        arrival(**fields)


def test_a_unit_may_have_two_causes() -> None:
    scratch = {"cause": "defect:scratch:front", "severity": "minor", "units": 2}
    assert arrival(causes=[CRACK, scratch]).unacceptable == 2
    with pytest.raises(ValueError, match="do not make 2"):
        arrival(causes=[CRACK, {**scratch, "units": 3}])


def test_every_unit_of_a_cause_may_be_named() -> None:
    named = arrival(causes=[{**CRACK, "serials": ["U001", "U002"]}])
    assert named.causes[0].serials == ("U001", "U002")


def test_the_rate_counts_what_was_good_too() -> None:
    journal = Journal().report()
    for i, said in enumerate((clean(inspected=30), clean("L2", inspected=50), clean("L3", inspected=10))):
        lot = LotState(said.lot, phase="released", serials=SHIPPED)
        journal.report(said, name=f"claim:{i}", lot=lot)
    journal.report(arrival(source="field", unacceptable=20, causes=[{**CRACK, "units": 20}]), name="claim:f")
    known = claims.replay_claims(journal.lines)
    rate = claims.arrival_rate(known.values())
    assert rate.units == clopper_pearson(2, 110)
    assert rate.lots == clopper_pearson(1, 3)
    assert rate.record()["units"]["count"] == 2
    scored = claims.arrival_rate(known.values(), confidence=0.9, interval="wilson")
    assert scored.units == wilson(2, 110, 0.9)
    assert claims.arrival_rate(known.values(), source="field").units.count == 20
    journal.add(claims.answer_claim(known["claim:7"], "disputed", MAKER, reason="no", now=NOW))
    assert claims.arrival_rate(claims.replay_claims(journal.lines).values()).units.count == 2
    journal.add(claims.withdraw_claim(journal.state(), BUYS, reason="wrong lot", now=NOW))
    after = claims.arrival_rate(claims.replay_claims(journal.lines).values())
    assert (after.units.count, after.units.n, after.lots.count) == (0, 90, 0)


def test_no_complaint_without_exposure_proves_nothing() -> None:
    with pytest.raises(EvidenceError, match="without exposure"):
        claims.arrival_rate([claims.ClaimState("claim:7")])
    journal = Journal().report()
    with pytest.raises(EvidenceError, match="no field result"):
        claims.arrival_rate([journal.state()], source="field")


def test_lines_that_do_not_follow_are_refused() -> None:
    journal = Journal().report()
    line, state = journal.lines[0], journal.state()
    assert claims.apply_claim(claims.ClaimState("claim:7"), line) == state
    assert (claims.ClaimState("claim:7").sequence, state.sequence) == (0, line.sequence)
    forged = {**line.body, "person": MAKER.model_dump(mode="json")}
    for wrong in (
        line, line.model_copy(update={"sequence": 9}), line.model_copy(update={"sequence": 9, "body": {}}),
        line.model_copy(update={"sequence": 9, "subject": "claim:8"}),
        line.model_copy(update={"sequence": 9, "kind": "claim.unheard"}),
    ):  # fmt: skip
        with pytest.raises(StepError):
            claims.apply_claim(state, wrong)
    with pytest.raises(StepError, match="Nordic"):
        claims.apply_claim(claims.ClaimState("claim:7"), line.model_copy(update={"body": forged}))


def test_nonconformances_of_other_lots_are_not_this_lots() -> None:
    known: dict[str, Nonconformance] = {}
    journal = Journal().report()
    known.update(replay_nonconformances(journal.lines))
    other = LotState("L2", phase="released", serials=SHIPPED)
    events = claims.report_arrival(
        claims.ClaimState("claim:8"), SPEC, other, arrival(lot="L2"), BUYS, now=NOW, known=known
    )
    assert [e.kind for e in events] == ["claim.reported", "nonconformance.opened"]
