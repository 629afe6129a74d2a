"""Labelled units of continuous tone become pairs in the golden view, and a detector of three channels."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner, Result

from datasets.labelled import read
from hallmark.__main__ import app
from hallmark.errors import TrainingError
from hallmark.training.prepare import prepare_pairs
from hallmark.training.prepared import read_index, read_pair
from hallmark.training.sources import labelled_source
from tests.conftest import IN_CI
from tests.hallmark import colour_folders as folders

TORCH = Path(__file__).parents[2] / ".venv-train" / "bin" / "python"


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return folders.anomalib(tmp_path_factory.mktemp("colour") / "units")


@pytest.fixture(scope="module")
def pairs(data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("prepared") / "pairs"
    source = labelled_source(read(data, "anomalib", listed=None, golden=None), colour=True)
    index, found = prepare_pairs(folder, source, 1, lambda _: None)
    assert (index.channels, index.classes) == (3, ("not_a_defect", "stain"))
    assert list(index.names.values()) == [
        "test/stain/0.png", "test/stain/1.png", "train/good/0.png", "train/good/1.png",
    ]  # fmt: skip
    stains = len(folders.DEFECTS)
    assert [(one.boxes, one.reached) for one in found] == [(stains, stains)] * 2 + [(0, 0)] * 2
    return folder


def train(*arguments: str | int | Path) -> Result:
    return CliRunner().invoke(app, ["model", "train", *map(str, arguments)])


def test_a_unit_lies_on_its_golden_picture_in_its_light(pairs: Path) -> None:
    golden = folders.golden()
    for number in range(4):
        pair, _ = read_pair(pairs, number)
        np.testing.assert_array_equal(pair.golden, golden)
        assert pair.unit.shape == golden.shape
        off = np.abs(pair.unit.astype(float) - golden)
        for x1, y1, x2, y2 in folders.DEFECTS if number < 2 else ():
            off[y1 - 8 : y2 + 8, x1 - 12 : x2 + 8] = np.nan
        assert np.nanmean(off[24:-24, 24:-24]) < 2, "the unit is 4 % darker, with noise of 1.5 codes"


def test_labels_are_taken_to_the_golden_view_and_candidates_lie_on_them(pairs: Path) -> None:
    pair, _ = read_pair(pairs, 0)
    true = np.array(folders.DEFECTS) - 2 * folders.SHIFT
    assert set(pair.boxes[:, 4].tolist()) == {1}
    boxes = sorted(pair.boxes[:, :4].tolist(), key=lambda box: (round(box[1] / 40), box[0]))
    assert np.abs(np.array(boxes) - true).max() <= 1
    for x1, y1, x2, y2 in true:
        middles = (pair.candidates[:, :2] + pair.candidates[:, 2:4]) / 2
        assert np.abs(middles - ((x1 + x2) / 2, (y1 + y2) / 2)).max(axis=1).min() <= 5
    assert len(pair.candidates) <= len(true) + 3
    assert len(read_pair(pairs, 2)[0].candidates) == 0


def test_a_picture_of_something_else_is_named(data: Path, tmp_path: Path) -> None:
    folders.anomalib(tmp_path, 1)
    strange = np.random.default_rng(1).integers(40, 200, (folders.SIDE, folders.SIDE, 3)).astype(np.uint8)
    folders.write(tmp_path / "train" / "good" / "0.png", strange)
    source = labelled_source(read(tmp_path, "anomalib", listed=None, golden=None), colour=True)
    with pytest.raises(TrainingError, match=r"train/good/0\.png: does not show the golden picture's part"):
        prepare_pairs(tmp_path / "pairs", source, 1, lambda _: None)


def test_pairs_of_artwork_and_of_colour_are_not_mixed(data: Path, pairs: Path, tmp_path: Path) -> None:
    plain = train("--data", data, "--out", tmp_path / "m", "--pairs", pairs, "--no-fit", "--processes", 1)
    assert isinstance(plain.exception, TrainingError)
    assert "begun with another channels" in str(plain.exception)
    grey = train("--data", data, "--out", tmp_path / "m", "--no-fit", "--processes", 1)
    assert "train on labelled units of continuous tone with --colour" in str(grey.exception)
    drawn = train("--golden", data / "golden.png", "--out", tmp_path / "m", "--colour")
    assert drawn.exit_code == 2


@pytest.mark.slow
@pytest.mark.xdist_group("torch")  # one worker starts torch
def test_two_steps_of_a_real_fit_in_colour(data: Path, pairs: Path, tmp_path: Path) -> None:
    if not TORCH.exists():
        refuse = pytest.fail if IN_CI else pytest.skip
        refuse(".venv-train not made (make train-setup)")
    out = tmp_path / "m"
    result = train(
        "--data", data, "--colour", "--pairs", pairs, "--out", out, "--epochs", 1, "--python", TORCH,
        "--processes", 1,
    )  # fmt: skip
    assert "step 2 of" in result.stderr, result.output
    assert read_index(pairs).channels == 3
    # so few steps tell nothing apart, and a fixed set on which all is decided alike proves nothing
    assert (result.exit_code, out.exists()) == (1, False)
    assert "all crops of the fixed set are decided alike" in result.stderr
