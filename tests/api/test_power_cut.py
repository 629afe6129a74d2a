"""The server's journal, records and frames after a power cut; `tests.power_cut` says which cuts are made.

The whole of the server's writing is one thread's work here: requests that write at the same time take turns
before the database, and what they do to frames is the same for each.
"""

from __future__ import annotations

import itertools
import json
import sqlite3
from contextlib import closing
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from api import ApiError, Store
from api.ledger import Ledger
from api.store.keys import ApiKey
from evidence import sha256
from evidence.journal import BrokenChain, JournalLine, verify_chain
from tests import builders
from tests.api import records
from tests.power_cut import Op, Recording, cuts, lay_down, recording, scratch

KEY = ApiKey("k1", "station", "a station", records.STATION, None, "2026-07-01T00:00:00Z", None)
PAGES = 20  # checkpoints after so many, so that the run has several
WHOLE_EVERY = 20  # opening the store with its migrations takes too long for every cut


def ledger(store: Store) -> Ledger:
    ticks = itertools.count()
    return Ledger(
        store, builders.trust(), clock=lambda: builders.NOW + timedelta(milliseconds=next(ticks)),
        entropy=bytes,
    )  # fmt: skip


def run(data: Path, recorded: Recording) -> None:
    """A server's day: a golden sample, a lot, records with frames, a restart, and more records."""
    for first in (1, 3):
        with Store.open(data) as store:
            with store.database.read() as connection:
                connection.execute(text(f"PRAGMA wal_autocheckpoint = {PAGES}"))
            served = ledger(store)
            if first == 1:
                golden, new = served.register_golden(builders.sealed_tiny()[0], KEY)
                assert new
                served.open_lot("L1", golden.digest, KEY)
                recorded.acknowledge(("lines", 2))
            for sequence in range(first, first + 2):
                record, frames = records.inspection(sequence, lot="L1" if sequence == 1 else None)
                served.take_inspection(record, frames, KEY)
                recorded.acknowledge(("record", (record, frames)))


@pytest.fixture(scope="module")
def ops(tmp_path_factory: pytest.TempPathFactory) -> list[Op]:
    root = tmp_path_factory.mktemp("power").resolve()
    with recording(root) as recorded:
        run(root / "srv" / "plant", recorded)
    return recorded.ops


def check(data: Path, promises: list[tuple[str, Any]]) -> None:
    """Read what is there without our store."""
    kept = [what for kind, what in promises if kind == "record"]
    if not (data / "hallmark.sqlite").exists():
        assert not promises
        return
    names = ("sequence", "time", "actor", "kind", "subject", "body", "previous", "hash")
    with closing(sqlite3.connect(data / "hallmark.sqlite")) as db:
        assert db.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        if not db.execute("SELECT 1 FROM sqlite_master WHERE name = 'journal'").fetchone():
            assert not promises
            return
        rows = db.execute(f"SELECT {', '.join(names)} FROM journal ORDER BY sequence").fetchall()
        stored = dict(db.execute("SELECT id, record FROM inspections").fetchall())
    fields: list[dict[str, Any]] = [dict(zip(names, row, strict=True)) for row in rows]
    lines = [JournalLine.model_validate({**f, "body": json.loads(f["body"])}) for f in fields]
    verify_chain(lines)
    assert len(lines) >= sum(what for kind, what in promises if kind == "lines") + len(kept)
    assert {line.subject for line in lines if line.kind == "inspection.stored"} == stored.keys()
    assert {r.id: stored.get(r.id) for r, _ in kept} == {r.id: r.to_json().decode() for r, _ in kept}
    for record in map(json.loads, stored.values()):  # of every record that is there, its frames are too
        for frame in record["frames"]:
            name = frame["digest"].removeprefix("sha256:")
            assert sha256((data / "frames" / name[:2] / name).read_bytes()) == frame["digest"]


def check_whole(data: Path, promises: list[tuple[str, Any]]) -> None:
    """Open the store as a server does, verify, and send everything again, as stations would."""
    with Store.open(data, serve=True) as store:
        served = ledger(store)
        before = served.verify()
        assert before.state == "intact", before
        assert not list((data / "frames").glob("*/.partial-*"))
        served.register_golden(builders.sealed_tiny()[0], KEY)
        for record, frames in (what for kind, what in promises if kind == "record"):
            _, new = served.take_inspection(record, frames, KEY)
            assert not new
        following, frames = records.inspection(100)
        stored, new = served.take_inspection(following, frames, KEY)
        assert new
        assert stored.journal_sequence > before.lines
        for data_of in frames.values():
            assert store.frames.get(sha256(data_of)) == data_of
        assert served.verify().state == "intact"


def check_cuts(ops: list[Op]) -> int:
    made = 0
    with scratch() as disc:
        for made, (promises, state) in enumerate(cuts(ops), start=1):
            lay_down(state, disc)
            data = disc / "srv" / "plant"
            check(data, promises)
            if made % WHOLE_EVERY == 0:
                check_whole(data, promises)
    return made


def test_the_run_writes_all_that_a_server_writes(ops: list[Op]) -> None:
    """Without this the cuts could pass for want of anything to cut."""
    main = [op for op in ops if op[0] == "write" and op[1].endswith("hallmark.sqlite")]
    assert len(main) > 60, "checkpoints"
    assert sum(op[0] == "rename" for op in ops) == 5  # a bundle and four frames
    assert sum(op[0] == "acknowledge" for op in ops) == 5
    assert len([op for op in ops if op[0] == "write" and op[1].endswith("-wal") and op[2] == 0]) > 2


def test_after_a_power_cut_anywhere_what_was_acknowledged_is_there_and_the_chain_holds(ops: list[Op]) -> None:
    assert check_cuts(ops) > 700


@pytest.mark.parametrize("left_out", ["sync", "sync folder"])
def test_a_server_that_does_not_sync_is_found_out(left_out: str, ops: list[Op]) -> None:
    """The test of the test: had the same run not synced, a cut would take what was acknowledged."""
    with pytest.raises((AssertionError, FileNotFoundError, BrokenChain, ApiError, sqlite3.DatabaseError)):
        check_cuts([op for op in ops if op[0] != left_out])
