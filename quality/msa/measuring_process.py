"""Is the measuring process good enough for a tolerance? Bias and linearity count like everything else."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from golden.conformity import capable, tolerance, u_over_tolerance
from golden.errors import MeasurementError
from golden.spec import DecisionRule
from golden.uncertainty import Component, combine, rectangular
from quality.errors import StudyError
from quality.msa.bias import Bias, Linearity
from quality.msa.components import VarianceComponent

MeasuringProcessVerdict = Literal["capable", "not_capable", "unknown"]


@dataclass(frozen=True, slots=True)
class MeasuringProcess:
    """The verdict and its numbers, in data units.

    `uncertainty` is U = k u. `u_over_tolerance` may be `largest_u_over_tolerance` at most; that is null where
    the rule asks for nothing. What is `missing` leaves the verdict "unknown", unless what is known is already
    too much.
    """

    verdict: MeasuringProcessVerdict
    components: tuple[Component, ...]
    standard_uncertainty: float
    coverage_factor: float
    uncertainty: float
    tolerance: float
    u_over_tolerance: float
    largest_u_over_tolerance: float | None
    missing: tuple[str, ...]


def measuring_process_capable(
    *,
    lower: float | None,
    upper: float | None,
    rule: DecisionRule,
    spread: VarianceComponent | float | None,
    bias: Bias | None,
    linearity: Linearity | None,
    reference_uncertainty: float | None,
    others: Sequence[Component] = (),
) -> MeasuringProcess:
    """Judge a measuring process against the limits and rule of a characteristic (ISO 22514-7:2021, VDA 5).

    The budget is gage R&R, the larger of bias and largest fitted bias over sqrt(3), the uncertainty of the
    reference and `others`, by root sum of squares; U = k u. A linearity study's largest fitted bias holds the
    mean bias already, so that both together would count it twice. ISO 22514-7 asks for 2 U / tolerance of at
    most 30 %, that is U / tolerance of at most 0.15.

    Args:
        lower: lower limit, data units, or None.
        upper: upper limit, or None.
        rule: as agreed in the golden sample: its coverage factor and its `largest_u_over_tolerance`.
        spread: gage R&R of a study (its component), or its standard deviation; None where it was not studied.
        bias: from `bias_study`; None where it was not studied.
        linearity: from `linearity_study`; None where it was not studied.
        reference_uncertainty: standard uncertainty of the reference; None where nobody states it.
        others: further components: resolution, temperature, form of the part.

    Returns:
        "not_capable" where what is known exceeds the limit; else "unknown" where something is missing; else
        "capable".

    Raises:
        StudyError: a number is outside its range, or the limits leave no tolerance.
    """
    given = {
        "gage R&R": spread, "bias": bias, "linearity": linearity, "reference": reference_uncertainty,
        "largest_u_over_tolerance": rule.largest_u_over_tolerance,
    }  # fmt: skip
    missing = tuple(name for name, value in given.items() if value is None)
    verdict: MeasuringProcessVerdict = "unknown" if missing else "capable"
    try:
        components = (*_budget(spread, bias, linearity, reference_uncertainty), *others)
        u = combine(components).standard_uncertainty if components else 0.0
        if not capable(u, lower, upper, rule):
            verdict = "not_capable"
        return MeasuringProcess(
            verdict=verdict,
            components=components,
            standard_uncertainty=u,
            coverage_factor=rule.coverage_factor,
            uncertainty=rule.coverage_factor * u,
            tolerance=tolerance(lower, upper),
            u_over_tolerance=u_over_tolerance(u, lower, upper, rule),
            largest_u_over_tolerance=rule.largest_u_over_tolerance,
            missing=missing,
        )
    except MeasurementError as error:
        raise StudyError(f"measuring process: {error}") from error


def _budget(
    spread: VarianceComponent | float | None,
    bias: Bias | None,
    linearity: Linearity | None,
    reference_uncertainty: float | None,
) -> list[Component]:
    found: list[Component] = []
    if spread is not None:
        sd = spread.standard_deviation if isinstance(spread, VarianceComponent) else spread
        found.append(Component("gage R&R", sd))
    deviations = {
        "bias": None if bias is None else abs(bias.bias),
        "linearity": None if linearity is None else linearity.largest_bias,
    }
    known = {name: d for name, d in deviations.items() if d is not None}
    if known:
        name = max(known, key=known.__getitem__)
        found.append(Component(name, rectangular(known[name])))
    if reference_uncertainty is not None:
        found.append(Component("reference", reference_uncertainty))
    return found
