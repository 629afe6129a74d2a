"""The line: whatever fails is a HOLD with its reason, and no output moves before its record is durable."""

from __future__ import annotations

import os
import threading
import warnings
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from structlog.testing import CapturingLogger

from evidence import FrameError
from stations import (
    CapturedImage,
    JsonLinesOutput,
    Spool,
    SpoolFullError,
    run_line,
)
from tests.stations.bench import NOW, STATION, FakeCamera, FakeInspector, line, output_of


def test_each_trigger_gives_one_record_and_one_signal(tmp_path: Path) -> None:
    with Spool.open(tmp_path, STATION) as spool:
        used = line(spool)
        records = list(run_line(used, ["S1", "S7", "S2"]))
        assert [(r.sequence, r.serial, r.verdict) for r in records] == [
            (1, "S1", "ACCEPT"), (2, "S7", "REJECT"), (3, "S2", "ACCEPT"),
        ]  # fmt: skip
        assert [tuple(s) for s in output_of(used).signals] == [
            ("ACCEPT", 1, "S1"), ("REJECT", 2, "S7"), ("ACCEPT", 3, "S2"),
        ]  # fmt: skip
        assert [u.inspection for u in spool.units()] == records
        assert spool.frames(2) == {"top": b"top S7 " * 200}
        assert records[0].frames[0].captured_at == "2026-07-01T12:00:00.000000Z"


def test_failures_are_held_with_their_reason_and_keep_what_was_seen(tmp_path: Path) -> None:
    cameras = {
        "top": FakeCamera("top"),
        "side": FakeCamera("side", fails=frozenset({"A"}), garbled=frozenset({"B"})),
    }
    with Spool.open(tmp_path, STATION) as spool:
        used = line(spool, cameras=cameras)
        records = list(run_line(used, ["A", "B", "C"]))
        assert [(r.verdict, r.reasons) for r in records] == [
            ("HOLD", ("camera_failed",)), ("HOLD", ("frame_unreadable",)), ("ACCEPT", ()),
        ]  # fmt: skip
        assert [set(spool.frames(n)) for n in (1, 2, 3)] == [{"top"}, {"top"}, {"top", "side"}]
        assert [s.verdict for s in output_of(used).signals] == ["HOLD", "HOLD", "ACCEPT"]


def test_a_unit_over_the_takt_is_held_and_the_late_verdict_is_discarded(tmp_path: Path) -> None:
    hung = threading.Event()

    def hang(serial: str) -> None:
        if serial == "slow":
            assert hung.wait(20)

    with Spool.open(tmp_path, STATION) as spool:
        used = line(spool, inspector=FakeInspector(hang), takt_s=0.3)
        units = run_line(used, ["slow", "behind", "good"])
        first, behind = next(units), next(units)
        hung.set()
        last = next(units)
        assert [(r.verdict, r.reasons) for r in (first, behind, last)] == [
            ("HOLD", ("timeout",)), ("HOLD", ("timeout",)), ("ACCEPT", ()),
        ]  # fmt: skip
        assert [f.view for f in first.frames] == ["top"], "the frame was seen, so it is kept"
        assert behind.frames == ()
        assert [s.verdict for s in output_of(used).signals] == ["HOLD", "HOLD", "ACCEPT"]
        units.close()  # type: ignore[attr-defined]


def test_a_fault_of_the_program_stops_the_line_and_leaves_a_hold(tmp_path: Path) -> None:
    def break_down(serial: str) -> None:
        raise TypeError(serial)

    with Spool.open(tmp_path, STATION) as spool:
        used = line(spool, inspector=FakeInspector(break_down))
        with pytest.raises(TypeError):
            list(run_line(used, ["S1"]))
        assert output_of(used).signals == []
        assert [u.state for u in spool.units()] == ["open"]
    with Spool.open(tmp_path, STATION) as spool:
        assert spool.recovered == (1,)
        assert spool.unit(1).inspection.reasons == ("interrupted",)


def opencv_assertion(_: str) -> None:
    cv2.resize(np.zeros((2, 2), np.uint8), (0, 0))


def unlucky_numbers(_: str) -> None:
    with np.errstate(all="raise"):
        np.sqrt(np.full(2, -1.0))


def warned_numbers(_: str) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        np.sqrt(np.full(2, -1.0))


