"""The command finds what was drawn on a small board, types it, writes it and scores it."""

import json
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest

from benchmarks.deeppcb import __main__ as command
from benchmarks.deeppcb import regions
from benchmarks.deeppcb.score import Detection, overlap
from datasets.deeppcb import TYPES, Box
from evidence import ModelReference
from kernels.compiled import I64
from models.detector import Detector, Found
from models.errors import ModelFormatError

SIDE = 192
DEFECTS = {
    "open": (slice(20, 36), slice(40, 52), 255),
    "short": (slice(36, 60), slice(120, 128), 0),
    "mousebite": (slice(60, 68), slice(40, 52), 255),
    "spur": (slice(116, 124), slice(80, 92), 0),
    "copper": (slice(142, 152), slice(140, 150), 0),
    "pin-hole": (slice(100, 108), slice(150, 160), 255),
}
"""What is drawn on the board: rows, columns and grey value."""


def board() -> regions.U8:
    """Three black conductors on white, of 16, 16 and 24 rows, and what shows a shift along them."""
    picture = np.full((SIDE, SIDE), 255, np.uint8)
    for rows in ((20, 36), (60, 76), (92, 116)):
        picture[slice(*rows), 16:176] = 0
    picture[76:92, 90:100] = 0
    picture[160:180, 24:60] = 0
    return picture


def spoilt(picture: regions.U8, *names: str) -> regions.U8:
    out = picture.copy()
    for name in names:
        rows, columns, value = DEFECTS[name]
        out[rows, columns] = value
    return out


def label(name: str) -> Box:
    rows, columns, _ = DEFECTS[name]
    kind = TYPES.index(name) + 1
    return Box(columns.start - 12, rows.start - 12, columns.stop + 12, rows.stop + 12, kind)


class Knowing:
    """A detector that names what lies nearest to a crop's middle by the rules of the plain difference."""

    reference = ModelReference(name="knowing", digest="sha256:" + "0" * 64)
    classes = ("not_a_defect", *TYPES)
    hold_below = operating = 0.5
    channels = 1
    golden_image: str | None = None

    def __init__(self, named: str | None = None, sure: float = 0.75) -> None:
        self.named, self.sure = named, sure

    def find(self, golden: regions.U8, unit: regions.U8, topology: I64) -> Found:  # noqa: ARG002 (the contract)
        probabilities = np.zeros((len(golden), len(self.classes)), np.float32)
        boxes = np.zeros((len(golden), 4), np.float32)
        for k, (one, other) in enumerate(zip(golden[..., 0], unit[..., 0], strict=True)):
            there = [d.box for d in regions.by_difference(one, other)]
            box = min(
                there, key=lambda b: abs(b.x1 + b.x2 - golden.shape[2]) + abs(b.y1 + b.y2 - golden.shape[1])
            )
            kind = box.type if self.named is None else self.classes.index(self.named)
            probabilities[k, [0, kind]] = 1 - self.sure, self.sure
            boxes[k] = box.x1, box.y1, box.x2, box.y2
        return Found(probabilities, boxes)


@pytest.mark.parametrize("name", DEFECTS)
def test_each_defect_is_found_and_typed_by_the_plain_difference(name: str) -> None:
    (detection,) = regions.by_difference(board(), spoilt(board(), name))
    assert TYPES[detection.box.type - 1] == name
    assert overlap(detection.box, label(name)) > 0.7


def test_of_overlapping_boxes_the_surest_stays() -> None:
    inner, outer, away = Box(2, 2, 10, 10, 1), Box(0, 0, 10, 10, 2), Box(20, 20, 30, 30, 1)
    found = [Detection(inner, 0.5), Detection(outer, 0.6), Detection(away, 0.1)]
    assert regions.apart(found) == [Detection(outer, 0.6), Detection(away, 0.1)]


def test_edges_moved_by_a_pixel_are_no_difference() -> None:
    tested = np.asarray(cv2.erode(board(), np.ones((3, 3), np.uint8)), np.uint8)
    assert regions.by_difference(board(), tested) == []


def data_set(root: Path) -> Path:
    """Write three pairs: all defects, one defect shifted, and none; return the list."""
    shifted = np.roll(spoilt(board(), "pin-hole"), (2, -3), axis=(0, 1))
    moved = label("pin-hole")
    moved = Box(moved.x1 - 3, moved.y1 + 2, moved.x2 - 3, moved.y2 + 2, moved.type)
    pairs = {
        "0001": (spoilt(board(), *DEFECTS), [label(name) for name in DEFECTS]),
        "0002": (shifted, [moved]),
        "0003": (board(), []),
    }
    lines: list[str] = []
    for name, (tested, boxes) in pairs.items():
        for folder in ("a", "a_not"):
            (root / folder).mkdir(exist_ok=True)
        for role, picture in (("temp", board()), ("test", tested)):
            encoded, data = cv2.imencode(".png", picture)  # lossless under the layout's name
            assert encoded
            (root / f"a/{name}_{role}.jpg").write_bytes(data.tobytes())
        rows = [f"{b.x1} {b.y1} {b.x2} {b.y2} {b.type}\n" for b in boxes]
        (root / f"a_not/{name}.txt").write_text("".join(rows), "ascii")
        lines.append(f"a/{name}.jpg a_not/{name}.txt\n")
    file = root / "list.txt"
    file.write_text("".join(lines), "ascii")
    return file


