"""A frame becomes an `Inspection`: register, measure, compare colour and surface, judge.

`Inspector` compiles a golden sample once; `inspect` is pure. `read_frame` decodes files; `held` makes the
record of a unit that could not be inspected; `measure_golden` makes the `GoldenColours` of a station;
`first_light` is what that station knows of its lamp before the first unit; `learn_variation` makes the
`VariationModel` of a view from units that were approved.
"""

from vision.colour.golden_colours import GoldenColours
from vision.colour.tile_light import first_light
from vision.explain import Explanation
from vision.frames import LARGEST_FILE, read_frame
from vision.golden_measurement import measure_golden
from vision.inspector import Inspector
from vision.records import held
from vision.surface import VariationError, VariationModel
from vision.variation_learning import ApprovedUnit, Learned, learn_variation, tolerance_of

__all__ = [
    "LARGEST_FILE",
    "ApprovedUnit",
    "Explanation",
    "GoldenColours",
    "Inspector",
    "Learned",
    "VariationError",
    "VariationModel",
    "first_light",
    "held",
    "learn_variation",
    "measure_golden",
    "read_frame",
    "tolerance_of",
]
