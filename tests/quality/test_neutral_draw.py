"""The agreed seed: commitments, reveals, refusals, replay and the offline check."""

from __future__ import annotations

import hashlib
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import quality
from evidence.journal import JournalLine, append
from quality.neutral_draw import (
    DrawRecord,
    DrawState,
    agreed_seed,
    apply_draw,
    commit_secret,
    commitment,
    draw_record,
    replay_draw,
    reveal_secret,
    verify_neutral_draw,
)
from tests.quality.records import INSPECTOR, MAKER, SPEC

LOT = "L1"
SERIALS = tuple(f"U{i:03}" for i in range(40))
MANIFEST = quality.manifest_digest(LOT, SERIALS)
EVE = quality.Person(name="Eve", party="Else")
MINE, THEIRS = "11" * 32, "ab" * 16
FREEZE = quality.NewEvent("lot.frozen", LOT, {"manifest": MANIFEST, "serials": list(SERIALS)})


def lines(*events: quality.NewEvent) -> list[JournalLine]:
    out: list[JournalLine] = []
    for e in events:
        last = out[-1] if out else None
        out.append(
            append(
                last,
                time="2026-01-01T00:00:00.000000Z",
                actor="t",
                kind=e.kind,
                subject=e.subject,
                body=e.body,
            )
        )
    return out


class Talk:
    """A journal of one lot's draw."""

    def __init__(self, *, frozen: bool = True) -> None:
        self.events: list[quality.NewEvent] = [FREEZE] if frozen else []

    @property
    def state(self) -> DrawState:
        return replay_draw(LOT, lines(*self.events))

    def commit(self, person: quality.Person, secret: str) -> Talk:
        self.events += commit_secret(
            self.state, SPEC, person, commitment(LOT, MANIFEST, person.party, secret)
        )
        return self

    def reveal(self, person: quality.Person, secret: str) -> Talk:
        self.events += reveal_secret(self.state, person, secret)
        return self

    def committed(self) -> Talk:
        return self.commit(MAKER, MINE).commit(INSPECTOR, THEIRS)

    def agreed(self) -> Talk:
        return self.committed().reveal(INSPECTOR, THEIRS).reveal(MAKER, MINE)


def test_both_parties_commit_then_reveal_and_the_seed_draws() -> None:
    talk = Talk().agreed()
    assert [e.kind for e in talk.events[1:]] == ["draw.committed"] * 2 + ["draw.revealed"] * 2
    assert {e.subject for e in talk.events[1:]} == {"draw:L1"}
    seed = agreed_seed(talk.state)
    drawn = quality.draw(LOT, SERIALS, 8, seed)
    assert len(set(drawn.serials)) == 8
    verify_neutral_draw(draw_record(talk.state), drawn, SERIALS)
    record = talk.state.record()
    assert (record["seed"], record["withheld"]) == (seed, [])
    assert DrawRecord.model_validate_json(draw_record(talk.state).model_dump_json()).seed == seed


def test_the_digests_are_those_of_the_published_formula() -> None:
    """SHA-256 over JSON with sorted keys and no spaces, made here without the product's code."""

    def digest(fields: dict[str, Any]) -> str:
        return hashlib.sha256(json.dumps(fields, sort_keys=True, separators=(",", ":")).encode()).hexdigest()

    base = {"protocol": "hallmark neutral draw 1", "lot": LOT, "manifest": MANIFEST}
    one = digest({**base, "party": MAKER.party, "secret": MINE})
    assert commitment(LOT, MANIFEST, MAKER.party, MINE) == f"sha256:{one}"
    both = digest({**base, "secrets": {MAKER.party: MINE, INSPECTOR.party: THEIRS}})
    assert agreed_seed(Talk().agreed().state) == both


def test_the_order_of_speaking_does_not_change_the_seed() -> None:
    other = Talk().commit(INSPECTOR, THEIRS).commit(MAKER, MINE).reveal(MAKER, MINE).reveal(INSPECTOR, THEIRS)
    assert agreed_seed(other.state) == agreed_seed(Talk().agreed().state)


@given(st.binary(min_size=16, max_size=64), st.binary(min_size=16, max_size=64))
def test_each_secret_changes_the_seed(mine: bytes, other: bytes) -> None:
    if THEIRS in (mine.hex(), other.hex()):
        return
    seeds = [
        agreed_seed(
            DrawState(LOT, manifest=MANIFEST, secrets={MAKER.party: s.hex(), INSPECTOR.party: THEIRS})
        )
        for s in (mine, other)
    ]
    assert (seeds[0] == seeds[1]) == (mine == other)


