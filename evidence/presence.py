"""What vision saw of a component, a print or a code, beside the decision."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from golden.characteristics import Symbology
from golden.regions import Closed, Stated

Box = tuple[float, float, float, float]


class PresenceResult(Closed):
    """How a component or print sits against the golden sample's, and how alike they look.

    `dx_mm` and `dy_mm` are how far it lies from its place (x right, y down, in the golden view), `angle_deg`
    how far it is turned from x towards y, each with its standard uncertainty; all are absent where it was not
    found. `score` is the correlation with the golden sample's picture after that, 0 to 1. `resembles` is the
    component of the golden sample that was found instead. `differs_mm` are the places of a print that differ:
    x, y, width, height in the golden view. `ink_differs` is how far a print's contrast with its ground, as a
    colour and in the golden sample's light, departs from the golden sample's, in shares of that.
    """

    score: Annotated[float, Field(ge=0, le=1)]
    dx_mm: Stated[float] = None
    dy_mm: Stated[float] = None
    u_mm: Stated[Annotated[float, Field(ge=0)]] = None
    angle_deg: Stated[float] = None
    u_angle_deg: Stated[Annotated[float, Field(ge=0)]] = None
    resembles: Stated[str] = None
    differs_mm: Stated[tuple[Box, ...]] = None
    ink_differs: Stated[Annotated[float, Field(ge=0)]] = None


class CodeResult(Closed):
    """A code as it was read: its symbology and its whole content."""

    symbology: Symbology
    content: str
