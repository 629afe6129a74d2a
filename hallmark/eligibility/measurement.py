"""Measurement systems: files d1 to d3."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel

from hallmark.eligibility.adapter import Adapter, Answer

if TYPE_CHECKING:
    from quality.msa import AverageRange, CrossedStudy, GageRr, Linearity, Type1
    from quality.proportions import Proportion


class _Cell(BaseModel):
    part: str
    operator: str
    trials: list[float]


class _GageRrInput(BaseModel):
    data: list[_Cell]
    tolerance: float
    method: str
    K1: float | None = None
    K2: float | None = None
    K3: float | None = None


class _LinearityRow(BaseModel):
    reference: float
    value: float


class _LinearityInput(BaseModel):
    rows: list[_LinearityRow]
    process_variation: float | None


class _Type1Input(BaseModel):
    values: list[float]
    reference: float
    tolerance_range: float
    percent_of_tolerance: float
    study_sigmas: float


class _Rated(BaseModel):
    Part: int | str
    Operator: str
    trial: int
    Results: str
    Reference: str


class _AgreementInput(BaseModel):
    ratings: list[_Rated]
    conforming_label: str


class _TwoRatersInput(BaseModel):
    rater1: list[int | str]
    rater2: list[int | str]
    levels: str | None = None


class _TableInput(BaseModel):
    table_rows_rater1_cols_rater2: list[list[int]]


def _gage_rr(given: Mapping[str, Any]) -> Answer | None:
    from quality.msa import Reading, crossed_study

    case = _GageRrInput.model_validate(given)
    readings = [Reading(c.part, c.operator, value) for c in case.data for value in c.trials]
    study = crossed_study(readings, factor="operator")
    return _by_range(case, study) if case.K1 is not None else _by_anova(case, study)


def _by_anova(case: _GageRrInput, study: CrossedStudy) -> Answer:
    from quality.msa import crossed_gage_rr

    never, always, aiag, strict = (
        crossed_gage_rr(study, pool_above=p, tolerance=case.tolerance) for p in (1.0, 0.0, 0.25, 0.05)
    )
    return {
        "df": [line.degrees_of_freedom for line in never.anova],
        "SS": [line.sum_of_squares for line in never.anova],
        "MS": [line.mean_square for line in never.anova],
        "F_interaction": never.interaction_f,
        "p_interaction": never.interaction_p,
        "with_interaction": _anova_answer(never),
        "interaction_pooled_into_error": _anova_answer(always),
        "pooled_when_alpha_0.25": aiag.pooled,
        "pooled_when_alpha_0.05": strict.pooled,
    }


def _anova_answer(found: GageRr) -> Answer:
    named = {
        "EV": found.repeatability, "AV": found.reproducibility, "GRR": found.gage_rr, "PV": found.part,
    }  # fmt: skip
    return {
        "var_repeatability": found.repeatability.variance,
        "var_operator": found.by_factor.variance,
        "var_interaction": 0.0 if found.interaction is None else found.interaction.variance,
        "var_reproducibility": found.reproducibility.variance,
        "var_grr": found.gage_rr.variance,
        "var_part": found.part.variance,
        "var_total": found.total.variance,
        **{name: c.standard_deviation for name, c in named.items()},
        "TV": found.total.standard_deviation,
        "pct_contribution_grr": found.percent_contribution(found.gage_rr),
        "pct_study_var": {name: found.percent_of_study(c) for name, c in named.items()},
        "ndc_raw": found.ndc_raw,
        "ndc": found.ndc,
        "pct_tolerance_GRR_6sigma": found.percent_of_tolerance(found.gage_rr),
    }


def _by_range(case: _GageRrInput, study: CrossedStudy) -> Answer:
    from quality.msa import RangeConstants, average_range

    assert case.K1 is not None
    assert case.K2 is not None
    assert case.K3 is not None
    printed = RangeConstants(case.K1, case.K2, case.K3)
    found: AverageRange = average_range(study, range_constants_used=printed, tolerance=case.tolerance)
    named = {"EV": found.ev, "AV": found.av, "GRR": found.gage_rr, "PV": found.pv}
    return {
        "Rbar_by_operator": list(found.mean_range_by_level),
        "Rbarbar": found.mean_range,
        "Xbar_diff": found.range_of_levels,
        "Rp": found.range_of_parts,
        **named,
        "TV": found.tv,
        "pct_TV": {name: found.percent_of_study(sd) for name, sd in named.items()},
        "ndc_raw": found.ndc_raw,
        "ndc": found.ndc,
        "UCL_R": found.upper_range_limit,
    }


def _reference(given: Mapping[str, Any]) -> Answer | None:
    from quality.msa import linearity_study, type1_study

    if given.get("study") == "type1":
        t = _Type1Input.model_validate(given)
        return _type1_answer(
            type1_study(
                t.values,
                t.reference,
                tolerance=t.tolerance_range,
                percent=t.percent_of_tolerance,
                sigmas=t.study_sigmas,
            )
        )
    if given.get("study") != "linearity":
        return None
    case = _LinearityInput.model_validate(given)
    rows = [(row.reference, row.value) for row in case.rows]
    return _linearity_answer(linearity_study(rows, process_variation=case.process_variation))


def _type1_answer(found: Type1) -> Answer:
    bias = found.bias
    return {
        "n": bias.n,
        "mean": bias.mean,
        "bias": bias.bias,
        "s": bias.standard_deviation,
        "t": bias.t,
        "p_value": bias.p_value,
        "ci95": list(bias.interval),
        "bias_acceptable_zero_in_ci": bias.acceptable,
        "Cg": found.cg,
        "Cgk": found.cgk,
        "pct_var_repeatability": found.percent_repeatability,
        "pct_var_repeat_bias": found.percent_repeatability_and_bias,
    }


def _linearity_answer(found: Linearity) -> Answer:
    return {
        "slope": found.slope,
        "intercept": found.intercept,
        "R2": found.r_squared,
        "s": found.standard_deviation,
        "se_slope": found.slope_error,
        "t_slope": found.slope_t,
        "p_slope": found.slope_p,
        "se_intercept": found.intercept_error,
        "t_intercept": found.intercept_t,
        "mean_bias": found.mean_bias,
        "linearity": found.linearity,
        "pct_linearity": found.percent_linearity,
        "per_reference": {
            str(r.reference): {
                "bias": r.bias,
                "t": r.t,
                "p_value_own_sd": r.p_value,
                "zero_in_95CI_of_line": r.line_holds_zero,
            }
            for r in found.references
        },
    }


def _agreement(given: Mapping[str, Any]) -> Answer | None:
    from quality.msa import kappa_of_table

    if "ratings" in given:
        return _attribute_agreement(_AgreementInput.model_validate(given))
    if "rater1" in given:
        return _two_raters(_TwoRatersInput.model_validate(given))
    if "table_rows_rater1_cols_rater2" not in given:
        return None
    k = kappa_of_table(_TableInput.model_validate(given).table_rows_rater1_cols_rater2)
    return {"po": k.agreement, "pe": k.expected, "kappa": k.value}


def _two_raters(case: _TwoRatersInput) -> Answer:
    from quality.msa import cohen_kappa

    answer: Answer = {"kappa": cohen_kappa(case.rater1, case.rater2).value}
    if case.levels == "ordinal integers":
        answer["kappa_linear"] = cohen_kappa(case.rater1, case.rater2, weighting="linear").value
        answer["kappa_quadratic"] = cohen_kappa(case.rater1, case.rater2, weighting="quadratic").value
    return answer


def _attribute_agreement(case: _AgreementInput) -> Answer:
    from quality.msa import Rating, attribute_agreement

    rows = sorted(case.ratings, key=lambda r: r.trial)
    found = attribute_agreement(
        [Rating(str(r.Part), r.Operator, r.Results) for r in rows],
        factor="operator",
        conforming=case.conforming_label,
        references={str(r.Part): r.Reference for r in rows},
    )
    answer: Answer = {"between": {"fleiss_kappa_all": found.between_kappa.value, **_matched(found.between)}}
    assert found.all_reference is not None
    answer["all_vs_reference"] = _matched(found.all_reference)
    for (a, b), kappa in found.pairs.items():
        answer["cohen_" + "_".join(sorted((a, b)))] = kappa.value
    for level in found.levels:
        assert level.reference_kappa is not None
        answer[level.level] = {
            "cohen_kappa_vs_reference_all_trials": level.reference_kappa.value,
            "fleiss_kappa_within": None if level.within_kappa is None else level.within_kappa.value,
            **_prefixed("within", level.within, "within_ci95_clopper_pearson"),
            **_prefixed("effectiveness", level.effectiveness, "effectiveness_ci95"),
            **_rate("miss", level.miss),
            **_rate("false_alarm", level.false_alarm),
        }
    return answer


def _matched(p: Proportion) -> Answer:
    return {"matched": p.count, "pct": _percent(p.value), "ci95": [_percent(p.lower), _percent(p.upper)]}


def _prefixed(name: str, p: Proportion | None, interval: str) -> Answer:
    if p is None:
        return {}
    matched = _matched(p)
    return {f"{name}_matched": p.count, f"{name}_pct": matched["pct"], interval: matched["ci95"]}


def _rate(name: str, p: Proportion | None) -> Answer:
    if p is None:
        return {}
    return {f"{name}_count": p.count, f"{name}_opportunities": p.n, f"{name}_rate_pct": _percent(p.value)}


def _percent(fraction: float) -> float:
    """Return percent as d3 prints them: with four decimals, though it allows no more than 1e-5."""
    return round(100 * fraction, 4)


ADAPTERS: dict[str, Adapter] = {
    "d1": Adapter(_gage_rr), "d2": Adapter(_reference), "d3": Adapter(_agreement),
}  # fmt: skip