@pytest.mark.parametrize(
    ("act", "error", "sentence"),
    [
        (lambda: Talk(frozen=False).commit(MAKER, MINE), quality.StepError, "manifest is frozen first"),
        (lambda: Talk().commit(MAKER, MINE).commit(MAKER, THEIRS), quality.StepError, "commitment is final"),
        (lambda: Talk().agreed().commit(MAKER, "cc" * 32), quality.StepError, "too late"),
        (lambda: Talk().commit(MAKER, MINE).reveal(MAKER, MINE), quality.StepError, "1 of 2 have"),
        (lambda: Talk().reveal(MAKER, MINE), quality.StepError, "0 of 2 have"),
        (lambda: Talk().committed().reveal(MAKER, "cc" * 32), quality.EvidenceError, "not the one that it"),
        (lambda: Talk().committed().reveal(MAKER, THEIRS), quality.EvidenceError, "not the one that it"),
        (lambda: Talk().agreed().reveal(MAKER, MINE), quality.StepError, "revealed already"),
        (lambda: Talk().commit(MAKER, "11" * 15), quality.EvidenceError, "16 to 64 random bytes"),
        (lambda: Talk().commit(MAKER, "11" * 65), quality.EvidenceError, "16 to 64 random bytes"),
        (lambda: Talk().commit(MAKER, "AB" * 16), quality.EvidenceError, "lower-case"),
        (lambda: Talk().commit(MAKER, "zz" * 16), quality.EvidenceError, "hexadecimal"),
        (
            lambda: (
                Talk().commit(MAKER, MINE).commit(INSPECTOR, MINE).reveal(MAKER, MINE).reveal(INSPECTOR, MINE)
            ),
            quality.EvidenceError, "the same secret",
        ),
        (lambda: Talk().commit(EVE, MINE), quality.StepError, "acts for Else"),
        (lambda: commit_secret(Talk().state, SPEC, MAKER, MINE), quality.StepError, "is no commitment"),
        (lambda: agreed_seed(Talk().state), quality.StepError, "0 committed, awaiting commitments"),
        (lambda: agreed_seed(Talk().commit(MAKER, MINE).state), quality.StepError, "1 committed"),
        (
            lambda: agreed_seed(Talk().committed().reveal(MAKER, MINE).state),
            quality.StepError, f"awaiting {INSPECTOR.party}",
        ),
    ],
)  # fmt: skip
def test_refusals(act: Any, error: type[Exception], sentence: str) -> None:
    with pytest.raises(error, match=sentence):
        act()


@pytest.mark.parametrize("size", [16, 64])
def test_secrets_of_the_shortest_and_longest_size_serve(size: int) -> None:
    assert len(Talk().commit(MAKER, "5a" * size).state.commitments) == 1


def test_who_withholds_is_on_record() -> None:
    state = Talk().committed().reveal(MAKER, MINE).state
    assert state.record()["withheld"] == [INSPECTOR.party]
    assert state.record()["seed"] is None
    assert state.record()["secrets"] == {MAKER.party: MINE}


def test_a_third_party_cannot_commit_in_a_forged_line() -> None:
    talk = Talk().committed()
    body = {**talk.events[1].body, "person": {"name": "Eve", "party": "Else", "roles": []}}
    with pytest.raises(quality.StepError, match="Else is third"):
        replay_draw(LOT, lines(*talk.events, quality.NewEvent("draw.committed", "draw:L1", body)))


def test_the_reducer_checks_what_the_steps_checked() -> None:
    talk = Talk().agreed()
    freeze, c1, c2, r1, r2 = talk.events
    wrong = quality.NewEvent(r1.kind, r1.subject, {**r1.body, "secret": "00" * 16})
    elsewhere = quality.NewEvent(c1.kind, c1.subject, {**c1.body, "manifest": "sha256:" + "0" * 64})
    unknown = quality.NewEvent("draw.opened", c1.subject, {})
    broken = quality.NewEvent(c1.kind, c1.subject, {})
    for events, error, sentence in (
        ([c1, freeze], quality.StepError, "frozen first"),
        ([freeze, freeze], quality.StepError, "frozen already"),
        ([freeze, c1, r2], quality.StepError, "nobody reveals"),
        ([freeze, c1, c2, wrong], quality.EvidenceError, "not the one"),
        ([freeze, elsewhere], quality.StepError, "another manifest"),
        ([freeze, c1, c2, r1, c1], quality.StepError, "too late"),
        ([freeze, c1, c1], quality.StepError, "final"),
        ([freeze, unknown], quality.StepError, "not an event of a draw"),
        ([freeze, broken], quality.StepError, "not the body"),
        ([quality.NewEvent(freeze.kind, c1.subject, freeze.body)], quality.StepError, "not an event of a"),
    ):
        with pytest.raises(error, match=sentence):
            replay_draw(LOT, lines(*events))


def test_a_party_without_commitment_reveals_nothing() -> None:
    with pytest.raises(quality.StepError, match="nothing to reveal"):
        reveal_secret(Talk().committed().state, EVE, MINE)


def test_replay_and_apply_agree_and_other_lines_are_skipped() -> None:
    talk = Talk().agreed()
    other = quality.NewEvent("lot.frozen", "L2", FREEZE.body)
    all_lines = lines(other, *talk.events)
    state = DrawState(LOT)
    for line in all_lines:
        state = apply_draw(state, line)
    assert state == replay_draw(LOT, all_lines)
    assert state.sequence == 6
    with pytest.raises(quality.StepError, match="comes after line 6"):
        apply_draw(state, all_lines[-1])


def test_the_offline_check_finds_each_alteration() -> None:
    record = draw_record(Talk().agreed().state)
    drawn = quality.draw(LOT, SERIALS, 5, record.seed)
    verify_neutral_draw(record, drawn, SERIALS)
    swapped = dict(zip(record.secrets, reversed(record.secrets.values()), strict=True))
    other = quality.draw(LOT, SERIALS, 5, "00" * 32)
    for altered, sample, serials, sentence in (
        ({"seed": "00" * 32}, drawn, SERIALS, "not what the two secrets give"),
        ({"secrets": swapped}, drawn, SERIALS, "not the one that it committed to"),
        ({"secrets": {"x": MINE, "y": THEIRS}}, drawn, SERIALS, "same two parties"),
        ({"lot": "L2"}, drawn, SERIALS, "not the one that it committed to"),
        ({}, other, SERIALS, "another seed"),
        ({}, drawn.model_copy(update={"serials": drawn.serials[::-1]}), SERIALS, "not what the seed draws"),
        ({}, drawn, (*SERIALS[:-1], "Z"), "not what the seed draws"),
    ):
        with pytest.raises(quality.EvidenceError, match=sentence):
            verify_neutral_draw(record.model_copy(update=altered), sample, serials)
