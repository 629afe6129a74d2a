"""Results of colours that an instrument has read."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from evidence import CharacteristicResult, colour_reason, entered_colour, misstated
from golden.colour_difference import delta_e
from golden.errors import ReadingError
from tests.colours import EDGE, FAR, NEAR, REFERENCE, TARGET, Lab, paint, reading, seen
from tests.evidence.test_inspection import result

ABSOLUTE = paint(reference=REFERENCE)


@pytest.mark.parametrize(
    ("lab", "decision", "reason"),
    [
        (NEAR, "conform", None), (EDGE, "undecided", "characteristic_undecided"),
        (FAR, "nonconform", "characteristic_nonconform"),
    ],
)  # fmt: skip
def test_a_result_follows_from_the_lab_that_was_read(lab: Lab, decision: str, reason: str | None) -> None:
    found = entered_colour(ABSOLUTE, reading(lab), "imported")
    assert (found.decision, found.reason, found.source, found.valid) == (decision, reason, "imported", True)
    assert found.value == pytest.approx(delta_e(TARGET, lab), abs=1e-6)
    assert (found.unit, found.upper, found.coverage_factor) == ("CIEDE2000", 1.0, 2.0)
    assert found.colour is not None
    assert found.colour.reading == reading(lab)
    assert (found.colour.dl, found.colour.reference) == (pytest.approx(lab[0] - 60.0), TARGET)
    assert misstated(ABSOLUTE, found) is None
    again = CharacteristicResult.model_validate_json(found.model_dump_json())
    assert misstated(ABSOLUTE, again) is None


def test_words_are_said_of_what_the_instrument_can_see() -> None:
    """The target's hue is 333 degrees, a bluish red: from there to less b* is bluer."""
    lighter = entered_colour(ABSOLUTE, reading((60.2, 20.0, -10.0), u=0.05), "manual").colour
    both = entered_colour(ABSOLUTE, reading((60.2, 20.0, -11.0), u=0.05), "manual").colour
    unsure = entered_colour(ABSOLUTE, reading((60.2, 20.0, -10.0), u=0.15), "manual").colour
    silent = entered_colour(ABSOLUTE, reading((60.2, 20.0, -10.0), u=None), "manual").colour
    said = [c.words for c in (lighter, both, unsure, silent) if c is not None]
    assert said == [("lighter",), ("bluer", "brighter", "lighter"), (), ()]


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"value": 0.1, "interval": (0.0, 0.5)}, "are not those of the reading"),
        ({"decision": "conform", "reason": None}, "the reading is nonconform, not conform"),
        ({"interval": None}, "are not those of the reading"),
        ({"standard_uncertainty": 0.001}, "are not those of the reading"),
        ({"colour": None}, "there is no reading"),
    ],
)
def test_what_a_result_misstates_is_found(change: dict[str, object], sentence: str) -> None:
    right = entered_colour(ABSOLUTE, reading(FAR), "manual")
    wrong = misstated(ABSOLUTE, right.model_copy(update=change))
    assert wrong is not None
    assert sentence in wrong


def test_a_last_digit_of_another_machine_is_no_misstatement() -> None:
    right = entered_colour(ABSOLUTE, reading(), "manual")
    assert right.value is not None
    assert misstated(ABSOLUTE, right.model_copy(update={"value": right.value + 2e-6})) is None


def test_a_reading_of_another_agreement_is_no_proof() -> None:
    right = entered_colour(ABSOLUTE, reading(), "manual")
    other = paint(reference={**REFERENCE, "conditions": {"illuminant": "D50", "observer": "2",
                                                         "geometry": "45/0"}})  # fmt: skip
    assert "illuminant is D65, D50 is agreed; observer is 10, 2 is agreed" in str(misstated(other, right))
    with pytest.raises(ReadingError, match="the station measures"):
        entered_colour(paint(), reading(), "manual")


def test_a_camera_gives_no_reading() -> None:
    assert "there is no reading" in str(
        misstated(ABSOLUTE, seen(ABSOLUTE, NEAR, "undecided", "colour_absolute"))
    )


def test_an_instrument_that_is_too_uncertain_is_not_capable() -> None:
    rough = entered_colour(ABSOLUTE, reading(u=0.6), "manual")
    assert (rough.decision, rough.reason) == ("undecided", "measurement_not_capable")
    strict = paint(reference=REFERENCE, decision={"largest_u_over_tolerance": 0.05})
    assert entered_colour(strict, reading(), "manual").reason == "measurement_not_capable"


def test_reasons_of_undecided_colours() -> None:
    assert colour_reason(paint(), "undecided", 0.9, (0.7, 1.1)) == "characteristic_undecided"
    assert colour_reason(paint(), "undecided", 0.2, (0.0, 1.3)) == "measurement_not_capable"
    assert colour_reason(paint(), "undecided", 0.2, None) == "characteristic_undecided"
    assert colour_reason(paint(), "conform", 0.2, (0.0, 0.4)) is None


def test_an_interval_holds_its_value_and_is_written_only_where_it_is() -> None:
    plain = CharacteristicResult.model_validate(result())
    assert {"interval", "colour"}.isdisjoint(plain.model_dump(mode="json"))
    for interval in ((0.81, 0.9), (0.7, 0.79)):
        with pytest.raises(ValidationError, match="does not lie in its interval"):
            CharacteristicResult.model_validate(result(interval=interval))
    with pytest.raises(ValidationError, match="does not lie in its interval"):
        CharacteristicResult.model_validate(result(value=None, interval=(0.0, 1.0)))
