"""Whatever is wrong with a labelled folder is said in a sentence that names file, place and remedy."""

from __future__ import annotations

import contextlib
import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from datasets import DatasetError
from datasets.labelled import files as files_of
from datasets.labelled import read
from tests.datasets import labelled_folders as kit


@contextlib.contextmanager
def refused(says: str) -> Iterator[None]:
    with pytest.raises(DatasetError, match=says) as caught:
        yield
    assert "\n" not in str(caught.value)


# --- COCO


def coco_changed(root: Path, change: Callable[[dict[str, Any]], object]) -> Path:
    document: dict[str, Any] = kit.coco_document()
    change(document)
    (root / "annotations.json").write_text(json.dumps(document))
    return root


@pytest.fixture(scope="module")
def coco(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return kit.coco(tmp_path_factory.mktemp("coco") / "set")


def bbox(*values: object) -> Callable[[dict[str, Any]], object]:
    return lambda d: d["annotations"][1].update(bbox=list(values))


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (bbox(1, 2, 3), r"json annotations\[1\]\.bbox"),
        (bbox(1, 2, 3, "4"), r"annotations\[1\]\.bbox\[3\]: .*number"),
        (bbox(float("nan"), 2, 3, 4), r"annotations\[1\]\.bbox\[0\]: .*finite"),
        (bbox(1, 2, float("inf"), 4), r"annotations\[1\]\.bbox\[2\]: .*finite"),
        (bbox(-5, 2, 10, 4), r"annotations\[1\]\.bbox: box -5 2 5 6 .*leaves its picture of 128 x 80 px"),
        (bbox(1, 2, -3, 4), r"annotations\[1\]\.bbox: box 1 2 -2 6 has no area"),
        (bbox(1, 2, 3, 0), "has no area"),
        (bbox(1e300, 2, 1e300, 4), "leaves its picture|has no area"),
        (bbox(120, 2, 9.5, 4), "leaves its picture"),
        (lambda d: d["annotations"][1].update(id=50), r"annotations\[1\]\.id: 50 was used before"),
        (lambda d: d["images"][2].update(id=100), r"images\[2\]\.id: 100 was used before"),
        (lambda d: d["categories"][1].update(id=7), r"categories\[1\]\.id: 7 was used before"),
        (lambda d: d["categories"][1].update(name="open"), "categories: the class 'open' comes twice"),
        (lambda d: d["categories"][1].update(name="good"), "'good' means that there is no defect"),
        (lambda d: d["categories"][1].update(name="not_a_defect"), "means that there is no defect"),
        (lambda d: d["categories"][1].update(name=" "), "names no class"),
        (lambda d: d["annotations"][2].update(image_id=9), r"\[2\]\.image_id: no image has the id 9"),
        (lambda d: d["annotations"][2].update(category_id=9), r"\[2\]\.category_id: no category has"),
        (lambda d: d["annotations"][0].update(iscrowd=1), r"annotations\[0\]\.iscrowd: a crowd is no single"),
        (lambda d: d["annotations"][0].update(iscrowd=2), r"annotations\[0\]\.iscrowd"),
        (lambda d: d["annotations"][0].update(id=True), r"annotations\[0\]\.id"),
        (lambda d: d["annotations"][0].update(id=-1), r"annotations\[0\]\.id"),
        (lambda d: d["annotations"][0].pop("bbox"), r"annotations\[0\]\.bbox: Field required"),
        (lambda d: d.pop("categories"), "categories: Field required"),
        (lambda d: d["images"][0].update(file_name="../x.png"), r"images\[0\]\.file_name: .*leaves the data"),
        (lambda d: d["images"][0].update(file_name="/etc/passwd"), r"file_name: '/etc/passwd' leaves"),
        (lambda d: d["images"][0].update(file_name="a\0.png"), "leaves the data"),
        (lambda d: d["images"][0].update(golden="../x.png"), r"images\[0\]\.golden: .*leaves the data"),
        (lambda d: d["images"][0].update(file_name="a/no.png"), r"\[0\]\.file_name: .*a/no\.png is missing"),
        (lambda d: d["images"][0].update(file_name="a" * 300), "is missing"),
        (lambda d: d["images"][0].update(file_name="a/two.png"), "two.png comes twice"),
        (lambda d: d["images"][0].update(width=127), r"\[0\]: said to have 127 x 80 px, but .*128 x 80"),
        (lambda d: d.update(images=[], annotations=[]), "no picture of a unit"),
    ],
)  # fmt: skip
def test_wrong_coco_is_refused_with_its_field(
    coco: Path, change: Callable[[dict[str, Any]], object], says: str
) -> None:
    with refused(says):
        read(coco_changed(coco, change), "coco")


