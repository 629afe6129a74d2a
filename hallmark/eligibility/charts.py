"""Control charts and capability: files c1 to c5.

The files count points from 1 and write a limit that is the same at all points as one number.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Literal

from pydantic import BaseModel, Field

from hallmark.eligibility.adapter import Adapter, Answer

if TYPE_CHECKING:
    from quality.spc import ChartResult, Counts, Limits, Panel, SigmaMethod

_Rows = list[float] | list[list[float]]
_SIGMA_METHODS: dict[str, SigmaMethod] = {
    "UWAVE-R": "mean_range", "MVLUE-R": "weighted_range", "UWAVE-SD": "mean_sd", "MVLUE-SD": "weighted_sd",
    "RMSDF": "pooled_sd", "MRbar/d2(2)": "moving_range", "Rbar/d2": "mean_range", "Sbar/c4": "mean_sd",
}  # fmt: skip


class _ConstantsInput(BaseModel):
    n: int


def _constants(given: Mapping[str, Any]) -> Answer | None:
    from quality.spc import constants

    known = constants(_ConstantsInput.model_validate(given).n)
    names = ("d2", "d3", "c4", "A", "A2", "A3", "B3", "B4", "B5", "B6", "D1", "D2", "D3", "D4")
    return {name: getattr(known, name) for name in names}


class _ShewhartInput(BaseModel):
    chart: Literal["xbar", "R", "S", "I", "p", "np", "c", "u"]
    subgroups: list[list[float]] = []
    values: list[float] = []
    nonconforming: list[float] = []
    counts: list[float] = []
    n: list[float] | float = 1.0
    units: list[float] | float = 1.0
    sigma_method: str = "Rbar/d2"
    nsigma: Literal[3] = 3


def _shewhart(given: Mapping[str, Any]) -> Answer | None:
    from quality.spc import Counts, chart, estimate_limits, rule_set

    case = _ShewhartInput.model_validate(given)
    rules = rule_set("aiag", 1, 2)
    if case.chart in ("xbar", "R", "S"):
        kind = "xbar_s" if case.chart == "S" else "xbar_r"
        method = _SIGMA_METHODS[case.sigma_method]
        limits = estimate_limits(kind, case.subgroups, method=method)
        result = chart(kind, case.subgroups, limits, rules)
        return _panel_answer(result, result.panels[0 if case.chart == "xbar" else 1])
    if case.chart == "I":
        result = chart("i_mr", case.values, rules=rules)
        moving = _panel_answer(result, result.panels[1])
        return {
            **_panel_answer(result, result.panels[0]),
            **{f"mr_{key}": moving[key] for key in ("center", "lcl", "ucl")},
        }
    counts: Counts = (
        Counts(case.nonconforming, case.n) if case.chart in ("p", "np") else Counts(case.counts, case.units)
    )
    if case.chart == "c":
        counts = Counts(case.counts)
    result = chart(case.chart, counts, rules=rules)
    answer = _panel_answer(result, result.panels[0])
    if case.chart != "c":  # limits per point, equal or not
        answer |= {"lcl": result.lcl.tolist(), "ucl": result.ucl.tolist()}
    return answer


def _panel_answer(result: ChartResult, panel: Panel) -> Answer:
    points = {rule: [s.point + 1 for s in panel.signals if s.rule == rule] for rule in ("aiag1", "aiag2")}
    return {
        "center": _collapsed(panel.centre.tolist()), "sigma": result.sigma,
        "lcl": _collapsed(panel.lcl.tolist()), "ucl": _collapsed(panel.ucl.tolist()),
        "beyond_limits_1based": points["aiag1"], "runs_of_7_points_1based": points["aiag2"],
    }  # fmt: skip


def _collapsed(values: list[float]) -> list[float] | float:
    return values[0] if len(set(values)) == 1 else values


class _MemoryInput(BaseModel):
    chart: Literal["EWMA", "tabular CUSUM"]
    data: _Rows
    center: float | None
    sigma: float | None
    weight: float = Field(0.2, alias="lambda")
    L: float = 3.0
    k_in_standard_errors: float = 0.5
    h_in_standard_errors: float = 5.0


def _memory(given: Mapping[str, Any]) -> Answer | None:
    from quality.spc import CusumDesign, EwmaDesign, chart

    case = _MemoryInput.model_validate(given)
    limits = _memory_limits(case)
    if case.chart == "EWMA":
        result = chart("ewma", case.data, limits, design=EwmaDesign(case.weight, case.L))
        return {
            "center": limits.centre, "sigma": limits.sigma, "z": result.points.tolist(),
            "lcl": result.lcl.tolist(), "ucl": result.ucl.tolist(),
            "violations_1based": [s.point + 1 for s in result.signals],
        }  # fmt: skip
    design = CusumDesign(case.k_in_standard_errors, case.h_in_standard_errors)
    upper, lower = chart("cusum", case.data, limits, design=design).panels
    return {
        "center": limits.centre, "sigma": limits.sigma,
        "C_plus": upper.points.tolist(), "C_minus_negative_sign": (-lower.points).tolist(),
        "signals_up_1based": [s.point + 1 for s in upper.signals],
        "signals_down_1based": [s.point + 1 for s in lower.signals],
    }  # fmt: skip


def _memory_limits(case: _MemoryInput) -> Limits:
    from quality import Person
    from quality.spc import entered_limits, estimate_limits

    single = not isinstance(case.data[0], list)
    kind = "i_mr" if single else "xbar_r"
    estimated = estimate_limits(kind, case.data, method="moving_range" if single else "mean_range")
    if case.center is None and case.sigma is None:
        return estimated
    centre = estimated.centre if case.center is None else case.center
    sigma = estimated.sigma if case.sigma is None else case.sigma
    person = Person(name="oracle", party="oracle")
    return entered_limits(kind, centre, sigma, reason="given by the case", person=person)


class _RunRulesInput(BaseModel):
    z: list[float]
    cl: float
    sigma: float
    ruleset: Literal["nelson", "western_electric", "aiag"]


def _run_rules(given: Mapping[str, Any]) -> Answer | None:
    import numpy as np

    from quality.spc import evaluate, rule_set

    case = _RunRulesInput.model_validate(given)
    rules = rule_set(case.ruleset).rules
    signals = evaluate(rules, (np.array(case.z) - case.cl) / case.sigma)
    called = "we" if case.ruleset == "western_electric" else "rule"
    return {
        f"{called}{number}": [s.point + 1 for s in signals if s.rule == rule.name]
        for number, rule in enumerate(rules, start=1)
    }


class _CapabilityInput(BaseModel):
    data: _Rows
    lsl: float | None = None
    usl: float | None = None
    target: float | None = None
    confidence: float = 0.95
    sigma_within: str


def _capability(given: Mapping[str, Any]) -> Answer | None:
    from quality.spc import capability

    case = _CapabilityInput.model_validate(given)
    found = capability(
        case.data, lsl=case.lsl, usl=case.usl, target=case.target, confidence=case.confidence,
        method=_SIGMA_METHODS[case.sigma_within], within_degrees="all_observations",
        despite="the file states indices whether or not the process is in control",
    )  # fmt: skip
    indices = {
        "Cp": found.cp, "CPL": found.cpl, "CPU": found.cpu, "Cpk": found.cpk, "Pp": found.pp,
        "PPL": found.ppl, "PPU": found.ppu, "Ppk": found.ppk, "Cpm_within": found.cpm_within,
        "Cpm_taguchi": found.cpm,
    }  # fmt: skip
    return {
        "mean": found.mean, "sigma_within": found.sigma_within, "sigma_overall": found.sigma_overall,
        "n": found.n, "target": found.target,
        **{name: index and index.value for name, index in indices.items()},
        **{f"{name}_ci": index and [index.lower, index.upper] for name, index in indices.items()},
        "observed_fraction_below_above": [found.observed.below, found.observed.above],
        "expected_fraction_below_above_within": [found.expected_within.below, found.expected_within.above],
    }  # fmt: skip


ADAPTERS: dict[str, Adapter] = {
    "c1": Adapter(_constants), "c2": Adapter(_shewhart), "c3": Adapter(_memory), "c4": Adapter(_run_rules),
    "c5": Adapter(_capability),
}  # fmt: skip
