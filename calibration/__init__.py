"""How a camera measures: certificates with lens, plane, light and noise, their validity, and what checks say.

Start at `CameraCalibration`. It is made from a nominal scale and its uncertainty, or measured: `targets` and
`detection` find a target in pictures, `lens` calibrates, `optics` carries lens and plane; `noise` and
`flat_field` come from flats and darks, `substitution` from a calibrated workpiece. `check_standard`,
`check_history` and `check_log` say whether a certificate still holds, and since when it may not. Without one,
dimensions are undecided and units are held.
"""

from calibration.artefacts import Workpiece
from calibration.certificate import CameraCalibration, Temperature
from calibration.check_history import CheckHistory, CheckState, Doubt
from calibration.check_log import log_line, read_checks, whole_lines
from calibration.check_standard import CheckResult, CheckStandard, Reading
from calibration.errors import (
    CalibrationAlteredError,
    CalibrationError,
    CalibrationExpiredError,
    CalibrationForeignError,
    CalibrationFormatError,
    CalibrationUnsignedError,
    CheckError,
    FramesError,
    LensError,
    TargetError,
)
from calibration.flat_field import FlatField, FlatMeasurement, measure_flat
from calibration.noise import FlatPair, Noise, PhotonTransfer, photon_transfer
from calibration.optics import Optics
from calibration.placed_standard import PlacedSize, PlacedStandard
from calibration.plane_map import Mode, PlaneMap, ScaleMap
from calibration.settings import Settings
from calibration.substitution import EdgeDefinition, Substitution, substitute
from calibration.targets import Target

__all__ = [
    "CalibrationAlteredError",
    "CalibrationError",
    "CalibrationExpiredError",
    "CalibrationForeignError",
    "CalibrationFormatError",
    "CalibrationUnsignedError",
    "CameraCalibration",
    "CheckError",
    "CheckHistory",
    "CheckResult",
    "CheckStandard",
    "CheckState",
    "Doubt",
    "EdgeDefinition",
    "FlatField",
    "FlatMeasurement",
    "FlatPair",
    "FramesError",
    "LensError",
    "Mode",
    "Noise",
    "Optics",
    "PhotonTransfer",
    "PlacedSize",
    "PlacedStandard",
    "PlaneMap",
    "Reading",
    "ScaleMap",
    "Settings",
    "Substitution",
    "Target",
    "TargetError",
    "Temperature",
    "Workpiece",
    "log_line",
    "measure_flat",
    "photon_transfer",
    "read_checks",
    "substitute",
    "whole_lines",
]