def test_traversal_is_refused_where_the_file_is_there(tmp_path: Path) -> None:
    kit.write_picture(tmp_path / "x.png", 1)
    root = kit.coco(tmp_path / "set")
    with refused("leaves the data set's folder"):
        read(coco_changed(root, lambda d: d["images"][0].update(file_name="../x.png")), "coco")


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (b"", r"annotations\.json: not JSON"),
        (b"{", "line 1 column 2"),
        (b'{"images": [], "images": []}', "the field 'images' comes twice"),
        (b"[" * 200_000, "nested too deep"),
        (b'{"images": ' + b"9" * 5000 + b"}", "not JSON"),
        (b'{"images": "\xff"}', "byte 12 is not UTF-8"),
        (b"[]", "annotations.json top: "),
    ],
)
def test_what_is_no_json_is_refused(tmp_path: Path, text: bytes, says: str) -> None:
    root = kit.coco(tmp_path)
    (root / "annotations.json").write_bytes(text)
    with refused(says):
        read(root, "coco")


def test_the_json_is_found_or_asked_for(tmp_path: Path) -> None:
    root = kit.coco(tmp_path)
    other = root / "annotations" / "instances.json"
    other.parent.mkdir()
    (root / "annotations.json").rename(other)
    assert len(read(root, "coco").pairs) == 3, "pictures are looked for from the data set's folder too"
    (other.parent / "more.json").write_text("{}")
    with refused("one JSON file of labels is needed and instances.json and more.json is there"):
        read(root, "coco")
    assert len(read(root, "coco", listed=other).pairs) == 3


# --- YOLO


@pytest.fixture
def yolo(tmp_path: Path) -> Path:
    return kit.yolo(tmp_path / "set")


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("2 0.5 0.5 0.1 0.1", "class '2' does not exist: use 0 .. 1"),
        ("-1 0.5 0.5 0.1 0.1", "class '-1' does not exist"),
        ("open 0.5 0.5 0.1 0.1", "class 'open' does not exist"),
        ("9" * 5000 + " 0.5 0.5 0.1 0.1", "does not exist"),
        ("0 0.5 0.5 0.1", "is neither 'class x y width height'"),
        ("0 0.5 0.5 0.1 0.1 0.9", "a prediction's confidence"),
        ("0 0.5 0.5 nan 0.1", "fractions of the picture"),
        ("0 0.5 0.5 inf 0.1", "fractions of the picture"),
        ("0 0.5 0.5 1e999 0.1", "fractions of the picture"),
        ("0 0.5 0.5 0x1 0.1", "fractions of the picture"),
        ("0 0,5 0.5 0.1 0.1", "fractions of the picture"),
        ("0 0.5 0.5 -0.1 0.1", "has no area"),
        ("0 0.5 0.5 0 0.1", "has no area"),
        ("0 0.5 0.5 0.1 0.00001", "covers no pixel"),
        ("0 0.9 0.5 0.4 0.1", "leaves its picture of 128 x 80 px"),
        ("0 64 40 20 20", "leaves its picture"),
        ("0 0.1 0.1 0.2 0.1 1.2 0.2", "leaves its picture"),
    ],
)
def test_a_wrong_label_is_refused_with_its_line(yolo: Path, line: str, says: str) -> None:
    (yolo / "labels/a/two.txt").write_text(f"\n0 0.5 0.5 0.1 0.1\n{line}\n")
    with refused(rf"labels/a/two\.txt line 3: .*{re.escape(says)}"):
        read(yolo, "yolo")


