"""The stored tables of attribute sampling: ISO 2859-1:1999 and ANSI/ASQ Z1.4-2003 (R2018).

The master tables are held as what they are built from. Letters (A, B, C, ... S) and AQLs (0.010 ... 1000)
are both geometric series of the same ratio, so acceptance numbers are constant along each diagonal `letter
index + AQL index`; what lies before a table's first diagonal is an arrow down, what lies behind its last an
arrow up. The few cells that break the pattern are listed one by one.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Final, Literal, get_args

from golden.plans import AQLS, InspectionLevel, SamplingStandard
from quality.errors import SamplingError

ISO_2859_1_1999: Final = "ISO 2859-1:1999"
Z14_2003: Final = "ANSI/ASQ Z1.4-2003 (R2018)"
EDITIONS: tuple[SamplingStandard, ...] = get_args(SamplingStandard)
STANDARD: SamplingStandard = ISO_2859_1_1999
InspectionSeverity = Literal["normal", "tightened", "reduced"]

# Table 1 (Z1.4: Table I): upper end of each range of lot sizes (the last is open), and the letters by level.
_LOT_SIZES = (8, 15, 25, 50, 90, 150, 280, 500, 1200, 3200, 10_000, 35_000, 150_000, 500_000)
_CODE_LETTERS: dict[InspectionLevel, str] = {
    "S-1": "AAAABBBBCCCCDDD",
    "S-2": "AAABBBCCCDDDEEE",
    "S-3": "AABBCCDDEEFFGGH",
    "S-4": "AABCCDEEFGGHJJK",
    "I": "AABCCDEFGHJKLMN",
    "II": "ABCDEFGHJKLMNPQ",
    "III": "BCDEFGHJKLMNPQR",
}

LETTERS = "ABCDEFGHJKLMNPQRS"
_SIZES = (2, 3, 5, 8, 13, 20, 32, 50, 80, 125, 200, 315, 500, 800, 1250, 2000, 3150)
_REDUCED_SIZES = (2, 2, *_SIZES[:14])


@dataclass(frozen=True, slots=True)
class _Table:
    """One master table of single plans by its diagonals.

    `diagonals` are the marks from diagonal `first` on: an acceptance number with Re = Ac + 1 ("3"), both
    numbers where there is a gap ("1/4"), "v" (arrow down) or "^" (arrow up). `small` continues them for
    letters A to E only; the larger letters have arrows up there. `rows` are stretches of a letter's row that
    leave the pattern: letters, first AQL, marks.
    """

    sizes: tuple[int, ...]
    first: int
    diagonals: str
    small: str
    rows: tuple[tuple[str, str, str], ...] = ()

    def mark(self, letter: int, aql: int) -> str:
        """Return the printed mark of a cell; empty where the table has no such row."""
        if letter >= len(self.sizes):
            return ""
        if LETTERS[letter] == "S" and AQLS[aql] != "0.025":
            return ""
        for letters, from_aql, stretch in self.rows:
            place = aql - AQLS.index(from_aql)
            if LETTERS[letter] in letters and 0 <= place < len(stretch.split()):
                return stretch.split()[place]
        marks = self.diagonals.split() + (self.small.split() if LETTERS[letter] <= "E" else [])
        place = letter + aql - self.first
        if place < 0:
            return "v"
        return marks[place] if place < len(marks) else "^"


# Tables 2-A and 2-B are Z1.4's II-A and II-B but for one cell: tightened A at AQL 10 has 0 in ISO's and an
# arrow down in Z1.4's. Letter S exists in tightened inspection alone, for AQL 0.025.
_NORMAL = _Table(_SIZES[:16], 14, "0 ^ v 1 2 3 5 7 10 14 21", "30 44")
_TIGHTENED = "0 v v 1 2 3 5 8 12 18", "27 41"

# In reduced inspection letters A and B share C's sample of 2 and leave the pattern from AQL 25 on.
_TABLES: dict[SamplingStandard, dict[InspectionSeverity, _Table]] = {
    ISO_2859_1_1999: {
        "normal": _NORMAL,
        "tightened": _Table(_SIZES, 15, *_TIGHTENED),
        "reduced": _Table(
            _REDUCED_SIZES, 14, "0 ^ v v 1 2 3 5 6 8 10", "14 21", (("AB", "25", "1 2 3 5 7 10 14 21 30"),)
        ),
    },
    Z14_2003: {
        "normal": _NORMAL,
        "tightened": _Table(_SIZES, 15, *_TIGHTENED, (("A", "10", "v"),)),
        "reduced": _Table(
            _REDUCED_SIZES,
            14,
            "0 ^ v 0/2 1/3 1/4 2/5 3/6 5/8 7/10 10/13",
            "14/17 21/24",
            (("A", "25", "1 2 3 5 7 10 14 21 30"), ("B", "25", "1/3 2/4 3/5 5 7 10 14 21 30")),
        ),
    },
}

# Z1.4 Tables III-A, III-B, III-C: both samples have one size, and the numbers Ac1/Re1 Ac2/Re2 (the latter
# cumulative) follow from the mark of the corresponding single plan. Where that is 0, or the letter is below
# `first`, the tables print * : use the single plan.
_DOUBLE_FIRST: dict[InspectionSeverity, int] = {"normal": 1, "tightened": 1, "reduced": 3}
_DOUBLE_NUMBERS: dict[InspectionSeverity, Mapping[tuple[int, int], str]] = {
    "normal": {
        (1, 2): "0/2 1/2", (2, 3): "0/3 3/4", (3, 4): "1/4 4/5", (5, 6): "2/5 6/7", (7, 8): "3/7 8/9",
        (10, 11): "5/9 12/13", (14, 15): "7/11 18/19", (21, 22): "11/16 26/27", (30, 31): "17/22 37/38",
        (44, 45): "25/31 56/57",
    },
    "tightened": {
        (1, 2): "0/2 1/2", (2, 3): "0/3 3/4", (3, 4): "1/4 4/5", (5, 6): "2/5 6/7", (8, 9): "3/7 11/12",
        (12, 13): "6/10 15/16", (18, 19): "9/14 23/24", (27, 28): "15/20 34/35", (41, 42): "23/29 52/53",
    },
    "reduced": {
        (0, 2): "0/2 0/2", (1, 3): "0/3 0/4", (1, 4): "0/4 1/5", (2, 5): "0/4 3/6", (3, 6): "1/5 4/7",
        (5, 8): "2/7 6/9", (7, 10): "3/8 8/12", (10, 13): "5/10 12/16", (14, 17): "7/12 18/22",
        (21, 24): "11/17 26/30",
    },
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class SingleCell:
    """Where a cell's arrows end: the letter, its sample size and the numbers printed there."""

    letter: str
    n: int
    Ac: int
    Re: int


