"""Frames that a station dropped come from its server's folder; units of another golden sample are told."""

from __future__ import annotations

import csv
from pathlib import Path

import cv2
import pytest

from evidence import sha256
from hallmark.errors import TrainingError
from stations import FrameDroppedError, ImageJob, Spool, encode_png, run_station
from stations.frame_files import FrameFiles
from tests.hallmark.test_model_feedback import SCRATCH, run, undecided
from tests.stations.workshop import Workshop, open_workshop, plate


@pytest.fixture(scope="module")
def workshop(tmp_path_factory: pytest.TempPathFactory) -> Workshop:
    """A station that inspected a scratched plate and dropped its frame, and its server's folder of frames."""
    workshop = open_workshop(tmp_path_factory.mktemp("line"))
    pixels = plate()
    cv2.rectangle(pixels, SCRATCH[:2], (SCRATCH[2] - 1, SCRATCH[3] - 1), (250, 250, 250), -1)
    data = encode_png(pixels)
    (workshop.home / "scratched.png").write_bytes(data)
    run_station(workshop.config(jobs=(ImageJob("scratched", {"top": workshop.home / "scratched.png"}),)))
    digest = sha256(data)
    place = workshop.home / "server" / digest.removeprefix("sha256:")[:2]
    place.mkdir(parents=True)
    FrameFiles(place).put({digest: data})
    with Spool.open(workshop.home / "spool", "cell-1") as spool:
        spool.acknowledge(1)
        assert spool.prune(keep_newest=0) == 1
    return workshop


def test_calls_are_made_on_frames_that_the_server_keeps(workshop: Workshop, tmp_path: Path) -> None:
    spool, kept = workshop.home / "spool", ("--frames", workshop.home / "server")
    agreed = "--golden", workshop.golden, "--trust", workshop.trust
    sheet = tmp_path / "calls" / "calls.csv"
    dropped = run("model", "feedback", "sheet", spool, *agreed, "--out", tmp_path / "none")
    assert isinstance(dropped.exception, FrameDroppedError)
    assert "name the server's folder of frames (--frames)" in str(dropped.exception)
    made = run("model", "feedback", "sheet", spool, *agreed, *kept, "--out", sheet.parent)
    assert made.stdout.startswith("1 deviations to call"), made.output
    (row,) = csv.DictReader(sheet.read_text().splitlines())
    sheet.write_text(sheet.read_text().rstrip() + "scratch\n")
    assert row["call"] == ""
    collect = "model", "feedback", "collect", spool, sheet, *agreed, "--by", "Li Na"
    assert isinstance(run(*collect, "--out", tmp_path / "lost").exception, FrameDroppedError)
    assert run(*collect[:-1], " ", *kept, "--out", tmp_path / "nobody").exit_code == 2
    folder = run(*collect[:4], tmp_path, *collect[5:], "--out", tmp_path / "none")
    assert str(folder.exception) == f"{tmp_path}: Is a directory: give the calls.csv that was filled in"
    pairs = run(*collect, *kept, "--out", tmp_path / "pairs")
    assert pairs.stdout.startswith("1 calls by Li Na: 1 pairs"), pairs.output
    model = undecided(tmp_path / "model", 0.9)
    shadow = "model", "shadow", model, model, spool, *agreed, "--out", tmp_path / "shadow"
    assert isinstance(run(*shadow).exception, FrameDroppedError)
    assert run(*shadow, *kept).stdout.startswith("1 units: 0 verdicts would flip")


def test_a_golden_sample_that_judged_none_of_the_units_is_told(workshop: Workshop, tmp_path: Path) -> None:
    other = workshop.golden.read_bytes()
    workshop.seal(2)
    agreed = "--golden", workshop.golden, "--trust", workshop.trust
    told = run("model", "feedback", "sheet", workshop.home / "spool", *agreed, "--out", tmp_path / "sheet")
    workshop.golden.write_bytes(other)
    assert isinstance(told.exception, TrainingError)
    assert "none of 1 units was judged by golden sample" in str(told.exception)
    assert not (tmp_path / "sheet").exists()
