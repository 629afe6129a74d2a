"""Location: position in a datum system, concentricity and symmetry (ISO 1101:2017, ISO 2692:2021)."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np

from calibration.plane_map import PlaneMap
from golden.tolerances import MaterialLimit, Position
from kernels.compiled import F64
from vision.dimension import drawing as draw
from vision.dimension.datum import frame_of
from vision.dimension.geometry import apart, between_lines, direction, normal
from vision.dimension.value import (
    Drawing,
    Offset,
    Parts,
    Value,
    differentiate,
    of_parameters,
)
from vision.edges.association import Associated


def position(feature: Position, edges: Sequence[Associated], plane: PlaneMap) -> Value:
    """Return the diameter of the zone about the true place that holds the circle's centre, less a bonus.

    The bonus is the distance of the circle's diameter from that of the material condition. It may be negative
    where the size is beyond: the virtual condition of ISO 2692 does not move.
    """
    true = np.array([feature.x_mm, feature.y_mm])

    def off(p: Sequence[F64]) -> F64:
        return frame_of(feature.datums, p[1:]).of_mm(p[0][:2]) - true

    frame = frame_of(feature.datums, [e.parameters for e in edges[1:]])
    at = frame.to_mm(true)
    drawn = draw.drawing(
        plane, edges, draw.point(plane, frame.origin), draw.arrow(plane, at, edges[0].parameters[:2])
    )
    return _offset(off, edges, drawn, feature.material)


def concentricity(circle: Associated, datum: Associated, plane: PlaneMap) -> Value:
    """Return the diameter of the zone about the datum's centre that holds the circle's centre."""
    arrow = draw.arrow(plane, datum.parameters[:2], circle.parameters[:2])
    drawn = draw.drawing(plane, [circle, datum], arrow)
    return _offset(lambda p: p[0][:2] - p[1][:2], [circle, datum], drawn, None)


def symmetry(edges: Sequence[Associated], plane: PlaneMap) -> Value:
    """Return the width of the zone about the datum's middle line that holds the edges' middle line.

    The middle line is taken over the length that both edges have.
    """
    a, b = edges[:2]
    middle = between_lines(a.parameters, b.parameters)
    along = [(e.points_mm - middle[:2]) @ direction(middle) for e in (a, b)]
    ends = max(s.min() for s in along), min(s.max() for s in along)

    def width(p: Sequence[F64]) -> float:
        own, datum = between_lines(p[0], p[1]), between_lines(p[2], p[3])
        reached = [own[:2] + s * direction(own) for s in ends]
        return 2 * max(abs(float((at - datum[:2]) @ normal(datum))) for at in reached)

    datum = between_lines(edges[2].parameters, edges[3].parameters)
    foot = datum[:2] + direction(datum) * float((middle[:2] - datum[:2]) @ direction(datum))
    half = apart(a.parameters, b.parameters) / 2 * normal(middle)
    width_arrow = draw.arrow(plane, middle[:2] - half, middle[:2] + half)
    drawn = draw.drawing(plane, edges, width_arrow, draw.arrow(plane, foot, middle[:2]))
    return of_parameters(width, edges, drawn)


def _offset(
    off: Callable[[Sequence[F64]], F64],
    edges: Sequence[Associated],
    drawn: Drawing,
    material: MaterialLimit | None,
) -> Value:
    """Return twice the length of a vector, less the bonus that the first edge's diameter gives."""
    vector, jacobians = differentiate(off, edges)
    length = math.hypot(vector[0], vector[1])
    along = vector / length if length > 0 else np.array([1.0, 0.0])
    across = np.array([-along[1], along[0]])
    by_along: Parts = tuple((a, 2 * (along @ j)) for a, j in jacobians)
    by_across: Parts = tuple((a, 2 * (across @ j)) for a, j in jacobians)
    bonus, per_diameter = _bonus(2 * float(edges[0].parameters[2]), material)
    by_radius = np.array([0.0, 0.0, 2 * per_diameter])
    parts = tuple((a, g - by_radius if a is edges[0] else g) for a, g in by_along)
    return replace(
        of_parameters(lambda _: 0.0, edges, drawn),
        value=max(2 * length - bonus, 0.0),
        parts=parts,
        offset=Offset(2 * length, bonus, by_along, by_across),
    )


def _bonus(diameter: float, material: MaterialLimit | None) -> tuple[float, float]:
    """Return the bonus and its change per mm of diameter."""
    if material is None:
        return 0.0, 0.0
    larger = (material.requirement == "MMC") == (material.of == "hole")  # the bonus grows with the circle
    sign = 1.0 if larger else -1.0
    return sign * (diameter - material.size_mm), sign
