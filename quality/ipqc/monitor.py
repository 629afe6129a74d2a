"""In-process control of a lot, derived from its own lines and the lot's. The steps: `quality.ipqc.steps`.

The lot's lines tell which unit was made when; so the state knows when a sample is due, and which units were
made since the last conforming one.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from evidence.journal import JournalLine
from quality.errors import StepError
from quality.events import LOT_EVENTS, FirstArticleApproved, InspectionRecorded, LotFrozen, LotQuarantined
from quality.folding import instant, read_event, stamp
from quality.ipqc.clock import due, levels, overdue
from quality.ipqc.events import (
    IPQC_EVENTS,
    IpqcEvent,
    IpqcStarted,
    LimitsFrozen,
    ReactionAcknowledged,
    ReactionEscalated,
    Sampled,
    SampleMissed,
    SignalRaised,
    SopAcknowledged,
    SopChanged,
)
from quality.ipqc.judge import check_readings, judgements, with_differences
from quality.sign_off import require_signer
from quality.spc import Limits
from quality.spc.limits import family

SUBJECT = "ipqc:"


@dataclass(frozen=True, slots=True)
class Reaction:
    """The reaction plan at work for a signal: which steps are done, and which levels were told."""

    signal: SignalRaised
    started: datetime
    steps: tuple[tuple[ReactionAcknowledged, datetime], ...] = ()
    escalated: int = 0


@dataclass(frozen=True, slots=True)
class IpqcState:
    """In-process control of a lot. Read only.

    `units` are the serials in the order made and `times` when; `base` of them a sample or a missed one has
    covered, `sampled` those up to the last sample's last, `conforming` those up to the last conforming one's.
    `limits` are by characteristic, with the number of samples taken before they held. `suspects` are the
    characteristics out of specification since the last conforming sample; `quarantine` holds the causes by
    serial; `pending` is what must be recorded before anything else.
    """

    lot: str
    sequence: int = 0
    producing: bool = False
    ended: datetime | None = None
    started: IpqcStarted | None = None
    sop_version: str | None = None
    acknowledged: tuple[str, ...] = ()
    limits: dict[str, tuple[Limits, int]] = field(default_factory=dict[str, tuple[Limits, int]])
    units: list[str] = field(default_factory=list[str])
    times: list[datetime] = field(default_factory=list[datetime])
    index: dict[str, int] = field(default_factory=dict[str, int])
    base: int = 0
    sampled: int = 0
    conforming: int = 0
    samples: tuple[Sampled, ...] = ()
    missed: tuple[SampleMissed, ...] = ()
    reactions: dict[str, Reaction] = field(default_factory=dict[str, Reaction])
    suspects: tuple[str, ...] = ()
    quarantine: dict[str, tuple[str, ...]] = field(default_factory=dict[str, tuple[str, ...]])
    pending: tuple[SignalRaised, ...] = ()
    to_hold: tuple[tuple[str, tuple[str, ...]], ...] = ()

    def done(self, reaction: str) -> bool:
        """Return whether every step of the reaction plan is acknowledged."""
        assert self.started is not None
        return len(self.reactions[reaction].steps) >= len(self.started.plan.reaction_plan)

    def unheld(self, cause: str, serials: Iterable[str]) -> tuple[str, ...]:
        """Return which of the units are not in quarantine for the cause."""
        return tuple(serial for serial in serials if cause not in self.quarantine.get(serial, ()))

    def record(self) -> dict[str, Any]:
        """Return the state as a JSON object."""
        return {
            "lot": self.lot,
            "started": None if self.started is None else self.started.model_dump(mode="json"),
            "sop_version": self.sop_version,
            "acknowledged": list(self.acknowledged),
            "limits": {name: limits.record() for name, (limits, _) in self.limits.items()},
            "units": len(self.units),
            "samples": [sample.model_dump(mode="json") for sample in self.samples],
            "missed": [missed.model_dump(mode="json") for missed in self.missed],
            "suspects": list(self.suspects),
            "reactions": [self._reaction(name, one) for name, one in self.reactions.items()],
        }

    def _reaction(self, name: str, one: Reaction) -> dict[str, Any]:
        assert self.started is not None
        minutes = self.started.plan.reaction_minutes
        return {
            "id": name,
            "signal": one.signal.model_dump(mode="json"),
            "started": stamp(one.started),
            "done": self.done(name),
            "escalated": one.escalated,
            "steps": [
                {**step.model_dump(mode="json"), "at": stamp(at), "late": overdue(one.started, minutes, at)}
                for step, at in one.steps
            ],
        }


def replay_ipqc(lot: str, lines: Iterable[JournalLine]) -> IpqcState:
    """Return the state from journal lines in order; lines of other subjects are skipped.

    Raises:
        StepError: a line does not follow from those before it.
    """
    state = IpqcState(lot)
    for line in lines:
        if line.subject in (lot, f"{SUBJECT}{lot}"):
            state = _fold(state, line)
    return state


def apply_ipqc(state: IpqcState, line: JournalLine) -> IpqcState:
    """Return the state after one more line of the lot or of its in-process control.

    Raises:
        StepError: the line is of another subject, or does not follow.
    """
    return _fold(_owned(state), line)


def apply_event(state: IpqcState, event: IpqcEvent, at: datetime) -> IpqcState:
    """Return the state after an event that `check` has let through."""
    return _after(_owned(state), event, at)


def _owned(state: IpqcState) -> IpqcState:
    """Return a copy whose lists and dictionaries may be changed."""
    return replace(
        state, limits=dict(state.limits), units=list(state.units), times=list(state.times),
        index=dict(state.index), reactions=dict(state.reactions), quarantine=dict(state.quarantine),
    )  # fmt: skip


def _fold(state: IpqcState, line: JournalLine) -> IpqcState:
    """Return the state after a line. Changes the lists and dictionaries of `state`, which the caller owns."""
    at = instant(line.time)
    if line.subject == state.lot:
        lot_event = read_event(line, LOT_EVENTS, state.lot, state.sequence)
        return replace(_after_lot(state, lot_event, at), sequence=line.sequence)
    event = read_event(line, IPQC_EVENTS, f"{SUBJECT}{state.lot}", state.sequence)
    check(state, event, at)
    return replace(_after(state, event, at), sequence=line.sequence)


def _after_lot(state: IpqcState, event: object, at: datetime) -> IpqcState:
    match event:
        case FirstArticleApproved():
            return replace(state, producing=True)
        case LotFrozen():
            return replace(state, producing=False, ended=at)
        case InspectionRecorded() if event.checkpoint == "production" and event.serial not in state.index:
            state.index[event.serial] = len(state.units)
            state.units.append(event.serial)
            state.times.append(at)
            return state
        case LotQuarantined():
            for serial in event.serials:
                known = state.quarantine.get(serial, ())
                state.quarantine[serial] = tuple(dict.fromkeys((*known, event.cause)))
            left = ((cause, state.unheld(cause, serials)) for cause, serials in state.to_hold)
            return replace(state, to_hold=tuple((cause, serials) for cause, serials in left if serials))
        case _:
            return state


def _after(state: IpqcState, event: IpqcEvent, at: datetime) -> IpqcState:  # noqa: PLR0911 (one per event)
    match event:
        case IpqcStarted():
            covered = len(state.units)
            return replace(
                state, started=event, sop_version=event.sop_version, base=covered, sampled=covered,
                conforming=covered,
            )  # fmt: skip
        case SopChanged():
            return replace(state, sop_version=event.sop_version, acknowledged=())
        case SopAcknowledged():
            return replace(state, acknowledged=tuple(dict.fromkeys((*state.acknowledged, event.person.name))))
        case LimitsFrozen():
            state.limits[event.characteristic] = (event.limits, len(state.samples))
            return state
        case Sampled():
            return _after_sample(state, event)
        case SampleMissed():
            return replace(state, base=event.units, missed=(*state.missed, event))
        case SignalRaised():
            state.reactions[reaction_id(event)] = Reaction(event, at)
            return replace(state, pending=state.pending[1:])
        case ReactionAcknowledged():
            before = state.reactions[event.reaction]
            state.reactions[event.reaction] = replace(before, steps=(*before.steps, (event, at)))
            return state
        case ReactionEscalated():
            before = state.reactions[event.reaction]
            state.reactions[event.reaction] = replace(before, escalated=event.level)
            return state


def reaction_id(signal: SignalRaised) -> str:
    """Return the id of the reaction that a signal starts: `<sample>:<characteristic>`."""
    return f"{signal.sample}:{signal.characteristic}"


def _after_sample(state: IpqcState, event: Sampled) -> IpqcState:
    places = [state.index[reading.serial] for reading in event.readings]
    reached = max(places) + 1
    failed = tuple(j.characteristic for j in event.judgements if j.outcome == "out_of_specification")
    conforms = all(j.outcome in ("conforming", "signal") for j in event.judgements)
    suspects = tuple(dict.fromkeys((*state.suspects, *failed)))
    # a conforming sample ends the suspicion: what was made before its first unit is not proven by it
    suspected = state.units[state.conforming : min(places) if conforms else len(state.units)]
    to_hold = (
        (cause, state.unheld(cause, suspected))
        for cause in (f"characteristic:{characteristic}" for characteristic in suspects)
    )
    pending = tuple(
        SignalRaised(sample=event.number, characteristic=j.characteristic, outcome=j.outcome, rules=j.rules)
        for j in event.judgements
        if j.outcome != "conforming"
    )
    return replace(
        state,
        samples=(*state.samples, event),
        base=max(state.base, reached),
        sampled=reached,
        conforming=reached if conforms else state.conforming,
        suspects=() if conforms else suspects,
        pending=pending,
        to_hold=tuple((cause, serials) for cause, serials in to_hold if serials),
    )


def check(state: IpqcState, event: IpqcEvent, at: datetime) -> None:
    """Refuse an event that does not follow at that time; raise StepError naming what must happen first."""
    where = f"{SUBJECT}{state.lot}"
    if isinstance(event, IpqcStarted):
        if state.started is not None or not state.producing:
            what = "it is started once" if state.started else "the lot is not in production"
            raise StepError(f"{where}: {event.kind} cannot follow: {what}")
        require_signer(event.record_keeper, ("inspector", "quality"), event.suppliers, f"{where}: the record")
        return
    started = state.started
    if started is None:
        raise StepError(f"{where}: {event.kind} cannot follow: in-process control is not started")
    _check_pending(where, state, event)
    match event:
        case SopChanged() | LimitsFrozen():
            require_signer(
                event.person, ("quality", "engineering"), started.suppliers, f"{where}: {event.kind}"
            )
            _check_document(where, state, event)
        case SopAcknowledged():
            require_signer(event.person, ("production", "inspector"), started.suppliers, f"{where}: sampling")
            _check_version(where, state, event.sop_version)
        case Sampled():
            _check_sample(where, state, started, event, at)
        case SampleMissed():
            if event != missed_sample(state, at):
                raise StepError(f"{where}: no such sample is missed at {stamp(at)}")
        case SignalRaised():
            pass  # it is what is pending
        case ReactionAcknowledged() | ReactionEscalated():
            _check_reaction(where, state, started, event, at)


def _check_pending(where: str, state: IpqcState, event: IpqcEvent) -> None:
    """Refuse what passes over a signal or a quarantine that the last sample calls for."""
    if state.pending and event != state.pending[0]:
        first = state.pending[0]
        raise StepError(
            f"{where}: sample {first.sample} signals on {first.characteristic}; record that first"
        )
    if state.to_hold and not state.pending:
        cause, serials = state.to_hold[0]
        raise StepError(f"{where}: unit {serials[0]} is suspect for {cause}; quarantine it first")
    if isinstance(event, SignalRaised) and not state.pending:
        raise StepError(f"{where}: no sample signals on {event.characteristic}")


def _check_document(where: str, state: IpqcState, event: SopChanged | LimitsFrozen) -> None:
    if isinstance(event, SopChanged):
        if event.sop_version == state.sop_version:
            raise StepError(f"{where}: the procedure has version {event.sop_version} already")
        return
    assert state.started is not None
    key = next((k for k in state.started.keys if k.characteristic == event.characteristic), None)
    if key is None:
        raise StepError(f"{where}: {event.characteristic} is no key characteristic")
    if family(event.limits.chart) != family(key.chart):
        raise StepError(f"{where}: limits of the {event.limits.chart} chart do not serve {key.chart}")
    known = state.limits.get(event.characteristic)
    expected = 1 if known is None else known[0].version + 1
    if event.limits.version != expected:
        raise StepError(
            f"{where}: limits of {event.characteristic} have version {event.limits.version}, "
            f"expected {expected}"
        )


def _check_version(where: str, state: IpqcState, version: str) -> None:
    if version != state.sop_version:
        raise StepError(f"{where}: the procedure is at version {state.sop_version}, not {version}")


def _check_sample(where: str, state: IpqcState, started: IpqcStarted, event: Sampled, at: datetime) -> None:
    if not state.producing:
        raise StepError(f"{where}: {event.kind} cannot follow: the lot is not in production")
    require_signer(event.operator, ("production", "inspector"), started.suppliers, f"{where}: sampling")
    _check_version(where, state, event.sop_version)
    if event.operator.name not in state.acknowledged:
        raise StepError(
            f"{where}: {event.operator.name} has not acknowledged {started.sop} {state.sop_version}"
        )
    if event.number != len(state.samples) + 1:
        raise StepError(f"{where}: the next sample has number {len(state.samples) + 1}, not {event.number}")
    missed = missed_sample(state, at)
    if missed is not None:
        raise StepError(f"{where}: the sample due at {missed.due_at} was missed; record that first")
    for serial in check_readings(where, started.keys, started.plan.size, event.readings):
        place = state.index.get(serial)
        if place is None or place < state.sampled:
            what = "was not made in production" if place is None else "was made before the last sample"
            raise StepError(f"{where}: unit {serial} {what}; take units made since")
    with_differences(where, started.keys, event.readings)
    readings = [sample.readings for sample in state.samples]
    if event.judgements != judgements(started.keys, state.limits, readings, event.readings):
        raise StepError(f"{where}: sample {event.number} is not judged as its readings say")


def missed_sample(state: IpqcState, now: datetime) -> SampleMissed | None:
    """Return the earliest sample that is missed at `now` and not recorded as such."""
    if state.started is None:
        return None
    until = now if state.ended is None else min(now, state.ended)
    slot = due(state.started.plan, state.times, state.base, until)
    if slot is None or not slot.missed:
        return None
    return SampleMissed(by=slot.by, due_at=stamp(slot.at), units=slot.units)


def _check_reaction(
    where: str,
    state: IpqcState,
    started: IpqcStarted,
    event: ReactionAcknowledged | ReactionEscalated,
    at: datetime,
) -> None:
    reaction = state.reactions.get(event.reaction)
    if reaction is None or state.done(event.reaction):
        what = "is unknown" if reaction is None else "is done"
        raise StepError(f"{where}: reaction {event.reaction} {what}; there is nothing to react to")
    if isinstance(event, ReactionAcknowledged):
        roles = ("inspector", "quality", "engineering", "production")
        require_signer(event.person, roles, started.suppliers, f"{where}: a reaction")
        if event.step != len(reaction.steps) + 1:
            raise StepError(
                f"{where}: step {len(reaction.steps) + 1} of reaction {event.reaction} comes next, "
                f"not {event.step}"
            )
        return
    plan = levels(started.plan)
    level = plan[reaction.escalated] if reaction.escalated < len(plan) else None
    if level is None or (event.level, event.role) != (reaction.escalated + 1, level.role):
        raise StepError(f"{where}: reaction {event.reaction} has no such next level of escalation")
    if not overdue(reaction.started, level.after_minutes, at):
        raise StepError(f"{where}: reaction {event.reaction} is not overdue for level {event.level}")
