"""A detector of three channels from labelled units to a station's record: fitted, signed, in use."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from evidence import Inspection
from golden.keys import SigningKey
from models.detector.card import read_detector_card
from models.errors import ModelForeignError, ModelUnsignedError
from stations import ImageJob, StationConfig, run_station
from tests.conftest import IN_CI
from tests.hallmark import colour_folders as folders
from tests.hallmark.test_artwork_line import run, sealed, told
from tests.stations.workshop import TODAY

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("torch")]  # one worker starts torch

TORCH = Path(__file__).parents[2] / ".venv-train" / "bin" / "python"
MARGIN = 24  # pixels of the golden view that are no zone: a shifted unit does not show its rim
STAINS = ((152, 130, 168, 142), (405, 421, 421, 433), (300, 512, 316, 524))  # where no pair had one
MARKS = ((250, 310, 266, 322),)


@dataclass(frozen=True)
class Plant:
    """Keys, a sealed housing, its signed detector, and pictures of a good and a stained unit."""

    home: Path
    golden: Path
    trust: Path
    model: Path

    @property
    def agreed(self) -> tuple[str | Path, ...]:
        return "--golden", self.golden, "--trust", self.trust

    def inspect(self, *arguments: str | Path) -> list[Inspection]:
        done = run("inspect", self.golden, "--trust", self.trust, "--json", *arguments)
        if done.exception is not None and not isinstance(done.exception, SystemExit):
            raise done.exception
        return [Inspection.model_validate_json(line) for line in done.stdout.splitlines()]

    def picture(self, name: str) -> Path:
        return self.home / f"{name}.png"


@pytest.fixture(scope="module")
def plant(tmp_path_factory: pytest.TempPathFactory) -> Plant:
    if not TORCH.exists():
        refuse = pytest.fail if IN_CI else pytest.skip
        refuse(".venv-train not made (make train-setup)")
    home = tmp_path_factory.mktemp("plant")
    data, model, trust = folders.anomalib(home / "data", 3), home / "model", home / "trust"
    units = [f"train/good/{n}.png,lot-{n}\ntest/stain/{n}.png,lot-{n}\n" for n in range(3)]
    (home / "lots.csv").write_text("picture,group\n" + "".join(units))
    fitted = run(
        "model", "train", "--data", data, "--colour", "--out", model, "--epochs", "24", "--python", TORCH,
        "--processes", "1", "--groups", home / "lots.csv", "--holdout", "lot-2",
    )  # fmt: skip
    assert fitted.exit_code == 0, fitted.output
    trust.mkdir()
    keys = [
        SigningKey.generate("Shenzhen Housings", "supplier"),
        SigningKey.generate("Nordic Instruments", "buyer"),
    ]
    saved = [key.save(trust) for key in keys]
    golden = sealed(home / "housing.golden", folders.fields(MARGIN), *keys, picture=data / "golden.png")
    folders.write(home / "good.png", folders.unit(40))
    folders.write(home / "stained.png", folders.unit(41, STAINS, MARKS))
    made = Plant(home, golden, trust, model)
    with pytest.raises(ModelUnsignedError):
        made.inspect("--model", model, made.picture("good"))
    signed = run("model", "sign", model, "--key", saved[1][0])
    assert signed.exit_code == 0, signed.output
    return made


def test_stains_are_named_where_they_are_and_nothing_else(plant: Plant, tmp_path: Path) -> None:
    card = read_detector_card(plant.model)
    assert (card.input.channels, card.golden_image is not None) == (3, True)
    assert card.thresholds.chosen.startswith("On 49 candidates, of groups that were held out")
    good, bad = plant.inspect(
        "--model", plant.model, "--out", tmp_path, plant.picture("good"), plant.picture("stained")
    )
    assert (good.verdict, good.defects, good.dismissed) == ("ACCEPT", (), 0)
    assert (bad.verdict, bad.reasons, bad.dismissed) == ("REJECT", ("surface_rejected",), len(MARKS))
    assert bad.model == card.reference
    assert [(d.defect_class, d.rule, d.named_by) for d in bad.defects] == [("stain", "stain", "detector")] * 3
    found = sorted((d.box_px for d in bad.defects), key=lambda box: box[0])
    true = np.array([(x1 - 0.5, y1 - 0.5, x2 - x1, y2 - y1) for x1, y1, x2, y2 in sorted(STAINS)])
    assert np.abs(np.array(found) - true).max() <= 4  # half resolution, and the tolerance of edges
    why = run(
        "explain", plant.golden, tmp_path / "stained.json", plant.picture("stained"), "--trust", plant.trust,
        "--model", plant.model, "--out", tmp_path / "why", "--dismissed", "--json",
    )  # fmt: skip
    assert why.exit_code == 0, why.output
    shown = json.loads(why.stdout)["deviations"]
    assert [one["class"] for one in shown] == ["stain"] * 3 + ["not_a_defect"]
    assert all(Path(one["file"]).stat().st_size > 10_000 for one in shown)


def test_a_station_and_its_replay_and_shadow_agree(plant: Plant, tmp_path: Path) -> None:
    jobs = tuple(ImageJob(name, {"top": plant.picture(name)}) for name in ("good", "stained"))
    station = StationConfig(
        station="cell-1", golden=plant.golden, trust=plant.trust, spool=tmp_path / "spool", jobs=jobs,
        lot="L1", clock=TODAY, model=str(plant.model),
    )  # fmt: skip
    run_station(station)
    assert told(tmp_path / "spool") == {"good": ("ACCEPT", ()), "stained": ("REJECT", ("surface_rejected",))}
    again = run("replay", tmp_path / "spool", *plant.agreed, "--model", plant.model, "--json")
    assert again.exit_code == 0, again.output
    assert [json.loads(line)["outcome"] for line in again.stdout.splitlines()] == ["agrees"] * 2
    shadow = "model", "shadow", plant.model, plant.model, tmp_path / "spool", *plant.agreed
    ran = run(*shadow, "--out", tmp_path / "shadow")
    assert ran.exit_code == 0, ran.output
    assert "2 units: 0 verdicts would flip, 0 differ in names alone" in ran.stdout


def test_another_golden_sample_refuses_it(plant: Plant, tmp_path: Path) -> None:
    keys = [SigningKey.load(path) for path in sorted(plant.trust.glob("*.key.json"))]
    mirrored = tmp_path / "mirrored.png"
    folders.write(mirrored, folders.golden()[:, ::-1])
    foreign = sealed(tmp_path / "foreign.golden", folders.fields(MARGIN), *keys, picture=mirrored)
    other = Plant(tmp_path, foreign, plant.trust, plant.model)
    with pytest.raises(ModelForeignError, match="which is not that of view 'top'"):
        other.inspect("--model", plant.model, plant.picture("good"))
