"""The steps of outgoing quality control: draw, judge, check, resolve, decide, release.

Each takes the state, checks what must hold, and returns the events to append, as `quality.steps` does.
"""

from __future__ import annotations

from collections.abc import Sequence

from golden.catalogue import CharacteristicClass
from golden.spec import GoldenSpec
from quality.colour_readings import ColourReading, with_colours
from quality.errors import EvidenceError, StepError
from quality.events import (
    ItemChecked,
    LotReleased,
    NewEvent,
    NonconformanceNoted,
    OqcDecided,
    Person,
    SampleDrawn,
    UnitJudged,
    UnitResolved,
    lot_event,
    made,
    nonconformance_events,
)
from quality.lot_draw import DrawRecord, draw
from quality.lot_notes import note, noted
from quality.lot_state import (
    LotState,
    agreement,
    deciders,
    lone_severity,
    outgoing_decision,
    require,
    require_agreed,
    require_no_suspect,
)
from quality.lots import critical_only, resolvable, would_follow
from quality.outgoing import oqc_plans, sample_size
from quality.sampling import InspectionSeverity
from quality.series import Series, count_in_series, draw_in_series, series_subject
from quality.unit_findings import Nonconformity

Events = tuple[NewEvent, ...]


def series_of(spec: GoldenSpec) -> str:
    """Return the subject of the series that lots of this golden sample count in."""
    return series_subject(spec.party("supplier").name, spec.part.number)


def draw_sample(
    state: LotState,
    spec: GoldenSpec,
    seed: str,
    *,
    series: Series | None = None,
    neutral: DrawRecord | None = None,
) -> Events:
    """Draw the outgoing sample of the frozen manifest, at the severity that the series says is in force.

    Args:
        state: the frozen lot.
        spec: the golden sample's specification.
        seed: as `quality.draw` describes.
        series: the series of `series_of(spec)` as its journal lines tell it; None before its first lot. A
            resubmitted lot is judged at tightened inspection and an isolated one at the plan's severity;
            they count in no series.
        neutral: how both parties chose the seed (`quality.neutral_draw.draw_record`); None where one did.

    Raises:
        StepError: the lot is not frozen, its sample is drawn already, a late finding is not resolved,
            inspection of a class is discontinued, the series is another, or the seed is not
            the one that supplier and buyer agreed on where they have, or must.
        SamplingError: the seed has another form, or the standard has no such plan.
    """
    require(state, SampleDrawn.kind)
    require_agreed(state, spec)
    require_no_suspect(state)
    agreed = agreement(state)
    subject: str | None = series_of(spec)
    if series is not None and series.subject != subject:
        raise StepError(f"lot {state.lot}: it counts in {subject}, not in {series.subject}")
    told: Events = ()
    if agreed.resubmission is not None or agreed.oqc.lots == "isolated":
        severity = lone_severity(agreed)
        severities: dict[CharacteristicClass, InspectionSeverity] = {"major": severity, "minor": severity}
        subject = None
    else:
        before = Series(series_of(spec)) if series is None else series
        severities, event = draw_in_series(before, state.lot, agreed.oqc, deciders(state))
        told = (event,)
    samplings = oqc_plans(agreed.oqc, len(state.serials), severities)
    drawn = SampleDrawn(
        draw=draw(state.lot, state.serials, sample_size(samplings), seed),
        samplings=samplings,
        severities=severities,
        neutral=neutral,
        series=subject,
    )
    would_follow(state, drawn)
    return (lot_event(state.lot, drawn), *told)


def judge_unit(
    state: LotState,
    spec: GoldenSpec,
    serial: str,
    person: Person,
    *,
    evidence: str,
    nonconformities: Sequence[Nonconformity] = (),
    readings: Sequence[ColourReading] = (),
) -> Events:
    """Let a person judge a sample unit, or screen one of a resubmitted lot, that no station has judged there.

    Without nonconformities the unit conforms in all that the checkpoint asks. Colours of which a reading is
    given are decided by it.

    Raises:
        StepError: the unit is not asked for or is judged already, a person is none of the agreed means or has
            judged the unit before, or does not act in role inspector or quality for a party of the golden
            sample; or no evidence is given.
        EvidenceError: a cause names nothing in the golden sample, or a reading is none of a colour in it.
    """
    require(state, UnitJudged.kind)
    require_agreed(state, spec)
    for n in nonconformities:
        _check_cause(spec, n)
    event = made(
        UnitJudged, serial=serial, person=person, evidence=evidence, readings=tuple(readings),
        nonconformities=with_colours(spec, serial, nonconformities, readings),
    )  # fmt: skip
    would_follow(state, event)
    critical = critical_only(event.nonconformities)
    return (
        lot_event(state.lot, event),
        *noted(state, critical, "critical_nonconformity", (serial,), ()),
    )


