"""Fold a lot's journal lines into its state. The steps that make such lines are in `quality.steps`."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from pydantic import ValidationError

from evidence.inspection import Verdict
from evidence.journal import JournalLine
from golden.plans import IndependentMeans
from quality.errors import EvidenceError, StepError
from quality.events import (
    LOT_EVENTS,
    Checkpoint,
    FirstArticleApproved,
    FirstArticleDecided,
    InspectionRecorded,
    ItemChecked,
    LotCleared,
    LotEvent,
    LotFrozen,
    LotOpened,
    LotQuarantined,
    LotReleased,
    LotResubmitted,
    OqcDecided,
    SampleDrawn,
    UnitJudged,
    UnitResolved,
)
from quality.fai import FirstArticleDecision
from quality.folding import instant
from quality.lot_draw import manifest_digest, verify_draw
from quality.lot_quarantine import cleared, quarantined
from quality.lot_state import (
    BEFORE_APPROVAL,
    LotState,
    Phase,
    accepted_serials,
    agreement,
    deciders,
    lone_severity,
    outgoing_decision,
    require,
    require_checked,
    require_decider,
    require_inspector,
    require_no_suspect,
    require_screened,
    require_standing,
)
from quality.lot_units import LateFinding, LotUnit, SampleUnit, judged, observed, suspected
from quality.neutral_draw import verify_neutral_draw
from quality.outgoing import OqcDecision, oqc_plans, sample_size
from quality.unit_findings import NONCONFORMITY_CAUSES, Nonconformity, UnitFindings


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
    return _fold(_own(state), line)


def would_follow(state: LotState, event: LotEvent) -> LotState:
    """Return the state after an event that is not recorded yet; raise what the reducer would raise."""
    require(state, event.kind)
    return _after(_own(state), event, "")


def _own(state: LotState) -> LotState:
    return replace(
        state,
        units=dict(state.units),
        sample=dict(state.sample),
        late=dict(state.late),
        causes=dict(state.causes),
    )


def checkpoint(
    state: LotState, serial: str, station: str, verdict: Verdict, captured: tuple[str, str] | None
) -> tuple[Checkpoint, IndependentMeans | None]:
    """Return what an inspection of a unit recorded now would be for, and what makes it independent.

    Raises:
        StepError: the lot takes no such inspection now.
        EvidenceError: it would be for the drawn sample, and the unit is not in it or the look is not
            independent by the agreed means; or it would screen a unit that the rejected lot did not have, or
            that the station has accepted before.
    """
    require(state, InspectionRecorded.kind)
    if state.phase in BEFORE_APPROVAL:
        return "first_article", None
    if state.phase == "production":
        return "production", None
    if state.phase == "screening":
        _require_screening(state, serial, station, verdict)
        return "screening", None
    drawn = state.draw.serials if state.phase == "drawn" and state.draw is not None else ()
    means = _independent(state, serial, station, captured) if serial in drawn else None
    if means is not None:
        return "oqc", means
    if verdict != "ACCEPT" and serial in state.serials:
        return "late", None
    if state.phase != "drawn":
        raise StepError(
            f"lot {state.lot}: an inspection of unit {serial} cannot follow while it is {state.phase!r}: "
            "only what speaks against a unit of the manifest is still recorded"
        )
    if serial not in drawn:
        raise EvidenceError(f"lot {state.lot}: unit {serial} is not in the drawn sample")
    raise EvidenceError(
        f"lot {state.lot}: station {station} judged unit {serial} before, or is none of the agreed means "
        f"({', '.join(agreement(state).oqc.means)}); its outgoing inspection needs an independent station"
    )


def _independent(
    state: LotState, serial: str, station: str, captured: tuple[str, str] | None
) -> IndependentMeans | None:
    """Return the agreed means by which a station's record of a sample unit is independent, if it is."""
    agreed = agreement(state).oqc.means
    if station not in state.units[serial].stations:
        return "second_station" if "second_station" in agreed else None
    if "refixtured" not in agreed or captured is None or state.drawn_at is None:
        return None
    return "refixtured" if instant(captured[0]) > instant(state.drawn_at) else None


