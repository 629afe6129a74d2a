"""The journal's chain: whatever is altered, removed, doubled or moved breaks it."""

from __future__ import annotations

import hashlib
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from evidence.journal import GENESIS, BrokenChain, JournalLine, append, line_hash, verify_chain

TIME = "2026-07-01T12:00:00Z"


def journal(count: int) -> list[JournalLine]:
    lines: list[JournalLine] = []
    for i in range(count):
        last = lines[-1] if lines else None
        body = {"n": i, "note": "ü", "value": 0.1 * i}
        lines.append(append(last, time=TIME, actor="anna", kind="lot.opened", subject=f"L{i}", body=body))
    return lines


LINES = journal(5)


def test_a_journal_holds_and_ends_with_its_last_line() -> None:
    assert verify_chain(LINES) == LINES[-1]
    assert verify_chain([]) is None
    assert [line.sequence for line in LINES] == [1, 2, 3, 4, 5]
    assert [line.previous for line in LINES] == [GENESIS, *(line.hash for line in LINES[:-1])]


def test_the_hash_can_be_computed_by_hand() -> None:
    fields = LINES[2].model_dump()
    stated = fields.pop("hash")
    text = json.dumps(fields, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    assert stated == "sha256:" + hashlib.sha256(text.encode()).hexdigest()


CHANGES: list[dict[str, Any]] = [
    {"time": "2026-07-01T12:00:01Z"}, {"actor": "eve"}, {"kind": "lot.closed"}, {"subject": "L9"},
    {"body": {}},
    {"body": {"n": 2, "note": "ü", "value": 0.2, "more": None}}, {"sequence": 9}, {"previous": GENESIS},
    {"hash": GENESIS},
]  # fmt: skip


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("at", range(5))
def test_an_altered_line_is_found(at: int, change: dict[str, Any]) -> None:
    altered = JournalLine.model_validate({**LINES[at].model_dump(), **change})
    if altered == LINES[at]:
        return
    with pytest.raises(BrokenChain, match="journal line"):
        verify_chain([*LINES[:at], altered, *LINES[at + 1 :]])


@pytest.mark.parametrize("at", range(4))
def test_a_line_altered_with_its_hash_is_found_by_the_next(at: int) -> None:
    fields = {**LINES[at].model_dump(), "actor": "eve"}
    altered = JournalLine.model_validate({**fields, "hash": line_hash(fields)})
    with pytest.raises(BrokenChain, match=f"line {at + 2}: does not follow line {at + 1}"):
        verify_chain([*LINES[:at], altered, *LINES[at + 1 :]])


@given(st.permutations(range(5)), st.integers(1, 5))
def test_only_the_lines_in_order_from_the_first_hold(order: list[int], count: int) -> None:
    chosen = order[:count]
    if chosen == list(range(count)):
        assert verify_chain(LINES[i] for i in chosen) == LINES[count - 1]
    else:
        with pytest.raises(BrokenChain):
            verify_chain(LINES[i] for i in chosen)


def test_a_doubled_line_is_found() -> None:
    with pytest.raises(BrokenChain):
        verify_chain([LINES[0], LINES[0]])


@pytest.mark.parametrize(
    "change", [{"time": "yesterday"}, {"kind": "Lot Opened"}, {"actor": ""}, {"sequence": 0}, {"extra": 1}]
)
def test_a_line_has_its_form(change: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        JournalLine.model_validate({**LINES[0].model_dump(), **change})
