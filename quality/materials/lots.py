"""A material lot's state, derived from its journal lines; the rules that its steps and its lines share."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime
from decimal import Decimal
from typing import Any, Literal

from evidence.journal import JournalLine
from golden.plans import IqcItem
from quality.errors import StepError
from quality.folding import fold, instant, read_event, stamp
from quality.materials.events import (
    MATERIAL_EVENTS,
    CheckInspected,
    EvidenceAdded,
    MaterialBooked,
    MaterialConceded,
    MaterialDecided,
    MaterialEvent,
    MaterialNonconforming,
    MaterialReceived,
)
from quality.materials.plan import CheckPlan, check_plan, contradictions, failure, outside, substitutions
from quality.sign_off import require_signer

PREFIX = "material:"
Phase = Literal["absent", "received", "released", "rejected", "conceded"]
Outcome = Literal["accept", "reject"]

# Which event may follow in which phase, and what a lot that is elsewhere needs first.
ALLOWED: dict[str, tuple[tuple[Phase, ...], str]] = {
    "material.received": (("absent",), "a material lot is received once"),
    "material.nonconforming": (("received",), "causes are noted before the decision"),
    "material.evidence_added": (("received",), "evidence comes between receipt and decision"),
    "material.inspected": (("received",), "a lot is inspected between receipt and decision"),
    "material.decided": (("received",), "a received lot is decided once"),
    "material.conceded": (("rejected",), "the buyer concedes a rejected lot, once"),
    "material.booked": (("released", "conceded"), "only released or conceded material goes into production"),
}


@dataclass(frozen=True, slots=True)
class CheckResult:
    """A check's result, when it was recorded, and the sample that it answers."""

    event: CheckInspected
    at: str
    plan: CheckPlan


@dataclass(frozen=True, slots=True)
class MaterialState:
    """A material lot as its journal lines tell it. Read only.

    `checks` is by check id and `findings` by cause; `noted` are the causes that lines have told of;
    `sequence` is the last journal line that was folded in. `decided_at` is that line's time.
    """

    id: str
    phase: Phase = "absent"
    sequence: int = 0
    received: MaterialReceived | None = None
    evidence: tuple[EvidenceAdded, ...] = ()
    checks: dict[str, CheckResult] = field(default_factory=dict[str, CheckResult])
    findings: dict[str, MaterialNonconforming] = field(default_factory=dict[str, MaterialNonconforming])
    noted: tuple[str, ...] = ()
    decision: MaterialDecided | None = None
    decided_at: str | None = None
    concession: MaterialConceded | None = None
    bookings: tuple[MaterialBooked, ...] = ()

    @property
    def subject(self) -> str:
        """The subject of its lines."""
        return PREFIX + self.id

    @property
    def receipt(self) -> MaterialReceived:
        """What was received; raises StepError of a lot that was not."""
        if self.received is None:
            raise StepError(f"{self.subject}: nothing was received")
        return self.received

    @property
    def usable(self) -> Decimal:
        """How much may go into production in all: what was released, or conceded."""
        if self.phase == "released":
            return self.receipt.delivery.quantity
        return Decimal(0) if self.concession is None else self.concession.quantity

    @property
    def remaining(self) -> Decimal:
        """How much of it has not been booked."""
        return self.usable - sum((b.quantity for b in self.bookings), Decimal(0))

    def record(self) -> dict[str, Any]:
        """Return the incoming-inspection record as a JSON object; see `IqcRecord`."""
        from quality.materials.record import iqc_record  # noqa: PLC0415 (the record is made of the state)

        return iqc_record(self).model_dump(mode="json")


def replay_material(material: str, lines: Iterable[JournalLine]) -> MaterialState:
    """Return a material lot's state from journal lines in order; lines of other subjects are skipped.

    Raises:
        StepError: a line of the lot does not follow from those before it.
    """
    state = MaterialState(material)
    return fold(state, state.subject, lines, apply_material)


def apply_material(state: MaterialState, line: JournalLine) -> MaterialState:
    """Return the state after one more line of the lot; the given state stays as it is.

    Raises:
        StepError: the line is of another subject, or does not follow from the state.
    """
    event = read_event(line, MATERIAL_EVENTS, state.subject, state.sequence)
    return replace(after(state, event, instant(line.time)), sequence=line.sequence)


