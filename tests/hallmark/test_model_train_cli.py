"""`hallmark model train`: what it says it would do, what it refuses, and what a fit leaves behind."""

from __future__ import annotations

import json
import os
import stat
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner, Result

from hallmark.__main__ import app
from hallmark.commands import input_errors
from hallmark.errors import FitError, TrainingError
from hallmark.training import fitting
from hallmark.training.prepared import read_index, read_pair
from models.detector.release import open_detector
from tests.conftest import IN_CI
from tests.hallmark import artwork_folders as artwork

ROOT = Path(__file__).resolve().parents[2]
TORCH = ROOT / ".venv-train" / "bin" / "python"


def train(*arguments: str | Path | int) -> Result:
    return CliRunner().invoke(app, ["model", "train", *map(str, arguments)])


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder to work in, where no environment is."""
    monkeypatch.delenv("HALLMARK_TRAIN_PYTHON", raising=False)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def data(tmp_path: Path) -> Path:
    root = artwork.deeppcb(tmp_path / "data", ("g1", "g2", "g3"))
    (root / "LICENSE").write_text("MIT License")
    return root


def told(result: Result) -> dict[str, Any]:
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


def python(path: Path, text: str) -> Path:
    """A program that stands where an interpreter is asked for; it answers whether it has torch with yes."""
    path.write_text(f'#!/bin/sh\n[ "$1" = -c ] && exit 0\n{text}\n')
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return path


# --- what would be done


def test_a_dry_run_counts_and_writes_nothing(data: Path, here: Path) -> None:
    before = sorted(here.rglob("*"))
    answer = told(train("--data", data, "--out", "m", "--folds", 3, "--fold", 2, "--dry-run", "--json"))
    assert answer["source"] == "6 labelled pairs in the layout deeppcb"
    assert answer["classes"] == {
        "open": 0, "short": 0, "mousebite": 0, "spur": 0, "copper": 3, "pin-hole": 0,
    }  # fmt: skip
    assert answer["without_defect"] == 3
    assert answer["licences"] == ["LICENSE"]
    assert answer["groups"] == {"g1": 2, "g2": 2, "g3": 2}
    assert answer["held_out"] == {"groups": ["g2"], "pairs": 2}
    assert answer["pairs"] == {"folder": "m-pairs", "wanted": 6, "prepared": 0}
    assert answer["python"].startswith(
        "not ready: no environment with torch to fit in: run 'make train-setup'"
    )
    assert sorted(here.rglob("*")) == before


def test_a_dry_run_is_told_to_people(data: Path) -> None:
    result = train("--data", data, "--out", "m", "--holdout", "g1", "--holdout", "g3", "--dry-run")
    assert result.exit_code == 0
    rows = dict(line.split("  ", 1) for line in result.stdout.splitlines())
    rows = {title: text.strip() for title, text in rows.items()}
    assert rows["classes"] == "open, short, mousebite, spur, copper 3, pin-hole"
    assert rows["licence"] == "LICENSE"
    assert rows["groups"] == "g1 2, g2 2, g3 2"
    assert rows["held out"] == "g1, g3: 4 pairs"
    assert rows["pairs"] == "0 of 6 in m-pairs"
    assert "not ready" in rows["python"]
    (data / "LICENSE").unlink()
    assert (
        "nothing beside the data says how it may be used"
        in train("--data", data, "--out", "m", "--dry-run").stdout
    )


def test_pairs_are_prepared_without_a_fit_and_the_split_is_written(data: Path, here: Path) -> None:
    arguments = ("--data", data, "--out", "m", "--no-fit", "--processes", 1, "--json")
    answer = told(train(*arguments, "--folds", 2, "--fold", 1))
    assert (answer["prepared"], answer["boxes"], answer["boxes_reached"]) == (6, 3, 3)
    assert answer["candidates"] >= 3
    split = json.loads((here / "m-pairs" / "split-2.json").read_text())
    assert answer["split"] == "m-pairs/split-2.json"
    assert [fold["groups"] for fold in split["folds"]] == [["g1", "g3"], ["g2"]]
    assert answer["held_out"] == {"groups": ["g1", "g3"], "pairs": 4}
    assert read_index(here / "m-pairs").source_digest == split["source_digest"] == answer["source_digest"]
    assert not (here / "m").exists()
    again = told(train(*arguments))
    assert again["pairs"]["prepared"] == 6
    assert "split" not in again
    assert "boxes         3, of which a candidate reaches 3" in train(*arguments[:-1]).stdout


def test_golden_pictures_alone_are_drawn_on(here: Path) -> None:
    artwork.templates(here / "golden")
    answer = told(
        train("--golden", "golden", "--out", "m", "--units", 2, "--no-fit", "--processes", 1, "--json")
    )
    assert answer["source"] == "2 units drawn on 2 golden pictures, no real defect seen"
    assert answer["prepared"] == 2
    assert answer["boxes"] > 0
    assert list(read_index(here / "m-pairs").names.values()) == ["board0/0.png", "board1/1.png"]
    assert answer["check"] == "m-pairs-check"
    unseen = read_index(here / "m-pairs-check")
    assert list(unseen.names.values()) == ["board0/0.png"]
    assert not set(unseen.files.values()) & set(read_index(here / "m-pairs").files.values())


def test_a_table_of_groups_counts(data: Path, here: Path) -> None:
    names = [f"g{n}/g{n}{kind}_test.jpg" for n in (1, 2, 3) for kind in ("bad", "good")]
    rows = [f"{name},{'A' if 'bad' in name else 'B'}" for name in names]
    (here / "groups.csv").write_text("\n".join(["picture,group", *rows]))
    answer = told(
        train("--data", data, "--out", "m", "--groups", "groups.csv", "--holdout", "A", "--dry-run", "--json")
    )
    assert answer["held_out"] == {"groups": ["A"], "pairs": 3}


# --- what is refused


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ((), "name what to train on"),
        (("--data", "data", "--folds", "2"), "give --folds and --fold together"),
        (("--data", "data", "--fold", "2"), "give --folds and --fold together"),
        (("--data", "data", "--folds", "2", "--fold", "1", "--holdout", "g1"), "and no --holdout"),
        (("--data", "data", "--folds", "2", "--fold", "3"), "there are 2 folds: give 1 .. 2"),
        (("--data", "data", "--format", "voc"), "voc"),
        (("--data", "data", "--epochs", "0"), "epochs"),
        (("--data", "data", "--units", "0"), "units"),
    ],
)
def test_options_that_say_nothing_are_refused(data: Path, arguments: tuple[str, ...], says: str) -> None:
    result = train("--out", "m", *arguments)
    assert result.exit_code == 2
    assert says in " ".join(result.stderr.replace("│", " ").split())


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("--data", "absent", "--format", "coco"), "absent: no folder"),
        (("--data", "data", "--holdout", "g9"), "no group is called 'g9'"),
        (("--data", "data", "--folds", "4", "--fold", "1"), "3 groups cannot be dealt to 4 folds"),
        (("--data", "data", "--format", "yolo"), "neither is there"),
        (("--data", "data", "--golden", "data/g1/g1bad_temp.jpg"), "name no golden image"),
        (("--golden", "data"), "a tested picture is no golden one"),
    ],
)
def test_bad_data_is_a_sentence_and_nothing_is_written(
    data: Path, here: Path, arguments: tuple[str, ...], says: str
) -> None:
    result = train("--out", "m", "--no-fit", *arguments)
    assert isinstance(result.exception, input_errors())
    assert says in str(result.exception)
    assert not (here / "m-pairs").exists()


def test_a_release_is_never_overwritten(data: Path, here: Path) -> None:
    (here / "m").mkdir()
    result = train("--data", data, "--out", "m", "--dry-run")
    assert result.exit_code == 2
    assert "m is there already" in result.stderr


# --- the environment that fits


def test_without_an_environment_nothing_is_begun(data: Path, here: Path) -> None:
    result = train("--data", data, "--out", "m")
    assert isinstance(result.exception, TrainingError)
    assert "run 'make train-setup'" in str(result.exception)
    assert sorted(path.name for path in here.iterdir()) == ["data"]


def test_the_interpreter_is_the_named_one_else_the_environments(
    here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    own = here / ".venv-train" / "bin" / "python"
    own.parent.mkdir(parents=True)
    python(own, "")
    named = python(here / "named", "")
    assert fitting.interpreter(None, here) == own
    assert fitting.interpreter(named, here) == named
    without = here / "without"
    without.write_text("#!/bin/sh\nexit 1\n")
    without.chmod(0o755)
    for wrong, says in ((without, "has no torch"), (here / "absent", "cannot be run")):
        with pytest.raises(TrainingError, match=f"{wrong.name}: {says}.*make train-setup"):
            fitting.interpreter(wrong, here)
    own.unlink()
    monkeypatch.setattr(
        fitting.importlib.util, "find_spec", lambda name: object() if name == "torch" else None
    )
    assert fitting.interpreter(None, here) == Path(sys.executable)


def test_the_environment_variable_names_the_interpreter(
    data: Path, here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HALLMARK_TRAIN_PYTHON", str(python(here / "p", "")))
    assert told(train("--data", data, "--out", "m", "--dry-run", "--json"))["python"] == str(here / "p")


def test_a_fit_is_given_its_options_one_thread_and_kept_memory(data: Path, here: Path) -> None:
    program = python(
        here / "p",
        'echo "$@"; echo $OMP_NUM_THREADS $MALLOC_MMAP_THRESHOLD_ $MALLOC_TOP_PAD_ $PYTHONPATH; exit 2',
    )
    result = train(
        "--data", data, "--out", "m", "--holdout", "g2", "--seed", 7, "--epochs", 3, "--python", program,
        "--processes", 1, "--also", "drawn", "--also", "more",
    )  # fmt: skip
    assert result.exit_code == 2, "what the fit calls bad input is bad input"
    lines = [line for line in result.stderr.splitlines() if line.strip()]
    given = next(line for line in lines if "models.train.detector" in line).split()
    assert given[:3] == ["-P", "-m", "models.train.detector"]
    assert given[3] == str(here / "m-pairs")
    assert given[given.index("--seed") + 1 :][:3] == ["7", "--epochs", "3"]
    assert given[-5:] == ["--also", "drawn", "more", "--holdout", "g2"]
    assert f"1 1073741824 268435456 {ROOT}" in lines
    assert "the fit ended with exit code 2" in lines[-1]
    assert sorted(path.name for path in here.iterdir()) == ["data", "m-pairs", "p"]


def test_a_fit_that_fails_leaves_the_pairs_and_nothing_else(data: Path, here: Path) -> None:
    program = python(here / "p", 'mkdir -p "$6"; echo half > "$6/model.onnx"; echo out of memory >&2; exit 9')
    result = train("--data", data, "--out", "m", "--python", program, "--processes", 1)
    assert result.exit_code == 1
    assert "hallmark: the fit ended with exit code 9: out of memory" in result.stderr
    assert sorted(path.name for path in here.iterdir()) == ["data", "m-pairs", "p"]
    assert read_index(here / "m-pairs").files


def test_a_release_that_is_none_does_not_arrive(here: Path) -> None:
    program = python(here / "p", 'mkdir -p "$6"; echo half > "$6/model.onnx"')
    with pytest.raises(input_errors(), match="card"):
        fitting.fit(program, here, here / "m", [], lambda _: None)
    assert sorted(path.name for path in here.iterdir()) == ["p"]


def test_what_ends_the_command_ends_the_fit(here: Path) -> None:
    program = python(here / "p", "echo $$; exec sleep 60")
    pids: list[int] = []

    def interrupt(line: str) -> None:
        pids.append(int(line))
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fitting.fit(program, here, here / "m", [], interrupt)
    with pytest.raises(ProcessLookupError):
        os.kill(pids[0], 0)
    assert sorted(path.name for path in here.iterdir()) == ["p"]


def test_a_fit_error_says_its_code() -> None:
    assert FitError("it ended", 9).code == 9


@pytest.mark.slow
@pytest.mark.xdist_group("torch")  # one worker starts torch
def test_two_steps_of_a_real_fit_make_a_release_calibrated_on_units_it_did_not_see(here: Path) -> None:
    if not TORCH.exists():
        refuse = pytest.fail if IN_CI else pytest.skip
        refuse(".venv-train not made (make train-setup)")
    artwork.templates(here / "golden", 4)
    result = train(
        "--golden", "golden", "--out", "m", "--units", 6, "--epochs", 1, "--python", TORCH, "--processes", 1
    )
    assert "step 2 of" in result.stderr, result.output
    index = read_index(here / "m-pairs")
    assert len(index.files) == 6
    assert result.exit_code == 0, result.output
    assert sorted(path.name for path in here.iterdir()) == ["golden", "m", "m-pairs", "m-pairs-check"]
    detector = open_detector(here / "m")
    unseen = len(read_pair(here / "m-pairs-check", 0)[0].candidates)
    assert f"On {unseen} candidates, of other pairs" in detector.card.thresholds.chosen
    assert [one.use for one in detector.card.data] == ["training", "validation"]
    # so few steps tell nothing apart, but how a difference lies does
    assert np.any(detector.card.thresholds.topology)
