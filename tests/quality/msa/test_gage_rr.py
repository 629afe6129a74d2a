"""Gage R&R against exact hand computation, AIAG's published example and simulation."""

from __future__ import annotations

import json
import math
from fractions import Fraction
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from quality.errors import StudyError
from quality.msa import (
    CrossedStudy,
    MeanSquare,
    Reading,
    crossed_gage_rr,
    crossed_study,
    nested_gage_rr,
    nested_study,
)
from quality.msa.components import component, modified_large_sample

ORACLE = json.loads((Path(__file__).parents[2] / "oracles/d1_gage_rr.json").read_text())
AIAG = ORACLE["cases"][0]["input"]["data"]


def aiag(factor: str = "operator") -> CrossedStudy:
    return crossed_study(
        [Reading(c["part"], c["operator"], v) for c in AIAG for v in c["trials"]], factor=factor
    )


def study(values: dict[tuple[str, str], list[float]], factor: str = "station") -> CrossedStudy:
    return crossed_study([Reading(p, s, v) for (p, s), row in values.items() for v in row], factor=factor)


HAND = {("1", "A"): [1.0, 3.0], ("1", "B"): [5.0, 7.0], ("2", "A"): [9.0, 11.0], ("2", "B"): [15.0, 21.0]}


def test_an_analysis_of_variance_by_hand() -> None:
    """Cells 2, 6, 10, 18, mean 9; parts 4 and 14, stations 6 and 12.

    SS part = 4 * 2 * 25 = 200, station 4 * 2 * 9 = 72, interaction = 2 * (4 * 1) = 8, error = 2 + 2 + 2 + 18.
    """
    found = crossed_gage_rr(study(HAND), pool_above=1.0, tolerance=60.0)
    assert [(m.source, m.degrees_of_freedom) for m in found.anova] == [
        ("part", 1), ("station", 1), ("interaction", 1), ("repeatability", 4),
    ]  # fmt: skip
    assert [m.sum_of_squares for m in found.anova] == pytest.approx([200, 72, 8, 24])
    assert found.interaction_f == pytest.approx(8 / 6)
    assert found.interaction_p == pytest.approx(stats.f.sf(8 / 6, 1, 4))
    assert not found.pooled
    assert found.repeatability.variance == pytest.approx(6)
    assert found.by_factor.variance == pytest.approx((72 - 8) / 4)
    assert found.interaction is not None
    assert found.interaction.variance == pytest.approx((8 - 6) / 2)
    assert found.reproducibility.variance == pytest.approx(17)
    assert found.gage_rr.variance == pytest.approx(23)
    assert found.part.variance == pytest.approx((200 - 8) / 4)
    assert found.total.variance == pytest.approx(71)
    assert found.percent_contribution(found.gage_rr) == pytest.approx(100 * 23 / 71)
    assert found.percent_of_study(found.gage_rr) == pytest.approx(100 * math.sqrt(23 / 71))
    assert found.percent_of_tolerance(found.gage_rr) == pytest.approx(10 * math.sqrt(23))
    assert found.ndc_raw == pytest.approx(1.41 * math.sqrt(48 / 23))
    assert found.ndc == 2  # 2.04
    assert found.set_to_zero == ()
    assert (found.factor, found.by_factor.name) == ("station", "station")


def test_pooling_puts_the_interaction_into_the_repeatability() -> None:
    found = crossed_gage_rr(study(HAND))
    assert found.pooled
    assert found.interaction is None
    assert found.repeatability.variance == pytest.approx(32 / 5)
    assert found.by_factor.variance == pytest.approx((72 - 6.4) / 4)
    assert found.part.variance == pytest.approx((200 - 6.4) / 4)
    assert found.reproducibility.variance == found.by_factor.variance
    low, high = found.repeatability.interval
    assert (low, high) == pytest.approx((32 / stats.chi2.ppf(0.975, 5), 32 / stats.chi2.ppf(0.025, 5)))


def test_the_interaction_is_pooled_above_the_p_value_only() -> None:
    p = crossed_gage_rr(study(HAND)).interaction_p
    assert p is not None
    assert crossed_gage_rr(study(HAND), pool_above=p).pooled is False
    assert crossed_gage_rr(study(HAND), pool_above=math.nextafter(p, 0)).pooled is True


