"""Parity: an exported network must answer as the trained one did."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

LARGEST_DIFFERENCE: Final = 1e-4
"""A class probability of the export may differ by so much from the trained network's; no label may."""

F32 = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Parity:
    """How far two networks' answers to the same inputs lie apart.

    Attributes:
        probability: largest absolute difference of a class probability; NaN where an answer is not a number.
        flips: cells whose most probable class differs.
        cells: cells compared.
        crops: inputs that they are of.
    """

    probability: float
    flips: int
    cells: int
    crops: int

    @property
    def holds(self) -> bool:
        """Whether the two may stand for one another."""
        return self.probability <= LARGEST_DIFFERENCE and self.flips == 0


def softmax(logits: F32, temperature: float) -> F32:
    """Return calibrated probabilities over axis 1, the classes, of (n, k, h, w) float32 logits."""
    scaled = logits / np.float32(temperature)
    scaled -= scaled.max(axis=1, keepdims=True)
    np.exp(scaled, out=scaled)
    scaled /= scaled.sum(axis=1, keepdims=True)
    return scaled


def compare(trained: F32, exported: F32, temperature: float) -> Parity:
    """Compare logits (n, k, h, w) float32; raise ValueError where their shapes differ."""
    if trained.shape != exported.shape:
        raise ValueError(f"logits of shape {exported.shape} where the trained network gave {trained.shape}")
    difference = np.abs(softmax(trained, temperature) - softmax(exported, temperature)).max()
    flipped = trained.argmax(axis=1) != exported.argmax(axis=1)
    return Parity(float(difference), int(flipped.sum()), flipped.size, len(flipped))


def together(parts: Sequence[Parity]) -> Parity:
    """Return the parity of several sets of inputs as one."""
    return Parity(
        probability=float(np.max([p.probability for p in parts])),  # NaN stays
        flips=sum(p.flips for p in parts),
        cells=sum(p.cells for p in parts),
        crops=sum(p.crops for p in parts),
    )
