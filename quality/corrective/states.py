"""A corrective action's state, derived from its journal lines; its steps are in `.steps`."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime
from typing import Any, Literal

from evidence.journal import JournalLine
from quality.corrective.criterion import Criterion, LotEvidence, Verdict, judge
from quality.corrective.events import (
    CAPA_EVENTS,
    CapaApproved,
    CapaEvent,
    CapaOpened,
    CapaRejected,
    CapaSubmitted,
    CauseRecurred,
    EffectivenessVerified,
    LotObserved,
    RecurrenceReviewed,
    capa_id,
)
from quality.corrective.reports import DISCIPLINES, Discipline, PermanentActions, Report
from quality.corrective.rules import (
    CONTAINED,
    IN_FORCE,
    Phase,
    Transition,
    check_approval,
    check_lot,
    check_opening,
    check_report,
    check_verifier,
    next_phase,
)
from quality.errors import StepError
from quality.events import Person, Role, nonconformance_id
from quality.folding import instant, read_event
from quality.sign_off import require_signer

# What the approval of a discipline does; the others move nothing.
APPROVAL: dict[Discipline, Transition] = {
    "D3": "contain", "D4": "verify_root_cause", "D5": "define_actions", "D6": "implement", "D8": "close",
}  # fmt: skip
_WORKING: tuple[Role, ...] = ("quality", "engineering", "production")
_OBSERVING: tuple[Role, ...] = ("quality", "inspector")


@dataclass(frozen=True, slots=True)
class Filed:
    """A discipline's last report, and what became of it; times are those of the journal."""

    report: Report
    status: Literal["submitted", "approved", "rejected"]
    submitted_by: Person
    submitted_at: str
    submissions: int = 1
    decided_by: Person | None = None
    decided_at: str | None = None
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class Recurrence:
    """A repeat of the cause in another lot of the part.

    "linked" where the action was not yet in force, otherwise "pending" until the buyer has reviewed it.
    """

    nonconformance: str
    lot: str
    status: Literal["linked", "pending", "confirmed", "dismissed"]
    reviewed_by: Person | None = None
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class CapaState:
    """A corrective action as its journal lines tell it. Read only.

    `round` counts the root-cause analyses: failed effectiveness and a confirmed repeat begin another, whose
    clocks run from `clock_from`. `evidence` are the later lots of this round.
    """

    id: str
    phase: Phase = "absent"
    sequence: int = 0
    opened: CapaOpened | None = None
    round: int = 1
    clock_from: str | None = None
    reports: dict[Discipline, Filed] = field(default_factory=dict[Discipline, Filed])
    evidence: tuple[LotEvidence, ...] = ()
    verified_by: Person | None = None
    recurrences: tuple[Recurrence, ...] = ()

    @property
    def criterion(self) -> Criterion | None:
        """The criterion that the buyer has approved with D5."""
        filed = self.reports.get("D5")
        if filed is None or filed.status != "approved":
            return None
        assert isinstance(filed.report, PermanentActions)
        return filed.report.criterion

    @property
    def under_review(self) -> bool:
        """Whether a repeat awaits the buyer's review."""
        return any(r.status == "pending" for r in self.recurrences)

    @property
    def containment_in_force(self) -> bool:
        """Whether units must be contained: until effectiveness is verified, and again from a repeat on."""
        return self.phase in CONTAINED or self.under_review

    def verdict(self) -> Verdict | None:
        """Return what the later lots show so far, or None before a criterion is approved."""
        return None if self.criterion is None else judge(self.criterion, self.evidence)

    def record(self) -> dict[str, Any]:
        """Return the state as a JSON object."""
        verdict = self.verdict()
        return {
            "id": self.id,
            "phase": self.phase,
            "opened": None if self.opened is None else self.opened.model_dump(mode="json"),
            "round": self.round,
            "clock_from": self.clock_from,
            "containment_in_force": self.containment_in_force,
            "reports": {d: _filed_record(self.reports[d]) for d in DISCIPLINES if d in self.reports},
            "evidence": [e.model_dump(mode="json") for e in self.evidence],
            "verdict": None if verdict is None else asdict(verdict),
            "verified_by": _person(self.verified_by),
            "recurrences": [{**asdict(r), "reviewed_by": _person(r.reviewed_by)} for r in self.recurrences],
        }


def replay_capas(lines: Iterable[JournalLine]) -> dict[str, CapaState]:
    """Return the corrective actions by id, in order of opening; lines of other kinds are skipped.

    Raises:
        StepError: a line does not follow from those before it, or its body or subject does not fit.
    """
    known: dict[str, CapaState] = {}
    for line in lines:
        if line.kind in CAPA_EVENTS:
            known[line.subject] = apply_capa(known.get(line.subject, CapaState(line.subject)), line)
    return known


