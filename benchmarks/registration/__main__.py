"""Registration of 5-megapixel frames: this project beside ECC, SIFT and ORB; trials for silent failures.

Run `python -m benchmarks.registration [--frames N] [--trials N] [--json]`. One process, one thread. Frames
are 2048 x 2448 grey linear light of the real board S4 within +-60 px, +-2 degrees, light varying by 30 %,
15 % of the part covered, noise, blur 0.7 to 1.2 px; the error is rms over the part's four corners, times are
of the processor. Trials are
at half the scale within +-8 degrees, +-10 % of the field, +-3 % of scale, 10 to 25 % covered. A failure is
silent where a map is given that is wrong at a corner by more than 0.1 px and five of the standard
uncertainties it states, or where there is any map of a part that has no piece of the golden one; a part made
of shifted pieces has several places where a corner is right.
"""

from __future__ import annotations

import argparse
import json
import statistics
import time
from collections import Counter
from collections.abc import Callable
from typing import Any

import cv2
import numpy as np

from benchmarks.registration import scenes
from datasets.twin import Twin
from kernels.light import decoding_table
from vision.pyramid import Pyramid
from vision.register import NotRegistered, Registered, Registrar

Method = Callable[[Any], Any]
"""A frame (h, w) uint8 gives the four corners of the golden image in it, or None."""

OWN = "hallmark"
_GOOD = ("as golden", "as golden", "covered", "covered")
_TURNED = ("turned by 180 degrees", "turned by 90 degrees")
KINDS = (*_GOOD, *scenes.OTHERS, *_TURNED)


def hallmark(golden: Any) -> Method:
    """Return this project's registration, building of the averages included."""
    registrar, corners = Registrar(_seen(golden), np.ones(golden.shape, np.bool_)), scenes.corners(golden)

    def run(frame: Any) -> Any:
        found = registrar.find(_seen(frame))
        return found.mapping.points(corners) if isinstance(found, Registered) else None

    return run


def _seen(light: Any) -> Pyramid:
    """Return grey linear light as registration sees it: in three channels."""
    return Pyramid.of(cv2.cvtColor(light, cv2.COLOR_GRAY2RGB), decoding_table("linear"))


def ecc(golden: Any) -> Method:
    """Return OpenCV's pyramidal ECC from the nominal place, homography."""
    corners = scenes.corners(golden)
    parameters = cv2.ECCParameters()
    parameters.motionType = cv2.MOTION_HOMOGRAPHY
    h, w = golden.shape

    def run(frame: Any) -> Any:
        start = np.eye(3, dtype=np.float32)
        start[:2, 2] = (frame.shape[1] - w) / 2, (frame.shape[0] - h) / 2
        try:
            _, found = cv2.findTransformECCMultiScale(golden, frame, start, parameters)
        except cv2.error:  # it does not converge
            return None
        return project(found, corners)

    return run


def features(golden: Any, detector: Any, norm: int) -> Method:
    """Return features, ratio test and a RANSAC homography."""
    corners = scenes.corners(golden)
    keys, descriptors = detector.detectAndCompute(golden, None)
    matcher = cv2.BFMatcher(norm)

    def run(frame: Any) -> Any:
        found, others = detector.detectAndCompute(frame, None)
        pairs = matcher.knnMatch(descriptors, others, k=2)
        good = [p[0] for p in pairs if len(p) == 2 and p[0].distance < 0.75 * p[1].distance]
        if len(good) < 8:
            return None
        here = np.float32([keys[m.queryIdx].pt for m in good])
        there = np.float32([found[m.trainIdx].pt for m in good])
        homography, _ = cv2.findHomography(here, there, cv2.RANSAC, 2.0)
        return None if homography is None else project(homography, corners)

    return run


def project(homography: Any, points: Any) -> Any:
    """Map (n, 2) points."""
    mapped = np.column_stack((points, np.ones(len(points)))) @ np.asarray(homography, np.float64).T
    return mapped[:, :2] / mapped[:, 2:]


