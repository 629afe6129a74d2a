"""Physical samples: identity, seals, signatures, fading and retirement."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evidence.journal import JournalLine, append
from golden.sample import GoldenSample
from golden.spec import GoldenSpec
from quality import NewEvent, Person, StepError
from quality import physical as p
from quality.golden_record import golden_sample_record
from tests.builders import BUYER, SUPPLIER, sealed_tiny
from tests.quality.records import GOLDEN, fields

NOW = datetime(2026, 7, 1, 12, tzinfo=UTC)
END = NOW + timedelta(days=365)
PICTURE = "sha256:" + "e" * 64
ROLES = ("inspector", "quality", "engineering", "production", "management")

SPEC = GoldenSpec.model_validate({
    **fields(),
    "physical_samples": [
        {"id": "g1", "seal_number": "S-1", "holder": BUYER.party, "storage": "dark", "retire_delta_e": 1.5},
    ],
    "limit_samples": [
        {"id": "l1", "seal_number": "S-2", "holder": "lab", "shows": "longest scratch", "verdict": "accept"},
        {"id": "l2", "seal_number": "S-3", "holder": "line 3", "shows": "first scratch", "verdict": "reject"},
    ],
})  # fmt: skip


def person(role: str, party: str = SUPPLIER.party) -> Person:
    return Person.model_validate({"name": "Li Wei", "party": party, "roles": (role,)})


QUALITY, INSPECTOR, BUYERS = person("quality"), person("inspector"), person("quality", BUYER.party)


class Book:
    """A journal and the live state of one copy."""

    def __init__(self, copy: str = "g1", digest: str = GOLDEN.digest) -> None:
        self.lines: list[JournalLine] = []
        self.state = p.PhysicalState(digest, copy)

    def add(self, events: Iterable[NewEvent], at: str = "2026-07-01T12:00:00Z") -> Book:
        for event in events:
            last = self.lines[-1] if self.lines else None
            line = append(last, time=at, actor="t", kind=event.kind, subject=event.subject, body=event.body)
            self.lines.append(line)
            self.state = p.apply_physical(self.state, line)
        return self

    def seal(self, **changes: Any) -> Book:
        return self.add(
            p.seal_copy(self.state, SPEC, GOLDEN, QUALITY, **{"now": NOW, "valid_until": END, **changes})
        )

    def signed(self) -> Book:
        self.seal()
        self.add(p.sign_copy(self.state, QUALITY, now=NOW))
        return self.add(p.sign_copy(self.state, BUYERS, now=NOW))

    def measure(self, **readings: tuple[float, float, float]) -> Book:
        return self.add(p.measure_copy(self.state, INSPECTOR, readings, instrument="CM-3", now=NOW))

    def open(self, before: str, after: str) -> Book:
        return self.add(
            p.open_copy(
                self.state, QUALITY, reason="comparison", seal_before=before, seal_after=after, now=NOW
            )
        )

    def usable(self, at: datetime = NOW) -> str | None:
        return p.why_not_usable(self.state, at)


def test_a_copy_judges_once_both_parties_have_signed_until_its_time_ends() -> None:
    book = Book()
    assert book.usable() == "it is not sealed"
    book.seal()
    assert book.usable() == f"it is not signed by {SUPPLIER.party} and {BUYER.party}"
    book.add(p.sign_copy(book.state, QUALITY, now=NOW))
    assert book.usable() == f"it is not signed by {BUYER.party}"
    with pytest.raises(StepError, match=f"{SUPPLIER.party} has signed already"):
        p.sign_copy(book.state, QUALITY, now=NOW)
    book.add(p.sign_copy(book.state, BUYERS, now=NOW))
    assert book.usable() is None
    assert book.usable(END - timedelta(microseconds=1)) is None
    assert book.usable(END) == "its time ended at 2027-07-01T12:00:00Z"
    with pytest.raises(StepError, match="has no zone"):
        book.usable(NOW.replace(tzinfo=None))


def test_a_copy_is_what_the_golden_sample_names() -> None:
    sealed = Book().seal().state.sealed
    assert sealed is not None
    assert (sealed.sample, sealed.seal_number, sealed.holder, sealed.storage) == (
        "golden",
        "S-1",
        BUYER.party,
        "dark",
    )
    assert sealed.retire_delta_e == 1.5
    for copy, sample, shows in (
        ("l1", "accepted_limit", "longest scratch"),
        ("l2", "rejected_limit", "first scratch"),
    ):
        sealed = Book(copy).seal(pictures=(PICTURE,)).state.sealed
        assert sealed is not None
        assert (sealed.sample, sealed.shows, sealed.pictures) == (sample, shows, (PICTURE,))
    with pytest.raises(StepError, match="names no copy 'g9'"):
        Book("g9").seal()
    with pytest.raises(StepError, match="a limit sample needs a picture"):
        Book("l1").seal()
    with pytest.raises(StepError, match=r"pictures\.0"):
        Book("l1").seal(pictures=("x.png",))
    with pytest.raises(StepError, match="is not a copy of golden sample"):
        Book(digest="sha256:" + "b" * 64).seal()
    with pytest.raises(StepError, match="is not after now"):
        Book().seal(valid_until=NOW)
    with pytest.raises(StepError, match="is sealed already"):
        Book().seal().seal()
    assert Book().state.subject == f"physical:{'a' * 32}:g1"


def test_every_seal_is_followed() -> None:
    book = Book().signed().open("S-1", "S-8").open("S-8", "S-9")
    assert book.state.record()["seal_number"] == "S-9"
    assert [o["reason"] for o in book.state.record()["openings"]] == ["comparison"] * 2
    for before, after in (("S-8", "S-10"), ("S-9", "S-9"), ("S-9", "S-1")):
        with pytest.raises(StepError, match=f"its seal is S-9, not {before}, or {after} is not a new one"):
            book.open(before, after)
    with pytest.raises(StepError, match="reason"):
        p.open_copy(book.state, QUALITY, reason="", seal_before="S-9", seal_after="S-10", now=NOW)
    for number in ("", "9" * 65):
        with pytest.raises(StepError, match="seal_after"):
            book.open("S-9", number)
    for before, after in (("S-9", "9" * 64), ("9" * 64, "9")):
        assert book.open(before, after).state.record()["seal_number"] == after


def test_holder_and_storage_have_1_to_200_characters() -> None:
    book = Book().signed()
    book.add(p.move_copy(book.state, QUALITY, holder="x" * 200, storage="y", now=NOW))
    assert book.state.record()["holder"] == "x" * 200
    for holder in ("", "x" * 201):
        with pytest.raises(StepError, match="holder"):
            p.move_copy(book.state, QUALITY, holder=holder, storage="y", now=NOW)


def test_a_faded_copy_judges_no_more() -> None:
    book = (
        Book().signed().measure(lid=(50, 0, 0), base=(20, 1, 1)).measure(lid=(50, 0.9, 1.2), base=(20, 1, 1))
    )
    assert book.state.moved == {"lid": pytest.approx(1.5), "base": 0.0}
    assert book.usable() is None
    book.measure(lid=(50, 0.9, 1.3), base=(20, 1, 1))
    assert book.usable() == "its colour at lid moved by 1.58, more than 1.5 Delta E*ab"
    book.measure(lid=(50, 0, 0), base=(20, 1, 1))
    assert book.usable() is not None, "a kinder reading does not bring it back"
    with pytest.raises(StepError, match="base was measured before and has no reading now"):
        book.measure(lid=(50, 0, 0))
    book.measure(lid=(50, 0, 0), base=(20, 1, 1), edge=(9, 9, 9))
    assert book.state.first["edge"] == (9, 9, 9)
    assert len(book.state.record()["measurements"]) == 5
    with pytest.raises(StepError, match="at least 1 item"):
        book.measure()
    with pytest.raises(StepError, match="finite"):
        book.measure(lid=(float("nan"), 0, 0))


def test_without_a_limit_a_copy_does_not_fade() -> None:
    book = Book("l1").seal(pictures=(PICTURE,))
    for who in (QUALITY, BUYERS):
        book.add(p.sign_copy(book.state, who, now=NOW))
    book.measure(lid=(50, 0, 0)).measure(lid=(90, 0, 0))
    assert book.usable() is None


def test_a_retired_copy_takes_nothing_more() -> None:
    book = Book().signed()
    book.add(p.retire_copy(book.state, BUYERS, reason="broken", now=NOW))
    assert book.usable() == "it is retired: broken"
    for step in STEPS.values():
        with pytest.raises(StepError, match=r"was retired at 2026-07-01T12:00:00Z|is sealed already"):
            step(book, QUALITY)
    for name, step in STEPS.items():
        if name != "sealed":
            with pytest.raises(StepError, match=f"physical.{name} cannot follow: the copy is sealed first"):
                step(Book(), QUALITY)


STEPS: dict[str, Callable[[Book, Person], Any]] = {
    "sealed": lambda b, who: p.seal_copy(b.state, SPEC, GOLDEN, who, now=NOW),
    "signed": lambda b, who: p.sign_copy(b.state, who, now=NOW),
    "moved": lambda b, who: p.move_copy(b.state, who, holder="lab", storage="box", now=NOW),
    "opened": lambda b, who: p.open_copy(
        b.state, who, reason="x", seal_before="S-1", seal_after="S-9", now=NOW
    ),
    "measured": lambda b, who: p.measure_copy(b.state, who, {"lid": (1, 2, 3)}, instrument="CM-3", now=NOW),
    "retired": lambda b, who: p.retire_copy(b.state, who, reason="x", now=NOW),
}


@pytest.mark.parametrize("name", STEPS)
def test_every_step_needs_its_role_and_party(name: str) -> None:
    book = Book() if name == "sealed" else Book().seal()
    needed = "inspector" if name == "measured" else "quality"
    parties = (SUPPLIER.party, BUYER.party)
    for who in (person(role, party) for role in ROLES for party in (*parties, "Third Laboratory")):
        if who.roles == (needed,) and who.party in parties:
            assert [e.kind for e in STEPS[name](book, who)] == [f"physical.{name}"]
            continue
        sentence = f"physical.{name} needs a person with the role {needed} at {' or '.join(parties)}"
        with pytest.raises(StepError, match=f"{sentence}; Li Wei has {who.roles[0]} at {who.party}"):
            STEPS[name](book, who)


def whole() -> Book:
    book = Book().signed().open("S-1", "S-8").measure(lid=(50, 0, 0))
    book.add(p.move_copy(book.state, QUALITY, holder="lab", storage="box", now=NOW))
    return book.add(p.retire_copy(book.state, QUALITY, reason="broken", now=NOW))


def test_replay_gives_the_same_as_stepwise() -> None:
    book = whole()
    assert p.replay_physical(GOLDEN.digest, "g1", book.lines) == book.state
    assert {x.kind for x in book.lines} == set(p.PHYSICAL_EVENTS)
    assert p.replay_physical(GOLDEN.digest, "g2", book.lines).sealed is None
    record = book.state.record()
    assert (record["holder"], record["storage"], record["retired"]["reason"]) == ("lab", "box", "broken")
    assert record["retired"]["at"] == "2026-07-01T12:00:00Z"
    assert (Book().state.sequence, book.state.sequence) == (0, len(book.lines))
    with pytest.raises(StepError, match="comes after line"):
        p.apply_physical(book.state, book.lines[-1])
    assert [s["party"] for s in record["signatures"]] == [SUPPLIER.party, BUYER.party]
    assert Book().state.record()["seal_number"] is None


@pytest.mark.parametrize(
    ("kind", "change", "problem"),
    [
        ("physical.sealed", {"valid_until": "2026-07-01T12:00:00Z"}, "is not after now"),
        ("physical.sealed", {"golden": {"digest": "sha256:" + "b" * 64, "version": 1}}, "is not a copy"),
        ("physical.sealed", {"sample": "accepted_limit"}, "needs a picture"),
        ("physical.opened", {"seal_before": "S-2"}, "its seal is S-1"),
        ("physical.measured", {"readings": {}}, "not the body of"),
        *((f"physical.{k}", {"person": person("management").model_dump()}, "needs a person") for k in STEPS),
    ],
)
def test_forged_bodies_are_refused(kind: str, change: dict[str, Any], problem: str) -> None:
    lines = [
        x.model_copy(update={"body": {**x.body, **change}}) if x.kind == kind else x for x in whole().lines
    ]
    with pytest.raises(StepError, match=problem):
        p.replay_physical(GOLDEN.digest, "g1", lines)


@settings(max_examples=60, deadline=None)
@given(
    st.lists(
        st.tuples(st.sampled_from(sorted(STEPS)), st.sampled_from([QUALITY, BUYERS, INSPECTOR])), max_size=12
    )
)
def test_whatever_is_tried_only_a_copy_signed_by_both_is_in_force(tried: list[tuple[str, Person]]) -> None:
    book = Book()
    for name, who in tried:
        before = book.state
        try:
            book.add(STEPS[name](book, who))
        except StepError:
            assert book.state == before
    assert p.replay_physical(GOLDEN.digest, "g1", book.lines) == book.state
    done = [(x.kind, x.body["person"]["party"]) for x in book.lines]
    both = {("physical.signed", SUPPLIER.party), ("physical.signed", BUYER.party)} <= set(done)
    gone = any(kind == "physical.retired" for kind, _ in done)
    assert (book.usable() is None) == (both and not gone)


def test_the_record_of_a_golden_sample_has_the_file_and_its_copies() -> None:
    data, trust = sealed_tiny()
    sample = GoldenSample.from_bytes(data, trust=trust, now=NOW)
    reference = GOLDEN.model_copy(update={"digest": sample.digest})
    copies = []
    for name, pictures in (("g1", ()), ("l1", (PICTURE,))):
        book = Book(name, sample.digest)
        book.add(p.seal_copy(book.state, SPEC, reference, QUALITY, pictures=pictures, now=NOW))
        book.add(p.sign_copy(book.state, BUYERS, now=NOW))
        copies.append(book.state)
    record = golden_sample_record(sample, copies)
    assert (record.content_digest, record.valid_from, record.valid_until) == (
        sample.digest, "2026-01-05T08:00:00Z", "2028-01-05T08:00:00Z",
    )  # fmt: skip
    assert record.golden_id == "T1-A-v1"
    assert [c.id for c in record.specification] == ["hole", "paint", "face", "continuity"]
    assert [c.copy_id for c in record.physical_samples] == ["g1"]
    assert [(c.copy_id, c.sample, c.pictures) for c in record.limit_samples] == [
        ("l1", "accepted_limit", (PICTURE,))
    ]
    copy = record.physical_samples[0]
    assert (copy.seal_number, copy.supplier_signature, copy.retired) == ("S-1", None, None)
    assert copy.buyer_signature is not None
    assert (copy.buyer_signature.person.party, copy.buyer_signature.at) == (
        BUYER.party,
        "2026-07-01T12:00:00Z",
    )
    for foreign in (Book().state, Book().seal().state):
        with pytest.raises(StepError, match="is no sealed copy of golden sample"):
            golden_sample_record(sample, [foreign])
