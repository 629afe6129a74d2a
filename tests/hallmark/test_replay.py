"""`hallmark replay`: what was stored is found again, and whatever was altered is named."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import structlog
from click.testing import Result
from typer.testing import CliRunner

from evidence import complete
from golden.errors import ExpiredError
from golden.keys import TrustStore
from golden.sample import GoldenSample
from hallmark.__main__ import app
from stations import ImageJob, Spool, TwinJob, encode_png, run_station
from tests.stations.workshop import TODAY, Workshop, open_workshop, twin_jobs
from vision import held


@pytest.fixture
def workshop(tmp_path: Path) -> Workshop:
    """A station has run: two good units, one black, one that no camera saw, one interrupted."""
    workshop = open_workshop(tmp_path)
    run_station(workshop.config(jobs=(*twin_jobs(2), ImageJob("GONE", {"top": tmp_path / "gone.png"}))))
    return workshop


def replay(workshop: Workshop, *more: str) -> Result:
    return CliRunner().invoke(
        app,
        [
            "replay", str(workshop.home / "spool"), "--golden", str(workshop.golden), "--trust",
            str(workshop.trust), "--calibration", str(workshop.certificate), *more,
        ],
    )  # fmt: skip


def rewrite(
    workshop: Workshop, sequence: int, change: Callable[[dict[str, Any]], object], *, sign: bool
) -> None:
    """Alter a stored record behind the spool's back; `sign` gives it a digest that fits again."""
    connection = sqlite3.connect(workshop.home / "spool" / "spool.db")
    connection.execute("DROP TRIGGER IF EXISTS unit_record_stays")
    (text,) = connection.execute("SELECT record FROM unit WHERE sequence = ?", (sequence,)).fetchone()
    record = json.loads(text)
    change(record)
    if sign:
        record = complete({k: v for k, v in record.items() if k not in ("id", "digest")}).record()
    connection.execute(
        "UPDATE unit SET record = ? WHERE sequence = ?", (json.dumps(record).encode(), sequence)
    )
    connection.commit()
    connection.close()


def test_everything_agrees(workshop: Workshop) -> None:
    result = replay(workshop)
    assert (result.exit_code, result.stdout) == (0, "3 of 3 agree, 0 disagree, 0 not compared\n"), (
        result.output
    )
    result = replay(workshop, "--sequence", "2", "--json")
    assert result.exit_code == 0
    assert [(r["sequence"], r["outcome"]) for r in map(json.loads, result.stdout.splitlines())] == [
        (2, "agrees")
    ]


def test_what_a_kill_left_open_agrees_too(workshop: Workshop) -> None:
    golden = GoldenSample.open(workshop.golden, TrustStore.open(workshop.trust), TODAY)
    with Spool.open(workshop.home / "spool", "cell-1") as spool:
        make = partial(held, golden, serial="K", lot="L1", station="cell-1", reason="interrupted")
        spool.reserve(serial="K", lot="L1", at=TODAY, held=lambda n: make(sequence=n))
    open_row = replay(workshop)
    assert open_row.exit_code == 1
    assert "not compared: the station is inspecting it" in open_row.stdout
    Spool.open(workshop.home / "spool", "cell-1").close()
    assert replay(workshop).stdout == "4 of 4 agree, 0 disagree, 0 not compared\n"


def test_unreadable_frames_are_held_again(workshop: Workshop) -> None:
    small, broken = workshop.home / "small.png", workshop.home / "broken.png"
    small.write_bytes(encode_png(np.full((80, 80, 3), 128, np.uint8)))
    broken.write_bytes(b"")
    run_station(workshop.config(jobs=(ImageJob("A", {"top": small}), ImageJob("B", {"top": broken}))))
    assert replay(workshop).stdout == "5 of 5 agree, 0 disagree, 0 not compared\n"


