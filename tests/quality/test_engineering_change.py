"""Engineering change: what differs, what is proven again, and which version a lot is made by."""

from __future__ import annotations

import copy
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evidence import GoldenReference
from evidence.journal import JournalLine, append
from golden.spec import GoldenSpec
from quality import NewEvent, Person, StepError
from quality import engineering_change as e
from quality.spec_differences import Difference, delta_fai, differences
from tests.builders import BUYER, SUPPLIER
from tests.quality.records import fields

NOW = datetime(2026, 7, 1, 12, tzinfo=UTC)
MATERIAL = {
    "id": "resin", "name": "ABS", "standard": "ISO 2580", "approved_manufacturers": ["A", "B"],
    "part_numbers": ["1", "2"], "required_evidence": ["certificate"],
}  # fmt: skip
PLATE: dict[str, Any] = {**fields(), "materials": [MATERIAL]}
PLATE["plans"] = {"iqc": [{"material": "resin", "check": "Colour", "method": "eye", "sample": "each lot"}]}
ALL = ("hole", "paint", "face", "continuity")


def altered(path: str, value: Any) -> GoldenSpec:
    """Return the plate with one field changed; `+` appends and `-` removes an entry."""
    known = copy.deepcopy(PLATE)
    *parents, last = path.split(".")
    here: Any = known
    for name in parents:
        here = here[int(name)] if isinstance(here, list) else here.setdefault(name, {})
    if last == "+":
        here.append(value)
    elif value == "-":
        del here[int(last)]
    else:
        here[int(last) if isinstance(here, list) else last] = value
    return GoldenSpec.model_validate(known)


OLD = GoldenSpec.model_validate(PLATE)


def test_equal_specifications_do_not_differ() -> None:
    assert differences(OLD, GoldenSpec.model_validate(copy.deepcopy(PLATE))) == ()


EXTRA = {
    "kind": "attribute", "number": 9, "id": "logo", "name": "Logo", "severity": "minor", "method": "eye",
}  # fmt: skip
BACK = {**fields()["zones"][0], "id": "back"}
CASES: list[tuple[str, Any, str, tuple[str, ...]]] = [
    ("characteristics.0.upper", 0.9, "characteristic hole: upper changes from 0.85 to 0.9", ("hole",)),
    ("characteristics.0.lower", None, "characteristic hole: lower changes from 0.75 to nothing", ("hole",)),
    ("characteristics.0.name", "Bore", "characteristic hole: name changes from Hole diameter to Bore", ()),
    ("characteristics.0.number", 8, "characteristic hole: number changes from 1 to 8", ()),
    ("characteristics.0.severity", "minor", "characteristic hole: severity changes from major to minor", ()),
    ("characteristics.3.required_at", ["oqc"], 'continuity: required_at changes from ["fai"] to ["oqc"]', ()),
    ("characteristics.3.every_unit", True, "continuity: every_unit changes from false to true", ()),
    (
        "characteristics.3.method",
        "x",
        "continuity: method changes from IEC 60068, 100 mA to x",
        ("continuity",),
    ),
    ("characteristics.+", EXTRA, "characteristic logo is added", ("logo",)),
    ("characteristics.3", "-", "characteristic continuity is removed", ()),
    ("views.0.mm_per_px", 0.2, "view top: mm_per_px changes from 0.1 to 0.2", ("hole", "paint", "face")),
    ("zones.0.name", "F", "zone front: name changes from Front to F", ()),
    ("zones.0.viewing.time_s", 9, "zone front: viewing changes from", ("face",)),
    ("zones.+", BACK, "zone back is added", ()),
    ("catalogue.smallest_mm", 0.25, "catalogue: smallest_mm changes from 0.2 to 0.25", ("face",)),
    ("catalogue.rules.0.to_mm", 0.25, "catalogue rule speck: to_mm changes from 0.3 to 0.25", ("face",)),
    ("catalogue.rules.0.description", "d", "catalogue rule speck: description changes", ()),
    ("catalogue.rules.0", "-", "catalogue rule speck is removed", ("face",)),
    (
        "catalogue.counts",
        [{"id": "many", "at_least": 3, "severity": "minor"}],
        "counting rule many is added",
        ("face",),
    ),
    ("catalogue.rejects", ["critical"], "catalogue: rejects changes from", ("face",)),
    ("materials.+", {**MATERIAL, "id": "ink"}, "material ink is added", ALL),
    ("materials.0.standard", "X", "material resin: standard changes from ISO 2580 to X", ALL),
    ("materials.0.name", "PC", "material resin: name changes from ABS to PC", ()),
    ("materials.0.required_evidence", ["x"], "material resin: required_evidence changes", ()),
    (
        "materials.0.approved_manufacturers",
        ["A"],
        'approved_manufacturers changes from ["A", "B"] to ["A"]',
        (),
    ),
    ("materials.0.approved_manufacturers", ["A", "C"], "approved_manufacturers changes", ALL),
    ("materials.0.part_numbers", ["2"], "part_numbers changes", ()),
    ("materials.0.part_numbers", ["2", "1"], "part_numbers changes", ()),
    ("materials.0.part_numbers", ["2", "3"], "part_numbers changes", ALL),
    ("materials.0.part_numbers", [], "part_numbers changes", ALL),
    ("part.revision", "B", "part: revision changes from A to B", ()),
    ("parties.0.name", "Other", f"party {SUPPLIER.party} is removed", ALL),
    ("parties.1.name", "Other", f"party {BUYER.party} is removed", ()),
    ("parties.0.contact", "x@y", f"party {SUPPLIER.party}: contact changes from nothing to x@y", ()),
    ("parties.+", {"name": "Lab", "role": "laboratory"}, "party Lab is added", ()),
    ("parties.+", {"name": "Two", "role": "supplier"}, "party Two is added", ALL),
    (
        "limit_samples",
        [{"id": "l1", "seal_number": "1", "holder": "h", "shows": "s", "verdict": "accept"}],
        "limit sample l1 is added",
        (),
    ),
    ("plans.fai", {"units": 3}, "plans, fai: units changes from 1 to 3", ()),
    ("plans.iqc.0.method", "meter", "incoming check resin: Colour: method changes from eye to meter", ()),
    ("plans.oqc", {"major": {"aql": "0.65"}}, "plans, oqc, major: aql changes from 1.0 to 0.65", ()),
]


