"""The physical samples: golden copies and limit samples that exist in the world, and whether they may judge.

The subject is `physical:<first 32 hex digits of the golden sample's digest>:<copy>`. A copy is what the
golden sample names: its id and seal number, its holder. It is in force once the supplier and the buyer have
signed it, and judges until it is retired, its colour has moved too far from its first reading, or its time
is over.

Steps (`now` is aware; each raises StepError or returns the events to append)
    seal_copy(state, spec, golden, person, pictures=, valid_until=, now=)   quality, supplier or buyer
    sign_copy(state, person, now=)                                          quality, each party once
    move_copy(state, person, holder=, storage=, now=)                       quality, supplier or buyer
    open_copy(state, person, reason=, seal_before=, seal_after=, now=)      quality, supplier or buyer
    measure_copy(state, person, readings, instrument=, now=)                inspector, supplier or buyer
    retire_copy(state, person, reason=, now=)                               quality, supplier or buyer
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field

from evidence import GoldenReference
from evidence.inspection import Digest, Name, Timestamp
from evidence.journal import JournalLine
from golden.regions import Closed
from golden.spec import GoldenSpec, LimitSample, PartyName
from quality.errors import StepError
from quality.events import NewEvent, Person, Role
from quality.folding import aware, fold, instant, make_event, read_event, stamp
from quality.sign_off import require_signer

Text = Annotated[str, Field(min_length=1, max_length=200)]
Seal = Annotated[str, Field(min_length=1, max_length=64)]
Reason = Annotated[str, Field(min_length=1, max_length=1000)]
Lab = tuple[float, float, float]
SampleKind = Literal["golden", "accepted_limit", "rejected_limit"]


class CopySealed(Closed):
    """A copy exists: what it is, its seal, who holds it where, and when it stops judging.

    `shows` and at least one picture are of a limit sample. `retire_delta_e` is in Delta E*ab.
    """

    kind: ClassVar[str] = "physical.sealed"
    golden: GoldenReference
    sample: SampleKind
    seal_number: Seal
    holder: Text
    storage: Text | None
    shows: str | None
    pictures: tuple[Digest, ...]
    retire_delta_e: Annotated[float, Field(gt=0)] | None
    valid_until: Timestamp | None
    supplier: PartyName
    buyer: PartyName
    person: Person


class CopySigned(Closed):
    """A party agrees that this copy shows what was agreed."""

    kind: ClassVar[str] = "physical.signed"
    person: Person


class CopyMoved(Closed):
    """A copy has another holder or place."""

    kind: ClassVar[str] = "physical.moved"
    holder: Text
    storage: Text
    person: Person


class CopyOpened(Closed):
    """A seal was broken and replaced: by whom and why."""

    kind: ClassVar[str] = "physical.opened"
    reason: Reason
    seal_before: Seal
    seal_after: Seal
    person: Person


class CopyMeasured(Closed):
    """L*a*b* of named places on a copy, by one instrument and method all its life."""

    kind: ClassVar[str] = "physical.measured"
    readings: Annotated[dict[Name, Lab], Field(min_length=1)]
    instrument: Name
    person: Person


class CopyRetired(Closed):
    """A copy judges no more."""

    kind: ClassVar[str] = "physical.retired"
    reason: Reason
    person: Person


PhysicalEvent = CopySealed | CopySigned | CopyMoved | CopyOpened | CopyMeasured | CopyRetired
PHYSICAL_EVENTS: dict[str, type[PhysicalEvent]] = {
    e.kind: e for e in (CopySealed, CopySigned, CopyMoved, CopyOpened, CopyMeasured, CopyRetired)
}


@dataclass(frozen=True, slots=True)
class PhysicalState:
    """A copy as its journal lines tell it. Read only.

    `signatures` is by party, with the time. `first` holds each place's first reading and `moved` the largest
    Delta E*ab from it that was ever read (CIE 1976, ISO/CIE 11664-4); `seals` are all that it ever had.
    """

    golden_digest: str
    copy: str
    sequence: int = 0
    sealed: CopySealed | None = None
    signatures: dict[str, tuple[Person, str]] = field(default_factory=dict[str, tuple[Person, str]])
    holder: str | None = None
    storage: str | None = None
    seals: tuple[str, ...] = ()
    openings: tuple[tuple[CopyOpened, str], ...] = ()
    measurements: tuple[tuple[CopyMeasured, str], ...] = ()
    first: dict[str, Lab] = field(default_factory=dict[str, Lab])
    moved: dict[str, float] = field(default_factory=dict[str, float])
    retired: tuple[CopyRetired, str] | None = None

    @property
    def subject(self) -> str:
        """The subject of its lines."""
        return f"physical:{self.golden_digest.removeprefix('sha256:')[:32]}:{self.copy}"

    def record(self) -> dict[str, Any]:
        """Return the JSON object."""
        seal = self.sealed
        return {
            "golden": self.golden_digest if seal is None else seal.golden.model_dump(),
            "copy": self.copy,
            "sample": None if seal is None else seal.sample,
            "shows": None if seal is None else seal.shows,
            "pictures": [] if seal is None else list(seal.pictures),
            "seal_number": self.seals[-1] if self.seals else None,
            "holder": self.holder,
            "storage": self.storage,
            "valid_until": None if seal is None else seal.valid_until,
            "retire_delta_e": None if seal is None else seal.retire_delta_e,
            "signatures": [_dated(person, at) for person, at in self.signatures.values()],
            "openings": [{**o.model_dump(mode="json"), "at": at} for o, at in self.openings],
            "measurements": [{**m.model_dump(mode="json"), "at": at} for m, at in self.measurements],
            "delta_e": dict(self.moved),
            "retired": None if self.retired is None else {
                **self.retired[0].model_dump(mode="json"), "at": self.retired[1],
            },
        }  # fmt: skip


def replay_physical(golden_digest: str, copy: str, lines: Iterable[JournalLine]) -> PhysicalState:
    """Return a copy's state from journal lines in order; lines of other subjects are skipped.

    Raises:
        StepError: a line of the copy does not follow from those before it.
    """
    state = PhysicalState(golden_digest, copy)
    return fold(state, state.subject, lines, apply_physical)


def apply_physical(state: PhysicalState, line: JournalLine) -> PhysicalState:
    """Return the state after one more line of the copy; the given state stays as it is.

    Raises:
        StepError: the line is of another subject, or does not follow from the state.
    """
    event = read_event(line, PHYSICAL_EVENTS, state.subject, state.sequence)
    return replace(_after(state, event, instant(line.time)), sequence=line.sequence)


def why_not_usable(state: PhysicalState, now: datetime) -> str | None:
    """Return why a copy may not judge now, or None where it may; raise StepError of a time without a zone."""
    at = aware(now)
    if state.sealed is None:
        return "it is not sealed"
    unsigned = [p for p in (state.sealed.supplier, state.sealed.buyer) if p not in state.signatures]
    if unsigned:
        return f"it is not signed by {' and '.join(unsigned)}"
    if state.retired is not None:
        return f"it is retired: {state.retired[0].reason}"
    if state.sealed.valid_until is not None and at >= instant(state.sealed.valid_until):
        return f"its time ended at {state.sealed.valid_until}"
    limit = state.sealed.retire_delta_e
    faded = [place for place, moved in state.moved.items() if limit is not None and moved > limit]
    if faded:
        return (
            f"its colour at {faded[0]} moved by {state.moved[faded[0]]:.2f}, more than {limit:g} Delta E*ab"
        )
    return None


def seal_copy(
    state: PhysicalState,
    spec: GoldenSpec,
    golden: GoldenReference,
    person: Person,
    *,
    pictures: Sequence[str] = (),
    valid_until: datetime | None = None,
    now: datetime,
) -> tuple[NewEvent, ...]:
    """Take a copy that the golden sample names into the books, as the golden sample describes it.

    Raises:
        StepError: the golden sample names no such copy or is another one, the copy is sealed already, a limit
            sample has no picture, or `valid_until` is not after now.
    """
    agreed = {s.id: s for s in (*spec.physical_samples, *spec.limit_samples)}.get(state.copy)
    if agreed is None:
        raise StepError(
            f"{state.subject}: the golden sample of {spec.part.number} names no copy {state.copy!r}"
        )
    limit = agreed if isinstance(agreed, LimitSample) else None
    event = make_event(
        CopySealed,
        state.subject,
        golden=golden,
        sample="golden" if limit is None else f"{limit.verdict}ed_limit",
        seal_number=agreed.seal_number,
        holder=agreed.holder,
        storage=None if isinstance(agreed, LimitSample) else agreed.storage,
        shows=None if limit is None else limit.shows,
        pictures=tuple(pictures),
        retire_delta_e=agreed.retire_delta_e,
        valid_until=None if valid_until is None else stamp(valid_until),
        supplier=spec.party("supplier").name,
        buyer=spec.party("buyer").name,
        person=person,
    )
    return _events(state, event, now)


def sign_copy(state: PhysicalState, person: Person, *, now: datetime) -> tuple[NewEvent, ...]:
    """Sign a copy for a party; raise StepError where the party has signed."""
    return _events(state, CopySigned(person=person), now)


def move_copy(
    state: PhysicalState, person: Person, *, holder: str, storage: str, now: datetime
) -> tuple[NewEvent, ...]:
    """Note another holder or place."""
    event = make_event(CopyMoved, state.subject, holder=holder, storage=storage, person=person)
    return _events(state, event, now)


def open_copy(
    state: PhysicalState, person: Person, *, reason: str, seal_before: str, seal_after: str, now: datetime
) -> tuple[NewEvent, ...]:
    """Note that a seal was broken and replaced.

    Raises:
        StepError: the seal before is not the copy's, or the one after is not new to it.
    """
    event = make_event(
        CopyOpened,
        state.subject,
        reason=reason,
        seal_before=seal_before,
        seal_after=seal_after,
        person=person,
    )
    return _events(state, event, now)


def measure_copy(
    state: PhysicalState, person: Person, readings: Mapping[str, Lab], *, instrument: str, now: datetime
) -> tuple[NewEvent, ...]:
    """Enter L*a*b* of named places; the first reading of a place is what later ones are compared with.

    A copy beyond its retirement limit may not judge from then on (`why_not_usable`), whatever follows.

    Raises:
        StepError: a place that was measured before is left out, or a reading is no L*a*b*.
    """
    event = make_event(
        CopyMeasured, state.subject, readings=dict(readings), instrument=instrument, person=person
    )
    return _events(state, event, now)


def retire_copy(state: PhysicalState, person: Person, *, reason: str, now: datetime) -> tuple[NewEvent, ...]:
    """Retire a copy; nothing follows."""
    return _events(state, make_event(CopyRetired, state.subject, reason=reason, person=person), now)


def _events(state: PhysicalState, event: PhysicalEvent, now: datetime) -> tuple[NewEvent, ...]:
    _after(state, event, aware(now))
    return (NewEvent(event.kind, state.subject, event.model_dump(mode="json")),)


def _after(state: PhysicalState, event: PhysicalEvent, now: datetime) -> PhysicalState:
    if isinstance(event, CopySealed):
        return _after_seal(state, event, now)
    if state.sealed is None:
        raise StepError(f"{state.subject}: {event.kind} cannot follow: the copy is sealed first")
    if state.retired is not None:
        raise StepError(
            f"{state.subject}: {event.kind} cannot follow: the copy was retired at {state.retired[1]}"
        )
    role: Role = "inspector" if isinstance(event, CopyMeasured) else "quality"
    parties = (state.sealed.supplier, state.sealed.buyer)
    require_signer(event.person, role, parties, f"{state.subject}: {event.kind}")
    at = stamp(now)
    match event:
        case CopySigned(person=person):
            if person.party in state.signatures:
                raise StepError(f"{state.subject}: {person.party} has signed already")
            return replace(state, signatures={**state.signatures, person.party: (person, at)})
        case CopyMoved():
            return replace(state, holder=event.holder, storage=event.storage)
        case CopyOpened():
            if event.seal_before != state.seals[-1] or event.seal_after in state.seals:
                raise StepError(
                    f"{state.subject}: its seal is {state.seals[-1]}, not {event.seal_before}, "
                    f"or {event.seal_after} is not a new one"
                )
            seals = (*state.seals, event.seal_after)
            return replace(state, seals=seals, openings=(*state.openings, (event, at)))
        case CopyMeasured():
            return _after_measurement(state, event, at)
        case CopyRetired():
            return replace(state, retired=(event, at))


def _after_seal(state: PhysicalState, event: CopySealed, now: datetime) -> PhysicalState:
    if state.sealed is not None:
        raise StepError(f"{state.subject}: is sealed already")
    if event.golden.digest != state.golden_digest:
        raise StepError(f"{state.subject}: is not a copy of golden sample {event.golden.digest}")
    require_signer(event.person, "quality", (event.supplier, event.buyer), f"{state.subject}: {event.kind}")
    if event.sample != "golden" and not (event.pictures and event.shows):
        raise StepError(f"{state.subject}: a limit sample needs a picture and what it shows")
    if event.valid_until is not None and instant(event.valid_until) <= now:
        raise StepError(f"{state.subject}: valid_until {event.valid_until} is not after now")
    return replace(
        state, sealed=event, holder=event.holder, storage=event.storage, seals=(event.seal_number,)
    )


def _after_measurement(state: PhysicalState, event: CopyMeasured, at: str) -> PhysicalState:
    absent = sorted(set(state.first) - set(event.readings))
    if absent:
        raise StepError(f"{state.subject}: {absent[0]} was measured before and has no reading now")
    first = {**event.readings, **state.first}
    moved = {
        place: max(math.dist(lab, first[place]), state.moved.get(place, 0.0))
        for place, lab in event.readings.items()
    }
    return replace(state, measurements=(*state.measurements, (event, at)), first=first, moved=moved)


def _dated(person: Person, at: str) -> dict[str, Any]:
    return {**person.model_dump(mode="json"), "at": at}
