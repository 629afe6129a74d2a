"""What a journal line of a lot says: the kind and the body of each event."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Annotated, Any, ClassVar, Literal, TypeVar

from pydantic import Field

from evidence import GoldenReference, canonical_json, sha256
from evidence.inspection import Digest, Name, Verdict
from golden.catalogue import CharacteristicClass
from golden.plans import IndependentMeans, OqcPlan
from golden.regions import Closed, Identifier
from golden.spec import Party
from quality.colour_readings import ColourReadings
from quality.fai import FirstArticleDecision
from quality.folding import make_event
from quality.lot_draw import Draw, DrawRecord
from quality.outgoing import ClassSampling, OqcDecision
from quality.sampling import InspectionSeverity
from quality.unit_findings import Cause, Nonconformity, UnitFindings

Checkpoint = Literal["first_article", "production", "screening", "oqc", "late"]
Trigger = Literal[
    "critical_nonconformity", "first_article", "late_finding", "lot_rejected", "out_of_specification",
    "iqc_rejection", "buyer_claim",
]  # fmt: skip
Event = TypeVar("Event", bound=Closed)
MaterialCause = Annotated[str, Field(pattern=r"^(substitution|evidence|check):.")]
PersonName = Annotated[str, Field(min_length=1, max_length=128)]
Reason = Annotated[str, Field(min_length=1, max_length=1000)]
Role = Literal["inspector", "quality", "engineering", "production", "management"]


class Person(Closed):
    """A person who answers for a step, the party of the golden sample that they act for, and their roles."""

    name: PersonName
    party: Annotated[str, Field(min_length=1, max_length=200)]
    roles: tuple[Role, ...] = ()


class Resubmission(Closed):
    """A rejected lot that comes again as a new one: its units, each with who judged it before."""

    lot: Name
    units: dict[Name, tuple[Name, ...]]


class LotOpened(Closed):
    """A lot is made by this golden sample, and what that agrees about its outgoing control is fixed with it.

    `parties` and `decides` say whose person approves, clears, resolves and releases; `catalogue` is the
    digest of the catalogue. A resubmitted lot is screened in place of being produced.
    """

    kind: ClassVar[str] = "lot.opened"
    golden: GoldenReference
    part: Name
    revision: Name
    parties: Annotated[tuple[Party, ...], Field(min_length=1)]
    decides: Literal["supplier", "buyer"]
    oqc: OqcPlan
    catalogue: Digest
    resubmission: Resubmission | None = None


class InspectionRecorded(Closed):
    """A unit of the lot was inspected; before the approval of the first article it is quarantined.

    At the checkpoint `late` a record speaks against a unit that the frozen manifest holds. `sequence` is the
    station's own number of the record. `captured` is when its first and last frame were taken (RFC 3339 UTC,
    microseconds), null where it has no frame or one has no time. `means` says what makes the judgement of a
    sample unit independent of those before it.
    """

    kind: ClassVar[str] = "inspection.recorded"
    inspection: Name
    digest: Digest
    serial: Name
    station: Name
    verdict: Verdict
    checkpoint: Checkpoint
    findings: UnitFindings
    sequence: int | None = None
    captured: tuple[str, str] | None = None
    means: IndependentMeans | None = None


class FirstArticleDecided(Closed):
    """The first article was decided, item by item."""

    kind: ClassVar[str] = "fai.decided"
    decision: FirstArticleDecision


class FirstArticleApproved(Closed):
    """A person of the agreed party approved the accepted first article: production may start."""

    kind: ClassVar[str] = "fai.approved"
    person: Person


class LotQuarantined(Closed):
    """Units leave the accepted ones until a person clears them; after the freeze they stop the lot.

    A cause that names a characteristic, defect or counting rule has its non-conformance opened beside.
    """

    kind: ClassVar[str] = "lot.quarantined"
    serials: tuple[Name, ...]
    cause: Annotated[str, Field(min_length=1, max_length=200)]
    reason: Reason


class LotCleared(Closed):
    """A person cleared quarantined units: each is again what its own records make it."""

    kind: ClassVar[str] = "lot.cleared"
    serials: tuple[Name, ...]
    person: Person
    reason: Reason


class LotFrozen(Closed):
    """Production ended. The manifest holds the accepted units; rejected and held units have left the lot."""

    kind: ClassVar[str] = "lot.frozen"
    manifest: Digest
    serials: tuple[Name, ...]


class SampleDrawn(Closed):
    """The outgoing sample, and what each class asks of it at the severity of inspection in force.

    `series` is the subject of the series that the lot counts in, null of a lot that counts in none. `neutral`
    is how both parties chose the seed, null where one party did.
    """

    kind: ClassVar[str] = "oqc.drawn"
    draw: Draw
    samplings: tuple[ClassSampling, ...]
    severities: dict[CharacteristicClass, InspectionSeverity]
    neutral: DrawRecord | None
    series: Name | None


class UnitJudged(Closed):
    """A person judged a unit that no station has judged: of the sample, or of a lot that is screened."""

    kind: ClassVar[str] = "oqc.judged"
    serial: Name
    person: Person
    evidence: Reason
    nonconformities: tuple[Nonconformity, ...]
    readings: ColourReadings = ()


class ItemChecked(Closed):
    """A person checked an item of the outgoing checklist; `evidence` says what was seen."""

    kind: ClassVar[str] = "oqc.checked"
    item: Identifier
    person: Person
    conforms: bool
    evidence: Reason


class UnitResolved(Closed):
    """A person decided what a station left undecided on a unit of the sample, or cleared a late finding."""

    kind: ClassVar[str] = "oqc.resolved"
    serial: Name
    person: Person
    reason: Reason
    nonconformities: tuple[Nonconformity, ...]
    readings: ColourReadings = ()


class OqcDecided(Closed):
    """The outgoing decision; an undecided one leaves the lot drawn."""

    kind: ClassVar[str] = "oqc.decided"
    decision: OqcDecision


class LotResubmitted(Closed):
    """The rejected lot comes again, once, as another."""

    kind: ClassVar[str] = "lot.resubmitted"
    as_lot: Name


class LotReleased(Closed):
    """A person released the accepted lot for shipment. Nothing follows."""

    kind: ClassVar[str] = "lot.released"
    person: Person


class NonconformanceNoted(Closed):
    """A cause of nonconformity in a lot; the subject of its lines is the non-conformance's id.

    The lot may be a material lot (its subject), whose causes are those of receiving. `quantity` counts what
    is affected beside the named units, in the lot's unit.
    """

    lot: Name
    cause: Cause | MaterialCause
    severity: CharacteristicClass
    trigger: Trigger
    serials: tuple[Name, ...]
    inspections: tuple[Name, ...]
    quantity: Annotated[Decimal, Field(ge=0, max_digits=15, decimal_places=6)] = Decimal(0)


LotEvent = (
    LotOpened
    | InspectionRecorded
    | FirstArticleDecided
    | FirstArticleApproved
    | LotQuarantined
    | LotCleared
    | LotFrozen
    | SampleDrawn
    | UnitJudged
    | ItemChecked
    | UnitResolved
    | OqcDecided
    | LotResubmitted
    | LotReleased
)

LOT_EVENTS: dict[str, type[LotEvent]] = {
    event.kind: event
    for event in (
        LotOpened, InspectionRecorded, FirstArticleDecided, FirstArticleApproved, LotQuarantined,
        LotCleared, LotFrozen, SampleDrawn, UnitJudged, ItemChecked, UnitResolved, OqcDecided,
        LotResubmitted, LotReleased,
    )
}  # fmt: skip


def made(model: type[Event], **fields: object) -> Event:
    """Return an event of these fields; raise StepError naming the field that does not fit."""
    return make_event(model, model.__name__, **fields)


@dataclass(frozen=True, slots=True)
class NewEvent:
    """An event to append to the journal; `body` is a JSON object."""

    kind: str
    subject: str
    body: dict[str, Any]


def lot_event(lot: str, event: LotEvent) -> NewEvent:
    """Return a lot's event to append."""
    return NewEvent(event.kind, lot, event.model_dump(mode="json", by_alias=True))


def nonconformance_id(lot: str, cause: str) -> str:
    """Return the id of the one non-conformance that a lot has of a cause."""
    return "nc-" + sha256(canonical_json([lot, cause]))[7:39]


def nonconformance_events(known: Sequence[str], notes: Sequence[NonconformanceNoted]) -> tuple[NewEvent, ...]:
    """Return the events that note causes: opened where new in the lot, extended where known."""
    seen = set(known)
    events: list[NewEvent] = []
    for note in notes:
        verb = "extended" if note.cause in seen else "opened"
        seen.add(note.cause)
        body = note.model_dump(mode="json")
        events.append(NewEvent(f"nonconformance.{verb}", nonconformance_id(note.lot, note.cause), body))
    return tuple(events)
