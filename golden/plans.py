"""What is agreed about the six checkpoints: plans, editions, AQLs, deadlines. Pure data."""

from __future__ import annotations

from datetime import date
from itertools import pairwise
from typing import Annotated, Literal, Self
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import Field, field_validator, model_validator

from golden.catalogue import CharacteristicClass
from golden.regions import Closed, Identifier

SamplingStandard = Literal["ISO 2859-1:1999", "ANSI/ASQ Z1.4-2003 (R2018)"]
SamplingType = Literal["single", "double"]
InspectionLevel = Literal["S-1", "S-2", "S-3", "S-4", "I", "II", "III"]
ChartKind = Literal["xbar_r", "xbar_s", "i_mr", "p", "np"]
RuleSet = Annotated[str, Field(pattern=r"^(nelson|western_electric|aiag)( [1-8])*$")]
CountingBasis = Literal["nonconforming_units", "nonconformities_per_100_units"]
SeedSource = Literal["single_party", "both_parties"]
IndependentMeans = Literal["second_station", "refixtured", "person"]

AQLS = (
    "0.010", "0.015", "0.025", "0.040", "0.065", "0.10", "0.15", "0.25", "0.40", "0.65", "1.0", "1.5", "2.5",
    "4.0", "6.5", "10", "15", "25", "40", "65", "100", "150", "250", "400", "650", "1000",
)  # fmt: skip


class LimitingQuality(Closed):
    """The fraction nonconforming of one lot that is to be accepted with probability `consumer_risk` at most.

    The sample is the smallest that does so with the acceptance number `Ac`, computed for the lot's size.
    """

    fraction: Annotated[float, Field(gt=0, le=1)]
    consumer_risk: Annotated[float, Field(gt=0, lt=1)] = 0.10
    Ac: Annotated[int, Field(ge=0, le=1000)] = 0


class ClassPlan(Closed):
    """Sampling of one severity class: an AQL as printed in the standard, 100 %, or a limiting quality.

    `limiting_quality` is for isolated lots. Null is not written, so that agreements from before it keep
    their bytes.
    """

    aql: Annotated[str, Field(max_length=8)] | None = None
    every_unit: bool = False
    limiting_quality: LimitingQuality | None = Field(default=None, exclude_if=lambda limit: limit is None)

    @model_validator(mode="after")
    def _one_of(self) -> Self:
        if [self.aql is not None, self.every_unit, self.limiting_quality is not None].count(True) != 1:
            raise ValueError("give one of aql, every_unit: true and limiting_quality")
        if self.aql is not None and self.aql not in AQLS:
            raise ValueError(f"aql {self.aql!r} is not a printed value; these are: {', '.join(AQLS)}")
        return self


class ChecklistItem(Closed):
    """One thing beside the units that a person checks before shipment; a failed item counts in its class."""

    id: Identifier
    item: Annotated[str, Field(min_length=1, max_length=500)]
    severity: CharacteristicClass = "major"


class OqcPlan(Closed):
    """Outgoing inspection: one standard, edition included, and a plan per severity class.

    Critical is inspected on every unit: a sample that finds none proves little (see decision 0003). Double
    sampling takes a second sample where the first does not decide; it is held of Z1.4 only.

    `severity` is that of the first lot of a continuing series, which the switching rules then change; an
    isolated lot is not switched. `means` are the independent ways to judge a sample unit: a station that has
    not judged it before, the same station on a capture after the draw with the unit fixed anew, or a person.
    `draw` says who chooses the seed of the draw.
    """

    standard: SamplingStandard = "ISO 2859-1:1999"
    sampling: SamplingType = "single"
    level: InspectionLevel = "II"
    severity: Literal["normal", "tightened", "reduced"] = "normal"
    counting: CountingBasis = "nonconforming_units"
    critical: ClassPlan = ClassPlan(every_unit=True)
    major: ClassPlan = ClassPlan(aql="1.0")
    minor: ClassPlan = ClassPlan(aql="2.5")
    lots: Literal["continuing", "isolated"] = "continuing"
    draw: SeedSource = "single_party"
    means: Annotated[tuple[IndependentMeans, ...], Field(min_length=1)] = ("second_station", "person")
    checklist: Annotated[tuple[ChecklistItem, ...], Field(max_length=100)] = ()

    @model_validator(mode="after")
    def _once(self) -> Self:
        ids = [item.id for item in self.checklist]
        if len(set(ids)) != len(ids):
            raise ValueError("checklist: two items have one id; give each its own")
        return self

    @model_validator(mode="after")
    def _held(self) -> Self:
        if self.sampling == "double" and self.standard == "ISO 2859-1:1999":
            raise ValueError("sampling: double plans are held of ANSI/ASQ Z1.4-2003 (R2018) only; use single")
        return self

    @model_validator(mode="after")
    def _percent(self) -> Self:
        if not self.critical.every_unit:
            raise ValueError("critical: every unit must be inspected (every_unit: true)")
        units = self.counting == "nonconforming_units"
        for name, plan in (("major", self.major), ("minor", self.minor)):
            if plan.aql is not None and units and float(plan.aql) > 10:
                raise ValueError(f"{name}: an AQL above 10 counts nonconformities per 100 units only")
            if plan.limiting_quality is not None and not (units and self.lots == "isolated"):
                raise ValueError(
                    f"{name}: a limiting quality is of one lot and of nonconforming units: set lots to "
                    "isolated and counting to nonconforming_units, or agree on an AQL"
                )
        return self


