"""Routes of engineering changes: a new golden sample, from when it holds, approved by both parties."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from fastapi import APIRouter, Depends

import quality
from api.bodies_changes import NewChange
from api.effectivity import changes
from api.guard import READERS, Approver, allow
from api.ledger import person_of
from api.past import Past
from api.problems import Problem
from api.routes_records import House
from api.store import goldens
from evidence import GoldenReference
from golden.spec import GoldenSpec
from quality import engineering_change
from quality.engineering_change import ChangeState

router = APIRouter()


@router.get("/changes", dependencies=[Depends(allow(*READERS))])
def list_changes(ledger: House) -> dict[str, Any]:
    """List engineering changes in the order proposed."""
    with ledger.past() as past:
        return {"items": [change.record() for change in changes(past).values()]}


@router.get("/changes/{id}", dependencies=[Depends(allow(*READERS))])
def get_change(ledger: House, id: str) -> dict[str, Any]:  # noqa: A002 (the path says {id})
    """Read a change: versions, effectivity, differences, characteristics to prove again, approvals."""
    with ledger.past() as past:
        return _known(past, id).record()


@router.post("/changes", status_code=201)
def propose_change(ledger: House, key: Approver, body: NewChange) -> dict[str, Any]:
    """Propose that a golden sample replaces another, as engineering of supplier or buyer."""
    person = person_of(key)

    def proposed(past: Past) -> Sequence[quality.NewEvent]:
        state = changes(past).get(body.id, ChangeState(body.id))
        return engineering_change.propose_change(
            state, _golden(past, body.before), _golden(past, body.after), body.effectivity, person,
            reason=body.reason, now=past.now,
        )  # fmt: skip

    ledger.take(key, proposed)
    return get_change(ledger, body.id)


@router.post("/changes/{id}/approval")
def approve_change(ledger: House, key: Approver, id: str) -> dict[str, Any]:  # noqa: A002
    """Approve a change, as engineering of the key's party; with both parties' it holds."""
    person = person_of(key)
    ledger.take(key, lambda past: engineering_change.approve_change(_known(past, id), person, now=past.now))
    return get_change(ledger, id)


def _known(past: Past, change: str) -> ChangeState:
    state = changes(past).get(change)
    if state is None:
        raise Problem("not-found", f"no engineering change {change!r}")
    return state


def _golden(past: Past, digest: str) -> tuple[GoldenReference, GoldenSpec]:
    golden = goldens.find(past.connection, digest)
    if golden is None:
        raise Problem("golden-unknown", f"no golden sample {digest} is registered here")
    return GoldenReference(digest=digest, version=golden.version), past.spec(digest)
