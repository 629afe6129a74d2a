"""Variables sampling: the table's structure, estimates, decisions, curves and searches."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from quality.curves import CurvePoint
from quality.errors import PlanError, SamplingError
from quality.variables import (
    VARIABLES_AQLS,
    KLimit,
    MLimit,
    VariablesPlan,
    VariablesSample,
    decide_by_k,
    decide_by_m,
    decide_combined,
    estimate_nonconforming,
    find_variables_plan,
    variables_acceptance_probability,
    variables_plan,
    variables_sample,
)

SIZES = {"B": 3, "C": 4, "D": 5, "E": 7, "F": 10, "G": 15, "H": 20, "I": 25, "J": 35, "K": 50, "L": 75,
         "M": 100, "N": 150, "P": 200}  # fmt: skip
SAMPLE = VariablesSample(20, 12.51, 0.12)


def held(severity: Any) -> list[VariablesPlan]:
    found: list[VariablesPlan] = []
    for letter in SIZES:
        for aql in VARIABLES_AQLS:
            try:
                found.append(variables_plan(letter, aql, severity))
            except SamplingError as error:
                assert "does not hold the cell" in str(error)  # noqa: PT017 (either outcome is right)
    return found


def test_each_held_cells_k_and_m_are_the_same_plan() -> None:
    """M is the MVUE at an index of k: Lieberman and Resnikoff's symmetric beta; printed k has 2 decimals."""
    plans = held("normal") + held("tightened")
    assert len(plans) == 201
    for plan in plans:
        assert plan.n == SIZES[plan.final_code_letter]
        a = plan.n / 2 - 1
        k = (1 - 2 * stats.beta.ppf(plan.M, a, a)) * (plan.n - 1) / np.sqrt(plan.n)
        assert k == pytest.approx(plan.k, abs=0.0115)


def test_tightened_reads_the_column_before() -> None:
    """The standard prints one master table: normal inspection's AQLs above, tightened inspection's below."""
    normal, tightened = variables_plan("P", "0.10"), variables_plan("P", "0.15", "tightened")
    assert (normal.n, normal.k, normal.M) == (tightened.n, tightened.k, tightened.M) == (200, 2.73, 0.00294)
    assert variables_plan("I", "0.10", "tightened").k == 2.61
    with pytest.raises(SamplingError, match=r"letter I, AQL 0\.40.*does not hold"):
        variables_plan("I", "0.40")


def test_an_arrow_moves_letter_n_k_and_m() -> None:
    plan = variables_plan("B", "0.65")
    assert (plan.code_letter, plan.final_code_letter, plan.n, plan.k, plan.M) == ("B", "D", 5, 1.65, 0.0134)
    assert variables_plan("D", "0.65").final_code_letter == "D"


@pytest.mark.parametrize("severity", ["normal", "tightened"])
def test_k_falls_and_m_rises_with_the_aql(severity: Any) -> None:
    plans = [p for p in held(severity) if p.code_letter == p.final_code_letter]
    for letter in SIZES:
        own = [p for p in plans if p.code_letter == letter]
        assert [p.k for p in own] == sorted({p.k for p in own}, reverse=True)
        assert [p.M for p in own] == sorted({p.M for p in own})


@pytest.mark.parametrize(
    ("call", "sentence"),
    [
        (lambda: variables_plan("A", "1.0"), "code letter 'A' is not one of B, C"),
        (lambda: variables_plan("O", "1.0"), "'O'"),
        (lambda: variables_plan("G", "1.2"), "printed are 1.0 and 1.5"),
        (lambda: variables_plan("G", "10.0"), "printed are 6.5 and 10"),
        (lambda: variables_plan("G", "0.05"), "printed are 0.10$"),
        (lambda: variables_plan("G", "25"), "printed are 10$"),
        (lambda: variables_plan("G", "x"), "printed are 0.10 to 10"),
        (lambda: variables_plan("G", "1.0", "reduced"), "'reduced' is not held"),  # pyright: ignore[reportArgumentType]
        (lambda: variables_plan("G", "1.0", "normal", "ISO 3951-1:2013"), "'ISO 3951-1:2013' is not held"),
    ],
)
def test_what_is_not_in_the_table_is_refused(call: Any, sentence: str) -> None:
    with pytest.raises(SamplingError, match=sentence):
        call()


