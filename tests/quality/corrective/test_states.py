"""The 8D between supplier and buyer: every transition, and every refusal."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any

import pytest

import quality.corrective as cap
from evidence.journal import append
from golden.spec import GoldenSpec
from quality.errors import StepError, TransitionError
from quality.events import Person
from tests.builders import BUYER, SUPPLIER, tiny_fields
from tests.quality.corrective.cases import (
    BUYS,
    CHECKER,
    MAKER,
    OPENED,
    OWNER,
    SPEC,
    Case,
    criterion,
    hours,
    lot,
    report,
    stamp,
)


def test_the_whole_way_to_closed() -> None:
    case = Case()
    assert case.state.phase == "absent"
    phases = [case.opened().state.phase]
    assert not case.state.containment_in_force
    for discipline, at in zip(("D0", "D1", "D2", "D3", "D4", "D5", "D6", "D7"), (4, 4, 4, 4, 9, 50, 101, 102),
                              strict=True):  # fmt: skip
        phases.append(case.file(discipline, at=at).state.phase)
    phases.extend(case.observe(lot(f"G{i}"), at=200).state.phase for i in range(3))
    assert case.state.containment_in_force
    phases.append(case.verify("effective", at=300).state.phase)
    assert not case.state.containment_in_force
    phases.append(case.file("D8", at=400).state.phase)
    assert phases == [
        "open", "open", "open", "open", "contained", "root_cause_verified", "actions_defined", "implemented",
        "implemented", "verifying", "verifying", "verifying", "effective", "closed",
    ]  # fmt: skip
    record = case.state.record()
    assert json.loads(json.dumps(record)) == record
    assert record["verified_by"]["name"] == "Wu Ying"
    assert record["verdict"]["outcome"] == "effective"
    assert (record["verdict"]["lots"], record["verdict"]["inspected"]) == (3, 60)
    assert list(record["reports"]) == list(cap.DISCIPLINES)
    assert record["reports"]["D8"]["status"] == "approved"
    assert record["opened"]["deadlines"] == SPEC.deadlines.model_dump(mode="json")


@pytest.mark.parametrize("made", ["opened", "contained", "implemented", "effective", "closed"])
def test_replay_is_stepwise_and_skips_other_kinds(made: str) -> None:
    case = getattr(Case(), made)()
    assert cap.replay_capas(case.lines) == {case.state.id: case.state}


def test_two_corrective_actions_are_kept_apart() -> None:
    case = Case().opened()
    other = case.note("L2", at=2, cause="defect:scratch:front")
    empty = cap.CapaState(cap.capa_id(other.id))
    case.add(cap.open_capa(empty, SPEC, other, MAKER, now=hours(3)), 3)
    known = cap.replay_capas(case.lines)
    assert [(s.opened.lot if s.opened else None, s.phase) for s in known.values()] == [
        ("L1", "open"), ("L2", "open"),
    ]  # fmt: skip


# --- opening -----------------------------------------------------------------------------------------------


def test_a_corrective_action_is_opened_once_by_quality_of_either_party_on_its_own_nonconformance() -> None:
    case = Case()
    nobody = Person(name="X", party="Elsewhere", roles=("quality",))
    idle = BUYS.model_copy(update={"roles": ()})
    for person, word in ((nobody, "Elsewhere"), (OWNER, "role quality"), (idle, "no role")):
        with pytest.raises(StepError, match=word):
            cap.open_capa(case.state, SPEC, case.nc, person, now=hours(1))
    with pytest.raises(StepError, match=r"opened_at .* lies in the future"):
        cap.open_capa(case.state, SPEC, case.nc, BUYS, now=hours(-1))
    with pytest.raises(StepError, match="is not the action on lot L1"):
        cap.open_capa(cap.CapaState("capa:nc-1"), SPEC, case.nc, BUYS, now=hours(1))
    cap.open_capa(case.state, SPEC, case.nc, MAKER, now=hours(0))
    case.opened()
    with pytest.raises(StepError, match="opened once"):
        cap.open_capa(case.state, SPEC, case.nc, BUYS, now=hours(2))


def test_supplier_and_buyer_are_not_the_same() -> None:
    case = Case()
    (event,) = cap.open_capa(case.state, SPEC, case.nc, BUYS, now=hours(1))
    forged = {**event.body, "suppliers": event.body["buyers"]}
    with pytest.raises(StepError, match="cannot be supplier and buyer"):
        case.add([type(event)(event.kind, event.subject, forged)], 1)


def test_nothing_happens_before_it_is_opened() -> None:
    state = Case().state
    with pytest.raises(StepError, match="no corrective action is open"):
        cap.submit_report(state, report("D0"), MAKER, now=hours(1))
    with pytest.raises(StepError, match="no corrective action is open"):
        cap.observe_lot(state, lot("G1"), CHECKER, now=hours(1))


@pytest.mark.parametrize(
    "step",
    [
        lambda c, now: cap.open_capa(cap.CapaState(c.state.id), SPEC, c.nc, BUYS, now=now),
        lambda c, now: cap.submit_report(c.state, report("D0"), MAKER, now=now),
        lambda c, now: cap.approve_report(c.state, "D0", BUYS, now=now),
        lambda c, now: cap.reject_report(c.state, "D0", BUYS, reason="x", now=now),
        lambda c, now: cap.observe_lot(c.state, lot("G1"), CHECKER, now=now),
        lambda c, now: cap.verify_effectiveness(c.state, "effective", CHECKER, now=now),
        lambda c, now: cap.review_recurrence(c.state, "nc-1", "confirmed", BUYS, reason="x", now=now),
        lambda c, now: cap.note_recurrence(
            [c.state], c.note("L9", at=5), "T1", now=now
        ),
        lambda c, now: cap.overdue(c.state, now),
    ],
)  # fmt: skip
def test_a_time_without_zone_is_refused(step: Any) -> None:
    with pytest.raises(StepError, match="no zone"):
        step(Case().opened(), datetime(2026, 3, 3, 8))  # noqa: DTZ001 (that is the point)


# --- parties and roles -------------------------------------------------------------------------------------


def test_the_supplier_submits_and_the_buyer_decides() -> None:
    case = Case().opened()
    for person, needed in ((BUYS, SUPPLIER.party), (MAKER.model_copy(update={"roles": ("inspector",)}),
                           "quality or engineering or production")):  # fmt: skip
        with pytest.raises(StepError, match=needed):
            case.submit("D0", 2, by=person)
    case.submit("D0", 2, by=OWNER)
    for person, needed in ((MAKER, BUYER.party), (BUYS.model_copy(update={"roles": ("management",)}),
                           "role quality")):  # fmt: skip
        with pytest.raises(StepError, match=needed):
            case.approve("D0", 3, by=person)
        with pytest.raises(StepError, match=needed):
            cap.reject_report(case.state, "D0", person, reason="no", now=hours(3))
    assert case.state.reports["D0"].status == "submitted"
    case.approve("D0", 3)
    filed = case.state.reports["D0"]
    assert (filed.status, filed.decided_by, filed.decided_at) == ("approved", BUYS, stamp(hours(3)))


def test_a_rejected_report_comes_again_and_a_standing_one_does_not() -> None:
    case = Case().opened().submit("D0", 2)
    with pytest.raises(StepError, match="D0 is submitted; only a rejected report"):
        case.submit("D0", 2)
    case.add(cap.reject_report(case.state, "D0", BUYS, reason="which stock?", now=hours(3)), 3)
    filed = case.state.reports["D0"]
    assert (filed.status, filed.reason, filed.submissions) == ("rejected", "which stock?", 1)
    with pytest.raises(StepError, match="no D0 awaits"):
        case.approve("D0", 4)
    with pytest.raises(StepError, match="D0 is rejected and has to be submitted first"):
        case.submit("D1", 4)
    case.submit("D0", 5, response="all stock of three stores")
    assert case.state.reports["D0"].submissions == 2
    assert case.state.reports["D0"].reason is None
    case.approve("D0", 6)
    with pytest.raises(StepError, match="D0 is approved; only a rejected report"):
        case.submit("D0", 7)
    with pytest.raises(StepError, match="no D0 awaits"):
        cap.reject_report(case.state, "D0", BUYS, reason="late thought", now=hours(7))


def test_a_rejection_needs_a_reason() -> None:
    case = Case().opened().submit("D0", 2)
    with pytest.raises(StepError, match="reason"):
        cap.reject_report(case.state, "D0", BUYS, reason="", now=hours(3))


# --- order -------------------------------------------------------------------------------------------------


def test_the_first_four_may_be_submitted_together_and_are_approved_in_order() -> None:
    case = Case().opened()
    with pytest.raises(StepError, match="D2 cannot follow: D0 is missing"):
        case.submit("D2", 2)
    for discipline in ("D0", "D1", "D2", "D3"):
        case.submit(discipline, 4)
    with pytest.raises(StepError, match="D3 cannot follow: D0 is submitted and has to be approved"):
        case.approve("D3", 5)
    for discipline in ("D0", "D1", "D2"):
        assert case.approve(discipline, 5).state.phase == "open"
    assert case.approve("D3", 5).state.phase == "contained"


def test_no_root_cause_before_containment() -> None:
    case = Case().opened()
    for discipline in ("D0", "D1", "D2", "D3"):
        case.submit(discipline, 4)
    with pytest.raises(TransitionError, match="containment first") as refused:
        case.submit("D4", 5)
    assert refused.value.refusal == "containment first"


@pytest.mark.parametrize(
    ("discipline", "name"), [("D5", "define_actions"), ("D6", "implement"), ("D8", "close")]
)
def test_disciplines_are_not_skipped(discipline: str, name: str) -> None:
    with pytest.raises(TransitionError) as refused:
        Case().contained().submit(discipline, 50)
    assert refused.value.refusal == f"illegal transition {name}"


def test_prevention_waits_for_the_implementation() -> None:
    with pytest.raises(StepError, match="D7 cannot follow: D4 is missing"):
        Case().contained().submit("D7", 50)
    case = Case().contained().file("D4", "D5", at=50).submit("D6", 101)
    with pytest.raises(StepError, match="D7 cannot follow: D6 is submitted and has to be approved"):
        case.submit("D7", 102)


def test_no_closure_before_effectiveness_is_verified() -> None:
    case = Case().implemented()
    for _ in range(2):
        with pytest.raises(TransitionError) as refused:
            case.submit("D8", 400)
        assert refused.value.refusal == "effectiveness not verified"
        case.observe(lot("G1"), 200) if case.state.phase == "implemented" else None
    assert case.state.phase == "verifying"


def test_no_closure_without_prevention() -> None:
    case = Case().contained().file("D4", "D5", at=50).file("D6", at=101)
    for i in range(3):
        case.observe(lot(f"G{i}"), at=200)
    case.verify("effective", at=300)
    with pytest.raises(StepError, match="D8 cannot follow: D7 is missing"):
        case.submit("D8", 400)


def test_the_transitions_of_a_closed_one_are_over() -> None:
    case = Case().closed()
    for transition in ("contain", "verify_root_cause", "define_actions", "implement", "start_effectiveness",
                       "effective", "not_effective", "close"):  # fmt: skip
        with pytest.raises(TransitionError):
            cap.next_phase("closed", transition)  # pyright: ignore[reportArgumentType]
    with pytest.raises(TransitionError, match="illegal transition start_effectiveness"):
        case.observe(lot("G9"), 500)
    with pytest.raises(TransitionError, match="illegal transition effective"):
        case.verify("effective", 500)


# --- what a report must say --------------------------------------------------------------------------------


@pytest.mark.parametrize(("field", "value"), [("nonconformance", "nc-2"), ("part", "T2"), ("revision", "B"),
                         ("opened_at", "2026-03-02T08:00:01Z"), ("lots", ["L2"])])  # fmt: skip
def test_the_first_report_is_about_the_case(field: str, value: Any) -> None:
    with pytest.raises(StepError, match=f"D0 {field}"):
        Case().opened().submit("D0", 2, **{field: value})


def test_all_that_was_sorted_may_be_nonconforming_and_no_more() -> None:
    stock = {"place": "store", "checked": 3, "nonconforming": 3}
    assert report("D3", stock=[stock])
    with pytest.raises(ValueError, match="4 nonconforming of 3 checked"):
        report("D3", stock=[{**stock, "nonconforming": 4}])


def test_texts_have_1_to_4000_characters() -> None:
    assert report("D4", escape="x" * 4000)
    for text in ("", "x" * 4001):
        with pytest.raises(ValueError, match="escape"):
            report("D4", escape=text)


def test_no_report_tells_of_what_is_still_to_come() -> None:
    case = Case().opened().file("D0", "D1", "D2", at=2)
    with pytest.raises(StepError, match=r"D3 in_force_from .* future"):
        case.submit("D3", 2.9)
    case.file("D3", at=3).file("D4", "D5", at=50)
    with pytest.raises(StepError, match=r"D6 implemented_at .* future"):
        case.submit("D6", 99.9)
    case.file("D6", "D7", at=100)
    for i in range(3):
        case.observe(lot(f"G{i}"), at=200)
    case.verify("effective", at=300)
    with pytest.raises(StepError, match=r"D8 closed_at .* future"):
        case.submit("D8", 389)
    with pytest.raises(StepError, match="D8 closed_by Li Wei: it is submitted by Chen Bo"):
        case.submit("D8", 390, by=OWNER)
    assert case.file("D8", at=390).state.phase == "closed"


def test_the_criterion_is_fixed_before_the_action_is_implemented() -> None:
    case = Case().contained().file("D4", "D5", at=50)
    for early in (10, 50):
        with pytest.raises(StepError, match="fixed before the action is implemented"):
            case.submit("D6", 101, implemented_at=stamp(hours(early)))
    case.submit("D6", 101, implemented_at=stamp(hours(50.001)))


def test_a_weak_criterion_is_accepted_by_name_with_a_reason_or_not_at_all() -> None:
    case = Case().contained().file("D4", at=20)
    case.submit("D5", 30, criterion=criterion(claim_below=0.01, units=39))
    with pytest.raises(StepError, match=r"excludes 7\.39% .* 95% .* does not show \(that takes 299 units\)"):
        case.approve("D5", 40)
    assert case.state.criterion is None
    case.approve("D5", 40, weak="only 39 a month are made")
    assert case.state.criterion is not None
    filed = case.state.reports["D5"]
    assert (filed.decided_by, filed.reason) == (BUYS, "only 39 a month are made")


def test_too_few_lots_are_weak_too() -> None:
    case = Case().contained().file("D4", at=20).submit("D5", 30, criterion=criterion(lots=2))
    with pytest.raises(StepError, match=r"2 lots, while the golden sample asks for 3"):
        case.approve("D5", 40)


def test_a_reason_for_what_is_not_weak_is_refused() -> None:
    case = Case().contained().submit("D4", 20)
    with pytest.raises(StepError, match="D4: there is no weak criterion"):
        case.approve("D4", 21, weak="why not")
    case.approve("D4", 21).submit("D5", 30)
    with pytest.raises(StepError, match="D5: there is no weak criterion"):
        case.approve("D5", 31, weak="why not")


# --- effectiveness -----------------------------------------------------------------------------------------


def test_evidence_is_a_new_lot_made_after_the_implementation() -> None:
    case = Case().implemented()
    for evidence, word in ((lot("L1"), "failed one"), (lot("G1", at=100), "not after the implementation"),
                           (lot("G1", at=201), "future")):  # fmt: skip
        with pytest.raises(StepError, match=word):
            case.observe(evidence, 200)
    case.observe(lot("G1", at=100.001), 200)
    with pytest.raises(StepError, match="lot G1 has been counted"):
        case.observe(lot("G1"), 201)
    with pytest.raises(StepError, match="inspector"):
        case.observe(lot("G2"), 201, by=OWNER)
    case.observe(lot("G2"), 201, by=BUYS)
    assert [e.lot for e in case.state.evidence] == ["G1", "G2"]


@pytest.mark.parametrize("name", ["Chen Bo", "chen  bo", "Zhao Min", "LI WEI"])
def test_no_owner_of_the_action_verifies_it(name: str) -> None:
    case = Case().implemented()
    for i in range(3):
        case.observe(lot(f"G{i}"), at=200)
    with pytest.raises(StepError, match="owns the action; somebody else"):
        case.verify("effective", 300, by=CHECKER.model_copy(update={"name": name}))
    with pytest.raises(StepError, match="role quality"):
        case.verify("effective", 300, by=BUYS.model_copy(update={"roles": ("inspector",)}))
    assert case.verify("effective", 300, by=BUYS).state.phase == "effective"


def test_effectiveness_is_what_the_criterion_says_of_the_lots() -> None:
    case = Case().implemented()
    with pytest.raises(TransitionError, match="illegal transition effective"):
        case.verify("effective", 199)
    for i, inspected in enumerate((20, 20, 19)):
        case.observe(lot(f"G{i}", inspected=inspected), at=200)
        with pytest.raises(StepError, match="more lots first"):
            case.verify("effective", 201)
    with pytest.raises(StepError, match="more lots first"):
        case.verify("not_effective", 201)
    case.observe(lot("G3", inspected=1), at=202)
    with pytest.raises(StepError, match="not_effective is not what the later lots show"):
        case.verify("not_effective", 203)
    assert case.verify("effective", 203).state.phase == "effective"


def test_many_units_of_too_few_lots_do_not_meet_it() -> None:
    case = Case().implemented().observe(lot("G1", inspected=500), 200).observe(lot("G2", inspected=500), 200)
    with pytest.raises(StepError, match="more lots first"):
        case.verify("effective", 201)


def test_failed_effectiveness_returns_to_containment_and_root_cause() -> None:
    case = Case().implemented().observe(lot("G1", 1), 200)
    with pytest.raises(StepError, match="1 nonconforming of 20 in 1 lots"):
        case.verify("effective", 201)
    case.verify("not_effective", 300)
    state = case.state
    assert (state.phase, state.round, state.clock_from) == ("contained", 2, stamp(hours(300)))
    assert state.containment_in_force
    assert list(state.reports) == ["D0", "D1", "D2", "D3"]
    assert (state.criterion, state.evidence, state.verified_by) == (None, (), None)
    case.file("D4", at=310).file("D5", at=320)
    case.file("D6", at=340, implemented_at=stamp(hours(330))).file("D7", at=341)
    with pytest.raises(StepError, match="not after the implementation"):
        case.observe(lot("G2", at=200), 400)
    for i in range(3):
        case.observe(lot(f"H{i}", at=350), 400)
    case.verify("effective", 500).file("D8", at=501)
    assert (case.state.phase, case.state.round) == ("closed", 2)
    assert cap.replay_capas(case.lines)[case.state.id] == case.state


def test_a_criterion_may_allow_some() -> None:
    case = Case().contained().file("D4", at=20)
    case.submit("D5", 30, criterion=criterion(units=93, max_nonconforming=1)).approve("D5", 31)
    case.file("D6", "D7", at=101)
    for i in range(3):
        case.observe(lot(f"G{i}", 1 if i == 0 else 0, 31), 200)
    assert case.verify("effective", 300).state.phase == "effective"


# --- repeats -----------------------------------------------------------------------------------------------


# --- lines -------------------------------------------------------------------------------------------------


def test_lines_that_do_not_follow_are_refused() -> None:
    case = Case().opened().submit("D0", 2)
    last = case.lines[-1]
    for line in (
        last,  # once more
        last.model_copy(update={"sequence": 99, "subject": "capa:nc-9"}),
        last.model_copy(update={"sequence": 99, "kind": "capa.unheard"}),
        last.model_copy(update={"sequence": 99, "body": {}}),
        last.model_copy(update={"sequence": 99}),  # D0 awaits its decision
    ):
        with pytest.raises(StepError):
            cap.apply_capa(case.state, line)


def test_a_forged_line_is_checked_as_its_step_was() -> None:
    case = Case().implemented().observe(lot("G1"), 200)
    before = case.state
    for kind, body in (
        ("capa.verified", {"outcome": "effective", "person": BUYS}),
        ("capa.verified", {"outcome": "not_effective", "person": BUYS}),
        ("capa.observed", {"evidence": lot("G2", at=10), "person": BUYS}),
        ("capa.submitted", {"report": report("D8"), "person": MAKER}),
        ("capa.approved", {"discipline": "D8", "person": BUYS}),
        ("capa.reviewed", {"nonconformance": "nc-1", "outcome": "dismissed", "reason": "x", "person": BUYS}),
    ):
        dumped = {k: v.model_dump(mode="json") if hasattr(v, "model_dump") else v for k, v in body.items()}
        line = append(
            case.lines[-1], time=stamp(hours(900)), actor="forger", kind=kind, subject=before.id, body=dumped
        )
        with pytest.raises(StepError):
            cap.apply_capa(before, line)
    assert case.state == before


def test_reports_need_their_fields() -> None:
    assert cap.required_fields("D4") == ("occurrence", "escape", "method", "evidence")
    for discipline in cap.DISCIPLINES:
        body = report(discipline).model_dump(mode="json")
        for name in cap.required_fields(discipline):
            short = {k: v for k, v in body.items() if k != name}
            with pytest.raises(ValueError, match=name):
                cap.AnyReport.validate_python(short)
        for name, value in body.items():
            if value and isinstance(value, list):
                with pytest.raises(ValueError, match=name):
                    cap.AnyReport.validate_python({**body, name: []})
    one_sided = [report("D5").model_dump(mode="json")["actions"][0]]
    with pytest.raises(ValueError, match="no action against escape"):
        report("D5", actions=one_sided)
    with pytest.raises(ValueError, match="4 nonconforming of 3 checked"):
        report("D3", stock=[{"place": "x", "checked": 3, "nonconforming": 4}])


def test_a_spec_with_other_deadlines_is_pinned() -> None:
    spec = GoldenSpec.model_validate({**tiny_fields(), "deadlines": {"effectiveness_lots": 5}})
    case = Case(spec).opened()
    assert case.state.opened is not None
    assert case.state.opened.deadlines.effectiveness_lots == 5
    assert case.state.opened.opened_at == stamp(OPENED)


def test_states_are_read_only_and_may_begin_with_the_first_line() -> None:
    case = Case().opened()
    with pytest.raises(AttributeError):
        case.state.phase = "closed"  # pyright: ignore[reportAttributeAccessIssue]
    opening = case.lines[-1].model_copy(update={"sequence": 1})
    assert cap.apply_capa(cap.CapaState(case.state.id), opening).phase == "open"
    assert (cap.CapaState(case.state.id).sequence, case.state.sequence) == (0, case.lines[-1].sequence)
    with pytest.raises(StepError, match="comes after line"):
        cap.apply_capa(case.state, case.lines[-1])
    filed = case.submit("D0", 2).state.reports["D0"]
    with pytest.raises(AttributeError):
        filed.status = "approved"  # pyright: ignore[reportAttributeAccessIssue]
    case.recur("L2", 3)
    with pytest.raises(AttributeError):
        case.state.recurrences[0].status = "dismissed"  # pyright: ignore[reportAttributeAccessIssue]
