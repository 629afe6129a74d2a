"""The three forms of a first article inspection report (AS9102 Rev C, 2023-06), field by field.

Each model field carries its form, number and name. A required field ("R") must be there; a conditionally
required one ("CR") must be there when its condition holds, or when the row that it belongs to is there; the
rest are optional ("O"). Refusals name form, field and name. What has no number here (unit, limits, decision
rule, instrument) stands beside the form so that a result can be decided again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date
from typing import Annotated, Any, ClassVar, Literal, Self, cast

from pydantic import Field, model_validator
from pydantic.fields import FieldInfo

from evidence.inspection import Name
from golden import conformity
from golden.catalogue import CharacteristicClass
from golden.regions import Closed
from golden.spec import DecisionRule

Requirement = Literal["R", "CR", "O"]
FaiType = Literal["full", "partial"]
Outcome = Literal["conform", "nonconform", "undecided"]
Kind = Literal[
    "dimension", "colour", "surface", "component", "print", "code", "material", "functional", "attribute",
]  # fmt: skip
Text = Annotated[str, Field(min_length=1, max_length=500)]
FaiTrigger = Literal[
    "design", "process", "tooling", "material", "source", "location", "inspection_method", "program",
    "production_lapse", "natural_or_man_made_event", "corrective_action", "camera", "model_release",
]  # fmt: skip


@dataclass(frozen=True, slots=True)
class FormField:
    """A field of a form, as the standard numbers and names it."""

    number: int
    name: str


@dataclass(frozen=True, slots=True)
class Condition:
    """A field that must be given when something else on the form says so."""

    field: str
    holds: Callable[[Any], bool]
    why: str


class Form(Closed):
    """What forms and their rows share: refusals that name form, field and name."""

    form: ClassVar[int]
    conditions: ClassVar[tuple[Condition, ...]] = ()

    @model_validator(mode="before")
    @classmethod
    def _required(cls, given: Any) -> Any:  # noqa: ANN401 (whatever is given)
        if isinstance(given, dict):
            fields = cast("dict[str, Any]", given)
            for name, info in cls.model_fields.items():
                if info.is_required() and _blank(fields.get(name)):
                    raise ValueError(f"{cls.place(name)}: is required")
        return cast("Any", given)

    @model_validator(mode="after")
    def _conditional(self) -> Self:
        for condition in self.conditions:
            if _blank(getattr(self, condition.field)) and condition.holds(self):
                raise ValueError(f"{self.place(condition.field)}: is required {condition.why}")
        return self

    @classmethod
    def place(cls, name: str) -> str:
        """Return how a refusal calls a field: `form 1, field 9 (Manufacturing Process Reference)`."""
        mark = _mark(cls.model_fields[name])
        return (
            f"form {cls.form}, {name}"
            if mark is None
            else f"form {cls.form}, field {mark.number} ({mark.name})"
        )


def _blank(value: object) -> bool:
    return value is None or value == () or (isinstance(value, str) and not value.strip())


def _mark(info: FieldInfo) -> FormField | None:
    return next((m for m in info.metadata if isinstance(m, FormField)), None)


class IndexRow(Form):
    """Form 1, fields 15 to 18: a part of an assembly, and the report that covers it.

    A commercial off-the-shelf part has no report of its own.
    """

    form: ClassVar[int] = 1
    conditions: ClassVar = (
        Condition(
            "fair_identifier", lambda row: row.part_type != "off_the_shelf", "unless it is off the shelf"
        ),
    )

    part_number: Annotated[Text, FormField(15, "Part Number")]
    part_name: Annotated[Text, FormField(16, "Part Name")]
    part_type: Annotated[
        Literal["detail", "assembly", "off_the_shelf", "customer_furnished"], FormField(17, "Part Type")
    ]
    fair_identifier: Annotated[Text | None, FormField(18, "FAIR Identifier")] = None


class PartNumberAccountability(Form):
    """Form 1 up to field 19, and the comments: what was inspected, under which configuration, and why.

    `serialized` says whether units carry serial numbers; `trigger` is the event that a partial report
    answers.
    """

    form: ClassVar[int] = 1
    conditions: ClassVar = (
        Condition("serial_number", lambda form: form.serialized, "where units carry serial numbers"),
        Condition("part_revision", lambda form: form.drawing_revision is None, "without a drawing revision"),
        Condition(
            "drawing_number", lambda form: form.drawing_revision is not None, "with a drawing revision"
        ),
        Condition("drawing_revision", lambda form: form.drawing_number is not None, "with a drawing number"),
        Condition("additional_changes", lambda form: form.trigger == "design", "after a change of design"),
        Condition("index", lambda form: form.fai_of == "assembly", "for an assembly"),
        Condition(
            "baseline", lambda form: form.fai_type == "partial", "for a partial FAI: name its baseline"
        ),
        Condition("reason", lambda form: form.fai_type == "partial", "for a partial FAI: give its reason"),
    )

    part_number: Annotated[Text, FormField(1, "Part Number")]
    part_name: Annotated[Text, FormField(2, "Part Name")]
    serial_number: Annotated[tuple[Name, ...] | None, FormField(3, "Serial Number")] = None
    fair_identifier: Annotated[Text, FormField(4, "FAIR Identifier")]
    part_revision: Annotated[Text | None, FormField(5, "Part Revision Level")] = None
    drawing_number: Annotated[Text | None, FormField(6, "Drawing Number")] = None
    drawing_revision: Annotated[Text | None, FormField(7, "Drawing Revision Level")] = None
    additional_changes: Annotated[Text | None, FormField(8, "Additional Changes")] = None
    process_reference: Annotated[Text, FormField(9, "Manufacturing Process Reference")]
    organization: Annotated[Text, FormField(10, "Organization Name")]
    supplier_code: Annotated[Text | None, FormField(11, "Supplier Code")] = None
    purchase_order: Annotated[Text | None, FormField(12, "Purchase Order Number")] = None
    fai_of: Annotated[Literal["detail", "assembly"], FormField(13, "Detail FAI / Assembly FAI")]
    fai_type: Annotated[FaiType, FormField(14, "Full FAI / Partial FAI")]
    baseline: Annotated[Text | None, FormField(14, "Baseline Part Number and FAIR")] = None
    reason: Annotated[Text | None, FormField(14, "Reason for Full or Partial FAI")] = None
    index: tuple[IndexRow, ...] = ()
    documented_nonconformance: Annotated[
        bool, FormField(19, "Does FAIR Contain a Documented Nonconformance?")
    ]
    comments: Annotated[Text | None, FormField(26, "Comments")] = None
    serialized: bool = True
    trigger: FaiTrigger | None = None


class SignedPartNumberAccountability(PartNumberAccountability):
    """Form 1 with its signatures: verified, reviewed and approved, and by the customer where agreed."""

    conditions: ClassVar = PartNumberAccountability.conditions

    verified_by: Annotated[Text, FormField(20, "FAIR Verified By")]
    verified_on: Annotated[date, FormField(21, "Date")]
    approved_by: Annotated[Text, FormField(22, "FAIR Reviewed/Approved By")]
    approved_on: Annotated[date, FormField(23, "Date")]
    customer_approval: Annotated[Text | None, FormField(24, "Customer Approval")] = None
    customer_approved_on: Annotated[date | None, FormField(25, "Date")] = None


class _Header(Form):
    """What forms 2 and 3 repeat of form 1."""

    conditions: ClassVar = (
        Condition("serial_number", lambda form: form.serialized, "where units carry serial numbers"),
    )

    part_number: Annotated[Text, FormField(1, "Part Number")]
    part_name: Annotated[Text, FormField(2, "Part Name")]
    serial_number: Annotated[tuple[Name, ...] | None, FormField(3, "Serial Number")] = None
    fair_identifier: Annotated[Text, FormField(4, "FAIR Identifier")]
    serialized: bool = True


class MaterialRow(Form):
    """Form 2, fields 5 to 10: a material or special process, its source and its certificate."""

    form: ClassVar[int] = 2

    name: Annotated[Text, FormField(5, "Material or Process Name")]
    specification: Annotated[Text, FormField(6, "Specification Number")]
    code: Annotated[Text | None, FormField(7, "Code")] = None
    supplier: Annotated[Text, FormField(8, "Supplier")]
    customer_approval: Annotated[
        Literal["yes", "no", "not_applicable"], FormField(9, "Customer Approval Verification")
    ]
    certificate: Annotated[Text, FormField(10, "Certificate of Conformance Number")]


class FunctionalTestRow(Form):
    """Form 2, fields 11 and 12: a functional test procedure, and the report of its acceptance."""

    form: ClassVar[int] = 2

    procedure: Annotated[Text, FormField(11, "Functional Test Procedure Number")]
    report: Annotated[Text, FormField(12, "Acceptance Report Number")]
    characteristic: Name


class ProductAccountability(_Header):
    """Form 2: materials, special processes and functional tests."""

    form: ClassVar[int] = 2

    materials: tuple[MaterialRow, ...] = ()
    functional_tests: tuple[FunctionalTestRow, ...] = ()
    comments: Annotated[Text | None, FormField(13, "Comments")] = None


class UnitResult(Closed):
    """What was found on one unit, with which instrument, and what the decision rule makes of it."""

    serial: Name
    value: float | None = None
    standard_uncertainty: Annotated[float, Field(ge=0)] | None = None
    conform: bool | None = None
    decision: Outcome
    instrument: Text
    evidence: Text

    @model_validator(mode="after")
    def _one_of(self) -> Self:
        if (self.value is None) == (self.conform is None):
            raise ValueError(f"unit {self.serial}: give either a measured value or conform: true or false")
        if self.conform is not None and self.decision != ("conform" if self.conform else "nonconform"):
            raise ValueError(f"unit {self.serial}: conform is {self.conform}, yet called {self.decision}")
        return self


class CharacteristicRow(Form):
    """Form 3, fields 5 to 12: one characteristic, its requirement, and the result on every unit.

    `variables` says that a technique gives variables data; then each result is a measured value, and is
    decided again here with the limits and the rule. Attribute results name the designed or qualified tooling
    (or program and revision) that judged.
    """

    form: ClassVar[int] = 3
    conditions: ClassVar = (
        Condition(
            "reference_location",
            lambda row: row.kind in ("dimension", "colour", "component", "print", "code"),
            "on a drawn feature",
        ),
        Condition("designator", lambda row: row.severity == "critical", "for a critical characteristic"),
        Condition("tooling", lambda row: not row.variables, "for attribute results"),
        Condition("nonconformance", lambda row: not row.conforms, "where a result does not conform"),
    )

    number: Annotated[int, Field(ge=1), FormField(5, "Characteristic Number")]
    reference_location: Annotated[Text | None, FormField(6, "Reference Location")] = None
    designator: Annotated[Text | None, FormField(7, "Characteristic Designator")] = None
    requirement: Annotated[Text, FormField(8, "Requirement")]
    results: Annotated[tuple[UnitResult, ...], Field(min_length=1), FormField(9, "Results")]
    tooling: Annotated[Text | None, FormField(10, "Designed / Qualified Tooling")] = None
    nonconformance: Annotated[Text | None, FormField(11, "Nonconformance Number")] = None
    comments: Annotated[Text | None, FormField(12, "Additional Data / Comments")] = None
    id: Name
    kind: Kind
    severity: CharacteristicClass
    variables: bool
    unit: Text | None = None
    lower: float | None = None
    upper: float | None = None
    rule: DecisionRule

    @property
    def conforms(self) -> bool:
        """Return whether every unit's result conforms; an undecided one does not."""
        return all(result.decision == "conform" for result in self.results)

    @model_validator(mode="after")
    def _decided(self) -> Self:
        serials = [result.serial for result in self.results]
        if len(set(serials)) != len(serials):
            raise ValueError(f"{self.place('results')}: characteristic {self.number} has a unit twice")
        for result in self.results:
            where = f"{self.place('results')}: characteristic {self.number}, unit {result.serial}"
            if self.variables and result.value is None:
                raise ValueError(f"{where}: give the measured value; a technique gives variables data")
            if not self.variables and result.value is not None:
                raise ValueError(f"{where}: gives a value, yet no technique gives variables data")
            if result.value is not None:
                decided = decide_value(
                    result.value, result.standard_uncertainty, self.lower, self.upper, self.rule
                )
                if decided != result.decision:
                    raise ValueError(f"{where}: {result.value:g} is {decided}, not {result.decision}")
        return self


