"""What a journal line of a material lot says: the kind and the body of each event.

The subject is `material:<id>`. What the golden sample asks of the material stands in the first event, so that
every later line can be checked, and the record exported, from the lot's own lines.
"""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Annotated, ClassVar, Literal, Self

from pydantic import Field, model_validator

from evidence import GoldenReference
from evidence.inspection import Digest, Name, Timestamp
from golden.catalogue import CharacteristicClass
from golden.plans import IqcItem
from golden.regions import Closed
from golden.spec import Material, PartyName, refuse_duplicates
from quality.events import NewEvent, Person
from quality.sampling import InspectionSeverity

Quantity = Annotated[Decimal, Field(gt=0, max_digits=15, decimal_places=6)]
Text = Annotated[str, Field(min_length=1, max_length=200)]
Reason = Annotated[str, Field(min_length=1, max_length=1000)]
Cause = Annotated[str, Field(pattern=r"^(substitution|evidence|check):.")]


class AgreedMaterial(Closed):
    """What the golden sample asks of a material, and the parties who answer; every check has an id."""

    part: Name
    revision: Name
    material: Material
    items: tuple[IqcItem, ...]
    supplier: PartyName
    buyer: PartyName

    @model_validator(mode="after")
    def _checks(self) -> Self:
        if any(item.id is None or item.material != self.material.id for item in self.items):
            raise ValueError("items: each needs an id and must be of the material")
        refuse_duplicates("items.id", (str(item.id) for item in self.items))
        return self


class Delivery(Closed):
    """What came in: `supplier` delivered it, `manufacturer` made it; sampling counts `lot_size` items."""

    supplier: Text
    manufacturer: Text
    manufacturer_lot: Text
    part_number: Text
    quantity: Quantity
    unit: Annotated[str, Field(min_length=1, max_length=32)]
    lot_size: Annotated[int, Field(ge=1)]
    purchase_order: Text
    receipt: Text
    received_at: Timestamp


class MaterialReceived(Closed):
    """A material lot came in; `severities` are those of the checks that are sampled by AQL.

    `restart` is the corrective action after which its discontinued inspection was taken up again.
    """

    kind: ClassVar[str] = "material.received"
    golden: GoldenReference
    agreed: AgreedMaterial
    delivery: Delivery
    severities: dict[Name, InspectionSeverity]
    person: Person
    restart: Reason | None = None


class MaterialNonconforming(Closed):
    """A cause for which the lot does not conform: substitution:WHAT, evidence:KIND or check:ID."""

    kind: ClassVar[str] = "material.nonconforming"
    cause: Cause
    severity: CharacteristicClass
    agreed: Annotated[str, Field(min_length=1)]
    found: Annotated[str, Field(min_length=1)]


class EvidenceAdded(Closed):
    """A document, label, picture or vision record by its digest, and what it says of the lot's origin.

    `proves` is the piece of evidence in the golden sample's own words.
    """

    kind: ClassVar[str] = "material.evidence_added"
    proves: Text
    form: Literal["certificate", "label", "report", "photograph", "vision"]
    digest: Digest
    reference: Text
    manufacturer: Text | None = None
    part_number: Text | None = None
    manufacturer_lot: Text | None = None
    person: Person


class Instrument(Closed):
    """What measured, and the last day of its calibration."""

    id: Name
    calibration_due: date


class CheckInspected(Closed):
    """A check's result: how many items were inspected and did not conform; readings in the check's unit.

    `records` are the vision records it rests on.
    """

    kind: ClassVar[str] = "material.inspected"
    check: Name
    inspected: Annotated[int, Field(ge=1)]
    nonconforming: Annotated[int, Field(ge=0)]
    readings: tuple[float, ...] = ()
    instrument: Instrument | None = None
    records: tuple[Digest, ...] = ()
    person: Person

    @model_validator(mode="after")
    def _counts(self) -> Self:
        if self.nonconforming > self.inspected:
            raise ValueError(
                f"nonconforming {self.nonconforming} of {self.inspected} inspected: correct them"
            )
        return self


class MaterialDecided(Closed):
    """A person signed what follows from the results.

    `switching_after` is the next delivery's severity of each check that was sampled by AQL.
    """

    kind: ClassVar[str] = "material.decided"
    outcome: Literal["accept", "reject"]
    switching_after: dict[Name, InspectionSeverity | Literal["discontinued"]]
    person: Person


class MaterialConceded(Closed):
    """The buyer lets this much of a rejected lot be used until then."""

    kind: ClassVar[str] = "material.conceded"
    quantity: Quantity
    expires: Timestamp
    reason: Reason
    person: Person


class MaterialBooked(Closed):
    """This much went into a production lot."""

    kind: ClassVar[str] = "material.booked"
    lot: Name
    quantity: Quantity
    person: Person


MaterialEvent = (
    MaterialReceived
    | MaterialNonconforming
    | EvidenceAdded
    | CheckInspected
    | MaterialDecided
    | MaterialConceded
    | MaterialBooked
)

MATERIAL_EVENTS: dict[str, type[MaterialEvent]] = {
    event.kind: event
    for event in (
        MaterialReceived, MaterialNonconforming, EvidenceAdded, CheckInspected, MaterialDecided,
        MaterialConceded, MaterialBooked,
    )
}  # fmt: skip


def material_event(subject: str, event: MaterialEvent) -> NewEvent:
    """Return a material lot's event to append."""
    return NewEvent(event.kind, subject, event.model_dump(mode="json"))
