# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false
"""A detector's networks at work: onnxruntime on one thread, batches of 16, INT8 with FP32 behind it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
import onnxruntime

from models.detector.card import DetectorCard
from models.detector.contract import SIDE, Found, decoded
from models.detector.decision import doubtful
from models.errors import ModelError
from models.release.files import RUNTIME_ERRORS

BATCH: Final = 16

U8 = npt.NDArray[np.uint8]
F32 = npt.NDArray[np.float32]
I64 = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Answers:
    """What a network says of n crops.

    Attributes:
        logits: (n, k) float32.
        boxes: (n, 4) float32 as the network gives them, see `models.detector.contract.decoded`.
        repeated: crops that were asked again of the FP32 network.
    """

    logits: F32
    boxes: F32
    repeated: int = 0


def ask(network: onnxruntime.InferenceSession, pairs: U8) -> Answers:
    """Return a network's answers to pairs (n, SIDE, SIDE, 2c) uint8, golden channels first.

    Raises one of RUNTIME_ERRORS where the network fails on them.
    """
    batches = [pairs[i : i + BATCH] for i in range(0, len(pairs), BATCH)]
    answers = [network.run(["logits", "box"], {"pair": batch}) for batch in batches]
    logits, boxes = (
        np.concatenate([np.asarray(answer[i], np.float32) for answer in answers]) for i in (0, 1)
    )
    return Answers(logits, boxes)


class ReleasedDetector:
    """A `models.detector.contract.Detector`. Make it with `models.detector.release.open_detector` only.

    Where the card runs INT8, a crop whose INT8 answer lies within the card's margin of another decision is
    asked again of the FP32 network, whose answer then counts: so no decision hangs on the rounding.
    """

    def __init__(
        self,
        card: DetectorCard,
        fp32: onnxruntime.InferenceSession,
        int8: onnxruntime.InferenceSession | None,
    ) -> None:
        """Take a verified card and its networks; `int8` is None where there is none."""
        self.card = card
        self.reference = card.reference
        self.classes = card.classes
        self.hold_below = card.thresholds.hold_below
        self.operating = card.thresholds.operating
        self.channels = card.input.channels
        self.golden_image = card.golden_image
        self.calibration = card.thresholds.calibration
        self.fp32 = fp32
        self.int8 = int8

    def find(self, golden: U8, unit: U8, topology: I64) -> Found:
        """Return what pairs of crops show, see `models.detector.contract.Detector`.

        Raises:
            ModelError: the network fails on them.
            ValueError: the crops are not (n, SIDE, SIDE, c) uint8 of one shape, n at least 1, c the card's,
                or `topology` is not of n.
        """
        shape = (SIDE, SIDE, self.channels)
        if golden.shape != unit.shape or golden.shape[1:] != shape or not len(golden):
            raise ValueError(f"crops of shapes {golden.shape} and {unit.shape}: both must be (n, *{shape})")
        if golden.dtype != np.uint8 or unit.dtype != np.uint8:
            raise ValueError(f"crops of {golden.dtype} and {unit.dtype}: both must be uint8")
        pairs = np.concatenate([golden, unit], axis=3)
        try:
            answers = self.answers(pairs, topology, int8=self.card.runs == "int8")
        except RUNTIME_ERRORS as error:
            raise ModelError(f"model {self.card.name!r} fails on crops of {golden.shape}: {error}") from error
        return Found(self.calibration.probabilities(answers.logits, topology), decoded(answers.boxes))

    def answers(self, pairs: U8, topology: I64, *, int8: bool) -> Answers:
        """Return the FP32 network's answers, or those of INT8 with FP32 behind it."""
        margin = self.card.thresholds.int8_margin
        if not int8 or self.int8 is None or margin is None:
            return ask(self.fp32, pairs)
        first = ask(self.int8, pairs)
        again = np.flatnonzero(
            doubtful(
                self.calibration.probabilities(first.logits, topology),
                self.operating,
                self.hold_below,
                margin,
            )
        )
        if again.size:
            second = ask(self.fp32, pairs[again])
            first.logits[again], first.boxes[again] = second.logits, second.boxes
        return Answers(first.logits, first.boxes, int(again.size))
