"""A displacement that goes by rows alone: a stiff cubic spline of the row for each axis, a tilt along it."""

from __future__ import annotations

import math

import numpy as np

from kernels.compiled import F64, I64, compiled
from kernels.consensus import median
from kernels.field import spline_weights
from kernels.least_squares import factor, substitute, substitute_half

TUKEY = 4.685
_RAYLEIGH_MEDIAN = 1.1774  # of a two-dimensional residual of unit standard deviation per axis
_LEAST_SPREAD = 0.3  # of the residuals against what the weights imply


@compiled
def fit_rows(
    places: F64, across: F64, shifts: F64, weights: F64, stiffness: F64, count: int, rounds: int
) -> tuple[F64, F64, float]:
    """Return the splines that fit shifts best and bend least, by Tukey's biweight on both axes together.

    Args:
        places: (n,) rows in units of the controls' spacing, 0 <= place < count - 3; at least one.
        across: (n,) places along the row, which a tilt follows.
        shifts: (n, 2) displacement along x and y.
        weights: (n,) one over the variance of a shift on either axis; 0 leaves it out.
        stiffness: (2,) weight of each squared second difference of the controls of x and of y, above 0.
        count: of controls, at least 4.
        rounds: how often they are fitted; once is least squares with the weights as they are.

    Returns:
        (2, count + 1) controls of each axis and its tilt; (n,) weights by what the last fit leaves; the
        spread of that, over what `weights` imply. A spread of infinity where the shifts do not tell.
    """
    n = count + 1
    controls, own = np.zeros((2, n)), weights.copy()
    lengths = np.empty(len(places))
    spread = math.inf
    for _ in range(rounds):
        normal, right = _normal(places, across, shifts, own, count)
        for axis in range(2):
            a = normal.copy()
            _stiffen(a, count, stiffness[axis])
            if not factor(a, n):
                return controls, own, math.inf
            substitute(a, right[axis], n)
            controls[axis] = right[axis]
        left = shifts - row_values(places, across, controls)
        for k in range(len(places)):
            lengths[k] = math.hypot(left[k, 0], left[k, 1]) * math.sqrt(weights[k])
        spread = max(median(lengths) / _RAYLEIGH_MEDIAN, _LEAST_SPREAD)
        for k in range(len(places)):
            inside = max(1.0 - (lengths[k] / (spread * TUKEY)) ** 2, 0.0) / spread
            own[k] = weights[k] * inside * inside
    return controls, own, spread


@compiled
def row_variances(
    places: F64, across: F64, weights: F64, stiffness: F64, count: int, place: float, x: float
) -> F64:
    """Return the variance (2,) of the displacement of x and y at one place that `fit_rows` once gives.

    Args:
        places: as in `fit_rows`.
        across: as in `fit_rows`.
        weights: as in `fit_rows`, all of them true.
        stiffness: as in `fit_rows`.
        count: as in `fit_rows`.
        place: a row as `places` tells it.
        x: a place along the row as `across` tells it.
    """
    normal, _ = _normal(places, across, np.zeros((len(places), 2)), weights, count)
    at, row = np.empty(5, np.int64), np.empty(5)
    _basis(place, x, count, at, row)
    out = np.full(2, math.inf)
    for axis in range(2):
        a, b = normal.copy(), np.zeros(count + 1)
        _stiffen(a, count, stiffness[axis])
        if not factor(a, count + 1):
            continue
        for i in range(5):
            b[at[i]] = row[i]
        substitute_half(a, b, count + 1)
        out[axis] = (b * b).sum()
    return out


@compiled
def row_values(places: F64, across: F64, controls: F64) -> F64:
    """Return the displacement (n, 2) of `fit_rows`' controls at (n,) places, given as it takes them."""
    out = np.zeros((len(places), 2))
    at, row = np.empty(5, np.int64), np.empty(5)
    for k in range(len(places)):
        _basis(places[k], across[k], controls.shape[1] - 1, at, row)
        for axis in range(2):
            for i in range(5):
                out[k, axis] += row[i] * controls[axis, at[i]]
    return out


@compiled
def _basis(place: float, across: float, count: int, at: I64, row: F64) -> None:
    """Write which five of `fit_rows`' controls count at a place, and by how much."""
    first = int(place)
    row[0], row[1], row[2], row[3] = spline_weights(place - first)
    row[4] = across
    for i in range(4):
        at[i] = first + i
    at[4] = count


@compiled
def _normal(places: F64, across: F64, shifts: F64, weights: F64, count: int) -> tuple[F64, F64]:
    """Return the lower triangle of the normal matrix and the right sides of both axes."""
    normal, right = np.zeros((count + 1, count + 1)), np.zeros((2, count + 1))
    at, row = np.empty(5, np.int64), np.empty(5)
    for k in range(len(places)):
        _basis(places[k], across[k], count, at, row)
        for i in range(5):
            weighted = weights[k] * row[i]
            right[0, at[i]] += weighted * shifts[k, 0]
            right[1, at[i]] += weighted * shifts[k, 1]
            for j in range(i + 1):
                normal[at[i], at[j]] += weighted * row[j]
    return normal, right


@compiled
def _stiffen(normal: F64, count: int, stiffness: float) -> None:
    """Add the squares of the controls' second differences to the lower triangle."""
    for k in range(count - 2):
        normal[k, k] += stiffness
        normal[k + 1, k + 1] += 4.0 * stiffness
        normal[k + 2, k + 2] += stiffness
        normal[k + 1, k] -= 2.0 * stiffness
        normal[k + 2, k + 1] -= 2.0 * stiffness
        normal[k + 2, k] += stiffness
