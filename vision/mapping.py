"""Maps from the golden image to the unit's frame: similarity (the pose) and quadratic (what is used)."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from kernels.compiled import F64


@dataclass(frozen=True, slots=True, eq=False)
class Similarity:
    """p_unit = scale * R(angle) * p_golden + (x, y); angle in degrees, from x towards y; pixels."""

    x: float
    y: float
    angle: float
    scale: float

    def points(self, golden: F64) -> F64:
        """Map (n, 2) golden points to the frame."""
        c = self.scale * math.cos(math.radians(self.angle))
        s = self.scale * math.sin(math.radians(self.angle))
        return golden @ np.array([[c, s], [-s, c]]) + np.array([self.x, self.y])


@dataclass(frozen=True, slots=True, eq=False)
class QuadraticMap:
    """A smooth map: pose, tilt and slow bending in twelve numbers.

    `coefficients` is (6, 2) on the basis 1, u, v, uu, uv, vv of golden coordinates centred at `centre` and
    divided by `extent`.
    """

    centre: tuple[float, float]
    extent: float
    coefficients: F64

    def points(self, golden: F64) -> F64:
        """Map (n, 2) golden points to the frame."""
        return basis(golden, self.centre, self.extent) @ self.coefficients

    def jacobians(self, golden: F64) -> F64:
        """Return d(frame) / d(golden) at (n, 2) golden points: (n, 2, 2), rows are frame x and y."""
        u = (golden[:, 0] - self.centre[0]) / self.extent
        v = (golden[:, 1] - self.centre[1]) / self.extent
        one, zero = np.ones_like(u), np.zeros_like(u)
        du = np.stack((zero, one, zero, 2 * u, v, zero), axis=1) @ self.coefficients / self.extent
        dv = np.stack((zero, zero, one, zero, u, 2 * v), axis=1) @ self.coefficients / self.extent
        return np.stack((du, dv), axis=2)


def basis(golden: F64, centre: tuple[float, float], extent: float) -> F64:
    """Return the rows 1, u, v, uu, uv, vv, (n, 6), that a QuadraticMap's coefficients belong to."""
    u = (golden[:, 0] - centre[0]) / extent
    v = (golden[:, 1] - centre[1]) / extent
    return np.stack((np.ones_like(u), u, v, u * u, u * v, v * v), axis=1)


def from_similarity(pose: Similarity, centre: tuple[float, float], extent: float) -> QuadraticMap:
    """Return the same map as a similarity."""
    cx, cy = centre
    corners = pose.points(np.array([[cx, cy], [cx + extent, cy], [cx, cy + extent]]))
    coefficients = np.zeros((6, 2))
    coefficients[0] = corners[0]
    coefficients[1] = corners[1] - corners[0]
    coefficients[2] = corners[2] - corners[0]
    return QuadraticMap(centre, extent, coefficients)
