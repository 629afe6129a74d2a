# pyright: reportUnknownMemberType=false
"""Where a tested picture of binary artwork differs from the aligned golden one: windows for the detector.

Edges may differ by a tolerance: a pixel is a candidate's where no pixel of its material lies within it in the
other picture, in either direction, so that neither a trace thinner than the tolerance nor a pinhole is
tolerated away.
"""

from __future__ import annotations

from typing import Final, NamedTuple

import cv2
import numpy as np
import numpy.typing as npt

from kernels.bits import U64, grown, packed, strays, tally, unpacked
from kernels.compiled import I64, U8
from vision.artwork.topology import MARGIN, topology

COPPER_BELOW: Final = 128
"""Artwork is two materials: copper, or ink, is darker than this code."""
MOST: Final = 64
"""Candidates of one picture at most, the largest first."""

_WIDE, _WIDE_AREA = 2, 2  # pixels: what beyond this differs counts nearly at any size
NARROW, _NARROW_AREA = 1, 14  # beyond one pixel only where it is no speck
_JOINED: Final = 3  # pixels: fragments no farther apart are one candidate
_LONGEST: Final = (
    40  # pixels: a longer candidate is split, so that each part fits a crop with its surroundings
)


class Candidates(NamedTuple):
    """Where an aligned pair differs, the largest first.

    Attributes:
        boxes: (n, 4) x1 y1 x2 y2 in whole pixels of the unit, tight, x2 and y2 exclusive; at most MOST.
        whole: (n,) numbers: parts of one long difference have the same.
        topology: (n,) of the whole difference, see `vision.artwork.topology`.
        complete: whether no candidate was left out for being one more than MOST.
    """

    boxes: I64
    whole: I64
    topology: I64
    complete: bool = True


def find(golden: U8, unit: U8) -> Candidates:
    """Return the candidates of an aligned pair.

    Args:
        golden: (h, w) uint8, aligned to the unit.
        unit: (h, w) uint8.
    """
    h, w = unit.shape
    pictures = copper(golden), copper(unit)
    words = packed(pictures[0]), packed(pictures[1])
    core, fine = (_strays(*words, w, reach) for reach in (_WIDE, NARROW))
    joined = np.empty_like(fine)
    grown(fine, _JOINED, joined)
    count, labelled = cv2.connectedComponents(unpacked(joined, w), connectivity=8)
    labels = np.asarray(labelled, np.int32)
    counts, tight = np.zeros((2, count), np.int64), np.tile(np.array((w, h, 0, 0)), (count, 1))
    tally(labels, fine, core, counts, tight)
    area, strong = counts
    kept = np.flatnonzero((strong >= _WIDE_AREA) | (area >= _NARROW_AREA))
    order = kept[np.lexsort((kept, -area[kept], -strong[kept]))]
    differing = unpacked(fine, w)
    parts: list[tuple[int, int, int, int]] = []
    told: list[tuple[int, int]] = []
    for one in order.tolist():
        x1, y1, x2, y2 = tight[one].tolist()
        around = np.s_[max(y1 - MARGIN, 0) : y2 + MARGIN, max(x1 - MARGIN, 0) : x2 + MARGIN]
        member = labels[around] == one
        boxes = [(x1, y1, x2, y2)]
        if max(x2 - x1, y2 - y1) > _LONGEST:
            ys, xs = np.nonzero(member & (differing[around] > 0))
            boxes = _split(xs + around[1].start, ys + around[0].start)
        parts += boxes
        before, after = (picture[around] for picture in pictures)
        told += [(one, topology(before, after, differing[around], member))] * len(boxes)
        if len(parts) > MOST:
            break
    whole, lie = np.array(told[:MOST], np.int64).reshape(-1, 2).T
    first = np.array(parts[:MOST], np.int64).reshape(-1, 4)
    return Candidates(first, whole, lie, complete=len(parts) <= MOST)


def copper(picture: U8) -> U8:
    """Return (h, w) uint8, 1 where a picture shows copper or ink."""
    return (picture < COPPER_BELOW).view(np.uint8)


def differs(before: U8, after: U8, reach: int) -> U8:
    """Return (h, w) uint8, 1 where a pixel's material lies nowhere within reach in the other picture."""
    return unpacked(_strays(packed(before), packed(after), before.shape[1], reach), before.shape[1])


def _strays(before: U64, after: U64, width: int, reach: int) -> U64:
    out = np.empty_like(before)
    strays(before, after, width, reach, out)
    return out


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
