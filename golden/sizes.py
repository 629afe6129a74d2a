"""Sizes, distances, angles and areas that a dimension may be of (ISO 14405-1, -2, -3).

Each feature says by `edges` which edges are looked for, in the order in which its evaluation takes them.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from typing import Annotated, ClassVar, Literal, Self

from pydantic import Field, model_validator

from golden.elements import (
    Arc,
    Circle,
    CircleElement,
    Edge,
    Ellipse,
    Holes,
    Intersection,
    Line,
    RectangleElement,
    Shade,
    Slot,
    Thread,
    extreme_points,
    require_apart,
)
from golden.regions import Closed, Identifier, PixelPoint

AssociationOperator = Literal[
    "least_squares", "two_point", "maximum_inscribed", "minimum_circumscribed", "minimum_zone"
]
Rank = Literal["maximum", "minimum", "average"]
Unit = Literal["mm", "deg", "mm2"]

LEAST_SQUARES: tuple[AssociationOperator, ...] = ("least_squares",)
SIZES: tuple[AssociationOperator, ...] = (
    "least_squares", "two_point", "maximum_inscribed", "minimum_circumscribed",
)  # fmt: skip


class Feature(Closed):
    """What all features share. The first operator is the one that is meant where none is written."""

    operators: ClassVar[tuple[AssociationOperator, ...]] = LEAST_SQUARES
    unit: ClassVar[Unit] = "mm"
    one_sided: ClassVar[bool] = False

    view: Identifier

    @property
    @abstractmethod
    def edges(self) -> tuple[Edge, ...]:
        """The edges that are looked for, in golden pixels."""

    @property
    def allowed(self) -> tuple[AssociationOperator, ...]:
        """The operators that mean something for it."""
        return self.operators

    @property
    def extreme_points(self) -> Sequence[PixelPoint]:
        """Points between which all of it lies: they must lie within the view."""
        return [p for edge in self.edges for p in extreme_points(edge)]


class CircleDiameter(Feature):
    """Diameter of one circle."""

    operators: ClassVar[tuple[AssociationOperator, ...]] = SIZES

    type: Literal["circle_diameter"]
    circle: Circle

    @property
    def edges(self) -> tuple[Edge, ...]:
        """The circle."""
        return (self.circle,)


class ArcRadius(Feature):
    """Radius of a part of a circle. A short arc says little of it: its uncertainty tells."""

    type: Literal["arc_radius"]
    arc: Arc

    @property
    def edges(self) -> tuple[Edge, ...]:
        """The arc."""
        return (self.arc,)


class CentreDistance(Feature):
    """Distance between the centres of two circles."""

    type: Literal["centre_distance"]
    a: Circle
    b: Circle

    @property
    def edges(self) -> tuple[Edge, ...]:
        """Both circles."""
        return self.a, self.b


class EdgeWidth(Feature):
    """Distance between two opposite, parallel edges.

    `start_px` and `end_px` are nominal points on the two edges, opposite each other; `inside` says whether
    what lies between them is darker or brighter; calipers are spread over `band_px` along the edges.
    """

    operators: ClassVar[tuple[AssociationOperator, ...]] = SIZES

    type: Literal["edge_width"]
    start_px: PixelPoint
    end_px: PixelPoint
    band_px: Annotated[float, Field(ge=5)]
    inside: Shade

    @model_validator(mode="after")
    def _apart(self) -> Self:
        require_apart("start_px and end_px", self.start_px, self.end_px)
        return self

    @property
    def edges(self) -> tuple[Edge, ...]:
        """Both edges over the band, side by side in the same direction: at the start, at the end."""
        (x0, y0), (x1, y1) = self.start_px, self.end_px
        length = ((x1 - x0) ** 2 + (y1 - y0) ** 2) ** 0.5
        dx, dy = -(y1 - y0) / length * self.band_px / 2, (x1 - x0) / length * self.band_px / 2
        # walking along (dx, dy), what lies between is on the left of the first edge
        first, second = ("left", "right") if self.inside == "dark" else ("right", "left")
        return (
            Line.model_construct(
                type="line", start_px=(x0 - dx, y0 - dy), end_px=(x0 + dx, y0 + dy), dark=first
            ),
            Line.model_construct(
                type="line", start_px=(x1 - dx, y1 - dy), end_px=(x1 + dx, y1 + dy), dark=second
            ),
        )

    @property
    def extreme_points(self) -> Sequence[PixelPoint]:
        """The two nominal points, as agreements from before this release were checked."""
        return self.start_px, self.end_px


Element = Annotated[Line | CircleElement | Intersection, Field(discriminator="type")]


class Distance(Feature):
    """Distance between two of point, line and circle.

    Of two lines it is that of their middles along their common normal; a circle counts by its `circles`:
    centre, nearest or farthest point.
    """

    type: Literal["distance"]
    a: Element
    b: Element
    circles: Literal["centre", "nearest", "farthest"] = "centre"

    @property
    def edges(self) -> tuple[Edge, ...]:
        """The edges of a, then those of b."""
        return *element_edges(self.a), *element_edges(self.b)


class SlotSize(Feature):
    """Width of a slot between its sides, or its length over its round ends."""

    type: Literal["slot_width", "slot_length"]
    slot: Slot

    @property
    def allowed(self) -> tuple[AssociationOperator, ...]:
        """Of the width all operators of a size; of the length least squares."""
        return SIZES if self.type == "slot_width" else LEAST_SQUARES

    @property
    def edges(self) -> tuple[Edge, ...]:
        """Its sides, or its ends."""
        return self.slot.sides if self.type == "slot_width" else self.slot.ends


class RectangleSize(Feature):
    """Width or height of a rectangle."""

    operators: ClassVar[tuple[AssociationOperator, ...]] = SIZES

    type: Literal["rectangle_width", "rectangle_height"]
    rectangle: RectangleElement

    @property
    def edges(self) -> tuple[Edge, ...]:
        """The two opposite edges."""
        return self.rectangle.across if self.type == "rectangle_width" else self.rectangle.along


class EllipseAxis(Feature):
    """Length of an ellipse's major or minor axis."""

    type: Literal["ellipse_major_axis", "ellipse_minor_axis"]
    ellipse: Ellipse

    @property
    def edges(self) -> tuple[Edge, ...]:
        """The ellipse."""
        return (self.ellipse,)


