"""ISO 2859-1:1999 single sampling: worked examples, structure of the tables, refusals.

The cell by cell comparison with independent transcriptions is `hallmark eligibility` on tests/oracles.
"""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from golden.plans import AQLS
from quality import SamplingError, code_letter, lot_plan, single_plan
from quality.sampling import LETTERS, InspectionSeverity

LEVELS = ("S-1", "S-2", "S-3", "S-4", "I", "II", "III")
SEVERITIES: tuple[InspectionSeverity, ...] = ("normal", "tightened", "reduced")

letters = st.sampled_from(LETTERS[:16])
aqls = st.sampled_from(AQLS)
severities = st.sampled_from(SEVERITIES)


@pytest.mark.parametrize(
    ("lot", "level", "aql", "severity", "expected"),
    [
        # letter, final letter, n, Ac: read from the printed tables
        (1000, "II", "1.0", "normal", ("J", "J", 80, 2)),
        (3000, "II", "2.5", "normal", ("K", "K", 125, 7)),
        (40_000, "III", "0.40", "normal", ("P", "P", 800, 7)),
        (1500, "II", "1.0", "reduced", ("K", "K", 50, 2)),  # ANSI/ASQ Z1.4 says 1 (Re 4): the edition matters
        (1000, "II", "0.010", "normal", ("J", "Q", 1000, 0)),  # arrow to 1250: 100 %
        (60, "II", "1.5", "normal", ("E", "D", 8, 0)),  # arrow up
        (200, "II", "0.65", "normal", ("G", "F", 20, 0)),
        (400, "II", "0.65", "normal", ("H", "J", 80, 1)),  # arrow down
        (600_000, "III", "0.025", "tightened", ("R", "S", 3150, 1)),
        (8, "II", "10", "tightened", ("A", "A", 2, 0)),
    ],
)
def test_worked_examples(
    lot: int, level: Any, aql: str, severity: Any, expected: tuple[str, str, int, int]
) -> None:
    plan = lot_plan(lot, level, aql, severity)
    assert (plan.code_letter, plan.final_code_letter, plan.n, plan.Ac) == expected
    assert plan.standard == "ISO 2859-1:1999"
    assert plan.level == level


@pytest.mark.parametrize(("lot", "hundred_percent", "n"), [(79, True, 79), (80, True, 80), (81, False, 80)])
def test_a_sample_as_large_as_the_lot_is_the_lot(lot: int, hundred_percent: bool, n: int) -> None:
    plan = lot_plan(lot, "II", "0.15")
    assert plan.n == n
    assert (plan.hundred_percent, plan.Ac, plan.Re) == (hundred_percent, 0, 1)


@given(letters, aqls, severities)
def test_an_arrow_moves_letter_size_and_numbers_together(
    letter: str, aql: str, severity: InspectionSeverity
) -> None:
    plan = single_plan(letter, aql, severity)
    assert plan.Re == plan.Ac + 1
    assert plan.arrow_followed == (plan.final_code_letter != letter)
    if plan.final_code_letter != "S":
        own = single_plan(plan.final_code_letter, aql, severity)
        assert not own.arrow_followed
        assert (own.n, own.Ac, own.Re) == (plan.n, plan.Ac, plan.Re)


@given(letters, severities)
def test_ac_never_falls_as_the_aql_rises(letter: str, severity: InspectionSeverity) -> None:
    assert all(
        a.Ac <= b.Ac or b.n < a.n for a, b in pairwise(single_plan(letter, aql, severity) for aql in AQLS)
    )


@given(aqls, severities)
def test_no_larger_letter_has_a_smaller_sample(aql: str, severity: InspectionSeverity) -> None:
    sizes = [single_plan(letter, aql, severity).n for letter in LETTERS[:16]]
    numbers = [single_plan(letter, aql, severity).Ac for letter in LETTERS[:16]]
    assert numbers == sorted(numbers)
    assert all(a <= b or x < y for (a, b), (x, y) in zip(pairwise(sizes), pairwise(numbers), strict=True))


@given(letters, aqls)
def test_tightened_is_never_more_lenient_and_reduced_never_larger(letter: str, aql: str) -> None:
    normal, tightened, reduced = (single_plan(letter, aql, s) for s in SEVERITIES)
    assert tightened.Ac / tightened.n <= normal.Ac / normal.n + 1e-12 or tightened.n > normal.n
    assert reduced.n <= normal.n


@given(st.integers(2, 1_000_000), st.integers(0, 1_000_000), st.sampled_from(LEVELS))
def test_a_larger_lot_never_gets_an_earlier_letter(lot: int, more: int, level: Any) -> None:
    assert LETTERS.index(code_letter(lot, level)) <= LETTERS.index(code_letter(lot + more, level))


@given(st.integers(2, 1_000_000))
def test_a_higher_level_never_gets_an_earlier_letter(lot: int) -> None:
    found = [LETTERS.index(code_letter(lot, level)) for level in LEVELS]
    assert found[:4] == sorted(found[:4])
    assert found[4:] == sorted(found[4:])
    assert found[3] <= found[4]


@pytest.mark.parametrize(
    ("edge", "before", "after"),
    [(8, "A", "B"), (15, "B", "C"), (280, "G", "H"), (500, "H", "J"), (1200, "J", "K"), (10_000, "L", "M"),
     (35_000, "M", "N"), (150_000, "N", "P"), (500_000, "P", "Q")],
)  # fmt: skip
def test_lot_ranges_are_inclusive(edge: int, before: str, after: str) -> None:
    assert code_letter(edge, "II") == before
    assert code_letter(edge + 1, "II") == after


@pytest.mark.parametrize(
    ("call", "sentence"),
    [
        (lambda: code_letter(1, "II"), "inspect the single item"),
        (lambda: code_letter(0, "II"), "has no units"),
        (lambda: code_letter(-5, "II"), "has no units"),
        (lambda: code_letter(100, "IV"), "S-1, S-2, S-3, S-4, I, II, III"),
        (lambda: single_plan("K", "2"), "neighbours are 1.5 and 2.5"),
        (lambda: single_plan("K", "0.001"), "neighbours are 0.010"),
        (lambda: single_plan("K", "5000"), "neighbours are 1000"),
        (lambda: single_plan("K", "1"), "printed as '1.0'"),
        (lambda: single_plan("K", "one"), "not a number"),
        (lambda: single_plan("K", "nan"), "not above 0"),
        (lambda: single_plan("K", "0"), "not above 0"),
        (lambda: single_plan("I", "1.0"), "code letter 'I'"),
        (lambda: single_plan("S", "0.025", "tightened"), "code letter 'S'"),
        (lambda: single_plan("", "1.0"), "code letter ''"),
        (lambda: single_plan("K", "1.0", "strict"), "normal, tightened, reduced"),
        (lambda: single_plan("K", "1.0", standard="ANSI/ASQ Z1.4"), "is not held"),
        (lambda: single_plan("K", "1.0", standard="ISO 2859-1:2026"), "is not held"),
    ],
)
def test_refusals_say_what_to_do(call: Any, sentence: str) -> None:
    with pytest.raises(SamplingError, match=sentence):
        call()
