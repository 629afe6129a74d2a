"""Surface: regions where the aligned unit differs from the golden image, sized in millimetres, with zone."""

from vision.surface.aligned import Aligned
from vision.surface.colour import ColourDifference, ColourReference
from vision.surface.comparator import SurfaceComparator
from vision.surface.deviation import Deviation
from vision.surface.sampling import SCALE

__all__ = ["SCALE", "Aligned", "ColourDifference", "ColourReference", "Deviation", "SurfaceComparator"]
