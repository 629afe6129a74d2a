"""Charts against arithmetic done here, and what they refuse."""

import json
import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from quality import Person
from quality.errors import ChartError
from quality.spc import (
    AIAG,
    NELSON,
    ChartKind,
    Counts,
    CusumDesign,
    EwmaDesign,
    Limits,
    Stage,
    chart,
    constants,
    entered_limits,
    estimate_limits,
    rule_set,
    staged_chart,
)
from quality.spc.samples import CountedKind

SUBGROUPS = [
    [10.1, 9.9, 10.3, 10.0],
    [9.8, 10.2, 10.0, 10.1],
    [10.4, 10.0, 9.9, 10.2],
    [9.7, 9.9, 10.1, 10.0],
]
SERIES = [5.0, 5.2, 4.9, 5.1, 5.3, 4.8, 5.0, 5.1]
PERSON = Person(name="Mei Lin", party="Acme", roles=("quality",))


def test_xbar_r() -> None:
    result, k = chart("xbar_r", SUBGROUPS), constants(4)
    x = np.array(SUBGROUPS)
    mean_range = np.ptp(x, axis=1).mean()
    assert result.sigma == pytest.approx(mean_range / k.d2, rel=1e-12)
    assert result.points == pytest.approx(x.mean(axis=1))
    assert result.centre == pytest.approx(np.full(4, x.mean()))
    assert result.ucl == pytest.approx(np.full(4, x.mean() + k.A2 * mean_range))
    assert result.lcl == pytest.approx(np.full(4, x.mean() - k.A2 * mean_range))
    ranges = result.panels[1]
    assert ranges.statistic == "range"
    assert ranges.points == pytest.approx(np.ptp(x, axis=1))
    assert ranges.centre == pytest.approx(np.full(4, mean_range))
    assert ranges.ucl == pytest.approx(np.full(4, k.D4 * mean_range))
    assert ranges.lcl == pytest.approx(np.zeros(4), abs=1e-15)
    assert result.in_control


def test_xbar_s_with_unequal_sizes_has_limits_of_its_own_at_each_point() -> None:
    data = [[1.0, 2.0, 3.5], [2.0, 1.0], [1.5, 2.5, 2.0, 1.0, 3.0]]
    result = chart("xbar_s", data)
    sizes = [3, 2, 5]
    pooled = np.concatenate(data).mean()
    assert result.centre == pytest.approx(np.full(3, pooled))
    assert result.ucl == pytest.approx([pooled + 3 * result.sigma / math.sqrt(n) for n in sizes])
    spread = result.panels[1]
    assert spread.points == pytest.approx([np.std(row, ddof=1) for row in data])
    assert spread.centre == pytest.approx([constants(n).c4 * result.sigma for n in sizes])
    assert spread.ucl == pytest.approx([constants(n).B6 * result.sigma for n in sizes])
    assert spread.lcl == pytest.approx([constants(n).B5 * result.sigma for n in sizes], abs=1e-15)


def test_i_mr_counts_subgroups_in_its_moving_ranges() -> None:
    result = chart("i_mr", [*SERIES, 9.0])
    moving = np.abs(np.diff([*SERIES, 9.0]))
    assert result.sigma == pytest.approx(moving.mean() * math.sqrt(math.pi) / 2, rel=1e-10)
    panel = result.panels[1]
    assert (panel.first, panel.points.size) == (1, 8)
    assert panel.ucl[0] == pytest.approx(constants(2).D4 * moving.mean())
    assert [(s.statistic, s.point, s.points) for s in panel.signals] == [("moving range", 8, (7, 8))]
    assert [(s.statistic, s.point) for s in result.signals] == [("value", 8), ("moving range", 8)]
    assert not result.in_control


@pytest.mark.parametrize(("kind", "spread"), [("p", "binomial"), ("np", "binomial"), ("u", "poisson")])
def test_charts_of_counts_with_changing_sizes(kind: CountedKind, spread: str) -> None:
    counts, sizes = np.array([3, 9, 1, 40]), np.array([50, 80, 25, 100])
    result = chart(kind, Counts(counts.tolist(), sizes.tolist()))
    mean = 53 / 255
    sigma = math.sqrt(mean * (1 - mean) if spread == "binomial" else mean)
    scale = sizes if kind == "np" else np.ones(4)
    error = sigma / np.sqrt(sizes) * scale
    assert result.limits.origin.method == spread
    assert result.centre == pytest.approx(mean * scale)
    assert result.ucl == pytest.approx(mean * scale + 3 * error)
    assert result.lcl == pytest.approx(np.maximum(0, mean * scale - 3 * error))
    assert result.lcl[2] == 0
    assert [s.point for s in result.signals] == [3]


