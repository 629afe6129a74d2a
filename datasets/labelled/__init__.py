"""Labelled folders as people keep them, read into one form: pairs of golden picture and unit, with boxes.

Four layouts are read, each by its own module, which says what it expects: DeepPCB (`deeppcb`), COCO JSON
(`coco`), YOLO text files (`yolo`) and folders as MVTec AD and Anomalib keep them (`anomalib`). `read` takes
any of them, `read_golden` golden pictures alone; `read_pixels` decodes a pair; `split` holds out whole groups
of pictures, never single ones.
"""

from __future__ import annotations

from datasets.labelled.labels import (
    LAYOUTS,
    LabelledBox,
    LabelledMask,
    LabelledPair,
    LabelledSet,
    Layout,
    Licence,
)
from datasets.labelled.pictures import PairPixels, read_pixels
from datasets.labelled.reading import detect, read
from datasets.labelled.split import Split, folds, hold_out, read_groups, split_document, with_groups
from datasets.labelled.templates import read_golden

__all__ = [
    "LAYOUTS",
    "LabelledBox",
    "LabelledMask",
    "LabelledPair",
    "LabelledSet",
    "Layout",
    "Licence",
    "PairPixels",
    "Split",
    "detect",
    "folds",
    "hold_out",
    "read",
    "read_golden",
    "read_groups",
    "read_pixels",
    "split_document",
    "with_groups",
]
