"""What a dimension may be of: a closed union of sizes and geometrical tolerances."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

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
)  # fmt: skip
from golden.tolerances import (
    Concentricity,
    LineProfile,
    Parallelism,
    Perpendicularity,
    Position,
    Roundness,
    Straightness,
    Symmetry,
)  # fmt: skip

DimensionFeature = Annotated[
    CircleDiameter | ArcRadius | CentreDistance | EdgeWidth | Distance | SlotSize | RectangleSize
    | EllipseAxis | Angle | Pitch | Area | Straightness | Roundness | Parallelism | Perpendicularity
    | Position | LineProfile | Concentricity | Symmetry,
    Field(discriminator="type"),
]  # fmt: skip
