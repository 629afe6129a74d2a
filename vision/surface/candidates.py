# pyright: reportUnknownMemberType=false
"""Candidates: pixels that deviate become regions worth measuring."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import cv2
import numpy as np

from kernels.compiled import U8, Mask

STRONG = 12  # codes beyond the tolerance that a region must reach


@dataclass(frozen=True, slots=True, eq=False)
class Candidate:
    """A region of pixels that deviate weakly or lie between such, at least one of them strongly.

    `corner` is x, y of the first pixel of its window; `inside` and `deviates`, (h, w) bool, are its pixels
    there and those of them that deviate.
    """

    corner: tuple[int, int]
    inside: Mask
    deviates: Mask


def candidates(excess: U8, step_mm: float, smallest_mm: float) -> Iterator[Candidate]:
    """Return the regions of (h, w) uint8 codes beyond the tolerance: hysteresis, single pixels left out.

    Args:
        excess: 0 where nothing deviates.
        step_mm: of a pixel.
        smallest_mm: a region whose box has a smaller diagonal is left out.
    """
    weak = (excess > 0).astype(np.uint8)
    # opening by 2 x 2; the second anchor mirrors the first, or all would move by a pixel
    pair = np.ones((2, 2), np.uint8)
    weak = np.asarray(cv2.dilate(cv2.erode(weak, pair), pair, anchor=(0, 0)), np.uint8)
    weak = np.asarray(cv2.morphologyEx(weak, cv2.MORPH_CLOSE, np.ones((5, 5), np.uint8)), np.uint8)
    left, top, width, height = (int(n) for n in cv2.boundingRect(weak))
    if width == 0:
        return
    count, labels, stats, _ = cv2.connectedComponentsWithStats(
        np.ascontiguousarray(weak[top : top + height, left : left + width]), connectivity=8
    )
    for label in range(1, count):
        x, y, w, h, _ = (int(n) for n in stats[label])
        if math.hypot(w, h) * step_mm < smallest_mm:
            continue
        inside = labels[y : y + h, x : x + w] == label
        x, y = left + x, top + y
        beyond = excess[y : y + h, x : x + w]
        deviates = inside & (beyond > 0)
        if int(beyond[deviates].max(initial=0)) >= STRONG:
            yield Candidate((x, y), inside, deviates)
