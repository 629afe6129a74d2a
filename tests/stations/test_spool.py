"""The spool: gapless, durable at every crash point, never two writers, nothing deleted."""

from __future__ import annotations

import os
import shutil
import signal
import sqlite3
import tempfile
import threading
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from evidence import sha256
from stations import (
    FrameLostError,
    Spool,
    SpoolConflictError,
    SpoolError,
    SpoolForeignError,
    SpoolInUseError,
    SpoolReader,
    run_line,
)
from stations.frame_files import FrameFiles
from tests import forked
from tests.stations import endless_line
from tests.stations.bench import NOW, STATION, accept, held, line, record, reserve


def test_rows_left_open_become_interrupted_holds(tmp_path: Path) -> None:
    with Spool.open(tmp_path, STATION) as spool:
        assert [reserve(spool, s) for s in ("S1", "S2", "S3")] == [1, 2, 3]
        accept(spool, 2, {"top": b"two"}, "S2")
    with Spool.open(tmp_path, STATION) as spool:
        assert spool.recovered == (1, 3)
        assert [(u.state, u.inspection.verdict, u.inspection.reasons) for u in spool.units()] == [
            ("pending", "HOLD", ("interrupted",)),
            ("pending", "ACCEPT", ()),
            ("pending", "HOLD", ("interrupted",)),
        ]  # fmt: skip
        assert reserve(spool, "S4") == 4
    with Spool.open(tmp_path, STATION) as spool:
        assert spool.recovered == (4,)


