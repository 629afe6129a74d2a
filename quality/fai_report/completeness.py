"""What a first article report lacks, and whether production has lapsed (AS9102 Rev C, clause 4)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Literal

from quality.fai_report.forms import FaiType

LAPSE_YEARS = 2

ShortcomingCode = Literal[
    "baseline_and_reason", "characteristic_without_result", "nonconformance_number",
    "nonconformance_documented", "signature", "customer_approval", "triggered", "production_lapse",
    "superseded",
]  # fmt: skip


@dataclass(frozen=True, slots=True)
class Shortcoming:
    """One thing that a report lacks, and the sentence that says so."""

    code: ShortcomingCode
    sentence: str


@dataclass(frozen=True, slots=True)
class FairSummary:
    """The figures of a report by which its completeness is judged.

    `nonconforming` counts characteristics that do not conform, `numbered` those of them with their
    nonconformance number.
    """

    fai_type: FaiType
    baseline: str | None
    reason: str | None
    characteristics: int
    accounted: int
    nonconforming: int
    numbered: int
    verified_by: str | None
    approved_by: str | None


def content_shortcomings(summary: FairSummary) -> tuple[Shortcoming, ...]:
    """Return what keeps a report from being submitted: with any of these it is not even a record."""
    found: list[Shortcoming] = []
    if summary.fai_type == "partial" and not (summary.baseline and summary.reason):
        found.append(Shortcoming("baseline_and_reason", "a partial FAI names its baseline and its reason"))
    if summary.accounted < summary.characteristics:
        sentence = f"{summary.accounted} of {summary.characteristics} characteristics are accounted for"
        found.append(Shortcoming("characteristic_without_result", sentence))
    if summary.numbered < summary.nonconforming:
        sentence = (
            f"{summary.numbered} of {summary.nonconforming} nonconforming characteristics name their "
            "nonconformance number"
        )
        found.append(Shortcoming("nonconformance_number", sentence))
    return tuple(found)


def shortcomings(summary: FairSummary) -> tuple[Shortcoming, ...]:
    """Return why a report is not complete; a documented nonconformance is recorded, and not complete."""
    found = list(content_shortcomings(summary))
    if summary.nonconforming:
        sentence = "it documents a nonconformance; a partial FAI of what did not conform completes it"
        found.append(Shortcoming("nonconformance_documented", sentence))
    if not (summary.verified_by and summary.approved_by):
        found.append(Shortcoming("signature", "fields 20 to 23 need both signatures and their dates"))
    return tuple(found)


def lapsed(last_production: date, on: date) -> bool:
    """Return whether production has lapsed for two years or more; from 29 February they end on the 28th."""
    return on >= lapse_date(last_production)


def lapse_date(last_production: date) -> date:
    """Return the first day on which production has lapsed."""
    year = last_production.year + LAPSE_YEARS
    if (last_production.month, last_production.day) == (2, 29):
        return date(year, 2, 28)
    return last_production.replace(year=year)