@pytest.mark.parametrize(("path", "value", "sentence", "proven_again"), CASES)
def test_a_change_is_told_in_plain_words_and_says_what_is_proven_again(
    path: str, value: Any, sentence: str, proven_again: tuple[str, ...]
) -> None:
    found = differences(OLD, altered(path, value))
    assert sentence in found[0].sentence
    assert delta_fai(found) == proven_again
    assert len(found) == (2 if path in {"parties.0.name", "parties.1.name"} else 1)


def test_part_numbers_where_any_was_allowed_call_for_nothing() -> None:
    free = altered("materials.0.part_numbers", [])
    assert delta_fai(differences(free, OLD)) == ()
    removed = differences(altered("materials.+", {**MATERIAL, "id": "ink"}), OLD)
    assert (removed[0].kind, delta_fai(removed)) == ("removed", ALL)
    assert delta_fai(differences(OLD, altered("materials.0.unit", "kg"))) == ALL


def test_the_order_of_the_catalogue_matters() -> None:
    rules = list(reversed(PLATE["catalogue"]["rules"]))
    found = differences(OLD, altered("catalogue.rules", rules))
    ids = [rule["id"] for rule in PLATE["catalogue"]["rules"]]
    assert [(d.entry, d.field, d.before, d.after) for d in found] == [("", "order", ids, ids[::-1])]
    assert found[0].sentence.startswith("catalogue.rules: order changes from".replace(".", ", "))
    assert delta_fai(found) == ("face",)


def test_a_difference_holds_what_was_and_what_is() -> None:
    assert differences(OLD, altered("characteristics.0.upper", 0.9)) == (
        Difference(
            "changed", "characteristics", "hole", "upper", 0.85, 0.9,
            "characteristic hole: upper changes from 0.85 to 0.9", ("hole",),
        ),
    )  # fmt: skip
    added = differences(OLD, altered("characteristics.+", EXTRA))[0]
    assert (added.kind, added.before, added.after["id"]) == ("added", None, "logo")
    assert differences(altered("characteristics.+", EXTRA), OLD)[0].kind == "removed"


