"""A camera that was not characterised for colour says no more of colours than its pictures do."""

from __future__ import annotations

from typing import Any

import pytest

from evidence import entered_colour
from golden.sample import GoldenSample
from golden.spec import Colour, GoldenSpec
from hallmark.golden_measure import refuse_unmeasurable
from stations import encode_png
from tests.colours import NEAR, REFERENCE, colour_fields, reading
from tests.stations import workshop
from vision import Inspector, read_frame

PICTURE = encode_png(workshop.plate())
REGION = {"type": "disk", "center_px": [500, 400], "radius_px": 40}
OTHER = {"type": "disk", "center_px": [700, 400], "radius_px": 40}


def spec(*colours: dict[str, Any]) -> GoldenSpec:
    fields = workshop.spec().model_dump(mode="json", by_alias=True)
    for number, colour in enumerate(colours, start=3):
        given = {"number": number, "id": f"c{number}", "region": REGION, "decision": {"rule": "simple"}}
        fields["characteristics"].append(colour_fields(**{**given, **colour}))
    return GoldenSpec.model_validate(fields)


def found(agreed: GoldenSpec, entered: Any = ()) -> Any:
    sample = GoldenSample(
        spec=agreed, digest="sha256:" + "0" * 64, version=1, issued=workshop.TODAY, expires=None,
        predecessor=None, images={"images/top.png": PICTURE}, signatures=(),
    )  # fmt: skip
    frame = read_frame(PICTURE, view="top", camera="c", source="golden")
    return Inspector(sample, {}).inspect({"top": frame}, serial="U1", entered=entered)


@pytest.mark.parametrize(
    ("colour", "reason"),
    [
        ({}, None),
        ({"formula": "CMC_2_1"}, "calibration_absent"),
        ({"quantity": "p95"}, "calibration_absent"),
        ({"quantity": "match", "other": OTHER}, "calibration_absent"),
        ({"conditions": {"illuminant": "A", "observer": "2"}}, "calibration_absent"),
        ({"reference": REFERENCE}, "colour_absolute"),
    ],
)
def test_only_what_pictures_show_is_decided_without_a_certificate(
    colour: dict[str, Any], reason: str | None
) -> None:
    agreed = spec(colour)
    result = next(r for r in found(agreed).characteristics if r.id == "c3")
    assert (result.reason, result.valid) == (reason, reason is None)
    assert (result.value is None) == (reason is not None)
    refuse_unmeasurable(agreed, {"images/top.png": PICTURE}, "golden.yaml")


def test_what_an_instrument_has_read_stands() -> None:
    agreed = spec({"reference": REFERENCE})
    c = agreed.characteristics[2]
    assert isinstance(c, Colour)
    read = entered_colour(c, reading(NEAR), "manual")
    record = found(agreed, [read])
    assert next(r for r in record.characteristics if r.id == "c3") == read
    assert "colour_absolute" not in record.reasons


def test_what_checkpoints_prove_is_not_asked_of_a_unit() -> None:
    agreed = spec({"reference": REFERENCE, "required_at": ["oqc"]})
    assert [r.id for r in found(agreed).characteristics] == ["hole", "face"]
