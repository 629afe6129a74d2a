"""A labelled pair decoded: golden picture, unit and boxes in its pixels."""

# OpenCV publishes incomplete types.
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false
from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt

from datasets.errors import DatasetError
from datasets.labelled.files import MOST_BOXES
from datasets.labelled.labels import LabelledBox, LabelledMask, LabelledPair

U8 = npt.NDArray[np.uint8]


@dataclass(frozen=True, eq=False)
class PairPixels:
    """A pair's pictures, (h, w) uint8 grey or (h, w, 3) uint8 RGB, of one size, and the unit's boxes."""

    golden: U8
    unit: U8
    boxes: tuple[LabelledBox, ...]


def read_pixels(pair: LabelledPair, *, colour: bool = False) -> PairPixels:
    """Decode a pair. Pixels are taken as stored: an orientation tag turns nothing, 16 bits are cut to 8.

    A mask gives a box for each of its connected parts (8 neighbours).

    Raises:
        DatasetError: there is no golden picture, a file does not decode, sizes differ, or a mask is empty.
    """
    if pair.golden is None:
        raise DatasetError(
            f"{pair.name}: no golden picture to compare with: put golden.png into the data set's folder, or "
            "name the golden image"
        )
    golden, unit = (picture(path, colour=colour) for path in (pair.golden, pair.unit))
    if golden.shape != unit.shape:
        (h, w), (gh, gw) = unit.shape[:2], golden.shape[:2]
        raise DatasetError(
            f"{pair.unit}: {w} x {h} px, but its golden picture {gw} x {gh} px: they must agree"
        )
    return PairPixels(golden, unit, pair.boxes if pair.mask is None else _boxes(pair.mask))


def picture(path: Path, *, colour: bool = False) -> U8:
    """Decode a picture to (h, w) uint8 grey or (h, w, 3) uint8 RGB.

    Raises:
        DatasetError: it cannot be read or decoded.
    """
    try:
        encoded = np.fromfile(path, np.uint8)
    except OSError as error:
        raise DatasetError(f"{path}: {error.strerror}: name a file that can be read") from error
    flags = (cv2.IMREAD_COLOR_RGB if colour else cv2.IMREAD_GRAYSCALE) | cv2.IMREAD_IGNORE_ORIENTATION
    try:
        decoded = cv2.imdecode(encoded, flags) if encoded.size else None
    except cv2.error as error:
        raise DatasetError(f"{path}: does not decode ({error.err}): restore it") from error
    if decoded is None:
        raise DatasetError(f"{path}: not a picture that can be decoded: restore it")
    return np.asarray(decoded, np.uint8)


def _boxes(mask: LabelledMask) -> tuple[LabelledBox, ...]:
    marked = (picture(mask.path) > 0).astype(np.uint8)
    count, _, stats, _ = cv2.connectedComponentsWithStats(marked, connectivity=8)
    if count == 1:
        raise DatasetError(f"{mask.path}: all black: mark the defect, or move its picture to test/good")
    if count - 1 > MOST_BOXES:
        raise DatasetError(f"{mask.path}: {count - 1} parts: {MOST_BOXES} are the most; remove the specks")
    parts = np.asarray(stats).reshape(-1, 5)[1:, :4].tolist()
    return tuple(LabelledBox(x, y, x + w, y + h, mask.defect_class) for x, y, w, h in parts)
