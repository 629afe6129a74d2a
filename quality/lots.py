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
from quality.errors import EvidenceError, StepError
from quality.events import (
    LOT_EVENTS,
    Checkpoint,
    FirstArticleApproved,
    FirstArticleDecided,
    InspectionRecorded,
    LotCleared,
    LotEvent,
    LotFrozen,
    LotOpened,
    LotQuarantined,
    LotReleased,
    OqcDecided,
    Person,
    SampleDrawn,
    UnitResolved,
    nonconformance_id,
)
from quality.fai import FirstArticleDecision
from quality.lot_draw import Draw, manifest_digest, verify_draw
from quality.lot_quarantine import cleared, quarantined
from quality.lot_units import LateFinding, LotUnit, SampleUnit, UnitStatus, judged, observed, suspected
from quality.outgoing import ClassSampling, OqcDecision
from quality.unit_findings import Nonconformity, UnitFindings

Phase = Literal[
    "absent", "opened", "first_article_rejected", "first_article_accepted", "production", "frozen", "drawn",
    "oqc_accepted", "oqc_rejected", "released",
]  # fmt: skip

_BEFORE_APPROVAL: tuple[Phase, ...] = ("opened", "first_article_rejected", "first_article_accepted")
_IN_HAND: tuple[Phase, ...] = ("production", "frozen", "drawn", "oqc_accepted")

# Which step may follow in which phase, and what a lot that is elsewhere needs first.
ALLOWED: dict[str, tuple[tuple[Phase, ...], str]] = {
    "lot.opened": (("absent",), "a lot is opened once"),
    "inspection.recorded": (
        (*_BEFORE_APPROVAL, *_IN_HAND),
        "units are inspected in an open lot, or as its drawn sample",
    ),
    "fai.decided": (_BEFORE_APPROVAL, "the first article is decided before production"),
    "fai.approved": (("first_article_accepted",), "an accepted first article comes first"),
    "lot.quarantined": (_IN_HAND, "units are quarantined from the approval of production to the release"),
    "lot.cleared": (_IN_HAND, "units are cleared from the approval of production to the release"),
    "lot.frozen": (
        ("production",),
        "an accepted and approved first article comes first, and a lot is frozen once",
    ),
    "oqc.drawn": (("frozen",), "the manifest is frozen first, and a sample is drawn once"),
    "oqc.resolved": (
        ("frozen", "drawn", "oqc_accepted"),
        "units are resolved between draw and decision, late findings until the release",
    ),
    "oqc.decided": (("drawn",), "the sample is drawn first, and the decision is final"),
    "lot.released": (("oqc_accepted",), "outgoing quality control must accept first, and a release is final"),
}


