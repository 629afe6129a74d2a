"""Errors of the calibration room.

CalibrationError
├── CalibrationFormatError    the file is no certificate, or a field does not fit
├── CalibrationAlteredError   its content does not match its digest
├── CalibrationExpiredError   it is not valid at this time
├── CalibrationForeignError   it belongs to another camera
├── LensError                 pictures of a target do not determine the lens or the plane
├── TargetError               the definition of a target cannot be read or does not fit
├── FramesError               frames from which noise or a flat field cannot be found
├── CalibrationUnsignedError  it is not signed by a key that is trusted here
├── CheckError                a check standard, its checks or their log do not fit
└── ColourError               colour cannot be measured or compared
    ├── UnknownIlluminantError    no such illuminant or observer
    ├── SpectrumError             a spectrum's wavelengths do not fit
    ├── ChartError                a chart's definition cannot be read, does not fit or is ambiguous
    ├── PatchesError              the patches of a chart cannot be read from a picture
    ├── CharacterisationError     a chart's picture does not characterise a camera
    └── ReadingError              a spectrophotometer's file or reading cannot be read or does not fit
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


class TargetError(CalibrationError):
    """The definition of a calibration target cannot be read or does not fit."""


class LensError(CalibrationError):
    """Pictures do not determine the lens or the object plane; the message says what is missing."""


class FramesError(CalibrationError):
    """Frames from which noise or a flat field cannot be found; the message says what is wrong with them."""


class CalibrationUnsignedError(CalibrationError):
    """The certificate is not signed by a key that is trusted here, or a signature is not genuine."""


class CheckError(CalibrationError):
    """A check standard or workpiece, its measurements or their log do not fit."""


class ColourError(CalibrationError):
    """Colour cannot be measured or compared; the message says why and what to do."""


class UnknownIlluminantError(ColourError):
    """No illuminant or observer has this name; the message lists those that are known."""


class SpectrumError(ColourError):
    """The wavelengths of a spectrum do not allow a colour to be computed."""


class ChartError(ColourError):
    """The definition of a chart cannot be read, does not fit, or its name is unknown or ambiguous."""


class PatchesError(ColourError):
    """The patches of a chart cannot be read from a picture: corners, codes, flat field or size do not fit."""


class CharacterisationError(ColourError):
    """A picture of a chart does not characterise a camera; the message says what is wrong with it."""


class ReadingError(ColourError):
    """A spectrophotometer's file or one of its readings cannot be read or does not fit."""
