"""Units in quarantine: what puts them there, what stops while they are, and who clears them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

import quality
from quality.events import LotCleared, lot_event
from quality.steps import clear_units, quarantine_units
from tests.builders import BUYER
from tests.quality.records import INSPECTOR, MAKER, SEED, SPEC, Line, bad, inspection

ADA = quality.Person(name="Ada Berg", party=BUYER.party, roles=("inspector", "quality"))
WHY = "hole 0.91 mm at 10:40"


def quarantine(line: Line, *serials: str, cause: str = "ipqc:hole") -> None:
    line.add(quarantine_units(line.state, serials, cause=cause, reason=WHY))


def clear(line: Line, *serials: str, person: quality.Person = ADA) -> None:
    line.add(clear_units(line.state, SPEC, serials, person, reason="measured again, 0.80 mm"))


def test_quarantined_units_leave_the_accepted_ones_and_the_freeze() -> None:
    line = Line().produced(4)
    quarantine(line, "U001", "U002")
    assert line.state.record()["units"] == {"accepted": 2, "rejected": 0, "held": 0, "quarantined": 3}
    assert line.state.record()["quarantine"] == [
        {"serial": "U001", "causes": ["ipqc:hole"]}, {"serial": "U002", "causes": ["ipqc:hole"]},
    ]  # fmt: skip
    line.record(inspection("U001", sequence=2))  # an ACCEPT does not end it
    line.add(quality.freeze_lot(line.state))
    assert line.state.serials == ("U000", "U003")
    assert quality.replay("L1", line.lines) == line.state


def test_cleared_units_are_again_what_their_records_make_them() -> None:
    line = Line().produced(3).record(bad("U001", "major", sequence=2), inspection("U002", "HOLD", sequence=2))
    quarantine(line, "U000", "U001", "U002")
    assert line.state.record()["units"] == {"accepted": 0, "rejected": 1, "held": 1, "quarantined": 2}
    clear(line, "U000", "U001", "U002")
    assert line.state.quarantine == {}
    assert line.state.record()["units"] == {"accepted": 1, "rejected": 1, "held": 1, "quarantined": 1}
    line.add(quality.freeze_lot(line.state))
    assert line.state.serials == ("U000",)


def test_a_second_cause_adds_to_the_first_and_one_clearance_ends_both() -> None:
    line = Line().produced(1)
    quarantine(line, "U000")
    quarantine(line, "U000", cause="ipqc:paint")
    quarantine(line, "U000")
    assert line.state.quarantine == {"U000": ("ipqc:hole", "ipqc:paint")}
    clear(line, "U000")
    assert line.state.quarantine == {}


def test_after_the_freeze_quarantine_stops_draw_decision_and_release_until_cleared() -> None:
    line = Line().produced(3)
    line.add(quality.freeze_lot(line.state))
    quarantine(line, "U002")
    with pytest.raises(quality.StepError, match=r"unit U002 is in quarantine for ipqc:hole \(1 such units"):
        quality.draw_sample(line.state, SPEC, SEED)
    clear(line, "U002")
    line.add(quality.draw_sample(line.state, SPEC, SEED))
    line.record(*(inspection(s, station="oqc-1", sequence=9) for s in line.sample))
    quarantine(line, "U001")
    with pytest.raises(quality.StepError, match="U001 is in quarantine"):
        quality.decide_oqc(line.state, SPEC)
    clear(line, "U001")
    line.add(quality.decide_oqc(line.state, SPEC))
    quarantine(line, "U000")
    with pytest.raises(quality.StepError, match="U000 is in quarantine"):
        quality.release_lot(line.state, SPEC, INSPECTOR)
    clear(line, "U000")
    line.add(quality.release_lot(line.state, SPEC, INSPECTOR))
    with pytest.raises(quality.StepError, match="cannot follow while the lot is 'released'"):
        quarantine(line, "U000")
    assert quality.replay("L1", line.lines) == line.state


def test_a_unit_that_is_not_of_the_manifest_stops_nothing() -> None:
    line = Line().produced(2).record(bad("U001", "major", sequence=2))
    line.add(quality.freeze_lot(line.state))
    quarantine(line, "U001")
    line.add(quality.draw_sample(line.state, SPEC, SEED))
    assert line.state.phase == "drawn"


@pytest.mark.parametrize(("serials", "what"), [
    ((), "0 serials are given"),
    (("U000", "U000"), "2 serials are given; name at least one, and each once"),
    (("U000", "U7", "U8"), r"unit U7 has no record in it \(2 such units\)"),
])  # fmt: skip
def test_only_named_units_of_the_lot_are_quarantined(serials: tuple[str, ...], what: str) -> None:
    line = Line().produced(1)
    with pytest.raises(quality.StepError, match=what):
        quarantine(line, *serials)
    assert line.state.quarantine == {}


def test_who_clears_answers_for_quality_and_for_the_deciding_party() -> None:
    line = Line().produced(2)
    quarantine(line, "U000")
    with pytest.raises(quality.StepError, match="role quality at Nordic Instruments; Ada Berg has no role"):
        clear(line, "U000", person=INSPECTOR)
    other = ADA.model_copy(update={"roles": ("inspector", "production")})
    with pytest.raises(quality.StepError, match="Ada Berg has inspector, production at"):
        clear(line, "U000", person=other)
    with pytest.raises(quality.StepError, match="Li Wei has quality at Shenzhen Boards"):
        clear(line, "U000", person=MAKER.model_copy(update={"roles": ("quality",)}))
    with pytest.raises(quality.StepError, match=r"unit U001 is not in quarantine \(1 such units\)"):
        clear(line, "U000", "U001")
    with pytest.raises(quality.StepError, match="2 serials are given"):
        clear(line, "U000", "U000")
    assert line.state.quarantine == {"U000": ("ipqc:hole",)}


@pytest.mark.parametrize(("text", "what"), [("", "at least 1 character"), ("x" * 1001, "at most 1000")])
def test_a_reason_says_something(text: str, what: str) -> None:
    line = Line().produced(1)
    with pytest.raises(quality.StepError, match=f"LotQuarantined: reason: .*{what}"):
        quarantine_units(line.state, ["U000"], cause="ipqc:hole", reason=text)
    quarantine(line, "U000")
    with pytest.raises(quality.StepError, match=f"LotCleared: reason: .*{what}"):
        clear_units(line.state, SPEC, ["U000"], ADA, reason=text)
    with pytest.raises(quality.StepError, match=r"LotQuarantined: cause: .*at most 200"):
        quarantine_units(line.state, ["U000"], cause="c" * 201, reason=WHY)
    assert quarantine_units(line.state, ["U000"], cause="c" * 200, reason="r" * 1000)
    assert clear_units(line.state, SPEC, ["U000"], ADA, reason="r" * 1000)


def test_no_quarantine_before_production() -> None:
    line = Line().opened().record(inspection("U1"))
    with pytest.raises(quality.StepError, match="from the approval of production to the release"):
        quarantine(line, "U1")
    with pytest.raises(quality.StepError, match="from the approval of production to the release"):
        clear(line, "U1")


FORGED: list[tuple[str, Callable[[dict[str, Any]], dict[str, Any]], str]] = [
    ("lot.quarantined", lambda b: {**b, "serials": ["U9"]}, "unit U9 has no record"),
    ("lot.quarantined", lambda b: {**b, "serials": []}, "0 serials"),
    ("lot.quarantined", lambda b: {**b, "reason": ""}, "not the body of"),
    ("lot.cleared", lambda b: {**b, "serials": ["U001"]}, "unit U001 is not in quarantine"),
    ("lot.cleared", lambda b: {**b, "serials": ["U000", "U000"]}, "2 serials"),
    ("lot.cleared", lambda b: {**b, "person": {**b["person"], "roles": []}}, "has no role"),
]


@pytest.mark.parametrize(("kind", "change", "what"), FORGED)
def test_a_forged_body_is_refused(kind: str, change: Callable[[Any], Any], what: str) -> None:
    line = Line().produced(2)
    quarantine(line, "U000")
    clear(line, "U000")
    lines = [x.model_copy(update={"body": change(x.body)}) if x.kind == kind else x for x in line.lines]
    with pytest.raises(quality.StepError, match=what):
        quality.replay("L1", lines)


def test_a_forged_freeze_that_holds_a_quarantined_unit_is_refused() -> None:
    line = Line().produced(2)
    event = quality.freeze_lot(line.state)
    quarantine(line, "U000")
    with pytest.raises(quality.StepError, match="manifest is not the lot's 1 accepted units"):
        line.add(event)


def test_the_given_state_stays_as_it_is() -> None:
    line = Line().produced(1)
    before = line.state
    quarantine(line, "U000")
    assert before.quarantine == {}
    kept = line.state
    line.add([lot_event("L1", LotCleared(serials=("U000",), person=ADA, reason="seen"))])
    assert kept.quarantine == {"U000": ("ipqc:hole",)}


def test_a_cause_that_names_a_nonconformity_is_the_lots() -> None:
    line = Line().produced(2)
    quarantine(line, "U000", cause="ipqc:hole")
    assert line.state.causes == {}
    quarantine(line, "U001", cause="characteristic:hole")
    assert list(line.state.causes) == ["characteristic:hole"]
