"""From trigger to durable verdict: the scene through a station's line, with its spool on a disk that syncs.

The camera is emulated: it delivers PNG files that it holds already, each made another file by its unit's
serial in a text chunk. What is timed is all that the station does between a trigger and the verdict that
no power cut takes back: reserve a sequence, take the file, decode, inspect, store frame and record, signal.
"""

from __future__ import annotations

import itertools
import struct
import time
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path

from benchmarks.pipeline import scene
from benchmarks.pipeline.own import inspector
from stations.camera import CapturedImage
from stations.line import Line, run_line
from stations.outputs import RecordingOutput
from stations.spool import Spool
from vision import held, read_frame

_KEPT = 4  # units whose frames stay, as after forwarding
_END = 12  # bytes of a PNG's last chunk
_WARM = 3  # units that are not counted


@dataclass
class EmulatedCamera:
    """Delivers its pictures in turn."""

    pictures: Sequence[bytes]
    identity: str = scene.CAMERA
    view: str = scene.VIEW
    _next: dict[str, bytes] = field(default_factory=dict[str, bytes])

    def expose(self, number: int, serial: str) -> None:
        """Put a unit under the camera."""
        body = b"tEXtserial\0" + serial.encode()
        chunk = struct.pack(">I", len(body) - 4) + body + struct.pack(">I", zlib.crc32(body))
        data = self.pictures[number % len(self.pictures)]
        self._next = {serial: data[:-_END] + chunk + data[-_END:]}

    def capture(self, serial: str) -> CapturedImage:
        """Return the picture of the unit under the camera."""
        return CapturedImage(self._next[serial])


def latencies(folder: Path, spool_folder: Path, units: int) -> tuple[list[float], list[float]]:
    """Return milliseconds from trigger to durable verdict of each unit, and those of its inspection alone."""
    part, golden, shots = scene.read(folder)
    own = inspector(part, golden, time.perf_counter)
    camera = EmulatedCamera([shot.data for shot in shots])
    ticks = (scene.NOW + timedelta(days=1, microseconds=n) for n in itertools.count())
    triggered = 0.0

    def triggers() -> Iterator[str]:
        nonlocal triggered
        for number in range(units + _WARM):
            camera.expose(number, f"unit-{number}")
            triggered = time.perf_counter()
            yield f"unit-{number}"

    def now() -> datetime:
        return next(ticks)

    whole: list[float] = []
    inspected: list[float] = []
    with Spool.open(spool_folder, "bench") as spool:
        line = Line(
            {scene.VIEW: camera}, own, read_frame, partial(held, scene.sample(part, golden)), spool,
            RecordingOutput(), now,
        )  # fmt: skip
        for record in run_line(line, triggers()):
            whole.append((time.perf_counter() - triggered) * 1e3)
            inspected.append(sum(record.timing_ms.values()))
            spool.acknowledge(record.sequence or 0)
            spool.prune(_KEPT)
    return whole[_WARM:], inspected[_WARM:]
