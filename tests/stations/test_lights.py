"""A station follows its lamp by the tile in its frames, from record to record, whatever comes between."""

from __future__ import annotations

import json
import shutil
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import structlog
from click.testing import Result
from structlog.testing import LogCapture
from typer.testing import CliRunner

from calibration.colour.drift import LightReference
from calibration.errors import CheckError
from evidence import Inspection, complete
from golden import bundle, seal
from golden.keys import SigningKey, TrustStore
from golden.sample import GoldenSample
from golden.spec import GoldenSpec
from hallmark.replay import Replay
from stations import ImageJob, SpoolConflictError, SpoolReader, StationConfig, known_light, open_station
from stations import lights as lights_module
from tests.hallmark.colour_kit import colour_commands
from tests.vision import board, colour_scene
from vision import GoldenColours, first_light, measure_golden
from vision.colour.golden_colours import Tile

BEGAN = datetime(2026, 6, 1, 13, tzinfo=UTC)
BLUE = (0.0, *(0.0012 * n for n in range(8)))  # that the lamp has gained, unit by unit
SERIALS = tuple(f"U{n}" for n in range(1, len(BLUE) + 1))


@dataclass
class Bench:
    """A station's files, and its clock."""

    home: Path
    colours: GoldenColours
    now: datetime = BEGAN

    def config(self, spool: str, serials: Sequence[str]) -> StationConfig:
        jobs = tuple(ImageJob(s, {"top": self.home / f"{s}.png"}) for s in serials)
        return StationConfig(
            station="cell-1", golden=self.home / "part.golden", trust=self.home / "trust", jobs=jobs,
            spool=self.home / spool, calibrations={"top": self.home / "top.cal"},
            colours={"top": self.home / "top.colours"}, model="none",
        )  # fmt: skip

    def run(self, spool: str, serials: Sequence[str] = SERIALS) -> list[Inspection]:
        """Inspect; half an hour passes from unit to unit, and the clock is where the serials say."""
        self.now = BEGAN + timedelta(hours=0.5 * SERIALS.index(serials[0]))
        found: list[Inspection] = []
        with open_station(self.config(spool, serials)) as station:
            for record in station.units():
                found.append(record)
                self.now += timedelta(hours=0.5)
        return found

    def tamper(self, sequence: int, *, sign: bool, change: Callable[[dict[str, Any]], None]) -> None:
        connection = sqlite3.connect(self.home / "altered" / "spool.db")
        connection.execute("DROP TRIGGER IF EXISTS unit_record_stays")
        (text,) = connection.execute("SELECT record FROM unit WHERE sequence = ?", (sequence,)).fetchone()
        record = json.loads(text)
        change(record["frames"][0]["light"])
        if sign:
            record = complete({k: v for k, v in record.items() if k not in ("id", "digest")}).record()
        data = json.dumps(record).encode()
        connection.execute("UPDATE unit SET record = ? WHERE sequence = ?", (data, sequence))
        connection.commit()
        connection.close()


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    home = tmp_path_factory.mktemp("lights")
    supplier, buyer = SigningKey.generate("Maker", "supplier"), SigningKey.generate("Taker", "buyer")
    (home / "trust").mkdir()
    for key in (supplier, buyer):
        key.save(home / "trust")
    spec = colour_scene.spec()
    spec["characteristics"] = [
        c for c in spec["characteristics"] if c["kind"] != "dimension" and c["id"] not in colour_scene.MORE
    ]
    data = bundle.build(
        GoldenSpec.model_validate(spec), dict(colour_scene.golden().images), version=1, issued=board.ISSUED,
        expires=None, predecessor=None,
    )  # fmt: skip
    (home / "part.golden").write_bytes(seal.sign(seal.sign(data, supplier), buyer))
    golden = GoldenSample.open(home / "part.golden", TrustStore.open(home / "trust"), BEGAN)
    certificate = colour_scene.certificate()
    certificate.save(home / "top.cal")
    flicker = (0.002**2 + 1e-7) * np.eye(3) + 0.002**2 * (1 - np.eye(3))
    matrix = tuple(map(tuple, flicker.tolist()))
    light = LightReference.model_validate(
        {"rgb": (0.75, 0.75, 0.75), "repeatability": matrix, "readings": 12}
    )
    tile = Tile(polygon_px=tuple((float(x), float(y)) for x, y in colour_scene.TILE), light=light)
    measured = measure_golden(golden, "top", certificate, [colour_scene.shot(100)])
    colours = measured.model_copy(update={"tile": tile})
    colours.save(home / "top.colours")
    for n, (serial, blue) in enumerate(zip(SERIALS, BLUE, strict=True)):
        pixels = np.asarray(colour_scene.shot(20 + n, gain=(1.0, 1.0, 1.0 + blue)).pixels, np.uint8)
        (home / f"{serial}.png").write_bytes(board.png(pixels))
    made = Bench(home, colours)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("stations.process._clock", lambda _: made.now)
        yield made
    structlog.reset_defaults()


@pytest.fixture(scope="module")
def records(bench: Bench) -> list[Inspection]:
    return bench.run("whole")


def copied(bench: Bench) -> Path:
    shutil.rmtree(bench.home / "altered", ignore_errors=True)
    return Path(shutil.copytree(bench.home / "whole", bench.home / "altered"))


def replay(bench: Bench, spool: str) -> list[tuple[str, str | None]]:
    certificate = colour_scene.certificate()
    with SpoolReader.read(bench.home / spool) as reader:
        found = Replay(
            reader, [bench.home / "part.golden"], TrustStore.open(bench.home / "trust"),
            {certificate.digest: certificate}, at=BEGAN, colours={bench.colours.digest: bench.colours},
        ).run(reader.units())  # fmt: skip
        return [(one.outcome, one.field) for one in found]


