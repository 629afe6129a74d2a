"""A lot's state, derived from its journal lines. The steps that make such lines are in `quality.steps`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from pydantic import ValidationError

from evidence import GoldenReference
from evidence.inspection import Verdict
from evidence.journal import JournalLine
from quality.errors import StepError
from quality.events import (
    LOT_EVENTS,
    Checkpoint,
    FirstArticleApproved,
    FirstArticleDecided,
    InspectionRecorded,
    LotEvent,
    LotFrozen,
    LotOpened,
    LotReleased,
    OqcDecided,
    Person,
    SampleDrawn,
    UnitResolved,
    nonconformance_id,
)
from quality.fai import FirstArticleDecision
from quality.lot_draw import Draw, manifest_digest, verify_draw
from quality.outgoing import ClassSampling, OqcDecision
from quality.unit_findings import CLASSES, Nonconformity, UnitFindings

Phase = Literal[
    "absent", "opened", "first_article_rejected", "first_article_accepted", "production", "frozen", "drawn",
    "oqc_accepted", "oqc_rejected", "released",
]  # fmt: skip
UnitStatus = Literal["quarantined", "accepted", "rejected", "held"]

_BEFORE_APPROVAL: tuple[Phase, ...] = ("opened", "first_article_rejected", "first_article_accepted")

# Which step may follow in which phase, and what a lot that is elsewhere needs first.
ALLOWED: dict[str, tuple[tuple[Phase, ...], str]] = {
    "lot.opened": (("absent",), "a lot is opened once"),
    "inspection.recorded": (
        (*_BEFORE_APPROVAL, "production", "drawn"),
        "units are inspected in an open lot, or as its drawn sample",
    ),
    "fai.decided": (_BEFORE_APPROVAL, "the first article is decided before production"),
    "fai.approved": (("first_article_accepted",), "an accepted first article comes first"),
    "lot.frozen": (
        ("production",),
        "an accepted and approved first article comes first, and a lot is frozen once",
    ),
    "oqc.drawn": (("frozen",), "the manifest is frozen first, and a sample is drawn once"),
    "oqc.resolved": (("drawn",), "units are resolved between draw and decision"),
    "oqc.decided": (("drawn",), "the sample is drawn first, and the decision is final"),
    "lot.released": (("oqc_accepted",), "outgoing quality control must accept first, and a release is final"),
}


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

    `holds` are the records that hold it and that no later record has cleared.
    """

    status: UnitStatus
    verdict: Verdict
    inspection: str
    stations: tuple[str, ...]
    holds: tuple[Hold, ...] = ()


@dataclass(frozen=True, slots=True)
class SampleUnit:
    """A unit of the outgoing sample: what the independent station, or a person, found on it."""

    verdict: Verdict
    inspection: str
    findings: UnitFindings
    holds: tuple[Hold, ...] = ()


@dataclass(frozen=True, slots=True)
class LotState:
    """A lot as its journal lines tell it. Read only.

    `units` and `sample` are by serial; `causes` holds the causes of its non-conformances in order of opening;
    `sequence` is the last journal line that was folded in.
    """

    lot: str
    phase: Phase = "absent"
    sequence: int = 0
    golden: GoldenReference | None = None
    part: str | None = None
    revision: str | None = None
    units: dict[str, LotUnit] = field(default_factory=dict[str, LotUnit])
    first_article: FirstArticleDecision | None = None
    approved_by: Person | None = None
    manifest: str | None = None
    serials: tuple[str, ...] = ()
    draw: Draw | None = None
    samplings: tuple[ClassSampling, ...] = ()
    sample: dict[str, SampleUnit] = field(default_factory=dict[str, SampleUnit])
    oqc: OqcDecision | None = None
    released_by: Person | None = None
    causes: dict[str, None] = field(default_factory=dict[str, None])

    def record(self) -> dict[str, Any]:
        """Return the state as a JSON object; units are counted, the sample is listed in the order drawn."""
        counts = Counter(unit.status for unit in self.units.values())
        drawn = () if self.draw is None else self.draw.serials
        return {
            "lot": self.lot,
            "phase": self.phase,
            "golden": _dump(self.golden),
            "part": self.part,
            "revision": self.revision,
            "units": {s: counts[s] for s in ("accepted", "rejected", "held", "quarantined")},
            "first_article": _dump(self.first_article),
            "approved_by": _dump(self.approved_by),
            "manifest": self.manifest,
            "size": len(self.serials) if self.manifest else None,
            "draw": _dump(self.draw),
            "samplings": [_dump(s) for s in self.samplings],
            "sample": [_sample_record(serial, self.sample.get(serial)) for serial in drawn],
            "oqc": _dump(self.oqc),
            "released_by": _dump(self.released_by),
            "nonconformances": [
                {"id": nonconformance_id(self.lot, cause), "cause": cause} for cause in self.causes
            ],
        }


