"""Local metric coordinates: near to pixels in size, true to the object plane in shape."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from calibration.plane_map import PlaneMap
from kernels.compiled import F64

_GRID = 7
_POWERS = np.array([0.0, 1, 1, 2, 2, 2, 3, 3, 3, 3])


@dataclass(frozen=True, slots=True, eq=False)
class Local:
    """Coordinates u, v about a place: mm on the object plane, turned, in units of one pixel there.

    Attributes:
        origin_px: (2,) raw pixel of u = v = 0.
        origin_mm: (2,) the same on the plane.
        mm_per_u: size of the unit.
        turn: (2, 2) rotation: mm = origin_mm + mm_per_u * (turn @ (u, v)).
        cubic: (10, 2) from raw pixels beside the origin to u, v, see `kernels.band.gather_band`.
        stretch: (2, 2) d(u, v) / d(x, y) at the origin.
    """

    origin_px: F64
    origin_mm: F64
    mm_per_u: float
    turn: F64
    cubic: F64
    stretch: F64

    @classmethod
    def about(cls, plane: PlaneMap, origin: F64, reach: F64, angle: float = 0.0) -> Local:
        """Make coordinates about a raw pixel, good within +-`reach` (2,) pixels of it.

        The cubic follows lens and perspective to a thousandth of a pixel over a tenth of a usual field.
        `angle` turns u by so many radians against the plane's x, from x towards y.
        """
        steps = np.cos((np.arange(_GRID) + 0.5) * math.pi / _GRID)
        x: F64 = np.tile(steps * reach[0], _GRID)
        y: F64 = np.repeat(steps * reach[1], _GRID)
        pixels = np.vstack((np.zeros((1, 2)), np.column_stack((x, y)))) + origin
        mm = plane.to_mm(pixels)
        mm_per_u = math.sqrt(abs(float(np.linalg.det(plane.jacobians(pixels[:1])[0]))))
        c, s = math.cos(angle), math.sin(angle)
        turn = np.array([[c, -s], [s, c]])
        uv = (mm[1:] - mm[0]) @ turn / mm_per_u
        scale = float(max(reach))
        basis = _basis(x / scale, y / scale)
        fitted = np.asarray(np.linalg.lstsq(basis, uv)[0], np.float64)
        cubic: F64 = fitted / scale ** _POWERS[:, None]
        return cls(
            origin, mm[0], mm_per_u, turn, np.ascontiguousarray(cubic), np.ascontiguousarray(cubic[1:3].T)
        )

    def to_mm(self, uv: F64) -> F64:
        """Map (n, 2) local coordinates to mm on the plane."""
        return self.origin_mm + self.mm_per_u * (uv @ self.turn.T)

    def of_mm(self, mm: F64) -> F64:
        """Map (n, 2) mm on the plane to local coordinates."""
        return (mm - self.origin_mm) @ self.turn / self.mm_per_u


def _basis(x: F64, y: F64) -> F64:
    return np.column_stack((np.ones_like(x), x, y, x * x, x * y, y * y, x**3, x * x * y, x * y * y, y**3))
