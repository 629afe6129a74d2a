"""Errors of the calibration room.

CalibrationError
├── CalibrationFormatError    the file is no certificate, or a field does not fit
├── CalibrationAlteredError   its content does not match its digest
├── CalibrationExpiredError   it is not valid at this time
└── CalibrationForeignError   it belongs to another camera
"""


class CalibrationError(ValueError):
    """A certificate cannot be used; the message says which, why and what to do."""


class CalibrationFormatError(CalibrationError):
    """The file is no certificate, or a field does not fit."""


class CalibrationAlteredError(CalibrationError):
    """The content does not match the digest it carries."""


class CalibrationExpiredError(CalibrationError):
    """The certificate is not valid at this time."""


class CalibrationForeignError(CalibrationError):
    """The certificate belongs to another camera."""
