"""What a detector's answers become: which candidates are one defect, and what is said of it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from kernels.compiled import F32, I64, Mask
from models import UNCLASSIFIED
from models.detector.decision import DISMISSED, HOLD
from vision.artwork.detect import SAME, overlaps
from vision.naming import Finding
from vision.surface import Deviation


def finding(classes: Sequence[str], region: Deviation, probabilities: F32, said: int) -> Finding:
    """Return what is said of a region by (n, k) probabilities; the surest of them speaks for all."""
    defects = np.nan_to_num(probabilities[:, 1:], nan=-1.0)  # no number is sure of nothing
    surest = int(defects.max(axis=1).argmax())
    ranked: list[int] = np.argsort(-defects[surest], kind="stable").tolist()
    confidence = float(defects[surest, ranked[0]])
    second = next(((classes[c + 1], float(defects[surest, c])) for c in ranked[1:]), None)
    known = confidence >= 0
    return Finding(
        UNCLASSIFIED if said == HOLD else classes[said],
        confidence if known else None,
        region,
        "detector",
        float(1 - probabilities[surest, 0]) if known else None,
        second if second is not None and second[1] > 0 else None,
    )


def one_defect(whole: I64, said: I64, boxes: I64) -> Mask:
    """Return (n, n) bool: candidates that are one defect, being parts of one difference or bounded alike.

    Only where the same is said of both: what is called two names is reported by both.
    """
    alike: Mask = np.equal.outer(whole, whole)
    for k in np.flatnonzero(said != DISMISSED).tolist():
        alike[k] |= overlaps(boxes[k], boxes) > SAME
    return (alike | alike.T) & np.equal.outer(said, said)


def groups(alike: Mask) -> Iterator[I64]:
    """Yield the members of each group that a symmetric relation (n, n) connects."""
    left = np.ones(len(alike), np.bool_)
    for k in range(len(alike)):
        if not left[k]:
            continue
        members = np.zeros(len(alike), np.bool_)
        grown = alike[k] | (np.arange(len(alike)) == k)
        while not np.array_equal(members, grown):
            members = grown
            grown = members | alike[members].any(axis=0)
        left &= ~members
        yield np.flatnonzero(members)
