"""Records and keys for the tests of this room, made of the tiny golden sample."""

from __future__ import annotations

import hashlib
from typing import Any

from evidence import Inspection, complete
from tests import builders

STATION, OTHER_STATION = "cell-3", "oqc-1"


def frame(text: str, size: int = 1024) -> bytes:
    """Return bytes that look like a PNG file and are different for each text."""
    return b"\x89PNG\r\n\x1a\n" + (text.encode() * size)[:size]


def golden_reference() -> dict[str, Any]:
    """Return the tiny golden sample's digest and version."""
    from golden import bundle

    return {"digest": bundle.read(builders.sealed_tiny()[0]).digest, "version": 1}


GOLDEN = golden_reference()


def inspection(
    sequence: int = 1,
    *,
    serial: str | None = None,
    lot: str | None = None,
    station: str = STATION,
    verdict: str = "ACCEPT",
    golden: dict[str, Any] | None = None,
    **changes: Any,
) -> tuple[Inspection, dict[str, bytes]]:
    """Return a record of the tiny part and its frame."""
    serial = serial or f"T-{sequence:04d}"
    data = frame(f"{station}/{serial}/{sequence}")
    rule = {"rule": "guarded", "coverage_factor": 2.0, "guard_factor": 1.0, "who_proves": "supplier"}

    def result(
        name: str, unit: str | None, value: float, *, lower: float | None, upper: float | None, **more: Any
    ) -> dict[str, Any]:
        return {
            "id": name, "name": name, "source": "vision", "value": value, "unit": unit, "nominal": None,
            "lower": lower, "upper": upper, "standard_uncertainty": 0.001, "coverage_factor": 2.0,
            "rule": rule, "valid": True, "reason": None, "decision": "conform", **more,
        }  # fmt: skip

    characteristics = [
        result("hole", "mm", 0.8, lower=0.75, upper=0.85, nominal=0.8),
        result("paint", "CIEDE2000", 0.4, lower=None, upper=2.0),
        result("face", None, 0.0, lower=None, upper=None, standard_uncertainty=None, coverage_factor=None),
    ]
    reasons: list[str] = []
    defects: list[dict[str, Any]] = []
    if verdict == "REJECT":
        reasons = ["surface_rejected"]
        characteristics[2] |= {"value": 1.0, "decision": "nonconform"}
        defects = [
            {"view": "top", "class": "unclassified", "severity": "major", "confidence": None,
             "box_px": [1, 2, 3, 4], "box_mm": [0.1, 0.2, 0.3, 0.4], "size_mm": 1.5, "zone": "front",
             "rule": "large"}
        ]  # fmt: skip
    if verdict == "HOLD":
        reasons = ["frame_blurred"]
    fields: dict[str, Any] = {
        "part": "T1", "revision": "A", "serial": serial, "lot": lot, "station": station, "sequence": sequence,
        "golden": golden or GOLDEN, "model": None,
        "frames": [{"view": "top", "camera": "c1", "digest": "sha256:" + hashlib.sha256(data).hexdigest(),
                    "captured_at": "2026-07-01T11:59:00Z", "calibration": None,
                    "pose": {"x_px": 0.0, "y_px": 0.0, "angle_deg": 0.0, "scale": 1.0, "residual_px": 0.1}}],
        "characteristics": characteristics, "defects": defects, "verdict": verdict, "reasons": reasons,
        "versions": {"hallmark": "0.1.0"}, "timing_ms": {"total": 12.5},
    }  # fmt: skip
    return complete({**fields, **changes}), {"top": data}


def parts(record: Inspection, frames: dict[str, bytes]) -> list[tuple[str, Any]]:
    """Return the multipart of a record, for httpx's `files`."""
    sent: list[tuple[str, Any]] = [("inspection", (None, record.to_json()))]
    return sent + [(view, (view, data, "image/png")) for view, data in frames.items()]