def test_estimates_are_unbiased() -> None:
    """Mean of 40 000 estimates from normal samples of 6; 5 standard errors are allowed."""
    rng = np.random.default_rng(7)
    data = rng.normal(0, 1, (40_000, 6))
    true = [stats.norm.sf(1.2), stats.norm.cdf(-1.7)]
    for known in (False, True):
        deviations = np.ones(40_000) if known else data.std(axis=1, ddof=1)
        e = [
            estimate_nonconforming(VariablesSample(6, float(m), float(s), sigma_known=known), -1.7, 1.2)
            for m, s in zip(data.mean(axis=1)[:8000], deviations[:8000], strict=True)
        ]
        for values, expected in (([x.p_upper for x in e], true[0]), ([x.p_lower for x in e], true[1])):
            error = np.std(values) / np.sqrt(len(values))
            assert abs(np.mean(values) - expected) < 5 * error


@given(st.integers(3, 300), st.floats(-4, 4), st.floats(0.05, 3))
def test_estimates_are_scipys_beta(n: int, mean: float, deviation: float) -> None:
    got = estimate_nonconforming(VariablesSample(n, mean, deviation), -1.0, 2.0)
    a = n / 2 - 1
    for index, p in ((got.QU, got.p_upper), (got.QL, got.p_lower)):
        assert index is not None
        x = np.clip(0.5 - 0.5 * index * np.sqrt(n) / (n - 1), 0, 1)
        assert p == pytest.approx(float(stats.beta.cdf(x, a, a)), abs=1e-12)
    assert got.p_total == got.p_upper + got.p_lower <= 1 + 1e-12


def test_statistics_of_values() -> None:
    values = (1.0, 2.0, 4.0, 9.0)
    sample = variables_sample(values)
    assert (sample.n, sample.mean, sample.sigma_known) == (4, 4.0, False)
    assert sample.deviation == pytest.approx(np.std(values, ddof=1))
    assert variables_sample(values[:2], sigma=0.5) == VariablesSample(2, 1.5, 0.5, sigma_known=True)


def test_the_k_form_accepts_at_k_and_asks_each_limit() -> None:
    sample = VariablesSample(5, 1.0, 0.5)
    assert decide_by_k(sample, upper=KLimit(2.0, 2.0)).accept
    assert not decide_by_k(sample, upper=KLimit(2.0, 2.0001)).accept
    assert decide_by_k(sample, lower=KLimit(0.0, 2.0)).accept
    assert not decide_by_k(sample, lower=KLimit(0.0, 2.1), upper=KLimit(2.0, 1.0)).accept
    assert not decide_by_k(sample, lower=KLimit(0.0, 1.0), upper=KLimit(2.0, 2.1)).accept
    beyond = decide_by_k(sample, upper=KLimit(0.5, 1.0))
    assert beyond.estimate.QU == -1.0
    assert not beyond.accept


