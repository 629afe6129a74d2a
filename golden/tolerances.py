"""Geometrical tolerances that a dimension may be of: form, orientation and location, by a stored edition.

A tolerance's value is the width or diameter of the smallest zone that holds what was found, so it counts from
zero and has an upper limit only.
"""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal, Self

from pydantic import Field, model_validator

from golden.elements import Circle, CircleElement, Edge, Intersection, Line, Slot
from golden.regions import Closed
from golden.sizes import LEAST_SQUARES, AssociationOperator, Feature, element_edges

Edition = Literal["ISO 1101:2017", "ASME Y14.5-2009", "ASME Y14.5-2018"]
Millimetres = Annotated[float, Field(ge=-100_000, le=100_000)]


class _Geometrical(Feature):
    """A geometrical tolerance by the edition of a standard; its limit is an upper one, from zero."""

    one_sided: ClassVar[bool] = True
    dropped_from: ClassVar[tuple[Edition, ...]] = ()

    edition: Edition = "ISO 1101:2017"

    @model_validator(mode="after")
    def _exists(self) -> Self:
        if self.edition in self.dropped_from:
            raise ValueError(
                f"{self.edition} has no such tolerance any more: agree on position or profile, or state "
                "ISO 1101:2017"
            )
        return self


class Straightness(_Geometrical):
    """Straightness of an edge: distance of the closest two parallel lines that hold it."""

    operators: ClassVar[tuple[AssociationOperator, ...]] = ("minimum_zone", "least_squares")

    type: Literal["straightness"]
    line: Line

    @property
    def edges(self) -> tuple[Edge, ...]:
        """The line."""
        return (self.line,)


class Roundness(_Geometrical):
    """Roundness of an edge: difference of the radii of two concentric circles that hold it.

    The operator says where their centre is (ISO 12181-1): minimum zone, as ISO 1101 has it, or that of the
    least squares circle.
    """

    operators: ClassVar[tuple[AssociationOperator, ...]] = ("minimum_zone", "least_squares")

    type: Literal["roundness"]
    circle: Circle

    @property
    def edges(self) -> tuple[Edge, ...]:
        """The circle."""
        return (self.circle,)


class Parallelism(_Geometrical):
    """Parallelism of an edge: distance of two lines parallel to the datum that hold it."""

    type: Literal["parallelism"]
    line: Line
    datum: Line

    @property
    def edges(self) -> tuple[Edge, ...]:
        """The line, then the datum."""
        return self.line, self.datum


class Perpendicularity(_Geometrical):
    """Perpendicularity of an edge: distance of two lines perpendicular to the datum that hold it."""

    type: Literal["perpendicularity"]
    line: Line
    datum: Line

    @property
    def edges(self) -> tuple[Edge, ...]:
        """The line, then the datum."""
        return self.line, self.datum


class DatumSystem(Closed):
    """A frame of measured features (3-2-1 in the plane: two of a line's three, one of the next).

    A primary line is the x axis, and a secondary line or circle puts the origin on it: where its middle or
    centre lies along that axis. A primary circle's centre is the origin, and the x axis runs to the centre of
    a secondary circle or slot, or along a secondary line. x runs from a line's start to its end; y is x
    turned as the picture turns x (right) to y (down).
    """

    primary: Annotated[Line | CircleElement, Field(discriminator="type")]
    secondary: Annotated[Line | CircleElement | Slot, Field(discriminator="type")]

    @model_validator(mode="after")
    def _fixes(self) -> Self:
        if isinstance(self.primary, Line) and isinstance(self.secondary, Line):
            Intersection(type="intersection", a=self.primary, b=self.secondary)
        return self

    @property
    def edges(self) -> tuple[Edge, ...]:
        """The primary's edge, then the secondary's: of a slot its sides."""
        return *element_edges(self.primary), *element_edges(self.secondary)


class MaterialLimit(Closed):
    """Maximum or least material requirement (ISO 2692): the tolerance grows with the distance from a size.

    `size_mm` is the circle's size of that condition: for the maximum material requirement the smallest hole
    or the largest pin.
    """

    requirement: Literal["MMC", "LMC"]
    of: Literal["hole", "pin"]
    size_mm: Annotated[float, Field(gt=0, le=100_000)]


class Position(_Geometrical):
    """Position of a circle's centre: diameter of the zone about its true place in a datum system.

    With a material limit the value is what is left of the deviation after the bonus, at least zero, so that
    it is compared with the tolerance as written.
    """

    type: Literal["position"]
    circle: Circle
    datums: DatumSystem
    x_mm: Millimetres
    y_mm: Millimetres
    material: MaterialLimit | None = None

    @property
    def edges(self) -> tuple[Edge, ...]:
        """The circle, then the datums' edges."""
        return self.circle, *self.datums.edges


class LineProfile(_Geometrical):
    """Profile of a straight edge: distance of two parallel lines that hold it.

    Without datums they may lie anywhere, which is straightness; with them they lie to both sides of the true
    line, at `offset_mm` along the normal from the datum system's origin and `angle_deg` from its x axis.
    """

    type: Literal["line_profile"]
    line: Line
    datums: DatumSystem | None = None
    offset_mm: Millimetres = 0.0
    angle_deg: Annotated[float, Field(ge=-360, le=360)] = 0.0

    @model_validator(mode="after")
    def _located(self) -> Self:
        if self.datums is None and (self.offset_mm, self.angle_deg) != (0.0, 0.0):
            raise ValueError("offset_mm and angle_deg need datums: add them, or remove offset and angle")
        return self

    @property
    def allowed(self) -> tuple[AssociationOperator, ...]:
        """Without datums the zone may move; with them it lies where it must."""
        return ("minimum_zone", "least_squares") if self.datums is None else LEAST_SQUARES

    @property
    def edges(self) -> tuple[Edge, ...]:
        """The line, then the datums' edges."""
        return (self.line, *(() if self.datums is None else self.datums.edges))


class Concentricity(_Geometrical):
    """Concentricity of two circles: diameter of the zone about the datum's centre that holds the other's."""

    dropped_from: ClassVar[tuple[Edition, ...]] = ("ASME Y14.5-2018",)

    type: Literal["concentricity"]
    circle: Circle
    datum: Circle

    @property
    def edges(self) -> tuple[Edge, ...]:
        """The circle, then the datum."""
        return self.circle, self.datum


class Symmetry(_Geometrical):
    """Symmetry of two opposite edges about the middle of two others: width of the middle line's zone."""

    dropped_from: ClassVar[tuple[Edition, ...]] = ("ASME Y14.5-2018",)

    type: Literal["symmetry"]
    a: Line
    b: Line
    datum_a: Line
    datum_b: Line

    @property
    def edges(self) -> tuple[Edge, ...]:
        """The two edges, then the datum's two."""
        return self.a, self.b, self.datum_a, self.datum_b
