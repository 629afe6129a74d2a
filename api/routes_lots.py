"""Routes of lots: carry what clients ask to `quality`, and what it decides to the journal."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Response

import quality
from api import cursor as cursors
from api.bodies import FirstArticle, NewLot, Resolution
from api.guard import READERS, allow
from api.holding import held_back
from api.ledger import person_of
from api.past import Past
from api.routes_records import House, Page, Text
from api.store import journal
from api.store.keys import ApiKey
from golden.catalogue import CharacteristicClass
from quality import neutral_draw

router = APIRouter()

_DRAW_KINDS = ("lot.frozen", "draw.committed", "draw.revealed")

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
    with ledger.past() as past:
        opened = journal.read_lines(past.connection, kinds=("lot.opened",), after=after, limit=limit + 1)
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
    with ledger.past() as past:
        units = [past.inspection(name) for name in body.inspections]
    return ledger.step(
        id, key, lambda state, spec: quality.decide_first_article(state, spec, units, body.entered)
    ).record()


@router.post("/lots/{id}/fai/approval")
def approve_first_article(ledger: House, key: Approver, id: str) -> dict[str, Any]:  # noqa: A002
    """Approve an accepted first article, as the person and party of the key: production may start."""
    person = person_of(key)
    return ledger.step(
        id, key, lambda state, spec: quality.approve_first_article(state, spec, person)
    ).record()


@router.post("/lots/{id}/freeze")
def freeze_lot(ledger: House, key: Qc, id: str) -> dict[str, Any]:  # noqa: A002
    """End production: the accepted units are the lot, every other unit has left it.

    What first pieces or in-process control hold back is quarantined before, and leaves it too.
    """
    ledger.take(key, lambda past: held_back(past, id), lambda past: quality.freeze_lot(past.lot(id)))
    return ledger.read_lot(id).record()


@router.post("/lots/{id}/draw")
def draw_sample(ledger: House, key: Qc, id: str) -> dict[str, Any]:  # noqa: A002
    """Draw the outgoing sample of the frozen manifest.

    The seed is the one that both parties agreed on where either has committed to one, else the server's.
    """
    fresh = ledger.seed()

    def drawn(past: Past) -> Sequence[quality.NewEvent]:
        state = past.lot(id)
        spec = past.spec_of(state)
        agreement, series = _agreement(past, id), _series(past, quality.series_of(spec))
        if agreement.commitments:
            neutral = neutral_draw.draw_record(agreement)
            return quality.draw_sample(state, spec, neutral.seed, series=series, neutral=neutral)
        return quality.draw_sample(state, spec, fresh, series=series)

    ledger.take(key, drawn)
    return ledger.read_lot(id).record()


@router.post("/lots/{id}/oqc/resolutions")
def resolve_unit(ledger: House, key: Approver, id: str, body: Resolution) -> dict[str, Any]:  # noqa: A002
    """Decide, as the person of the key, what a station left undecided on a sample unit."""
    person = person_of(key)
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
    person = person_of(key)
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
    with ledger.past() as past:
        known = quality.replay_nonconformances(past.lines(kinds=tuple(quality.NONCONFORMANCE_EVENTS)))
    # a position in the order of opening stays what it is: non-conformances are only ever added
    found = [
        (place, n)
        for place, n in enumerate(known.values(), start=1)
        if place > skip and lot in (None, n.lot) and severity in (None, n.severity)
    ]
    items, more = found[:limit], len(found) > limit
    following = cursors.encode(items[-1][0], listing) if more else None
    return {"items": [n.record() for _, n in items], "next": following}


def _agreement(past: Past, lot: str) -> neutral_draw.DrawState:
    return neutral_draw.replay_draw(lot, past.lines(subject=(lot, f"draw:{lot}"), kinds=_DRAW_KINDS))


def _series(past: Past, subject: str) -> quality.Series:
    return quality.replay_series(subject, past.lines(subject=subject))
