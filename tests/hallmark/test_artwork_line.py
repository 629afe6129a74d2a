"""Artwork from a sealed golden sample to a station's record, its replay, people's calls and a new model."""

from __future__ import annotations

import csv
import json
import shutil
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner, Result

from calibration import CameraCalibration
from datasets.drawn.artwork.example import write_example
from evidence import Inspection, sha256
from golden import bundle, seal
from golden.authoring import load_spec
from golden.keys import SigningKey, TrustStore
from golden.spec import GoldenSpec
from hallmark.__main__ import app
from hallmark.commands import input_errors
from hallmark.replay import Replay
from hallmark.training.prepared import read_index, read_pair
from models.card import CARD, PARITY
from models.detector.card import read_detector_card
from models.errors import ModelForeignError, ModelUnsignedError
from models.release import RELEASE, SEAL, packaged
from models.release import seal as sign
from models.release.report import REPORT
from stations import ImageJob, SpoolReader, StationConfig, run_station
from stations.model_registry import ModelRegistry
from tests.stations.workshop import TODAY
from tests.vision import artwork_board as board

MODEL = packaged("artwork")
GAP = (*board.OPEN, board.GROUND)
NICK = (250, 60, 8, 6, board.GROUND)
UNITS = {
    "good": board.golden(),
    "open": board.shifted(board.edited(GAP), 3, 0),
    "nick": board.edited(NICK),
    "littered": board.edited(  # the detector dismisses each speck that it is shown
        *((30 + 12 * i, 88 + 48 * j, 3, 3, board.COPPER) for i in range(24) for j in range(3))
    ),
    "other": np.ascontiguousarray(np.rot90(board.golden(), 2)),
}


@dataclass(frozen=True)
class Plant:
    """Keys, a sealed board, pictures of units, and the spool of a station that inspected them.

    `model` is the released detector with fewer crops to check at each opening, signed by the buyer.
    """

    home: Path
    golden: Path
    trust: Path
    quality: Path
    model: Path
    spool: Path

    @property
    def agreed(self) -> tuple[str, ...]:
        return "--golden", str(self.golden), "--trust", str(self.trust)

    def inspect(self, *arguments: str | Path) -> Result:
        return run("inspect", self.golden, "--trust", self.trust, *arguments)

    def picture(self, name: str) -> Path:
        return self.home / f"{name}.png"


def run(*arguments: str | Path) -> Result:
    return CliRunner().invoke(app, list(map(str, arguments)))


def sealed(path: Path, spec: dict[str, Any], *keys: SigningKey, picture: Path | None = None) -> Path:
    data = board.png(board.golden()) if picture is None else picture.read_bytes()
    data = bundle.build(
        GoldenSpec.model_validate(spec), {"images/top.png": data}, version=1,
        issued=TODAY - timedelta(days=30), expires=None, predecessor=None,
    )  # fmt: skip
    for key in keys:
        data = seal.sign(data, key)
    path.write_bytes(data)
    return path


def fewer_crops(folder: Path, **card: Any) -> Path:
    """Copy the released detector with 16 crops of its fixed set, unsigned; `card` changes its card."""
    shutil.copytree(MODEL, folder)
    for name in (RELEASE, SEAL, REPORT):
        (folder / name).unlink()
    with np.load(folder / PARITY) as arrays:
        np.savez_compressed(folder / PARITY, **{name: arrays[name][:16] for name in arrays.files})
    fields = json.loads((folder / CARD).read_bytes())
    fields["files"]["parity"] = sha256((folder / PARITY).read_bytes())
    (folder / CARD).write_text(json.dumps({**fields, **card}))
    return folder


