# SciPy publishes no types.
# pyright: reportUnknownVariableType=false, reportUnknownMemberType=false, reportUnknownArgumentType=false
"""What is set on candidates that were held out: calibration, operating threshold, reliability diagram."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, Final

import numpy as np
import numpy.typing as npt
from scipy.optimize import minimize
from scipy.special import logsumexp

from models.detector.calibration import LARGEST_OFFSET, TOPOLOGIES, Calibration
from models.detector.decision import decide

UNCHOSEN: Final[Mapping[str, float | str]] = {
    "temperature": 1.0, "operating": 0.0, "hold_below": 0.5,
    "chosen": "Not chosen: nothing was held out and no thresholds were given. So nothing is dismissed, and a "
    "class is named from even odds on.",
}  # fmt: skip
"""Thresholds of a detector of which nobody knows how sure it may be."""

_BINS: Final = 10

F32 = npt.NDArray[np.float32]
F64 = npt.NDArray[np.float64]
I32 = npt.NDArray[np.int32]
I64 = npt.NDArray[np.int64]


def calibration(logits: F32, topology: I64, kinds: I32) -> Calibration:
    """Return temperature and topology table of least negative log likelihood.

    Temperature by C. Guo et al., arXiv:1706.04599. The table's numbers have a normal prior of one about zero,
    so that a topology which was rarely seen, or never, speaks for nothing.

    Args:
        logits: (n, k) float32, of candidates that the network did not learn from.
        topology: (n,) of them, see `TOPOLOGIES`.
        kinds: (n,) class that each shows.
    """
    values, k = logits.astype(np.float64), logits.shape[1]
    shown = np.eye(k)[kinds]
    each = np.eye(len(TOPOLOGIES))[topology]
    each[:, 0] = 0  # of what is not told nothing is concluded

    def cost(given: F64) -> tuple[float, F64]:
        scaled, table = values / np.exp(given[0]), given[1:].reshape(-1, k)
        evidence = scaled + each @ table
        total = np.asarray(logsumexp(evidence, axis=1), np.float64)
        off = np.exp(evidence - total[:, None]) - shown
        slope = np.concatenate(([-(off * scaled).sum()], (each.T @ off + table).ravel()))
        return float((total - (shown * evidence).sum(axis=1)).sum() + (table**2).sum() / 2), slope

    start = np.zeros(1 + len(TOPOLOGIES) * k)
    bounds = [(math.log(0.5), math.log(4.0)), *[(-LARGEST_OFFSET, LARGEST_OFFSET)] * (len(start) - 1)]
    best: F64 = minimize(cost, start, jac=True, method="L-BFGS-B", bounds=bounds).x
    table = np.round(best[1:].reshape(-1, k), 3) + 0.0
    return Calibration(round(math.exp(best[0]), 3), tuple(tuple(row) for row in table.tolist()))


def operating(probabilities: F32, kinds: I32) -> float:
    """Return the threshold of greatest F over candidates: a defect counts where it is named rightly."""
    best, at = -1.0, 0.5
    for threshold in np.arange(0.2, 0.91, 0.01):
        decided = decide(probabilities, float(threshold), float(threshold))
        right = int(((decided == kinds) & (kinds > 0)).sum())
        f = 2 * right / max(int((kinds > 0).sum()) + int((decided != 0).sum()), 1)
        if f > best:
            best, at = f, float(threshold)
    return round(at, 2)


def reliability(probabilities: F32, kinds: I32) -> list[dict[str, Any]]:
    """Return the bars of a reliability diagram: confidence in the likeliest class against how often right."""
    best = probabilities.argmax(axis=1)
    confidence = probabilities.max(axis=1)
    place = np.minimum((confidence * _BINS).astype(np.int64), _BINS - 1)
    bars: list[dict[str, Any]] = []
    for b in np.unique(place).tolist():
        inside = place == b
        right = float((best == kinds)[inside].mean())
        bars.append(
            {"confidence": float(confidence[inside].mean()), "correct": right, "n": int(inside.sum())}
        )
    return bars
