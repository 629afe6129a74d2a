"""Corners of calibration boards: this project beside OpenCV's own, on the same pictures.

Run `python -m benchmarks.corners [--json] [--poses N]`; with HALLMARK_DATA set, photographs are read too.
Boards come from the twin, whose corners are exact, at random tilts, turns and places between pixels; OpenCV
gets the same light as 8-bit codes (linear and, as cameras deliver it, sRGB), we get linear light.
cornerSubPix is started from the truth, 2 pixels off. Errors in pixels:
mean (the larger axis), rms, largest; and the time of one detection on one core.
"""

from __future__ import annotations

import argparse
import json
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from calibration.detection import Detection, detect
from calibration.targets import Target
from datasets.twin.metrology import Board, Camera, Sensor, charuco, chessboard, dots, expose, render
from kernels.light import decoding_table

SIZE = (800, 600)
BLURS = (0.5, 0.7, 1.0, 1.5, 2.0)
KINDS: dict[str, tuple[Board, Target]] = {
    "chessboard": (
        chessboard(9, 6, 10.0),
        Target(kind="chessboard", columns=9, rows=6, pitch_mm=10, pitch_relative_uncertainty=1e-5),
    ),
    "charuco": (
        charuco(9, 6, 10.0, 7.0, cv2.aruco.DICT_5X5_100),
        Target(
            kind="charuco", columns=9, rows=6, pitch_mm=10, pitch_relative_uncertainty=1e-5, marker_mm=7.0,
            dictionary="DICT_5X5_100",
        ),
    ),
    "dots": (
        dots(9, 6, 10.0, 5.0),
        Target(kind="dots", columns=9, rows=6, pitch_mm=10, pitch_relative_uncertainty=1e-5, dot_mm=5.0),
    ),
}  # fmt: skip


def srgb(light: Any) -> Any:
    """Return sRGB codes, 0..255, of linear light (IEC 61966-2-1)."""
    return 255 * np.where(
        light <= 0.0031308, 12.92 * light, 1.055 * np.maximum(light, 0) ** (1 / 2.4) - 0.055
    )


def corner_sub_pix(codes: Any, rough: Any) -> Any:
    """Return cornerSubPix in its usual setting, started within 2 pixels of the truth."""
    end = (cv2.TERM_CRITERIA_EPS + cv2.TERM_CRITERIA_MAX_ITER, 100, 1e-4)
    start = rough.astype(np.float32).reshape(-1, 1, 2)
    return cv2.cornerSubPix(codes, start, (7, 7), (-1, -1), end).reshape(-1, 2)


def sector_based(codes: Any, _: Any) -> Any:
    """Return findChessboardCornersSB's corners."""
    ok, corners = cv2.findChessboardCornersSB(codes, (8, 5), flags=cv2.CALIB_CB_ACCURACY)
    return corners.reshape(-1, 2) if ok else np.zeros((0, 2))


def charuco_detector(codes: Any, _: Any) -> Any:
    """Return CharucoDetector's corners."""
    dictionary = cv2.aruco.getPredefinedDictionary(cv2.aruco.DICT_5X5_100)
    board = cv2.aruco.CharucoBoard((9, 6), 10.0, 7.0, dictionary)
    corners, _ids, _markers, _marker_ids = cv2.aruco.CharucoDetector(board).detectBoard(codes)
    return np.zeros((0, 2)) if corners is None else corners.reshape(-1, 2)


def circles_grid(codes: Any, _: Any) -> Any:
    """Return findCirclesGrid's centres."""
    ok, centres = cv2.findCirclesGrid(codes, (9, 6))
    return centres.reshape(-1, 2) if ok else np.zeros((0, 2))


PEERS: dict[str, dict[str, Callable[[Any, Any], Any]]] = {
    "chessboard": {"cornerSubPix 7": corner_sub_pix, "findChessboardCornersSB": sector_based},
    "charuco": {"cornerSubPix 7": corner_sub_pix, "CharucoDetector": charuco_detector},
    "dots": {"findCirclesGrid": circles_grid},
}


def nearest(points: Any, truth: Any) -> Any:
    """Return the errors of points against the truth nearest to each; those beyond 5 pixels are dropped."""
    if not len(points):
        return np.zeros((0, 2))
    gaps = points[:, None] - truth[None]
    best = np.hypot(gaps[..., 0], gaps[..., 1]).argmin(axis=1)
    errors = gaps[np.arange(len(points)), best]
    return errors[np.hypot(errors[:, 0], errors[:, 1]) < 5]


def summary(errors: list[Any], seconds: list[float], expected: int) -> dict[str, float]:
    """Return figures of one method over all poses."""
    every = np.concatenate(errors)
    if not len(every):
        return {
            "found": 0.0,
            "mean": np.nan,
            "rms": np.nan,
            "largest": np.nan,
            "ms": 1e3 * np.median(seconds),
        }
    return {
        "found": len(every) / expected,
        "mean": float(np.abs(every.mean(axis=0)).max()),
        "rms": float(np.sqrt((every**2).mean())),
        "largest": float(np.abs(every).max()),
        "ms": 1e3 * float(np.median(seconds)),
    }


def timed(function: Callable[..., Any], *arguments: Any) -> tuple[Any, float]:
    """Return what a function gives and how many seconds it took."""
    start = time.perf_counter()
    result = function(*arguments)
    return result, time.perf_counter() - start


