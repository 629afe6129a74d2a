"""What the buyer finds on arrival and in the field comes back to the released lot, and measures the gate.

A receiving result is reported whether or not it found anything: without the good ones there is no rate. With
nonconforming units it is a claim, and opens a non-conformance of each cause.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from decimal import Decimal
from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import Field, model_validator

from evidence.inspection import Digest, Name, Timestamp
from evidence.journal import JournalLine
from golden.catalogue import CharacteristicClass
from golden.regions import Closed
from golden.spec import GoldenSpec
from quality.errors import EvidenceError, StepError
from quality.events import NewEvent, NonconformanceNoted, Person, Reason, made, nonconformance_id
from quality.folding import instant, read_event, stamp
from quality.lots import LotState
from quality.nonconformances import Nonconformance, note_nonconformance
from quality.proportions import Proportion, clopper_pearson, wilson
from quality.sign_off import require_signer
from quality.unit_findings import Cause

Source = Literal["receiving", "field"]
Phase = Literal["absent", "clean", "claimed", "accepted", "disputed", "withdrawn"]
Events = tuple[NewEvent, ...]


class ClaimedCause(Closed):
    """How many units do not conform by a cause."""

    cause: Cause
    severity: CharacteristicClass
    units: Annotated[int, Field(ge=1)]
    serials: tuple[Name, ...] = ()

    @model_validator(mode="after")
    def _not_more(self) -> Self:
        if len(set(self.serials)) != len(self.serials) or len(self.serials) > self.units:
            raise ValueError(f"{self.cause}: {len(self.serials)} serials of {self.units} units, each once")
        return self


class Arrival(Closed):
    """What the buyer received, inspected and found: `unacceptable` units have one cause or more.

    `evidence` are digests of pictures, records or reports; a claim needs one.
    """

    lot: Name
    source: Source
    found_at: Timestamp
    quantity: Annotated[int, Field(ge=1)]
    inspected: Annotated[int, Field(ge=1)]
    unacceptable: Annotated[int, Field(ge=0)]
    causes: tuple[ClaimedCause, ...] = ()
    evidence: tuple[Digest, ...] = ()

    @model_validator(mode="after")
    def _counts(self) -> Self:
        if not self.unacceptable <= self.inspected <= self.quantity:
            raise ValueError(
                f"unacceptable {self.unacceptable}, inspected {self.inspected}, quantity {self.quantity}: "
                "none is more than the next"
            )
        counts = [c.units for c in self.causes]
        if max(counts, default=0) > self.unacceptable or sum(counts) < self.unacceptable:
            raise ValueError(f"causes: their units do not make {self.unacceptable} unacceptable ones")
        if len({c.cause for c in self.causes}) < len(counts):
            raise ValueError("causes: each once")
        if self.unacceptable and not self.evidence:
            raise ValueError("evidence: the buyer proves a nonconformity; give a digest at least")
        return self


class ClaimReported(Closed):
    """The buyer reports an arrival; the parties are those of the lot's golden sample."""

    kind: ClassVar[str] = "claim.reported"
    arrival: Arrival
    part: Name
    suppliers: Annotated[tuple[Name, ...], Field(min_length=1)]
    buyers: Annotated[tuple[Name, ...], Field(min_length=1)]
    person: Person


class ClaimAnswered(Closed):
    """The supplier accepts or disputes the claim."""

    kind: ClassVar[str] = "claim.answered"
    outcome: Literal["accepted", "disputed"]
    reason: Reason
    person: Person


class ClaimWithdrawn(Closed):
    """The buyer takes the result back: it counts no more."""

    kind: ClassVar[str] = "claim.withdrawn"
    reason: Reason
    person: Person


ClaimEvent = ClaimReported | ClaimAnswered | ClaimWithdrawn
CLAIM_EVENTS: dict[str, type[ClaimEvent]] = {
    event.kind: event for event in (ClaimReported, ClaimAnswered, ClaimWithdrawn)
}


