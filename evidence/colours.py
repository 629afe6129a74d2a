"""How a colour differs, beside the one number that decides."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from golden.colours import ColourConditions, InstrumentReading
from golden.regions import Closed, Stated

Share = Annotated[float, Field(ge=0, le=1)]
LabValues = tuple[float, float, float]
ExcludedCause = Literal["edge", "clipped", "glare", "dust"]


class ColourResult(Closed):
    """A region's L*a*b*, that of its reference, and their differences, sample less reference.

    All hold under `conditions`. `dc` is the difference of chroma C*ab and `dh` that of hue H*ab, positive
    anticlockwise, as from red to yellow. `words` say the same as a colourist does: lighter, redder, duller.
    The reference is the golden sample's region, the other region of a match, or the contract's value.
    `excluded` is the share of the region that was not judged, and `excluded_by` that by cause. `cautions`
    are what the number does not say: gloss in the region, or a colour that the chart's do not surround.
    `reading` is the instrument's, where no camera decided.
    """

    lab: LabValues
    reference: LabValues
    dl: float
    da: float
    db: float
    dc: float
    dh: float
    words: tuple[str, ...]
    conditions: ColourConditions
    excluded: Share = 0.0
    excluded_by: dict[ExcludedCause, Share] = Field(default_factory=dict)
    cautions: tuple[Literal["gloss", "gamut"], ...] = ()
    reading: Stated[InstrumentReading] = None