def test_the_m_form_asks_each_limit_and_the_total() -> None:
    e = estimate_nonconforming(SAMPLE, 12.2, 12.8)
    low, up, total = e.p_lower, e.p_upper, e.p_total
    assert decide_by_m(SAMPLE, upper=MLimit(12.8, up)).accept
    assert not decide_by_m(SAMPLE, upper=MLimit(12.8, up * 0.999)).accept
    assert decide_by_m(SAMPLE, lower=MLimit(12.2, low)).accept
    assert not decide_by_m(SAMPLE, lower=MLimit(12.2, low * 0.999)).accept
    both = decide_by_m(SAMPLE, lower=MLimit(12.2, low), upper=MLimit(12.8, total))
    assert both.accept
    assert not decide_by_m(SAMPLE, lower=MLimit(12.2, low), upper=MLimit(12.8, total * 0.999)).accept
    assert not decide_by_m(SAMPLE, lower=MLimit(12.2, low * 0.999), upper=MLimit(12.8, 0.5)).accept
    assert not decide_by_m(SAMPLE, lower=MLimit(12.2, 0.5), upper=MLimit(12.8, up * 0.999)).accept
    assert decide_combined(SAMPLE, 12.2, 12.8, total).accept
    assert not decide_combined(SAMPLE, 12.2, 12.8, total * 0.999).accept
    assert decide_combined(VariablesSample(20, 0, 1e-3), -1, 1, 0.0).accept


@given(st.floats(-1, 3), st.floats(0.2, 2))
def test_k_and_m_decide_alike_for_one_limit(mean: float, deviation: float) -> None:
    n, k = 10, 1.23
    M = float(stats.beta.cdf(0.5 - 0.5 * k * np.sqrt(n) / (n - 1), 4, 4))
    sample = VariablesSample(n, mean, deviation)
    if abs((3 - mean) / deviation - k) > 1e-9:
        assert (
            decide_by_k(sample, upper=KLimit(3, k)).accept == decide_by_m(sample, upper=MLimit(3, M)).accept
        )


@pytest.mark.parametrize(("n", "k"), [(2, 0.4), (5, 1.53), (15, -0.8), (75, 2.2), (200, 2.73)])
def test_curves_are_the_integral_over_s_and_the_normal(n: int, k: float) -> None:
    """Sigma unknown: mean and s are independent, so the probability is an integral over s (chi)."""
    p = np.array([1e-6, 0.001, 0.02, 0.3, 0.6, 0.95])
    delta = np.sqrt(n) * stats.norm.isf(p)
    unknown = variables_acceptance_probability(n, k, p, sigma="unknown")
    u = (np.arange(200_000) + 0.5) / 200_000  # midpoints of equal parts of the chi distribution
    s = stats.chi.ppf(u, n - 1) / np.sqrt(n - 1)
    integral = [stats.norm.cdf(d - k * np.sqrt(n) * s).mean() for d in delta]
    np.testing.assert_allclose(unknown, integral, rtol=0, atol=1e-6)
    known = variables_acceptance_probability(n, k, p, sigma="known")
    np.testing.assert_allclose(known, stats.norm.cdf(delta - k * np.sqrt(n)), atol=1e-13)


def test_curves_are_what_simulated_lots_do() -> None:
    """40 000 samples of 8 at p = 0.08; 5 standard errors are allowed."""
    data = np.random.default_rng(3).normal(0, 1, (40_000, 8))
    limit = stats.norm.isf(0.08)
    for sigma, deviation in (("unknown", data.std(axis=1, ddof=1)), ("known", 1.0)):
        accepted = ((limit - data.mean(axis=1)) / deviation >= 1.1).mean()
        expected = float(variables_acceptance_probability(8, 1.1, 0.08, sigma=sigma))
        assert abs(accepted - expected) < 5 * np.sqrt(expected * (1 - expected) / 40_000)


@settings(max_examples=40)
@given(st.integers(2, 200), st.floats(-1, 4), st.sampled_from(["known", "unknown"]))
def test_the_curve_never_rises(n: int, k: float, sigma: Any) -> None:
    curve = variables_acceptance_probability(n, k, np.linspace(0, 1, 201), sigma=sigma)
    assert (curve[0], curve[-1]) == (1, 0)
    assert np.all(np.diff(curve) <= 1e-9)