def compare(frames: int) -> list[dict[str, Any]]:
    """Return rows of error and time of each method over the same frames."""
    light = scenes.scan()
    golden, twin = scenes.grey(light), Twin(light, 1.0, scenes.CAPTURE, sensor_px=scenes.SENSOR)
    methods = {
        OWN: hallmark(golden),
        "OpenCV findTransformECCMultiScale": ecc(golden),
        "OpenCV SIFT, RANSAC": features(golden, cv2.SIFT_create(2000), cv2.NORM_L2),
        "OpenCV ORB, RANSAC": features(golden, cv2.ORB_create(4000), cv2.NORM_HAMMING),
    }
    shots = [
        scenes.capture(twin, seed, light, 0.15, np.random.default_rng([seed, 1])) for seed in range(frames)
    ]
    corners = scenes.corners(golden)
    rows: list[dict[str, Any]] = []
    for name, method in methods.items():
        own = name == OWN
        errors: list[float] = []
        times: list[float] = []
        for frame, truth in shots if own else shots[: max(frames // 4, 3)]:
            for _ in range(5 if own else 1):
                begun = time.process_time()
                mapped = method(frame)
                times.append((time.process_time() - begun) * 1e3)
            if mapped is not None:
                errors.append(float(np.sqrt(((mapped - truth.to_frame(corners)) ** 2).sum(axis=1).mean())))
        rows.append({
            "method": name, "frames": len(times) // (5 if own else 1), "found": len(errors),
            "rms_px": round(float(np.sqrt(np.mean(np.square(errors)))), 4) if errors else None,
            "median_px": round(statistics.median(errors), 4) if errors else None,
            "worst_px": round(max(errors), 4) if errors else None,
            "ms": round(statistics.median(times), 2), "least_ms": round(min(times), 2),
        })  # fmt: skip
    return rows


def trials(count: int) -> dict[str, Any]:
    """Return, for each kind of unit, the outcomes of its trials, and how true the stated uncertainty is."""
    light = scenes.half_scan()
    golden = scenes.grey(light)
    registrar, corners = Registrar(_seen(golden), np.ones(golden.shape, np.bool_)), scenes.corners(golden)
    line = Twin(light, 1.0, scenes.TRIAL)
    table: dict[str, Counter[str]] = {kind: Counter() for kind in KINDS}
    silent: list[tuple[int, str, float, float]] = []
    ratios: list[float] = []
    errors: list[float] = []
    for i in range(count):
        kind, rng = KINDS[i % len(KINDS)], np.random.default_rng([i, 2])
        twin, shifts = line, [0]
        if kind in scenes.OTHERS:
            other, shifts = scenes.OTHERS[kind](light, rng)
            twin = Twin(other, 1.0, scenes.TRIAL)
        covered = float(rng.uniform(0.10, 0.25)) if kind == "covered" else 0.0
        frame, truth = scenes.capture(twin, i, light, covered, rng)
        if kind in _TURNED:
            shifts = []
            frame = np.ascontiguousarray(np.rot90(frame, 2 if kind == _TURNED[0] else 1))
        found = registrar.find(_seen(frame))
        if isinstance(found, NotRegistered):
            table[kind][found.reason] += 1
            continue
        off = [found.mapping.points(corners) - truth.to_frame(corners + np.array([s, 0])) for s in shifts]
        each = [np.hypot(*d.T) for d in off]  # a corner is right if it is where some piece of the part is
        worst = float(np.min(each, axis=0).max()) if each else float("inf")
        if worst > max(0.1, 5 * found.u_px):
            silent.append((i, kind, worst, found.u_px))
            table[kind]["silent failure"] += 1
        else:
            table[kind]["found"] += 1
        if kind in _GOOD:
            errors.append(float(np.sqrt((off[0] ** 2).sum(axis=1).mean())))
            spread = found.covariances(corners)
            ratios += [float(d @ np.linalg.solve(c, d)) for d, c in zip(off[0], spread, strict=True)]
    return {
        "outcomes": {kind: dict(row) for kind, row in table.items()},
        "silent": silent,
        "within_95": round(float(np.mean(np.array(ratios) < 5.991)), 4),  # chi-squared, two dimensions
        "rms_px": round(float(np.sqrt(np.mean(np.square(errors)))), 4),
        "worst_px": round(max(errors), 4),
    }


def main() -> None:
    """Run and print."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.registration", description=__doc__)
    parser.add_argument(
        "--frames", type=int, default=40, help="frames of this project (peers: a quarter); 0 for none"
    )
    parser.add_argument("--trials", type=int, default=2000, help="trials for silent failures; 0 for none")
    parser.add_argument("--json", action="store_true", help="print everything as JSON")
    options = parser.parse_args()
    cv2.setNumThreads(1)
    rows = compare(options.frames) if options.frames else []
    tried = trials(options.trials) if options.trials else None
    if options.json:
        print(json.dumps({"rows": rows, "trials": tried}))
        return
    if rows:
        print("5-megapixel grey frames, one thread: rms over the part's corners, median milliseconds")
    for row in rows:
        own, error = rows[0], (row["rms_px"] or float("nan")) / rows[0]["rms_px"]
        print(f"  {row['method']:<34} rms {row['rms_px']} px (median {row['median_px']}, worst"
              f" {row['worst_px']}), {row['ms']} ms (least {row['least_ms']}), found {row['found']} of"
              f" {row['frames']}; {error:.1f} x error, {row['ms'] / own['ms']:.0f} x time")  # fmt: skip
    if tried is not None:
        print(f"{options.trials} trials at half the scale")
        for kind, outcomes in tried["outcomes"].items():
            print(f"  {kind:<28} {outcomes}")
        print(f"  corners of good units: rms {tried['rms_px']} px, worst {tried['worst_px']} px,"
              f" {tried['within_95']:.1%} inside the stated 95 % ellipse")  # fmt: skip
        print(f"  silent failures: {len(tried['silent'])} {tried['silent'][:10]}")


if __name__ == "__main__":
    main()
