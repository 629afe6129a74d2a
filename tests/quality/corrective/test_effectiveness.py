"""What counts prove: against exact fractions, and the numbers of R in the oracles."""

from __future__ import annotations

import math
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binomtest

import quality.corrective as cap
from quality.errors import ProportionError
from quality.proportions import clopper_pearson, upper_bound, wilson
from tests.quality.corrective.cases import criterion, lot


def exact_less(a: int, n: int, b: int, m: int) -> float:
    """Return P(X <= a) of the hypergeometric distribution with exact integers."""
    total = math.comb(n + m, a + b)
    ways = sum(math.comb(n, i) * math.comb(m, a + b - i) for i in range(max(0, a + b - m), a + 1))
    return float(Fraction(ways, total))


def binomial_below(c: int, n: int, p: Fraction) -> Fraction:
    """Return P(X <= c) exactly."""
    return sum((math.comb(n, i) * p**i * (1 - p) ** (n - i) for i in range(c + 1)), Fraction(0))


groups = st.integers(1, 60).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n)))


@settings(deadline=None, max_examples=60)
@given(groups, groups)
def test_fisher_as_exact_integers_count_it(before: tuple[int, int], after: tuple[int, int]) -> None:
    found = cap.fisher_reduction(*before, *after)
    assert found.p_value == pytest.approx(exact_less(*after, *before), abs=1e-9)
    assert found.significant == (found.p_value <= 0.05)


def test_fisher_at_its_alpha() -> None:
    p = cap.fisher_reduction(5, 125, 0, 200).p_value
    assert cap.fisher_reduction(5, 125, 0, 200, alpha=p).significant
    assert not cap.fisher_reduction(5, 125, 0, 200, alpha=p * 0.999).significant
    assert cap.fisher_reduction(12, 300, 2, 300, alpha=0.1).upper_bound == pytest.approx(
        upper_bound(2, 300, 0.9)
    )


def test_fishers_tea() -> None:
    assert cap.fisher_p_value((1, 4), (3, 4), "less") == pytest.approx(17 / 70)
    assert cap.fisher_p_value((1, 4), (3, 4), "two-sided") == pytest.approx(34 / 70)
    assert cap.fisher_p_value((2, 4), (2, 4), "two-sided") == 1.0


@pytest.mark.parametrize(("c", "n"), [(0, 1), (0, 39), (1, 10), (9, 10), (3, 500)])
@pytest.mark.parametrize("confidence", [0.8, 0.95])
def test_a_bound_is_where_the_exact_tail_is_the_risk(c: int, n: int, confidence: float) -> None:
    bound = upper_bound(c, n, confidence)
    assert float(binomial_below(c, n, Fraction(bound))) == pytest.approx(1 - confidence, abs=1e-9)
    two = clopper_pearson(c, n, confidence)
    assert float(binomial_below(c, n, Fraction(two.upper))) == pytest.approx((1 - confidence) / 2, abs=1e-9)
    if c:
        above = 1 - float(binomial_below(c - 1, n, Fraction(two.lower)))
        assert above == pytest.approx((1 - confidence) / 2, abs=1e-9)
    assert (two.count, two.n, two.value, two.confidence) == (c, n, c / n, confidence)


def test_the_ends_of_intervals() -> None:
    assert (clopper_pearson(0, 5).lower, clopper_pearson(5, 5).upper, upper_bound(5, 5)) == (0.0, 1.0, 1.0)
    assert (wilson(0, 5).lower, wilson(5, 5).upper) == (0.0, 1.0)
    assert 0 < wilson(0, 5).upper < 1
    assert 0 < wilson(5, 5).lower < 1


@pytest.mark.parametrize(("c", "n", "lower", "upper"), [
    (81, 263, 0.255289, 0.366219), (15, 148, 0.062386, 0.160518), (1, 29, 0.006113, 0.171755),
])  # fmt: skip
def test_wilson_as_published(c: int, n: int, lower: float, upper: float) -> None:
    # Newcombe, Statistics in Medicine 17 (1998) 857, table I, method 3, to its four digits.
    found = wilson(c, n)
    assert (found.lower, found.upper) == pytest.approx((lower, upper), abs=6e-5)


@given(st.integers(1, 5000), st.data())
def test_wilson_as_scipy_computes_it(n: int, data: st.DataObject) -> None:
    hits = data.draw(st.integers(0, n))
    known = binomtest(hits, n).proportion_ci(method="wilson")
    found = wilson(hits, n)
    assert (found.lower, found.upper) == pytest.approx((known.low, known.high), abs=1e-9)


@settings(deadline=None, max_examples=60)
@given(st.integers(1, 400), st.data(), st.sampled_from((0.8, 0.9, 0.95, 0.99)))
def test_intervals_hold_their_fraction_and_mirror(n: int, data: Any, confidence: float) -> None:
    c = data.draw(st.integers(0, n))
    for interval in (clopper_pearson, wilson):
        one, other = interval(c, n, confidence), interval(n - c, n, confidence)
        assert 0 <= one.lower <= one.value <= one.upper <= 1
        assert (one.lower, one.upper) == pytest.approx((1 - other.upper, 1 - other.lower), abs=1e-9)


@pytest.mark.parametrize(("p", "confidence", "c", "n"), [
    (0.05, 0.95, 0, 59), (0.01, 0.95, 0, 299), (0.1, 0.9, 0, 22), (0.5, 0.75, 0, 2), (0.5, 0.5, 0, 1),
    (0.9, 0.5, 0, 1), (0.05, 0.95, 1, 93), (0.1, 0.9, 2, 52), (0.01, 0.95, 1, 473),
])  # fmt: skip
def test_sample_sizes_as_tables_print_them(p: float, confidence: float, c: int, n: int) -> None:
    assert cap.sample_size(p, confidence, c) == n


