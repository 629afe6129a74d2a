"""What clients send about first pieces and in-process control."""

from __future__ import annotations

from typing import Annotated, Self

from pydantic import Field, model_validator

from api.bodies import Sentence
from evidence.inspection import Name
from golden.regions import Closed, Identifier
from quality import EnteredResult
from quality.fai_report.first_piece import Occasion
from quality.ipqc import Reading


class FirstPieceCall(Closed):
    """A change of shift, a changeover or a restart, and what it is called."""

    occasion: Occasion
    label: Name = Field(examples=["night shift, 1 July"])


class FirstPieces(Closed):
    """The first pieces by cavity (or `line`), their inspections, and what people entered about them."""

    pieces: Annotated[
        dict[Name, Annotated[tuple[Name, ...], Field(max_length=100)]], Field(min_length=1, max_length=256)
    ] = Field(examples=[{"line": ["S4-0007"]}])
    inspections: Annotated[tuple[Name, ...], Field(min_length=1, max_length=1000)]
    entered: Annotated[tuple[EnteredResult, ...], Field(max_length=10_000)] = ()


class Procedure(Closed):
    """The procedure that in-process control starts with."""

    sop: Name = Field(examples=["WI-7"])
    sop_version: Name = Field(examples=["B"])


class ProcedureVersion(Closed):
    """A version of the procedure."""

    sop_version: Name = Field(examples=["C"])


class NewLimits(Closed):
    """Control limits to freeze: estimated from the samples taken so far, or entered with their centre.

    `exclude` gives the numbers of samples with a known assignable cause, and the cause; `sigma` is that of a
    single value, left out of a chart of counts.
    """

    characteristic: Identifier
    reason: Sentence
    exclude: dict[str, Sentence] = Field(default_factory=dict[str, str], max_length=1000)
    centre: float | None = None
    sigma: Annotated[float, Field(gt=0)] | None = None

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        if self.centre is None and self.sigma is not None:
            raise ValueError("entered limits need their centre")
        if self.centre is not None and self.exclude:
            raise ValueError("entered limits exclude no samples")
        return self


class NewSample(Closed):
    """An in-process sample: one reading of every key characteristic on every unit of it."""

    readings: Annotated[tuple[Reading, ...], Field(min_length=1, max_length=10_000)]


class ReactionStep(Closed):
    """What was done for the next step of a reaction plan; a reaction is `<sample>:<characteristic>`."""

    reaction: Name = Field(examples=["7:hole"])
    note: Sentence
