"""Gage R&R by analysis of variance: how much of the spread is the measuring system's (AIAG MSA 4th ed.)."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from quality.errors import StudyError
from quality.msa.components import MeanSquare, VarianceComponent, Weights, component, total_weights
from quality.msa.study import CrossedStudy, NestedStudy, positive

AIAG_POOLING = 0.25
_NDC = 1.41  # as AIAG prints it, not the square root of 2


@dataclass(frozen=True, slots=True)
class GageRr:
    """What a gage R&R study found; variances in squared data units, percentages of 6 standard deviations.

    `anova` holds the table before pooling. `interaction_p` is null in a nested study. `pooled` says that the
    interaction was taken into the repeatability; then `interaction` is null. `tolerance` is null where none
    was given. Components that were set to zero are listed in `set_to_zero`.
    """

    factor: str
    anova: tuple[MeanSquare, ...]
    interaction_f: float | None
    interaction_p: float | None
    pooled: bool
    repeatability: VarianceComponent
    by_factor: VarianceComponent
    interaction: VarianceComponent | None
    reproducibility: VarianceComponent
    gage_rr: VarianceComponent
    part: VarianceComponent
    total: VarianceComponent
    coverage: float
    tolerance: float | None
    sigmas: float

    @property
    def set_to_zero(self) -> tuple[str, ...]:
        """Names of the components whose estimate was negative."""
        found = (self.by_factor, self.interaction, self.part)
        return tuple(c.name for c in found if c is not None and c.set_to_zero)

    def percent_contribution(self, of: VarianceComponent) -> float:
        """Return 100 times a component's variance over the total variance."""
        return 100 * of.variance / self.total.variance

    def percent_of_study(self, of: VarianceComponent) -> float:
        """Return 100 times a component's standard deviation over the total standard deviation."""
        return 100 * of.standard_deviation / self.total.standard_deviation

    def percent_of_tolerance(self, of: VarianceComponent) -> float:
        """Return 100 times `sigmas` standard deviations of a component over the tolerance.

        Raises:
            StudyError: the study was given no tolerance.
        """
        if self.tolerance is None:
            raise StudyError("percent of tolerance needs a tolerance: give one to the study")
        return 100 * self.sigmas * of.standard_deviation / self.tolerance

    @property
    def ndc_raw(self) -> float:
        """1.41 times the part's over the measuring system's standard deviation."""
        return _NDC * self.part.standard_deviation / self.gage_rr.standard_deviation

    @property
    def ndc(self) -> int:
        """Number of distinct categories: truncated, not rounded."""
        return math.floor(self.ndc_raw)


def crossed_gage_rr(
    study: CrossedStudy,
    *,
    pool_above: float = AIAG_POOLING,
    tolerance: float | None = None,
    coverage: float = 0.95,
    sigmas: float = 6.0,
) -> GageRr:
    """Return gage R&R of a crossed study by two-way analysis of variance with random effects.

    Args:
        study: checked readings.
        pool_above: the interaction joins the repeatability where its p-value is above this: 0.25 (AIAG) or
            0.05 (common in software); 1 never pools, 0 always.
        tolerance: width between the limits, positive, data units; or None.
        coverage: of the confidence intervals.
        sigmas: width of the study in standard deviations, 6 (AIAG MSA 4th ed.; 5.15 up to the 2nd).

    Raises:
        StudyError: an argument is outside its range.
    """
    if not 0 <= pool_above <= 1:
        raise StudyError(f"pool_above {pool_above} must lie between 0 and 1")
    positive(tolerance, "tolerance")
    positive(sigmas, "sigmas")
    part, by_factor, interaction, error = table = _crossed_anova(study)
    p, o, r = len(study.parts), len(study.levels), study.trials
    f = interaction.mean_square / error.mean_square
    p_value = _f_above(f, interaction.degrees_of_freedom, error.degrees_of_freedom)
    pooled = p_value > pool_above
    if pooled:
        error = MeanSquare(
            "repeatability",
            interaction.sum_of_squares + error.sum_of_squares,
            interaction.degrees_of_freedom + error.degrees_of_freedom,
        )
        interaction = error
    weights: dict[str, Weights] = {
        "repeatability": {error: 1.0},
        study.factor: {by_factor: 1 / (p * r), interaction: -1 / (p * r)},
        "part": {part: 1 / (o * r), interaction: -1 / (o * r)},
    }
    if not pooled:
        weights["interaction"] = {interaction: 1 / r, error: -1 / r}
    return GageRr(
        factor=study.factor, anova=table, interaction_f=f, interaction_p=p_value, pooled=pooled,
        **_components(study.factor, weights, coverage), coverage=coverage, tolerance=tolerance, sigmas=sigmas,
    )  # fmt: skip


