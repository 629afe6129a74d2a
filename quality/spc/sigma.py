"""Estimates of a process's standard deviation within subgroups, and the degrees of freedom they are worth.

All estimates are unbiased for normal values. Where an estimate is no root of a sum of squares, its degrees of
freedom are those of the standard deviation with the same relative variance (Patnaik 1950,
doi:10.1093/biomet/37.1-2.78).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from quality.errors import ChartError
from quality.spc.constants import c4, constants
from quality.spc.roots import falling_root
from quality.spc.samples import Vector

SigmaMethod = Literal["mean_range", "weighted_range", "mean_sd", "weighted_sd", "pooled_sd", "moving_range"]


@dataclass(frozen=True, slots=True)
class SigmaEstimate:
    """A standard deviation in the data's unit, and the degrees of freedom that it is worth."""

    sigma: float
    degrees: float


def estimate_sigma(subgroups: Sequence[Vector], method: SigmaMethod) -> SigmaEstimate:
    """Return sigma within subgroups.

    `mean_range`, `mean_sd`: mean of range / d2 or s / c4 over the subgroups (qcc's UWAVE). `weighted_range`,
    `weighted_sd`: the same with the weights of least variance (MVLUE), which differs for unequal sizes only.
    `pooled_sd`: root of the pooled variance over c4 (RMSDF). `moving_range`: mean of |x[i+1] - x[i]| / d2(2);
    every element of `subgroups` is here a stretch of consecutive single values.

    Raises:
        ChartError: subgroup sizes outside 2 to 25, no moving range, or constant data (sigma would be 0).
    """
    estimate = (
        _moving_range(subgroups)
        if method == "moving_range"
        else _pooled(subgroups)
        if method == "pooled_sd"
        else _mean(subgroups, method)
    )
    largest = max(float(np.abs(s).max()) for s in subgroups)
    if estimate.sigma <= 1e-13 * largest:  # what rounding leaves of values that are all equal
        raise ChartError(
            "constant data: no variation within subgroups, so there are no limits; check resolution"
        )
    return estimate


def _mean(subgroups: Sequence[Vector], method: SigmaMethod) -> SigmaEstimate:
    known = [constants(s.size) for s in subgroups]
    if method.endswith("range"):
        sigmas = np.array([np.ptp(s) / k.d2 for s, k in zip(subgroups, known, strict=True)])
        variances = np.array([(k.d3 / k.d2) ** 2 for k in known])
    else:
        sigmas = np.array([s.std(ddof=1) / k.c4 for s, k in zip(subgroups, known, strict=True)])
        variances = np.array([(k.c5 / k.c4) ** 2 for k in known])
    weights = 1 / variances if method.startswith("weighted") else np.ones_like(variances)
    weights /= weights.sum()
    return SigmaEstimate(float(weights @ sigmas), equivalent_degrees(float(weights**2 @ variances)))


def _pooled(subgroups: Sequence[Vector]) -> SigmaEstimate:
    degrees = sum(constants(s.size).n - 1 for s in subgroups)
    squares = sum(float(((s - s.mean()) ** 2).sum()) for s in subgroups)
    return SigmaEstimate(math.sqrt(squares / degrees) / c4(degrees), float(degrees))


def _moving_range(stretches: Sequence[Vector]) -> SigmaEstimate:
    ranges = np.concatenate([np.abs(np.diff(s)) for s in stretches])
    if not ranges.size:
        raise ChartError("no two consecutive values are left, so there is no moving range")
    # Of standard normal values: E R = 2/sqrt(pi), E R^2 = 2; neighbouring ranges share a value, so that
    # E R R' = (4/pi) (sqrt(1 - r^2) + r asin r) with r = -1/2, the correlation of neighbouring differences.
    mean = 2 / math.sqrt(math.pi)
    variance = 2 - mean**2
    covariance = 4 / math.pi * (math.sqrt(0.75) + math.pi / 12) - mean**2
    neighbours = sum(max(0, s.size - 2) for s in stretches)
    of_mean = (ranges.size * variance + 2 * neighbours * covariance) / ranges.size**2
    return SigmaEstimate(float(ranges.mean()) / mean, equivalent_degrees(of_mean / mean**2))


def equivalent_degrees(relative_variance: float) -> float:
    """Return the degrees of freedom whose unbiased standard deviation has this relative variance, to 1e-9."""

    def excess(log_degrees: float) -> float:
        mean = c4(math.exp(log_degrees))
        return (1 - mean**2) / mean**2 - relative_variance

    return math.exp(falling_root(excess, math.log(1e-3), math.log(1e7)))
