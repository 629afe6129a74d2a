"""`hallmark calibrate check|since`: a drift of the scale is seen, and what it put in doubt is listed."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from typer.testing import CliRunner, Result

from calibration import CameraCalibration, CheckError
from evidence import complete
from hallmark.__main__ import app
from stations import open_station
from tests.hallmark.calibration_kit import Kit, write
from tests.stations.test_checks import STANDARD, check, followed, hours
from tests.stations.workshop import open_workshop


@dataclass(frozen=True)
class Bench:
    """A calibrated camera with its check standard."""

    kit: Kit
    certificate: Path
    log: Path

    def check(self, shown: str, *more: object) -> Result:
        """Check with the good or the drifted pictures."""
        pictures = [part for n in (0, 1) for part in ("--image", self.kit.home / shown / f"{n}.png")]
        return self.call("check", *pictures, *more)

    def call(self, command: str, *more: object) -> Result:
        """Call check or since."""
        standard = ("--standard", self.kit.home / "ring.yaml", "--log", self.log)
        words = ["calibrate", command, self.certificate, *standard, *more]
        return CliRunner().invoke(app, [str(word) for word in words], env={"COLUMNS": "200"})


@pytest.fixture
def bench(kit: Kit, tmp_path: Path) -> Bench:
    target, certificate = kit.home / "check-target.yaml", kit.home / "check.cal"
    for out, words in (
        (target, ["target", "--columns", "8", "--rows", "6", "--pitch-mm", "5"]),
        (certificate, ["plane", "--images", kit.pictures / "plane", "--target", target, "--camera", "cam-1"]),
    ):
        if not out.exists():
            done = CliRunner().invoke(app, ["calibrate", *map(str, words), "-o", str(out)])
            assert done.exit_code == 0, done.output
    return Bench(kit, certificate, tmp_path / "cell.checks")


def test_a_drift_of_a_thousandth_makes_suspect_then_expired(bench: Bench, tmp_path: Path) -> None:
    for _ in range(3):
        done = bench.check("good")
        assert done.exit_code == 0, done.output
        assert "cam-1: valid" in done.stdout
    after = datetime.now(UTC)
    suspect = bench.check("drifted", "--json", "--chart", tmp_path / "chart.png", "--note", "late shift")
    assert suspect.exit_code == 1, suspect.output
    told: dict[str, Any] = json.loads(suspect.stdout)
    assert (told["state"], told["why"], told["verdict"]) == ("suspect", "beyond_limits", "bad")
    shift = next(p for p in told["points"] if (p["size"], p["chart"]) == ("pitch", "shift"))
    assert shift["value"] == pytest.approx(0.014, abs=0.001)  # of 14 mm, by the twin
    assert shift["beyond"]
    readings = {r["id"]: r["values_mm"] for r in told["readings"]}
    assert np.allclose(readings["disk"], 8.008, rtol=0, atol=0.003)
    picture = cv2.imread(str(tmp_path / "chart.png"))
    assert picture is not None
    assert picture.shape[1] == 1500
    expired = bench.check("drifted")
    assert expired.exit_code == 1
    assert "EXPIRED, two checks in a row" in expired.stdout
    assert "beyond: " in expired.stdout
    doubted = tmp_path / "records.jsonl"
    doubted.write_bytes(
        b"\n".join(
            record(bench, serial, at)
            for serial, at in (
                ("before", after - timedelta(minutes=10)), ("between", after),
                ("later", after + timedelta(hours=1)),
            )
        )
    )  # fmt: skip
    since = bench.call("since", "--records", doubted)
    assert since.exit_code == 1, since.output
    assert "in doubt: after " in since.stdout
    assert [line.split()[3] for line in since.stdout.splitlines()[1:-1]] == ["between"]
    as_json = json.loads(bench.call("since", "--records", doubted, "--json").stdout)
    assert as_json["state"] == "expired"
    assert [one["serial"] for one in as_json["inspections"]] == ["between"]
    earlier = bench.call("since", "--at", f"{after:%Y-%m-%dT%H:%M:%SZ}")
    assert (earlier.exit_code, earlier.stdout) == (0, "valid: nothing is in doubt\n")


def record(bench: Bench, serial: str, at: datetime) -> bytes:
    """Return the record of a unit that the certificate measured."""
    digest = CameraCalibration.parse(bench.certificate.read_bytes(), source="cell").digest
    frame = {
        "view": "top", "camera": "cam-1", "digest": "sha256:" + "b" * 64, "calibration": digest, "pose": None,
        "captured_at": at.isoformat().replace("+00:00", "Z"),
    }  # fmt: skip
    return complete({
        "part": "T1", "revision": "A", "serial": serial, "lot": "L1", "station": "cell-3", "sequence": 1,
        "golden": {"digest": "sha256:" + "a" * 64, "version": 1}, "model": None, "frames": [frame],
        "characteristics": [], "defects": [], "verdict": "ACCEPT", "reasons": [], "versions": {},
    }).to_json()  # fmt: skip


def test_what_cannot_be_checked_is_told_and_nothing_is_logged(bench: Bench, tmp_path: Path) -> None:
    empty = write(tmp_path / "empty.png", np.full((360, 480), 150, np.uint8))
    other = write(tmp_path / "small.png", np.full((300, 400), 150, np.uint8))
    for words, sentence in (
        (("--image", empty), "no size of the check standard was measured (disk: edge_not_found"),
        (("--image", other), "the certificate is of 480 x 360"),
        (("--image", tmp_path / "absent.png"), "no such file"),
    ):
        done = bench.call("check", *words)
        assert isinstance(done.exception, ValueError)
        assert sentence in str(done.exception)
        assert not bench.log.exists()


def test_a_size_that_is_missing_counts_as_no_check(bench: Bench, tmp_path: Path) -> None:
    half = cv2.imread(str(bench.kit.home / "good" / "0.png"), cv2.IMREAD_UNCHANGED)
    assert half is not None
    half[:, 260:] = half[5, 260]  # the small disk is covered
    done = bench.call("check", "--image", write(tmp_path / "half.png", half))
    assert "pitch was not measured" in done.stdout
    assert "incomplete" in done.stdout


def test_an_altered_log_is_refused_and_left_alone(bench: Bench) -> None:
    assert bench.check("good").exit_code == 0
    altered = bench.log.read_bytes().replace(b"PLATE-3", b"PLATE-4")
    bench.log.write_bytes(altered)
    done = bench.check("good")
    assert isinstance(done.exception, CheckError)
    assert "altered" in str(done.exception)
    assert bench.log.read_bytes() == altered


def test_a_line_that_a_power_cut_left_unfinished_is_dropped(bench: Bench) -> None:
    assert bench.check("good").exit_code == 0
    whole = bench.log.read_bytes()
    bench.log.write_bytes(whole + whole[:40])
    assert bench.check("good").exit_code == 0
    lines = bench.log.read_bytes().splitlines(keepends=True)
    assert lines[0] == whole
    assert len(lines) == 2


def test_units_held_by_a_check_replay_with_its_log(tmp_path: Path) -> None:
    workshop = open_workshop(tmp_path)
    (tmp_path / "standard.yaml").write_text(STANDARD)
    (tmp_path / "top.checks").write_bytes(b"")
    for shift, scale in ((8, 1.0), (16, 1.0), (24, 1.0), (32, 1.001)):
        check(workshop, hours(shift), scale)
    with open_station(workshop.config(**followed(workshop, hours(31), hours(32.5)))) as station:
        assert [record.verdict for record in station.units()] == ["ACCEPT", "HOLD"]
    replay = [
        "replay", workshop.home / "spool", "--golden", workshop.golden, "--trust", workshop.trust,
        "--calibration", workshop.certificate,
    ]  # fmt: skip
    without = CliRunner().invoke(app, [str(word) for word in replay])
    assert without.exit_code == 1
    assert "held by a check standard: give its definition and its log" in without.stdout
    given = ["--check-standard", tmp_path / "standard.yaml", "--check-log", tmp_path / "top.checks"]
    agreed = CliRunner().invoke(app, [str(word) for word in (*replay, *given)])
    assert agreed.exit_code == 0, agreed.output
    assert agreed.stdout.endswith("2 of 2 agree, 0 disagree, 0 not compared\n")
