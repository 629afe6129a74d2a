"""A lot's life: what may follow what, who may do it, what leaves the lot, and replay."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import quality
from evidence import GoldenReference
from evidence.journal import append
from golden.spec import GoldenSpec
from quality.lots import ALLOWED
from tests.builders import SUPPLIER, tiny_fields
from tests.quality.records import (
    GOLDEN,
    INSPECTOR,
    MAKER,
    SEED,
    SPEC,
    Line,
    bad,
    defect,
    inspection,
    proof,
    spec_with,
)


def outgoing(serial: str, verdict: str = "ACCEPT", **fields: Any) -> Any:
    return inspection(serial, verdict, station="oqc-1", sequence=9, **fields)


def test_the_whole_way_to_shipment() -> None:
    line = Line().drawn(20)
    assert len(line.sample) == 13  # letter C at level II; the arrow at AQL 1.0 ends at E, 13 units
    line.record(*(outgoing(s) for s in line.sample))
    line.add(quality.decide_oqc(line.state, SPEC))
    assert line.state.phase == "oqc_accepted"
    line.add(quality.release_lot(line.state, SPEC, INSPECTOR))
    assert line.state.phase == "released"
    assert line.nonconformances() == []
    record = line.state.record()
    assert record["units"] == {"accepted": 20, "rejected": 0, "held": 0, "quarantined": 1}
    assert record["size"] == 20
    assert record["oqc"]["outcome"] == "accept"
    assert record["approved_by"] == {"name": "Ada Berg", "party": "Nordic Instruments"}
    assert quality.replay("L1", line.lines) == line.state


# the gates


def test_no_production_before_the_first_article_is_accepted_and_approved() -> None:
    line = Line().opened()
    first = inspection("FA-1")
    line.record(first, inspection("U1"))
    assert {u.status for u in line.state.units.values()} == {"quarantined"}
    with pytest.raises(quality.StepError, match="accepted first article comes first"):
        quality.approve_first_article(line.state, SPEC, INSPECTOR)
    with pytest.raises(quality.StepError, match="accepted and approved first article comes first"):
        quality.freeze_lot(line.state)
    line.add(quality.decide_first_article(line.state, SPEC, [first], [proof("FA-1")]))
    line.record(inspection("U2"))
    with pytest.raises(quality.StepError, match="accepted and approved first article comes first"):
        quality.freeze_lot(line.state)
    line.add(quality.approve_first_article(line.state, SPEC, INSPECTOR))
    line.record(inspection("U3"))
    assert {s: u.status for s, u in line.state.units.items()} == {
        "FA-1": "quarantined", "U1": "quarantined", "U2": "quarantined", "U3": "accepted",
    }  # fmt: skip
    line.add(quality.freeze_lot(line.state))
    assert line.state.serials == ("U3",)


def test_a_quarantined_unit_does_not_enter_by_a_second_inspection() -> None:
    line = Line().opened().record(inspection("U1"))
    first = inspection("FA-1")
    line.record(first)
    line.add(quality.decide_first_article(line.state, SPEC, [first], [proof("FA-1")]))
    line.add(quality.approve_first_article(line.state, SPEC, INSPECTOR))
    line.record(inspection("U1", sequence=2))
    assert line.state.units["U1"].status == "quarantined"


def test_only_a_person_of_the_agreed_party_approves() -> None:
    line = Line().opened()
    first = inspection("FA-1")
    line.record(first)
    line.add(quality.decide_first_article(line.state, SPEC, [first], [proof("FA-1")]))
    for person in (MAKER, quality.Person(name="Eve", party="Somebody Else")):
        with pytest.raises(quality.StepError, match=f"acts for {person.party}"):
            quality.approve_first_article(line.state, SPEC, person)
    by_supplier = spec_with(fai={"approved_by": "supplier"})
    assert quality.approve_first_article(line.state, by_supplier, MAKER)
    with pytest.raises(quality.StepError, match=SUPPLIER.party):
        quality.approve_first_article(line.state, by_supplier, INSPECTOR)


def test_no_shipment_before_oqc_accepts() -> None:
    line = Line()
    for step in (line.opened, lambda: line.record(inspection("FA-1"))):
        step()
        with pytest.raises(quality.StepError, match="outgoing quality control must accept first"):
            quality.release_lot(line.state, SPEC, INSPECTOR)
    line = Line().drawn(3)
    with pytest.raises(quality.StepError, match="must accept first"):
        quality.release_lot(line.state, SPEC, INSPECTOR)
    line.record(*(outgoing(s) for s in line.sample[1:]))
    line.add(quality.decide_oqc(line.state, SPEC))
    assert (line.state.phase, line.state.oqc and line.state.oqc.outcome) == ("drawn", "undecided")
    with pytest.raises(quality.StepError, match="must accept first"):
        quality.release_lot(line.state, SPEC, INSPECTOR)
    line.record(outgoing(line.sample[0]))
    line.add(quality.decide_oqc(line.state, SPEC))
    stranger = quality.Person(name="Eve", party="Somebody Else")
    with pytest.raises(quality.StepError, match="not a party"):
        quality.release_lot(line.state, SPEC, stranger)
    assert quality.release_lot(line.state, SPEC, MAKER)


def test_a_rejected_lot_cannot_be_released_or_decided_again() -> None:
    line = Line().drawn(3)
    line.record(bad(line.sample[0], "major", station="oqc-1"), *(outgoing(s) for s in line.sample[1:]))
    line.add(quality.decide_oqc(line.state, SPEC))
    assert line.state.phase == "oqc_rejected"
    for step in every_step(line):
        with pytest.raises(quality.StepError):
            step()


def test_nothing_follows_a_release() -> None:
    line = Line().drawn(3)
    line.record(*(outgoing(s) for s in line.sample))
    line.add(quality.decide_oqc(line.state, SPEC))
    line.add(quality.release_lot(line.state, SPEC, INSPECTOR))
    for step in every_step(line):
        with pytest.raises(quality.StepError, match="'released'"):
            step()


def every_step(line: Line) -> list[Callable[[], object]]:
    state, serial = line.state, line.sample[0]
    return [
        lambda: quality.open_lot(state, SPEC, GOLDEN),
        lambda: quality.record_inspection(state, SPEC, inspection("U999")),
        lambda: quality.decide_first_article(state, SPEC, [inspection("FA-1")]),
        lambda: quality.approve_first_article(state, SPEC, INSPECTOR),
        lambda: quality.freeze_lot(state),
        lambda: quality.draw_sample(state, SPEC, SEED),
        lambda: quality.resolve_unit(state, SPEC, serial, INSPECTOR, reason="looked"),
        lambda: quality.decide_oqc(state, SPEC),
        lambda: quality.release_lot(state, SPEC, INSPECTOR),
    ]


# what leaves the lot


def test_rejected_and_held_units_leave_before_the_draw() -> None:
    line = Line().produced(10)
    line.record(bad("BAD", "minor"), inspection("HELD", "HOLD"))
    line.add(quality.freeze_lot(line.state))
    assert line.state.serials == tuple(f"U{i:03d}" for i in range(10))
    line.add(quality.draw_sample(line.state, SPEC, SEED))
    assert not {"BAD", "HELD", "FA-1"} & set(line.sample)
    assert line.state.record()["units"] == {"accepted": 10, "rejected": 1, "held": 1, "quarantined": 1}


@pytest.mark.parametrize(
    ("verdicts", "status"),
    [
        (["HOLD", "ACCEPT"], "accepted"), (["HOLD", "REJECT"], "rejected"), (["ACCEPT", "HOLD"], "held"),
        (["ACCEPT", "REJECT"], "rejected"), (["REJECT", "ACCEPT"], "rejected"),
        (["REJECT", "HOLD"], "rejected"),
        (["ACCEPT", "HOLD", "ACCEPT"], "accepted"), (["REJECT", "ACCEPT", "ACCEPT"], "rejected"),
    ],
)  # fmt: skip
def test_a_rejection_stands(verdicts: list[str], status: str) -> None:
    line = Line().in_production()
    line.record(*(inspection("U1", v, sequence=i + 1) for i, v in enumerate(verdicts)))
    assert line.state.units["U1"].status == status


def test_a_lot_without_accepted_units_is_not_frozen() -> None:
    line = Line().in_production().record(bad("U1", "minor"))
    with pytest.raises(quality.StepError, match="nothing to ship"):
        quality.freeze_lot(line.state)


def test_a_record_given_twice_counts_once() -> None:
    line = Line().in_production().record(inspection("U1"))
    assert quality.record_inspection(line.state, SPEC, inspection("U1")) == ()
    line = Line().drawn(3)
    line.record(outgoing(line.sample[0]))
    assert quality.record_inspection(line.state, SPEC, outgoing(line.sample[0])) == ()


# evidence


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({"lot": "L2"}, "belongs to lot 'L2'"),
        ({"lot": None}, "belongs to lot None"),
        ({"station": None}, "names no station"),
        ({"serial": None}, "names no unit"),
        ({"part": "T2"}, "is of T2 A"),
        ({"revision": "B"}, "is of T1 B"),
        (
            {"golden": GoldenReference(digest="sha256:" + "b" * 64, version=1).model_dump()},
            "judged by golden",
        ),
        ({"golden": GoldenReference(digest=GOLDEN.digest, version=2).model_dump()}, "judged by golden"),
    ],
)
def test_foreign_records_are_refused(fields: dict[str, Any], sentence: str) -> None:
    line = Line().in_production()
    record = inspection(**{"serial": "U1", **fields})
    with pytest.raises(quality.EvidenceError, match=sentence):
        quality.record_inspection(line.state, SPEC, record)


def test_an_altered_record_is_refused() -> None:
    line = Line().in_production()
    altered = inspection("U1", "HOLD").model_copy(update={"verdict": "ACCEPT", "reasons": ()})
    with pytest.raises(quality.EvidenceError, match="altered"):
        quality.record_inspection(line.state, SPEC, altered)


def test_the_station_that_judged_a_unit_cannot_be_its_outgoing_inspection() -> None:
    line = Line().produced(4)
    line.record(inspection("U000", station="line-2", sequence=2))
    line.add(quality.freeze_lot(line.state))
    line.add(quality.draw_sample(line.state, SPEC, SEED))
    for station in ("line-1", "line-2"):
        with pytest.raises(quality.EvidenceError, match="independent station"):
            quality.record_inspection(line.state, SPEC, inspection("U000", station=station, sequence=8))
    line.record(outgoing("U000"), inspection("U001", station="line-2"))
    assert set(line.state.sample) == {"U000", "U001"}


def test_a_unit_outside_the_sample_is_refused() -> None:
    line = Line(spec_with(oqc={"level": "S-1", "major": {"aql": "10"}, "minor": {"aql": "10"}})).drawn(60)
    assert len(line.sample) == 5  # level S-1: letter B; AQL 10: arrow to C
    outside = next(s for s in line.state.serials if s not in line.sample)
    with pytest.raises(quality.EvidenceError, match="not in the drawn sample"):
        quality.record_inspection(line.state, SPEC, outgoing(outside))


def test_the_first_article_rests_on_recorded_inspections() -> None:
    line = Line().opened().record(inspection("FA-1"))
    for record in (inspection("FA-2"), inspection("FA-1", sequence=2)):
        with pytest.raises(quality.EvidenceError, match="not the one that stands"):
            quality.decide_first_article(line.state, SPEC, [record], [proof(record.serial or "")])


def test_a_rejected_first_article_needs_another_unit() -> None:
    line = Line().opened()
    first = bad("FA-1", "major")
    line.record(first)
    line.add(quality.decide_first_article(line.state, SPEC, [first], [proof("FA-1")]))
    assert line.state.phase == "first_article_rejected"
    assert [n.cause for n in line.nonconformances()] == ["characteristic:hole"]
    with pytest.raises(quality.StepError, match="accepted first article comes first"):
        quality.approve_first_article(line.state, SPEC, INSPECTOR)
    again = inspection("FA-1", sequence=2)
    line.record(again)
    with pytest.raises(quality.EvidenceError, match="not the one that stands"):
        quality.decide_first_article(line.state, SPEC, [again], [proof("FA-1")])
    other = inspection("FA-2")
    line.record(other)
    line.add(quality.decide_first_article(line.state, SPEC, [other], [proof("FA-2")]))
    line.add(quality.approve_first_article(line.state, SPEC, INSPECTOR))
    assert line.state.phase == "production"


# outgoing: open units


def test_a_held_sample_unit_keeps_the_lot_open_until_it_is_inspected_again() -> None:
    line = Line().drawn(3)
    held, *rest = line.sample
    line.record(outgoing(held, "HOLD"), *(outgoing(s) for s in rest))
    line.add(quality.decide_oqc(line.state, SPEC))
    assert line.state.phase == "drawn"
    line.record(inspection(held, station="oqc-1", sequence=10))
    line.add(quality.decide_oqc(line.state, SPEC))
    assert line.state.phase == "oqc_accepted"


@pytest.mark.parametrize(("severity", "phase"), [(None, "oqc_accepted"), ("major", "oqc_rejected")])
def test_a_person_may_resolve_what_a_station_left_open(severity: Any, phase: str) -> None:
    line = Line().drawn(3)
    held, *rest = line.sample
    line.record(outgoing(held, "HOLD"), *(outgoing(s) for s in rest))
    found = [] if severity is None else [quality.Nonconformity(cause="defect:dent:front", severity=severity)]
    line.add(
        quality.resolve_unit(
            line.state, SPEC, held, INSPECTOR, reason="seen at 400 mm", nonconformities=found
        )
    )
    line.add(quality.decide_oqc(line.state, SPEC))
    assert line.state.phase == phase


def test_a_critical_resolution_opens_a_nonconformance_at_once() -> None:
    line = Line().drawn(3)
    line.record(outgoing(line.sample[0], "HOLD"), outgoing(line.sample[1], "HOLD"))
    for serial, severity in ((line.sample[0], "minor"), (line.sample[1], "critical")):
        n = quality.Nonconformity.model_validate({"cause": f"defect:{severity}:front", "severity": severity})
        line.add(
            quality.resolve_unit(line.state, SPEC, serial, INSPECTOR, reason="seen", nonconformities=[n])
        )
    (only,) = line.nonconformances()
    assert (only.cause, only.serials) == ("defect:critical:front", (line.sample[1],))
    assert list(line.state.causes) == [only.cause]


def test_what_the_outgoing_checkpoint_asks_for_is_open_in_its_sample() -> None:
    fields = tiny_fields()
    fields["characteristics"][3]["required_at"] = ["fai", "oqc"]
    line = Line(GoldenSpec.model_validate(fields)).drawn(3)
    line.record(outgoing(line.sample[0]))
    assert line.state.sample[line.sample[0]].findings.undecided == ("critical",)
    assert line.lines[3].kind == "fai.approved"
    assert line.lines[4].body["findings"]["undecided"] == []  # in production nobody asks for it


def test_the_record_lists_the_sample_in_the_order_drawn() -> None:
    line = Line().opened()
    assert line.state.record()["sample"] == []
    line = Line().drawn(3)
    line.record(outgoing(line.sample[1]))
    record = line.state.record()
    assert [u["serial"] for u in record["sample"]] == list(line.sample)
    assert [u["verdict"] for u in record["sample"]] == [None, "ACCEPT", None]


def test_a_person_cannot_overrule_what_is_decided() -> None:
    line = Line().drawn(3)
    line.record(bad(line.sample[0], "major", station="oqc-1"))
    for serial, sentence in ((line.sample[0], "is decided"), (line.sample[1], "has no record")):
        with pytest.raises(quality.StepError, match=sentence):
            quality.resolve_unit(line.state, SPEC, serial, INSPECTOR, reason="it is fine")


def test_a_resolution_keeps_what_the_station_found() -> None:
    line = Line().drawn(3)
    unit = inspection(
        line.sample[0], "REJECT", station="oqc-1", decisions={"hole": "undecided", "paint": "nonconform"}
    )
    line.record(unit)
    line.add(quality.resolve_unit(line.state, SPEC, line.sample[0], MAKER, reason="measured by CMM"))
    found = line.state.sample[line.sample[0]]
    assert (found.verdict, found.findings.worst(), found.findings.undecided) == ("REJECT", "minor", ())


@pytest.mark.parametrize(
    "cause", ["characteristic:none", "defect:dent:none", "defect:front", "reason:timeout"]
)
def test_a_resolution_names_something_of_the_golden_sample(cause: str) -> None:
    line = Line().drawn(3)
    line.record(outgoing(line.sample[0], "HOLD"))
    found = [quality.Nonconformity(cause=cause, severity="major")]
    with pytest.raises(quality.EvidenceError, match="names nothing"):
        quality.resolve_unit(line.state, SPEC, line.sample[0], INSPECTOR, reason="x", nonconformities=found)
    stranger = quality.Person(name="Eve", party="Somebody Else")
    with pytest.raises(quality.StepError, match="not a party"):
        quality.resolve_unit(line.state, SPEC, line.sample[0], stranger, reason="x")


def test_a_second_look_does_not_wash_away_the_first() -> None:
    line = Line().drawn(3)
    serial = line.sample[0]
    line.record(bad(serial, "major", station="oqc-1"))
    line.record(inspection(serial, station="oqc-2"))
    assert (line.state.sample[serial].verdict, line.state.sample[serial].findings.worst()) == (
        "REJECT",
        "major",
    )
    line.record(outgoing(line.sample[1]), inspection(line.sample[1], "HOLD", station="oqc-2"))
    assert line.state.sample[line.sample[1]].verdict == "HOLD"


# non-conformances


def test_a_critical_nonconformity_opens_one_per_cause_and_lot() -> None:
    line = Line().in_production()
    line.record(bad("U1", "critical"), bad("U2", "critical"), bad("U3", "major"))
    (only,) = line.nonconformances()
    assert (only.cause, only.severity, only.serials) == (
        "characteristic:continuity",
        "critical",
        ("U1", "U2"),
    )
    assert only.triggers == ("critical_nonconformity",)
    assert [k for k in line.kinds() if k.startswith("nonc")] == [
        "nonconformance.opened",
        "nonconformance.extended",
    ]
    other = Line(lot="L2").opened().record(bad("U1", "critical", lot="L2"))
    assert other.nonconformances()[0].id != only.id


def test_a_rejected_lot_opens_one_for_each_cause_of_the_rejecting_classes() -> None:
    line = Line().drawn(3)
    a, b, c = line.sample
    line.record(
        bad(a, "major", station="oqc-1"),
        inspection(b, "REJECT", station="oqc-1", decisions={"hole": "nonconform", "paint": "nonconform"}),
        outgoing(c),
    )
    line.add(quality.decide_oqc(line.state, SPEC))
    (hole,) = line.nonconformances()
    assert (hole.cause, hole.serials, hole.triggers) == ("characteristic:hole", (a, b), ("lot_rejected",))
    assert line.state.record()["nonconformances"] == [{"id": hole.id, "cause": "characteristic:hole"}]
    assert hole.record()["serials"] == [a, b]


def test_one_critical_unit_in_the_sample_rejects_the_lot() -> None:
    line = Line().drawn(3)
    line.record(bad(line.sample[0], "critical", station="oqc-1"))
    assert [n.triggers for n in line.nonconformances()] == [("critical_nonconformity",)]
    line.add(quality.decide_oqc(line.state, SPEC))
    assert line.state.phase == "oqc_rejected"
    (only,) = line.nonconformances()
    assert only.triggers == ("critical_nonconformity", "lot_rejected")


def test_defects_merge_by_class_and_zone_and_keep_the_worst_severity() -> None:
    line = Line().in_production()
    line.record(*(inspection(f"U{i}", "REJECT", defects=[defect("critical")]) for i in range(3)))
    (only,) = line.nonconformances()
    assert only.cause == "defect:scratch:front"
    assert len(only.inspections) == 3
    note = line.lines[-1]
    better = append(
        note, time=note.time, actor="test", kind="nonconformance.extended", subject=note.subject,
        body={**note.body, "severity": "minor"},
    )  # fmt: skip
    assert quality.apply_nonconformance({only.id: only}, better)[only.id].severity == "critical"


def test_nonconformances_refuse_lines_that_do_not_follow() -> None:
    line = Line().in_production().record(bad("U1", "critical"), bad("U2", "critical"))
    opened = next(x for x in line.lines if x.kind == "nonconformance.opened")
    extended = next(x for x in line.lines if x.kind == "nonconformance.extended")
    for lines in ([extended], [opened, opened], [opened.model_copy(update={"subject": "nc-1"})],
                  [opened.model_copy(update={"body": {}})]):  # fmt: skip
        with pytest.raises(quality.StepError):
            quality.replay_nonconformances(lines)


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
    with pytest.raises(quality.StepError, match="3 units of the sample have no record"):
        quality.replay("L1", unseen)
    unproven = [x for x in line.lines if x.body.get("checkpoint") != "first_article"]
    with pytest.raises(quality.StepError, match="which was not recorded"):
        quality.replay("L1", unproven)


def forged(line: Line, kind: str, change: Callable[[dict[str, Any]], dict[str, Any]]) -> list[Any]:
    return [x.model_copy(update={"body": change(x.body)}) if x.kind == kind else x for x in line.lines]


def test_manifest_and_draw_are_verified_in_replay() -> None:
    line = Line(spec_with(oqc={"level": "S-1", "major": {"aql": "10"}, "minor": {"aql": "10"}})).drawn(60)
    others = [s for s in line.state.serials if s not in line.sample]
    chosen = {**line.lines[-1].body["draw"], "serials": others[:5]}
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
    line = Line().drawn(3)
    line.record(outgoing(line.sample[0], "HOLD"), *(outgoing(s) for s in line.sample[1:]))
    line.add(quality.resolve_unit(line.state, SPEC, line.sample[0], INSPECTOR, reason="seen"))
    line.add(quality.decide_oqc(line.state, SPEC))
    line.add(quality.release_lot(line.state, SPEC, INSPECTOR))
    assert set(line.kinds()) == set(ALLOWED)


ACTIONS = ("open", "first", "unit", "bad", "held", "critical", "fai", "approve", "freeze", "draw", "outgoing",
           "oqc",
           "release")  # fmt: skip


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
        "oqc": lambda: quality.decide_oqc(state, SPEC),
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