@dataclass(frozen=True, slots=True)
class ClaimState:
    """An arrival as its journal lines tell it; `id` is `claim:` and the buyer's number."""

    id: str
    phase: Phase = "absent"
    sequence: int = 0
    reported: ClaimReported | None = None
    decided: ClaimAnswered | ClaimWithdrawn | None = None

    def record(self) -> dict[str, Any]:
        """Return the state as a JSON object."""
        dumped = [None if e is None else e.model_dump(mode="json") for e in (self.reported, self.decided)]
        return {"id": self.id, "phase": self.phase, "reported": dumped[0], "decided": dumped[1]}


@dataclass(frozen=True, slots=True)
class ArrivalRate:
    """Passed here, unacceptable there: of the inspected units, and of the lots that were inspected."""

    units: Proportion
    lots: Proportion

    def record(self) -> dict[str, Any]:
        """Return the JSON object."""
        return asdict(self)


def replay_claims(lines: Iterable[JournalLine]) -> dict[str, ClaimState]:
    """Return the arrivals by id, in order of reporting; lines of other kinds are skipped.

    Raises:
        StepError: a line does not follow from those before it, or its body or subject does not fit.
    """
    known: dict[str, ClaimState] = {}
    for line in lines:
        if line.kind in CLAIM_EVENTS:
            known[line.subject] = apply_claim(known.get(line.subject, ClaimState(line.subject)), line)
    return known


def apply_claim(state: ClaimState, line: JournalLine) -> ClaimState:
    """Return the state after one more line of the arrival; the given state stays as it is.

    Raises:
        StepError: the line is of another subject or kind, comes before one already known, or does not follow.
    """
    event = read_event(line, CLAIM_EVENTS, state.id, state.sequence)
    return replace(_after(state, event, instant(line.time)), sequence=line.sequence)


def report_arrival(
    state: ClaimState,
    spec: GoldenSpec,
    lot: LotState,
    arrival: Arrival,
    person: Person,
    *,
    now: datetime,
    known: Mapping[str, Nonconformance] | None = None,
) -> Events:
    """Report what the buyer found in a released lot: the buyer, in role quality or inspector.

    Each cause opens a non-conformance of the lot, or extends the one in `known`.

    Raises:
        StepError: the lot is not released, `found_at` is still to come, the arrival has been reported, or the
            person may not.
        EvidenceError: it is of another lot, more units arrived than were released, or a serial is not of it.
    """
    _check_lot(lot, arrival)
    reported = made(
        ClaimReported,
        arrival=arrival,
        part=spec.part.number,
        suppliers=tuple(p.name for p in spec.parties if p.role == "supplier"),
        buyers=tuple(p.name for p in spec.parties if p.role == "buyer"),
        person=person,
    )
    notes = [
        NonconformanceNoted(
            lot=arrival.lot, cause=c.cause, severity=c.severity, trigger="buyer_claim", serials=c.serials,
            inspections=(), quantity=Decimal(c.units - len(c.serials)),
        )
        for c in arrival.causes
    ]  # fmt: skip
    causes = {nonconformance_id(lot.lot, cause): cause for cause in lot.causes}
    opened = {n.id: n for n in (known or {}).values() if n.lot == lot.lot}
    missing = set(causes) - set(opened)
    if missing:
        raise StepError(f"known: the lot's non-conformance {min(missing)} is missing; give all of its lot")
    return (*_step(state, reported, now), *(note_nonconformance(opened, note) for note in notes))


def answer_claim(
    state: ClaimState,
    outcome: Literal["accepted", "disputed"],
    person: Person,
    *,
    reason: str,
    now: datetime,
) -> Events:
    """Accept or dispute a claim: the supplier, in role quality. A disputed one may be accepted later."""
    return _step(state, made(ClaimAnswered, outcome=outcome, reason=reason, person=person), now)


