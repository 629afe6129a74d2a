"""Extremes over edge points: zones, envelopes and local sizes, without what point noise adds to them.

The largest of many noisy heights is larger than the height of the largest: a perfect circle measured with
noise s at 100 points shows a roundness of about 4.5 s. So an extreme is evaluated exactly on the points as
found, and then what noise adds is taken off: a fixed set of noise draws is laid over the form as far as it
stands out from the noise, and the mean excess of their extremes is the bias, their spread the standard
uncertainty (a parametric bootstrap). Form is what the Fourier series holds beyond the universal threshold
(Donoho and Johnstone, Biometrika 81, 425-455, 1994, doi:10.1093/biomet/81.3.425) and single points that stick
out; with half the threshold more of it is kept, and the mean of both biases is taken, half their difference
added to the uncertainty. Values above a zone of zero are then true within 2 u in 90 to 100 % of cases, from a
perfect form to one of ten times the noise. The draws are the same for every unit: the same points always give
the same value.
"""

from __future__ import annotations

import functools
import math
from dataclasses import dataclass

import numpy as np

from kernels.compiled import F64, I64, Mask
from kernels.form import least_maximum
from vision.dimension.value import Found
from vision.edges.association import Associated

_DRAWS = 128  # of noise, each with its mirror image: the bias is known to a tenth of its spread
_SHARES = (1.0, 0.5)  # of the threshold: form that is lost in noise, and noise that passes for form
_FEWEST = 16  # points from which neighbours tell the noise from the form
_CLEARLY = 0.8  # of the stated noise: below, what is stated holds form
_WIDEST_GAP = 2.5  # times the usual distance of neighbours, or
_SHARE_GAP = 1 / 12  # of the whole edge, in which anything could hide
_STICKS_OUT = 4.0  # standard deviations of a point


@dataclass(frozen=True, slots=True, eq=False)
class Extreme:
    """factor * min over x of max_i (values[i] - rows[i] . x), plus a base.

    Attributes:
        features: whose points decide.
        rows: (m, p).
        values: (m,) as found.
        mix: (m, n) change of the values by each point's displacement along its normal, points of all features
            one after the other; 0 where a point takes no part.
        factor: usually 2 or -2.
        base: what is added.
        others: further features with the change (m, k) of the values by their parameters.
        lies: pieces (m,) of the values by how the edge lies against its datums, and how many standard
            deviations each is: like form, they are believed as far as they stand out from noise.
    """

    features: tuple[Associated, ...]
    rows: F64
    values: F64
    mix: F64
    factor: float
    base: float = 0.0
    others: tuple[tuple[Associated, F64], ...] = ()
    lies: tuple[tuple[F64, float], ...] = ()


def placed(extreme: Extreme) -> tuple[F64, float]:
    """Return the x (p,) at which the extreme is reached, and its value as found, bias included."""
    x = least_maximum(extreme.rows, extreme.values[None])[0][0]
    return x[:-1], extreme.base + extreme.factor * float(x[-1])


def solve(extreme: Extreme) -> Found:
    """Evaluate an extreme, which its points must bound."""
    x, active, duals = least_maximum(extreme.rows, extreme.values[None])
    real = duals[0] > 0
    weights = np.zeros(len(extreme.values))
    np.add.at(weights, active[0][real], duals[0][real])
    by_point = extreme.factor * (weights @ extreme.mix)
    bias, noise, free = _noise(extreme)
    value = extreme.base + extreme.factor * float(x[0, -1]) - bias
    points: list[tuple[Associated, I64, F64]] = []
    start = 0
    for a in extreme.features:
        own = by_point[start : start + len(a.residuals)]
        index = np.flatnonzero(own)
        points.append((a, index, own[index]))
        start += len(own)
    parts = tuple((a, extreme.factor * (weights @ change)) for a, change in extreme.others)
    known = sum(float(g @ a.covariance @ g) for a, g in parts)  # is in the parts already
    noise = math.sqrt(max(noise**2 - known, 0.0))
    return Found(value, bias, noise, free, parts, tuple(points))


