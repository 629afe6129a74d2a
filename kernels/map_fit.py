"""One smooth map through located patches: robust least squares, its covariance, and the pose that most share.

Maps have twelve coefficients, row-major (6, 2), on the basis 1, u, v, uu, uv, vv; a matrix embeds the
parameters of simpler maps in those.
"""

from __future__ import annotations

import math

import numpy as np

from kernels.compiled import F64, Mask, compiled
from kernels.consensus import median
from kernels.least_squares import factor, substitute

_TUKEY = 4.685  # standard deviations where the biweight ends: 95 % efficient where residuals are normal
_RAYLEIGH_MEDIAN = 1.1774  # of a two-dimensional residual of unit standard deviation per axis
_LEAST_SPREAD = 0.3  # of the residuals against what the patches' own misfit implies
_ROUNDS = 5
_PAIRS = 240
_MOST_RESIZED = 0.3  # by the pose that a pair of points states


SIMILARITY, PROJECTIVE, QUADRATIC = 0, 1, 2
"""Models of a map, the most general last: a camera sees a plane in perspective, and some parts bend."""


@compiled
def _lengths(rows: F64, unit: F64, precisions: F64, coefficients: F64) -> F64:
    """Return how far points lie from where a map puts them, in standard deviations (m,).

    Args:
        rows: (m, 6) basis at the golden points.
        unit: (m, 2) the points.
        precisions: (m, 3) xx, xy, yy of the inverse of each point's covariance.
        coefficients: (12,) of the map.
    """
    lengths = np.empty(len(rows))
    for i in range(len(rows)):
        x, y = -unit[i, 0], -unit[i, 1]
        for a in range(6):
            x += rows[i, a] * coefficients[2 * a]
            y += rows[i, a] * coefficients[2 * a + 1]
        square = precisions[i, 0] * x * x + 2.0 * precisions[i, 1] * x * y + precisions[i, 2] * y * y
        lengths[i] = math.sqrt(max(square, 0.0))
    return lengths


@compiled
def _spread(lengths: F64, parameters: int) -> float:
    n = len(lengths)
    lost = math.sqrt(2 * n / max(2 * n - parameters, 1))
    return max(median(lengths) / _RAYLEIGH_MEDIAN * lost, _LEAST_SPREAD)


@compiled
def _weigh(lengths: F64, spread: float, weights: F64) -> int:
    """Fill in Tukey's weights; return how many are not 0."""
    count = 0
    for i in range(len(lengths)):
        inside = 1.0 - (lengths[i] / spread / _TUKEY) ** 2
        weights[i] = inside * inside if inside > 0.0 else 0.0
        count += inside > 0.0
    return count


@compiled
def _normal(rows: F64, unit: F64, precisions: F64, weights: F64, embedding: F64) -> tuple[F64, F64]:
    """Return the normal matrix (p, p), its lower triangle filled, and the right side (p,)."""
    size = embedding.shape[1]
    full, right = np.zeros((12, 12)), np.zeros(12)
    for i in range(len(rows)):
        if weights[i] == 0.0:
            continue
        xx, xy = weights[i] * precisions[i, 0], weights[i] * precisions[i, 1]
        yy = weights[i] * precisions[i, 2]
        x, y = xx * unit[i, 0] + xy * unit[i, 1], xy * unit[i, 0] + yy * unit[i, 1]
        for a in range(6):
            right[2 * a] += rows[i, a] * x
            right[2 * a + 1] += rows[i, a] * y
            for b in range(a + 1):
                product = rows[i, a] * rows[i, b]
                full[2 * a, 2 * b] += xx * product
                full[2 * a, 2 * b + 1] += xy * product
                full[2 * a + 1, 2 * b] += xy * product
                full[2 * a + 1, 2 * b + 1] += yy * product
    for a in range(12):
        for b in range(a):
            full[b, a] = full[a, b]
    half, normal, embedded = np.zeros((12, size)), np.zeros((size, size)), np.zeros(size)
    for a in range(12):
        for p in range(size):
            embedded[p] += embedding[a, p] * right[a]
            for b in range(12):
                half[b, p] += full[b, a] * embedding[a, p]
    for p in range(size):
        for q in range(p + 1):
            for a in range(12):
                normal[p, q] += embedding[a, p] * half[a, q]
    return normal, embedded


