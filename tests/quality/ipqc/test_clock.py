"""When an in-process sample is due, and when it is missed."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

import quality
from golden.plans import IpqcPlan
from quality import StepError, ipqc
from quality.ipqc import due
from tests.quality.ipqc.lines import OPERATOR, START, Shop

GOOD = (0.8, 0.802)


def times(*minutes: float) -> list[datetime]:
    return [START + timedelta(minutes=m) for m in minutes]


def test_a_sample_is_due_by_count_and_missed_after_its_grace() -> None:
    by_count = IpqcPlan(every_units=10, grace_percent=25)  # grace: 2 units, rounded down
    assert due(by_count, times(*range(9)), 0, START) is None
    for made, missed in ((10, False), (12, False), (13, True)):
        slot = due(by_count, times(*range(made)), 0, START)
        assert slot is not None
        assert (slot.by, slot.at, slot.units, slot.missed) == (
            "units", START + timedelta(minutes=9), 10, missed,
        )  # fmt: skip
    assert due(by_count, times(*range(13)), 4, START) is None
    later = due(by_count, times(*range(14)), 4, START)
    assert later is not None
    assert later.units == 14


def test_a_sample_is_due_by_time_from_the_first_unit_not_covered() -> None:
    by_time = IpqcPlan(every_units=None, every_minutes=60, grace_percent=10)
    made = times(0, 5, 40, 60, 61)
    assert due(by_time, made, 5, START + timedelta(days=1)) is None  # nothing was made: nothing is due
    for minutes, missed in ((60, False), (66, False), (66.001, True)):
        slot = due(by_time, made, 0, START + timedelta(minutes=minutes))
        assert slot is not None
        assert (slot.by, slot.at, slot.units) == ("minutes", START + timedelta(minutes=60), 4)
        assert slot.missed is missed
    assert due(by_time, made, 0, START + timedelta(minutes=59.999)) is None
    second = due(by_time, made, 2, START + timedelta(minutes=100))
    assert second is not None
    assert (second.at, second.units) == (START + timedelta(minutes=100), 5)


def test_of_count_and_time_the_first_counts() -> None:
    both = IpqcPlan(every_units=4, every_minutes=60, grace_percent=0)
    fast = due(both, times(0, 1, 2, 3, 70), 0, START + timedelta(minutes=70))
    assert fast is not None
    assert (fast.by, fast.units, fast.missed) == ("units", 4, True)
    slow = due(both, times(0, 50, 65, 70), 0, START + timedelta(minutes=70))
    assert slow is not None
    assert (slow.by, slow.units, slow.missed) == ("minutes", 2, True)


@given(
    st.integers(1, 20), st.integers(0, 100), st.lists(st.floats(0, 300), max_size=60), st.integers(0, 60),
    st.floats(0, 400),
)  # fmt: skip
def test_a_due_sample_covers_units_that_were_made(
    every: int, grace: int, made: list[float], base: int, now: float
) -> None:
    both = IpqcPlan(every_units=every, every_minutes=30, grace_percent=grace)
    known = times(*sorted(made))
    slot = due(both, known, min(base, len(known)), START + timedelta(minutes=max([now, *made])))
    if slot is not None:
        assert min(base, len(known)) < slot.units <= len(known)
        assert known[slot.units - 1] <= slot.at or slot.by == "minutes"


def test_a_missed_sample_is_an_event() -> None:
    shop = Shop().started().made(12)
    assert shop.watch() == []
    shop.made(1)
    assert shop.watch() == ["ipqc.missed"]
    assert shop.watch() == []
    assert shop.state.base == 10
    assert shop.state.record()["missed"] == [{"by": "units", "due_at": "2026-07-01T08:00:00Z", "units": 10}]
    shop.made(30)
    kinds = shop.add(ipqc.take_sample(shop.state, shop.lot, shop.readings(*GOOD), OPERATOR, now=shop.clock))
    assert kinds == ["ipqc.missed"] * 3 + ["ipqc.sampled"]
    assert [m.units for m in shop.state.missed] == [10, 20, 30, 40]
    assert shop.state.base == 43
    assert ipqc.replay_ipqc("L1", shop.lines) == shop.state


def test_a_late_sample_of_early_units_takes_no_missed_sample_back() -> None:
    shop = Shop().started().made(13)
    shop.watch()
    early = [
        reading.model_copy(update={"serial": serial})
        for reading, serial in zip(shop.readings(*GOOD), ("U001", "U002"), strict=True)
    ]
    shop.add(ipqc.take_sample(shop.state, shop.lot, early, OPERATOR, now=shop.clock))
    assert (shop.state.base, shop.state.sampled, shop.state.conforming) == (10, 2, 2)
    next_ones = [r.model_copy(update={"serial": f"U00{i}"}) for i, r in enumerate(early, 3)]
    shop.add(ipqc.take_sample(shop.state, shop.lot, next_ones, OPERATOR, now=shop.clock))
    assert shop.state.sampled == 4


def test_a_standing_line_misses_nothing_and_the_freeze_ends_it() -> None:
    shop = Shop(every_units=None, every_minutes=60, grace_percent=0).started()
    shop.after(600)
    assert shop.watch() == []
    shop.made(2).after(60)
    assert shop.watch() == []
    shop.add(quality.freeze_lot(shop.lot))
    shop.after(600)
    assert shop.watch() == []
    late = Shop(every_units=None, every_minutes=60, grace_percent=0).started().made(1).after(61)
    late.add(quality.freeze_lot(late.lot))
    late.after(600)
    assert late.watch() == ["ipqc.missed"]
    assert late.state.missed[0].due_at == "2026-07-01T09:00:00Z"
    with pytest.raises(StepError, match="the lot is not in production"):
        late.sample(0.8, 0.8)
