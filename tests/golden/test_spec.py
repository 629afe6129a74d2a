"""The specification's own rules, and its published JSON Schema."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from golden.catalogue import Measures
from golden.regions import Disk, Polygon, Rectangle, bounds
from golden.spec import GoldenSpec
from tests import builders

SCHEMA_FILE = Path(__file__).parents[2] / "docs/reference/golden-spec.schema.json"


def published() -> str:
    """Return the text of the schema file as it must be; write it with `python -m tests.golden.test_spec`."""
    schema = GoldenSpec.model_json_schema(by_alias=True)
    schema = {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema}
    return json.dumps(schema, indent=2, sort_keys=True, ensure_ascii=False) + "\n"


def test_the_published_schema_is_current() -> None:
    assert SCHEMA_FILE.read_text(encoding="utf-8") == published()


def test_the_schema_is_closed_everywhere() -> None:
    definitions = json.loads(SCHEMA_FILE.read_text(encoding="utf-8"))["$defs"]
    assert {d for d, s in definitions.items() if s["type"] == "object" and s["additionalProperties"]} == set()


def altered(path: str, value: Any) -> dict[str, Any]:
    """Return the tiny specification's fields with the one at `a.0.b` replaced."""
    fields = builders.tiny_fields()
    *parents, last = path.split(".")
    here: Any = fields
    for name in parents:
        here = here[int(name)] if isinstance(here, list) else here[name]
    here[int(last) if isinstance(here, list) else last] = value
    return fields


def iqc(**fields: Any) -> list[dict[str, Any]]:
    return [{"material": "steel", "check": "a", "method": "b", "sample": "c", **fields}]


@pytest.mark.parametrize(
    ("path", "value", "problem"),
    [
        ("characteristics.3.unit", None, "need a unit"),
        ("characteristics.3.upper", None, "needs a limit"),
        ("characteristics.3.required_at", [], "never be proven"),
        ("characteristics.3.unit", "", "at least 1 character"),
        ("characteristics.0.feature.view", "side", "no view 'side'"),
        ("characteristics.0.upper", float("inf"), "finite"),
        ("catalogue.rules.1.to_mm", 0.3, "must be above from_mm"),
        ("zones.0.id", "any", "means every zone"),
        ("zones.0.view", "side", "no view 'side'"),
        (
            "views.0.ignore",
            [{"type": "disk", "center_px": [0, 0], "radius_px": 1}],
            r"views\[0\].ignore\[0\]",
        ),
        (
            "plans.iqc",
            [{"material": "steel", "check": "a", "method": "b", "sample": "c"}],
            "no material 'steel'",
        ),
        ("plans.iqc", iqc(unit="mm"), "needs a unit and a limit"),
        ("plans.iqc", iqc(lower=1.0), "needs a unit and a limit"),
        ("plans.iqc", iqc(unit="mm", lower=1.0, upper=1.0), "lower 1 must be below upper 1"),
        ("plans.iqc", iqc(sampling={}), "give one of aql, share and every_item"),
        ("plans.iqc", iqc(sampling={"share": 0.5, "every_item": True}), "give one of aql, share"),
        ("plans.iqc", iqc(sampling={"share": 1.0}), "less than 1"),
        ("plans.iqc", iqc(sampling={"aql": "1.1"}), "not a printed value"),
        ("plans.iqc", iqc(sampling={"aql": "15"}), "above 10 it counts nonconformities"),
        ("plans.iqc", iqc(severity="critical", sampling={"aql": "1.0"}), "not sampled by AQL"),
        (
            "materials",
            [
                {
                    "id": "steel",
                    "name": "a",
                    "standard": "b",
                    "approved_manufacturers": ["c"],
                    "required_evidence": ["d"],
                    "per_unit": 0.5,
                },
            ],
            "per_unit needs a unit",
        ),
        ("parties.1.role", "supplier", "one supplier and one buyer"),
        ("views.0.width_px", 15, "greater than or equal to 16"),
    ],
)
def test_what_contradicts_itself_is_refused(path: str, value: Any, problem: str) -> None:
    with pytest.raises(ValidationError, match=problem):
        GoldenSpec.model_validate(altered(path, value))


