"""Capability against arithmetic done here, scipy's distributions, and coverage by simulation."""

import json
import math
from typing import Any

import numpy as np
import pytest
from scipy import stats

from quality.errors import ChartError, OutOfControlError
from quality.spc import NELSON, anderson_darling, capability, chart, constants, percentile_capability
from quality.spc.constants import c4
from quality.spc.indices import Bounds, Spread
from quality.spc.percentiles import Distribution

RNG = np.random.default_rng(7)
SUBGROUPS = RNG.normal(10.0, 0.1, (30, 5))
SINGLE = RNG.normal(10.0, 0.1, 60)


def test_indices_of_subgroups() -> None:
    found = capability(SUBGROUPS, lsl=9.6, usl=10.5, target=10.0)
    x = SUBGROUPS.ravel()
    mean, overall = x.mean(), x.std(ddof=1)
    within = SUBGROUPS.std(axis=1, ddof=1).mean() / constants(5).c4
    assert found.sigma_within == pytest.approx(within)
    assert found.cp.value == pytest.approx(0.9 / (6 * within))
    assert found.cpl.value == pytest.approx((mean - 9.6) / (3 * within))
    assert found.cpu.value == pytest.approx((10.5 - mean) / (3 * within))
    assert found.cpk.value == min(found.cpl.value, found.cpu.value) == found.cpl.value
    assert found.pp.value == pytest.approx(0.9 / (6 * overall))
    assert found.ppk.value == found.ppl.value == pytest.approx((mean - 9.6) / (3 * overall))
    assert found.ppu.value == pytest.approx((10.5 - mean) / (3 * overall))
    taguchi = math.sqrt(((x - 10.0) ** 2).sum() / 149)
    assert found.cpm.value == pytest.approx(0.9 / (6 * taguchi))
    assert found.cpm_within.value == pytest.approx(0.9 / (6 * math.hypot(within, mean - 10)))
    assert found.expected_within.below == pytest.approx(stats.norm.cdf(9.6, mean, within))
    assert found.expected_overall.above == pytest.approx(stats.norm.sf(10.5, mean, overall))
    assert (found.n, found.degrees_overall, found.target) == (150, 149, 10.0)
    assert found.degrees_within < 120
    assert (found.signals, found.despite) == ((), None)
    record = found.record()
    assert json.loads(json.dumps(record, allow_nan=False)) == record
    assert record["cpk"]["value"] == found.cpk.value


def test_exact_intervals_of_performance() -> None:
    found = capability(SINGLE, lsl=9.7, usl=10.3, confidence=0.9)
    n, s, mean = 60, SINGLE.std(ddof=1), SINGLE.mean()
    low, high = stats.chi2.ppf([0.05, 0.95], n - 1) / (n - 1)
    assert found.pp.lower == pytest.approx(found.pp.value * math.sqrt(low), rel=1e-9)
    assert found.pp.upper == pytest.approx(found.pp.value * math.sqrt(high), rel=1e-9)
    t = math.sqrt(n) * (10.3 - mean) / s
    for limit, chance in ((found.ppu.lower, 0.95), (found.ppu.upper, 0.05)):
        assert stats.nct.cdf(t, n - 1, 3 * math.sqrt(n) * limit) == pytest.approx(chance, abs=1e-8)
    reach = 1.6448536 * math.sqrt(1 / (9 * n) + found.ppk.value**2 / (2 * (n - 1)))
    assert found.ppk.upper - found.ppk.value == pytest.approx(reach)
    assert found.ppk.value - found.ppk.lower == pytest.approx(reach)


def test_an_absurdly_wide_tolerance_still_has_intervals() -> None:
    found = capability(SINGLE, lsl=9.7, usl=10_000.0)
    assert found.ppu.lower < found.ppu.value < found.ppu.upper
    assert found.ppu.upper / found.ppu.value == pytest.approx(found.pp.upper / found.pp.value, rel=0.02)
    near = [Spread(0.0, 1.0, 59.0, 1.0, 60, 0.95, "two_sided").above(x) for x in (643.0, 647.0)]
    assert near[1].lower == pytest.approx(near[0].lower, rel=0.03)


