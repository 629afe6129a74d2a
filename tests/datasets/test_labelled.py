"""Labelled folders of four layouts say the same where they mean the same; pixels and digests are theirs."""

from __future__ import annotations

import contextlib
import json
import shutil
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from datasets import DatasetError
from datasets.labelled import LabelledBox, LabelledSet, detect, read, read_golden, read_pixels
from datasets.labelled.files import box
from tests.datasets import labelled_folders as kit

MAKERS: dict[str, Callable[[Path], Path]] = {
    "deeppcb": kit.deeppcb, "coco": kit.coco, "yolo": kit.yolo, "anomalib": kit.anomalib,
}  # fmt: skip
TRUTH = {unit.name: tuple(LabelledBox(*box) for box in unit.boxes) for unit in kit.UNITS}


@pytest.fixture(params=list(MAKERS))
def labelled(request: pytest.FixtureRequest, tmp_path: Path) -> LabelledSet:
    root = MAKERS[request.param](tmp_path / "set")
    assert detect(root) == request.param
    return read(root, request.param)


@pytest.mark.parametrize("layout", ["deeppcb", "coco", "yolo"])
def test_the_same_labels_are_the_same_boxes_in_every_layout(tmp_path: Path, layout: str) -> None:
    told = read(MAKERS[layout](tmp_path / "set"), detect(tmp_path / "set"))
    assert told.layout == layout
    stems = {Path(pair.name).stem.removesuffix("_test"): pair for pair in told.pairs}
    assert {name: pair.boxes for name, pair in stems.items()} == TRUTH
    groups = {name: (pair.group or "").removeprefix("images/") for name, pair in stems.items()}
    assert groups == {"one": "a", "two": "a", "three": "b"}
    assert all(pair.mask is None for pair in told.pairs)
    assert [pair.name for pair in told.pairs] == sorted(pair.name for pair in told.pairs)


def test_classes_keep_the_order_of_their_layout(tmp_path: Path) -> None:
    assert read(kit.coco(tmp_path / "c"), "coco").classes == ("short", "open"), "by id; unused ones are none"
    assert read(kit.yolo(tmp_path / "y"), "yolo").classes == ("open", "short")
    assert read(kit.deeppcb(tmp_path / "d"), "deeppcb").classes[:2] == ("open", "short")
    assert len(read(tmp_path / "d", "deeppcb").classes) == 6


def test_masks_become_a_box_for_each_part(tmp_path: Path) -> None:
    told = read(kit.anomalib(tmp_path / "set"), "anomalib")
    assert told.classes == ("scratch",)
    boxes = {pair.name: read_pixels(pair).boxes for pair in told.pairs}
    assert boxes == {
        "train/good/000.png": (),
        "test/good/000.png": (),
        "test/scratch/000.png": (
            LabelledBox(30, 10, 36, 21, "scratch"), LabelledBox(120, 70, 128, 80, "scratch"),
        ),
    }  # fmt: skip
    assert {pair.group for pair in told.pairs} == {None}


def test_pixels_are_the_pictures_and_not_exchanged(labelled: LabelledSet) -> None:
    for pair in labelled.pairs:
        pixels = read_pixels(pair)
        assert pixels.unit.shape == pixels.golden.shape == (kit.HEIGHT, kit.WIDTH)
        np.testing.assert_array_equal(pixels.unit, cv2.imread(str(pair.unit), cv2.IMREAD_GRAYSCALE))
        assert pair.golden is not None
        np.testing.assert_array_equal(pixels.golden, cv2.imread(str(pair.golden), cv2.IMREAD_GRAYSCALE))
        assert not np.array_equal(pixels.unit, pixels.golden)


def test_colour_is_red_first(tmp_path: Path) -> None:
    root = kit.anomalib(tmp_path / "set")
    red = np.zeros((kit.HEIGHT, kit.WIDTH, 3), np.uint8)
    red[..., 2] = 200
    for path in (root / "golden.png", root / "train" / "good" / "000.png"):
        assert cv2.imwrite(str(path), red)
    pair = next(pair for pair in read(root, "anomalib").pairs if pair.name.startswith("train"))
    assert read_pixels(pair, colour=True).unit[5, 5].tolist() == [200, 0, 0]


