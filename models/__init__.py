"""The defect classifier's contract: what it is given, what it answers.

A classifier names what `vision` finds to deviate. Without one, deviations stay unclassified and the written
catalogue alone weighs them, so that a unit with one is held or rejected, never accepted.

Released models are opened by `models.release` and described by `models.card`; `models.train` makes them.
Importing this module loads none of these. `ModelError` is the base of everything that they raise.
"""

from models.classifier import CELL, CLASSES, CROP, JOINED, NOT_A_DEFECT, PARTED, UNCLASSIFIED, Classifier
from models.errors import ModelError

__all__ = [
    "CELL",
    "CLASSES",
    "CROP",
    "JOINED",
    "NOT_A_DEFECT",
    "PARTED",
    "UNCLASSIFIED",
    "Classifier",
    "ModelError",
]
