"""A whole inspection of a 5-megapixel colour frame on one core, beside what people write instead.

Run `python -m benchmarks.pipeline [--json] [--frames N] [--rounds N] [--units N]`. All scripts see the same
frames of a part drawn in closed form (2448 x 2048 px, eight dimensions, six colours, all of the surface) in
one process pinned to one core, OpenCV on one thread. Times are medians, of the processor; errors at the
corners are rms against the truth, of the frames on which they are below 10 px. Then: the same inspection in
one process and in two, its peak memory, and the time from trigger to durable verdict of a station's line over
many units.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from rich.console import Console

from benchmarks.pipeline import line, own, peers, scene
from benchmarks.pipeline.opencv import opencv
from benchmarks.pipeline.opencv_accurate import opencv_accurate
from evidence import Inspection

OWN = "hallmark"
FAST = {"OpenCV alone, fastest": opencv, "OpenCV alone, most accurate": opencv_accurate}
_ERRORS = ("corner_rms_px", "length_rms_px")
_LOST_PX = 10.0  # rms at the corners: a frame is not found
SLOW = {"SIFT + colour-science + Canny": peers.sift, "ORB + scikit-image": peers.orb}


def compare(folder: Path, rounds: int) -> tuple[list[dict[str, Any]], dict[str, float]]:
    """Return a row of times and errors for each script, and the median of each stage of this project's."""
    part, golden_file, shots = scene.read(folder)
    golden = cv2.imdecode(np.frombuffer(golden_file, np.uint8), cv2.IMREAD_COLOR_RGB)
    frames, pixels = [own.frame_of(s) for s in shots], [s.pixels for s in shots]
    inspector, place = own.inspector(part, golden_file, time.process_time), own.placer(part, golden_file)
    corners = [place(frame) for frame in frames]

    def inspect(n: int) -> Inspection:
        return inspector.inspect({scene.VIEW: frames[n]}, serial="bench")

    times, records = _timed(inspect, len(shots), rounds)
    answers = [own.answer(r, c) for r, c in zip(records[: len(shots)], corners, strict=True)]
    rows = [_row(OWN, times, answers, shots)]
    stages = {s: statistics.median(r.timing_ms[s] for r in records) for s in records[0].timing_ms}
    scripts = [*((n, m, rounds) for n, m in FAST.items()), *((n, m, 1) for n, m in SLOW.items())]
    for name, make, often in scripts:
        script = make(golden, part)
        times, found = _timed(lambda n, script=script: script(pixels[n]), len(shots), often)
        rows.append(_row(name, times, found[: len(shots)], shots))
    for row in rows:
        row["ratio"] = round(row["ms"] / rows[0]["ms"], 2)
    return rows, stages


def _timed(run: Callable[[int], Any], frames: int, rounds: int) -> tuple[list[float], list[Any]]:
    """Return milliseconds and results of `rounds` over all frames, after one call that is not counted."""
    run(0)
    times: list[float] = []
    results: list[Any] = []
    for n in range(rounds * frames):
        begun = time.process_time()
        results.append(run(n % frames))
        times.append((time.process_time() - begun) * 1e3)
    return times, results


def _row(
    name: str, times: Sequence[float], answers: Sequence[peers.Answer | None], shots: Sequence[scene.Shot]
) -> dict[str, Any]:
    """Return a script's row: times, errors at the corners and of the lengths, and what it calls deviating."""
    off: list[float] = []
    lengths: list[float] = []
    right = 0
    for answer, shot in zip(answers, shots, strict=True):
        if answer is None or answer.corners is None:
            continue
        square = float(((answer.corners - shot.corners) ** 2).sum(axis=1).mean())
        if square > _LOST_PX**2:
            continue
        off.append(square)
        lengths += [abs(a - b) for a, b in zip(answer.lengths_px, shot.lengths_px, strict=True)]
        right += (answer.regions > 0) == shot.scratched
    return {
        "script": name, "ms": round(statistics.median(times), 2), "least_ms": round(min(times), 2),
        "found": len(off), "frames": len(shots),
        "corner_rms_px": round(float(np.sqrt(np.mean(off))), 4) if off else None,
        "length_rms_px": round(float(np.sqrt(np.nanmean(np.square(lengths)))), 4) if lengths else None,
        "surfaces_right": right,
    }  # fmt: skip


def processes(folder: Path, seconds: float) -> dict[str, float]:
    """Return how much more two processes on two cores do than one, and the peak memory of one."""
    one = _workers(folder, seconds, 1)
    two = _workers(folder, seconds, 2)
    rate = one[0]["frames"] / one[0]["seconds"]
    return {
        "frames_per_s": round(rate, 2),
        "two_processes": round(sum(w["frames"] / w["seconds"] for w in two) / rate, 3),
        "peak_mb": round(max(w["peak_mb"] for w in one), 1),
    }