def test_a_picture_names_its_own_golden_one(tmp_path: Path) -> None:
    root = kit.coco(tmp_path / "coco")
    document = kit.coco_document()
    document["images"][0]["golden"] = "a/two.png"
    (root / "annotations.json").write_text(json.dumps(document))
    golden = {pair.name: pair.golden for pair in read(root, "coco").pairs}
    assert golden == {
        "a/one.png": root / "a/two.png", "a/two.png": root / "golden.png", "b/three.png": root / "golden.png",
    }  # fmt: skip
    other = kit.yolo(tmp_path / "yolo")
    own = kit.write_picture(other / "golden" / "b" / "three.jpg", 5)
    golden = {pair.name: pair.golden for pair in read(other, "yolo").pairs}
    assert golden["images/b/three.png"] == own
    assert golden["images/a/one.png"] == other / "golden.png"
    named = kit.write_picture(tmp_path / "elsewhere.png", 6)
    told = read(root, "coco", golden=named)
    assert [pair.golden for pair in told.pairs] == [root / "a/two.png", named, named]


def test_a_set_without_a_golden_picture_is_read_but_not_paired(tmp_path: Path) -> None:
    root = kit.yolo(tmp_path / "set")
    (root / "golden.png").unlink()
    pair = read(root, "yolo").pairs[0]
    assert pair.golden is None
    with pytest.raises(DatasetError, match=r"no golden picture to compare with: put golden\.png"):
        read_pixels(pair)
    kit.write_picture(root / "golden.png", 1)
    kit.write_picture(root / "golden.jpg", 1)
    with pytest.raises(DatasetError, match=r"golden\.png and golden\.jpg both claim"):
        read(root, "yolo")


def test_pictures_that_do_not_agree_or_decode_are_refused(tmp_path: Path) -> None:
    root = kit.anomalib(tmp_path / "set")
    pair = next(pair for pair in read(root, "anomalib").pairs if pair.mask)
    assert pair.mask is not None
    assert cv2.imwrite(str(pair.mask.path), np.zeros((kit.HEIGHT, kit.WIDTH), np.uint8))
    with pytest.raises(DatasetError, match="all black: mark the defect"):
        read_pixels(pair)
    kit.write_picture(root / "golden.png", 1, (kit.WIDTH, kit.HEIGHT - 1))
    with pytest.raises(DatasetError, match="128 x 80 px, but its golden picture 128 x 79 px"):
        read_pixels(pair)
    pair.unit.write_bytes(pair.unit.read_bytes()[:60])
    with pytest.raises(DatasetError, match="not a picture that can be decoded"):
        read_pixels(pair)


# --- what was read is told by its digest


def test_the_digest_is_of_names_and_bytes_wherever_the_folder_lies(
    labelled: LabelledSet, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    moved = shutil.copytree(labelled.root, tmp_path / "elsewhere" / "copy")
    assert read(moved, detect(moved)).digest == labelled.digest
    monkeypatch.chdir(moved.parent)
    assert read(Path("copy"), detect(moved)).digest == labelled.digest


def test_every_byte_that_was_read_counts(labelled: LabelledSet) -> None:
    (labelled.root / "LICENSE").write_text("MIT\n")
    seen = {labelled.digest}
    for path in sorted(path for path in labelled.root.rglob("*") if path.is_file()):
        kept = path.read_bytes()
        path.write_bytes(kept + (b"\n" if path.suffix != ".png" else b"\0"))
        digest = read(labelled.root, detect(labelled.root)).digest
        assert digest not in seen, path
        seen.add(digest)
        path.write_bytes(kept)


def test_what_lies_beside_the_data_about_its_use_is_kept(tmp_path: Path) -> None:
    root = kit.coco(tmp_path / "set")
    assert read(root, "coco").licences == ()
    (root / "LICENSE").write_text("MIT License\n\nCopyright (c) 2018 someone\n")
    (root / "README.md").write_text("# Boards\nTaken on a Tuesday.\nFor research purpose only.\n")
    (root / "license.png").write_bytes(b"a picture of one")
    told = read(root, "coco").licences
    assert [(licence.file, licence.text) for licence in told] == [
        ("LICENSE", "MIT License\n\nCopyright (c) 2018 someone"),
        ("README.md", "For research purpose only."),
    ]


# --- which layout


def test_layouts_that_are_not_told_apart_are_asked_for(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="looks like none: name its layout"):
        detect(tmp_path)
    kit.coco(tmp_path)
    kit.yolo(tmp_path)
    with pytest.raises(DatasetError, match="looks like coco and yolo"):
        detect(tmp_path)
    assert detect(kit.deeppcb(tmp_path / "d"), tmp_path / "some.txt") == "deeppcb"
    assert detect(tmp_path / "d" / "a", tmp_path / "some.txt") == "deeppcb"
    assert detect(tmp_path / "d" / "a", tmp_path / "some.json") == "coco"


def test_a_folder_that_is_none_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="absent: no folder"):
        read(tmp_path / "absent", "yolo")


