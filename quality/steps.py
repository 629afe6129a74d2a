"""The steps of a lot: each takes the state, checks what must hold, and returns the events to append.

No production before the first article is accepted and approved by a person; no shipment before outgoing
quality control accepts; rejected and held units leave the lot before the draw.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Literal

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
    LotReleased,
    NewEvent,
    NonconformanceNoted,
    OqcDecided,
    Person,
    SampleDrawn,
    Trigger,
    UnitResolved,
    lot_event,
    nonconformance_events,
)
from quality.fai import EnteredResult, first_article
from quality.lot_draw import draw, manifest_digest
from quality.lot_quarantine import cleared, quarantined
from quality.lots import (
    LotState,
    accepted_serials,
    checkpoint,
    critical_only,
    require,
    require_no_suspect,
    require_standing,
    resolvable,
)
from quality.outgoing import decide_outgoing, oqc_plans, sample_size
from quality.record_checks import check_results
from quality.unit_findings import Nonconformity, findings, late_findings

Events = tuple[NewEvent, ...]


def open_lot(state: LotState, spec: GoldenSpec, golden: GoldenReference) -> Events:
    """Open a lot under a sealed golden sample."""
    require(state, LotOpened.kind)
    opened = LotOpened(golden=golden, part=spec.part.number, revision=spec.part.revision)
    return (lot_event(state.lot, opened),)


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
    serial, station = _identified(state, inspection)
    check_results(spec, inspection)
    if inspection.id in _counted(state, serial):
        return ()
    purpose = checkpoint(state, serial, station, inspection.verdict)
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
        captured=_captured(inspection),
    )
    if purpose == "late":
        notes = _notes(state, found.nonconformities, "late_finding", (serial,), (inspection.id,))
    else:
        critical = critical_only(found.nonconformities)
        notes = _notes(state, critical, "critical_nonconformity", (serial,), (inspection.id,))
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
    notes = _notes(state, decision.causes, "first_article", decision.serials, decision.inspections)
    return (lot_event(state.lot, FirstArticleDecided(decision=decision)), *notes)


def approve_first_article(state: LotState, spec: GoldenSpec, person: Person) -> Events:
    """Approve an accepted first article: a person of the party that the plan names starts production.

    Raises:
        StepError: no accepted first article, another inspection stands for one of its units since the
            decision, or the person acts for another party.
    """
    require(state, FirstArticleApproved.kind)
    _check_party(state, spec, person)
    require_standing(state)
    return (lot_event(state.lot, FirstArticleApproved(person=person)),)


def quarantine_units(state: LotState, serials: Sequence[str], *, cause: str, reason: str) -> Events:
    """Quarantine units whatever their own records say; a second cause adds to the first.

    Before the freeze they leave the accepted units, and the freeze leaves them out. After it the lot is
    neither drawn, nor accepted, nor released until a person clears those of the manifest.

    Raises:
        StepError: the lot is not in production, in outgoing control or accepted, no unit is named, or one is
            named twice or has no record in the lot, or cause or reason are empty or too long.
    """
    require(state, LotQuarantined.kind)
    _check_said(state, cause=(cause, 200), reason=(reason, 1000))
    event = LotQuarantined(serials=tuple(serials), cause=cause, reason=reason)
    quarantined(state.lot, state.quarantine, state.units, event)
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
    _check_said(state, reason=(reason, 1000))
    _check_party(state, spec, person)
    event = LotCleared(serials=tuple(serials), person=person, reason=reason)
    cleared(state.lot, state.quarantine, event)
    return (lot_event(state.lot, event),)


def freeze_lot(state: LotState) -> Events:
    """End production: the accepted units are the lot; rejected, held and quarantined units have left it.

    Raises:
        StepError: production has not been approved, the lot is frozen already, or no unit is accepted.
    """
    require(state, LotFrozen.kind)
    serials = accepted_serials(state)
    if not serials:
        raise StepError(f"lot {state.lot}: no unit is accepted; there is nothing to ship")
    return (lot_event(state.lot, LotFrozen(manifest=manifest_digest(state.lot, serials), serials=serials)),)


def draw_sample(state: LotState, spec: GoldenSpec, seed: str) -> Events:
    """Draw the outgoing sample of the frozen manifest; the seed is as `quality.draw` describes.

    Raises:
        StepError: the lot is not frozen, its sample is drawn already, or a late finding is not resolved.
        SamplingError: the seed has another form, or the standard has no such plan.
    """
    require(state, SampleDrawn.kind)
    require_no_suspect(state)
    samplings = oqc_plans(spec.plans.oqc, len(state.serials))
    drawn = draw(state.lot, state.serials, sample_size(samplings), seed)
    return (lot_event(state.lot, SampleDrawn(draw=drawn, samplings=samplings)),)


def resolve_unit(
    state: LotState,
    spec: GoldenSpec,
    serial: str,
    person: Person,
    *,
    reason: str,
    nonconformities: Sequence[Nonconformity] = (),
) -> Events:
    """Let a person decide what a station left undecided on a sample unit, or clear a late finding.

    Without nonconformities the unit conforms in all that was undecided; what the station found stays. A late
    finding is cleared with a reason and no nonconformities; what it opened stays open. Where it is true,
    leave it: the lot does not ship.

    Raises:
        StepError: the unit has no record or nothing undecided, nonconformities are given to a late finding,
            the reason is empty or above 1000 characters, or the person does not act for the party that
            approves the first article.
        EvidenceError: a cause names nothing in the golden sample.
    """
    require(state, UnitResolved.kind)
    _check_said(state, reason=(reason, 1000))
    _check_party(state, spec, person)
    unit, late = resolvable(state, serial)
    if late is not None and nonconformities:
        raise StepError(
            f"lot {state.lot}: {late.verdict} of unit {serial} came after the freeze and stands; clear it "
            "with a reason and no nonconformities, or leave it"
        )
    for n in nonconformities:
        _check_cause(spec, n)
    resolved = UnitResolved(
        serial=serial, person=person, reason=reason, nonconformities=tuple(nonconformities)
    )
    inspections = () if unit is None else (unit.inspection,)
    critical = critical_only(nonconformities)
    notes = _notes(state, critical, "critical_nonconformity", (serial,), inspections)
    return (lot_event(state.lot, resolved), *notes)


def decide_oqc(state: LotState, spec: GoldenSpec) -> Events:
    """Decide the lot from its sample; a rejected lot opens a non-conformance of each cause.

    While units are missing or undecided and no class rejects, the outcome is "undecided" and the lot stays
    drawn: inspect, resolve, and decide again.

    Raises:
        StepError: no sample is drawn, the lot is decided already, or the sample does not reject it and a late
            finding is not resolved.
    """
    require(state, OqcDecided.kind)
    assert state.draw is not None
    found = {serial: unit.findings for serial, unit in state.sample.items()}
    decision = decide_outgoing(spec.plans.oqc, len(state.serials), state.draw.serials, found)
    if decision.outcome != "reject":
        require_no_suspect(state)
    notes: list[NonconformanceNoted] = []
    for n in decision.causes:
        units = [
            (serial, state.sample[serial].inspection)
            for serial in state.draw.serials
            if serial in found and n in found[serial].nonconformities
        ]
        serials, inspections = zip(*units, strict=True)
        notes.append(_note(state, n, "lot_rejected", serials, inspections))
    return (
        lot_event(state.lot, OqcDecided(decision=decision)),
        *nonconformance_events(tuple(state.causes), notes),
    )


def release_lot(state: LotState, spec: GoldenSpec, person: Person) -> Events:
    """Release an accepted lot for shipment; nothing can follow.

    Raises:
        StepError: outgoing quality control has not accepted, the lot is released already, a late finding is
            not resolved, or the person does not act for the party that approves the first article.
    """
    require(state, LotReleased.kind)
    _check_party(state, spec, person)
    require_no_suspect(state)
    return (lot_event(state.lot, LotReleased(person=person)),)


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
    return (*(() if late is None else late.inspections), *(unit.inspection for unit in last if unit))


def _check_party(state: LotState, spec: GoldenSpec, person: Person) -> None:
    """Raise StepError unless the person acts for the party that decides: who approves the first article."""
    role = spec.plans.fai.approved_by
    if person.party not in (p.name for p in spec.parties if p.role == role):
        raise StepError(
            f"lot {state.lot}: the {role} ({spec.party(role).name}) approves, resolves and releases; "
            f"{person.name} acts for {person.party}"
        )


def _check_said(state: LotState, **said: tuple[str, int]) -> None:
    """Raise StepError where a text is empty or longer than its limit."""
    for name, (text, limit) in said.items():
        if not 1 <= len(text) <= limit:
            raise StepError(f"lot {state.lot}: the {name} has {len(text)} characters; give 1 to {limit}")


def _check_cause(spec: GoldenSpec, n: Nonconformity) -> None:
    kind, _, rest = n.cause.partition(":")
    known = {
        "characteristic": rest in (c.id for c in spec.characteristics),
        "count": rest in (rule.id for rule in spec.catalogue.counts),
        "defect": rest.rpartition(":")[2] in (z.id for z in spec.zones) and ":" in rest,
    }
    if not known.get(kind, False):
        raise EvidenceError(
            f"cause {n.cause!r} names nothing in the golden sample; "
            "write characteristic:ID, defect:CLASS:ZONE or count:RULE"
        )


def _notes(
    state: LotState,
    nonconformities: Sequence[Nonconformity],
    trigger: Literal["critical_nonconformity", "first_article", "late_finding"],
    serials: tuple[str, ...],
    inspections: tuple[str, ...],
) -> Events:
    notes = [_note(state, n, trigger, serials, inspections) for n in dict.fromkeys(nonconformities)]
    return nonconformance_events(tuple(state.causes), notes)


def _note(
    state: LotState,
    n: Nonconformity,
    trigger: Trigger,
    serials: tuple[str, ...],
    inspections: tuple[str, ...],
) -> NonconformanceNoted:
    return NonconformanceNoted(
        lot=state.lot,
        cause=n.cause,
        severity=n.severity,
        trigger=trigger,
        serials=serials,
        inspections=inspections,
    )
