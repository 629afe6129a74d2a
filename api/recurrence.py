"""What a non-conformance brings with it: told as the journal knows it, linked to the actions that it repeats.

Whatever is appended goes through `to_append`, so no checkpoint opens a cause twice in a lot, and no repeat
passes by the corrective action on its cause.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal
from typing import Any

import quality
from api.past import Past
from quality import corrective
from quality.corrective import CapaState
from quality.materials import MaterialNonconforming

OPENED, EXTENDED = "nonconformance.opened", "nonconformance.extended"
_OPENINGS = ("lot.opened", "material.received")


def to_append(past: Past, events: Sequence[quality.NewEvent]) -> tuple[quality.NewEvent, ...]:
    """Return the events as the journal takes them, with the non-conformances and recurrences they bring."""
    told = settled(past, (*events, *_of_materials(past, events)))
    return (*told, *recurrences(past, told))


def settled(past: Past, events: Sequence[quality.NewEvent]) -> tuple[quality.NewEvent, ...]:
    """Return the events, a non-conformance opened where the journal has none of its cause, else extended.

    A checkpoint knows the causes that it has told of itself, not those of every other one in the same lot.
    """
    seen: set[str] = set()
    told: list[quality.NewEvent] = []
    for event in events:
        if event.kind not in (OPENED, EXTENDED):
            told.append(event)
            continue
        known = event.subject in seen or past.lines(subject=event.subject, kinds=(OPENED,))
        seen.add(event.subject)
        told.append(replace(event, kind=EXTENDED if known else OPENED))
    return tuple(told)


def recurrences(past: Past, events: Sequence[quality.NewEvent]) -> tuple[quality.NewEvent, ...]:
    """Return what the non-conformances that these events open say to corrective actions on the same cause.

    Causes of receiving are those of a material: a repeat is of the same material of the same part.
    """
    if not any(event.kind == OPENED for event in events):
        return ()
    known = capas(past).values()
    found: list[quality.NewEvent] = []
    for event in events:
        if event.kind == OPENED:
            note = quality.NonconformanceNoted.model_validate(event.body)
            product = product_of(past, note.lot, events)
            assert product is not None, "a lot is open before it has a non-conformance"
            alike = [
                c for c in known
                if c.opened is not None and c.opened.cause == note.cause
                and product_of(past, c.opened.lot) == product
            ]  # fmt: skip
            opened = quality.Nonconformance(
                id=event.subject, lot=note.lot, cause=note.cause, severity=note.severity,
                opened_at=past.now.isoformat(), triggers=(note.trigger,), serials=note.serials,
                inspections=note.inspections,
            )  # fmt: skip
            found += corrective.note_recurrence(alike, opened, product[0], now=past.now)
    return tuple(found)


def _of_materials(past: Past, events: Sequence[quality.NewEvent]) -> tuple[quality.NewEvent, ...]:
    """Return the non-conformances that findings on material lots open: all of the delivery is affected."""
    noted: list[quality.NewEvent] = []
    for event in events:
        if event.kind == MaterialNonconforming.kind:
            found = MaterialNonconforming.model_validate(event.body)
            received = _opening(past, events, event.subject)
            assert received is not None, "a material lot is received before it has a finding"
            note = quality.NonconformanceNoted(
                lot=event.subject, cause=found.cause, severity=found.severity, trigger="iqc_rejection",
                serials=(), inspections=(), quantity=Decimal(received["delivery"]["quantity"]),
            )  # fmt: skip
            noted.append(quality.note_nonconformance({}, note))
    return tuple(noted)


def product_of(
    past: Past, lot: str, events: Sequence[quality.NewEvent] = ()
) -> tuple[str, str | None] | None:
    """Return the part of a lot that is open, or that `events` open, and of a material lot the material too.

    None where there is no such lot.
    """
    body = _opening(past, events, lot)
    if body is None:
        return None
    agreed = body.get("agreed")
    return (body["part"], None) if agreed is None else (agreed["part"], agreed["material"]["id"])


def _opening(past: Past, events: Sequence[quality.NewEvent], lot: str) -> dict[str, Any] | None:
    bodies = [e.body for e in events if e.subject == lot and e.kind in _OPENINGS]
    return next(iter(bodies or [line.body for line in past.lines(subject=lot, kinds=_OPENINGS)]), None)


def nonconformances(past: Past) -> dict[str, quality.Nonconformance]:
    """Return every non-conformance by id, in the order of opening."""
    return quality.replay_nonconformances(past.lines(kinds=tuple(quality.NONCONFORMANCE_EVENTS)))


def capas(past: Past) -> dict[str, CapaState]:
    """Return every corrective action by id, in the order of opening."""
    return corrective.replay_capas(past.lines(kinds=tuple(corrective.CAPA_EVENTS)))
