"""DeepPCB's layout is read as it was written, and whatever is wrong with it is said in a sentence."""

from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from datasets import DatasetError
from datasets.deeppcb import TYPES, Box, Pair, read_boxes, read_list, read_pictures

LINE = "group/00041/{0}.jpg group/00041_not/{0}.txt\n"


def write_pair(
    root: Path, name: str, labels: str = "", *, channels: int = 1, size: tuple[int, int] = (96, 128)
) -> str:
    """Write a pair whose template is dark and whose tested picture is bright; return its line."""
    pictures, texts = root / "group/00041", root / "group/00041_not"
    for folder in (pictures, texts):
        folder.mkdir(parents=True, exist_ok=True)
    shape = size if channels == 1 else (*size, channels)
    for role, value in (("temp", 40), ("test", 200)):
        assert cv2.imwrite(str(pictures / f"{name}_{role}.jpg"), np.full(shape, value, np.uint8))
    (texts / f"{name}.txt").write_text(labels, "ascii")
    return LINE.format(name)


def listed(root: Path, *lines: str) -> Path:
    file = root / "list.txt"
    file.write_text("".join(lines), "ascii")
    return file


def one_pair(root: Path, labels: str = "", *, channels: int = 1, size: tuple[int, int] = (96, 128)) -> Pair:
    (pair,) = read_list(
        root, listed(root, write_pair(root, "00041000", labels, channels=channels, size=size))
    )
    return pair


def test_a_list_gives_its_pairs_in_order_with_their_boxes(tmp_path: Path) -> None:
    lines = [
        write_pair(tmp_path, "00041001", "10 20 30 40 6\r\n\r\n1 2 3 4 1"),
        "\n",
        write_pair(tmp_path, "00041000").rstrip(),
    ]
    first, second = read_list(tmp_path, listed(tmp_path, *lines))
    assert (first.name, second.name) == ("00041001", "00041000")
    assert first.boxes == (Box(10, 20, 30, 40, 6), Box(1, 2, 3, 4, 1))
    assert [TYPES[box.type - 1] for box in first.boxes] == ["pin-hole", "open"]
    assert second.boxes == ()


@pytest.mark.parametrize("channels", [1, 3])
def test_pictures_are_grey_and_not_exchanged(tmp_path: Path, channels: int) -> None:
    template, tested = read_pictures(one_pair(tmp_path, "0 0 128 96 2\n", channels=channels))
    for picture, value in ((template, 40), (tested, 200)):
        assert picture.dtype == np.uint8
        assert picture.shape == (96, 128)
        assert np.abs(picture.astype(int) - value).max() <= 2


@pytest.mark.parametrize(
    ("lines", "says"),
    [
        ("", "lists no pair"),
        ("a.jpg\n", "line 1: 'a.jpg' is not"),
        ("a.txt a.jpg\n", "line 1"),
        ("a.jpg b.txt c\n", "line 1"),
        ("/a.jpg b.txt\n", "leaves the data set's folder"),
        ("g/../../a.jpg b.txt\n", "leaves the data set's folder"),
        (LINE.format("absent"), "absent_temp.jpg is missing"),
        (LINE.format("a" * 300), "is missing"),
        ("\n" + LINE.format("a") * 2, "line 3: a was listed before"),
    ],
)
def test_a_wrong_list_is_refused_with_its_line(tmp_path: Path, lines: str, says: str) -> None:
    write_pair(tmp_path, "a")
    with pytest.raises(DatasetError, match=says):
        read_list(tmp_path, listed(tmp_path, lines))


def test_a_missing_or_binary_list_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="No such file"):
        read_list(tmp_path, tmp_path / "absent.txt")
    (tmp_path / "binary.txt").write_bytes(b"a.jpg \xff\xd8")
    with pytest.raises(DatasetError, match="byte 6 is not ASCII"):
        read_list(tmp_path, tmp_path / "binary.txt")