class IqcSampling(Closed):
    """How many items of a delivery are inspected: an AQL of one standard, a share of them, or every item.

    `share` rounds up and accepts no nonconforming item, as every item does.
    """

    aql: Annotated[str, Field(max_length=8)] | None = None
    level: InspectionLevel = "II"
    standard: SamplingStandard = "ISO 2859-1:1999"
    share: Annotated[float, Field(gt=0, lt=1)] | None = None
    every_item: bool = False

    @model_validator(mode="after")
    def _one_of(self) -> Self:
        if [self.aql is not None, self.share is not None, self.every_item].count(True) != 1:
            raise ValueError("give one of aql, share and every_item: true")
        if self.aql is not None and self.aql not in AQLS:
            raise ValueError(f"aql {self.aql!r} is not a printed value; these are: {', '.join(AQLS)}")
        if self.aql is not None and float(self.aql) > 10:
            raise ValueError(f"aql {self.aql}: above 10 it counts nonconformities; items are counted here")
        return self


class IqcItem(Closed):
    """One check of an incoming material: by which method and standard, on how many, with which evidence.

    With a unit it is a measured value with limits (inclusive); without, each item conforms or does not.
    `sample` says the sample in words; `sampling` decides, and where it is absent one item of a delivery is
    inspected. `evidence` names what must be at hand besides the material's own `required_evidence`.
    """

    id: Identifier | None = None
    material: Identifier
    check: Annotated[str, Field(min_length=1, max_length=500)]
    method: Annotated[str, Field(min_length=1, max_length=500)]
    sample: Annotated[str, Field(min_length=1, max_length=100)]
    standard: Annotated[str, Field(min_length=1, max_length=200)] | None = None
    severity: CharacteristicClass = "major"
    sampling: IqcSampling | None = None
    evidence: tuple[Annotated[str, Field(min_length=1, max_length=200)], ...] = ()
    unit: Annotated[str, Field(min_length=1, max_length=32)] | None = None
    lower: float | None = None
    upper: float | None = None

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        limits = [limit for limit in (self.lower, self.upper) if limit is not None]
        if bool(limits) != (self.unit is not None):
            raise ValueError(
                "a measured check needs a unit and a limit (lower, upper or both); give all or none"
            )
        if len(limits) == 2 and limits[0] >= limits[1]:
            raise ValueError(
                f"lower {limits[0]:g} must be below upper {limits[1]:g}: exchange or correct them"
            )
        if self.severity == "critical" and self.sampling is not None and self.sampling.aql is not None:
            raise ValueError("a critical check is not sampled by AQL: use every_item or share")
        return self


class FaiPlan(Closed):
    """First article: how many units, and which party's person approves.

    After each change of shift and each changeover the first `first_piece_units` of every cavity or line in
    `cavities` are the first pieces; without cavities there is one line. With `materials_booked` production
    opens, and ends, only with what the bill of materials asks for the units made booked to the lot.
    """

    units: Annotated[int, Field(ge=1, le=100)] = 1
    approved_by: Literal["supplier", "buyer"] = "buyer"
    first_piece_units: Annotated[int, Field(ge=1, le=100)] = 1
    cavities: Annotated[tuple[Identifier, ...], Field(max_length=256)] = ()
    materials_booked: bool = Field(default=False, exclude_if=lambda asked: not asked)

    @model_validator(mode="after")
    def _once(self) -> Self:
        if len(set(self.cavities)) != len(self.cavities):
            raise ValueError("cavities: one is named twice; give each its own name")
        return self


class KeyCharacteristic(Closed):
    """A characteristic that is monitored in process: its chart, and the run rules that signal.

    `rules` is a family, alone or with the numbers of its rules: "western_electric", "nelson 1 2 5".
    """

    characteristic: Identifier
    chart: ChartKind = "xbar_r"
    rules: RuleSet = "western_electric"


class Escalation(Closed):
    """Who is told of a reaction that is not done `after_minutes` minutes after its signal."""

    role: Literal["inspector", "quality", "engineering", "production", "management"]
    after_minutes: Annotated[int, Field(ge=1)]