def test_lower_bounds_only() -> None:
    two = capability(SINGLE, lsl=9.7, usl=10.3, confidence=0.9)
    one = capability(SINGLE, lsl=9.7, usl=10.3, confidence=0.95, bounds="lower")
    for name in ("cp", "cpl", "cpu", "cpk", "pp", "ppl", "ppu", "ppk", "cpm"):
        index, other = getattr(one, name), getattr(two, name)
        assert index.upper is None
        assert index.lower == pytest.approx(other.lower, rel=1e-9)
        assert index.lower < index.value < other.upper


@pytest.mark.parametrize("side", ["lsl", "usl"])
def test_one_limit(side: str) -> None:
    found = capability(SUBGROUPS, **{side: 9.6 if side == "lsl" else 10.4})
    there, absent = ("cpl", "cpu") if side == "lsl" else ("cpu", "cpl")
    assert getattr(found, there).value == found.cpk.value
    assert getattr(found, absent) is None
    assert (found.cp, found.pp, found.cpm, found.cpm_within, found.target) == (None,) * 5
    assert (found.expected_within.above == 0) == (side == "lsl")
    assert (found.observed.below, found.observed.above) == (0, 0)


def test_degrees_as_r_has_them_are_named_and_promise_more() -> None:
    ours = capability(SINGLE, lsl=9.7, usl=10.3)
    theirs = capability(SINGLE, lsl=9.7, usl=10.3, within_degrees="all_observations")
    assert theirs.degrees_within == 59
    assert ours.degrees_within == pytest.approx(36.1, abs=0.5)
    assert ours.cp.upper - ours.cp.lower > 1.2 * (theirs.cp.upper - theirs.cp.lower)
    assert ours.cp.value == theirs.cp.value


@pytest.mark.parametrize("bounds", ["two_sided", "lower"])
def test_intervals_cover_the_true_index(bounds: Bounds) -> None:
    reps, cover = 600, np.zeros(5)
    draws = np.random.default_rng(99).standard_normal((reps, 12, 4))
    for x in draws:
        limits = chart("xbar_r", x).limits
        degrees = limits.origin.degrees
        within = Spread(float(x.mean()), limits.sigma, degrees, c4(degrees), 48, 0.9, bounds)
        whole = Spread(float(x.mean()), float(x.std(ddof=1)), 47.0, 1.0, 48, 0.9, bounds)
        pairs = [
            (within.both(-4.0, 3.0), 7 / 6),
            (within.above(3.0), 1.0),
            (within.nearer(-4.0, 3.0), 1.0),
            (whole.below(-4.0), 4 / 3),
            (whole.about_target(-4.0, 4.0, 0.5, 48 / 47), 4 / 3 / math.hypot(1, 0.5)),
        ]
        cover += [i.lower <= true <= (math.inf if i.upper is None else i.upper) for i, true in pairs]
    assert cover / reps == pytest.approx(np.full(5, 0.9), abs=0.049)


def test_refused_while_out_of_control() -> None:
    data = [*SINGLE[:20].tolist(), 11.5]
    with pytest.raises(
        OutOfControlError, match=r"i_mr chart has 2 signals, the first nelson1 of the value at .* 21"
    ):
        capability(data, lsl=9.7, usl=10.3)
    with pytest.raises(OutOfControlError, match="state why"):
        capability(data, lsl=9.7, usl=10.3, despite="  ")
    found = capability(data, lsl=9.7, usl=10.3, despite="customer asks for the figure of the trial")
    assert found.despite == "customer asks for the figure of the trial"
    assert [s.point for s in found.signals] == [20, 20]
    assert "not in control" in found.cautions[0]
    assert found.observed.above == pytest.approx(1 / 21)
    assert capability(SINGLE, lsl=9, usl=11).rules == "nelson 1"
    assert capability(SUBGROUPS, lsl=9, usl=11, despite="in case").despite is None


