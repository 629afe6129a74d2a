"""Non-conformances: one per lot and cause, opened and extended by what is found."""

from __future__ import annotations

from typing import Any

import pytest

import quality
from evidence.journal import append
from tests.quality.records import SPEC, Line, bad, defect, inspection


def outgoing(serial: str, verdict: str = "ACCEPT", **fields: Any) -> Any:
    return inspection(serial, verdict, station="oqc-1", sequence=9, **fields)


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
    assert only.cause == "defect:crack:front"
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