def test_a_view_of_artwork_states_the_shade_and_is_judged_by_surface_alone() -> None:
    fields = builders.tiny_fields()
    assert "artwork" not in GoldenSpec.model_validate(fields).model_dump(mode="json")["views"][0]
    fields["views"][0]["artwork"] = {"shade": "dark"}
    for stays, refused in ((0, "hole"), (1, "paint")):
        kept = [c for i, c in enumerate(fields["characteristics"]) if i not in (0, 1) or i == stays]
        with pytest.raises(ValidationError, match=rf"\({refused}\): view 'top' is artwork"):
            GoldenSpec.model_validate({**fields, "characteristics": kept})
    fields["characteristics"] = fields["characteristics"][2:]
    stated = GoldenSpec.model_validate(fields).model_dump(mode="json")["views"][0]
    assert stated["artwork"] == {"shade": "dark"}
    fields["views"][0]["comparison"] = {"edge_px": 4}
    with pytest.raises(ValidationError, match="artwork or comparison, not both"):
        GoldenSpec.model_validate(fields)


def test_attributes_without_a_unit_are_conform_or_not() -> None:
    fields = builders.tiny_fields()
    for name in ("unit", "upper"):
        del fields["characteristics"][3][name]
    assert GoldenSpec.model_validate(fields).characteristics[3].model_dump()["unit"] is None


def test_views_and_parties_are_found_by_name() -> None:
    spec = builders.tiny_spec()
    assert spec.view("top") is spec.views[0]
    assert spec.party("buyer") is spec.parties[1]
    with pytest.raises(KeyError, match="side"):
        spec.view("side")
    with pytest.raises(KeyError, match="laboratory"):
        spec.party("laboratory")


@pytest.mark.parametrize(
    ("defect_class", "zone", "size", "rule"),
    [
        ("dent", "front", 0.1, "speck"), ("dent", "front", 0.3, None), ("scratch", "front", 0.2999, "speck"),
        ("scratch", "front", 0.3, "scratch"), ("scratch", "front", 50, "scratch"), ("scratch", "back", 0.3,
        None),
        ("unclassified", "front", 0.1, None), ("unclassified", "front", 0.999, None),
        ("unclassified", "front", 1.0, "large"), ("dent", "front", 5, None),
    ],
)  # fmt: skip
def test_the_catalogue_is_read_in_order_and_nothing_defaults_to_allowed(
    defect_class: str, zone: str, size: float, rule: str | None
) -> None:
    found = builders.tiny_spec().catalogue.weigh(defect_class, zone, Measures(size))
    assert (found.id if found else None) == rule


@given(st.integers(0, 23), st.integers(0, 15), st.integers(1, 30), st.integers(1, 30))
def test_a_rectangle_must_lie_within_the_pixels_of_its_view(x: int, y: int, width: int, height: int) -> None:
    """Truth: a rectangle of pixels fits where its last column and row exist."""
    region = {"type": "rectangle", "x": x, "y": y, "width": width, "height": height}
    fields = altered("zones.0.region", region)
    if x + width <= 24 and y + height <= 16:
        GoldenSpec.model_validate(fields)
    else:
        with pytest.raises(ValidationError, match="outside view 'top'"):
            GoldenSpec.model_validate(fields)


def test_bounds() -> None:
    rectangle = Rectangle(type="rectangle", x=2, y=3, width=4, height=5)
    assert bounds(rectangle) == ((2, 3), (5, 7))
    assert bounds(Disk(type="disk", center_px=(5, 6), radius_px=2)) == ((3, 4), (7, 8))
    triangle = Polygon(type="polygon", points_px=((1, 9), (4, 2), (7, 5)))
    assert bounds(triangle) == ((1, 2), (7, 9))


if __name__ == "__main__":
    SCHEMA_FILE.write_text(published(), encoding="utf-8")
