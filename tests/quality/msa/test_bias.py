"""Bias, type 1, linearity and stability against scipy and by hand."""

from __future__ import annotations

import math
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from quality.errors import ChartError, StudyError
from quality.msa import bias_study, linearity_study, stability_study, type1_study

READINGS = [5.8, 5.7, 5.9, 5.9, 6.0, 6.1, 6.0, 6.1, 6.4, 6.3, 6.0, 6.1, 6.2, 5.6, 6.0]


def test_the_bias_study_of_aiag() -> None:
    """AIAG MSA 4th ed., chapter III-B, 15 readings of 6.00: t 0.12, interval -0.1107 to 0.1241."""
    found = bias_study(READINGS, 6.0)
    assert found.bias == pytest.approx(0.0067, abs=5e-5)
    assert found.standard_deviation == pytest.approx(0.21202, abs=5e-6)
    assert found.t == pytest.approx(0.12, abs=0.005)
    assert found.interval == pytest.approx((-0.1107, 0.1241), abs=5e-5)
    assert found.acceptable


@settings(deadline=None)
@given(st.lists(st.floats(-100, 100), min_size=2, max_size=20, unique=True), st.floats(-100, 100))
def test_bias_is_scipys_t_test(values: list[float], reference: float) -> None:
    if max(values) - min(values) < 1e-3:
        return
    found = bias_study(values, reference, coverage=0.9)
    scipys = stats.ttest_1samp(values, reference)
    assert found.t == pytest.approx(scipys.statistic, rel=1e-9, abs=1e-9)
    assert found.p_value == pytest.approx(scipys.pvalue, rel=1e-9, abs=1e-12)
    low, high = scipys.confidence_interval(0.9)
    assert found.interval == pytest.approx((low - reference, high - reference), rel=1e-6, abs=1e-8)
    assert found.acceptable == (found.p_value >= 0.1 or found.interval[0] <= 0 <= found.interval[1])
    assert (found.n, found.reference, found.coverage) == (len(values), reference, 0.9)


def test_a_proven_bias_is_not_acceptable_in_either_direction() -> None:
    assert not bias_study(READINGS, 5.85).acceptable
    assert not bias_study(READINGS, 6.15).acceptable


def test_type_1_by_hand() -> None:
    """s = sqrt(2), bias 1, tolerance 60: Cg = 12 / (6 s), Cgk = (6 - 1) / (3 s)."""
    values = [10.0, 12.0, 10.0, 12.0, 11.0 - math.sqrt(2), 11.0 + math.sqrt(2)]  # sum of squares 8, n - 1 = 5
    found = type1_study(values, 10.0, tolerance=60.0)
    s = math.sqrt(8 / 5)
    assert found.cg == pytest.approx(12 / (6 * s))
    assert found.cgk == pytest.approx(5 / (3 * s))
    assert found.percent_repeatability == pytest.approx(100 * 6 * s / 60)
    assert found.percent_repeatability_and_bias == pytest.approx(20 / found.cgk)
    other = type1_study(values, 12.0, tolerance=60.0, percent=15.0, sigmas=4.0)
    assert other.cg == pytest.approx(9 / (4 * s))
    assert other.cgk == pytest.approx((4.5 - 1) / (2 * s))
    assert other.bias.bias == pytest.approx(-1)


def test_a_bias_larger_than_what_is_allowed_leaves_a_negative_cgk() -> None:
    found = type1_study([10.0, 12.0], 0.0, tolerance=60.0)
    assert found.cgk < 0
    assert found.percent_repeatability_and_bias == math.inf


LINE = [(2.0, 2.4), (2.0, 2.6), (4.0, 4.1), (4.0, 4.3), (8.0, 7.9), (8.0, 7.7), (8.0, 8.1)]


def test_linearity_is_scipys_regression() -> None:
    x, y = [r for r, _ in LINE], [v - r for r, v in LINE]
    fit = stats.linregress(x, y)
    found = linearity_study(LINE, process_variation=3.0)
    assert found.slope == pytest.approx(fit.slope)
    assert found.intercept == pytest.approx(fit.intercept)
    assert found.r_squared == pytest.approx(fit.rvalue**2)
    assert found.slope_error == pytest.approx(fit.stderr)
    assert found.intercept_error == pytest.approx(fit.intercept_stderr)
    assert found.slope_p == pytest.approx(fit.pvalue)
    assert found.slope_t == pytest.approx(fit.slope / fit.stderr)
    assert found.intercept_t == pytest.approx(fit.intercept / fit.intercept_stderr)
    assert found.mean_bias == pytest.approx(sum(y) / 7)
    assert found.linearity == pytest.approx(abs(fit.slope) * 3)
    assert found.percent_linearity == pytest.approx(abs(fit.slope) * 100)
    assert found.largest_bias == pytest.approx(max(abs(fit.intercept + fit.slope * r) for r in (2, 4, 8)))
    assert linearity_study(LINE).linearity is None


