"""Routes of a lot in production: first pieces of a shift or changeover, and in-process control."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Annotated, Any

from fastapi import APIRouter, Depends

import quality
from api.bodies_production import (
    FirstPieceCall,
    FirstPieces,
    NewLimits,
    NewSample,
    Procedure,
    ProcedureVersion,
    ReactionStep,
)
from api.guard import READERS, Approver, Qc, allow
from api.holding import held_back, watched
from api.ledger import Ledger, person_of
from api.past import Past
from api.routes_records import House
from api.store.keys import ApiKey
from quality import ipqc
from quality.fai_report import first_piece

router = APIRouter()

Events = Sequence[quality.NewEvent]


@router.get("/lots/{id}/first-pieces", dependencies=[Depends(allow(*READERS))])
def get_first_pieces(ledger: House, id: str) -> dict[str, Any]:  # noqa: A002 (the path says {id})
    """Read whether production is locked, what is called for, decided and held, and who approved."""
    with ledger.past() as past:
        past.lot(id)
        return past.first_piece(id).record()


@router.post("/lots/{id}/first-pieces", status_code=201)
def call_first_piece(ledger: House, key: Approver, id: str, body: FirstPieceCall) -> dict[str, Any]:  # noqa: A002
    """Lock production until first pieces are approved, as production or quality of the supplier."""
    person = person_of(key)

    def called(past: Past) -> Events:
        spec = past.spec_of(past.lot(id))
        return first_piece.call_first_piece(past.first_piece(id), spec, body.occasion, body.label, person)

    ledger.take(key, lambda past: held_back(past, id), called)
    return get_first_pieces(ledger, id)


@router.post("/lots/{id}/first-pieces/decision")
def decide_first_piece(ledger: House, key: Qc, id: str, body: FirstPieces) -> dict[str, Any]:  # noqa: A002
    """Decide the first pieces from recorded inspections and entered results, item by item."""

    def decided(past: Past) -> Events:
        state = past.lot(id)
        records = [past.inspection(name) for name in body.inspections]
        return first_piece.decide_first_piece(
            past.first_piece(id), state, past.spec_of(state), body.pieces, records, body.entered
        )

    ledger.take(key, decided)
    return get_first_pieces(ledger, id)


@router.post("/lots/{id}/first-pieces/approval")
def approve_first_piece(ledger: House, key: Approver, id: str) -> dict[str, Any]:  # noqa: A002
    """Unlock production, as quality of the party that approves the first article."""
    person = person_of(key)
    ledger.take(key, lambda past: first_piece.approve_first_piece(past.first_piece(id), past.lot(id), person))
    return get_first_pieces(ledger, id)


@router.get("/lots/{id}/ipqc", dependencies=[Depends(allow(*READERS))])
def get_ipqc(ledger: House, id: str) -> dict[str, Any]:  # noqa: A002
    """Read a lot's in-process control: procedure, limits, samples, missed ones, suspects, reactions."""
    with ledger.past() as past:
        past.lot(id)
        return past.ipqc(id).record()


@router.post("/lots/{id}/ipqc", status_code=201)
def start_ipqc(ledger: House, key: Approver, id: str, body: Procedure) -> dict[str, Any]:  # noqa: A002
    """Start in-process control; who does keeps the record: inspector or quality of the supplier."""
    person = person_of(key)

    def started(past: Past) -> Events:
        spec = past.spec_of(past.lot(id))
        return ipqc.start_ipqc(
            past.ipqc(id), spec, person, sop=body.sop, sop_version=body.sop_version, now=past.now
        )

    ledger.take(key, started)
    return get_ipqc(ledger, id)


@router.post("/lots/{id}/ipqc/sop")
def change_sop(ledger: House, key: Approver, id: str, body: ProcedureVersion) -> dict[str, Any]:  # noqa: A002
    """Set a new version of the procedure, as quality or engineering of the supplier."""
    person = person_of(key)
    return _take(
        ledger,
        key,
        id,
        lambda past, state: ipqc.change_sop(state, body.sop_version, person, now=past.now),
    )


@router.post("/lots/{id}/ipqc/acknowledgements")
def acknowledge_sop(ledger: House, key: Approver, id: str, body: ProcedureVersion) -> dict[str, Any]:  # noqa: A002
    """Acknowledge the procedure before sampling by it, as production or inspector of the supplier."""
    person = person_of(key)
    return _take(
        ledger,
        key,
        id,
        lambda past, state: ipqc.acknowledge_sop(state, body.sop_version, person, now=past.now),
    )


@router.post("/lots/{id}/ipqc/limits")
def freeze_limits(ledger: House, key: Approver, id: str, body: NewLimits) -> dict[str, Any]:  # noqa: A002
    """Freeze control limits, estimated or entered, as quality or engineering of the supplier."""
    person = person_of(key)

    def frozen(past: Past, state: ipqc.IpqcState) -> Events:
        name = body.characteristic
        if body.centre is None:
            limits = ipqc.limits_of_samples(state, name, exclude=body.exclude)
        else:
            limits = ipqc.limits_entered(state, name, body.centre, body.sigma, person, reason=body.reason)
        return ipqc.freeze_limits(state, name, limits, person, reason=body.reason, now=past.now)

    return _take(ledger, key, id, frozen)


@router.post("/lots/{id}/ipqc/samples", status_code=201)
def take_sample(ledger: House, key: Approver, id: str, body: NewSample) -> dict[str, Any]:  # noqa: A002
    """Enter a sample, as production or inspector of the supplier; what it finds is held back at once."""
    person = person_of(key)
    return _take(
        ledger,
        key,
        id,
        lambda past, state: ipqc.take_sample(state, past.lot(id), body.readings, person, now=past.now),
    )


@router.post("/lots/{id}/ipqc/reactions")
def acknowledge_reaction(ledger: House, key: Approver, id: str, body: ReactionStep) -> dict[str, Any]:  # noqa: A002
    """Note that the next step of a reaction plan is done, as a person of the supplier."""
    person = person_of(key)
    return _take(
        ledger,
        key,
        id,
        lambda past, state: ipqc.acknowledge_reaction(
            state, body.reaction, person, note=body.note, now=past.now
        ),
    )


@router.post("/lots/{id}/ipqc/watch")
def watch(
    ledger: House,
    key: Annotated[ApiKey, Depends(allow("qc", "approver"))],
    id: str,  # noqa: A002
) -> dict[str, Any]:
    """Record what has become due by now: missed samples, escalations, suspect units. Call it regularly."""
    return _take(ledger, key, id, lambda past, _state: watched(past, past.lot(id)))


def _take(
    ledger: Ledger, key: ApiKey, lot: str, step: Callable[[Past, ipqc.IpqcState], Events]
) -> dict[str, Any]:
    """Take a step of a lot's in-process control and return its state."""

    def taken(past: Past) -> Events:
        past.lot(lot)
        return step(past, past.ipqc(lot))

    ledger.take(key, taken)
    return get_ipqc(ledger, lot)
