"""A series of lots: the severity of the next lot follows from the outcomes of those before it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import quality
from evidence.journal import JournalLine, append
from golden.plans import OqcPlan
from quality.outgoing import sample_size
from quality.series import (
    SERIES_EVENTS,
    Series,
    count_in_series,
    draw_in_series,
    end_reduced,
    restart,
    series_subject,
    set_reduced_conditions,
)
from tests.builders import BUYER, SUPPLIER
from tests.quality.records import GOLDEN, MAKER, SEED, SPEC, Line, bad, inspection, proof, spec_with

SUBJECT = f"switching:{SUPPLIER.party}:T1"
ADA = quality.Person(name="Ada Berg", party=BUYER.party, roles=("quality",))
PLAN = OqcPlan.model_validate(
    {"major": {"aql": "1.0"}, "minor": {"aql": "2.5"}}
)  # 500 units: H, 50, 1/2, 3/4
NONE = quality.UnitFindings()
MAJOR = quality.UnitFindings(
    nonconformities=(quality.Nonconformity(cause="defect:dent:front", severity="major"),)
)


class Lots:
    """A journal of one series, fed by lots of 500 units."""

    def __init__(self) -> None:
        self.lines: list[JournalLine] = []
        self.series = Series(SUBJECT)
        self.asked: dict[str, tuple[OqcPlan, dict[Any, Any]]] = {}

    def add(self, *events: quality.NewEvent) -> None:
        for event in events:
            line = append(
                self.lines[-1] if self.lines else None, time="2026-07-01T12:00:00Z", actor="t",
                kind=event.kind, subject=event.subject, body=event.body,
            )  # fmt: skip
            self.series = quality.apply_series(self.series, line)
            self.lines.append(line)

    def drawn(self, lot: str, plan: OqcPlan = PLAN) -> dict[Any, Any]:
        severities, event = draw_in_series(self.series, lot, plan, (BUYER.party,))
        self.add(event)
        self.asked[lot] = (plan, severities)
        return severities

    def decided(self, lot: str, bad_units: int = 0) -> None:
        plan, severities = self.asked[lot]
        units = [f"S{i}" for i in range(sample_size(quality.oqc_plans(plan, 500, severities)))]
        found = {serial: MAJOR if i < bad_units else NONE for i, serial in enumerate(units)}
        decision = quality.decide_outgoing(plan, 500, units, found, severities=severities)
        self.add(count_in_series(SUBJECT, lot, decision))

    def lot(self, number: int, bad_units: int = 0) -> str:
        """Draw and decide a lot; return the severity that its major class was inspected at."""
        severity: str = self.drawn(f"L{number}")["major"]
        self.decided(f"L{number}", bad_units)
        return severity

    @property
    def major(self) -> str:
        return self.series.classes["major"].severity


def test_two_of_five_not_accepted_tighten_and_five_accepted_return() -> None:
    lots = Lots()
    outcomes = [0, 9, 0, 0, 9, 0, 0, 0, 0, 0, 0]
    severities = [lots.lot(i, n) for i, n in enumerate(outcomes)]
    assert severities == ["normal"] * 5 + ["tightened"] * 5 + ["normal"]
    assert lots.series.classes["minor"].severity == "normal"  # each class is switched on its own
    assert quality.replay_series(SUBJECT, lots.lines) == lots.series
    assert lots.series.record()["classes"]["major"]["severity"] == "normal"


def test_the_plan_follows_the_severity() -> None:
    lots = Lots()
    for i in range(2):
        lots.lot(i, 9)
    severities = lots.drawn("next")
    assert severities == {"major": "tightened", "minor": "normal"}
    major, minor = quality.oqc_plans(PLAN, 500, severities)[1:]
    assert [(s.n, s.Ac, s.plan and s.plan.severity) for s in (major, minor)] == [
        (80, 1, "tightened"), (50, 3, "normal"),
    ]  # fmt: skip


def test_after_five_not_accepted_at_tightened_no_lot_is_drawn_until_restart() -> None:
    lots = Lots()
    for i in range(7):
        lots.lot(i, 9)
    with pytest.raises(quality.StepError, match=r"inspection of major is discontinued .*no lot is inspected"):
        lots.drawn("L8")
    with pytest.raises(quality.StepError, match="not discontinued"):
        restart(lots.series, "minor", ADA, corrective_action="none")
    with pytest.raises(quality.StepError, match="class critical is not sampled"):
        restart(lots.series, "critical", ADA, corrective_action="none")
    lots.add(*restart(lots.series, "major", ADA, corrective_action="mould polished, 8D 17"))
    assert lots.lot(8) == "tightened"


def reduced() -> Lots:
    lots = Lots()
    lots.lot(0)
    lots.add(*set_reduced_conditions(
        lots.series, ADA, production_steady=True, reduced_approved=True, reason="steady since May"
    ))  # fmt: skip
    number = 1
    while lots.major != "reduced":
        lots.lot(number)
        number += 1
    assert number == 15  # Ac 1: two points a lot, thirty are needed
    return lots


def test_reduced_needs_its_conditions_and_ends_with_a_rejection_or_by_decision() -> None:
    lots = Lots()
    for i in range(20):
        lots.lot(i)
    assert lots.major == "normal"
    lots = reduced()
    assert lots.lot(90, 9) == "reduced"
    assert lots.major == "normal"
    lots = reduced()
    lots.add(*end_reduced(lots.series, "major", ADA, reason="new operator"))
    assert lots.major == "normal"
    with pytest.raises(quality.StepError, match="only reduced inspection returns"):
        end_reduced(lots.series, "major", ADA, reason="again")
    lots = reduced()
    lots.add(*set_reduced_conditions(
        lots.series, ADA, production_steady=False, reduced_approved=True, reason="line moved"
    ))  # fmt: skip
    assert lots.major == "normal"


@pytest.mark.parametrize("person", [
    ADA.model_copy(update={"roles": ()}), ADA.model_copy(update={"roles": ("inspector", "management")}),
    MAKER.model_copy(update={"roles": ("quality",)}),
])  # fmt: skip
def test_the_responsible_authority_decides(person: quality.Person) -> None:
    lots = reduced()
    steps: list[Callable[[], Any]] = [
        lambda: end_reduced(lots.series, "major", person, reason="x"),
        lambda: restart(lots.series, "major", person, corrective_action="x"),
        lambda: set_reduced_conditions(
            lots.series, person, production_steady=True, reduced_approved=True, reason="x"
        ),
    ]
    for step in steps:
        with pytest.raises(quality.StepError, match="role quality at Nordic Instruments"):
            step()
    with pytest.raises(quality.StepError, match="comes after the first"):
        set_reduced_conditions(
            Series(SUBJECT), ADA, production_steady=True, reduced_approved=True, reason="x"
        )
    with pytest.raises(quality.StepError, match="ReturnedToNormal: reason"):
        end_reduced(lots.series, "major", ADA, reason="")


def test_lots_side_by_side_count_by_the_severity_that_is_in_force() -> None:
    lots = Lots()
    for lot in ("A", "B", "C"):
        lots.drawn(lot)
    lots.decided("A", 9)
    lots.decided("B", 9)
    assert lots.major == "tightened"
    lots.decided("C")  # accepted at normal inspection: none of the five that tightened inspection asks
    assert lots.series.not_counted == ("C",)
    assert lots.series.classes["major"].accepted_in_row == 0
    assert lots.series.classes["minor"].accepted_in_row == 3  # its severity did not change
    assert lots.series.drawn == {}
    lots = Lots()
    lots.drawn("old")
    lots.add(*set_reduced_conditions(
        lots.series, ADA, production_steady=True, reduced_approved=True, reason="steady"
    ))  # fmt: skip
    for i in range(15):
        lots.lot(i)
    assert lots.major == "reduced"
    lots.decided("old", 9)
    assert lots.major == "normal"
    assert "lot old" in lots.series.classes["major"].reason


def test_a_lot_of_another_severity_ends_reduced_inspection_only_by_its_rejection() -> None:
    lots = Lots()
    lots.drawn("old")
    lots.add(*set_reduced_conditions(
        lots.series, ADA, production_steady=True, reduced_approved=True, reason="steady"
    ))  # fmt: skip
    for i in range(15):
        lots.lot(i)
    lots.decided("old")
    assert lots.major == "reduced"
    assert lots.series.not_counted == ("old",)
    lots = Lots()
    for lot in ("A", "B", "C"):
        lots.drawn(lot)
    for lot in ("A", "B", "C"):
        lots.decided(lot, 9)
    assert (lots.major, lots.series.not_counted) == ("tightened", ("C",))


@pytest.mark.parametrize(("steady", "approved"), [(True, False), (False, True)])
def test_a_class_that_begins_later_has_the_conditions_of_the_series(*, steady: bool, approved: bool) -> None:
    lots = Lots()
    assert (lots.series.sequence, lots.series.record()["production_steady"]) == (0, False)
    assert lots.series.record()["reduced_approved"] is False
    lots.lot(0)
    lots.add(*set_reduced_conditions(
        lots.series, ADA, production_steady=steady, reduced_approved=approved, reason="seen"
    ))  # fmt: skip
    assert lots.series.record()["production_steady"] is steady
    assert lots.series.record()["reduced_approved"] is approved
    lots.drawn("N", PLAN.model_copy(update={"major": PLAN.minor}))
    begun = lots.series.classes["major"]
    assert (begun.scheme.aql, begun.production_steady, begun.reduced_approved) == ("2.5", steady, approved)


def test_failed_items_of_the_checklist_may_make_more_findings_than_units() -> None:
    lots = Lots()
    severities = lots.drawn("A")
    units = [f"S{i}" for i in range(50)]
    failed = (quality.Nonconformity(cause="checklist:label", severity="major"),)
    decision = quality.decide_outgoing(
        PLAN, 500, units, dict.fromkeys(units, MAJOR), severities=severities, failed=failed
    )
    assert decision.classes[1].found == 51
    lots.add(count_in_series(SUBJECT, "A", decision))
    assert lots.series.classes["major"].not_accepted == 1


def test_another_aql_begins_another_series() -> None:
    lots = Lots()
    for i in range(2):
        lots.lot(i, 9)
    other = PLAN.model_copy(update={"major": OqcPlan.model_validate({"major": {"aql": "0.65"}}).major})
    assert lots.drawn("N", other) == {"major": "normal", "minor": "normal"}
    begun = lots.series.classes["major"]
    assert (begun.production_steady, begun.reduced_approved) == (False, False)
    start = PLAN.model_copy(update={"severity": "tightened"})
    assert Lots().drawn("S", start) == {"major": "tightened", "minor": "tightened"}
    assert Lots().drawn("R", PLAN.model_copy(update={"severity": "reduced"}))["major"] == "reduced"


def test_a_class_that_another_class_left_open_does_not_count() -> None:
    lots = Lots()
    severities = lots.drawn("A")
    critical = quality.UnitFindings(
        nonconformities=(quality.Nonconformity(cause="defect:crack:front", severity="critical"),)
    )
    units = [f"S{i}" for i in range(50)]
    decision = quality.decide_outgoing(PLAN, 500, units, {"S0": critical}, severities=severities)
    lots.add(count_in_series(SUBJECT, "A", decision))
    assert lots.series.classes["major"].not_accepted == 0
    assert lots.series.classes["major"].score == 0
    severities = lots.drawn("B")
    minor = quality.UnitFindings(
        nonconformities=(quality.Nonconformity(cause="defect:spot:front", severity="minor"),)
    )
    found = {"S0": critical, **dict.fromkeys(units[1:5], minor)}
    decision = quality.decide_outgoing(PLAN, 500, units, found, severities=severities)
    assert [c.outcome for c in decision.classes] == ["reject", "undecided", "reject"]
    lots.add(count_in_series(SUBJECT, "B", decision))
    assert lots.series.classes["major"].not_accepted == 0
    assert lots.series.classes["minor"].not_accepted == 1


def test_forged_and_misplaced_lines_are_refused() -> None:
    lots = Lots()
    lots.lot(0, 9)
    draw, count = lots.lines
    typed = {**draw.body, "classes": {**draw.body["classes"], "major": {"aql": "1.0", "severity": "reduced"}}}
    results = count.body["results"]
    cases: list[tuple[JournalLine, dict[str, Any], str]] = [
        (draw, typed, "drawn at reduced inspection of major; normal inspection is in force"),
        (count, {**count.body, "results": [{**results[0], "outcome": "accept"}]}, "is reject, yet the line"),
        (count, {**count.body, "results": [{**results[0], "outcome": "undecided"}]}, "yet the line says und"),
        (count, {**count.body, "results": [{**results[0], "found_second": 1}]}, "no second sample"),
        (count, {**count.body, "results": [{**results[0], "severity": "minor"}]}, "by another plan of minor"),
        (count, {**count.body, "lot": "L9"}, "lot L9 was not drawn"),
        (
            count,
            {
                **count.body,
                "results": [
                    {
                        **results[0],
                        "plan": {**results[0]["plan"], "counting": "nonconformities_per_100_units"},
                    }
                ],
            },
            "this series is of",
        ),
        (count, {}, r"not the body of switching\.lot_counted"),
    ]
    for line, body, what in cases:
        lines = [x if x is not line else x.model_copy(update={"body": body}) for x in lots.lines]
        with pytest.raises(quality.StepError, match=what):
            quality.replay_series(SUBJECT, lines)
    with pytest.raises(quality.StepError, match="was not drawn, or is counted already"):
        quality.apply_series(lots.series, count.model_copy(update={"sequence": 3}))
    with pytest.raises(quality.StepError, match="comes after line 2"):
        quality.apply_series(lots.series, count)
    lots.drawn("L1")
    with pytest.raises(quality.StepError, match="lot L1 is drawn already"):
        draw_in_series(lots.series, "L1", PLAN, (BUYER.party,))


def test_the_subject_fits_a_journal_line() -> None:
    assert series_subject("Shenzhen Boards", "T1") == "switching:Shenzhen Boards:T1"
    assert len(series_subject("x" * 115, "T1")) == 128
    long = series_subject("x" * 116, "T1")
    assert len(long) < 128
    assert long != series_subject("y" * 116, "T1")
    assert set(SERIES_EVENTS) == {
        "switching.lot_drawn", "switching.lot_counted", "switching.conditions_set",
        "switching.returned_to_normal", "switching.restarted",
    }  # fmt: skip


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.sampled_from(["draw", "decide", "restart", "steady", "normal"]),
                          st.integers(0, 3), st.sampled_from([0, 0, 0, 9])), max_size=60))  # fmt: skip
def test_whatever_is_tried_replay_gives_the_live_series(tried: list[tuple[str, int, int]]) -> None:
    lots = Lots()
    for action, number, bad_units in tried:
        before, lot = lots.series, f"L{number}"
        steps: dict[str, Callable[[], object]] = {
            "draw": lambda lot=lot: lots.drawn(lot),
            "decide": lambda lot=lot, n=bad_units: lots.decided(lot, n) if lot in lots.asked else None,
            "restart": lambda: lots.add(*restart(lots.series, "major", ADA, corrective_action="8D")),
            "steady": lambda n=number: lots.add(*set_reduced_conditions(
                lots.series, ADA, production_steady=n > 0, reduced_approved=n > 1, reason="seen")),
            "normal": lambda: lots.add(*end_reduced(lots.series, "major", ADA, reason="seen")),
        }  # fmt: skip
        try:
            steps[action]()
        except quality.StepError:
            assert lots.series is before
    assert quality.replay_series(SUBJECT, lots.lines) == lots.series


# a lot in its series


def run(line: Line, series: Series, *, reject: bool) -> Series:
    """Take a lot of 20 from opening to decision; return its series."""
    name, lines = line.state.lot, line.lines
    first = inspection("FA-1", lot=name)
    line.opened().record(first)
    line.add(quality.decide_first_article(line.state, SPEC, [first], [proof("FA-1")]))
    line.add(quality.approve_first_article(line.state, SPEC, ADA))
    line.record(*(inspection(f"U{i:02d}", lot=name) for i in range(20)))
    line.add(quality.freeze_lot(line.state))
    line.add(quality.draw_sample(line.state, SPEC, SEED, series=series))
    given: dict[str, Any] = {"lot": name, "station": "oqc-1"}
    line.record(*(inspection(s, **given) for s in line.sample[1:]))
    line.record(bad(line.sample[0], "major", **given) if reject else inspection(line.sample[0], **given))
    line.add(quality.decide_oqc(line.state, SPEC))
    told = [x for x in lines if x.subject == SUBJECT and x.body["lot"] == name]
    for number, x in enumerate(told, series.sequence + 1):
        series = quality.apply_series(series, x.model_copy(update={"sequence": number}))
    return series


def test_lots_feed_the_series_and_are_drawn_at_its_severity() -> None:
    series = Series(quality.series_of(SPEC))
    assert series.subject == SUBJECT
    for name in ("L1", "L2"):
        series = run(Line(lot=name), series, reject=True)
    third = Line(lot="L3")
    series = run(third, series, reject=False)
    assert third.state.severities == {"major": "tightened", "minor": "normal"}
    assert third.state.series == SUBJECT
    assert series.classes["major"].accepted_in_row == 1
    line = Line().produced(2)
    line.add(quality.freeze_lot(line.state))
    with pytest.raises(quality.StepError, match="counts in switching:Shenzhen Boards:T1, not in switching:x"):
        quality.draw_sample(line.state, SPEC, SEED, series=Series("switching:x:T1"))


def test_an_isolated_lot_counts_in_no_series() -> None:
    spec = spec_with(oqc={"lots": "isolated", "severity": "tightened"})
    line = Line(spec).drawn(20)
    assert line.state.series is None
    assert line.state.severities == {"major": "tightened", "minor": "tightened"}
    assert not [k for k in line.kinds() if k.startswith("switching")]
    assert line.state.golden == GOLDEN
    (drawn,) = [x for x in line.lines if x.kind == "oqc.drawn"]
    for severities in ({"major": "normal"}, {"major": "tightened", "minor": "normal"}):
        body = {**drawn.body, "severities": severities}
        lines = [x if x is not drawn else x.model_copy(update={"body": body}) for x in line.lines]
        with pytest.raises(quality.StepError, match="tightened inspection is asked of a lot"):
            quality.replay("L1", lines)


def test_an_isolated_lot_is_drawn_by_its_limiting_quality() -> None:
    """4 of 20: a sample of 8 misses all with 0.102 (C(12, 4) / C(20, 4)), one of 9 with 0.068."""
    spec = spec_with(oqc={"lots": "isolated", "major": {"limiting_quality": {"fraction": 0.2}}})
    line = Line(spec).drawn(20)
    major = line.state.samplings[1]
    assert (major.severity, major.n, major.Ac, major.Re, major.plan) == ("major", 9, 0, 1, None)
    assert len(line.sample) == 9
    assert quality.replay("L1", line.lines) == line.state
    (drawn,) = [x for x in line.lines if x.kind == "oqc.drawn"]
    fewer = [{**s, "n": 8} if s["severity"] == "major" else s for s in drawn.body["samplings"]]
    forged = drawn.model_copy(update={"body": {**drawn.body, "samplings": fewer}})
    with pytest.raises(quality.StepError, match="not what the agreed plan asks for"):
        quality.replay("L1", [forged if x is drawn else x for x in line.lines])