def replay(lot: str, lines: Iterable[JournalLine]) -> LotState:
    """Return a lot's state from journal lines in order; lines of other subjects are skipped.

    Raises:
        StepError: a line of the lot does not follow from those before it.
    """
    state = LotState(lot)
    for line in lines:
        if line.subject == lot:
            state = _fold(state, line)
    return state


def apply(state: LotState, line: JournalLine) -> LotState:
    """Return the state after one more line of the lot; the given state stays as it is.

    Raises:
        StepError: the line is of another subject, or does not follow from the state.
    """
    if line.subject != state.lot:
        raise StepError(
            f"journal line {line.sequence} is about {line.subject!r}, not about lot {state.lot!r}"
        )
    own = replace(state, units=dict(state.units), sample=dict(state.sample), causes=dict(state.causes))
    return _fold(own, line)


def require(state: LotState, kind: str) -> None:
    """Raise StepError unless an event of that kind may follow."""
    phases, needs = ALLOWED[kind]
    if state.phase not in phases:
        raise StepError(f"lot {state.lot}: {kind} cannot follow while the lot is {state.phase!r}: {needs}")


def checkpoint(state: LotState) -> Checkpoint:
    """Return what an inspection recorded now would be for."""
    if state.phase in _BEFORE_APPROVAL:
        return "first_article"
    return "oqc" if state.phase == "drawn" else "production"


def _fold(state: LotState, line: JournalLine) -> LotState:
    """Return the state after a line. Changes the dictionaries of `state`, which the caller owns."""
    model = LOT_EVENTS.get(line.kind)
    if model is None:
        raise StepError(f"journal line {line.sequence}: {line.kind!r} is not an event of a lot")
    if line.sequence <= state.sequence:
        raise StepError(f"journal line {line.sequence} comes after line {state.sequence} of lot {state.lot}")
    require(state, line.kind)
    try:
        event = model.model_validate(line.body)
    except ValidationError as error:
        raise StepError(f"journal line {line.sequence}: not the body of {line.kind}: {error}") from error
    return replace(_after(state, event), sequence=line.sequence)


def _after(state: LotState, event: LotEvent) -> LotState:  # noqa: PLR0911 (one return per event)
    match event:
        case LotOpened():
            return replace(
                state, phase="opened", golden=event.golden, part=event.part, revision=event.revision
            )
        case InspectionRecorded():
            return _after_inspection(state, event)
        case FirstArticleDecided(decision=decision):
            return _after_first_article(state, decision)
        case FirstArticleApproved():
            require_standing(state)
            return replace(state, phase="production", approved_by=event.person)
        case LotFrozen():
            return _after_freeze(state, event)
        case SampleDrawn():
            if state.manifest != event.draw.manifest or not verify_draw(event.draw, state.lot, state.serials):
                raise StepError(
                    f"lot {state.lot}: the recorded draw is not what its seed gives for this manifest"
                )
            return replace(state, phase="drawn", draw=event.draw, samplings=event.samplings)
        case UnitResolved():
            return _after_resolution(state, event)
        case OqcDecided(decision=decision):
            return _after_oqc(state, decision)
        case LotReleased():
            return replace(state, phase="released", released_by=event.person)