class Angle(Feature):
    """Angle between two lines, each walked from its start to its end: 0 to 180 degrees."""

    unit: ClassVar[Unit] = "deg"

    type: Literal["angle"]
    a: Line
    b: Line

    @property
    def edges(self) -> tuple[Edge, ...]:
        """Both lines."""
        return self.a, self.b


class Pitch(Feature):
    """Pitch of a row of holes, or of a thread's teeth, each the point in which its flanks meet.

    `mean` is the step of the straight, even row that fits best; `largest` and `smallest` are of neighbours.
    """

    type: Literal["pitch"]
    pattern: Annotated[Holes | Thread, Field(discriminator="type")]
    of: Literal["mean", "largest", "smallest"] = "mean"

    @property
    def edges(self) -> tuple[Edge, ...]:
        """The holes, or the flanks, two for each tooth."""
        return self.pattern.circles if isinstance(self.pattern, Holes) else self.pattern.flanks


class Area(Feature):
    """Area within an edge, of the form that is fitted to it."""

    unit: ClassVar[Unit] = "mm2"

    type: Literal["area"]
    of: Annotated[CircleElement | Ellipse | Slot | RectangleElement, Field(discriminator="type")]

    @property
    def edges(self) -> tuple[Edge, ...]:
        """The form's edges: of a slot sides, then ends; of a rectangle those across, then those along."""
        if isinstance(self.of, CircleElement):
            return (self.of.edge,)
        if isinstance(self.of, Ellipse):
            return (self.of,)
        if isinstance(self.of, Slot):
            return *self.of.sides, *self.of.ends
        return *self.of.across, *self.of.along


def element_edges(element: Line | CircleElement | Intersection | Slot) -> tuple[Edge, ...]:
    """Return the edges that locate an element: of a slot its sides."""
    if isinstance(element, CircleElement):
        return (element.edge,)
    if isinstance(element, Line):
        return (element,)
    return (element.a, element.b) if isinstance(element, Intersection) else element.sides