def decide_value(
    value: float, uncertainty: float | None, lower: float | None, upper: float | None, rule: DecisionRule
) -> Outcome:
    """Return what a rule makes of a value; a guarded rule leaves one of unstated uncertainty undecided.

    Outside the limits such a value may stand against a unit, never for it.

    Raises:
        ValueError: both limits are absent, or a number is not finite.
    """
    decided = conformity.decide(value, uncertainty or 0.0, lower, upper, rule)
    if uncertainty is None and rule.rule == "guarded" and decided == "conform":
        return "undecided"
    return decided


class CharacteristicAccountability(_Header):
    """Form 3: every characteristic accounted for."""

    form: ClassVar[int] = 3

    rows: Annotated[tuple[CharacteristicRow, ...], Field(min_length=1)]


class FairForms(Closed):
    """The three forms of one report; what they repeat of each other must agree."""

    form1: PartNumberAccountability
    form2: ProductAccountability
    form3: CharacteristicAccountability

    @model_validator(mode="after")
    def _agree(self) -> Self:
        for name in ("part_number", "part_name", "serial_number", "fair_identifier"):
            for form in (self.form2, self.form3):
                if getattr(form, name) != getattr(self.form1, name):
                    here, there = getattr(form, name), getattr(self.form1, name)
                    raise ValueError(f"{form.place(name)}: is {here!r}, on form 1 {there!r}")
        documented = bool(self.nonconforming)
        if self.form1.documented_nonconformance != documented:
            where = self.form1.place("documented_nonconformance")
            raise ValueError(f"{where}: must be {documented}: {len(self.nonconforming)} rows do not conform")
        numbers = [row.number for row in self.form3.rows]
        if len(set(numbers)) != len(numbers) or len({row.id for row in self.form3.rows}) != len(numbers):
            raise ValueError("form 3, field 5 (Characteristic Number): one is accounted for twice")
        return self

    @property
    def units(self) -> tuple[str, ...]:
        """Return the units of the report: by serial number, else as the first row names its pieces."""
        return self.form1.serial_number or tuple(result.serial for result in self.form3.rows[0].results)

    @property
    def nonconforming(self) -> tuple[CharacteristicRow, ...]:
        """Return the rows that do not conform."""
        return tuple(row for row in self.form3.rows if not row.conforms)


