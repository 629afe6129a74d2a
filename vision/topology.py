# pyright: reportUnknownMemberType=false
"""What a region does to the conductors: material that joins two is a short, a gap that parts one an open.

A network sees a crop and guesses; the golden image's islands tell. What comes nearer than a cell to a second
island counts as joined, what leaves no more than a cell as parted: the graver answer, where a cell decides.
"""

from __future__ import annotations

import cv2
import numpy as np

from kernels.compiled import U8, Mask

_REACH = 30  # pixels of the half-resolution view around a region, in which its conductors are followed
_TOUCH_PX = 4  # pixels of an island that a region must cover or meet
_LEAST_PART_PX = 100  # a smaller rest of conductor is a sliver
_NEAR = np.ones((5, 5), np.uint8)  # a cell either way


def joins(islands: U8, corner: tuple[int, int], region: Mask) -> bool:
    """Return whether one connected piece of a region meets two islands.

    Args:
        islands: (h, w) uint8 of the half-resolution golden view, 0 where there is no conductor.
        corner: x, y of the region's window in it.
        region: (h, w) bool.
    """
    around, seen = _around(islands, corner, region)
    count, labels = cv2.connectedComponents(cv2.dilate(seen, _NEAR), connectivity=8)
    for label in range(1, count):
        counts = np.bincount(around[np.asarray(labels) == label], minlength=256)
        if int((counts[1:] >= _TOUCH_PX).sum()) >= 2:
            return True
    return False


def parts(islands: U8, corner: tuple[int, int], region: Mask) -> bool:
    """Return whether an island that a region cuts falls into more parts there; arguments as of `joins`."""
    around, seen = _around(islands, corner, region)
    cut = np.asarray(cv2.dilate(seen, _NEAR)) > 0
    return any(
        _count((around == island) & ~cut) > _count(around == island)
        for island in np.unique(around[cut])
        if island
    )


def _around(islands: U8, corner: tuple[int, int], region: Mask) -> tuple[U8, U8]:
    """Return a region's surroundings: the islands there, and the region as (h, w) uint8."""
    (x, y), (h, w) = corner, region.shape
    top, left = max(y - _REACH, 0), max(x - _REACH, 0)
    around = np.ascontiguousarray(islands[top : y + h + _REACH, left : x + w + _REACH])
    seen = np.zeros(around.shape, np.uint8)
    seen[y - top : y - top + h, x - left : x - left + w] = region
    return around, seen


def _count(mask: Mask) -> int:
    _, _, stats, _ = cv2.connectedComponentsWithStats(mask.astype(np.uint8), connectivity=4)
    return int((np.asarray(stats)[1:, cv2.CC_STAT_AREA] >= _LEAST_PART_PX).sum())