@compiled
def _embedding(model: int, near: F64) -> F64:
    """Return the (12, p) matrix from a model's parameters to coefficients; those of `near` are like them."""
    if model == QUADRATIC:
        return np.eye(12)
    if model == SIMILARITY:
        out = np.zeros((12, 4))
        out[0, 0] = out[1, 1] = out[2, 2] = out[5, 2] = out[3, 3] = 1.0
        out[4, 3] = -1.0
        return out
    # (A p) / (1 + k p) is A p - (k p)(A p) to second order; A is known well enough beforehand
    out = np.zeros((12, 8))
    for i in range(6):
        out[i, i] = 1.0
    for i in range(2):
        out[6 + i, 6], out[8 + i, 6] = near[2 + i], near[4 + i]
        out[8 + i, 7], out[10 + i, 7] = near[2 + i], near[4 + i]
    return out


@compiled
def _reweighted(
    rows: F64, unit: F64, precisions: F64, embedding: F64, lengths: F64
) -> tuple[F64, F64, float, bool]:
    """Return coefficients, lengths, their deviation per axis, and whether points determine the map."""
    size = embedding.shape[1]
    coefficients, weights = np.zeros(12), np.empty(len(rows))
    spread = _spread(lengths, 0)
    for _ in range(_ROUNDS):
        if _weigh(lengths, spread, weights) < size:
            return coefficients, lengths, spread, False
        normal, parameters = _normal(rows, unit, precisions, weights, embedding)
        if not factor(normal, size):  # the points lie on one line or in one place
            return coefficients, lengths, spread, False
        substitute(normal, parameters, size)
        for a in range(12):
            coefficients[a] = 0.0
            for p in range(size):
                coefficients[a] += embedding[a, p] * parameters[p]
        lengths = _lengths(rows, unit, precisions, coefficients)
        spread = _spread(lengths, size)
    return coefficients, lengths, spread, True


@compiled
def _covariance(rows: F64, precisions: F64, embedding: F64, lengths: F64, spread: float) -> tuple[F64, bool]:
    """Return the covariance (12, 12) of a fit's coefficients, and whether there is one.

    That of an M-estimate (Huber and Ronchetti 2009, section 7.6) for Tukey's weights.
    """
    size = embedding.shape[1]
    covariance, kept = np.zeros((12, 12)), np.zeros(len(rows))
    slope, squares, count = 0.0, 0.0, 0
    for i in range(len(rows)):
        scaled = (lengths[i] / spread / _TUKEY) ** 2
        if scaled < 1.0:
            inside = 1.0 - scaled
            kept[i] = 1.0
            count += 1
            slope += inside * inside - 2.0 * scaled * inside  # of a vector: the mean over its directions
            squares += inside**4 * lengths[i] ** 2
    freedom = 2 * count - size
    if slope <= 0.0 or freedom <= 0:
        return covariance, False
    normal, column = _normal(rows, np.zeros((len(rows), 2)), precisions, kept, embedding)
    if not factor(normal, size):
        return covariance, False
    variance = squares / freedom / (slope / count) ** 2
    mapped = np.zeros((12, size))
    for p in range(size):
        column[:] = 0.0
        column[p] = variance
        substitute(normal, column, size)
        for a in range(12):
            for q in range(size):
                mapped[a, p] += embedding[a, q] * column[q]
    for a in range(12):
        for b in range(12):
            for p in range(size):
                covariance[a, b] += mapped[a, p] * embedding[b, p]
    return covariance, True


@compiled
def _loss(lengths: F64, spread: float) -> float:
    """Return Tukey's loss of all points, scaled to be the square near 0."""
    total = 0.0
    for i in range(len(lengths)):
        inside = max(1.0 - (lengths[i] / spread / _TUKEY) ** 2, 0.0)
        total += 1.0 - inside**3
    return _TUKEY * _TUKEY / 3.0 * total


