"""Routes of lots: carry what clients ask to `quality`, and what it decides to the journal."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Response

import quality
from api import cursor as cursors
from api.bodies import (
    Clearance,
    Commitment,
    FirstArticle,
    ItemAnswer,
    NewLot,
    Quarantine,
    Resolution,
    Reveal,
    UnitJudgement,
)
from api.guard import READERS, Approver, Qc, allow
from api.holding import held_back, require_materials
from api.ledger import person_of
from api.past import Past
from api.routes_records import House, Page, Text
from api.routes_series import series_in
from api.store import journal
from api.store.keys import ApiKey
from quality import colour_trend, neutral_draw

router = APIRouter()

Fraction = Annotated[float, Query(gt=0, lt=1)]
_DRAW_KINDS = ("lot.frozen", "draw.committed", "draw.revealed")


@router.post("/lots", status_code=201)
def open_lot(ledger: House, key: Qc, body: NewLot, response: Response) -> dict[str, Any]:
    """Open a lot under a registered golden sample, or as a rejected lot's resubmission. Again gives 200."""
    state, new = ledger.open_lot(body.lot, body.golden, key, resubmits=body.resubmits)
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


@router.get("/lots/{id}/colours", dependencies=[Depends(allow(*READERS))])
def get_colours(ledger: House, id: str, alpha: Fraction = 0.05) -> dict[str, Any]:  # noqa: A002
    """Read how a lot's colours lie from the golden sample, scatter, and drift from first unit to last.

    Of each unit the newest record in production counts, in the order in which the units were first recorded.
    """
    with ledger.past() as past:
        state = past.lot(id)
        found = colour_trend.lot_colours(past.spec_of(state), past.production(id), alpha=alpha)
    return {"lot": id, "alpha": alpha, "colours": [trend.record() for trend in found]}


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
    """Approve an accepted first article, as the person and party of the key: production may start.

    Where the golden sample asks for it, the materials of the units made so far are booked to the lot first.
    """
    person = person_of(key)

    def approved(past: Past) -> Sequence[quality.NewEvent]:
        require_materials(past, id)
        state = past.lot(id)
        return quality.approve_first_article(state, past.spec_of(state), person)

    ledger.take(key, approved)
    return ledger.read_lot(id).record()


@router.post("/lots/{id}/quarantine")
def quarantine_units(
    ledger: House,
    key: Annotated[ApiKey, Depends(allow("qc", "approver"))],
    id: str,  # noqa: A002
    body: Quarantine,
) -> dict[str, Any]:
    """Take units from the accepted ones, whatever their own records say, until a person clears them."""
    return ledger.step(
        id,
        key,
        lambda state, _: quality.quarantine_units(state, body.serials, cause=body.cause, reason=body.reason),
    ).record()


@router.post("/lots/{id}/clearance")
def clear_units(ledger: House, key: Approver, id: str, body: Clearance) -> dict[str, Any]:  # noqa: A002
    """Clear quarantined units, as quality of the party that approves the first article."""
    person = person_of(key)
    return ledger.step(
        id,
        key,
        lambda state, spec: quality.clear_units(state, spec, body.serials, person, reason=body.reason),
    ).record()


@router.post("/lots/{id}/freeze")
def freeze_lot(ledger: House, key: Qc, id: str) -> dict[str, Any]:  # noqa: A002
    """End production: the accepted units are the lot, every other unit has left it.

    What first pieces or in-process control hold back is quarantined before, and leaves it too. Where the
    golden sample asks for it, the materials of all its units are booked first.
    """

    def frozen(past: Past) -> Sequence[quality.NewEvent]:
        require_materials(past, id)
        return quality.freeze_lot(past.lot(id))

    ledger.take(key, lambda past: held_back(past, id), frozen)
    return ledger.read_lot(id).record()


@router.get("/lots/{id}/draw", dependencies=[Depends(allow(*READERS))])
def get_draw(ledger: House, id: str) -> dict[str, Any]:  # noqa: A002
    """Read how both parties agree on the draw's seed: manifest, commitments, secrets, who withholds one."""
    with ledger.past() as past:
        past.lot(id)
        return _agreement(past, id).record()