def test_a_polygon_counts_by_its_extent(yolo: Path) -> None:
    (yolo / "labels/a/two.txt").write_text("1 0.25 0.5 0.5 0.25 0.75 0.75\n")
    (box,) = read(yolo, "yolo").pairs[1].boxes
    assert (box.x1, box.y1, box.x2, box.y2, box.defect_class) == (32, 20, 96, 60, "short")


def test_a_lost_file_of_labels_is_no_good_unit(yolo: Path) -> None:
    (yolo / "labels/a/two.txt").unlink()
    with refused(r"labels/a/two\.txt is missing: restore it, or write an empty file if the unit is good"):
        read(yolo, "yolo")


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("names: open\n", "names: not a list of names"),
        ("names: {1: open, 2: short}\n", "nor one by numbers 0, 1, 2"),
        ("names: [1, 2]\n", "not a list of names"),
        ("- names\n", "not a list of names"),
        ("names: []\n", "names no class"),
        ("names: [open, open]\n", "'open' comes twice"),
        ("names: [open", r"data\.yaml: not YAML"),
        ("names: [" + "[" * 5000, "nested too deep"),
        ("names: &n [open]\nmore: *n\n", "with an alias"),
        ("names: [open]\nwhen: 2024-99-99\n", r"data\.yaml: not YAML"),
        ("names: !!python/object/apply:os.system [ls]\n", r"data\.yaml: not YAML"),
    ],
)
def test_classes_that_are_not_named_are_refused(yolo: Path, text: str, says: str) -> None:
    (yolo / "data.yaml").write_text(text)
    with refused(says):
        read(yolo, "yolo")


def test_classes_by_lines_or_not_at_all(yolo: Path) -> None:
    (yolo / "classes.txt").write_text("open\nshort\n")
    with refused("both are there: keep one"):
        read(yolo, "yolo")
    (yolo / "data.yaml").unlink()
    assert read(yolo, "yolo").classes == ("open", "short")
    (yolo / "classes.txt").unlink()
    with refused("neither is there"):
        read(yolo, "yolo")


def test_a_list_takes_what_it_names(yolo: Path) -> None:
    listed = yolo / "some.txt"
    listed.write_text("images/b/three.png\n\nimages/a/one.png\n")
    assert [pair.name for pair in read(yolo, "yolo", listed=listed).pairs] == [
        "images/a/one.png", "images/b/three.png",
    ]  # fmt: skip
    for line, says in (
        ("/etc/passwd", "some.txt line 2: '/etc/passwd' leaves"),
        ("images/../../x.png", "leaves"),
        ("golden.png", "line 2: .*golden.png is in no folder 'images'"),
        ("images/a/absent.png", "absent.png is missing"),
        ("images/a/one.png", "comes twice"),
    ):
        listed.write_text(f"images/a/one.png\n{line}\n")
        with refused(says):
            read(yolo, "yolo", listed=listed)


# --- Anomalib


def test_wrong_folders_are_refused(tmp_path: Path) -> None:
    root = kit.anomalib(tmp_path)
    mask = root / "ground_truth/scratch/000_mask.png"
    mask.rename(mask.with_name("000.png"))
    assert len(read(root, "anomalib").pairs) == 3, "a mask may be named as its picture"
    mask.with_name("000.png").rename(mask.with_name("001_mask.png"))
    with refused(r"scratch/000_mask\.png is missing: draw where the defect of test/scratch/000\.png is"):
        read(root, "anomalib")
    kit.write_picture(root / "test/scratch/001.png", 1)
    kit.write_picture(mask, 1)
    kit.write_picture(mask.with_name("002_mask.png"), 1)
    with refused(r"002_mask\.png: a mask without a picture in test/scratch"):
        read(root, "anomalib")
    mask.with_name("002_mask.png").unlink()
    kit.write_picture(mask, 1, (kit.WIDTH - 1, kit.HEIGHT))
    with refused(r"000_mask\.png: 127 x 80 px, but its picture 128 x 80 px"):
        read(root, "anomalib")
    kit.write_picture(root / "train/dent/000.png", 1)
    with refused("dent: only good units train in this layout"):
        read(root, "anomalib")
    with refused("this layout has no list"):
        read(root, "anomalib", listed=root / "list.txt")


