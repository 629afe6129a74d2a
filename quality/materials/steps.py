"""The steps of a material lot: each takes the state, checks what must hold, and returns the events to append.

Every step raises StepError where it does not follow, where the person has not the role and party that it
needs, or where what it says cannot be; nothing has happened then. `now` is aware.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal

from evidence import GoldenReference
from golden.spec import GoldenSpec
from quality.errors import StepError
from quality.events import NewEvent, Person
from quality.folding import aware, make_event, stamp
from quality.materials.events import (
    CheckInspected,
    Delivery,
    EvidenceAdded,
    Instrument,
    MaterialBooked,
    MaterialConceded,
    MaterialDecided,
    MaterialEvent,
    MaterialReceived,
    material_event,
)
from quality.materials.lots import MaterialState, after, agreed_check, required_outcome
from quality.materials.plan import agreed_material, outside
from quality.materials.series import series_after
from quality.sampling import Switching, restart_inspection

Events = tuple[NewEvent, ...]


def receive_material(
    state: MaterialState,
    spec: GoldenSpec,
    golden: GoldenReference,
    material: str,
    delivery: Delivery,
    person: Person,
    *,
    now: datetime,
    series: Mapping[str, Switching] | None = None,
    restart: str | None = None,
) -> Events:
    """Receive a delivery of a material: an inspector of either party.

    A manufacturer or part number that the golden sample does not name is a nonconformance by itself.
    `series` is where the switching of its checks stands (`iqc_series`); without it inspection is normal.
    `restart` names the corrective action after which discontinued inspection is taken up again, tightened:
    the supplier's quality says so.

    Raises:
        StepError: the golden sample has no such material, the unit is not the bill of materials', it came in
            later than now, a check's inspection is discontinued, or there is none to restart.
        SamplingError: the standard gives no plan for so many items.
    """
    known = dict(series or {})
    stopped = [name for name, switching in known.items() if switching.discontinued]
    if stopped and restart is None:
        raise StepError(
            f"{state.subject}: inspection of {stopped[0]} is discontinued for this supplier; name the "
            "corrective action after which it is restarted"
        )
    if restart is not None and not stopped:
        raise StepError(f"{state.subject}: no inspection is discontinued; there is nothing to restart")
    known.update({name: restart_inspection(known[name], str(restart)) for name in stopped})
    agreed = agreed_material(spec, material)
    sampled = [str(i.id) for i in agreed.items if i.sampling is not None and i.sampling.aql is not None]
    return _with_notes(
        state,
        MaterialReceived(
            golden=golden,
            agreed=agreed,
            delivery=delivery,
            severities={name: known[name].severity if name in known else "normal" for name in sampled},
            person=person,
            restart=restart,
        ),
        now,
    )


def add_evidence(state: MaterialState, evidence: EvidenceAdded, *, now: datetime) -> Events:
    """Add a certificate, label, report, picture or vision record: an inspector of either party.

    Where it states another manufacturer, part number or manufacturer's lot than was declared, the lot does
    not conform.
    """
    return _with_notes(state, evidence, now)


def inspect_measured(
    state: MaterialState,
    check: str,
    readings: Sequence[float],
    instrument: Instrument,
    person: Person,
    *,
    now: datetime,
    records: Sequence[str] = (),
) -> Events:
    """Enter a measured check's readings, in its unit: an inspector of either party.

    Raises:
        StepError: no such check, it has its result, it is not measured, the readings are not as many as its
            sample (unless they reject it already), or the instrument's calibration has ended.
    """
    item = agreed_check(state, check)
    if not readings:
        raise StepError(f"{state.subject}: check {check} has no readings")
    event = make_event(
        CheckInspected,
        state.subject,
        check=check,
        inspected=len(readings),
        nonconforming=sum(outside(item, reading) for reading in readings),
        readings=tuple(readings),
        instrument=instrument,
        records=tuple(records),
        person=person,
    )
    return _with_notes(state, event, now)


def inspect_attribute(
    state: MaterialState,
    check: str,
    inspected: int,
    nonconforming: int,
    person: Person,
    *,
    now: datetime,
    records: Sequence[str] = (),
) -> Events:
    """Enter how many items of a yes-or-no check do not conform: an inspector of either party.

    Raises:
        StepError: no such check, it has its result, it is measured, or another number was inspected than its
            sample (unless fewer reject it already).
    """
    event = make_event(
        CheckInspected,
        state.subject,
        check=check,
        inspected=inspected,
        nonconforming=nonconforming,
        records=tuple(records),
        person=person,
    )
    return _with_notes(state, event, now)


def decide_material(
    state: MaterialState, person: Person, *, now: datetime, series: Mapping[str, Switching] | None = None
) -> Events:
    """Sign what follows from the results, the supplier's quality: rejected on any finding, else released.

    Raises:
        StepError: nothing speaks against the lot, and evidence or a check is missing: it is held.
    """
    outcome = required_outcome(state)
    moved = series_after(state, series or {})
    after_it = {name: "discontinued" if s.discontinued else s.severity for name, s in moved.items()}
    event = make_event(
        MaterialDecided, state.subject, outcome=outcome, switching_after=after_it, person=person
    )
    return _with_notes(state, event, now)


def concede_material(
    state: MaterialState, person: Person, *, quantity: Decimal, reason: str, expires: datetime, now: datetime
) -> Events:
    """Let a quantity of a rejected lot be used until `expires`: the buyer's quality alone may.

    Raises:
        StepError: the lot is not rejected, the quantity is above what came in, or `expires` is past or naive.
    """
    event = make_event(
        MaterialConceded,
        state.subject,
        quantity=quantity,
        expires=stamp(expires),
        reason=reason,
        person=person,
    )
    return _with_notes(state, event, now)


def book_material(
    state: MaterialState, lot: str, quantity: Decimal, person: Person, *, now: datetime
) -> Events:
    """Book a quantity to a production lot: the supplier's production.

    Raises:
        StepError: the lot is neither released nor conceded, its concession has expired, or less remains.
    """
    return _with_notes(
        state, make_event(MaterialBooked, state.subject, lot=lot, quantity=quantity, person=person), now
    )


def _with_notes(state: MaterialState, event: MaterialEvent, now: datetime) -> Events:
    """Return the event, and one `material.nonconforming` of each cause that it brings."""
    follows = after(state, event, aware(now))
    new = [finding for cause, finding in follows.findings.items() if cause not in state.findings]
    return tuple(material_event(state.subject, e) for e in (event, *new))
