"""Studies against a reference: bias, type 1 (Cg, Cgk) and linearity (AIAG MSA 4th ed., VDA 5)."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from quality.errors import StudyError
from quality.msa.study import finite, positive, probability


@dataclass(frozen=True, slots=True)
class Bias:
    """Mean deviation from a reference value, in data units, with its t test and confidence interval."""

    reference: float
    n: int
    mean: float
    standard_deviation: float
    t: float
    p_value: float
    interval: tuple[float, float]
    coverage: float

    @property
    def bias(self) -> float:
        """Mean less reference."""
        return self.mean - self.reference

    @property
    def acceptable(self) -> bool:
        """Whether the interval holds zero: no bias is proven."""
        return self.interval[0] <= 0 <= self.interval[1]


@dataclass(frozen=True, slots=True)
class Type1:
    """Type 1 study: potential index Cg and critical index Cgk against `percent` of the tolerance."""

    bias: Bias
    tolerance: float
    percent: float
    sigmas: float

    @property
    def cg(self) -> float:
        """`percent` of the tolerance over `sigmas` standard deviations."""
        return self.percent / 100 * self.tolerance / (self.sigmas * self.bias.standard_deviation)

    @property
    def cgk(self) -> float:
        """The same with the bias taken off: negative where the bias alone is more than is allowed."""
        room = self.percent / 200 * self.tolerance - abs(self.bias.bias)
        return room / (self.sigmas / 2 * self.bias.standard_deviation)

    @property
    def percent_repeatability(self) -> float:
        """100 times `sigmas` standard deviations over the tolerance."""
        return self.percent / self.cg

    @property
    def percent_repeatability_and_bias(self) -> float:
        """`percent` over Cgk; infinite where Cgk is not positive."""
        return self.percent / self.cgk if self.cgk > 0 else math.inf


@dataclass(frozen=True, slots=True)
class ReferenceBias:
    """Bias at one reference of a linearity study.

    `t` and `p_value` are of this reference's own standard deviation, null where all its readings are equal.
    `line` is the confidence interval of the fitted bias there.
    """

    reference: float
    n: int
    bias: float
    t: float | None
    p_value: float | None
    line: tuple[float, float]

    @property
    def line_holds_zero(self) -> bool:
        """Whether no bias is proven at this reference by the fitted line."""
        return self.line[0] <= 0 <= self.line[1]


@dataclass(frozen=True, slots=True)
class Linearity:
    """Bias over the range of the gauge: bias = intercept + slope * reference, by least squares.

    `standard_deviation` is of the residuals. `linearity` is |slope| times the process variation (six standard
    deviations of the process, data units), null where that was not given.
    """

    slope: float
    intercept: float
    r_squared: float
    standard_deviation: float
    slope_error: float
    intercept_error: float
    slope_p: float
    mean_bias: float
    process_variation: float | None
    references: tuple[ReferenceBias, ...]
    coverage: float

    @property
    def slope_t(self) -> float:
        """Slope over its standard error."""
        return self.slope / self.slope_error

    @property
    def intercept_t(self) -> float:
        """Intercept over its standard error."""
        return self.intercept / self.intercept_error

    @property
    def linearity(self) -> float | None:
        """|slope| times the process variation."""
        return None if self.process_variation is None else abs(self.slope) * self.process_variation

    @property
    def percent_linearity(self) -> float:
        """100 |slope|: linearity in percent of the process variation."""
        return 100 * abs(self.slope)

    @property
    def largest_bias(self) -> float:
        """Largest absolute fitted bias at a reference that was measured."""
        return max(abs(self.intercept + self.slope * r.reference) for r in self.references)

    @property
    def acceptable(self) -> bool:
        """Whether zero bias lies within the line's interval at every reference (AIAG)."""
        return all(r.line_holds_zero for r in self.references)


def bias_study(values: Sequence[float], reference: float, *, coverage: float = 0.95) -> Bias:
    """Return the bias of repeated readings of one reference, by Student's t with n - 1 degrees of freedom.

    Raises:
        StudyError: fewer than 2 readings, NaN, all the same, no finite reference, or no coverage in (0, 1).
    """
    if not math.isfinite(reference):
        raise StudyError(f"reference {reference} is no number: state the reference value and its certificate")
    probability(coverage, "coverage")
    x = np.array(finite(values, 2, "bias study"))
    n, mean, sd = len(x), float(x.mean()), float(x.std(ddof=1))
    error = sd / math.sqrt(n)
    t = (mean - reference) / error
    half = _t_above(n - 1, coverage) * error
    deviation = mean - reference
    return Bias(
        reference, n, mean, sd, t, _two_sided(n - 1, t), (deviation - half, deviation + half), coverage
    )