def test_units_are_held_once_the_lamp_has_drifted(records: list[Inspection]) -> None:
    drifted = ["light_drifted" in record.reasons for record in records]
    first = drifted.index(True)
    assert 6 <= first <= 7
    assert all(drifted[first:])
    states = [record.frames[0].light.after for record in records if record.frames[0].light is not None]
    assert len(states) == len(records)
    last = states[-1]
    assert last is not None
    assert (last.status, last.why) == ("alarm", "drift")
    assert last.since == records[first].frames[0].captured_at


def test_a_restart_in_between_gives_the_same_records(
    bench: Bench, records: list[Inspection], monkeypatch: pytest.MonkeyPatch
) -> None:
    again = bench.run("cut", SERIALS[:4])
    logs = (
        LogCapture()
    )  # of its own logger: another test's configuration may have been cached in the module's
    logger = structlog.wrap_logger(structlog.PrintLogger(), [logs], structlog.BoundLogger)
    monkeypatch.setattr(lights_module, "log", logger)
    again += bench.run("cut", SERIALS[4:])
    assert [r.digest for r in again] == [r.digest for r in records]
    (told,) = [entry for entry in logs.entries if entry["event"] == "light_drifted"]
    last = records[-1].frames[0].light
    assert last is not None
    assert last.after is not None
    assert (told["view"], told["status"], told["since"]) == ("top", "alarm", last.after.since)


def test_a_replay_agrees_and_finds_a_light_that_was_altered(bench: Bench, records: list[Inspection]) -> None:
    assert replay(bench, "whole") == [("agrees", None)] * len(records)
    copied(bench)
    bench.tamper(2, sign=True, change=lambda light: light["after"].update(steady="2026-06-01T12:30:00Z"))
    bench.tamper(5, sign=True, change=lambda light: light["before"].update(average=[0.0, 0.0, 0.0]))
    bench.tamper(7, sign=False, change=lambda light: light["after"].update(status="suspect"))
    assert replay(bench, "altered")[1:8] == [
        ("disagrees", "frames[0].light.after.steady"),
        ("disagrees", "frames[0].light.before"),
        ("agrees", None),
        ("disagrees", "frames[0].light.after.average[0]"),
        ("agrees", None),
        ("disagrees", "digest"),
        ("disagrees", "frames[0].light.before"),
    ]


def test_a_record_that_was_altered_stops_the_station_from_starting(
    bench: Bench, records: list[Inspection]
) -> None:
    copied(bench)
    bench.tamper(len(records), sign=False, change=lambda light: light["after"].update(status="ok"))
    with pytest.raises(SpoolConflictError, match=r"sequence 9, .* was altered: restore the spool"):
        bench.run("altered", SERIALS[:1])


def test_the_golden_sample_measured_again_begins_anew(bench: Bench, records: list[Inspection]) -> None:
    certificate, began = colour_scene.certificate(), first_light(bench.colours, colour_scene.certificate())
    again = bench.colours.model_copy(update={"measured_at": "2026-06-01T17:30:00Z"})
    with SpoolReader.read(bench.home / "whole") as reader:
        light = records[-1].frames[0].light
        assert light is not None
        assert known_light(reader, bench.colours, certificate) == light.after
        assert known_light(reader, bench.colours, certificate, before=1) == began
        assert known_light(reader, again, certificate) == first_light(again, certificate) != began


def called(*arguments: str | Path) -> Result:
    return CliRunner().invoke(colour_commands(), [str(part) for part in arguments])


def test_which_units_are_in_doubt_is_answered_from_the_records(
    bench: Bench, records: list[Inspection]
) -> None:
    asked = ("calibrate", "lamp", bench.home / "top.colours", "--records", bench.home / "whole")
    told = called(*asked)
    assert told.exit_code == 1, told.output
    first, interval, *rows, last = told.stdout.splitlines()
    assert "view top: units are held since 2026-06-01 16:30:00 UTC by the light: its colour has" in first
    assert interval == "in doubt: after 2026-06-01 13:00:00 UTC until 2026-06-01 16:30:00 UTC"
    assert [row.split()[3] for row in rows] == list(SERIALS[1:8])
    assert last == "7 inspections are in doubt"
    answer = json.loads(called(*asked, "--json").stdout)
    assert [one["serial"] for one in answer["doubts"][0]["inspections"]] == list(SERIALS[1:8])
    assert answer["state"]["status"] == "alarm"
    early = bench.home / "early.jsonl"
    early.write_bytes(b"\n".join(record.to_json() for record in records[:3]))
    good = called(*asked[:-1], early)
    assert (good.exit_code, good.stdout.splitlines()[0][:42]) == (
        0,
        "view top: the light is as beside the golde",
    )
    early.write_bytes(records[0].to_json().replace(b'"light"', b'"lihgt"'))
    assert isinstance(called(*asked[:-1], early).exception, CheckError)


def test_the_command_says_which_lamp_holds_units(bench: Bench, records: list[Inspection]) -> None:
    (bench.home / "pictures").mkdir()
    shutil.copy(bench.home / f"{SERIALS[-1]}.png", bench.home / "pictures")
    bench.now = BEGAN + timedelta(hours=9)
    ran = called(
        "station", "run", "--golden", bench.home / "part.golden", "--trust", bench.home / "trust",
        "--calibration", bench.home / "top.cal", "--colours", bench.home / "top.colours", "--station",
        "cell-1", "--spool", copied(bench), "--images", bench.home / "pictures", "--model", "none",
    )  # fmt: skip
    assert ran.exit_code == 1, ran.output
    assert ran.stderr.count("hallmark: view top: units are held since 2026-06-01 16:30:00 UTC") == 2
    assert "light_drifted" in ran.stdout
