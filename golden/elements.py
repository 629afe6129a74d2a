"""Edges that a camera looks for: where they nominally lie in the golden image, and which side is dark.

Angles are degrees from x towards y: clockwise in the picture, since y points down. Left and right are
those of someone who walks on the picture from the start of a line to its end.
"""

from __future__ import annotations

import math
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from golden.regions import Closed, Pixel, PixelPoint

LEAST_APART_PX = 4.0  # edges nearer than this are one edge to any camera
_CORNER = 0.1  # share of a side that is left out at each end, where it turns into a corner or an arc
_CAP_DEG = 80.0  # a slot's end is looked at over twice this angle; beyond it its side begins

Shade = Literal["dark", "bright"]
Side = Literal["left", "right"]
Radius = Annotated[float, Field(gt=3, le=100_000)]
Degrees = Annotated[float, Field(ge=-360, le=360)]


class Line(Closed):
    """A straight edge between two nominal points; `dark` is its dark side, walking from start to end."""

    type: Literal["line"]
    start_px: PixelPoint
    end_px: PixelPoint
    dark: Side

    @model_validator(mode="after")
    def _apart(self) -> Self:
        require_apart("start_px and end_px", self.start_px, self.end_px)
        return self


class Circle(Closed):
    """A circular edge to look for: nominal centre and radius, and which side is dark."""

    center_px: PixelPoint
    radius_px: Annotated[float, Field(gt=3)]
    inside: Shade


class CircleElement(Circle):
    """A circular edge where another element could stand."""

    type: Literal["circle"]

    @property
    def edge(self) -> Circle:
        """The same edge without its type, so that equal edges are one."""
        return Circle(center_px=self.center_px, radius_px=self.radius_px, inside=self.inside)


class Arc(Closed):
    """A part of a circular edge, from `start_deg` on through `sweep_deg`."""

    type: Literal["arc"]
    center_px: tuple[Annotated[float, Field(ge=-100_000, le=100_000)], Annotated[float, Field(ge=-100_000)]]
    radius_px: Radius
    start_deg: Degrees
    sweep_deg: Annotated[float, Field(ge=10, lt=360)]
    inside: Shade


class Ellipse(Closed):
    """An elliptical edge: semi-axes a >= b, `angle_deg` of a."""

    type: Literal["ellipse"]
    center_px: PixelPoint
    a_px: Radius
    b_px: Radius
    angle_deg: Degrees = 0.0
    inside: Shade

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if self.a_px < self.b_px:
            raise ValueError("a_px is the longer semi-axis: exchange a_px and b_px and turn angle_deg by 90")
        return self


class Slot(Closed):
    """Two parallel edges closed by half circles: the centres of its ends and its width."""

    type: Literal["slot"]
    start_px: PixelPoint
    end_px: PixelPoint
    width_px: Annotated[float, Field(gt=6)]
    inside: Shade

    @model_validator(mode="after")
    def _apart(self) -> Self:
        require_apart("start_px and end_px", self.start_px, self.end_px)
        return self

    @property
    def sides(self) -> tuple[Line, Line]:
        """Its straight edges, both from start to end: left, right."""
        (ux, uy), half = _direction(self.start_px, self.end_px), self.width_px / 2
        less = _CORNER * math.dist(self.start_px, self.end_px)
        start = _moved(self.start_px, (less * ux, less * uy))
        end = _moved(self.end_px, (-less * ux, -less * uy))
        left, right = (half * uy, -half * ux), (-half * uy, half * ux)
        inner, outer = ("right", "left") if self.inside == "dark" else ("left", "right")
        return (
            _line(_moved(start, left), _moved(end, left), inner),
            _line(_moved(start, right), _moved(end, right), outer),
        )

    @property
    def ends(self) -> tuple[Arc, Arc]:
        """Its round edges: at the start, at the end."""
        ux, uy = _direction(self.start_px, self.end_px)
        towards = math.degrees(math.atan2(uy, ux))
        return (
            self._cap(self.start_px, towards + 180 if towards <= 0 else towards - 180),
            self._cap(self.end_px, towards),
        )

    def _cap(self, center: PixelPoint, middle_deg: float) -> Arc:
        return Arc(
            type="arc",
            center_px=center,
            radius_px=self.width_px / 2,
            start_deg=middle_deg - _CAP_DEG,
            sweep_deg=2 * _CAP_DEG,
            inside=self.inside,
        )


class RectangleElement(Closed):
    """Four straight edges at right angles: `width_px` along `angle_deg`, `height_px` across it."""

    type: Literal["rectangle"]
    center_px: PixelPoint
    width_px: Annotated[float, Field(gt=6)]
    height_px: Annotated[float, Field(gt=6)]
    angle_deg: Degrees = 0.0
    inside: Shade

    @property
    def across(self) -> tuple[Line, Line]:
        """The edges that lie `width_px` apart: first the one against the sense of `angle_deg`."""
        return self._pair(self.angle_deg, self.width_px, self.height_px)

    @property
    def along(self) -> tuple[Line, Line]:
        """The edges that lie `height_px` apart."""
        return self._pair(self.angle_deg + 90, self.height_px, self.width_px)

    def _pair(self, angle_deg: float, apart: float, length: float) -> tuple[Line, Line]:
        c, s = math.cos(math.radians(angle_deg)), math.sin(math.radians(angle_deg))
        half = length * (0.5 - _CORNER)

        def edge(out: float, dark: Side) -> Line:
            x, y = _moved(self.center_px, (out * c, out * s))
            return _line((x + half * s, y - half * c), (x - half * s, y + half * c), dark)

        # both run from left to right of the direction; the inside is ahead of the first: on its left
        first, second = ("left", "right") if self.inside == "dark" else ("right", "left")
        return edge(-apart / 2, first), edge(apart / 2, second)