# --- DeepPCB


def test_wrong_pairs_are_refused(tmp_path: Path) -> None:
    root = kit.deeppcb(tmp_path)
    with refused("own template: name no golden image"):
        read(root, "deeppcb", golden=root / "a/one_temp.jpg")
    with refused(r"test\.txt: no such list"):
        read(root, "deeppcb", listed=root / "test.txt")
    (root / "a_not/one.txt").write_text("10 20 130 44 2\n")
    with refused(r"a_not/one\.txt: box 10 20 130 44 .*leaves its picture"):
        read(root, "deeppcb")
    kit.write_picture(root / "a/one_temp.jpg", 1, (kit.WIDTH, kit.HEIGHT + 1))
    with refused(r"one_test\.jpg: 128 x 80 px, its template 128 x 81 px"):
        read(root, "deeppcb")
    (root / "a/one_temp.jpg").write_bytes(b"GIF89a")
    with refused("not a PNG or JPEG file"):
        read(root, "deeppcb")


# --- all of them


def test_counts_and_sizes_have_bounds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    root = kit.yolo(tmp_path)
    monkeypatch.setattr(files_of, "MOST_PAIRS", 2)
    with refused("more than 2 pictures: split the data set"):
        read(root, "yolo")
    monkeypatch.setattr(files_of, "MOST_PAIRS", 3)
    monkeypatch.setattr(files_of, "MOST_BOXES", 1)
    with refused(r"images/a/one\.png has 2 boxes: 1 are the most"):
        read(root, "yolo")
    monkeypatch.setattr(files_of, "MOST_BOXES", 2)
    assert len(read(root, "yolo").pairs) == 3
    monkeypatch.setattr(files_of, "_MOST_PIXELS", 128 * 80 - 1)
    with refused("are more than 0 megapixels"):
        read(root, "yolo")
    monkeypatch.setattr(files_of, "_LARGEST_TEXT", 10)
    with refused(r"data\.yaml: more than 10 bytes"):
        read(root, "yolo")


_WORDS = st.text("0123456789 .-+eE\n\t,infaN\0é\"'{}[]:#&*!|>", max_size=60)
_FIELDS = st.sampled_from(["images", "annotations", "id", "bbox", "file_name", "iscrowd", "name"])
_JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-3, 200) | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_FIELDS, inner, max_size=4),
    max_leaves=8,
)
_FUZZ = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


def read_or_refuse(root: Path, layout: Any) -> None:
    try:
        told = read(root, layout)
    except DatasetError:
        return
    for pair in told.pairs:
        for box in pair.boxes:
            assert 0 <= box.x1 < box.x2 <= kit.WIDTH
            assert 0 <= box.y1 < box.y2 <= kit.HEIGHT
            assert box.defect_class in told.classes


@_FUZZ
@given(_WORDS)
def test_any_label_is_read_or_refused(yolo: Path, text: str) -> None:
    (yolo / "labels/a/two.txt").write_text(text, "utf-8")
    read_or_refuse(yolo, "yolo")


@_FUZZ
@given(_WORDS)
def test_any_names_are_read_or_refused(yolo: Path, text: str) -> None:
    (yolo / "data.yaml").write_text(f"names: {text}", "utf-8")
    read_or_refuse(yolo, "yolo")


@_FUZZ
@given(st.sampled_from(["images", "annotations", "categories"]), st.integers(0, 2), st.data())
def test_any_field_of_coco_is_read_or_refused(coco: Path, part: str, n: int, data: st.DataObject) -> None:
    document: dict[str, Any] = kit.coco_document()
    field = data.draw(st.sampled_from([*document[part][n], None]))
    value = data.draw(_JSON)
    if field is None:
        document[part] = value
    else:
        document[part][n][field] = value
    (coco / "annotations.json").write_text(json.dumps(document))
    read_or_refuse(coco, "coco")