def apply_capa(state: CapaState, line: JournalLine) -> CapaState:
    """Return the state after one more line of the corrective action; the given state stays as it is.

    Raises:
        StepError: the line is of another subject or kind, comes before one already known, or its event does
            not follow from the state; whoever wrote it, what its step checks is checked again.
    """
    event = read_event(line, CAPA_EVENTS, state.id, state.sequence)
    return replace(after(state, event, line.time), sequence=line.sequence)


def after(state: CapaState, event: CapaEvent, at: str) -> CapaState:  # noqa: PLR0911 (one return per event)
    """Return the state after an event of that time (RFC 3339 UTC); raise StepError where it cannot follow."""
    if isinstance(event, CapaOpened):
        if state.opened is not None:
            raise StepError(f"{state.id}: a corrective action is opened once")
        check_opening(event, at)
        if state.id != capa_id(nonconformance_id(event.lot, event.cause)):
            raise StepError(f"{state.id} is not the action on lot {event.lot}, cause {event.cause}")
        return replace(state, phase="open", opened=event, clock_from=event.opened_at)
    if state.opened is None:
        raise StepError(f"{state.id}: {event.kind} cannot follow: no corrective action is open under this id")
    match event:
        case CapaSubmitted():
            return _after_submission(state, state.opened, event, at)
        case CapaApproved():
            return _after_approval(state, state.opened, event, at)
        case CapaRejected(discipline=discipline, person=person):
            require_signer(person, "quality", state.opened.buyers, f"{state.id}: rejecting {discipline}")
            filed = _awaiting(state, discipline)
            rejected = replace(
                filed, status="rejected", decided_by=person, decided_at=at, reason=event.reason
            )
            return replace(state, reports={**state.reports, discipline: rejected})
        case LotObserved():
            return _after_lot(state, state.opened, event, at)
        case EffectivenessVerified():
            return _after_verification(state, state.opened, event, at)
        case CauseRecurred():
            return _after_recurrence(state, state.opened, event)
        case RecurrenceReviewed():
            return _after_review(state, state.opened, event, at)


def _after_submission(state: CapaState, opened: CapaOpened, event: CapaSubmitted, at: str) -> CapaState:
    report = event.report
    discipline = report.discipline
    require_signer(event.person, _WORKING, opened.suppliers, f"{state.id}: submitting {discipline}")
    before = state.reports.get(discipline)
    if before is not None and before.status != "rejected":
        raise StepError(
            f"{state.id}: {discipline} is {before.status}; only a rejected report is submitted again"
        )
    if discipline in APPROVAL:
        next_phase(state.phase, APPROVAL[discipline])
    _require_preceding(state, discipline, approved=discipline > "D3")
    check_report(opened, report, event.person, _approved_at(state, "D5"), at)
    count = 1 if before is None else before.submissions + 1
    filed = Filed(report, "submitted", event.person, at, count)
    return replace(state, reports={**state.reports, discipline: filed})


def _after_approval(state: CapaState, opened: CapaOpened, event: CapaApproved, at: str) -> CapaState:
    discipline = event.discipline
    require_signer(event.person, "quality", opened.buyers, f"{state.id}: approving {discipline}")
    filed = _awaiting(state, discipline)
    _require_preceding(state, discipline, approved=True)
    if discipline == "D8":
        _require_reviewed(state)
    check_approval(opened, filed.report, event.weak_criterion)
    approved = replace(
        filed, status="approved", decided_by=event.person, decided_at=at, reason=event.weak_criterion
    )
    phase = next_phase(state.phase, APPROVAL[discipline]) if discipline in APPROVAL else state.phase
    return replace(state, phase=phase, reports={**state.reports, discipline: approved})


def _after_lot(state: CapaState, opened: CapaOpened, event: LotObserved, at: str) -> CapaState:
    require_signer(event.person, _OBSERVING, _both(opened), f"{state.id}: reporting a later lot")
    phase = state.phase if state.phase == "verifying" else next_phase(state.phase, "start_effectiveness")
    seen = (opened.lot, *(e.lot for e in state.evidence))
    check_lot(event.evidence, seen, state.reports["D6"].report, at)
    return replace(state, phase=phase, evidence=(*state.evidence, event.evidence))


