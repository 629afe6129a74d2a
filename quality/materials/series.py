"""Switching of incoming inspection: one series of deliveries of a material by a supplier, per check."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from quality.materials.lots import MaterialState
from quality.sampling import (
    LotResult,
    Scheme,
    Switching,
    after_lot,
    begin,
    restart_inspection,
    return_to_normal,
)


def iqc_series(states: Iterable[MaterialState]) -> dict[str, Switching]:
    """Return where each check's switching stands after these deliveries, in the order of their decisions.

    Give the deliveries of one material by one supplier; undecided ones are skipped. A check that was not
    inspected, or not sampled by AQL, does not count.
    """
    series: dict[str, Switching] = {}
    for state in states:
        if state.decision is not None:
            series.update(series_after(state, series))
    return series


def series_after(state: MaterialState, series: Mapping[str, Switching]) -> dict[str, Switching]:
    """Return where the checks of one delivery stand after it, given where they stood before.

    Deliveries may be in house side by side. One that came in before the series switched was inspected at a
    severity no longer in force and does not count, except that its rejection ends reduced inspection.
    """
    known: dict[str, Switching] = {}
    for name, result in state.checks.items():
        plan = result.plan.sampling
        if plan is None:
            continue
        before = series.get(name) or begin(Scheme(plan.standard, plan.aql, plan.counting))
        if before.discontinued and state.receipt.restart is not None:
            before = restart_inspection(before, state.receipt.restart)
        if not before.discontinued and before.severity == plan.severity:
            known[name] = after_lot(before, LotResult(plan, result.event.nonconforming))
        elif before.severity == "reduced" and result.event.nonconforming >= plan.Re:
            known[name] = return_to_normal(before, f"{state.subject}, at {plan.severity}, was rejected")
        else:
            known[name] = before
    return known