@settings(max_examples=40, deadline=None)
@given(st.integers(0, len(CASES) - 1), st.integers(0, len(CASES) - 1))
def test_differences_of_two_specifications_go_both_ways(i: int, j: int) -> None:
    one, two = altered(*CASES[i][:2]), altered(*CASES[j][:2])
    there, back = differences(one, two), differences(two, one)
    assert (there == ()) == (one == two)
    turned = {"added": "removed", "removed": "added", "changed": "changed"}
    assert {(turned[d.kind], d.section, d.entry, d.field) for d in there} == {
        (d.kind, d.section, d.entry, d.field) for d in back
    }
    assert set(delta_fai(there)) <= {c.id for c in two.characteristics}


# the change


def reference(version: int) -> GoldenReference:
    return GoldenReference(digest="sha256:" + str(version) * 64, version=version)


NEW = altered("characteristics.0.upper", 0.9)
ROLES = ("inspector", "quality", "engineering", "production", "management")


def engineer(party: str = SUPPLIER.party, role: Any = "engineering") -> Person:
    return Person(name="Li Wei", party=party, roles=(role,))


class Change:
    """A journal and the live state of one change."""

    def __init__(self, name: str = "C1") -> None:
        self.lines: list[JournalLine] = []
        self.state = e.ChangeState(name)

    def add(self, events: Iterable[NewEvent], at: datetime = NOW) -> Change:
        for event in events:
            last = self.lines[-1] if self.lines else None
            time = at.isoformat().replace("+00:00", "Z")
            line = append(last, time=time, actor="t", kind=event.kind, subject=event.subject, body=event.body)
            self.lines.append(line)
            self.state = e.apply_change(self.state, line)
        return self

    def propose(self, before: int = 1, after: int = 2, who: Person | None = None, **when: Any) -> Change:
        return self.add(
            e.propose_change(
                self.state, (reference(before), OLD), (reference(after), NEW),
                e.Effectivity(**(when or {"from_time": "2026-08-01T00:00:00Z"})), who or engineer(),
                reason="wider hole", now=NOW,
            )
        )  # fmt: skip

    def approve(self, at: datetime = NOW) -> Change:
        for party in (SUPPLIER.party, BUYER.party):
            self.add(e.approve_change(self.state, engineer(party), now=at), at)
        return self


def test_a_change_lists_what_differs_and_holds_once_both_have_approved() -> None:
    change = Change().propose()
    proposed = change.state.proposed
    assert proposed is not None
    assert proposed.differences == ("characteristic hole: upper changes from 0.85 to 0.9",)
    assert proposed.delta_fai == ("hole",)
    assert change.state.record()["phase"] == "proposed"
    change.add(e.approve_change(change.state, engineer(), now=NOW))
    assert change.state.approved_at is None
    with pytest.raises(StepError, match=f"{SUPPLIER.party} has approved already"):
        e.approve_change(change.state, engineer(), now=NOW)
    later = NOW + timedelta(hours=1)
    change.add(e.approve_change(change.state, engineer(BUYER.party), now=later), later)
    assert change.state.approved_at == later
    record = change.state.record()
    assert (record["phase"], [a["party"] for a in record["approvals"]]) == (
        "approved",
        [SUPPLIER.party, BUYER.party],
    )
    assert e.ChangeState("x").record()["phase"] == "absent"


def test_what_is_no_change_is_refused() -> None:
    state = e.ChangeState("C1")
    when = e.Effectivity(lots=("L1",))

    def propose(old: GoldenSpec, new: GoldenSpec, after: int = 2, reason: str = "r") -> None:
        e.propose_change(
            state, (reference(1), old), (reference(after), new), when, engineer(), reason=reason, now=NOW
        )

    with pytest.raises(StepError, match="agree in every field"):
        propose(OLD, OLD)
    with pytest.raises(StepError, match="T2 is another part than T1"):
        propose(OLD, altered("part.number", "T2"))
    with pytest.raises(StepError, match="version 1 does not come after 1"):
        propose(OLD, NEW, 1)
    with pytest.raises(StepError, match="reason"):
        propose(OLD, NEW, reason="")
    with pytest.raises(StepError, match="proposed first"):
        e.approve_change(state, engineer(), now=NOW)
    with pytest.raises(StepError, match="is proposed already"):
        Change().propose().propose()
    with pytest.raises(StepError, match="is not a time"):
        Change().propose(from_time="2026-02-30T00:00:00Z")
    with pytest.raises(StepError, match="has no zone"):
        e.approve_change(Change().propose().state, engineer(), now=NOW.replace(tzinfo=None))
    for both in ({}, {"lots": ("L1",), "from_time": "2026-08-01T00:00:00Z"}):
        with pytest.raises(ValueError, match="either lots or from_time"):
            e.Effectivity(**both)


