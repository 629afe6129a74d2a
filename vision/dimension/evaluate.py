"""Every characteristic from the edges that were fitted for it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise

import numpy as np

from calibration.plane_map import PlaneMap
from golden.elements import CircleElement, Ellipse, Intersection, Line, Slot, Thread
from golden.sizes import (
    Angle,
    ArcRadius,
    Area,
    CentreDistance,
    CircleDiameter,
    Distance,
    EdgeWidth,
    EllipseAxis,
    Pitch,
    RectangleSize,
    SlotSize,
)
from golden.spec import Dimension
from golden.tolerances import (
    Concentricity,
    LineProfile,
    Parallelism,
    Perpendicularity,
    Position,
    Roundness,
    Straightness,
)
from kernels.compiled import F64
from vision.dimension import drawing as draw
from vision.dimension.form import line_profile, orientation, roundness, straightness
from vision.dimension.geometry import angle_deg, apart, between_lines, intersection, normal, step
from vision.dimension.location import concentricity, position, symmetry
from vision.dimension.size import diameter, width
from vision.dimension.value import Drawing, Value, of_parameters
from vision.edges.association import Associated, NotMeasured

_PARALLEL = math.sin(math.radians(10))  # lines farther from parallel have no distance


def evaluate(  # noqa: C901, PLR0911, PLR0912 (one branch per characteristic)
    dimension: Dimension, edges: Sequence[Associated | NotMeasured], plane: PlaneMap
) -> Value | NotMeasured:
    """Return what a dimension measures.

    Args:
        dimension: the characteristic.
        edges: the result of fitting each of `dimension.feature.edges`, in that order; an edge that
            occurs twice must be the same object, so that what is uncertain about it counts once.
        plane: the map that the edges were fitted with.

    Returns:
        The value with its gradient and drawing; or the reason of the first edge that was not measured;
        edge_disputed where the edges cannot be what the feature says, or where the operator hangs on points
        that a fit set aside.
    """
    fitted: list[Associated] = []
    for edge in edges:
        if isinstance(edge, NotMeasured):
            return edge
        fitted.append(edge)
    feature, a = dimension.feature, fitted[0]
    if isinstance(feature, CircleDiameter):
        return diameter(dimension, a, plane)
    if isinstance(feature, Straightness):
        return straightness(dimension, a, plane)
    if isinstance(feature, Roundness):
        return roundness(dimension, a, plane)
    if isinstance(feature, LineProfile):
        return line_profile(dimension, feature, fitted, plane)
    if isinstance(feature, Position):
        return position(feature, fitted, plane)
    if isinstance(feature, ArcRadius):
        rim = a.points_mm[len(a.points_mm) // 2]
        drawn = draw.drawing(plane, [a], draw.arrow(plane, a.parameters[:2], rim))
        return of_parameters(lambda p: float(p[0][2]), [a], drawn)
    if isinstance(feature, EllipseAxis):
        return _axis(feature, a, plane)
    if isinstance(feature, Area):
        return _area(feature, fitted, plane)
    if isinstance(feature, Pitch):
        return _pitch(feature, fitted, plane)
    if isinstance(feature, Distance):
        return _distance(feature, fitted, plane)
    b = fitted[1]
    if isinstance(feature, CentreDistance) or (
        isinstance(feature, SlotSize) and feature.type == "slot_length"
    ):
        over = float(isinstance(feature, SlotSize))
        return _between_circles([a, b], over, plane)
    if isinstance(feature, EdgeWidth | SlotSize | RectangleSize):
        return width(dimension, a, b, plane) if _parallel(a, b) else NotMeasured("edge_disputed")
    if isinstance(feature, Angle):
        return _angle(a, b, plane)
    if isinstance(feature, Parallelism):
        return orientation(a, b, 0.0, plane)
    if isinstance(feature, Perpendicularity):
        return orientation(a, b, math.pi / 2, plane)
    if isinstance(feature, Concentricity):
        return concentricity(a, b, plane)
    straight = _parallel(a, b) and _parallel(fitted[2], fitted[3]) and _parallel(a, fitted[2])
    return symmetry(fitted, plane) if straight else NotMeasured("edge_disputed")


def _parallel(a: Associated, b: Associated) -> bool:
    return abs(math.sin(a.parameters[2] - b.parameters[2])) < _PARALLEL


def _between_circles(edges: list[Associated], over: float, plane: PlaneMap) -> Value:
    """Return the distance of two centres, `over` times the radii longer."""

    def distance(p: Sequence[F64]) -> float:
        return math.hypot(*(p[1][:2] - p[0][:2])) + over * float(p[0][2] + p[1][2])

    (x0, x1) = (e.parameters for e in edges)
    way = (x1[:2] - x0[:2]) / math.hypot(*(x1[:2] - x0[:2]))
    start, end = x0[:2] - over * x0[2] * way, x1[:2] + over * x1[2] * way
    return of_parameters(distance, edges, draw.drawing(plane, edges, draw.arrow(plane, start, end)))


def _angle(a: Associated, b: Associated, plane: PlaneMap) -> Value:
    lines = a.parameters, b.parameters
    meets = abs(math.sin(lines[0][2] - lines[1][2])) > 1e-3
    corner = (draw.point(plane, intersection(*lines)),) if meets else ()
    drawn = draw.drawing(plane, [a, b], *corner)
    return of_parameters(lambda p: angle_deg(p[0], p[1]), [a, b], drawn, "deg")


def _axis(feature: EllipseAxis, a: Associated, plane: PlaneMap) -> Value:
    major = feature.type == "ellipse_major_axis"
    which, turn = (2, 0.0) if major else (3, math.pi / 2)
    heading = float(a.parameters[4]) + turn
    half = float(a.parameters[which]) * np.array([math.cos(heading), math.sin(heading)])
    arrow = draw.arrow(plane, a.parameters[:2] - half, a.parameters[:2] + half)
    return of_parameters(lambda p: 2 * float(p[0][which]), [a], draw.drawing(plane, [a], arrow))


def _area(feature: Area, edges: list[Associated], plane: PlaneMap) -> Value:
    def inside(p: Sequence[F64]) -> float:
        if isinstance(feature.of, CircleElement):
            return math.pi * float(p[0][2]) ** 2
        if isinstance(feature.of, Ellipse):
            return math.pi * float(p[0][2] * p[0][3])
        if isinstance(feature.of, Slot):
            ends = math.pi / 2 * float(p[2][2] ** 2 + p[3][2] ** 2)
            return apart(p[0], p[1]) * math.hypot(*(p[3][:2] - p[2][:2])) + ends
        return apart(p[0], p[1]) * apart(p[2], p[3])

    return of_parameters(inside, edges, draw.drawing(plane, edges), "mm2")


def _pitch(feature: Pitch, edges: list[Associated], plane: PlaneMap) -> Value | NotMeasured:
    thread = isinstance(feature.pattern, Thread)
    if thread and any(_parallel(a, b) for a, b in zip(edges[::2], edges[1::2], strict=True)):
        return NotMeasured("edge_disputed")

    def places(p: Sequence[F64]) -> list[F64]:
        if thread:
            return [intersection(a, b) for a, b in zip(p[::2], p[1::2], strict=True)]
        return [circle[:2] for circle in p]

    def pitch(p: Sequence[F64]) -> float:
        row = places(p)
        if feature.of == "mean":
            return math.hypot(*step(row))
        steps = [math.hypot(*(b - a)) for a, b in pairwise(row)]
        return max(steps) if feature.of == "largest" else min(steps)

    row = places([e.parameters for e in edges])
    arrows = [draw.arrow(plane, a, b) for a, b in pairwise(row)]
    return of_parameters(pitch, edges, draw.drawing(plane, edges, *arrows))


def _distance(feature: Distance, edges: list[Associated], plane: PlaneMap) -> Value | NotMeasured:
    """Return the distance of two elements: points (centres and intersections) and lines."""
    split = 2 if isinstance(feature.a, Intersection) else 1
    lines = isinstance(feature.a, Line), isinstance(feature.b, Line)
    if all(lines) and not _parallel(edges[0], edges[1]):
        return NotMeasured("edge_disputed")
    sign = {"centre": 0.0, "nearest": -1.0, "farthest": 1.0}[feature.circles]

    def place(element: Line | CircleElement | Intersection, p: Sequence[F64]) -> F64:
        return intersection(p[0], p[1]) if isinstance(element, Intersection) else p[0][:2]

    def radius(element: Line | CircleElement | Intersection, p: Sequence[F64]) -> float:
        return float(p[0][2]) if isinstance(element, CircleElement) else 0.0

    def between(p: Sequence[F64]) -> float:
        own, other = p[:split], p[split:]
        reach = sign * (radius(feature.a, own) + radius(feature.b, other))
        if all(lines):
            return apart(own[0], other[0])
        vector = place(feature.b, other) - place(feature.a, own)
        if not any(lines):
            return math.hypot(vector[0], vector[1]) + reach
        return abs(float(vector @ normal(own[0] if lines[0] else other[0]))) + reach

    here = [e.parameters for e in edges]
    start, end = place(feature.a, here[:split]), place(feature.b, here[split:])
    return of_parameters(between, edges, _distance_drawing(start, end, here, lines, edges, plane))


def _distance_drawing(
    start: F64,
    end: F64,
    here: Sequence[F64],
    lines: tuple[bool, bool],
    edges: Sequence[Associated],
    plane: PlaneMap,
) -> Drawing:
    if all(lines):
        across = normal(between_lines(here[0], here[-1]))
    elif any(lines):
        across = normal(here[0] if lines[0] else here[-1])
    else:
        return draw.drawing(plane, edges, draw.arrow(plane, start, end))
    # across a line the arrow stands upright on it, from the other's place
    foot = end - across * float((end - start) @ across)
    if lines[1] and not lines[0]:
        foot, end = start, start + across * float((end - start) @ across)
    return draw.drawing(plane, edges, draw.arrow(plane, foot, end))
