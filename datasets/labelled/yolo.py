"""Pairs in YOLO's layout: `images/.../NAME.png` and, with `labels` for `images`, `labels/.../NAME.txt`.

A line of labels is `class x y width height`, centre and size in fractions of the picture; a line with three
corners or more (`class x1 y1 x2 y2 x3 y3 ...`) counts by its extent. Classes are counted from 0, in the order
of `names` in `data.yaml`, or of the lines of `classes.txt`. Each picture needs a file of labels: an empty one
says that the unit is good, and a lost one must not. A picture's own golden one lies likewise in `golden/`.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final, cast

import yaml

from datasets.errors import DatasetError
from datasets.labelled.files import PICTURES, Files, box, check_classes, check_pairs, is_file
from datasets.labelled.labels import LabelledBox, LabelledPair

NAMES: Final = ("data.yaml", "classes.txt")
"""Files that name the classes."""

_DEEPEST: Final = 20
_NUMBER: Final = re.compile(r"[-+]?(?:[0-9]{1,3}(?:\.[0-9]{0,30})?|\.[0-9]{1,30})(?:[eE][-+]?[0-9]{1,2})?")


def pairs_of(
    files: Files, listed: Path | None, golden: Path | None
) -> tuple[tuple[str, ...], tuple[LabelledPair, ...]]:
    """Return the classes that a box carries, in their order, and the pairs.

    Args:
        files: the data set.
        listed: a text file with one picture a line, as a path from the data set's folder; without it every
            picture in a folder `images` is read.
        golden: what units without their own golden picture are compared with.

    Raises:
        DatasetError: classes are not named, a file of labels is missing, a line is no label, or a label
            leaves its picture.
    """
    names = _names(files)
    units = (
        _listed(files, listed)
        if listed
        else [p for p in files.pictures(files.root) if "images" in p.parent.relative_to(files.root).parts]
    )
    pairs = check_pairs(
        (_pair(files, unit, names, golden) for unit in units), str(listed or files.root / "images")
    )
    used = {box.defect_class for pair in pairs for box in pair.boxes}
    return tuple(name for name in names if name in used), pairs


def _names(files: Files) -> tuple[str, ...]:
    found = [path for name in NAMES if is_file(path := files.root / name)]
    if len(found) != 1:
        what = "both are there" if found else "neither is there"
        raise DatasetError(
            f"{files.root}: classes are named in data.yaml or in classes.txt, and {what}: keep one of them"
        )
    (path,) = found
    text = files.text(path)
    names = (
        _of_yaml(text, path)
        if path.suffix == ".yaml"
        else [line.strip() for line in text.strip().splitlines()]
    )
    check_classes(names, str(path))
    if not names:
        raise DatasetError(f"{path}: names no class: list them in their order")
    return tuple(names)


def _of_yaml(text: str, path: Path) -> list[str]:
    try:
        told: Any = _plain(text)
    except (yaml.YAMLError, ValueError) as error:  # ValueError: a date that does not exist
        raise DatasetError(f"{path}: not YAML ({str(error).splitlines()[0]}): correct it") from error
    names: Any = cast("dict[Any, Any]", told).get("names") if isinstance(told, dict) else None
    if isinstance(names, dict):  # by number
        numbered = cast("dict[Any, Any]", names)
        names = [numbered.get(n) for n in range(len(numbered))]
    if not isinstance(names, list) or not all(isinstance(name, str) for name in cast("list[Any]", names)):
        raise DatasetError(
            f"{path} names: not a list of names, nor one by numbers 0, 1, 2 ...: write names: [open, short]"
        )
    return cast("list[str]", names)


def _plain(text: str) -> Any:  # noqa: ANN401 (whatever the file says)
    """Return what a YAML text says; refuse what makes a small file mean endlessly much."""
    depth = 0
    for event in yaml.parse(text, Loader=yaml.SafeLoader):
        depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
        if depth > _DEEPEST or isinstance(event, yaml.AliasEvent):
            raise yaml.YAMLError("nested too deep, or with an alias")
    return yaml.safe_load(text)


def _listed(files: Files, listed: Path) -> list[Path]:
    lines = enumerate(files.text(listed).splitlines(), start=1)
    units = [(n, files.inside(line.strip(), f"{listed} line {n}")) for n, line in lines if line.strip()]
    for n, unit in units:
        if "images" not in unit.parent.relative_to(files.root).parts:
            raise DatasetError(
                f"{listed} line {n}: {unit} is in no folder 'images': labels lie beside such a one"
            )
    return [unit for _, unit in units]


def _pair(files: Files, unit: Path, names: Sequence[str], golden: Path | None) -> LabelledPair:
    digest, size = files.picture(unit, files.name(unit))
    labels = _beside(files, unit, "labels").with_suffix(".txt")
    if not is_file(labels):
        raise DatasetError(f"{labels} is missing: restore it, or write an empty file if the unit is good")
    lines = enumerate(files.text(labels).splitlines(), start=1)
    boxes = tuple(_box(line, size, names, f"{labels} line {n}") for n, line in lines if line.strip())
    place = _beside(files, unit, "golden")
    own = next((path for s in PICTURES if is_file(path := place.with_suffix(s))), golden)
    if own is not None:
        files.picture(own, files.name(unit))
    return LabelledPair(files.name(unit), files.group(unit), own, unit, digest, boxes)


def _beside(files: Files, unit: Path, kind: str) -> Path:
    """Return a picture's path with its last folder `images` changed to another."""
    parts = list(unit.relative_to(files.root).parts)
    last = max(n for n, part in enumerate(parts[:-1]) if part == "images")
    return files.root.joinpath(*parts[:last], kind, *parts[last + 1 :])


def _box(line: str, size: tuple[int, int], names: Sequence[str], where: str) -> LabelledBox:
    number, *fields = line.split()
    if not re.fullmatch(r"[0-9]{1,6}", number) or int(number) >= len(names):
        raise DatasetError(f"{where}: class {number[:40]!r} does not exist: use 0 .. {len(names) - 1}")
    if not (len(fields) == 4 or (len(fields) >= 6 and len(fields) % 2 == 0)):
        raise DatasetError(
            f"{where}: {line[:80]!r} is neither 'class x y width height' nor 'class x1 y1 x2 y2 x3 y3 ...': "
            "correct it (a sixth number is a prediction's confidence, no label's)"
        )
    if not all(_NUMBER.fullmatch(field) for field in fields):
        raise DatasetError(
            f"{where}: {line[:80]!r}: fractions of the picture such as 0.25 are needed: correct it"
        )
    values = [float(field) for field in fields]
    w, h = size
    if len(values) == 4:
        x, y, width, height = values
        edges = x - width / 2, y - height / 2, x + width / 2, y + height / 2
    else:
        edges = min(values[::2]), min(values[1::2]), max(values[::2]), max(values[1::2])
    return box((edges[0] * w, edges[1] * h, edges[2] * w, edges[3] * h), size, names[int(number)], where)
