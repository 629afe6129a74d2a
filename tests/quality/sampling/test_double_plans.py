"""Double plans of ANSI/ASQ Z1.4, and the judgement of a lot by either kind of plan."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import poisson

from golden.plans import AQLS, OqcPlan
from quality.errors import SamplingError
from quality.sampling import (
    LETTERS,
    DoublePlan,
    InspectionSeverity,
    SamplingPlan,
    double_lot_plan,
    double_plan,
    judge,
    lot_plan,
    severity_named,
    single_plan,
)
from tests.quality.sampling.builders import ISO, PER_100, SEVERITIES, Z14, aqls, cases, letters, severities

# One published cell of each pair of numbers, and where its arrow ends: n1 = n2, then Ac1 Re1 Ac2 Re2.
PRINTED = """
normal B 1000 B 2 25 31 56 57
normal B 150 B 2 5 9 12 13
normal B 250 B 2 7 11 18 19
normal B 40 B 2 1 4 4 5
normal B 400 B 2 11 16 26 27
normal C 10 C 3 0 2 1 2
normal D 10 D 5 0 3 3 4
normal D 25 D 5 2 5 6 7
normal D 250 D 5 17 22 37 38
normal D 40 D 5 3 7 8 9
reduced C 6.5 D 2 0 2 0 2
reduced D 100 D 2 3 8 8 12
reduced D 15 D 2 0 4 1 5
reduced D 150 D 2 5 10 12 16
reduced D 25 D 2 0 4 3 6
reduced D 40 D 2 1 5 4 7
reduced D 65 D 2 2 7 6 9
reduced E 400 D 2 11 17 26 30
reduced E 6.5 E 3 0 3 0 4
reduced F 150 E 3 7 12 18 22
reduced R 0.025 R 500 0 2 0 2
tightened B 100 B 2 2 5 6 7
tightened B 150 B 2 3 7 11 12
tightened B 40 B 2 0 3 3 4
tightened B 400 B 2 9 14 23 24
tightened B 650 B 2 15 20 34 35
tightened C 15 C 3 0 2 1 2
tightened C 150 C 3 6 10 15 16
tightened C 40 C 3 1 4 4 5
tightened C 650 C 3 23 29 52 53
tightened Q 0.025 S 2000 0 2 1 2
"""


@pytest.mark.parametrize("row", PRINTED.strip().split("\n"))
def test_printed_double_plans(row: str) -> None:
    severity, letter, aql, final, *numbers = row.split()
    plan = double_plan(letter, aql, severity_named(severity), counting=PER_100)
    assert isinstance(plan, DoublePlan)
    assert plan.final_code_letter == final
    assert plan.n2 == plan.n1
    assert [plan.n1, plan.Ac1, plan.Re1, plan.Ac2, plan.Re2] == [int(number) for number in numbers]
    assert (plan.standard, plan.severity, plan.aql, plan.code_letter) == (Z14, severity, aql, letter)
    assert (plan.counting, plan.level, plan.lot_size) == (PER_100, None, None)
    assert plan.arrow_followed == (final != letter)


def test_published_cells() -> None:
    for case in cases("a4"):
        cell, expected = case["input"], case["expected"]
        plan = double_plan(cell["code_letter"], cell["aql"], cell["severity"], counting=PER_100)
        assert {key: getattr(plan, key) for key in expected} == expected, case["id"]


@given(letters, aqls, severities)
def test_a_double_plan_stands_where_its_single_plan_does(
    letter: str, aql: str, severity: InspectionSeverity
) -> None:
    single = single_plan(letter, aql, severity, Z14, PER_100)
    plan = double_plan(letter, aql, severity, counting=PER_100)
    assert plan.final_code_letter == single.final_code_letter
    if isinstance(plan, SamplingPlan):
        assert plan == single
        assert single.Re == 1 or single.final_code_letter in ("ABC" if severity == "reduced" else "A")
    else:
        assert plan.Ac1 < plan.Re1 - 1
        assert plan.Ac1 <= plan.Ac2 < plan.Re2
        assert plan.Re1 <= plan.Re2 or severity == "reduced"
        assert (plan.Re2 == plan.Ac2 + 1) == (severity != "reduced")
        assert plan.n1 < single.n < plan.n1 + plan.n2 or severity == "reduced"


@pytest.mark.parametrize("severity", SEVERITIES)
def test_a_double_plan_accepts_about_as_its_single_plan(severity: InspectionSeverity) -> None:
    for letter in LETTERS[5:16]:  # from n 20 on; below it the tables are coarse
        for aql in AQLS:
            single = single_plan(letter, aql, severity, Z14, PER_100)
            plan = double_plan(letter, aql, severity, counting=PER_100)
            if isinstance(plan, SamplingPlan) or single.n < 13:
                continue
            for mean in (0.5, 1.0, 1.5):
                quality = (single.Re - 0.5) / single.n * mean
                at_once = float(poisson.cdf(single.Re - 1, single.n * quality))
                assert abs(_accepts(plan, quality) - at_once) < 0.15, (letter, aql)


def _accepts(plan: DoublePlan, quality: float) -> float:
    first = sum(
        float(poisson.pmf(found, plan.n1 * quality) * poisson.cdf(plan.Re2 - 1 - found, plan.n2 * quality))
        for found in range(plan.Ac1 + 1, plan.Re1)
    )
    return first + float(poisson.cdf(plan.Ac1, plan.n1 * quality))


@pytest.mark.parametrize(
    ("letter", "aql", "severity"),
    [("K", "0.10", "normal"), ("A", "65", "tightened"), ("C", "25", "reduced"), ("B", "40", "reduced")],
)
def test_where_the_table_says_single_the_single_plan_is_taken(
    letter: str, aql: str, severity: InspectionSeverity
) -> None:
    plan = double_plan(letter, aql, severity, counting=PER_100)
    assert plan == single_plan(letter, aql, severity, Z14, PER_100)


def test_iso_double_plans_are_not_held() -> None:
    with pytest.raises(SamplingError, match=r"double plans of 'ISO 2859-1:1999' are not held.*single plans"):
        double_plan("K", "1.0", standard=ISO)
    with pytest.raises(ValueError, match=r"double plans are held of ANSI/ASQ Z1.4-2003 \(R2018\) only"):
        OqcPlan(sampling="double")
    assert OqcPlan(sampling="double", standard=Z14).sampling == "double"
    assert OqcPlan().sampling == "single"


def test_the_counting_basis_limits_double_plans_too() -> None:
    with pytest.raises(SamplingError, match="above 10"):
        double_plan("K", "15")


@pytest.mark.parametrize(("lot", "n2"), [(4, 1), (5, 2), (6, 3), (7, 3)])
def test_the_second_sample_is_at_most_what_the_first_leaves(lot: int, n2: int) -> None:
    plan = double_lot_plan(lot, "III", "10")
    assert isinstance(plan, DoublePlan)
    assert (plan.code_letter, plan.final_code_letter) == ("B", "C")
    assert (plan.n1, plan.n2, plan.lot_size, plan.level) == (3, n2, lot, "III")
    assert plan.counting == "nonconforming_units"


@pytest.mark.parametrize("lot", [2, 3])
def test_a_lot_that_the_first_sample_uses_up_is_inspected_whole(lot: int) -> None:
    plan = double_lot_plan(lot, "III", "10", "normal", Z14, PER_100)
    assert plan == lot_plan(lot, "III", "10", "normal", Z14, PER_100)
    assert isinstance(plan, SamplingPlan)
    assert (plan.n, plan.Ac, plan.hundred_percent, plan.level) == (lot, 1, True, "III")


def test_a_lot_whose_table_says_single_has_its_own_size() -> None:
    plan = double_lot_plan(100, "II", "0.10")
    assert isinstance(plan, SamplingPlan)
    assert (plan.n, plan.Ac, plan.hundred_percent, plan.lot_size) == (100, 0, True, 100)


SINGLE = single_plan("K", "1.0", "reduced", Z14)  # 50, 1/4
DOUBLE = double_plan("K", "1.0", "reduced")  # 32 and 32, 0/4 1/5


@pytest.mark.parametrize(
    ("found", "judgement"),
    [(0, "accept"), (1, "accept"), (2, "accept_and_return_to_normal"), (3, "accept_and_return_to_normal"),
     (4, "reject"), (50, "reject")],
)  # fmt: skip
def test_between_ac_and_re_the_lot_is_accepted_and_inspection_returns_to_normal(
    found: int, judgement: str
) -> None:
    assert judge(SINGLE, found) == judgement


@pytest.mark.parametrize(
    ("first", "second", "judgement"),
    [(0, None, "accept"), (1, None, "take_second_sample"), (3, None, "take_second_sample"),
     (4, None, "reject"), (1, 0, "accept"), (1, 1, "accept_and_return_to_normal"),
     (3, 1, "accept_and_return_to_normal"), (3, 2, "reject"), (1, 4, "reject"), (1, 32, "reject")],
)  # fmt: skip
def test_the_second_sample_counts_with_the_first(first: int, second: int | None, judgement: str) -> None:
    assert judge(DOUBLE, first, second) == judgement


@pytest.mark.parametrize(
    ("plan", "first", "second", "sentence"),
    [
        (SINGLE, -1, None, "a count of -1 findings is below 0"),
        (SINGLE, 51, None, "51 nonconforming units in a sample of 50"),
        (SINGLE, 2, 0, "a single plan has no second sample"),
        (DOUBLE, 33, None, "33 nonconforming units in a sample of 32"),
        (DOUBLE, 1, 33, "33 nonconforming units in a sample of 32"),
        (DOUBLE, 1, -1, "below 0"),
        (DOUBLE, 0, 0, r"0 in the first sample decides \(Ac1 0, Re1 4\)"),
        (DOUBLE, 4, 0, "4 in the first sample decides"),
    ],
)
def test_counts_that_do_not_fit_the_plan_are_refused(
    plan: SamplingPlan | DoublePlan, first: int, second: int | None, sentence: str
) -> None:
    with pytest.raises(SamplingError, match=sentence):
        judge(plan, first, second)


@given(st.integers(0, 1000))
def test_nonconformities_may_be_more_than_the_units(found: int) -> None:
    plan = single_plan("K", "1.0", counting=PER_100)
    assert judge(plan, found) == ("accept" if found <= 3 else "reject")
