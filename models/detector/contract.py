"""The contract between a finder of candidates and the model that names and bounds them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Protocol, runtime_checkable

import numpy as np
import numpy.typing as npt

from evidence import ModelReference

SIDE: Final = 80
"""Side of a crop in native pixels; the candidate's centre is the crop's."""

_CENTRE: Final = 16.0  # pixels that one unit of a box's centre stands for
_LENGTH: Final = 32.0  # pixels that a box of logarithm 0 is long

U8 = npt.NDArray[np.uint8]
F32 = npt.NDArray[np.float32]
I64 = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class Found:
    """What a detector says of n crops.

    Attributes:
        probabilities: (n, k) float32, calibrated, summing to 1; the first class is `not_a_defect`.
        boxes: (n, 4) float32 x1 y1 x2 y2 in pixels of the crop, not clipped to it.
    """

    probabilities: F32
    boxes: F32


@runtime_checkable
class Detector(Protocol):
    """Names and bounds what candidates show. `reference` goes into every record it took part in.

    Attributes:
        reference: name and digest of the released model.
        classes: of the last axis of `Found.probabilities`.
        hold_below: a candidate rather a defect than not, but named with less confidence, is unclassified.
        operating: confidence from which a candidate is reported at all, chosen as the card says.
        channels: of each picture: 1 (artwork, copper black) or 3 (RGB).
        golden_image: digest of the image that it was made from; None: it names differences of any.
    """

    reference: ModelReference
    classes: tuple[str, ...]
    hold_below: float
    operating: float
    channels: int
    golden_image: str | None

    def find(self, golden: U8, unit: U8, topology: I64) -> Found:
        """Return class probabilities and boxes.

        Args:
            golden: (n, SIDE, SIDE, c) uint8 crops of the golden picture, aligned with the unit; c is
                `channels`.
            unit: (n, SIDE, SIDE, c) uint8 crops of the unit.
            topology: (n,) numbers of `models.detector.calibration.TOPOLOGIES`, of the whole candidates; 0
                where nothing is known of it.
        """
        ...


def encoded(boxes: F32) -> F32:
    """Return boxes (..., 4) x1 y1 x2 y2 of crop pixels as the network learns them.

    Offset of the centre from the crop's in units of 16 px, x then y; log of width and height over 32 px
    (R. Girshick, doi:10.1109/ICCV.2015.169, with one anchor). Width and height must be positive.
    """
    x1, y1, x2, y2 = np.moveaxis(boxes.astype(np.float32), -1, 0)
    middle = SIDE / 2
    return np.stack(
        (
            ((x1 + x2) / 2 - middle) / _CENTRE,
            ((y1 + y2) / 2 - middle) / _CENTRE,
            np.log((x2 - x1) / _LENGTH),
            np.log((y2 - y1) / _LENGTH),
        ),
        axis=-1,
    ).astype(np.float32)


def decoded(answers: F32) -> F32:
    """Return boxes (..., 4) x1 y1 x2 y2 in crop pixels of what the network answers; inverse of `encoded`.

    Sizes are limited to 4 and 160 px, so that no answer overflows.
    """
    x, y, w, h = np.moveaxis(answers.astype(np.float32), -1, 0)
    middle = SIDE / 2
    limits = np.log(4 / _LENGTH), np.log(2 * SIDE / _LENGTH)
    half_w, half_h = (_LENGTH / 2 * np.exp(np.clip(one, *limits)) for one in (w, h))
    x, y = x * _CENTRE + middle, y * _CENTRE + middle
    return np.stack((x - half_w, y - half_h, x + half_w, y + half_h), axis=-1).astype(np.float32)
