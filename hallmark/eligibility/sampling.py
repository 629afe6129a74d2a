"""Sampling by attributes: files a1 to a4 and a9."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict
from typing import Any

from pydantic import BaseModel

from golden.plans import CountingBasis, InspectionLevel, SamplingStandard
from hallmark.eligibility.adapter import Adapter, Answer

# The files' names of the editions that are held.
_EDITIONS: dict[str, SamplingStandard] = {
    "ISO 2859-1:1999": "ISO 2859-1:1999",
    "ANSI/ASQ Z1.4 (MIL-STD-105E)": "ANSI/ASQ Z1.4-2003 (R2018)",
    "ANSI/ASQ Z1.4-2003": "ANSI/ASQ Z1.4-2003 (R2018)",
}


class _CodeLetterInput(BaseModel):
    lot_size: int
    inspection_level: InspectionLevel


class _PlanInput(BaseModel):
    standard: str
    severity: str
    code_letter: str
    aql: str


class _Lot(BaseModel):
    lot: int
    d: int
    original: bool = True


class _SwitchingInput(BaseModel):
    standard: str
    code_letter: str
    aql: str
    start_severity: str
    start_score: int = 0
    production_steady: bool
    reduced_approved: bool
    use_limit_numbers: bool = False
    lots: tuple[_Lot, ...]


def _counting(aql: str) -> CountingBasis:
    return "nonconformities_per_100_units" if float(aql) > 10 else "nonconforming_units"


def _code_letters(given: Mapping[str, Any]) -> Answer | None:
    from quality import code_letter

    case = _CodeLetterInput.model_validate(given)
    return {"code_letter": code_letter(case.lot_size, case.inspection_level)}


def _single_plans(given: Mapping[str, Any]) -> Answer | None:
    from quality.sampling import severity_named, single_plan

    case = _PlanInput.model_validate(given)
    if case.standard not in _EDITIONS:
        return None
    severity, edition = severity_named(case.severity), _EDITIONS[case.standard]
    return asdict(single_plan(case.code_letter, case.aql, severity, edition, _counting(case.aql)))


def _double_plans(given: Mapping[str, Any]) -> Answer | None:
    from quality.sampling import double_plan, severity_named

    case = _PlanInput.model_validate(given)
    if case.standard not in _EDITIONS:
        return None
    severity, edition = severity_named(case.severity), _EDITIONS[case.standard]
    return asdict(double_plan(case.code_letter, case.aql, severity, edition, _counting(case.aql)))


def _switching(given: Mapping[str, Any]) -> Answer | None:
    case = _SwitchingInput.model_validate(given)
    if case.standard not in _EDITIONS:
        return None
    return {"after_lot": list(_after_lots(case))}


def _after_lots(case: _SwitchingInput) -> Iterator[Answer]:
    from quality.sampling import LotResult, Scheme, after_lot, begin, judge, severity_named, single_plan

    scheme = Scheme(_EDITIONS[case.standard], case.aql, _counting(case.aql), case.use_limit_numbers)
    state = begin(
        scheme,
        severity_named(case.start_severity),
        score=case.start_score,
        production_steady=case.production_steady,
        reduced_approved=case.reduced_approved,
    )
    for lot in case.lots:
        if state.discontinued:
            yield {"lot": lot.lot, "severity_used": None, "accepted": None, "severity_next": None,
                   "discontinued": True, "event": "blocked"}  # fmt: skip
            continue
        used = state.severity
        plan = single_plan(case.code_letter, case.aql, used, scheme.standard, scheme.counting)
        judgement = judge(plan, lot.d)
        state = after_lot(state, LotResult(plan, lot.d, original=lot.original))
        event = f"{used}->{state.severity}" if state.transition else None
        if state.discontinued:
            event = "discontinue"
        elif judgement == "accept_and_return_to_normal":
            event = f"{event} (accepted in gap)"
        yield {
            "lot": lot.lot, "severity_used": used, "n": plan.n, "Ac": plan.Ac, "Re": plan.Re,
            "accepted": judgement != "reject",
            "switching_score": None if used == "reduced" else state.score,
            "severity_next": state.severity, "discontinued": state.discontinued, "event": event,
            "tightened_not_accepted": state.not_accepted if state.severity == "tightened" else 0,
        }  # fmt: skip


ADAPTERS: dict[str, Adapter] = {
    "a1": Adapter(_code_letters),
    "a2": Adapter(_single_plans),
    "a3": Adapter(_single_plans),
    "a4": Adapter(_double_plans),
    "a9": Adapter(_switching),
}
