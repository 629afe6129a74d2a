"""The crop detector: it is shown where a unit differs, golden and unit side by side, and says what it is.

Beside the cell classifier (`models.classifier`, decision 0010), which divides a scene among classes, a
detector answers for whole candidates: class, confidence and the box that bounds the defect.
"""

from models.detector.contract import SIDE, Detector, Found, decoded, encoded

__all__ = ["SIDE", "Detector", "Found", "decoded", "encoded"]
