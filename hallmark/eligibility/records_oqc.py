"""The outgoing decision by severity class: file g1."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, Field

from golden.plans import InspectionLevel, OqcPlan
from hallmark.eligibility.adapter import Adapter, Answer

if TYPE_CHECKING:
    from quality import ClassDecision, UnitFindings


class _Aqls(BaseModel):
    major: str
    minor: str


class _Found(BaseModel):
    critical: int = Field(ge=0)
    major: int = Field(ge=0)
    minor: int = Field(ge=0)


class _OqcInput(BaseModel):
    """`standard` names edition, type and severity of inspection: "ISO 2859-1:1999 single, normal"."""

    standard: str
    lot_size: int
    level: InspectionLevel
    aql_by_class: _Aqls
    found_nonconforming_units_by_class: _Found


def _outgoing(given: Mapping[str, Any]) -> Answer | None:
    from quality import decide_outgoing, oqc_plans
    from quality.outgoing import sample_size

    case = _OqcInput.model_validate(given)
    edition, _, scheme = case.standard.rpartition(" single, ")
    plan = OqcPlan.model_validate({
        "standard": edition, "severity": scheme, "level": case.level,
        "major": {"aql": case.aql_by_class.major}, "minor": {"aql": case.aql_by_class.minor},
    })  # fmt: skip
    samplings = oqc_plans(plan, case.lot_size)
    drawn = [str(i) for i in range(sample_size(samplings))]
    # what a class found lies within its own sample, so the class with the smallest sample comes first
    in_order = [s.severity for s in sorted(samplings, key=lambda s: s.n)]
    units = [s for s in in_order for _ in range(getattr(case.found_nonconforming_units_by_class, s))]
    if len(units) > len(drawn):
        return None
    decision = decide_outgoing(plan, case.lot_size, drawn, _findings(drawn, units))
    return {
        "code_letter": next((c.sampling.plan.code_letter for c in decision.classes if c.sampling.plan), None),
        "per_class": {c.sampling.severity: _class(c) for c in decision.classes},
        "lot_accepted": decision.outcome == "accept",
    }


def _findings(drawn: list[str], units: list[str]) -> dict[str, UnitFindings]:
    from quality import UnitFindings

    bad = (UnitFindings.model_validate({"nonconformities": [{"cause": "defect:any:any", "severity": s}]})
           for s in units)  # fmt: skip
    return {**dict.fromkeys(drawn, UnitFindings()), **dict(zip(drawn, bad, strict=False))}


def _class(decision: ClassDecision) -> Answer:
    sampling = decision.sampling
    return {
        "final_code_letter": None if sampling.plan is None else sampling.plan.final_code_letter,
        "n": decision.units,
        "Ac": sampling.Ac,
        "Re": sampling.Re,
        "hundred_percent": sampling.every_unit,
        "accept": decision.outcome == "accept",
    }


ADAPTERS: dict[str, Adapter] = {"g1": Adapter(_outgoing)}