def compare(kind: str, blur: float, noise: bool, poses: int) -> dict[str, dict[str, float]]:
    """Return the figures of every method on the same boards."""
    rng = np.random.default_rng([int(10 * blur), noise])
    board, target = KINDS[kind]
    sensor = Sensor(psf_sigma_px=blur, full_well_e=20000 if noise else np.inf, bits=8 if noise else 16)
    errors: dict[str, list[Any]] = {}
    seconds: dict[str, list[float]] = {}
    for _ in range(poses):
        shift = rng.uniform(-1, 1, 2)
        centre = (board.centre_mm[0] + shift[0], board.centre_mm[1] + shift[1])
        camera = Camera(*SIZE, 1000.0, 1000.0, 399.5, 299.5, k1=-0.08).aimed(
            centre, 160.0, tilt_deg=tuple(rng.uniform(-28, 28, 2)), roll_deg=rng.uniform(-30, 30)
        )
        truth = camera.project(board.corners_mm)
        if noise:
            light = render(board, camera, sensor, rng).astype(np.float32) / 255
        else:
            light = expose(board, camera, sensor).astype(np.float32)
        rough = truth + rng.uniform(-2, 2, truth.shape)
        seen, took = timed(detect, light, target)
        ours = seen.points_px if isinstance(seen, Detection) else np.zeros((0, 2))
        errors.setdefault("hallmark", []).append(nearest(ours, truth))
        seconds.setdefault("hallmark", []).append(took)
        for name, peer in PEERS[kind].items():
            for codes, how in ((255 * light, "linear"), (srgb(light), "sRGB")):
                points, took = timed(peer, np.clip(np.round(codes), 0, 255).astype(np.uint8), rough)
                errors.setdefault(f"{name}, {how}", []).append(nearest(points, truth))
                seconds.setdefault(f"{name}, {how}", []).append(took)
    expected = poses * len(board.corners_mm)
    return {name: summary(errors[name], seconds[name], expected) for name in errors}


def photographs(folder: Path) -> list[dict[str, Any]]:
    """Detect the chessboards of the real photographs; the residual of a homography holds lens and print."""
    table = decoding_table("srgb")
    weights = np.array([0.2126, 0.7152, 0.0722], np.float32)
    rows = []
    for pattern, columns, rows_down, mm in (
        ("chessboard/*.jpg", 8, 6, 25.0), ("coins/measure/*.JPG", 7, 7, 12.5)
    ):  # fmt: skip
        target = Target(
            kind="chessboard", columns=columns, rows=rows_down, pitch_mm=mm, pitch_relative_uncertainty=1e-3
        )
        for path in sorted(folder.glob(pattern)):
            codes = cv2.imread(str(path), cv2.IMREAD_COLOR_RGB)
            light = (table[codes] @ weights).astype(np.float32)
            seen, took = timed(detect, light, target)
            if not isinstance(seen, Detection):
                rows.append({"picture": path.name, "found": 0, "why": seen.message})
                continue
            plane = seen.target_mm[:, :2]
            matrix, _ = cv2.findHomography(plane, seen.points_px, 0)
            residual = cv2.perspectiveTransform(plane[None], matrix).reshape(-1, 2) - seen.points_px
            sb, sb_took = timed(
                cv2.findChessboardCornersSB, cv2.cvtColor(codes, cv2.COLOR_RGB2GRAY), target.across
            )
            rows.append({
                "picture": path.name, "found": len(seen.ids), "expected": len(target.ids()), "ms": 1e3 * took,
                "u": float(np.median(seen.u_px)), "homography rms": float(np.sqrt((residual**2).mean())),
                "SB finds it": bool(sb[0]), "SB ms": 1e3 * sb_took,
            })  # fmt: skip
    return rows


def main() -> None:
    """Print every comparison."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--poses", type=int, default=8)
    options = parser.parse_args()
    cv2.setNumThreads(1)
    report: dict[str, Any] = {"opencv": cv2.__version__, "boards": {}}
    for board, target in KINDS.values():  # compile
        camera = Camera(*SIZE, 1000.0, 1000.0, 399.5, 299.5).aimed(board.centre_mm, 160.0)
        detect(expose(board, camera, Sensor()).astype(np.float32), target)
    for kind in KINDS:
        for noise in (False, True):
            for blur in BLURS:
                figures = compare(kind, blur, noise, options.poses)
                report["boards"][f"{kind}, blur {blur}, {'20,000 e-, 8 bit' if noise else 'no noise'}"] = (
                    figures
                )
    data = os.environ.get("HALLMARK_DATA")
    report["photographs"] = photographs(Path(data)) if data else []
    if options.json:
        print(json.dumps(report, indent=1))
        return
    print(f"OpenCV {report['opencv']}, errors in pixels")
    for title, figures in report["boards"].items():
        print(f"\n{title}")
        for name, f in figures.items():
            ratio = f["rms"] / figures["hallmark"]["rms"]
            print(
                f"  {name:34} found {f['found']:5.1%}  mean {f['mean']:.4f}  rms {f['rms']:.4f}"
                f" ({ratio:6.1f} x)  largest {f['largest']:.3f}  {f['ms']:5.0f} ms"
            )
    for row in report["photographs"]:
        print(json.dumps(row))


if __name__ == "__main__":
    main()
