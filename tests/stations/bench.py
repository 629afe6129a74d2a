"""A bench for the line: a fake judge and camera, so that stations are tested without vision."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from typing import Any

import numpy as np

from evidence import Frame, FrameError, Inspection, complete
from stations import CameraFailedError, CapturedImage, Line, RecordingOutput, Spool

NOW = datetime(2026, 7, 1, 12, tzinfo=UTC)
STATION = "cell-3"


def record(
    *,
    serial: str,
    lot: str | None,
    station: str,
    sequence: int,
    verdict: str,
    reasons: Sequence[str],
    frames: Sequence[Frame] = (),
) -> Inspection:
    """Return an inspection record of the given verdict."""
    fields: dict[str, Any] = {
        "part": "T1", "revision": "A", "serial": serial, "lot": lot, "station": station,
        "sequence": sequence, "golden": {"digest": "sha256:" + "a" * 64, "version": 1}, "model": None,
        "frames": [
            {"view": f.view, "camera": f.camera, "digest": f.digest, "captured_at": f.captured_at,
             "calibration": None, "pose": None}
            for f in frames
        ],
        "characteristics": [], "defects": [], "verdict": verdict, "reasons": list(reasons), "versions": {},
    }  # fmt: skip
    return complete(fields)


def held(
    *,
    serial: str,
    lot: str | None,
    station: str,
    sequence: int,
    reason: str,
    frames: Sequence[Frame] = (),
) -> Inspection:
    """Stand in for `vision.held`."""
    return record(
        serial=serial, lot=lot, station=station, sequence=sequence, verdict="HOLD", reasons=[reason],
        frames=frames,
    )  # fmt: skip


def read_frame(data: bytes, *, view: str, camera: str, captured_at: str | None, source: str) -> Frame:
    """Stand in for `vision.read_frame`: bytes that start with `bad` do not decode."""
    if data.startswith(b"bad"):
        raise FrameError(f"{source}: does not decode")
    return Frame(np.zeros((2, 2), np.uint8), data, view, camera, captured_at)


@dataclass
class FakeInspector:
    """Rejects serials that end in 7; `before` runs inside each inspection."""

    before: Callable[[str], object] = lambda _: None

    def inspect(
        self, frames: Mapping[str, Frame], *, serial: str, lot: str | None, station: str, sequence: int
    ) -> Inspection:
        self.before(serial)
        bad = serial.endswith("7")
        return record(
            serial=serial, lot=lot, station=station, sequence=sequence,
            verdict="REJECT" if bad else "ACCEPT",
            reasons=["characteristic_nonconform"] if bad else [], frames=tuple(frames.values()),
        )  # fmt: skip


@dataclass
class FakeCamera:
    """Delivers bytes that name view and serial; serials in `fails` bring none, in `garbled` bad ones."""

    view: str = "top"
    identity: str = "cam-1"
    fails: frozenset[str] = frozenset()
    garbled: frozenset[str] = frozenset()
    captured: list[str] = field(default_factory=list)

    def capture(self, serial: str) -> CapturedImage:
        self.captured.append(serial)
        if serial in self.fails:
            raise CameraFailedError("no frame")
        prefix = b"bad " if serial in self.garbled else b""
        return CapturedImage(prefix + f"{self.view} {serial} ".encode() * 200, NOW)


def line(spool: Spool, **changes: Any) -> Line:
    """Return a line over fakes; `changes` replace its fields."""
    fields: dict[str, Any] = {
        "cameras": {"top": FakeCamera()}, "inspector": FakeInspector(), "read_frame": read_frame,
        "hold": held, "spool": spool, "output": RecordingOutput(), "now": lambda: NOW, "lot": "L1",
    }  # fmt: skip
    return Line(**{**fields, **changes})


def output_of(used: Line) -> RecordingOutput:
    assert isinstance(used.output, RecordingOutput)
    return used.output


def reserve(spool: Spool, serial: str = "S1", lot: str | None = "L1") -> int:
    """Reserve the next sequence."""
    hold = partial(held, serial=serial, lot=lot, station=spool.station)
    return spool.reserve(
        serial=serial, lot=lot, at=NOW, held=lambda n: hold(sequence=n, reason="interrupted")
    )


def accept(spool: Spool, sequence: int, data: Mapping[str, bytes], serial: str = "S1") -> Inspection:
    """Complete a reserved unit as ACCEPT with these frames."""
    frames = [read_frame(d, view=v, camera="cam-1", captured_at=None, source="t") for v, d in data.items()]
    inspection = record(
        serial=serial, lot="L1", station=spool.station, sequence=sequence, verdict="ACCEPT", reasons=[],
        frames=frames,
    )  # fmt: skip
    spool.complete(inspection, data)
    return inspection
