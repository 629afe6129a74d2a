"""First-piece approval within a lot, after a change of shift or a changeover: subject `firstpiece:<lot>`.

The first article of a lot (`fai.decided`, `fai.approved`) is the first-piece approval of its start. Each
later call locks production again until the first pieces of every cavity or line are decided and approved;
units made before are quarantined and counted. The state folds the lot's own lines too: they tell which
unit was made when.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import Field, model_validator

from evidence import Inspection
from evidence.inspection import Name, Verdict
from evidence.journal import JournalLine
from golden.regions import Closed
from golden.spec import GoldenSpec
from quality.errors import EvidenceError, StepError
from quality.events import (
    LOT_EVENTS,
    FirstArticleApproved,
    InspectionRecorded,
    LotFrozen,
    NewEvent,
    NonconformanceNoted,
    Person,
    nonconformance_events,
)
from quality.fai import EnteredResult, FirstArticleDecision, first_article
from quality.folding import make_event, read_event
from quality.lots import LotState
from quality.sign_off import require_signer
from quality.steps import quarantine_units

SUBJECT = "firstpiece:"
LINE = "line"  # the one place of a plan without cavities
Occasion = Literal["shift", "changeover", "restart"]
Events = tuple[NewEvent, ...]


class FirstPieceCalled(Closed):
    """Production is locked until first pieces are approved: of each cavity the first `units` made from now.

    `deciding` are the parties whose person approves.
    """

    kind: ClassVar[str] = "firstpiece.called"
    occasion: Occasion
    label: Name
    cavities: Annotated[tuple[Name, ...], Field(min_length=1)]
    units: Annotated[int, Field(ge=1)]
    suppliers: tuple[str, ...]
    deciding: Annotated[tuple[str, ...], Field(min_length=1)]
    person: Person


class FirstPieceHeld(Closed):
    """Units made before the approval: they are quarantined in the lot, and counted here."""

    kind: ClassVar[str] = "firstpiece.held"
    serials: Annotated[tuple[Name, ...], Field(min_length=1)]


class FirstPieceDecided(Closed):
    """The first pieces were decided item by item; `pieces` are their serials by cavity, in order made."""

    kind: ClassVar[str] = "firstpiece.decided"
    pieces: dict[Name, tuple[Name, ...]]
    decision: FirstArticleDecision

    @model_validator(mode="after")
    def _follows(self) -> Self:
        failed = any(
            i.outcome == "nonconform" or (i.required and i.outcome != "conform") for i in self.decision.items
        )
        if self.decision.accepted == (failed or bool(self.decision.causes)):
            raise ValueError("the decision does not follow from its items and causes")
        if sorted(s for made in self.pieces.values() for s in made) != sorted(self.decision.serials):
            raise ValueError("the decision is of other units than the pieces")
        return self


class FirstPieceApproved(Closed):
    """A person of the deciding party unlocked production."""

    kind: ClassVar[str] = "firstpiece.approved"
    person: Person


FirstPieceEvent = FirstPieceCalled | FirstPieceHeld | FirstPieceDecided | FirstPieceApproved
FIRST_PIECE_EVENTS: dict[str, type[FirstPieceEvent]] = {
    event.kind: event for event in (FirstPieceCalled, FirstPieceHeld, FirstPieceDecided, FirstPieceApproved)
}


@dataclass(frozen=True, slots=True)
class FirstPieceState:
    """First pieces of a lot as its journal lines tell them. Read only.

    `call` is what awaits approval; `made` are the units made since it, `judged` how many of them a decision
    rests on or has left behind; `held` are all units quarantined here. `seen` holds each unit's inspections
    and last verdict.
    """

    lot: str
    sequence: int = 0
    producing: bool = False
    call: FirstPieceCalled | None = None
    made: tuple[str, ...] = ()
    judged: int = 0
    decided: FirstPieceDecided | None = None
    held: tuple[str, ...] = ()
    approvals: tuple[FirstPieceApproved, ...] = ()
    seen: dict[str, tuple[tuple[str, ...], Verdict]] = field(
        default_factory=dict[str, tuple[tuple[str, ...], Verdict]]
    )

    @property
    def locked(self) -> bool:
        """Return whether nothing may be produced as good now."""
        return not self.producing or self.call is not None

    def record(self) -> dict[str, Any]:
        """Return the state as a JSON object."""
        return {
            "lot": self.lot,
            "locked": self.locked,
            "call": None if self.call is None else self.call.model_dump(mode="json"),
            "made": list(self.made),
            "decided": None if self.decided is None else self.decided.model_dump(mode="json"),
            "held": list(self.held),
            "quarantined": len(self.held),
            "approvals": [a.model_dump(mode="json") for a in self.approvals],
        }


def replay_first_piece(lot: str, lines: Iterable[JournalLine]) -> FirstPieceState:
    """Return the state from journal lines in order; lines of other subjects are skipped.

    Raises:
        StepError: a line does not follow from those before it.
    """
    state = FirstPieceState(lot)
    for line in lines:
        if line.subject in (lot, f"{SUBJECT}{lot}"):
            state = _fold(state, line)
    return state


def apply_first_piece(state: FirstPieceState, line: JournalLine) -> FirstPieceState:
    """Return the state after one more line of the lot or of its first pieces.

    Raises:
        StepError: the line is of another subject, or does not follow.
    """
    return _fold(replace(state, seen=dict(state.seen)), line)


def _fold(state: FirstPieceState, line: JournalLine) -> FirstPieceState:
    if line.subject == state.lot:
        event = read_event(line, LOT_EVENTS, state.lot, state.sequence)
        return replace(_after_lot(state, event), sequence=line.sequence)
    own = read_event(line, FIRST_PIECE_EVENTS, f"{SUBJECT}{state.lot}", state.sequence)
    check(state, own)
    return replace(_after(state, own), sequence=line.sequence)


def _after_lot(state: FirstPieceState, event: object) -> FirstPieceState:
    match event:
        case FirstArticleApproved():
            return replace(state, producing=True)
        case LotFrozen():
            return replace(state, producing=False)
        case InspectionRecorded() if event.checkpoint in ("first_article", "production"):
            known = state.seen.get(event.serial)
            inspections = (event.inspection,) if known is None else (*known[0], event.inspection)
            state.seen[event.serial] = (inspections, event.verdict)
            if known is None and state.call is not None:
                return replace(state, made=(*state.made, event.serial))
            return state
        case _:
            return state


def _after(state: FirstPieceState, event: FirstPieceEvent) -> FirstPieceState:
    match event:
        case FirstPieceCalled():
            return replace(state, call=event, made=(), judged=0, decided=None)
        case FirstPieceHeld():
            return replace(state, held=(*state.held, *event.serials))
        case FirstPieceDecided():
            return replace(state, decided=event, judged=state.judged + len(event.decision.serials))
        case FirstPieceApproved():
            return replace(
                state, call=None, made=(), judged=0, decided=None, approvals=(*state.approvals, event)
            )


def check(state: FirstPieceState, event: FirstPieceEvent) -> None:
    """Refuse an event that does not follow; raise StepError naming what must happen first."""
    where = f"{SUBJECT}{state.lot}"
    if not state.producing:
        raise StepError(f"{where}: {event.kind} cannot follow: the lot is not in production")
    if isinstance(event, FirstPieceCalled):
        require_signer(event.person, ("production", "quality"), event.suppliers, f"{where}: a call")
        if _unheld(state):
            raise StepError(f"{where}: unit {_unheld(state)[0]} was made before approval; hold it first")
        return
    if state.call is None:
        raise StepError(f"{where}: {event.kind} cannot follow: no first piece is called for")
    match event:
        case FirstPieceHeld():
            if set(event.serials) - set(_unheld(state)) or len(set(event.serials)) < len(event.serials):
                raise StepError(f"{where}: only units made since the call are held, each once")
        case FirstPieceDecided():
            _check_pieces(where, state, state.call, event)
        case FirstPieceApproved():
            _check_approval(where, state, state.call, event)


def _unheld(state: FirstPieceState) -> tuple[str, ...]:
    held = set(state.held)
    return tuple(serial for serial in state.made if serial not in held)


def _check_pieces(
    where: str, state: FirstPieceState, call: FirstPieceCalled, event: FirstPieceDecided
) -> None:
    if set(event.pieces) != set(call.cavities):
        raise StepError(f"{where}: first pieces of {', '.join(call.cavities)} are called for, of no other")
    short = [cavity for cavity in call.cavities if len(event.pieces[cavity]) < call.units]
    if short:
        raise StepError(
            f"{where}: {short[0]} has {len(event.pieces[short[0]])} first pieces; "
            f"the plan asks for {call.units}"
        )
    decision = event.decision
    first = state.made[state.judged : state.judged + len(decision.serials)]
    if set(first) != set(decision.serials) or len(first) != len(decision.serials):
        raise StepError(
            f"{where}: the first units made are {', '.join(first) or 'none'}; none of them may be left out"
        )
    for serial, inspection in zip(decision.serials, decision.inspections, strict=True):
        inspections, verdict = state.seen[serial]
        if inspection not in inspections:
            raise StepError(f"{where}: inspection {inspection} of unit {serial} was not recorded in the lot")
        if decision.accepted and verdict == "REJECT":
            raise StepError(f"{where}: unit {serial} is rejected, yet the first pieces are called accepted")


def _check_approval(
    where: str, state: FirstPieceState, call: FirstPieceCalled, event: FirstPieceApproved
) -> None:
    require_signer(event.person, "quality", call.deciding, f"{where}: approval")
    if state.decided is None or not state.decided.decision.accepted:
        raise StepError(f"{where}: accepted first pieces come before the approval")
    fallen = [s for s in state.decided.decision.serials if state.seen[s][1] != "ACCEPT"]
    if fallen:
        raise StepError(f"{where}: {state.seen[fallen[0]][1]} stands for {fallen[0]} now; decide again")
    if _unheld(state):
        raise StepError(f"{where}: unit {_unheld(state)[0]} was made before approval; hold it first")


def call_first_piece(
    state: FirstPieceState, spec: GoldenSpec, occasion: Occasion, label: str, person: Person
) -> Events:
    """Lock production: a shift, changeover or restart begins, and its first pieces are called for.

    A call replaces one that is not approved yet; units made under that one stay in quarantine.

    Raises:
        StepError: the lot is not in production, a unit made before approval is not held, or the person is
            not of the supplier in role production or quality.
    """
    deciding = spec.plans.fai.approved_by
    event = make_event(
        FirstPieceCalled, f"{SUBJECT}{state.lot}", occasion=occasion, label=label,
        cavities=spec.plans.fai.cavities or (LINE,), units=spec.plans.fai.first_piece_units,
        suppliers=tuple(p.name for p in spec.parties if p.role == "supplier"),
        deciding=tuple(p.name for p in spec.parties if p.role == deciding), person=person,
    )  # fmt: skip
    check(state, event)
    return (_event(state, event),)


def hold_units(state: FirstPieceState, lot: LotState) -> Events:
    """Quarantine and count what was made since the call and is not held yet; no events where there is none.

    Call it after each inspection is recorded while production is locked.

    Raises:
        StepError: the lot is not in production.
    """
    serials = _unheld(state)
    if not serials or state.call is None:
        return ()
    held = FirstPieceHeld(serials=serials)
    check(state, held)
    cause = f"first_piece:{state.call.label}"
    reason = f"made before the first-piece approval of {state.call.occasion} {state.call.label}"
    return (_event(state, held), *quarantine_units(lot, serials, cause=cause, reason=reason))


def decide_first_piece(
    state: FirstPieceState,
    lot: LotState,
    spec: GoldenSpec,
    pieces: Mapping[str, Sequence[str]],
    inspections: Sequence[Inspection],
    entered: Sequence[EnteredResult] = (),
) -> Events:
    """Decide the first pieces: dimensions, appearance and function, item by item.

    `pieces` are serials by cavity or line: the first units made since the call (or since those that a
    refused decision rests on), none left out. What does not conform opens non-conformances.

    Raises:
        StepError: nothing is called for, a cavity has too few pieces, or a unit made earlier is left out.
        EvidenceError: an inspection is not the one that the lot rests on for its unit, or `first_article`
            refuses.
    """
    for inspection in inspections:
        unit = None if inspection.serial is None else lot.units.get(inspection.serial)
        if unit is None or unit.inspection != inspection.id:
            raise EvidenceError(
                f"lot {lot.lot}: inspection {inspection.id} is not the one that stands for its unit"
            )
    decision = first_article(spec, inspections, entered, units=1)
    event = make_event(
        FirstPieceDecided, f"{SUBJECT}{state.lot}",
        pieces={cavity: tuple(serials) for cavity, serials in pieces.items()}, decision=decision,
    )  # fmt: skip
    check(state, event)
    notes = [
        NonconformanceNoted(
            lot=lot.lot, cause=n.cause, severity=n.severity, trigger="first_article",
            serials=decision.serials, inspections=decision.inspections,
        )
        for n in decision.causes
    ]  # fmt: skip
    against: list[NewEvent] = []
    for note in notes:
        reason = "a first piece does not conform"
        against += quarantine_units(lot, decision.serials, cause=note.cause, reason=reason)
    return (_event(state, event), *against, *nonconformance_events(tuple(lot.causes), notes))


def approve_first_piece(state: FirstPieceState, lot: LotState, person: Person) -> Events:
    """Unlock production; units made before that are not held yet are quarantined first.

    Raises:
        StepError: no accepted first pieces, one of them has fallen since, or the person is not in role
            quality of the party that the golden sample names.
    """
    held = hold_units(state, lot)
    approved = FirstPieceApproved(person=person)
    check(replace(state, held=(*state.held, *_unheld(state))), approved)
    return (*held, _event(state, approved))


def _event(state: FirstPieceState, event: FirstPieceEvent) -> NewEvent:
    return NewEvent(event.kind, f"{SUBJECT}{state.lot}", event.model_dump(mode="json"))
