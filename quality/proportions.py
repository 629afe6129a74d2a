"""A fraction of units, never without its interval: Clopper-Pearson (exact) and Wilson."""

from __future__ import annotations

import math
from dataclasses import dataclass
from statistics import NormalDist

from quality.errors import ProportionError


@dataclass(frozen=True, slots=True)
class Proportion:
    """`count` of `n` units, with the two-sided interval of its fraction at `confidence`."""

    count: int
    n: int
    value: float
    lower: float
    upper: float
    confidence: float


def clopper_pearson(count: int, n: int, confidence: float = 0.95) -> Proportion:
    """Return a fraction with its exact interval: it covers the true fraction at least that often.

    Clopper and Pearson, Biometrika 26 (1934) 404, doi:10.1093/biomet/26.4.404; to 1e-10.

    Raises:
        ProportionError: no units, a count outside 0 to n, or a confidence outside 0 to 1.
    """
    check_counts(count, n)
    tail = (1 - check_probability("confidence", confidence)) / 2
    return Proportion(count, n, count / n, _lower(count, n, tail), _upper(count, n, tail), confidence)


def wilson(count: int, n: int, confidence: float = 0.95) -> Proportion:
    """Return a fraction with Wilson's score interval: shorter, covers the true fraction about that often.

    Wilson, JASA 22 (1927) 209, doi:10.1080/01621459.1927.10502953; to 1e-12.

    Raises:
        ProportionError: no units, a count outside 0 to n, or a confidence outside 0 to 1.
    """
    check_counts(count, n)
    z = NormalDist().inv_cdf(0.5 + check_probability("confidence", confidence) / 2)
    value, weight = count / n, z * z / n
    centre = (value + weight / 2) / (1 + weight)
    half = z / (1 + weight) * math.sqrt(value * (1 - value) / n + weight / (4 * n))
    lower = 0.0 if count == 0 else centre - half
    upper = 1.0 if count == n else centre + half
    return Proportion(count, n, value, lower, upper, confidence)


def upper_bound(count: int, n: int, confidence: float = 0.95) -> float:
    """Return the exact one-sided upper bound: larger fractions are excluded with that confidence.

    Raises:
        ProportionError: no units, a count outside 0 to n, or a confidence outside 0 to 1.
    """
    check_counts(count, n)
    return _upper(count, n, 1 - check_probability("confidence", confidence))


def check_counts(count: int, n: int) -> None:
    """Raise ProportionError unless 0 <= count <= n and n >= 1."""
    if n < 1:
        raise ProportionError(f"{n} units inspected: a fraction needs at least one")
    if not 0 <= count <= n:
        raise ProportionError(f"{count} of {n} units: the count must lie between 0 and {n}")


def check_probability(name: str, value: float) -> float:
    """Return a number strictly between 0 and 1; raise ProportionError of any other, NaN included."""
    if not 0 < value < 1:
        raise ProportionError(f"{name} {value} must lie between 0 and 1, without the ends")
    return value


def _lower(count: int, n: int, tail: float) -> float:
    from scipy.special import betaincinv  # noqa: PLC0415 (scipy loads slowly)

    return 0.0 if count == 0 else float(betaincinv(count, n - count + 1, tail))


def _upper(count: int, n: int, tail: float) -> float:
    from scipy.special import betaincinv  # noqa: PLC0415 (scipy loads slowly)

    return 1.0 if count == n else float(betaincinv(count + 1, n - count, 1 - tail))
