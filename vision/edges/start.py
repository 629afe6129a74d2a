"""Where a form roughly lies: what most of the calipers across the expected edge agree on."""

from __future__ import annotations

import numpy as np

from kernels import consensus
from kernels.compiled import F64, Mask


def agreed_circle(points: F64) -> tuple[F64, Mask] | None:
    """Return the circle (x, y, radius) that most of (n, 2) points agree on, and which do; None if none."""
    found, kept, agreed = consensus.agreed_circle(points)
    return (found, kept) if agreed else None


def agreed_line(points: F64) -> tuple[F64, Mask] | None:
    """Return offset and slope of v = offset + slope u that most of (n, 2) points agree on, and which do."""
    found, kept, agreed = consensus.agreed_line(points)
    return (found, kept) if agreed else None


def circles_through(a: F64, b: F64, c: F64) -> F64:
    """Return the circles (m, 3) through triples of points, without those that lie on a line."""
    b, c = b - a, c - a
    twice = 2 * (b[:, 0] * c[:, 1] - b[:, 1] * c[:, 0])
    ok = np.abs(twice) > 1e-6
    a, b, c, twice = a[ok], b[ok], c[ok], twice[ok]
    bb, cc = (b * b).sum(axis=1), (c * c).sum(axis=1)
    x, y = (c[:, 1] * bb - b[:, 1] * cc) / twice, (b[:, 0] * cc - c[:, 0] * bb) / twice
    return np.column_stack((a[:, 0] + x, a[:, 1] + y, np.hypot(x, y)))
