"""What is set on candidates that were held out: temperature, operating threshold, reliability diagram."""

from __future__ import annotations

import math
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from models.detector.decision import decide
from models.parity import softmax

_BINS: Final = 10

F32 = npt.NDArray[np.float32]
I32 = npt.NDArray[np.int32]


def temperature(logits: F32, kinds: I32) -> float:
    """Return the temperature of least negative log likelihood, to 1 % (Guo et al., arXiv:1706.04599)."""
    candidates = np.exp(np.arange(math.log(0.5), math.log(4.0), 0.01))
    true = np.arange(len(kinds)), kinds
    costs = [-np.log(np.maximum(softmax(logits, float(t))[true], 1e-12)).mean() for t in candidates]
    return round(float(candidates[int(np.argmin(costs))]), 3)


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
