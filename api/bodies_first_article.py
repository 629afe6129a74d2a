"""What clients send about first article inspection reports (AS9102 Rev C)."""

from __future__ import annotations

from typing import Annotated, Any, Literal, Self

from pydantic import Field, model_validator

from api.bodies import LotId
from evidence.inspection import Digest, Name
from golden.regions import Closed, Identifier
from quality import EnteredResult
from quality.fai_report import FairForms, FaiTrigger, FaiType, MaterialRow

Text = Annotated[str, Field(min_length=1, max_length=500)]


class NewFair(Closed):
    """A report to ask for: full, or partial of some characteristics with its baseline and reason."""

    identifier: Identifier = Field(examples=["FAIR-2026-007"])
    golden: Digest = Field(examples=["sha256:" + "5a" * 32])
    characteristics: Annotated[tuple[Identifier, ...], Field(min_length=1)] | None = None
    baseline: Identifier | None = None
    reason: Text | None = None
    trigger: FaiTrigger | None = None


class FormsOfRecords(Closed):
    """What fills the forms: recorded inspections, entered results, and what only people know.

    `form1` holds the fields of form 1 that no record holds, at least `process_reference` and `fai_of`;
    `nonconformances` the number of each characteristic that does not conform; `instruments` what measured a
    characteristic where its results do not say.
    """

    inspections: Annotated[tuple[Name, ...], Field(min_length=1, max_length=100)]
    entered: Annotated[tuple[EnteredResult, ...], Field(max_length=10_000)] = ()
    form1: dict[str, Any] = Field(examples=[{"process_reference": "WO-1", "fai_of": "detail"}])
    materials: Annotated[tuple[MaterialRow, ...], Field(max_length=1000)] = ()
    nonconformances: dict[Identifier, Text] = Field(default_factory=dict[str, str])
    instruments: dict[Identifier, Text] = Field(default_factory=dict[str, str])


class FairSubmission(Closed):
    """The filled forms, or the records that the server fills them from."""

    forms: FairForms | None = None
    records: FormsOfRecords | None = None

    @model_validator(mode="after")
    def _one_of(self) -> Self:
        if (self.forms is None) == (self.records is None):
            raise ValueError("give either forms or records")
        return self


class FairSignature(Closed):
    """How a person signs; a remote signature names what the person saw."""

    manner: Literal["on_site", "remote"] = "on_site"
    evidence: Text | None = None


class FairReturn(Closed):
    """Why the forms go back to whoever fills them."""

    reason: Text


class FairTrigger(Closed):
    """An event after which the report is not valid any more; a partial extent names what it affects."""

    trigger: FaiTrigger
    extent: FaiType
    description: Text
    affected: Annotated[tuple[Identifier, ...], Field(max_length=1000)] = ()


class FairProduction(Closed):
    """A lot that was produced under the report."""

    lot: LotId
