"""When an 8D is due: weekends, holidays, leap days, changes of the clock, and who hears of a late one."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, timezone
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

import quality.corrective as cap
from golden.plans import Deadlines
from golden.spec import GoldenSpec
from quality.corrective.due_dates import ends_at
from quality.errors import StepError
from tests.builders import tiny_fields
from tests.quality.corrective.cases import BUYS, Case, hours, lot

BUSINESS = Deadlines(day_mode="business", holidays=(date(2026, 12, 25), date(2027, 1, 1)))


def at(text: str) -> datetime:
    return datetime.fromisoformat(text)


def test_hours_run_through_a_weekend_and_a_leap_day() -> None:
    due = cap.due_dates(at("2024-02-28T08:00:00+00:00"), Deadlines(day_mode="business"))
    assert due.d0 == at("2024-02-29T08:00:00+00:00")
    assert due.d3 == at("2024-03-01T08:00:00+00:00")
    friday = cap.due_dates(at("2026-12-25T20:00:00+00:00"), BUSINESS)
    assert (friday.d0, friday.d3) == (at("2026-12-26T20:00:00+00:00"), at("2026-12-27T20:00:00+00:00"))


def test_hours_are_elapsed_hours_and_calendar_days_keep_the_time_of_day_over_a_change_of_the_clock() -> None:
    berlin = Deadlines(time_zone="Europe/Berlin", root_cause_days=1, action_plan_days=2)
    due = cap.due_dates(at("2026-03-28T12:00:00+01:00"), berlin)  # the clock goes forward in the night
    assert due.d0 == at("2026-03-29T13:00:00+02:00")
    assert due.d4 == at("2026-03-29T12:00:00+02:00") == at("2026-03-29T10:00:00+00:00")
    assert isinstance(due.d4, datetime)
    assert due.d4.utcoffset() == timedelta()
    utc = cap.due_dates(at("2026-03-28T12:00:00+01:00"), Deadlines(root_cause_days=1))
    assert utc.d4 == at("2026-03-29T11:00:00+00:00")


def test_an_hour_that_the_clock_skips_is_read_as_before_the_change() -> None:
    berlin = Deadlines(time_zone="Europe/Berlin", root_cause_days=1)
    due = cap.due_dates(at("2026-03-28T02:30:00+01:00"), berlin)
    assert due.d4 == at("2026-03-29T02:30:00+01:00")


def test_business_days_are_those_of_the_agreed_zone() -> None:
    shanghai = Deadlines(day_mode="business", time_zone="Asia/Shanghai", root_cause_days=1)
    opened = at("2026-07-02T20:00:00+00:00")  # Friday 04:00 in Shanghai
    assert cap.due_dates(opened, shanghai).d4 == date(2026, 7, 6)
    assert cap.due_dates(opened, shanghai.model_copy(update={"time_zone": "UTC"})).d4 == date(2026, 7, 3)
    assert ends_at(date(2026, 7, 6), shanghai) == at("2026-07-06T16:00:00+00:00")
    assert ends_at(date(2026, 7, 6), Deadlines()) == at("2026-07-07T00:00:00+00:00")


@pytest.mark.parametrize("opened", ["2026-12-18", "2026-12-19", "2026-12-20", "2026-12-24", "2026-12-25"])
@pytest.mark.parametrize("days", [1, 4, 5, 10])
def test_business_days_as_numpy_counts_them(opened: str, days: int) -> None:
    deadlines = BUSINESS.model_copy(update={"root_cause_days": days})
    due = cap.due_dates(at(f"{opened}T23:59:00+00:00"), deadlines).d4
    expected = np.busday_offset(opened, days, roll="backward", holidays=["2026-12-25", "2027-01-01"])
    assert due == expected.astype(object)


@given(
    st.datetimes(datetime(2020, 1, 1), datetime(2035, 1, 1)),  # noqa: DTZ001 (the zone follows)
    st.integers(1, 400),
    st.integers(-12, 12),
)
def test_calendar_days_in_utc_are_so_many_times_24_hours(opened: datetime, days: int, offset: int) -> None:
    start = opened.replace(tzinfo=timezone(timedelta(hours=offset)))
    deadlines = Deadlines.model_construct(**{**Deadlines().model_dump(), "closure_days": days})
    assert cap.due_dates(start, deadlines).d8 == start + timedelta(days=days)


def test_an_opening_outside_the_calendar_is_refused() -> None:
    early = datetime(1, 1, 1, tzinfo=timezone(timedelta(hours=1)))
    with pytest.raises(StepError, match="outside the calendar"):
        cap.due_dates(early, Deadlines())


def test_an_opening_without_zone_is_refused() -> None:
    with pytest.raises(StepError, match="no zone"):
        cap.due_dates(datetime(2026, 1, 1), Deadlines())  # noqa: DTZ001 (that is the point)


@pytest.mark.parametrize(
    ("fields", "word"),
    [
        ({"containment_hours": 49}, "initial_report_hours 48 is earlier than containment_hours 49"),
        ({"root_cause_days": 15}, "action_plan_days 14 is earlier than root_cause_days 15"),
        ({"action_plan_days": 31}, "corrective_action_days 30 is earlier"),
        ({"corrective_action_days": 61}, "closure_days 60 is earlier"),
        ({"escalation_hours": [0, 0]}, "rise"),
        ({"escalation_hours": []}, "escalation_hours"),
        ({"time_zone": "Mars/Base"}, "Mars/Base"),
        ({"time_zone": "../etc/passwd"}, "time_zone"),
        ({"time_zone": ""}, "time_zone"),
        ({"root_cause_days": 0}, "root_cause_days"),
        ({"day_mode": "moon"}, "day_mode"),
        ({"holidays": ["2026-02-30"]}, "holidays"),
    ],
)
def test_impossible_deadlines_are_refused(fields: dict[str, Any], word: str) -> None:
    with pytest.raises(ValidationError, match=word):
        Deadlines.model_validate(fields)


def test_equal_deadlines_are_possible() -> None:
    equal = Deadlines(
        containment_hours=48, root_cause_days=60, action_plan_days=60, corrective_action_days=60
    )
    assert equal.closure_days == 60


# --- overdue -----------------------------------------------------------------------------------------------


def late(case: Case, at: float) -> list[tuple[str, int, str]]:
    return [(o.discipline, o.level, o.waits_for) for o in cap.overdue(case.state, hours(at))]


def test_late_reports_rise_from_level_to_level() -> None:
    case = Case().opened()
    assert late(case, 24) == []
    (only,) = cap.overdue(case.state, hours(24.5))
    assert (only.discipline, only.level, only.waits_for) == ("D0", 1, "supplier")
    assert (only.due, only.late_by) == (hours(24), timedelta(minutes=30))
    assert late(case, 47.9) == [("D0", 1, "supplier")]
    assert late(case, 48)[0] == ("D0", 2, "supplier")
    assert late(case, 48.1) == [("D0", 2, "supplier"), *((d, 1, "supplier") for d in ("D1", "D2", "D3"))]
    assert late(case, 96)[0] == ("D0", 3, "supplier")
    assert late(case, 95.9)[0] == ("D0", 2, "supplier")
    assert [o.discipline for o in cap.overdue(case.state, hours(61 * 24))] == list(cap.DISCIPLINES)
    assert [o.discipline for o in cap.overdue(case.state, hours(30 * 24))] == list(cap.DISCIPLINES[:6])


def test_a_submitted_report_is_not_late_and_what_follows_waits_for_the_buyer() -> None:
    case = Case().opened().submit("D0", 4)
    assert late(case, 49) == [(d, 1, "buyer") for d in ("D1", "D2", "D3")]
    case.approve("D0", 50)
    assert late(case, 51) == [(d, 1, "supplier") for d in ("D1", "D2", "D3")]


def test_a_rejected_report_is_late_again() -> None:
    case = Case().opened().submit("D0", 4)
    case.add(cap.reject_report(case.state, "D0", BUYS, reason="no", now=hours(5)), 5)
    assert late(case, 25) == [("D0", 1, "supplier")]


def test_a_closed_one_is_never_late_and_a_restart_counts_from_its_own_time() -> None:
    assert late(Case().closed(), 9999) == []
    case = Case().implemented().observe(lot("G1", 1), 200).verify("not_effective", 300)
    assert late(case, 300 + 240) == []
    assert late(case, 300 + 241) == [("D4", 1, "supplier")]
    due = cap.capa_due_dates(case.state)
    assert (due.d0, due.d3, due.d4) == (hours(24), hours(48), hours(300 + 240))
    assert (due.d5, due.d6, due.d8) == (hours(300 + 336), hours(300 + 720), hours(300 + 1440))


def test_a_business_day_lasts_to_its_end() -> None:
    deadlines = {"day_mode": "business", "time_zone": "Europe/Berlin", "root_cause_days": 1}
    case = Case(GoldenSpec.model_validate({**tiny_fields(), "deadlines": deadlines})).contained()
    assert cap.capa_due_dates(case.state).d4 == date(2026, 3, 3)
    end = datetime(2026, 3, 3, 23, tzinfo=UTC)  # midnight in Berlin
    assert cap.overdue(case.state, end) == ()
    assert [o.discipline for o in cap.overdue(case.state, end + timedelta(seconds=1))] == ["D4"]


def test_nothing_is_due_before_it_is_opened() -> None:
    with pytest.raises(StepError, match="no corrective action is open"):
        cap.capa_due_dates(Case().state)
