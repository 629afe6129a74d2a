"""The defect classifier's contract: what it is given, what it answers.

A classifier names what `vision` finds to deviate. Without one, deviations stay unclassified and the written
catalogue alone weighs them, so that a unit with one is held or rejected, never accepted.
"""

from models.classifier import CELL, CLASSES, CROP, NOT_A_DEFECT, UNCLASSIFIED, Classifier

__all__ = ["CELL", "CLASSES", "CROP", "NOT_A_DEFECT", "UNCLASSIFIED", "Classifier"]
