"""The main job as a newcomer runs it: one command, real images, real processes, a real server."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from hallmark.__main__ import app
from hallmark.demo.truth import LOT_SIZE, plan_lot


def hallmark(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "hallmark", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=280, check=False)


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    out = tmp_path_factory.mktemp("demo") / "out"
    done = hallmark("demo", "--out", out, "--seed", "1")
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    return out, done.stdout


@pytest.mark.slow
@pytest.mark.xdist_group("demo")
def test_the_demo_finds_every_known_fault_and_tells_the_story(demo: tuple[Path, str]) -> None:
    _, told = demo
    assert "found 6 of 6 known faults" in told
    assert "real faulty board REJECT" in told
    assert "phase released" in told
    assert "'state': 'intact'" in told
    missed = [line for line in told.splitlines() if "MISSED" in line]
    assert missed == []


@pytest.mark.slow
@pytest.mark.xdist_group("demo")
def test_the_demo_says_what_each_fault_was_named_and_by_which_line_it_was_weighed(
    demo: tuple[Path, str],
) -> None:
    _, told = demo
    units = dict(re.findall(r"^  (S4-\w+(?:-\d)?)  (.*(?:\n      .*)*)", told, re.MULTILINE))
    faults = {u.seeded.defect_class: u.serial for u in plan_lot(1) if u.seeded is not None}
    assert re.search(r"open 1\.\d mm, major, D2: A conductor is interrupted", units[faults["open"]])
    assert re.search(r"excess material|short", units[faults["short"]])
    assert re.search(r"stain 3\.\d mm, minor, D11: Stain", units[faults["stain"]])
    real = units["S4-REAL-2"]
    assert re.search(r"short \d\.\d mm, major, D1: Copper or solder joins two conductors", real)
    misnamed = told.count("MISNAMED")
    assert f"rightly named {3 - misnamed} of 3 faults of the surface" in told


@pytest.mark.slow
@pytest.mark.xdist_group("demo")
def test_every_paper_is_there_and_complete(demo: tuple[Path, str]) -> None:
    out, _ = demo
    papers = [out / "first-article.html", out / "lot.html", out / "sheets" / "S4-REAL-2.html"]
    for page in (out / "summary.html", *papers):
        assert page.read_text("utf-8").rstrip().endswith("</html>")
    for page in papers:
        assert page.with_suffix(".pdf").read_bytes().startswith(b"%PDF")
    faulty = {unit.serial for unit in plan_lot(1) if unit.seeded is not None}
    assert faulty <= {page.stem for page in (out / "sheets").glob("*.html")}


@pytest.mark.slow
@pytest.mark.xdist_group("demo")
def test_every_unit_replays_from_its_stored_frame_bytes(demo: tuple[Path, str]) -> None:
    out, _ = demo
    total = 0
    for station in ("line-1", "line-2", "oqc-1"):
        arguments = (
            "replay", out / "stations" / station, "--golden", out / "s4.golden", "--trust", out / "trust",
            "--calibration", out / f"{station}.cal", "--frames", out / "server" / "frames", "--json",
        )  # fmt: skip
        done = CliRunner().invoke(app, list(map(str, arguments)))  # another process than the stations'
        assert done.exit_code == 0, done.stdout[-2000:] + done.stderr
        outcomes = [json.loads(line)["outcome"] for line in done.stdout.splitlines()]
        assert set(outcomes) == {"agrees"}
        total += len(outcomes)
    assert total >= LOT_SIZE + 2  # first article, lot, real board, outgoing sample


@pytest.mark.slow
@pytest.mark.xdist_group("demo")
def test_a_demo_never_empties_a_folder_that_it_did_not_make(tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("keep")
    done = hallmark("demo", "--out", tmp_path)
    assert done.returncode == 2
    assert "choose another folder" in done.stderr
    assert (tmp_path / "mine.txt").read_text() == "keep"
