"""Parity of a detector: what the trained network answered, what a runtime answers, and what is allowed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from models.detector.calibration import Calibration
from models.detector.contract import decoded
from models.detector.decision import DISMISSED, decide
from models.detector.runtime import Answers
from models.errors import ParityError
from models.parity import LARGEST_DIFFERENCE

LARGEST_BOX_PX: Final = {"fp32": 0.02, "int8": 4.0}
"""An edge of a box that is reported may move by so many pixels from the trained network's."""
LEAST_CROPS: Final = 1000
"""Crops of a fixed set: no flip among so many bounds the rate of flips at 0.3 %, with 95 % confidence."""

U8 = npt.NDArray[np.uint8]
F32 = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Judged:
    """By what answers are compared: the card's calibration and thresholds, and the crops' topology."""

    calibration: Calibration
    operating: float
    hold_below: float
    topology: npt.NDArray[np.int64]

    def probabilities(self, logits: F32) -> F32:
        """Return calibrated probabilities (n, k) of logits (n, k)."""
        return self.calibration.probabilities(logits, self.topology)

    def decisions(self, logits: F32) -> npt.NDArray[np.int64]:
        """Return the decisions (n,) of logits (n, k), see `models.detector.decision.decide`."""
        return decide(self.probabilities(logits), self.operating, self.hold_below)


@dataclass(frozen=True, slots=True)
class DetectorParity:
    """How far answers lie from the trained network's.

    Attributes:
        crops: crops compared.
        probability: largest difference of a calibrated probability, NaN where an answer is no number. Of
            INT8 it is that of its own answers, before FP32 took over the doubtful ones.
        box_px: largest difference of an edge of a box, over the crops that the trained network reports.
        flips: crops that are decided otherwise.
        repeated: crops that INT8 left to FP32.
    """

    crops: int
    probability: float
    box_px: float
    flips: int
    repeated: int

    def require(self, what: str, probability: float, box_px: float) -> None:
        """Raise ParityError unless nothing flips and the differences are within what is allowed."""
        if not (self.flips == 0 and self.probability <= probability and self.box_px <= box_px):
            raise ParityError(
                f"{what}: a damaged export: of {self.crops} crops {self.flips} are decided otherwise than by "
                f"the trained network, probabilities are off by up to {self.probability:.2g} "
                f"({probability:g} is allowed) and boxes by {self.box_px:.2g} px ({box_px:g}); "
                "take the model as it was released, or export it again"
            )


def compare(trained: Answers, own: Answers, served: Answers, judged: Judged) -> DetectorParity:
    """Compare the trained network's answers with a runtime's.

    Args:
        trained: of the trained network, in torch.
        own: of the exported network itself.
        served: what is served, `own` where nothing stands behind it.
        judged: how probabilities and decisions are made of them.

    Raises ValueError where shapes differ.
    """
    for answer in (own, served):
        if answer.logits.shape != trained.logits.shape or answer.boxes.shape != trained.boxes.shape:
            raise ValueError(
                f"logits {answer.logits.shape} and boxes {answer.boxes.shape} where the trained network gave "
                f"{trained.logits.shape} and {trained.boxes.shape}"
            )
    difference = np.abs(judged.probabilities(trained.logits) - judged.probabilities(own.logits)).max()
    decided = judged.decisions(trained.logits)
    reported = decided != DISMISSED
    moved = np.abs(decoded(trained.boxes) - decoded(served.boxes))[reported]
    flips = int((decided != judged.decisions(served.logits)).sum())
    largest = float(moved.max()) if moved.size else 0.0
    return DetectorParity(len(decided), float(difference), largest, flips, served.repeated)


def allowed(runtime: str, int8_margin: float | None) -> float:
    """Return how far a probability of a runtime may be off."""
    return LARGEST_DIFFERENCE if runtime == "fp32" or int8_margin is None else int8_margin
