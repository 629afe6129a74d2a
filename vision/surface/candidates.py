# pyright: reportUnknownMemberType=false
"""Candidates: pixels that deviate become regions worth measuring."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Self

import cv2
import numpy as np

from golden.comparison import Comparison
from kernels.compiled import U8, Mask

_STRONG = 12  # codes beyond the tolerance that a region must reach
_CLOSED = 5  # pixels of the square that closes gaps


@dataclass(frozen=True, slots=True)
class Limits:
    """What makes pixels a candidate.

    Attributes:
        weak: codes beyond the tolerance that each of its pixels has at least, from 1.
        strong: codes that one of them has.
        least_area: pixels.
        closed: odd side, pixels, of the square that closes gaps.
        longest: pixels; a longer region is divided. None divides none.
        areas: whether an area's mean alone makes a region strong; a stated `strong` asks it of a pixel.
    """

    weak: int = 1
    strong: int = _STRONG
    least_area: float = 0.0
    closed: int = _CLOSED
    longest: float | None = None
    areas: bool = True

    @classmethod
    def of(cls, stated: Comparison | None, step_mm: float) -> Self:
        """Return what a golden sample states, for pixels of `step_mm`; where it does not, our own."""
        if stated is None:
            return cls()
        return cls(
            weak=max(stated.weak_codes or 0, 1),
            strong=_STRONG if stated.strong_codes is None else stated.strong_codes,
            least_area=(stated.least_area_mm2 or 0.0) / step_mm**2,
            closed=_CLOSED if stated.merge_mm is None else math.ceil(stated.merge_mm / step_mm) | 1,
            longest=None if stated.split_mm is None else stated.split_mm / step_mm,
            areas=stated.strong_codes is None,
        )


@dataclass(frozen=True, slots=True, eq=False)
class Candidate:
    """A region of pixels that deviate weakly or lie between such, at least one of them strongly.

    `corner` is x, y of the first pixel of its window; `inside` and `deviates`, (h, w) bool, are its pixels
    there and those of them that deviate.
    """

    corner: tuple[int, int]
    inside: Mask
    deviates: Mask


def candidates(
    excess: U8, step_mm: float, smallest_mm: float, limits: Limits | None = None, also: Mask | None = None
) -> Iterator[Candidate]:
    """Return the regions of (h, w) uint8 codes beyond the tolerance: hysteresis, single pixels left out.

    Args:
        excess: 0 where nothing deviates.
        step_mm: of a pixel.
        smallest_mm: a region whose box has a smaller diagonal is left out.
        limits: what makes pixels a candidate; None: this release's own.
        also: (h, w) bool, pixels that deviate strongly by another channel.
    """
    limits = limits or Limits()
    beyond = excess >= limits.weak if also is None else (excess >= limits.weak) | also
    # opening by 2 x 2; the second anchor mirrors the first, or all would move by a pixel
    pair = np.ones((2, 2), np.uint8)
    weak = np.asarray(cv2.erode(beyond.view(np.uint8), pair), np.uint8)
    if not weak.max(initial=0):
        return
    left, top, width, height = (int(n) for n in cv2.boundingRect(weak))
    margin = limits.closed + 1  # what opening and closing reach, so that no edge of the window does
    right, bottom = left + width + margin, top + height + margin
    left, top = max(left - margin, 0), max(top - margin, 0)
    weak = np.asarray(cv2.dilate(weak[top:bottom, left:right], pair, anchor=(0, 0)), np.uint8)
    closing = np.ones((limits.closed, limits.closed), np.uint8)
    weak = np.asarray(cv2.morphologyEx(weak, cv2.MORPH_CLOSE, closing), np.uint8)
    count, labels, stats, _ = cv2.connectedComponentsWithStats(weak, connectivity=8)
    for label in range(1, count):
        x, y, w, h, area = (int(n) for n in stats[label])
        if math.hypot(w, h) * step_mm < smallest_mm or area < limits.least_area:
            continue
        inside = labels[y : y + h, x : x + w] == label
        x, y = left + x, top + y
        at = np.s_[y : y + h, x : x + w]
        deviates = inside & beyond[at]
        strong = int(excess[at][deviates].max(initial=0)) >= limits.strong
        if strong or (also is not None and bool(also[at][inside].any())):
            parts = (Candidate((x, y), part, part & deviates) for part in _divided(inside, limits.longest))
            yield from (part for part in parts if part.deviates.any())  # a part may only bridge a gap


def _divided(inside: Mask, longest: float | None) -> Iterator[Mask]:
    """Yield a region's parts of equal length along its principal direction, each no longer than `longest`."""
    ys, xs = np.nonzero(inside)
    dx, dy = xs - xs.mean(), ys - ys.mean()
    angle = 0.5 * math.atan2(2 * float(dx @ dy), float(dx @ dx - dy @ dy))
    along = dx * math.cos(angle) + dy * math.sin(angle)
    parts = 1 if longest is None else math.ceil((float(np.ptp(along)) + 1) / longest)
    if parts == 1:
        yield inside
        return
    number = np.minimum((along - along.min()) / (float(np.ptp(along)) + 1) * parts, parts - 1).astype(
        np.int64
    )
    for n in range(parts):
        part = np.zeros_like(inside)
        part[ys[number == n], xs[number == n]] = True
        if part.any():
            yield part