def test_limits_of_proportions_stay_within_what_can_occur() -> None:
    few = Counts([1, 2, 2, 1], [2, 2, 2, 3])
    assert chart("p", few).ucl.tolist() == [1, 1, 1, 1]
    assert chart("np", few).ucl.tolist() == [2, 2, 2, 3]
    assert chart("u", few).ucl.min() > 1


def test_c_chart() -> None:
    result = chart("c", Counts([4, 7, 5, 30]))
    assert result.centre.tolist() == [11.5] * 4
    assert result.ucl == pytest.approx(np.full(4, 11.5 + 3 * math.sqrt(11.5)))
    assert [s.point for s in result.signals] == [3]
    assert chart("c", Counts([4, 7, 5, 30], 2.5)).ucl == pytest.approx(result.ucl)


@pytest.mark.parametrize(("laney", "plain"), [("laney_p", "p"), ("laney_u", "u")])
def test_laney_widens_limits_by_the_variation_of_z(laney: CountedKind, plain: CountedKind) -> None:
    counts = Counts([100, 180, 90, 210, 120, 60], [10_000, 12_000, 11_000, 12_500, 9_000, 10_000])
    usual, wide = chart(plain, counts), chart(laney, counts)
    z = (usual.points - usual.centre) / ((usual.ucl - usual.centre) / 3)
    sigma_z = np.abs(np.diff(z)).mean() / constants(2).d2
    assert sigma_z > 2
    assert wide.ucl - wide.centre == pytest.approx(sigma_z * (usual.ucl - usual.centre))
    assert len(wide.signals) < len(usual.signals)


def test_rules_that_fit_a_panel() -> None:
    same = [[0.0, 1.0, 2.0, 3.4]] * 8  # means at z = 1.2
    limits = entered_limits("xbar_s", 1.0, 1.0, reason="validated on the pilot line", person=PERSON)
    signals = chart("xbar_s", same, limits, NELSON).signals
    assert {s.rule for s in signals if s.statistic == "mean"} == {"nelson6", "nelson8"}
    runs = chart("xbar_s", [[0.0, 1.0, 2.0, 4.0]] * 7, limits, AIAG)
    assert [s.rule for s in runs.signals if s.statistic == "standard deviation"] == ["aiag2"]
    narrow = entered_limits("i_mr", 5.0, 5.0, reason="validated on the pilot line", person=PERSON)
    assert not [s for s in chart("i_mr", SERIES, narrow, NELSON).signals if s.statistic == "moving range"]
    zones = chart("xbar_s", [[0.0, 3.9], [0.1, 3.9], [0.0, 3.8]], limits, rule_set("nelson", 5, 6, 7, 8))
    assert not [s for s in zones.signals if s.statistic != "mean"]


def test_ewma_and_cusum_by_hand() -> None:
    limits = entered_limits("ewma", 10.0, 2.0, reason="design study 7", person=PERSON)
    data = [[11.0, 13.0, 12.0, 12.0], [14.0, 14.0, 14.0, 14.0], [9.0, 9.0, 9.0, 9.0]]
    average = chart("ewma", data, limits, design=EwmaDesign(0.25, 2.5))
    assert average.points == pytest.approx([10.5, 11.375, 10.78125])
    half = [2.5 * math.sqrt(0.25 / 1.75 * (1 - 0.75 ** (2 * i))) for i in (1, 2, 3)]
    assert average.ucl == pytest.approx([10 + h for h in half])
    assert average.lcl == pytest.approx([10 - h for h in half])
    assert [s.point for s in average.signals] == [1]
    sums = chart("cusum", data, limits, design=CusumDesign(0.5, 4.0))
    up, down = sums.panels
    assert up.points == pytest.approx([1.5, 5.0, 3.5])  # z is 2, 4, -1
    assert down.points == pytest.approx([0.0, 0.0, 0.5])
    assert [(s.statistic, s.point, s.points) for s in sums.signals] == [("upper sum", 1, (0, 1))]
    started = chart("cusum", data, limits, design=CusumDesign(0.5, 4.0, 2.0))
    assert started.points == pytest.approx([3.5, 7.0, 5.5])
    assert started.panels[1].points == pytest.approx([0.0, 0.0, 0.5])
    later = chart("cusum", [7.0, 14.0, 20.0], limits, design=CusumDesign(0.5, 4.0))
    assert [s.points for s in later.signals] == [(1, 2)]
    falling = chart("ewma", [[2.0] * 4], limits, design=EwmaDesign(0.25, 2.5))
    assert [s.point for s in falling.signals] == [0]
    met = chart("cusum", [[14.5] * 4], limits, design=CusumDesign(0.5, 4.0))
    assert (met.points.tolist(), met.signals) == ([4.0], ())  # on the limit is not beyond it
    assert chart("cusum", data, limits).ucl.tolist() == [5.0] * 3


