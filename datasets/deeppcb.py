"""DeepPCB's layout: pairs of grey pictures, a template and a tested board, with labelled boxes.

A list file has one line per pair, `DIR/NAME.jpg DIR_not/NAME.txt`: the pictures are `DIR/NAME_temp.jpg` and
`DIR/NAME_test.jpg`, the labels `DIR_not/NAME.txt` with one `x1 y1 x2 y2 type` per line, in pixels of the
tested picture (S. Tang et al., arXiv:1902.06197). Copper is black.
"""

# OpenCV publishes incomplete types.
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false
from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import cv2
import numpy as np
import numpy.typing as npt

from datasets.errors import DatasetError

TYPES: Final = ("open", "short", "mousebite", "spur", "copper", "pin-hole")
"""Names of the types, which are numbered from 1."""

MARGIN_PX: Final = 12
"""Labels lie so far round the tight extent of a defect."""


@dataclass(frozen=True, slots=True)
class Box:
    """A labelled defect: corners in pixels of the tested picture, x1 < x2 and y1 < y2; type 1 .. 6."""

    x1: int
    y1: int
    x2: int
    y2: int
    type: int


@dataclass(frozen=True, slots=True)
class Pair:
    """A line of a list: where its files lie, and the labelled boxes. `name` is unique in its list."""

    name: str
    template: Path
    tested: Path
    labels: Path
    boxes: tuple[Box, ...]


def read_list(root: Path, file: Path) -> tuple[Pair, ...]:
    """Read a list and the labels of each of its pairs; pictures are only looked for.

    Raises:
        DatasetError: the list or a file it names is missing, a line is malformed, or a pair comes twice.
    """
    pairs: dict[str, Pair] = {}
    for number, line in _lines(file):
        where = f"{file} line {number}"
        match line.split():
            case [picture, labels] if picture.endswith(".jpg") and labels.endswith(".txt"):
                pair = _pair(_inside(root, picture, where), _inside(root, labels, where), where)
            case _:
                raise DatasetError(
                    f"{where}: {line[:80]!r} is not 'DIR/NAME.jpg DIR_not/NAME.txt': correct it"
                )
        if pair.name in pairs:
            raise DatasetError(
                f"{where}: {pair.name} was listed before: list each pair once, under its own name"
            )
        pairs[pair.name] = pair
    if not pairs:
        raise DatasetError(f"{file}: lists no pair: name at least one 'DIR/NAME.jpg DIR_not/NAME.txt'")
    return tuple(pairs.values())


def read_boxes(file: Path) -> tuple[Box, ...]:
    """Read a file of labels; an empty one is a board without a defect.

    Raises:
        DatasetError: the file cannot be read, or a line is no box with a type.
    """
    return tuple(_box(line, f"{file} line {number}") for number, line in _lines(file))


def read_pictures(pair: Pair) -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.uint8]]:
    """Decode a pair.

    Returns:
        Template and tested picture, (h, w) uint8 grey each, whether stored with one channel or three.

    Raises:
        DatasetError: a picture cannot be read, their sizes differ, or a labelled box leaves the picture.
    """
    template, tested = _grey(pair.template), _grey(pair.tested)
    (h, w), (th, tw) = tested.shape, template.shape
    if (h, w) != (th, tw):
        raise DatasetError(f"{pair.tested}: {w} x {h} px, but its template {tw} x {th} px: they must agree")
    for box in pair.boxes:
        if box.x2 > w or box.y2 > h:
            raise DatasetError(
                f"{pair.name}: the box {box.x1} {box.y1} {box.x2} {box.y2} leaves its picture of "
                f"{w} x {h} px: correct the labels"
            )
    return template, tested


def _pair(picture: Path, labels: Path, where: str) -> Pair:
    template, tested = (picture.with_name(f"{picture.stem}_{role}.jpg") for role in ("temp", "test"))
    for path in (template, tested, labels):
        if not _is_file(path):
            raise DatasetError(f"{where}: {path} is missing: restore it, or take the line out")
    return Pair(picture.stem, template, tested, labels, read_boxes(labels))


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except OSError:  # a name that is too long
        return False


def _inside(root: Path, name: str, where: str) -> Path:
    path = Path(name)
    if path.is_absolute() or ".." in path.parts:
        raise DatasetError(f"{where}: {name} leaves the data set's folder: use a path relative to {root}")
    return root / path


def _box(line: str, where: str) -> Box:
    fields = line.split()
    if len(fields) != 5 or not all(re.fullmatch(r"[0-9]{1,6}", field) for field in fields):
        raise DatasetError(f"{where}: {line[:80]!r} is not five whole numbers 'x1 y1 x2 y2 type': correct it")
    x1, y1, x2, y2, kind = map(int, fields)
    if x1 >= x2 or y1 >= y2:
        raise DatasetError(f"{where}: {line[:80]!r} has no area: corners are x1 < x2 and y1 < y2")
    if not 1 <= kind <= len(TYPES):
        raise DatasetError(f"{where}: type {kind} does not exist: use 1 (open) .. 6 (pin-hole)")
    return Box(x1, y1, x2, y2, kind)


def _lines(file: Path) -> list[tuple[int, str]]:
    """Return the lines that are not blank, with their numbers from 1."""
    try:
        text = file.read_bytes().decode("ascii")
    except OSError as error:
        raise DatasetError(f"{file}: {error.strerror}: name a file that can be read") from error
    except UnicodeDecodeError as error:
        raise DatasetError(
            f"{file}: byte {error.start} is not ASCII: name a text file of this layout"
        ) from error
    return [(n, line) for n, line in enumerate(re.split(r"\r\n|\r|\n", text), start=1) if line.strip()]


def _grey(path: Path) -> npt.NDArray[np.uint8]:
    try:
        encoded = np.fromfile(path, np.uint8)
    except OSError as error:
        raise DatasetError(f"{path}: {error.strerror}: name a file that can be read") from error
    picture = cv2.imdecode(encoded, cv2.IMREAD_GRAYSCALE) if encoded.size else None
    if picture is None:
        raise DatasetError(f"{path}: not a picture that can be decoded: restore it from the data set")
    return np.asarray(picture, np.uint8)