def _after_verification(
    state: CapaState, opened: CapaOpened, event: EffectivenessVerified, at: str
) -> CapaState:
    phase = next_phase(state.phase, event.outcome)
    require_signer(event.person, "quality", _both(opened), f"{state.id}: verifying effectiveness")
    owners = [filed.submitted_by.name for d, filed in state.reports.items() if d in ("D5", "D6")]
    actions = state.reports["D5"].report
    assert isinstance(actions, PermanentActions)
    check_verifier(event.person, (*owners, *(a.owner for a in actions.actions)))
    verdict = judge(actions.criterion, state.evidence)
    if event.outcome != verdict.outcome:
        raise StepError(
            f"{state.id}: {event.outcome} is not what the later lots show: {verdict.nonconforming} "
            f"nonconforming of {verdict.inspected} in {verdict.lots} lots; the criterion asks for "
            f"{actions.criterion.units} units in {actions.criterion.lots} lots with at most "
            f"{actions.criterion.max_nonconforming} nonconforming: {verdict.outcome or 'more lots first'}"
        )
    if event.outcome == "not_effective":
        return _restarted(state, at)
    _require_reviewed(state)
    return replace(state, phase=phase, verified_by=event.person)


def _after_recurrence(state: CapaState, opened: CapaOpened, event: CauseRecurred) -> CapaState:
    if (event.cause, event.part) != (opened.cause, opened.part):
        raise StepError(
            f"{state.id} is about {opened.cause} of {opened.part}, not {event.cause} of {event.part}"
        )
    known = {opened.nonconformance, *(r.nonconformance for r in state.recurrences)}
    if event.nonconformance in known or event.nonconformance != nonconformance_id(event.lot, event.cause):
        raise StepError(f"{state.id}: {event.nonconformance} is not a new repeat in lot {event.lot}")
    status = "pending" if state.phase in IN_FORCE else "linked"
    repeat = Recurrence(event.nonconformance, event.lot, status)
    return replace(state, recurrences=(*state.recurrences, repeat))


def _after_review(state: CapaState, opened: CapaOpened, event: RecurrenceReviewed, at: str) -> CapaState:
    require_signer(event.person, "quality", opened.buyers, f"{state.id}: reviewing a repeat")
    found = next((r for r in state.recurrences if r.nonconformance == event.nonconformance), None)
    if found is None or found.status != "pending":
        raise StepError(f"{state.id}: no repeat {event.nonconformance} awaits review")
    reviewed = replace(found, status=event.outcome, reviewed_by=event.person, reason=event.reason)
    repeats = tuple(reviewed if r is found else r for r in state.recurrences)
    state = replace(state, recurrences=repeats)
    reopens = event.outcome == "confirmed" and state.phase in IN_FORCE
    return _restarted(state, at) if reopens else state


def _restarted(state: CapaState, at: str) -> CapaState:
    """Return to containment; from D4 on everything is done again, its clocks beginning now."""
    kept = {d: filed for d, filed in state.reports.items() if d < "D4"}
    return replace(
        state, phase="contained", round=state.round + 1, clock_from=at, reports=kept, evidence=(),
        verified_by=None,
    )  # fmt: skip


def _require_preceding(state: CapaState, discipline: Discipline, *, approved: bool) -> None:
    wanted = ("approved",) if approved else ("approved", "submitted")
    for before in DISCIPLINES[: DISCIPLINES.index(discipline)]:
        filed = state.reports.get(before)
        if filed is None or filed.status not in wanted:
            raise StepError(
                f"{state.id}: {discipline} cannot follow: {before} is "
                f"{'missing' if filed is None else filed.status} and has to be {wanted[-1]} first"
            )


def _both(opened: CapaOpened) -> tuple[str, ...]:
    return (*opened.suppliers, *opened.buyers)


def _awaiting(state: CapaState, discipline: Discipline) -> Filed:
    filed = state.reports.get(discipline)
    if filed is None or filed.status != "submitted":
        raise StepError(f"{state.id}: no {discipline} awaits the buyer's decision")
    return filed


def _require_reviewed(state: CapaState) -> None:
    if state.under_review:
        raise StepError(f"{state.id}: a repeat of the cause awaits the buyer's review; it comes first")


def _approved_at(state: CapaState, discipline: Discipline) -> datetime | None:
    filed = state.reports.get(discipline)
    return None if filed is None or filed.decided_at is None else instant(filed.decided_at)


def _filed_record(filed: Filed) -> dict[str, Any]:
    return {
        "report": filed.report.model_dump(mode="json"),
        "status": filed.status,
        "submitted_by": _person(filed.submitted_by),
        "submitted_at": filed.submitted_at,
        "submissions": filed.submissions,
        "decided_by": _person(filed.decided_by),
        "decided_at": filed.decided_at,
        "reason": filed.reason,
    }


def _person(person: Person | None) -> dict[str, Any] | None:
    return None if person is None else person.model_dump(mode="json")
