"""Readings of absolute colours that people enter where a person decides a unit of the outgoing sample."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Literal

from pydantic import Field

from evidence.inspection import Name
from golden.colours import InstrumentReading
from golden.conformity import decide_reading
from golden.errors import ReadingError
from golden.regions import Closed
from golden.spec import Colour, GoldenSpec
from quality.errors import EvidenceError, StepError
from quality.unit_findings import Nonconformity


class ColourReading(Closed):
    """What an instrument has read of a colour that has a reference; its Delta E follows."""

    characteristic: Name
    reading: InstrumentReading
    source: Literal["manual", "imported"] = "manual"


# a line from before readings does not state them
ColourReadings = Annotated[
    tuple[ColourReading, ...], Field(max_length=1000, exclude_if=lambda readings: not readings)
]


def with_colours(
    spec: GoldenSpec, serial: str, nonconformities: Sequence[Nonconformity], readings: Sequence[ColourReading]
) -> tuple[Nonconformity, ...]:
    """Return what was found on a unit with the colours that do not conform by their readings.

    Raises:
        EvidenceError: a reading of no colour with a reference, given twice, or under other conditions.
        StepError: a reading decides nothing, or conforms while the person says that the colour does not.
    """
    colours = {c.id: c for c in spec.characteristics if isinstance(c, Colour) and c.reference is not None}
    found = list(nonconformities)
    seen: set[str] = set()
    for entered in readings:
        where = f"reading of {entered.characteristic} on {serial}"
        c = colours.get(entered.characteristic)
        if c is None or c.id in seen:
            raise EvidenceError(
                f"{where}: {'given twice' if c else 'no colour with a reference has this id'}"
            )
        seen.add(c.id)
        try:
            decided = decide_reading(c, entered.reading)
        except ReadingError as error:
            raise EvidenceError(f"{where}: {error}") from error
        own = Nonconformity(cause=f"characteristic:{c.id}", severity=c.severity)
        said = f"{decided.value:.2f} {c.unit}, u {decided.standard_uncertainty}, limit {c.upper:g}"
        if decided.decision == "undecided":
            raise StepError(f"{where}: undecided ({said}): measure with less uncertainty, and state it")
        if decided.decision == "conform" and own in found:
            raise StepError(f"{where}: conforms ({said}), yet a nonconformity says that it does not")
        if decided.decision == "nonconform" and own not in found:
            found.append(own)
    return tuple(found)
