"""One smooth map through tracked patches: robust, as simple as the evidence allows, with its covariance."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from kernels.compiled import F64, Mask
from vision.mapping import QuadraticMap, basis
from vision.robust import median

MODELS: Final = ("projective", "quadratic")  # a camera sees a plane in perspective; some parts bend
SIMILARITY: Final = ("similarity",)
PROJECTIVE: Final = ("projective",)
QUADRATIC: Final = ("quadratic",)

_TUKEY: Final = 4.685
_RAYLEIGH_MEDIAN: Final = 1.1774  # of a two-dimensional residual of unit standard deviation per axis
_LEAST_SPREAD: Final = 0.3  # of the residuals against what the patches' own misfit implies
_ROUNDS: Final = 5
_PAIRS: Final = 240


@dataclass(frozen=True, slots=True, eq=False)
class Fit:
    """A map, the name of its model, the covariance (12, 12) of its coefficients and the weights (m,).

    `spread` is the residuals' standard deviation over the one that the patches' covariances imply.
    """

    mapping: QuadraticMap
    model: str
    covariance: F64
    weights: F64
    spread: float


def fit_map(
    golden: F64, unit: F64, covariances: F64, start: QuadraticMap, models: Sequence[str] = MODELS
) -> Fit | None:
    """Fit the map by Tukey's biweight (M-estimate by iterated reweighting), starting from a map.

    Of the models the one of least Bayesian information criterion is kept (Schwarz 1978,
    doi:10.1214/aos/1176344136), the loss being Tukey's at the spread of the last, most general, model.

    Args:
        golden: (m, 2) patch centres.
        unit: (m, 2) where they were found.
        covariances: (m, 2, 2) of `unit`, up to a common factor that is estimated here.
        start: a map near the answer; patches far from it count little at first.
        models: one or more of `MODELS` and `SIMILARITY`, the most general last.

    Returns:
        The fit, or None where the patches do not determine it.
    """
    rows = basis(golden, start.centre, start.extent)
    design = np.zeros((len(golden), 2, 12))
    design[:, 0, 0::2], design[:, 1, 1::2] = rows, rows
    whiten = np.linalg.inv(np.linalg.cholesky(covariances))
    design = (whiten @ design).reshape(-1, 12)
    target = (whiten @ unit[:, :, None]).reshape(-1)
    first = _lengths(design @ start.coefficients.reshape(-1) - target)
    best: tuple[float, str, F64, F64, float] | None = None
    spread = 0.0
    for model in reversed(models):
        embedding = _embedding(model, start.coefficients)
        solved = _reweighted(design @ embedding, target, first)
        if solved is None:
            continue
        parameters, lengths, own = solved
        spread = spread or own
        evidence = _loss(lengths / spread) + embedding.shape[1] * math.log(2 * len(golden))
        if best is None or evidence < best[0]:
            best = evidence, model, embedding @ parameters, lengths, own
    if best is None:
        return None
    _, model, coefficients, lengths, spread = best
    embedding = _embedding(model, start.coefficients)
    covariance = _covariance(design @ embedding, lengths, spread)
    if covariance is None:
        return None
    mapping = QuadraticMap(start.centre, start.extent, coefficients.reshape(6, 2))
    return Fit(mapping, model, embedding @ covariance @ embedding.T, _weights(lengths / spread), spread)


def _embedding(model: str, near: F64) -> F64:
    """Return the (12, p) matrix from the model's parameters to the quadratic's coefficients, row-major."""
    if model == "quadratic":
        return np.eye(12)
    matrix = np.zeros((12, {"similarity": 4, "projective": 8}[model]))
    matrix[0, 0] = matrix[1, 1] = 1.0
    if model == "similarity":
        matrix[2, 2] = matrix[5, 2] = matrix[3, 3] = 1.0
        matrix[4, 3] = -1.0
        return matrix
    # (A p) / (1 + k p) is A p - (k p)(A p) to second order; A is known well enough beforehand
    matrix[np.arange(6), np.arange(6)] = 1.0
    along_u, along_v = near[1], near[2]
    matrix[6:8, 6], matrix[8:10, 6] = along_u, along_v
    matrix[8:10, 7], matrix[10:12, 7] = along_u, along_v
    return matrix


def _lengths(whitened: F64) -> F64:
    pairs = whitened.reshape(-1, 2)
    return np.hypot(pairs[:, 0], pairs[:, 1])


def _spread(lengths: F64, lost: int = 0) -> float:
    n = len(lengths)
    return max(median(lengths) / _RAYLEIGH_MEDIAN * math.sqrt(2 * n / max(2 * n - lost, 1)), _LEAST_SPREAD)


def _weights(scaled: F64) -> F64:
    return np.clip(1 - (scaled / _TUKEY) ** 2, 0, None) ** 2


def _loss(scaled: F64) -> float:
    """Return Tukey's loss, scaled to be the square near 0."""
    inside = np.clip(1 - (scaled / _TUKEY) ** 2, 0, None)
    return float((_TUKEY**2 / 3 * (1 - inside**3)).sum())


