"""What every record says besides what was found: which unit, golden sample, frames and versions."""

from __future__ import annotations

import functools
import importlib.metadata
from collections.abc import Sequence
from typing import Any

from calibration import CameraCalibration
from evidence import Frame, Inspection, complete
from golden.sample import GoldenSample
from vision.colour.golden_colours import GoldenColours
from vision.judge import verdict_of
from vision.register import Registered
from vision.surface import VariationModel

_PACKAGES = ("hallmark", "numpy", "numba", "onnxruntime", "opencv-python-headless", "zxing-cpp")


def held(
    golden: GoldenSample,
    *,
    serial: str | None,
    lot: str | None,
    station: str | None,
    sequence: int | None,
    reason: str,
    frames: Sequence[Frame] = (),
) -> Inspection:
    """Return the HOLD record of a unit that could not be inspected; `reason` is a code of the registry."""
    verdict, reasons = verdict_of({reason})
    return complete({
        **identity_fields(golden, serial, lot, station, sequence), "model": None,
        "frames": [frame_record(f) for f in frames], "characteristics": [], "defects": [],
        "verdict": verdict, "reasons": list(reasons), "timing_ms": {},
    })  # fmt: skip


def identity_fields(
    golden: GoldenSample, serial: str | None, lot: str | None, station: str | None, sequence: int | None
) -> dict[str, Any]:
    """Return the fields of a record that say which unit it is of, and what judged it."""
    return {
        "part": golden.spec.part.number, "revision": golden.spec.part.revision,
        "serial": serial, "lot": lot, "station": station, "sequence": sequence,
        "golden": {"digest": golden.digest, "version": golden.version}, "versions": versions(),
    }  # fmt: skip


def frame_record(
    frame: Frame,
    calibration: CameraCalibration | None = None,
    colours: GoldenColours | None = None,
    variation: VariationModel | None = None,
    pose: dict[str, float] | None = None,
) -> dict[str, Any]:
    """Return the fields of an `evidence.FrameRecord`."""
    return {
        "view": frame.view, "camera": frame.camera, "digest": frame.digest, "captured_at": frame.captured_at,
        "calibration": None if calibration is None else calibration.digest,
        "colours": None if colours is None else colours.digest,
        "variation": None if variation is None else variation.digest, "pose": pose,
    }  # fmt: skip


def pose_of(found: Registered) -> dict[str, float]:
    """Return the fields of an `evidence.Pose`, its field left out."""
    return {
        "x_px": round(found.pose.x, 4), "y_px": round(found.pose.y, 4),
        "angle_deg": round(found.pose.angle, 6), "scale": round(found.pose.scale, 7),
        "residual_px": round(found.residual_px, 4),
    }  # fmt: skip


@functools.cache
def versions() -> dict[str, str]:
    """Return the versions of this software and of the libraries that compute."""
    return {name: importlib.metadata.version(name) for name in _PACKAGES}
