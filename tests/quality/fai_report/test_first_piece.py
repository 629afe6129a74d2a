"""First pieces after a shift or changeover: locked until approved, none left out, everything counted."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import quality
from evidence.journal import append
from quality import Person, StepError
from quality.fai_report import first_piece
from quality.fai_report.first_piece import FirstPieceState
from tests.builders import BUYER, SUPPLIER
from tests.quality.records import Line, inspection, proof, spec_with

PLAN = {"first_piece_units": 2, "cavities": ("A", "B")}
SPEC = spec_with(fai=PLAN)
SETTER = Person(name="Chen", party=SUPPLIER.party, roles=("production",))
CUSTOMER = Person(name="Ada Berg", party=BUYER.party, roles=("quality",))
PIECES = {"A": ("P0", "P2"), "B": ("P1", "P3")}


class Pieces(Line):
    """A lot in production, and its first pieces."""

    def __init__(self, spec: Any = SPEC) -> None:
        super().__init__(spec)
        self.pieces = FirstPieceState("L1")

    def add(self, events: Any) -> tuple[quality.NewEvent, ...]:
        before = len(self.lines)
        kept = super().add(events)
        for line in self.lines[before:]:
            if line.subject in ("L1", "firstpiece:L1"):
                self.pieces = first_piece.apply_first_piece(self.pieces, line)
        return kept

    def called(self, label: str = "shift-2") -> Pieces:
        self.add(first_piece.call_first_piece(self.pieces, self.spec, "shift", label, SETTER))
        return self

    def made(self, *serials: str, verdict: str = "ACCEPT") -> Pieces:
        for serial in serials:
            self.record(inspection(serial, verdict, spec=self.spec))
            self.add(first_piece.hold_units(self.pieces, self.state))
        return self

    def decided(self, pieces: Any = PIECES, **decisions: str) -> tuple[quality.NewEvent, ...]:
        serials = sorted(s for made in pieces.values() for s in made)
        verdict = "REJECT" if decisions else "ACCEPT"
        records = [inspection(s, verdict, decisions=decisions, spec=self.spec) for s in serials]
        return self.add(
            first_piece.decide_first_piece(
                self.pieces, self.state, self.spec, pieces, records, [proof(s) for s in serials]
            )
        )

    def approved(self) -> Pieces:
        self.add(first_piece.approve_first_piece(self.pieces, self.state, CUSTOMER))
        return self


def producing() -> Pieces:
    pieces = Pieces()
    assert pieces.pieces.locked
    first = inspection("FA-1", spec=SPEC)
    pieces.opened().record(first)
    pieces.add(quality.decide_first_article(pieces.state, SPEC, [first], [proof("FA-1")]))
    assert pieces.pieces.locked
    pieces.add(
        quality.approve_first_article(
            pieces.state, SPEC, quality.Person(name="A", party=BUYER.party, roles=("quality",))
        )
    )
    assert not pieces.pieces.locked
    return pieces


def test_a_shift_begins_with_its_first_pieces() -> None:
    pieces = producing().made("U1").called()
    assert pieces.pieces.locked
    pieces.made("P0", "P1", "P2", "P3")
    pieces.decided()
    assert pieces.pieces.locked
    pieces.made("P4").approved().made("U2")
    assert not pieces.pieces.locked
    assert pieces.pieces.held == ("P0", "P1", "P2", "P3", "P4")
    record = pieces.pieces.record()
    assert (record["quarantined"], record["locked"], record["call"], record["made"]) == (5, False, None, [])
    assert record["approvals"][0]["person"]["name"] == "Ada Berg"
    assert pieces.state.quarantine["P0"] == ("first_piece:shift-2",)
    pieces.add(quality.freeze_lot(pieces.state))
    assert pieces.state.serials == ("U1", "U2")
    assert pieces.pieces.locked
    assert first_piece.replay_first_piece("L1", pieces.lines) == pieces.pieces
    assert pieces.nonconformances() == []


def test_a_unit_inspected_again_is_not_made_again() -> None:
    pieces = producing().made("U1").called().made("U1")
    assert pieces.pieces.made == ()
    pieces.made("P0").made("P0")
    assert pieces.pieces.made == pieces.pieces.held == ("P0",)
    assert first_piece.hold_units(pieces.pieces, pieces.state) == ()


def test_units_not_held_in_time_are_held_by_the_approval() -> None:
    pieces = producing().called().made("P0", "P1", "P2", "P3")
    pieces.decided()
    pieces.record(inspection("P4", spec=SPEC))
    events = first_piece.approve_first_piece(pieces.pieces, pieces.state, CUSTOMER)
    assert [e.kind for e in events] == ["firstpiece.held", "lot.quarantined", "firstpiece.approved"]
    with pytest.raises(StepError, match="unit P4 was made before approval; hold it first"):
        pieces.add(events[-1:])
    with pytest.raises(StepError, match="unit P4 was made before approval; hold it first"):
        pieces.called("shift-3")
    pieces.add(events)
    assert "P4" in pieces.state.quarantine


def test_refused_first_pieces_open_non_conformances_and_the_next_ones_count() -> None:
    pieces = producing().called()
    for serial in ("P0", "P1", "P2", "P3"):
        pieces.record(inspection(serial, "REJECT", decisions={"hole": "nonconform"}, spec=SPEC))
    events = pieces.decided(hole="nonconform")
    assert [e.kind for e in events] == ["firstpiece.decided", "lot.quarantined", "nonconformance.opened"]
    assert "characteristic:hole" in pieces.state.causes
    assert pieces.nonconformances()[0].triggers == ("first_article",)
    with pytest.raises(StepError, match="accepted first pieces come before the approval"):
        pieces.approved()
    pieces.made("P4", "P5", "P6", "P7")
    with pytest.raises(StepError, match="the first units made are P4, P5, P6, P7"):
        pieces.decided()
    again = {"A": ("P4", "P6"), "B": ("P5", "P7")}
    pieces.decided(again)
    assert pieces.pieces.judged == 8
    pieces.approved()
    assert not pieces.pieces.locked
    assert len(pieces.pieces.held) == 8


@pytest.mark.parametrize(
    ("pieces", "problem"),
    [
        ({"A": ("P0", "P2")}, "first pieces of A, B are called for"),
        ({"A": ("P0", "P1"), "B": ("P2",)}, "B has 1 first pieces; the plan asks for 2"),
        ({"A": ("P0", "P2"), "B": ("P1", "P4")}, "none of them may be left out"),
        ({"A": ("P1", "P2"), "B": ("P3", "P4")}, "the first units made are P0, P1, P2, P3"),
        ({"A": ("P0", "P2"), "B": ("P1", "P3"), "C": ()}, "of no other"),
    ],
)
def test_first_pieces_are_the_first_of_every_cavity(pieces: Any, problem: str) -> None:
    line = producing().called().made("P0", "P1", "P2", "P3", "P4")
    with pytest.raises(StepError, match=problem):
        line.decided(pieces)
    line.decided({"A": ("P0", "P2", "P4"), "B": ("P1", "P3")})
    assert line.pieces.judged == 5


def test_a_first_piece_that_falls_after_the_decision_stops_the_approval() -> None:
    pieces = producing().called().made("P0", "P1", "P2", "P3")
    pieces.decided()
    pieces.record(inspection("P2", "REJECT", decisions={"hole": "nonconform"}, spec=SPEC, sequence=2))
    with pytest.raises(StepError, match="REJECT stands for P2 now; decide again"):
        pieces.approved()


def test_the_decision_rests_on_the_records_that_stand() -> None:
    pieces = producing().called().made("P0", "P1", "P2", "P3")
    pieces.record(inspection("P0", spec=SPEC, sequence=2))
    with pytest.raises(quality.EvidenceError, match="is not the one that stands for its unit"):
        pieces.decided()


@pytest.mark.parametrize("role", ["inspector", "quality", "engineering", "production", "management"])
def test_who_calls_and_who_approves(role: Any) -> None:
    pieces = producing()
    for party in (SUPPLIER.party, BUYER.party, "Someone"):
        one = Person(name="X", party=party, roles=(role,))
        if party == SUPPLIER.party and role in ("production", "quality"):
            assert first_piece.call_first_piece(pieces.pieces, SPEC, "changeover", "tool 4", one)
            continue
        with pytest.raises(StepError, match="a call needs a person with the role production or quality"):
            first_piece.call_first_piece(pieces.pieces, SPEC, "changeover", "tool 4", one)
    pieces.called().made("P0", "P1", "P2", "P3").decided()
    for party in (SUPPLIER.party, BUYER.party):
        one = Person(name="X", party=party, roles=(role,))
        if party == BUYER.party and role == "quality":
            assert first_piece.approve_first_piece(pieces.pieces, pieces.state, one)
            continue
        with pytest.raises(StepError, match="approval needs a person with the role quality at Nordic"):
            first_piece.approve_first_piece(pieces.pieces, pieces.state, one)


def test_nothing_follows_without_production_or_call() -> None:
    pieces = Pieces().opened()
    assert isinstance(pieces, Pieces)
    with pytest.raises(StepError, match="the lot is not in production"):
        pieces.called()
    line = producing()
    with pytest.raises(StepError, match="no first piece is called for"):
        line.approved()
    assert first_piece.hold_units(line.pieces, line.state) == ()


def test_forged_bodies_do_not_get_through() -> None:
    pieces = producing().called().made("P0", "P1", "P2", "P3")
    good = pieces.decided()[0].body
    state = first_piece.replay_first_piece("L1", pieces.lines[:-1])

    def forged(kind: str, body: Any, subject: str = "firstpiece:L1") -> Any:
        line = append(
            pieces.lines[-1], time="2026-07-01T12:00:00Z", actor="x", kind=kind, subject=subject, body=body
        )
        return first_piece.apply_first_piece(state, line)

    assert forged("firstpiece.decided", good).decided is not None
    decision = good["decision"]
    failed = [{**i, "outcome": "nonconform"} if i["id"] == "hole" else i for i in decision["items"]]
    other = ["x" * 4, *decision["inspections"][1:]]
    for body, problem in (
        ({**good, "decision": {**decision, "items": failed}}, "does not follow from its items"),
        ({**good, "decision": {**decision, "accepted": False}}, "does not follow from its items"),
        ({**good, "pieces": {**good["pieces"], "B": ["P1"]}}, "is of other units than the pieces"),
        (
            {**good, "decision": {**decision, "inspections": other}},
            "inspection xxxx of unit .* was not recorded",
        ),
    ):
        with pytest.raises(StepError, match=problem):
            forged("firstpiece.decided", body)
    rejected = replace(state, seen={**state.seen, "P3": (state.seen["P3"][0], "REJECT")})
    line = append(
        pieces.lines[-1], time="2026-07-01T12:00:00Z", actor="x", kind="firstpiece.decided",
        subject="firstpiece:L1", body=good,
    )  # fmt: skip
    with pytest.raises(StepError, match="unit P3 is rejected, yet the first pieces are called accepted"):
        first_piece.apply_first_piece(rejected, line)
    person = CUSTOMER.model_dump(mode="json")
    with pytest.raises(StepError, match="accepted first pieces come before"):
        forged("firstpiece.approved", {"person": person})
    for serials in (["U9"], ["P0"], []):
        with pytest.raises(StepError):
            forged("firstpiece.held", {"serials": serials})
    with pytest.raises(StepError, match="is about 'firstpiece:L2'"):
        forged("firstpiece.held", {"serials": ["P0"]}, "firstpiece:L2")


STEPS: tuple[Callable[[Pieces], Any], ...] = (
    lambda p: p.called(f"s{len(p.lines)}"),
    lambda p: p.made(f"M{len(p.lines)}"),
    lambda p: p.made(f"M{len(p.lines)}", verdict="HOLD"),
    lambda p: p.record(inspection(f"M{len(p.lines)}", spec=SPEC)),
    lambda p: p.decided({"A": p.pieces.made[:2], "B": p.pieces.made[2:4]}),
    lambda p: p.approved(),
    lambda p: p.add(quality.freeze_lot(p.state)),
)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(st.integers(0, len(STEPS) - 1), max_size=25))
def test_whatever_is_tried_replay_is_the_live_state_and_approval_leaves_nothing_good(
    tries: list[int],
) -> None:
    pieces = producing()
    for i in tries:
        try:
            STEPS[i](pieces)
        except quality.QualityError:
            continue
    assert first_piece.replay_first_piece("L1", pieces.lines) == pieces.pieces
    assert set(pieces.pieces.held) <= set(pieces.state.quarantine)
    if not pieces.pieces.locked:
        assert pieces.pieces.made == ()
