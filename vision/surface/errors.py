"""Errors of variation models.

VariationError
├── VariationFormatError    the file is no variation model, or a field or array does not fit
├── VariationAlteredError   its content does not match the digests that it carries
├── VariationUnsignedError  nobody who is trusted here has signed it as it is
├── VariationForeignError   it belongs to another golden sample, view or comparison
└── VariationUnitsError     units from which nothing can be learned: too few, twice, not found, not all shown
"""


class VariationError(ValueError):
    """A variation model cannot be made or used; the message says which, why and what to do."""


class VariationFormatError(VariationError):
    """The file is no variation model, or a field or array does not fit."""


class VariationAlteredError(VariationError):
    """The content does not match the digests that it carries."""


class VariationUnsignedError(VariationError):
    """Nobody who is trusted here has signed it as it is."""


class VariationForeignError(VariationError):
    """It belongs to another golden sample, view or comparison."""


class VariationUnitsError(VariationError):
    """Units from which nothing can be learned."""
