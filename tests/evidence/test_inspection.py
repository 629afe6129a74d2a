"""The inspection record and the registry of reasons."""

from __future__ import annotations

import hashlib
import json
import re
from typing import Any

import numpy as np
import pytest
from pydantic import ValidationError

from evidence import REASONS, CountResult, Frame, FrameError, Inspection, complete, verify_digest

DIGEST = "sha256:" + "ab" * 32


def fields(**changes: Any) -> dict[str, Any]:
    return {
        "part": "T1", "revision": "A", "serial": "T1-0001", "lot": "L1", "station": "cell-1", "sequence": 7,
        "golden": {"digest": DIGEST, "version": 1}, "model": None,
        "frames": [
            {
                "view": "top", "camera": "cam-1", "digest": DIGEST, "captured_at": "2026-07-01T12:00:00.25Z",
                "calibration": DIGEST,
                "pose": {"x_px": 1.5, "y_px": -2.0, "angle_deg": 0.1, "scale": 1.0, "residual_px": 0.04},
            },
        ],
        "characteristics": [result()],
        "defects": [
            {
                "view": "top", "class": "scratch", "severity": "minor", "confidence": 0.9,
                "box_px": [1, 2, 3, 4], "box_mm": [0.1, 0.2, 0.3, 0.4], "size_mm": 0.5, "zone": "front",
                "rule": "scratch",
            },
        ],
        "verdict": "REJECT", "reasons": ["surface_rejected"], "versions": {"hallmark": "0.1.0"},
        "timing_ms": {"total": 12.5}, **changes,
    }  # fmt: skip


def result(**changes: Any) -> dict[str, Any]:
    return {
        "id": "hole", "name": "Hole", "source": "vision", "value": 0.8, "unit": "mm", "nominal": 0.8,
        "lower": 0.75, "upper": 0.85, "standard_uncertainty": 0.002, "coverage_factor": 2.0, "rule": {},
        "valid": True, "reason": None, "decision": "conform", **changes,
    }  # fmt: skip


