"""A quadratic over an image, fitted to what most of its places say."""

from __future__ import annotations

import numpy as np

from kernels.compiled import F32, F64, compiled
from kernels.consensus import median
from kernels.least_squares import factor, substitute

_TERMS = 6  # 1, u, v, uu, uv, vv
_MOMENTS = 15  # weighted sums of 1, u, v, uu, uv, vv, uuu, uuv, uvv, vvv and so on
_MOMENT_OF = np.array(
    [
        [0, 1, 2, 3, 4, 5],
        [1, 3, 4, 6, 7, 8],
        [2, 4, 5, 7, 8, 9],
        [3, 6, 7, 10, 11, 12],
        [4, 7, 8, 11, 12, 13],
        [5, 8, 9, 12, 13, 14],
    ]
)  # of the product of two terms
_SUMS = _MOMENTS + _TERMS
_LANES = 32  # places side by side: sums have one order, whatever vectors a processor has
_ROUNDS = 12  # four to six settle where most of a picture agrees
_SETTLED = 1e-5  # all that the coefficients still move by, together: 0.003 codes of 255
_FAR = 4.685  # spreads: Tukey's biweight of 95 % efficiency
_LEAST_SPREAD = 1e-4  # where values fit exactly
_RIDGE = 1e-9


def padded(values: F64) -> F64:
    """Return (..., n) with zeros behind, a whole number of lanes long."""
    count = values.shape[-1]
    out = np.zeros((*values.shape[:-1], -(-count // _LANES) * _LANES))
    out[..., :count] = values
    return out


@compiled
def robust_quadratic(places: F64, values: F64, count: int, from_median: bool) -> tuple[F64, float]:
    """Return (6,) coefficients by least squares without what lies far off, and the spread of what they leave.

    Tukey's biweight (Beaton and Tukey 1974, doi:10.1080/00401706.1974.10489171), iterated; the spread is that
    of normal residuals of the same median.

    Args:
        places: (2, m) float64 u, v of each value, `padded`.
        values: (m,) float64, `padded`.
        count: how many there are, from 1.
        from_median: whether the first weights are by how far values lie from their median, or all are alike.
    """
    fitted, before, spread = np.zeros(_TERMS), np.zeros(_TERMS), 0.0
    normal, sums = np.zeros((_TERMS, _TERMS)), np.empty(_SUMS * _LANES)
    off, weights = np.empty(count, np.float32), np.zeros(len(values))
    weights[:count] = 1.0
    if from_median:
        fitted[0] = median(values[:count])
        spread = _weigh(places, values, fitted, off, weights)
    for _ in range(_ROUNDS):
        before[:] = fitted
        _add_products(places, values, weights, sums)
        for p in range(_TERMS):
            fitted[p] = _sum(sums, _MOMENTS + p)
            for q in range(p + 1):
                normal[p, q] = _sum(sums, _MOMENT_OF[p, q])
            normal[p, p] += _RIDGE
        factor(normal, _TERMS)
        substitute(normal, fitted, _TERMS)
        spread = _weigh(places, values, fitted, off, weights)
        if np.abs(fitted - before).sum() < _SETTLED:
            break
    return fitted, spread


@compiled
def _add_products(places: F64, values: F64, weights: F64, sums: F64) -> None:
    """Sum weighted products of powers of u and v, and those of values, each in lanes of its own."""
    sums[:] = 0.0
    lanes = len(sums) // _SUMS
    for start in range(0, len(values), lanes):
        us, vs = places[0, start : start + lanes], places[1, start : start + lanes]
        ys, ws = values[start : start + lanes], weights[start : start + lanes]
        for i in range(lanes):
            u, v, y, w = us[i], vs[i], ys[i], ws[i]
            wu, wv = w * u, w * v
            wuu, wuv, wvv = wu * u, wu * v, wv * v
            wuuu, wuuv, wuvv, wvvv = wuu * u, wuu * v, wuv * v, wvv * v
            sums[i] += w
            sums[1 * _LANES + i] += wu
            sums[2 * _LANES + i] += wv
            sums[3 * _LANES + i] += wuu
            sums[4 * _LANES + i] += wuv
            sums[5 * _LANES + i] += wvv
            sums[6 * _LANES + i] += wuuu
            sums[7 * _LANES + i] += wuuv
            sums[8 * _LANES + i] += wuvv
            sums[9 * _LANES + i] += wvvv
            sums[10 * _LANES + i] += wuuu * u
            sums[11 * _LANES + i] += wuuu * v
            sums[12 * _LANES + i] += wuuv * v
            sums[13 * _LANES + i] += wuvv * v
            sums[14 * _LANES + i] += wvvv * v
            sums[15 * _LANES + i] += w * y
            sums[16 * _LANES + i] += wu * y
            sums[17 * _LANES + i] += wv * y
            sums[18 * _LANES + i] += wuu * y
            sums[19 * _LANES + i] += wuv * y
            sums[20 * _LANES + i] += wvv * y


@compiled
def _sum(sums: F64, k: int) -> float:
    total = 0.0
    for i in range(k * _LANES, (k + 1) * _LANES):
        total += sums[i]
    return total


@compiled
def _weigh(places: F64, values: F64, fitted: F64, off: F32, weights: F64) -> float:
    """Fill in how far values are off and what they weigh; return their spread."""
    u, v = places
    a, b, c, d, e, f = fitted
    for i in range(len(off)):
        off[i] = abs(values[i] - (a + u[i] * (b + d * u[i] + e * v[i]) + v[i] * (c + f * v[i])))
    spread = 1.4826 * middle_of_positive(off)
    per_limit = np.float32(1.0 / (_FAR * max(spread, _LEAST_SPREAD)))
    for i in range(len(off)):
        share = off[i] * per_limit
        inside = max(np.float32(1.0) - share * share, np.float32(0.0))
        weights[i] = inside * inside
    return spread


@compiled
def middle_of_positive(values: F32) -> float:
    """Return the median of (n,) values that are not negative, n >= 1; of an even number the upper of two.

    Bits of such floats are in the order of their values: the median's are found by halving, which takes as
    many comparisons as they are, of whole vectors each.
    """
    bits, least, most = values.view(np.int32), 0, 0x7F800000
    while least < most:
        half = np.int32((least + most) // 2)
        within = 0
        for i in range(len(bits)):
            within += bits[i] <= half
        if within > len(bits) // 2:
            most = np.int64(half)
        else:
            least = np.int64(half) + 1
    return np.array([least], np.int32).view(np.float32)[0]
