"""`hallmark model`, and which model the commands that inspect take."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from datasets import pcb_s4
from evidence import Inspection
from golden.keys import SigningKey
from hallmark.__main__ import app
from hallmark.commands import input_errors
from hallmark.demo.plant import Plant, build_plant
from models.card import MODEL, PARITY, Metric, read_card
from models.errors import ModelForeignError, ModelFormatError, ModelUnsignedError
from models.release import packaged, seal
from stations import TwinJob, encode_png, run_station
from tests.models import tiny
from tests.stations.workshop import Workshop, open_workshop, plate

RECALL = Metric(name="recall", defect_class="short", value=0.9712, lower=0.94, upper=0.99, n=207, unit="1")


def run(*arguments: str | Path) -> Result:
    return CliRunner().invoke(app, list(map(str, arguments)))


@pytest.fixture
def model(tmp_path: Path) -> Path:
    return tiny.release(tmp_path / "model", metrics=(RECALL,), limits=("It knows no solder. " * 9,))


def test_the_card_is_shown_to_people_and_to_programs(model: Path) -> None:
    card = read_card(model)
    told = run("model", "show", model)
    assert told.exit_code == 0
    for word in (
        card.reference.digest,
        "not_a_defect, short, open",
        "0.9712",
        "0.94 to 0.99",
        "207",
        "solder",
    ):
        assert word in told.stdout
    assert max(map(len, told.stdout.splitlines())) <= 100
    assert json.loads(run("model", "show", model, "--json").stdout) == json.loads(
        card.model_dump_json(by_alias=True)
    )


def test_a_whole_model_is_verified(model: Path) -> None:
    result = run("model", "verify", model)
    assert result.exit_code == 0, result.stderr
    assert read_card(model).reference.digest in result.stdout
    assert "4096 cells" in result.stdout


def test_the_packaged_model_is_shown_and_verified_where_none_is_named() -> None:
    digest = read_card(packaged()).reference.digest
    for command in ("show", "verify"):
        result = run("model", command)
        assert result.exit_code == 0
        assert digest in result.stdout


def test_a_damaged_model_is_exit_1_with_one_sentence(model: Path) -> None:
    with (model / MODEL).open("ab") as file:
        file.write(b"\0")
    result = run("model", "verify", model)
    assert (result.exit_code, result.stdout) == (1, "")
    assert "its bytes are not the ones" in result.stderr
    inputs = tiny.pairs()
    tiny.replace(model, MODEL, (model / MODEL).read_bytes()[:-1])
    tiny.replace(model, PARITY, tiny.npz(pair=inputs[..., ::-1], logits=tiny.logits(inputs)))
    result = run("model", "verify", model)
    assert (result.exit_code, result.stdout) == (1, "")
    assert "damaged export" in result.stderr


@pytest.mark.parametrize("command", ["show", "verify"])
def test_a_folder_that_is_no_model_is_bad_input(tmp_path: Path, command: str) -> None:
    result = run("model", command, tmp_path)
    assert isinstance(result.exception, ModelFormatError)
    assert isinstance(result.exception, input_errors())


# --- inspect


def test_no_registry_is_made_for_what_is_no_release(tmp_path: Path) -> None:
    private, _ = SigningKey.generate("Quality", "buyer").save(tmp_path / "keys")
    (tmp_path / "empty").mkdir()
    told = run(
        "model", "release", tmp_path / "registry", tmp_path / "empty", "--key", private, "--why", "first"
    )
    assert isinstance(told.exception, ModelFormatError)
    assert not (tmp_path / "registry").exists()


@pytest.fixture(scope="module")
def plant(tmp_path_factory: pytest.TempPathFactory) -> Plant:
    plant = build_plant(tmp_path_factory.mktemp("plant"), datetime.now(UTC))
    (plant.root / "good.jpg").write_bytes(pcb_s4.good_scan())
    return plant


def inspect(plant: Plant, *arguments: str | Path) -> Result:
    return run(
        "inspect", plant.golden_file, "--trust", plant.trust, "--calibration", plant.certificates["line-1"],
        *arguments, plant.root / "good.jpg",
    )  # fmt: skip


def test_inspect_takes_the_model_that_is_named_and_records_it(plant: Plant, tmp_path: Path) -> None:
    mine = tiny.release(tmp_path / "mine", golden_image=tiny.digest(pcb_s4.good_scan()))
    assert isinstance(inspect(plant, "--model", mine).exception, ModelUnsignedError)
    (key,) = (plant.root / "keys" / "buyer").glob("*.key.json")
    seal(mine, read_card(mine), SigningKey.load(key))
    result = inspect(plant, "--json", "--model", mine)
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    assert Inspection.model_validate_json(result.stdout).model == read_card(mine).reference
    assert "named by model tiny" in inspect(plant, "--model", mine).stderr


def test_inspect_without_a_model_says_so(plant: Plant) -> None:
    assert "no model" in inspect(plant, "--model", "none").stderr
    record = Inspection.model_validate_json(inspect(plant, "--json", "--model", "none").stdout)
    assert record.model is None


def test_inspect_takes_the_packaged_model_where_it_fits(plant: Plant) -> None:
    record = Inspection.model_validate_json(inspect(plant, "--json").stdout)
    assert record.model is not None
    assert record.model.name == "s4"


def test_a_model_made_from_another_golden_image_inspects_nothing(plant: Plant, model: Path) -> None:
    result = inspect(plant, "--model", model)
    assert isinstance(result.exception, ModelForeignError)
    assert result.stdout == ""


# --- stations and replay


@pytest.fixture
def workshop(tmp_path: Path) -> Workshop:
    return open_workshop(tmp_path)


def replay(workshop: Workshop, *more: str | Path) -> Result:
    return run(
        "replay", workshop.home / "spool", "--golden", workshop.golden, "--trust", workshop.trust,
        "--calibration", workshop.certificate, *more,
    )  # fmt: skip


def test_a_station_records_its_model_and_replay_asks_for_the_same(workshop: Workshop, tmp_path: Path) -> None:
    mine = tiny.release(tmp_path / "mine", golden_image=tiny.digest(encode_png(plate())))
    with pytest.raises(ModelUnsignedError, match="hallmark model sign"):
        run_station(workshop.config(jobs=(TwinJob("A1", 5),), model=str(mine)))
    seal(mine, read_card(mine), workshop.buyer)
    run_station(workshop.config(jobs=(TwinJob("A1", 5),), model=str(mine)))
    refused = replay(workshop)
    assert refused.exit_code == 1
    assert f"named by model 'tiny', {read_card(mine).reference.digest}: give that model" in refused.stdout
    other = tiny.release(
        tmp_path / "other", golden_image=tiny.digest(encode_png(plate())), created="2026-03-03"
    )
    assert "give that model" in replay(workshop, "--model", other).stdout
    agreed = replay(workshop, "--model", other, "--model", mine)
    assert (agreed.exit_code, agreed.stdout) == (0, "1 of 1 agree, 0 disagree, 0 not compared\n")


def test_a_station_with_a_foreign_model_makes_no_spool(workshop: Workshop, model: Path) -> None:
    with pytest.raises(ModelForeignError):
        run_station(workshop.config(jobs=(TwinJob("A1", 5),), model=str(model)))
    assert not (workshop.home / "spool").exists()


def test_station_run_says_what_names_deviations(workshop: Workshop, tmp_path: Path) -> None:
    mine = tiny.release(tmp_path / "mine", golden_image=tiny.digest(encode_png(plate())))
    seal(mine, read_card(mine), workshop.buyer)
    said = {
        choice: run(
            "station", "run", "--golden", workshop.golden, "--trust", workshop.trust, "--calibration",
            workshop.certificate, "--station", "cell-1", "--spool", tmp_path / f"spool-{n}", "--twin", "1",
            "--model", choice,
        ).stderr
        for n, choice in enumerate((str(mine), "none", "packaged"))
    }  # fmt: skip
    assert "named by model tiny" in said[str(mine)]
    assert "no model" in said["none"]
    assert "no model" in said["packaged"]