def _noise(extreme: Extreme) -> tuple[float, float, float]:
    """Return what noise adds to the extreme on average, its standard uncertainty and degrees of freedom."""
    sigma = np.concatenate([np.full(len(a.residuals), noise_of(a)) for a in extreme.features])
    taking_part = (extreme.mix != 0).any(axis=0)
    # a datum that turns in its noise makes zones wider too, never narrower
    moves = [
        extreme.mix[:, taking_part] * sigma[taking_part],
        *(c @ _root(a.covariance) for a, c in extreme.others),
    ]
    by_draw = np.hstack(moves)
    draws = _draws(by_draw.shape[1]) @ by_draw.T
    biases: list[float] = []
    spreads: list[float] = []
    for share in _SHARES:
        still = [standing_out(a, noise_of(a), share) - a.residuals for a in extreme.features]
        form = extreme.values + extreme.mix @ np.concatenate(still)
        form = form - sum(piece for piece, size in extreme.lies if abs(size) < share * _universal(len(form)))
        heights = extreme.factor * least_maximum(extreme.rows, np.vstack((form, form + draws)))[0][:, -1]
        biases.append(float(heights[1:].mean() - heights[0]))
        spreads.append(float(heights[1:].std()))
    bias = sum(biases) / len(biases)
    free = sum(a.degrees_of_freedom for a in extreme.features)
    # how much of the form is noise is not known, and the bias is as uncertain as the noise it is made of
    known = math.sqrt(2 * min(free, float(taking_part.sum())))
    unsure = math.hypot((biases[0] - biases[1]) / 2, bias / known)
    return bias, math.hypot(max(spreads), unsure), free


def _root(covariance: F64) -> F64:
    """Return a matrix whose product with its transpose is the covariance, which may be singular."""
    size, axes = np.linalg.eigh(covariance)
    return np.asarray(axes * np.sqrt(np.maximum(size, 0.0)))


@functools.lru_cache(maxsize=64)
def _draws(count: int) -> F64:
    half = np.random.default_rng(20_160).standard_normal((_DRAWS // 2, count))
    return np.concatenate((half, -half))


def noise_of(a: Associated) -> float:
    """Return the standard deviation in mm of one point along its normal, form excluded.

    The covariance's is taken, unless neighbouring points agree clearly better: then it holds form, which
    must not be mistaken for noise.
    """
    lever = float((a.gain[:2] ** 2).sum())
    stated = math.sqrt(max(float(a.covariance[0, 0] + a.covariance[1, 1]), 0.0) / lever) if lever > 0 else 0.0
    kept = a.residuals[a.kept]
    if len(kept) < _FEWEST:
        return stated
    bends = kept[:-2] - 2 * kept[1:-1] + kept[2:]
    seen = math.sqrt(float(bends @ bends) / len(bends) / 6)
    return seen if seen < _CLEARLY * stated else stated


def standing_out(a: Associated, sigma: float, share: float) -> F64:
    """Return the residuals (n,) as far as they are form: what stands out beyond a share of the threshold."""
    still = np.zeros(len(a.residuals))
    r = a.residuals[a.kept]
    universal = _universal(len(r)) * sigma
    closed = a.form in {"circle", "ellipse"}
    period = r if closed else np.concatenate((r, r[::-1]))
    series = np.fft.rfft(period, norm="ortho")
    series[np.abs(series) < share * universal] = 0
    form = np.fft.irfft(series, len(period), norm="ortho")[: len(r)]
    alone = np.abs(r - form) > universal + sigma
    still[a.kept] = np.where(alone, r, form)
    return still


def _universal(count: int) -> float:
    """Return how many standard deviations none of so many coefficients exceeds by noise."""
    return math.sqrt(2 * math.log(count))


def disputed(a: Associated, inward: bool, outward: bool) -> bool:
    """Return whether the points do not say where the edge's extremes are.

    So it is where a point that the fit set aside, a burr or dirt, sticks out beyond the kept ones against
    (inward) or along (outward) the normals, or where a part of the edge was not seen at all.
    """
    kept, aside = a.residuals[a.kept], a.residuals[~a.kept]
    reach = _STICKS_OUT * noise_of(a)
    if inward and (aside < kept.min() - reach).any():
        return True
    return (outward and bool((aside > kept.max() + reach).any())) or _gap(a, a.kept)


def _gap(a: Associated, seen: Mask) -> bool:
    if a.form == "line":
        along = np.sort(a.points_mm[seen] @ (math.cos(a.parameters[2]), math.sin(a.parameters[2])))
        gaps, whole = np.diff(along), float(along[-1] - along[0])
    else:
        turns = np.sort(np.arctan2(a.normals[seen, 1], a.normals[seen, 0]))
        gaps, whole = np.diff(turns, append=turns[0] + 2 * math.pi), 2 * math.pi
    return float(gaps.max()) > max(_WIDEST_GAP * float(np.median(gaps)), _SHARE_GAP * whole)
