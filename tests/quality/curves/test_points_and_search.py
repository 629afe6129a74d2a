"""Risk points, AOQL, tables and searches: each is what its definition says, by brute force."""

from __future__ import annotations

from math import comb
from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from scipy import stats

from quality.curves import (
    CurvePoint,
    DoublePlan,
    SinglePlan,
    acceptance_probability,
    average_outgoing_quality,
    average_outgoing_quality_limit,
    average_sample_number,
    consumer_point,
    find_single_plan,
    isolated_lot_plan,
    oc_table,
    producer_point,
    risk_points,
    zero_acceptance_size,
)
from quality.errors import PlanError

DOUBLE = DoublePlan((80, 80), (2, 6), 5)


@pytest.mark.parametrize(("n", "Ac"), [(2, 1), (20, 1), (500, 21)])
def test_risk_points_are_beta_and_gamma_quantiles(n: int, Ac: int) -> None:
    expected = stats.beta.ppf([0.05, 0.5, 0.9], Ac + 1, n - Ac)
    np.testing.assert_allclose(risk_points(SinglePlan(n, Ac)), expected, rtol=1e-9)
    expected = stats.gamma.ppf([0.05, 0.5, 0.9], Ac + 1) / n
    np.testing.assert_allclose(risk_points(SinglePlan(n, Ac), model="poisson"), expected, rtol=1e-9)


def test_double_plans_have_points_where_their_curve_has_the_probability() -> None:
    points = risk_points(DOUBLE)
    np.testing.assert_allclose(acceptance_probability(DOUBLE, points), [0.95, 0.5, 0.1], atol=1e-12)


@pytest.mark.parametrize("Pa", [0.95, 0.5, 0.1])
def test_points_of_one_lot_are_the_last_and_first_numbers(Pa: float) -> None:
    N, plan = 60, SinglePlan(8, 1)
    curve = [sum(comb(D, x) * comb(N - D, 8 - x) for x in (0, 1)) / comb(N, 8) for D in range(N + 1)]
    model: Any = {"model": "hypergeometric", "lot_size": N}
    assert producer_point(plan, Pa, **model) == max(D for D in range(N + 1) if curve[D] >= Pa) / N
    assert consumer_point(plan, Pa, **model) == min(D for D in range(N + 1) if curve[D] <= Pa) / N


def test_a_probability_that_the_lot_meets_exactly_counts_for_both() -> None:
    model: Any = {"model": "hypergeometric", "lot_size": 10}
    assert (
        producer_point(SinglePlan(1, 0), 0.5, **model)
        == consumer_point(SinglePlan(1, 0), 0.5, **model)
        == 0.5
    )


