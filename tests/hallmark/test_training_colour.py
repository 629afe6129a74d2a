"""Labelled units of continuous tone become pairs in the golden view, cut as a station cuts them."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt
import pytest
from typer.testing import CliRunner, Result

from datasets.labelled import read
from evidence import ModelReference, sha256
from hallmark.__main__ import app
from hallmark.errors import TrainingError
from hallmark.training.prepare import prepare_pairs
from hallmark.training.prepared import read_pair
from hallmark.training.sources import labelled_source
from models.detector import Found
from models.detector.calibration import NOT_TOLD
from models.train.detector.data import candidate_crops, read_prepared
from tests.hallmark import colour_folders as folders
from vision import Inspector, read_frame


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return folders.anomalib(tmp_path_factory.mktemp("colour") / "units")


@pytest.fixture(scope="module")
def pairs(data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("prepared") / "pairs"
    source = labelled_source(read(data, "anomalib", listed=None, golden=None), colour=True)
    index, found = prepare_pairs(folder, source, 1, lambda _: None)
    assert (index.channels, index.classes) == (3, ("not_a_defect", "stain"))
    assert index.golden_image == sha256((data / "golden.png").read_bytes())
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
        for x1, y1, x2, y2 in (*folders.DEFECTS, *folders.MARKS) if number < 2 else ():
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
    assert len(pair.candidates) <= len(true) + len(folders.MARKS) + 3
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


class Shown:
    """A detector that remembers what it was shown, and calls it nothing."""

    reference = ModelReference(name="shown", digest="sha256:" + "1" * 64)
    classes: tuple[str, ...] = ("not_a_defect", "stain")
    operating = hold_below = 0.5
    channels = 3
    golden_image: str | None = None

    def __init__(self) -> None:
        self.crops: list[folders.U8] = []

    def find(self, golden: folders.U8, unit: folders.U8, topology: npt.NDArray[np.int64]) -> Found:
        self.crops.append(np.concatenate((golden, unit), axis=3))
        assert topology.tolist() == [NOT_TOLD] * len(golden)
        return Found(
            np.tile(np.array((1, 0), np.float32), (len(golden), 1)), np.zeros((len(golden), 4), np.float32)
        )


def bent(unit: folders.U8) -> folders.U8:
    """Return a unit bent by a wave of 3 px, which no smooth map follows."""
    y, x = np.mgrid[: folders.SIDE, : folders.SIDE].astype(np.float32)
    wave = 3 * np.sin(x / 60)
    return np.asarray(cv2.remap(unit, x, y + wave, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT), np.uint8)


@pytest.mark.parametrize("bend", [False, True], ids=["as it lies", "bent"])
def test_an_inspection_shows_the_very_crops_that_a_fit_is_shown(tmp_path: Path, *, bend: bool) -> None:
    stains = (*folders.DEFECTS[:4], (6, 300, 20, 312), (612, 616, 628, 630), (90, 265, 330, 277))
    unit = folders.unit(7, stains, folders.MARKS[:4])
    mask = np.zeros(unit.shape[:2], np.uint8)
    mask[265:277, 90:330] = 255
    folders.write(tmp_path / "golden.png", folders.golden())
    folders.write(tmp_path / "test" / "stain" / "0.png", bent(unit) if bend else unit)
    folders.write(tmp_path / "ground_truth" / "stain" / "0_mask.png", mask)
    folders.write(tmp_path / "train" / "good" / "0.png", folders.golden())
    source = labelled_source(read(tmp_path, "anomalib", listed=None, golden=None), colour=True)
    prepare_pairs(tmp_path / "pairs", source, 1, lambda _: None)
    expected, _, _ = candidate_crops(read_prepared(tmp_path / "pairs"))
    detector, data = Shown(), (tmp_path / "test" / "stain" / "0.png").read_bytes()
    inspector = Inspector(folders.sample((tmp_path / "golden.png").read_bytes()), {}, detector)
    record = inspector.inspect({"top": read_frame(data, view="top", camera="c")}, serial=None)
    pose = record.frames[0].pose
    assert pose is not None
    assert ((pose.field_px or 0) > 3) is bend
    assert len(expected) >= len(stains) + 4 + 3  # the longest is shown in parts
    np.testing.assert_array_equal(np.concatenate(detector.crops), expected)