def type1_study(
    values: Sequence[float],
    reference: float,
    *,
    tolerance: float,
    percent: float = 20.0,
    sigmas: float = 6.0,
    coverage: float = 0.95,
) -> Type1:
    """Return Cg and Cgk of repeated readings of one reference; usual: 50 readings, both at least 1.33.

    Args:
        values: readings in data units.
        reference: true value.
        tolerance: width between the limits, positive.
        percent: share of the tolerance that the gauge may take; 20 (or 15).
        sigmas: 6 (or 4), standard deviations that must fit into it.
        coverage: of the bias's interval.

    Raises:
        StudyError: as `bias_study`, or tolerance, percent or sigmas are not positive.
    """
    positive(tolerance, "tolerance")
    positive(percent, "percent")
    positive(sigmas, "sigmas")
    return Type1(bias_study(values, reference, coverage=coverage), tolerance, percent, sigmas)


def linearity_study(
    readings: Sequence[tuple[float, float]],
    *,
    process_variation: float | None = None,
    coverage: float = 0.95,
) -> Linearity:
    """Return the linearity of readings (reference, value) at several references.

    Raises:
        StudyError: NaN, fewer than 3 readings or 2 references, deviations that all lie on the line, a process
            variation that is not positive, or a coverage outside (0, 1).
    """
    positive(process_variation, "process variation")
    probability(coverage, "coverage")
    if not all(map(math.isfinite, (number for pair in readings for number in pair))):
        raise StudyError("linearity study: a reference or value is no number: complete it or leave it out")
    if len(readings) < 3 or len({reference for reference, _ in readings}) < 2:
        raise StudyError(
            "linearity study: needs at least 3 readings at 2 references; AIAG asks for 12 at each of 5"
        )
    x, value = np.array(readings, dtype=np.float64).T
    y = value - x
    n, spread = len(x), x - x.mean()
    sxx = float(spread @ spread)
    slope = float(spread @ y) / sxx
    fitted = y.mean() + slope * spread
    residual, around = float(np.sum((y - fitted) ** 2)), float(np.sum((y - y.mean()) ** 2))
    scale = float(np.max(np.abs(value))) * math.sqrt(n)
    if residual <= (1e-14 * scale) ** 2:
        raise StudyError("linearity study: no reading lies off the line: the resolution is too coarse")
    s = math.sqrt(residual / (n - 2))
    slope_error = s / math.sqrt(sxx)
    t = _t_above(n - 2, coverage)
    found: list[ReferenceBias] = []
    for reference in sorted(set(x.tolist())):
        line = float(y.mean()) + slope * (reference - float(x.mean()))
        half = t * s * math.sqrt(1 / n + (reference - float(x.mean())) ** 2 / sxx)
        found.append(_at_reference(reference, y[x == reference].tolist(), (line - half, line + half)))
    return Linearity(
        slope=slope,
        intercept=float(y.mean()) - slope * float(x.mean()),
        r_squared=1 - residual / around,
        standard_deviation=s,
        slope_error=slope_error,
        intercept_error=s * math.sqrt(1 / n + float(x.mean()) ** 2 / sxx),
        slope_p=_two_sided(n - 2, slope / slope_error),
        mean_bias=float(y.mean()),
        process_variation=process_variation,
        references=tuple(found),
        coverage=coverage,
    )


def _at_reference(reference: float, biases: list[float], line: tuple[float, float]) -> ReferenceBias:
    n, mean = len(biases), float(np.mean(biases))
    if len(set(biases)) == 1:
        return ReferenceBias(reference, n, mean, None, None, line)
    t = mean / (float(np.std(biases, ddof=1)) / math.sqrt(n))
    return ReferenceBias(reference, n, mean, t, _two_sided(n - 1, t), line)


def _t_above(degrees: int, coverage: float) -> float:
    from scipy.special import stdtrit  # noqa: PLC0415 (scipy loads slowly)

    return float(stdtrit(degrees, (1 + coverage) / 2))


def _two_sided(degrees: int, t: float) -> float:
    from scipy.special import stdtr  # noqa: PLC0415 (scipy loads slowly)

    return 2 * float(stdtr(degrees, -abs(t)))