@pytest.mark.parametrize("role", ["_temp.jpg", "_test.jpg", ".txt"])
def test_each_file_of_a_pair_must_be_there(tmp_path: Path, role: str) -> None:
    line = write_pair(tmp_path, "a")
    (found,) = tmp_path.rglob(f"a{role}")
    found.unlink()
    with pytest.raises(DatasetError, match=f"line 1: .*a{role} is missing"):
        read_list(tmp_path, listed(tmp_path, line))


@pytest.mark.parametrize(
    ("label", "says"),
    [
        ("1 2 3 4", "not five whole numbers"),
        ("1 2 3 4 5 6", "not five whole numbers"),
        ("1,2,3,4,5", "not five whole numbers"),
        ("-1 2 3 4 5", "not five whole numbers"),
        ("1.0 2 3 4 5", "not five whole numbers"),
        (f"1 2 {'9' * 5000} 4 5", "not five whole numbers"),
        ("3 2 3 4 5", "no area"),
        ("1 4 3 4 5", "no area"),
        ("1 2 3 4 0", "type 0 does not exist"),
        ("1 2 3 4 7", "type 7 does not exist"),
    ],
)
def test_a_wrong_label_is_refused_with_its_line(tmp_path: Path, label: str, says: str) -> None:
    file = tmp_path / "labels.txt"
    file.write_text(f"1 2 3 4 5\n{label}\n", "ascii")
    with pytest.raises(DatasetError, match=f"labels.txt line 2: .*{says}"):
        read_boxes(file)


@pytest.mark.parametrize("box", ["0 0 129 96 1", "0 0 128 97 1"])
def test_a_box_outside_its_picture_is_refused(tmp_path: Path, box: str) -> None:
    pair = one_pair(tmp_path, box)
    with pytest.raises(DatasetError, match="leaves its picture of 128 x 96 px"):
        read_pictures(pair)


def test_pictures_that_cannot_be_compared_are_refused(tmp_path: Path) -> None:
    pair = one_pair(tmp_path)
    assert cv2.imwrite(str(pair.template), np.zeros((96, 96), np.uint8))
    with pytest.raises(DatasetError, match="128 x 96 px, but its template 96 x 96 px"):
        read_pictures(pair)
    pair.template.write_bytes(b"")
    with pytest.raises(DatasetError, match="not a picture"):
        read_pictures(pair)
    pair.template.write_bytes(b"no picture")
    with pytest.raises(DatasetError, match="not a picture"):
        read_pictures(pair)
    pair.template.unlink()
    with pytest.raises(DatasetError, match="No such file"):
        read_pictures(pair)


boxes = st.builds(
    lambda x, y, w, h, kind: Box(x, y, x + w, y + h, kind),
    *(st.integers(0, 99_999), st.integers(0, 99_999), st.integers(1, 999), st.integers(1, 999)),
    st.integers(1, 6),
)


@given(
    st.lists(boxes), st.sampled_from(["\n", "\r\n", "\r", "\n\n \t\n"]), st.sampled_from([" ", "\t", "  "])
)
def test_labels_come_back_as_written(
    tmp_path_factory: pytest.TempPathFactory, expected: list[Box], end: str, gap: str
) -> None:
    file = tmp_path_factory.getbasetemp() / "labels.txt"
    lines = [gap.join(map(str, (b.x1, b.y1, b.x2, b.y2, b.type))) + end for b in expected]
    file.write_bytes("".join(lines).encode("ascii"))
    assert read_boxes(file) == tuple(expected)


@given(st.binary(max_size=60) | st.text("0123456789 \n-.x\x00", max_size=60).map(str.encode))
def test_any_bytes_are_a_list_and_labels_or_one_error(
    tmp_path_factory: pytest.TempPathFactory, data: bytes
) -> None:
    root = tmp_path_factory.getbasetemp()
    file = root / "any.txt"
    file.write_bytes(data)
    try:
        for box in read_boxes(file):
            assert 0 <= box.x1 < box.x2
            assert 0 <= box.y1 < box.y2
            assert 1 <= box.type <= 6
    except DatasetError:
        pass
    file.write_bytes(b"x.jpg " + data + b".txt")
    with pytest.raises(DatasetError):
        read_list(root, file)
