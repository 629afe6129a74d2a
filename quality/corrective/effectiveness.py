"""What counts before and after an action prove: exact tests, bounds, sample sizes and power."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Literal, cast

from quality.errors import ProportionError
from quality.proportions import check_counts, check_probability, upper_bound


@dataclass(frozen=True, slots=True)
class Reduction:
    """Whether the fraction nonconforming has fallen: Fisher's exact test, one-sided.

    `upper_bound` is the one-sided bound of the fraction after the action at 1 - `alpha`.
    """

    p_value: float
    alpha: float
    significant: bool
    upper_bound: float


def fisher_reduction(
    before_count: int, before_n: int, after_count: int, after_n: int, *, alpha: float = 0.05
) -> Reduction:
    """Test whether the fraction nonconforming is smaller after than before.

    Fisher's exact test on the table of nonconforming and conforming units, alternative "after < before";
    p to 1e-9.

    Raises:
        ProportionError: no units, a count outside 0 to n, or alpha outside 0 to 1.
    """
    check_counts(before_count, before_n)
    check_counts(after_count, after_n)
    check_probability("alpha", alpha)
    p = fisher_p_value((after_count, after_n), (before_count, before_n), "less")
    return Reduction(p, alpha, p <= alpha, upper_bound(after_count, after_n, 1 - alpha))


def fisher_p_value(
    one: tuple[int, int], other: tuple[int, int], alternative: Literal["less", "two-sided"]
) -> float:
    """Return the p-value of Fisher's exact test; each group is (nonconforming units, units).

    "less" asks whether the first group's fraction is the smaller one; "two-sided" sums every table that is
    no more probable than the one seen. To 1e-9.
    """
    # scipy loads slowly, and types this function only in part
    from scipy.stats import fisher_exact  # noqa: PLC0415  # pyright: ignore[reportUnknownVariableType]

    table = [[count, n - count] for count, n in (one, other)]
    result = cast("Any", fisher_exact)(table, alternative=alternative)
    return min(1.0, float(result.pvalue))


def sample_size(fraction: float, confidence: float, max_nonconforming: int = 0) -> int:
    """Return the least number of units that excludes `fraction` when at most so many do not conform.

    Without any nonconforming unit that is ln(1 - confidence) / ln(1 - fraction), rounded up.

    Raises:
        ProportionError: a fraction or confidence outside 0 to 1, or a negative number.
    """
    check_probability("fraction", fraction)
    check_probability("confidence", confidence)
    if max_nonconforming < 0:
        raise ProportionError(f"max_nonconforming {max_nonconforming} must not be negative")
    # A hair below: 2 units exclude 0.5 at 0.75 although the quotient of the logarithms is 2.0000000000000004.
    least = math.ceil(math.log1p(-confidence) / math.log1p(-fraction) - 1e-9)
    if max_nonconforming == 0:
        return max(1, least)
    low, high = max_nonconforming, max_nonconforming + 1
    while _excludes(high, max_nonconforming, confidence) > fraction:
        low, high = high, 2 * high
    while high - low > 1:
        middle = (low + high) // 2
        if _excludes(middle, max_nonconforming, confidence) > fraction:
            low = middle
        else:
            high = middle
    return high


def _excludes(n: int, max_nonconforming: int, confidence: float) -> float:
    return upper_bound(max_nonconforming, n, confidence)


def pass_probability(fraction: float, n: int, max_nonconforming: int) -> float:
    """Return how probably n units of that true fraction hold at most so many nonconforming ones.

    Raises:
        ProportionError: no units, a negative number, or a fraction outside 0 to 1 (the ends are allowed).
    """
    check_counts(min(max_nonconforming, n), n)
    if not 0 <= fraction <= 1:
        raise ProportionError(f"fraction {fraction} must lie between 0 and 1")
    from scipy.special import bdtr  # noqa: PLC0415 (scipy loads slowly)

    return 1.0 if max_nonconforming >= n else float(bdtr(max_nonconforming, n, fraction))
