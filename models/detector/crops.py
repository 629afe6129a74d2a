"""Where a crop is cut and what it shows beyond the border: one rule for fits, inspection and shadow runs."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from models.detector.contract import SIDE

U8 = npt.NDArray[np.uint8]
I64 = npt.NDArray[np.int64]


def first(middle: float, length: int) -> int:
    """Return the first pixel of a crop about a place along an axis; its centre stays in the picture."""
    return min(max(round(middle) - SIDE // 2, -SIDE // 2), length - SIDE // 2)


def corners(boxes: I64, shape: tuple[int, ...]) -> I64:
    """Return the first pixels x, y (n, 2) of crops about boxes (n, 4) x1 y1 x2 y2 of a picture."""
    middles = (boxes[:, :2] + boxes[:, 2:]) / 2
    places = [(first(x, shape[1]), first(y, shape[0])) for x, y in middles.tolist()]
    return np.array(places, np.int64).reshape(-1, 2)


def mirrored(start: int, length: int) -> I64:
    """Return SIDE places from `start` on, mirrored at both ends, whose own pixels are not repeated."""
    places = np.abs(np.arange(start, start + SIDE, dtype=np.int64))
    return length - 1 - np.abs(length - 1 - places)


def crop(picture: U8, left: int, top: int) -> U8:
    """Return the crop (SIDE, SIDE, c) at a first pixel; what lies outside the picture is its reflection."""
    h, w = picture.shape[:2]
    if left >= 0 and top >= 0 and left + SIDE <= w and top + SIDE <= h:
        return picture[top : top + SIDE, left : left + SIDE]
    return picture[mirrored(top, h)[:, None], mirrored(left, w)]
