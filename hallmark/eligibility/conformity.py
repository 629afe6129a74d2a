"""Conformity and uncertainty: files e1 to e5."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any, Literal

from pydantic import BaseModel

from hallmark.eligibility.adapter import Adapter, Answer


class _Value(BaseModel):
    y: float
    u: float
    lower: float | None
    upper: float | None


class _ConformanceInput(_Value):
    pdf: str = "normal"


class _DecisionInput(_Value):
    k: float
    conformance_probability_limit: float


class _GuardBandInput(BaseModel):
    u: float
    max_specific_consumer_risk: float


class _TurInput(BaseModel):
    TUR: float


class _RiskInput(BaseModel):
    process_mean: float
    process_sd: float
    u_measurement: float
    lower: float | None
    upper: float | None
    guard_band_each_side: float


class _PosteriorInput(BaseModel):
    prior_mean: float
    prior_sd: float
    y: float
    u: float


class _ComponentInput(BaseModel):
    u: float
    dof: float | None = None


class _BudgetInput(BaseModel):
    components: list[_ComponentInput]
    coverage: float
    dof_rounding: str


class _TypeBInput(BaseModel):
    distribution: str
    value: float


_ZONES = {"conform": "conformity", "nonconform": "nonconformity", "undecided": "uncertainty"}


def _probability(given: Mapping[str, Any]) -> Answer | None:
    from golden import conformity

    case = _ConformanceInput.model_validate(given)
    if case.pdf != "normal":
        return None
    sure = conformity.conformance_probability(case.y, case.u, case.lower, case.upper)
    answer = {"conformance_probability": sure, "nonconformance_probability": 1 - sure}
    if case.lower is not None and case.upper is not None:
        cm = conformity.measurement_capability_index(case.u, case.lower, case.upper)
        answer["measurement_capability_index_Cm"] = cm
    return answer


def _decision(given: Mapping[str, Any]) -> Answer | None:
    from golden import conformity
    from golden.spec import DecisionRule

    case = _DecisionInput.model_validate(given)
    value = (case.y, case.u, case.lower, case.upper)
    guarded = conformity.decide(*value, DecisionRule(coverage_factor=case.k))
    default = conformity.decide_by_probability(*value, limit=case.conformance_probability_limit)
    return {
        "zone": {
            "iso14253_1_2017_default_95pct": _ZONES[default],
            "iso14253_1_1998_g_equals_U_k2": _ZONES[guarded],
        },
        "simple_acceptance": conformity.decide(*value, DecisionRule(rule="simple")) == "conform",
        "guarded_acceptance_g_U": guarded == "conform",
        "guarded_rejection_g_U_reject": guarded == "nonconform",
        "conformance_probability": conformity.conformance_probability(*value),
    }


def _guard_band(given: Mapping[str, Any]) -> Answer | None:
    from golden import conformity

    if "TUR" in given:
        tur = _TurInput.model_validate(given).TUR
        return {
            "rss": conformity.rss_factor(tur),
            "dobbert_method6": conformity.dobbert_factor(tur),
            "test95_1_minus_1_over_TUR": conformity.test95_factor(tur),
        }
    case = _GuardBandInput.model_validate(given)
    band = conformity.guard_band_for_risk(case.u, case.max_specific_consumer_risk)
    return {"guard_band": band, "r_factor_g_over_U_k2": band / (2 * case.u)}


def _risks(given: Mapping[str, Any]) -> Answer | None:
    from golden import conformity

    case = _RiskInput.model_validate(given)
    risks = conformity.global_risks(
        process_mean=case.process_mean,
        process_sd=case.process_sd,
        standard_uncertainty=case.u_measurement,
        lower=case.lower,
        upper=case.upper,
        guard_band=case.guard_band_each_side,
    )
    return {
        "global_consumer_risk_false_accept": risks.consumer,
        "global_producer_risk_false_reject": risks.producer,
        "P_accept": risks.accepted,
        "P_item_conforming": risks.conforming,
        "conditional_false_accept_given_accepted": risks.nonconforming_given_accepted,
    }


def _uncertainty(given: Mapping[str, Any]) -> Answer | None:
    if "prior_mean" in given:
        return _posterior(given)
    return _budget(given) if "components" in given else _type_b(given)


def _posterior(given: Mapping[str, Any]) -> Answer:
    from golden import uncertainty

    case = _PosteriorInput.model_validate(given)
    known = uncertainty.posterior(
        prior_mean=case.prior_mean, prior_sd=case.prior_sd, value=case.y, standard_uncertainty=case.u
    )
    return {"posterior_mean": known.mean, "posterior_sd": known.standard_deviation}


def _budget(given: Mapping[str, Any]) -> Answer:
    from golden import uncertainty

    case = _BudgetInput.model_validate(given)
    combined = uncertainty.combine(
        [
            uncertainty.Component(str(i), c.u, float("inf") if c.dof is None else c.dof)
            for i, c in enumerate(case.components)
        ]
    )
    how: Literal["truncated", "as_is"] = "truncated" if case.dof_rounding == "truncate" else "as_is"
    expanded = uncertainty.expand(combined, case.coverage, degrees_of_freedom=how)
    nu = combined.degrees_of_freedom
    return {
        "u_c": combined.standard_uncertainty,
        "nu_eff": None if nu == float("inf") else nu,
        "k": expanded.coverage_factor,
        "U": expanded.uncertainty,
    }


def _type_b(given: Mapping[str, Any]) -> Answer | None:
    from golden import uncertainty

    case = _TypeBInput.model_validate(given)
    name = case.distribution.lower()
    factor = re.fullmatch(r"normal u,? k ?= ?([0-9.]+)", name)
    if factor is not None:
        return {"u": uncertainty.from_expanded(case.value, float(factor[1]))}
    shapes: dict[str, Callable[[float], float]] = {
        "rectangular": uncertainty.rectangular,
        "uniform": uncertainty.rectangular,
        "triangular": uncertainty.triangular,
        "arcsine": uncertainty.arcsine,
        "u-shaped": uncertainty.arcsine,
        "resolution": uncertainty.resolution,
    }
    shape = next((shapes[word] for word in re.split(r"[\s/]+", name) if word in shapes), None)
    return None if shape is None else {"u": shape(case.value)}


ADAPTERS: dict[str, Adapter] = {
    "e1": Adapter(_probability),
    "e2": Adapter(_decision),
    "e3": Adapter(_guard_band),
    "e4": Adapter(_risks),
    "e5": Adapter(_uncertainty),
}