def require(state: MaterialState, kind: str) -> None:
    """Raise StepError unless an event of that kind may follow."""
    phases, needs = ALLOWED[kind]
    if state.phase not in phases:
        raise StepError(f"{state.subject}: {kind} cannot follow while it is {state.phase!r}: {needs}")


def after(  # noqa: PLR0911 (one return per event)
    state: MaterialState, event: MaterialEvent, now: datetime
) -> MaterialState:
    """Return the state after an event at that time: the one place where the rules are.

    Raises:
        StepError: the event does not follow, its person may not do it, or it says what cannot be.
    """
    require(state, event.kind)
    match event:
        case MaterialReceived():
            return _after_receipt(state, event, now)
        case MaterialNonconforming():
            return _after_note(state, event)
        case EvidenceAdded():
            return _after_evidence(state, event)
        case CheckInspected():
            return _after_check(state, event, now)
        case MaterialDecided():
            return _after_decision(state, event, now)
        case MaterialConceded():
            return _after_concession(state, event, now)
        case MaterialBooked():
            return _after_booking(state, event, now)


def _after_receipt(state: MaterialState, event: MaterialReceived, now: datetime) -> MaterialState:
    delivery, agreed = event.delivery, event.agreed
    parties = (agreed.supplier, agreed.buyer)
    require_signer(event.person, "inspector", parties, f"{state.subject}: receiving")
    if event.restart is not None:
        require_signer(event.person, "quality", (agreed.supplier,), f"{state.subject}: restarting inspection")
    if instant(delivery.received_at) > now:
        raise StepError(f"{state.subject}: received_at {delivery.received_at} lies in the future")
    if agreed.material.unit is not None and delivery.unit != agreed.material.unit:
        raise StepError(
            f"{state.subject}: unit {delivery.unit!r} is not the bill of materials' {agreed.material.unit!r}"
        )
    for item in agreed.items:
        check_plan(item, delivery.lot_size, event.severities.get(str(item.id), "normal"))
    found = substitutions(agreed, delivery.manufacturer, delivery.part_number)
    return replace(state, phase="received", received=event, findings=_with(state, found))


def _after_note(state: MaterialState, event: MaterialNonconforming) -> MaterialState:
    if state.findings.get(event.cause) != event or event.cause in state.noted:
        raise StepError(f"{state.subject}: {event.cause} was not found, or is noted already")
    return replace(state, noted=(*state.noted, event.cause))


def _after_evidence(state: MaterialState, event: EvidenceAdded) -> MaterialState:
    _require_inspector(state, event)
    if any((e.proves, e.digest) == (event.proves, event.digest) for e in state.evidence):
        raise StepError(f"{state.subject}: {event.digest} is its evidence for {event.proves!r} already")
    found = contradictions(state.receipt, event)
    return replace(state, evidence=(*state.evidence, event), findings=_with(state, found))


def _after_check(state: MaterialState, event: CheckInspected, now: datetime) -> MaterialState:
    _require_inspector(state, event)
    item = agreed_check(state, event.check)
    if event.check in state.checks:
        raise StepError(f"{state.subject}: check {event.check} has its result; a sample is not taken twice")
    severity = state.receipt.severities.get(event.check, "normal")
    plan = check_plan(item, state.receipt.delivery.lot_size, severity)
    _check_sample(state, plan, event)
    _check_readings(state, item, event, now)
    result = CheckResult(event, stamp(now), plan)
    found = failure(item, plan, event)
    return replace(state, checks={**state.checks, event.check: result}, findings=_with(state, found))


def _check_sample(state: MaterialState, plan: CheckPlan, event: CheckInspected) -> None:
    """Raise StepError unless the sample is the plan's, or rejects before it is complete."""
    if event.inspected != plan.n and not (event.inspected < plan.n and event.nonconforming >= plan.Re):
        raise StepError(
            f"{state.subject}: check {event.check} inspects {plan.n} items (accept {plan.Ac}, reject "
            f"{plan.Re}), not {event.inspected}: the acceptance number holds for that sample alone"
        )


def _check_readings(state: MaterialState, item: IqcItem, event: CheckInspected, now: datetime) -> None:
    where = f"{state.subject}: check {event.check}"
    if item.unit is None:
        if event.readings:
            raise StepError(f"{where} is conform or not: give counts and no readings")
    else:
        if event.instrument is None:
            raise StepError(f"{where} is measured: name the instrument and the end of its calibration")
        count = sum(outside(item, reading) for reading in event.readings)
        if (len(event.readings), count) != (event.inspected, event.nonconforming):
            raise StepError(
                f"{where}: {len(event.readings)} readings, {count} outside the limits, are not "
                f"{event.inspected} inspected, {event.nonconforming} nonconforming"
            )
    if event.instrument is not None and event.instrument.calibration_due < now.date():
        raise StepError(
            f"{where}: calibration of {event.instrument.id} ended on {event.instrument.calibration_due}"
        )


