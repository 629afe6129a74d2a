"""Local metric coordinates: near to pixels in size, true to the object plane in shape."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from calibration.plane_map import PlaneMap
from kernels.compiled import F64

_GRID = 7  # places on either axis to which the cubic is fitted: Chebyshev's
_POWERS = np.array([(0, 0), (1, 0), (0, 1), (2, 0), (1, 1), (0, 2), (3, 0), (2, 1), (1, 2), (0, 3)])  # x, y


def _places() -> F64:
    """Return the origin, then the grid, (1 + _GRID^2, 2) in units of the reach."""
    steps = np.cos((np.arange(_GRID) + 0.5) * math.pi / _GRID)
    grid = np.column_stack((np.tile(steps, _GRID), np.repeat(steps, _GRID)))
    return np.vstack((np.zeros((1, 2)), grid))


_PLACES: F64 = _places()
_BASIS: F64 = np.prod(_PLACES[1:, None] ** _POWERS, axis=2)
_SOLUTION = np.asarray(np.linalg.pinv(_BASIS), np.float64)  # of least squares on the grid


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
        pixels = origin + _PLACES * reach
        mm = plane.to_mm(pixels)
        mm_per_u = math.sqrt(abs(float(np.linalg.det(plane.jacobians(pixels[:1])[0]))))
        c, s = math.cos(angle), math.sin(angle)
        turn = np.array([[c, -s], [s, c]])
        uv = (mm[1:] - mm[0]) @ turn / mm_per_u
        cubic = np.ascontiguousarray(_SOLUTION @ uv / np.prod(reach**_POWERS, axis=1)[:, None])
        return cls(origin, mm[0], mm_per_u, turn, cubic, np.ascontiguousarray(cubic[1:3].T))

    @property
    def stretches(self) -> tuple[float, float]:
        """Return the greatest and the least size of a raw pixel at the origin, u: its singular values."""
        (a, b), (c, d) = self.stretch
        even, odd = math.hypot(a + d, b - c) / 2, math.hypot(a - d, b + c) / 2
        return even + odd, abs(even - odd)

    def to_mm(self, uv: F64) -> F64:
        """Map (n, 2) local coordinates to mm on the plane."""
        return self.origin_mm + self.mm_per_u * (uv @ self.turn.T)

    def of_mm(self, mm: F64) -> F64:
        """Map (n, 2) mm on the plane to local coordinates."""
        return (mm - self.origin_mm) @ self.turn / self.mm_per_u