def _require_screening(state: LotState, serial: str, station: str, verdict: Verdict) -> None:
    again = agreement(state).resubmission
    assert again is not None
    if serial not in again.units:
        raise EvidenceError(f"lot {state.lot}: unit {serial} is none that lot {again.lot} resubmits")
    if verdict == "ACCEPT" and station in again.units[serial]:
        raise EvidenceError(
            f"lot {state.lot}: station {station} accepted unit {serial} in lot {again.lot}; "
            "its screening needs an independent station or a person"
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
    return replace(_after(state, event, line.time), sequence=line.sequence)


def _after(state: LotState, event: LotEvent, time: str) -> LotState:  # noqa: C901, PLR0911, PLR0912
    """Return the state after an event at a time. Changes the dictionaries of `state`."""
    match event:
        case LotOpened():
            return _after_opening(state, event)
        case InspectionRecorded():
            return _after_inspection(state, event)
        case FirstArticleDecided(decision=decision):
            return _after_first_article(state, decision)
        case FirstArticleApproved():
            require_decider(state, event.person)
            require_standing(state)
            return replace(state, phase="production", approved_by=event.person)
        case LotQuarantined():
            return _after_quarantine(state, event)
        case LotCleared():
            return replace(state, quarantine=cleared(state.lot, state.quarantine, event, deciders(state)))
        case LotFrozen():
            return _after_freeze(state, event)
        case SampleDrawn():
            return _after_draw(state, event, time)
        case UnitJudged():
            return _after_judgement(state, event)
        case ItemChecked():
            return _after_check(state, event)
        case UnitResolved():
            require_decider(state, event.person)
            return _after_resolution(state, event)
        case OqcDecided(decision=decision):
            return _after_oqc(state, decision)
        case LotResubmitted():
            if state.resubmitted_as is not None:
                raise StepError(f"lot {state.lot}: it is resubmitted as {state.resubmitted_as} already")
            return replace(state, resubmitted_as=event.as_lot)
        case LotReleased():
            require_decider(state, event.person)
            require_no_suspect(state)
            return replace(state, phase="released", released_by=event.person)


def _after_opening(state: LotState, event: LotOpened) -> LotState:
    opened = replace(
        state,
        phase="opened" if event.resubmission is None else "screening",
        golden=event.golden,
        part=event.part,
        revision=event.revision,
        agreed=event,
    )
    if not deciders(opened):
        raise StepError(f"lot {state.lot}: no party of the golden sample is the {event.decides} that decides")
    return opened


def _after_inspection(state: LotState, event: InspectionRecorded) -> LotState:
    for_now = checkpoint(state, event.serial, event.station, event.verdict, event.captured)
    if (event.checkpoint, event.means) != for_now:
        raise StepError(
            f"lot {state.lot}: an inspection for {event.checkpoint} cannot follow while it is {state.phase!r}"
        )
    found = event.findings.nonconformities
    _add_causes(state, found if event.checkpoint == "late" else critical_only(found))
    if event.checkpoint == "late":
        state.late[event.serial] = suspected(state.late.get(event.serial), event)
        _add_stations(state, event.serial, event.station)
    elif event.checkpoint == "oqc":
        before = state.sample.get(event.serial)
        state.sample[event.serial] = observed(before, event)
    else:
        known = state.units.get(event.serial)
        state.units[event.serial] = judged(known, event)
        again = agreement(state).resubmission
        if again is not None:
            _add_stations(state, event.serial, *again.units[event.serial])
    return state


def _add_stations(state: LotState, serial: str, *stations: str) -> None:
    unit = state.units[serial]
    state.units[serial] = replace(unit, stations=tuple(dict.fromkeys((*unit.stations, *stations))))


def _after_draw(state: LotState, event: SampleDrawn, time: str) -> LotState:
    require_no_suspect(state)
    plan = agreement(state).oqc
    _require_severities(state, event)
    samplings = oqc_plans(plan, len(state.serials), event.severities)
    if event.samplings != samplings:
        raise StepError(f"lot {state.lot}: the recorded sampling is not what the agreed plan asks for")
    _require_neutral(state, event)
    drawn = event.draw
    if (
        state.manifest != drawn.manifest
        or len(drawn.serials) != sample_size(samplings)
        or not verify_draw(drawn, state.lot, state.serials)
    ):
        raise StepError(f"lot {state.lot}: the recorded draw is not what its seed gives for this manifest")
    return replace(
        state,
        phase="drawn",
        draw=drawn,
        drawn_at=time,
        seed_source="single_party" if event.neutral is None else "both_parties",
        series=event.series,
        severities=event.severities,
        samplings=samplings,
    )


def _require_neutral(state: LotState, event: SampleDrawn) -> None:
    """Raise StepError unless supplier and buyer chose the seed, where golden sample or line say so."""
    record, agreed = event.neutral, agreement(state)
    if record is None:
        if agreed.oqc.draw == "both_parties":
            raise StepError(f"lot {state.lot}: both parties choose the seed of its draw; one party drew it")
        return
    roles = {p.role for p in agreed.parties if p.name in record.commitments}
    if record.lot != state.lot or not {"supplier", "buyer"} <= roles:
        raise StepError(
            f"lot {state.lot}: the seed is of lot {record.lot}, chosen by {', '.join(record.commitments)}; "
            "supplier and buyer choose it for this lot"
        )
    try:
        verify_neutral_draw(record, event.draw, state.serials)
    except EvidenceError as error:
        raise StepError(str(error)) from error


def _require_severities(state: LotState, event: SampleDrawn) -> None:
    """Raise StepError unless the severities are those of a series, or those of a lot that is in none."""
    agreed = agreement(state)
    alone = agreed.resubmission is not None or agreed.oqc.lots == "isolated"
    if alone != (event.series is None):
        raise StepError(
            f"lot {state.lot}: a resubmitted or isolated lot counts in no series, any other in one"
        )
    asked = lone_severity(agreed)
    if alone and any(severity != asked for severity in event.severities.values()):
        raise StepError(f"lot {state.lot}: {asked} inspection is asked of a lot that counts in no series")


def _after_judgement(state: LotState, event: UnitJudged) -> LotState:
    require_inspector(state, event.person, event.kind)
    who = f"person:{event.person.name}"
    verdict: Verdict = "REJECT" if event.nonconformities else "ACCEPT"
    agreed = agreement(state)
    if state.phase == "screening":
        assert agreed.resubmission is not None
        before = agreed.resubmission.units.get(event.serial)
        if before is None or event.serial in state.units or who in before:
            raise StepError(
                f"lot {state.lot}: unit {event.serial} is not resubmitted, screened already, or was judged "
                f"by {event.person.name} before"
            )
        state.units[event.serial] = LotUnit(
            "rejected" if event.nonconformities else "accepted", verdict, None, (*before, who)
        )
    else:
        assert state.draw is not None
        if event.serial not in state.draw.serials or event.serial in state.sample:
            raise StepError(
                f"lot {state.lot}: unit {event.serial} is not in the drawn sample, or is judged already"
            )
        if "person" not in agreed.oqc.means or who in state.units[event.serial].stations:
            raise StepError(
                f"lot {state.lot}: {event.person.name} judged unit {event.serial} before, or a person is "
                f"none of the agreed means ({', '.join(agreed.oqc.means)})"
            )
        found = UnitFindings(nonconformities=event.nonconformities)
        state.sample[event.serial] = SampleUnit(verdict, None, found, means="person")
    _add_causes(state, critical_only(event.nonconformities))
    return state


def _after_check(state: LotState, event: ItemChecked) -> LotState:
    require_inspector(state, event.person, event.kind)
    if event.item not in (item.id for item in agreement(state).oqc.checklist):
        raise StepError(f"lot {state.lot}: {event.item!r} is no item of the agreed checklist")
    known = state.checks.get(event.item)
    if known is not None and (event.conforms or not known.conforms):
        raise StepError(
            f"lot {state.lot}: item {event.item!r} is answered; only a failure found later is added"
        )
    return replace(state, checks={**state.checks, event.item: event})


def _after_quarantine(state: LotState, event: LotQuarantined) -> LotState:
    if event.cause.startswith(NONCONFORMITY_CAUSES):
        state.causes[event.cause] = None  # its non-conformance is opened beside
    return replace(state, quarantine=quarantined(state.lot, state.quarantine, state.units, event))


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
    require_screened(state)
    accepted = accepted_serials(state)
    if event.serials != accepted or event.manifest != manifest_digest(state.lot, accepted):
        raise StepError(f"lot {state.lot}: the manifest is not the lot's {len(accepted)} accepted units")
    return replace(state, phase="frozen", manifest=event.manifest, serials=accepted)


def _after_resolution(state: LotState, event: UnitResolved) -> LotState:
    unit, late = resolvable(state, event.serial)
    if late is not None:
        if event.nonconformities:
            raise StepError(
                f"lot {state.lot}: {late.verdict} of unit {event.serial} came after the freeze and stands; "
                "clear it with a reason and no nonconformities, or leave it"
            )
        state.late[event.serial] = replace(late, resolution=event)
    if unit is not None:
        _add_causes(state, critical_only(event.nonconformities))
        found = (*unit.findings.nonconformities, *event.nonconformities)
        verdict: Verdict = "REJECT" if event.nonconformities or unit.verdict == "REJECT" else "ACCEPT"
        state.sample[event.serial] = SampleUnit(
            verdict, unit.inspection, UnitFindings(nonconformities=found), means=unit.means
        )
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
    require_checked(state)
    if decision != outgoing_decision(state):
        raise StepError(f"lot {state.lot}: the recorded decision is not what sample and checklist decide")
    if decision.outcome != "reject":
        require_no_suspect(state)
    _add_causes(state, decision.causes)
    phases: dict[str, Phase] = {"accept": "oqc_accepted", "reject": "oqc_rejected", "undecided": "drawn"}
    return replace(state, phase=phases[decision.outcome], oqc=decision)


def critical_only(nonconformities: Iterable[Nonconformity]) -> list[Nonconformity]:
    """Return those that open a non-conformance wherever they are found."""
    return [n for n in nonconformities if n.severity == "critical"]


def _add_causes(state: LotState, nonconformities: Iterable[Nonconformity]) -> None:
    state.causes.update(dict.fromkeys(n.cause for n in nonconformities))
