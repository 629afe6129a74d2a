"""`hallmark model draw` and `hallmark model evaluate`: their files, exit codes and refusals."""

from __future__ import annotations

import hashlib
import io
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner, Result

from datasets import pcb_s4
from hallmark.__main__ import app
from hallmark.commands import input_errors
from hallmark.training import evaluate as evaluation
from hallmark.training.draw import _draw_one
from models import CLASSES
from models.card import Metric, read_card
from models.errors import ModelForeignError, ModelFormatError
from tests.models import tiny

SEED = 14


def run(*arguments: str | Path) -> Result:
    return CliRunner().invoke(app, list(map(str, arguments)))


# --- draw


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two pairs drawn by two processes, and one. Slow: each process tells the board's materials apart."""
    out = tmp_path_factory.mktemp("drawn") / "train"
    result = run(
        "model", "draw", "--out", out, "--units", "2", "--validation", "1", "--seed", SEED, "--processes", "2"
    )
    assert result.exit_code == 0, result.output
    return out


def index(folder: Path) -> dict[str, Any]:
    return json.loads((folder / "index.json").read_bytes())


@pytest.mark.slow
@pytest.mark.xdist_group("drawn")  # one worker draws the folder
def test_a_folder_of_pairs_names_what_is_in_it(folder: Path) -> None:
    assert index(folder)["files"].keys() == {"0000.npz", "0001.npz"}
    assert index(folder / "validation")["files"].keys() == {"0000.npz"}
    for part in (folder, folder / "validation"):
        told = index(part)
        for name, digest in told["files"].items():
            assert "sha256:" + hashlib.sha256((part / name).read_bytes()).hexdigest() == digest
        assert told["schema"] == "hallmark.pairs/1"
        assert told["classes"] == list(CLASSES)
        assert told["golden_image"] == "sha256:" + hashlib.sha256(pcb_s4.good_scan()).hexdigest()
        assert told["mm_per_px"] == pytest.approx(pcb_s4.MM_PER_PX, rel=1e-3)
        assert np.load(part / "golden.npy").shape == (1888, 1663, 3)
    assert (index(folder)["seed"], index(folder / "validation")["seed"]) == (SEED, SEED + 1)


@pytest.mark.slow
@pytest.mark.xdist_group("drawn")  # one worker draws the folder
def test_each_file_is_another_pair_in_the_golden_view(folder: Path) -> None:
    golden = np.load(folder / "golden.npy").astype(np.int16)
    files = [folder / "0000.npz", folder / "0001.npz", folder / "validation" / "0000.npz"]
    assert len({file.read_bytes() for file in files}) == 3
    defects = 0
    for file in files:
        pair = np.load(io.BytesIO(file.read_bytes()))
        assert pair["unit"].dtype == pair["labels"].dtype == np.uint8
        assert pair["unit"].shape == golden.shape
        assert pair["labels"].shape == golden.shape[:2]
        assert pair["labels"].max() < len(CLASSES)
        off = np.abs(pair["unit"] - golden).max(axis=2)
        assert np.median(off) < 40, "it was aligned"
        if pair["labels"].any():
            defects += 1
            assert off[pair["labels"] > 0].mean() > 1.2 * off[pair["labels"] == 0].mean()
    assert defects


@pytest.mark.slow
@pytest.mark.xdist_group("drawn")  # one worker draws the folder
def test_another_process_draws_the_same_bytes(folder: Path, tmp_path: Path) -> None:
    name, digest = _draw_one((tmp_path, SEED, 1))
    assert index(folder)["files"][name] == digest
    assert (tmp_path / name).read_bytes() == (folder / name).read_bytes()


