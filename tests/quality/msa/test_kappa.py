"""Kappas against published examples, the delta method by numbers, the jackknife and simulation."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from quality.errors import StudyError
from quality.msa import cohen_kappa, fleiss_kappa, fleiss_kappa_of_ratings, kappa_of_table, light_kappa

# Fleiss (1971) as in common use: 10 subjects, 14 raters, 5 categories, kappa 0.210
FLEISS = [
    [0, 0, 0, 0, 14], [0, 2, 6, 4, 2], [0, 0, 3, 5, 6], [0, 3, 9, 2, 0], [2, 2, 8, 1, 1],
    [7, 7, 0, 0, 0], [3, 2, 6, 3, 0], [2, 5, 3, 2, 2], [6, 5, 2, 1, 0], [0, 2, 2, 3, 7],
]  # fmt: skip


def value(p: NDArray[np.float64], weights: NDArray[np.float64]) -> float:
    """Return kappa of cell probabilities by its other form, 1 - observed over expected disagreement."""
    against = 1 - weights
    return 1 - float((against * p).sum() / (against * np.outer(p.sum(1), p.sum(0))).sum())


def grades(k: int, power: int) -> NDArray[np.float64]:
    i = np.arange(k)
    return np.eye(k) if power == 0 else 1 - (np.abs(i[:, None] - i[None, :]) / (k - 1)) ** power


@pytest.mark.parametrize(("weighting", "power"), [("unweighted", 0), ("linear", 1), ("quadratic", 2)])
def test_value_and_error_by_the_delta_method(weighting: Any, power: int) -> None:
    table = np.array([[30.0, 5, 2], [4, 22, 6], [1, 7, 23]])
    n, w = table.sum(), grades(3, power)
    found = kappa_of_table(table.tolist(), weighting=weighting)
    assert found.value == pytest.approx(value(table / n, w), abs=1e-12)
    p, step = table / n, 1e-6
    slope = np.zeros_like(p)
    for at in np.ndindex(3, 3):
        up, down = p.copy(), p.copy()
        up[at] += step
        down[at] -= step
        slope[at] = (value(up / up.sum(), w) - value(down / down.sum(), w)) / (2 * step)
    variance = float((p * slope**2).sum() - (p * slope).sum() ** 2) / n
    assert found.standard_error == pytest.approx(math.sqrt(variance), rel=1e-6)
    assert found.interval is not None
    half = 1.959963984540054 * math.sqrt(variance)
    assert found.interval == pytest.approx((found.value - half, found.value + half), rel=1e-6)


def test_the_published_example_of_two_raters() -> None:
    """Cohen's two by two: 20, 5, 10, 15: kappa 0.4 (po 0.7, pe 0.5)."""
    found = kappa_of_table([[20, 5], [10, 15]])
    assert (found.agreement, found.expected) == (pytest.approx(0.7), pytest.approx(0.5))
    assert found.value == pytest.approx(0.4)
    assert found.undefined is None


def test_the_kappa_paradox() -> None:
    """Agreement of 90 % and no kappa, since one category is rare: both numbers are told."""
    found = kappa_of_table([[90, 5], [5, 0]])
    assert found.agreement == pytest.approx(0.9)
    assert found.value is not None
    assert found.value < 0


def test_one_category_only_is_undefined_and_says_so() -> None:
    for found in (
        kappa_of_table([[7, 0], [0, 0]]), cohen_kappa(["ok"] * 3, ["ok"] * 3), fleiss_kappa([[3, 0], [3, 0]]),
        light_kappa([["ok", "ok"], ["ok", "ok"]]), kappa_of_table([[3]]),
    ):  # fmt: skip
        assert (found.value, found.standard_error, found.interval) == (None, None, None)
        assert found.undefined is not None
        assert "only one category was used" in found.undefined
        assert found.agreement == found.expected == 1.0


def test_perfect_agreement_is_one_with_no_error() -> None:
    found = cohen_kappa(["a", "b", "a"], ["a", "b", "a"])
    assert (found.value, found.interval) == (pytest.approx(1), pytest.approx((1, 1)))
    assert fleiss_kappa_of_ratings([["a", "a"], ["b", "b"]]).value == pytest.approx(1)


def test_interval_stays_between_minus_one_and_one() -> None:
    assert cohen_kappa([1, 2, 2, 1, 1], [1, 2, 2, 1, 2], coverage=0.999).interval[1] == 1.0  # type: ignore[index]
    assert cohen_kappa([1, 2, 1, 2, 1], [2, 1, 2, 1, 1], coverage=0.999).interval[0] == -1.0  # type: ignore[index]


@settings(deadline=None)
@given(st.lists(st.tuples(st.sampled_from("abc"), st.sampled_from("abc")), min_size=2, max_size=30))
def test_names_and_order_of_categories_do_not_matter(pairs: list[tuple[str, str]]) -> None:
    first, second = zip(*pairs, strict=True)
    plain = cohen_kappa(first, second)
    renamed = cohen_kappa(
        [{"a": 9, "b": 3, "c": 5}[x] for x in first], [{"a": 9, "b": 3, "c": 5}[x] for x in second]
    )
    swapped = cohen_kappa(second, first, categories=["c", "a", "unused", "b"])
    if plain.value is None:
        assert renamed.value is None
        assert swapped.value is None
    else:
        assert renamed.value == pytest.approx(plain.value, abs=1e-12)
        assert swapped.value == pytest.approx(plain.value, abs=1e-12)


