"""The lines of the written defect catalogue: class x zone x limits on what a deviation measures."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Annotated, Final, Literal, Self, get_args

from pydantic import Field, model_validator

from golden.regions import Closed, Identifier, Stated

DefectSeverity = Literal["critical", "major", "minor", "allowed"]
CharacteristicClass = Literal["critical", "major", "minor"]
Measure = Literal["size_mm", "length_mm", "area_mm2", "contrast", "delta_e"]

ANY: Final = "any"
UNCLASSIFIED: Final = "unclassified"
GRAVEST_FIRST: Final[tuple[DefectSeverity, ...]] = get_args(DefectSeverity)
MEASURES: Final[tuple[Measure, ...]] = get_args(Measure)
DECIMALS: Final[Mapping[Measure, int]] = {
    "size_mm": 4, "length_mm": 4, "area_mm2": 5, "contrast": 1, "delta_e": 2,
}  # fmt: skip
"""Of each measure in a record; lines weigh what is recorded."""

_From = Annotated[float, Field(ge=0, allow_inf_nan=False)]
_To = Annotated[float, Field(gt=0, allow_inf_nan=False)]


@dataclass(frozen=True, slots=True)
class Measures:
    """What a deviation measures, as far as lines have limits for it; None is not known.

    Attributes:
        size_mm: its longest extent, pixels counted as squares.
        length_mm: its extent along its own principal direction.
        area_mm2: its area.
        contrast: the most by which a channel's code exceeds what the golden sample tolerates there.
        delta_e: CIEDE2000 between its mean colour and the golden sample's in the same place.
    """

    size_mm: float
    length_mm: float | None = None
    area_mm2: float | None = None
    contrast: float | None = None
    delta_e: float | None = None

    def rounded(self) -> Measures:
        """Return them as a record writes them, see DECIMALS."""
        written = {m: None if v is None else round(v, DECIMALS[m]) for m, v in self.known().items()}
        return replace(self, **written)

    def known(self) -> dict[Measure, float | None]:
        """Return them by name, None where not known."""
        return {measure: getattr(self, measure) for measure in MEASURES}


class DefectRule(Closed):
    """One line of the written catalogue: class x zone x limits -> severity.

    Lines are read in order and the first that matches decides. `defect_class` "any" matches every named
    class, "unclassified" a deviation that no classifier has named; "unclassified" deviations match nothing
    else. Limits are `[from, to)`: from is inclusive, to is exclusive, absent is open; all that a line writes
    must hold. `mm` is the longest extent, `length_mm` that along the deviation's own direction, `area_mm2`
    its area, `contrast` the codes by which it exceeds the tolerance and `delta_e` its colour difference
    (CIEDE2000), see `Measures`.
    """

    id: Identifier
    defect_class: Identifier
    zone: Identifier | Literal["any"] = "any"
    from_mm: _From = 0.0
    to_mm: _To | None = None
    from_length_mm: Stated[_From] = None
    to_length_mm: Stated[_To] = None
    from_area_mm2: Stated[_From] = None
    to_area_mm2: Stated[_To] = None
    from_contrast: Stated[_From] = None
    to_contrast: Stated[_To] = None
    from_delta_e: Stated[_From] = None
    to_delta_e: Stated[_To] = None
    severity: DefectSeverity
    description: Annotated[str, Field(max_length=1000)] = ""

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        for measure in MEASURES:
            low, high = self.interval(measure)
            name = _field(measure)
            if high is not None and high <= low:
                raise ValueError(f"to_{name} {high:g} must be above from_{name} {low:g}: correct them")
        return self

    def interval(self, measure: Measure) -> tuple[float, float | None]:
        """Return from (0 where open) and to (None where open) of a measure."""
        name = _field(measure)
        low: float | None = getattr(self, f"from_{name}")
        return low or 0.0, getattr(self, f"to_{name}")

    def limits(self) -> dict[Measure, tuple[float, float | None]]:
        """Return the intervals of the measures that the line limits at all."""
        limited: dict[Measure, tuple[float, float | None]] = {}
        for measure in MEASURES:
            interval = self.interval(measure)
            if interval != (0.0, None):
                limited[measure] = interval
        return limited

    def speaks_of(self, defect_class: str, zone: str) -> bool:
        """Return whether the line is about this class in this zone, whatever it measures."""
        return names(self.defect_class, defect_class) and self.zone in (ANY, zone)

    def holds_for(self, measures: Measures) -> bool | None:
        """Return whether all its limits hold; None where that hangs on what is not known."""
        known = measures.known()
        unknown = False
        for measure, (low, high) in self.limits().items():
            value = known[measure]
            if value is None:
                unknown = True
            elif value < low or (high is not None and value >= high):
                return False
        return None if unknown else True


def names(written: str, defect_class: str) -> bool:
    """Return whether a class as a line or rule writes it is, or takes in, a deviation's class."""
    return written == defect_class or (written == ANY and defect_class != UNCLASSIFIED)


def _field(measure: Measure) -> str:
    return "mm" if measure == "size_mm" else measure
