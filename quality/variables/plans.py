"""ANSI/ASQ Z1.9, variability unknown, standard deviation method: n, k and M, as far as they are held.

Normal and tightened inspection read one master table: tightened inspection at an AQL uses the column of
normal inspection at the AQL before it, so one more column ("T") precedes 0.10. Held are only the cells whose
M (Z1.9) and k (MIL-STD-414, the same plan) agree in two independent transcriptions. The others are refused,
not guessed; so are reduced inspection, the average range method and ISO 3951 (other letters and sizes).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from quality.errors import SamplingError

STANDARD = "ANSI/ASQ Z1.9"
VARIABLES_AQLS = ("0.10", "0.15", "0.25", "0.40", "0.65", "1.0", "1.5", "2.5", "4.0", "6.5", "10")
VariablesSeverity = Literal["normal", "tightened"]

_SIZES = {
    "B": 3, "C": 4, "D": 5, "E": 7, "F": 10, "G": 15, "H": 20, "I": 25, "J": 35, "K": 50, "L": 75, "M": 100,
    "N": 150, "P": 200,
}  # fmt: skip

# Columns T, 0.10, 0.15 ... 10. A cell is "k/M" (M in percent), the letter where its arrow ends, or "." where
# it is not held.
_MASTER = {
    "B": ". . . E . D . C 1.12/7.59 0.96/18.86 0.77/26.94 .",
    "C": ". . . E . D 1.45/1.49 1.34/5.46 1.17/10.88 1.01/16.41 . 0.62/29.43",
    "D": ". . . E . 1.65/1.34 . 1.40/5.82 1.24/9.80 1.07/14.37 0.87/20.19 .",
    "E": ". . . 2.00/0.421 1.88/1.05 . 1.62/3.54 1.50/5.34 1.33/8.40 1.15/12.19 . 0.76/23.30",
    "F": ". . 2.24/0.349 2.11/0.714 . 1.84/2.14 1.72/3.27 1.58/4.72 . 1.23/10.53 . .",
    "G": ". 2.42/0.311 2.32/0.491 . . 1.91/2.09 1.79/3.06 1.65/4.32 1.47/6.55 1.30/9.48 1.09/13.74 .",
    "H": ". 2.47/0.356 . . 2.11/1.33 1.96/2.03 . 1.69/4.10 1.51/6.18 1.33/8.95 1.12/13.01 0.92/18.07",
    "I": "2.61/0.250 2.50/0.378 2.40/0.551 2.26/0.874 . 1.98/2.00 . 1.72/3.97 1.53/5.98 . . 0.94/17.55",
    "J": ". . 2.45/0.534 . 2.18/1.24 2.03/1.87 1.89/2.66 1.76/3.70 1.57/5.58 . . 0.97/16.67",
    "K": "2.71/0.243 2.60/0.355 2.50/0.503 2.35/0.778 2.22/1.16 . 1.93/2.47 1.80/3.44 1.61/5.21 1.42/7.61"
    " 1.21/11.23 1.00/15.87",
    "L": "2.77/0.225 . 2.55/0.461 . 2.27/1.06 2.12/1.59 1.98/2.27 1.84/3.17 1.65/4.83 1.46/7.10 1.24/10.58"
    " 1.03/15.07",
    "M": ". 2.69/0.315 2.58/0.444 2.43/0.684 . 2.14/1.52 2.00/2.18 . . 1.48/6.88 1.26/10.29 .",
    "N": ". 2.73/0.292 2.61/0.412 . 2.33/0.946 . 2.03/2.05 . . 1.51/6.56 1.29/9.86 .",
    "P": ". 2.73/0.294 2.62/0.414 . 2.33/0.945 2.18/1.42 . 1.89/2.86 1.70/4.39 1.51/6.52 1.29/9.80"
    " 1.07/14.11",
}


@dataclass(frozen=True, slots=True)
class VariablesPlan:
    """Measure `n` units: accept at a quality index of at least `k`, or an estimate of at most `M` (fraction).

    `code_letter` is what was asked for; n, k and M are those of `final_code_letter`, where an arrow leads.
    """

    standard: str
    severity: VariablesSeverity
    aql: str
    code_letter: str
    final_code_letter: str
    n: int
    k: float
    M: float


def variables_plan(
    letter: str, aql: str, severity: VariablesSeverity = "normal", standard: str = STANDARD
) -> VariablesPlan:
    """Return the s-method plan of a Z1.9 code letter (B to P, I included) and an AQL as printed.

    Raises:
        SamplingError: the standard is not Z1.9; letter, AQL or severity is not in its table; or this release
            does not hold the cell.
    """
    if standard != STANDARD:
        raise SamplingError(f"{standard!r} is not held; this release holds the s-method of {STANDARD!r}")
    if letter not in _MASTER:
        raise SamplingError(f"code letter {letter!r} is not one of {', '.join(_MASTER)} of {STANDARD}")
    if severity not in {"normal", "tightened"}:
        raise SamplingError(f"severity {severity!r} is not held; held are normal and tightened of {STANDARD}")
    column = _column(aql) + (severity == "normal")
    final = letter
    if (cell := _MASTER[letter].split()[column]) in _MASTER:
        final, cell = cell, _MASTER[cell].split()[column]
    if cell == ".":
        raise SamplingError(
            f"{STANDARD} s-method, {severity}, letter {letter}, AQL {aql}: this release does not hold the "
            "cell, since no two sources verify it; take n and k from your copy of the standard, or find a "
            "plan by two points of its OC curve"
        )
    k, percent = map(float, cell.split("/"))
    return VariablesPlan(standard, severity, aql, letter, final, _SIZES[final], k, percent / 100)


def _column(aql: str) -> int:
    if aql in VARIABLES_AQLS:
        return VARIABLES_AQLS.index(aql)
    try:
        value = float(aql)
    except ValueError:
        value = float("nan")
    below = [known for known in VARIABLES_AQLS if float(known) < value][-1:]
    above = [known for known in VARIABLES_AQLS if float(known) >= value][:1]
    neighbours = " and ".join(below + above) or f"{VARIABLES_AQLS[0]} to {VARIABLES_AQLS[-1]}"
    raise SamplingError(f"AQL {aql!r} is not in the s-method table of {STANDARD}; printed are {neighbours}")
