"""Run rules against a second, naive implementation that looks at each window in turn."""

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from quality.errors import ChartError
from quality.spc import AIAG, NELSON, WESTERN_ELECTRIC, RuleSet, Signal, evaluate, rule_set, rule_set_named

HALVES = st.lists(st.integers(-7, 7).map(lambda i: i / 2), max_size=40)
SMOOTH = st.lists(st.floats(-4, 4), max_size=40)
INSIDE = st.lists(st.sampled_from([-0.5, 0.5, 0.0, 1.0]), min_size=13, max_size=40)
OUTSIDE = st.lists(st.sampled_from([-1.5, 1.5, 1.1]), min_size=7, max_size=20)
ZIGZAG = st.lists(st.floats(0.1, 2), min_size=13, max_size=20).map(
    lambda v: [x * (-1) ** i for i, x in enumerate(v)]
)


def naive(rule: str, z: Sequence[float], i: int) -> bool:
    """Whether the rule is met at point i, straight from its wording."""

    def last(count: int) -> list[float]:
        return list(z[i - count + 1 : i + 1]) if i + 1 >= count else []

    def same_side(count: int) -> bool:
        w = last(count)
        return bool(w) and (all(x > 0 for x in w) or all(x < 0 for x in w))

    def some_beyond(hits: int, window: int, zone: float) -> bool:
        w = list(z[max(0, i - window + 1) : i + 1])
        return any(s * z[i] > zone and sum(s * x > zone for x in w) >= hits for s in (1, -1))

    def steps(count: int) -> list[float]:
        w = last(count)
        return [b - a for a, b in pairwise(w)]

    d6, d14 = steps(6), steps(14)
    return {
        "1": lambda: abs(z[i]) > 3,
        "2": lambda: same_side({"nelson": 9, "aiag": 7, "we": 8}[rule.rstrip("12345678")]),
        "3": lambda: bool(d6) and (all(d > 0 for d in d6) or all(d < 0 for d in d6)),
        "4": lambda: bool(d14) and all(a * b < 0 for a, b in pairwise(d14)),
        "5": lambda: some_beyond(2, 3, 2),
        "6": lambda: some_beyond(4, 5, 1),
        "7": lambda: bool(last(15)) and all(abs(x) <= 1 for x in last(15)),
        "8": lambda: bool(last(8)) and all(abs(x) > 1 for x in last(8)),
    }[{"we2": "5", "we3": "6", "we4": "2"}.get(rule, rule[-1])]()


@settings(max_examples=200, deadline=None)
@given(
    z=st.one_of(HALVES, SMOOTH, INSIDE, OUTSIDE, ZIGZAG),
    chosen=st.sampled_from([NELSON, AIAG, WESTERN_ELECTRIC]),
)
def test_signals_are_where_the_wording_says(z: list[float], chosen: RuleSet) -> None:
    signals = evaluate(chosen.rules, np.array(z, dtype=float))
    found = {(s.rule, s.point) for s in signals}
    assert found == {(r.name, i) for r in chosen.rules for i in range(len(z)) if naive(r.name, z, i)}
    assert len(found) == len(signals)
    assert [s.point for s in signals] == sorted(s.point for s in signals)
    for signal in signals:
        hits = next(r.hits for r in chosen.rules if r.name == signal.rule)
        assert len(signal.points) == hits
        assert signal.points[-1] == signal.point


def walk(rule: str, z: Sequence[float]) -> list[tuple[int, ...]]:
    return [s.points for s in evaluate(NELSON.rules, np.array(z)) if s.rule == rule]


def test_run_lengths_of_the_three_families() -> None:
    z = np.full(9, 0.5)
    for chosen, rule, first in ((NELSON, "nelson2", 8), (WESTERN_ELECTRIC, "we4", 7), (AIAG, "aiag2", 6)):
        assert next(s.point for s in evaluate(chosen.rules, z) if s.rule == rule) == first
    z[4] = 0.0  # a point on the centre line breaks the run
    assert not evaluate(AIAG.rules, z)


def test_points_involved() -> None:
    assert walk("nelson5", [2.5, 0.0, -2.1, 2.6, 2.2]) == [(3, 4)]
    assert walk("nelson5", [2.5, 0.0, 2.6]) == [(0, 2)]
    assert walk("nelson5", [2.5, 0.0, 0.0, 2.6]) == []
    assert walk("nelson6", [1.1, 1.2, 0.0, 1.3, 1.4]) == [(0, 1, 3, 4)]
    assert walk("nelson6", [1.1, 1.2, 0.0, 0.0, 1.3, 1.4]) == []
    assert walk("nelson3", [0, 0.1, 0.2, 0.3, 0.4, 0.5]) == [tuple(range(6))]
    assert walk("nelson3", [0, 0.1, 0.2, 0.3, 0.3, 0.5]) == []
    assert walk("nelson4", [0.1, -0.1] * 7) == [tuple(range(14))]
    assert walk("nelson7", [1.0, -1.0, 0.0] * 5) == [tuple(range(15))]
    assert walk("nelson8", [1.01, -1.01] * 4) == [tuple(range(8))]
    assert walk("nelson8", [1.0] * 8) == []
    assert walk("nelson1", [3.0, 3.0000001, -3.0, -3.1]) == [(1,), (3,)]


def test_a_signal_as_a_record() -> None:
    assert Signal("mean", "nelson5", 4, (2, 4)).record() == {
        "statistic": "mean", "rule": "nelson5", "point": 4, "points": [2, 4],
    }  # fmt: skip


def test_sets_by_name() -> None:
    assert NELSON.name == "nelson 1 2 3 4 5 6 7 8"
    assert WESTERN_ELECTRIC.name == "western_electric 1 2 3 4"
    assert rule_set("nelson", 5, 1, 5).numbers == (1, 5)
    assert rule_set_named("aiag 2 1") == rule_set("aiag", 1, 2)
    assert rule_set_named("aiag") == AIAG
    assert [r.hits for r in rule_set("aiag", 1, 2).rules] == [1, 7]


@pytest.mark.parametrize("name", ["", "shewhart", "nelson 9", "nelson 0", "nelson x", "western_electric 5"])
def test_what_is_not_held_is_refused(name: str) -> None:
    with pytest.raises(ChartError, match=r"not held|rules 1 to|give a family"):
        rule_set_named(name)
