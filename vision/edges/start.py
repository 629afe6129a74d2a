"""Where a form roughly lies: calipers across the expected edge, and the form that most of them agree on.

Least median of squares (Rousseeuw 1984, doi:10.1080/01621459.1984.10477105) over a fixed set of minimal
samples stands nearly half of the edge hidden or burred in one piece, and gives the same answer each time.
"""

from __future__ import annotations

import math

import numpy as np

from kernels.compiled import F64, Mask
from vision.robust import median

_STEPS = (0.34, 0.21, 0.13)  # of the edge, between the points of one minimal sample
_SAMPLES = 24  # of each step
_ROUNDS = 4
_WIDE = 4.0  # spreads from the form that a point may lie off and still count
_FLOOR = 0.12  # local units: no edge is smoother than that to a caliper


def agreed_circle(points: F64) -> tuple[F64, Mask] | None:
    """Return the circle (x, y, radius) that most of (n, 2) points agree on, and which do; None if none."""
    n = len(points)
    if n < 6:
        return None
    best = math.inf
    found: F64 | None = None
    for share in _STEPS:
        k = max(int(share * n), 1)
        first = np.arange(0, n, max(n // _SAMPLES, 1))
        circles = circles_through(points[first], points[(first + k) % n], points[(first + 2 * k) % n])
        if len(circles) == 0:
            continue
        off = np.abs(
            np.hypot(points[:, 0] - circles[:, 0, None], points[:, 1] - circles[:, 1, None])
            - circles[:, 2, None]
        )
        medians = np.partition(off, n // 2, axis=1)[:, n // 2]
        i = int(np.argmin(medians))
        if medians[i] < best:
            best, found = float(medians[i]), np.asarray(circles[i], np.float64)
    if found is None:
        return None
    for _ in range(_ROUNDS):
        kept = _near(np.hypot(points[:, 0] - found[0], points[:, 1] - found[1]) - found[2])
        delta = points[kept] - found[:2]
        distance = np.hypot(delta[:, 0], delta[:, 1])
        if kept.sum() < 5 or distance.min() <= 0:
            return None
        basis = np.column_stack((delta / distance[:, None], np.ones(len(delta))))
        found = found + np.asarray(np.linalg.lstsq(basis, distance - found[2])[0], np.float64)
    kept = _near(np.hypot(points[:, 0] - found[0], points[:, 1] - found[1]) - found[2])
    return found, kept


def agreed_line(points: F64) -> tuple[F64, Mask] | None:
    """Return offset and slope of v = offset + slope u that most of (n, 2) points agree on, and which do."""
    n = len(points)
    if n < 4:
        return None
    u, v = points.T
    i, j = np.triu_indices(n, max(n // 5, 1))
    if len(i) > 400:
        chosen = np.linspace(0, len(i) - 1, 400).astype(np.int64)
        i, j = i[chosen], j[chosen]
    apart = np.abs(u[j] - u[i]) > 1e-9
    i, j = i[apart], j[apart]
    if len(i) == 0:
        return None
    slope = (v[j] - v[i]) / (u[j] - u[i])
    offset = v[i] - slope * u[i]
    off = np.abs(v - offset[:, None] - slope[:, None] * u)
    k = int(np.argmin(np.partition(off, n // 2, axis=1)[:, n // 2]))
    found: F64 = np.array([offset[k], slope[k]])
    for _ in range(_ROUNDS):
        kept = _near(v - found[0] - found[1] * u)
        if kept.sum() < 3:
            return None
        basis = np.column_stack((np.ones(int(kept.sum())), u[kept]))
        found = np.asarray(np.linalg.lstsq(basis, v[kept])[0], np.float64)
    return found, _near(v - found[0] - found[1] * u)


def _near(off: F64) -> Mask:
    size = np.abs(off)
    return np.asarray(size <= _WIDE * max(1.4826 * median(size), _FLOOR), np.bool_)


def circles_through(a: F64, b: F64, c: F64) -> F64:
    """Return the circles (m, 3) through triples of points, without those that lie on a line."""
    b, c = b - a, c - a
    twice = 2 * (b[:, 0] * c[:, 1] - b[:, 1] * c[:, 0])
    ok = np.abs(twice) > 1e-6
    a, b, c, twice = a[ok], b[ok], c[ok], twice[ok]
    bb, cc = (b * b).sum(axis=1), (c * c).sum(axis=1)
    x, y = (c[:, 1] * bb - b[:, 1] * cc) / twice, (b[:, 0] * cc - c[:, 0] * bb) / twice
    return np.column_stack((a[:, 0] + x, a[:, 1] + y, np.hypot(x, y)))
