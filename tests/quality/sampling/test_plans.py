"""Single plans of both editions: printed rows, worked examples, structure, refusals.

The rows below are those of printed tables, arrows followed: letter and Ac by AQL from 0.010 to 1000, and
Ac/Re where Re is not Ac + 1. The oracles hold half of all cells from independent transcriptions.
"""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import poisson

from golden.plans import AQLS, CountingBasis, SamplingStandard
from quality import SamplingError, code_letter, lot_plan, single_plan
from quality.sampling import EDITIONS, LETTERS, STANDARD, InspectionSeverity, edition_named, severity_named
from tests.quality.sampling.builders import (
    ISO,
    LEVELS,
    PER_100,
    SEVERITIES,
    Z14,
    aqls,
    cases,
    editions,
    letters,
    severities,
)

_SIZES = (2, 3, 5, 8, 13, 20, 32, 50, 80, 125, 200, 315, 500, 800, 1250, 2000, 3150)
SIZES = dict(zip(LETTERS, _SIZES, strict=True))
REDUCED = dict(zip("ABCDEFGHJKLMNPQR", (2, 2, *_SIZES[:14]), strict=True))

# Table 1, as printed: the last size of each range of lots, then the letters of S-1 to S-4, I, II, III.
TABLE_1 = """
8 AAAAAAB|15 AAAAABC|25 AABBBCD|50 ABBCCDE|90 BBCCCEF|150 BBCDDFG|280 BCDEEGH|500 BCDEFHJ|1200 CCEFGJK
3200 CDEGHKL|10000 CDFGJLM|35000 CDFHKMN|150000 DEGJLNP|500000 DEGJMPQ|9999999 DEHKNQR
"""

ROWS = """
ISO normal A Q0 P0 N0 M0 L0 K0 J0 H0 G0 F0 E0 D0 C0
    B0 A0 C1 B1 A1 A2 A3 A5 A7 A10 A14 A21 A30
ISO normal C Q0 P0 N0 M0 L0 K0 J0 H0 G0 F0 E0 D0 C0
    B0 D1 C1 C2 C3 C5 C7 C10 C14 C21 C30 C44 B44
ISO normal E Q0 P0 N0 M0 L0 K0 J0 H0 G0 F0 E0 D0 F1
    E1 E2 E3 E5 E7 E10 E14 E21 E30 E44 D44 C44 B44
ISO normal F Q0 P0 N0 M0 L0 K0 J0 H0 G0 F0 E0 G1 F1
    F2 F3 F5 F7 F10 F14 F21 E21 E30 E44 D44 C44 B44
ISO normal K Q0 P0 N0 M0 L0 K0 J0 L1 K1 K2 K3 K5 K7
    K10 K14 K21 J21 H21 G21 F21 E21 E30 E44 D44 C44 B44
ISO normal R Q0 P0 R1 R2 R3 R5 R7 R10 R14 R21 Q21 P21 N21
    M21 L21 K21 J21 H21 G21 F21 E21 E30 E44 D44 C44 B44
ISO tightened A R0 Q0 P0 N0 M0 L0 K0 J0 H0 G0 F0 E0 D0
    C0 B0 A0 C1 B1 A1 A2 A3 A5 A8 A12 A18 A27
ISO tightened B R0 Q0 P0 N0 M0 L0 K0 J0 H0 G0 F0 E0 D0
    C0 B0 D1 C1 B1 B2 B3 B5 B8 B12 B18 B27 B41
ISO tightened F R0 Q0 P0 N0 M0 L0 K0 J0 H0 G0 F0 H1 G1
    F1 F2 F3 F5 F8 F12 F18 E18 E27 E41 D41 C41 B41
ISO tightened Q R0 Q0 S1 R1 Q1 Q2 Q3 Q5 Q8 Q12 Q18 P18 N18
    M18 L18 K18 J18 H18 G18 F18 E18 E27 E41 D41 C41 B41
ISO tightened R R0 Q0 S1 R1 R2 R3 R5 R8 R12 R18 Q18 P18 N18
    M18 L18 K18 J18 H18 G18 F18 E18 E27 E41 D41 C41 B41
ISO reduced A Q0 P0 N0 M0 L0 K0 J0 H0 G0 F0 E0 D0 C0
    B0 A0 D1 C1 A1 A2 A3 A5 A7 A10 A14 A21 A30
ISO reduced B Q0 P0 N0 M0 L0 K0 J0 H0 G0 F0 E0 D0 C0
    B0 A0 D1 C1 B1 B2 B3 B5 B7 B10 B14 B21 B30
ISO reduced C Q0 P0 N0 M0 L0 K0 J0 H0 G0 F0 E0 D0 C0
    B0 E1 D1 C1 C2 C3 C5 C6 C8 C10 C14 C21 B30
ISO reduced K Q0 P0 N0 M0 L0 K0 J0 M1 L1 K1 K2 K3 K5
    K6 K8 K10 J10 H10 G10 F10 E10 E14 E21 D21 C21 B30
ISO reduced R Q0 P0 N0 R1 R2 R3 R5 R6 R8 R10 Q10 P10 N10
    M10 L10 K10 J10 H10 G10 F10 E10 E14 E21 D21 C21 B30
Z14 tightened A R0 Q0 P0 N0 M0 L0 K0 J0 H0 G0 F0 E0 D0
    C0 B0 D1 C1 B1 A1 A2 A3 A5 A8 A12 A18 A27
Z14 reduced A Q0 P0 N0 M0 L0 K0 J0 H0 G0 F0 E0 D0 C0
    B0 A0 C0/2 B0/2 A1 A2 A3 A5 A7 A10 A14 A21 A30
Z14 reduced B Q0 P0 N0 M0 L0 K0 J0 H0 G0 F0 E0 D0 C0
    B0 A0 C0/2 B0/2 B1/3 B2/4 B3/5 B5 B7 B10 B14 B21 B30
Z14 reduced C Q0 P0 N0 M0 L0 K0 J0 H0 G0 F0 E0 D0 C0
    B0 D0/2 C0/2 C1/3 C1/4 C2/5 C3/6 C5/8 C7/10 C10/13 C14/17 C21/24 B30
Z14 reduced K Q0 P0 N0 M0 L0 K0 J0 L0/2 K0/2 K1/3 K1/4 K2/5 K3/6
    K5/8 K7/10 K10/13 J10/13 H10/13 G10/13 F10/13 E10/13 E14/17 E21/24 D21/24 C21/24 B30
Z14 reduced R Q0 P0 R0/2 R1/3 R1/4 R2/5 R3/6 R5/8 R7/10 R10/13 Q10/13 P10/13 N10/13
    M10/13 L10/13 K10/13 J10/13 H10/13 G10/13 F10/13 E10/13 E14/17 E21/24 D21/24 C21/24 B30
"""


