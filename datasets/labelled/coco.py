"""Pairs in COCO's layout: one JSON file with `images`, `annotations` and `categories` (Lin et al. 2014).

`bbox` is x, y, width, height in pixels, x = 0 at the left side of the first column. Boxes alone are read: a
polygon or a mask (`segmentation`, run lengths too) says where in its box a defect lies, which a detector of
boxes has no use for. A crowd (`iscrowd` 1) is refused, since it is no single defect. Beyond the format, an
image may name its own golden picture: `"golden": "PATH"`.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Any, Final, Literal, TypeVar

from pydantic import BaseModel, Field, Strict, StrictInt, StrictStr, ValidationError

from datasets.errors import DatasetError
from datasets.labelled.files import Files, box, check_classes, check_pairs, is_file
from datasets.labelled.labels import LabelledBox, LabelledPair

NAMES: Final = ("annotations.json", "_annotations.coco.json")
"""Names that a file of labels goes by where none is named."""

_Id = Annotated[StrictInt, Field(ge=0)]
_Number = Annotated[float, Strict(), Field(allow_inf_nan=False)]
_Text = Annotated[StrictStr, Field(min_length=1)]


class _Image(BaseModel):
    id: _Id
    file_name: _Text
    width: Annotated[StrictInt, Field(ge=1)]
    height: Annotated[StrictInt, Field(ge=1)]
    golden: _Text | None = None


class _Annotation(BaseModel):
    id: _Id
    image_id: _Id
    category_id: _Id
    bbox: tuple[_Number, _Number, _Number, _Number]
    iscrowd: Literal[0, 1, False, True] = 0


class _Category(BaseModel):
    id: _Id
    name: StrictStr


_T = TypeVar("_T", _Image, _Annotation, _Category)


class _Coco(BaseModel):
    images: list[_Image]
    annotations: list[_Annotation]
    categories: list[_Category]


def pairs_of(
    files: Files, listed: Path | None, golden: Path | None
) -> tuple[tuple[str, ...], tuple[LabelledPair, ...]]:
    """Return the classes that a box carries, in order of their ids, and the pairs.

    Pictures are looked for from the JSON file's folder, then from the data set's, then in its `images`. A
    picture without an annotation is a good unit.

    Raises:
        DatasetError: the file is no such JSON, an id comes twice or leads nowhere, a picture is missing or of
            another size than is written, or a box is none.
    """
    file = listed or _found(files)
    coco = _parsed(files, file)
    categories = _by_id(coco.categories, f"{file} categories")
    names = {i: categories[i].name for i in sorted(categories)}
    check_classes(names.values(), f"{file} categories")
    images = _by_id(coco.images, f"{file} images")
    of_image: dict[int, list[tuple[int, _Annotation]]] = defaultdict(list)
    _by_id(coco.annotations, f"{file} annotations")
    for n, annotation in enumerate(coco.annotations):
        where = f"{file} annotations[{n}]"
        if annotation.image_id not in images:
            raise DatasetError(f"{where}.image_id: no image has the id {annotation.image_id}: add the image")
        if annotation.category_id not in names:
            raise DatasetError(
                f"{where}.category_id: no category has the id {annotation.category_id}: add it"
            )
        if annotation.iscrowd:
            raise DatasetError(
                f"{where}.iscrowd: a crowd is no single defect: label each defect, or take the annotation out"
            )
        of_image[annotation.image_id].append((n, annotation))
    pairs = check_pairs(
        (
            _pair(files, file, n, image, of_image[image.id], names, golden)
            for n, image in enumerate(coco.images)
        ),
        str(file),
    )
    used = {a.category_id for a in coco.annotations}
    return tuple(name for i, name in names.items() if i in used), pairs


def _found(files: Files) -> Path:
    named = [path for name in NAMES if is_file(path := files.root / name)]
    found = named or sorted((files.root / "annotations").glob("*.json")) or sorted(files.root.glob("*.json"))
    if len(found) != 1:
        what = "none" if not found else " and ".join(path.name for path in found[:3])
        raise DatasetError(f"{files.root}: one JSON file of labels is needed and {what} is there: name it")
    return found[0]


def _parsed(files: Files, file: Path) -> _Coco:
    text = files.text(file)
    try:
        return _Coco.model_validate(json.loads(text, object_pairs_hook=_once))
    except ValidationError as error:
        first = error.errors()[0]
        more = f" (and {error.error_count() - 1} more)" if error.error_count() > 1 else ""
        raise DatasetError(f"{file} {_place(first['loc'])}: {first['msg']}{more}: correct it") from error
    except RecursionError as error:
        raise DatasetError(f"{file}: nested too deep: name a COCO file") from error
    except ValueError as error:  # JSONDecodeError says line and column
        raise DatasetError(f"{file}: not JSON as it should be ({error}): correct it") from error


def _once(fields: list[tuple[str, Any]]) -> dict[str, Any]:
    told = dict(fields)
    if len(told) < len(fields):
        twice = next(name for n, (name, _) in enumerate(fields) if name in dict(fields[:n]))
        raise ValueError(f"the field {twice[:80]!r} comes twice in one object")
    return told


def _place(loc: Iterable[int | str]) -> str:
    return "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in loc).lstrip(".") or "top"


def _by_id(things: list[_T], where: str) -> dict[int, _T]:
    by_id: dict[int, _T] = {}
    for n, thing in enumerate(things):
        if thing.id in by_id:
            raise DatasetError(f"{where}[{n}].id: {thing.id} was used before: give each its own id")
        by_id[thing.id] = thing
    return by_id


def _pair(
    files: Files, file: Path, n: int, image: _Image, labels: Iterable[tuple[int, _Annotation]],
    names: dict[int, str], golden: Path | None,
) -> LabelledPair:  # fmt: skip
    where = f"{file} images[{n}]"
    unit = _picture(files, file, image.file_name, f"{where}.file_name")
    digest, size = files.picture(unit, f"{where}.file_name")
    if size != (image.width, image.height):
        raise DatasetError(
            f"{where}: said to have {image.width} x {image.height} px, but {unit} has {size[0]} x {size[1]}: "
            "correct it, or store the picture the way up in which it was labelled"
        )
    own = golden if image.golden is None else _picture(files, file, image.golden, f"{where}.golden")
    if own is not None:
        files.picture(own, f"{where}.golden")
    boxes: list[LabelledBox] = []
    for k, annotation in labels:
        x, y, w, h = annotation.bbox
        at = f"{file} annotations[{k}].bbox"
        boxes.append(box((x, y, x + w, y + h), size, names[annotation.category_id], at))
    return LabelledPair(files.name(unit), files.group(unit), own, unit, digest, tuple(boxes))


def _picture(files: Files, file: Path, name: str, where: str) -> Path:
    """Return the first place where a picture is, or the first where it should be."""
    inside = files.inside(name, where)
    places = (file.parent / name, inside, files.root / "images" / name)
    return next((path for path in places if is_file(path)), inside)