def test_the_default_is_aiag() -> None:
    """Oracle grr-anova-sixsigma-time2 has p = 0.218: kept by AIAG's 0.25, pooled by 0.05."""
    data = next(c for c in ORACLE["cases"] if c["id"] == "grr-anova-sixsigma-time2")["input"]["data"]
    given_study = crossed_study(
        [Reading(c["part"], c["operator"], v) for c in data for v in c["trials"]], factor="operator"
    )
    assert crossed_gage_rr(given_study).pooled is False
    assert crossed_gage_rr(given_study, pool_above=0.05).pooled is True
    assert crossed_gage_rr(given_study).set_to_zero == ("operator",)
    assert crossed_gage_rr(given_study).by_factor.raw < 0
    assert crossed_gage_rr(given_study).by_factor.variance == 0
    assert crossed_gage_rr(given_study).by_factor.interval[0] == 0


def test_published_aiag_example() -> None:
    """AIAG MSA 4th ed., table III-B 7: EV 0.199933, AV 0.226838, GRR 0.302373, PV 1.042327, ndc 4."""
    found = crossed_gage_rr(aiag(), tolerance=8)
    sds = [
        c.standard_deviation for c in (found.repeatability, found.reproducibility, found.gage_rr, found.part)
    ]
    assert sds == pytest.approx([0.199933, 0.226838, 0.302373, 1.042327], abs=2e-6)
    assert (found.pooled, found.ndc) == (True, 4)
    assert found.percent_of_study(found.gage_rr) == pytest.approx(27.86, abs=0.005)


cells = st.lists(st.integers(-50, 50), min_size=2, max_size=2)


@settings(max_examples=30, deadline=None)
@given(st.lists(st.lists(cells, min_size=3, max_size=3), min_size=2, max_size=4))
def test_sums_of_squares_are_exact(rows: list[list[list[int]]]) -> None:
    """By the textbook's correction-term formulas in fractions, another way than the product's."""
    if all(len(set(cell)) == 1 for row in rows for cell in row):
        return
    p, o, r = len(rows), 3, 2
    x = {(i, j, k): Fraction(rows[i][j][k]) for i, j, k in product(range(p), range(o), range(r))}
    correction = sum(x.values()) ** 2 / (p * o * r)

    def raw(*axes: int) -> Fraction:
        sums: dict[tuple[int, ...], Fraction] = {}
        for at, value in x.items():
            key = tuple(at[a] for a in axes)
            sums[key] = sums.get(key, Fraction(0)) + value
        return sum((s**2 for s in sums.values()), Fraction(0)) * len(sums) / (p * o * r)

    parts, levels, both = raw(0) - correction, raw(1) - correction, raw(0, 1) - correction
    expected = [parts, levels, both - parts - levels, raw(0, 1, 2) - correction - both]
    readings = {(f"p{i}", f"s{j}"): [float(v) for v in rows[i][j]] for i, j in product(range(p), range(o))}
    found = crossed_gage_rr(study(readings))
    assert [m.sum_of_squares for m in found.anova] == pytest.approx([float(e) for e in expected], abs=1e-8)
    nested = nested_gage_rr(
        nested_study(
            [Reading(f"{a}-{b}", b, v) for (a, b), row in readings.items() for v in row], factor="station"
        )
    )
    expected = [levels, both - levels, raw(0, 1, 2) - correction - both]
    assert [m.sum_of_squares for m in nested.anova] == pytest.approx([float(e) for e in expected], abs=1e-8)
    assert [m.degrees_of_freedom for m in nested.anova] == [o - 1, o * (p - 1), o * p * (r - 1)]


def test_nested_by_hand() -> None:
    """The same numbers, each station with two parts of its own: SS station 72, parts 208, error 24."""
    readings = [Reading(p + s, s, v) for (p, s), row in HAND.items() for v in row]
    found = nested_gage_rr(nested_study(readings, factor="station"), tolerance=60.0)
    assert [m.sum_of_squares for m in found.anova] == pytest.approx([72, 208, 24])
    assert found.repeatability.variance == pytest.approx(6)
    assert found.part.variance == pytest.approx((104 - 6) / 2)
    assert found.by_factor.raw == pytest.approx((72 - 104) / 4)
    assert found.set_to_zero == ("station",)
    assert found.reproducibility.variance == 0
    assert found.gage_rr.variance == pytest.approx(6)
    assert (found.interaction_f, found.interaction_p, found.pooled, found.interaction) == (
        None,
        None,
        False,
        None,
    )