@pytest.mark.parametrize("c", [0, 1, 3])
@pytest.mark.parametrize("p", [0.02, 0.1, 0.4])
def test_one_unit_less_does_not_do(p: float, c: int) -> None:
    n = cap.sample_size(p, 0.9, c)
    assert cap.pass_probability(p, n, c) <= 0.1 + 1e-12
    assert cap.pass_probability(p, n - 1, c) > 0.1


def test_how_probably_a_sample_passes() -> None:
    assert cap.pass_probability(0.1, 10, 1) == pytest.approx(
        float(binomial_below(1, 10, Fraction(1, 10))), abs=1e-12
    )
    assert cap.pass_probability(0.0, 5, 0) == 1.0
    assert cap.pass_probability(1.0, 5, 4) == 0.0
    assert cap.pass_probability(1.0, 5, 5) == cap.pass_probability(0.3, 5, 9) == 1.0


@pytest.mark.parametrize("wrong", [
    lambda: upper_bound(0, 0), lambda: upper_bound(-1, 5), lambda: upper_bound(6, 5),
    lambda: upper_bound(1, 5, 1.0), lambda: upper_bound(1, 5, 0.0), lambda: upper_bound(1, 5, math.nan),
    lambda: clopper_pearson(1, 5, 1.0), lambda: wilson(1, 5, 0.0), lambda: wilson(2, 1),
    lambda: cap.fisher_reduction(1, 0, 1, 5), lambda: cap.fisher_reduction(1, 5, 6, 5),
    lambda: cap.fisher_reduction(1, 5, 1, 5, alpha=0.0), lambda: cap.sample_size(0.0, 0.9),
    lambda: cap.sample_size(1.0, 0.9), lambda: cap.sample_size(0.1, 1.0),
    lambda: cap.sample_size(0.1, 0.9, -1),
    lambda: cap.pass_probability(1.1, 5, 0), lambda: cap.pass_probability(-0.1, 5, 0),
    lambda: cap.pass_probability(math.nan, 5, 0), lambda: cap.pass_probability(0.1, 0, 0),
    lambda: cap.pass_probability(0.1, 5, -1),
])  # fmt: skip
def test_numbers_that_make_no_statistic_are_refused(wrong: Any) -> None:
    with pytest.raises(ProportionError):
        wrong()


# --- the criterion -----------------------------------------------------------------------------------------


def test_three_clean_samples_of_13_prove_little() -> None:
    power = cap.criterion_power(cap.Criterion(claim_below=0.01, lots=3, units=39))
    assert power.excluded_fraction == pytest.approx(1 - 0.05 ** (1 / 39), abs=1e-12)
    assert (power.shows_claim, power.units_needed, power.passes_unchanged) == (False, 299, None)
    assert "7.39%" in power.sentence()
    assert "takes 299 units" in power.sentence()


def test_a_criterion_shows_its_claim_from_so_many_units_on() -> None:
    enough = cap.criterion_power(cap.Criterion(claim_below=0.01, lots=3, units=299))
    assert enough.shows_claim
    assert enough.excluded_fraction <= 0.01
    assert "which shows its claim" in enough.sentence()
    assert not cap.criterion_power(cap.Criterion(claim_below=0.01, lots=3, units=298)).shows_claim


def test_a_criterion_tells_how_it_passes_when_nothing_changed() -> None:
    before = {"nonconforming": 2, "inspected": 40}
    power = cap.criterion_power(cap.Criterion.model_validate(criterion(units=13, before=before)))
    assert power.passes_unchanged == pytest.approx(0.95**13, abs=1e-12)


@pytest.mark.parametrize("fields", [
    {"claim_below": 0}, {"claim_below": 1}, {"claim_below": 9e-10}, {"confidence": 1}, {"lots": 0},
    {"units": 0}, {"units": 10**9 + 1}, {"before": {"nonconforming": 0, "inspected": 10**9 + 1}},
    {"units": 2, "max_nonconforming": 2}, {"before": {"nonconforming": 2, "inspected": 1}},
    {"before": {"nonconforming": 0, "inspected": 0}}, {"max_nonconforming": -1},
])  # fmt: skip
def test_a_criterion_that_means_nothing_is_refused(fields: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=next(iter(fields)).partition("_")[0]):
        cap.Criterion.model_validate(criterion(**fields))


def test_all_units_may_be_nonconforming() -> None:
    assert cap.Counts(nonconforming=3, inspected=3).nonconforming == 3
    assert cap.Criterion(claim_below=0.9, lots=1, units=2, max_nonconforming=1).units == 2


def test_the_verdict_has_its_numbers() -> None:
    rule = cap.Criterion.model_validate(
        criterion(max_nonconforming=1, before={"nonconforming": 5, "inspected": 50})
    )
    nothing = cap.judge(rule, ())
    assert (nothing.outcome, nothing.lots, nothing.upper_bound, nothing.p_value) == (None, 0, None, None)
    found = cap.judge(rule, [lot("A", 1), lot("B"), lot("C")])
    assert (found.outcome, found.lots, found.inspected, found.nonconforming) == ("effective", 3, 60, 1)
    assert found.upper_bound == upper_bound(1, 60)
    assert found.p_value == pytest.approx(exact_less(1, 60, 5, 50), abs=1e-9)
    assert cap.judge(rule, [lot("A", 1), lot("B", 1)]).outcome == "not_effective"
    assert cap.judge(rule, [lot("A", 1), lot("B")]).outcome is None
