"""A lot's life: what may follow what, who may do it, what leaves the lot, and replay."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

import quality
from evidence import GoldenReference
from golden.spec import GoldenSpec
from tests.builders import SUPPLIER
from tests.quality.records import (
    GOLDEN,
    INSPECTOR,
    MAKER,
    SEED,
    SPEC,
    Line,
    bad,
    defect,
    fields,
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
    assert record["approved_by"] == {"name": "Ada Berg", "party": "Nordic Instruments", "roles": []}
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
    with pytest.raises(quality.StepError, match="Li Wei acts for"):  # the lot was opened under another
        quality.approve_first_article(line.state, by_supplier, MAKER)
    line = Line(by_supplier).opened().record(first)
    line.add(quality.decide_first_article(line.state, by_supplier, [first], [proof("FA-1")]))
    assert quality.approve_first_article(line.state, by_supplier, MAKER)
    with pytest.raises(quality.StepError, match=SUPPLIER.party):
        quality.approve_first_article(line.state, by_supplier, INSPECTOR)


def test_where_the_supplier_approves_the_supplier_resolves_and_releases() -> None:
    spec = spec_with(fai={"approved_by": "supplier"})
    line = Line(spec).opened().record(inspection("FA-1", spec=spec))
    line.add(quality.decide_first_article(line.state, spec, [inspection("FA-1", spec=spec)], [proof("FA-1")]))
    line.add(quality.approve_first_article(line.state, spec, MAKER))
    line.record(inspection("U1", spec=spec))
    line.add(quality.freeze_lot(line.state))
    line.add(quality.draw_sample(line.state, spec, SEED))
    line.record(outgoing("U1", "HOLD", spec=spec))
    line.add(quality.resolve_unit(line.state, spec, "U1", MAKER, reason="seen"))
    line.add(quality.decide_oqc(line.state, spec))
    with pytest.raises(quality.StepError, match="acts for Nordic Instruments"):
        quality.release_lot(line.state, spec, INSPECTOR)
    line.add(quality.release_lot(line.state, spec, MAKER))


@pytest.mark.parametrize("since", [bad("FA-1", "major", sequence=2), inspection("FA-1", "HOLD", sequence=2)])
def test_a_first_article_whose_unit_was_judged_again_is_not_approved(since: Any) -> None:
    line = Line().opened()
    first = inspection("FA-1")
    line.record(first)
    line.add(quality.decide_first_article(line.state, SPEC, [first], [proof("FA-1")]))
    line.record(since)
    with pytest.raises(quality.StepError, match="decide it again"):
        quality.approve_first_article(line.state, SPEC, INSPECTOR)
    approved = Line().in_production().lines[-1]
    with pytest.raises(quality.StepError, match="decide it again"):
        quality.apply(line.state, approved.model_copy(update={"sequence": len(line.lines) + 1}))


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
    for person in (MAKER, quality.Person(name="Eve", party="Somebody Else")):
        with pytest.raises(quality.StepError, match=f"acts for {person.party}"):
            quality.release_lot(line.state, SPEC, person)
    assert quality.release_lot(line.state, SPEC, INSPECTOR)


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


NOON, LATER = "2026-07-01T12:00:00Z", "2026-07-01T12:00:00.5Z"  # as text, LATER sorts before NOON


@pytest.mark.parametrize(
    ("held", "accepted", "status"),
    [
        (("line-2", 5, NOON), ("line-2", 6, NOON), "accepted"),
        (("line-2", 5, NOON), ("line-2", 4, LATER), "held"),
        (("line-2", 5, NOON), ("line-1", 1, LATER), "accepted"),
        (("line-2", 5, LATER), ("line-1", 9, NOON), "held"),
        (("line-2", 5, NOON), ("line-1", 9, NOON), "held"),
        (("line-2", 5, None), ("line-1", 9, NOON), "held"),
        (("line-2", 5, NOON), ("line-1", 9, None), "held"),
    ],
)
def test_a_hold_is_cleared_only_by_a_later_record(
    held: tuple[str, int, str | None], accepted: tuple[str, int, str | None], status: str
) -> None:
    def of(verdict: str, taken: tuple[str, int, str | None], serial: str) -> Any:
        return inspection(serial, verdict, station=taken[0], sequence=taken[1], captured_at=taken[2])

    line = Line().in_production().record(of("HOLD", held, "U1"), of("ACCEPT", accepted, "U1"))
    assert line.state.units["U1"].status == status
    line = Line().drawn(3)
    serial = line.sample[0]
    stations = {"line-1": "oqc-1", "line-2": "oqc-2"}
    for verdict, (station, *rest) in (("HOLD", held), ("ACCEPT", accepted)):
        line.record(of(verdict, (stations[station], *rest), serial))  # type: ignore[arg-type]
    unit = line.state.sample[serial]
    assert unit.verdict == ("ACCEPT" if status == "accepted" else "HOLD")
    assert bool(unit.findings.undecided) == (status == "held")


def test_each_of_two_holds_needs_its_own_clearance() -> None:
    line = Line().in_production()
    line.record(inspection("U1", "HOLD", station="line-2", sequence=5), inspection("U1", "HOLD", sequence=1))
    line.record(inspection("U1", sequence=2))
    assert line.state.units["U1"].status == "held"
    line.record(inspection("U1", station="line-2", sequence=6))
    assert line.state.units["U1"].status == "accepted"


def test_what_a_held_record_found_on_a_sample_unit_stays_found() -> None:
    catalogue = {**fields()["catalogue"], "rejects": ["critical"]}
    spec = GoldenSpec.model_validate({**fields(), "catalogue": catalogue})
    line = Line(spec).drawn(20)
    serial = line.sample[0]
    line.record(
        outgoing(serial, "HOLD", spec=spec, defects=[defect("major")], decisions={"hole": "undecided"}),
        inspection(serial, station="oqc-1", sequence=10, spec=spec),
    )
    unit = line.state.sample[serial]
    assert (unit.findings.worst(), unit.findings.undecided) == ("major", ())


def test_an_older_accept_does_not_decide_what_a_rejection_left_open() -> None:
    line = Line().drawn(3)
    left = {"hole": "undecided", "paint": "nonconform"}
    line.record(outgoing(line.sample[0], "REJECT", decisions=left), inspection(line.sample[0], station="o2"))
    assert line.state.sample[line.sample[0]].findings.undecided == ("major",)


def test_a_frame_time_that_is_none_is_refused() -> None:
    line = Line().in_production()
    with pytest.raises(quality.EvidenceError, match="not a time"):
        quality.record_inspection(line.state, SPEC, inspection("U1", captured_at="2026-02-30T00:00:00Z"))


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
    spec = spec_with(oqc={"level": "S-1", "major": {"aql": "10"}, "minor": {"aql": "10"}})
    line = Line(spec).drawn(60)
    assert len(line.sample) == 5  # level S-1: letter B; AQL 10: arrow to C
    outside = next(s for s in line.state.serials if s not in line.sample)
    with pytest.raises(quality.EvidenceError, match="not in the drawn sample"):
        quality.record_inspection(line.state, spec, outgoing(outside))


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
    known = fields()
    known["characteristics"][3]["required_at"] = ["fai", "oqc"]
    line = Line(GoldenSpec.model_validate(known)).drawn(3)
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
    line.add(quality.resolve_unit(line.state, SPEC, line.sample[0], INSPECTOR, reason="measured by CMM"))
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
    for person in (MAKER, quality.Person(name="Eve", party="Somebody Else")):
        with pytest.raises(quality.StepError, match=f"acts for {person.party}"):
            quality.resolve_unit(line.state, SPEC, line.sample[0], person, reason="x")


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
