"""Non-conformances, derived from journal lines: one per lot and cause."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

from pydantic import ValidationError

from evidence.journal import JournalLine
from golden.catalogue import CharacteristicClass
from quality.errors import StepError
from quality.events import NonconformanceNoted, Trigger, nonconformance_id
from quality.unit_findings import CLASSES

_OPENED, _EXTENDED = "nonconformance.opened", "nonconformance.extended"


@dataclass(frozen=True, slots=True)
class Nonconformance:
    """A cause of nonconformity in a lot: when it opened, its worst severity, and what it was seen on."""

    id: str
    lot: str
    cause: str
    severity: CharacteristicClass
    opened_at: str
    triggers: tuple[Trigger, ...]
    serials: tuple[str, ...]
    inspections: tuple[str, ...]
    status: str = "open"

    def record(self) -> dict[str, Any]:
        """Return the JSON object."""
        return {
            **asdict(self),
            "triggers": list(self.triggers),
            "serials": list(self.serials),
            "inspections": list(self.inspections),
        }


def replay_nonconformances(lines: Iterable[JournalLine]) -> dict[str, Nonconformance]:
    """Return the non-conformances by id, in order of opening; lines of other kinds are skipped.

    Raises:
        StepError: a line opens what is open or extends what is not, or its body or subject does not fit.
    """
    known: dict[str, Nonconformance] = {}
    for line in lines:
        if line.kind in (_OPENED, _EXTENDED):
            known[line.subject] = _after(known, line)
    return known


def apply_nonconformance(known: Mapping[str, Nonconformance], line: JournalLine) -> dict[str, Nonconformance]:
    """Return what is known after one more line; a line of another kind changes nothing."""
    if line.kind not in (_OPENED, _EXTENDED):
        return dict(known)
    return {**known, line.subject: _after(known, line)}


def _after(known: Mapping[str, Nonconformance], line: JournalLine) -> Nonconformance:
    try:
        note = NonconformanceNoted.model_validate(line.body)
    except ValidationError as error:
        raise StepError(f"journal line {line.sequence}: not the body of {line.kind}: {error}") from error
    before = known.get(line.subject)
    if line.subject != nonconformance_id(note.lot, note.cause) or (before is None) != (line.kind == _OPENED):
        raise StepError(f"journal line {line.sequence}: {line.kind} of {line.subject} does not follow")
    if before is None:
        return Nonconformance(
            id=line.subject, lot=note.lot, cause=note.cause, severity=note.severity, opened_at=line.time,
            triggers=(note.trigger,), serials=note.serials, inspections=note.inspections,
        )  # fmt: skip
    return replace(
        before,
        severity=min(before.severity, note.severity, key=CLASSES.index),
        triggers=_merged(before.triggers, (note.trigger,)),
        serials=_merged(before.serials, note.serials),
        inspections=_merged(before.inspections, note.inspections),
    )


def _merged(old: tuple[Any, ...], new: tuple[Any, ...]) -> tuple[Any, ...]:
    return tuple(dict.fromkeys((*old, *new)))
