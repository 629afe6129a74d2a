"""The steps of a lot: each takes the state, checks what must hold, and returns the events to append.

No production before the first article is accepted and approved by a person; no shipment before outgoing
quality control accepts; rejected and held units leave the lot before the draw.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

from evidence import GoldenReference, Inspection, verify_digest
from golden.spec import GoldenSpec
from quality.errors import EvidenceError, StepError
from quality.events import (
    FirstArticleApproved,
    FirstArticleDecided,
    InspectionRecorded,
    LotCleared,
    LotFrozen,
    LotOpened,
    LotQuarantined,
    LotResubmitted,
    NewEvent,
    Person,
    Resubmission,
    lot_event,
    made,
)
from quality.fai import EnteredResult, first_article
from quality.lot_draw import manifest_digest
from quality.lot_notes import noted
from quality.lot_state import (
    LotState,
    accepted_serials,
    catalogue_digest,
    require,
    require_agreed,
    require_screened,
)
from quality.lots import checkpoint, critical_only, would_follow
from quality.record_checks import check_results
from quality.unit_findings import findings, late_findings

Events = tuple[NewEvent, ...]


def open_lot(
    state: LotState, spec: GoldenSpec, golden: GoldenReference, *, resubmits: LotState | None = None
) -> Events:
    """Open a lot under a sealed golden sample; catalogue, outgoing plan and deciding party are fixed with it.

    With a rejected lot it is that lot's resubmission: a lot of the units that nothing stands against, each of
    which is screened, by a station that has not accepted it before or by a person. It is frozen once all are,
    judged at tightened inspection, and counts in no series (ISO 2859-1:1999, 7.4 and 9.3).

    Raises:
        StepError: the lot is open, or the other lot is not rejected, was resubmitted before, or is of another
            golden sample; or nothing is left of it.
    """
    require(state, LotOpened.kind)
    opened = LotOpened(
        golden=golden,
        part=spec.part.number,
        revision=spec.part.revision,
        parties=spec.parties,
        decides=spec.plans.fai.approved_by,
        oqc=spec.plans.oqc,
        catalogue=catalogue_digest(spec.catalogue),
        resubmission=None if resubmits is None else _resubmission(resubmits, golden),
    )
    would_follow(state, opened)
    if resubmits is None:
        return (lot_event(state.lot, opened),)
    again = LotResubmitted(as_lot=state.lot)
    would_follow(resubmits, again)
    return (lot_event(state.lot, opened), lot_event(resubmits.lot, again))


def _resubmission(rejected: LotState, golden: GoldenReference) -> Resubmission:
    require(rejected, LotResubmitted.kind)
    if rejected.golden != golden:
        raise StepError(
            f"lot {rejected.lot} was made by another golden sample; it is resubmitted under its own"
        )
    bad = {serial for serial, unit in rejected.sample.items() if unit.verdict == "REJECT"}
    bad |= {serial for serial, late in rejected.late.items() if late.resolution is None}
    left = [serial for serial in rejected.serials if serial not in bad and serial not in rejected.quarantine]
    if not left:
        raise StepError(f"lot {rejected.lot}: no unit is left that nothing stands against")
    return Resubmission(lot=rejected.lot, units={s: rejected.units[s].stations for s in left})


def record_inspection(state: LotState, spec: GoldenSpec, inspection: Inspection) -> Events:
    """Record a unit's inspection: for first article, production or drawn sample, or as a late finding.

    A record that is already the unit's last gives no events. Records of several stations may come in any
    order: a HOLD is cleared by a record of the same station with a higher sequence, or by one whose every
    frame was taken after the held record's; an ACCEPT that is neither clears nothing. In the sample, what a
    HOLD has already found stays found.

    From the freeze until the release (a rejected lot takes nothing more) a record that does not accept a unit
    of the manifest is a late finding, whichever station made it, unless it is the sample's. It opens or
    extends a non-conformance of every cause, of its reasons where it names no other, and the lot is neither
    drawn, nor accepted, nor released until a person resolves the unit. Elsewhere only a critical
    nonconformity opens or extends the non-conformance of its cause.

    Raises:
        StepError: the lot takes no inspections now.
        EvidenceError: the record is altered, or of another lot, part or golden sample; it names no unit or
            station; its results are not the golden sample's; or it is for the drawn sample and the unit is
            not in it or the station has judged the unit before.
    """
    require(state, InspectionRecorded.kind)
    require_agreed(state, spec)
    serial, station = _identified(state, inspection)
    check_results(spec, inspection)
    if inspection.id in _counted(state, serial):
        return ()
    captured = _captured(inspection)
    purpose, means = checkpoint(state, serial, station, inspection.verdict, captured)
    if purpose == "late":
        found = late_findings(spec, inspection)
    else:
        found = findings(spec, inspection, "oqc" if purpose == "oqc" else None)
    recorded = InspectionRecorded(
        inspection=inspection.id,
        digest=inspection.digest,
        serial=serial,
        station=station,
        verdict=inspection.verdict,
        checkpoint=purpose,
        findings=found,
        sequence=inspection.sequence,
        captured=captured,
        means=means,
    )
    if purpose == "late":
        notes = noted(state, found.nonconformities, "late_finding", (serial,), (inspection.id,))
    else:
        critical = critical_only(found.nonconformities)
        notes = noted(state, critical, "critical_nonconformity", (serial,), (inspection.id,))
    return (lot_event(state.lot, recorded), *notes)


def decide_first_article(
    state: LotState,
    spec: GoldenSpec,
    inspections: Sequence[Inspection],
    entered: Sequence[EnteredResult] = (),
) -> Events:
    """Decide the first article; if it is not accepted, a non-conformance of each cause opens.

    Raises:
        StepError: production has already been approved.
        EvidenceError: an inspection is not the one that the lot rests on for its unit, or `first_article`
            refuses.
    """
    require(state, FirstArticleDecided.kind)
    for inspection in inspections:
        serial, _ = _identified(state, inspection)
        unit = state.units.get(serial)
        if unit is None or unit.inspection != inspection.id:
            raise EvidenceError(
                f"lot {state.lot}: inspection {inspection.id} is not the one that stands for unit {serial}; "
                "record it first, and take another unit in place of a rejected one"
            )
    decision = first_article(spec, inspections, entered)
    notes = noted(state, decision.causes, "first_article", decision.serials, decision.inspections)
    return (lot_event(state.lot, FirstArticleDecided(decision=decision)), *notes)


def approve_first_article(state: LotState, spec: GoldenSpec, person: Person) -> Events:
    """Approve an accepted first article: a person of the party that the plan names starts production.

    Raises:
        StepError: no accepted first article, another inspection stands for one of its units since the
            decision, or the person acts for another party.
    """
    require(state, FirstArticleApproved.kind)
    require_agreed(state, spec)
    event = FirstArticleApproved(person=person)
    would_follow(state, event)
    return (lot_event(state.lot, event),)


def quarantine_units(state: LotState, serials: Sequence[str], *, cause: str, reason: str) -> Events:
    """Quarantine units whatever their own records say; a second cause adds to the first.

    Before the freeze they leave the accepted units, and the freeze leaves them out. After it the lot is
    neither drawn, nor accepted, nor released until a person clears those of the manifest.

    Raises:
        StepError: the lot is not in production, in outgoing control or accepted, no unit is named, or one is
            named twice or has no record in the lot, or cause or reason are empty or too long.
    """
    event = made(LotQuarantined, serials=tuple(serials), cause=cause, reason=reason)
    would_follow(state, event)
    return (lot_event(state.lot, event),)


def clear_units(
    state: LotState, spec: GoldenSpec, serials: Sequence[str], person: Person, *, reason: str
) -> Events:
    """Clear quarantined units of all causes; a unit that its own records reject or hold stays so.

    Raises:
        StepError: a unit is not in quarantine, or the person does not act for the party that approves the
            first article, or not in role quality, or the reason is empty or too long.
    """
    require(state, LotCleared.kind)
    require_agreed(state, spec)
    event = made(LotCleared, serials=tuple(serials), person=person, reason=reason)
    would_follow(state, event)
    return (lot_event(state.lot, event),)


def freeze_lot(state: LotState) -> Events:
    """End production: the accepted units are the lot; rejected, held and quarantined units have left it.

    Raises:
        StepError: production has not been approved, a resubmitted unit is not screened, the lot is frozen
            already, or no unit is accepted.
    """
    require(state, LotFrozen.kind)
    require_screened(state)
    serials = accepted_serials(state)
    if not serials:
        raise StepError(f"lot {state.lot}: no unit is accepted; there is nothing to ship")
    return (lot_event(state.lot, LotFrozen(manifest=manifest_digest(state.lot, serials), serials=serials)),)


def _identified(state: LotState, inspection: Inspection) -> tuple[str, str]:
    """Return serial and station of a record that belongs to the lot; raise EvidenceError of any other."""
    where = f"lot {state.lot}: inspection {inspection.id}"
    if inspection.serial is None or inspection.station is None:
        raise EvidenceError(f"{where} names no {'unit' if inspection.serial is None else 'station'}")
    if inspection.lot != state.lot:
        raise EvidenceError(f"{where} belongs to lot {inspection.lot!r}")
    if inspection.golden != state.golden:
        raise EvidenceError(
            f"{where} was judged by golden sample {inspection.golden.digest}, not by the lot's"
        )
    if (inspection.part, inspection.revision) != (state.part, state.revision):
        raise EvidenceError(
            f"{where} is of {inspection.part} {inspection.revision}, not of {state.part} {state.revision}"
        )
    if not verify_digest(inspection):
        raise EvidenceError(f"{where} was altered: its content does not match its digest")
    return inspection.serial, inspection.station


def _captured(inspection: Inspection) -> tuple[str, str] | None:
    """Return when the first and the last frame were taken, in one form so that text order is time order."""
    noted = [frame.captured_at for frame in inspection.frames]
    try:
        times = sorted(datetime.fromisoformat(t).astimezone(UTC) for t in noted if t is not None)
    except ValueError as error:
        raise EvidenceError(f"inspection {inspection.id}: a frame's time is not a time: {error}") from error
    if not times or len(times) < len(noted):
        return None
    first, last = (t.isoformat(timespec="microseconds").replace("+00:00", "Z") for t in (times[0], times[-1]))
    return first, last


def _counted(state: LotState, serial: str) -> tuple[str, ...]:
    """Return the inspections of a unit that would change nothing if they came again."""
    late = state.late.get(serial)
    last = (state.units.get(serial), state.sample.get(serial))
    stands = (unit.inspection for unit in last if unit is not None)
    return (*(() if late is None else late.inspections), *(i for i in stands if i is not None))
