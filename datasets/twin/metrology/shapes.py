"""Flat shapes with exact outlines: where they are, what they reflect, which points they hold.

Coordinates are mm on the plane z = height, x right and y down as an unturned camera sees it. z grows away
from the camera: the top of a part 2 mm thick that lies on the plane z = 0 is at height -2.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from datasets.errors import DatasetError

Doubles = NDArray[np.float64]
Mask = NDArray[np.bool_]
Reflectance = float | tuple[float, float, float]
"""Linear light sent back, as a share of what fills the sensor: one value, or red, green and blue."""


@dataclass(frozen=True, slots=True, eq=False)
class Outline:
    """Closed curves around a shape, turning from x towards y: n pieces c + u f(t) + v g(t), t from t0 to t1.

    (f, g) is (cos t, sin t) where `bent`, else (t, 0). Pieces need not be in order.
    """

    c: Doubles
    u: Doubles
    v: Doubles
    t0: Doubles
    t1: Doubles
    bent: Mask

    def at(self, piece: NDArray[np.int64], t: Doubles) -> tuple[Doubles, Doubles]:
        """Return the points (k, 2) of pieces (k,) at parameters (k,), and their derivatives by t."""
        bent = self.bent[piece]
        cos, sin = np.cos(t), np.sin(t)
        f, g = np.where(bent, cos, t)[:, None], np.where(bent, sin, 0)[:, None]
        df, dg = np.where(bent, -sin, 1)[:, None], np.where(bent, cos, 0)[:, None]
        u, v = self.u[piece], self.v[piece]
        return self.c[piece] + u * f + v * g, u * df + v * dg


class Shape(Protocol):
    """Something flat of one reflectance."""

    @property
    def reflectance(self) -> Reflectance:
        """What it sends back, 0..1."""
        ...

    @property
    def height(self) -> float:
        """Where its plane lies along z, mm."""
        ...

    def outline(self) -> Outline:
        """Return its closed outline."""
        ...

    def contains(self, points: Doubles) -> Mask:
        """Return which points (n, 2) of its plane it holds."""
        ...


@dataclass(frozen=True, slots=True)
class Ellipse:
    """An ellipse with semi-axes a, at `angle_deg` from x towards y, and b."""

    x: float
    y: float
    a: float
    b: float
    angle_deg: float
    reflectance: Reflectance
    height: float = 0.0

    def __post_init__(self) -> None:
        if self.a <= 0 or self.b <= 0:
            raise DatasetError(f"an ellipse needs semi-axes above 0 mm, not {self.a:g} and {self.b:g}")

    def outline(self) -> Outline:
        """Return the whole ellipse."""
        return _arcs([(self.x, self.y, self.a, self.b, self.angle_deg, 0.0, 360.0)])

    def contains(self, points: Doubles) -> Mask:
        """Return which points it holds."""
        along = (points - [self.x, self.y]) @ _turn(self.angle_deg)
        return np.asarray(np.square(along / [self.a, self.b]).sum(axis=1) < 1)


@dataclass(frozen=True, slots=True)
class Disk:
    """A round disk, or the mouth of a hole."""

    x: float
    y: float
    radius: float
    reflectance: Reflectance
    height: float = 0.0

    def __post_init__(self) -> None:
        if self.radius <= 0:
            raise DatasetError(f"a disk needs a radius above 0 mm, not {self.radius:g}")

    def outline(self) -> Outline:
        """Return the whole circle."""
        return _arcs([(self.x, self.y, self.radius, self.radius, 0.0, 0.0, 360.0)])

    def contains(self, points: Doubles) -> Mask:
        """Return which points it holds."""
        return np.asarray(np.square(points - [self.x, self.y]).sum(axis=1) < self.radius**2)


@dataclass(frozen=True, slots=True)
class Disks:
    """Many disks of one radius that do not touch: a board of dots."""

    centres: tuple[tuple[float, float], ...]
    radius: float
    reflectance: Reflectance
    height: float = 0.0

    def outline(self) -> Outline:
        """Return all circles."""
        return _arcs([(x, y, self.radius, self.radius, 0.0, 0.0, 360.0) for x, y in self.centres])

    def contains(self, points: Doubles) -> Mask:
        """Return which points lie in one of them."""
        held = np.zeros(len(points), bool)
        for centre in self.centres:
            held |= np.square(points - centre).sum(axis=1) < self.radius**2
        return held


@dataclass(frozen=True, slots=True)
class Polygon:
    """The inside of a closed line through (n, 2) points that does not cross itself, in either direction."""

    points: tuple[tuple[float, float], ...]
    reflectance: Reflectance
    height: float = 0.0

    def __post_init__(self) -> None:
        if len(self.points) < 3 or _area(self.points) == 0:
            raise DatasetError("a polygon needs at least three points that are not on one line")

    def outline(self) -> Outline:
        """Return its sides."""
        way = self.points if _area(self.points) > 0 else self.points[::-1]
        return _lines(list(zip(way, (*way[1:], way[0]), strict=True)))

    def contains(self, points: Doubles) -> Mask:
        """Return which points it holds, by crossings of a ray along x."""
        return _inside(self.points, points)


@dataclass(frozen=True, slots=True)
class Cells:
    """Rectangles (x, y, width, height) that may share sides but not area: squares of a board, bits."""

    boxes: tuple[tuple[float, float, float, float], ...]
    reflectance: Reflectance
    height: float = 0.0

    def outline(self) -> Outline:
        """Return all sides; what two cells share is there in both directions and cancels."""
        x, y, w, h = np.array(self.boxes, np.float64).T
        corners = np.stack([x, y, x + w, y, x + w, y + h, x, y + h], axis=1).reshape(-1, 4, 2)
        return _lines(np.stack([corners, np.roll(corners, -1, axis=1)], axis=2).reshape(-1, 2, 2))

    def contains(self, points: Doubles) -> Mask:
        """Return which points lie in one of them."""
        held = np.zeros(len(points), bool)
        px, py = points.T
        for x, y, w, h in self.boxes:
            held |= (px >= x) & (px < x + w) & (py >= y) & (py < y + h)
        return held


@dataclass(frozen=True, slots=True)
class Slot:
    """A slot: all points within `width` / 2 of a middle line `length` - `width` long, at `angle_deg`.

    `length` is over all, ends included.
    """

    x: float
    y: float
    length: float
    width: float
    angle_deg: float
    reflectance: Reflectance
    height: float = 0.0

    def __post_init__(self) -> None:
        if not 0 < self.width < self.length:
            raise DatasetError(f"a slot must be longer than wide, not {self.length:g} by {self.width:g} mm")

    @property
    def ends(self) -> tuple[tuple[float, float], tuple[float, float]]:
        """Centres of the round ends: against the direction, then along it."""
        half = (self.length - self.width) / 2 * _turn(self.angle_deg)[:, 0]
        return (self.x - half[0], self.y - half[1]), (self.x + half[0], self.y + half[1])

    def outline(self) -> Outline:
        """Return two half circles and two sides."""
        r, side = self.width / 2, self.width / 2 * _turn(self.angle_deg)[:, 1]
        (ax, ay), (bx, by) = self.ends
        ends = _arcs(
            [(bx, by, r, r, self.angle_deg, -90.0, 90.0), (ax, ay, r, r, self.angle_deg, 90.0, 270.0)]
        )
        near = (ax - side[0], ay - side[1]), (bx - side[0], by - side[1])
        far = (bx + side[0], by + side[1]), (ax + side[0], ay + side[1])
        return _joined(ends, _lines([near, far]))

    def contains(self, points: Doubles) -> Mask:
        """Return which points it holds."""
        along = (points - [self.x, self.y]) @ _turn(self.angle_deg)
        past = np.maximum(np.abs(along[:, 0]) - (self.length - self.width) / 2, 0)
        return np.asarray(np.square(past) + np.square(along[:, 1]) < (self.width / 2) ** 2)


@dataclass(frozen=True, slots=True)
class RoundedRectangle:
    """A rectangle at `angle_deg` whose four corners are arcs of `radius`."""

    x: float
    y: float
    width: float
    depth: float
    radius: float
    angle_deg: float
    reflectance: Reflectance
    height: float = 0.0

    def __post_init__(self) -> None:
        if not 0 < 2 * self.radius < min(self.width, self.depth):
            raise DatasetError("corners of a rounded rectangle must leave some of each side")

    def outline(self) -> Outline:
        """Return four arcs and four sides."""
        turn, middle, r = _turn(self.angle_deg), np.array([self.x, self.y]), self.radius
        a, b = self.width / 2 - r, self.depth / 2 - r
        corners = middle + np.array([(a, b), (-a, b), (-a, -b), (a, -b)]) @ turn.T
        out = r * np.array([(0, 1), (-1, 0), (0, -1), (1, 0)]) @ turn.T  # where each corner's arc ends
        arcs = [(x, y, r, r, self.angle_deg, 90.0 * k, 90.0 * k + 90) for k, (x, y) in enumerate(corners)]
        return _joined(
            _arcs(arcs), _lines(np.stack([corners + out, np.roll(corners, -1, axis=0) + out], axis=1))
        )

    def contains(self, points: Doubles) -> Mask:
        """Return which points it holds."""
        along = np.abs((points - [self.x, self.y]) @ _turn(self.angle_deg))
        past = along - [self.width / 2 - self.radius, self.depth / 2 - self.radius]
        return np.asarray(np.square(np.maximum(past, 0)).sum(axis=1) < self.radius**2)


@dataclass(frozen=True, slots=True)
class Sector:
    """A slice of a disk from `start_deg` to `end_deg`, from x towards y, closed through its centre."""

    x: float
    y: float
    radius: float
    start_deg: float
    end_deg: float
    reflectance: Reflectance
    height: float = 0.0

    def __post_init__(self) -> None:
        if self.radius <= 0 or not 0 < self.end_deg - self.start_deg < 360:
            raise DatasetError("a sector needs a radius above 0 mm and less than one turn from start to end")

    def outline(self) -> Outline:
        """Return the arc and two radii."""
        angles = np.radians([self.start_deg, self.end_deg])
        (sx, sy), (ex, ey) = np.array([self.x, self.y]) + self.radius * np.column_stack(
            [np.cos(angles), np.sin(angles)]
        )
        arc = _arcs([(self.x, self.y, self.radius, self.radius, 0.0, self.start_deg, self.end_deg)])
        middle = (self.x, self.y)
        return _joined(arc, _lines([((ex, ey), middle), (middle, (sx, sy))]))

    def contains(self, points: Doubles) -> Mask:
        """Return which points it holds."""
        out = points - [self.x, self.y]
        turn = np.degrees(np.arctan2(out[:, 1], out[:, 0])) - self.start_deg
        near = np.square(out).sum(axis=1) < self.radius**2
        return np.asarray(near & (np.mod(turn, 360) < self.end_deg - self.start_deg))


def _turn(angle_deg: float) -> Doubles:
    a = math.radians(angle_deg)
    return np.array([[math.cos(a), -math.sin(a)], [math.sin(a), math.cos(a)]])


def _area(points: Sequence[tuple[float, float]]) -> float:
    x, y = np.array(points).T
    return float(np.sum(x * np.roll(y, -1) - np.roll(x, -1) * y)) / 2


def _arcs(arcs: Sequence[tuple[float, ...]]) -> Outline:
    """Arcs of ellipses: centre x, y, semi-axes a, b, angle of a, start and end counted from it, degrees."""
    x, y, a, b, angle, start, end = np.array(arcs, np.float64).T
    cos, sin = np.cos(np.radians(angle)), np.sin(np.radians(angle))
    return Outline(
        np.column_stack([x, y]),
        np.column_stack([a * cos, a * sin]),
        np.column_stack([-b * sin, b * cos]),
        np.radians(start),
        np.radians(end),
        np.ones(len(x), bool),
    )


def _lines(pairs: Doubles | Sequence[tuple[tuple[float, float], tuple[float, float]]]) -> Outline:
    ends = np.array(pairs, np.float64).reshape(-1, 2, 2)
    start, way = ends[:, 0], ends[:, 1] - ends[:, 0]
    n = len(ends)
    return Outline(start, way, np.zeros((n, 2)), np.zeros(n), np.ones(n), np.zeros(n, bool))


def _joined(a: Outline, b: Outline) -> Outline:
    return Outline(
        np.concatenate([a.c, b.c]),
        np.concatenate([a.u, b.u]),
        np.concatenate([a.v, b.v]),
        np.concatenate([a.t0, b.t0]),
        np.concatenate([a.t1, b.t1]),
        np.concatenate([a.bent, b.bent]),
    )


def _inside(loop: Sequence[tuple[float, float]], points: Doubles) -> Mask:
    px, py = points.T
    odd = np.zeros(len(points), bool)
    for (x0, y0), (x1, y1) in zip(loop, (*loop[1:], loop[0]), strict=True):
        crosses = (y0 > py) != (y1 > py)
        if crosses.any():
            odd ^= crosses & (px < x0 + (py - y0) * (x1 - x0) / (y1 - y0 if y1 != y0 else 1.0))
    return odd