@pytest.mark.parametrize("party", [SUPPLIER.party, BUYER.party, "Third Laboratory"])
@pytest.mark.parametrize("role", ROLES)
def test_engineering_of_the_parties_proposes_and_approves(role: str, party: str) -> None:
    who = engineer(party, role)
    proposed = Change().propose().state
    if role == "engineering" and party != "Third Laboratory":
        assert Change().propose(who=who).state.proposed is not None
        assert len(e.approve_change(proposed, who, now=NOW)) == 1
        return
    for kind, step in (
        ("change.proposed", lambda: Change().propose(who=who)),
        ("change.approved", lambda: e.approve_change(proposed, who, now=NOW)),
    ):
        needed = f"{kind} needs a person with the role engineering at {SUPPLIER.party} or {BUYER.party}"
        with pytest.raises(StepError, match=f"{needed}; Li Wei has {role} at {party}"):
            step()


AUGUST = datetime(2026, 8, 1, tzinfo=UTC)


def test_a_lot_is_made_by_the_version_that_holds_when_it_is_opened() -> None:
    dated = Change("C1").propose().approve().state
    named = Change("C2").propose(2, 3, lots=("L7", "L8")).approve().state
    changes = [named, dated]
    moment = timedelta(microseconds=1)
    for lot, at, version in (
        ("L1", AUGUST - moment, 1), ("L1", AUGUST, 2), ("L7", AUGUST - moment, 1), ("L7", AUGUST, 3),
        ("L8", AUGUST, 3), ("L9", AUGUST, 2),
    ):  # fmt: skip
        assert e.golden_for(reference(1), changes, lot, at) == reference(version)
    e.require_effective(reference(1), changes, "L1", AUGUST, reference(2))
    with pytest.raises(StepError, match=r"lot L1: is made by version 2 \(sha256:2+\), not by version 1"):
        e.require_effective(reference(1), changes, "L1", AUGUST, reference(1))
    with pytest.raises(StepError, match="has no zone"):
        e.golden_for(reference(1), changes, "L1", datetime(2026, 8, 1))  # noqa: DTZ001


def test_a_change_holds_for_no_lot_that_was_opened_before_both_approved() -> None:
    late = AUGUST + timedelta(days=3)
    for when in ({"from_time": "2026-08-01T00:00:00Z"}, {"lots": ("L1",)}):
        change = Change().propose(**when)
        assert e.golden_for(reference(1), [change.state, e.ChangeState("x")], "L1", late) == reference(1)
        change.approve(late)
        assert e.golden_for(reference(1), [change.state], "L1", late - timedelta(seconds=1)) == reference(1)
        assert e.golden_for(reference(1), [change.state], "L1", late) == reference(2)


def test_two_changes_of_one_version_cannot_both_hold() -> None:
    one, two = (
        Change("C1").propose().approve().state,
        Change("C2").propose(1, 3, lots=("L7",)).approve().state,
    )
    assert e.golden_for(reference(1), [one, two], "L1", AUGUST) == reference(2)
    with pytest.raises(StepError, match="change:C1 and change:C2 each replace version 1"):
        e.golden_for(reference(1), [one, two], "L7", AUGUST)


def test_replay_gives_the_same_as_stepwise_and_forged_bodies_are_refused() -> None:
    change = Change().propose().approve()
    assert e.replay_change("C1", change.lines) == change.state
    assert e.replay_change("C2", change.lines) == e.ChangeState("C2")
    proposed, *approvals = change.lines
    with pytest.raises(StepError, match="proposed first"):
        e.replay_change("C1", approvals)
    forger = engineer("Third Laboratory").model_dump(mode="json")
    for line, body, problem in (
        (proposed, {"after": reference(1).model_dump()}, "does not come after"),
        (proposed, {"after": {**reference(1).model_dump(), "version": 9}}, "does not come after"),
        (proposed, {"after": {**reference(2).model_dump(), "version": 1}}, "does not come after"),
        (proposed, {"person": forger}, "needs a person"),
        (proposed, {"differences": []}, "not the body of change.proposed"),
        (approvals[0], {"person": forger}, "needs a person"),
        (approvals[1], approvals[0].body, "has approved already"),
    ):
        bad = line.model_copy(update={"body": {**line.body, **body}})
        with pytest.raises(StepError, match=problem):
            e.replay_change("C1", [bad if x is line else x for x in change.lines])