@pytest.mark.parametrize(
    ("cause", "fault"),
    [
        ("ZeroDivisionError", lambda _: 1 / 0),
        ("ValueError", lambda _: max([])),
        ("LinAlgError", lambda _: np.linalg.inv(np.zeros((2, 2)))),
        ("IndexError", lambda _: np.zeros(2)[5]),
        ("FloatingPointError", unlucky_numbers),
        ("RuntimeWarning", warned_numbers),
        ("error", opencv_assertion),
    ],
)
def test_a_unit_on_which_the_inspection_fails_is_held_and_the_line_goes_on(
    cause: str, fault: Callable[[str], object], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = CapturingLogger()
    monkeypatch.setattr("stations.line.log", log)

    def before(serial: str) -> None:
        if serial == "S2":
            fault(serial)

    with Spool.open(tmp_path, STATION) as spool:
        used = line(spool, inspector=FakeInspector(before))
        records = list(run_line(used, ["S1", "S2", "S3"]))
        assert [(r.verdict, r.reasons) for r in records] == [
            ("ACCEPT", ()), ("HOLD", ("inspection_failed",)), ("ACCEPT", ()),
        ]  # fmt: skip
        assert spool.frames(2) == {"top": b"top S2 " * 200}
        assert [s.verdict for s in output_of(used).signals] == ["ACCEPT", "HOLD", "ACCEPT"]
    (call,) = log.calls
    assert (call.method_name, call.args) == ("exception", ("inspection_failed",))
    assert (call.kwargs["sequence"], call.kwargs["serial"]) == (2, "S2")
    assert type(call.kwargs["exc_info"]).__name__ == cause


@pytest.mark.parametrize(
    ("scanned", "serial"),
    [
        ("", "unreadable ''"),
        ("  ", "unreadable ''"),
        ("U1\ud800", r"unreadable 'U1\ud800'"),
        ("U1\x00", r"unreadable 'U1\x00'"),
        ("U\n1", r"unreadable 'U\n1'"),
        ("U" * 129, "unreadable '" + "U" * 116),
    ],
)
def test_a_serial_that_cannot_stand_in_a_record_holds_its_unit(
    scanned: str, serial: str, tmp_path: Path
) -> None:
    with Spool.open(tmp_path, STATION) as spool:
        used = line(spool)
        records = list(run_line(used, ["S1", scanned, "S2"]))
        assert [(r.serial, r.verdict, r.reasons) for r in records] == [
            ("S1", "ACCEPT", ()), (serial, "HOLD", ("inspection_failed",)), ("S2", "ACCEPT", ()),
        ]  # fmt: skip
        assert [s.verdict for s in output_of(used).signals] == ["ACCEPT", "HOLD", "ACCEPT"]
        assert [u.serial for u in spool.units()] == ["S1", serial, "S2"]


def test_a_frame_of_a_camera_without_a_clock_has_the_time_of_its_trigger(tmp_path: Path) -> None:
    class Clockless(FakeCamera):
        def capture(self, serial: str) -> CapturedImage:
            return CapturedImage(super().capture(serial).data, None)

    times = iter([NOW, NOW + timedelta(seconds=5)])
    with Spool.open(tmp_path, STATION) as spool:
        used = line(spool, cameras={"top": Clockless()}, now=lambda: next(times))
        records = list(run_line(used, ["S1", "S2"]))
    assert [r.frames[0].captured_at for r in records] == [
        "2026-07-01T12:00:00.000000Z", "2026-07-01T12:00:05.000000Z",
    ]  # fmt: skip


def test_white_space_around_a_scanned_serial_is_dropped(tmp_path: Path) -> None:
    with Spool.open(tmp_path, STATION) as spool:
        records = list(run_line(line(spool), ["U1 ", "\tU2\r\n"]))
        assert [(r.serial, r.verdict) for r in records] == [("U1", "ACCEPT"), ("U2", "ACCEPT")]


def test_the_agreement_can_end_while_the_line_runs(tmp_path: Path) -> None:
    end = NOW + timedelta(hours=1)
    times = iter([NOW, end, end + timedelta(microseconds=1)])
    camera = FakeCamera()
    with Spool.open(tmp_path, STATION) as spool:
        used = line(spool, now=lambda: next(times), expires=end, cameras={"top": camera})
        records = list(run_line(used, ["S1", "S2", "S3"]))
        assert [(r.verdict, r.reasons) for r in records] == [
            ("ACCEPT", ()), ("ACCEPT", ()), ("HOLD", ("golden_expired",)),
        ]  # fmt: skip
        assert camera.captured == ["S1", "S2"]
        assert [s.verdict for s in output_of(used).signals] == ["ACCEPT", "ACCEPT", "HOLD"]


def test_a_frame_that_cannot_be_of_the_golden_sample_is_held(tmp_path: Path) -> None:
    def refuse(serial: str) -> None:
        raise FrameError(f"{serial}: 64 x 64 px cannot show the golden view")

    with Spool.open(tmp_path, STATION) as spool:
        (record,) = run_line(line(spool, inspector=FakeInspector(refuse)), ["S1"])
        assert (record.verdict, record.reasons) == ("HOLD", ("frame_unreadable",))
        assert set(spool.frames(1)) == {"top"}


def test_the_output_moves_only_after_sequence_and_record_are_on_disk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    events: list[str] = []
    real_fsync, real_replace = os.fsync, Path.replace

    def fsync(handle: int) -> None:
        name = Path(f"/proc/self/fd/{handle}").readlink().name
        real_fsync(handle)
        events.append(f"fsync {'frame file' if name.endswith('.tmp') else name}")

    def replace(self: Path, target: Path) -> Path:
        events.append("rename frame")
        return real_replace(self, target)

    class Output:
        def signal(self, verdict: str, sequence: int, serial: str) -> None:
            events.append(f"output {verdict} {sequence} {serial}")

    def before(serial: str) -> None:
        events.append("inspect")

    def traced(statement: str) -> None:
        name = " ".join(statement.split()[:2])
        if name in ("INSERT INTO", "UPDATE unit", "COMMIT") and events[-1:] != [name]:  # a trigger repeats it
            events.append(name)

    with Spool.open(tmp_path, STATION) as spool:
        assert spool._connection.execute("PRAGMA synchronous").fetchone() == (2,)  # FULL
        assert spool._connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)
        assert spool._connection.execute("PRAGMA foreign_keys").fetchone() == (1,)
        monkeypatch.setattr(os, "fsync", fsync)
        monkeypatch.setattr(Path, "replace", replace)
        spool._connection.set_trace_callback(traced)
        list(run_line(line(spool, output=Output(), inspector=FakeInspector(before)), ["S1", "S2"]))
        spool._connection.set_trace_callback(None)
    one_unit = [
        "INSERT INTO", "COMMIT",  # the sequence, with its HOLD record
        "inspect",
        "fsync frame file", "rename frame", "fsync frames",
        "INSERT INTO", "UPDATE unit", "COMMIT",  # the frame's name and the record
    ]  # fmt: skip
    assert events == [*one_unit, "output ACCEPT 1 S1", *one_unit, "output ACCEPT 2 S2"]


