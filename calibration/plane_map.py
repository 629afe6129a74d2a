"""From pixels of the raw frame to millimetres on the object plane, with what is uncertain about it."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from kernels.compiled import F64


@dataclass(frozen=True, slots=True, eq=False)
class Mode:
    """One thing that is not exactly known about a map, as the displacements that it causes.

    All displacements of one component happen together: what a mode does to a value is common to every point
    of a frame, to every unit, and does not average out.

    Attributes:
        name: what is uncertain: "lens", "target", "height", ...
        displacements: (m, n, 2) mm, of each of n points for one standard deviation of each of m independent
            components.
        degrees_of_freedom: how well those standard deviations are known (GUM G.4).
    """

    name: str
    displacements: F64
    degrees_of_freedom: float = math.inf


class PlaneMap(Protocol):
    """What measuring asks of a calibrated view. Pixel centres at integers, x right, y down."""

    def to_mm(self, px: F64) -> F64:
        """Map (n, 2) raw pixels to (n, 2) mm on the object plane."""
        ...

    def to_px(self, mm: F64) -> F64:
        """Map (n, 2) mm on the object plane to (n, 2) raw pixels: the inverse, to 1e-6 px."""
        ...

    def jacobians(self, px: F64) -> F64:
        """Return d(mm) / d(px) at (n, 2) raw pixels: (n, 2, 2), rows are mm x and y."""
        ...

    def modes(self, px: F64) -> tuple[Mode, ...]:
        """Return how the (n, 2) mapped points may be displaced, in mm."""
        ...


@dataclass(frozen=True, slots=True)
class ScaleMap:
    """A stated scale and nothing else: square pixels, no lens, no tilt.

    Attributes:
        mm_per_px: scale, above 0.
        relative_uncertainty: its relative standard uncertainty.
    """

    mm_per_px: float
    relative_uncertainty: float = 0.0

    def to_mm(self, px: F64) -> F64:
        """Map (n, 2) raw pixels to mm."""
        return px * self.mm_per_px

    def to_px(self, mm: F64) -> F64:
        """Map (n, 2) mm to raw pixels."""
        return mm / self.mm_per_px

    def jacobians(self, px: F64) -> F64:
        """Return (n, 2, 2) d(mm) / d(px)."""
        return np.broadcast_to(np.eye(2) * self.mm_per_px, (len(px), 2, 2))

    def modes(self, px: F64) -> tuple[Mode, ...]:
        """Return the scale's uncertainty: points move away from their common centre."""
        if self.relative_uncertainty == 0:
            return ()
        mm = self.to_mm(px)
        return (Mode("scale", (self.relative_uncertainty * (mm - mm.mean(axis=0)))[None]),)
