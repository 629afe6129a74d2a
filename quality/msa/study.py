"""The data of a measurement system study, checked: who or what measured which part how often.

The factor beside the parts is named by the study: "operator" where people measure; "station" or
"re-fixturing" where a station measures by itself and an operator has no influence.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

from quality.errors import StudyError

_TAKEN = ("", "part", "interaction", "repeatability", "reproducibility", "gage R&R", "total")


@dataclass(frozen=True, slots=True)
class Reading:
    """One measured value: of which part, at which level of the factor (operator A, station 3)."""

    part: str
    level: str
    value: float


@dataclass(frozen=True, slots=True)
class CrossedStudy:
    """Every level measured every part equally often; `values[part][level][trial]`, by first mention."""

    factor: str
    parts: tuple[str, ...]
    levels: tuple[str, ...]
    values: tuple[tuple[tuple[float, ...], ...], ...]

    @property
    def trials(self) -> int:
        """How often each level measured each part."""
        return len(self.values[0][0])


@dataclass(frozen=True, slots=True)
class NestedStudy:
    """Every level measured parts of its own (destructive tests); `values[level][part][trial]`."""

    factor: str
    levels: tuple[str, ...]
    parts: tuple[tuple[str, ...], ...]
    values: tuple[tuple[tuple[float, ...], ...], ...]

    @property
    def trials(self) -> int:
        """How often each part was measured."""
        return len(self.values[0][0])


def crossed_study(readings: Iterable[Reading], *, factor: str) -> CrossedStudy:
    """Return the readings as a crossed, balanced study.

    Raises:
        StudyError: a value is not finite, fewer than 2 parts, levels or trials, a level that did not measure
            a part, a part that was measured more often than another, or no repetition that differs.
    """
    cells = _cells(readings, factor)
    parts = tuple(dict.fromkeys(part for part, _ in cells))
    levels = tuple(dict.fromkeys(level for _, level in cells))
    _at_least_two("parts", len(parts))
    _at_least_two(f"levels of {factor}", len(levels))
    for part in parts:
        for level in levels:
            if (part, level) not in cells:
                raise StudyError(
                    f"{factor} {level!r} did not measure part {part!r}: a crossed study needs every cell"
                )
    _balanced(cells, factor)
    values = tuple(tuple(tuple(cells[part, level]) for level in levels) for part in parts)
    return CrossedStudy(factor, parts, levels, values)


def nested_study(readings: Iterable[Reading], *, factor: str) -> NestedStudy:
    """Return the readings as a nested, balanced study.

    Raises:
        StudyError: as `crossed_study`; or a part occurs at two levels, or levels have unequally many parts.
    """
    cells = _cells(readings, factor)
    levels = tuple(dict.fromkeys(level for _, level in cells))
    parts = tuple(tuple(part for part, at in cells if at == level) for level in levels)
    _at_least_two(f"levels of {factor}", len(levels))
    owner: dict[str, str] = {}
    for part, level in cells:
        if owner.setdefault(part, level) != level:
            raise StudyError(f"part {part!r} was measured by two levels of {factor}: that is a crossed study")
    for level, own in zip(levels, parts, strict=True):
        if len(own) != len(parts[0]):
            raise StudyError(
                f"{factor} {level!r} measured {len(own)} parts, {levels[0]!r} {len(parts[0])}: balance them"
            )
    _at_least_two(f"parts of each {factor}", len(parts[0]))
    _balanced(cells, factor)
    values = tuple(
        tuple(tuple(cells[part, level]) for part in own) for level, own in zip(levels, parts, strict=True)
    )
    return NestedStudy(factor, levels, parts, values)


def finite(values: Iterable[float], least: int, what: str) -> tuple[float, ...]:
    """Return the values; raise StudyError unless all are finite, at least `least` and not all the same."""
    found = tuple(values)
    for i, value in enumerate(found):
        if not math.isfinite(value):
            raise StudyError(f"{what}: value {i + 1} is {value}: leave it out and say why, or measure again")
    if len(found) < least:
        raise StudyError(f"{what}: {len(found)} values, at least {least} are needed")
    if len(set(found)) == 1:
        raise StudyError(
            f"{what}: all values are {found[0]}: the resolution is too coarse to show any repeatability"
        )
    return found


def positive(value: float | None, name: str) -> None:
    """Raise StudyError unless the value is absent or positive and finite."""
    if value is not None and not (math.isfinite(value) and value > 0):
        raise StudyError(f"{name} {value} must be positive and finite")


def probability(value: float, name: str) -> None:
    """Raise StudyError unless the value lies between 0 and 1."""
    if not 0 < value < 1:
        raise StudyError(f"{name} {value} must lie between 0 and 1")


def _cells(readings: Iterable[Reading], factor: str) -> dict[tuple[str, str], list[float]]:
    if factor in _TAKEN:
        raise StudyError(f"factor {factor!r}: name who or what measures: operator, station, re-fixturing")
    cells: dict[tuple[str, str], list[float]] = {}
    for r in readings:
        if not math.isfinite(r.value):
            raise StudyError(f"part {r.part!r}, {r.level!r}: value {r.value} is no number: measure again")
        cells.setdefault((r.part, r.level), []).append(r.value)
    return cells


def _at_least_two(what: str, count: int) -> None:
    if count < 2:
        raise StudyError(f"{count} {what}: a gage R&R study needs at least 2")


def _balanced(cells: dict[tuple[str, str], list[float]], factor: str) -> None:
    trials = len(next(iter(cells.values())))
    for (part, level), values in cells.items():
        if len(values) != trials:
            raise StudyError(
                f"part {part!r}, {factor} {level!r}: {len(values)} trials, others {trials}: balance the study"
            )
    _at_least_two("trials of each part", trials)
    if all(len(set(values)) == 1 for values in cells.values()):
        raise StudyError(
            "no repetition differs from another: the resolution is too coarse to show any repeatability"
        )