@compiled
def fit_models(
    golden: F64, unit: F64, covariances: F64, start: F64, cx: float, cy: float, extent: float,
    simplest: int, most_general: int,
) -> tuple[F64, F64, F64, float, int]:  # fmt: skip
    """Fit maps by Tukey's biweight (M-estimates by iterated reweighting) and keep one.

    That of least Bayesian information criterion (Schwarz 1978, doi:10.1214/aos/1176344136), the loss being
    Tukey's at the spread of the most general model.

    Args:
        golden: (m, 2) points.
        unit: (m, 2) where they were found.
        covariances: (m, 3) xx, xy, yy of `unit`, up to a common factor that is estimated here.
        start: (6, 2) coefficients of a map near the answer; points far from it count little at first.
        cx: centre of the maps' basis, x.
        cy: centre of the maps' basis, y.
        extent: scale of the maps' basis.
        simplest: the first of the models that are tried.
        most_general: the last of them.

    Returns:
        Coefficients (12,), their covariance (12, 12), weights of the points (m,), the residuals' standard
        deviation over the one that `covariances` imply, and the model; -1 where points determine none.
    """
    m, near = len(golden), start.reshape(-1)
    rows, precisions = np.ones((m, 6)), np.empty((m, 3))
    for i in range(m):
        u, v = (golden[i, 0] - cx) / extent, (golden[i, 1] - cy) / extent
        rows[i, 1], rows[i, 2], rows[i, 3], rows[i, 4], rows[i, 5] = u, v, u * u, u * v, v * v
        xx, xy, yy = covariances[i]
        determinant = xx * yy - xy * xy
        precisions[i, 0], precisions[i, 1] = yy / determinant, -xy / determinant
        precisions[i, 2] = xx / determinant
    first = _lengths(rows, unit, precisions, near)
    chosen, best, general = -1, math.inf, 0.0
    coefficients, lengths, spread, weights = np.zeros(12), first, 1.0, np.zeros(m)
    for model in range(most_general, simplest - 1, -1):
        embedding = _embedding(model, near)
        found, off, own, determined = _reweighted(rows, unit, precisions, embedding, first)
        if determined:
            general = own if general == 0.0 else general
            evidence = _loss(off, general) + embedding.shape[1] * math.log(2 * m)
            if evidence < best:
                best, chosen, coefficients, lengths, spread = evidence, model, found, off, own
    if chosen < 0:
        return coefficients, np.zeros((12, 12)), weights, spread, -1
    covariance, known = _covariance(rows, precisions, _embedding(chosen, near), lengths, spread)
    _weigh(lengths, spread, weights)
    return coefficients, covariance, weights, spread, chosen if known else -1


@compiled
def similarity(golden: F64, unit: F64, weights: F64) -> tuple[float, float, float, float]:
    """Return c, s, x, y of p_unit = ((c, -s), (s, c)) p_golden + (x, y) by weighted least squares.

    Umeyama 1991, doi:10.1109/34.88573; of (n, 2) points with weights (n,), not all 0.
    """
    total = gx = gy = ux = uy = 0.0
    for i in range(len(golden)):
        total += weights[i]
        gx += weights[i] * golden[i, 0]
        gy += weights[i] * golden[i, 1]
        ux += weights[i] * unit[i, 0]
        uy += weights[i] * unit[i, 1]
    gx, gy, ux, uy = gx / total, gy / total, ux / total, uy / total
    along = across = square = 0.0
    for i in range(len(golden)):
        x, y, u, v = golden[i, 0] - gx, golden[i, 1] - gy, unit[i, 0] - ux, unit[i, 1] - uy
        along += weights[i] * (x * u + y * v)
        across += weights[i] * (x * v - y * u)
        square += weights[i] * (x * x + y * y)
    c, s = along / square, across / square
    return c, s, ux - c * gx + s * gy, uy - s * gx - c * gy


@compiled
def agreed_similarity(
    golden: F64, unit: F64, tolerance: float, apart: float, cx: float, cy: float, extent: float
) -> tuple[F64, int]:
    """Return the similarity that most matches agree on, as a map (6, 2), and how many do.

    Of the similarities through a pair of matches that is taken which explains the most, and fitted to those.
    All pairs of few matches are tried, an even choice of those of many. None agrees where no pair is a pose.

    Args:
        golden: (n, 2) points.
        unit: (n, 2) where they were found.
        tolerance: greatest distance of a match that agrees.
        apart: least distance of the two golden points of a pair.
        cx: centre of the map's basis, x.
        cy: centre of the map's basis, y.
        extent: scale of the map's basis.
    """
    agreed = _agreed(golden, unit, tolerance, apart)
    found, count = np.zeros((6, 2)), int(agreed.sum())
    if count:
        c, s, x, y = similarity(golden, unit, agreed.astype(np.float64))
        found[0, 0], found[0, 1] = c * cx - s * cy + x, s * cx + c * cy + y
        found[1, 0], found[1, 1] = c * extent, s * extent
        found[2, 0], found[2, 1] = -s * extent, c * extent
    return found, count


