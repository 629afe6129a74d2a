"""Routes of non-conformances, corrective actions and the trend: each step is signed by the key's person."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict
from datetime import date
from typing import Annotated, Any

from fastapi import APIRouter, Body, Depends

import quality
from api import cursor as cursors
from api.bodies_corrective import (
    NewDisposition,
    ObservedLot,
    RecurrenceReview,
    ReportApproval,
    ReportRejection,
    Verification,
)
from api.guard import READERS, allow
from api.ledger import Ledger, person_of
from api.past import Past
from api.problems import Problem
from api.recurrence import capas, nonconformances, product_of
from api.routes_records import House, Page, Text
from api.store.keys import ApiKey
from golden.catalogue import CharacteristicClass
from golden.spec import GoldenSpec
from quality import corrective
from quality.corrective import CapaState, Report

router = APIRouter()

Approver = Annotated[ApiKey, Depends(allow("approver"))]
AnyReport = Annotated[Report, Body(discriminator="discipline")]
Events = Sequence[quality.NewEvent]


@router.get("/nonconformances", dependencies=[Depends(allow(*READERS))])
def list_nonconformances(
    ledger: House,
    lot: Text = None,
    severity: CharacteristicClass | None = None,
    limit: Page = 50,
    cursor: Text = None,
) -> dict[str, Any]:
    """List non-conformances in the order of opening. Follow `next` until it is null."""
    listing = {"list": "nonconformances", "lot": lot, "severity": severity}
    skip = cursors.decode(cursor, listing) or 0
    with ledger.past() as past:
        known = nonconformances(past)
    # a position in the order of opening stays what it is: non-conformances are only ever added
    found = [
        (place, n)
        for place, n in enumerate(known.values(), start=1)
        if place > skip and lot in (None, n.lot) and severity in (None, n.severity)
    ]
    items, more = found[:limit], len(found) > limit
    following = cursors.encode(items[-1][0], listing) if more else None
    return {"items": [n.record() for _, n in items], "next": following}


@router.get("/nonconformances/{id}", dependencies=[Depends(allow(*READERS))])
def get_nonconformance(ledger: House, id: str) -> dict[str, Any]:  # noqa: A002 (the path says {id})
    """Read a non-conformance: its cause, what it was seen on, and what became of the units."""
    with ledger.past() as past:
        return _nonconformance(past, id).record()


@router.post("/nonconformances/{id}/dispositions", status_code=201)
def dispose(ledger: House, key: Approver, id: str, body: NewDisposition) -> dict[str, Any]:  # noqa: A002
    """Decide what becomes of nonconforming product, as the person, party and roles of the key.

    Use as is, concession and repair are the buyer's; rework, scrap and return either party's.
    """

    def step(past: Past) -> Events:
        known = _nonconformance(past, id)
        return quality.dispose(
            known, _spec_of(past, known.lot), body.decision, person_of(key), quantity=body.quantity,
            reason=body.reason, serials=body.serials,
        )  # fmt: skip

    ledger.take(key, step)
    with ledger.past() as past:
        return _nonconformance(past, id).record()


@router.post("/nonconformances/{id}/capa", status_code=201)
def open_capa(ledger: House, key: Approver, id: str) -> dict[str, Any]:  # noqa: A002
    """Ask for corrective action (8D) on a non-conformance, as quality of either party.

    The parties and due dates are those of the golden sample that the lot is made by.
    """

    def step(past: Past) -> Events:
        known = _nonconformance(past, id)
        state = _read(past, id)
        return corrective.open_capa(state, _spec_of(past, known.lot), known, person_of(key), now=past.now)

    return _take(ledger, key, id, step)


@router.get("/capas", dependencies=[Depends(allow(*READERS))])
def list_capas(ledger: House, part: Text = None) -> dict[str, Any]:
    """Say what is open, and what is overdue now by escalation level, the highest first.

    A closed corrective action is open again while a repeat of its cause awaits the buyer's review.
    """
    with ledger.past() as past:
        opened = [
            c for c in capas(past).values()
            if c.opened is not None and part in (None, c.opened.part)
            and (c.phase != "closed" or c.under_review)
        ]  # fmt: skip
        late = [(c.id, o) for c in opened for o in corrective.overdue(c, past.now)]
        levels = sorted({o.level for _, o in late}, reverse=True)
        return {
            "now": past.now.isoformat(),
            "open": [_summary(c) for c in opened],
            "overdue": [
                {"level": level, "reports": [{"capa": c, **_late(o)} for c, o in late if o.level == level]}
                for level in levels
            ],
        }


@router.get("/capas/{nc}", dependencies=[Depends(allow(*READERS))])
def get_capa(ledger: House, nc: str) -> dict[str, Any]:
    """Read the corrective action on a non-conformance: reports, due dates, what is late, later lots, repeats.

    `criterion_power` says what the approved effectiveness criterion proves when it is met.
    """
    with ledger.past() as past:
        return _body(past, _known(past, nc))


@router.post("/capas/{nc}/reports")
def submit_report(ledger: House, key: Approver, nc: str, body: AnyReport) -> dict[str, Any]:
    """Submit the report of a discipline, D0 to D8, as the supplier."""
    return _take(
        ledger, key, nc,
        lambda past: corrective.submit_report(_known(past, nc), body, person_of(key), now=past.now),
    )  # fmt: skip


@router.post("/capas/{nc}/approvals")
def approve_report(ledger: House, key: Approver, nc: str, body: ReportApproval) -> dict[str, Any]:
    """Approve a submitted report, in order, as the buyer's quality. The approval of D8 closes."""
    return _take(
        ledger, key, nc,
        lambda past: corrective.approve_report(
            _known(past, nc), body.discipline, person_of(key), now=past.now,
            weak_criterion=body.weak_criterion,
        ),
    )  # fmt: skip


