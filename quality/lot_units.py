"""The units of a lot, each after one more record. Records of several stations arrive in any order."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

from evidence.inspection import Verdict
from golden.plans import IndependentMeans
from quality.events import InspectionRecorded, UnitResolved
from quality.unit_findings import CLASSES, UnitFindings

UnitStatus = Literal["quarantined", "accepted", "rejected", "held"]


@dataclass(frozen=True, slots=True)
class Hold:
    """A record that left a unit undecided: its station, its number there, its last frame's time."""

    station: str
    sequence: int | None
    captured: str | None

    def cleared_by(self, event: InspectionRecorded) -> bool:
        """Return whether a record is certainly later: records of several stations arrive in any order."""
        if event.station == self.station and event.sequence is not None and self.sequence is not None:
            return event.sequence > self.sequence
        return event.captured is not None and self.captured is not None and event.captured[0] > self.captured


@dataclass(frozen=True, slots=True)
class LotUnit:
    """A produced unit: its status, the verdict and inspection it rests on, the stations that judged it.

    A person who screened it stands among the stations as `person:NAME`, and there is no inspection.
    `holds` are the records that hold it and that no later record has cleared.
    """

    status: UnitStatus
    verdict: Verdict
    inspection: str | None
    stations: tuple[str, ...]
    holds: tuple[Hold, ...] = ()


@dataclass(frozen=True, slots=True)
class SampleUnit:
    """A unit of the outgoing sample: what an independent means found on it; a person makes no inspection."""

    verdict: Verdict
    inspection: str | None
    findings: UnitFindings
    holds: tuple[Hold, ...] = ()
    means: IndependentMeans | None = None


@dataclass(frozen=True, slots=True)
class LateFinding:
    """What came to light on a unit of the manifest after the freeze, and how a person cleared it."""

    verdict: Verdict
    inspections: tuple[str, ...]
    resolution: UnitResolved | None = None


def suspected(known: LateFinding | None, event: InspectionRecorded) -> LateFinding:
    """Return a late finding after one more record: a rejection stands, and a person's clearance is over."""
    if known is None:
        return LateFinding(event.verdict, (event.inspection,))
    stands = known.verdict == "REJECT" and known.resolution is None
    inspections = tuple(dict.fromkeys((*known.inspections, event.inspection)))
    return LateFinding("REJECT" if stands else event.verdict, inspections)


def judged(known: LotUnit | None, event: InspectionRecorded) -> LotUnit:
    """Return a unit after one more record: a rejection stands, and who was quarantined stays so."""
    statuses: dict[Verdict, UnitStatus] = {"ACCEPT": "accepted", "REJECT": "rejected", "HOLD": "held"}
    holds = _holds(() if known is None else known.holds, event)
    stations = (event.station,)
    if known is not None:
        stations = known.stations if event.station in known.stations else (*known.stations, event.station)
        if known.verdict == "REJECT" or (holds and event.verdict == "ACCEPT"):
            return replace(known, stations=stations, holds=holds)
    status: UnitStatus = statuses[event.verdict]
    if event.checkpoint == "first_article" or (known is not None and known.status == "quarantined"):
        status = "quarantined"
    return LotUnit(status, event.verdict, event.inspection, stations, holds)


def _holds(before: tuple[Hold, ...], event: InspectionRecorded) -> tuple[Hold, ...]:
    """Return what still holds a unit after one more record."""
    left = tuple(hold for hold in before if not hold.cleared_by(event))
    if event.verdict == "ACCEPT" or not event.findings.undecided:
        return left
    return (*left, Hold(event.station, event.sequence, event.captured and event.captured[1]))


def observed(before: SampleUnit | None, event: InspectionRecorded) -> SampleUnit:
    """Return a sample unit after one more record: what was found stays, what is open until a later record."""
    if before is None:
        return SampleUnit(event.verdict, event.inspection, event.findings, _holds((), event), event.means)
    uncleared = any(not hold.cleared_by(event) for hold in before.holds)
    open_ = {*event.findings.undecided, *(before.findings.undecided if uncleared else ())}
    both = dict.fromkeys((*before.findings.nonconformities, *event.findings.nonconformities))
    verdict = event.verdict
    if before.verdict == "REJECT" or (uncleared and verdict == "ACCEPT"):
        verdict = before.verdict
    return SampleUnit(
        verdict,
        before.inspection if uncleared and event.verdict == "ACCEPT" else event.inspection,
        UnitFindings(nonconformities=tuple(both), undecided=tuple(c for c in CLASSES if c in open_)),
        _holds(before.holds, event),
        event.means,
    )
