"""How the surface of a view is compared with its golden image, where the parties state it."""

from __future__ import annotations

from typing import Annotated, Self

from pydantic import Field, model_validator

from golden.elements import Shade
from golden.regions import Closed, Stated

_Codes = Annotated[int, Field(ge=0, le=200)]
_Size = Annotated[float, Field(gt=0, le=1000)]
_DeltaE = Annotated[float, Field(gt=0, le=100)]


class Comparison(Closed):
    """What makes a difference to the golden image a deviation; `docs/surface.md` says what holds unstated.

    Attributes:
        edge_px: how far an edge of the golden image may lie elsewhere, in its pixels.
        weak_codes: by how many codes beyond the tolerance each pixel of a deviation differs, at least.
        strong_codes: by how many one of them does.
        least_area_mm2: of a deviation.
        least_delta_e: CIEDE2000 of a deviation's mean colour to the golden image's there.
        merge_mm: deviations with a smaller gap between them are one.
        split_mm: longer deviations are divided into parts that are not.
        colour_delta_e: CIEDE2000 that the mean colour over `colour_over_mm` may differ by, away from edges;
            it finds faint stains in which no single pixel leaves its tolerance.
        colour_over_mm: side of the squares over which that mean is taken.
    """

    edge_px: Stated[Annotated[float, Field(ge=0, le=20)]] = None
    weak_codes: Stated[_Codes] = None
    strong_codes: Stated[_Codes] = None
    least_area_mm2: Stated[Annotated[float, Field(gt=0, le=1_000_000)]] = None
    least_delta_e: Stated[_DeltaE] = None
    merge_mm: Stated[_Size] = None
    split_mm: Stated[_Size] = None
    colour_delta_e: Stated[_DeltaE] = None
    colour_over_mm: Stated[_Size] = None

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if (self.colour_delta_e is None) != (self.colour_over_mm is None):
            raise ValueError("give both colour_delta_e and colour_over_mm, or neither")
        if self.split_mm is not None and self.split_mm <= (self.merge_mm or 0.0):
            raise ValueError(
                f"split_mm {self.split_mm:g} must be above merge_mm {self.merge_mm:g}: correct them"
            )
        if self.strong_codes is not None and self.strong_codes < (self.weak_codes or 0):
            raise ValueError(
                f"strong_codes {self.strong_codes} is below weak_codes {self.weak_codes}: correct them"
            )
        return self


class Artwork(Closed):
    """That a view shows binary artwork, a bare board or print: two materials, and nothing between them.

    Its surface is then compared material for material and in no other way; `docs/surface.md` says how.

    Attributes:
        shade: of the artwork itself, copper or ink; the ground has the other.
    """

    shade: Shade
