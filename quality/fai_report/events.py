"""What a journal line of a first article inspection report says."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal, Self

from pydantic import Field, model_validator

from evidence import GoldenReference
from evidence.inspection import Name
from golden.catalogue import CharacteristicClass
from golden.regions import Closed
from golden.spec import DecisionRule
from quality.events import Person
from quality.fai_report.forms import FairForms, FaiTrigger, FaiType, Kind, Text


class RequiredCharacteristic(Closed):
    """A characteristic that the report accounts for, with what decides it.

    `variables` says that a technique gives variables data; `method` is how people or instruments prove it.
    """

    number: int
    id: Name
    name: str
    kind: Kind
    severity: CharacteristicClass
    variables: bool
    unit: str | None = None
    lower: float | None = None
    upper: float | None = None
    rule: DecisionRule
    method: str | None = None


class RequiredMaterial(Closed):
    """A material that form 2 accounts for, and who may make it."""

    name: str
    specification: str
    approved_manufacturers: tuple[str, ...]


class FairOpened(Closed):
    """A report is asked for: its configuration, what it accounts for, and who signs.

    `suppliers` and `buyers` are the parties of those roles; `approved_by` is the party whose approval
    makes the report valid.
    """

    kind: ClassVar[str] = "fair.opened"
    golden: GoldenReference
    part_number: Name
    part_revision: Name
    part_name: str
    suppliers: Annotated[tuple[str, ...], Field(min_length=1)]
    buyers: Annotated[tuple[str, ...], Field(min_length=1)]
    approved_by: Literal["supplier", "buyer"]
    fai_type: FaiType
    baseline: Name | None = None
    reason: Text | None = None
    trigger: FaiTrigger | None = None
    units: Annotated[int, Field(ge=1)]
    required: Annotated[tuple[RequiredCharacteristic, ...], Field(min_length=1)]
    materials: tuple[RequiredMaterial, ...] = ()


class FairSubmitted(Closed):
    """The filled forms, before any signature."""

    kind: ClassVar[str] = "fair.submitted"
    forms: FairForms
    person: Person


class _Signing(Closed):
    """A signature; a remote one names what the person saw (call record, pictures, inspection records)."""

    person: Person
    manner: Literal["on_site", "remote"] = "on_site"
    evidence: Text | None = None

    @model_validator(mode="after")
    def _seen(self) -> Self:
        if self.manner == "remote" and self.evidence is None:
            raise ValueError("a remote signature names its evidence: what the person saw")
        return self


class FairVerified(_Signing):
    """Fields 20 and 21; the date is the journal line's (UTC)."""

    kind: ClassVar[str] = "fair.verified"


class FairApproved(_Signing):
    """Fields 22 and 23."""

    kind: ClassVar[str] = "fair.approved"


class FairCustomerApproved(_Signing):
    """Fields 24 and 25."""

    kind: ClassVar[str] = "fair.customer_approved"


class FairReturned(Closed):
    """A signatory sends the forms back; signatures given so far are void."""

    kind: ClassVar[str] = "fair.returned"
    person: Person
    reason: Text


class FairTriggered(Closed):
    """An event after which the report is not valid any more: it calls for a full or a delta FAI.

    A delta (partial) FAI covers at least the `affected` characteristics.
    """

    kind: ClassVar[str] = "fair.triggered"
    trigger: FaiTrigger
    extent: FaiType
    description: Text
    affected: tuple[Name, ...] = ()
    person: Person

    @model_validator(mode="after")
    def _affected(self) -> Self:
        if (self.extent == "partial") != bool(self.affected):
            raise ValueError("a partial FAI names the affected characteristics, a full one needs none")
        return self


class FairProduced(Closed):
    """A lot was produced under the report: production has not lapsed."""

    kind: ClassVar[str] = "fair.produced"
    lot: Name


Signing = FairVerified | FairApproved | FairCustomerApproved
FairEvent = FairOpened | FairSubmitted | Signing | FairReturned | FairTriggered | FairProduced

FAIR_EVENTS: dict[str, type[FairEvent]] = {
    event.kind: event
    for event in (
        FairOpened, FairSubmitted, FairVerified, FairApproved, FairCustomerApproved, FairReturned,
        FairTriggered, FairProduced,
    )
}  # fmt: skip
