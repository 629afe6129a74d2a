"""OC curves, plan searches and sampling by variables: files a5 to a8 and b1 to b4."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any, Literal

from pydantic import BaseModel

from hallmark.eligibility.adapter import Adapter, Answer

_MODELS: dict[str, Literal["binomial", "poisson", "hypergeometric"]] = {
    "binomial": "binomial",
    "poisson": "poisson",
    "hypergeom": "hypergeometric",
    "hypergeometric": "hypergeometric",
}


class _CurveInput(BaseModel):
    plan: Literal["single", "double"]
    model: str
    n: int | tuple[int, int]
    Ac: int | tuple[int, int]
    Re: tuple[int, int] | None = None
    p: float
    N: int | None = None
    D: int | None = None


class _RiskPointsInput(BaseModel):
    n: int
    Ac: int
    N: int | None
    model: str
    rectifying: Literal[True]


class _ZeroAcceptanceInput(BaseModel):
    c: Literal[0]
    model: str
    beta: float
    quality_p: float | None = None
    N: int | None = None
    D: int | None = None


class _TwoPointInput(BaseModel):
    producer_p: float
    producer_Pa_min: float  # noqa: N815 (the key in the file)
    consumer_p: float
    consumer_Pa_max: float  # noqa: N815 (the key in the file)


class _AttributeSearchInput(_TwoPointInput):
    model: str
    N: int | None


class _VariablesPlanInput(BaseModel):
    standard: Literal["ANSI/ASQ Z1.9 (s-method, Form 1)"]
    severity: Literal["normal", "tightened"]
    code_letter: str
    aql: str


class _VariablesCurveInput(BaseModel):
    n: int
    k: float
    p: float
    sigma: Literal["known", "unknown"]
    limits: Literal["single"]


class _VariablesSearchInput(_TwoPointInput):
    sigma: Literal["known", "unknown"]


class _VariablesDecisionInput(BaseModel):
    n: int
    xbar: float
    s: float
    lsl: float | None
    usl: float | None
    k: float | None = None
    rule: Literal["each limit separately, k method"] | None = None


def _curves(given: Mapping[str, Any]) -> Answer | None:
    from quality.curves import DoublePlan, Plan, SinglePlan, acceptance_probability

    case = _CurveInput.model_validate(given)
    plan: Plan
    if isinstance(case.n, tuple) and isinstance(case.Ac, tuple) and case.Re is not None:
        if case.Re[1] != case.Ac[1] + 1:
            return None
        plan = DoublePlan(case.n, case.Ac, case.Re[0])
    elif isinstance(case.n, int) and isinstance(case.Ac, int):
        plan = SinglePlan(case.n, case.Ac)
    else:
        return None
    p = case.p if case.D is None or case.N is None else case.D / case.N
    pa = acceptance_probability(plan, p, model=_MODELS[case.model], lot_size=case.N)
    return {"Pa": float(pa)}


def _risk_points(given: Mapping[str, Any]) -> Answer | None:
    from quality.curves import SinglePlan, average_outgoing_quality_limit, risk_points

    case = _RiskPointsInput.model_validate(given)
    plan, model = SinglePlan(case.n, case.Ac), _MODELS[case.model]
    limit = average_outgoing_quality_limit(plan, model=model, lot_size=case.N)
    points = risk_points(plan, model=model, lot_size=case.N)
    return {
        "AOQL": limit.AOQL,
        "p_at_AOQL": limit.p,
        "p95_AQL_point": points.p95,
        "p50_indifference": points.p50,
        "p10_LTPD_RQL": points.p10,
    }


def _zero_acceptance(given: Mapping[str, Any]) -> Answer | None:
    from quality.curves import zero_acceptance_size

    case = _ZeroAcceptanceInput.model_validate(given)
    if _MODELS[case.model] == "binomial" and case.quality_p is not None:
        return {"n": zero_acceptance_size(case.quality_p, case.beta)}
    if _MODELS[case.model] == "hypergeometric" and case.N is not None and case.D is not None:
        return {"n": zero_acceptance_size(case.D / case.N, case.beta, lot_size=case.N)}
    return None


def _attribute_search(given: Mapping[str, Any]) -> Answer | None:
    from quality.curves import CurvePoint, find_single_plan

    case = _AttributeSearchInput.model_validate(given)
    plan = find_single_plan(
        CurvePoint(case.producer_p, case.producer_Pa_min),
        CurvePoint(case.consumer_p, case.consumer_Pa_max),
        model=_MODELS[case.model],
        lot_size=case.N,
    )
    return {"n": plan.n, "c": plan.Ac}


def _variables_plan(given: Mapping[str, Any]) -> Answer | None:
    from quality.variables import variables_plan

    case = _VariablesPlanInput.model_validate(given)
    plan = variables_plan(case.code_letter, case.aql, case.severity)
    return {"n": plan.n, "k": plan.k, "M_percent": 100 * plan.M}


def _variables_curve(given: Mapping[str, Any]) -> Answer | None:
    from quality.variables import variables_acceptance_probability

    case = _VariablesCurveInput.model_validate(given)
    return {"Pa": float(variables_acceptance_probability(case.n, case.k, case.p, sigma=case.sigma))}


def _variables_search(given: Mapping[str, Any]) -> Answer | None:
    from quality.curves import CurvePoint
    from quality.variables import find_variables_plan, variables_acceptance_probability

    case = _VariablesSearchInput.model_validate(given)
    n, k = find_variables_plan(
        CurvePoint(case.producer_p, case.producer_Pa_min),
        CurvePoint(case.consumer_p, case.consumer_Pa_max),
        sigma=case.sigma,
    )
    producer, consumer = variables_acceptance_probability(
        n, k, [case.producer_p, case.consumer_p], sigma=case.sigma
    )
    return {"n": n, "k_R": k, "Pa_at_producer": float(producer), "Pa_at_consumer": float(consumer)}


def _variables_decision(given: Mapping[str, Any]) -> Answer | None:
    from quality.variables import KLimit, VariablesSample, decide_by_k, estimate_nonconforming

    case = _VariablesDecisionInput.model_validate(given)
    sample = VariablesSample(case.n, case.xbar, case.s)
    if case.k is None:
        return asdict(estimate_nonconforming(sample, case.lsl, case.usl))
    decision = decide_by_k(
        sample,
        lower=None if case.lsl is None else KLimit(case.lsl, case.k),
        upper=None if case.usl is None else KLimit(case.usl, case.k),
    )
    return {"accept": decision.accept, **asdict(decision.estimate)}


ADAPTERS: dict[str, Adapter] = {
    "a5": Adapter(_curves),
    "a6": Adapter(_risk_points),
    "a7": Adapter(_zero_acceptance),
    "a8": Adapter(_attribute_search),
    "b1": Adapter(_variables_plan),
    "b2": Adapter(_variables_curve),
    "b3": Adapter(_variables_search),
    "b4": Adapter(_variables_decision),
}
