"""Which reports are late at a given time, on whom they wait, and at which escalation level: never stored."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Literal

from quality.corrective.due_dates import DueDates, due_dates, ends_at
from quality.corrective.reports import DISCIPLINES, Discipline
from quality.corrective.states import CapaState
from quality.errors import StepError
from quality.folding import aware, instant


@dataclass(frozen=True, slots=True)
class Overdue:
    """A report that should have been submitted: since when, and who has to act next.

    It waits for the buyer while a report before it awaits the buyer's decision. `level` counts the
    `escalation_hours` that `late_by` has reached.
    """

    discipline: Discipline
    due: datetime | date
    late_by: timedelta
    level: int
    waits_for: Literal["supplier", "buyer"]


def capa_due_dates(state: CapaState) -> DueDates:
    """Return the due dates: of D0 to D3 since the opening, of the others since this round began.

    Raises:
        StepError: the corrective action is not open.
    """
    opened = state.opened
    if opened is None or state.clock_from is None:
        raise StepError(f"{state.id}: no corrective action is open under this id")
    first = due_dates(instant(opened.opened_at), opened.deadlines)
    again = due_dates(instant(state.clock_from), opened.deadlines)
    return DueDates(first.d0, first.d3, again.d4, again.d5, again.d6, again.d8)


def overdue(state: CapaState, now: datetime) -> tuple[Overdue, ...]:
    """Return the late reports at `now`, in order of discipline; a submitted one is not late.

    Raises:
        StepError: `now` has no zone, or the corrective action is not open.
    """
    moment = aware(now)
    due = capa_due_dates(state)
    assert state.opened is not None
    deadlines = state.opened.deadlines
    late: list[Overdue] = []
    waits_for: Literal["supplier", "buyer"] = "supplier"
    for discipline in DISCIPLINES:
        filed = state.reports.get(discipline)
        if filed is not None and filed.status != "rejected":
            waits_for = "buyer" if filed.status == "submitted" else waits_for
            continue
        by = _due(due, discipline)
        late_by = moment - ends_at(by, deadlines)
        if late_by > timedelta():
            level = sum(late_by >= timedelta(hours=h) for h in deadlines.escalation_hours)
            late.append(Overdue(discipline, by, late_by, level, waits_for))
    return tuple(late)


def _due(due: DueDates, discipline: Discipline) -> datetime | date:
    by = {"D0": due.d0, "D4": due.d4, "D5": due.d5, "D6": due.d6, "D7": due.d8, "D8": due.d8}
    return by.get(discipline, due.d3)