@pytest.fixture(scope="module")
def plant(tmp_path_factory: pytest.TempPathFactory) -> Plant:
    home = tmp_path_factory.mktemp("plant")
    trust = home / "trust"
    keys = [
        SigningKey.generate(*who)
        for who in (("Shenzhen Boards", "supplier"), ("Nordic Instruments", "buyer"))
    ]
    trust.mkdir()
    saved = [key.save(trust) for key in keys]
    golden = sealed(home / "board.golden", board.fields(), *keys)
    for name, picture in UNITS.items():
        (home / f"{name}.png").write_bytes(board.png(picture))
    for public in MODEL.parent.joinpath("trust").glob("*.pub.json"):
        shutil.copy(public, trust)
    signed = fewer_crops(home / "signed")
    sign(signed, read_detector_card(signed), keys[1])
    made = Plant(home, golden, trust, saved[1][0], signed, home / "spool")
    run_station(config(made, model=str(MODEL)))
    return made


def config(plant: Plant, **changes: Any) -> StationConfig:
    jobs = tuple(ImageJob(name, {"top": plant.picture(name)}) for name in UNITS)
    fields: dict[str, Any] = {
        "station": "aoi-1", "golden": plant.golden, "trust": plant.trust, "spool": plant.spool, "jobs": jobs,
        "lot": "L1", "clock": TODAY,
    }  # fmt: skip
    return StationConfig(**{**fields, **changes})


def told(spool: Path) -> dict[str, tuple[str, tuple[str, ...]]]:
    with SpoolReader.read(spool) as reader:
        return {u.serial: (u.inspection.verdict, u.inspection.reasons) for u in reader.units()}


def test_a_station_judges_artwork_and_its_replay_agrees(plant: Plant) -> None:
    assert told(plant.spool) == {
        "good": ("ACCEPT", ()),
        "open": ("REJECT", ("surface_rejected",)),
        "nick": ("ACCEPT", ()),
        "littered": ("HOLD", ("surface_too_different",)),
        "other": ("HOLD", ("unit_upside_down",)),
    }
    again = run("replay", plant.spool, *plant.agreed, "--json")
    assert again.exit_code == 0, again.output
    assert [json.loads(line)["outcome"] for line in again.stdout.splitlines()] == ["agrees"] * len(UNITS)


def test_a_check_standard_that_a_replay_is_given_is_none_of_artworks(plant: Plant, tmp_path: Path) -> None:
    certificate = CameraCalibration.nominal(
        camera="scanner", mm_per_px=board.MM_PER_PX, relative_uncertainty=0.001,
        issued=TODAY - timedelta(days=1), valid_until=TODAY + timedelta(days=1),
    )  # fmt: skip
    path = tmp_path / "scanner.cal"
    certificate.save(path)
    jobs = (ImageJob("good", {"top": plant.picture("good")}),)
    run_station(config(plant, spool=tmp_path / "s", model="none", jobs=jobs, calibrations={"*": path}))
    with SpoolReader.read(tmp_path / "s") as reader:
        units = reader.units()
        assert units[0].inspection.frames[0].calibration == certificate.digest
        replay = Replay(
            reader, [plant.golden], TrustStore.open(plant.trust), {certificate.digest: certificate},
            checks={certificate.digest: lambda _: None},
        )  # fmt: skip
        assert [found.outcome for found in replay.run(units)] == ["agrees"]


def test_a_station_without_a_model_holds_what_differs(plant: Plant, tmp_path: Path) -> None:
    run_station(config(plant, spool=tmp_path / "spool", model="none"))
    found = told(tmp_path / "spool")
    assert found["open"] == found["nick"] == ("HOLD", ("surface_unclassified",))
    assert found["littered"] == ("HOLD", ("surface_unclassified", "surface_too_different"))
    assert found["good"][0] == "ACCEPT"