def test_each_crash_point_keeps_every_switched_verdict(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Copy the folder before each statement, sync and rename: what a kill there would leave behind."""
    home, copies = tmp_path / "home", tmp_path / "copies"
    copies.mkdir()
    switched: list[tuple[str, int, str]] = []
    expected: list[list[tuple[str, int, str]]] = []

    def snapshot(*_: Any) -> None:
        shutil.copytree(home, copies / str(len(expected)), ignore=shutil.ignore_patterns("*-shm", "lock.db*"))
        expected.append(list(switched))

    real_fsync, real_replace = os.fsync, Path.replace

    class Output:
        def signal(self, verdict: str, sequence: int, serial: str) -> None:
            switched.append((verdict, sequence, serial))
            snapshot()

    with Spool.open(home, STATION) as spool, monkeypatch.context() as patch:
        patch.setattr(os, "fsync", lambda handle: (snapshot(), real_fsync(handle))[1])
        patch.setattr(Path, "replace", lambda self, to: (snapshot(), real_replace(self, to))[1])
        spool._connection.set_trace_callback(snapshot)
        list(run_line(line(spool, output=Output()), ["S1", "S7"]))
        spool._connection.set_trace_callback(None)
    assert len(expected) > 20
    opened = 0
    for number, signals in enumerate(expected):
        with Spool.open(copies / str(number), STATION) as spool:
            units = spool.units()
            assert [u.sequence for u in units] == list(range(1, len(units) + 1))
            assert all(u.state == "pending" for u in units)
            stored = [(u.inspection.verdict, u.sequence, u.serial) for u in units]
            assert signals == stored[: len(signals)]
            for unit in units:
                frames = spool.frames(unit.sequence)
                assert {v: sha256(d) for v, d in frames.items()} == {
                    f.view: f.digest for f in unit.inspection.frames
                }
                assert len(frames) == (0 if unit.inspection.verdict == "HOLD" else 1)
            assert not list((copies / str(number)).glob("frames/*.tmp"))
            opened += len(spool.recovered)
    assert opened > 5, "some copies must have caught a unit under way"


def test_killed_lines_lose_nothing(tmp_path: Path) -> None:
    """SIGKILL a running line at eight random moments; what it had switched is there, without a gap."""
    context = forked.context()
    recovered: list[int] = []
    for round_ in range(8):
        told, tell = context.Pipe(duplex=False)
        process = context.Process(target=endless_line.main, args=(tmp_path, str(round_), tell))
        process.start()
        tell.close()
        with told:
            assert told.recv() == "running"
            lines_before = _signals(tmp_path)
            process.join(0.02 + 0.3 * int.from_bytes(os.urandom(2)) / 65536)
        assert process.is_alive()
        process.kill()
        process.join()
        assert process.exitcode == -signal.SIGKILL
        switched = _signals(tmp_path)
        assert switched[: len(lines_before)] == lines_before
        with SpoolReader.read(tmp_path) as spool:
            units = spool.units()
            assert [u.sequence for u in units] == list(range(1, len(units) + 1))
            assert sum(u.state == "open" for u in units) <= 1
        with Spool.open(tmp_path, STATION) as spool:
            recovered += spool.recovered
            verdicts = {u.sequence: u.inspection for u in spool.units()}
        for verdict, sequence, serial in switched:
            assert (verdicts[sequence].verdict, verdicts[sequence].serial) == (verdict, serial)
        for sequence in recovered:
            assert verdicts[sequence].reasons == ("interrupted",)
        assert len(verdicts) - len(switched) <= 2 * (round_ + 1)
    assert len(switched) > 8
    with SpoolReader.read(tmp_path) as spool:
        for unit in spool.units():
            spool.frames(unit.sequence)  # each readable and unaltered


def _signals(folder: Path) -> list[tuple[str, int, str]]:
    path = folder / "signals.txt"
    rows = path.read_text().splitlines() if path.exists() else []
    return [(v, int(n), s) for v, n, s in (row.split() for row in rows)]


def test_one_station_one_writer(tmp_path: Path) -> None:
    with Spool.open(tmp_path, STATION) as spool:
        reserve(spool)
        with pytest.raises(SpoolInUseError, match="its own spool"):
            Spool.open(tmp_path, STATION)
        with SpoolReader.read(tmp_path) as reader:
            assert [u.state for u in reader.units()] == ["open"], "a reader recovers nothing"
            with pytest.raises(sqlite3.OperationalError, match="readonly"):
                reader._connection.execute("DELETE FROM station")
    with pytest.raises(SpoolForeignError, match="of station cell-3, not of other"):
        Spool.open(tmp_path, "other")
    Spool.open(tmp_path, STATION).close()


def test_what_is_no_spool_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SpoolForeignError, match=r"no spool\.db"):
        SpoolReader.read(tmp_path)
    (tmp_path / "spool.db").write_bytes(b"not a database" * 100)
    for way in (lambda: Spool.open(tmp_path, STATION), lambda: SpoolReader.read(tmp_path)):
        with pytest.raises(SpoolForeignError, match="is not a spool"):
            way()
    other = tmp_path / "newer"
    Spool.open(other, STATION).close()
    connection = sqlite3.connect(other / "spool.db")
    connection.execute("PRAGMA user_version = 99")
    connection.close()
    with pytest.raises(SpoolForeignError, match="found 99"):
        Spool.open(other, STATION)
    (tmp_path / "file").write_text("")
    with pytest.raises(SpoolError):
        Spool.open(tmp_path / "file" / "below", STATION)


def test_records_that_do_not_fit_are_refused(tmp_path: Path) -> None:
    with Spool.open(tmp_path, STATION) as spool:
        sequence = reserve(spool)
        good = held(serial="S1", lot="L1", station=STATION, sequence=sequence, reason="camera_failed")
        with pytest.raises(SpoolConflictError, match="does not belong"):
            spool.complete(good.model_copy(update={"serial": "S2"}), {})
        with pytest.raises(SpoolConflictError, match="digest"):
            spool.complete(good.model_copy(update={"lot": "L2"}), {})
        with pytest.raises(SpoolConflictError, match="frames"):
            spool.complete(good, {"top": b"unnamed"})
        with pytest.raises(SpoolConflictError, match="holds no unit"):
            spool.complete(good.model_copy(update={"sequence": 9}), {})
        with pytest.raises(SpoolConflictError, match="not pending"):
            spool.acknowledge(sequence)
        spool.complete(good, {})
        with pytest.raises(SpoolConflictError, match="already has its record"):
            spool.complete(good, {})
        accepted = record(serial="S9", lot=None, station=STATION, sequence=2, verdict="ACCEPT", reasons=[])
        with pytest.raises(SpoolConflictError, match="before a decision is HOLD"):
            spool.reserve(serial="S9", lot=None, at=NOW, held=lambda _: accepted)
        assert len(spool.units()) == 1


def test_the_database_itself_refuses_gaps_deletions_and_changes(tmp_path: Path) -> None:
    with Spool.open(tmp_path, STATION) as spool:
        accept(spool, reserve(spool), {"top": b"x"})
        for statement in (
            "DELETE FROM unit",
            "UPDATE unit SET record = x'00'",
            "UPDATE unit SET sequence = 5",
            "INSERT INTO unit VALUES (3, 's', NULL, 't', 'open', x'00', NULL)",
            "INSERT INTO frame VALUES (7, 'top', 'd', 0)",
        ):
            with pytest.raises(sqlite3.IntegrityError):
                spool._connection.execute(statement)


def test_frames_are_dropped_only_after_acknowledgement_and_by_policy(tmp_path: Path) -> None:
    with Spool.open(tmp_path, STATION) as spool:
        for data in (b"one", b"shared", b"shared", b"four"):
            accept(spool, reserve(spool), {"top": data})
        assert spool.prune(keep_newest=0) == 0, "nothing is acknowledged"
        for sequence in (1, 2, 4):
            spool.acknowledge(sequence)
        assert spool.prune(keep_newest=1) == 1, (
            "2 shares its file with 3, which the server lacks; 4 is newest"
        )
        with pytest.raises(FrameLostError, match="dropped after"):
            spool.frames(1)
        assert spool.frames(3) == {"top": b"shared"}
        assert spool.frames(4) == {"top": b"four"}
        accept(spool, reserve(spool), {"top": b"one"})
        assert spool.frames(5) == {"top": b"one"}, "the same bytes may come again"
        spool.acknowledge(3)
        assert spool.prune(keep_newest=0) == 2
        assert sorted(len(p.read_bytes()) for p in (tmp_path / "frames").iterdir()) == [3]


@pytest.mark.parametrize("during", ["put", "drop"])
def test_a_frame_that_comes_again_while_it_is_dropped_stays(
    during: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    others: list[threading.Thread] = []
    real = getattr(FrameFiles, during)

    with Spool.open(tmp_path, STATION) as spool:
        accept(spool, reserve(spool), {"top": b"same"})
        spool.acknowledge(1)
        sequence = reserve(spool)

        def complete() -> None:
            accept(spool, sequence, {"top": b"same"})

        def prune() -> None:
            spool.prune(keep_newest=0)

        one, other = (complete, prune) if during == "put" else (prune, complete)

        def meanwhile(files: FrameFiles, given: Any) -> Any:
            """The file is there and about to be kept or dropped; the other thread does what it can."""
            monkeypatch.undo()
            result = real(files, given) if during == "put" else None
            others.append(threading.Thread(target=other))
            others[0].start()
            others[0].join(0.3)
            return real(files, given) if during == "drop" else result

        monkeypatch.setattr(FrameFiles, during, meanwhile)
        one()
        others[0].join(10)
        assert spool.frames(sequence) == {"top": b"same"}


def test_lost_and_altered_frames_are_told(tmp_path: Path) -> None:
    with Spool.open(tmp_path, STATION) as spool:
        accept(spool, reserve(spool), {"top": b"one"})
        (path,) = (tmp_path / "frames").iterdir()
        path.write_bytes(b"two")
        with pytest.raises(FrameLostError, match="altered"):
            spool.frames(1)
        path.unlink()
        with pytest.raises(FrameLostError, match="absent"):
            spool.frames(1)


def test_the_newest_golden_version_only_grows(tmp_path: Path) -> None:
    with Spool.open(tmp_path, STATION) as spool:
        assert spool.newest_version("T1") is None
        for seen, newest in ((2, 2), (1, 2), (5, 5)):
            spool.saw_version("T1", seen)
            assert spool.newest_version("T1") == newest
        assert spool.newest_version("T2") is None
    with SpoolReader.read(tmp_path) as reader:
        assert reader.newest_version("T1") == 5


class SpoolMachine(RuleBasedStateMachine):
    """Any order of reserving, completing, forwarding, pruning and being killed, against a plain model."""

    def __init__(self) -> None:
        super().__init__()
        self.home = Path(tempfile.mkdtemp(prefix="spool-"))
        self.spool = Spool.open(self.home, STATION)
        self.states: list[str] = []
        self.data: dict[int, bytes] = {}
        self.pruned: set[int] = set()

    def pick(self, state: str, index: int) -> int | None:
        of_state = [n for n, s in enumerate(self.states, 1) if s == state]
        return of_state[index % len(of_state)] if of_state else None

    @rule()
    def trigger(self) -> None:
        assert reserve(self.spool) == len(self.states) + 1
        self.states.append("open")

    @rule(index=st.integers(0, 9), data=st.sampled_from([b"a", b"b", b"c" * 5000]))
    def judge(self, index: int, data: bytes) -> None:
        if (sequence := self.pick("open", index)) is not None:
            accept(self.spool, sequence, {"top": data})
            self.states[sequence - 1], self.data[sequence] = "pending", data

    @rule(refuse=st.booleans())
    def answer(self, *, refuse: bool) -> None:
        unit = self.spool.next_pending()
        expected = self.pick("pending", 0)
        assert (unit.sequence if unit else None) == expected
        if unit is None:
            return
        if refuse:
            self.spool.refuse(unit.sequence, "409 conflict")
        else:
            self.spool.acknowledge(unit.sequence)
        self.states[unit.sequence - 1] = "refused" if refuse else "acknowledged"

    @rule(keep=st.integers(0, 3))
    def prune(self, keep: int) -> None:
        self.spool.prune(keep)
        for sequence, state in enumerate(self.states, 1):
            if state == "acknowledged" and sequence <= len(self.states) - keep:
                self.pruned.add(sequence)

    @precondition(lambda self: self.states)
    @rule()
    def killed_and_started_again(self) -> None:
        self.spool._connection.close()
        self.spool._held_lock.close()
        self.spool = Spool.open(self.home, STATION)
        assert list(self.spool.recovered) == [n for n, s in enumerate(self.states, 1) if s == "open"]
        self.states = ["pending" if s == "open" else s for s in self.states]

    @invariant()
    def agrees_with_the_model(self) -> None:
        units = self.spool.units()
        assert [(u.sequence, u.state) for u in units] == list(enumerate(self.states, 1))
        for unit in units:
            judged = unit.sequence in self.data
            assert unit.inspection.verdict == ("ACCEPT" if judged else "HOLD")
            if not judged:
                assert self.spool.frames(unit.sequence) == {}
            elif unit.sequence in self.pruned:
                with pytest.raises(FrameLostError):
                    self.spool.frames(unit.sequence)
            else:
                assert self.spool.frames(unit.sequence) == {"top": self.data[unit.sequence]}

    def teardown(self) -> None:
        self.spool.close()
        shutil.rmtree(self.home)


TestSpoolMachine = SpoolMachine.TestCase
TestSpoolMachine.settings = settings(max_examples=25, stateful_step_count=25, deadline=None)
