"""What a journal line of a corrective action says. The subject is `capa:` and the non-conformance's id."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from evidence.inspection import Name, Timestamp
from golden.catalogue import CharacteristicClass
from golden.plans import Deadlines
from golden.regions import Closed
from quality.corrective.criterion import LotEvidence, Outcome
from quality.corrective.reports import Discipline, Report
from quality.events import MaterialCause, NewEvent, Person, Reason
from quality.unit_findings import Cause

Parties = Annotated[tuple[Name, ...], Field(min_length=1)]


class CapaOpened(Closed):
    """A corrective action is asked for; parties and deadlines are those of the golden sample.

    `opened_at` is when the non-conformance opened: the clocks run from there.
    """

    kind: ClassVar[str] = "capa.opened"
    nonconformance: Name
    lot: Name
    cause: Cause | MaterialCause
    severity: CharacteristicClass
    part: Name
    revision: Name
    opened_at: Timestamp
    suppliers: Parties
    buyers: Parties
    deadlines: Deadlines
    person: Person


class CapaSubmitted(Closed):
    """The supplier submits a discipline's report."""

    kind: ClassVar[str] = "capa.submitted"
    report: Annotated[Report, Field(discriminator="discipline")]
    person: Person


class CapaApproved(Closed):
    """The buyer approves it; `weak_criterion` says why a criterion that cannot show its claim is accepted."""

    kind: ClassVar[str] = "capa.approved"
    discipline: Discipline
    person: Person
    weak_criterion: Reason | None = None


class CapaRejected(Closed):
    """The buyer sends it back."""

    kind: ClassVar[str] = "capa.rejected"
    discipline: Discipline
    person: Person
    reason: Reason


class LotObserved(Closed):
    """A later lot was inspected for the cause."""

    kind: ClassVar[str] = "capa.observed"
    evidence: LotEvidence
    person: Person


class EffectivenessVerified(Closed):
    """A person who does not own the action says what the later lots show."""

    kind: ClassVar[str] = "capa.verified"
    outcome: Outcome
    person: Person


class CauseRecurred(Closed):
    """The same cause opened a non-conformance in another lot of the part."""

    kind: ClassVar[str] = "capa.recurred"
    nonconformance: Name
    lot: Name
    cause: Cause | MaterialCause
    part: Name


class RecurrenceReviewed(Closed):
    """The buyer says whether the repeat is the same failure: confirmed reopens, else containment ends."""

    kind: ClassVar[str] = "capa.reviewed"
    nonconformance: Name
    outcome: Literal["confirmed", "dismissed"]
    reason: Reason
    person: Person


CapaEvent = (
    CapaOpened
    | CapaSubmitted
    | CapaApproved
    | CapaRejected
    | LotObserved
    | EffectivenessVerified
    | CauseRecurred
    | RecurrenceReviewed
)

CAPA_EVENTS: dict[str, type[CapaEvent]] = {
    event.kind: event
    for event in (
        CapaOpened, CapaSubmitted, CapaApproved, CapaRejected, LotObserved, EffectivenessVerified,
        CauseRecurred, RecurrenceReviewed,
    )
}  # fmt: skip


def capa_id(nonconformance: str) -> str:
    """Return the subject of the corrective action on a non-conformance."""
    return f"capa:{nonconformance}"


def capa_event(capa: str, event: CapaEvent) -> NewEvent:
    """Return an event of a corrective action to append."""
    return NewEvent(event.kind, capa, event.model_dump(mode="json"))
