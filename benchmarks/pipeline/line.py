"""From trigger to durable verdict: the scene through a station's line, with its spool on a disk that syncs.

The camera is emulated: it delivers PNG files that it holds already, each made another file by its unit's
serial in a text chunk. What is timed is all that the station does between a trigger and the verdict that
no power cut takes back: reserve a sequence, take the file, decode, inspect, store frame and record, signal.
Parts of it are told: `decode` with the picture's first digest, `inspect`, `write` (the spool's own digest,
its files and its database, which syncs by itself) and `sync` (waiting for the picture's file and folder).
"""

from __future__ import annotations

import itertools
import os
import struct
import time
import zlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any
from unittest.mock import patch

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


PARTS = ("decode", "inspect", "write", "sync")


@dataclass
class _Watch:
    """Adds up the milliseconds of parts of a unit's time."""

    spent: dict[str, float] = field(default_factory=lambda: dict.fromkeys(PARTS, 0.0))

    def timed(self, part: str, function: Callable[..., Any]) -> Callable[..., Any]:
        """Return a function that counts as a part."""

        def run(*given: Any, **named: Any) -> Any:
            begun = time.perf_counter()
            try:
                return function(*given, **named)
            finally:
                self.spent[part] += (time.perf_counter() - begun) * 1e3

        return run


def latencies(
    folder: Path, spool_folder: Path, units: int, told: Callable[[int], object] = lambda _: None
) -> list[dict[str, float]]:
    """Return, for each unit, the milliseconds from trigger to durable verdict, `whole`, and its PARTS.

    `told` is called with how many units are done.
    """
    part, golden, shots = scene.read(folder)
    own = inspector(part, golden, time.perf_counter)
    camera = EmulatedCamera([shot.data for shot in shots])
    ticks = (scene.NOW + timedelta(days=1, microseconds=n) for n in itertools.count())
    watch = _Watch()
    triggered = 0.0

    def triggers() -> Iterator[str]:
        nonlocal triggered
        for number in range(units + _WARM):
            camera.expose(number, f"unit-{number}")
            watch.spent.update(dict.fromkeys(PARTS, 0.0))
            triggered = time.perf_counter()
            yield f"unit-{number}"

    def now() -> datetime:
        return next(ticks)

    found: list[dict[str, float]] = []
    with (
        Spool.open(spool_folder, "bench") as spool,
        patch.object(spool, "complete", watch.timed("write", spool.complete)),
        patch.object(os, "fsync", watch.timed("sync", os.fsync)),
    ):
        line = Line(
            {scene.VIEW: camera}, own, watch.timed("decode", read_frame),
            partial(held, scene.sample(part, golden)), spool, RecordingOutput(), now,
        )  # fmt: skip
        for record in run_line(line, triggers()):
            whole = (time.perf_counter() - triggered) * 1e3
            spent = watch.spent | {"whole": whole, "inspect": sum(record.timing_ms.values())}
            spent["write"] -= spent["sync"]
            found.append(spent)
            spool.acknowledge(record.sequence or 0)
            spool.prune(_KEPT)
            if len(found) > _WARM:
                told(len(found) - _WARM)
    return found[_WARM:]