# --- golden pictures alone


def test_golden_pictures_are_read_alone(tmp_path: Path) -> None:
    for n, name in enumerate(("b/two.png", "a/one.JPG", "a/.hidden.png")):
        kit.write_picture(tmp_path / name, n)
    (tmp_path / "LICENSE").write_text("MIT")
    told = read_golden(tmp_path)
    assert [(pair.name, pair.group, pair.golden, pair.unit, pair.boxes) for pair in told.pairs] == [
        ("a/one.JPG", "a", tmp_path / "a/one.JPG", tmp_path / "a/one.JPG", ()),
        ("b/two.png", "b", tmp_path / "b/two.png", tmp_path / "b/two.png", ()),
    ]
    assert told.classes[0] == "open"
    assert len(told.classes) == 6
    assert [licence.file for licence in told.licences] == ["LICENSE"]
    (only,) = read_golden(tmp_path / "b/two.png").pairs
    assert (only.name, only.group) == ("two.png", ".")


def test_of_a_list_only_templates_count(tmp_path: Path) -> None:
    root = kit.deeppcb(tmp_path)
    told = read_golden(root, root / "trainval.txt")
    assert [pair.name for pair in told.pairs] == ["a/one_temp.jpg", "a/two_temp.jpg", "b/three_temp.jpg"]
    before = told.digest
    kit.write_picture(root / "a/one_test.jpg", 77)
    assert read_golden(root, root / "trainval.txt").digest == before, "tested pictures are not looked at"
    with pytest.raises(DatasetError, match=r"one_test\.jpg: a tested picture is no golden one"):
        read_golden(root)


def test_places_without_a_golden_picture_are_refused(tmp_path: Path) -> None:
    (tmp_path / "none").mkdir()
    with pytest.raises(DatasetError, match="no picture of a unit"):
        read_golden(tmp_path / "none")
    with pytest.raises(DatasetError, match="no folder"):
        read_golden(tmp_path / "absent.png")
    (tmp_path / "text.txt").write_text("no")
    with pytest.raises(DatasetError, match="not a PNG or JPEG"):
        read_golden(tmp_path / "text.txt")


# --- boxes between pixels


@given(
    st.tuples(st.floats(-1, 129), st.floats(-1, 81), st.floats(0.001, 130), st.floats(0.001, 82)).filter(
        lambda b: b[0] + b[2] <= 129 and b[1] + b[3] <= 81
    )
)
def test_a_box_covers_what_was_drawn_and_stays_inside(bbox: tuple[float, float, float, float]) -> None:
    x, y, w, h = bbox
    inside = min(128, x + w) - max(0, x), min(80, y + h) - max(0, y)
    if min(inside) < 0.01:  # nothing, or hardly anything, in the picture
        with contextlib.suppress(DatasetError):
            box((x, y, x + w, y + h), (128, 80), "open", "here")
        return
    told = box((x, y, x + w, y + h), (128, 80), "open", "here")
    for low, high, start, length, side in ((told.x1, told.x2, x, w, 128), (told.y1, told.y2, y, h, 80)):
        assert 0 <= low < high <= side
        assert start - 1 < low <= max(start, 0) + 1e-3
        assert min(start + length, side) - 1e-3 <= high < start + length + 1


def test_labels_lie_beside_the_last_folder_of_images(tmp_path: Path) -> None:
    root = kit.yolo(tmp_path / "set")
    kit.write_picture(root / "images" / "lot" / "images" / "four.png", 4)
    labels = root / "images" / "lot" / "labels" / "four.txt"
    labels.parent.mkdir()
    labels.write_text("1 0.5 0.5 0.5 0.5\n")
    pair = next(pair for pair in read(root, "yolo").pairs if pair.name.endswith("four.png"))
    assert pair.boxes == (LabelledBox(32, 20, 96, 60, "short"),)