def withdraw_claim(state: ClaimState, person: Person, *, reason: str, now: datetime) -> Events:
    """Take a result back: the buyer, in role quality. Its non-conformances stay, for disposition."""
    return _step(state, made(ClaimWithdrawn, reason=reason, person=person), now)


def arrival_rate(
    claims: Iterable[ClaimState],
    *,
    source: Source = "receiving",
    confidence: float = 0.95,
    interval: Literal["clopper_pearson", "wilson"] = "clopper_pearson",
) -> ArrivalRate:
    """Return how often what passed was unacceptable on arrival, each fraction with its two-sided interval.

    Withdrawn results do not count; disputed ones do, since the buyer has shown evidence. Field results tell
    of the units that came back, hardly ever of all in use: take their rate for what it is.

    Raises:
        EvidenceError: no such result: without exposure, no complaint proves nothing.
    """
    counted = [
        c.reported.arrival
        for c in claims
        if c.reported is not None and c.phase != "withdrawn" and c.reported.arrival.source == source
    ]
    if not counted:
        raise EvidenceError(f"no {source} result has been reported: without exposure there is no rate")
    fraction = clopper_pearson if interval == "clopper_pearson" else wilson
    lots = {a.lot for a in counted}
    bad = {a.lot for a in counted if a.unacceptable}
    units = sum(a.unacceptable for a in counted), sum(a.inspected for a in counted)
    return ArrivalRate(fraction(*units, confidence), fraction(len(bad), len(lots), confidence))


def _step(state: ClaimState, event: ClaimEvent, now: datetime) -> Events:
    _after(state, event, instant(stamp(now)))
    return (NewEvent(event.kind, state.id, event.model_dump(mode="json")),)


def _after(state: ClaimState, event: ClaimEvent, at: datetime) -> ClaimState:
    if isinstance(event, ClaimReported):
        if (
            state.phase != "absent"
            or not state.id.removeprefix("claim:")
            or not state.id.startswith("claim:")
        ):
            raise StepError(f"{state.id}: an arrival is reported once, under claim: and the buyer's number")
        require_signer(event.person, ("quality", "inspector"), event.buyers, f"{state.id}: reporting")
        if instant(event.arrival.found_at) > at:
            raise StepError(f"{state.id}: found_at {event.arrival.found_at} lies after {at.isoformat()}")
        return replace(state, phase="claimed" if event.arrival.unacceptable else "clean", reported=event)
    if state.reported is None:
        raise StepError(f"{state.id}: {event.kind} cannot follow: nothing was reported under this id")
    if isinstance(event, ClaimAnswered):
        require_signer(event.person, "quality", state.reported.suppliers, f"{state.id}: answering")
        if state.phase not in ("claimed", "disputed"):
            raise StepError(f"{state.id}: a result that is {state.phase} has no claim to answer")
        return replace(state, phase=event.outcome, decided=event)
    require_signer(event.person, "quality", state.reported.buyers, f"{state.id}: withdrawing")
    if state.phase == "withdrawn":
        raise StepError(f"{state.id} is withdrawn already")
    return replace(state, phase="withdrawn", decided=event)


def _check_lot(lot: LotState, arrival: Arrival) -> None:
    if arrival.lot != lot.lot:
        raise EvidenceError(f"the arrival is of lot {arrival.lot}, not of {lot.lot}")
    if lot.phase != "released":
        raise StepError(f"lot {lot.lot} is {lot.phase!r}: only what was released can arrive")
    if arrival.quantity > len(lot.serials):
        raise EvidenceError(
            f"lot {lot.lot}: quantity {arrival.quantity} is more than its {len(lot.serials)} units"
        )
    shipped = set(lot.serials)
    strange = [s for c in arrival.causes for s in c.serials if s not in shipped]
    if strange:
        raise EvidenceError(f"lot {lot.lot}: unit {strange[0]} is not among those released")