def nested_gage_rr(
    study: NestedStudy, *, tolerance: float | None = None, coverage: float = 0.95, sigmas: float = 6.0
) -> GageRr:
    """Return gage R&R of a nested study: parts within the factor's levels, random effects.

    An interaction cannot be told from the parts. Arguments and errors as `crossed_gage_rr`.
    """
    positive(tolerance, "tolerance")
    positive(sigmas, "sigmas")
    by_factor, part, error = table = _nested_anova(study)
    p, r = len(study.parts[0]), study.trials
    weights: dict[str, Weights] = {
        "repeatability": {error: 1.0},
        study.factor: {by_factor: 1 / (p * r), part: -1 / (p * r)},
        "part": {part: 1 / r, error: -1 / r},
    }
    return GageRr(
        factor=study.factor, anova=table, interaction_f=None, interaction_p=None, pooled=False,
        **_components(study.factor, weights, coverage), coverage=coverage, tolerance=tolerance, sigmas=sigmas,
    )  # fmt: skip


def _components(factor: str, weights: dict[str, Weights], coverage: float) -> dict[str, Any]:
    """Return the named components and their sums, ready for GageRr."""
    found = {name: component(name, w, coverage) for name, w in weights.items()}

    def together(name: str, *names: str) -> VarianceComponent:
        return component(name, total_weights([(found[n], weights[n]) for n in names if n in found]), coverage)

    return {
        "repeatability": found["repeatability"],
        "by_factor": found[factor],
        "interaction": found.get("interaction"),
        "reproducibility": together("reproducibility", factor, "interaction"),
        "gage_rr": together("gage R&R", "repeatability", factor, "interaction"),
        "part": found["part"],
        "total": together("total", "repeatability", factor, "interaction", "part"),
    }


def _crossed_anova(study: CrossedStudy) -> tuple[MeanSquare, MeanSquare, MeanSquare, MeanSquare]:
    x: NDArray[np.float64] = np.array(study.values)
    p, o, r = x.shape
    x = x - x.mean()  # sums of squares of small numbers keep their digits
    cell, by_part, by_level = x.mean(axis=2), x.mean(axis=(1, 2)), x.mean(axis=(0, 2))
    mixed = cell - by_part[:, None] - by_level[None, :]
    return (
        MeanSquare("part", o * r * float(np.sum(by_part**2)), p - 1),
        MeanSquare(study.factor, p * r * float(np.sum(by_level**2)), o - 1),
        MeanSquare("interaction", r * float(np.sum(mixed**2)), (p - 1) * (o - 1)),
        MeanSquare("repeatability", float(np.sum((x - cell[:, :, None]) ** 2)), p * o * (r - 1)),
    )


def _nested_anova(study: NestedStudy) -> tuple[MeanSquare, MeanSquare, MeanSquare]:
    x: NDArray[np.float64] = np.array(study.values)
    o, p, r = x.shape
    x = x - x.mean()
    cell, by_level = x.mean(axis=2), x.mean(axis=(1, 2))
    return (
        MeanSquare(study.factor, p * r * float(np.sum(by_level**2)), o - 1),
        MeanSquare("part", r * float(np.sum((cell - by_level[:, None]) ** 2)), o * (p - 1)),
        MeanSquare("repeatability", float(np.sum((x - cell[:, :, None]) ** 2)), o * p * (r - 1)),
    )


def _f_above(f: float, n: int, m: int) -> float:
    from scipy.special import fdtrc  # noqa: PLC0415 (scipy loads slowly)

    return float(fdtrc(n, m, f))