@settings(max_examples=40)
@given(st.integers(2, 300), st.data())
def test_aoql_is_the_maximum_of_the_aoq(n: int, data: st.DataObject) -> None:
    plan = SinglePlan(n, data.draw(st.integers(0, n // 2)))
    N = data.draw(st.one_of(st.none(), st.integers(n + 1, 5000)))
    limit = average_outgoing_quality_limit(plan, lot_size=N)
    grid = average_outgoing_quality(plan, np.linspace(0, 1, 4001), lot_size=N)
    assert grid.max() - 1e-14 <= limit.AOQL
    assert pytest.approx(float(average_outgoing_quality(plan, limit.p, lot_size=N)), abs=0) == limit.AOQL
    around = average_outgoing_quality(plan, [limit.p * (1 - 1e-4), limit.p * (1 + 1e-4)], lot_size=N)
    assert np.all(around <= limit.AOQL)


def test_aoql_in_closed_form_and_of_one_lot() -> None:
    """c = 0, binomial: p (1 - p)^n is greatest at p = 1 / (n + 1)."""
    limit = average_outgoing_quality_limit(SinglePlan(13, 0))
    assert limit.p == pytest.approx(1 / 14, rel=1e-6)
    assert pytest.approx(13**13 / 14**14, abs=1e-15) == limit.AOQL
    poisson = average_outgoing_quality_limit(SinglePlan(13, 0), model="poisson")
    assert poisson == pytest.approx((np.exp(-1) / 13, 1 / 13), rel=1e-6)
    lot = average_outgoing_quality_limit(SinglePlan(80, 2), model="hypergeometric", lot_size=1000)
    levels = np.arange(1001) / 1000
    aoq = average_outgoing_quality(SinglePlan(80, 2), levels, model="hypergeometric", lot_size=1000)
    assert lot == (aoq.max(), levels[aoq.argmax()])


@pytest.mark.parametrize("plan", [SinglePlan(125, 7), DOUBLE])
def test_the_table_is_the_curve_at_its_probabilities(plan: Any) -> None:
    rows = oc_table(plan)
    assert [round(row.Pa, 10) for row in rows] == [0.99, 0.95, 0.9, 0.75, 0.5, 0.25, 0.1, 0.05, 0.01]
    for row in rows:
        assert pytest.approx(row.p * row.Pa, rel=1e-12) == row.AOQ
        assert float(average_sample_number(plan, row.p)) == row.ASN
    (only,) = oc_table(plan, (0.1,), model="hypergeometric", lot_size=2000)
    assert only.p == consumer_point(plan, 0.1, model="hypergeometric", lot_size=2000)
    assert (
        only.Pa
        <= 0.1
        < float(acceptance_probability(plan, only.p - 1 / 2000, model="hypergeometric", lot_size=2000))
    )


@settings(max_examples=25, deadline=None)
@given(
    st.integers(1, 12), st.integers(2, 20), st.sampled_from([0.9, 0.95]), st.sampled_from([0.05, 0.1]),
    st.sampled_from(["binomial", "poisson", "hypergeometric"]),
)  # fmt: skip
def test_no_smaller_sample_meets_both_points(
    good: int, gap: int, high: float, low: float, model: Any
) -> None:
    p1, p2 = good / 200, (good + gap) / 200
    N = 200 if model == "hypergeometric" else None
    assume(p2 > 2.5 * p1 or N is not None)

    def meets(n: int, Ac: int) -> bool:
        if model == "binomial":
            at = stats.binom.cdf(Ac, n, [p1, p2])
        elif model == "poisson":
            at = stats.poisson.cdf(Ac, [n * p1, n * p2])
        else:
            at = stats.hypergeom.cdf(Ac, 200, [good, good + gap], n)
        return bool(at[0] >= high - 1e-12 and at[1] <= low + 1e-12)

    try:
        plan = find_single_plan(CurvePoint(p1, high), CurvePoint(p2, low), model=model, lot_size=N)
    except PlanError:
        assert N is not None
        assert not any(meets(200, Ac) for Ac in range(200))
        return
    assert meets(plan.n, plan.Ac)
    assert not any(meets(plan.n, Ac) for Ac in range(plan.Ac))
    assert not any(meets(plan.n - 1, Ac) for Ac in range(plan.Ac + plan.n))


def test_a_small_sample_of_many_nonconformities_meets_two_points() -> None:
    plan = find_single_plan(CurvePoint(8.0, 0.95), CurvePoint(20.0, 0.1), model="poisson")
    assert (plan.n, plan.Ac) == (1, 13)
    assert stats.poisson.cdf([12, 13], 8.0).tolist() == pytest.approx([0.93620, 0.96582], abs=1e-5)
    assert stats.poisson.cdf([13, 14], 20.0).tolist() == pytest.approx([0.06613, 0.10486], abs=1e-5)


@pytest.mark.parametrize(
    ("p", "risk", "n"), [(0.5, 0.25, 2), (0.5, 0.2499, 3), (0.01, 0.05, 299), (1.0, 0.1, 1)]
)
def test_zero_acceptance_of_a_process(p: float, risk: float, n: int) -> None:
    assert zero_acceptance_size(p, risk) == n


@given(st.integers(1, 80), st.data())
def test_zero_acceptance_of_a_lot_is_the_first_sample_that_suffices(N: int, data: st.DataObject) -> None:
    D = data.draw(st.integers(1, N))
    risk = data.draw(st.sampled_from([0.05, 0.1, 0.5]))
    first = next(n for n in range(1, N + 1) if comb(N - D, n) / comb(N, n) <= risk)
    assert zero_acceptance_size(D / N, risk, lot_size=N) == first


@given(st.integers(1, 90), st.floats(0.01, 1), st.integers(0, 3))
def test_isolated_lots_meet_their_risk_with_the_fewest_units(N: int, quality: float, Ac: int) -> None:
    D = next(D for D in range(N + 1) if quality - 1e-12 <= D / N)
    if Ac >= D:
        with pytest.raises(PlanError, match="must be at least 0 and below that"):
            isolated_lot_plan(N, quality, 0.1, Ac)
        return

    def accepts(n: int) -> float:
        return sum(comb(D, x) * comb(N - D, n - x) for x in range(min(Ac, n) + 1)) / comb(N, n)

    plan = isolated_lot_plan(N, quality, 0.1, Ac)
    assert (plan.nonconforming, plan.Ac, plan.Re, plan.lot_size) == (D, Ac, Ac + 1, N)
    assert plan.probability_at_limit == pytest.approx(accepts(plan.n), abs=1e-15)
    assert plan.probability_at_limit <= 0.1
    assert plan.n == Ac + 1 or accepts(plan.n - 1) > 0.1
    assert plan.hundred_percent == (plan.n == N)
    assert "not copied" in plan.basis


@pytest.mark.parametrize(
    ("call", "sentence"),
    [
        (lambda: producer_point(DOUBLE, 1.0), "Pa = 1.0 is no risk"),
        (lambda: consumer_point(DOUBLE, 0.0), "Pa = 0.0 is no risk"),
        (lambda: oc_table(DOUBLE, (0.5, float("nan"))), "Pa = nan"),
        (lambda: find_single_plan(CurvePoint(0.05, 0.95), CurvePoint(0.05, 0.1)), "the better quality"),
        (lambda: find_single_plan(CurvePoint(0.01, 0.1), CurvePoint(0.05, 0.1)), "higher probability"),
        (lambda: find_single_plan(CurvePoint(0.01, 1.0), CurvePoint(0.05, 0.1)), "producer.Pa = 1.0"),
        (lambda: find_single_plan(CurvePoint(0.01, 0.9), CurvePoint(0.05, 0)), "consumer.Pa = 0"),
        (
            lambda: find_single_plan(
                CurvePoint(0.1, 0.95), CurvePoint(0.2, 0.1), model="hypergeometric", lot_size=2
            ),
            "no whole number",
        ),
        (lambda: zero_acceptance_size(0.0, 0.1), "no sample of at most 1000000"),
        (lambda: zero_acceptance_size(1e-7, 0.1), "no sample of at most 1000000"),
        (lambda: zero_acceptance_size(0.0, 0.1, lot_size=50), "at most 50 units"),
        (lambda: zero_acceptance_size(0.1, 1.0), "consumer_risk = 1.0"),
        (lambda: isolated_lot_plan(0, 0.1), "lot size 0 is not a lot"),
        (lambda: isolated_lot_plan(10, 0.0), "limiting quality 0.0"),
        (lambda: isolated_lot_plan(10, 1.01), "limiting quality 1.01"),
        (lambda: isolated_lot_plan(10, float("nan")), "limiting quality nan"),
        (lambda: isolated_lot_plan(10, 0.5, 1.0), "consumer_risk = 1.0"),
        (lambda: isolated_lot_plan(10, 0.5, 0.1, -1), "Ac = -1"),
    ],
)
def test_refusals(call: Any, sentence: str) -> None:
    with pytest.raises(PlanError, match=sentence):
        call()
