"""In-process control: samples due and missed, reactions and their clocks, quarantine."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

import quality
from evidence.journal import append
from quality import StepError, ipqc
from quality.ipqc import Reading
from tests.quality.ipqc.lines import ENGINEER, KEEPER, OPERATOR, Shop, limits, plan
from tests.quality.records import spec_with

GOOD = (0.8, 0.802)
HIGH = (0.83, 0.832)  # within specification, beyond three standard errors
BAD = (0.8, 0.9)
CAUSE = "characteristic:hole"


# samples


def test_a_conforming_sample_starts_nothing() -> None:
    shop = Shop().started().made(10)
    assert shop.sample(*GOOD) == ["ipqc.sampled"]
    assert (shop.state.base, shop.state.conforming, shop.state.reactions) == (10, 10, {})
    record = shop.state.record()
    assert record["samples"][0]["judgements"] == [
        {"characteristic": "hole", "outcome": "conforming", "rules": []}
    ]
    assert record["samples"][0]["readings"][0]["instrument"] == "pin gauge 2"
    assert record["limits"]["hole"]["version"] == 1
    assert record["started"]["record_keeper"]["name"] == "Zhao"


def test_a_signal_within_specification_starts_the_reaction_plan_and_holds_nothing() -> None:
    shop = Shop().started().made(10)
    assert shop.sample(*HIGH) == ["ipqc.sampled", "ipqc.signal"]
    reaction = shop.state.reactions["1:hole"]
    assert reaction.signal.outcome == "signal"
    assert reaction.signal.rules == ("mean: nelson1",)
    assert shop.state.conforming == 10
    assert shop.lot.quarantine == {}


def test_runs_are_seen_over_samples_under_the_same_limits() -> None:
    shop = Shop(key_characteristics=[{"characteristic": "hole", "rules": "nelson 2"}]).started()
    for number in range(1, 10):
        shop.made(10)
        kinds = shop.sample(*((0.8005, 0.8025) if number % 2 else (0.7965, 0.8105)))  # ranges do not run
        assert kinds == (["ipqc.sampled"] if number < 9 else ["ipqc.sampled", "ipqc.signal"])
    assert shop.state.reactions["9:hole"].signal.rules == ("mean: nelson2",)
    shop.freeze(limits(version=2))  # a new version begins a new stage
    shop.made(10)
    assert shop.sample(0.8005, 0.8025) == ["ipqc.sampled"]


def test_without_limits_only_the_specification_judges() -> None:
    shop = Shop().started(frozen=False).made(10)
    assert shop.sample(*HIGH) == ["ipqc.sampled"]
    shop.made(10)
    assert "ipqc.signal" in shop.sample(*BAD)


def test_out_of_specification_quarantines_all_since_the_last_conforming_sample() -> None:
    shop = Shop().started().made(10)
    shop.sample(*GOOD)
    shop.made(10)
    kinds = shop.sample(*BAD)
    assert kinds == ["ipqc.sampled", "ipqc.signal", "lot.quarantined", "nonconformance.opened"]
    assert sorted(shop.lot.quarantine) == [f"U{i:03d}" for i in range(11, 21)]
    assert shop.lot.quarantine["U011"] == (CAUSE,)
    note = quality.replay_nonconformances(shop.lines)
    (opened,) = note.values()
    assert (opened.cause, opened.severity, opened.triggers) == (CAUSE, "major", ("out_of_specification",))
    assert opened.serials == ("U020",)
    assert CAUSE in shop.lot.causes
    # what is made until the next conforming sample is suspect too
    shop.made(3)
    assert shop.watch() == ["lot.quarantined"]
    assert shop.watch() == []
    shop.made(5)
    assert shop.sample(*BAD)[-1] == "nonconformance.extended"
    shop.made(10)
    assert shop.sample(*GOOD) == ["ipqc.sampled", "lot.quarantined"]
    assert sorted(shop.lot.quarantine) == [f"U{i:03d}" for i in range(11, 37)]
    assert shop.state.suspects == ()
    shop.made(2)
    assert shop.watch() == []
    assert ipqc.replay_ipqc("L1", shop.lines) == shop.state
    assert list(quality.replay("L1", shop.lines).quarantine) == list(shop.lot.quarantine)


def test_the_first_sample_out_of_specification_holds_all_since_the_start() -> None:
    shop = Shop().producing().made(3)
    shop.add(ipqc.start_ipqc(shop.state, shop.spec, KEEPER, sop="WI-7", sop_version="B", now=shop.clock))
    shop.add(ipqc.acknowledge_sop(shop.state, "B", OPERATOR, now=shop.clock))
    assert (shop.state.base, shop.state.sampled, shop.state.conforming) == (3, 3, 3)
    (begun,) = [x for x in shop.lines if x.kind == "ipqc.started"]
    empty = ipqc.replay_ipqc("L1", shop.lines[: shop.lines.index(begun)])
    assert (ipqc.IpqcState("L1").sequence, empty.base, empty.sampled, empty.conforming) == (0, 0, 0, 0)
    with pytest.raises(StepError, match=r"not the body of ipqc\.started"):
        ipqc.apply_ipqc(empty, begun.model_copy(update={"body": {**begun.body, "suppliers": []}}))
    shop.made(4).sample(*BAD)
    assert sorted(shop.lot.quarantine) == ["U004", "U005", "U006", "U007"]


def test_two_characteristics_signal_in_the_order_of_the_plan() -> None:
    keys = [
        {"characteristic": "hole", "chart": "xbar_r", "rules": "nelson 1 2"},
        {"characteristic": "face", "chart": "np", "rules": "nelson 1"},
    ]
    shop = Shop(key_characteristics=keys).started().made(10)
    given = {"characteristic": "face", "value": None, "standard_uncertainty": None, "conform": False}
    both = [*shop.readings(*BAD), *shop.readings(0, 0, **given)]
    events = ipqc.take_sample(shop.state, shop.lot, both, OPERATOR, now=shop.clock)
    assert [e.kind for e in events[:5]] == ["ipqc.sampled", *["ipqc.signal"] * 2, *["lot.quarantined"] * 2]
    shop.add(events[:1])
    with pytest.raises(StepError, match="signals on hole; record that first"):
        shop.add(events[2:3])
    shop.add(events[1:3])
    with pytest.raises(StepError, match="suspect for characteristic:hole; quarantine it first"):
        ipqc.change_sop(shop.state, "C", ENGINEER, now=shop.clock)
    shop.add(events[3:])
    assert list(shop.state.reactions) == ["1:hole", "1:face"]
    for _ in range(2):
        shop.add(ipqc.acknowledge_reaction(shop.state, "1:hole", OPERATOR, note="done", now=shop.clock))
    shop.after(31)
    assert shop.watch() == ["ipqc.escalated"]
    assert shop.lines[-1].body["reaction"] == "1:face"


def test_an_earlier_state_stays_as_it_is() -> None:
    shop = Shop().started().made(10)
    before = shop.state
    shop.freeze(limits(version=2))
    shop.sample(*BAD)
    assert before.limits["hole"][0].version == 1
    assert (before.reactions, before.quarantine, len(before.units)) == ({}, {}, 10)


def test_an_undecided_value_starts_the_reaction_and_proves_nothing() -> None:
    shop = Shop().started().made(10)
    undecided = shop.readings(0.8, 0.8499, standard_uncertainty=0.01)
    kinds = shop.add(ipqc.take_sample(shop.state, shop.lot, undecided, OPERATOR, now=shop.clock))
    assert kinds == ["ipqc.sampled", "ipqc.signal"]
    assert shop.state.reactions["1:hole"].signal.outcome == "undecided"
    assert shop.state.conforming == 0
    unstated = Shop().started().made(10)
    given = unstated.readings(0.8, 0.8, standard_uncertainty=None)
    unstated.add(ipqc.take_sample(unstated.state, unstated.lot, given, OPERATOR, now=unstated.clock))
    assert unstated.state.reactions["1:hole"].signal.outcome == "undecided"


def test_a_counted_characteristic() -> None:
    keys = [{"characteristic": "face", "chart": "np", "rules": "nelson 1"}]
    shop = Shop(key_characteristics=keys).started(frozen=False).made(10)
    reading = {"characteristic": "face", "value": None, "standard_uncertainty": None}
    good = shop.readings(0, 0, **reading, conform=True)
    assert shop.add(ipqc.take_sample(shop.state, shop.lot, good, OPERATOR, now=shop.clock)) == [
        "ipqc.sampled"
    ]
    shop.made(10)
    bad = [*shop.readings(0, **reading, conform=False)]
    bad += [bad[0].model_copy(update={"serial": "U019", "conform": True})]
    kinds = shop.add(ipqc.take_sample(shop.state, shop.lot, bad, OPERATOR, now=shop.clock))
    assert kinds[-1] == "nonconformance.opened"
    wrong = [r.model_copy(update={"value": 1.0, "conform": None}) for r in bad]
    shop.made(5)
    wrong = [r.model_copy(update={"serial": f"U02{i + 1}"}) for i, r in enumerate(wrong)]
    with pytest.raises(StepError, match="face on U021 takes conform"):
        ipqc.take_sample(shop.state, shop.lot, wrong, OPERATOR, now=shop.clock)


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        (lambda r: r[:1], "the sample is 1 units; the plan asks for 2"),
        (lambda r: [*r, r[0].model_copy(update={"serial": "U001"})], "is 3 units"),
        (lambda r: [*r, r[0]], "needs one reading of hole"),
        (lambda r: [r[0], r[1].model_copy(update={"characteristic": "paint"})], "paint is no key charact"),
        (lambda r: [r[0], r[1].model_copy(update={"serial": "U999"})], "U999 was not made in production"),
        (lambda r: [r[0], r[1].model_copy(update={"serial": "FA-1"})], "FA-1 was not made in production"),
        (lambda r: [r[0], r[1].model_copy(update={"serial": "U010"})], "U010 was made before the last"),
        (lambda r: [r[0], r[1].model_copy(update={"value": None, "conform": True})], "takes a value"),
    ],
)
def test_readings_that_are_no_sample(change: Callable[[list[Reading]], list[Reading]], problem: str) -> None:
    shop = Shop().started().made(10)
    shop.sample(*GOOD)
    shop.made(5)
    good = shop.readings(*GOOD)
    assert ipqc.take_sample(shop.state, shop.lot, good, OPERATOR, now=shop.clock)
    with pytest.raises(StepError, match=problem):
        ipqc.take_sample(shop.state, shop.lot, change(good), OPERATOR, now=shop.clock)


def test_a_reading_is_one_thing_and_a_number() -> None:
    base: dict[str, Any] = {"serial": "U1", "characteristic": "hole", "instrument": "x"}
    negative = {"value": 1.0, "standard_uncertainty": -1}
    for wrong in ({}, {"value": 1.0, "conform": True}, {"value": float("nan")}, negative):
        with pytest.raises(ValidationError):
            Reading.model_validate({**base, **wrong})
    with pytest.raises(ValidationError):
        Reading.model_validate({**base, "value": 1.0, "instrument": ""})


# reactions and escalation


def test_a_reaction_is_done_step_by_step() -> None:
    shop = Shop().started().made(10)
    shop.sample(*HIGH)
    with pytest.raises(StepError, match="reaction 2:hole is unknown"):
        ipqc.acknowledge_reaction(shop.state, "2:hole", OPERATOR, note="x", now=shop.clock)
    for minutes in (10, 20):
        shop.after(minutes)
        shop.add(ipqc.acknowledge_reaction(shop.state, "1:hole", OPERATOR, note="done", now=shop.clock))
    (told,) = shop.state.record()["reactions"]
    assert (told["id"], told["done"], told["escalated"]) == ("1:hole", True, 0)
    assert [(s["step"], s["at"], s["late"]) for s in told["steps"]] == [
        (1, "2026-07-01T08:10:00Z", False), (2, "2026-07-01T08:30:00Z", False),
    ]  # fmt: skip
    with pytest.raises(StepError, match="reaction 1:hole is done"):
        ipqc.acknowledge_reaction(shop.state, "1:hole", OPERATOR, note="x", now=shop.clock)
    shop.after(600)
    assert shop.watch() == []


def test_an_overdue_reaction_is_escalated_level_by_level() -> None:
    shop = Shop().started().made(10)
    shop.sample(*HIGH)
    shop.after(30)
    assert shop.watch() == []
    shop.after(1 / 60)
    assert shop.watch() == ["ipqc.escalated"]
    assert shop.watch() == []
    shop.add(ipqc.acknowledge_reaction(shop.state, "1:hole", OPERATOR, note="x", now=shop.clock))
    assert shop.state.record()["reactions"][0]["steps"][0]["late"] is True
    shop.after(30)
    assert shop.watch() == ["ipqc.escalated"]
    assert shop.lines[-1].body == {"reaction": "1:hole", "level": 2, "role": "management"}
    shop.after(600)
    assert shop.watch() == []
    both = Shop().started().made(10)
    both.sample(*HIGH)
    both.after(61)
    assert both.watch() == ["ipqc.escalated"] * 2


def test_a_plan_without_levels_tells_quality() -> None:
    shop = Shop(escalation=[], reaction_minutes=15).started().made(10)
    shop.sample(*HIGH)
    shop.after(15)
    assert shop.watch() == []
    shop.after(1 / 60)
    assert shop.watch() == ["ipqc.escalated"]
    assert shop.lines[-1].body["role"] == "quality"


# the plan


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"size": 1}, "hole: chart xbar_r takes samples of 2 to 25; size is 1"),
        ({"size": 26, "every_units": 30}, "takes samples of 2 to 25; size is 26"),
        ({"size": 2, "key_characteristics": [{"characteristic": "hole", "chart": "i_mr"}]}, "samples of one"),
        ({"size": 11}, "size 11 is above every_units 10"),
        ({"reaction_plan": []}, "reaction_plan: key characteristics need one"),
        ({"key_characteristics": [{"characteristic": "hole"}] * 2}, "one is named twice"),
        ({"escalation": [{"role": "quality", "after_minutes": 5}] * 2}, "order after_minutes"),
        ({"key_characteristics": [{"characteristic": "hale"}]}, "no characteristic 'hale'"),
        ({"key_characteristics": [{"characteristic": "face"}]}, "face takes p or np"),
        ({"key_characteristics": [{"characteristic": "hole", "chart": "p"}]}, "hole takes xbar_r"),
        ({"key_characteristics": [{"characteristic": "hole", "rules": "nelson 9"}]}, "pattern"),
    ],
)
def test_a_plan_that_cannot_be_followed(change: dict[str, Any], problem: str) -> None:
    spec_with(ipqc=plan())
    spec_with(ipqc=plan(size=10))
    with pytest.raises(ValidationError, match=problem):
        spec_with(ipqc=plan(**change))


# the reducer


def test_forged_bodies_do_not_get_through() -> None:
    shop = Shop().started().made(10)
    good = ipqc.take_sample(shop.state, shop.lot, shop.readings(*BAD), OPERATOR, now=shop.clock)

    def forged(kind: str, body: Any, subject: str = "ipqc:L1", time: str = "2026-07-01T08:00:00Z") -> Any:
        line = append(shop.lines[-1], time=time, actor="x", kind=kind, subject=subject, body=body)
        return ipqc.apply_ipqc(shop.state, line)

    body = good[0].body
    calm = [{"characteristic": "hole", "outcome": "conforming", "rules": []}]
    for change, problem in (
        ({"judgements": calm}, "not judged as its readings say"),
        ({"judgements": []}, "not judged as its readings say"),
        ({"number": 2}, "the next sample has number 1, not 2"),
        ({"sop_version": "A"}, "is at version B, not A"),
        ({"operator": KEEPER.model_dump(mode="json")}, "needs a person with the role"),
        ({"readings": body["readings"][:1]}, "is 1 units"),
    ):
        with pytest.raises(StepError, match=problem):
            forged("ipqc.sampled", {**body, **change})
    missed = {"by": "units", "due_at": "2026-07-01T08:00:00Z", "units": 10}
    with pytest.raises(StepError, match="no such sample is missed"):
        forged("ipqc.missed", missed)
    signal = good[1].body
    with pytest.raises(StepError, match="no sample signals on hole"):
        forged("ipqc.signal", signal)
    with pytest.raises(StepError, match="not the body of ipqc"):
        forged("ipqc.signal", {})
    with pytest.raises(StepError, match="not about"):
        forged("ipqc.signal", signal, "ipqc:L2")
    shop.made(3)
    with pytest.raises(StepError, match="was missed; record that first"):
        forged("ipqc.sampled", body)
    with pytest.raises(StepError, match="no such sample is missed"):
        forged("ipqc.missed", {**missed, "units": 11})
    assert forged("ipqc.missed", missed).base == 10


def test_signal_and_quarantine_cannot_be_left_out_of_the_journal() -> None:
    shop = Shop().started().made(10)
    sampled, signal, held, _ = ipqc.take_sample(
        shop.state, shop.lot, shop.readings(*BAD), OPERATOR, now=shop.clock
    )
    shop.add([sampled])
    with pytest.raises(StepError, match="sample 1 signals on hole; record that first"):
        ipqc.change_sop(shop.state, "C", ENGINEER, now=shop.clock)
    with pytest.raises(StepError, match="record that first"):
        shop.add([quality.NewEvent(signal.kind, signal.subject, {**signal.body, "outcome": "signal"})])
    shop.add([signal])
    with pytest.raises(StepError, match="unit U001 is suspect for characteristic:hole; quarantine it first"):
        ipqc.change_sop(shop.state, "C", ENGINEER, now=shop.clock)
    shop.add([held])
    assert ipqc.change_sop(shop.state, "C", ENGINEER, now=shop.clock)


def test_forged_reactions_do_not_get_through() -> None:
    shop = Shop().started().made(10)
    shop.sample(*HIGH)

    def forged(kind: str, time: str, **body: Any) -> Any:
        line = append(shop.lines[-1], time=time, actor="x", kind=kind, subject="ipqc:L1", body=body)
        return ipqc.apply_ipqc(shop.state, line)

    step = {"reaction": "1:hole", "person": OPERATOR.model_dump(mode="json"), "note": "x"}
    with pytest.raises(StepError, match="step 1 of reaction 1:hole comes next, not 2"):
        forged("ipqc.reaction_acknowledged", "2026-07-01T08:05:00Z", **step, step=2)
    told = {"reaction": "1:hole", "level": 1, "role": "quality"}
    with pytest.raises(StepError, match="is not overdue for level 1"):
        forged("ipqc.escalated", "2026-07-01T08:30:00Z", **told)
    assert forged("ipqc.escalated", "2026-07-01T08:30:01Z", **told).reactions["1:hole"].escalated == 1
    for change in ({"level": 2, "role": "management"}, {"role": "management"}):
        with pytest.raises(StepError, match="no such next level"):
            forged("ipqc.escalated", "2026-07-01T10:00:00Z", **{**told, **change})
    with pytest.raises(StepError, match="is unknown"):
        forged("ipqc.escalated", "2026-07-01T10:00:00Z", **{**told, "reaction": "9:hole"})


STEPS: tuple[Callable[[Shop], Any], ...] = (
    lambda s: s.made(3, 1),
    lambda s: s.made(7, 1),
    lambda s: s.sample(*GOOD),
    lambda s: s.sample(*HIGH),
    lambda s: s.sample(*BAD),
    lambda s: s.after(25).watch(),
    lambda s: s.watch(),
    lambda s: s.add(
        ipqc.acknowledge_reaction(s.state, next(iter(s.state.reactions)), OPERATOR, note="x", now=s.clock)
    ),
    lambda s: s.add(quality.freeze_lot(s.lot)),
)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(st.integers(0, len(STEPS) - 1), max_size=20))
def test_whatever_is_tried_replay_is_the_live_state_and_no_suspect_unit_is_good(tries: list[int]) -> None:
    shop = Shop(every_minutes=30).started()
    for i in tries:
        try:
            STEPS[i](shop)
        except (quality.QualityError, StopIteration):
            continue
    assert ipqc.replay_ipqc("L1", shop.lines) == shop.state
    assert quality.replay("L1", shop.lines) == shop.lot
    quality.replay_nonconformances(shop.lines)  # opened once, then extended
    bad = [s for s in shop.state.samples if s.judgements[0].outcome == "out_of_specification"]
    for sample in bad:
        assert all(CAUSE in shop.lot.quarantine[r.serial] for r in sample.readings)
