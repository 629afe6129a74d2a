"""Colours before the judge: what a camera decides, and what waits for an instrument."""

from __future__ import annotations

from typing import Any

import pytest

from evidence import REASONS, CharacteristicResult, ColourResult, entered_colour
from golden.spec import Colour
from tests.builders import tiny_spec
from tests.colours import EDGE, FAR, NEAR, REFERENCE, TARGET, paint, reading, spec_with_colour
from vision.dimension.budget import Line
from vision.judge import check_entered, judge, measured_colour, unmeasured

SHOWN = ColourResult.model_validate({
    "lab": NEAR, "reference": TARGET, "dl": 0.2, "da": 0.1, "db": 0.0, "dc": 0.1, "dh": 0.0,
    "words": ("lighter",), "conditions": {"illuminant": "D65", "observer": "10"}, "excluded": 0.02,
})  # fmt: skip
ABSOLUTE = paint(reference=REFERENCE)


def by_camera(c: Colour, value: float, low: float, high: float) -> CharacteristicResult:
    line = Line("unit reading", 0.1, float("inf"), common=False)
    return measured_colour(c, value, 0.1, (low, high), SHOWN, common_uncertainty=0.05, lines=[line])


@pytest.mark.parametrize(
    ("c", "numbers", "verdict", "reasons"),
    [
        (paint(), (0.4, 0.2, 0.7), "ACCEPT", ()),
        (paint(), (0.9, 0.6, 1.3), "HOLD", ("characteristic_undecided",)),
        (paint(), (0.2, 0.0, 1.3), "HOLD", ("measurement_not_capable",)),
        (paint(decision={"rule": "simple"}), (0.4, 0.0, 6.2), "HOLD", ("measurement_not_capable",)),
        (paint(), (1.5, 1.2, 1.9), "REJECT", ("characteristic_nonconform",)),
        (ABSOLUTE, (0.4, 0.0, 4.4), "HOLD", ("colour_absolute",)),
        (ABSOLUTE, (3.0, 0.5, 7.0), "HOLD", ("colour_absolute",)),
        (ABSOLUTE, (9.0, 5.0, 13.0), "REJECT", ("characteristic_nonconform",)),
        (paint(reference=REFERENCE, decision={"rule": "simple"}), (0.4, 0.0, 4.4), "HOLD",
         ("colour_absolute",)),
    ],
)  # fmt: skip
def test_a_camera_decides_what_it_can(
    c: Colour, numbers: Any, verdict: str, reasons: tuple[str, ...]
) -> None:
    result = by_camera(c, *numbers)
    assert judge([result], [], tiny_spec().catalogue) == (verdict, reasons)
    value, low, high = numbers
    assert (result.value, result.interval, result.colour) == (value, (low, high), SHOWN)
    assert (result.source, result.common_uncertainty, len(result.budget)) == ("vision", 0.05, 1)


def test_rounding_keeps_the_value_in_its_interval() -> None:
    result = by_camera(paint(), 0.40000049, 0.40000049, 0.40000049)
    assert result.interval == (0.4, 0.4)


def test_the_reason_says_what_to_do() -> None:
    assert "spectrophotometer" in REASONS["colour_absolute"].remedy
    codes = ("colour_absolute", "colour_reference_absent", "colour_saturated", "light_drifted")
    assert {REASONS[code].verdict for code in (*codes, "illuminant_mismatch")} == {"HOLD"}


def test_an_instruments_reading_decides_the_absolute_colour() -> None:
    spec = spec_with_colour(reference=REFERENCE)
    for lab, verdict in ((NEAR, "ACCEPT"), (EDGE, "HOLD"), (FAR, "REJECT")):
        result = entered_colour(ABSOLUTE, reading(lab), "manual")
        check_entered(spec, [result])
        assert judge([result], [], spec.catalogue)[0] == verdict


def test_a_typed_difference_is_not_trusted() -> None:
    spec = spec_with_colour(reference=REFERENCE)
    right = entered_colour(ABSOLUTE, reading(FAR), "manual")
    typed = right.model_copy(update={"colour": None, "value": 0.1, "interval": (0.0, 0.2),
                                     "decision": "conform", "reason": None})  # fmt: skip
    with pytest.raises(ValueError, match="'paint': there is no reading"):
        check_entered(spec, [typed])
    with pytest.raises(ValueError, match="the reading is nonconform, not conform"):
        check_entered(spec, [right.model_copy(update={"decision": "conform", "reason": None})])


def test_a_difference_to_the_golden_sample_is_not_entered() -> None:
    result = entered_colour(ABSOLUTE, reading(), "manual")
    with pytest.raises(ValueError, match="'paint' is not a characteristic that is entered"):
        check_entered(spec_with_colour(), [result])


def test_an_absolute_colour_that_no_camera_measures_waits_for_an_instrument() -> None:
    result = unmeasured(ABSOLUTE, "colour_absolute")
    assert (result.decision, result.valid, result.source) == ("undecided", False, "vision")