def test_the_digest_can_be_computed_by_hand_and_leaves_timings_out() -> None:
    record = complete(fields()).record()
    stated = record.pop("digest")
    del record["timing_ms"]
    text = json.dumps(record, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    assert stated == "sha256:" + hashlib.sha256(text.encode()).hexdigest()
    assert stated == complete(fields(timing_ms={"total": 99.0})).digest


def test_the_fields_of_the_record_are_the_agreed_ones() -> None:
    """The interface that quality-control systems read."""
    record = json.loads(complete(fields()).to_json())
    assert list(record) == sorted([
        "schema", "id", "part", "revision", "serial", "lot", "station", "sequence", "golden", "model",
        "frames",
        "characteristics", "defects", "verdict", "reasons", "versions", "digest", "timing_ms", "counts",
        "dismissed",
    ])  # fmt: skip
    assert set(record["frames"][0]) == {"view", "camera", "digest", "captured_at", "calibration", "pose"}
    assert set(record["frames"][0]["pose"]) == {
        "x_px", "y_px", "angle_deg", "scale", "residual_px", "field_px",
    }  # fmt: skip
    assert set(record["characteristics"][0]) == {
        "id", "name", "source", "value", "unit", "nominal", "lower", "upper", "standard_uncertainty",
        "coverage_factor", "rule", "valid", "reason", "decision", "set_aside",
        "common_uncertainty", "budget",
    }  # fmt: skip
    assert set(record["defects"][0]) == {
        "view", "class", "severity", "confidence", "box_px", "box_mm", "size_mm", "zone", "rule",
    }  # fmt: skip


def test_a_record_survives_its_json() -> None:
    inspection = complete(fields())
    assert Inspection.model_validate_json(inspection.to_json()) == inspection
    assert verify_digest(inspection)


def test_a_record_of_an_older_release_keeps_its_bytes_and_its_digest() -> None:
    record = complete(fields()).record()
    for name in ("counts", "dismissed", "digest"):
        del record[name]
    del record["frames"][0]["pose"]["field_px"]
    del record["characteristics"][0]["set_aside"]
    covered = {k: v for k, v in record.items() if k != "timing_ms"}
    text = json.dumps(covered, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    record["digest"] = "sha256:" + hashlib.sha256(text.encode()).hexdigest()
    old = Inspection.model_validate(record)
    assert verify_digest(old)
    assert json.loads(old.to_json()) == record
    assert (old.counts, old.dismissed, old.frames[0].pose and old.frames[0].pose.field_px) == ((), 0, 0.0)
    assert not verify_digest(old.model_copy(update={"dismissed": 1}))
    assert not verify_digest(old.model_copy(update={"dismissed": 0}))


@pytest.mark.parametrize(
    "change",
    [
        {"verdict": "HOLD"},
        {"serial": "T1-0002"},
        {"defects": ()},
        {"versions": {}},
        {"sequence": 8},
        {"lot": None},
        {"dismissed": 1},
        {"counts": (CountResult(rule="few", count=3, severity="major"),)},
    ],
)
def test_an_altered_record_is_found(change: dict[str, Any]) -> None:
    assert not verify_digest(complete(fields()).model_copy(update=change))


def test_the_same_unit_in_the_same_frames_has_the_same_id() -> None:
    first = complete(fields())
    assert complete(fields(verdict="ACCEPT", reasons=[])).id == first.id
    for name in ("serial", "lot", "station"):
        assert complete(fields(**{name: "other"})).id != first.id
    assert complete(fields(sequence=8)).id != first.id


@pytest.mark.parametrize(
    "change",
    [
        {"verdict": "ACCEPT"},
        {"reasons": []},
        {"verdict": "HOLD", "reasons": []},
        {"verdict": "HOLD"},
        {"reasons": ["frame_dark"]},
        {"reasons": ["looks_bad"]},
        {"characteristics": [result(reason="looks_bad")]},
        {"characteristics": [result(valid=False, decision="undecided")]},
        {"characteristics": [result(valid=False, reason="edge_not_found")]},
        {"characteristics": [result(value=float("nan"))]},
        {"characteristics": [result(standard_uncertainty=-0.1)]},
        {"timing_ms": {"total": float("inf")}},
        {"golden": {"digest": "sha256:12", "version": 1}},
        {"dismissed": -1},
        {"counts": [{"rule": "few", "count": 0, "severity": "major"}]},
        {"counts": [{"rule": "few", "count": 3, "severity": "allowed"}]},
        {"surprise": 1},
    ],
)
def test_a_record_that_contradicts_itself_is_refused(change: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        complete(fields(**change))


def test_every_reason_says_what_happened_and_what_to_do() -> None:
    for code, reason in REASONS.items():
        assert reason.code == code
        assert re.fullmatch(r"[a-z]+(_[a-z]+)*", code)
        assert reason.meaning
        assert reason.remedy
        assert not (reason.meaning + reason.remedy).endswith(".")
    assert len({reason.meaning for reason in REASONS.values()}) == len(REASONS)


def test_no_reason_accepts() -> None:
    assert {reason.verdict for reason in REASONS.values()} == {"HOLD", "REJECT"}


@pytest.mark.parametrize(
    "pixels", [np.zeros((4, 4), np.float32), np.zeros((4, 4), np.int16), np.zeros(4, np.uint8)]
)
def test_a_frame_is_of_pixels(pixels: Any) -> None:
    with pytest.raises(FrameError, match="uint8 or uint16"):
        Frame(pixels=pixels, data=b"", view="top", camera="c")


def test_a_frame_is_known_by_its_bytes() -> None:
    frame = Frame(pixels=np.zeros((4, 4), np.uint8), data=b"abc", view="top", camera="c")
    assert frame.digest == "sha256:" + hashlib.sha256(b"abc").hexdigest()