@dataclass(frozen=True, slots=True)
class DoubleNumbers:
    """A cell of the double tables: two samples of `n` units; the second numbers are cumulative."""

    n: int
    Ac1: int
    Re1: int
    Ac2: int
    Re2: int


def edition_named(name: str) -> SamplingStandard:
    """Return the stored edition of that name.

    Raises:
        SamplingError: the name leaves the edition open, or this release does not hold that edition.
    """
    for edition in EDITIONS:
        if edition == name:
            return edition
    held = " and ".join(EDITIONS)
    if name and any(edition.startswith(name) for edition in EDITIONS):
        raise SamplingError(f"{name!r} names no edition, and the edition changes the plan; held are {held}")
    raise SamplingError(f"{name!r} is not held; this release holds {held}")


def severity_named(name: str) -> InspectionSeverity:
    """Return the severity of inspection of that name; raise SamplingError if there is none."""
    severities: tuple[InspectionSeverity, ...] = get_args(InspectionSeverity)
    for severity in severities:
        if severity == name:
            return severity
    raise SamplingError(f"severity {name!r} is not one of {', '.join(severities)}")


def code_letter(lot_size: int, level: InspectionLevel) -> str:
    """Return the sample size code letter of Table 1 (Z1.4: Table I; the two are one table).

    Raises:
        SamplingError: the lot has fewer than 2 units, or the level is not one of the seven.
    """
    if level not in _CODE_LETTERS:
        raise SamplingError(f"inspection level {level!r} is not one of {', '.join(_CODE_LETTERS)}")
    if lot_size == 1:
        raise SamplingError("a lot of 1 is not sampled: inspect the single item")
    if lot_size < 1:
        raise SamplingError(f"lot size {lot_size} is not a lot: it has no units")
    return _CODE_LETTERS[level][bisect_left(_LOT_SIZES, lot_size)]


