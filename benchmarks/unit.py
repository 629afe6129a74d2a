"""One whole S4 unit (3.1 megapixel colour) on one core: this project beside what people write instead.

Run `python -m benchmarks.unit [--json] [--rounds N]`. The frame is a real scan moved by 1.2 degrees and some
pixels with OpenCV, so that no code of this project made it; all read the same pixels and give a pose, the
diameters of four holes, three colour differences and the regions that differ.
"""

from __future__ import annotations

import argparse
import json
import statistics
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import cv2
import numpy as np

from calibration import CameraCalibration
from datasets import pcb_s4
from evidence import Frame
from golden.authoring import parse_spec
from golden.sample import GoldenSample
from golden.spec import Colour, GoldenSpec
from hallmark.demo.plant import SPEC
from vision import Inspector

HOLES = ((172.5, 179.0), (1521.8, 193.7), (139.4, 1769.4), (1511.4, 1758.2))
ANGLE, SHIFT = 1.2, (9.0, -7.0)


def scan() -> Any:
    """Return the good board's scan, (1888, 1663, 3) uint8 RGB."""
    return cv2.imdecode(np.frombuffer(pcb_s4.good_scan(), np.uint8), cv2.IMREAD_COLOR_RGB)


def moved(golden: Any) -> Any:
    """Return the scan turned and shifted, as if captured again."""
    h, w = golden.shape[:2]
    matrix = cv2.getRotationMatrix2D((w / 2, h / 2), ANGLE, 1.0)
    matrix[:, 2] += SHIFT
    return cv2.warpAffine(golden, matrix, (w, h), flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REFLECT)


def hallmark(spec: GoldenSpec) -> tuple[Callable[[Any], Any], dict[str, list[float]]]:
    """Return this project's inspection of a frame, and where its stage times are collected."""
    now = datetime(2026, 1, 1, tzinfo=UTC)
    sample = GoldenSample(
        spec=spec, digest="sha256:" + "0" * 64, version=1, issued=now, expires=None, predecessor=None,
        images={"images/top.jpg": pcb_s4.good_scan()}, signatures=(),
    )  # fmt: skip
    calibration = CameraCalibration.nominal(
        camera="bench", mm_per_px=pcb_s4.MM_PER_PX, relative_uncertainty=1e-3, issued=now,
        valid_until=now + timedelta(days=1),
    )  # fmt: skip
    inspector = Inspector(sample, {"top": calibration}, stopwatch=time.perf_counter)
    stages: dict[str, list[float]] = {}

    def run(pixels: Any) -> Any:
        record = inspector.inspect({"top": Frame(pixels, b"bench", "top", "bench")}, serial="bench")
        for stage, ms in record.timing_ms.items():
            stages.setdefault(stage, []).append(ms)
        return record

    return run, stages


