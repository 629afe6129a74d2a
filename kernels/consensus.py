"""The circle or line that most of a few points agree on, and which do.

Least median of squares (Rousseeuw 1984, doi:10.1080/01621459.1984.10477105) over a fixed set of minimal
samples stands nearly half of the edge hidden or burred in one piece, and gives the same answer each time;
least squares over the points that agree follow.
"""

from __future__ import annotations

import math

import numpy as np

from kernels.compiled import F64, Mask, compiled
from kernels.least_squares import factor, substitute

_STEPS = (0.34, 0.21, 0.13)  # of the edge, between the points of one minimal sample of a circle
_SAMPLES = 24  # of each step
_PAIRS = 400  # minimal samples of a line
_ROUNDS = 4
_WIDE = 4.0  # spreads from the form that a point may lie off and still count
_FLOOR = 0.12  # the unit of the points: no edge is smoother than that to a caliper


@compiled
def median(off: F64) -> float:
    """Return the median of (n,) values, n >= 1; of an even number the upper of the middle two."""
    return np.partition(off, len(off) // 2)[len(off) // 2]


@compiled
def _near(off: F64, kept: Mask) -> int:
    """Say which distances are near 0 against their own spread; return how many."""
    size = np.abs(off)
    most = _WIDE * max(1.4826 * median(size), _FLOOR)
    count = 0
    for i in range(len(off)):
        kept[i] = size[i] <= most
        count += kept[i]
    return count


@compiled
def agreed_circle(points: F64) -> tuple[F64, Mask, bool]:
    """Return the circle (x, y, radius) that most of (n, 2) points agree on, which do, and whether it is one.

    There is none where fewer than six points are given, fewer than five agree, or they lie on a line.
    """
    n = len(points)
    found, kept, off = np.zeros(3), np.zeros(n, np.bool_), np.empty(n)
    if n < 6:
        return found, kept, False
    best = math.inf
    for share in _STEPS:
        k = max(int(share * n), 1)
        for i in range(0, n, max(n // _SAMPLES, 1)):
            ax, ay = points[i]
            bx, by = points[(i + k) % n] - points[i]
            cx, cy = points[(i + 2 * k) % n] - points[i]
            twice = 2.0 * (bx * cy - by * cx)
            if abs(twice) <= 1e-6:
                continue
            bb, cc = bx * bx + by * by, cx * cx + cy * cy
            x, y = (cy * bb - by * cc) / twice, (bx * cc - cx * bb) / twice
            radius = math.sqrt(x * x + y * y)
            x, y = ax + x, ay + y
            nearer = 0
            for j in range(n):
                off[j] = abs(math.sqrt((points[j, 0] - x) ** 2 + (points[j, 1] - y) ** 2) - radius)
                nearer += off[j] < best
            if nearer > n // 2:  # so that the median is less than the best
                best = median(off)
                found[0], found[1], found[2] = x, y, radius
    if best == math.inf:
        return found, kept, False
    normal, move, row = np.empty((3, 3)), np.empty(3), np.ones(3)
    for turn in range(_ROUNDS + 1):
        for j in range(n):
            off[j] = math.sqrt((points[j, 0] - found[0]) ** 2 + (points[j, 1] - found[1]) ** 2) - found[2]
        count = _near(off, kept)
        if turn == _ROUNDS:
            break
        normal[:] = 0.0
        move[:] = 0.0
        for j in range(n):
            if kept[j]:
                distance = off[j] + found[2]
                if distance <= 0.0:
                    return found, kept, False
                row[0], row[1] = (points[j, 0] - found[0]) / distance, (points[j, 1] - found[1]) / distance
                for p in range(3):
                    move[p] += row[p] * off[j]
                    for q in range(p + 1):
                        normal[p, q] += row[p] * row[q]
        if count < 5 or not factor(normal, 3):
            return found, kept, False
        substitute(normal, move, 3)
        found += move
    return found, kept, True


@compiled
def agreed_line(points: F64) -> tuple[F64, Mask, bool]:
    """Return offset and slope of v = offset + slope u that most of (n, 2) points u, v agree on; and as above.

    There is none where fewer than four points are given, fewer than three agree, or all have one u.
    """
    n = len(points)
    found, kept, off = np.zeros(2), np.zeros(n, np.bool_), np.empty(n)
    if n < 4:
        return found, kept, False
    least = max(n // 5, 1)
    pairs = (n - least) * (n - least + 1) // 2
    tried = min(pairs, _PAIRS)
    best = math.inf
    i, first = 0, 0  # pairs are counted row by row; those with the point i start at `first`
    for s in range(tried):
        k = s if pairs <= _PAIRS else int(s * ((pairs - 1) / (_PAIRS - 1)))
        while k >= first + n - least - i:
            first += n - least - i
            i += 1
        j = i + least + k - first
        run = points[j, 0] - points[i, 0]
        if abs(run) <= 1e-9:
            continue
        slope = (points[j, 1] - points[i, 1]) / run
        offset = points[i, 1] - slope * points[i, 0]
        nearer = 0
        for p in range(n):
            off[p] = abs(points[p, 1] - offset - slope * points[p, 0])
            nearer += off[p] < best
        if nearer > n // 2:
            best = median(off)
            found[0], found[1] = offset, slope
    if best == math.inf:
        return found, kept, False
    for turn in range(_ROUNDS + 1):
        off[:] = points[:, 1] - found[0] - found[1] * points[:, 0]
        count = _near(off, kept)
        if turn == _ROUNDS:
            break
        if count < 3:
            return found, kept, False
        u0 = v0 = 0.0
        for p in range(n):
            if kept[p]:
                u0 += points[p, 0] / count
                v0 += points[p, 1] / count
        uu = uv = 0.0
        for p in range(n):
            if kept[p]:
                uu += (points[p, 0] - u0) ** 2
                uv += (points[p, 0] - u0) * (points[p, 1] - v0)
        if uu <= 0.0:
            return found, kept, False
        found[1] = uv / uu
        found[0] = v0 - found[1] * u0
    return found, kept, True
