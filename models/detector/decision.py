"""What a detector's probabilities decide of a crop: the one rule for inspecting, parity and shadow runs."""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt

HOLD: Final = -1
"""A crop that shows a defect whose class is not sure enough to be named."""
DISMISSED: Final = 0
"""A crop that shows no defect: the index of that class."""

F32 = npt.NDArray[np.float32]
I64 = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]


def decide(probabilities: F32, operating: float, hold_below: float) -> I64:
    """Return each crop's decision: DISMISSED, HOLD or the index of its class.

    A crop is dismissed where the probability of a defect, 1 - p[0], is below `operating`. Else the likeliest
    defect class is its name where that class has at least `hold_below`, and HOLD where it has less. What is
    no number (NaN) dismisses nothing: HOLD.

    Args:
        probabilities: (n, k) float32, k >= 2, summing to 1; class 0 is not a defect.
        operating: in [0, 1], the card's.
        hold_below: in [0, 1], the card's.
    """
    named = 1 + probabilities[:, 1:].argmax(axis=1)
    confidence = np.take_along_axis(probabilities, named[:, None], axis=1)[:, 0]
    decision = np.where(confidence >= np.float32(hold_below), named, HOLD)
    return np.where(_defect(probabilities) < np.float32(operating), DISMISSED, decision)


def doubtful(probabilities: F32, operating: float, hold_below: float, margin: float) -> Mask:
    """Return the crops whose decision could be another if each probability were off by up to `margin`.

    A superset of those: every crop left out keeps its decision under any such error.
    """
    defect = _defect(probabilities)
    ranked = np.sort(probabilities[:, 1:], axis=1)
    best = ranked[:, -1]
    second = ranked[:, -2] if ranked.shape[1] > 1 else np.full_like(best, -np.inf)
    named_otherwise = (best - second <= 2 * margin) & (best >= hold_below - margin)
    held_otherwise = np.abs(best - hold_below) <= margin
    reported = defect >= operating - margin
    clear = np.abs(defect - operating) > margin  # no number is clear of anything
    return ~clear | (reported & (named_otherwise | held_otherwise))


def _defect(probabilities: F32) -> F32:
    return np.float32(1) - probabilities[:, 0]
