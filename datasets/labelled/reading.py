"""One entry for all layouts."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from datasets.errors import DatasetError
from datasets.labelled import anomalib, coco, deeppcb, yolo
from datasets.labelled.files import Files
from datasets.labelled.labels import LAYOUTS, LabelledSet, Layout

_READERS: Final = {
    "deeppcb": deeppcb.pairs_of, "coco": coco.pairs_of, "yolo": yolo.pairs_of, "anomalib": anomalib.pairs_of,
}  # fmt: skip


def read(
    root: Path,
    layout: Layout,
    *,
    listed: Path | None = None,
    golden: Path | None = None,
) -> LabelledSet:
    """Read a labelled folder; pictures are looked for, measured and digested, not decoded.

    Names in labels may not lead out of the folder; links in it are followed.

    Args:
        root: the folder.
        layout: how it is laid out; `detect` tells it.
        listed: the file that lists its pictures or holds its labels, where the layout has one: DeepPCB's
            list, COCO's JSON, YOLO's list of pictures.
        golden: what units are compared with that the layout names no golden picture for; default
            `golden.png` or `.jpg` in the folder.

    Raises:
        DatasetError: something is missing, malformed or contradicts itself: which file, which line or field,
            and what to do.
    """
    files = Files(root)
    if layout != "deeppcb":
        golden = golden or files.golden()
    classes, pairs = _READERS[layout](files, listed, golden)
    licences = files.licences()
    return LabelledSet(layout, root, classes, pairs, licences, files.digest())


def detect(root: Path, listed: Path | None = None) -> Layout:
    """Return the layout that a folder has, by the files that only one of them has.

    Raises:
        DatasetError: none or several of them are there: name the layout.
    """
    yolos = any((root / name).is_file() for name in yolo.NAMES)
    kind = "" if listed is None else listed.suffix.lower()
    jsons = any((root / name).is_file() for name in coco.NAMES) or any((root / "annotations").glob("*.json"))
    looks: dict[Layout, bool] = {
        "deeppcb": (root / deeppcb.LIST).is_file() or (kind == ".txt" and not yolos),
        "coco": kind == ".json" or jsons,
        "yolo": yolos,
        "anomalib": (root / "train" / anomalib.GOOD).is_dir(),
    }
    told: list[Layout] = [layout for layout in LAYOUTS if looks[layout]]
    if len(told) != 1:
        what = " and ".join(told) if told else "none"
        raise DatasetError(
            f"{root}: of the layouts {', '.join(LAYOUTS)} it looks like {what}: name its layout"
        )
    return told[0]