def requirements() -> dict[tuple[int, int], Requirement]:
    """Return the required status of every numbered field, by form and number, as the models enforce it."""
    order: tuple[Requirement, ...] = ("O", "CR", "R")
    found: dict[tuple[int, int], Requirement] = {}
    for form in (SignedPartNumberAccountability, ProductAccountability, CharacteristicAccountability):
        for number, status in _statuses(form, always=True):
            place = (form.form, number)
            found[place] = order[max(order.index(found.get(place, "O")), order.index(status))]
    return dict(sorted(found.items()))


_ROWS: dict[str, type[Form]] = {
    "index": IndexRow, "materials": MaterialRow, "functional_tests": FunctionalTestRow,
    "rows": CharacteristicRow,
}  # fmt: skip


def _statuses(form: type[Form], *, always: bool) -> Iterator[tuple[int, Requirement]]:
    """Yield number and status of a form's fields; a row that may be absent requires only conditionally."""
    conditional = {condition.field for condition in form.conditions}
    for name, info in form.model_fields.items():
        mark = _mark(info)
        if name in _ROWS:
            yield from _statuses(_ROWS[name], always=always and info.is_required())
        elif mark is not None and info.is_required():
            yield mark.number, "R" if always else "CR"
        elif mark is not None:
            yield mark.number, "CR" if name in conditional else "O"