class IpqcPlan(Closed):
    """Monitoring during production: one sample of `size` every `every_units` units or `every_minutes`.

    Where both are given the sample falls due at whichever comes first. It is missed once the interval and
    `grace_percent` of it (rounded down) have passed. A signal starts the reaction plan: its steps in order,
    all within `reaction_minutes`; a reaction that is not done is escalated, level by level.
    """

    size: Annotated[int, Field(ge=1, le=100)] = 5
    every_units: Annotated[int, Field(ge=1)] | None = 100
    every_minutes: Annotated[int, Field(ge=1)] | None = None
    grace_percent: Annotated[int, Field(ge=0, le=100)] = 10
    key_characteristics: tuple[KeyCharacteristic, ...] = ()
    reaction_plan: tuple[Annotated[str, Field(min_length=1, max_length=500)], ...] = ()
    reaction_minutes: Annotated[int, Field(ge=1)] = 30
    escalation: tuple[Escalation, ...] = ()

    @model_validator(mode="after")
    def _some(self) -> Self:
        if self.every_units is None and self.every_minutes is None:
            raise ValueError("needs every_units, every_minutes or both")
        if self.every_units is not None and self.size > self.every_units and self.key_characteristics:
            raise ValueError(
                f"size {self.size} is above every_units {self.every_units}: a sample needs its own units"
            )
        ids = [key.characteristic for key in self.key_characteristics]
        if len(set(ids)) != len(ids):
            raise ValueError("key_characteristics: one is named twice; give it one chart")
        for key in self.key_characteristics:
            check_chart_size(key, self.size)
        if ids and not self.reaction_plan:
            raise ValueError("reaction_plan: key characteristics need one; write its steps")
        minutes = [level.after_minutes for level in self.escalation]
        if minutes != sorted(set(minutes)):
            raise ValueError("escalation: each level comes later than the one before; order after_minutes")
        return self


def check_chart_size(key: KeyCharacteristic, size: int) -> None:
    """Raise ValueError where samples of that size have no such chart."""
    if key.chart == "i_mr" and size != 1:
        raise ValueError(f"{key.characteristic}: chart i_mr takes samples of one; size is {size}")
    if key.chart in ("xbar_r", "xbar_s") and not 2 <= size <= 25:
        raise ValueError(f"{key.characteristic}: chart {key.chart} takes samples of 2 to 25; size is {size}")


class Plans(Closed):
    """The plan of every checkpoint."""

    iqc: tuple[IqcItem, ...] = ()
    fai: FaiPlan = FaiPlan()
    ipqc: IpqcPlan = IpqcPlan()
    oqc: OqcPlan = OqcPlan()


class Deadlines(Closed):
    """Corrective-action deadlines after a non-conformance opens, by 8D discipline, and escalation levels.

    Hours run through nights, weekends and holidays: D0 (emergency response) within `containment_hours`, D1 to
    D3 within `initial_report_hours`. Days: D4 `root_cause_days`, D5 `action_plan_days`, D6
    `corrective_action_days`, D7 and D8 `closure_days`; either calendar days, to the same time of day in
    `time_zone`, or business days (Monday to Friday without `holidays`; the day of opening is not counted), to
    the end of that day there. A report that is late by the k-th of `escalation_hours` is at level k.
    `effectiveness_lots` is the least number of lots that an effectiveness criterion may rest on.
    """

    containment_hours: Annotated[int, Field(ge=1)] = 24
    initial_report_hours: Annotated[int, Field(ge=1)] = 48
    root_cause_days: Annotated[int, Field(ge=1, le=3650)] = 10
    action_plan_days: Annotated[int, Field(ge=1, le=3650)] = 14
    corrective_action_days: Annotated[int, Field(ge=1, le=3650)] = 30
    closure_days: Annotated[int, Field(ge=1, le=3650)] = 60
    day_mode: Literal["calendar", "business"] = "calendar"
    holidays: tuple[date, ...] = ()
    time_zone: Annotated[str, Field(max_length=64)] = "UTC"
    escalation_hours: Annotated[tuple[Annotated[int, Field(ge=0)], ...], Field(min_length=1)] = (0, 24, 72)
    effectiveness_lots: Annotated[int, Field(ge=1)] = 3

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        for names in (
            ("containment_hours", "initial_report_hours"),
            ("root_cause_days", "action_plan_days", "corrective_action_days", "closure_days"),
        ):
            for before, after in pairwise(names):
                if getattr(self, before) > getattr(self, after):
                    raise ValueError(
                        f"{after} {getattr(self, after)} is earlier than {before} {getattr(self, before)}: "
                        "8D disciplines are due in order"
                    )
        if any(a >= b for a, b in pairwise(self.escalation_hours)):
            raise ValueError("escalation_hours must rise from level to level")
        return self

    @field_validator("time_zone")
    @classmethod
    def _known_zone(cls, name: str) -> str:
        if name != "UTC":
            try:
                ZoneInfo(name)
            except (ZoneInfoNotFoundError, ValueError, OSError) as error:
                raise ValueError(f"time_zone {name!r} is not a zone such as UTC or Europe/Berlin") from error
        return name
