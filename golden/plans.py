"""What is agreed about the six checkpoints: plans, editions, AQLs, deadlines. Pure data."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from golden.catalogue import CharacteristicClass
from golden.regions import Closed, Identifier

SamplingStandard = Literal["ISO 2859-1:1999"]
InspectionLevel = Literal["S-1", "S-2", "S-3", "S-4", "I", "II", "III"]
CountingBasis = Literal["nonconforming_units", "nonconformities_per_100_units"]

AQLS = (
    "0.010", "0.015", "0.025", "0.040", "0.065", "0.10", "0.15", "0.25", "0.40", "0.65", "1.0", "1.5", "2.5",
    "4.0", "6.5", "10", "15", "25", "40", "65", "100", "150", "250", "400", "650", "1000",
)  # fmt: skip


class ClassPlan(Closed):
    """Sampling of one severity class: an AQL as printed in the standard, or 100 % inspection."""

    aql: Annotated[str, Field(max_length=8)] | None = None
    every_unit: bool = False

    @model_validator(mode="after")
    def _one_of(self) -> Self:
        if (self.aql is not None) == self.every_unit:
            raise ValueError("give either an aql or every_unit: true")
        if self.aql is not None and self.aql not in AQLS:
            raise ValueError(f"aql {self.aql!r} is not a printed value; these are: {', '.join(AQLS)}")
        return self


class OqcPlan(Closed):
    """Outgoing inspection: one standard, edition included, and a plan per severity class.

    Critical is inspected on every unit: a sample that finds none proves little (see decision 0003).
    """

    standard: SamplingStandard = "ISO 2859-1:1999"
    level: InspectionLevel = "II"
    severity: Literal["normal", "tightened", "reduced"] = "normal"
    counting: CountingBasis = "nonconforming_units"
    critical: ClassPlan = ClassPlan(every_unit=True)
    major: ClassPlan = ClassPlan(aql="1.0")
    minor: ClassPlan = ClassPlan(aql="2.5")

    @model_validator(mode="after")
    def _percent(self) -> Self:
        if not self.critical.every_unit:
            raise ValueError("critical: every unit must be inspected (every_unit: true)")
        for name in ("major", "minor"):
            aql = getattr(self, name).aql
            if aql is not None and self.counting == "nonconforming_units" and float(aql) > 10:
                raise ValueError(f"{name}: an AQL above 10 counts nonconformities per 100 units only")
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
    """First article: how many units, and which party's person approves."""

    units: Annotated[int, Field(ge=1, le=100)] = 1
    approved_by: Literal["supplier", "buyer"] = "buyer"


class IpqcPlan(Closed):
    """Monitoring during production: one sample of `size` every `every_units` units or `every_minutes`."""

    size: Annotated[int, Field(ge=1, le=100)] = 5
    every_units: Annotated[int, Field(ge=1)] | None = 100
    every_minutes: Annotated[int, Field(ge=1)] | None = None

    @model_validator(mode="after")
    def _some(self) -> Self:
        if self.every_units is None and self.every_minutes is None:
            raise ValueError("needs every_units, every_minutes or both")
        return self


class Plans(Closed):
    """The plan of every checkpoint."""

    iqc: tuple[IqcItem, ...] = ()
    fai: FaiPlan = FaiPlan()
    ipqc: IpqcPlan = IpqcPlan()
    oqc: OqcPlan = OqcPlan()


class Deadlines(Closed):
    """Corrective-action deadlines after a non-conformance opens (8D disciplines)."""

    containment_hours: Annotated[int, Field(ge=1)] = 24
    root_cause_days: Annotated[int, Field(ge=1)] = 10
    corrective_action_days: Annotated[int, Field(ge=1)] = 30
    effectiveness_lots: Annotated[int, Field(ge=1)] = 3
