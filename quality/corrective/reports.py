"""The nine reports of an 8D (D0 to D8): a field without default is required.

Texts say what was found and done; `evidence` names records, pictures or measurements by digest or number.
"""

from __future__ import annotations

from datetime import date
from typing import Annotated, ClassVar, Literal, Self

from pydantic import Field, TypeAdapter, model_validator

from evidence.inspection import Name, Timestamp
from golden.regions import Closed
from quality.corrective.criterion import Criterion
from quality.events import PersonName

Discipline = Literal["D0", "D1", "D2", "D3", "D4", "D5", "D6", "D7", "D8"]
DISCIPLINES: tuple[Discipline, ...] = ("D0", "D1", "D2", "D3", "D4", "D5", "D6", "D7", "D8")
Text = Annotated[str, Field(min_length=1, max_length=4000)]
Evidence = Annotated[tuple[Name, ...], Field(min_length=1)]


class EmergencyResponse(Closed):
    """D0: what is suspect, and what was done at once."""

    title: ClassVar[str] = "symptom / emergency response"
    discipline: Literal["D0"] = "D0"
    nonconformance: Name
    opened_at: Timestamp
    source: Text
    part: Name
    revision: Name
    lots: Annotated[tuple[Name, ...], Field(min_length=1)]
    quantity_suspect: Annotated[int, Field(ge=0)]
    response: Text
    response_verified: Text


class Member(Closed):
    """A member of the team, and what they answer for."""

    name: PersonName
    function: Text


class Team(Closed):
    """D1: who works on it."""

    title: ClassVar[str] = "team"
    discipline: Literal["D1"] = "D1"
    champion: PersonName
    leader: PersonName
    members: Annotated[tuple[Member, ...], Field(min_length=1)]


class Problem(Closed):
    """D2: what the problem is, and what it is not."""

    title: ClassVar[str] = "problem description"
    discipline: Literal["D2"] = "D2"
    is_is_not: Text
    where: Text
    when: Text
    how_many: Annotated[int, Field(ge=1)]
    defect_class: Text
    evidence: Evidence
    requirement: Text


class Sorted(Closed):
    """What was sorted at one place."""

    place: Text
    checked: Annotated[int, Field(ge=0)]
    nonconforming: Annotated[int, Field(ge=0)]

    @model_validator(mode="after")
    def _not_more(self) -> Self:
        if self.nonconforming > self.checked:
            raise ValueError(f"{self.place}: {self.nonconforming} nonconforming of {self.checked} checked")
        return self


class Containment(Closed):
    """D3: what keeps nonconforming units from the buyer until the action works.

    `stock` counts every place (supplier, transit, buyer); `clean_from` says how good units are known.
    """

    title: ClassVar[str] = "interim containment"
    discipline: Literal["D3"] = "D3"
    actions: Text
    stock: Annotated[tuple[Sorted, ...], Field(min_length=1)]
    clean_from: Text
    in_force_from: Timestamp
    verified: Text


class RootCause(Closed):
    """D4: why it arose and why it escaped, shown by evidence."""

    title: ClassVar[str] = "root cause"
    discipline: Literal["D4"] = "D4"
    occurrence: Text
    escape: Text
    method: Text
    evidence: Evidence


class Action(Closed):
    """A permanent corrective action, what it acts against, who owns it, and until when."""

    against: Literal["occurrence", "escape"]
    description: Text
    owner: PersonName
    due: date


class PermanentActions(Closed):
    """D5: the chosen actions, how they were verified, and the criterion that will show them effective."""

    title: ClassVar[str] = "permanent corrective actions"
    discipline: Literal["D5"] = "D5"
    actions: Annotated[tuple[Action, ...], Field(min_length=1)]
    verification: Text
    criterion: Criterion

    @model_validator(mode="after")
    def _both(self) -> Self:
        missing = {"occurrence", "escape"} - {a.against for a in self.actions}
        if missing:
            raise ValueError(
                f"no action against {' and '.join(sorted(missing))}: D5 answers both root causes"
            )
        return self


class Implementation(Closed):
    """D6: the actions are in force since then."""

    title: ClassVar[str] = "implementation and validation"
    discipline: Literal["D6"] = "D6"
    implemented_at: Timestamp
    validation: Text
    evidence: Evidence


class Prevention(Closed):
    """D7: what else changes so that it arises nowhere again."""

    title: ClassVar[str] = "prevention of recurrence"
    discipline: Literal["D7"] = "D7"
    documents_updated: Evidence
    read_across: Text


class Closure(Closed):
    """D8: the result, and the team is thanked."""

    title: ClassVar[str] = "closure and recognition"
    discipline: Literal["D8"] = "D8"
    effectiveness_result: Text
    closed_by: PersonName
    closed_at: Timestamp
    customer_acceptance: Text
    team_recognition: Text


Report = (
    EmergencyResponse
    | Team
    | Problem
    | Containment
    | RootCause
    | PermanentActions
    | Implementation
    | Prevention
    | Closure
)

REPORTS: dict[Discipline, type[Report]] = {
    "D0": EmergencyResponse, "D1": Team, "D2": Problem, "D3": Containment, "D4": RootCause,
    "D5": PermanentActions, "D6": Implementation, "D7": Prevention, "D8": Closure,
}  # fmt: skip

AnyReport: TypeAdapter[Report] = TypeAdapter(Annotated[Report, Field(discriminator="discipline")])


def required_fields(discipline: Discipline) -> tuple[str, ...]:
    """Return the fields that a report of that discipline cannot lack, in their order."""
    return tuple(name for name, field in REPORTS[discipline].model_fields.items() if field.is_required())