@pytest.mark.parametrize("row", ROWS.strip().replace("\n    ", " ").split("\n"))
def test_a_printed_row(row: str) -> None:
    edition, severity, letter, *cells = row.split()
    for aql, cell in zip(AQLS, cells, strict=True):
        ac, _, re = cell[1:].partition("/")
        plan = single_plan(letter, aql, severity_named(severity), {"ISO": ISO, "Z14": Z14}[edition], PER_100)
        sizes = REDUCED if severity == "reduced" else SIZES
        found = (plan.final_code_letter, plan.n, plan.Ac, plan.Re)
        assert found == (cell[0], sizes[cell[0]], int(ac), int(re or int(ac) + 1)), (aql, cell)


@pytest.mark.parametrize(("file", "standard"), [("a2", ISO), ("a3", Z14)])
def test_published_cells(file: str, standard: SamplingStandard) -> None:
    for case in cases(file):
        cell, expected = case["input"], case["expected"]
        plan = single_plan(cell["code_letter"], cell["aql"], cell["severity"], standard, PER_100)
        assert {key: getattr(plan, key) for key in expected} == expected, case["id"]


@pytest.mark.parametrize("severity", ["normal", "tightened"])
def test_the_editions_differ_in_one_cell_of_normal_and_tightened(severity: InspectionSeverity) -> None:
    different = [
        (letter, aql)
        for letter in LETTERS[:16]
        for aql in AQLS
        if (a := single_plan(letter, aql, severity, ISO, PER_100))
        and (b := single_plan(letter, aql, severity, Z14, PER_100))
        and (a.n, a.Ac, a.Re, a.final_code_letter) != (b.n, b.Ac, b.Re, b.final_code_letter)
    ]
    assert different == ([] if severity == "normal" else [("A", "10")])


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
    assert (plan.level, plan.lot_size, plan.severity, plan.aql) == (level, lot, severity, aql)


def test_the_plan_of_a_letter_is_of_no_lot() -> None:
    plan = single_plan("K", "1.0")
    assert (plan.level, plan.lot_size, plan.hundred_percent) == (None, None, False)


def test_the_edition_changes_the_plan() -> None:
    iso, z14 = (lot_plan(1500, "II", "1.0", "reduced", edition) for edition in EDITIONS)
    assert (iso.standard, iso.n, iso.Ac, iso.Re) == (ISO, 50, 2, 3)
    assert (z14.standard, z14.n, z14.Ac, z14.Re) == (Z14, 50, 1, 4)