@dataclass(frozen=True, slots=True)
class LotState:
    """A lot as its journal lines tell it. Read only.

    `units`, `sample` and `late` are by serial; `quarantine` holds the causes that quarantine a unit, beside
    what its own records say; `causes` holds the causes of its non-conformances in order
    of opening; `sequence` is the last journal line that was folded in.
    """

    lot: str
    phase: Phase = "absent"
    sequence: int = 0
    golden: GoldenReference | None = None
    part: str | None = None
    revision: str | None = None
    units: dict[str, LotUnit] = field(default_factory=dict[str, LotUnit])
    quarantine: dict[str, tuple[str, ...]] = field(default_factory=dict[str, tuple[str, ...]])
    first_article: FirstArticleDecision | None = None
    approved_by: Person | None = None
    manifest: str | None = None
    serials: tuple[str, ...] = ()
    draw: Draw | None = None
    samplings: tuple[ClassSampling, ...] = ()
    sample: dict[str, SampleUnit] = field(default_factory=dict[str, SampleUnit])
    late: dict[str, LateFinding] = field(default_factory=dict[str, LateFinding])
    oqc: OqcDecision | None = None
    released_by: Person | None = None
    causes: dict[str, None] = field(default_factory=dict[str, None])

    def record(self) -> dict[str, Any]:
        """Return the state as a JSON object; units are counted, the sample is listed in the order drawn."""
        counts = Counter(_status(self, serial) for serial in self.units)
        drawn = () if self.draw is None else self.draw.serials
        return {
            "lot": self.lot,
            "phase": self.phase,
            "golden": _dump(self.golden),
            "part": self.part,
            "revision": self.revision,
            "units": {s: counts[s] for s in ("accepted", "rejected", "held", "quarantined")},
            "quarantine": [
                {"serial": serial, "causes": list(causes)} for serial, causes in self.quarantine.items()
            ],
            "first_article": _dump(self.first_article),
            "approved_by": _dump(self.approved_by),
            "manifest": self.manifest,
            "size": len(self.serials) if self.manifest else None,
            "draw": _dump(self.draw),
            "samplings": [_dump(s) for s in self.samplings],
            "sample": [_sample_record(serial, self.sample.get(serial)) for serial in drawn],
            "late_findings": [_late_record(serial, late) for serial, late in self.late.items()],
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
    own = replace(
        state,
        units=dict(state.units),
        sample=dict(state.sample),
        late=dict(state.late),
        causes=dict(state.causes),
    )
    return _fold(own, line)


def require(state: LotState, kind: str) -> None:
    """Raise StepError unless an event of that kind may follow."""
    phases, needs = ALLOWED[kind]
    if state.phase not in phases:
        raise StepError(f"lot {state.lot}: {kind} cannot follow while the lot is {state.phase!r}: {needs}")


def checkpoint(state: LotState, serial: str, station: str, verdict: Verdict) -> Checkpoint:
    """Return what an inspection of a unit recorded now would be for.

    Raises:
        StepError: the lot takes no such inspection now.
        EvidenceError: it would be for the drawn sample, and the unit is not in it or the station has judged
            the unit before.
    """
    require(state, InspectionRecorded.kind)
    if state.phase in _BEFORE_APPROVAL:
        return "first_article"
    if state.phase == "production":
        return "production"
    drawn = state.draw.serials if state.phase == "drawn" and state.draw is not None else ()
    stations = state.units[serial].stations if serial in state.units else ()
    if serial in drawn and station not in stations:
        return "oqc"
    if verdict != "ACCEPT" and serial in state.serials:
        return "late"
    if state.phase != "drawn":
        raise StepError(
            f"lot {state.lot}: an inspection of unit {serial} cannot follow while it is {state.phase!r}: "
            "only what speaks against a unit of the manifest is still recorded"
        )
    if serial not in drawn:
        raise EvidenceError(f"lot {state.lot}: unit {serial} is not in the drawn sample")
    raise EvidenceError(
        f"lot {state.lot}: station {station} judged unit {serial} in production; "
        "its outgoing inspection needs an independent station"
    )


def require_no_suspect(state: LotState) -> None:
    """Raise StepError while a unit of the manifest is suspect: a late finding, or quarantine, not cleared."""
    kept = [serial for serial in state.serials if serial in state.quarantine]
    if kept:
        raise StepError(
            f"lot {state.lot}: unit {kept[0]} is in quarantine for {', '.join(state.quarantine[kept[0]])} "
            f"({len(kept)} such units of the manifest); a person in role quality clears each of them first"
        )
    suspects = [serial for serial, late in state.late.items() if late.resolution is None]
    if suspects:
        raise StepError(
            f"lot {state.lot}: {state.late[suspects[0]].verdict} of unit {suspects[0]} came after the freeze "
            f"({len(suspects)} such units); a person of the deciding party resolves each of them first"
        )


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


def _after(state: LotState, event: LotEvent) -> LotState:  # noqa: C901, PLR0911 (one case per event)
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
        case LotQuarantined():
            return replace(state, quarantine=quarantined(state.lot, state.quarantine, state.units, event))
        case LotCleared():
            return replace(state, quarantine=cleared(state.lot, state.quarantine, event))
        case LotFrozen():
            return _after_freeze(state, event)
        case SampleDrawn():
            require_no_suspect(state)
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
            require_no_suspect(state)
            return replace(state, phase="released", released_by=event.person)


def _after_inspection(state: LotState, event: InspectionRecorded) -> LotState:
    if event.checkpoint != checkpoint(state, event.serial, event.station, event.verdict):
        raise StepError(
            f"lot {state.lot}: an inspection for {event.checkpoint} cannot follow while it is {state.phase!r}"
        )
    found = event.findings.nonconformities
    _add_causes(state, found if event.checkpoint == "late" else critical_only(found))
    if event.checkpoint == "late":
        state.late[event.serial] = suspected(state.late.get(event.serial), event)
        unit = state.units[event.serial]
        stations = tuple(dict.fromkeys((*unit.stations, event.station)))
        state.units[event.serial] = replace(unit, stations=stations)
    elif event.checkpoint == "oqc":
        before = state.sample.get(event.serial)
        state.sample[event.serial] = observed(before, event)
    else:
        known = state.units.get(event.serial)
        state.units[event.serial] = judged(known, event)
    return state


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
    unit, late = resolvable(state, event.serial)
    if late is not None:
        if event.nonconformities:
            raise StepError(f"lot {state.lot}: a late finding on unit {event.serial} cannot be added to")
        state.late[event.serial] = replace(late, resolution=event)
    if unit is not None:
        _add_causes(state, critical_only(event.nonconformities))
        found = (*unit.findings.nonconformities, *event.nonconformities)
        verdict: Verdict = "REJECT" if event.nonconformities or unit.verdict == "REJECT" else "ACCEPT"
        state.sample[event.serial] = SampleUnit(verdict, unit.inspection, UnitFindings(nonconformities=found))
    return state


def resolvable(state: LotState, serial: str) -> tuple[SampleUnit | None, LateFinding | None]:
    """Return what a person may resolve on a unit: an undecided sample unit, a late finding, or both.

    Raises:
        StepError: there is neither.
    """
    unit = state.sample.get(serial) if state.phase == "drawn" else None
    late = state.late.get(serial)
    open_unit = unit if unit is not None and unit.findings.undecided else None
    open_late = late if late is not None and late.resolution is None else None
    if open_unit is None and open_late is None:
        what = "has no record from an independent station" if unit is None else "is decided"
        raise StepError(f"lot {state.lot}: unit {serial} {what}; there is nothing to resolve")
    return open_unit, open_late


def _after_oqc(state: LotState, decision: OqcDecision) -> LotState:
    assert state.draw is not None
    if decision.outcome != "reject":
        require_no_suspect(state)
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
    return tuple(sorted(serial for serial in state.units if _status(state, serial) == "accepted"))


def _status(state: LotState, serial: str) -> UnitStatus:
    """Return a unit's status: quarantine takes it from the accepted ones, and leaves what is worse."""
    status = state.units[serial].status
    return "quarantined" if status == "accepted" and serial in state.quarantine else status


def critical_only(nonconformities: Iterable[Nonconformity]) -> list[Nonconformity]:
    """Return those that open a non-conformance wherever they are found."""
    return [n for n in nonconformities if n.severity == "critical"]


def _add_causes(state: LotState, nonconformities: Iterable[Nonconformity]) -> None:
    state.causes.update(dict.fromkeys(n.cause for n in nonconformities))


def _dump(model: Any) -> Any:  # noqa: ANN401 (any of the room's models, or None)
    return None if model is None else model.model_dump(mode="json")


def _late_record(serial: str, late: LateFinding) -> dict[str, Any]:
    return {
        "serial": serial,
        "verdict": late.verdict,
        "inspections": list(late.inspections),
        "resolution": _dump(late.resolution),
    }


def _sample_record(serial: str, unit: SampleUnit | None) -> dict[str, Any]:
    if unit is None:
        return {"serial": serial, "verdict": None, "inspection": None, "findings": None}
    return {
        "serial": serial,
        "verdict": unit.verdict,
        "inspection": unit.inspection,
        "findings": _dump(unit.findings),
    }