def test_what_the_inspection_failed_on_is_held_again_and_the_cause_is_logged_to_stderr(
    workshop: Workshop, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail(*_: Any, **__: Any) -> None:
        raise ZeroDivisionError("a circle without a radius")

    structlog.reset_defaults()
    with monkeypatch.context() as patch:
        patch.setattr("vision.Inspector.inspect", fail)
        assert run_station(workshop.config(jobs=twin_jobs(1, first=8))).verdicts == {"HOLD": 1}
    said = capsys.readouterr()
    assert said.out == ""
    assert "ZeroDivisionError: a circle without a radius" in said.err
    assert "sequence=4" in said.err
    result = replay(workshop)
    assert result.stdout == "4 of 4 agree, 0 disagree, 0 not compared\n"
    structlog.reset_defaults()


def test_a_foreign_certificate_is_held_again(workshop: Workshop) -> None:
    run_station(workshop.config(jobs=twin_jobs(1, first=8), cameras={"*": "cam-2"}))
    assert replay(workshop).stdout == "4 of 4 agree, 0 disagree, 0 not compared\n"


def test_expiry_since_then_changes_nothing(tmp_path: Path) -> None:
    workshop = open_workshop(tmp_path)
    end = TODAY - timedelta(days=10)
    workshop.seal(1, expires=end)
    workshop.certify(valid_until=end)
    then = end - timedelta(days=1)
    run_station(workshop.config(jobs=(TwinJob("S1", 1, captured_at=then),), clock=then))
    assert replay(workshop).exit_code == 0
    assert replay(workshop, "--at", f"{then:%Y-%m-%dT%H:%M:%SZ}").exit_code == 0
    assert isinstance(replay(workshop, "--at", f"{TODAY:%Y-%m-%dT%H:%M:%SZ}").exception, ExpiredError)


@pytest.mark.parametrize(
    ("change", "field"),
    [
        (lambda r: r["characteristics"][0].update(value=0.9), "characteristics[0].value"),
        (lambda r: r["frames"][0]["pose"].update(x_px=1.0), "frames[0].pose.x_px"),
        (lambda r: r.update(verdict="HOLD", reasons=["not_entered"]), "verdict"),
        (lambda r: r.update(serial="OTHER"), "serial"),
        (lambda r: r.update(defects=r["defects"], characteristics=[]), "characteristics"),
        (lambda r: r.update(verdict="HOLD", reasons=["timeout"]), "frames[0].calibration"),
    ],
)
def test_an_altered_record_is_named_by_its_first_difference(
    change: Callable[[dict[str, Any]], None], field: str, workshop: Workshop
) -> None:
    rewrite(workshop, 1, change, sign=True)
    result = replay(workshop, "--json")
    assert result.exit_code == 1, result.output
    rows = [json.loads(line) for line in result.stdout.splitlines()]
    assert [r["outcome"] for r in rows] == ["disagrees", "agrees", "agrees"]
    assert rows[0]["field"] == field
    assert rows[0]["stored"] != rows[0]["recomputed"]


def test_an_unsigned_change_and_an_altered_frame_disagree(workshop: Workshop) -> None:
    rewrite(workshop, 1, lambda r: r["characteristics"][0].update(value=0.9), sign=False)
    frames = sorted((workshop.home / "spool" / "frames").iterdir())
    for path in frames:
        path.write_bytes(path.read_bytes()[:-1] + b"?")
    result = replay(workshop)
    assert result.exit_code == 1
    assert result.stdout.splitlines()[-1] == "1 of 3 agree, 2 disagree, 0 not compared"
    assert "DISAGREES: " in result.stdout
    assert "was altered" in result.stdout


def test_other_software_that_finds_the_same_agrees_and_is_told(workshop: Workshop) -> None:
    rewrite(workshop, 1, lambda r: r["versions"].update(numpy="1.0"), sign=True)
    result = replay(workshop)
    assert result.exit_code == 0
    assert "agrees, recomputed by other software: versions.numpy: stored '1.0'" in result.stdout


def test_what_cannot_be_compared_is_told_and_does_not_pass(workshop: Workshop) -> None:
    with Spool.open(workshop.home / "spool", "cell-1") as spool:
        spool.acknowledge(1)
        assert spool.prune(keep_newest=0) == 1
    dropped = replay(workshop)
    assert dropped.exit_code == 1
    assert "not compared: " in dropped.stdout
    assert replay(workshop, "--sequence", "2").exit_code == 0
    other = workshop.certify(valid_until=TODAY + timedelta(days=5), name="other.cal")
    foreign = CliRunner().invoke(
        app,
        [
            "replay", str(workshop.home / "spool"), "--golden", str(workshop.golden), "--trust",
            str(workshop.trust), "--calibration", str(other),
        ],
    )  # fmt: skip
    assert foreign.exit_code == 1
    assert "give that certificate" in foreign.stdout
    workshop.seal(2)
    assert "give that golden sample" in replay(workshop).stdout


def test_no_spool_and_no_such_unit(workshop: Workshop) -> None:
    assert "holds no unit with sequence 9" in str(replay(workshop, "--sequence", "9").exception)
    (workshop.home / "spool" / "spool.db").unlink()
    assert "is not a spool" in str(replay(workshop).exception)
