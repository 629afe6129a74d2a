"""OC, ASN and AOQ against scipy, exact rational arithmetic, enumeration and simulation."""

from __future__ import annotations

from fractions import Fraction
from itertools import product
from math import comb, exp, factorial
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from quality.curves import (
    DoublePlan,
    Plan,
    SinglePlan,
    acceptance_probability,
    average_outgoing_quality,
    average_sample_number,
)
from quality.errors import PlanError

P = np.array([0.0, 1e-6, 0.003, 0.02, 0.1, 0.37, 0.9, 1.0])
DOUBLE = DoublePlan((6, 5), (1, 3), 4)


@st.composite
def plans(draw: st.DrawFn) -> Plan:
    n = draw(st.integers(2, 60))
    if draw(st.booleans()):
        return SinglePlan(n, draw(st.integers(0, n - 1)))
    first = draw(st.integers(0, n // 2))
    both = draw(st.integers(first + 1, n))
    return DoublePlan((n, draw(st.integers(1, 60))), (first, both), draw(st.integers(first + 1, both + 1)))


@pytest.mark.parametrize(("n", "Ac"), [(1, 0), (13, 0), (80, 5), (500, 21), (3150, 40)])
def test_single_plans_are_scipys_distributions(n: int, Ac: int) -> None:
    plan = SinglePlan(n, Ac)
    np.testing.assert_allclose(acceptance_probability(plan, P), stats.binom.cdf(Ac, n, P), rtol=0, atol=1e-13)
    np.testing.assert_allclose(
        acceptance_probability(plan, 5 * P, model="poisson"), stats.poisson.cdf(Ac, n * 5 * P), atol=1e-13
    )
    D = np.array([0, 1, 30, 250, 5000])
    got = acceptance_probability(plan, D / 5000, model="hypergeometric", lot_size=5000)
    np.testing.assert_allclose(got, stats.hypergeom.cdf(Ac, 5000, D, n), atol=1e-12)


def exactly(plan: DoublePlan, p: Fraction) -> Fraction:
    def pmf(x: int, n: int) -> Fraction:
        return comb(n, x) * p**x * (1 - p) ** (n - x)

    (n1, n2), (a1, a2) = plan.n, plan.Ac
    return sum(
        (
            pmf(x, n1) * pmf(y, n2)
            for x, y in product(range(n1 + 1), range(n2 + 1))
            if x <= a1 or (x < plan.Re and x + y <= a2)
        ),
        Fraction(0),
    )


@pytest.mark.parametrize("plan", [DOUBLE, DoublePlan((50, 50), (0, 3), 3), DoublePlan((8, 20), (0, 1), 2)])
@pytest.mark.parametrize("p", [Fraction(0), Fraction(1, 500), Fraction(1, 20), Fraction(2, 5), Fraction(1)])
def test_double_plans_are_exact_rational_arithmetic(plan: DoublePlan, p: Fraction) -> None:
    assert float(acceptance_probability(plan, float(p))) == pytest.approx(float(exactly(plan, p)), abs=1e-13)


def test_a_poisson_double_plan_is_its_sum() -> None:
    def pmf(x: int, m: float) -> float:
        return exp(-m) * m**x / factorial(x)

    for u in (0.01, 0.2, 1.0):
        expected = sum(
            pmf(x, 6 * u) * pmf(y, 5 * u)
            for x, y in product(range(4), range(4))
            if x <= 1 or x + y <= 3
        ) + sum(pmf(x, 6 * u) * (1 - sum(pmf(y, 5 * u) for y in range(4))) for x in range(2))  # fmt: skip
        got = acceptance_probability(DOUBLE, u, model="poisson")
        assert float(got) == pytest.approx(expected, abs=1e-13)
        asn = average_sample_number(DOUBLE, u, model="poisson")
        assert float(asn) == pytest.approx(6 + 5 * (pmf(2, 6 * u) + pmf(3, 6 * u)), abs=1e-12)


@pytest.mark.parametrize("D", range(13))
def test_one_lot_is_counted_sample_by_sample(D: int) -> None:
    """Every way to place D nonconforming units among the positions of the first and second sample."""
    N, (n1, n2) = 12, (4, 3)
    single, double = SinglePlan(4, 1), DoublePlan((4, 3), (0, 2), 3)
    ways, ok_single, ok_double, second, first_only = 0, 0, 0, 0, 0
    for x, y in product(range(n1 + 1), range(n2 + 1)):
        rest = D - x - y
        if not 0 <= rest <= N - n1 - n2:
            continue
        w = comb(n1, x) * comb(n2, y) * comb(N - n1 - n2, rest)
        ways += w
        ok_single += w * (x <= 1)
        first_only += w * (x == 0)
        ok_double += w * (x == 0 or (x < 3 and x + y <= 2))
        second += w * (0 < x < 3)
    model: Any = {"model": "hypergeometric", "lot_size": N}
    assert float(acceptance_probability(single, D / N, **model)) == pytest.approx(ok_single / ways, abs=1e-15)
    assert float(acceptance_probability(double, D / N, **model)) == pytest.approx(ok_double / ways, abs=1e-15)
    assert float(average_sample_number(double, D / N, **model)) == pytest.approx(4 + 3 * second / ways)
    outgoing = D / N * (first_only * (1 - 4 / N) + (ok_double - first_only) * (1 - 7 / N)) / ways
    assert float(average_outgoing_quality(double, D / N, **model)) == pytest.approx(outgoing, abs=1e-15)


def test_large_lots_stay_exact() -> None:
    exact = Fraction(sum(comb(5000, x) * comb(495_000, 2000 - x) for x in range(22)), comb(500_000, 2000))
    got = acceptance_probability(SinglePlan(2000, 21), 0.01, model="hypergeometric", lot_size=500_000)
    assert float(got) == float(exact)


def test_simulated_lots_are_rectified_as_the_curves_say() -> None:
    """20 000 lots of 200 at p = 0.05; the standard error of each mean is told, 5 of them are allowed."""
    rng = np.random.default_rng(20261122)
    plan, N, lots, p = DoublePlan((20, 30), (0, 3), 3), 200, 20_000, 0.05
    units = rng.random((lots, N)) < p
    x, y = units[:, :20].sum(axis=1), units[:, 20:50].sum(axis=1)
    go_on = (x > 0) & (x < 3)
    accepted_second = go_on & (x + y <= 3)
    inspected = np.where(go_on, 50, 20)
    left = np.where(
        x == 0, units[:, 20:].sum(axis=1), np.where(accepted_second, units[:, 50:].sum(axis=1), 0)
    )
    for simulated, computed in (
        ((x == 0) | accepted_second, acceptance_probability(plan, p)),
        (inspected, average_sample_number(plan, p)),
        (left / N, average_outgoing_quality(plan, p, lot_size=N)),
    ):
        error = simulated.std() / np.sqrt(lots)
        assert abs(simulated.mean() - float(computed)) < 5 * error


@settings(max_examples=60)
@given(plans(), st.sampled_from(["binomial", "poisson"]))
def test_the_oc_curve_never_rises(plan: Plan, model: Any) -> None:
    curve = acceptance_probability(plan, np.linspace(0, 1, 101), model=model)
    assert curve[0] == 1
    assert np.all(np.diff(curve) <= 1e-13)
    assert np.all((curve >= 0) & (curve <= 1))


@settings(max_examples=30)
@given(plans(), st.integers(0, 60))
def test_the_oc_curve_of_one_lot_never_rises(plan: Plan, more: int) -> None:
    N = plan.largest + more
    curve = acceptance_probability(plan, np.arange(N + 1) / N, model="hypergeometric", lot_size=N)
    assert curve[0] == 1
    assert np.all(np.diff(curve) <= 0)


def test_shapes_are_kept() -> None:
    assert acceptance_probability(DOUBLE, 0.1).shape == ()
    grid = np.full((2, 3), 0.25)
    assert acceptance_probability(DOUBLE, grid, model="hypergeometric", lot_size=20).shape == (2, 3)
    assert average_sample_number(SinglePlan(7, 1), grid).tolist() == [[7.0] * 3] * 2


@pytest.mark.parametrize(
    ("call", "sentence"),
    [
        (lambda: SinglePlan(0, 0), "n = 0, Ac = 0 is no plan: n >= 1, Ac >= 0"),
        (lambda: SinglePlan(5, -1), "n >= 1, Ac >= 0"),
        (lambda: DoublePlan((5, 0), (0, 1), 1), "no double plan"),
        (lambda: DoublePlan((5, 5), (1, 3), 1), "no double plan"),
        (lambda: DoublePlan((5, 5), (1, 3), 5), "no double plan"),
        (lambda: DoublePlan((5, 5), (-1, 3), 3), "no double plan"),
        (lambda: acceptance_probability(DOUBLE, 1.01), r"p = 1.01 is no fraction nonconforming"),
        (lambda: acceptance_probability(DOUBLE, [0.1, -0.1]), "p = -0.1"),
        (lambda: acceptance_probability(DOUBLE, float("nan")), "p = nan"),
        (lambda: acceptance_probability(DOUBLE, float("inf"), model="poisson"), "nonconformities per unit"),
        (lambda: acceptance_probability(DOUBLE, 0.1, model="hypergeometric"), "give lot_size"),
        (lambda: acceptance_probability(DOUBLE, 0, model="hypergeometric", lot_size=10), "sample of 11"),
        (lambda: average_outgoing_quality(SinglePlan(11, 0), 0.1, lot_size=10), "a lot of 10 has fewer"),
        (lambda: acceptance_probability(DOUBLE, 0.1, model="normal"), "'normal' is not one"),  # pyright: ignore[reportArgumentType]
        (
            lambda: acceptance_probability(DOUBLE, 0.0125, model="hypergeometric", lot_size=100),
            "1.25 nonconforming units of 100, no whole number; the nearest are 1/100 and 2/100",
        ),
    ],
)
def test_refusals(call: Any, sentence: str) -> None:
    with pytest.raises(PlanError, match=sentence):
        call()


@pytest.mark.parametrize(
    "plan",
    [SinglePlan(2, 2), SinglePlan(2, 30), DoublePlan((2, 5), (2, 4), 4), DoublePlan((2, 2), (1, 4), 4)],
)
def test_a_sample_may_hold_more_nonconformities_than_units_but_not_more_nonconforming_units(
    plan: Plan,
) -> None:
    assert 0 < float(acceptance_probability(plan, 3.0, model="poisson")) < 1
    with pytest.raises(PlanError, match="take model poisson: the binomial model counts units"):
        acceptance_probability(plan, 0.5)
    with pytest.raises(PlanError, match="the hypergeometric model counts units and needs Ac < n"):
        acceptance_probability(plan, 0.5, model="hypergeometric", lot_size=100)


@pytest.mark.parametrize("plan", [SinglePlan(3, 2), DoublePlan((3, 2), (2, 4), 4)], ids=["single", "double"])
def test_an_acceptance_number_just_below_the_sample_counts_units(plan: Plan) -> None:
    assert 0 < float(acceptance_probability(plan, 0.9)) < 1
    assert 0 < float(acceptance_probability(plan, 0.9, model="hypergeometric", lot_size=10)) < 1


def test_poisson_plans_beyond_their_sample_size_are_sums_over_the_counts() -> None:
    m = 3.0
    at = [float(stats.poisson.pmf(x, 2 * m)) for x in range(40)]
    assert float(acceptance_probability(SinglePlan(2, 30), m, model="poisson")) == pytest.approx(
        sum(at[:31]), abs=1e-12
    )
    both = sum(at[:3]) + at[3] * sum(float(stats.poisson.pmf(x, 5 * m)) for x in range(2))
    double = DoublePlan((2, 5), (2, 4), 4)
    assert float(acceptance_probability(double, m, model="poisson")) == pytest.approx(both, abs=1e-12)


def test_poisson_may_exceed_one_per_unit_and_a_sample_may_be_the_lot() -> None:
    assert 0 < float(acceptance_probability(SinglePlan(2, 3 - 2), 1.5, model="poisson")) < 1
    assert float(acceptance_probability(DOUBLE, 0, model="hypergeometric", lot_size=11)) == 1