def _after_decision(state: MaterialState, event: MaterialDecided, now: datetime) -> MaterialState:
    supplier = state.receipt.agreed.supplier
    require_signer(event.person, "quality", (supplier,), f"{state.subject}: deciding")
    outcome = required_outcome(state)
    if event.outcome != outcome:
        raise StepError(f"{state.subject}: its results {outcome} it; {event.outcome!r} cannot be signed")
    sampled = {name for name, result in state.checks.items() if result.plan.sampling is not None}
    if set(event.switching_after) != sampled:
        raise StepError(f"{state.subject}: switching is kept of the checks sampled by AQL: {sorted(sampled)}")
    phase: Phase = "released" if outcome == "accept" else "rejected"
    at = stamp(now)
    return replace(state, phase=phase, decision=event, decided_at=at)


def _after_concession(state: MaterialState, event: MaterialConceded, now: datetime) -> MaterialState:
    require_signer(event.person, "quality", (state.receipt.agreed.buyer,), f"{state.subject}: a concession")
    if event.quantity > state.receipt.delivery.quantity:
        raise StepError(
            f"{state.subject}: {event.quantity} conceded of {state.receipt.delivery.quantity} received"
        )
    if instant(event.expires) <= now:
        raise StepError(f"{state.subject}: a concession until {event.expires} has expired already")
    return replace(state, phase="conceded", concession=event)


def _after_booking(state: MaterialState, event: MaterialBooked, now: datetime) -> MaterialState:
    supplier = state.receipt.agreed.supplier
    require_signer(event.person, "production", (supplier,), f"{state.subject}: booking")
    if state.concession is not None and now >= instant(state.concession.expires):
        raise StepError(f"{state.subject}: its concession expired at {state.concession.expires}")
    if event.quantity > state.remaining:
        raise StepError(
            f"{state.subject}: {event.quantity} {state.receipt.delivery.unit} booked to lot {event.lot}, "
            f"but {state.remaining} remain"
        )
    return replace(state, bookings=(*state.bookings, event))


def agreed_check(state: MaterialState, check: str) -> IqcItem:
    """Return a check of the lot by its id; raise StepError naming those that it has."""
    known = {item.id: item for item in state.receipt.agreed.items}
    if check not in known:
        raise StepError(
            f"{state.subject}: no check {check!r}; it has: {', '.join(map(str, known)) or 'none'}"
        )
    return known[check]


def required_evidence(state: MaterialState) -> tuple[str, ...]:
    """Return what the material and its checks ask for, in the golden sample's own words."""
    agreed = state.receipt.agreed
    asked = (*agreed.material.required_evidence, *(e for item in agreed.items for e in item.evidence))
    return tuple(dict.fromkeys(asked))


def missing(state: MaterialState) -> tuple[str, ...]:
    """Return what an accepting decision still waits for: evidence and checks, in words."""
    given = {e.proves for e in state.evidence}
    wanted = [f"evidence {e!r}" for e in required_evidence(state) if e not in given]
    checks = [str(item.id) for item in state.receipt.agreed.items]
    return (*wanted, *(f"check {check}" for check in checks if check not in state.checks))


def required_outcome(state: MaterialState) -> Outcome:
    """Return what a person may sign: reject upon the first finding, accept where all is there.

    Raises:
        StepError: nothing speaks against the lot, and something is missing.
    """
    if state.findings:
        return "reject"
    waits = missing(state)
    if waits:
        raise StepError(f"{state.subject}: is held until there is {', '.join(waits)}")
    return "accept"


def _require_inspector(state: MaterialState, event: EvidenceAdded | CheckInspected) -> None:
    agreed = state.receipt.agreed
    require_signer(event.person, "inspector", (agreed.supplier, agreed.buyer), f"{state.subject}: inspecting")


def _with(state: MaterialState, found: Iterable[MaterialNonconforming]) -> dict[str, MaterialNonconforming]:
    """Return the findings with those of new causes."""
    return {**{f.cause: f for f in found}, **state.findings}
