"""The defect classifier's place: what it is given, what it answers.

A classifier names the deviations that `vision` finds. Until one is released, deviations stay unclassified and
the written catalogue alone weighs them, so that a unit with one is held or rejected, never accepted.
"""

from models.classifier import UNCLASSIFIED, Call, Classifier

__all__ = ["UNCLASSIFIED", "Call", "Classifier"]
