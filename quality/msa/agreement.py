"""Attribute agreement: do those who say pass or fail agree with themselves, each other and the truth?"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from itertools import combinations
from typing import Literal

from quality.errors import StudyError
from quality.msa.kappa import Kappa, cohen_kappa, fleiss_kappa_of_ratings
from quality.proportions import Proportion, clopper_pearson, wilson


@dataclass(frozen=True, slots=True)
class Rating:
    """What one level of the factor (appraiser EG, station 2) called one part, once."""

    part: str
    level: str
    result: str


@dataclass(frozen=True, slots=True)
class LevelAgreement:
    """One appraiser's or station's agreement.

    `within`: parts whose trials all agree; null with `within_kappa` where there was one trial. The others are
    null without references: `effectiveness`, parts whose trials all give the reference; `reference_kappa`, of
    all trials against it; `miss`, trials on nonconforming parts that called them conforming; `false_alarm`,
    trials on conforming parts that did not. Miss and false alarm are null where the study has no such part.
    """

    level: str
    within: Proportion | None
    within_kappa: Kappa | None
    effectiveness: Proportion | None
    reference_kappa: Kappa | None
    miss: Proportion | None
    false_alarm: Proportion | None


@dataclass(frozen=True, slots=True)
class AttributeAgreement:
    """An attribute agreement study; `pairs` are Cohen's kappas of two levels, trial by trial.

    `between`: parts on which all levels and trials agree; `all_reference`: on which all give the reference,
    null without references.
    """

    factor: str
    parts: int
    trials: int
    levels: tuple[LevelAgreement, ...]
    between: Proportion
    between_kappa: Kappa
    all_reference: Proportion | None
    pairs: Mapping[tuple[str, str], Kappa]


_Table = Mapping[str, Mapping[str, list[str]]]  # level, part -> results
_Fraction = Callable[[int, int], Proportion]


def attribute_agreement(
    ratings: Iterable[Rating],
    *,
    factor: str,
    conforming: str,
    references: Mapping[str, str] | None = None,
    interval: Literal["clopper_pearson", "wilson"] = "clopper_pearson",
    coverage: float = 0.95,
) -> AttributeAgreement:
    """Return agreement within, between and with the reference (AIAG MSA 4th ed., chapter III-C).

    Args:
        ratings: every level judged every part equally often; a level's trials on a part in their order.
        factor: what the levels are: "appraiser", "station".
        conforming: the category that passes a part; every other fails it.
        references: each part's true category, or None where it is not known.
        interval: of the fractions.
        coverage: of all intervals.

    Raises:
        StudyError: fewer than 2 parts or levels, a part without rating by a level or without reference,
            unequal trials, or `conforming` that is no category of the study.
        ProportionError: a coverage outside (0, 1).
    """
    table, parts, trials = _table(ratings, factor)
    truth = None if references is None else _truth(references, parts)
    known = {r for row in table.values() for results in row.values() for r in results}
    if conforming not in known | set(truth.values() if truth else ()):
        raise StudyError(
            f"conforming {conforming!r}: no rating or reference says so; they say {sorted(known)}"
        )
    bounded = clopper_pearson if interval == "clopper_pearson" else wilson

    def fraction(count: int, of: int) -> Proportion:
        return bounded(count, of, coverage)

    together = [[r for row in table.values() for r in row[part]] for part in parts]
    all_right = None
    if truth is not None:
        right = sum(set(row) == {truth[part]} for part, row in zip(parts, together, strict=True))
        all_right = fraction(right, len(parts))
    flat = {level: [r for part in parts for r in row[part]] for level, row in table.items()}
    return AttributeAgreement(
        factor=factor,
        parts=len(parts),
        trials=trials,
        levels=tuple(
            _level(level, row, truth, conforming, fraction, coverage) for level, row in table.items()
        ),
        between=fraction(sum(len(set(row)) == 1 for row in together), len(parts)),
        between_kappa=fleiss_kappa_of_ratings(together, coverage=coverage),
        all_reference=all_right,
        pairs={(a, b): cohen_kappa(flat[a], flat[b], coverage=coverage) for a, b in combinations(flat, 2)},
    )


def _level(
    level: str,
    row: Mapping[str, list[str]],
    truth: Mapping[str, str] | None,
    conforming: str,
    fraction: _Fraction,
    coverage: float,
) -> LevelAgreement:
    within = within_kappa = None
    if len(next(iter(row.values()))) > 1:
        within = fraction(sum(len(set(results)) == 1 for results in row.values()), len(row))
        within_kappa = fleiss_kappa_of_ratings(list(row.values()), coverage=coverage)
    if truth is None:
        return LevelAgreement(level, within, within_kappa, None, None, None, None)
    pairs = [(result, truth[part]) for part, results in row.items() for result in results]
    on_bad = [result for result, true in pairs if true != conforming]
    on_good = [result for result, true in pairs if true == conforming]
    right = sum(set(results) == {truth[part]} for part, results in row.items())
    return LevelAgreement(
        level,
        within,
        within_kappa,
        fraction(right, len(row)),
        cohen_kappa([result for result, _ in pairs], [true for _, true in pairs], coverage=coverage),
        fraction(on_bad.count(conforming), len(on_bad)) if on_bad else None,
        fraction(len(on_good) - on_good.count(conforming), len(on_good)) if on_good else None,
    )


def _table(ratings: Iterable[Rating], factor: str) -> tuple[_Table, tuple[str, ...], int]:
    table: dict[str, dict[str, list[str]]] = {}
    parts: dict[str, None] = {}
    for r in ratings:
        table.setdefault(r.level, {}).setdefault(r.part, []).append(r.result)
        parts.setdefault(r.part)
    if len(table) < 2 or len(parts) < 2:
        raise StudyError(
            f"{len(parts)} parts and {len(table)} levels of {factor}: agreement needs at least 2 of each"
        )
    trials = len(next(iter(next(iter(table.values())).values())))
    for level, row in table.items():
        for part in parts:
            judged = len(row.get(part, ()))
            if judged != trials:
                raise StudyError(
                    f"{factor} {level!r} judged part {part!r} {judged} times, others {trials}: "
                    "complete the study"
                )
    ordered = {level: {part: row[part] for part in parts} for level, row in table.items()}
    return ordered, tuple(parts), trials


def _truth(references: Mapping[str, str], parts: tuple[str, ...]) -> dict[str, str]:
    missing = next((part for part in parts if part not in references), None)
    if missing is not None:
        raise StudyError(
            f"part {missing!r} has no reference: state its true category, or leave all references out"
        )
    return {part: references[part] for part in parts}
