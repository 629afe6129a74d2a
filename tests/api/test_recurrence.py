"""A cause opens one non-conformance of a lot, whichever checkpoint tells it first."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

import quality
from api.past import Past
from api.recurrence import to_append
from evidence.journal import GENESIS, JournalLine
from tests import builders


class Journal(Past):
    """A past of these events alone."""

    def __init__(self, *events: quality.NewEvent) -> None:
        self.now = builders.NOW
        self._lines = [
            JournalLine(
                sequence=n, time="2026-07-01T12:00:00Z", actor="t", kind=e.kind, subject=e.subject,
                body=e.body, previous=GENESIS, hash=GENESIS,
            )
            for n, e in enumerate(events, 1)
        ]  # fmt: skip

    def lines(
        self, *, subject: str | Sequence[str] | None = None, kinds: Sequence[str] | None = None
    ) -> list[JournalLine]:
        return [
            line for line in self._lines
            if subject in (None, line.subject) and (kinds is None or line.kind in kinds)
        ]  # fmt: skip


OPENED = quality.NewEvent("lot.opened", "L1", {"part": "T1"})


def noted(verb: str, cause: str = "characteristic:hole", lot: str = "L1") -> quality.NewEvent:
    note = quality.NonconformanceNoted.model_validate({
        "lot": lot, "cause": cause, "severity": "major", "trigger": "out_of_specification", "serials": ["a"],
        "inspections": [],
    })  # fmt: skip
    event = quality.note_nonconformance({}, note)
    return quality.NewEvent(f"nonconformance.{verb}", event.subject, event.body)


@pytest.mark.parametrize("verb", ["opened", "extended"])
def test_the_journal_says_whether_a_cause_opens_or_extends(verb: str) -> None:
    (told,) = to_append(Journal(OPENED), [noted(verb)])
    assert told.kind == "nonconformance.opened"
    (told,) = to_append(Journal(OPENED, noted("opened")), [noted(verb)])
    assert told.kind == "nonconformance.extended"
    assert told.body == noted("opened").body


def test_a_cause_told_twice_at_once_opens_once() -> None:
    first, second, other = to_append(
        Journal(OPENED), [noted("opened"), noted("opened"), noted("opened", "characteristic:paint")]
    )
    assert [e.kind.partition(".")[2] for e in (first, second, other)] == ["opened", "extended", "opened"]


def test_what_is_no_nonconformance_passes_as_it_is() -> None:
    events: list[Any] = [OPENED, quality.NewEvent("lot.released", "L1", {})]
    assert to_append(Journal(), events) == tuple(events)
