"""When each 8D discipline is due, by the deadlines of the golden sample. The present time is an argument."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from zoneinfo import ZoneInfo

from golden.plans import Deadlines
from quality.folding import aware


@dataclass(frozen=True, slots=True)
class DueDates:
    """When each report is due: an instant, or in business days a date whose end in the agreed zone counts.

    `d0` is the emergency response, `d3` the initial report (D1 to D3), `d8` the closure (D7 and D8).
    """

    d0: datetime
    d3: datetime
    d4: datetime | date
    d5: datetime | date
    d6: datetime | date
    d8: datetime | date


def due_dates(opened: datetime, deadlines: Deadlines) -> DueDates:
    """Return the due dates of a corrective action that was opened then; instants are in UTC.

    Hours are elapsed hours and run through weekends, holidays and changes of the clock. Calendar days keep
    the time of day in `deadlines.time_zone` (an hour that the clock skips is read as before the change);
    holidays do not stop them. Business days are as `Deadlines` says.

    Raises:
        StepError: `opened` has no zone.
    """
    start = aware(opened)
    return DueDates(
        d0=start + timedelta(hours=deadlines.containment_hours),
        d3=start + timedelta(hours=deadlines.initial_report_hours),
        d4=_after_days(start, deadlines.root_cause_days, deadlines),
        d5=_after_days(start, deadlines.action_plan_days, deadlines),
        d6=_after_days(start, deadlines.corrective_action_days, deadlines),
        d8=_after_days(start, deadlines.closure_days, deadlines),
    )


def ends_at(due: datetime | date, deadlines: Deadlines) -> datetime:
    """Return the instant, in UTC, up to which a report is in time: a date counts to its end in the zone."""
    if isinstance(due, datetime):
        return aware(due)
    return datetime.combine(due + timedelta(days=1), time(), _zone(deadlines)).astimezone(UTC)


def _after_days(start: datetime, days: int, deadlines: Deadlines) -> datetime | date:
    local = start.astimezone(_zone(deadlines))
    if deadlines.day_mode == "calendar":
        return (local + timedelta(days=days)).astimezone(UTC)
    day = local.date()
    while days:
        day += timedelta(days=1)
        days -= day.weekday() < 5 and day not in deadlines.holidays
    return day


def _zone(deadlines: Deadlines) -> tzinfo:
    return UTC if deadlines.time_zone == "UTC" else ZoneInfo(deadlines.time_zone)
