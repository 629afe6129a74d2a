"""A repeat of the cause: linked, restoring containment, reviewed."""

from __future__ import annotations

import pytest

import quality.corrective as cap
from quality.errors import StepError
from quality.events import nonconformance_id
from tests.builders import BUYER
from tests.quality.corrective.cases import (
    BUYS,
    CAUSE,
    MAKER,
    Case,
    hours,
    lot,
    stamp,
)


def test_a_repeat_before_the_action_is_linked() -> None:
    case = Case().contained()
    repeat = case.recur("L2", 20)
    (linked,) = case.state.recurrences
    assert (linked.nonconformance, linked.lot, linked.status) == (repeat.id, "L2", "linked")
    assert not case.state.under_review
    with pytest.raises(StepError, match=r"no repeat .* awaits review"):
        case.review(repeat.id, "confirmed", 21)


@pytest.mark.parametrize("made", ["implemented", "effective", "closed"])
def test_a_repeat_restores_containment_and_a_confirmation_reopens(made: str) -> None:
    case: Case = getattr(Case(), made)()
    phase = case.state.phase
    repeat = case.recur("L5", 500)
    assert case.state.phase == phase
    assert case.state.containment_in_force
    assert case.state.under_review
    for person, word in ((MAKER, BUYER.party), (BUYS.model_copy(update={"roles": ()}), "role quality")):
        with pytest.raises(StepError, match=word):
            case.review(repeat.id, "confirmed", 501, by=person)
    case.review(repeat.id, "confirmed", 501)
    state = case.state
    assert (state.phase, state.round, state.clock_from) == ("contained", 2, stamp(hours(501)))
    assert list(state.reports) == ["D0", "D1", "D2", "D3"]
    (reviewed,) = state.recurrences
    assert (reviewed.status, reviewed.reviewed_by, reviewed.reason) == ("confirmed", BUYS, "same punch")
    with pytest.raises(StepError, match="awaits review"):
        case.review(repeat.id, "dismissed", 502)
    assert cap.replay_capas(case.lines)[state.id] == state
    assert state.record()["recurrences"][0]["reviewed_by"]["name"] == "Ada Berg"


def test_a_dismissed_repeat_lifts_containment_again() -> None:
    case = Case().closed()
    repeat = case.recur("L5", 500)
    case.review(repeat.id, "dismissed", 501)
    assert (case.state.phase, case.state.round) == ("closed", 1)
    assert not case.state.containment_in_force


def test_a_repeat_under_review_stops_verification_and_closure() -> None:
    case = Case().implemented()
    for i in range(3):
        case.observe(lot(f"G{i}"), at=200)
    repeat = case.recur("L5", 250)
    with pytest.raises(StepError, match="awaits the buyer's review"):
        case.verify("effective", 300)
    case.review(repeat.id, "dismissed", 301).verify("effective", 302).submit("D8", 400)
    again = case.recur("L6", 401)
    with pytest.raises(StepError, match="awaits the buyer's review"):
        case.approve("D8", 402)
    case.review(again.id, "dismissed", 403)
    assert case.approve("D8", 404).state.phase == "closed"


def test_failure_is_verified_also_under_review_and_a_later_confirmation_does_not_restart_again() -> None:
    case = Case().implemented().observe(lot("G1", 1), 200)
    repeat = case.recur("L5", 250)
    case.verify("not_effective", 300).file("D4", at=310)
    case.review(repeat.id, "confirmed", 311)
    assert (case.state.phase, case.state.round) == ("root_cause_verified", 2)


def test_only_a_new_repeat_of_cause_and_part_counts() -> None:
    case = Case().closed()
    other = case.note("L5", at=500, cause="defect:crack:back")
    repeat = case.note("L6", at=500)
    empty = cap.CapaState("capa:nc-0")
    assert cap.note_recurrence([case.state, empty], other, "T1", now=hours(501)) == ()
    assert cap.note_recurrence([case.state], repeat, "T2", now=hours(501)) == ()
    assert cap.note_recurrence([case.state], case.nc, "T1", now=hours(501)) == ()
    events = cap.note_recurrence([empty, case.state], repeat, "T1", now=hours(501))
    assert [(e.kind, e.subject) for e in events] == [("capa.recurred", case.state.id)]
    case.add(events, 501)
    assert cap.note_recurrence([case.state], repeat, "T1", now=hours(502)) == ()


@pytest.mark.parametrize("forged", [{"cause": "defect:crack:back"}, {"part": "T2"}, {"lot": "L8"},
                         {"nonconformance": nonconformance_id("L1", CAUSE)}])  # fmt: skip
def test_a_forged_repeat_is_refused(forged: dict[str, str]) -> None:
    case = Case().closed()
    (event,) = cap.note_recurrence([case.state], case.note("L6", at=500), "T1", now=hours(501))
    with pytest.raises(StepError):
        case.add([type(event)(event.kind, event.subject, {**event.body, **forged})], 501)
    case.add([event], 501)
    with pytest.raises(StepError, match="not a new repeat"):
        case.add([event], 502)
