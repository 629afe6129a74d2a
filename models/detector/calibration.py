"""From logits to calibrated probabilities: a temperature, and what the topology of a candidate speaks for.

A network sees a square about a candidate. Whether copper that is missing cuts a conductor through or only
bites into it is a matter of the whole difference, however long: `topology` says how often its border meets
what it could join. As evidence beside the picture it adds to the log odds of each class, by a table that was
fitted to candidates which the network had not learned from (J. Platt 1999, for classes and with evidence).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from models.parity import softmax

TOPOLOGIES: Final = (
    "not told",
    "lost inside", "lost at one side", "lost from side to side", "lost between three sides or more",
    "added apart", "added to one piece", "added between two pieces", "added between three pieces or more",
)  # fmt: skip
"""What `vision.artwork.topology` says of a candidate, by number. Of 0 nothing is concluded."""

NOT_TOLD: Final = 0
LARGEST_OFFSET: Final = 8.0
"""Log odds that a topology may speak for or against a class: no more than what thousands of cases show."""

F32 = npt.NDArray[np.float32]
I64 = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Calibration:
    """softmax(logits / temperature + table[topology]).

    Attributes:
        temperature: positive.
        table: a row of each of TOPOLOGIES, the first of zeros, of k numbers; None: topology counts nothing.
    """

    temperature: float
    table: Sequence[Sequence[float]] | None = None

    def probabilities(self, logits: F32, topology: I64 | None) -> F32:
        """Return calibrated probabilities (n, k) of logits (n, k).

        Args:
            logits: (n, k) float32.
            topology: (n,) numbers of TOPOLOGIES; None only where there is no table.

        Raises:
            ValueError: there is a table and no topology, or one of another length.
        """
        if self.table is None:
            return softmax(logits, self.temperature)
        if topology is None or topology.shape != logits.shape[:1]:
            told = "none" if topology is None else f"{len(topology)}"
            raise ValueError(f"{len(logits)} crops and the topology of {told}: the model's table needs each")
        offsets = np.asarray(self.table, np.float32)[topology]
        return softmax(logits / np.float32(self.temperature) + offsets, 1.0)
