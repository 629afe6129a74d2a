"""Plane geometry of fitted forms: points, directions and distances from their parameters, in mm."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from kernels.compiled import F64


def direction(line: F64) -> F64:
    """Return the unit direction (2,) of a line (x, y, angle)."""
    return np.array([math.cos(line[2]), math.sin(line[2])])


def normal(line: F64) -> F64:
    """Return the unit normal (2,) to the left of a line where y points down."""
    return np.array([math.sin(line[2]), -math.cos(line[2])])


def intersection(a: F64, b: F64) -> F64:
    """Return the point (2,) in which two lines meet; they must not be parallel."""
    across = normal(b)
    along = direction(a)
    return a[:2] + along * float((b[:2] - a[:2]) @ across) / float(along @ across)


def apart(a: F64, b: F64) -> float:
    """Return the distance of two nearly parallel lines' middles along their common normal."""
    ax, ay, along = a.tolist()  # numbers: derivatives ask for this often, and arrays of two cost more
    bx, by, back = b.tolist()
    same = math.copysign(1.0, math.cos(along - back))
    x, y = math.cos(along) + same * math.cos(back), math.sin(along) + same * math.sin(back)
    return abs((bx - ax) * y - (by - ay) * x) / math.hypot(x, y)


def between_lines(a: F64, b: F64) -> F64:
    """Return the line (x, y, angle) midway between two nearly parallel ones, directed as the first."""
    ahead, back = direction(a), direction(b)
    common = ahead + math.copysign(1.0, float(ahead @ back)) * back
    return np.array([*(a[:2] + b[:2]) / 2, math.atan2(common[1], common[0])])


def angle_deg(a: F64, b: F64) -> float:
    """Return the angle between two directions, 0 to 180 degrees."""
    turn = a[2] - b[2]
    return math.degrees(math.atan2(abs(math.sin(turn)), math.cos(turn)))


def step(points: Sequence[F64]) -> F64:
    """Return the step (2,) of the straight, even row of points that fits best."""
    index = np.arange(len(points)) - (len(points) - 1) / 2
    return index @ np.stack(points) / float(index @ index)
