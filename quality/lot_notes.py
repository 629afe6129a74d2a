"""What a lot's findings say about non-conformances: the events that open or extend them."""

from __future__ import annotations

from collections.abc import Sequence

from quality.events import NewEvent, NonconformanceNoted, Trigger, nonconformance_events
from quality.lot_state import LotState
from quality.unit_findings import Nonconformity


def noted(
    state: LotState,
    nonconformities: Sequence[Nonconformity],
    trigger: Trigger,
    serials: tuple[str, ...],
    inspections: tuple[str, ...],
) -> tuple[NewEvent, ...]:
    """Return the events that note these nonconformities of the same units, each cause once."""
    notes = [note(state, n, trigger, serials, inspections) for n in dict.fromkeys(nonconformities)]
    return nonconformance_events(tuple(state.causes), notes)


def note(
    state: LotState,
    n: Nonconformity,
    trigger: Trigger,
    serials: tuple[str, ...],
    inspections: tuple[str, ...],
) -> NonconformanceNoted:
    """Return what a lot says about one nonconformity of these units."""
    return NonconformanceNoted(
        lot=state.lot,
        cause=n.cause,
        severity=n.severity,
        trigger=trigger,
        serials=serials,
        inspections=inspections,
    )
