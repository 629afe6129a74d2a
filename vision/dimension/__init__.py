"""Dimensions: what characteristics measure, from fitted edges, and the budget of their uncertainty."""

from vision.dimension.evaluate import evaluate
from vision.dimension.value import Drawing, Offset, Primitive, Value

__all__ = ["Drawing", "Offset", "Primitive", "Value", "evaluate"]