@router.post("/capas/{nc}/rejections")
def reject_report(ledger: House, key: Approver, nc: str, body: ReportRejection) -> dict[str, Any]:
    """Send a submitted report back with a reason, as the buyer's quality."""
    return _take(
        ledger, key, nc,
        lambda past: corrective.reject_report(
            _known(past, nc), body.discipline, person_of(key), reason=body.reason, now=past.now
        ),
    )  # fmt: skip


@router.post("/capas/{nc}/lots")
def observe_lot(ledger: House, key: Approver, nc: str, body: ObservedLot) -> dict[str, Any]:
    """Count a later lot of the same product for the cause, as quality or inspector of either party."""

    def step(past: Past) -> Events:
        state = _known(past, nc)
        assert state.opened is not None
        if product_of(past, body.lot) != product_of(past, state.opened.lot):
            raise quality.StepError(f"{state.id}: no lot {body.lot} of the same product is open here")
        lines = past.lines(subject=body.lot)
        evidence = corrective.lot_evidence(
            body.lot, state.opened.cause, lines, counts=body.counts, produced_from=body.produced_from
        )
        return corrective.observe_lot(state, evidence, person_of(key), now=past.now)

    return _take(ledger, key, nc, step)


@router.post("/capas/{nc}/verification")
def verify_effectiveness(ledger: House, key: Approver, nc: str, body: Verification) -> dict[str, Any]:
    """Say what the later lots show, as quality of either party who does not own the action."""
    return _take(
        ledger, key, nc,
        lambda past: corrective.verify_effectiveness(
            _known(past, nc), body.outcome, person_of(key), now=past.now
        ),
    )  # fmt: skip


@router.post("/capas/{nc}/recurrence-reviews")
def review_recurrence(ledger: House, key: Approver, nc: str, body: RecurrenceReview) -> dict[str, Any]:
    """Review a repeat of the cause, as the buyer's quality. Confirmed, the corrective action reopens."""
    return _take(
        ledger, key, nc,
        lambda past: corrective.review_recurrence(
            _known(past, nc), body.nonconformance, body.outcome, person_of(key), reason=body.reason,
            now=past.now,
        ),
    )  # fmt: skip


def _nonconformance(past: Past, name: str) -> quality.Nonconformance:
    found = quality.replay_nonconformances(
        past.lines(subject=name, kinds=tuple(quality.NONCONFORMANCE_EVENTS))
    )
    if name not in found:
        raise Problem("not-found", f"no non-conformance {name!r}")
    return found[name]


def _spec_of(past: Past, lot: str) -> GoldenSpec:
    """Return the specification that a lot, or a material lot, is judged by."""
    lines = past.lines(subject=lot, kinds=("lot.opened", "material.received"))
    return past.spec(lines[0].body["golden"]["digest"])


def _read(past: Past, nonconformance: str) -> CapaState:
    name = corrective.capa_id(nonconformance)
    return corrective.replay_capas(past.lines(subject=name)).get(name, CapaState(name))


def _known(past: Past, nonconformance: str) -> CapaState:
    state = _read(past, nonconformance)
    if state.opened is None:
        raise Problem("not-found", f"no corrective action on {nonconformance!r}")
    return state


def _take(ledger: Ledger, key: ApiKey, nonconformance: str, step: Callable[[Past], Events]) -> dict[str, Any]:
    ledger.take(key, step)
    with ledger.past() as past:
        return _body(past, _known(past, nonconformance))


def _body(past: Past, state: CapaState) -> dict[str, Any]:
    criterion = state.criterion
    power = None if criterion is None else corrective.criterion_power(criterion)
    return {
        **state.record(),
        "criterion_power": None if power is None else {**asdict(power), "sentence": power.sentence()},
        "due": {name: day.isoformat() for name, day in asdict(corrective.capa_due_dates(state)).items()},
        "overdue": [_late(o) for o in corrective.overdue(state, past.now)],
    }


def _summary(state: CapaState) -> dict[str, Any]:
    assert state.opened is not None
    about = state.opened.model_dump(
        mode="json", include={"nonconformance", "lot", "cause", "severity", "part", "opened_at"}
    )
    names = ("id", "phase", "round", "containment_in_force", "under_review")
    return {**{name: getattr(state, name) for name in names}, **about}


def _late(late: corrective.Overdue) -> dict[str, Any]:
    due: date = late.due
    hours = late.late_by.total_seconds() / 3600
    return {
        "discipline": late.discipline, "due": due.isoformat(), "late_by_hours": round(hours, 3),
        "level": late.level, "waits_for": late.waits_for,
    }  # fmt: skip