def _workers(folder: Path, seconds: float, count: int) -> list[dict[str, float]]:
    command = [sys.executable, "-m", "benchmarks.pipeline.own", str(folder), str(seconds)]
    cores = sorted(_CORES)
    running = [
        subprocess.Popen(["taskset", "-c", str(cores[n % len(cores)]), *command], stdout=subprocess.PIPE)
        for n in range(count)
    ]
    return [json.loads(process.communicate()[0]) for process in running]


def durable(folder: Path, spool: Path, units: int, told: Callable[[int], object]) -> dict[str, Any]:
    """Return quantiles of the milliseconds from trigger to durable verdict, and of its parts."""
    found = line.latencies(folder, spool, units, told)

    def quantiles(part: str) -> dict[str, float]:
        spent = [unit[part] for unit in found]
        shares = {"median_ms": 0.5, "p99_ms": 0.99, "p999_ms": 0.999, "worst_ms": 1.0}
        return {name: round(float(np.quantile(spent, share)), 1) for name, share in shares.items()}

    return {"units": units, **quantiles("whole"), "parts": {part: quantiles(part) for part in line.PARTS}}


_TELL = 100  # units
_CORES = os.sched_getaffinity(0)


def main(arguments: Sequence[str] | None = None) -> None:
    """Run and print."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.pipeline", description=__doc__)
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.add_argument("--frames", type=int, default=6, help="different frames, every third scratched")
    parser.add_argument("--rounds", type=int, default=8, help="how often the fast scripts see each frame")
    parser.add_argument("--seconds", type=float, default=10.0, help="of each run of one and two processes")
    parser.add_argument("--units", type=int, default=2000, help="through the line; 0 leaves the line out")
    parser.add_argument("--spool", type=Path, help="folder of the spool, on the disk to be timed")
    parser.add_argument("--size", type=int, nargs=2, default=scene.SENSOR_PX, metavar=("W", "H"))
    options = parser.parse_args(arguments)
    cv2.setNumThreads(1)
    console = Console(stderr=True)
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        with console.status("drawing the scene"):
            scene.write(folder, options.frames, tuple(options.size))
        os.sched_setaffinity(0, {max(_CORES)})
        try:
            with console.status("inspecting beside the scripts"):
                rows, stages = compare(folder, options.rounds)
            found: dict[str, Any] = {"rows": rows, "stages": stages}
            if options.units:
                found["line"] = durable(
                    folder, options.spool or folder / "spool", options.units,
                    lambda n: n % _TELL or console.print(f"{n} of {options.units} units through the line"),
                )  # fmt: skip
        finally:
            os.sched_setaffinity(0, _CORES)
        if options.seconds > 0:
            with console.status("one process, then two"):
                found["processes"] = processes(folder, options.seconds)
    print(json.dumps(found) if options.json else _text(found, options.size))


def _text(found: dict[str, Any], size: Sequence[int]) -> str:
    lines = [
        f"{size[0]} x {size[1]} px colour, 8 dimensions, 6 colours, whole surface, one core, medians",
        "",
    ]
    lines.append(
        f"{'':<36}{'ms':>9}{'times ours':>12}{'corners px':>12}{'lengths px':>12}{'found':>7}{'surface':>9}"
    )
    for r in found["rows"]:
        n, (corner, length) = r["frames"], (r[k] or np.nan for k in _ERRORS)
        lines.append(
            f"{r['script']:<36}{r['ms']:>9.1f}{r['ratio']:>12.2f}{corner:>12.4f}{length:>12.4f}"
            f"{r['found']:>5}/{n}{r['surfaces_right']:>7}/{n}"
        )
    lines += ["", "of ours: " + ", ".join(f"{name} {ms:.1f}" for name, ms in found["stages"].items()) + " ms"]
    with contextlib.suppress(KeyError):
        p = found["processes"]
        lines.append(
            f"two processes do {p['two_processes']:.2f} times as much as one ({p['frames_per_s']:.1f} frames "
            f"per second); peak memory of one {p['peak_mb']:.0f} MB"
        )
    with contextlib.suppress(KeyError):
        q = found["line"]
        lines.append(
            f"trigger to durable verdict over {q['units']} units: median {q['median_ms']:.0f} ms, p99 "
            f"{q['p99_ms']:.0f}, p99.9 {q['p999_ms']:.0f}, worst {q['worst_ms']:.0f}; median and p99 of its "
            "parts: "
            + ", ".join(f"{p} {t['median_ms']:.0f} and {t['p99_ms']:.0f}" for p, t in q["parts"].items())
        )
    return "\n".join(lines)


if __name__ == "__main__":
    main()
