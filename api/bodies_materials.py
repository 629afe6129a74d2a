"""What clients send about material lots, units, cartons and shipments; who signs comes from the key."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Annotated, Literal

from pydantic import Field

from evidence.inspection import Digest, Name
from golden.regions import Closed, Identifier
from quality.materials import Delivery, Instrument

Quantity = Annotated[Decimal, Field(gt=0, max_digits=15, decimal_places=6)]
Reason = Annotated[str, Field(min_length=1, max_length=1000)]
Text = Annotated[str, Field(min_length=1, max_length=200)]
Serials = Annotated[tuple[Name, ...], Field(min_length=1, max_length=100_000)]


class NewMaterial(Closed):
    """A delivery of a material of a golden sample's bill of materials; `id` is the material lot's own.

    `restart` is the corrective action after which discontinued inspection is taken up again, tightened.
    """

    id: Identifier = Field(examples=["M-2026-07"])
    golden: Digest = Field(examples=["sha256:" + "5a" * 32])
    material: Identifier
    delivery: Delivery
    restart: Reason | None = None


class NewEvidence(Closed):
    """A document, label, picture or vision record by its digest, and what it states of the lot's origin."""

    proves: Text = Field(examples=["certificate of conformity"])
    form: Literal["certificate", "label", "report", "photograph", "vision"]
    digest: Digest
    reference: Text
    manufacturer: Text | None = None
    part_number: Text | None = None
    manufacturer_lot: Text | None = None


class MeasuredCheck(Closed):
    """The readings of a measured check, in its unit, and what measured them."""

    check: Name
    readings: Annotated[tuple[float, ...], Field(min_length=1, max_length=10_000)]
    instrument: Instrument
    records: Annotated[tuple[Digest, ...], Field(max_length=10_000)] = ()


class CountedCheck(Closed):
    """How many items of a yes-or-no check were inspected, and how many of them do not conform."""

    check: Name
    inspected: Annotated[int, Field(ge=1)]
    nonconforming: Annotated[int, Field(ge=0)]
    records: Annotated[tuple[Digest, ...], Field(max_length=10_000)] = ()


class Concession(Closed):
    """How much of a rejected lot may be used, until when (with a zone), and why."""

    quantity: Quantity
    expires: datetime
    reason: Reason


class Booking(Closed):
    """How much of the material goes into a production lot."""

    lot: Identifier
    quantity: Quantity


class MadeUnits(Closed):
    """Units that came out of one cavity; `materials` are the material lots known to be in them."""

    lot: Identifier
    serials: Serials
    cavity: Identifier | None = None
    materials: Annotated[tuple[Identifier, ...], Field(max_length=1000)] = ()


class PackedCarton(Closed):
    """Units, by lot, that were packed into a new carton."""

    carton: Identifier
    units: Annotated[dict[Identifier, Serials], Field(min_length=1, max_length=100)]


class SentShipment(Closed):
    """Cartons that left for a customer."""

    shipment: Identifier
    cartons: Annotated[tuple[Identifier, ...], Field(min_length=1, max_length=10_000)]
    customer: Name
