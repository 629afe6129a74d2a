"""What looking for a calibration target gives."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

import numpy as np

from kernels.compiled import F32, F64, I64

FULL = 0.9985  # light of a code that is saturated: the last but one of 8-bit sRGB is darker
_DARK = 0.02  # light below which nothing can be expected
_GLARE = 0.25  # share of saturated pixels that explains why nothing is seen

Missing = Literal[
    "target_not_found",
    "target_partial",
    "target_wrong",
    "target_mirrored",
    "target_blurred",
    "target_saturated",
    "target_dark",
    "target_small",
]


@dataclass(frozen=True, slots=True)
class NotDetected:
    """The target was not found, or cannot be measured in this picture.

    Attributes:
        reason: what is wrong, as a code.
        message: the same in a sentence, with what was seen.
        remedy: what to do.
    """

    reason: Missing
    message: str
    remedy: str


@dataclass(frozen=True, slots=True, eq=False)
class Detection:
    """The features of a target in one picture, n of them, by increasing id.

    Attributes:
        ids: (n,) which features of the target: see `Target.ids`.
        points_px: (n, 2) where they are in the raw frame, x and y; pixel centres at integers.
        u_px: (n,) standard uncertainty of each, per axis: of the fit, for its own residuals.
        target_mm: (n, 3) where they are on the target.
        blur_px: (n,) standard deviation of the edges' blur, pixel included.
        contrast: (n,) bright less dark, linear light.
        saturated: (n,) share of saturated pixels around each, 0..1.
        correlation: factor by which noise that neighbouring pixels share, or that is uneven, raises the
            variance of a point over that of white noise (contained in u_px); far above 1 after demosaicing.
        left_out: how many features were seen but left out, by cause: "blurred", "saturated", "faint",
            "disputed" (not what a corner or dot looks like), "cut" (too near to the border).
    """

    ids: I64
    points_px: F64
    u_px: F64
    target_mm: F64
    blur_px: F64
    contrast: F64
    saturated: F64
    correlation: float = 1.0
    left_out: Mapping[str, int] = field(default_factory=dict[str, int])


def not_found(light: F32, what: str) -> NotDetected:
    """Say why nothing of a target was seen in the picture."""
    bright = float(np.percentile(light[::4, ::4], 98))
    if bright < _DARK:
        return NotDetected(
            "target_dark",
            f"{what} was found: 98 % of the picture are below {bright:.1%} of full light",
            "check lamp and lens cap, raise the exposure until white squares reach half of full scale",
        )
    full = float((light[::4, ::4] >= FULL).mean())
    if full > _GLARE:
        return NotDetected(
            "target_saturated",
            f"{what} was found: {full:.0%} of the picture are saturated",
            "lower exposure or gain until nothing on the target is saturated",
        )
    return NotDetected(
        "target_not_found",
        f"{what} was found",
        "show the target whole, in focus and evenly lit, its squares or dots at least 10 pixels wide",
    )
