"""This project's inspection of the scene, through the real inspector."""

from __future__ import annotations

import json
import re
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2

from benchmarks.pipeline import scene
from benchmarks.pipeline.peers import Answer, Script
from evidence import Frame, Inspection
from vision import Inspector
from vision.compiled_view import CompiledView, registered
from vision.register import Registered

CAPTURED_AT = "2026-01-02T00:00:00Z"


def inspector(part: scene.Layout, golden: bytes, stopwatch: Callable[[], float] | None = None) -> Inspector:
    """Return the inspector of the scene's golden sample."""
    return Inspector(scene.sample(part, golden), {scene.VIEW: scene.certificate()}, stopwatch=stopwatch)


def frame_of(shot: scene.Shot) -> Frame:
    """Return a decoded frame."""
    return Frame(shot.pixels, shot.data, scene.VIEW, scene.CAMERA, CAPTURED_AT)


def answer(record: Inspection, corners: Any) -> Answer:
    """Return what a record says, as the scripts say it."""
    values = [float("nan") if c.value is None else c.value for c in record.characteristics]
    lengths = [v / scene.MM_PER_PX for v in values[:8]]
    return Answer(corners, lengths, values[8:14], len(record.defects))


def placer(part: scene.Layout, golden: bytes) -> Script:
    """Return what says where the golden corners are, by the map that inspections use."""
    sample = scene.sample(part, golden)
    compiled = CompiledView(sample, sample.spec.views[0], scene.certificate(), None, None, None)

    def place(frame: Frame) -> Any:
        found = registered(sample, compiled, frame, frame.pixels)
        return found.mapping.points(part.corners) if isinstance(found, Registered) else None

    return place


def work(folder: Path, seconds: float) -> dict[str, float]:
    """Inspect a folder's frames over and over for so long; return frames, seconds and peak memory in MB."""
    cv2.setNumThreads(1)
    part, golden, shots = scene.read(folder)
    own, frames = inspector(part, golden), [frame_of(shot) for shot in shots[:3]]
    for frame in frames:
        own.inspect({scene.VIEW: frame}, serial="warm")
    done, begun = 0, time.perf_counter()
    while time.perf_counter() - begun < seconds:
        own.inspect({scene.VIEW: frames[done % len(frames)]}, serial=str(done))
        done += 1
    spent = time.perf_counter() - begun
    return {"frames": done, "seconds": spent, "peak_mb": _peak_mb()}


def _peak_mb() -> float:
    """Return this program's own peak memory; `ru_maxrss` counts that of the process it came from, too."""
    found = re.search(r"^VmHWM:\s+(\d+) kB$", Path("/proc/self/status").read_text("ascii"), re.MULTILINE)
    assert found is not None
    return int(found[1]) / 1024


if __name__ == "__main__":
    print(json.dumps(work(Path(sys.argv[1]), float(sys.argv[2]))))
