"""Sampling by attributes and by variables: files a1 to a9 and b1 to b4."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from pydantic import BaseModel

from golden.plans import InspectionLevel
from hallmark.eligibility.adapter import Adapter, Answer


class _CodeLetterInput(BaseModel):
    lot_size: int
    inspection_level: InspectionLevel


class _SinglePlanInput(BaseModel):
    standard: str
    severity: str
    code_letter: str
    aql: str


def _code_letters(given: Mapping[str, Any]) -> Answer | None:
    from quality import code_letter

    case = _CodeLetterInput.model_validate(given)
    return {"code_letter": code_letter(case.lot_size, case.inspection_level)}


def _single_plans(given: Mapping[str, Any]) -> Answer | None:
    from quality import single_plan
    from quality.sampling import STANDARD, severity_named

    case = _SinglePlanInput.model_validate(given)
    if case.standard != STANDARD:
        return None
    return asdict(single_plan(case.code_letter, case.aql, severity_named(case.severity)))


ADAPTERS: dict[str, Adapter] = {"a1": Adapter(_code_letters), "a2": Adapter(_single_plans)}
