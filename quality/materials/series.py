"""Switching of incoming inspection: one series of deliveries of a material by a supplier, per check."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from quality.materials.lots import MaterialState
from quality.sampling import LotResult, Scheme, Switching, after_lot, begin, restart_inspection


def iqc_series(states: Iterable[MaterialState]) -> dict[str, Switching]:
    """Return where each check's switching stands after these deliveries, in the order of their decisions.

    Give the deliveries of one material by one supplier; undecided ones are skipped. A check that was not
    inspected, or not sampled by AQL, does not count. A delivery after discontinued inspection restarts it.

    Raises:
        StepError: a delivery was inspected at another severity than its series asked for.
    """
    series: dict[str, Switching] = {}
    for state in states:
        if state.decision is not None:
            series.update(series_after(state, series))
    return series


def series_after(state: MaterialState, series: Mapping[str, Switching]) -> dict[str, Switching]:
    """Return where the checks of one delivery stand after it, given where they stood before.

    Raises:
        StepError: the delivery was inspected at another severity than its series asked for.
    """
    known: dict[str, Switching] = {}
    for name, result in state.checks.items():
        plan = result.plan.sampling
        if plan is None:
            continue
        before = series.get(name) or begin(Scheme(plan.standard, plan.aql, plan.counting))
        if before.discontinued:
            before = restart_inspection(before, f"{state.subject} was received for tightened inspection")
        known[name] = after_lot(before, LotResult(plan, result.event.nonconforming))
    return known
