"""The reducer of a material lot: order, forged bodies, and whatever is tried."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evidence.journal import JournalLine
from quality import StepError
from quality import materials as m
from quality.materials.lots import ALLOWED
from tests.builders import BUYER
from tests.quality.materials.deliveries import LATER, Store, delivery


def whole() -> Store:
    """Return a substituted delivery that was inspected, rejected, conceded and booked."""
    store = Store()
    store.receive(delivery(manufacturer="Nan Ya"))
    store.prove().measure()
    store.look(1)
    store.decide()
    store.concede("40")
    store.book("25")
    return store


def refused(lines: list[JournalLine]) -> str:
    with pytest.raises(StepError) as error:
        m.replay_material("M1", lines)
    return str(error.value)


def changed(line: JournalLine, *path: Any, to: Any) -> JournalLine:
    body = line.model_copy(deep=True).body
    here: Any = body
    for name in path[:-1]:
        here = here[name]
    here[path[-1]] = to
    return line.model_copy(update={"body": body})


def forged(kind: str, *path: Any, to: Any, store: Store | None = None) -> str:
    lines = (store or whole()).lines
    return refused([changed(x, *path, to=to) if x.kind == kind else x for x in lines])


def test_every_kind_has_its_place() -> None:
    assert {line.kind for line in whole().lines} == set(ALLOWED)


def test_replay_gives_the_same_as_stepwise() -> None:
    store = whole()
    assert m.replay_material("M1", store.lines) == store.state
    assert m.replay_material("M2", store.lines) == m.MaterialState("M2")
    assert store.state.sequence == len(store.lines)


def test_apply_leaves_the_given_state_as_it_is() -> None:
    store = Store()
    store.receive()
    before, checks = store.state, dict(store.state.checks)
    store.measure(2.0, 2.0, 2.0)
    assert (before.checks, before.findings) == (checks, {})


def test_lines_that_do_not_fit_are_refused() -> None:
    store = Store()
    store.receive()
    line = store.lines[0]
    for change, problem in (
        ({"subject": "material:M2"}, "is about 'material:M2', not about 'material:M1'"),
        ({"sequence": 2, "kind": "lot.opened"}, "'lot.opened' is not an event of 'material:M1'"),
        ({}, "journal line 1 comes after line 1"),
        ({"sequence": 2, "kind": "material.booked"}, "not the body of material.booked"),
        ({"sequence": 2}, "a material lot is received once"),
    ):
        with pytest.raises(StepError, match=problem):
            m.apply_material(store.state, line.model_copy(update=change))


def test_no_gate_can_be_left_out() -> None:
    store = Store().inspected()
    store.decide()
    store.book("1")
    for kind in ("material.received", "material.evidence_added", "material.inspected", "material.decided"):
        refused([line for line in store.lines if line.kind != kind])
    assert "only released or conceded" in refused(
        [line for line in whole().lines if line.kind != "material.conceded"]
    )


def test_forged_bodies_are_refused() -> None:
    assert "cannot be signed" in forged("material.decided", "outcome", to="accept")
    assert "switching is kept" in forged("material.decided", "switching_after", to={})
    assert "was not found" in forged("material.nonconforming", "found", to="Kingboard")
    assert "was not found" in forged("material.nonconforming", "cause", to="substitution:part_number")
    assert "100.5 conceded of 100" in forged("material.conceded", "quantity", to="100.5")
    assert "has expired already" in forged("material.conceded", "expires", to="2026-07-01T12:00:00Z")
    assert "but 40 remain" in forged("material.booked", "quantity", to="40.1")
    assert "readings" in forged("material.inspected", "nonconforming", to=2)
    assert "lies in the future" in forged(
        "material.received", "delivery", "received_at", to="2027-01-01T00:00:00Z"
    )


def test_a_cause_is_noted_once() -> None:
    store = Store()
    store.receive(delivery(manufacturer="Nan Ya"))
    again = store.lines[1].model_copy(update={"sequence": 3})
    assert "is noted already" in refused([*store.lines, again])


def test_what_was_agreed_cannot_be_twisted() -> None:
    items = [*whole().lines[0].body["agreed"]["items"]]
    assert "needs an id" in forged("material.received", "agreed", "items", to=[{**items[0], "id": None}])
    assert "occurs twice" in forged("material.received", "agreed", "items", to=[items[0], items[0]])
    other = [{**items[0], "material": "steel"}]
    assert "must be of the material" in forged("material.received", "agreed", "items", to=other)


@pytest.mark.parametrize("kind", [k for k in ALLOWED if k != "material.nonconforming"])
def test_forged_signatures_are_refused(kind: str) -> None:
    assert "needs a person with the role" in forged(kind, "person", "roles", to=["management"])
    assert "needs a person with the role" in forged(kind, "person", "party", to="Third Laboratory")


def test_a_time_forged_into_a_line_is_weighed() -> None:
    lines = whole().lines
    late = LATER.isoformat().replace("+00:00", "Z")
    assert "its concession expired" in refused([*lines[:-1], lines[-1].model_copy(update={"time": late})])
    worn = [x.model_copy(update={"time": "2026-07-02T00:00:00Z"}) for x in lines]
    assert "calibration of MIC-7 ended on 2026-07-01" in refused(worn)


ACTIONS: dict[str, Callable[[Store], Any]] = {
    "receive": lambda s: s.receive(),
    "substitute": lambda s: s.receive(delivery(part_number="X")),
    "prove": lambda s: s.prove(),
    "measure": lambda s: s.measure(),
    "fail": lambda s: s.measure(2.0, 2.0, 2.0),
    "look": lambda s: s.look(),
    "decide": lambda s: s.decide(),
    "concede": lambda s: s.concede(),
    "book": lambda s: s.book("30"),
    "late": lambda s: s.book("30", at=LATER + timedelta(1)),
    "deny": lambda s: s.book("0"),
}


@settings(max_examples=80, deadline=None)
@given(st.lists(st.sampled_from(sorted(ACTIONS)), max_size=14))
def test_whatever_is_tried_nothing_is_booked_that_may_not_be(tried: list[str]) -> None:
    store = Store()
    for name in tried:
        before, lines = store.state, len(store.lines)
        try:
            ACTIONS[name](store)
        except StepError:
            if name != "prove":
                assert (store.state, len(store.lines)) == (before, lines)
    state = store.state
    assert m.replay_material("M1", store.lines) == state
    booked = sum((b.quantity for b in state.bookings), Decimal(0))
    limits = {"released": Decimal(100), "conceded": Decimal(40)}
    assert booked <= limits.get(state.phase, Decimal(0))
    if state.phase == "released":
        assert not state.findings
        assert len(state.checks) == len(state.evidence) == 2
    if state.concession is not None:
        assert state.concession.person.party == BUYER.party
    assert set(state.noted) == set(state.findings)