@router.post("/lots/{id}/draw/commitments")
def commit_secret(ledger: House, key: Approver, id: str, body: Commitment) -> dict[str, Any]:  # noqa: A002
    """Bind the key's party to its secret for the draw, after the manifest was frozen."""
    person = person_of(key)

    def committed(past: Past) -> Sequence[quality.NewEvent]:
        spec = past.spec_of(past.lot(id))
        return neutral_draw.commit_secret(_agreement(past, id), spec, person, body.commitment)

    ledger.take(key, committed)
    return get_draw(ledger, id)


@router.post("/lots/{id}/draw/reveals")
def reveal_secret(ledger: House, key: Approver, id: str, body: Reveal) -> dict[str, Any]:  # noqa: A002
    """Show the secret that the key's party had committed to, once both parties have committed."""
    person = person_of(key)

    def revealed(past: Past) -> Sequence[quality.NewEvent]:
        past.lot(id)
        return neutral_draw.reveal_secret(_agreement(past, id), person, body.secret)

    ledger.take(key, revealed)
    return get_draw(ledger, id)


@router.post("/lots/{id}/draw")
def draw_sample(ledger: House, key: Qc, id: str) -> dict[str, Any]:  # noqa: A002
    """Draw the outgoing sample of the frozen manifest.

    The seed is the one that both parties agreed on where either has committed to one, else the server's.
    """
    fresh = ledger.seed()

    def drawn(past: Past) -> Sequence[quality.NewEvent]:
        state = past.lot(id)
        spec = past.spec_of(state)
        agreement, series = _agreement(past, id), series_in(past, quality.series_of(spec))
        if agreement.commitments:
            neutral = neutral_draw.draw_record(agreement)
            return quality.draw_sample(state, spec, neutral.seed, series=series, neutral=neutral)
        return quality.draw_sample(state, spec, fresh, series=series)

    ledger.take(key, drawn)
    return ledger.read_lot(id).record()


@router.get("/lots/{id}/tally", dependencies=[Depends(allow(*READERS))])
def get_tally(ledger: House, id: str) -> dict[str, Any]:  # noqa: A002
    """Read where each class of the drawn sample stands against its Ac and Re as it is now."""
    state = ledger.read_lot(id)
    return {
        "lot": id,
        "phase": state.phase,
        "classes": [c.model_dump(mode="json") for c in quality.tally(state)],
    }


@router.post("/lots/{id}/oqc/judgements")
def judge_unit(ledger: House, key: Approver, id: str, body: UnitJudgement) -> dict[str, Any]:  # noqa: A002
    """Judge a unit of the sample, or of a lot in screening, as inspector or quality."""
    person = person_of(key)
    return ledger.step(
        id,
        key,
        lambda state, spec: quality.judge_unit(
            state,
            spec,
            body.serial,
            person,
            evidence=body.evidence,
            nonconformities=body.nonconformities,
            readings=body.readings,
        ),
    ).record()


@router.post("/lots/{id}/oqc/checks")
def check_item(ledger: House, key: Approver, id: str, body: ItemAnswer) -> dict[str, Any]:  # noqa: A002
    """Answer an item of the outgoing checklist, as inspector or quality."""
    person = person_of(key)
    return ledger.step(
        id,
        key,
        lambda state, spec: quality.check_item(
            state, spec, body.item, person, conforms=body.conforms, evidence=body.evidence
        ),
    ).record()


@router.post("/lots/{id}/oqc/resolutions")
def resolve_unit(ledger: House, key: Approver, id: str, body: Resolution) -> dict[str, Any]:  # noqa: A002
    """Decide, as the person of the key, what a station left undecided on a sample unit."""
    person = person_of(key)
    return ledger.step(
        id,
        key,
        lambda state, spec: quality.resolve_unit(
            state,
            spec,
            body.serial,
            person,
            reason=body.reason,
            nonconformities=body.nonconformities,
            readings=body.readings,
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


def _agreement(past: Past, lot: str) -> neutral_draw.DrawState:
    return neutral_draw.replay_draw(lot, past.lines(subject=(lot, f"draw:{lot}"), kinds=_DRAW_KINDS))
