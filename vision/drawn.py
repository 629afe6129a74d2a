"""Forms as they are drawn roughly on a picture, in raw pixels: where to look, not what they measure."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np

from kernels.compiled import F64
from vision.dimension import Primitive
from vision.edges.fit import Shade

Point = tuple[float, float]


@dataclass(frozen=True, slots=True)
class DrawnCircle:
    """A circle; with `arc_deg` the arc from its first angle to its second, turning from x towards y.

    `inside` says what is dark or bright; None takes what shows better.
    """

    name: str
    center_px: Point
    radius_px: float
    arc_deg: tuple[float, float] | None = None
    inside: Shade | None = None


@dataclass(frozen=True, slots=True)
class DrawnLine:
    """A straight edge."""

    name: str
    start_px: Point
    end_px: Point


@dataclass(frozen=True, slots=True)
class DrawnWidth:
    """Two parallel edges through two points opposite each other, looked at over `band_px`.

    `inside` says what is dark or bright between them; None takes what shows better.
    """

    name: str
    start_px: Point
    end_px: Point
    band_px: float
    inside: Shade | None = None


Drawn = DrawnCircle | DrawnLine | DrawnWidth


@dataclass(frozen=True, slots=True)
class Between:
    """Distance or angle between two drawn circles or lines, by their names."""

    name: str
    quantity: Literal["distance", "angle"]
    a: str
    b: str


def outline(drawn: Drawn) -> tuple[Primitive, ...]:
    """Return the nominal course of a drawn form in the picture; of a width its two edges."""
    if isinstance(drawn, DrawnCircle):
        first, last = drawn.arc_deg or (0.0, 360.0)
        t = np.radians(first + np.linspace(0, (last - first) % 360 or 360, 73))
        course = np.column_stack((np.cos(t), np.sin(t))) * drawn.radius_px + np.array(drawn.center_px)
        return (Primitive("arc", course),)
    if isinstance(drawn, DrawnLine):
        return (Primitive("line", np.array([drawn.start_px, drawn.end_px])),)
    return tuple(Primitive("line", edge) for edge in edges_of(drawn))


def edges_of(drawn: DrawnWidth) -> tuple[F64, F64]:
    """Return the ends (2, 2) of a width's edges, side by side: what lies between is on the first's left."""
    start, end = np.array(drawn.start_px), np.array(drawn.end_px)
    across = (end - start) / math.dist(start, end)
    half = np.array([-across[1], across[0]]) * drawn.band_px / 2
    return np.stack((start - half, start + half)), np.stack((end - half, end + half))
