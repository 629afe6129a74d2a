"""What decided is said from the record alone, with digits that show on which side of a limit a value is."""

from __future__ import annotations

from typing import Any

import pytest

from evidence import CountResult, Defect, because, named, together


def defect(**other: Any) -> Defect:
    return Defect.model_validate({
        "view": "top", "class": "scratch", "severity": "major", "confidence": 0.934,
        "box_px": (1, 2, 3, 4), "box_mm": (1, 2, 3, 4), "size_mm": 1.4, "zone": "pads", "rule": "cat-3",
        "length_mm": 1.3163, "area_mm2": 0.21, "contrast": 31.0, **other,
    })  # fmt: skip


def limit(measure: str, low: float | None, high: float | None) -> dict[str, Any]:
    return {"measure": measure, "from": low, "to": high}


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"limits": [limit("length_mm", 0.5, None)]},
         "length 1.32 mm >= 0.5 mm, line cat-3, zone pads: major"),
        ({"limits": [limit("length_mm", 0.5, 2.0), limit("contrast", None, 40)]},
         "length 1.32 mm >= 0.5 mm and < 2 mm, contrast 31.0 codes < 40 codes, line cat-3, zone pads: major"),
        ({"limits": [], "severity": "allowed"}, "size 1.40 mm, line cat-3, zone pads: allowed"),
        ({}, "size 1.40 mm, line cat-3, zone pads: major"),
        ({"limits": [limit("length_mm", None, 1.32)]},
         "length 1.316 mm < 1.32 mm, line cat-3, zone pads: major"),
        ({"limits": [limit("delta_e", None, 2)], "delta_e": 1.99},
         "colour difference 1.99 Delta E < 2 Delta E, line cat-3, zone pads: major"),
        ({"severity": None, "rule": None},
         "no line decides this scratch of 1.40 mm, zone pads: held for a person"),
        ({"severity": None, "rule": None, "class": "unclassified", "confidence": None},
         "no line decides an unclassified deviation of 1.40 mm, zone pads: held for a person"),
        ({"severity": None, "rule": None, "class": "unclassified", "confidence": 0.413},
         "named with too little confidence (0.41), zone pads: held for a person"),
    ],
)  # fmt: skip
def test_why_a_defect_is_what_it_is(fields: dict[str, Any], said: str) -> None:
    assert because(defect(**fields)) == said


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({}, "confidence 0.93"),
        ({"second_class": "missing_material", "second_confidence": 0.05},
         "confidence 0.93; next missing material 0.05"),
        ({"named_by": "islands"}, "confidence 0.93; by the islands of conductor"),
        ({"confidence": None, "named_by": "comparison"}, ""),
    ],
)  # fmt: skip
def test_what_named_it(fields: dict[str, Any], said: str) -> None:
    assert named(defect(**fields)) == said


@pytest.mark.parametrize(
    ("near", "said"),
    [
        ({"within_mm": 10}, "4 deviations within 10 mm of one another (3 or more), rule C1: minor"),
        ({"within_area_mm2": 100}, "4 deviations within 100 mm2 (3 or more), rule C1: minor"),
        ({"closer_than_mm": 2}, "4 deviations less than 2 mm apart (3 or more), rule C1: minor"),
        ({}, "4 deviations (3 or more), rule C1: minor"),
        ({"at_least": None}, "4 deviations, rule C1: minor"),
    ],
)
def test_why_some_are_graver_together(near: dict[str, Any], said: str) -> None:
    met = {"rule": "C1", "count": 4, "severity": "minor", "at_least": 3, **near}
    assert together(CountResult.model_validate(met)) == said


def test_an_older_defect_is_written_as_it_was() -> None:
    old = {
        "view": "top", "class": "scratch", "severity": None, "confidence": None,
        "box_px": [1.0, 2.0, 3.0, 4.0], "box_mm": [1.0, 2.0, 3.0, 4.0], "size_mm": 1.0,
        "zone": "pads", "rule": None,
    }  # fmt: skip
    assert Defect.model_validate(old).model_dump(mode="json", by_alias=True) == old
