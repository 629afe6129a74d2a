"""Lens calibration on real chessboard photographs, beside `cv2.calibrateCamera` on the same corners.

Run `HALLMARK_DATA=... python -m benchmarks.lens [--json]`. The photographs are OpenCV's stereo set (left and
right, as stored: 7 x 5 inner corners, 320 x 240 JPEG; the side of a square is not documented: the unit is one
square). Corners are OpenCV's (`findChessboardCornersSB` first, else `findChessboardCorners` with
`cornerSubPix`) and, beside them, this project's `calibration.detection.detect`. Hold-out: every second
picture calibrates, in each other picture half of the corners gives the pose and the distances of the other
half from their projections are counted; both halves of the pictures take both parts. The peer is scored by
the same rule with `cv2.solvePnP`.
"""

from __future__ import annotations

import argparse
import json
import os
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from calibration.detection import Detection, detect
from calibration.errors import LensError
from calibration.lens import calibrate_lens, object_plane
from calibration.targets import Target

COLUMNS, ROWS = 7, 5
TARGET = Target(
    kind="chessboard", columns=COLUMNS + 1, rows=ROWS + 1, pitch_mm=1.0, pitch_relative_uncertainty=0
)


@dataclass(frozen=True)
class Found:
    """Corners of one picture."""

    ids: Any
    points_px: Any
    u_px: Any
    target_mm: Any


def board() -> Any:
    """Return the corners (35, 3) in squares."""
    y, x = np.mgrid[0:ROWS, 0:COLUMNS].astype(float)
    return np.column_stack([x.ravel(), y.ravel(), 0 * x.ravel()])


def by_opencv(grey: Any) -> Found | None:
    """Find the corners with OpenCV, its sub-pixel refinement included."""
    found, corners = cv2.findChessboardCornersSB(grey, (COLUMNS, ROWS), flags=cv2.CALIB_CB_ACCURACY)
    if not found:
        found, corners = cv2.findChessboardCorners(grey, (COLUMNS, ROWS))
        if not found:
            return None
        end = (cv2.TERM_CRITERIA_EPS + cv2.TERM_CRITERIA_MAX_ITER, 40, 1e-4)
        corners = cv2.cornerSubPix(grey, corners, (5, 5), (-1, -1), end)
    px = np.asarray(corners, float).reshape(-1, 2)
    across, down = px[COLUMNS - 1] - px[0], px[-1] - px[0]
    if across[0] * down[1] - across[1] * down[0] < 0:
        px = px.reshape(ROWS, COLUMNS, 2)[:, ::-1].reshape(-1, 2)
    return Found(np.arange(len(px)), px, np.full(len(px), 0.1), board())


def by_hallmark(grey: Any) -> Detection | None:
    """Find the corners with this project, on codes decoded as sRGB."""
    codes = np.arange(256) / 255
    table = np.where(codes <= 0.04045, codes / 12.92, ((codes + 0.055) / 1.055) ** 2.4).astype(np.float32)
    found = detect(table[grey], TARGET)
    return found if isinstance(found, Detection) else None


def opencv_hold_out(found: Sequence[Any], size: tuple[int, int]) -> dict[str, float]:
    """Calibrate with OpenCV: rms over all pictures, and hold-out distances."""
    start = time.perf_counter()
    rms = _opencv(found, size)[0]
    ms = 1000 * (time.perf_counter() - start)
    distances = []
    for part in (0, 1):
        _, matrix, distortion = _opencv(found[part::2], size)
        for one in found[1 - part :: 2]:
            half = np.arange(len(one.ids)) % 2 == 0
            for a, b in ((half, ~half), (~half, half)):
                _, turn, shift = cv2.solvePnP(one.target_mm[a], one.points_px[a], matrix, distortion)
                seen = cv2.projectPoints(one.target_mm[b], turn, shift, matrix, distortion)[0].reshape(-1, 2)
                distances.append(np.linalg.norm(seen - one.points_px[b], axis=1))
    return {"rms_px": float(rms), **_summary(distances), "ms": ms}