def test_inspect_says_what_was_found_and_explain_shows_it(plant: Plant, tmp_path: Path) -> None:
    shown = plant.inspect(
        "--model", plant.model, "--out", tmp_path, plant.picture("good"), plant.picture("open")
    )
    assert shown.exit_code == 1, shown.output
    assert shown.stdout.splitlines() == [
        "good  ACCEPT",
        "open  REJECT  surface_rejected  [copper-side]  1 deviations",
        "  #1 open: size 0.38 mm, line open, zone board: critical",
    ]
    assert "named by model artwork" in shown.stderr
    assert "TRIAL" not in shown.stderr
    why = run(
        "explain", plant.golden, tmp_path / "open.json", plant.picture("open"), "--trust", plant.trust,
        "--model", plant.model, "--out", tmp_path / "why", "--json",
    )  # fmt: skip
    assert why.exit_code == 0, why.output
    (line,) = json.loads(why.stdout)["deviations"]
    assert (line["class"], line["severity"]) == ("open", "critical")
    assert Path(line["file"]).stat().st_size > 10_000
    for sheet in ("good", "open"):
        assert "artwork" in (tmp_path / f"{sheet}.html").read_text("utf-8")


def test_a_model_that_nobody_trusted_has_signed_is_refused_or_on_trial(plant: Plant, tmp_path: Path) -> None:
    unsigned = fewer_crops(tmp_path / "unsigned")
    given = "--model", unsigned, plant.picture("good"), plant.picture("open")
    refused = plant.inspect(*given)
    assert isinstance(refused.exception, ModelUnsignedError)
    assert isinstance(refused.exception, input_errors())
    assert "not released" in str(refused.exception)
    assert "--trial, which accepts no unit" in str(refused.exception)
    tried = plant.inspect(*given, "--trial", "--json")
    good, bad = (Inspection.model_validate_json(line) for line in tried.stdout.splitlines())
    assert (good.verdict, good.reasons) == ("HOLD", ("model_on_trial",))
    assert (bad.verdict, bad.reasons) == ("REJECT", ("surface_rejected", "model_on_trial"))
    assert "ON TRIAL" in tried.stderr
    trusted = plant.inspect("--model", plant.model, "--trial", plant.picture("good"))
    assert (trusted.exit_code, trusted.stdout) == (0, "good  ACCEPT\n")
    assert "TRIAL" not in trusted.stderr
    with pytest.raises(ModelUnsignedError):
        run_station(config(plant, model=str(unsigned), spool=tmp_path / "spool"))


def test_a_catalogue_that_does_not_know_a_class_is_told_at_the_start(plant: Plant, tmp_path: Path) -> None:
    keys = [SigningKey.load(path) for path in sorted(plant.trust.glob("*.key.json"))]
    assert len(keys) == 2
    fields = board.fields()
    fields["catalogue"]["rules"] = fields["catalogue"]["rules"][:-2]
    poorer = sealed(tmp_path / "poorer.golden", fields, *keys)
    refused = run("inspect", poorer, "--trust", plant.trust, "--model", plant.model, plant.picture("good"))
    assert isinstance(refused.exception, ModelForeignError)
    assert "names copper, pin-hole, of which no line of the golden sample's catalogue speaks in board" in str(
        refused.exception
    )
    with pytest.raises(ModelForeignError, match="copper, pin-hole"):
        run_station(config(plant, golden=poorer, model=str(plant.model), spool=tmp_path / "spool"))


def test_a_new_detector_runs_in_shadow_of_the_one_in_use_and_is_released(
    plant: Plant, tmp_path: Path
) -> None:
    exchanged = ["not_a_defect", "mousebite", "short", "open", "spur", "copper", "pin-hole"]
    registry, new = tmp_path / "models", fewer_crops(tmp_path / "new", classes=exchanged, metrics=[])
    ModelRegistry.create(registry)
    shutil.copy(next(plant.trust.glob("buyer-*.pub.json")), registry / "trust")
    signed = "--key", plant.quality, "--why", "better"
    first = run("model", "release", registry, plant.model, *signed)
    assert first.exit_code == 0, first.output
    ran = run("model", "shadow", registry, new, plant.spool, *plant.agreed, "--out", tmp_path / "shadow")
    assert ran.exit_code == 1, ran.output
    assert "nick: ACCEPT becomes REJECT" in ran.stdout
    assert "5 units: 1 verdicts would flip, 1 differ in names alone" in ran.stdout
    shown = "--shadow", tmp_path / "shadow" / "shadow.json"
    assert run("model", "release", registry, new, *signed, *shown).exit_code == 2
    done = run("model", "release", registry, new, *signed, *shown, "--flips", "1")
    assert done.exit_code == 0, done.output
    run_station(config(plant, model=str(registry), spool=tmp_path / "spool"))
    assert told(tmp_path / "spool")["nick"] == ("REJECT", ("surface_rejected",))
    back = run("model", "rollback", registry, "--by", "Li Na", "--why", "names exchanged")
    assert back.exit_code == 0
    again = plant.inspect("--model", registry, plant.picture("nick"))
    assert again.stdout.startswith("nick  ACCEPT")


