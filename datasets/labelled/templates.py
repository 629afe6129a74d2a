"""Golden pictures alone: what defects are drawn on where none has been seen."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from datasets import deeppcb
from datasets.errors import DatasetError
from datasets.labelled.files import PICTURES, Files, check_pairs, is_file
from datasets.labelled.labels import LabelledPair, LabelledSet

_UNIT: Final = "_test"  # ends the name of a tested picture in DeepPCB's layout


def read_golden(place: Path, listed: Path | None = None) -> LabelledSet:
    """Read golden pictures: each is a pair of itself with itself, grouped by the folder that it lies in.

    Tested pictures are not opened; labels that a list names are checked, and not used.

    Args:
        place: a picture, or a folder of which every picture counts, below it too.
        listed: a list in DeepPCB's layout: the templates that it names count, and `place` is its folder.

    Raises:
        DatasetError: nothing is there, a picture is none, or a folder without a list holds tested pictures
            too, which may show defects.
    """
    if is_file(place) and listed is None:
        files = Files(place.parent)
        pictures = [place]
    else:
        files = Files(place)
        pictures = files.pictures(place) if listed is None else _listed(files, listed)
    tested = [path for path in pictures if path.stem.endswith(_UNIT)]
    if tested and listed is None:
        raise DatasetError(
            f"{tested[0]}: a tested picture is no golden one: name this data set's list, or a folder that "
            "holds golden pictures alone"
        )
    if any(path.suffix.lower() not in PICTURES for path in pictures):
        raise DatasetError(f"{place}: not a PNG or JPEG file: export the picture as PNG")
    pairs = check_pairs((_pair(files, path) for path in pictures), str(place))
    return LabelledSet("golden", files.root, deeppcb.TYPES, pairs, files.licences(), files.digest())


def _listed(files: Files, listed: Path) -> list[Path]:
    files.text(listed)
    return [pair.template for pair in deeppcb.read_list(files.root, listed)]


def _pair(files: Files, path: Path) -> LabelledPair:
    digest, _ = files.picture(path, files.name(path))
    return LabelledPair(files.name(path), files.group(path), path, path, digest)
