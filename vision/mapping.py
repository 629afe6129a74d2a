"""Maps from the golden image to the unit's frame: similarity (the pose) and quadratic (what is used)."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from kernels.compiled import F64
from vision.robust import median

_ROUNDS = 6


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
        return _basis(golden, self.centre, self.extent) @ self.coefficients

    def jacobians(self, golden: F64) -> F64:
        """Return d(frame) / d(golden) at (n, 2) golden points: (n, 2, 2), rows are frame x and y."""
        u = (golden[:, 0] - self.centre[0]) / self.extent
        v = (golden[:, 1] - self.centre[1]) / self.extent
        one, zero = np.ones_like(u), np.zeros_like(u)
        du = np.stack((zero, one, zero, 2 * u, v, zero), axis=1) @ self.coefficients / self.extent
        dv = np.stack((zero, zero, one, zero, u, 2 * v), axis=1) @ self.coefficients / self.extent
        return np.stack((du, dv), axis=2)


def _basis(golden: F64, centre: tuple[float, float], extent: float) -> F64:
    u = (golden[:, 0] - centre[0]) / extent
    v = (golden[:, 1] - centre[1]) / extent
    return np.stack((np.ones_like(u), u, v, u * u, u * v, v * v), axis=1)


def fit_similarity(golden: F64, unit: F64, weights: F64) -> Similarity:
    """Return the weighted least-squares similarity (Umeyama 1991, doi:10.1109/34.88573) of (n, 2) points."""
    total = weights.sum()
    g0 = weights @ golden / total
    u0 = weights @ unit / total
    g, u = golden - g0, unit - u0
    a = float(weights @ (g * u).sum(axis=1))
    b = float(weights @ (g[:, 0] * u[:, 1] - g[:, 1] * u[:, 0]))
    d = float(weights @ (g * g).sum(axis=1))
    scale, angle = math.hypot(a, b) / d, math.degrees(math.atan2(b, a))
    rest = u0 - Similarity(0.0, 0.0, angle, scale).points(g0[None])[0]
    return Similarity(float(rest[0]), float(rest[1]), angle, scale)


def _solve_quadratic(basis: F64, unit: F64, weights: F64) -> F64:
    weighted = basis * weights[:, None]
    return np.asarray(np.linalg.solve(weighted.T @ basis, weighted.T @ unit), np.float64)


def from_similarity(pose: Similarity, centre: tuple[float, float], extent: float) -> QuadraticMap:
    """Return the same map as a similarity."""
    cx, cy = centre
    corners = pose.points(np.array([[cx, cy], [cx + extent, cy], [cx, cy + extent]]))
    coefficients = np.zeros((6, 2))
    coefficients[0] = corners[0]
    coefficients[1] = corners[1] - corners[0]
    coefficients[2] = corners[2] - corners[0]
    return QuadraticMap(centre, extent, coefficients)


def tukey(residuals: F64, floor: float) -> F64:
    """Return Tukey's biweights of (n,) residual lengths; the scale is their median, at least `floor`."""
    scale = max(median(residuals) / 1.1774, floor)  # the median of a Rayleigh distribution is 1.1774 sigma
    return np.clip(1 - (residuals / (4.685 * scale)) ** 2, 0, None) ** 2


def robust_similarity(golden: F64, unit: F64, floor: float) -> tuple[Similarity, F64]:
    """Return the similarity by iterated reweighting, and the final weights (n,)."""
    weights = np.ones(len(golden))
    fit = fit_similarity(golden, unit, weights)
    for _ in range(_ROUNDS):
        residuals = unit - fit.points(golden)
        weights = tukey(np.hypot(residuals[:, 0], residuals[:, 1]), floor)
        fit = fit_similarity(golden, unit, weights)
    return fit, weights


def robust_quadratic(
    golden: F64, unit: F64, floor: float, centre: tuple[float, float], extent: float
) -> tuple[QuadraticMap, F64] | None:
    """Return the quadratic map by iterated reweighting and the final weights (n,); None if undetermined."""
    basis = _basis(golden, centre, extent)
    weights = np.ones(len(golden))
    try:
        coefficients = _solve_quadratic(basis, unit, weights)
        for _ in range(_ROUNDS):
            residuals = unit - basis @ coefficients
            weights = tukey(np.hypot(residuals[:, 0], residuals[:, 1]), floor)
            coefficients = _solve_quadratic(basis, unit, weights)
    except np.linalg.LinAlgError:  # the patches lie on one line or in one place
        return None
    return QuadraticMap(centre, extent, coefficients), weights