@pytest.mark.parametrize("where", ["sequence", "frame", "record"])
def test_a_full_disk_stops_the_line_and_switches_nothing(
    where: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    spool = Spool.open(tmp_path, STATION)
    connection = spool._connection

    def fill_database(*_: Any) -> None:
        (pages,) = connection.execute("PRAGMA page_count").fetchone()
        connection.execute(f"PRAGMA max_page_count = {pages}")

    def no_space(handle: int) -> None:
        raise OSError(28, "No space left on device")

    judge, serial = FakeInspector(), "S1"
    if where == "sequence":
        fill_database()
        serial = "S" * 120
    if where == "frame":
        judge = FakeInspector(lambda _: monkeypatch.setattr(os, "fsync", no_space))
    if where == "record":
        judge = FakeInspector(fill_database)
    cameras = {f"v{n}": FakeCamera(f"v{n}") for n in range(40 if where == "record" else 1)}
    used = line(spool, inspector=judge, cameras=cameras)
    with pytest.raises(SpoolFullError, match="the disk is full"):
        list(run_line(used, (f"{serial}{number}" for number in range(200))))
    monkeypatch.undo()
    switched = [s.sequence for s in output_of(used).signals]
    assert switched == list(range(1, len(switched) + 1))
    assert len(spool.units()) == len(switched) + (where != "sequence")
    spool.close()
    with Spool.open(tmp_path, STATION) as again:
        assert again.recovered == (() if where == "sequence" else (len(switched) + 1,))
        assert [u.sequence for u in again.units()] == list(range(1, len(again.units()) + 1))


def test_json_lines_output_can_be_followed(tmp_path: Path) -> None:
    output = JsonLinesOutput(tmp_path / "out.jsonl")
    output.signal("ACCEPT", 1, "S1")
    output.signal("HOLD", 2, "S2")
    assert (tmp_path / "out.jsonl").read_text().splitlines() == [
        '{"verdict": "ACCEPT", "sequence": 1, "serial": "S1"}',
        '{"verdict": "HOLD", "sequence": 2, "serial": "S2"}',
    ]
