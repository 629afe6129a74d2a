"""What a chart plots, checked: subgroups of measured values, or counts of units or nonconformities."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray

from quality.errors import ChartError
from quality.spc.constants import LARGEST, SMALLEST

Vector = NDArray[np.float64]
Flags = NDArray[np.bool_]
Measured = Sequence[float] | Sequence[Sequence[float]] | NDArray[np.floating] | NDArray[np.integer]
MeasuredKind = Literal["xbar_r", "xbar_s", "i_mr", "ewma", "cusum"]
CountedKind = Literal["p", "np", "c", "u", "laney_p", "laney_u"]
ChartKind = Literal[MeasuredKind, CountedKind]
_LARGEST_VALUE = 1e100  # squares of larger ones overflow
_KINDS: tuple[str, ...] = (*get_args(MeasuredKind), *get_args(CountedKind))


@dataclass(frozen=True, slots=True)
class Counts:
    """One count for each subgroup, and how much was inspected there.

    Charts p, np and Laney p': nonconforming units among `sizes` units. Charts c, u and Laney u':
    nonconformities on `sizes` units of area (any positive number; equal ones for c). One number for `sizes`
    holds for all subgroups.
    """

    counts: Sequence[float]
    sizes: Sequence[float] | float = 1.0


def check_kind(kind: ChartKind, data: Measured | Counts) -> None:
    """Refuse a kind of chart that is not held, or data of the other sort; raise ChartError."""
    if kind not in _KINDS:
        raise ChartError(f"chart {kind!r}: not held; held are {', '.join(_KINDS)}")
    if isinstance(data, Counts) != (kind in get_args(CountedKind)):
        takes = "measured values, not Counts" if isinstance(data, Counts) else "Counts"
        raise ChartError(f"{kind} chart: takes {takes}")


def measured(kind: MeasuredKind, data: Measured) -> tuple[Vector, ...]:
    """Return the subgroups of a chart of measured values, each as a vector; single values as vectors of one.

    Raises:
        ChartError: NaN or infinity, no subgroups, an empty one, single values in Xbar, subgroups in I-MR,
            unequal sizes in Xbar-R, EWMA or CUSUM, sizes over 25 in Xbar.
    """
    subgroups = tuple(as_vector(row, f"subgroup {i + 1}") for i, row in enumerate(data))
    if not subgroups:
        raise ChartError(f"{kind} chart: no subgroups")
    sizes = sorted({len(s) for s in subgroups})
    if kind == "i_mr" and sizes != [1]:
        raise ChartError("i_mr chart: subgroups of more than one value; put them on an Xbar chart")
    if kind in ("xbar_r", "xbar_s") and (sizes[0] < SMALLEST or sizes[-1] > LARGEST):
        wrong = next(i for i, s in enumerate(subgroups) if not SMALLEST <= len(s) <= LARGEST)
        raise ChartError(
            f"{kind} chart: subgroup {wrong + 1} has {len(subgroups[wrong])} values; {SMALLEST} to {LARGEST}"
            " are needed (single values go on an I-MR chart)"
        )
    if kind != "xbar_s" and len(sizes) > 1:
        raise ChartError(f"{kind} chart: subgroups of {sizes} values; unequal sizes go on an Xbar-S chart")
    return subgroups


def as_vector(row: float | Sequence[float] | Vector, where: str) -> Vector:
    """Return finite numbers as a vector; raise ChartError naming `where`."""
    try:
        vector = np.atleast_1d(np.asarray(row, dtype=np.float64))
    except (TypeError, ValueError) as error:
        raise ChartError(f"{where}: not numbers: {error}") from error
    if vector.ndim != 1 or vector.size == 0:
        raise ChartError(f"{where}: has no values, or more than one dimension")
    if not (np.abs(vector) < _LARGEST_VALUE).all():
        raise ChartError(
            f"{where}: NaN, infinity or beyond {_LARGEST_VALUE:g}; a missing value is left out and its cause"
            " recorded"
        )
    return vector


def counted(kind: CountedKind, data: Counts) -> tuple[Vector, Vector]:
    """Return the counts and the sizes of a chart of counts.

    Raises:
        ChartError: negative, fractional or non-finite counts, sizes not above 0, unequal sizes in c, no
            subgroups; in p, np and Laney p' fractional sizes or counts above them.
    """
    counts = as_vector(data.counts, "counts")
    sizes = as_vector(data.sizes, "sizes")
    if sizes.size == 1:
        sizes = np.full(counts.size, sizes[0])
    if sizes.size != counts.size:
        raise ChartError(f"{kind} chart: {counts.size} counts, {sizes.size} sizes; needs as many of both")
    _refuse(kind, "counts", counts, (counts < 0) | (counts % 1 != 0), "whole numbers of 0 or more are needed")
    _refuse(kind, "sizes", sizes, sizes <= 0, "numbers above 0 are needed")
    if kind in ("p", "np", "laney_p"):
        _refuse(kind, "sizes", sizes, sizes % 1 != 0, "units come in whole numbers")
        _refuse(kind, "counts", counts, counts > sizes, "more nonconforming units than units inspected")
    if kind == "c":
        _refuse(kind, "sizes", sizes, sizes != sizes[0], "unequal sizes go on a u chart")
    return counts, sizes


def _refuse(kind: str, field: str, values: Vector, wrong: Flags, why: str) -> None:
    if wrong.any():
        place = int(np.argmax(wrong))
        raise ChartError(f"{kind} chart: {field}[{place}] is {values[place]:g}: {why}")


def stretches(values: Vector, used: Flags) -> list[Vector]:
    """Return the longest stretches of consecutive values that are all used."""
    edges = np.flatnonzero(np.diff(used.astype(np.int8))) + 1
    parts = np.split(values, edges)
    return parts[0 if used[0] else 1 :: 2]
