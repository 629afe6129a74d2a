"""Outgoing control step by step: what is fixed, who may judge by which means, the checklist, resubmission."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

import quality
from golden.plans import OqcPlan
from golden.spec import GoldenSpec
from quality.neutral_draw import DrawRecord, DrawState, commitment, draw_record
from quality.outgoing import class_tally, sample_size
from tests.builders import BUYER, SUPPLIER
from tests.quality.records import (
    GOLDEN,
    INSPECTOR,
    SEED,
    SPEC,
    Line,
    bad,
    fields,
    frame,
    inspection,
    spec_with,
)

QC = quality.Person(name="Wu Fang", party=SUPPLIER.party, roles=("inspector",))
ADA = quality.Person(name="Ada Berg", party=BUYER.party, roles=("quality",))
LIST = [{"id": "labels", "item": "20 labels, right side up", "severity": "major"},
        {"id": "manual", "item": "one manual in each box", "severity": "minor"}]  # fmt: skip


def outgoing(serial: str, verdict: str = "ACCEPT", **given: Any) -> Any:
    return inspection(serial, verdict, station="oqc-1", sequence=9, **given)


def frozen(spec: GoldenSpec = SPEC, count: int = 3) -> Line:
    line = Line(spec).produced(count)
    line.add(quality.freeze_lot(line.state))
    return line


def checked(line: Line, item: str, *, conforms: bool = True, person: quality.Person = QC) -> None:
    line.add(
        quality.check_item(line.state, line.spec, item, person, conforms=conforms, evidence="20 of 20 seen")
    )


def forged(line: Line, kind: str, change: Callable[[dict[str, Any]], dict[str, Any]]) -> list[Any]:
    return [x.model_copy(update={"body": change(x.body)}) if x.kind == kind else x for x in line.lines]


# what is fixed before production


@pytest.mark.parametrize("other", [
    spec_with(oqc={"major": {"aql": "0.65"}}),
    spec_with(oqc={"severity": "tightened"}),
    GoldenSpec.model_validate({**fields(), "catalogue": {**fields()["catalogue"], "smallest_mm": 0.3}}),
])  # fmt: skip
def test_catalogue_and_plan_are_fixed_when_the_lot_opens(other: GoldenSpec) -> None:
    line = Line().in_production()
    with pytest.raises(quality.StepError, match="fixed before production"):
        quality.record_inspection(line.state, other, inspection("U1"))
    line = frozen()
    with pytest.raises(quality.StepError, match="fixed before production"):
        quality.draw_sample(line.state, other, SEED)
    line = Line().drawn(3)
    line.record(*(outgoing(s) for s in line.sample))
    with pytest.raises(quality.StepError, match="fixed before production"):
        quality.decide_oqc(line.state, other)
    line.add(quality.decide_oqc(line.state, SPEC))
    with pytest.raises(quality.StepError, match="fixed before production"):
        quality.release_lot(line.state, other, INSPECTOR)


def test_the_plan_stands_in_the_first_line() -> None:
    line = Line().opened()
    body = line.lines[0].body
    assert body["oqc"]["major"]["aql"] == "1.0"
    assert body["decides"] == "buyer"
    assert [p["name"] for p in body["parties"]] == [SUPPLIER.party, BUYER.party]
    with pytest.raises(quality.StepError, match="no party of the golden sample is the supplier"):
        quality.replay("L1", forged(line, "lot.opened", lambda b: {**b, "decides": "supplier",
                                                                   "parties": b["parties"][1:]}))  # fmt: skip


# the draw


def agreed(line: Line, *, lot: str = "L1", other: str = BUYER.party) -> DrawRecord:
    assert line.state.manifest is not None
    secrets = {SUPPLIER.party: "ab" * 16, other: "cd" * 16}
    made = {p: commitment(lot, line.state.manifest, p, s) for p, s in secrets.items()}
    return draw_record(DrawState(lot, manifest=line.state.manifest, commitments=made, secrets=secrets))


def test_both_parties_choose_the_seed_where_the_golden_sample_says_so() -> None:
    spec = spec_with(oqc={"draw": "both_parties"})
    line = frozen(spec)
    with pytest.raises(quality.StepError, match="both parties choose the seed"):
        quality.draw_sample(line.state, spec, SEED)
    record = agreed(line)
    with pytest.raises(quality.StepError, match="drawn by another seed"):
        quality.draw_sample(line.state, spec, SEED, neutral=record)
    foreign = agreed(line, lot="L2"), agreed(line, other="Somebody Else")
    for other, what in zip(foreign, ("the seed is of lot L2", "chosen by .*Somebody Else"), strict=True):
        with pytest.raises(quality.StepError, match=what):
            quality.draw_sample(line.state, spec, other.seed, neutral=other)
    line.add(quality.draw_sample(line.state, spec, record.seed, neutral=record))
    assert line.state.record()["seed_source"] == "both_parties"
    assert quality.replay("L1", line.lines) == line.state
    with pytest.raises(quality.StepError, match="both parties choose the seed"):
        quality.replay("L1", forged(line, "oqc.drawn", lambda b: {**b, "neutral": None}))
    assert Line().drawn(3).state.record()["seed_source"] == "single_party"


def test_a_forged_draw_is_refused() -> None:
    line = Line().drawn(20)
    forgeries: list[tuple[Callable[[dict[str, Any]], dict[str, Any]], str]] = [
        (lambda b: {**b, "samplings": b["samplings"][:2]}, "not what the agreed plan asks"),
        (
            lambda b: {**b, "severities": {"major": "tightened", "minor": "normal"}},
            "not what the agreed plan",
        ),
        (lambda b: {**b, "series": None}, "counts in no series"),
        (lambda b: {**b, "draw": {**b["draw"], "serials": b["draw"]["serials"][:12]}}, "not what its seed"),
    ]
    for change, what in forgeries:
        with pytest.raises(quality.StepError, match=what):
            quality.replay("L1", forged(line, "oqc.drawn", change))


# independent means


def test_a_second_station_is_stored_as_the_means() -> None:
    line = Line().drawn(3)
    line.record(outgoing(line.sample[0]))
    assert line.state.sample[line.sample[0]].means == "second_station"
    assert line.state.record()["sample"][0]["means"] == "second_station"
    claimed = forged(line, "inspection.recorded", lambda b: {**b, "means": "refixtured"} if b["means"] else b)
    with pytest.raises(quality.StepError, match="an inspection for oqc cannot follow"):
        quality.replay("L1", claimed)


@pytest.mark.parametrize(("taken", "counts"), [
    ("2026-07-01T12:00:00Z", False), ("2026-07-01T12:00:00.000001Z", True), (None, False),
])  # fmt: skip
def test_a_refixtured_capture_comes_after_the_draw(taken: str | None, counts: bool) -> None:
    spec = spec_with(oqc={"means": ["refixtured"]})
    line = Line(spec).drawn(3)  # drawn at 12:00:00
    again = inspection(line.sample[0], sequence=50, captured_at=taken, spec=spec)
    if not counts:
        with pytest.raises(quality.EvidenceError, match="needs an independent station"):
            quality.record_inspection(line.state, spec, again)
        return
    old, new = (frame(captured_at=f"2026-07-01T{hour}:00:00Z") for hour in ("11", "13"))
    with pytest.raises(quality.EvidenceError, match="needs an independent station"):
        line.record(inspection(line.sample[0], sequence=50, frames=[old, new], spec=spec))
    line.record(again)
    assert line.state.sample[line.sample[0]].means == "refixtured"
    with pytest.raises(quality.EvidenceError, match=r"none of the agreed means \(refixtured\)"):
        quality.record_inspection(line.state, spec, outgoing(line.sample[1], spec=spec))
    with pytest.raises(quality.StepError, match="a person is none of the agreed means"):
        quality.judge_unit(line.state, spec, line.sample[1], QC, evidence="seen")


def test_a_record_tells_when_its_first_and_its_last_frame_were_taken() -> None:
    late, early = (frame(captured_at=f"2026-07-01T{hour}:00:00Z") for hour in ("13", "11"))
    state = Line().produced(1).state
    (event,) = quality.record_inspection(state, SPEC, inspection("U9", frames=[late, early]))
    assert event.body["captured"] == ["2026-07-01T11:00:00.000000Z", "2026-07-01T13:00:00.000000Z"]
    (event,) = quality.record_inspection(state, SPEC, inspection("U9", frames=[late, frame()]))
    assert event.body["captured"] is None


def test_without_agreement_no_refixtured_capture_counts() -> None:
    line = Line().drawn(3)
    with pytest.raises(quality.EvidenceError, match="needs an independent station"):
        line.record(inspection(line.sample[0], sequence=50, captured_at="2026-07-02T12:00:00Z"))


def test_no_unit_is_resolved_under_another_plan() -> None:
    line = Line().drawn(3)
    other = spec_with(oqc={"major": {"aql": "0.65"}})
    with pytest.raises(quality.StepError, match="fixed before production"):
        quality.resolve_unit(line.state, other, line.sample[0], ADA, reason="seen")


def test_a_person_judges_units_of_the_sample() -> None:
    line = Line().drawn(3)
    first, second, third = line.sample
    line.add(quality.judge_unit(line.state, SPEC, first, QC, evidence="seen at 400 mm"))
    dent = quality.Nonconformity(cause="defect:dent:front", severity="critical")
    events = line.add(
        quality.judge_unit(line.state, SPEC, second, ADA, evidence="dent", nonconformities=[dent])
    )
    assert [e.kind for e in events] == ["oqc.judged", "nonconformance.opened"]
    assert line.state.sample[first].means == line.state.sample[second].means == "person"
    assert [line.state.sample[s].verdict for s in (first, second)] == ["ACCEPT", "REJECT"]
    line.record(outgoing(third))
    line.add(quality.decide_oqc(line.state, SPEC))
    assert line.state.phase == "oqc_rejected"
    (found,) = line.nonconformances()
    assert (found.cause, found.serials, found.inspections) == ("defect:dent:front", (second,), ())
    assert quality.replay("L1", line.lines) == line.state


def test_who_judges_what() -> None:
    line = Line().drawn(3)
    serial = line.sample[0]

    def judge(unit: str, person: quality.Person, evidence: str = "seen", **given: Any) -> Any:
        return quality.judge_unit(line.state, SPEC, unit, person, evidence=evidence, **given)

    for person in (INSPECTOR, QC.model_copy(update={"party": "Somebody Else"}),
                   QC.model_copy(update={"roles": ("production", "engineering", "management")})):  # fmt: skip
        with pytest.raises(quality.StepError, match="needs a person with the role inspector or quality"):
            judge(serial, person)
    with pytest.raises(quality.StepError, match=r"evidence: .*at least 1 character"):
        judge(serial, QC, "")
    with pytest.raises(quality.EvidenceError, match="names nothing"):
        judge(serial, QC, nonconformities=[quality.Nonconformity(cause="defect:x:none", severity="major")])
    with pytest.raises(quality.StepError, match="unit FA-1 is not in the drawn sample"):
        judge("FA-1", QC)
    line.record(outgoing(serial))
    with pytest.raises(quality.StepError, match="or is judged already"):
        judge(serial, QC)
    with pytest.raises(quality.StepError, match="a person judges units of the sample"):
        quality.judge_unit(frozen().state, SPEC, "U000", QC, evidence="seen")


# the checklist


def test_every_item_is_answered_before_the_decision() -> None:
    spec = spec_with(oqc={"checklist": LIST})
    line = Line(spec).drawn(3)
    line.record(*(outgoing(s, spec=spec) for s in line.sample))
    with pytest.raises(quality.StepError, match="lacks an answer to labels, manual"):
        quality.decide_oqc(line.state, spec)
    checked(line, "labels")
    with pytest.raises(quality.StepError, match="lacks an answer to manual"):
        quality.decide_oqc(line.state, spec)
    checked(line, "manual", person=ADA)
    told = line.state.record()["checklist"]
    assert [c["conforms"] for c in told] == [True, True]
    assert all(c["item"] and c["person"]["name"] for c in told)
    line.add(quality.decide_oqc(line.state, spec))
    assert line.state.phase == "oqc_accepted"
    unasked = [x for x in line.lines if x.kind != "oqc.checked"]
    with pytest.raises(quality.StepError, match="lacks an answer"):
        quality.replay("L1", unasked)


def test_a_failed_item_counts_in_its_class() -> None:
    spec = spec_with(oqc={"checklist": LIST, "major": {"aql": "10"}, "minor": {"aql": "10"}})
    line = Line(spec).drawn(20)  # letter C, AQL 10: 5 units, Ac 1, Re 2
    assert [(s.n, s.Ac, s.Re) for s in line.state.samplings[1:]] == [(5, 1, 2)] * 2
    checked(line, "manual")
    checked(line, "labels")
    checked(line, "labels", conforms=False)  # a failure found later is added
    line.record(*(outgoing(s, spec=spec) for s in line.sample))
    (_, major, minor) = quality.tally(line.state)
    assert (major.found, major.decided, minor.found) == (1, "accept", 0)
    line.record(bad(line.sample[2], "major", station="oqc-2", spec=spec))
    line.add(quality.decide_oqc(line.state, spec))
    assert line.state.phase == "oqc_rejected"
    assert {n.cause for n in line.nonconformances()} == {"checklist:labels", "characteristic:hole"}
    hidden = forged(line, "oqc.checked", lambda b: {**b, "conforms": True})
    with pytest.raises(quality.StepError, match="only a failure found later is added"):
        quality.replay("L1", hidden)


def test_who_answers_and_what_stands() -> None:
    spec = spec_with(oqc={"checklist": LIST})
    line = Line(spec).produced(3)
    with pytest.raises(quality.StepError, match="answered between freeze and decision"):
        checked(line, "labels")
    line.add(quality.freeze_lot(line.state))
    with pytest.raises(quality.StepError, match="'boxes' is no item of the agreed checklist"):
        checked(line, "boxes")
    with pytest.raises(quality.StepError, match=r"role inspector or quality .* has no role"):
        checked(line, "labels", person=INSPECTOR)
    checked(line, "labels", conforms=False)
    for conforms in (True, False):
        with pytest.raises(quality.StepError, match="'labels' is answered"):
            checked(line, "labels", conforms=conforms)
    checked(line, "manual")
    with pytest.raises(quality.StepError, match="'manual' is answered"):
        checked(line, "manual")
    with pytest.raises(quality.StepError, match="ItemChecked: evidence"):
        quality.check_item(line.state, spec, "manual", QC, conforms=False, evidence="")


# the tally, and double sampling


NONE = quality.UnitFindings()


def found(severity: Any, count: int = 1) -> quality.UnitFindings:
    return quality.UnitFindings(nonconformities=tuple(
        quality.Nonconformity(cause=f"defect:scratch:z{i}", severity=severity) for i in range(count)
    ))  # fmt: skip


def decide(plan: OqcPlan, size: int, units: list[quality.UnitFindings], **given: Any) -> quality.OqcDecision:
    drawn = [f"S{i}" for i in range(sample_size(quality.oqc_plans(plan, size)))]
    return quality.decide_outgoing(plan, size, drawn, dict(zip(drawn, units, strict=False)), **given)


K = OqcPlan.model_validate({"major": {"aql": "2.5"}, "minor": {"aql": "4.0"}})  # 3000 units: 125, 7/8, 10/11


@pytest.mark.parametrize(("judged", "major", "decided"), [
    (0, 0, None), (8, 8, "reject"), (7, 7, None), (117, 0, None), (118, 0, "accept"), (124, 6, "accept"),
    (124, 7, None), (125, 7, "accept"), (125, 8, "reject"),
])  # fmt: skip
def test_a_tally_says_when_no_remaining_unit_can_change_the_outcome(
    judged: int, major: int, decided: str | None
) -> None:
    decision = decide(K, 3000, [found("major")] * major + [NONE] * (judged - major))
    tally = class_tally(decision.classes[1], "nonconforming_units")
    assert (tally.n, tally.found, tally.Ac, tally.Re) == (125, major, 7, 8)
    assert (tally.remaining, tally.decided, tally.second_sample) == (125 - judged, decided, False)


def test_where_nonconformities_are_counted_one_unit_may_hold_any_number() -> None:
    plan = K.model_copy(update={"counting": "nonconformities_per_100_units"})
    for judged, decided in ((124, None), (125, "accept")):
        decision = decide(plan, 3000, [NONE] * judged)
        assert class_tally(decision.classes[1], plan.counting).decided == decided
    decision = decide(plan, 3000, [found("major", 8)])
    assert class_tally(decision.classes[1], plan.counting).decided == "reject"


def test_the_tally_of_a_lot() -> None:
    line = Line().produced(20)
    with pytest.raises(quality.StepError, match="no sample is drawn"):
        quality.tally(line.state)
    line.add(quality.freeze_lot(line.state))
    line.add(quality.draw_sample(line.state, SPEC, SEED))
    line.record(outgoing(line.sample[0]))
    assert [(t.severity, t.remaining) for t in quality.tally(line.state)] == [
        ("critical", 12), ("major", 12), ("minor", 4),
    ]  # fmt: skip
    assert [t["remaining"] for t in line.state.record()["tally"]] == [12, 12, 4]


DOUBLE = OqcPlan.model_validate({
    "standard": "ANSI/ASQ Z1.4-2003 (R2018)", "sampling": "double", "major": {"aql": "2.5"},
    "minor": {"aql": "2.5"},
})  # fmt: skip


def test_double_sampling_by_the_printed_table() -> None:
    """Z1.4 Table III-A, letter K, AQL 2.5: 80 units 3/7, then 80 more, 8/9 of both."""
    major = quality.oqc_plans(DOUBLE, 3000)[1]
    assert (major.n, major.Ac, major.Re) == (80, 3, 7)
    assert major.second is not None
    assert (major.second.n, major.second.Ac, major.second.Re) == (80, 8, 9)
    assert not major.every_unit

    def outcome(first: int, second: int | None) -> tuple[str, int | None]:
        units = [found("major")] * first + [NONE] * (80 - first)
        units += [] if second is None else [found("major")] * second + [NONE] * (80 - second)
        decision = decide(DOUBLE, 3000, units)
        assert decision.outcome == decision.classes[1].outcome
        return decision.outcome, decision.classes[1].found_second

    assert outcome(3, None) == ("accept", None)
    assert outcome(7, None) == ("reject", None)
    for first in (4, 6):
        assert outcome(first, None) == ("undecided", 0)
        assert outcome(first, 8 - first) == ("accept", 8 - first)
        assert outcome(first, 9 - first) == ("reject", 9 - first)


def test_a_critical_finding_outside_the_first_sample_rejects() -> None:
    units = [NONE] * 80 + [found("critical")]
    decision = decide(DOUBLE, 3000, units)
    assert [c.outcome for c in decision.classes] == ["reject", "accept", "accept"]
    assert decision.classes[0].units == 80


def test_the_tally_goes_on_in_the_second_sample() -> None:
    units = [found("major")] * 4 + [NONE] * 76
    first = class_tally(decide(DOUBLE, 3000, units[:79]).classes[1], "nonconforming_units")
    assert (first.found, first.Ac, first.remaining, first.second_sample) == (4, 3, 1, False)
    assert first.decided is None  # not at most Re - 1: a second sample follows
    for more, decided in ((0, None), (75, None), (76, "accept")):
        decision = decide(DOUBLE, 3000, [*units, *[NONE] * more])
        tally = class_tally(decision.classes[1], "nonconforming_units")
        assert (tally.n, tally.found, tally.Ac, tally.Re, tally.second_sample) == (160, 4, 8, 9, True)
        assert (tally.remaining, tally.decided) == (80 - more, decided)


# a rejected lot comes again


def rejected(count: int = 4) -> Line:
    line = Line().drawn(count)
    line.record(bad(line.sample[0], "major", station="oqc-1"), *(outgoing(s) for s in line.sample[1:]))
    line.add(quality.decide_oqc(line.state, SPEC))
    assert line.state.phase == "oqc_rejected"
    return line


def resubmitted() -> tuple[Line, Line]:
    first = rejected()
    again = Line(lot="L2")
    events = quality.open_lot(again.state, SPEC, GOLDEN, resubmits=first.state)
    again.add(events[:1])
    first.add(events[1:])
    return first, again


def test_a_rejected_lot_is_screened_resubmitted_tightened_and_not_counted() -> None:
    first, again = resubmitted()
    assert first.state.record()["resubmitted_as"] == "L2"
    assert again.state.record()["resubmission_of"] == "L1"
    assert again.state.phase == "screening"
    left = sorted(set(first.state.serials) - {first.sample[0]})
    with pytest.raises(quality.StepError, match=r"unit U\d+ is not screened \(3 such units\)"):
        quality.freeze_lot(again.state)
    again.record(inspection(left[0], lot="L2", station="oqc-1", sequence=90))
    again.add(quality.judge_unit(again.state, SPEC, left[1], QC, evidence="screened"))
    again.record(bad(left[2], "minor", lot="L2", sequence=91))  # against a unit any station may speak
    again.add(quality.freeze_lot(again.state))
    assert again.state.serials == tuple(left[:2])
    again.add(quality.draw_sample(again.state, SPEC, SEED))
    assert [s.plan and s.plan.severity for s in again.state.samplings[1:]] == ["tightened", "tightened"]
    assert again.state.series is None
    for station in ("line-1", "oqc-1"):  # both have judged this unit
        with pytest.raises(quality.EvidenceError, match="needs an independent station"):
            again.record(inspection(left[0], lot="L2", station=station, sequence=95))
    with pytest.raises(quality.StepError, match="Wu Fang judged unit"):
        quality.judge_unit(again.state, SPEC, left[1], QC, evidence="again")
    again.record(*(inspection(s, lot="L2", station="oqc-2", sequence=i) for i, s in enumerate(left[:2], 1)))
    again.add(quality.decide_oqc(again.state, SPEC))
    assert again.state.phase == "oqc_accepted"
    assert not [k for k in again.kinds() if k.startswith("switching")]
    assert quality.replay("L2", again.lines) == again.state


def test_what_screening_refuses() -> None:
    first, again = resubmitted()
    left = sorted(set(first.state.serials) - {first.sample[0]})
    with pytest.raises(quality.EvidenceError, match="none that lot L1 resubmits"):
        again.record(inspection(first.sample[0], lot="L2", station="oqc-2"))
    with pytest.raises(quality.EvidenceError, match="its screening needs an independent station"):
        again.record(inspection(left[0], lot="L2", sequence=80))
    with pytest.raises(quality.StepError, match="is not resubmitted"):
        quality.judge_unit(again.state, SPEC, first.sample[0], QC, evidence="fine")
    again.add(quality.judge_unit(again.state, SPEC, left[0], QC, evidence="fine"))
    with pytest.raises(quality.StepError, match="screened already"):
        quality.judge_unit(again.state, SPEC, left[0], ADA, evidence="fine")
    with pytest.raises(quality.StepError, match="resubmitted as L2 already"):
        quality.open_lot(quality.LotState("L3"), SPEC, GOLDEN, resubmits=first.state)


def test_what_is_not_resubmitted() -> None:
    with pytest.raises(quality.StepError, match="a lot that outgoing quality control rejected"):
        quality.open_lot(quality.LotState("L2"), SPEC, GOLDEN, resubmits=Line().drawn(3).state)
    line = rejected()
    with pytest.raises(quality.StepError, match="under its own"):
        quality.open_lot(
            quality.LotState("L2"), SPEC, GOLDEN.model_copy(update={"version": 2}), resubmits=line.state
        )
    with pytest.raises(quality.StepError, match="no unit is left"):
        quality.open_lot(quality.LotState("L2"), SPEC, GOLDEN, resubmits=rejected(1).state)


# forged decisions


def test_the_reducer_decides_again() -> None:
    line = rejected()
    accept = {"outcome": "accept", "causes": []}
    with pytest.raises(quality.StepError, match="not what sample and checklist decide"):
        quality.replay("L1", forged(line, "oqc.decided", lambda b: {"decision": {**b["decision"], **accept}}))


@pytest.mark.parametrize("kind", ["fai.approved", "lot.released"])
def test_a_forged_person_of_another_party_is_refused(kind: str) -> None:
    line = Line().drawn(3)
    line.record(*(outgoing(s) for s in line.sample))
    line.add(quality.decide_oqc(line.state, SPEC))
    line.add(quality.release_lot(line.state, SPEC, INSPECTOR))
    other = {"name": "Eve", "party": SUPPLIER.party, "roles": ["quality"]}
    with pytest.raises(quality.StepError, match="Eve acts for Shenzhen Boards"):
        quality.replay("L1", forged(line, kind, lambda b: {**b, "person": other}))