def test_draw_tells_what_it_takes() -> None:
    result = run("model", "draw", "--help")
    assert result.exit_code == 0
    for option in ("out", "units", "validation", "seed", "processes"):
        assert option in result.stdout


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--units", "2"), "out"),
        (("--out", "x", "--units", "0"), "units"),
        (("--out", "x", "--validation", "0"), "validation"),
        (("--out", "x", "--seed", "-1"), "seed"),
        (("--out", "x", "--processes", "0"), "processes"),
        (("--out", "x", "--units", "few"), "units"),
    ],
)
def test_draw_refuses_what_cannot_be_drawn(
    arguments: tuple[str, ...], said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    result = run("model", "draw", *arguments)
    assert result.exit_code == 2
    assert said in result.stderr
    assert list(tmp_path.iterdir()) == []


def test_draw_does_not_write_where_a_file_is(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("mine")
    error = run("model", "draw", "--out", tmp_path / "file", "--units", "1").exception
    assert isinstance(error, OSError)
    assert error.filename, "the command says which file, and exits with 2"
    assert (tmp_path / "file").read_text() == "mine"


# --- evaluate


def share(kind: str | None, value: float) -> Metric:
    return Metric.model_validate({
        "name": "recall", "class": kind, "value": value, "lower": value - 0.05, "upper": value + 0.05,
        "n": 40, "unit": "1",
    })  # fmt: skip


FIGURES = (share("short", 0.9), share("open", 0.8))


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """Nothing is inspected: the figures are told. Return what was asked for."""
    calls: list[dict[str, Any]] = []

    def told(folder: Path, **options: Any) -> tuple[Metric, ...]:
        calls.append({"folder": folder, **options})
        options["progress"](1, 1)
        return FIGURES

    monkeypatch.setattr(evaluation, "evaluate", told)
    return calls


def test_figures_are_printed_and_the_card_stays(tmp_path: Path, asked: list[dict[str, Any]]) -> None:
    model = tiny.release(tmp_path / "m")
    before = read_card(model)
    result = run(
        "model", "evaluate", model, "--units", "3", "--good", "4", "--seed", "99", "--processes", "1"
    )
    assert result.exit_code == 0, result.output
    assert "recall" in result.stdout
    assert "0.85 to 0.95" in result.stdout
    assert read_card(model) == before
    (call,) = asked
    assert {k: call[k] for k in ("folder", "units", "good", "seed", "processes")} == {
        "folder": model, "units": 3, "good": 4, "seed": 99, "processes": 1,
    }  # fmt: skip


def test_figures_are_printed_for_programs(tmp_path: Path, asked: list[dict[str, Any]]) -> None:
    result = run("model", "evaluate", tiny.release(tmp_path / "m"), "--json")
    assert [Metric.model_validate(m) for m in json.loads(result.stdout)] == list(FIGURES)


def test_figures_are_put_on_the_card_with_how_they_came_about(
    tmp_path: Path, asked: list[dict[str, Any]]
) -> None:
    model = tiny.release(tmp_path / "m")
    before = read_card(model)
    run("model", "evaluate", model, "--write", "--units", "123", "--good", "456", "--seed", "789")
    card = read_card(model)
    assert card.metrics == FIGURES
    assert all(card.conditions.count(n) == k for n, k in (("123", 2), ("456", 1), ("789", 1)))
    assert card.model_copy(update={"metrics": (), "conditions": before.conditions}) == before


def test_figures_that_differ_from_anothers_are_exit_1(tmp_path: Path, asked: list[dict[str, Any]]) -> None:
    model = tiny.release(tmp_path / "m")
    alike = tiny.release(tmp_path / "alike", metrics=(share("short", 0.85), share("open", 0.85)))
    assert run("model", "evaluate", model, "--against", alike).exit_code == 0
    better = tiny.release(tmp_path / "better", metrics=(share("short", 0.9), share("open", 0.95)))
    result = run("model", "evaluate", model, "--against", better)
    assert result.exit_code == 1
    assert "recall open: 0.8 [0.75, 0.85], released 0.95 [0.9, 1]" in result.stderr
    assert "recall short" not in result.stderr


def test_a_seed_of_training_is_refused(tmp_path: Path, asked: list[dict[str, Any]]) -> None:
    (seed,) = tiny.card().training.seeds.values()
    result = run("model", "evaluate", tiny.release(tmp_path / "m"), "--seed", seed)
    assert result.exit_code == 2
    assert "trained with this seed" in result.stderr
    assert asked == []


def test_folders_that_are_no_models_are_refused_before_anything_is_inspected(
    tmp_path: Path, asked: list[dict[str, Any]]
) -> None:
    model = tiny.release(tmp_path / "m")
    (tmp_path / "empty").mkdir()
    for arguments in ((tmp_path / "empty",), (model, "--against", tmp_path / "empty")):
        error = run("model", "evaluate", *arguments).exception
        assert isinstance(error, ModelFormatError)
        assert isinstance(error, input_errors())
    assert asked == []


def test_a_model_of_another_golden_image_is_bad_input(tmp_path: Path) -> None:
    error = run("model", "evaluate", tiny.release(tmp_path / "m")).exception
    assert isinstance(error, ModelForeignError)
    assert isinstance(error, input_errors())


@pytest.mark.parametrize("option", ["--units", "--good", "--processes"])
def test_evaluate_refuses_none_of_something(option: str, tmp_path: Path, asked: list[dict[str, Any]]) -> None:
    result = run("model", "evaluate", tiny.release(tmp_path / "m"), option, "0")
    assert result.exit_code == 2
    assert option.strip("-") in result.stderr
    assert asked == []