def _after_inspection(state: LotState, event: InspectionRecorded) -> LotState:
    if event.checkpoint != checkpoint(state):
        raise StepError(
            f"lot {state.lot}: an inspection for {event.checkpoint} cannot follow while it is {state.phase!r}"
        )
    _add_causes(state, [n for n in event.findings.nonconformities if n.severity == "critical"])
    if event.checkpoint == "oqc":
        before = state.sample.get(event.serial)
        state.sample[event.serial] = _observed(before, event)
    else:
        known = state.units.get(event.serial)
        state.units[event.serial] = _judged(known, event)
    return state


def _judged(known: LotUnit | None, event: InspectionRecorded) -> LotUnit:
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


def _observed(before: SampleUnit | None, event: InspectionRecorded) -> SampleUnit:
    """Return a sample unit after one more record: what was found stays, what is open until a later record."""
    if before is None:
        return SampleUnit(event.verdict, event.inspection, event.findings, _holds((), event))
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
    )


def _after_first_article(state: LotState, decision: FirstArticleDecision) -> LotState:
    for serial, inspection in zip(decision.serials, decision.inspections, strict=True):
        unit = state.units.get(serial)
        if unit is None or unit.inspection != inspection:
            raise StepError(
                f"lot {state.lot}: the first article rests on {inspection}, which was not recorded"
            )
    _add_causes(state, decision.causes)
    phase: Phase = "first_article_accepted" if decision.accepted else "first_article_rejected"
    return replace(state, phase=phase, first_article=decision)


def _after_freeze(state: LotState, event: LotFrozen) -> LotState:
    accepted = accepted_serials(state)
    if event.serials != accepted or event.manifest != manifest_digest(state.lot, accepted):
        raise StepError(f"lot {state.lot}: the manifest is not the lot's {len(accepted)} accepted units")
    return replace(state, phase="frozen", manifest=event.manifest, serials=accepted)


def _after_resolution(state: LotState, event: UnitResolved) -> LotState:
    unit = state.sample.get(event.serial)
    if unit is None:
        raise StepError(f"lot {state.lot}: unit {event.serial} has no record to resolve")
    _add_causes(state, [n for n in event.nonconformities if n.severity == "critical"])
    found = (*unit.findings.nonconformities, *event.nonconformities)
    verdict: Verdict = "REJECT" if event.nonconformities or unit.verdict == "REJECT" else "ACCEPT"
    state.sample[event.serial] = SampleUnit(verdict, unit.inspection, UnitFindings(nonconformities=found))
    return state


def _after_oqc(state: LotState, decision: OqcDecision) -> LotState:
    assert state.draw is not None
    unseen = [serial for serial in state.draw.serials if serial not in state.sample]
    if decision.outcome == "accept" and unseen:
        raise StepError(f"lot {state.lot}: accepted, but {len(unseen)} units of the sample have no record")
    _add_causes(state, decision.causes)
    phases: dict[str, Phase] = {"accept": "oqc_accepted", "reject": "oqc_rejected", "undecided": "drawn"}
    return replace(state, phase=phases[decision.outcome], oqc=decision)


def require_standing(state: LotState) -> None:
    """Raise StepError unless each first-article unit still rests on the inspection that was decided."""
    decision = state.first_article
    assert decision is not None
    for serial, inspection in zip(decision.serials, decision.inspections, strict=True):
        current = state.units[serial].inspection
        if current != inspection:
            raise StepError(
                f"lot {state.lot}: the first article was decided on {inspection}, but {current} stands for "
                f"unit {serial} now; decide it again"
            )


def accepted_serials(state: LotState) -> tuple[str, ...]:
    """Return the serials of the accepted units, sorted."""
    return tuple(sorted(serial for serial, unit in state.units.items() if unit.status == "accepted"))


def _add_causes(state: LotState, nonconformities: Iterable[Nonconformity]) -> None:
    state.causes.update(dict.fromkeys(n.cause for n in nonconformities))


def _dump(model: Any) -> Any:  # noqa: ANN401 (any of the room's models, or None)
    return None if model is None else model.model_dump(mode="json")


def _sample_record(serial: str, unit: SampleUnit | None) -> dict[str, Any]:
    if unit is None:
        return {"serial": serial, "verdict": None, "inspection": None, "findings": None}
    return {
        "serial": serial,
        "verdict": unit.verdict,
        "inspection": unit.inspection,
        "findings": _dump(unit.findings),
    }