@settings(max_examples=40, deadline=None)
@given(
    st.lists(st.lists(st.floats(-5, 5), min_size=3, max_size=3), min_size=3, max_size=8),
    st.floats(0.1, 10),
    st.floats(-20, 20),
)
def test_a_change_of_unit_changes_no_signal(data: list[list[float]], scale: float, shift: float) -> None:
    x = np.array(data)
    if np.ptp(x, axis=1).min() < 0.1:
        x = x + np.array([0.0, 0.5, 1.3])
    before = chart("xbar_r", x, rules=NELSON)
    after = chart("xbar_r", x * scale + shift, rules=NELSON)
    assert after.sigma == pytest.approx(before.sigma * scale, rel=1e-6)
    assert after.ucl == pytest.approx(before.ucl * scale + shift, rel=1e-6, abs=1e-6)
    z = (before.points - before.centre) / ((before.ucl - before.centre) / 3)
    if np.abs(np.abs(z[:, None]) - [0, 1, 2, 3]).min() > 1e-6 and np.abs(np.diff(z)).min() > 1e-6:
        assert [s.point for s in after.signals if s.statistic == "mean"] == [
            s.point for s in before.signals if s.statistic == "mean"
        ]


def test_a_chart_as_a_record() -> None:
    record = chart("i_mr", SERIES, rules=AIAG, names=[f"lot {i}" for i in range(8)]).record()
    assert json.loads(json.dumps(record, allow_nan=False)) == record
    assert record["names"][7] == "lot 7"
    assert record["rules"] == "aiag 1 2 3 4 5 6 7 8"
    assert record["in_control"] is True
    assert [p["statistic"] for p in record["panels"]] == ["value", "moving range"]
    assert Limits.model_validate(record["limits"]).record() == record["limits"]
    assert "weight=0.2" in chart("ewma", SERIES).record()["rules"]
    assert not {"lsl", "usl", "target"} & {*record, *record["limits"], *record["panels"][0]}


def test_frozen_limits_judge_new_data_even_a_single_sample() -> None:
    frozen = estimate_limits("xbar_r", SUBGROUPS).freeze()
    one = chart("xbar_s", [[11.0, 11.2, 11.1, 11.0]], frozen)
    assert one.limits.version == 1
    assert [(s.statistic, s.point) for s in one.signals] == [("mean", 0)]
    single = chart("i_mr", [10.0], frozen)
    assert (single.in_control, single.panels[1].points.size) == (True, 0)
    assert chart("cusum", SUBGROUPS, frozen).limits == frozen


def test_stages_start_anew() -> None:
    old, new = [5.0, 5.1] * 4, [7.0, 7.1] * 4
    rules = rule_set("aiag", 1, 2)
    assert chart("i_mr", old + new, rules=rules).signals
    charts = staged_chart("i_mr", [Stage("old tool", old), Stage("new tool", new)], rules)
    assert list(charts) == ["old tool", "new tool"]
    assert all(c.in_control for c in charts.values())
    assert charts["new tool"].centre[0] == pytest.approx(7.05)
    kept = staged_chart("i_mr", [Stage("a", old), Stage("b", new, charts["old tool"].limits)], rules)
    assert not kept["b"].in_control
    for wrong in ([], [Stage("a", old), Stage("a", new)]):
        with pytest.raises(ChartError, match="a name of its own"):
            staged_chart("i_mr", wrong)


