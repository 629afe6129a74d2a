"""Variance components as sums and differences of mean squares, with confidence intervals."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

from quality.msa.study import probability


@dataclass(frozen=True, slots=True)
class MeanSquare:
    """One line of an analysis of variance."""

    source: str
    sum_of_squares: float
    degrees_of_freedom: int

    @property
    def mean_square(self) -> float:
        """Sum of squares over degrees of freedom."""
        return self.sum_of_squares / self.degrees_of_freedom


@dataclass(frozen=True, slots=True)
class VarianceComponent:
    """An estimated variance, in squared data units.

    `raw` is what the analysis of variance gives. Where it is negative, `variance` is 0 and `set_to_zero` says
    so. `interval` is the confidence interval of the variance, never below 0.
    """

    name: str
    raw: float
    interval: tuple[float, float]

    @property
    def variance(self) -> float:
        """The estimate, not negative."""
        return max(0.0, self.raw)

    @property
    def standard_deviation(self) -> float:
        """Square root of the estimate, in data units."""
        return math.sqrt(self.variance)

    @property
    def set_to_zero(self) -> bool:
        """Whether a negative estimate was replaced by 0."""
        return self.raw < 0


Weights = Mapping[MeanSquare, float]


def component(name: str, weights: Weights, coverage: float) -> VarianceComponent:
    """Return the variance component that is the weighted sum of mean squares.

    Raises:
        StudyError: the coverage does not lie between 0 and 1.
    """
    raw = math.fsum(weight * line.mean_square for line, weight in weights.items())
    return VarianceComponent(name, raw, modified_large_sample(weights, coverage))


def total_weights(parts: list[tuple[VarianceComponent, Weights]]) -> Weights:
    """Return the weights of a sum of components, leaving out those that were set to zero."""
    total: dict[MeanSquare, float] = {}
    for part, weights in parts:
        if not part.set_to_zero:
            for line, weight in weights.items():
                total[line] = total.get(line, 0.0) + weight
    return total


def modified_large_sample(weights: Weights, coverage: float) -> tuple[float, float]:
    """Return the modified large sample interval of a weighted sum of mean squares, cut off at 0.

    For one mean square this is the exact chi-square interval; for sums that of Graybill and Wang (JASA 75,
    1980, 869), for differences that of Ting et al. (J. Stat. Comput. Simul. 35, 1990, 135). The coverage is
    close to, and seldom below, the nominal one.
    """
    from scipy.special import chdtri, fdtri  # noqa: PLC0415 (scipy loads slowly)

    probability(coverage, "coverage")
    alpha = (1 - coverage) / 2
    lines = [(w * line.mean_square, line.degrees_of_freedom) for line, w in weights.items() if w != 0]
    estimate = math.fsum(term for term, _ in lines)
    below, above = 0.0, 0.0  # squared distances of the limits from the estimate
    g = {n: 1 - n / float(chdtri(n, alpha)) for _, n in lines}
    h = {n: n / float(chdtri(n, 1 - alpha)) - 1 for _, n in lines}
    for term, n in lines:
        below += ((g if term > 0 else h)[n] * term) ** 2
        above += ((h if term > 0 else g)[n] * term) ** 2
    for plus, n in lines:
        for minus, m in lines:
            if plus > 0 > minus:
                f = float(fdtri(n, m, 1 - alpha))
                below += ((f - 1) ** 2 - (g[n] * f) ** 2 - h[m] ** 2) / f * plus * -minus
                f = float(fdtri(n, m, alpha))
                above += ((1 - f) ** 2 - (h[n] * f) ** 2 - g[m] ** 2) / f * plus * -minus
    low = estimate - math.sqrt(max(0.0, below))
    return max(0.0, low), max(0.0, estimate + math.sqrt(max(0.0, above)))