def test_stricter_rules_refuse_more() -> None:
    data = [10.0, 10.2, 9.9, 10.1, 9.9, *[10.21, 10.25] * 5]
    assert capability(data, lsl=9, usl=11).signals == ()
    with pytest.raises(OutOfControlError, match="nelson"):
        capability(data, lsl=9, usl=11, rules=NELSON)


@pytest.mark.parametrize(
    ("options", "said"),
    [({}, "no specification limit"), ({"lsl": 11.0, "usl": 9.0}, "lsl < usl"),
     ({"lsl": 9.0, "usl": 9.0}, "lsl < usl"),
     ({"lsl": 9.0, "usl": 11.0, "target": 12.0}, "target 12"), ({"lsl": math.nan}, "not finite"),
     ({"lsl": 9.0, "confidence": 1.0}, "confidence 1"), ({"lsl": 9.0, "confidence": 0.0}, "confidence 0"),
     ({"usl": math.inf}, "not finite")],
)  # fmt: skip
def test_specification_limits_that_do_not_fit(options: dict[str, float], said: str) -> None:
    with pytest.raises(ChartError, match=said):
        capability(SUBGROUPS, **options)


@pytest.mark.parametrize(
    ("data", "said"), [([5.0] * 9, "constant data"), ([], "fewer than two"), ([1.0, math.nan, 2.0], "NaN")]
)
def test_data_without_capability(data: list[float], said: str) -> None:
    with pytest.raises(ChartError, match=said):
        capability(data, lsl=0.0)


def test_normality_is_told() -> None:
    skewed = np.random.default_rng(4).lognormal(0, 0.8, 150)
    found = capability(skewed, usl=40.0, despite="to see the caution")
    assert found.normality_p < 0.001
    assert "percentile_capability" in found.cautions[-1]
    assert capability(SUBGROUPS, lsl=9.0).cautions == ()
    few = capability([1.0, 1.2, 0.9, 1.1, 1.0, 1.15, 0.95], lsl=0.0)
    assert (few.normality_p, few.cautions) == (None, ("7 values are too few to test normality",))


def test_anderson_darling() -> None:
    x = np.random.default_rng(2).normal(3, 2, 40)
    z = np.sort((x - x.mean()) / x.std(ddof=1))
    i = np.arange(1, 41)
    expected = -40 - ((2 * i - 1) / 40 * (stats.norm.logcdf(z) + stats.norm.logsf(z[::-1]))).sum()
    assert anderson_darling(x)[0] == pytest.approx(expected, rel=1e-10)
    # Under normality p is uniform.
    draws = np.random.default_rng(5).standard_normal((4000, 25))
    p = np.array([anderson_darling(row)[1] for row in draws])
    for level in (0.01, 0.05, 0.1, 0.25, 0.5):
        assert (p < level).mean() == pytest.approx(level, abs=0.006 + 0.05 * level)
    assert anderson_darling(np.array([*x, 1e6]))[1] < 1e-10
    for few in (x[:7], np.ones(20)):
        with pytest.raises(ChartError, match="8 or more that are not all equal"):
            anderson_darling(few)
    assert 0 < anderson_darling(x[:8])[1] <= 1


CONTROL = chart("xbar_s", SUBGROUPS)


