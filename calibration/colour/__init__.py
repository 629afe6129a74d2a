"""How a camera measures colour: charts, colorimetry, characterisation, what three channels cannot know."""

from calibration.colour.camera import ChartUsed, ColourCalibration, ColourPatch, ErrorSummary
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
from calibration.colour.linearity import Linearity, Transfer, find_linearity
from calibration.colour.model import ColourModel
from calibration.colour.readings import MeasuredColours, comparable, read_colours

__all__ = [
    "ILLUMINANTS",
    "OBSERVERS",
    "AdaptationMethod",
    "Chart",
    "ChartPatch",
    "ChartUsed",
    "ColourCalibration",
    "ColourModel",
    "ColourPatch",
    "ErrorSummary",
    "Linearity",
    "MeasuredColours",
    "Observer",
    "Transfer",
    "adaptation",
    "comparable",
    "find_linearity",
    "illuminant_name",
    "lab_from_xyz",
    "lab_jacobian",
    "observer_name",
    "read_colours",
    "white_point",
    "xyz_from_lab",
    "xyz_from_reflectance",
]