@pytest.mark.parametrize(
    ("lot", "hundred_percent", "n"), [(79, True, 79), (80, True, 80), (81, False, 80), (2, True, 2)]
)
def test_a_sample_as_large_as_the_lot_is_the_lot(lot: int, hundred_percent: bool, n: int) -> None:
    plan = lot_plan(lot, "II", "0.15")
    assert plan.n == n
    assert (plan.hundred_percent, plan.Ac, plan.Re) == (hundred_percent, 0, 1)


@given(letters, aqls, severities, editions)
def test_an_arrow_moves_letter_size_and_numbers_together(
    letter: str, aql: str, severity: InspectionSeverity, edition: SamplingStandard
) -> None:
    plan = single_plan(letter, aql, severity, edition, PER_100)
    assert plan.Re == plan.Ac + 1 or (edition == Z14 and severity == "reduced" and plan.Re > plan.Ac)
    assert plan.arrow_followed == (plan.final_code_letter != letter)
    assert plan.n == (REDUCED if severity == "reduced" else SIZES)[plan.final_code_letter]
    if plan.final_code_letter != "S":
        own = single_plan(plan.final_code_letter, aql, severity, edition, PER_100)
        assert not own.arrow_followed
        assert (own.n, own.Ac, own.Re) == (plan.n, plan.Ac, plan.Re)


@given(letters, severities, editions)
def test_ac_never_falls_as_the_aql_rises(
    letter: str, severity: InspectionSeverity, edition: SamplingStandard
) -> None:
    row = [single_plan(letter, aql, severity, edition, PER_100) for aql in AQLS]
    assert all((a.Ac <= b.Ac and a.Re <= b.Re) or b.n < a.n for a, b in pairwise(row))


@given(aqls, severities, editions)
def test_no_larger_letter_has_a_smaller_sample(
    aql: str, severity: InspectionSeverity, edition: SamplingStandard
) -> None:
    column = [single_plan(letter, aql, severity, edition, PER_100) for letter in LETTERS[:16]]
    sizes, numbers = [p.n for p in column], [p.Ac for p in column]
    # Printed so: at AQL 1000 reduced letter B accepts 30 on 2, and all arrows point there.
    assert numbers == sorted(numbers)
    assert all(a <= b or x < y for (a, b), (x, y) in zip(pairwise(sizes), pairwise(numbers), strict=True))


@given(letters, aqls, editions)
def test_tightened_never_accepts_more_than_normal(letter: str, aql: str, edition: SamplingStandard) -> None:
    normal, tightened, reduced = (single_plan(letter, aql, s, edition, PER_100) for s in SEVERITIES)
    assert reduced.n <= normal.n
    for times in (0.25, 0.5, 1, 2, 3):  # of the AQL
        mean = float(aql) / 100 * times
        accepts_normal, accepts_tightened = (
            float(poisson.cdf(p.Ac, p.n * mean)) for p in (normal, tightened)
        )
        assert accepts_tightened <= accepts_normal + 1e-12


@pytest.mark.parametrize("row", [r.split() for r in TABLE_1.replace("\n", "|").strip("|").split("|")])
def test_lot_ranges_are_inclusive(row: list[str]) -> None:
    last, printed = int(row[0]), row[1]
    assert "".join(code_letter(last, level) for level in LEVELS) == printed  # type: ignore[arg-type]


def test_the_first_lot_of_each_range_has_the_next_letters() -> None:
    rows = [r.split() for r in TABLE_1.replace("\n", "|").strip("|").split("|")]
    starts = [2, *(int(last) + 1 for last, _ in rows[:-1])]
    for start, (_, printed) in zip(starts, rows, strict=True):
        assert "".join(code_letter(start, level) for level in LEVELS) == printed  # type: ignore[arg-type]


def test_published_code_letters() -> None:
    for case in cases("a1"):
        given_ = case["input"]
        found = code_letter(given_["lot_size"], given_["inspection_level"])
        assert found == case["expected"]["code_letter"], case["id"]


@given(st.integers(2, 1_000_000), st.integers(0, 1_000_000), st.sampled_from(LEVELS))
def test_a_larger_lot_never_gets_an_earlier_letter(lot: int, more: int, level: Any) -> None:
    assert LETTERS.index(code_letter(lot, level)) <= LETTERS.index(code_letter(lot + more, level))


