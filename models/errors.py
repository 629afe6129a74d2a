"""Errors of the models room.

ModelError
├── ModelFormatError    the folder is no released model, or a file in it cannot be read as one
├── ModelAlteredError   a file's bytes are not the ones that the card, or the signed list, names
├── ModelUnsignedError  nobody who is trusted here has signed it
├── ParityError         the exported network answers otherwise than the trained one
└── ModelForeignError   the model was made from another golden image
"""


class ModelError(ValueError):
    """A model cannot be used; the message says which, why and what to do."""


class ModelFormatError(ModelError):
    """The folder is no released model, or a file in it cannot be read as one."""


class ModelAlteredError(ModelError):
    """A file's bytes are not the ones that the card names."""


class ModelUnsignedError(ModelError):
    """Nobody who is trusted here has signed the model."""


class ParityError(ModelError):
    """The exported network answers otherwise than the trained one: a damaged export."""


class ModelForeignError(ModelError):
    """The model was made from another golden image."""