def test_a_shift_of_all_readings_changes_nothing() -> None:
    far = {key: [v + 2.0**30 for v in row] for key, row in HAND.items()}
    assert crossed_gage_rr(study(far)).gage_rr.variance == pytest.approx(
        crossed_gage_rr(study(HAND)).gage_rr.variance, rel=1e-6
    )


def test_fewer_categories_than_one_are_none() -> None:
    flat = {("1", "A"): [0.0, 4.0], ("1", "B"): [1.0, 3.0], ("2", "A"): [1.0, 3.0], ("2", "B"): [0.0, 4.0]}
    found = crossed_gage_rr(study(flat))
    assert (found.ndc, found.part.variance) == (0, 0.0)
    assert found.set_to_zero == ("station", "part")
    assert found.percent_of_study(found.gage_rr) == 100.0


# Confidence intervals


def test_one_mean_square_has_the_chi_square_interval() -> None:
    line = MeanSquare("error", 24.0, 4)
    low, high = modified_large_sample({line: 0.5}, 0.9)
    assert low == pytest.approx(12 / stats.chi2.ppf(0.95, 4))
    assert high == pytest.approx(12 / stats.chi2.ppf(0.05, 4))


def coverage(weights: list[float], expected: list[float], degrees: list[int], runs: int = 1500) -> float:
    """Return how often the 95 % interval of a weighted sum of mean squares holds the truth."""
    rng = np.random.default_rng(20261123)
    truth = sum(w * e for w, e in zip(weights, expected, strict=True))
    held = 0
    for _ in range(runs):
        lines = {
            MeanSquare(str(i), e * rng.chisquare(n), n): w
            for i, (w, e, n) in enumerate(zip(weights, expected, degrees, strict=True))
        }
        low, high = modified_large_sample(lines, 0.95)
        held += low <= truth <= high
    return held / runs


@pytest.mark.parametrize(
    ("weights", "expected", "degrees"),
    [
        ([1.0], [2.0], [7]),
        ([1 / 30, -1 / 30], [5.0, 1.0], [2, 18]),  # operator
        ([1 / 9, -1 / 9], [10.0, 1.0], [9, 18]),  # part
        ([1 / 9, -1 / 9], [1.0, 1.0], [9, 18]),  # part that does not vary
        ([1 / 30, -1 / 30 + 1 / 3, 1 - 1 / 3], [5.0, 2.0, 1.0], [2, 18, 60]),  # gage R&R
        ([1 / 9, 1 / 30, 1 / 3 - 1 / 30 - 1 / 9, 2 / 3], [60.0, 5.0, 2.0, 1.0], [9, 2, 18, 60]),  # total
    ],
)
def test_intervals_hold_the_truth_about_as_often_as_they_say(
    weights: list[float], expected: list[float], degrees: list[int]
) -> None:
    assert 0.935 <= coverage(weights, expected, degrees) <= 0.99


def test_intervals_hold_the_estimate_and_widen_with_coverage() -> None:
    narrow, wide = crossed_gage_rr(aiag(), coverage=0.5), crossed_gage_rr(aiag(), coverage=0.99)
    for name in ("repeatability", "by_factor", "reproducibility", "gage_rr", "part", "total"):
        a, b = getattr(narrow, name), getattr(wide, name)
        assert b.interval[0] < a.interval[0] < a.variance < a.interval[1] < b.interval[1]


def test_a_negative_estimate_is_zero_and_says_so() -> None:
    less = component("x", {MeanSquare("a", 1.0, 2): 1.0, MeanSquare("b", 9.0, 3): -1.0}, 0.95)
    assert (less.raw, less.variance, less.standard_deviation, less.set_to_zero) == (-2.5, 0.0, 0.0, True)
    none = component("x", {MeanSquare("a", 2.0, 2): 1.0, MeanSquare("b", 3.0, 3): -1.0}, 0.95)
    assert (none.raw, none.set_to_zero) == (0.0, False)


