"""How a camera measures colour: charts, colorimetry, characterisation, what three channels cannot know."""

from calibration.colour.camera import ChartUsed, ColourCalibration, ColourPatch, ErrorSummary
from calibration.colour.characterise import Characterisation, characterise
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
from calibration.colour.detection import ChartNotFound, FoundChart, find_chart
from calibration.colour.drift import Gain, LightReading, LightReference, LightState, LightWatch, WatchPlan
from calibration.colour.illuminant_check import IlluminantCheck, check_chart, check_white
from calibration.colour.linearity import Linearity, Transfer, find_linearity
from calibration.colour.metamerism import Metamerism, estimate_metamerism, special_index
from calibration.colour.model import ColourModel
from calibration.colour.patches import Patches, sample_patches
from calibration.colour.readings import MeasuredColours, comparable, read_colours
from calibration.colour.slope import slope_residual

__all__ = [
    "ILLUMINANTS",
    "OBSERVERS",
    "AdaptationMethod",
    "Characterisation",
    "Chart",
    "ChartNotFound",
    "ChartPatch",
    "ChartUsed",
    "ColourCalibration",
    "ColourModel",
    "ColourPatch",
    "ErrorSummary",
    "FoundChart",
    "Gain",
    "IlluminantCheck",
    "LightReading",
    "LightReference",
    "LightState",
    "LightWatch",
    "Linearity",
    "MeasuredColours",
    "Metamerism",
    "Observer",
    "Patches",
    "Transfer",
    "WatchPlan",
    "adaptation",
    "characterise",
    "check_chart",
    "check_white",
    "comparable",
    "estimate_metamerism",
    "find_chart",
    "find_linearity",
    "illuminant_name",
    "lab_from_xyz",
    "lab_jacobian",
    "observer_name",
    "read_colours",
    "sample_patches",
    "slope_residual",
    "special_index",
    "white_point",
    "xyz_from_lab",
    "xyz_from_reflectance",
]
