"""What is marked in a picture: where a characteristic is measured, where a deviation lies."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from evidence import Defect, Pose
from golden.elements import Arc, Circle, Edge, Line
from golden.regions import Disk, Polygon, Rectangle
from golden.sizes import CentreDistance, CircleDiameter, EdgeWidth
from golden.spec import Characteristic, Code, Colour, Component, Dimension, GoldenSpec, Print, Surface
from hallmark.report.signs import WEIGHED, State, state_of

Point = tuple[float, float]

_RAYS = 32  # caliper strokes drawn across a circle; more would run together
_ROWS = 5  # caliper strokes drawn across a width
_REACH = 9.0  # golden pixels that a stroke reaches to each side of the edge


@dataclass(frozen=True, slots=True)
class Shape:
    """One outline in picture pixels: an SVG `circle`, open `line`, closed `polygon`, `arrow` with two heads.

    A `stroke` is a line drawn thin: a caliper across an edge.
    """

    kind: Literal["circle", "line", "polygon", "arrow", "stroke"]
    points: tuple[Point, ...]
    radius: float = 0.0

    @property
    def path(self) -> str:
        """The points as SVG writes them."""
        return " ".join(f"{x:.1f},{y:.1f}" for x, y in self.points)


@dataclass(frozen=True, slots=True)
class Mark:
    """One thing that a balloon or label points at; `kind` and `state` choose how it is drawn.

    `lines` are what a label says beside its number; `anchor` is where the leader leads.
    """

    label: str
    lines: tuple[str, ...]
    kind: Literal["dimension", "region", "zone", "defect"]
    state: State
    shapes: tuple[Shape, ...]
    anchor: Point


def characteristic_marks(
    spec: GoldenSpec, view: str, pose: Pose | None, states: Mapping[str, State], said: Mapping[str, str]
) -> list[Mark]:
    """Return a mark for each characteristic that has a place in the view, in balloon order.

    Args:
        spec: the golden specification.
        view: the view that the picture shows.
        pose: takes golden points to the picture; None for the golden picture.
        states: state by characteristic id; a characteristic that is not named is left out.
        said: what its label says beside the number, by id.
    """
    marks: list[Mark] = []
    for c in sorted(spec.characteristics, key=lambda c: c.number):
        shapes = tuple(to_picture(s, pose) for s in _shapes(spec, c, view)) if c.id in states else ()
        if shapes:
            kind = "dimension" if isinstance(c, Dimension) else "zone" if isinstance(c, Surface) else "region"
            # A zone is wide: its leader stops in the middle of its first edge, not of its area.
            points = shapes[0].points[:2] if kind == "zone" else shapes[0].points
            lines = tuple(filter(None, (said.get(c.id),)))
            marks.append(Mark(str(c.number), lines, kind, states[c.id], shapes, _middle(points)))
    return marks


def defect_marks(view: str, defects: Sequence[Defect]) -> list[Mark]:
    """Return a mark for each deviation of the view, numbered by its place in the record: #1, #2, ..."""
    marks: list[Mark] = []
    for label, defect in numbered(defects):
        if defect.view != view:
            continue
        x, y, w, h = defect.box_px
        box = Shape("polygon", ((x, y), (x + w, y), (x + w, y + h), (x, y + h)))
        state = state_of(defect.severity)
        lines = (words(defect.defect_class), f"{defect.size_mm:.2f} mm, {WEIGHED[state]}")
        marks.append(Mark(label, lines, "defect", state, (box,), (x + w / 2, y + h / 2)))
    return marks


def numbered(defects: Sequence[Defect]) -> list[tuple[str, Defect]]:
    """Return the deviations with their numbers: the place in the record, which lists the gravest first."""
    return [(f"#{i}", d) for i, d in enumerate(defects, start=1)]


def words(defect_class: str) -> str:
    """Return a class as people write it."""
    return defect_class.replace("_", " ")


def outline(region: Rectangle | Disk | Polygon) -> Shape:
    """Return the outline of a region, in golden pixels."""
    if isinstance(region, Disk):
        return Shape("circle", (region.center_px,), region.radius_px)
    if isinstance(region, Polygon):
        return Shape("polygon", region.points_px)
    left, top = region.x - 0.5, region.y - 0.5
    right, bottom = left + region.width, top + region.height
    return Shape("polygon", ((left, top), (right, top), (right, bottom), (left, bottom)))