def test_with_two_categories_weights_change_nothing() -> None:
    a, b = [1, 2, 2, 1, 2, 2], [1, 2, 1, 1, 2, 1]
    unweighted = cohen_kappa(a, b)
    for weighting in ("linear", "quadratic"):
        assert cohen_kappa(a, b, weighting=weighting) == unweighted  # type: ignore[arg-type]


def test_categories_that_nobody_used_count_in_the_weights() -> None:
    listed = cohen_kappa(
        ["low", "high", "low"], ["low", "low", "low"], categories=["low", "mid", "high"], weighting="linear"
    )
    unlisted = cohen_kappa([1, 2, 1], [1, 1, 1], weighting="linear")
    assert listed.value == unlisted.value  # a common factor of all disagreement cancels
    ordered = ["low", "mid", "high"]
    assert cohen_kappa(
        ["low", "mid", "high"], ["low", "high", "high"], categories=ordered, weighting="linear"
    ).value == (cohen_kappa([1, 2, 3], [1, 3, 3], weighting="linear").value)


def test_fleiss_published() -> None:
    found = fleiss_kappa(FLEISS)
    assert found.value == pytest.approx(0.20993, abs=1e-5)
    assert found.agreement == pytest.approx(0.37802, abs=1e-5)
    assert found.expected == pytest.approx(0.21277, abs=1e-3)


def test_fleiss_error_is_near_the_jackknife() -> None:
    found = fleiss_kappa(FLEISS)
    left_out = [fleiss_kappa([row for j, row in enumerate(FLEISS) if j != i]).value for i in range(10)]
    values = np.array(left_out, dtype=float)
    jackknife = math.sqrt(9 / 10 * float(((values - values.mean()) ** 2).sum()))
    assert found.standard_error == pytest.approx(jackknife, rel=0.15)


def test_intervals_hold_the_truth_about_as_often_as_they_say() -> None:
    rng = np.random.default_rng(7)
    p = np.array([[0.42, 0.08], [0.1, 0.4]])
    truth = value(p, np.eye(2))
    held = fleiss_held = 0
    for _ in range(800):
        table = rng.multinomial(150, p.ravel()).reshape(2, 2)
        low, high = kappa_of_table(table.tolist()).interval or (0, 0)
        held += low <= truth <= high
    assert 0.92 <= held / 800 <= 0.975
    # four raters who each see the true category with probability 0.85: Fleiss' kappa is (2 * 0.85 - 1)^2
    for _ in range(300):
        true = rng.random(80) < 0.5
        said = np.where(rng.random((80, 4)) < 0.85, true[:, None], ~true[:, None]).sum(axis=1)
        low, high = fleiss_kappa([[int(s), 4 - int(s)] for s in said]).interval or (0, 0)
        fleiss_held += low <= 0.49 <= high
    assert 0.91 <= fleiss_held / 300 <= 0.98


def test_light_is_the_mean_of_pairs() -> None:
    ratings = [["a", "a", "b"], ["b", "b", "b"], ["a", "b", "a"], ["a", "a", "a"], ["b", "a", "b"]]
    first, second, third = zip(*ratings, strict=True)
    pairs = [cohen_kappa(x, y).value for x, y in ((first, second), (first, third), (second, third))]
    assert None not in pairs
    assert light_kappa(ratings).value == pytest.approx(sum(p for p in pairs if p is not None) / 3)
    assert light_kappa(ratings).interval is None


@pytest.mark.parametrize(
    ("call", "what"),
    [
        (lambda: cohen_kappa([1, 2], [1]), "2 and 1 ratings"),
        (lambda: cohen_kappa([1], [1]), "1 and 1 ratings"),
        (lambda: cohen_kappa(["a", "b"], ["a", "c"], categories=["a", "b"]), "category 'c' is not among"),
        (lambda: cohen_kappa(["a", "b"], ["a", "b"], categories=["a", "b", "a"]), "listed twice"),
        (lambda: cohen_kappa(["a", "b"], ["a", "b"], weighting="linear"), "list them in order"),
        (lambda: kappa_of_table([]), "square"),
        (lambda: kappa_of_table([[1, 2]]), "square"),
        (lambda: kappa_of_table([[1, -1], [0, 3]]), "not negative"),
        (lambda: kappa_of_table([[1, 0.5], [0, 3]]), "whole numbers"),
        (lambda: kappa_of_table([[1, math.nan], [0, 3]]), "whole numbers"),
        (lambda: kappa_of_table([[1, 0], [0, 0]]), "1 items"),
        (lambda: kappa_of_table([[1, 0], [0, 2]], coverage=1.0), "coverage 1"),
        (lambda: fleiss_kappa([[1, 1]]), "at least 2 items"),
        (lambda: fleiss_kappa([[1, 1], [2]]), "count for every category"),
        (lambda: fleiss_kappa([[1, 1], [2, 1]]), "same number of ratings"),
        (lambda: fleiss_kappa([[1, 0], [0, 1]]), "at least 2"),
        (lambda: fleiss_kappa([[3, -1], [1, 1]]), "not negative"),
        (lambda: fleiss_kappa([[1, 1], [1, 1]], coverage=0.0), "coverage 0"),
        (lambda: light_kappa([["a", "b"]]), "at least 2"),
        (lambda: light_kappa([["a"], ["b"]]), "at least 2 raters"),
        (lambda: light_kappa([["a", "b"], ["b"]]), "same items"),
    ],
)
def test_what_has_no_kappa(call: Any, what: str) -> None:
    with pytest.raises(StudyError, match=what):
        call()
