"""The summary of a run: what was seeded, found, missed and falsely stopped, and what was decided."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from hallmark.report.pages import render
from quality import Draw, Nonconformance, OqcDecision

Verdict = Literal["ACCEPT", "REJECT", "HOLD"]
Outcome = Literal["passed", "found", "missed", "false alarm", "stopped for another reason"]


@dataclass(frozen=True, slots=True)
class Step:
    """One checkpoint of the run; `units` are those that go on from here, None where none are counted."""

    name: str
    state: Literal["passed", "failed", "open", "not part of this run"]
    note: str
    units: int | None = None


@dataclass(frozen=True, slots=True)
class UnitLine:
    """One inspected unit beside the truth about it.

    Attributes:
        serial: the unit's serial.
        station: where it was inspected.
        verdict: what the inspection said.
        reasons: reason codes of the record.
        inspection: id of the record.
        seeded: what was done to the unit, in words; None for a good unit.
        found: what the inspection named, in words; empty where it named nothing.
        matched: whether what was found is what was seeded, by place or characteristic.
        href: the unit's inspection sheet, or None.
    """

    serial: str
    station: str
    verdict: Verdict
    reasons: tuple[str, ...]
    inspection: str
    seeded: str | None = None
    found: str = ""
    matched: bool = False
    href: str | None = None

    @property
    def outcome(self) -> Outcome:
        """The verdict against the truth."""
        if self.seeded is None:
            return "passed" if self.verdict == "ACCEPT" else "false alarm"
        if self.verdict == "ACCEPT":
            return "missed"
        return "found" if self.matched else "stopped for another reason"


@dataclass(frozen=True, slots=True)
class HttpExample:
    """One question over HTTP and its answer, shortened to what fits a page."""

    request: str
    status: int
    answer: str


@dataclass(frozen=True, slots=True)
class Link:
    """Another paper of the run; `image` is a relative path or data URI of its thumbnail."""

    title: str
    href: str
    text: str
    image: str | None = None


@dataclass(frozen=True, slots=True)
class DemoSummary:
    """Everything that the summary page shows.

    Attributes:
        title: headline, for example "Board S4, lot DEMO-1".
        made: time of the run, UTC, RFC 3339.
        facts: label and text in the page's head: part, parties, seed, duration.
        steps: the checkpoints in order.
        units: the lot's units, in order; truth is known of each.
        papers: FAI report, real faulty board, sheets.
        lot_size: units at the draw, after the rejects were taken out.
        oqc: the outgoing decision, or None where it was not reached.
        draw: the recorded draw, or None.
        nonconformances: those opened, in order.
        timing_ms: median milliseconds per unit by stage, in order; a stage named "total" is the sum.
        digests: what was used, by name.
        http: what a QC system asks and reads.
        capture: the ranges of the simulated capture, in words by name.
    """

    title: str
    made: str
    facts: Sequence[tuple[str, str]]
    steps: Sequence[Step]
    units: Sequence[UnitLine]
    papers: Sequence[Link] = ()
    lot_size: int = 0
    oqc: OqcDecision | None = None
    draw: Draw | None = None
    nonconformances: Sequence[Nonconformance] = ()
    timing_ms: Mapping[str, float] = field(default_factory=dict[str, float])
    digests: Mapping[str, str] = field(default_factory=dict[str, str])
    http: Sequence[HttpExample] = ()
    capture: Mapping[str, str] = field(default_factory=dict[str, str])

    def with_outcome(self, *outcomes: Outcome) -> list[UnitLine]:
        """Return the units of these outcomes, in order."""
        return [u for u in self.units if u.outcome in outcomes]

    @property
    def seeded(self) -> int:
        """How many units carry a seeded defect or drift."""
        return sum(u.seeded is not None for u in self.units)


def render_summary(summary: DemoSummary) -> str:
    """Return the summary as one HTML page."""
    stages = {name: ms for name, ms in summary.timing_ms.items() if name != "total"}
    return render(
        "summary.html.j2", title=summary.title, s=summary, slowest=max(stages.values(), default=1) or 1
    )