@pytest.mark.parametrize(
    ("distribution", "frozen"),
    [("lognormal", stats.lognorm(0.5, scale=2.0)), ("weibull", stats.weibull_min(1.8, scale=3.0))],
)
def test_percentiles_of_a_fitted_distribution(distribution: Distribution, frozen: Any) -> None:
    x = frozen.rvs(400, random_state=np.random.default_rng(12))
    found = percentile_capability(x, control=CONTROL, distribution=distribution, usl=12.0, lsl=0.001)
    family = stats.lognorm if distribution == "lognormal" else stats.weibull_min
    fitted = family(*family.fit(x, floc=0))
    low, median, high = fitted.ppf([0.00135, 0.5, 0.99865])
    assert (found.low, found.median, found.high) == pytest.approx((low, median, high), rel=2e-3)
    assert found.ppu.value == pytest.approx((12 - found.median) / (found.high - found.median))
    assert found.ppl.value == pytest.approx((found.median - 0.001) / (found.median - found.low))
    assert found.pp.value == pytest.approx(11.999 / (found.high - found.low))
    assert found.ppk.value == min(found.ppu.value, found.ppl.value)
    assert found.expected.above == pytest.approx(fitted.sf(12.0), rel=0.05)
    assert found.expected.below == pytest.approx(fitted.cdf(0.001), rel=0.05, abs=1e-9)
    true_median, true_high = frozen.ppf([0.5, 0.99865])
    assert found.ppu.lower < (12 - true_median) / (true_high - true_median) < found.ppu.upper
    assert found.ppu.lower < found.ppu.value < found.ppu.upper
    assert json.loads(json.dumps(found.record(), allow_nan=False)) == found.record()


def test_percentiles_of_the_values_themselves() -> None:
    x = np.random.default_rng(3).gamma(2.0, 1.0, 5000)
    found = percentile_capability(x, control=CONTROL, distribution="empirical", usl=9.0)
    low, median, high = np.quantile(x, [0.00135, 0.5, 0.99865])
    assert (found.low, found.median, found.high) == (low, median, high)
    assert found.ppk == found.ppu
    assert (found.pp, found.ppl, found.expected) == (None, None, found.observed)
    assert found.observed.above == (x > 9).mean()
    again = percentile_capability(x, control=CONTROL, distribution="empirical", usl=9.0)
    assert again == found
    edge = percentile_capability(x[:741], control=CONTROL, distribution="empirical", usl=9.0)
    assert edge.n == 741
    with pytest.raises(ChartError, match="740 values tell nothing"):
        percentile_capability(x[:740], control=CONTROL, distribution="empirical", usl=9.0)


def test_percentiles_of_a_normal_process_give_the_usual_indices() -> None:
    x = np.random.default_rng(30).normal(1000, 1, 4000)
    usual = capability(x, lsl=995.0, usl=1006.0, despite="compared only")
    found = percentile_capability(x, control=CONTROL, distribution="lognormal", lsl=995.0, usl=1006.0)
    assert found.pp.value == pytest.approx(usual.pp.value, rel=0.005)
    assert found.ppk.value == pytest.approx(usual.ppk.value, rel=0.01)


def test_percentile_capability_refuses() -> None:
    good = np.linspace(1.0, 2.0, 30)
    with pytest.raises(OutOfControlError, match="no control chart"):
        percentile_capability(good, control=None, distribution="weibull", usl=9.0)
    told = percentile_capability(good, control=None, distribution="weibull", usl=9.0, despite="trial of 30")
    assert (told.despite, told.signals) == ("trial of 30", ())
    wild = chart("i_mr", [*SINGLE[:20].tolist(), 11.5])
    with pytest.raises(OutOfControlError, match="nelson1"):
        percentile_capability(good, control=wild, distribution="weibull", usl=9.0)
    for values, said in (
        (np.append(good, 0.0), "0 is not above 0"),
        (good[:7], "8 or more"),
        (np.ones(9), "differ"),
    ):
        with pytest.raises(ChartError, match=said):
            percentile_capability(values, control=CONTROL, distribution="weibull", usl=9.0)
    with pytest.raises(ChartError, match="no specification limit"):
        percentile_capability(good, control=CONTROL, distribution="weibull")


def test_a_value_on_the_limit_is_within() -> None:
    found = capability([1.0, 2.0, 1.5, 1.2, 1.9, 1.4], lsl=1.0, usl=2.0)
    assert (found.observed.below, found.observed.above) == (0, 0)
    tighter = capability([1.0, 2.0, 1.5, 1.2, 1.9, 1.4], lsl=1.1, usl=1.95)
    assert (tighter.observed.below, tighter.observed.above) == (1 / 6, 1 / 6)