def _reweighted(design: F64, target: F64, lengths: F64) -> tuple[F64, F64, float] | None:
    parameters = np.empty(0)
    lost = design.shape[1]
    spread = _spread(lengths)
    for _ in range(_ROUNDS):
        weights = np.repeat(_weights(lengths / spread), 2)
        weighted = design * weights[:, None]
        normal = weighted.T @ design
        if np.count_nonzero(weights) < 2 * lost:
            return None
        try:
            parameters = np.linalg.solve(normal, weighted.T @ target)
        except np.linalg.LinAlgError:  # the patches lie on one line or in one place
            return None
        lengths = _lengths(design @ parameters - target)
        spread = _spread(lengths, lost)
    return np.asarray(parameters, np.float64), lengths, spread


def _covariance(design: F64, lengths: F64, spread: float) -> F64 | None:
    """Return the covariance of an M-estimate (Huber and Ronchetti 2009, section 7.6) for Tukey's weights."""
    scaled = lengths / spread
    kept = scaled < _TUKEY
    inside = 1 - (scaled[kept] / _TUKEY) ** 2
    slope = float((inside**2 - 2 * (scaled[kept] / _TUKEY) ** 2 * inside).mean())
    freedom = 2 * int(kept.sum()) - design.shape[1]
    if slope <= 0 or freedom <= 0:
        return None
    variance = float((inside**4 * lengths[kept] ** 2).sum()) / freedom / slope**2
    rows = design[np.repeat(kept, 2)]
    try:
        return np.asarray(np.linalg.inv(rows.T @ rows) * variance, np.float64)
    except np.linalg.LinAlgError:
        return None


def consensus(golden: F64, unit: F64, tolerance: float, apart: float) -> Mask | None:
    """Return the largest set of matches that one similarity, through a pair of them, explains.

    All pairs of few matches are tried, an even choice of those of many.

    Args:
        golden: (n, 2) points.
        unit: (n, 2) where they were found.
        tolerance: greatest distance of a match that agrees.
        apart: least distance of the two golden points of a pair.
    """
    g = golden[:, 0] + 1j * golden[:, 1]
    u = unit[:, 0] + 1j * unit[:, 1]
    i, j = np.triu_indices(len(golden), 1)
    far = np.abs(g[j] - g[i]) > apart
    i, j = i[far], j[far]
    if len(i) == 0:
        return None
    if len(i) > 2 * _PAIRS:
        # a stride prime to most counts, so that all points take part
        chosen = np.arange(_PAIRS) * (len(i) / _PAIRS)
        i, j = i[chosen.astype(np.int64)], j[chosen.astype(np.int64)]
    a = (u[j] - u[i]) / (g[j] - g[i])
    plausible = np.abs(np.abs(a) - 1) < 0.3
    i, a = i[plausible], a[plausible]
    if len(i) == 0:
        return None
    inside = np.abs(a[:, None] * (g - g[i, None]) + u[i, None] - u) < tolerance
    return inside[int(np.argmax(inside.sum(axis=1)))]
