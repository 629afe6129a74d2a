"""Binary artwork, boards and print: a golden picture and a tested one become candidates and named defects.

`prepare` aligns and finds candidates; `detect` names and bounds them with a detector. Pictures are (h, w)
uint8 grey, copper or ink black.
"""

from __future__ import annotations

from kernels.compiled import U8
from vision.artwork.align import LEAST_SIDE, aligned
from vision.artwork.candidates import Candidates, find
from vision.artwork.detect import Finding, detect

__all__ = ["LEAST_SIDE", "Candidates", "Finding", "detect", "prepare"]


def prepare(golden: U8, unit: U8) -> tuple[U8, Candidates]:
    """Return the golden picture aligned to the unit, (h, w) uint8, and the candidates.

    Args:
        golden: (h, w) uint8, sides of at least LEAST_SIDE.
        unit: (h, w) uint8 of the same size.
    """
    moved = aligned(golden, unit)
    return moved, find(moved, unit)