def run(root: Path, *more: str, detector: Detector | None = None) -> int:
    arguments = [str(root), "--list", str(root / "list.txt"), "--out", str(root / "out"), *more]
    return command.main(arguments, opened=lambda _: detector or Knowing())


def test_the_command_writes_a_file_per_pair_and_prints_the_figures(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data_set(tmp_path)
    assert run(tmp_path, "--json") == 0
    printed = json.loads(capsys.readouterr().out)
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["0001.txt", "0002.txt", "0003.txt"]
    rows = [line.split() for line in (tmp_path / "out/0001.txt").read_text("ascii").splitlines()]
    assert sorted(int(row[5]) for row in rows) == [1, 2, 3, 4, 5, 6]
    assert all(row[4] == "0.7500" and all(field.isdecimal() for field in row[:4]) for row in rows)
    assert (tmp_path / "out/0003.txt").read_bytes() == b""
    assert printed["pairs"] == 3
    assert printed["model"]["name"] == "knowing"
    model, difference = printed["results"]["released model"], printed["results"]["plain difference"]
    for scored in (model, difference):
        assert scored["every"]["ap"] == 1.0
        assert scored["every"]["ap_of"] == dict.fromkeys(TYPES, 1.0)
        assert scored["ms"] > 0
        assert scored["pairs_per_s"] == pytest.approx(1e3 / scored["ms"])
    assert model["operating"]["f"] == 1.0
    assert run(tmp_path) == 0
    text = capsys.readouterr().out
    assert "3 pairs" in text
    assert "100.00" in text


def test_what_is_written_is_what_is_scored(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A model that names each region an open is right once in seven."""
    data_set(tmp_path)
    assert run(tmp_path, "--json", detector=Knowing("open")) == 0
    model = json.loads(capsys.readouterr().out)["results"]["released model"]
    written = [row for path in (tmp_path / "out").iterdir() for row in path.read_text("ascii").splitlines()]
    assert [row.split()[5] for row in written] == ["1"] * 7
    every = model["every"]
    assert (every["precision"], every["recall"], every["found"]) == (1 / 7, 1 / 7, 1)


def test_boxes_below_the_operating_threshold_are_written_and_count_for_ap_alone(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data_set(tmp_path)
    assert run(tmp_path, "--json", detector=Knowing(sure=0.4)) == 0
    model = json.loads(capsys.readouterr().out)["results"]["released model"]
    assert len((tmp_path / "out/0001.txt").read_text("ascii").splitlines()) == 6
    assert model["every"]["ap"] == 1.0
    assert (model["operating"]["f"], model["operating"]["escapes"]) == (0, 7 / 3)


def test_a_limit_takes_the_first_pairs(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    data_set(tmp_path)
    assert run(tmp_path, "--json", "--limit", "2") == 0
    assert json.loads(capsys.readouterr().out)["pairs"] == 2
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["0001.txt", "0002.txt"]


@pytest.mark.parametrize(
    ("spoil", "says"),
    [
        (lambda root: (root / "list.txt").unlink(), "No such file"),
        (lambda root: (root / "out").write_text("a file"), "File exists"),
        (lambda root: ((root / "out").mkdir(), (root / "out/9999.txt").write_text("")), "holds 9999.txt"),
        (lambda root: (root / "a_not/0002.txt").write_text("1 2 3\n"), "line 1: '1 2 3' is not five"),
        (
            lambda root: [cv2.imwrite(str(p), np.zeros((100, 100), np.uint8)) for p in root.glob("a/0003*")],
            "100 x 100 px: give pictures",
        ),
    ],
)
def test_bad_input_is_a_sentence_and_exit_code_2(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], spoil: object, says: str
) -> None:
    data_set(tmp_path)
    assert callable(spoil)
    spoil(tmp_path)
    assert run(tmp_path) == 2
    captured = capsys.readouterr()
    assert says in captured.err
    assert captured.out == ""


def test_a_model_that_cannot_be_opened_is_a_sentence(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def refuse(folder: Path) -> Detector:
        raise ModelFormatError(f"{folder}: no model")

    data_set(tmp_path)
    arguments = [str(tmp_path), "--list", str(tmp_path / "list.txt"), "--out", str(tmp_path / "out")]
    assert command.main([*arguments, "--model", "absent"], opened=refuse) == 2
    assert "absent: no model" in capsys.readouterr().err


def test_the_module_runs_as_a_program(tmp_path: Path) -> None:
    program = [sys.executable, "-m", "benchmarks.deeppcb", str(tmp_path), "--list", "x", "--out", "y"]
    root = Path(command.__file__).parents[2]
    done = subprocess.run(
        [*program, "--model", str(tmp_path)], cwd=root, capture_output=True, text=True, check=False
    )
    assert done.returncode == 2
    assert done.stderr.startswith(f"benchmarks.deeppcb: {tmp_path}")
    assert done.stderr.count("\n") == 1


@pytest.mark.parametrize("limit", ["0", "-1", "1.5", "x"])
def test_a_limit_that_is_no_count_is_refused(tmp_path: Path, limit: str) -> None:
    with pytest.raises(SystemExit) as left:
        run(tmp_path, f"--limit={limit}")
    assert left.value.code == 2
