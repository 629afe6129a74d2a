"""When an in-process sample is due, when it is missed, and when a reaction is escalated."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from golden.plans import Escalation, IpqcPlan


@dataclass(frozen=True, slots=True)
class Due:
    """A sample that is due: by what, since when, and how many units of the lot were made by then."""

    by: Literal["units", "minutes"]
    at: datetime
    units: int
    missed: bool


def due(plan: IpqcPlan, times: Sequence[datetime], base: int, now: datetime) -> Due | None:
    """Return the sample that is due at `now`, or None.

    Args:
        plan: every how many units or minutes; both: whichever comes first.
        times: when each unit of the lot was made, in order.
        base: how many of them a sample, or a missed one, has covered.
        now: aware time.

    The minutes run from the first unit that is not covered: a line that stands makes nothing to sample. The
    sample is due with the last unit of the interval or at its last minute. It is missed once more units than
    the interval and its grace have been made, or more time has passed.
    """
    found: list[Due] = []
    late = False
    since = len(times) - base
    if plan.every_units is not None and since >= plan.every_units:
        late = since > plan.every_units + plan.every_units * plan.grace_percent // 100
        covered = base + plan.every_units
        found.append(Due("units", times[covered - 1], covered, missed=False))
    if plan.every_minutes is not None and since > 0:
        at = times[base] + timedelta(minutes=plan.every_minutes)
        if now >= at:
            grace = timedelta(minutes=plan.every_minutes * plan.grace_percent // 100)
            late = late or now > at + grace
            found.append(Due("minutes", at, max(base + 1, bisect_right(times, at)), missed=False))
    if not found:
        return None
    first = min(found, key=lambda slot: slot.at)
    return Due(first.by, first.at, first.units, missed=late)


def levels(plan: IpqcPlan) -> tuple[Escalation, ...]:
    """Return the escalation levels; a plan without them tells quality once the reaction is overdue."""
    return plan.escalation or (Escalation(role="quality", after_minutes=plan.reaction_minutes),)


def overdue(started: datetime, minutes: int, now: datetime) -> bool:
    """Return whether more than these minutes have passed; the last minute itself is still in time."""
    return now > started + timedelta(minutes=minutes)
