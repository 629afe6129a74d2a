"""Routes of lots: carry what clients ask to `quality`, and what it decides to the journal."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Response
from sqlalchemy import Connection

import quality
from api import cursor as cursors
from api.bodies import FirstArticle, NewLot, Resolution
from api.guard import READERS, allow
from api.ledger import NONCONFORMANCE_KINDS
from api.problems import Problem
from api.routes_records import House, Page, Text
from api.store import inspections, journal
from api.store.keys import ApiKey
from evidence.inspection import Inspection
from golden.catalogue import CharacteristicClass

router = APIRouter()

Qc = Annotated[ApiKey, Depends(allow("qc"))]
Approver = Annotated[ApiKey, Depends(allow("approver"))]


@router.post("/lots", status_code=201)
def open_lot(ledger: House, key: Qc, body: NewLot, response: Response) -> dict[str, Any]:
    """Open a lot under a registered golden sample. The same again gives 200."""
    state, new = ledger.open_lot(body.lot, body.golden, key)
    response.status_code = 201 if new else 200
    return state.record()


@router.get("/lots", dependencies=[Depends(allow(*READERS))])
def list_lots(ledger: House, limit: Page = 50, cursor: Text = None) -> dict[str, Any]:
    """List lots in the order of opening. Follow `next` until it is null."""
    listing = {"list": "lots"}
    after = cursors.decode(cursor, listing) or 0
    with ledger.store.database.read() as connection:
        opened = journal.read_lines(connection, kinds=("lot.opened",), after=after, limit=limit + 1)
    items, more = opened[:limit], len(opened) > limit
    following = cursors.encode(items[-1].sequence, listing) if more else None
    return {"items": [ledger.read_lot(line.subject).record() for line in items], "next": following}


@router.get("/lots/{id}", dependencies=[Depends(allow(*READERS))])
def get_lot(ledger: House, id: str) -> dict[str, Any]:  # noqa: A002 (the path says {id})
    """Read a lot's state: phase, counts, decisions, draw, sample, non-conformances."""
    return ledger.read_lot(id).record()


@router.post("/lots/{id}/fai")
def decide_first_article(ledger: House, key: Qc, id: str, body: FirstArticle) -> dict[str, Any]:  # noqa: A002
    """Decide the first article from recorded inspections and entered results."""
    with ledger.store.database.read() as connection:
        units = [_inspection(connection, name) for name in body.inspections]
    return ledger.step(
        id, key, lambda state, spec: quality.decide_first_article(state, spec, units, body.entered)
    ).record()


@router.post("/lots/{id}/fai/approval")
def approve_first_article(ledger: House, key: Approver, id: str) -> dict[str, Any]:  # noqa: A002
    """Approve an accepted first article, as the person and party of the key: production may start."""
    person = _person(key)
    return ledger.step(
        id, key, lambda state, spec: quality.approve_first_article(state, spec, person)
    ).record()


@router.post("/lots/{id}/freeze")
def freeze_lot(ledger: House, key: Qc, id: str) -> dict[str, Any]:  # noqa: A002
    """End production: the accepted units are the lot, every other unit has left it."""
    return ledger.step(id, key, lambda state, _spec: quality.freeze_lot(state)).record()


@router.post("/lots/{id}/draw")
def draw_sample(ledger: House, key: Qc, id: str) -> dict[str, Any]:  # noqa: A002
    """Draw the outgoing sample with the server's randomness, after the manifest was frozen."""
    return ledger.draw(id, key).record()


@router.post("/lots/{id}/oqc/resolutions")
def resolve_unit(ledger: House, key: Approver, id: str, body: Resolution) -> dict[str, Any]:  # noqa: A002
    """Decide, as the person of the key, what a station left undecided on a sample unit."""
    person = _person(key)
    return ledger.step(
        id,
        key,
        lambda state, spec: quality.resolve_unit(
            state, spec, body.serial, person, reason=body.reason, nonconformities=body.nonconformities
        ),
    ).record()


@router.post("/lots/{id}/oqc")
def decide_oqc(ledger: House, key: Qc, id: str) -> dict[str, Any]:  # noqa: A002
    """Decide the lot from its sample."""
    return ledger.step(id, key, quality.decide_oqc).record()


@router.post("/lots/{id}/release")
def release_lot(ledger: House, key: Approver, id: str) -> dict[str, Any]:  # noqa: A002
    """Release an accepted lot for shipment, as the person and party of the key."""
    person = _person(key)
    return ledger.step(id, key, lambda state, spec: quality.release_lot(state, spec, person)).record()


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
    with ledger.store.database.read() as connection:
        known = quality.replay_nonconformances(journal.read_lines(connection, kinds=NONCONFORMANCE_KINDS))
    # a position in the order of opening stays what it is: non-conformances are only ever added
    found = [
        (place, n)
        for place, n in enumerate(known.values(), start=1)
        if place > skip and lot in (None, n.lot) and severity in (None, n.severity)
    ]
    items, more = found[:limit], len(found) > limit
    following = cursors.encode(items[-1][0], listing) if more else None
    return {"items": [n.record() for _, n in items], "next": following}


def _person(key: ApiKey) -> quality.Person:
    assert key.party is not None, "an approver's key is bound to a party"
    return quality.Person(name=key.name, party=key.party)


def _inspection(connection: Connection, inspection_id: str) -> Inspection:
    stored = inspections.get(connection, inspection_id)
    if stored is None:
        raise Problem("evidence", f"no inspection {inspection_id!r} is recorded here")
    return Inspection.model_validate_json(stored.record)
