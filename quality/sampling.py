"""Single sampling by attributes: ISO 2859-1:1999, Tables 1 and 2-A, 2-B, 2-C.

The master tables are held as what they are built from. Letters (A, B, C, ... S) and AQLs (0.010 ... 1000)
are both geometric series of the same ratio, so acceptance numbers are constant along each diagonal `letter
index + AQL index`; what lies before a table's first diagonal is an arrow down, what lies behind its last an
arrow up. The few cells that break the pattern are listed one by one.
"""

from __future__ import annotations

from bisect import bisect_left
from dataclasses import dataclass, replace
from typing import Literal

from golden.plans import AQLS, InspectionLevel
from quality.errors import SamplingError

STANDARD = "ISO 2859-1:1999"
InspectionSeverity = Literal["normal", "tightened", "reduced"]

# Table 1: upper end of each range of lot sizes (the last range is open), and the letters by level.
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


@dataclass(frozen=True, slots=True)
class _Table:
    """One master table by its diagonals.

    `diagonals` are the marks from diagonal `first` on: an acceptance number, "v" (arrow down) or "^" (arrow
    up). `small` continues them for letters A to E only; the larger letters have arrows up there. `rows` are
    letters whose acceptance numbers leave the pattern from one AQL on.
    """

    sizes: tuple[int, ...]
    first: int
    diagonals: str
    small: str
    rows: tuple[tuple[str, str, str], ...] = ()

    def mark(self, letter: int, aql: int) -> str:
        """Return the printed mark of a cell."""
        if letter >= len(self.sizes):
            return ""
        if LETTERS[letter] == "S" and AQLS[aql] != "0.025":
            return ""
        for letters, from_aql, numbers in self.rows:
            if LETTERS[letter] in letters and aql >= AQLS.index(from_aql):
                return numbers.split()[aql - AQLS.index(from_aql)]
        marks = self.diagonals.split() + (self.small.split() if LETTERS[letter] <= "E" else [])
        place = letter + aql - self.first
        if place < 0:
            return "v"
        return marks[place] if place < len(marks) else "^"


# Letter S exists in Table 2-B alone, for AQL 0.025. In Table 2-C letters A and B share C's sample of 2 and,
# from AQL 25 on, have the acceptance numbers of Table 2-A's letter A.
_TABLES: dict[InspectionSeverity, _Table] = {
    "normal": _Table(_SIZES[:16], 14, "0 ^ v 1 2 3 5 7 10 14 21", "30 44"),
    "tightened": _Table(_SIZES, 15, "0 v v 1 2 3 5 8 12 18", "27 41"),
    "reduced": _Table(
        (2, 2, *_SIZES[:14]), 14, "0 ^ v v 1 2 3 5 6 8 10", "14 21", (("AB", "25", "1 2 3 5 7 10 14 21 30"),)
    ),
}


@dataclass(frozen=True, slots=True)
class SamplingPlan:
    """A single sampling plan: inspect `n`, accept at `Ac` or fewer, reject at `Re` or more.

    `code_letter` is what Table 1 (or the caller) names; `final_code_letter` where the arrow, if one was
    followed, ends: n, Ac and Re are those of the final letter. With a lot size, `n` is never above it, and
    `hundred_percent` says that the whole lot is inspected; Ac and Re stay those of the plan.
    """

    standard: str
    severity: InspectionSeverity
    level: InspectionLevel | None
    aql: str
    lot_size: int | None
    code_letter: str
    final_code_letter: str
    n: int
    Ac: int
    Re: int
    arrow_followed: bool
    hundred_percent: bool = False


def code_letter(lot_size: int, level: InspectionLevel) -> str:
    """Return the sample size code letter of Table 1.

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


def single_plan(
    letter: str, aql: str, severity: InspectionSeverity = "normal", standard: str = STANDARD
) -> SamplingPlan:
    """Return the single plan of a code letter, arrows followed: n, letter, Ac and Re all move.

    Args:
        letter: code letter A to R (S is reached by an arrow only).
        aql: as printed in the standard, for example "0.65", "1.0" or "10".
        severity: normal (Table 2-A), tightened (2-B) or reduced (2-C).
        standard: the edition; the answer depends on it.

    Raises:
        SamplingError: the edition is not held, or letter, AQL or severity is not in its tables.
    """
    if standard != STANDARD:
        raise SamplingError(f"{standard!r} is not held; this release holds {STANDARD!r} single sampling")
    severity_named(severity)
    if len(letter) != 1 or letter not in LETTERS[:16]:
        raise SamplingError(f"code letter {letter!r} is not one of {', '.join(LETTERS[:16])}")
    table, row, column = _TABLES[severity], LETTERS.index(letter), _column(aql)
    final = _follow(table, row, column)
    number = int(table.mark(final, column))
    return SamplingPlan(
        standard=standard,
        severity=severity,
        level=None,
        aql=aql,
        lot_size=None,
        code_letter=letter,
        final_code_letter=LETTERS[final],
        n=table.sizes[final],
        Ac=number,
        Re=number + 1,  # ISO 2859-1:1999 has no gap between Ac and Re, in reduced inspection either
        arrow_followed=final != row,
    )


def severity_named(name: str) -> InspectionSeverity:
    """Return the severity of inspection of that name; raise SamplingError if there is none."""
    for severity in _TABLES:
        if severity == name:
            return severity
    raise SamplingError(f"severity {name!r} is not one of {', '.join(_TABLES)}")


def lot_plan(
    lot_size: int,
    level: InspectionLevel,
    aql: str,
    severity: InspectionSeverity = "normal",
    standard: str = STANDARD,
) -> SamplingPlan:
    """Return the single plan of a lot: Table 1, then the master table; n >= lot size means 100 %.

    Raises:
        SamplingError: as `code_letter` and `single_plan`.
    """
    plan = single_plan(code_letter(lot_size, level), aql, severity, standard)
    hundred_percent = plan.n >= lot_size
    return replace(
        plan, level=level, lot_size=lot_size, n=min(plan.n, lot_size), hundred_percent=hundred_percent
    )


def _follow(table: _Table, row: int, column: int) -> int:
    """Return the row where the cell's arrow ends, or the row itself where a number is printed.

    At the top and bottom of a column the printed arrow is the one that has a number to point to.
    """
    mark = table.mark(row, column)
    if mark.isdigit():
        return row
    above = (i for i in range(row - 1, -1, -1) if table.mark(i, column).isdigit())
    below = (i for i in range(row + 1, len(LETTERS)) if table.mark(i, column).isdigit())
    ways = (above, below) if mark == "^" else (below, above)
    return next(end for way in ways for end in way)


def _column(aql: str) -> int:
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
        f"AQL {aql!r} is not in the tables of {STANDARD}; its neighbours are {' and '.join(neighbours)}"
    )
