"""The spool after a power cut at any point of what it writes; `tests.power_cut` says which cuts are made."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from evidence import Inspection, sha256, verify_digest
from stations import Spool, SpoolError, SpoolReader
from tests.power_cut import Op, Recording, cuts, lay_down, recording, scratch
from tests.stations.bench import STATION, accept, reserve

PAGES = 12  # checkpoints after so many, so that the run has several


class Promises:
    """What the spool has acknowledged at the time of a cut."""

    def __init__(self, noted: list[tuple[str, Any]]) -> None:
        self.reserved: dict[int, str] = {}
        self.completed: dict[int, bytes] = {}
        self.states: dict[int, str] = {}
        self.pruned: set[int] = set()
        self.version: int | None = None
        for kind, what in noted:
            if kind == "reserved":
                self.reserved[what[0]] = what[1]
            elif kind == "completed":
                self.completed[what.sequence] = what.to_json()
            elif kind == "state":
                self.states[what[0]] = what[1]
            elif kind == "pruning":
                self.pruned.update(what)
            else:
                self.version = what


def frames_of(sequence: int) -> dict[str, bytes]:
    """Return a unit's frames: one of its own and one that every other unit shares."""
    return {"top": b"top %d " % sequence * 300, "side": b"side %d " % (sequence % 2) * 100}


def inspect(spool: Spool, recorded: Recording, serial: str) -> int:
    sequence = reserve(spool, serial)
    recorded.acknowledge(("reserved", (sequence, serial)))
    recorded.acknowledge(("completed", accept(spool, sequence, frames_of(sequence), serial)))
    return sequence


def opened(folder: Path) -> Spool:
    spool = Spool.open(folder, STATION)
    spool._connection.execute(f"PRAGMA wal_autocheckpoint = {PAGES}")
    return spool


def run(folder: Path, recorded: Recording) -> None:
    """A station's day: units, a server's answers, a restart, frames dropped, one unit left open."""
    with opened(folder) as spool:
        spool.saw_version("T1", 3)
        recorded.acknowledge(("version", 3))
        for number in range(1, 4):
            inspect(spool, recorded, f"S{number}")
        for sequence in (1, 2):
            spool.acknowledge(sequence)
            recorded.acknowledge(("state", (sequence, "acknowledged")))
        recorded.acknowledge(("reserved", (reserve(spool, "S4"), "S4")))
    with opened(folder) as spool:
        spool.refuse(3, "no such golden sample")
        recorded.acknowledge(("state", (3, "refused")))
        recorded.acknowledge(("pruning", (1, 2)))
        spool.prune(2)
        inspect(spool, recorded, "S5")
        spool.retry_refused()
        recorded.acknowledge(("state", (3, "pending")))
        recorded.acknowledge(("reserved", (reserve(spool, "S6"), "S6")))


@pytest.fixture(scope="module")
def ops(tmp_path_factory: pytest.TempPathFactory) -> list[Op]:
    root = tmp_path_factory.mktemp("power").resolve()
    with recording(root) as recorded:
        run(root / "plant" / "station", recorded)
    return recorded.ops


def check_cuts(ops: list[Op]) -> int:
    """Check the spool after each cut, and at some of them that it goes on; return how many there were."""
    made = 0
    with scratch() as disc:
        for made, (noted, state) in enumerate(cuts(ops), start=1):
            lay_down(state, disc)
            check(disc / "plant" / "station", Promises(noted))
            if made % 10 == 0:
                check_next_unit(disc / "plant" / "station")
    return made


def check(folder: Path, promises: Promises) -> None:
    with Spool.open(folder, STATION) as spool:
        units = spool.units()
        assert [u.sequence for u in units] == list(range(1, len(units) + 1))
        assert len(units) >= len(promises.reserved)
        assert {s: units[s - 1].serial for s in promises.reserved} == promises.reserved
        assert {s: units[s - 1].record for s in promises.completed} == promises.completed
        for unit in units:
            check_unit(spool, unit.inspection, unit.sequence in promises.pruned)
            assert unit.state != "open"
        in_flight = (
            "pending",
            "acknowledged",
            "refused",
        )  # the move after the last promise may have happened
        for sequence, state in promises.states.items():
            assert units[sequence - 1].state in (in_flight if state == "refused" else (state,))
        assert promises.version is None or spool.newest_version("T1") == promises.version
        assert not list(folder.glob("frames/*.tmp"))


def check_next_unit(folder: Path) -> None:
    with Spool.open(folder, STATION) as spool:
        following = reserve(spool, "next")
        assert following == len(spool.units())
        accept(spool, following, frames_of(following), "next")
    with SpoolReader.read(folder) as reader:
        assert reader.unit(following).inspection.verdict == "ACCEPT"
        assert reader.frames(following) == frames_of(following)


def check_unit(spool: Spool, record: Inspection, pruned: bool) -> None:
    assert verify_digest(record)
    assert record.sequence is not None
    if record.verdict == "HOLD":
        assert record.reasons == ("interrupted",)
        return
    if not pruned:
        stored = spool.frames(record.sequence)
        assert {v: sha256(d) for v, d in stored.items()} == {f.view: f.digest for f in record.frames}


def test_the_run_writes_all_that_a_station_writes(ops: list[Op]) -> None:
    """Without this the cuts could pass for want of anything to cut."""
    kinds = {op[0] for op in ops}
    assert kinds == {
        "create", "write", "truncate", "sync", "sync folder", "rename", "unlink", "mkdir", "acknowledge",
    }  # fmt: skip
    database = [op for op in ops if op[0] == "write" and op[1].endswith("spool.db")]
    assert len(database) > 20, "checkpoints"
    assert sum(op[0] == "rename" for op in ops) > 5
    restarts = [op for op in ops if op[0] == "write" and op[1].endswith("-wal") and op[2] == 0]
    assert len(restarts) > 2, "the WAL starts again"


def test_after_a_power_cut_anywhere_all_that_was_acknowledged_is_there_and_nothing_half_written_is_taken(
    ops: list[Op],
) -> None:
    assert check_cuts(ops) > 500


@pytest.mark.parametrize("left_out", ["sync", "sync folder"])
def test_a_run_that_does_not_sync_is_found_out(left_out: str, ops: list[Op]) -> None:
    """The test of the test: had the same run not synced, a cut would take what was acknowledged."""
    unsynced = [op for op in ops if op[0] != left_out]
    with pytest.raises((AssertionError, IndexError, SpoolError)):
        check_cuts(unsynced)
