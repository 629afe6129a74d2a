"""Surface: regions where the aligned unit differs from the golden image, sized in millimetres, with zone."""

from vision.surface.aligned import Aligned
from vision.surface.colour import ColourDifference, ColourReference
from vision.surface.comparator import SurfaceComparator
from vision.surface.deviation import Deviation
from vision.surface.errors import (
    VariationAlteredError,
    VariationError,
    VariationForeignError,
    VariationFormatError,
    VariationUnitsError,
    VariationUnsignedError,
)
from vision.surface.sampling import SCALE
from vision.surface.variation import Approval, SharedRegion, VariationModel

__all__ = [
    "SCALE",
    "Aligned",
    "Approval",
    "ColourDifference",
    "ColourReference",
    "Deviation",
    "SharedRegion",
    "SurfaceComparator",
    "VariationAlteredError",
    "VariationError",
    "VariationForeignError",
    "VariationFormatError",
    "VariationModel",
    "VariationUnitsError",
    "VariationUnsignedError",
]