# Refusals


def changed(key: tuple[str, str], row: list[float] | None) -> dict[tuple[str, str], list[float]]:
    values: dict[tuple[str, str], list[float] | None] = {**HAND, key: row}
    return {k: v for k, v in values.items() if v is not None}


@pytest.mark.parametrize(
    ("values", "what"),
    [
        ({}, "0 parts"),
        ({("1", "A"): [1.0, 2.0], ("1", "B"): [1.0, 2.0]}, "1 parts"),
        ({("1", "A"): [1.0, 2.0], ("2", "A"): [1.0, 2.0]}, "1 levels of station"),
        (changed(("2", "B"), None), "station 'B' did not measure part '2'"),
        (changed(("2", "B"), [1.0]), "part '2', station 'B': 1 trials, others 2"),
        (changed(("2", "B"), [1.0, 2.0, 3.0]), "3 trials, others 2"),
        (changed(("2", "B"), [1.0, math.nan]), "part '2', 'B': value nan"),
        (changed(("2", "B"), [1.0, math.inf]), "value inf"),
        ({key: row[:1] for key, row in HAND.items()}, "1 trials of each part"),
        ({key: [row[0]] * 2 for key, row in HAND.items()}, "too coarse"),
    ],
)
def test_what_is_no_crossed_study(values: dict[tuple[str, str], list[float]], what: str) -> None:
    with pytest.raises(StudyError, match=what):
        study(values)


@pytest.mark.parametrize(
    ("readings", "what"),
    [
        ([("a", "A", 1.0), ("a", "A", 2.0), ("b", "A", 1.0), ("b", "A", 3.0)], "1 levels"),
        ([("a", "A", 1.0), ("a", "A", 2.0), ("a", "B", 1.0), ("a", "B", 2.0)], "crossed study"),
        ([("a", "A", 1.0), ("a", "A", 2.0), ("b", "B", 1.0), ("b", "B", 2.0)], "1 parts of each station"),
        (
            [(p, s, v) for p, s in (("a", "A"), ("b", "A"), ("c", "B")) for v in (1.0, 2.0)],
            "'B' measured 1 parts, 'A' 2",
        ),
        ([], "0 levels"),
    ],
)
def test_what_is_no_nested_study(readings: list[tuple[str, str, float]], what: str) -> None:
    with pytest.raises(StudyError, match=what):
        nested_study([Reading(*r) for r in readings], factor="station")


@pytest.mark.parametrize("factor", ["", "part", "interaction", "repeatability", "total"])
def test_a_factor_has_a_name_of_its_own(factor: str) -> None:
    with pytest.raises(StudyError, match="name who or what measures"):
        study(HAND, factor=factor)
    with pytest.raises(StudyError, match="name who or what measures"):
        nested_study([Reading("a", "A", 1.0)], factor=factor)


@pytest.mark.parametrize(
    ("arguments", "what"),
    [
        ({"pool_above": -0.01}, "pool_above"), ({"pool_above": 1.01}, "pool_above"),
        ({"pool_above": math.nan}, "pool"), ({"tolerance": 0.0}, "tolerance 0"),
        ({"tolerance": -1.0}, "tolerance"), ({"tolerance": math.nan}, "tolerance"),
        ({"sigmas": 0.0}, "sigmas"), ({"coverage": 1.0}, "coverage 1"), ({"coverage": 0.0}, "coverage 0"),
    ],
)  # fmt: skip
def test_arguments_outside_their_range(arguments: dict[str, Any], what: str) -> None:
    with pytest.raises(StudyError, match=what):
        crossed_gage_rr(study(HAND), **arguments)


def test_percent_of_tolerance_needs_one() -> None:
    found = crossed_gage_rr(study(HAND))
    with pytest.raises(StudyError, match="needs a tolerance"):
        found.percent_of_tolerance(found.gage_rr)


def test_an_automatic_station_has_its_own_factor() -> None:
    assert crossed_gage_rr(aiag("re-fixturing")).factor == "re-fixturing"
    assert crossed_gage_rr(aiag("re-fixturing")).anova[1].source == "re-fixturing"
