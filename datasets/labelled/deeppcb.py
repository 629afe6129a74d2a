"""Pairs in DeepPCB's layout, as `datasets.deeppcb` reads them: each unit has a template of its own."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from datasets import deeppcb
from datasets.errors import DatasetError
from datasets.labelled.files import Files, box, check_pairs, is_file
from datasets.labelled.labels import LabelledPair

LIST: Final = "trainval.txt"
"""The list that is read where none is named."""


def pairs_of(
    files: Files, listed: Path | None, golden: Path | None
) -> tuple[tuple[str, ...], tuple[LabelledPair, ...]]:
    """Return the classes, all six whether they occur or not, and the pairs of a list.

    A group is the folder that a pair lies in: a board's design in this data set.

    Raises:
        DatasetError: see `datasets.deeppcb.read_list`; a picture is unreadable, a box leaves it, the two of a
            pair differ in size, or a golden image is named beside the pairs' own templates.
    """
    if golden is not None:
        raise DatasetError(f"{golden}: each pair of this layout has its own template: name no golden image")
    file = listed or files.root / LIST
    if not is_file(file):
        raise DatasetError(f"{file}: no such list: name the list of pairs, such as {LIST}")
    files.text(file)
    return deeppcb.TYPES, check_pairs(
        (_pair(files, pair) for pair in deeppcb.read_list(files.root, file)), str(file)
    )


def _pair(files: Files, pair: deeppcb.Pair) -> LabelledPair:
    files.text(pair.labels)
    digest, size = files.picture(pair.tested, pair.name)
    _, own = files.picture(pair.template, pair.name)
    if own != size:
        raise DatasetError(
            f"{pair.tested}: {size[0]} x {size[1]} px, its template {own[0]} x {own[1]} px: they must agree"
        )
    boxes = tuple(
        box((b.x1, b.y1, b.x2, b.y2), size, deeppcb.TYPES[b.type - 1], str(pair.labels)) for b in pair.boxes
    )
    return LabelledPair(
        files.name(pair.tested), files.group(pair.tested), pair.template, pair.tested, digest, boxes
    )
