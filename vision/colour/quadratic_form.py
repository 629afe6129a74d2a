# scipy publishes incomplete types.
# pyright: reportUnknownVariableType=false, reportArgumentType=false
"""The distribution of the squared length of a Gaussian vector: chi-square's general form in three dimensions.

A colour difference is the length of a vector in the formula's metric. Where noise is as large as the vector,
that length is neither Gaussian nor right on average, and its exact distribution is needed.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy.optimize import brentq
from scipy.special import ndtr

from kernels.compiled import F64

LARGEST = 1000.0  # no bound goes beyond it
_PRECISION = 1e-5  # of bounds, relative to their distance from the value
_REACH = 6.5  # standard deviations beyond which a normal density adds nothing
_NODES, _WEIGHTS = np.polynomial.legendre.leggauss(32)
_FLATTEST = 1e-10  # of the largest variance: a direction without any would divide by zero


def probability(square: float, mean: F64, covariance: F64) -> float:
    """Return P(|y|^2 <= square) of y ~ N(mean, covariance), to 1e-5.

    The same as of Imhof's quadratic form (1961, doi:10.1093/biomet/48.3-4.419). Instead of inverting the
    characteristic function the density is integrated over the ball: the direction of the largest variance in
    closed form, the other two by Gauss-Legendre where the density is, in the angle in which the ball's edge
    is smooth.

    Args:
        square: of the length.
        mean: (3,).
        covariance: (3, 3) symmetric, positive semi-definite; not all zero.
    """
    if square <= 0:
        return 0.0
    variances, axes = np.linalg.eigh(covariance)
    sigma: F64 = np.sqrt(np.maximum(variances, _FLATTEST * variances[2]))
    centre = (axes.T @ mean) / sigma  # in standard deviations
    radius = np.array(math.sqrt(square))
    first, weight_1 = _slices(radius, float(centre[0]), float(sigma[0]))
    chord = np.sqrt(np.maximum(square - (first * sigma[0]) ** 2, 0.0))
    second, weight_2 = _slices(chord, float(centre[1]), float(sigma[1]))
    rest = np.maximum(square - (first * sigma[0]) ** 2 - ((second * sigma[1]) ** 2).T, 0.0).T
    half = np.sqrt(rest) / sigma[2]
    inside = ndtr(half - centre[2]) - ndtr(-half - centre[2])
    return float(np.clip(weight_1 @ (weight_2 * inside).sum(axis=1), 0.0, 1.0))


def _slices(radius: F64, centre: float, sigma: float) -> tuple[F64, F64]:
    """Return where to cut balls of these radii along an axis, (..., n) in sigma, and the normal weights."""
    reach = np.maximum(radius / sigma, 1e-300)[..., None]
    low = np.arcsin(np.clip((centre - _REACH) / reach, -1.0, 1.0))
    high = np.arcsin(np.clip((centre + _REACH) / reach, -1.0, 1.0))
    angle = (high + low) / 2 + (high - low) / 2 * _NODES
    place = reach * np.sin(angle)
    density = np.exp(-0.5 * (place - centre) ** 2) / math.sqrt(2 * math.pi)
    return place, _WEIGHTS * (high - low) / 2 * reach * np.cos(angle) * density


@dataclass(frozen=True, slots=True, eq=False)
class Length:
    """A measured length, and how it is distributed for any true length along its direction.

    Attributes:
        along: (3,) unit vector, the direction.
        measured: the length.
        fixed: (3, 3) covariance that any length has.
        growing: (3, 3) covariance at length 1 of what grows in proportion to it.
    """

    along: F64
    measured: float
    fixed: F64
    growing: F64

    def bounds(self, each: float) -> tuple[float, float]:
        """Return lower and upper bound of the true length, each one-sided with this probability.

        Neyman's construction: the lengths for which the measured one is neither too long nor too short. The
        upper bound is never below that of the median which no length at all would show, since noise that
        happens to cancel proves nothing (power-constrained limits: Cowan, Cranmer, Gross and Vitells 2011,
        arXiv:1105.3166). LARGEST where nothing bounds it.
        """
        here = self.fixed + self.measured**2 * self.growing
        if not np.trace(here) > 0:
            return self.measured, self.measured
        square, miss = self.measured**2, 1 - each
        step = math.sqrt(float(np.trace(here)))
        low = 0.0
        if 1 - self.shows_less(square, 0.0) < miss:
            low = _crossing(lambda true: 1 - self.shows_less(square, true) - miss, self.measured, -step)
        noise = float(np.trace(self.fixed))
        if noise > square:
            square = max(square, _root(lambda s: self.shows_less(s, 0.0) - 0.5, 0.0, noise))
        return low, _crossing(lambda true: self.shows_less(square, true) - miss, math.sqrt(square), step)

    def shows_less(self, square: float, true: float) -> float:
        """Return the probability that a true length shows at most this square."""
        covariance = self.fixed + true**2 * self.growing
        if not np.trace(covariance) > 0:
            return 1.0 if true**2 <= square else 0.0
        return probability(square, true * self.along, covariance)


def _crossing(function: Callable[[float], float], start: float, step: float) -> float:
    """Return where a function that falls from `start` in the direction of `step` is zero; LARGEST at most."""
    if function(start) <= 0:
        return start
    before, width = start, 2 * step
    while 0 < (there := before + width) < LARGEST and function(there) > 0:
        before, width = there, 2 * width
    if there >= LARGEST:
        return LARGEST
    return _root(function, *sorted((before, max(there, 0.0))))


def _root(function: Callable[[float], float], low: float, high: float) -> float:
    return float(brentq(function, low, high, xtol=_PRECISION * (high - low)))
