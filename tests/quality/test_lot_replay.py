"""The lot's reducer: order, verification in replay, and whatever is tried."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import quality
from evidence.journal import append
from quality.lot_state import ALLOWED
from quality.steps import clear_units, quarantine_units
from tests.quality.records import (
    GOLDEN,
    INSPECTOR,
    SEED,
    SPEC,
    Line,
    bad,
    inspection,
    proof,
    spec_with,
)


def outgoing(serial: str, verdict: str = "ACCEPT", **fields: Any) -> Any:
    return inspection(serial, verdict, station="oqc-1", sequence=9, **fields)


# the reducer


def test_a_line_out_of_order_is_refused() -> None:
    line = Line().drawn(3)
    line.record(*(outgoing(s) for s in line.sample))
    line.add(quality.decide_oqc(line.state, SPEC))
    line.add(quality.release_lot(line.state, SPEC, INSPECTOR))
    own = [x for x in line.lines if x.subject == "L1"]
    for i in range(len(own) - 1):
        if own[i].kind == own[i + 1].kind:
            continue
        swapped = [*own[:i], own[i + 1], own[i], *own[i + 2 :]]
        renumbered = [x.model_copy(update={"sequence": n}) for n, x in enumerate(swapped, 1)]
        with pytest.raises(quality.StepError):
            quality.replay("L1", renumbered)
    with pytest.raises(quality.StepError, match="comes after line"):
        quality.apply(line.state, own[-1])


def test_a_gate_cannot_be_left_out_of_the_journal() -> None:
    line = Line().drawn(3)
    line.record(*(outgoing(s) for s in line.sample))
    line.add(quality.decide_oqc(line.state, SPEC))
    line.add(quality.release_lot(line.state, SPEC, INSPECTOR))
    for kind in ("lot.opened", "fai.decided", "fai.approved", "lot.frozen", "oqc.drawn", "oqc.decided"):
        with pytest.raises(quality.StepError):
            quality.replay("L1", [x for x in line.lines if x.kind != kind])
    unseen = [x for x in line.lines if x.body.get("checkpoint") != "oqc"]
    with pytest.raises(quality.StepError, match="not what sample and checklist decide"):
        quality.replay("L1", unseen)
    unproven = [x for x in line.lines if x.body.get("checkpoint") != "first_article"]
    with pytest.raises(quality.StepError, match="which was not recorded"):
        quality.replay("L1", unproven)


def forged(line: Line, kind: str, change: Callable[[dict[str, Any]], dict[str, Any]]) -> list[Any]:
    return [x.model_copy(update={"body": change(x.body)}) if x.kind == kind else x for x in line.lines]


def test_manifest_and_draw_are_verified_in_replay() -> None:
    line = Line(spec_with(oqc={"level": "S-1", "major": {"aql": "10"}, "minor": {"aql": "10"}})).drawn(60)
    others = [s for s in line.state.serials if s not in line.sample]
    (drawn,) = (x.body for x in line.lines if x.kind == "oqc.drawn")
    chosen = {**drawn["draw"], "serials": others[:5]}
    with pytest.raises(quality.StepError, match="not what its seed gives"):
        quality.replay("L1", forged(line, "oqc.drawn", lambda b: {**b, "draw": chosen}))
    for change in ({"serials": list(line.state.serials[1:])}, {"manifest": "sha256:" + "0" * 64}):
        with pytest.raises(quality.StepError, match="manifest is not"):
            quality.replay("L1", forged(line, "lot.frozen", lambda b, c=change: {**b, **c}))
    with pytest.raises(quality.StepError, match="an inspection for oqc cannot follow"):
        quality.replay("L1", forged(line, "inspection.recorded", lambda b: {**b, "checkpoint": "oqc"}))


def test_lines_that_are_not_of_a_lot_are_refused_and_other_subjects_skipped() -> None:
    line = Line().opened()
    odd = append(
        line.lines[-1], time=line.lines[-1].time, actor="t", kind="lot.painted", subject="L1", body={}
    )
    with pytest.raises(quality.StepError, match="not an event of a lot"):
        quality.apply(line.state, odd)
    empty = odd.model_copy(update={"kind": "inspection.recorded"})
    with pytest.raises(quality.StepError, match=r"not the body of inspection\.recorded"):
        quality.apply(line.state, empty)
    with pytest.raises(quality.StepError, match="about 'L2'"):
        quality.apply(line.state, odd.model_copy(update={"subject": "L2"}))
    assert quality.replay("L2", line.lines) == quality.LotState("L2")


def test_apply_leaves_the_given_state_as_it_is() -> None:
    line = Line().in_production()
    before = line.state
    kept = replace(before, units=dict(before.units), causes=dict(before.causes))
    line.record(bad("U1", "critical"))
    assert before == kept
    assert line.state != before


def test_every_kind_has_its_place() -> None:
    line = Line().produced(3)
    line.add(quarantine_units(line.state, ["U000"], cause="ipqc:hole", reason="0.91 mm"))
    line.add(clear_units(line.state, SPEC, ["U000"], QUALITY, reason="measured again"))
    line.add(quality.freeze_lot(line.state))
    line.add(quality.draw_sample(line.state, SPEC, SEED))
    line.record(outgoing(line.sample[0], "HOLD"), *(outgoing(s) for s in line.sample[1:]))
    line.add(quality.resolve_unit(line.state, SPEC, line.sample[0], INSPECTOR, reason="seen"))
    line.add(quality.decide_oqc(line.state, SPEC))
    line.add(quality.release_lot(line.state, SPEC, INSPECTOR))
    told = {"switching.lot_drawn", "switching.lot_counted", "nonconformance.opened"}
    assert set(line.kinds()) - told == set(ALLOWED) - {"oqc.judged", "oqc.checked", "lot.resubmitted"}


QUALITY = INSPECTOR.model_copy(update={"roles": ("quality",)})
ACTIONS = ("open", "first", "unit", "bad", "held", "critical", "fai", "approve", "freeze", "draw", "outgoing",
           "resolve", "oqc", "release", "judge", "quarantine", "clear")  # fmt: skip


def take(line: Line, action: str, number: int) -> None:
    state = line.state
    serial = f"U{number % 7}"
    drawn = line.sample if state.draw else ("U0",)
    first = inspection("FA-1")
    steps: dict[str, Callable[[], tuple[quality.NewEvent, ...]]] = {
        "open": lambda: quality.open_lot(state, SPEC, GOLDEN),
        "first": lambda: quality.record_inspection(state, SPEC, first),
        "unit": lambda: quality.record_inspection(state, SPEC, inspection(serial, sequence=number + 1)),
        "bad": lambda: quality.record_inspection(state, SPEC, bad(serial, "major")),
        "held": lambda: quality.record_inspection(
            state, SPEC, inspection(serial, "HOLD", sequence=number + 1)
        ),
        "critical": lambda: quality.record_inspection(state, SPEC, bad(serial, "critical")),
        "fai": lambda: quality.decide_first_article(state, SPEC, [first], [proof("FA-1")]),
        "approve": lambda: quality.approve_first_article(state, SPEC, INSPECTOR),
        "freeze": lambda: quality.freeze_lot(state),
        "draw": lambda: quality.draw_sample(state, SPEC, SEED),
        "outgoing": lambda: quality.record_inspection(state, SPEC, outgoing(drawn[number % len(drawn)])),
        "resolve": lambda: quality.resolve_unit(state, SPEC, serial, INSPECTOR, reason="seen"),
        "oqc": lambda: quality.decide_oqc(state, SPEC),
        "judge": lambda: quality.judge_unit(
            state, SPEC, drawn[number % len(drawn)], QUALITY, evidence="seen at 400 mm"
        ),
        "quarantine": lambda: quarantine_units(state, [serial], cause="ipqc:hole", reason="0.91 mm"),
        "clear": lambda: clear_units(state, SPEC, [serial], QUALITY, reason="measured again"),
        "release": lambda: quality.release_lot(state, SPEC, INSPECTOR),
    }
    line.add(steps[action]())


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(st.tuples(st.sampled_from(ACTIONS), st.integers(0, 20)), max_size=40), st.booleans())
def test_whatever_is_tried_the_gates_hold_and_replay_gives_the_live_state(
    tried: list[tuple[str, int]], started: bool
) -> None:
    line = Line().produced(2) if started else Line()
    for action, number in tried:
        before = line.state
        try:
            take(line, action, number)
        except quality.QualityError:
            assert line.state is before
    assert quality.replay("L1", line.lines) == line.state
    kinds = line.kinds()
    if "lot.released" in kinds:
        assert kinds.index("fai.approved") < kinds.index("lot.frozen") < kinds.index("oqc.drawn")
        assert line.state.oqc is not None
        assert line.state.oqc.outcome == "accept"
        assert all(late.resolution for late in line.state.late.values())
    assert all(line.state.units[s].verdict == "ACCEPT" for s in line.state.serials)
    known = quality.replay_nonconformances(line.lines)
    assert {n.cause for n in known.values()} == set(line.state.causes)


def test_a_lot_of_10_000_units_is_quick() -> None:
    line = Line().in_production()
    (event,) = quality.record_inspection(line.state, SPEC, inspection("U"))
    last, lines = line.lines[-1], []
    for i in range(10_000):
        body = {**event.body, "serial": f"U{i:05d}", "inspection": f"insp-{i}"}
        last = append(last, time=last.time, actor="t", kind=event.kind, subject="L1", body=body)
        lines.append(last)
    start = time.perf_counter()
    state = quality.replay("L1", [*line.lines, *lines])
    replayed = time.perf_counter() - start
    line.state = state
    start = time.perf_counter()
    for i in range(100):
        quality.apply(state, append(last, time=last.time, actor="t", kind=event.kind, subject="L1",
                                    body={**event.body, "serial": f"V{i}"}))  # fmt: skip
    applied = (time.perf_counter() - start) / 100
    line.lines = [*line.lines, *lines]
    line.add(quality.freeze_lot(line.state))
    line.add(quality.draw_sample(line.state, SPEC, SEED))
    assert len(line.sample) == 200
    assert replayed < 5.0
    assert applied < 0.05