def test_calls_on_artwork_become_pairs_that_a_detector_learns_from(plant: Plant, tmp_path: Path) -> None:
    sheet = tmp_path / "calls" / "calls.csv"
    assert run("model", "feedback", "sheet", plant.spool, *plant.agreed, "--out", sheet.parent).exit_code == 0
    rows = list(csv.DictReader(sheet.read_text().splitlines()))
    for row in rows:
        row["call"] = {"open": "confirmed", "nick": "not_a_defect"}.get(row["serial"], "")
    with sheet.open("w", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    pairs = tmp_path / "pairs"
    made = run(
        "model", "feedback", "collect", plant.spool, sheet, *plant.agreed, "--by", "Li Na", "--out", pairs,
        "--model", plant.model,
    )  # fmt: skip
    assert made.exit_code == 0, made.output
    index = read_index(pairs)
    assert (index.channels, index.classes) == (1, read_detector_card(plant.model).classes)
    assert index.golden_image is None  # whatever the design
    called = {name.split()[0]: read_pair(pairs, n)[0] for n, name in enumerate(index.names.values())}
    assert set(called) == {"open", "nick"}
    x, y, w, h = board.OPEN
    one = called["open"]
    assert one.candidates.tolist() == [[x + 3, y, x + 3 + w, y + h, 0]]
    assert one.boxes.tolist() == [[x + 3 - 12, y - 12, x + 3 + w + 12, y + h + 12, 1]]
    np.testing.assert_array_equal(one.golden[..., 0], board.shifted(board.golden(), 3, 0))
    np.testing.assert_array_equal(one.unit[..., 0], UNITS["open"])
    assert called["nick"].boxes.tolist() == []
    ran = run("model", "shadow", plant.model, plant.model, pairs, "--out", tmp_path / "shadow")
    assert ran.exit_code == 0, ran.output


def test_the_drawn_example_is_inspected_as_its_document_says(plant: Plant, tmp_path: Path) -> None:
    write_example(tmp_path, units=2, seed=5)
    checked = run("golden", "check", tmp_path / "golden.yaml", "--measure")
    assert (checked.exit_code, "note:" in checked.stdout) == (0, False), checked.output
    keys = [SigningKey.load(path) for path in sorted(plant.trust.glob("*.key.json"))]
    spec = load_spec(tmp_path / "golden.yaml").model_dump(mode="json", by_alias=True)
    golden = sealed(tmp_path / "board.golden", spec, *keys, picture=tmp_path / "images" / "top.png")
    pictures = [tmp_path / f"{kind}-{n}.png" for kind in ("good", "faulty") for n in (1, 2)]
    shown = run("inspect", golden, "--trust", plant.trust, "--model", plant.model, "--json", *pictures)
    records = [Inspection.model_validate_json(line) for line in shown.stdout.splitlines()]
    assert [r.verdict for r in records] == ["ACCEPT", "ACCEPT", "REJECT", "REJECT"], shown.output
    assert {d.defect_class for r in records for d in r.defects} >= {
        "open",
        "short",
        "mousebite",
        "spur",
        "copper",
    }
