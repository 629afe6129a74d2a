"""Effectiveness, due dates, and the records of 8D, IQC and golden sample: files g2, g3 and g5."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from typing import TYPE_CHECKING, Any, Literal

from pydantic import BaseModel, TypeAdapter

from hallmark.eligibility.adapter import Adapter, Answer
from hallmark.eligibility.records_iqc import answer_iqc

if TYPE_CHECKING:  # the command line starts without the room
    from quality.corrective.reports import Discipline
    from quality.corrective.rules import Phase, Transition

# What the file calls the fields of a discipline's report, where it has another name.
_FIELDS: dict[str, dict[str, str]] = {
    "D0": {
        "nonconformance": "case_id", "opened_at": "date_opened", "source": "customer_or_source",
        "part": "part_number", "lots": "lot_or_serial", "response": "emergency_response_action",
        "response_verified": "erA_verified",
    },
    "D2": {
        "is_is_not": "is_is_not_what", "evidence": "photos_or_measurements",
        "requirement": "requirement_violated",
    },
    "D4": {
        "occurrence": "occurrence_root_cause", "escape": "escape_root_cause",
        "method": "method(5-why/fishbone/...)", "evidence": "root_cause_verified_by_evidence",
    },
    "D8": {"closed_at": "closed_date"},
}  # fmt: skip


class _Counts(BaseModel):
    nonconforming: int
    n: int


class _Fisher(BaseModel):
    before: _Counts
    after: _Counts
    alpha: float


class _ZeroFailure(BaseModel):
    target_p: float
    confidence: float
    observed_nonconforming: int


class _Policy(BaseModel):
    containment_h: int
    initial_8d_d3_h: int
    root_cause_d4_days: int
    corrective_action_plan_d5_days: int
    implementation_d6_days: int
    closure_d8_days: int


class _Opened(BaseModel):
    opened: datetime
    policy: _Policy
    day_mode: Literal["calendar", "business"]
    holidays: tuple[date, ...] = ()


def _effectiveness(given: Mapping[str, Any]) -> Answer | None:
    from quality.corrective import fisher_reduction, sample_size

    if "target_p" in given:
        zero = _ZeroFailure.model_validate(given)
        return {"n_required": sample_size(zero.target_p, zero.confidence, zero.observed_nonconforming)}
    case = _Fisher.model_validate(given)
    before, after = case.before, case.after
    found = fisher_reduction(before.nonconforming, before.n, after.nonconforming, after.n, alpha=case.alpha)
    return {
        "p_value": found.p_value,
        "significant_reduction": found.significant,
        f"after_upper_{round(100 * (1 - case.alpha))}_one_sided": found.upper_bound,
    }


def _due_dates(given: Mapping[str, Any]) -> Answer | None:
    from golden.plans import Deadlines
    from quality.corrective import due_dates

    case = _Opened.model_validate(given)
    policy = case.policy
    due = due_dates(
        case.opened,
        Deadlines(
            containment_hours=policy.containment_h,
            initial_report_hours=policy.initial_8d_d3_h,
            root_cause_days=policy.root_cause_d4_days,
            action_plan_days=policy.corrective_action_plan_d5_days,
            corrective_action_days=policy.implementation_d6_days,
            closure_days=policy.closure_d8_days,
            day_mode=case.day_mode,
            holidays=case.holidays,
        ),
    )
    named = {
        "containment": due.d0, "d3_initial_report": due.d3, "d4": due.d4, "d5": due.d5, "d6": due.d6,
        "d8": due.d8,
    }  # fmt: skip
    return {name: when.isoformat() for name, when in named.items()}


def _records(given: Mapping[str, Any]) -> Answer | None:
    from quality.corrective.reports import Discipline
    from quality.corrective.rules import Transition

    if "discipline" in given:
        return _discipline(TypeAdapter[Discipline](Discipline).validate_python(given["discipline"]))
    if "events" in given:
        events = TypeAdapter[tuple[Transition, ...]](tuple[Transition, ...])
        return _final_state(events.validate_python(given["events"]))
    return answer_iqc(given)


def _discipline(discipline: Discipline) -> Answer:
    from quality.corrective import REPORTS, required_fields

    names = _FIELDS.get(discipline, {})
    fields = [names.get(name, name) for name in required_fields(discipline)]
    return {"title": REPORTS[discipline].title, "required_fields": fields}


def _final_state(events: tuple[Transition, ...]) -> Answer:
    from quality import TransitionError
    from quality.corrective import next_phase

    phase: Phase = "open"
    try:
        for event in events:
            phase = next_phase(phase, event)
    except TransitionError as error:
        return {"final_state": phase, "error": error.refusal}
    return {"final_state": phase, "error": None}


ADAPTERS: dict[str, Adapter] = {
    "g2": Adapter(_effectiveness), "g3": Adapter(_due_dates), "g5": Adapter(_records),
}  # fmt: skip