def _opencv(found: Sequence[Any], size: tuple[int, int]) -> tuple[float, Any, Any]:
    return cv2.calibrateCamera(
        [np.float32(one.target_mm) for one in found], [np.float32(one.points_px) for one in found], size,
        np.eye(3), np.zeros(5),
    )[:3]  # fmt: skip


def hallmark_hold_out(found: Sequence[Any], size: tuple[int, int]) -> dict[str, Any]:
    """Calibrate with this project: the same figures, and the model chosen."""
    start = time.perf_counter()
    lens = calibrate_lens(found, size)
    ms = 1000 * (time.perf_counter() - start)
    distances = []
    for part in (0, 1):
        trained = calibrate_lens(found[part::2], size)
        for one in found[1 - part :: 2]:
            half = np.arange(len(one.ids)) % 2 == 0
            for a, b in ((half, ~half), (~half, half)):
                plane = object_plane(
                    trained, Found(one.ids[a], one.points_px[a], one.u_px[a], one.target_mm[a])
                )
                place = one.target_mm[b, :2]
                if trained.model.target_sigma is not None:
                    rows = np.searchsorted(trained.seen.ids, one.ids[b])
                    place = place + trained.estimate.corrections[rows, :2]
                distances.append(np.linalg.norm(plane.to_px(place) - one.points_px[b], axis=1))
    return {
        "rms_px": lens.rms_px, **_summary(distances), "ms": ms, "free": list(lens.model.free),
        "released": lens.model.target_sigma is not None, "noise_scale": lens.noise_scale,
        "set_aside": len(lens.set_aside), "fx": lens.estimate.intrinsics[0],
        "u_fx": float(np.sqrt(lens.covariance[0, 0])),
    }  # fmt: skip


def _summary(distances: Sequence[Any]) -> dict[str, float]:
    every = np.concatenate(distances)
    return {
        "hold_out_rms_px": float(np.sqrt(np.mean(every**2))),
        "hold_out_median_px": float(np.median(every)),
        "hold_out_95_px": float(np.percentile(every, 95)),
    }


def run(folder: Path) -> dict[str, Any]:
    """Compare on both cameras and both sources of corners, on the pictures in which both find the board."""
    result: dict[str, Any] = {}
    for side in ("left", "right"):
        pictures = [
            cv2.imread(str(path), cv2.IMREAD_GRAYSCALE) for path in sorted(folder.glob(f"{side}*.jpg"))
        ]
        size = pictures[0].shape[::-1]
        pairs = [(by_opencv(grey), by_hallmark(grey)) for grey in pictures]
        result[f"{side}: pictures, found by OpenCV, by Hallmark"] = [
            len(pictures), *(sum(pair[i] is not None for pair in pairs) for i in (0, 1))
        ]  # fmt: skip
        both = [pair for pair in pairs if pair[0] is not None and pair[1] is not None]
        for i, corners in enumerate(("OpenCV corners", "Hallmark corners")):
            found = [pair[i] for pair in both]
            result[f"{side}, {corners}, cv2.calibrateCamera"] = opencv_hold_out(found, size)
            try:
                result[f"{side}, {corners}, calibrate_lens"] = hallmark_hold_out(found, size)
            except LensError as error:
                result[f"{side}, {corners}, calibrate_lens"] = str(error)
    return result


def main() -> None:
    """Print the comparison."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    data = os.environ.get("HALLMARK_DATA")
    if not data:
        parser.error("HALLMARK_DATA names no folder: set it to the one that holds chessboard/")
    result = run(Path(data) / "chessboard")
    if arguments.json:
        print(json.dumps(result, indent=2))
        return
    for name, figures in result.items():
        if not isinstance(figures, dict):
            print(f"{name}: {figures}")
            continue
        shown = {
            key: round(value, 4) if isinstance(value, float) else value for key, value in figures.items()
        }
        print(f"{name}: {shown}")


if __name__ == "__main__":
    main()
