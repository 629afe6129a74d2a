"""A first article report's life: completeness, signatures in order, validity and its end, replay."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evidence.journal import append
from quality import EvidenceError, Person, StepError, fai_report
from quality.fai_report.completeness import lapse_date
from quality.fai_report.reports import ALLOWED
from tests.builders import BUYER, SUPPLIER
from tests.quality.fai_report.reports import CUSTOMER, INSPECTOR, MAKER, SPEC, Reports, decided, spec_of
from tests.quality.records import GOLDEN

NOW = datetime(2026, 7, 2, tzinfo=UTC)


def codes(reports: Reports, identifier: str = "F1", now: datetime = NOW) -> list[str]:
    return [lack.code for lack in fai_report.invalid_because(reports.known[identifier], now)]


def triggered(reports: Reports, identifier: str = "F1", **given: Any) -> Reports:
    event = {"trigger": "tooling", "extent": "partial", "affected": ("hole",), "now": NOW, **given}
    return reports.add(
        fai_report.trigger_fair(reports.known, identifier, MAKER, description="new mould", **event)
    )


def test_the_whole_way_to_a_valid_report() -> None:
    reports = Reports().opened()
    assert codes(reports) == ["characteristic_without_result", "signature"]
    reports.approved()
    fair = reports.known["F1"]
    assert (fair.phase, fair.last_production) == ("approved", date(2026, 7, 1))
    assert fai_report.valid_fair(fair, NOW)
    form1 = fair.form1()
    assert (form1.verified_by, form1.approved_by, form1.customer_approval) == (
        "Wu Fang",
        "Li Wei",
        "Ada Berg",
    )
    assert form1.verified_on == form1.approved_on == form1.customer_approved_on == date(2026, 7, 1)
    record = fair.record()
    assert record["phase"] == "approved"
    assert record["verified"]["on"] == "2026-07-01"
    assert record["customer"]["person"]["name"] == "Ada Berg"
    rows = record["forms"]["form3"]["rows"]
    assert [row["number"] for row in rows] == [1, 2, 3, 4]
    assert rows[0]["results"][0]["value"] == pytest.approx(0.8)
    assert rows[2]["results"][0]["conform"] is True
    assert rows[3]["results"][0]["instrument"] == "ohmmeter 3"
    assert rows[3]["requirement"] == "Continuity <= 0.5 ohm"
    assert rows[0]["requirement"] == "0.75 <= Hole diameter <= 0.85 mm"
    assert record["forms"]["form2"]["functional_tests"] == [
        {"procedure": "IEC 60068, 100 mA", "report": "report 7", "characteristic": "continuity"}
    ]
    assert fai_report.replay_fairs(reports.lines) == reports.known


def test_the_party_that_the_contract_names_approves() -> None:
    reports = Reports().opened().signed()
    assert reports.known["F1"].phase == "reviewed"
    assert codes(reports) == ["customer_approval"]
    own = Reports(spec_of("supplier")).opened().signed()
    assert own.known["F1"].phase == "approved"
    assert fai_report.valid_fair(own.known["F1"], NOW)
    own.time = "2026-08-01T12:00:00Z"
    own.add(fai_report.customer_approve_fair(own.known, "F1", CUSTOMER))
    assert own.known["F1"].last_production == date(2026, 7, 1)  # approved before: a signature makes nothing
    assert own.known["F1"].form1().customer_approved_on == date(2026, 8, 1)
    assert own.known["F1"].form1().customer_approval == "Ada Berg"
    with pytest.raises(StepError, match="field 24 is signed already"):
        fai_report.customer_approve_fair(own.known, "F1", CUSTOMER)


def who(party: str, *roles: Any) -> Person:
    return Person(name="X", party=party, roles=roles)


@pytest.mark.parametrize(
    ("phase", "step", "allowed", "words"),
    [
        (
            "submitted",
            fai_report.verify_fair,
            ("supplier", {"inspector", "quality", "engineering"}),
            "verified",
        ),
        ("verified", fai_report.approve_fair, ("supplier", {"quality"}), "reviewed and approved"),
        ("reviewed", fai_report.customer_approve_fair, ("buyer", {"quality"}), "approved for the customer"),
    ],
)
def test_each_signature_is_one_partys_in_one_role(
    phase: str, step: Callable[..., Any], allowed: tuple[str, set[str]], words: str
) -> None:
    reports = Reports().opened().submitted()
    if phase != "submitted":
        reports.add(fai_report.verify_fair(reports.known, "F1", INSPECTOR))
    if phase == "reviewed":
        reports.add(fai_report.approve_fair(reports.known, "F1", MAKER))
    for side, party in (("supplier", SUPPLIER.party), ("buyer", BUYER.party), ("other", "Someone")):
        for role in ("inspector", "quality", "engineering", "production", "management"):
            if side == allowed[0] and role in allowed[1]:
                assert step(reports.known, "F1", who(party, role))
                continue
            with pytest.raises(StepError, match=f"is {words} by the {allowed[0]} .*in role"):
                step(reports.known, "F1", who(party, role))
    with pytest.raises(StepError, match="with no role"):
        step(reports.known, "F1", who(BUYER.party if allowed[0] == "buyer" else SUPPLIER.party))


def test_signatures_come_in_order_and_of_two_people() -> None:
    reports = Reports().opened()
    for step in (fai_report.verify_fair, fai_report.approve_fair, fai_report.customer_approve_fair):
        with pytest.raises(StepError, match="cannot follow while it is 'opened'"):
            step(reports.known, "F1", MAKER)
    reports.submitted()
    with pytest.raises(StepError, match="field 20 is signed first"):
        fai_report.approve_fair(reports.known, "F1", MAKER)
    with pytest.raises(StepError, match="form 1, fields 20 to 23: the report is 'submitted'"):
        reports.known["F1"].form1()
    reports.add(fai_report.verify_fair(reports.known, "F1", MAKER))
    with pytest.raises(StepError, match="Li Wei signed field 20; another signs 22"):
        fai_report.approve_fair(reports.known, "F1", MAKER)
    with pytest.raises(StepError, match="not opened"):
        fai_report.verify_fair(reports.known, "F2", INSPECTOR)


def test_a_remote_signature_names_what_was_seen() -> None:
    reports = Reports().opened().signed()
    with pytest.raises(StepError, match="remote signature names its evidence"):
        fai_report.customer_approve_fair(reports.known, "F1", CUSTOMER, manner="remote")
    reports.add(
        fai_report.customer_approve_fair(
            reports.known, "F1", CUSTOMER, manner="remote", evidence="video call 9, records i1"
        )
    )
    assert reports.known["F1"].record()["customer"]["manner"] == "remote"


def test_forms_go_back_to_who_fills_them() -> None:
    reports = Reports().opened().submitted()
    reports.add(fai_report.verify_fair(reports.known, "F1", INSPECTOR))
    with pytest.raises(StepError, match="is returned by the supplier"):
        fai_report.return_fair(reports.known, "F1", CUSTOMER, reason="no")
    reports.add(fai_report.approve_fair(reports.known, "F1", MAKER))
    with pytest.raises(StepError, match="is returned by the buyer"):
        fai_report.return_fair(reports.known, "F1", MAKER, reason="no")
    reports.add(fai_report.return_fair(reports.known, "F1", CUSTOMER, reason="balloon 2 unreadable"))
    fair = reports.known["F1"]
    assert (fair.phase, fair.forms, fair.verified, fair.approved) == ("opened", None, None, None)
    assert fai_report.valid_fair(reports.approved().known["F1"], NOW)


# completeness


@pytest.mark.parametrize("role", ["production", "management"])
def test_who_may_submit(role: Any) -> None:
    reports = Reports().opened()
    with pytest.raises(StepError, match="is submitted by the supplier"):
        fai_report.submit_fair(reports.known, "F1", reports.forms(), who(SUPPLIER.party, role))
    with pytest.raises(StepError, match="is submitted by the supplier"):
        fai_report.submit_fair(reports.known, "F1", reports.forms(), CUSTOMER)


def changed(forms: fai_report.FairForms, path: str, value: Any) -> fai_report.FairForms:
    fields: Any = forms.model_dump()
    *parents, last = path.split(".")
    here = fields
    for name in parents:
        here = here[int(name)] if isinstance(here, list | tuple) else here[name]
    here[last] = value
    return fai_report.FairForms.model_validate(fields)


@pytest.mark.parametrize(
    ("path", "value", "problem"),
    [
        ("form1.organization", "Other", r"field 10 .*'Other' is not its supplier"),
        ("form1.part_revision", "B", r"field 5 .*'B', expected 'A'"),
        ("form1.reason", "why", r"field 14 .*'why', expected None"),
        ("form1.trigger", "process", "trigger: is 'process', expected None"),
        ("form2.materials", (), r"form 2, field 5: Steel 1.4301 \(EN 10088-2\) is missing"),
        ("form2.materials.0.supplier", "Cheap Co", "Cheap Co is not an approved manufacturer .*Outo"),
        (
            "form2.functional_tests",
            (),
            r"form 2, field 11: no procedure tests characteristic 4 \(continuity\)",
        ),
        ("form3.rows.0.upper", 0.95, "upper is 0.95, in the golden sample 0.85"),
        ("form3.rows.0.number", 9, "number is 9, in the golden sample 1"),
        ("form3.rows.1.severity", "major", "severity is 'major', in the golden sample 'minor'"),
        ("form3.rows.0.id", "hale", r"characteristic 1 \(hole\) is not accounted for"),
    ],
)
def test_forms_that_do_not_account_for_the_golden_sample(path: str, value: Any, problem: str) -> None:
    reports = Reports().opened()
    forms = reports.forms()
    fields = changed(Reports().opened().forms(), path, value)
    with pytest.raises(StepError, match=problem):
        fai_report.submit_fair(reports.known, "F1", fields, INSPECTOR)
    assert fai_report.submit_fair(reports.known, "F1", forms, INSPECTOR)


def test_a_characteristic_left_out_or_foreign_is_refused() -> None:
    reports = Reports().opened()
    forms = reports.forms()
    rows = forms.form3.model_dump()["rows"]
    with pytest.raises(StepError, match=r"characteristic 4 \(continuity\) is not accounted for"):
        fai_report.submit_fair(reports.known, "F1", changed(forms, "form3.rows", rows[:3]), INSPECTOR)
    foreign = {**rows[0], "number": 9, "id": "extra"}
    with pytest.raises(StepError, match=r"characteristic 9 \(extra\) is not in its scope"):
        fai_report.submit_fair(reports.known, "F1", changed(forms, "form3.rows", [*rows, foreign]), INSPECTOR)
    rows[0]["results"] = [{**rows[0]["results"][0], "serial": "FA-9"}]
    with pytest.raises(StepError, match=r"field 9 .* has results of FA-9, the report is of FA-1"):
        fai_report.submit_fair(reports.known, "F1", changed(forms, "form3.rows", rows), INSPECTOR)


def test_the_plan_says_how_many_units() -> None:
    reports = Reports(spec_of(units=2)).opened()
    opened = reports.known["F1"].opened
    form1 = {"process_reference": "WO-1", "fai_of": "detail"}
    two = decided(reports.spec, ("FA-1", "FA-2"))
    from tests.quality.fai_report.reports import STEEL

    forms = fai_report.prepare_forms("F1", opened, two, form1=form1, materials=[STEEL])
    assert fai_report.submit_fair(reports.known, "F1", forms, INSPECTOR)
    one = fai_report.prepare_forms("F1", opened, decided(SPEC), form1=form1, materials=[STEEL])
    with pytest.raises(StepError, match="1 units, the plan asks for 2"):
        fai_report.submit_fair(reports.known, "F1", one, INSPECTOR)


def test_results_without_instrument_value_or_decision_make_no_row() -> None:
    opened = Reports().opened().known["F1"].opened
    form1 = {"process_reference": "WO-1", "fai_of": "detail"}
    decision = decided()
    items = {item.id: item for item in decision.items}

    def prepare(name: str, **change: Any) -> None:
        after = [i.model_copy(update=change) if i.id == name else i for i in items.values()]
        fai_report.prepare_forms("F1", opened, decision.model_copy(update={"items": after}), form1=form1)

    with pytest.raises(EvidenceError, match=r"4 \(continuity\) on FA-1: name the instrument"):
        prepare("continuity", instrument=None)
    with pytest.raises(EvidenceError, match=r"characteristic 1 \(hole\) has no result on FA-1"):
        prepare("hole", outcome="missing")
    with pytest.raises(EvidenceError, match="has no measured value"):
        prepare("hole", value=None)
    with pytest.raises(EvidenceError, match=r"3 \(face\) on FA-1 is undecided"):
        prepare("face", outcome="undecided")
    with pytest.raises(EvidenceError, match="has no result on a unit"):
        fai_report.prepare_forms("F1", opened, decision.model_copy(update={"items": ()}), form1=form1)


# nonconformance, partial reports, triggers


def test_a_documented_nonconformance_is_recorded_and_completed_by_a_partial_report() -> None:
    reports = Reports().opened()
    with pytest.raises(ValueError, match=r"form 3, field 11 \(Nonconformance Number\)"):
        fai_report.prepare_forms(
            "F1", reports.known["F1"].opened, decided(hole="nonconform"),
            form1={"process_reference": "WO-1", "fai_of": "detail"},
        )  # fmt: skip
    reports.signed(hole="nonconform")
    assert reports.known["F1"].phase == "incomplete"
    assert codes(reports) == ["nonconformance_documented", "customer_approval"]
    with pytest.raises(StepError, match="a report with a documented nonconformance is not approved"):
        fai_report.customer_approve_fair(reports.known, "F1", CUSTOMER)
    with pytest.raises(StepError, match="baseline F1 leaves hole open"):
        reports.opened("F2", characteristics=["paint"], baseline="F1", reason="mould corrected")
    reports.opened("F2", characteristics=["hole"], baseline="F1", reason="mould corrected", trigger="tooling")
    assert [c.id for c in reports.known["F2"].opened.required] == ["hole"]
    assert reports.known["F2"].opened.materials == ()
    reports.approved("F2")
    assert fai_report.valid_fair(reports.known["F2"], NOW)
    assert reports.known["F1"].superseded_by == "F2"
    assert codes(reports, "F1") == ["nonconformance_documented", "customer_approval", "superseded"]
    assert reports.known["F1"].record()["superseded_by"] == "F2"
    assert fai_report.replay_fairs(reports.lines) == reports.known


@pytest.mark.parametrize(
    ("given", "problem"),
    [
        ({"characteristics": ["hole"]}, "field 14: a partial FAI names its baseline and its reason"),
        ({"characteristics": ["hole"], "baseline": "F1"}, "a partial FAI names its baseline and its reason"),
        ({"characteristics": ["hole"], "reason": "x"}, "a partial FAI names its baseline and its reason"),
        ({"baseline": "F1", "reason": "x"}, "a full FAI has no baseline"),
        ({"characteristics": ["hale"], "baseline": "F1", "reason": "x"}, "no characteristic hale"),
        ({"characteristics": [], "baseline": "F1", "reason": "x"}, "none is named"),
        ({"characteristics": ["hole"], "baseline": "F0", "reason": "x"}, "baseline F0 is 'unknown'"),
    ],
)
def test_a_partial_report_needs_baseline_and_reason(given: dict[str, Any], problem: str) -> None:
    reports = Reports().opened().approved()
    with pytest.raises(StepError, match=problem):
        reports.opened("F2", **given)
    with pytest.raises(StepError, match="opened once"):
        reports.opened("F1")


def test_a_baseline_is_signed_and_of_the_same_part() -> None:
    reports = Reports().opened().signed()
    partial: dict[str, Any] = {"characteristics": ["hole"], "baseline": "F1", "reason": "x"}
    with pytest.raises(StepError, match="baseline F1 is 'reviewed'; name a signed report"):
        reports.opened("F2", **partial)
    reports.add(fai_report.customer_approve_fair(reports.known, "F1", CUSTOMER))
    other = SPEC.model_copy(update={"part": SPEC.part.model_copy(update={"number": "T2"})})
    with pytest.raises(StepError, match="is of part T1, not of T2"):
        fai_report.open_fair(reports.known, other, GOLDEN, "F2", **partial)
    reports.opened("F2", **partial).approved("F2")
    with pytest.raises(StepError, match="baseline F1 is superseded; name F2"):
        reports.opened("F3", **partial)


def test_a_trigger_ends_validity_until_a_delta_covers_it() -> None:
    reports = triggered(Reports().opened().approved())
    assert codes(reports) == ["triggered"]
    assert "tooling: new mould; it calls for a partial FAI" in str(
        fai_report.invalid_because(reports.known["F1"], NOW)
    )
    with pytest.raises(StepError, match="no lot is produced under a report that is not valid"):
        fai_report.note_production(reports.known, "F1", "L2")
    with pytest.raises(StepError, match="leaves hole open"):
        reports.opened("F2", characteristics=["face"], baseline="F1", reason="x")
    reports.opened("F2", characteristics=["hole"], baseline="F1", reason="x").signed("F2")
    triggered(reports, affected=("paint",), trigger="camera")
    with pytest.raises(StepError, match="baseline F1 leaves paint open"):
        fai_report.customer_approve_fair(reports.known, "F2", CUSTOMER)
    reports.opened("F3", characteristics=["hole", "paint"], baseline="F1", reason="x").approved("F3")
    assert fai_report.valid_fair(reports.known["F3"], NOW)
    with pytest.raises(StepError, match="record the trigger on F3"):
        triggered(reports)
    triggered(reports, "F3", extent="full", affected=(), trigger="location")
    with pytest.raises(StepError, match="baseline F3 calls for a full FAI"):
        reports.opened("F4", characteristics=["hole"], baseline="F3", reason="x")


def test_who_may_call_a_report_into_question_and_when() -> None:
    reports = Reports().opened().signed()
    with pytest.raises(StepError, match="only an approved report"):
        triggered(reports)
    reports.add(fai_report.customer_approve_fair(reports.known, "F1", CUSTOMER))
    with pytest.raises(StepError, match="called into question by the supplier or buyer"):
        fai_report.trigger_fair(
            reports.known, "F1", who("Someone", "quality"), trigger="material", extent="full",
            description="x", now=NOW,
        )  # fmt: skip
    with pytest.raises(StepError, match="in role quality or engineering"):
        fai_report.trigger_fair(
            reports.known, "F1", who(BUYER.party, "production"), trigger="material", extent="full",
            description="x", now=NOW,
        )  # fmt: skip
    with pytest.raises(StepError, match="names the affected characteristics"):
        triggered(reports, affected=())
    with pytest.raises(StepError, match="names the affected characteristics"):
        triggered(reports, extent="full")


# lapse


def test_two_years_without_production_end_a_report() -> None:
    reports = Reports().opened().approved()
    fair = reports.known["F1"]
    assert fai_report.valid_fair(fair, datetime(2028, 6, 30, 23, 59, tzinfo=UTC))
    assert not fai_report.valid_fair(fair, datetime(2028, 7, 1, tzinfo=UTC))
    lapse: dict[str, Any] = {"trigger": "production_lapse", "extent": "full", "affected": ()}
    with pytest.raises(StepError, match="production lapses on 2028-07-01, not before"):
        triggered(reports, **lapse, now=datetime(2028, 6, 30, tzinfo=UTC))
    events = fai_report.trigger_fair(
        reports.known, "F1", MAKER, **lapse, description="x", now=datetime(2028, 7, 1, tzinfo=UTC)
    )
    with pytest.raises(StepError, match="not before"):
        reports.add(events)  # the line's own time decides
    reports.time = "2027-01-31T10:00:00Z"
    reports.add(fai_report.note_production(reports.known, "F1", "L2"))
    fair = reports.known["F1"]
    assert fair.last_production == date(2027, 1, 31)
    assert fai_report.valid_fair(fair, datetime(2029, 1, 30, tzinfo=UTC))
    assert codes(reports, now=datetime(2029, 1, 31, tzinfo=UTC)) == ["production_lapse"]
    reports.time = "2029-01-31T00:00:00Z"
    triggered(reports, **lapse, now=datetime(2029, 1, 31, tzinfo=UTC))
    with pytest.raises(StepError, match="has no zone"):
        fai_report.valid_fair(fair, datetime(2028, 6, 30))  # noqa: DTZ001 (that is the point)


@given(st.dates(date(1990, 1, 1), date(2090, 1, 1)), st.integers(0, 1500))
def test_a_lapse_is_two_calendar_years(last: date, days: int) -> None:
    on = date.fromordinal(last.toordinal() + days)
    assert fai_report.lapsed(last, on) == (on >= lapse_date(last))
    assert lapse_date(last).year == last.year + 2
    assert 730 <= (lapse_date(last) - last).days <= 731


def test_a_leap_day_lapses_on_the_28th() -> None:
    assert lapse_date(date(2024, 2, 29)) == date(2026, 2, 28)
    assert lapse_date(date(2024, 2, 28)) == date(2026, 2, 28)
    assert lapse_date(date(2024, 3, 29)) == date(2026, 3, 29)


# the reducer


def forged(reports: Reports, kind: str, body: dict[str, Any], subject: str = "fair:F1") -> Any:
    last = reports.lines[-1] if reports.lines else None
    return append(last, time="2026-07-01T12:00:00Z", actor="x", kind=kind, subject=subject, body=body)


def person(one: Person) -> dict[str, Any]:
    return one.model_dump(mode="json")


def test_a_forged_body_does_not_get_through() -> None:
    reports = Reports().opened()
    forms = reports.forms().model_dump(mode="json")
    wrong: list[tuple[str, dict[str, Any], str]] = [
        ("fair.submitted", {"forms": forms, "person": person(CUSTOMER)}, "by the supplier"),
        ("fair.verified", {"person": person(INSPECTOR)}, "submitted first"),
        ("fair.submitted", {"forms": forms}, "not the body of fair.submitted"),
    ]
    forms = reports.forms().model_dump(mode="json")
    forms["form3"]["rows"][0]["results"][0]["value"] = 0.99
    wrong.append(("fair.submitted", {"forms": forms, "person": person(INSPECTOR)}, "0.99 is nonconform"))
    for kind, body, problem in wrong:
        with pytest.raises(StepError, match=problem):
            fai_report.apply_fair(reports.known, forged(reports, kind, body))
    reports.submitted()
    for one, problem in ((CUSTOMER, "by the supplier"), (MAKER, "field 20 is signed first")):
        kind = "fair.verified" if one is CUSTOMER else "fair.approved"
        with pytest.raises(StepError, match=problem):
            fai_report.apply_fair(reports.known, forged(reports, kind, {"person": person(one)}))
    with pytest.raises(StepError, match="subject is fair:"):
        fai_report.apply_fair(reports.known, forged(reports, "fair.verified", {}, "F1"))
    with pytest.raises(StepError, match="comes after line"):
        fai_report.apply_fair(reports.known, reports.lines[0])


def test_a_gate_cannot_be_left_out_of_the_journal() -> None:
    lines = Reports().opened().approved().lines
    for i in range(len(lines) - 1):
        with pytest.raises(StepError):
            fai_report.replay_fairs([*lines[:i], *lines[i + 1 :]])
    assert set(ALLOWED) == {
        "fair.submitted", "fair.verified", "fair.approved", "fair.customer_approved", "fair.returned",
        "fair.triggered", "fair.produced",
    }  # fmt: skip


def test_lines_of_other_kinds_change_nothing() -> None:
    reports = Reports().opened()
    line = forged(reports, "lot.opened", {}, "L1")
    assert fai_report.apply_fair(reports.known, line) == reports.known
    assert fai_report.replay_fairs([line]) == {}


STEPS: tuple[Callable[[Reports], Any], ...] = (
    lambda r: r.opened(f"F{len(r.known) + 1}"),
    lambda r: r.opened(f"F{len(r.known) + 1}", characteristics=["hole"], baseline="F1", reason="x"),
    lambda r: r.submitted("F1"),
    lambda r: r.submitted("F1", hole="nonconform"),
    lambda r: r.submitted("F2"),
    lambda r: r.add(fai_report.verify_fair(r.known, "F1", INSPECTOR)),
    lambda r: r.add(fai_report.approve_fair(r.known, "F1", MAKER)),
    lambda r: r.add(fai_report.customer_approve_fair(r.known, "F1", CUSTOMER)),
    lambda r: r.signed("F2"),
    lambda r: r.approved("F1"),
    triggered,
    lambda r: r.add(fai_report.return_fair(r.known, "F1", MAKER, reason="x")),
    lambda r: r.add(fai_report.note_production(r.known, "F1", "L1")),
)


@settings(max_examples=40, deadline=None)
@given(st.lists(st.integers(0, len(STEPS) - 1), max_size=12))
def test_whatever_is_tried_replay_is_the_live_state_and_validity_needs_signatures(tries: list[int]) -> None:
    reports = Reports()
    for i in tries:
        try:
            STEPS[i](reports)
        except (StepError, KeyError):
            continue
    assert fai_report.replay_fairs(reports.lines) == reports.known
    for fair in reports.known.values():
        if fai_report.valid_fair(fair, NOW):
            assert fair.verified is not None
            assert fair.approved is not None
            assert fair.customer is not None
            assert fair.forms is not None
            assert not fair.forms.nonconforming
            assert not fair.triggers
