"""How a camera measures colour: charts, colorimetry, characterisation, what three channels cannot know."""

from calibration.colour.chart import Chart, ChartPatch
from calibration.colour.colorimetry import (
    ILLUMINANTS,
    OBSERVERS,
    AdaptationMethod,
    Observer,
    adaptation,
    illuminant_name,
    lab_from_xyz,
    lab_jacobian,
    observer_name,
    white_point,
    xyz_from_lab,
    xyz_from_reflectance,
)

__all__ = [
    "ILLUMINANTS",
    "OBSERVERS",
    "AdaptationMethod",
    "Chart",
    "ChartPatch",
    "Observer",
    "adaptation",
    "illuminant_name",
    "lab_from_xyz",
    "lab_jacobian",
    "observer_name",
    "white_point",
    "xyz_from_lab",
    "xyz_from_reflectance",
]
