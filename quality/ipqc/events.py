"""What a journal line of in-process control says; the subject is `ipqc:<lot>`."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal, Self

from pydantic import Field, model_validator

from evidence.inspection import Name, Timestamp
from golden.catalogue import CharacteristicClass
from golden.colours import InstrumentReading
from golden.plans import ChartKind, IpqcPlan, RuleSet
from golden.regions import Closed, Stated
from golden.spec import Colour, DecisionRule
from quality.events import Person, Reason, Role
from quality.spc import Limits

Outcome = Literal["conforming", "signal", "undecided", "out_of_specification"]
Parties = Annotated[tuple[str, ...], Field(min_length=1)]


class KeyScope(Closed):
    """A key characteristic as the golden sample defines it: what decides a value, and what charts it.

    `absolute` is a colour that has a reference, which an instrument's reading decides.
    """

    characteristic: Name
    severity: CharacteristicClass
    chart: ChartKind
    rules: RuleSet
    variables: bool
    unit: str | None = None
    lower: float | None = None
    upper: float | None = None
    rule: DecisionRule
    absolute: Stated[Colour] = None


class IpqcStarted(Closed):
    """Monitoring of the lot begins: plan, key characteristics, procedure, and who keeps the record."""

    kind: ClassVar[str] = "ipqc.started"
    plan: IpqcPlan
    keys: Annotated[tuple[KeyScope, ...], Field(min_length=1)]
    suppliers: Parties
    record_keeper: Person
    sop: Name
    sop_version: Name


class SopChanged(Closed):
    """The procedure has a new version; operators acknowledge it before they take samples."""

    kind: ClassVar[str] = "ipqc.sop_changed"
    sop_version: Name
    person: Person


class SopAcknowledged(Closed):
    """An operator has read this version of the procedure."""

    kind: ClassVar[str] = "ipqc.sop_acknowledged"
    sop_version: Name
    person: Person


class LimitsFrozen(Closed):
    """A characteristic is judged by these control limits from the next sample on."""

    kind: ClassVar[str] = "ipqc.limits_frozen"
    characteristic: Name
    limits: Limits
    reason: Reason
    person: Person


class Reading(Closed):
    """What an instrument gave on one unit: a value, or conform: true or false without variables data.

    Of a colour that has a reference it is `colour`, a spectrophotometer's reading, and the value follows.
    """

    serial: Name
    characteristic: Name
    value: float | None = None
    standard_uncertainty: Annotated[float, Field(ge=0)] | None = None
    conform: bool | None = None
    instrument: Annotated[str, Field(min_length=1, max_length=500)]
    colour: Stated[InstrumentReading] = None

    @model_validator(mode="after")
    def _one_of(self) -> Self:
        where = f"{self.characteristic} on {self.serial}"
        if self.colour is None and (self.value is None) == (self.conform is None):
            raise ValueError(f"{where}: give either a value or conform")
        if self.colour is not None and self.conform is not None:
            raise ValueError(f"{where}: a colour is read, conform is left out")
        if self.colour is not None and self.instrument != self.colour.instrument:
            raise ValueError(f"{where}: instrument is not the reading's, {self.colour.instrument}")
        return self


class Judgement(Closed):
    """What a sample says of a characteristic; `rules` are the run rules that signal at it."""

    characteristic: Name
    outcome: Outcome
    rules: tuple[str, ...] = ()


class Sampled(Closed):
    """A sample was taken and judged: against the specification, and on the chart where limits are frozen."""

    kind: ClassVar[str] = "ipqc.sampled"
    number: Annotated[int, Field(ge=1)]
    readings: Annotated[tuple[Reading, ...], Field(min_length=1)]
    operator: Person
    sop_version: Name
    judgements: tuple[Judgement, ...]


class SampleMissed(Closed):
    """A sample fell due by count or time and was not taken; `units` had been made when it was due."""

    kind: ClassVar[str] = "ipqc.missed"
    by: Literal["units", "minutes"]
    due_at: Timestamp
    units: Annotated[int, Field(ge=1)]


class SignalRaised(Closed):
    """A sample starts the reaction plan for a characteristic; the clock runs from the line's time."""

    kind: ClassVar[str] = "ipqc.signal"
    sample: Annotated[int, Field(ge=1)]
    characteristic: Name
    outcome: Literal["signal", "undecided", "out_of_specification"]
    rules: tuple[str, ...] = ()


class ReactionAcknowledged(Closed):
    """A person did the next step of the reaction plan (counted from 1)."""

    kind: ClassVar[str] = "ipqc.reaction_acknowledged"
    reaction: Name
    step: Annotated[int, Field(ge=1)]
    person: Person
    note: Reason


class ReactionEscalated(Closed):
    """The reaction is not done in the time of this level (counted from 1): the role there is told."""

    kind: ClassVar[str] = "ipqc.escalated"
    reaction: Name
    level: Annotated[int, Field(ge=1)]
    role: Role


IpqcEvent = (
    IpqcStarted | SopChanged | SopAcknowledged | LimitsFrozen | Sampled | SampleMissed | SignalRaised
    | ReactionAcknowledged | ReactionEscalated
)  # fmt: skip

IPQC_EVENTS: dict[str, type[IpqcEvent]] = {
    event.kind: event
    for event in (
        IpqcStarted, SopChanged, SopAcknowledged, LimitsFrozen, Sampled, SampleMissed, SignalRaised,
        ReactionAcknowledged, ReactionEscalated,
    )
}  # fmt: skip