@given(st.integers(2, 1_000_000))
def test_a_higher_level_never_gets_an_earlier_letter(lot: int) -> None:
    found = [LETTERS.index(code_letter(lot, level)) for level in LEVELS]  # type: ignore[arg-type]
    assert found[:4] == sorted(found[:4])
    assert found[4:] == sorted(found[4:])
    assert found[3] <= found[4]


def test_both_neighbours_of_an_aql_that_is_not_printed_are_named() -> None:
    for below, above in pairwise(AQLS):
        between = (float(below) + float(above)) / 2
        with pytest.raises(SamplingError, match=rf"neighbours are {below} and {above}$"):
            single_plan("K", repr(between), counting=PER_100)


@pytest.mark.parametrize(("aql", "refused"), [("10", False), ("15", True), ("1000", True)])
def test_an_aql_above_10_counts_nonconformities(aql: str, refused: bool) -> None:
    plan = single_plan("K", aql, counting=PER_100)
    assert plan.counting == PER_100
    if refused:
        with pytest.raises(SamplingError, match=f"AQL '{aql}' is above 10 percent nonconforming"):
            single_plan("K", aql)
    else:
        by_units = single_plan("K", aql)
        assert by_units.counting == "nonconforming_units"
        assert (by_units.n, by_units.Ac) == (plan.n, plan.Ac)


@pytest.mark.parametrize("counting", ["nonconforming_units", PER_100])
def test_the_counting_basis_is_stored_in_the_plan_of_a_lot(counting: CountingBasis) -> None:
    assert lot_plan(500, "II", "1.0", "normal", ISO, counting).counting == counting


@pytest.mark.parametrize(
    "name", ["ISO 2859-1", "ISO 2859", "ANSI/ASQ Z1.4", "ANSI/ASQ Z1.4-2003", "ANSI", "ISO 2859-1:199"]
)
def test_a_name_that_leaves_the_edition_open_is_refused(name: str) -> None:
    with pytest.raises(SamplingError, match="names no edition, and the edition changes the plan") as refusal:
        single_plan("K", "1.0", standard=name)
    assert all(edition in str(refusal.value) for edition in EDITIONS)


@pytest.mark.parametrize("name", ["ISO 2859-1:2026", "MIL-STD-105E", "ISO 2859-10", "", "iso 2859-1:1999"])
def test_an_edition_that_is_not_held_is_refused(name: str) -> None:
    with pytest.raises(SamplingError, match="is not held; this release holds") as refusal:
        edition_named(name)
    assert all(edition in str(refusal.value) for edition in EDITIONS)


def test_the_editions_held() -> None:
    assert EDITIONS == (ISO, Z14)
    assert STANDARD == ISO
    assert [edition_named(name) for name in (ISO, Z14)] == [ISO, Z14]


@pytest.mark.parametrize(
    ("call", "sentence"),
    [
        (lambda: code_letter(1, "II"), "inspect the single item"),
        (lambda: code_letter(0, "II"), "lot size 0 is not a lot: it has no units"),
        (lambda: code_letter(-5, "II"), "has no units"),
        (lambda: code_letter(100, "IV"), "S-1, S-2, S-3, S-4, I, II, III"),  # type: ignore[arg-type]
        (lambda: single_plan("K", "2"), "neighbours are 1.5 and 2.5"),
        (lambda: single_plan("K", "0.001"), "neighbours are 0.010$"),
        (lambda: single_plan("K", "5000"), "neighbours are 1000$"),
        (lambda: single_plan("K", "2", standard=Z14), r"not in the tables of ANSI/ASQ Z1.4-2003 \(R2018\)"),
        (lambda: single_plan("K", "1"), "printed as '1.0'"),
        (lambda: single_plan("K", "one"), "not a number"),
        (lambda: single_plan("K", "nan"), "not above 0"),
        (lambda: single_plan("K", "0"), "not above 0"),
        (lambda: single_plan("K", "-1"), "not above 0"),
        (lambda: single_plan("I", "1.0"), "code letter 'I' is not one of A, B, C"),
        (lambda: single_plan("S", "0.025", "tightened"), "code letter 'S'"),
        (lambda: single_plan("", "1.0"), "code letter ''"),
        (lambda: single_plan("AB", "1.0"), "code letter 'AB'"),
        (lambda: single_plan("K", "1.0", "strict"), "normal, tightened, reduced"),  # type: ignore[arg-type]
        (lambda: lot_plan(0, "II", "1.0"), "it has no units"),
    ],
)
def test_refusals_say_what_to_do(call: Any, sentence: str) -> None:
    with pytest.raises(SamplingError, match=sentence):
        call()
