"""The line loop: trigger, sequence, capture, judge, durable record, output; in that order, always.

Whatever fails on the way makes the unit a HOLD with its reason. Nothing defaults to accept.
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, wait
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from typing import Protocol

import cv2
import structlog

from evidence import Frame, FrameError, Inspection
from stations.camera import Camera, timestamp
from stations.errors import CameraFailedError
from stations.outputs import Output
from stations.spool import Spool

log = structlog.get_logger("hallmark.station")

# What computing on one unit's pixels can raise: a division or overflow, a form that its points do not
# determine (ValueError, LinAlgError, IndexError), an assertion of OpenCV, a warning of numpy where warnings
# are errors. The next unit has other pixels, so the line goes on. Anything else is a fault of the program
# and stops it.
_UNIT_FAULTS = (ArithmeticError, ValueError, IndexError, RuntimeWarning, cv2.error)


class Judge(Protocol):
    """What the line asks of `vision.Inspector`."""

    def inspect(
        self, frames: Mapping[str, Frame], *, serial: str, lot: str | None, station: str, sequence: int
    ) -> Inspection:
        """Judge one unit, purely; raise FrameError for a frame that cannot be of the golden sample.

        Of what else it raises, arithmetic, value, index and OpenCV errors hold the unit.
        """
        ...


class ReadFrame(Protocol):
    """What the line asks of `vision.read_frame`."""

    def __call__(self, data: bytes, *, view: str, camera: str, captured_at: str | None, source: str) -> Frame:
        """Decode one picture; raise FrameError where it is none."""
        ...


class Hold(Protocol):
    """What the line asks of `vision.held` with its golden sample: a HOLD record with a station's reason."""

    def __call__(
        self,
        *,
        serial: str,
        lot: str | None,
        station: str,
        sequence: int,
        reason: str,
        frames: Sequence[Frame] = (),
    ) -> Inspection:
        """Make the record."""
        ...


@dataclass(frozen=True)
class Line:
    """A station's line, ready to run.

    Attributes:
        cameras: one per view, by view id.
        inspector: judges a unit.
        read_frame: decodes a picture.
        hold: makes HOLD records.
        spool: the durable memory; names the station.
        output: what is switched.
        now: the clock.
        lot: the lot being produced, or None.
        takt_s: seconds from trigger to verdict; a unit that takes longer is HOLD `timeout`. None: no limit.
        expires: when the golden sample expires, or None; after that every unit is HOLD `golden_expired`.
    """

    cameras: Mapping[str, Camera]
    inspector: Judge
    read_frame: ReadFrame
    hold: Hold
    spool: Spool
    output: Output
    now: Callable[[], datetime]
    lot: str | None = None
    takt_s: float | None = None
    expires: datetime | None = None


@dataclass
class _Unit:
    """A unit under way since its trigger; `frames` grows while the cameras deliver."""

    serial: str
    sequence: int
    triggered: datetime
    frames: list[Frame] = field(default_factory=list[Frame])


def run_line(line: Line, triggers: Iterable[str]) -> Iterator[Inspection]:
    """Inspect one unit per trigger (its serial); yield each record once it is durable and signalled.

    A generator: the line runs as fast as the caller takes records, and stops between units. White space
    around a serial is dropped. One that cannot stand in a record even so (see `recordable`) holds its unit
    `inspection_failed`, without a picture, under the serial `unreadable '...'`, which quotes what came.

    Raises:
        SpoolError: the spool cannot be written; the unit's output is not switched, which means hold.
    """
    worker = _Worker()
    try:
        for scanned in triggers:
            serial, legible = _serial(scanned)
            at = line.now()
            hold = partial(line.hold, serial=serial, lot=line.lot, station=line.spool.station)
            sequence = line.spool.reserve(
                serial=serial,
                lot=line.lot,
                at=at,
                held=lambda number, hold=hold: hold(sequence=number, reason="interrupted"),
            )
            unit = _Unit(serial, sequence, at)
            if not legible:
                log.error("serial_unreadable", station=line.spool.station, sequence=sequence, serial=serial)
                inspection = hold(sequence=sequence, reason="inspection_failed")
            elif line.expires is not None and at > line.expires:
                inspection = hold(sequence=sequence, reason="golden_expired")
            else:
                try:
                    inspection = worker.run(partial(_judge, line, unit), line.takt_s)
                except _LateError:
                    inspection = hold(sequence=sequence, reason="timeout", frames=tuple(unit.frames))
            named = {frame.view for frame in inspection.frames}
            line.spool.complete(inspection, {f.view: f.data for f in tuple(unit.frames) if f.view in named})
            line.output.signal(inspection.verdict, sequence, serial)
            yield inspection
    finally:
        worker.stop()


