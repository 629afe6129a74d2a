"""Agreement beyond chance: Cohen's, Fleiss' and Light's kappa.

Kappa is (po - pe) / (1 - pe): undefined, 0/0, where everyone used one and the same category. High agreement
can come with a low kappa where one category is rare: read `agreement` beside it.
"""

from __future__ import annotations

import math
from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from itertools import combinations
from statistics import NormalDist
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from quality.errors import StudyError
from quality.msa.study import probability

Weighting = Literal["unweighted", "linear", "quadratic"]
ONE_CATEGORY = "only one category was used: agreement beyond chance is 0/0"
_NO_CHANCE = 1e-12


@dataclass(frozen=True, slots=True)
class Kappa:
    """Kappa with its asymptotic interval. Where it is undefined, `value` is null and `undefined` says why.

    `agreement` and `expected` are the observed and the chance agreement. `standard_error` and `interval` are
    null where kappa is, and where the method has none (Light's).
    """

    value: float | None
    agreement: float
    expected: float
    standard_error: float | None = None
    interval: tuple[float, float] | None = None
    undefined: str | None = None


def cohen_kappa(
    first: Sequence[Hashable],
    second: Sequence[Hashable],
    *,
    categories: Sequence[Hashable] | None = None,
    weighting: Weighting = "unweighted",
    coverage: float = 0.95,
) -> Kappa:
    """Return Cohen's kappa of two raters who judged the same items, in the same order.

    Args:
        first: the first rater's categories.
        second: the second rater's.
        categories: all categories in order, which a weighted kappa needs; by default those that occur, sorted
            where they are all numbers, else in order of occurrence.
        weighting: "linear" or "quadratic" disagreement for ordered categories.
        coverage: of the interval.

    Raises:
        StudyError: unequal numbers of ratings, fewer than 2, an unlisted category, or weights on names whose
            order nobody stated.
    """
    if len(first) != len(second) or len(first) < 2:
        raise StudyError(
            f"{len(first)} and {len(second)} ratings: two raters judge the same items, at least 2"
        )
    known = _categories((*first, *second), categories, ordered=weighting != "unweighted")
    table = np.zeros((len(known), len(known)))
    for a, b in zip(first, second, strict=True):
        table[known[a], known[b]] += 1
    return kappa_of_table(table.tolist(), weighting=weighting, coverage=coverage)


def kappa_of_table(
    table: Sequence[Sequence[float]], *, weighting: Weighting = "unweighted", coverage: float = 0.95
) -> Kappa:
    """Return Cohen's kappa of a square table of counts: rows by the first rater, columns by the second.

    The standard error is that of Fleiss, Cohen and Everitt (1969, doi:10.1037/h0028106).

    Raises:
        StudyError: the table is not square, holds a negative or broken count, or fewer than 2 items.
    """
    probability(coverage, "coverage")
    if not table or any(len(row) != len(table) for row in table):
        raise StudyError("kappa: the table of counts must be square, one row and column for each category")
    counts: NDArray[np.float64] = np.array(table, dtype=np.float64)
    if not (np.isfinite(counts).all() and (counts >= 0).all() and (counts == np.floor(counts)).all()):
        raise StudyError("kappa: counts must be whole numbers, not negative")
    n = float(counts.sum())
    if n < 2:
        raise StudyError(f"kappa: {n:g} items, at least 2 are needed")
    p, w = counts / n, _weights(len(table), weighting)
    rows, columns = p.sum(axis=1), p.sum(axis=0)
    po, pe = float((w * p).sum()), float(rows @ w @ columns)
    if 1 - pe < _NO_CHANCE:
        return Kappa(None, po, pe, undefined=ONE_CATEGORY)
    kappa = (po - pe) / (1 - pe)
    means = (w @ columns)[:, None] + (rows @ w)[None, :]
    inner = float((p * (w - means * (1 - kappa)) ** 2).sum()) - (kappa - pe * (1 - kappa)) ** 2
    return _with_interval(kappa, po, pe, math.sqrt(max(0.0, inner) / n) / (1 - pe), coverage)


