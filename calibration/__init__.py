"""How a camera measures: certificates with scale, transfer, noise, validity and digest.

Start at `CameraCalibration`. For now a certificate is made from a nominal scale and its uncertainty;
without one, dimensions are undecided and units are held.
"""

from calibration.certificate import CameraCalibration, Noise
from calibration.errors import (
    CalibrationAlteredError,
    CalibrationError,
    CalibrationExpiredError,
    CalibrationForeignError,
    CalibrationFormatError,
)

__all__ = [
    "CalibrationAlteredError",
    "CalibrationError",
    "CalibrationExpiredError",
    "CalibrationForeignError",
    "CalibrationFormatError",
    "CameraCalibration",
    "Noise",
]
