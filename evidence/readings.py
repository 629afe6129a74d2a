"""Results of colours: why one is not decided, and those that an instrument has read.

The Delta E of a reading follows from its L*a*b*; nobody types it.
"""

from __future__ import annotations

from typing import Literal

from evidence.colours import ColourResult
from evidence.inspection import CharacteristicResult
from golden.characteristics import Colour
from golden.colour_difference import lab_difference
from golden.colour_words import words
from golden.colours import InstrumentReading
from golden.conformity import Decision, camera_capable, decide_camera, decide_reading
from golden.errors import ReadingError

_ROUNDING = 1e-5  # Delta E: another machine's last digits


def entered_colour(
    characteristic: Colour, reading: InstrumentReading, source: Literal["manual", "imported"]
) -> CharacteristicResult:
    """Return the result of an absolute colour that a spectrophotometer has read.

    Raises:
        golden.errors.ReadingError: the characteristic has no reference, or the reading was not made under its
            conditions.
    """
    decided = decide_reading(characteristic, reading)
    assert characteristic.reference is not None, "decide_reading refuses it"
    reference = characteristic.reference.lab
    d = lab_difference(reference, reading.lab)
    return CharacteristicResult(
        id=characteristic.id,
        name=characteristic.name,
        source=source,
        value=decided.value,
        unit=characteristic.unit,
        nominal=None,
        lower=None,
        upper=characteristic.upper,
        standard_uncertainty=decided.standard_uncertainty,
        coverage_factor=None if decided.interval is None else characteristic.decision.coverage_factor,
        rule=characteristic.decision,
        valid=True,
        reason=colour_reason(characteristic, decided.decision, decided.value, decided.interval),
        decision=decided.decision,
        interval=decided.interval,
        colour=ColourResult(
            lab=reading.lab, reference=reference, conditions=reading.conditions, reading=reading,
            words=_words(characteristic, reading),
            dl=round(d.dl, 4), da=round(d.da, 4), db=round(d.db, 4), dc=round(d.dc, 4), dh=round(d.dh, 4),
        ),
    )  # fmt: skip


def _words(characteristic: Colour, reading: InstrumentReading) -> tuple[str, ...]:
    """Return a colourist's words; none where nobody states what chance explains."""
    reference = characteristic.reference
    if reference is None or reading.u is None:
        return ()
    variance = reading.u**2 + reference.u**2
    covariance = [[variance * (i == j) for j in range(3)] for i in range(3)]
    return words(reference.lab, reading.lab, covariance, characteristic.decision.coverage_factor)


def misstated(characteristic: Colour, result: CharacteristicResult) -> str | None:
    """Return what is wrong with a result that an instrument decided; None if it follows from its reading."""
    if result.source == "vision" or result.colour is None or result.colour.reading is None:
        return "there is no reading: give the instrument's L*a*b* with its conditions"
    try:
        right = entered_colour(characteristic, result.colour.reading, result.source)
    except ReadingError as error:
        return str(error)
    stated, found = _numbers(result), _numbers(right)
    if [n is None for n in stated] != [n is None for n in found] or any(
        abs(a - b) > _ROUNDING for a, b in zip(stated, found, strict=True) if a is not None and b is not None
    ):
        return f"value, uncertainty and interval {stated} are not those of the reading, {found}"
    if result.decision != right.decision:
        return f"the reading is {right.decision}, not {result.decision}"
    return None


def _numbers(result: CharacteristicResult) -> list[float | None]:
    return [result.value, result.standard_uncertainty, *(result.interval or (None, None))]


def colour_reason(
    characteristic: Colour, decision: Decision, value: float, interval: tuple[float, float] | None
) -> str | None:
    """Return the reason code of a colour's decision: None where it conforms.

    Where the interval is wider than the rule lets it be, or so wide that not even an equal colour could
    conform, the measuring process is not capable.
    """
    if decision != "undecided" or interval is None:
        return None if decision == "conform" else f"characteristic_{decision}"
    low, high = interval
    able = camera_capable(characteristic, low, high)
    if not able or decide_camera(characteristic, 0.0, 0.0, high - value) != "conform":
        return "measurement_not_capable"
    return "characteristic_undecided"