class Holes(Closed):
    """Equal circular edges in the order in which they are counted."""

    type: Literal["holes"]
    centers_px: Annotated[tuple[PixelPoint, ...], Field(min_length=2, max_length=200)]
    radius_px: Radius
    inside: Shade

    @property
    def circles(self) -> tuple[Circle, ...]:
        """The edges."""
        return tuple(
            Circle(center_px=p, radius_px=self.radius_px, inside=self.inside) for p in self.centers_px
        )


class Thread(Closed):
    """The flanks of a thread's profile on one side of its axis.

    `start_px` and `end_px` are where the first flank of the first and of the last tooth cross the pitch line.
    A flank is looked at over `flank_px`; `angle_deg` is the angle between two flanks. `body` is the side of
    the pitch line on which the thread's core lies, `material` its shade.
    """

    type: Literal["thread"]
    start_px: PixelPoint
    end_px: PixelPoint
    teeth: Annotated[int, Field(ge=2, le=200)]
    flank_px: Annotated[float, Field(ge=5)]
    angle_deg: Annotated[float, Field(gt=5, lt=150)] = 60.0
    body: Side
    material: Shade

    @model_validator(mode="after")
    def _apart(self) -> Self:
        if math.dist(self.start_px, self.end_px) < 2 * LEAST_APART_PX * (self.teeth - 1):
            raise ValueError(f"start_px and end_px must lie {2 * LEAST_APART_PX:g} px apart for each tooth")
        return self

    @property
    def flanks(self) -> tuple[Line, ...]:
        """Two flanks for each tooth, the one that begins it and the one that ends it, from root to crest."""
        ux, uy = _direction(self.start_px, self.end_px)
        out = (-uy, ux) if self.body == "left" else (uy, -ux)
        pitch = math.dist(self.start_px, self.end_px) / (self.teeth - 1)
        c, s = math.cos(math.radians(self.angle_deg / 2)), math.sin(math.radians(self.angle_deg / 2))
        lines: list[Line] = []
        for flank in range(2 * self.teeth):
            at = _moved(self.start_px, (ux * pitch * flank / 2, uy * pitch * flank / 2))
            lean = s if flank % 2 == 0 else -s
            dx, dy = c * out[0] + lean * ux, c * out[1] + lean * uy
            half = self.flank_px / 2
            # material lies along the pitch line behind a flank that begins a tooth
            ahead = (dy * ux - dx * uy) > 0
            dark: Side = "left" if ahead == ((flank % 2 == 0) == (self.material == "dark")) else "right"
            lines.append(
                _line(_moved(at, (-half * dx, -half * dy)), _moved(at, (half * dx, half * dy)), dark)
            )
        return tuple(lines)


class Intersection(Closed):
    """The point in which two straight edges, extended, meet."""

    type: Literal["intersection"]
    a: Line
    b: Line

    @model_validator(mode="after")
    def _meet(self) -> Self:
        (ax, ay), (bx, by) = (_direction(e.start_px, e.end_px) for e in (self.a, self.b))
        if abs(ax * by - ay * bx) < math.sin(math.radians(5)):
            raise ValueError("a and b must meet at 5 degrees or more")
        return self


Edge = Line | Circle | Arc | Ellipse


def require_apart(names: str, a: PixelPoint, b: PixelPoint) -> None:
    """Raise ValueError unless two points lie apart by more than any camera's blur."""
    if math.dist(a, b) < LEAST_APART_PX:
        raise ValueError(f"{names} must lie at least {LEAST_APART_PX:g} px apart")


def extreme_points(edge: Edge) -> tuple[PixelPoint, ...]:
    """Return points of an edge between which it lies: where it must be within its view."""
    if isinstance(edge, Line):
        return edge.start_px, edge.end_px
    if isinstance(edge, Circle):
        (x, y), r = edge.center_px, edge.radius_px
        return (x - r, y - r), (x + r, y + r)
    if isinstance(edge, Arc):
        # the quarters of the circle that the arc passes, and its ends
        turns = [edge.start_deg, edge.start_deg + edge.sweep_deg]
        first = math.ceil(edge.start_deg / 90)
        turns += [90.0 * q for q in range(first, first + 5) if 90.0 * q <= turns[1]]
        (x, y), r = edge.center_px, edge.radius_px
        return tuple((x + r * math.cos(math.radians(t)), y + r * math.sin(math.radians(t))) for t in turns)
    c, s = math.cos(math.radians(edge.angle_deg)), math.sin(math.radians(edge.angle_deg))
    dx, dy = math.hypot(edge.a_px * c, edge.b_px * s), math.hypot(edge.a_px * s, edge.b_px * c)
    x, y = edge.center_px
    return (x - dx, y - dy), (x + dx, y + dy)


def _direction(a: PixelPoint, b: PixelPoint) -> tuple[float, float]:
    length = math.dist(a, b)
    return (b[0] - a[0]) / length, (b[1] - a[1]) / length


def _moved(p: tuple[Pixel, Pixel], by: tuple[float, float]) -> PixelPoint:
    return p[0] + by[0], p[1] + by[1]


def _line(start: PixelPoint, end: PixelPoint, dark: Side) -> Line:
    # a part's edges may reach over the picture; the specification refuses that where it knows the view
    return Line.model_construct(type="line", start_px=start, end_px=end, dark=dark)