def opencv(golden: Any, spec: GoldenSpec) -> Callable[[Any], Any]:
    """Return a careful OpenCV script: ORB, homography, warp, absolute difference, circles by contour."""
    orb = cv2.ORB_create(2000)
    grey = cv2.cvtColor(golden, cv2.COLOR_RGB2GRAY)
    keys, descriptors = orb.detectAndCompute(grey, None)
    matcher = cv2.BFMatcher(cv2.NORM_HAMMING, crossCheck=True)
    h, w = grey.shape

    def run(pixels: Any) -> Any:
        found, others = orb.detectAndCompute(cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY), None)
        matches = matcher.match(descriptors, others)
        a = np.float32([keys[m.queryIdx].pt for m in matches]).reshape(-1, 1, 2)
        b = np.float32([found[m.trainIdx].pt for m in matches]).reshape(-1, 1, 2)
        homography, _ = cv2.findHomography(b, a, cv2.RANSAC, 2.0)
        aligned = cv2.warpPerspective(pixels, homography, (w, h))
        difference = cv2.absdiff(aligned, golden).max(axis=2)
        mask = cv2.morphologyEx((difference > 40).astype(np.uint8), cv2.MORPH_OPEN, np.ones((3, 3)))
        cv2.connectedComponentsWithStats(mask)
        aligned_grey = cv2.cvtColor(aligned, cv2.COLOR_RGB2GRAY)
        for x, y in HOLES:
            window = aligned_grey[int(y) - 95 : int(y) + 95, int(x) - 95 : int(x) + 95]
            _, binary = cv2.threshold(window, 0, 255, cv2.THRESH_BINARY_INV + cv2.THRESH_OTSU)
            contours, _ = cv2.findContours(binary, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
            cv2.fitEllipse(max(contours, key=cv2.contourArea).reshape(-1, 2))
        lab = cv2.cvtColor(aligned.astype(np.float32) / 255, cv2.COLOR_RGB2Lab)
        return [lab[int(r.y) : int(r.y + r.height), int(r.x) : int(r.x + r.width)].mean(axis=(0, 1))
                for r in regions(spec)]  # fmt: skip

    return run


def scikit(golden: Any, spec: GoldenSpec) -> Callable[[Any], Any]:
    """Return the same by scikit-image: phase correlation, warp, CIEDE2000 map, regions, RANSAC circles."""
    from skimage import color, feature, measure, registration, transform

    correlate = registration.phase_cross_correlation
    grey = color.rgb2gray(golden)
    golden_lab = color.rgb2lab(golden)
    radius = min(golden.shape[:2]) / 2
    polar = transform.warp_polar(grey, radius=radius)

    def run(pixels: Any) -> Any:
        turned = transform.warp_polar(color.rgb2gray(pixels), radius=radius)
        angle = correlate(polar, turned, upsample_factor=20, normalization=None)[0][0]
        upright = transform.rotate(pixels, angle, order=1)
        shift = correlate(grey, color.rgb2gray(upright), upsample_factor=20)[0]
        aligned = transform.warp(upright, transform.AffineTransform(translation=-shift[::-1]))
        difference = color.deltaE_ciede2000(golden_lab, color.rgb2lab(aligned))
        measure.regionprops(measure.label(difference > 10))
        for x, y in HOLES:
            window = aligned[int(y) - 95 : int(y) + 95, int(x) - 95 : int(x) + 95].mean(axis=2)
            points = np.argwhere(feature.canny(window, 2))
            measure.ransac(points, measure.CircleModel, 3, 2, max_trials=50)
        return [difference[int(r.y) : int(r.y + r.height), int(r.x) : int(r.x + r.width)].mean()
                for r in regions(spec)]  # fmt: skip

    return run


def regions(spec: GoldenSpec) -> list[Any]:
    """Return the colour regions of the specification."""
    return [c.region for c in spec.characteristics if isinstance(c, Colour)]


def timed(run: Callable[[Any], Any], pixels: Any, rounds: int) -> float:
    """Return the median milliseconds of a call, after one that is not counted."""
    run(pixels)
    times: list[float] = []
    for _ in range(rounds):
        begun = time.perf_counter()
        run(pixels)
        times.append((time.perf_counter() - begun) * 1e3)
    return statistics.median(times)


def main() -> None:
    """Run and print."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.unit", description=__doc__)
    parser.add_argument("--json", action="store_true", help="print rows and ratios as JSON")
    parser.add_argument("--rounds", type=int, default=15, help="timed calls of this project (peers: a fifth)")
    options = parser.parse_args()
    cv2.setNumThreads(1)
    spec = parse_spec(SPEC.read_text("utf-8"), SPEC.name)
    golden = scan()
    frame = moved(golden)
    own, stages = hallmark(spec)
    peers = {"OpenCV script (ORB)": opencv(golden, spec), "scikit-image script": scikit(golden, spec)}
    total = timed(own, frame, options.rounds)
    rows: list[dict[str, Any]] = [
        {"what": f"hallmark: {stage}", "ms": round(statistics.median(times), 2)}
        for stage, times in stages.items()
    ]
    rows.append({"what": "hallmark: whole unit", "ms": round(total, 2)})
    ratios: dict[str, float] = {}
    for name, run in peers.items():
        ms = timed(run, frame, max(options.rounds // 5, 1))
        rows.append({"what": name, "ms": round(ms, 1)})
        ratios[name] = round(ms / total, 2)
    if options.json:
        print(json.dumps({"rows": rows, "ratios": ratios}))
        return
    print(f"one unit, {frame.shape[1]} x {frame.shape[0]} px colour, one core, median")
    for row in rows:
        print(f"  {row['what']:<28} {row['ms']:>9.1f} ms")
    for name, ratio in ratios.items():
        print(f"  {name} takes {ratio:.1f} times as long")


if __name__ == "__main__":
    main()