def check_item(
    state: LotState, spec: GoldenSpec, item: str, person: Person, *, conforms: bool, evidence: str
) -> Events:
    """Answer an item of the outgoing checklist; a failure stands, and may come after a pass.

    Raises:
        StepError: the lot is not between freeze and decision, it has no such item or that is answered, the
            person does not act in role inspector or quality for a party of the golden sample, or no evidence
            is given.
    """
    require(state, ItemChecked.kind)
    require_agreed(state, spec)
    event = made(ItemChecked, item=item, person=person, conforms=conforms, evidence=evidence)
    would_follow(state, event)
    return (lot_event(state.lot, event),)


def resolve_unit(
    state: LotState,
    spec: GoldenSpec,
    serial: str,
    person: Person,
    *,
    reason: str,
    nonconformities: Sequence[Nonconformity] = (),
    readings: Sequence[ColourReading] = (),
) -> Events:
    """Let a person decide what a station left undecided on a sample unit, or clear a late finding.

    Without nonconformities the unit conforms in all that was undecided; what the station found stays. Colours
    of which a reading is given are decided by it. A late
    finding is cleared with a reason and no nonconformities; what it opened stays open. Where it is true,
    leave it: the lot does not ship.

    Raises:
        StepError: the unit has no record or nothing undecided, nonconformities are given to a late finding,
            the reason is empty or above 1000 characters, or the person does not act for the party that
            approves the first article.
        EvidenceError: a cause names nothing in the golden sample, or a reading is none of a colour in it.
    """
    require(state, UnitResolved.kind)
    require_agreed(state, spec)
    nonconformities = with_colours(spec, serial, nonconformities, readings)
    event = made(
        UnitResolved, serial=serial, person=person, reason=reason, nonconformities=nonconformities,
        readings=tuple(readings),
    )  # fmt: skip
    for n in nonconformities:
        _check_cause(spec, n)
    would_follow(state, event)
    unit, _ = resolvable(state, serial)
    inspections = () if unit is None or unit.inspection is None else (unit.inspection,)
    critical = critical_only(nonconformities)
    notes = noted(state, critical, "critical_nonconformity", (serial,), inspections)
    return (lot_event(state.lot, event), *notes)


def decide_oqc(state: LotState, spec: GoldenSpec) -> Events:
    """Decide the lot from its sample and checklist; a rejected lot opens a non-conformance of each cause.

    While units are missing or undecided and no class rejects, the outcome is "undecided" and the lot stays
    drawn: inspect, resolve, and decide again. A decided lot is counted in its series.

    Raises:
        StepError: no sample is drawn, an item of the checklist is not answered, the lot is decided already,
            or the sample does not reject it and a late finding is not resolved.
    """
    require(state, OqcDecided.kind)
    require_agreed(state, spec)
    assert state.draw is not None
    event = OqcDecided(decision=outgoing_decision(state))
    would_follow(state, event)
    notes: list[NonconformanceNoted] = []
    for n in event.decision.causes:
        judged = [s for s in state.draw.serials if s in state.sample]
        units = [s for s in judged if n in state.sample[s].findings.nonconformities]
        stood = (state.sample[serial].inspection for serial in units)
        inspections = tuple(inspection for inspection in stood if inspection is not None)
        notes.append(note(state, n, "lot_rejected", tuple(units), inspections))
    counted: Events = ()
    if state.series is not None and event.decision.outcome != "undecided":
        counted = (count_in_series(state.series, state.lot, event.decision),)
    return (
        lot_event(state.lot, event),
        *nonconformance_events(tuple(state.causes), notes),
        *counted,
    )


def release_lot(state: LotState, spec: GoldenSpec, person: Person) -> Events:
    """Release an accepted lot for shipment; nothing can follow.

    Raises:
        StepError: outgoing quality control has not accepted, the lot is released already, a late finding is
            not resolved, or the person does not act for the party that approves the first article.
    """
    require(state, LotReleased.kind)
    require_agreed(state, spec)
    event = LotReleased(person=person)
    would_follow(state, event)
    return (lot_event(state.lot, event),)


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