@cache
def single_cell(
    standard: SamplingStandard, severity: InspectionSeverity, letter: str, aql: str
) -> SingleCell:
    """Return the single plan's cell with arrows followed.

    Raises:
        SamplingError: the letter is not one of A to R (S is reached by an arrow only), or the AQL is not
            printed; its neighbours are named.
    """
    if len(letter) != 1 or letter not in LETTERS[:16]:
        raise SamplingError(f"code letter {letter!r} is not one of {', '.join(LETTERS[:16])}")
    table, column = _TABLES[standard][severity], _column(aql, standard)
    final = _follow(table, LETTERS.index(letter), column)
    ac, _, re = table.mark(final, column).partition("/")
    return SingleCell(LETTERS[final], table.sizes[final], int(ac), int(re) if re else int(ac) + 1)


def double_numbers(severity: InspectionSeverity, cell: SingleCell) -> DoubleNumbers | None:
    """Return Z1.4's double plan that corresponds to a single plan, or None where the table says single."""
    place = LETTERS.index(cell.letter) - _DOUBLE_FIRST[severity]
    numbers = _DOUBLE_NUMBERS[severity].get((cell.Ac, cell.Re))
    if place < 0 or numbers is None:
        return None
    (ac1, re1), (ac2, re2) = (map(int, pair.split("/")) for pair in numbers.split())
    return DoubleNumbers(_SIZES[place], ac1, re1, ac2, re2)


def _follow(table: _Table, row: int, column: int) -> int:
    """Return the row where the cell's arrow ends, or the row itself where a number is printed.

    At the top and bottom of a column the printed arrow is the one that has a number to point to.
    """
    mark = table.mark(row, column)
    if _is_number(mark):
        return row
    above = (i for i in range(row - 1, -1, -1) if _is_number(table.mark(i, column)))
    below = (i for i in range(row + 1, len(LETTERS)) if _is_number(table.mark(i, column)))
    ways = (above, below) if mark == "^" else (below, above)
    return next(end for way in ways for end in way)


def _is_number(mark: str) -> bool:
    return mark[:1].isdigit()


def _column(aql: str, standard: SamplingStandard) -> int:
    if aql in AQLS:
        return AQLS.index(aql)
    try:
        value = float(aql)
    except ValueError:
        raise SamplingError(f"AQL {aql!r} is not a number; printed values: {', '.join(AQLS)}") from None
    if not value > 0:
        raise SamplingError(f"AQL {aql!r} is not above 0; the smallest printed value is {AQLS[0]}")
    above = bisect_left(AQLS, value, key=float)
    if above < len(AQLS) and float(AQLS[above]) == value:
        raise SamplingError(f"AQL {aql!r} is printed as {AQLS[above]!r}; write it so")
    neighbours = [AQLS[i] for i in (above - 1, above) if 0 <= i < len(AQLS)]
    raise SamplingError(
        f"AQL {aql!r} is not in the tables of {standard}; its neighbours are {' and '.join(neighbours)}"
    )
