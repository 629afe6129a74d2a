"""What first pieces and in-process control hold back of a lot, as soon as it is known."""

from __future__ import annotations

import quality
from api.past import Past
from evidence.journal import JournalLine
from quality import ipqc, materials
from quality.fai_report import first_piece


def held_back(past: Past, lot: str) -> tuple[quality.NewEvent, ...]:
    """Return the events that quarantine what must not pass now, and tell what has become due.

    Units made while a first piece is called for; units made since a process went out of specification; missed
    samples and escalations. To be appended after each counted inspection and before the freeze.
    """
    state = past.lot(lot)
    called = past.lines(subject=f"{first_piece.SUBJECT}{lot}", kinds=(first_piece.FirstPieceCalled.kind,))
    held = first_piece.hold_units(past.first_piece(lot), state) if called else ()
    return (*held, *watched(past, state))


def watched(past: Past, state: quality.LotState) -> tuple[quality.NewEvent, ...]:
    """Return what in-process control of a lot says now; nothing where it is not started."""
    if not past.lines(subject=f"ipqc:{state.lot}", kinds=("ipqc.started",)):
        return ()
    return ipqc.watch(past.ipqc(state.lot), state, past.now)


def require_materials(past: Past, lot: str) -> None:
    """Raise StepError where the golden sample asks for booked materials and the lot's units lack some."""
    state = past.lot(lot)
    spec = past.spec_of(state)
    if spec.plans.fai.materials_booked:
        received = past.lines(kinds=tuple(materials.MATERIAL_EVENTS))
        by_subject: dict[str, list[JournalLine]] = {}
        for line in received:
            by_subject.setdefault(line.subject, []).append(line)
        known = [materials.replay_material(s.removeprefix("material:"), own) for s, own in by_subject.items()]
        materials.require_booked(spec, known, lot, len(state.units))
