"""First article inspection reports, AS9102 Rev C: file g4."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any, Literal

from pydantic import BaseModel

from hallmark.eligibility.adapter import Adapter, Answer

# How the file calls what a report lacks.
_REASONS = {
    "baseline_and_reason": "partial FAI needs baseline and reason",
    "characteristic_without_result": "every characteristic needs a result",
    "nonconformance_number": "nonconforming characteristic needs a nonconformance number",
    "nonconformance_documented": (
        "FAI with documented nonconformance is recorded but not complete/approved for production"
    ),
    "signature": "signature and date required",
}
_LAPSED = "lapse in production for two years or more requires FAI again"


class _Field(BaseModel):
    form: int
    field: int


class _Record(BaseModel):
    type: Literal["full", "partial"]
    baseline: str | None = None
    reason: str | None = None
    chars_total: int = 0
    chars_with_result: int = 0
    nonconforming: int = 0
    nonconformance_numbers: tuple[str, ...] = ()
    verified_by: str | None = None
    approved_by: str | None = None


class _Production(BaseModel):
    last_production: date
    check_on: date


def _reports(given: Mapping[str, Any]) -> Answer | None:
    from quality.fai_report import FairSummary, lapsed, requirements, shortcomings

    if "record" not in given:
        case = _Field.model_validate(given)
        return {"status": requirements().get((case.form, case.field))}
    if "check_on" in given["record"]:
        production = _Production.model_validate(given["record"])
        over = lapsed(production.last_production, production.check_on)
        return {"accept": not over, "reason": _LAPSED if over else None}
    record = _Record.model_validate(given["record"])
    lacks = shortcomings(
        FairSummary(
            fai_type=record.type,
            baseline=record.baseline,
            reason=record.reason,
            characteristics=record.chars_total,
            accounted=record.chars_with_result,
            nonconforming=record.nonconforming,
            numbered=len(record.nonconformance_numbers),
            verified_by=record.verified_by,
            approved_by=record.approved_by,
        )
    )
    return {"accept": not lacks, "reason": _REASONS[lacks[0].code] if lacks else None}


ADAPTERS: dict[str, Adapter] = {"g4": Adapter(_reports)}
