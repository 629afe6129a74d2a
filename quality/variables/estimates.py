"""From a sample's mean and standard deviation to the estimated fraction nonconforming and the decision.

The characteristic is taken to be normal, and the sample random. Estimates are the minimum variance unbiased
ones of ANSI/ASQ Z1.9 (Lieberman and Resnikoff, J. Am. Stat. Assoc. 50 (1955) 457,
doi:10.1080/01621459.1955.10501270).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import isfinite, sqrt
from statistics import fmean, stdev
from typing import NamedTuple

from quality.errors import PlanError


@dataclass(frozen=True, slots=True)
class VariablesSample:
    """A sample of `n` measurements, its mean and a standard deviation in the same unit.

    `sigma_known` says that `deviation` is the process standard deviation, known beforehand, and not the
    sample's own.

    Raises:
        PlanError: n below 3 (2 with sigma known), a number that is not finite, or a deviation that is not
            above 0 (constant data, or a resolution too coarse to see the spread).
    """

    n: int
    mean: float
    deviation: float
    sigma_known: bool = False

    def __post_init__(self) -> None:
        least = 2 if self.sigma_known else 3
        if self.n < least:
            raise PlanError(f"a sample of {self.n} gives no estimate; at least {least} are needed")
        if not (isfinite(self.mean) and isfinite(self.deviation) and self.deviation > 0):
            raise PlanError(
                f"mean {self.mean}, standard deviation {self.deviation}: both must be finite, the deviation "
                "above 0; of constant data no fraction nonconforming can be estimated"
            )


class KLimit(NamedTuple):
    """A specification limit and the acceptability constant k of its plan."""

    limit: float
    k: float


class MLimit(NamedTuple):
    """A specification limit and the largest estimated fraction nonconforming M (a fraction) of its plan."""

    limit: float
    M: float


@dataclass(frozen=True, slots=True)
class NonconformingEstimate:
    """Quality indices Q, null where there is no limit, and the estimated fractions beyond each limit."""

    QU: float | None
    QL: float | None
    p_upper: float
    p_lower: float
    p_total: float


@dataclass(frozen=True, slots=True)
class VariablesDecision:
    """Whether the lot is accepted, and by which numbers."""

    accept: bool
    estimate: NonconformingEstimate


def variables_sample(values: Sequence[float], sigma: float | None = None) -> VariablesSample:
    """Return the statistics of measured values; `sigma` where the process standard deviation is known.

    Raises:
        PlanError: as `VariablesSample`.
    """
    if len(values) < 2 or not all(map(isfinite, values)):
        raise PlanError(f"{len(values)} values: at least 2 are needed, and each must be finite")
    return VariablesSample(
        len(values), fmean(values), stdev(values) if sigma is None else sigma, sigma_known=sigma is not None
    )


def estimate_nonconforming(
    sample: VariablesSample, lower: float | None, upper: float | None
) -> NonconformingEstimate:
    """Return the MVUE of the fraction nonconforming beyond each limit and in total; within 1e-12.

    Raises:
        PlanError: no limit, one that is not finite, or limits the wrong way round.
    """
    if lower is None and upper is None:
        raise PlanError("no specification limit: give lower, upper or both")
    if not all(isfinite(limit) for limit in (lower, upper) if limit is not None):
        raise PlanError(f"limits {lower} and {upper}: leave a limit out (null) instead of infinite or NaN")
    if lower is not None and upper is not None and not lower < upper:
        raise PlanError(f"lower limit {lower} is not below upper limit {upper}")
    QU = None if upper is None else (upper - sample.mean) / sample.deviation
    QL = None if lower is None else (sample.mean - lower) / sample.deviation
    p_upper, p_lower = _fraction_beyond(sample, QU), _fraction_beyond(sample, QL)
    return NonconformingEstimate(QU, QL, p_upper, p_lower, p_upper + p_lower)


def decide_by_k(
    sample: VariablesSample, *, lower: KLimit | None = None, upper: KLimit | None = None
) -> VariablesDecision:
    """Accept where the quality index of each limit is at least its k (Form 1; two limits separately).

    An index is negative where the mean lies beyond the limit. For one plan that covers both limits together
    the k form does not exist: `decide_combined`.

    Raises:
        PlanError: as `estimate_nonconforming`, or a k that is not finite.
    """
    for limit in (lower, upper):
        if limit is not None and not isfinite(limit.k):
            raise PlanError(f"k = {limit.k} is no acceptability constant")
    estimate = estimate_nonconforming(sample, lower and lower.limit, upper and upper.limit)
    accept = all(
        index is None or limit is None or index >= limit.k
        for index, limit in ((estimate.QL, lower), (estimate.QU, upper))
    )
    return VariablesDecision(accept, estimate)


def decide_by_m(
    sample: VariablesSample, *, lower: MLimit | None = None, upper: MLimit | None = None
) -> VariablesDecision:
    """Accept where the estimate beyond each limit is at most its M (Form 2).

    With two limits, each with its own AQL and so its own M, the total must also be at most the larger M.

    Raises:
        PlanError: as `estimate_nonconforming`, or an M that is no fraction.
    """
    allowed = [_allowed(limit.M) for limit in (lower, upper) if limit is not None]
    estimate = estimate_nonconforming(sample, lower and lower.limit, upper and upper.limit)
    accept = (
        (lower is None or estimate.p_lower <= lower.M)
        and (upper is None or estimate.p_upper <= upper.M)
        and estimate.p_total <= max(allowed)
    )
    return VariablesDecision(accept, estimate)


def decide_combined(sample: VariablesSample, lower: float, upper: float, M: float) -> VariablesDecision:
    """Accept where the estimate beyond both limits together is at most M: one AQL for both limits.

    Raises:
        PlanError: as `estimate_nonconforming`, or M is no fraction.
    """
    estimate = estimate_nonconforming(sample, lower, upper)
    return VariablesDecision(estimate.p_total <= _allowed(M), estimate)


def _allowed(M: float) -> float:
    if not 0 <= M < 1:
        raise PlanError(f"M = {M} is no fraction within 0 ... 1; a table's M in percent is divided by 100")
    return M


def _fraction_beyond(sample: VariablesSample, index: float | None) -> float:
    """Return the MVUE of the fraction beyond one limit: symmetric beta, or normal where sigma is known."""
    from scipy.special import betainc, ndtr  # noqa: PLC0415 (importing the room stays light)

    if index is None:
        return 0.0
    n = sample.n
    if sample.sigma_known:
        return float(ndtr(-index * sqrt(n / (n - 1))))
    x = min(max(0.5 - 0.5 * index * sqrt(n) / (n - 1), 0.0), 1.0)
    return float(betainc(n / 2 - 1, n / 2 - 1, x))
