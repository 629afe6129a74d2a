"""Routes of series: which severity a product's next lot is inspected by, and what its authority decides."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from fastapi import APIRouter, Depends

import quality
from api.bodies import Conditions, ReducedEnd, Restart
from api.guard import READERS, Approver, allow
from api.ledger import Ledger, person_of
from api.past import Past
from api.problems import Problem
from api.routes_records import House
from api.store.keys import ApiKey
from quality import series

router = APIRouter()


def series_in(past: Past, subject: str) -> quality.Series:
    """Return a series as the journal tells it; an empty one before its first lot."""
    return quality.replay_series(subject, past.lines(subject=subject))


@router.get("/series/{subject:path}", dependencies=[Depends(allow(*READERS))])
def get_series(ledger: House, subject: str) -> dict[str, Any]:
    """Read a series, named as a drawn lot's `series`: severity and switching score of each class."""
    with ledger.past() as past:
        return _known(past, subject).record()


@router.post("/series/conditions")
def set_conditions(ledger: House, key: Approver, body: Conditions) -> dict[str, Any]:
    """Say whether production is steady and reduced inspection approved, as quality of the deciding party."""
    person = person_of(key)
    return _take(
        ledger,
        key,
        body.series,
        lambda state: series.set_reduced_conditions(
            state, person, production_steady=body.production_steady, reduced_approved=body.reduced_approved,
            reason=body.reason,
        ),
    )  # fmt: skip


@router.post("/series/returns")
def end_reduced(ledger: House, key: Approver, body: ReducedEnd) -> dict[str, Any]:
    """End a class's reduced inspection, as quality of the deciding party."""
    person = person_of(key)
    return _take(
        ledger, key, body.series, lambda s: series.end_reduced(s, body.severity, person, reason=body.reason)
    )


@router.post("/series/restarts")
def restart(ledger: House, key: Approver, body: Restart) -> dict[str, Any]:
    """Take up a class's discontinued inspection again, as quality of the deciding party."""
    person = person_of(key)
    return _take(
        ledger,
        key,
        body.series,
        lambda s: series.restart(s, body.severity, person, corrective_action=body.corrective_action),
    )


def _take(
    ledger: Ledger, key: ApiKey, subject: str, step: Callable[[quality.Series], Sequence[quality.NewEvent]]
) -> dict[str, Any]:
    ledger.take(key, lambda past: step(_known(past, subject)))
    return get_series(ledger, subject)


def _known(past: Past, subject: str) -> quality.Series:
    state = series_in(past, subject) if subject.startswith("switching:") else None
    if state is None or not state.sequence:
        raise Problem("not-found", f"no lot was drawn in a series {subject!r}")
    return state
