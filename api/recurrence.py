"""What a non-conformance brings with it: told as the journal knows it, linked to the actions that it repeats.

Whatever is appended goes through `to_append`, so no checkpoint opens a cause twice in a lot, and no repeat
passes by the corrective action on its cause.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import quality
from quality import corrective

if TYPE_CHECKING:
    from api.ledger import Past

OPENED, EXTENDED = "nonconformance.opened", "nonconformance.extended"
_OPENINGS = ("lot.opened", "material.received")


def to_append(past: Past, events: Sequence[quality.NewEvent]) -> tuple[quality.NewEvent, ...]:
    """Return the events as the journal takes them, and the recurrences that they bring."""
    told = settled(past, events)
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
    capas = corrective.replay_capas(past.lines(kinds=tuple(corrective.CAPA_EVENTS))).values()
    found: list[quality.NewEvent] = []
    for event in events:
        if event.kind == OPENED:
            note = quality.NonconformanceNoted.model_validate(event.body)
            part, material = _product(past, events, note.lot)
            alike = [
                c for c in capas
                if c.opened is not None and c.opened.cause == note.cause
                and _product(past, events, c.opened.lot) == (part, material)
            ]  # fmt: skip
            opened = quality.Nonconformance(
                id=event.subject, lot=note.lot, cause=note.cause, severity=note.severity,
                opened_at=past.now.isoformat(), triggers=(note.trigger,), serials=note.serials,
                inspections=note.inspections,
            )  # fmt: skip
            found += corrective.note_recurrence(alike, opened, part, now=past.now)
    return tuple(found)


def _product(past: Past, events: Sequence[quality.NewEvent], lot: str) -> tuple[str, str | None]:
    """Return the part that a lot is of, and of a material lot also the material."""
    bodies = [e.body for e in events if e.subject == lot and e.kind in _OPENINGS]
    body = bodies[0] if bodies else past.lines(subject=lot, kinds=_OPENINGS)[0].body
    agreed = body.get("agreed")
    return (body["part"], None) if agreed is None else (agreed["part"], agreed["material"]["id"])
