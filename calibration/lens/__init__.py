"""Lens and object plane: from detected corners of a target to millimetres, with their covariance.

Start at `calibrate_lens` (several poses) or `calibrate_plane` (one picture is enough for a plane).
"""

from calibration.lens.calibrate import LensCalibration, calibrate_lens, calibrate_plane
from calibration.lens.choice import Candidate
from calibration.lens.coverage import Coverage, next_pose
from calibration.lens.observations import Corners
from calibration.lens.plane import LensMap
from calibration.lens.pose import object_plane

__all__ = [
    "Candidate",
    "Corners",
    "Coverage",
    "LensCalibration",
    "LensMap",
    "calibrate_lens",
    "calibrate_plane",
    "next_pose",
    "object_plane",
]