_LONGEST_NAME = 128


def recordable(name: str) -> bool:
    """Return whether a record keeps this name as it is: 1 to 128 printable characters, no space around."""
    return 1 <= len(name) <= _LONGEST_NAME and name.isprintable() and name == name.strip()


def _serial(scanned: str) -> tuple[str, bool]:
    """Return the serial to record, and whether it is the one that was scanned."""
    serial = scanned.strip()
    if recordable(serial):
        return serial, True
    return f"unreadable {serial!a}"[:_LONGEST_NAME].strip(), False


def _judge(line: Line, unit: _Unit) -> Inspection:
    """Capture every view, then inspect; the first camera that fails decides the reason.

    Every frame has a time, since certificates expire: that of the trigger where the camera states none.
    """
    failures: list[str] = []
    for view, camera in line.cameras.items():
        try:
            image = camera.capture(unit.serial)
            captured_at = timestamp(image.captured_at or unit.triggered)
            frame = line.read_frame(
                image.data, view=view, camera=camera.identity, captured_at=captured_at, source=unit.serial
            )
        except CameraFailedError:
            failures.append("camera_failed")
        except FrameError:
            failures.append("frame_unreadable")
        else:
            unit.frames.append(frame)
    if not failures:
        try:
            return line.inspector.inspect(
                {frame.view: frame for frame in unit.frames},
                serial=unit.serial, lot=line.lot, station=line.spool.station, sequence=unit.sequence,
            )  # fmt: skip
        except FrameError:
            failures.append("frame_unreadable")
        except _UNIT_FAULTS as error:
            log.exception(
                "inspection_failed", station=line.spool.station, sequence=unit.sequence, serial=unit.serial,
                exc_info=error,
            )  # fmt: skip
            failures.append("inspection_failed")
    return line.hold(
        serial=unit.serial, lot=line.lot, station=line.spool.station, sequence=unit.sequence,
        reason=failures[0], frames=tuple(unit.frames),
    )  # fmt: skip


_LAST_WORK_S = 10.0  # a camera that hangs longer is abandoned


class _LateError(Exception):
    """The worker did not answer in time."""


class _Worker:
    """One daemon thread, so that a camera or inspection that hangs cannot hold up the line's verdict.

    What is late is discarded; the next unit's work waits behind it, and its own takt runs meanwhile.
    """

    def __init__(self) -> None:
        self._work: queue.SimpleQueue[tuple[Callable[[], Inspection], Future[Inspection]] | None] = (
            queue.SimpleQueue()
        )
        self._thread = threading.Thread(target=self._serve, name="station-worker", daemon=True)
        self._thread.start()

    def run(self, task: Callable[[], Inspection], timeout_s: float | None) -> Inspection:
        """Return the task's result, or raise its error, or _LateError after `timeout_s` seconds."""
        future: Future[Inspection] = Future()
        self._work.put((task, future))
        if not wait([future], timeout_s).done:
            future.cancel()
            raise _LateError
        return future.result()

    def stop(self) -> None:
        """Let the thread end once it is idle; wait a while, since work must not outlive the interpreter."""
        self._work.put(None)
        self._thread.join(_LAST_WORK_S)

    def _serve(self) -> None:
        while (item := self._work.get()) is not None:
            task, future = item
            if not future.set_running_or_notify_cancel():
                continue
            try:
                result = task()
            except BaseException as error:  # noqa: BLE001 (whatever it is, it belongs to the caller)
                future.set_exception(error)
            else:
                future.set_result(result)
