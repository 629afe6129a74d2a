"""Where limits come from, and the estimates of sigma behind them."""

import math
from typing import Any

import numpy as np
import pytest

from quality import Person
from quality.errors import ChartError
from quality.spc import (
    ChartKind,
    Counts,
    Limits,
    SigmaMethod,
    chart,
    constants,
    entered_limits,
    estimate_limits,
)
from quality.spc.sigma import equivalent_degrees, estimate_sigma

PERSON = Person(name="Mei Lin", party="Acme")
DATA = [[1.0, 3.0], [2.0, 5.0], [4.0, 4.5], [9.0, 30.0]]


def test_estimated_limits_name_their_subgroups() -> None:
    limits = estimate_limits("xbar_r", DATA, names=["a", "b", "c", "d"], exclude={"d": "broken tool"})
    assert limits.origin.source == "estimated"
    assert limits.origin.subgroups == ("a", "b", "c")
    assert [(e.subgroup, e.reason) for e in limits.origin.excluded] == [("d", "broken tool")]
    assert limits.centre == pytest.approx(19.5 / 6)
    assert limits.sigma == pytest.approx((2 + 3 + 0.5) / 3 / constants(2).d2)
    assert limits.version == 0
    shown = chart("xbar_r", DATA, limits)
    assert {s.point for s in shown.signals} == {3}


def test_an_excluded_value_takes_its_moving_ranges_with_it() -> None:
    values = [1.0, 2.0, 90.0, 2.5, 2.0, 3.0]
    limits = estimate_limits("i_mr", values, exclude={"3": "wrong part"})
    assert limits.sigma == pytest.approx((1 + 0.5 + 1) / 3 / constants(2).d2)
    assert limits.centre == pytest.approx(10.5 / 5)
    first = estimate_limits("i_mr", [90.0, 1.0, 2.0, 4.0], exclude={"1": "wrong part"})
    assert first.sigma == pytest.approx(1.5 / constants(2).d2)
    with pytest.raises(ChartError, match="no two consecutive"):
        estimate_limits("i_mr", [1.0, 2.0, 3.0], exclude={"2": "wrong part"})
    laney = estimate_limits("laney_u", Counts([1, 4, 50, 2, 6], 10), exclude={"3": "wrong part"})
    z = (np.array([1, 4, 2, 6]) / 10 - 13 / 40) / math.sqrt(13 / 40 / 10)
    moving = (z[1] - z[0] + z[3] - z[2]) / 2
    assert laney.sigma == pytest.approx(math.sqrt(13 / 40) * moving / constants(2).d2)


@pytest.mark.parametrize(
    ("exclude", "names", "said"),
    [({"9": "x"}, None, "excluded ones among them"), ({"1": "x", "2": "x", "3": "x"}, None, "fewer than two"),
     (None, ["a", "b"], "4 different names")],
)  # fmt: skip
def test_exclusions_that_do_not_fit(exclude: Any, names: Any, said: str) -> None:
    with pytest.raises(ChartError, match=said):
        estimate_limits("xbar_r", DATA, exclude=exclude, names=names)


def test_frozen_limits_are_versioned() -> None:
    first = estimate_limits("xbar_r", DATA).freeze()
    second = estimate_limits("xbar_s", DATA).freeze(first)
    assert (first.version, second.version) == (1, 2)
    assert Limits.model_validate(second.record()) == second
    for frozen in (first, second):
        with pytest.raises(ChartError, match=f"version {frozen.version} are frozen"):
            frozen.freeze()
    fresh = estimate_limits("xbar_s", DATA)
    with pytest.raises(ChartError, match="follow frozen limits"):
        fresh.freeze(fresh)
    with pytest.raises(ChartError, match="follow frozen limits"):
        estimate_limits("p", Counts([1, 2], 9)).freeze(first)


def test_limits_of_another_kind_do_not_serve() -> None:
    proportion = estimate_limits("p", Counts([1, 2], 9))
    assert chart("np", Counts([1, 2], 9), proportion).centre == pytest.approx([1.5, 1.5])
    assert chart("u", Counts([1, 2], 9), estimate_limits("c", Counts([9, 9], 9))).centre.tolist() == [1, 1]
    for kind, data in (("c", Counts([1, 2])), ("laney_p", Counts([1, 2], 9)), ("i_mr", [1.0, 2.0])):
        with pytest.raises(ChartError, match="limits of the p chart do not serve it"):
            chart(kind, data, proportion)


def test_entered_limits_have_reason_and_person() -> None:
    limits = entered_limits("i_mr", 5.0, 0.1, reason="capability study 12", person=PERSON)
    assert limits.record()["origin"] == {
        "source": "entered", "reason": "capability study 12",
        "person": {"name": "Mei Lin", "party": "Acme", "roles": []},
    }  # fmt: skip
    proportion = entered_limits("p", 0.2, reason="contract 3.1", person=PERSON)
    assert proportion.sigma == pytest.approx(0.4)
    assert entered_limits("u", 4.0, reason="contract 3.1", person=PERSON).sigma == 2


