# pyright: reportUnknownMemberType=false
"""Where a tested picture of binary artwork differs from the aligned golden one: windows for the detector.

Edges may differ by a tolerance: a pixel is a candidate's where no pixel of its material lies within it in the
other picture, in either direction, so that neither a trace thinner than the tolerance nor a pinhole is
tolerated away.
"""

from __future__ import annotations

from typing import Final

import cv2
import numpy as np
import numpy.typing as npt

from kernels.bits import grown, packed, strays, tally, unpacked
from kernels.compiled import I64, U8

COPPER_BELOW: Final = 128
"""Artwork is two materials: copper, or ink, is darker than this code."""
MOST: Final = 64
"""Candidates of one picture at most, the largest first."""

_WIDE, _WIDE_AREA = 2, 2  # pixels: what beyond this differs counts nearly at any size
_NARROW, _NARROW_AREA = 1, 14  # beyond one pixel only where it is no speck
_JOINED: Final = 3  # pixels: fragments no farther apart are one candidate
_LONGEST: Final = (
    40  # pixels: a longer candidate is split, so that each part fits a crop with its surroundings
)


def find(golden: U8, unit: U8) -> tuple[I64, I64]:
    """Return the candidates of an aligned pair, the largest first, at most MOST, and what each is part of.

    Args:
        golden: (h, w) uint8, aligned to the unit.
        unit: (h, w) uint8.

    Returns:
        (n, 4) boxes x1 y1 x2 y2 in whole pixels of the unit, tight, x2 and y2 exclusive; and (n,) numbers:
        parts of one long difference have the same.
    """
    before, after = packed(golden < COPPER_BELOW), packed(unit < COPPER_BELOW)
    core, fine, joined = np.empty_like(before), np.empty_like(before), np.empty_like(before)
    strays(before, after, unit.shape[1], _WIDE, core)
    strays(before, after, unit.shape[1], _NARROW, fine)
    grown(fine, _JOINED, joined)
    count, labels = cv2.connectedComponents(unpacked(joined, unit.shape[1]), connectivity=8, ltype=cv2.CV_16U)
    labels = np.asarray(labels, np.uint16)
    counts = np.zeros((2, count), np.int64)
    boxes = np.tile(np.array((unit.shape[1], unit.shape[0], 0, 0)), (count, 1))
    tally(labels, fine, core, counts, boxes)
    area, strong = counts
    kept = np.flatnonzero((strong >= _WIDE_AREA) | (area >= _NARROW_AREA))
    order = kept[np.lexsort((kept, -area[kept], -strong[kept]))]
    parts: list[tuple[int, int, int, int]] = []
    whole: list[int] = []
    for one in order.tolist():
        x1, y1, x2, y2 = boxes[one].tolist()
        split = [(x1, y1, x2, y2)]
        if max(x2 - x1, y2 - y1) > _LONGEST:
            inside = (labels[y1:y2, x1:x2] == one) & (unpacked(fine[y1:y2], x2)[:, x1:] > 0)
            ys, xs = np.nonzero(inside)
            split = _split(xs + x1, ys + y1)
        parts += split
        whole += [one] * len(split)
        if len(parts) >= MOST:
            break
    return np.array(parts[:MOST], np.int64).reshape(-1, 4), np.array(whole[:MOST], np.int64)


def _split(xs: npt.NDArray[np.int64], ys: npt.NDArray[np.int64]) -> list[tuple[int, int, int, int]]:
    """Return the tight box of some pixels, cut along its longer side into parts that fit a crop."""
    x1, y1, x2, y2 = int(xs.min()), int(ys.min()), int(xs.max()) + 1, int(ys.max()) + 1
    if max(x2 - x1, y2 - y1) <= _LONGEST:
        return [(x1, y1, x2, y2)]
    across = xs if x2 - x1 >= y2 - y1 else ys
    low = x1 if x2 - x1 >= y2 - y1 else y1
    length = max(x2 - x1, y2 - y1)
    n = -(-length // _LONGEST)
    part = (across - low) * n // length
    return [box for k in range(n) if (part == k).any() for box in _split(xs[part == k], ys[part == k])]
