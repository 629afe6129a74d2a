"""A station beside human graders: who agrees with the reference, with himself and with whom."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from hallmark.errors import ReadingFileError
from hallmark.study.table_file import read_rows
from quality.errors import StudyError
from quality.msa import (
    AttributeAgreement,
    Kappa,
    LevelAgreement,
    Rating,
    attribute_agreement,
    fleiss_kappa_of_ratings,
)
from quality.proportions import Proportion

_NEEDED = ("unit", "grader", "trial", "call")


@dataclass(frozen=True, slots=True)
class Calls:
    """The calls of a file, each grader's on a unit in the order of trials, and the units' references."""

    ratings: tuple[Rating, ...]
    references: dict[str, str] | None


@dataclass(frozen=True, slots=True)
class StationStudy:
    """An attribute agreement study in which one grader is a station.

    `people` is Fleiss' kappa among the people alone, all trials; null where there is one person, once.
    """

    station: str
    agreement: AttributeAgreement
    people: Kappa | None


def read_calls(file: Path) -> Calls:
    """Return the calls of a CSV file: unit, grader, trial, call and, for all units or none, reference.

    Raises:
        ReadingFileError: it cannot be read, lacks a column or a cell, or contradicts itself.
    """
    rows = read_rows(file, _NEEDED)
    if not rows:
        raise ReadingFileError(f"{file}: lists no calls")
    found: dict[tuple[str, str], dict[str, str]] = {}
    references: dict[str, str] = {}
    for line, given in enumerate(rows, 2):
        empty = next((name for name in _NEEDED if not given[name]), None)
        if empty is not None:
            raise ReadingFileError(f"{file}, line {line}: {empty} is empty")
        unit, reference = given["unit"], given.get("reference", "")
        trials = found.setdefault((unit, given["grader"]), {})
        if given["trial"] in trials:
            raise ReadingFileError(
                f"{file}, line {line}: trial {given['trial']} of {given['grader']} on {unit} is there twice"
            )
        trials[given["trial"]] = given["call"]
        if reference and references.setdefault(unit, reference) != reference:
            raise ReadingFileError(
                f"{file}, line {line}: unit {unit} is {reference} here and {references[unit]} above"
            )
    ratings = tuple(
        Rating(unit, grader, trials[trial])
        for (unit, grader), trials in found.items()
        for trial in sorted(trials, key=lambda t: (len(t), t))
    )
    return Calls(ratings, references or None)


def compare(calls: Calls, *, station: str, conforming: str) -> StationStudy:
    """Return the agreement of all graders, the station's among them.

    Raises:
        StudyError: nobody is the station, or see `quality.msa.attribute_agreement`.
    """
    graders = list(dict.fromkeys(r.level for r in calls.ratings))
    if station not in graders:
        raise StudyError(
            f"no grader is called {station!r}: say by --station which is, of {', '.join(graders)}"
        )
    agreement = attribute_agreement(
        calls.ratings, factor="grader", conforming=conforming, references=calls.references
    )
    by_unit: dict[str, list[str]] = {}
    for r in calls.ratings:
        if r.level != station:
            by_unit.setdefault(r.part, []).append(r.result)
    rows = list(by_unit.values())
    people = fleiss_kappa_of_ratings(rows) if rows and len(rows[0]) > 1 else None
    return StationStudy(station, agreement, people)


def guideline(level: LevelAgreement) -> str | None:
    """Return how AIAG MSA 4th ed., chapter III-C, calls a grader: acceptable, marginal, unacceptable.

    None without references, or where no unit conforms or none fails.
    """
    if level.effectiveness is None or level.miss is None or level.false_alarm is None:
        return None
    right, miss, alarm = level.effectiveness.value, level.miss.value, level.false_alarm.value
    if right >= 0.90 and miss <= 0.02 and alarm <= 0.05:
        return "acceptable"
    return "marginal" if right >= 0.80 and miss <= 0.05 and alarm <= 0.10 else "unacceptable"


def attribute_record(study: StationStudy) -> dict[str, Any]:
    """Return the study as JSON."""
    a = study.agreement
    return {
        "station": study.station, "units": a.parts, "trials": a.trials,
        "graders": [
            {**asdict(level), "grader": level.level, "guideline": guideline(level)} for level in a.levels
        ],
        "all_agree": asdict(a.between), "fleiss_all": asdict(a.between_kappa),
        "fleiss_people": None if study.people is None else asdict(study.people),
        "all_give_reference": None if a.all_reference is None else asdict(a.all_reference),
        "pairs": [{"graders": list(pair), **asdict(kappa)} for pair, kappa in a.pairs.items()],
    }  # fmt: skip


def attribute_lines(study: StationStudy) -> Iterator[str]:
    """Yield the study as text."""
    a = study.agreement
    yield f"{a.parts} units, {a.trials} trials of each by {len(a.levels)} graders; intervals cover 95 %"
    for level in a.levels:
        yield ""
        yield f"{level.level}{' (station)' if level.level == study.station else ''}"
        yield from _grader(level)
    yield ""
    yield f"all calls of all graders agree   {_share(a.between)}"
    if a.all_reference is not None:
        yield f"all of them give the reference   {_share(a.all_reference)}"
    yield f"Fleiss' kappa, all graders       {_kappa(a.between_kappa)}"
    if study.people is not None:
        yield f"Fleiss' kappa, people alone      {_kappa(study.people)}"
    for (first, second), kappa in a.pairs.items():
        yield f"Cohen's kappa, {f'{first} and {second}':<17} {_kappa(kappa)}"


def _grader(level: LevelAgreement) -> Iterator[str]:
    shares: Sequence[tuple[str, Proportion | None]] = (
        ("agrees with itself", level.within),
        ("effectiveness", level.effectiveness),
        ("miss rate", level.miss),
        ("false-alarm rate", level.false_alarm),
    )
    for name, share in shares:
        if share is not None:
            yield f"  {name:<30} {_share(share)}"
    for name, kappa in (
        ("kappa within", level.within_kappa),
        ("kappa with the reference", level.reference_kappa),
    ):
        if kappa is not None:
            yield f"  {name:<30} {_kappa(kappa)}"
    word = guideline(level)
    if word is not None:
        yield f"  {'AIAG guideline':<30} {word}"


def _share(share: Proportion) -> str:
    return (
        f"{100 * share.value:6.2f} %  ({100 * share.lower:.2f} to {100 * share.upper:.2f} %, "
        f"{share.count} of {share.n})"
    )


def _kappa(kappa: Kappa) -> str:
    if kappa.value is None:
        return f"undefined: {kappa.undefined}"
    if kappa.interval is None:
        return f"{kappa.value:.4f}"
    return f"{kappa.value:.4f}  ({kappa.interval[0]:.4f} to {kappa.interval[1]:.4f})"
