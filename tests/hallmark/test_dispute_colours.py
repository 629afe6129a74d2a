"""A dispute decides colours again: from the interval or the reading, under the same limits and others."""

from __future__ import annotations

import pytest

import quality
from evidence import CharacteristicResult, Inspection, entered_colour
from golden.spec import Colour, GoldenSpec
from hallmark.dispute.checks import entered_results
from hallmark.dispute.recompute import _redecided
from tests.colours import NEAR, REFERENCE, reading, seen, spec_with_colour
from tests.quality.records import fields, inspection, proof, result


def colour_of(spec: GoldenSpec) -> Colour:
    found = spec.characteristics[1]
    assert isinstance(found, Colour)
    return found


def record(spec: GoldenSpec, paint: CharacteristicResult, verdict: str, *reasons: str) -> Inspection:
    kept = [result(spec, "hole"), paint.model_dump(mode="json"), result(spec, "face")]
    return inspection("U1", verdict, characteristics=kept, reasons=reasons, spec=spec)


def test_a_first_article_with_a_reading_comes_out_the_same_again() -> None:
    spec = spec_with_colour(fields(), reference=REFERENCE)
    held = seen(colour_of(spec), NEAR, "undecided", "colour_absolute")
    one = record(spec, held, "HOLD", "colour_absolute")
    paint = quality.EnteredResult(
        serial="U1", characteristic="paint", reading=reading(NEAR), evidence="report 3", source="imported"
    )
    decided = quality.first_article(spec, [one], [proof("U1"), paint])
    assert decided.accepted
    again = quality.FirstArticleDecision.model_validate_json(decided.model_dump_json())
    assert quality.first_article(spec, [one], entered_results(again)) == decided


@pytest.mark.parametrize(
    ("upper", "decision", "reason"),
    [
        (0.5, "conform", None), (0.3, "undecided", "characteristic_undecided"),
        (0.15, "undecided", "measurement_not_capable"),
    ],
)  # fmt: skip
def test_a_camera_under_other_limits_is_decided_by_its_interval(
    upper: float, decision: str, reason: str | None
) -> None:
    """0.185 with 0 to 0.385."""
    first = spec_with_colour(fields())
    conform = record(first, seen(colour_of(first), NEAR, "conform", None, u=0.1), "ACCEPT")
    other = _redecided(spec_with_colour(fields(), upper=upper), conform, {"paint"})
    found = next(r for r in other.characteristics if r.id == "paint")
    assert (found.decision, found.reason, found.upper) == (decision, reason, upper)
    assert other.reasons == (() if reason is None else (reason,))


def test_an_absolute_colour_under_other_limits() -> None:
    first = spec_with_colour(fields(), reference=REFERENCE)
    wider = spec_with_colour(fields(), reference=REFERENCE, upper=6.0)
    narrow = spec_with_colour(fields(), reference=REFERENCE, upper=0.1)
    camera = seen(colour_of(first), NEAR, "undecided", "colour_absolute")
    held = record(first, camera, "HOLD", "colour_absolute")
    assert _redecided(wider, held, {"paint"}).verdict == "ACCEPT"
    assert _redecided(narrow, held, {"paint"}).reasons == ("colour_absolute",)
    read = record(first, entered_colour(colour_of(first), reading(NEAR), "manual"), "ACCEPT")
    assert _redecided(narrow, read, {"paint"}).reasons == ("characteristic_undecided",)
