"""Finding a calibration target in a picture and measuring its features on raw linear light.

Start at `detect`.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from calibration.detection.charuco import detect_charuco
from calibration.detection.chessboard import detect_chessboard
from calibration.detection.dots import detect_dots
from calibration.detection.result import Detection, Missing, NotDetected
from calibration.errors import CalibrationError
from calibration.targets import Kind, Target
from kernels.compiled import F32

__all__ = ["Detection", "Missing", "NotDetected", "detect"]


def detect(light: F32, target: Target) -> Detection | NotDetected:
    """Find the target and measure its features.

    Args:
        light: (h, w) float32 linear light of the raw frame, 0..1, 1 being saturated; not resampled.
        target: what to look for.

    Returns:
        The measured features. Or why there are none.

    Raises:
        CalibrationError: the light is no (h, w) float32 array.
    """
    if light.ndim != 2 or light.dtype != np.float32:
        raise CalibrationError(f"light must be (h, w) float32, not {light.shape} {light.dtype}")
    return _DETECTORS[target.kind](np.ascontiguousarray(light), target)


_DETECTORS: dict[Kind, Callable[[F32, Target], Detection | NotDetected]] = {
    "chessboard": detect_chessboard,
    "charuco": detect_charuco,
    "dots": detect_dots,
}