@pytest.mark.parametrize(
    ("kind", "centre", "sigma", "reason", "said"),
    [("i_mr", 5.0, 0.1, "  ", "origin|reason"), ("i_mr", 5.0, 0.0, "x", "sigma: .*greater than 0"),
     ("i_mr", math.nan, 1.0, "x", "centre"), ("i_mr", 5.0, None, "x", "the others need it"),
     ("p", 0.2, 0.4, "x", "take none"), ("p", 1.0, None, "x", "mean is 1"),
     ("p", 0.0, None, "x", "mean is 0"),
     ("c", -1.0, None, "x", "mean is -1"), ("c", math.inf, None, "x", "mean is inf"),
     ("laney_p", 0.1, None, "x", "the others need it")],
)  # fmt: skip
def test_limits_are_not_typed_in_like_that(
    kind: ChartKind, centre: float, sigma: float | None, reason: str, said: str
) -> None:
    with pytest.raises(ChartError, match=said):
        entered_limits(kind, centre, sigma, reason=reason, person=PERSON)


def test_weighted_estimates_differ_where_sizes_do() -> None:
    groups = [np.array([1.0, 3.0]), np.array([1.0, 2.0, 4.0, 2.5, 3.0])]
    two, five = constants(2), constants(5)
    sigmas = np.array([2 / two.d2, 3 / five.d2])
    weights = np.array([(two.d2 / two.d3) ** 2, (five.d2 / five.d3) ** 2])
    assert estimate_sigma(groups, "mean_range").sigma == pytest.approx(sigmas.mean())
    assert estimate_sigma(groups, "weighted_range").sigma == pytest.approx(weights @ sigmas / weights.sum())
    deviations = np.array([np.std(g, ddof=1) for g in groups]) / [two.c4, five.c4]
    by_sd = np.array([two.c4**2 / (1 - two.c4**2), five.c4**2 / (1 - five.c4**2)])
    assert estimate_sigma(groups, "mean_sd").sigma == pytest.approx(deviations.mean())
    assert estimate_sigma(groups, "weighted_sd").sigma == pytest.approx(by_sd @ deviations / by_sd.sum())
    pooled = estimate_sigma(groups, "pooled_sd")
    assert pooled.degrees == 5
    c4 = math.sqrt(2 / 5) * math.gamma(3) / math.gamma(2.5)
    assert pooled.sigma == pytest.approx(math.sqrt((2 + 5.0) / 5) / c4)


def test_methods_that_do_not_fit() -> None:
    with pytest.raises(ChartError, match="mean_range does not fit subgroups of 1"):
        estimate_limits("i_mr", [1.0, 2.0, 4.0], method="mean_range")
    with pytest.raises(ChartError, match="moving_range does not fit"):
        estimate_limits("xbar_r", DATA, method="moving_range")


def test_default_methods() -> None:
    methods = {k: estimate_limits(k, DATA).origin.method for k in ("xbar_r", "xbar_s", "ewma", "cusum")}
    assert methods == {
        "xbar_r": "mean_range",
        "xbar_s": "weighted_sd",
        "ewma": "pooled_sd",
        "cusum": "pooled_sd",
    }
    assert estimate_limits("ewma", [1.0, 2.0, 4.0]).origin.method == "moving_range"


@pytest.mark.parametrize("method", ["mean_range", "mean_sd", "pooled_sd", "moving_range"])
def test_estimates_are_unbiased_and_worth_their_degrees(method: SigmaMethod) -> None:
    draws = np.random.default_rng(21).standard_normal((3000, 6, 4))
    found = [estimate_sigma([d.ravel()] if method == "moving_range" else list(d), method) for d in draws]
    sigmas = np.array([f.sigma for f in found])
    degrees = found[0].degrees
    c4 = math.sqrt(2 / degrees) * math.exp(math.lgamma((degrees + 1) / 2) - math.lgamma(degrees / 2))
    relative = (1 - c4**2) / c4**2
    assert sigmas.mean() == pytest.approx(1, abs=4 * sigmas.std() / math.sqrt(3000))
    assert sigmas.var() == pytest.approx(relative, rel=0.1)


def test_neighbouring_moving_ranges_share_a_value() -> None:
    draws = np.random.default_rng(6).standard_normal((200_000, 3))
    means = np.abs(np.diff(draws, axis=1)).mean(axis=1)
    degrees = estimate_sigma([np.array([1.0, 2.0, 4.0])], "moving_range").degrees
    assert degrees == pytest.approx(equivalent_degrees(means.var() / means.mean() ** 2), rel=0.02)
    apart = estimate_sigma([np.array([1.0, 2.0]), np.array([4.0, 5.0])], "moving_range").degrees
    assert apart > 1.1 * degrees


def test_degrees_of_freedom_of_a_mean_range_as_published() -> None:
    # Duncan, Quality Control and Industrial Statistics, table D3: 5 ranges of 4, 10 of 5.
    for count, size, published in ((5, 4, 13.9), (10, 5, 36.5), (1, 2, 1.0)):
        known = constants(size)
        assert equivalent_degrees((known.d3 / known.d2) ** 2 / count) == pytest.approx(published, abs=0.06)
