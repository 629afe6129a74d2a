"""Routes of what the buyer finds on arrival and in the field, and of the trend run over run."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query

import quality
from api.bodies_corrective import ClaimAnswer, ClaimWithdrawal, NewClaim
from api.guard import READERS, allow
from api.ledger import Ledger, person_of
from api.past import Past
from api.problems import Problem
from api.recurrence import nonconformances
from api.routes_records import House, Text
from api.store.keys import ApiKey
from api.trend import part_trend
from quality import claims
from quality.claims import ClaimState

router = APIRouter()

Approver = Annotated[ApiKey, Depends(allow("approver"))]
Events = Sequence[quality.NewEvent]
Cost = Annotated[float | None, Query(ge=0, allow_inf_nan=False)]
Fraction = Annotated[float, Query(gt=0, lt=1)]


@router.post("/claims", status_code=201)
def report_arrival(ledger: House, key: Approver, body: NewClaim) -> dict[str, Any]:
    """Report an arrival of a released lot, good or not, as the buyer's quality or inspector.

    Each cause of a claim opens a non-conformance of the lot, or extends it.
    """

    def step(past: Past) -> Events:
        lot = past.lot(body.arrival.lot)
        return claims.report_arrival(
            _read(past, body.id), past.spec_of(lot), lot, body.arrival, person_of(key), now=past.now,
            known=nonconformances(past),
        )  # fmt: skip

    return _take(ledger, key, body.id, step)


@router.get("/claims/{id}", dependencies=[Depends(allow(*READERS))])
def get_claim(ledger: House, id: str) -> dict[str, Any]:  # noqa: A002 (the path says {id})
    """Read an arrival: what was reported, and what became of the claim."""
    with ledger.past() as past:
        return _known(past, id).record()


@router.post("/claims/{id}/answer")
def answer_claim(ledger: House, key: Approver, id: str, body: ClaimAnswer) -> dict[str, Any]:  # noqa: A002
    """Accept or dispute a claim, as the supplier's quality."""
    return _take(
        ledger, key, id,
        lambda past: claims.answer_claim(
            _known(past, id), body.outcome, person_of(key), reason=body.reason, now=past.now
        ),
    )  # fmt: skip


@router.post("/claims/{id}/withdrawal")
def withdraw_claim(ledger: House, key: Approver, id: str, body: ClaimWithdrawal) -> dict[str, Any]:  # noqa: A002
    """Take a result back, as the buyer's quality: it counts no more; its non-conformances stay."""
    return _take(
        ledger, key, id,
        lambda past: claims.withdraw_claim(
            _known(past, id), person_of(key), reason=body.reason, now=past.now
        ),
    )  # fmt: skip


@router.get("/trend", dependencies=[Depends(allow(*READERS))])
def get_trend(
    ledger: House,
    part: Text = None,
    lots: Annotated[int, Query(ge=1, le=200)] = 25,
    latest: Annotated[int, Query(ge=1, le=1000)] = 1,
    alpha: Fraction = 0.05,
    confidence: Fraction = 0.95,
    unit_cost: Cost = None,
    rework_cost: Cost = None,
) -> dict[str, Any]:
    """Read a part's newest lots run over run, and whether the `latest` of them differ from those before.

    PPM by class, first-pass yield, switching state, causes, and, with `unit_cost` (and `rework_cost`), the
    cost of poor quality; `arrival` is how much of what passed was unacceptable to the buyer.
    """
    if part is None:
        raise Problem("invalid", "give part")
    with ledger.past() as past:
        return part_trend(
            past, part, lots=lots, latest=latest, alpha=alpha, confidence=confidence, unit_cost=unit_cost,
            rework_cost=rework_cost,
        )  # fmt: skip


def _read(past: Past, claim: str) -> ClaimState:
    name = f"claim:{claim}"
    return claims.replay_claims(past.lines(subject=name)).get(name, ClaimState(name))


def _known(past: Past, claim: str) -> ClaimState:
    state = _read(past, claim)
    if state.reported is None:
        raise Problem("not-found", f"no claim {claim!r}")
    return state


def _take(ledger: Ledger, key: ApiKey, claim: str, step: Callable[[Past], Events]) -> dict[str, Any]:
    ledger.take(key, step)
    with ledger.past() as past:
        return _known(past, claim).record()
