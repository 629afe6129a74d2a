"""The steps of a corrective action: each checks what must hold and returns the events to append.

The supplier submits, the buyer approves. Every step takes `now`, a time with a zone, and raises StepError (a
TransitionError where the phase forbids it) if it cannot follow; then nothing happened.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Literal

from golden.spec import GoldenSpec
from quality.corrective.criterion import LotEvidence, Outcome
from quality.corrective.events import (
    CapaApproved,
    CapaEvent,
    CapaOpened,
    CapaRejected,
    CapaSubmitted,
    CauseRecurred,
    EffectivenessVerified,
    LotObserved,
    RecurrenceReviewed,
    capa_event,
)
from quality.corrective.reports import Discipline, Report
from quality.corrective.states import CapaState, after
from quality.events import NewEvent, Person, made
from quality.folding import stamp
from quality.nonconformances import Nonconformance

Events = tuple[NewEvent, ...]


def open_capa(
    state: CapaState, spec: GoldenSpec, nonconformance: Nonconformance, person: Person, *, now: datetime
) -> Events:
    """Ask for corrective action on a non-conformance: a person of either party in role quality.

    `state` is `CapaState(capa_id(nonconformance.id))`. Parties and deadlines are copied from `spec`.
    """
    opened = CapaOpened(
        nonconformance=nonconformance.id,
        lot=nonconformance.lot,
        cause=nonconformance.cause,
        severity=nonconformance.severity,
        part=spec.part.number,
        revision=spec.part.revision,
        opened_at=nonconformance.opened_at,
        suppliers=tuple(p.name for p in spec.parties if p.role == "supplier"),
        buyers=tuple(p.name for p in spec.parties if p.role == "buyer"),
        deadlines=spec.deadlines,
        person=person,
    )
    return _step(state, opened, now)


def submit_report(state: CapaState, report: Report, person: Person, *, now: datetime) -> Events:
    """Submit a discipline's report: the supplier, in role quality, engineering or production.

    D1 to D3 follow what has been submitted before; from D4 on everything before is approved. D6 tells of an
    implementation after the approval of D5, whose criterion is thereby fixed beforehand. D8 comes when
    effectiveness is verified. A rejected report is submitted again.
    """
    return _step(state, made(CapaSubmitted, report=report, person=person), now)


def approve_report(
    state: CapaState,
    discipline: Discipline,
    person: Person,
    *,
    now: datetime,
    weak_criterion: str | None = None,
) -> Events:
    """Approve a submitted report, in order: the buyer, in role quality.

    D5 is refused while its criterion cannot show what it claims or rests on too few lots; `weak_criterion`
    is the reason for which this person accepts it all the same. The approval of D8 closes.
    """
    approved = made(CapaApproved, discipline=discipline, person=person, weak_criterion=weak_criterion)
    return _step(state, approved, now)


def reject_report(
    state: CapaState, discipline: Discipline, person: Person, *, reason: str, now: datetime
) -> Events:
    """Send a submitted report back with a reason: the buyer, in role quality."""
    return _step(state, made(CapaRejected, discipline=discipline, person=person, reason=reason), now)


def observe_lot(state: CapaState, evidence: LotEvidence, person: Person, *, now: datetime) -> Events:
    """Report a later lot, produced after the implementation: either party, role quality or inspector."""
    return _step(state, made(LotObserved, evidence=evidence, person=person), now)


def verify_effectiveness(state: CapaState, outcome: Outcome, person: Person, *, now: datetime) -> Events:
    """Say what the later lots show by the approved criterion: either party, in role quality.

    The person neither owns an action nor submitted D5 or D6. Not effective returns to containment, and D4 is
    done again.
    """
    return _step(state, made(EffectivenessVerified, outcome=outcome, person=person), now)


def note_recurrence(
    capas: Iterable[CapaState], nonconformance: Nonconformance, part: str, *, now: datetime
) -> Events:
    """Link a newly opened non-conformance to every corrective action on the same cause of the same part.

    Where the action is in force this restores containment by itself, until the buyer has reviewed the repeat.
    """
    events: list[NewEvent] = []
    for state in capas:
        opened = state.opened
        if opened is None or (opened.cause, opened.part) != (nonconformance.cause, part):
            continue
        if nonconformance.id in (opened.nonconformance, *(r.nonconformance for r in state.recurrences)):
            continue
        recurred = CauseRecurred(
            nonconformance=nonconformance.id, lot=nonconformance.lot, cause=nonconformance.cause, part=part
        )
        events.extend(_step(state, recurred, now))
    return tuple(events)


def review_recurrence(
    state: CapaState,
    nonconformance: str,
    outcome: Literal["confirmed", "dismissed"],
    person: Person,
    *,
    reason: str,
    now: datetime,
) -> Events:
    """Review a repeat: the buyer, in role quality. Confirmed reopens at containment, and D4 is done again."""
    reviewed = made(
        RecurrenceReviewed, nonconformance=nonconformance, outcome=outcome, reason=reason, person=person
    )
    return _step(state, reviewed, now)


def _step(state: CapaState, event: CapaEvent, now: datetime) -> Events:
    after(state, event, stamp(now))
    return (capa_event(state.id, event),)