@pytest.mark.parametrize(
    ("kind", "data", "said"),
    [
        ("xbar_r", [[1.0], [2.0]], r"subgroup 1 has 1 values; 2 to 25"),
        ("xbar_s", [[1.0, 2.0], list(range(26))], r"subgroup 2 has 26 values"),
        ("xbar_r", [[1.0, 2.0], [1.0, 2.0, 3.0]], "unequal sizes go on an Xbar-S chart"),
        ("ewma", [[1.0, 2.0], [1.0, 2.0, 3.0]], "unequal sizes"),
        ("i_mr", [[1.0, 2.0], [3.0, 4.0]], "put them on an Xbar chart"),
        ("i_mr", [1.0, math.nan, 2.0], "subgroup 2: NaN"),
        ("i_mr", [1.0, math.inf, 2.0], "subgroup 2: NaN, infinity"),
        ("i_mr", [1.0, None], "NaN"),
        ("i_mr", [1.0, "x"], "subgroup 2: not numbers"),
        ("xbar_s", [[1.0, 2.0], []], "subgroup 2: has no values"),
        ("xbar_s", [[[1.0], [2.0]], [[1.0], [2.0]]], "more than one dimension"),
        ("i_mr", [1.0], "fewer than two subgroups"),
        ("i_mr", [], "fewer than two subgroups"),
        ("i_mr", [2.1, 2.1, 2.1], "constant data"),
        ("xbar_r", [[0.3, 0.1 + 0.2], [0.3, 0.3]], "constant data"),
        ("xbar_s", [[5.0, 5.0]] * 3, "constant data"),
        ("p", [1, 2], "takes Counts"),
        ("i_mr", Counts([1, 2]), "takes measured values"),
        ("p", Counts([3, 6], [5, 5]), r"counts\[1\] is 6: more nonconforming units than units"),
        ("np", Counts([3, 6], 5), r"counts\[1\] is 6"),
        ("p", Counts([3, 4], [5, 5.5]), r"sizes\[1\] is 5.5: units come in whole numbers"),
        ("u", Counts([3, -1], 5), r"counts\[1\] is -1: whole numbers"),
        ("c", Counts([3, 1.5]), r"counts\[1\] is 1.5"),
        ("c", Counts([3, 2], [1, 2]), r"sizes\[1\] is 2: unequal sizes go on a u chart"),
        ("u", Counts([3, 2], [1, 0]), r"sizes\[1\] is 0: numbers above 0"),
        ("u", Counts([3, 2, 1], [1, 2]), "3 counts, 2 sizes"),
        ("u", Counts([3, math.nan], 1), "counts: NaN"),
        ("p", Counts([0, 0], 50), "the mean is 0, which leaves no variation"),
        ("p", Counts([50, 50], 50), "the mean is 1, which leaves no variation"),
        ("c", Counts([0, 0]), "the mean is 0"),
        ("laney_p", Counts([5, 5, 5], 50), "constant data"),
        ("xbar", [[1.0, 2.0]] * 2, "chart 'xbar': not held; held are xbar_r"),
    ],
)
def test_data_that_make_no_chart(kind: ChartKind, data: Any, said: str) -> None:
    with pytest.raises(ChartError, match=said):
        chart(kind, data)


def test_a_count_may_be_all_units_inspected() -> None:
    assert chart("p", Counts([5, 2], 5)).points.tolist() == [1.0, 0.4]


@pytest.mark.parametrize(
    ("kind", "options", "said"),
    [
        ("i_mr", {"names": ["a", "a", *"bcdefg"]}, "8 different names"),
        ("i_mr", {"names": ["a"]}, "8 different names"),
        ("i_mr", {"design": EwmaDesign()}, "takes rules and no design"),
        ("ewma", {"rules": NELSON}, "leave the rules out"),
        ("ewma", {"design": CusumDesign()}, "design of another chart"),
        ("cusum", {"design": EwmaDesign()}, "design of another chart"),
    ],
)
def test_options_that_do_not_fit(kind: ChartKind, options: dict[str, Any], said: str) -> None:
    with pytest.raises(ChartError, match=said):
        chart(kind, SERIES, **options)
    with pytest.raises(ChartError, match="1 names for 8"):
        chart("i_mr", SERIES, estimate_limits("i_mr", SERIES), names=["a"])


@pytest.mark.parametrize("design", [
    lambda: EwmaDesign(0.0), lambda: EwmaDesign(1.1), lambda: EwmaDesign(0.2, 0.0),
    lambda: EwmaDesign(math.nan),
    lambda: CusumDesign(-0.1), lambda: CusumDesign(0.5, 0.0), lambda: CusumDesign(0.5, 4, 4.1),
    lambda: CusumDesign(0.5, 4, -0.1),
])  # fmt: skip
def test_designs_out_of_range(design: Callable[[], object]) -> None:
    with pytest.raises(ChartError, match=r"needs"):
        design()
    assert EwmaDesign(1.0).weight == 1
    assert CusumDesign(0.0, 4, 4).head_start == 4
