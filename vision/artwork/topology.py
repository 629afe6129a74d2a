# pyright: reportUnknownMemberType=false
"""How a difference lies in the artwork: inside, at one side, or from side to side.

What is missing of a conductor cuts it through where bare board borders on it at two places, bites into it at
one and leaves a hole at none; what is added joins pieces where copper borders on it at two places, grows from
one piece at one and stands apart at none. The whole difference is looked at, however long it is.
"""

from __future__ import annotations

from typing import Final

import cv2
import numpy as np

from kernels.compiled import U8, Mask

MARGIN: Final = 6
"""Pixels round a difference that must be shown."""

_SQUARE: Final = np.ones((3, 3), np.uint8)
_LEAST: Final = 2  # pixels along which something borders: a single one may be noise
_MOST: Final = 3


def topology(golden: U8, unit: U8, differing: U8, member: Mask) -> int:
    """Return the topology of a difference, a number of `models.detector.calibration.TOPOLOGIES` from 1.

    Args:
        golden: (h, w) uint8, 1 where the golden picture shows copper, a window MARGIN about the difference.
        unit: (h, w) uint8, the same of the unit.
        differing: (h, w) uint8, 1 where what differs is beyond the tolerance, which decides whether the
            difference is one of missing or of added copper.
        member: (h, w) bool, where the difference lies with all that is near.
    """
    seen = differing & member
    added = np.count_nonzero(seen & golden) < np.count_nonzero(seen & ~golden)
    before, after = (golden ^ 1, unit ^ 1) if added else (golden, unit)
    gone = before & (after ^ 1) & member
    count, labelled = cv2.connectedComponents(gone, connectivity=8)
    pieces = np.asarray(labelled, np.int32)
    kept = np.zeros(count, np.uint8)
    kept[pieces[(seen & before) > 0]] = 1
    kept[0] = 0
    region = np.asarray(cv2.morphologyEx(kept[pieces], cv2.MORPH_CLOSE, _SQUARE), np.uint8)
    border = np.asarray(cv2.dilate(region, _SQUARE), np.uint8) & (region ^ 1) & (before ^ 1)
    _, _, stats, _ = cv2.connectedComponentsWithStats(border, connectivity=8)
    sides = int(np.count_nonzero(np.asarray(stats)[1:, cv2.CC_STAT_AREA] >= _LEAST))
    return 1 + min(sides, _MOST) + (_MOST + 1 if added else 0)