def to_picture(shape: Shape, pose: Pose | None) -> Shape:
    """Take a shape of the golden view to the picture, by `p = scale * R(angle) * p_golden + (x, y)`."""
    if pose is None:
        return shape
    c = pose.scale * math.cos(math.radians(pose.angle_deg))
    s = pose.scale * math.sin(math.radians(pose.angle_deg))
    points = tuple((c * x - s * y + pose.x_px, s * x + c * y + pose.y_px) for x, y in shape.points)
    return Shape(shape.kind, points, shape.radius * pose.scale)


def _shapes(spec: GoldenSpec, c: Characteristic, view: str) -> Iterable[Shape]:
    """Yield the outlines of a characteristic in one view, in golden pixels; the first is what is meant."""
    if isinstance(c, Dimension) and c.feature.view == view:
        feature = c.feature
        if isinstance(feature, CircleDiameter):
            yield _circle(feature.circle)
            yield from _rays(feature.circle)
        elif isinstance(feature, CentreDistance):
            yield Shape("arrow", (feature.a.center_px, feature.b.center_px))
        elif isinstance(feature, EdgeWidth):
            yield from _width(feature)
        else:
            yield from (_edge(edge) for edge in feature.edges)
    elif isinstance(c, Component | Print | Code) and c.view == view:
        yield outline(c.region)
    elif isinstance(c, Colour) and c.view == view:
        yield outline(c.region)
        if c.other is not None:
            yield outline(c.other)
    elif isinstance(c, Surface):
        yield from (outline(z.region) for z in spec.zones if z.id in c.zones and z.view == view)


def _edge(edge: Edge) -> Shape:
    """Return the nominal course of an edge that is looked for."""
    if isinstance(edge, Line):
        return Shape("line", (edge.start_px, edge.end_px))
    if isinstance(edge, Circle):
        return _circle(edge)
    (x, y), turn = edge.center_px, 0.0
    if isinstance(edge, Arc):
        a = b = edge.radius_px
        start, sweep = math.radians(edge.start_deg), math.radians(edge.sweep_deg)
    else:
        a, b, turn = edge.a_px, edge.b_px, math.radians(edge.angle_deg)
        start, sweep = 0.0, 2 * math.pi
    c, s = math.cos(turn), math.sin(turn)
    ways = [start + sweep * i / _RAYS for i in range(_RAYS + 1)]
    course = [(a * math.cos(t), b * math.sin(t)) for t in ways]
    return Shape("line", tuple((x + c * u - s * v, y + s * u + c * v) for u, v in course))


def _circle(circle: Circle) -> Shape:
    return Shape("circle", (circle.center_px,), circle.radius_px)


def _rays(circle: Circle) -> Iterator[Shape]:
    (x, y), r = circle.center_px, circle.radius_px
    for i in range(_RAYS):
        c, s = math.cos(2 * math.pi * i / _RAYS), math.sin(2 * math.pi * i / _RAYS)
        inner, outer = max(r - _REACH, 0.0), r + _REACH
        yield Shape("stroke", ((x + inner * c, y + inner * s), (x + outer * c, y + outer * s)))


def _width(feature: EdgeWidth) -> Iterator[Shape]:
    """Yield the arrow between two edges, the edges over their band, and calipers across them."""
    (x0, y0), (x1, y1) = feature.start_px, feature.end_px
    yield Shape("arrow", (feature.start_px, feature.end_px))
    length = math.dist(feature.start_px, feature.end_px)
    ux, uy = (x1 - x0) / length, (y1 - y0) / length
    half = feature.band_px / 2
    for x, y in (feature.start_px, feature.end_px):
        yield Shape("line", ((x + uy * half, y - ux * half), (x - uy * half, y + ux * half)))
        for row in range(_ROWS):
            along = half * (2 * row / (_ROWS - 1) - 1)
            px, py = x - uy * along, y + ux * along
            yield Shape(
                "stroke", ((px - ux * _REACH, py - uy * _REACH), (px + ux * _REACH, py + uy * _REACH))
            )


def _middle(points: Sequence[Point]) -> Point:
    return sum(x for x, _ in points) / len(points), sum(y for _, y in points) / len(points)
