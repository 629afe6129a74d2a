"""The steps of in-process control: each checks what must hold, and returns the events to append."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from golden.plans import KeyCharacteristic
from golden.spec import Characteristic, Colour, GoldenSpec, Surface
from quality.errors import StepError
from quality.events import NewEvent, NonconformanceNoted, Person, nonconformance_events
from quality.folding import aware, make_event
from quality.ipqc.clock import levels, overdue
from quality.ipqc.events import (
    IpqcEvent,
    IpqcStarted,
    KeyScope,
    LimitsFrozen,
    ReactionAcknowledged,
    ReactionEscalated,
    Reading,
    Sampled,
    SopAcknowledged,
    SopChanged,
)
from quality.ipqc.judge import chart_data, check_readings, failed_units, judgements, with_differences
from quality.ipqc.monitor import SUBJECT, IpqcState, apply_event, check, missed_sample
from quality.lots import LotState
from quality.spc import Limits, entered_limits, estimate_limits
from quality.steps import quarantine_units

Events = tuple[NewEvent, ...]


def start_ipqc(
    state: IpqcState, spec: GoldenSpec, record_keeper: Person, *, sop: str, sop_version: str, now: datetime
) -> Events:
    """Start monitoring a lot by the golden sample's plan.

    Raises:
        StepError: the lot is not in production or monitored already, the plan names no key characteristic, or
            the record keeper is not of the supplier in role inspector or quality.
    """
    plan = spec.plans.ipqc
    if not plan.key_characteristics:
        raise StepError(
            f"{SUBJECT}{state.lot}: plans.ipqc.key_characteristics is empty; name what is monitored"
        )
    known = {c.id: c for c in spec.characteristics}
    event = make_event(
        IpqcStarted, f"{SUBJECT}{state.lot}", plan=plan,
        keys=tuple(_scope(known[key.characteristic], key) for key in plan.key_characteristics),
        suppliers=tuple(p.name for p in spec.parties if p.role == "supplier"),
        record_keeper=record_keeper, sop=sop, sop_version=sop_version,
    )  # fmt: skip
    return _checked(state, event, now)


def _scope(c: Characteristic, key: KeyCharacteristic) -> KeyScope:
    counted = isinstance(c, Surface) or c.unit is None
    return KeyScope(
        characteristic=c.id, severity=c.severity, chart=key.chart, rules=key.rules, variables=not counted,
        unit=None if isinstance(c, Surface) else c.unit,
        lower=None if isinstance(c, Surface | Colour) else c.lower,
        upper=None if isinstance(c, Surface) else c.upper,
        rule=c.decision, absolute=c if isinstance(c, Colour) and c.reference is not None else None,
    )  # fmt: skip


def change_sop(state: IpqcState, version: str, person: Person, *, now: datetime) -> Events:
    """Set a new version of the procedure; nobody samples before acknowledging it.

    Raises:
        StepError: not started, the same version, or not quality or engineering of the supplier.
    """
    return _checked(state, make_event(SopChanged, _subject(state), sop_version=version, person=person), now)


def acknowledge_sop(state: IpqcState, version: str, operator: Person, *, now: datetime) -> Events:
    """Record that an operator has read the procedure.

    Raises:
        StepError: not started, another version, or not production or inspector of the supplier.
    """
    event = make_event(SopAcknowledged, _subject(state), sop_version=version, person=operator)
    return _checked(state, event, now)


def limits_of_samples(
    state: IpqcState, characteristic: str, *, exclude: Mapping[str, str] | None = None
) -> Limits:
    """Return frozen limits estimated from the samples taken so far, the next version of the characteristic.

    `exclude` gives the numbers of samples with a known assignable cause, and the cause.

    Raises:
        StepError: not started, or no key characteristic.
        ChartError: fewer than two samples are left, an unknown one is excluded, or they do not vary.
    """
    key = _key(state, characteristic)
    taken = {str(sample.number): sample.readings for sample in state.samples}
    data = chart_data(key, list(taken.values()))
    estimated = estimate_limits(key.chart, data, names=list(taken), exclude=exclude)
    return estimated.freeze(_in_force(state, characteristic))


def limits_entered(
    state: IpqcState, characteristic: str, centre: float, sigma: float | None, person: Person, *, reason: str
) -> Limits:
    """Return frozen limits that a person enters, the next version of the characteristic.

    Raises:
        StepError: not started, or no key characteristic.
        ChartError: as `quality.spc.entered_limits`.
    """
    key = _key(state, characteristic)
    entered = entered_limits(key.chart, centre, sigma, reason=reason, person=person)
    return entered.freeze(_in_force(state, characteristic))


def _key(state: IpqcState, characteristic: str) -> KeyScope:
    keys = () if state.started is None else state.started.keys
    found = next((key for key in keys if key.characteristic == characteristic), None)
    if found is None:
        what = "is no key characteristic" if keys else "is not monitored: in-process control is not started"
        raise StepError(f"{_subject(state)}: {characteristic} {what}")
    return found


def _in_force(state: IpqcState, characteristic: str) -> Limits | None:
    return state.limits[characteristic][0] if characteristic in state.limits else None


def freeze_limits(
    state: IpqcState, characteristic: str, limits: Limits, person: Person, *, reason: str, now: datetime
) -> Events:
    """Judge a characteristic by frozen control limits from the next sample on.

    Raises:
        StepError: not started, no key characteristic, limits of another chart or not the next version, or not
            quality or engineering of the supplier.
    """
    event = make_event(
        LimitsFrozen,
        _subject(state),
        characteristic=characteristic,
        limits=limits,
        reason=reason,
        person=person,
    )
    return _checked(state, event, now)


def take_sample(
    state: IpqcState, lot: LotState, readings: Sequence[Reading], operator: Person, *, now: datetime
) -> Events:
    """Judge a sample against the specification and on its charts.

    Samples missed before are recorded first. A run rule, or a value that is undecided, starts the reaction
    plan. A value out of specification moreover quarantines every unit made since the last conforming sample
    and opens a non-conformance; what is made until the next conforming sample is quarantined too.

    Raises:
        StepError: not started or in production, the operator has not acknowledged the procedure or has not
            the role, a colour was not read under the agreed conditions, or the readings are not one of each
            key characteristic on `size` units made since the last sample.
    """
    started = state.started
    if started is None:
        raise StepError(f"{_subject(state)}: in-process control is not started")
    missed, state = _record_missed(state, now)
    readings = with_differences(_subject(state), started.keys, readings)
    check_readings(_subject(state), started.keys, started.plan.size, readings)
    before = [sample.readings for sample in state.samples]
    event = make_event(
        Sampled, _subject(state), number=len(state.samples) + 1, readings=tuple(readings), operator=operator,
        sop_version=state.sop_version,
        judgements=judgements(started.keys, state.limits, before, tuple(readings)),
    )  # fmt: skip
    check(state, event, aware(now))
    after = apply_event(state, event, aware(now))
    signals = tuple(_event(state, signal) for signal in after.pending)
    return (
        *missed,
        _event(state, event),
        *signals,
        *_quarantined(after, lot),
        *_nonconformances(started.keys, event, lot),
    )


def _nonconformances(keys: Sequence[KeyScope], event: Sampled, lot: LotState) -> Events:
    out = {j.characteristic for j in event.judgements if j.outcome == "out_of_specification"}
    notes = [
        NonconformanceNoted(
            lot=lot.lot, cause=f"characteristic:{key.characteristic}", severity=key.severity,
            trigger="out_of_specification", serials=failed_units(key, event.readings), inspections=(),
        )
        for key in keys
        if key.characteristic in out
    ]  # fmt: skip
    return nonconformance_events(tuple(lot.causes), notes)


def _quarantined(state: IpqcState, lot: LotState) -> Events:
    reason = "made since the last in-process sample that conformed"
    return tuple(
        event
        for cause, serials in state.to_hold
        for event in quarantine_units(lot, serials, cause=cause, reason=reason)
    )


def acknowledge_reaction(
    state: IpqcState, reaction: str, person: Person, *, note: str, now: datetime
) -> Events:
    """Record that the next step of the reaction plan is done.

    Raises:
        StepError: no such reaction, it is done, or the person is not of the supplier.
    """
    known = state.reactions.get(reaction)
    step = 1 if known is None else len(known.steps) + 1
    event = make_event(
        ReactionAcknowledged, _subject(state), reaction=reaction, step=step, person=person, note=note
    )
    return _checked(state, event, now)


def watch(state: IpqcState, lot: LotState, now: datetime) -> Events:
    """Return what has become due by `now`: missed samples, escalations, and suspect units not yet held.

    Call it regularly while a lot is in production; what it returns twice was not appended between.

    Raises:
        StepError: `now` has no zone.
    """
    missed, state = _record_missed(state, now)
    return (*missed, *_escalations(state, aware(now)), *_suspect_units(state, lot))


def _record_missed(state: IpqcState, now: datetime) -> tuple[Events, IpqcState]:
    found: list[NewEvent] = []
    while (missed := missed_sample(state, aware(now))) is not None:
        found.append(_event(state, missed))
        state = replace(state, base=missed.units, missed=(*state.missed, missed))
    return tuple(found), state


def _escalations(state: IpqcState, now: datetime) -> Events:
    found: list[NewEvent] = []
    for name, reaction in state.reactions.items():
        assert state.started is not None
        if state.done(name):
            continue
        for number, level in enumerate(levels(state.started.plan), 1):
            if number > reaction.escalated and overdue(reaction.started, level.after_minutes, now):
                escalated = ReactionEscalated(reaction=name, level=number, role=level.role)
                found.append(_event(state, escalated))
    return tuple(found)


def _suspect_units(state: IpqcState, lot: LotState) -> Events:
    made = state.units[state.conforming :]
    causes = [f"characteristic:{characteristic}" for characteristic in state.suspects]
    held = tuple((cause, state.unheld(cause, made)) for cause in causes)
    return _quarantined(replace(state, to_hold=tuple(h for h in held if h[1])), lot)


def _checked(state: IpqcState, event: IpqcEvent, now: datetime) -> Events:
    check(state, event, aware(now))
    return (_event(state, event),)


def _event(state: IpqcState, event: IpqcEvent) -> NewEvent:
    return NewEvent(event.kind, _subject(state), event.model_dump(mode="json"))


def _subject(state: IpqcState) -> str:
    return f"{SUBJECT}{state.lot}"