@compiled
def _agreed(golden: F64, unit: F64, tolerance: float, apart: float) -> Mask:
    """Return which matches (n,) the similarity explains that explains most."""
    n = len(golden)
    first, second = np.empty(n * (n - 1) // 2, np.int64), np.empty(n * (n - 1) // 2, np.int64)
    pairs = 0
    for i in range(n):
        for j in range(i + 1, n):
            if math.hypot(golden[j, 0] - golden[i, 0], golden[j, 1] - golden[i, 1]) > apart:
                first[pairs], second[pairs] = i, j
                pairs += 1
    tried = _PAIRS if pairs > 2 * _PAIRS else pairs
    best, most = np.zeros(n, np.bool_), 0
    inside = np.empty(n, np.bool_)
    for k in range(tried):
        pair = int(k * (pairs / tried))
        i, j = first[pair], second[pair]
        gx, gy = golden[j, 0] - golden[i, 0], golden[j, 1] - golden[i, 1]
        ux, uy = unit[j, 0] - unit[i, 0], unit[j, 1] - unit[i, 1]
        square = gx * gx + gy * gy
        c, s = (gx * ux + gy * uy) / square, (gx * uy - gy * ux) / square
        if not abs(math.hypot(c, s) - 1.0) < _MOST_RESIZED:
            continue
        count = 0
        for p in range(n):
            x, y = golden[p, 0] - golden[i, 0], golden[p, 1] - golden[i, 1]
            off_x = c * x - s * y + unit[i, 0] - unit[p, 0]
            off_y = s * x + c * y + unit[i, 1] - unit[p, 1]
            inside[p] = off_x * off_x + off_y * off_y < tolerance * tolerance
            count += inside[p]
        if count > most:
            best[:], most = inside, count
    return best


@compiled
def fit_summary(
    golden: F64, unit: F64, weights: F64, coefficients: F64, covariance: F64, cx: float, cy: float,
    extent: float, corners: F64, scattered: bool, floor: float,
) -> tuple[tuple[float, float, float, float], float, float, float, float, float]:  # fmt: skip
    """Return what a fitted map says of its points and corners, all in pixels but for the similarity.

    Args:
        golden: (m, 2) points.
        unit: (m, 2) where they were found.
        weights: (m,) of the points, not all 0.
        coefficients: (6, 2) of the map.
        covariance: (12, 12) of these.
        cx: centre of the map's basis, x.
        cy: centre of the map's basis, y.
        extent: scale of the map's basis.
        corners: (n, 2) golden points where the map is known worst.
        scattered: whether the distances of all points, whatever they weigh, count as uncertainty.
        floor: standard uncertainty per axis that all of them share.

    Returns:
        The nearest similarity as `similarity` gives it; weighted rms distances of the points from it and from
        the map; rms distance per axis of all points if `scattered`, else 0; greatest standard uncertainty of
        a corner on any axis, and greatest distance of one from where the similarity puts it.
    """
    c, s, x, y = nearest = similarity(golden, unit, weights)
    total = from_pose = from_map = from_all = 0.0
    for i in range(len(golden)):
        u, v = _mapped(coefficients, (golden[i, 0] - cx) / extent, (golden[i, 1] - cy) / extent)
        square = (unit[i, 0] - u) ** 2 + (unit[i, 1] - v) ** 2
        off_x = c * golden[i, 0] - s * golden[i, 1] + x - unit[i, 0]
        off_y = s * golden[i, 0] + c * golden[i, 1] + y - unit[i, 1]
        total += weights[i]
        from_map += weights[i] * square
        from_pose += weights[i] * (off_x * off_x + off_y * off_y)
        from_all += square
    bending = math.sqrt(from_all / len(golden) / 2.0) if scattered else 0.0
    largest, departs = 0.0, 0.0
    for k in range(len(corners)):
        u, v = (corners[k, 0] - cx) / extent, (corners[k, 1] - cy) / extent
        row = (1.0, u, v, u * u, u * v, v * v)
        xx = yy = bending * bending + floor * floor
        xy = 0.0
        for a in range(6):
            for b in range(6):
                product = row[a] * row[b]
                xx += product * covariance[2 * a, 2 * b]
                xy += product * covariance[2 * a, 2 * b + 1]
                yy += product * covariance[2 * a + 1, 2 * b + 1]
        largest = max(largest, (xx + yy) / 2.0 + math.hypot((xx - yy) / 2.0, xy))
        at_x, at_y = _mapped(coefficients, u, v)
        off_x = c * corners[k, 0] - s * corners[k, 1] + x - at_x
        departs = max(departs, math.hypot(off_x, s * corners[k, 0] + c * corners[k, 1] + y - at_y))
    residuals = math.sqrt(from_pose / total), math.sqrt(from_map / total)
    return nearest, residuals[0], residuals[1], bending, math.sqrt(largest), departs


@compiled
def _mapped(coefficients: F64, u: float, v: float) -> tuple[float, float]:
    c = coefficients
    return (
        c[0, 0] + u * (c[1, 0] + u * c[3, 0] + v * c[4, 0]) + v * (c[2, 0] + v * c[5, 0]),
        c[0, 1] + u * (c[1, 1] + u * c[3, 1] + v * c[4, 1]) + v * (c[2, 1] + v * c[5, 1]),
    )