def fleiss_kappa(counts: Sequence[Sequence[int]], *, coverage: float = 0.95) -> Kappa:
    """Return Fleiss' kappa: `counts[item][category]` ratings, equally many for each item.

    The standard error is Gwet's, for items as a sample (2008, doi:10.1348/000711006X126600); it does not
    assume that kappa is zero.

    Raises:
        StudyError: fewer than 2 items or ratings of an item, unequal numbers of ratings, or a broken count.
    """
    probability(coverage, "coverage")
    if len(counts) < 2 or any(len(row) != len(counts[0]) for row in counts):
        raise StudyError("Fleiss' kappa: at least 2 items are needed, each with a count for every category")
    table: NDArray[np.float64] = np.array(counts, dtype=np.float64)
    if not (np.isfinite(table).all() and (table >= 0).all() and (table == np.floor(table)).all()):
        raise StudyError("Fleiss' kappa: counts must be whole numbers, not negative")
    raters = float(table[0].sum())
    if raters < 2 or (table.sum(axis=1) != raters).any():
        raise StudyError("Fleiss' kappa: every item needs the same number of ratings, at least 2")
    n = len(table)
    shares = table.mean(axis=0) / raters
    agreements = (table * (table - 1)).sum(axis=1) / (raters * (raters - 1))
    po, pe = float(agreements.mean()), float(shares @ shares)
    if 1 - pe < _NO_CHANCE:
        return Kappa(None, po, pe, undefined=ONE_CATEGORY)
    kappa = (po - pe) / (1 - pe)
    expected = table @ shares / raters
    each = (agreements - pe) / (1 - pe) - 2 * (1 - kappa) * (expected - pe) / (1 - pe)
    variance = float(((each - kappa) ** 2).sum()) / (n * (n - 1))
    return _with_interval(kappa, po, pe, math.sqrt(variance), coverage)


def fleiss_kappa_of_ratings(ratings: Sequence[Sequence[Hashable]], *, coverage: float = 0.95) -> Kappa:
    """Return Fleiss' kappa of `ratings[item][rater]`; errors as `fleiss_kappa`."""
    known = _categories([r for row in ratings for r in row], None, ordered=False)
    return fleiss_kappa([[list(row).count(c) for c in known] for row in ratings], coverage=coverage)


def light_kappa(ratings: Sequence[Sequence[Hashable]]) -> Kappa:
    """Return Light's kappa of `ratings[item][rater]`: the mean of Cohen's kappa over all pairs of raters.

    Raises:
        StudyError: fewer than 2 items or raters, or unequally many ratings of items.
    """
    if len(ratings) < 2 or len(ratings[0]) < 2 or any(len(row) != len(ratings[0]) for row in ratings):
        raise StudyError("Light's kappa: at least 2 raters must judge the same items, at least 2")
    columns = list(zip(*ratings, strict=True))
    pairs = [cohen_kappa(a, b) for a, b in combinations(columns, 2)]
    agreement = math.fsum(k.agreement for k in pairs) / len(pairs)
    expected = math.fsum(k.expected for k in pairs) / len(pairs)
    values = [k.value for k in pairs if k.value is not None]
    if len(values) < len(pairs):
        return Kappa(None, agreement, expected, undefined=f"in a pair of raters {ONE_CATEGORY}")
    return Kappa(math.fsum(values) / len(values), agreement, expected)


def _with_interval(kappa: float, po: float, pe: float, error: float, coverage: float) -> Kappa:
    half = NormalDist().inv_cdf((1 + coverage) / 2) * error
    return Kappa(kappa, po, pe, error, (max(-1.0, kappa - half), min(1.0, kappa + half)))


def _weights(size: int, weighting: Weighting) -> NDArray[np.float64]:
    """Return the weight of each pair of categories: 1 where they agree, down to 0 where they are farthest."""
    if weighting == "unweighted" or size == 1:
        return np.eye(size)
    apart = np.abs(np.subtract.outer(np.arange(size), np.arange(size))) / (size - 1)
    return 1 - (apart if weighting == "linear" else apart**2)


def _categories(
    used: Sequence[Hashable], listed: Sequence[Hashable] | None, *, ordered: bool
) -> dict[Hashable, int]:
    """Return each category's place."""
    if listed is not None:
        unlisted = next((c for c in used if c not in listed), None)
        if unlisted is not None or len(set(listed)) != len(listed):
            raise StudyError(
                f"kappa: category {unlisted!r} is not among {list(listed)}, or one is listed twice"
            )
        return {c: i for i, c in enumerate(listed)}
    numbers = [c for c in used if isinstance(c, int | float)]
    if len(numbers) == len(used):
        return {c: i for i, c in enumerate(sorted(set(numbers)))}
    if ordered:
        raise StudyError("weighted kappa: the categories are names: list them in order")
    return {c: i for i, c in enumerate(dict.fromkeys(used))}