def test_the_lines_interval_and_each_references_own_test() -> None:
    found = linearity_study(LINE, coverage=0.9)
    x, y = [r for r, _ in LINE], [v - r for r, v in LINE]
    fit = stats.linregress(x, y)
    mean = sum(x) / 7
    sxx = sum((v - mean) ** 2 for v in x)
    half = stats.t.ppf(0.95, 5) * found.standard_deviation * math.sqrt(1 / 7 + (8 - mean) ** 2 / sxx)
    at = fit.intercept + 8 * fit.slope
    assert found.references[2].line == pytest.approx((at - half, at + half))
    own = stats.ttest_1samp([-0.1, -0.3, 0.1], 0.0)
    assert found.references[2].t == pytest.approx(own.statistic)
    assert found.references[2].p_value == pytest.approx(own.pvalue)
    assert [(r.reference, r.n) for r in found.references] == [(2.0, 2), (4.0, 2), (8.0, 3)]
    assert [r.line_holds_zero for r in found.references] == [False, False, True]
    assert not found.acceptable


def test_a_gauge_without_bias_is_acceptable() -> None:
    even = [(r, r + d) for r in (1.0, 5.0, 9.0) for d in (-0.1, 0.1)]
    found = linearity_study(even)
    assert found.acceptable
    assert found.largest_bias == pytest.approx(0, abs=1e-12)


def test_equal_readings_at_one_reference_have_no_test_of_their_own() -> None:
    found = linearity_study([(1.0, 1.5), (1.0, 1.5), (2.0, 2.25), (2.0, 2.75), (3.0, 3.25)])
    assert [(r.t is None, r.p_value is None) for r in found.references] == [
        (True, True),
        (False, False),
        (True, True),
    ]
    assert found.references[0].bias == 0.5


@pytest.mark.parametrize(
    ("call", "what"),
    [
        (lambda: bias_study([1.0], 1.0), "1 values, at least 2"),
        (lambda: bias_study([], 1.0), "0 values, at least 2"),
        (lambda: bias_study([1.0, 1.0], 1.0), "all values are 1.0"),
        (lambda: bias_study([1.0, math.nan], 1.0), "value 2 is nan"),
        (lambda: bias_study([1.0, 2.0], math.nan), "reference nan"),
        (lambda: bias_study([1.0, 2.0], 1.0, coverage=1.0), "coverage 1"),
        (lambda: type1_study([1.0, 2.0], 1.0, tolerance=0.0), "tolerance 0"),
        (lambda: type1_study([1.0, 2.0], 1.0, tolerance=1.0, percent=0.0), "percent 0"),
        (lambda: type1_study([1.0, 2.0], 1.0, tolerance=1.0, sigmas=-1.0), "sigmas -1"),
        (lambda: linearity_study([(1.0, 1.0), (2.0, 2.5)]), "at least 3 readings at 2 references"),
        (lambda: linearity_study([(1.0, 1.0), (1.0, 1.5), (1.0, 2.0)]), "at 2 references"),
        (lambda: linearity_study([]), "at least 3"),
        (lambda: linearity_study([*LINE, (9.0, math.nan)]), "no number"),
        (lambda: linearity_study([*LINE, (math.inf, 9.0)]), "no number"),
        (lambda: linearity_study([(1.0, 1.1), (2.0, 2.2), (3.0, 3.3)]), "no reading lies off the line"),
        (lambda: linearity_study(LINE, process_variation=0.0), "process variation 0"),
        (lambda: linearity_study(LINE, coverage=0.0), "coverage 0"),
        (lambda: stability_study([1.0, 2.0, 3.0], math.nan), "reference nan"),
        (lambda: stability_study([], 1.0), "no readings"),
    ],
)
def test_what_allows_no_study(call: Any, what: str) -> None:
    with pytest.raises(StudyError, match=what):
        call()


def test_stability_of_single_readings_is_i_mr() -> None:
    steady = [10.0, 10.2, 9.9, 10.1, 10.0, 9.8, 10.1, 10.0, 10.2, 9.9]
    found = stability_study(steady, 9.9)
    assert (found.chart.kind, found.stable) == ("i_mr", True)
    assert found.bias == pytest.approx(sum(steady) / 10 - 9.9)
    assert not stability_study([*steady, 12.0], 9.9).stable


def test_stability_of_subgroups_is_xbar_r_and_takes_frozen_limits() -> None:
    steady = [[10.0, 10.2], [9.9, 10.1], [10.0, 9.8], [10.1, 10.0], [10.2, 9.9]]
    found = stability_study(steady, 10.0)
    assert (found.chart.kind, found.stable) == ("xbar_r", True)
    frozen = found.chart.limits.freeze()
    assert stability_study(steady, 10.0, limits=frozen).stable
    assert not stability_study([[10.9, 11.1], [11.0, 11.1]], 10.0, limits=frozen).stable
    assert not stability_study([[8.5, 11.5], [10.0, 10.1]], 10.0, limits=frozen).stable  # by its spread


def test_constant_readings_have_no_stability() -> None:
    with pytest.raises(ChartError):
        stability_study([1.0] * 10, 1.0)
