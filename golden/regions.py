"""Base of the closed models and of their optional fields, and regions of a view in reference-image pixels."""

from __future__ import annotations

from typing import Annotated, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field


class Closed(BaseModel):
    """An immutable model that refuses unknown keys, NaN and infinities."""

    model_config = ConfigDict(
        extra="forbid", frozen=True, allow_inf_nan=False, populate_by_name=True, str_strip_whitespace=True
    )


def _is_none(value: object) -> bool:
    return value is None


_T = TypeVar("_T")
# what an older agreement does not state is not written, so that its bytes stay
Stated = Annotated[_T | None, Field(exclude_if=_is_none)]

Identifier = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$")]
Millimetre = Annotated[float, Field(ge=0, le=100_000, allow_inf_nan=False)]
Pixel = Annotated[float, Field(ge=-0.5, le=100_000, allow_inf_nan=False)]
PixelPoint = tuple[Pixel, Pixel]


class Rectangle(Closed):
    """An upright rectangle of pixels: `x`, `y` is the centre of its top left pixel.

    It covers the pixels x to x + width - 1 and y to y + height - 1, so the whole of an image of
    `width_px` x `height_px` is x: 0, y: 0, width: width_px, height: height_px.
    """

    type: Literal["rectangle"]
    x: Pixel
    y: Pixel
    width: Annotated[float, Field(ge=1)]
    height: Annotated[float, Field(ge=1)]


class Disk(Closed):
    """A filled circle."""

    type: Literal["disk"]
    center_px: PixelPoint
    radius_px: Annotated[float, Field(gt=0)]


class Polygon(Closed):
    """A simple polygon, filled by the even-odd rule."""

    type: Literal["polygon"]
    points_px: Annotated[tuple[PixelPoint, ...], Field(min_length=3, max_length=1000)]


Region = Annotated[Rectangle | Disk | Polygon, Field(discriminator="type")]


def bounds(region: Rectangle | Disk | Polygon) -> tuple[tuple[float, float], tuple[float, float]]:
    """Return the least and greatest corner of a region's bounding box, in pixels."""
    if isinstance(region, Rectangle):
        return (region.x, region.y), (region.x + region.width - 1, region.y + region.height - 1)
    if isinstance(region, Disk):
        (x, y), r = region.center_px, region.radius_px
        return (x - r, y - r), (x + r, y + r)
    xs, ys = zip(*region.points_px, strict=True)
    return (min(xs), min(ys)), (max(xs), max(ys))
