"""Datum systems of measured features: three degrees of freedom in the plane, taken in the drawing's order.

Datums are associated by least squares. ISO 5459 has lines that touch the material from outside: those
of a smooth edge agree within its form, and they would hang on two points.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from golden.elements import Line, Slot
from golden.tolerances import DatumSystem
from kernels.compiled import F64
from vision.dimension.geometry import direction, intersection


@dataclass(frozen=True, slots=True, eq=False)
class Frame:
    """A datum reference frame: origin (2,) mm and angle of its x axis in radians, from x towards y."""

    origin: F64
    angle: float

    def of_mm(self, mm: F64) -> F64:
        """Map (..., 2) mm on the object plane into the frame."""
        c, s = math.cos(self.angle), math.sin(self.angle)
        return (mm - self.origin) @ np.array([[c, -s], [s, c]])

    def to_mm(self, own: F64) -> F64:
        """Map (..., 2) coordinates of the frame to mm on the object plane."""
        c, s = math.cos(self.angle), math.sin(self.angle)
        return self.origin + own @ np.array([[c, s], [-s, c]])


def frame_of(system: DatumSystem, parameters: Sequence[F64]) -> Frame:
    """Return the frame of measured datum features.

    Args:
        system: which features are datums, in which order.
        parameters: of the forms fitted to `system.edges`, in that order.

    A primary line takes direction and one shift. A secondary line is then no longer free to turn: through the
    middle of its edge it keeps its nominal angle to the primary, and where they meet is the origin. A
    secondary circle puts the origin at its foot on the primary. A primary circle takes both shifts; the
    direction is that to the centre of the secondary circle or to the middle of the slot, or that of the
    secondary line.
    """
    first, second = parameters[0], parameters[1]
    if isinstance(system.primary, Line):
        along = direction(first)
        if isinstance(system.secondary, Line):
            turned = np.array([*second[:2], first[2] + _heading(system.secondary) - _heading(system.primary)])
            return Frame(intersection(first, turned), float(first[2]))
        center = _center(system, parameters[1:])
        return Frame(first[:2] + along * float((center - first[:2]) @ along), float(first[2]))
    if isinstance(system.secondary, Line):
        return Frame(first[:2], float(second[2]))
    towards = _center(system, parameters[1:]) - first[:2]
    return Frame(first[:2], math.atan2(towards[1], towards[0]))


def _center(system: DatumSystem, parameters: Sequence[F64]) -> F64:
    if isinstance(system.secondary, Slot):
        return (parameters[0][:2] + parameters[1][:2]) / 2
    return parameters[0][:2]


def _heading(line: Line) -> float:
    return math.atan2(line.end_px[1] - line.start_px[1], line.end_px[0] - line.start_px[0])
