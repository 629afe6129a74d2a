"""Operating characteristic of variables plans with one specification limit, and plans found by two points.

Sigma unknown (s-method) is the exact noncentral t, not the n / (1 + k^2 / 2) approximation; within 1e-8.
Source: Schilling and Neubauer, Acceptance Sampling in Quality Control, 3rd ed., chapter 10.
"""

from __future__ import annotations

from bisect import bisect_left
from math import isfinite, sqrt
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from quality.curves import CurvePoint
from quality.curves.plans import checked_quality
from quality.curves.search import check_points
from quality.errors import PlanError

Sigma = Literal["known", "unknown"]
MOST_UNITS = 100_000


class VariablesTwoPointPlan(NamedTuple):
    """The smallest sample, and the k that gives the producer's point exactly."""

    n: int
    k: float


def variables_acceptance_probability(n: int, k: float, p: ArrayLike, *, sigma: Sigma) -> NDArray[np.float64]:
    """Return the probability that a lot with fraction `p` beyond the limit has a quality index of at least k.

    Raises:
        PlanError: n below 2 (1 with sigma known), k not finite, p not within 0 ... 1, or sigma neither
            "known" nor "unknown".
    """
    from scipy.special import ndtr, ndtri  # noqa: PLC0415 (importing the room stays light)

    _check_plan(n, k, sigma)
    fractions = checked_quality(p, "binomial")
    inside = np.clip(fractions, 1e-300, 1 - 1e-16)
    distance = -ndtri(inside)  # of mean and limit, in sigma
    if sigma == "known" or abs(k) < 1e-12:  # at k = 0 the spread plays no part, and scipy's t fails near it
        accepted = ndtr(sqrt(n) * (distance - k))
    else:
        from scipy.stats import nct  # noqa: PLC0415 (special.nctdtr gives NaN in the far tails)

        accepted = nct.sf(k * sqrt(n), n - 1, sqrt(n) * distance)  # pyright: ignore[reportUnknownMemberType]
    return np.where(fractions == 0, 1.0, np.where(fractions == 1, 0.0, accepted))


def find_variables_plan(producer: CurvePoint, consumer: CurvePoint, *, sigma: Sigma) -> VariablesTwoPointPlan:
    """Return the plan with the smallest n that meets both points, one specification limit.

    n is a whole number, so a range of k would do: k is its upper end, where the producer's point is met
    exactly and the consumer has the gain.

    Raises:
        PlanError: a point that cannot be, points the wrong way round, or no plan of at most 100,000 units.
    """
    check_points(producer, consumer, "binomial")
    least = 1 if sigma == "known" else 2
    _check_plan(least, 0.0, sigma)
    if not 0 < producer.p < consumer.p < 1:
        raise PlanError(f"p = {producer.p} and {consumer.p}: a normal process needs both above 0 and below 1")

    def refuses(n: int) -> bool:
        k = _largest_k(n, producer, sigma)
        return float(variables_acceptance_probability(n, k, consumer.p, sigma=sigma)) <= consumer.Pa

    high = least
    while not refuses(high):
        if high >= MOST_UNITS:
            raise PlanError(
                f"no plan of at most {MOST_UNITS} units meets both points; take them further apart"
            )
        high = min(2 * high, MOST_UNITS)
    n = least + bisect_left(range(least, high + 1), True, key=refuses)
    return VariablesTwoPointPlan(n, _largest_k(n, producer, sigma))


def _largest_k(n: int, producer: CurvePoint, sigma: Sigma) -> float:
    """Return the k at which the producer's quality is accepted with its probability."""
    from scipy.special import nctdtrit, ndtri  # noqa: PLC0415 (importing the room stays light)

    distance = -float(ndtri(producer.p))
    if sigma == "known":
        return distance - float(ndtri(producer.Pa)) / sqrt(n)
    return float(nctdtrit(n - 1, sqrt(n) * distance, 1 - producer.Pa)) / sqrt(n)


def _check_plan(n: int, k: float, sigma: Sigma) -> None:
    if sigma not in {"known", "unknown"}:
        raise PlanError(f"sigma {sigma!r} is neither 'known' nor 'unknown'")
    least = 1 if sigma == "known" else 2
    if n < least or not isfinite(k):
        raise PlanError(f"n = {n}, k = {k} is no variables plan: n >= {least} (sigma {sigma}) and k finite")