@pytest.mark.parametrize("sigma", ["known", "unknown"])
@pytest.mark.parametrize("points", [(0.01, 0.95, 0.05, 0.1), (0.04, 0.9, 0.2, 0.05), (0.3, 0.9, 0.6, 0.1)])
def test_no_smaller_variables_plan_meets_both_points(sigma: Any, points: tuple[float, ...]) -> None:
    p1, high, p2, low = points
    n, k = find_variables_plan(CurvePoint(p1, high), CurvePoint(p2, low), sigma=sigma)

    def accepts(n: int, k: float, p: float) -> float:
        if sigma == "known":
            return float(stats.norm.cdf(np.sqrt(n) * (stats.norm.isf(p) - k)))
        return float(stats.nct.sf(k * np.sqrt(n), n - 1, np.sqrt(n) * stats.norm.isf(p)))

    assert accepts(n, k, p1) == pytest.approx(high, abs=1e-9)
    assert accepts(n, k, p2) <= low
    assert not any(
        accepts(n - 1, x, p1) >= high and accepts(n - 1, x, p2) <= low
        for x in np.linspace(k - 0.5, k + 0.5, 1001)
    )


@pytest.mark.parametrize(
    ("call", "sentence"),
    [
        (lambda: VariablesSample(2, 1.0, 1.0), "a sample of 2 gives no estimate; at least 3"),
        (lambda: VariablesSample(1, 1.0, 1.0, sigma_known=True), "at least 2"),
        (lambda: VariablesSample(5, 1.0, 0.0), "constant data"),
        (lambda: VariablesSample(5, float("nan"), 1.0), "mean nan"),
        (lambda: VariablesSample(5, 0.0, float("inf")), "deviation inf"),
        (lambda: variables_sample([2.0, 2.0, 2.0]), "constant data"),
        (lambda: variables_sample([2.0]), "1 values"),
        (lambda: variables_sample([2.0, float("nan"), 1.0]), "each must be finite"),
        (lambda: estimate_nonconforming(SAMPLE, None, None), "no specification limit"),
        (lambda: estimate_nonconforming(SAMPLE, 1.0, 1.0), "1.0 is not below"),
        (lambda: estimate_nonconforming(SAMPLE, None, float("inf")), "leave a limit out"),
        (lambda: decide_by_k(SAMPLE), "no specification limit"),
        (lambda: decide_by_k(SAMPLE, upper=KLimit(1.0, float("nan"))), "k = nan"),
        (lambda: decide_by_m(SAMPLE), "no specification limit"),
        (lambda: decide_by_m(SAMPLE, upper=MLimit(13.0, 1.34)), "M in percent is divided by 100"),
        (lambda: decide_combined(SAMPLE, 12.0, 13.0, -0.1), "M = -0.1"),
        (lambda: variables_acceptance_probability(1, 1.0, 0.1, sigma="unknown"), "n >= 2"),
        (lambda: variables_acceptance_probability(0, 1.0, 0.1, sigma="known"), "n >= 1"),
        (lambda: variables_acceptance_probability(5, float("inf"), 0.1, sigma="known"), "k finite"),
        (lambda: variables_acceptance_probability(5, 1.0, 1.5, sigma="known"), "p = 1.5"),
        (lambda: variables_acceptance_probability(5, 1.0, 0.5, sigma="s"), "'s' is neither"),  # pyright: ignore[reportArgumentType]
        (
            lambda: find_variables_plan(CurvePoint(0.1, 0.9), CurvePoint(0.1, 0.1), sigma="known"),
            "the better quality",
        ),
        (
            lambda: find_variables_plan(CurvePoint(0.0, 0.9), CurvePoint(0.1, 0.1), sigma="known"),
            "above 0 and below 1",
        ),
        (
            lambda: find_variables_plan(CurvePoint(0.1, 0.99), CurvePoint(0.1001, 0.01), sigma="known"),
            "no plan of at most 100000",
        ),
    ],
)
def test_refusals(call: Any, sentence: str) -> None:
    with pytest.raises(PlanError, match=sentence):
        call()
