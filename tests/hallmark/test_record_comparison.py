"""What makes a recomputed record another than the stored one, and what an older release did not tell."""

from __future__ import annotations

from typing import Any

import pytest

from evidence import Defect, Inspection, complete
from evidence.inspection import CountResult, digest_of
from hallmark.record_comparison import TOLD_BESIDE, compare, first_difference


def test_first_difference_follows_the_record() -> None:
    assert first_difference({"a": [1, {"b": 2}]}, {"a": [1, {"b": 2}]}) is None
    assert first_difference({"a": [1, {"b": 2}]}, {"a": [1, {"b": 3}]}) == ("a[1].b", 2, 3)
    assert first_difference({"a": [1]}, {"a": [1, 2]}) == ("a", "1 items", "2 items")
    assert first_difference({"a": 1}, {}) == ("a", 1, None)
    assert first_difference(1, 1.0) == ("", 1, 1.0)
    assert first_difference(True, 1) == ("", True, 1)


def blemished(**other: Any) -> Inspection:
    """Return a record with one defect and one counting rule that is met."""
    digest = "sha256:" + "1" * 64
    defect = {
        "view": "top", "class": "speck", "severity": "minor", "confidence": None, "box_px": (1, 2, 3, 4),
        "box_mm": (1, 2, 3, 4), "size_mm": 1.0, "zone": "face", "rule": "R",
    }  # fmt: skip
    beside = {
        "length_mm": 0.9, "area_mm2": 0.5, "contrast": 12.0, "delta_e": 3.0, "zones": ("face",),
        "limits": (), "named_by": "comparison", "score": 0.9, "second_class": "stain",
        "second_confidence": 0.1,
    }  # fmt: skip
    count = {"rule": "C", "count": 2, "severity": "minor"}
    fields: dict[str, Any] = {
        "part": "P", "revision": "A", "serial": "S", "lot": None, "station": None, "sequence": 1,
        "golden": {"digest": digest, "version": 1}, "model": None, "frames": (), "characteristics": (),
        "defects": ({**defect, **beside},), "verdict": "REJECT", "reasons": ("surface_rejected",),
        "versions": {"hallmark": "1"}, "counts": ({**count, "at_least": 2, "within_mm": 3.0},), **other,
    }  # fmt: skip
    return complete(fields)


def without(record: Inspection, part: str, *names: str, **changed: Any) -> Inspection:
    """Return a record whose items of a part lack fields, `changed` in their place, under its own digest."""
    fields = record.record()
    fields[part] = [{k: v for k, v in item.items() if k not in names} | changed for item in fields[part]]
    return Inspection.model_validate(fields | {"digest": digest_of(fields)})


def test_what_is_told_beside_is_all_that_records_may_leave_out_and_decides_nothing() -> None:
    for part, model in (("defects", Defect), ("counts", CountResult)):
        stated = {name for name, field in model.model_fields.items() if field.exclude_if is not None}
        assert set(TOLD_BESIDE[part]) == stated


@pytest.mark.parametrize(
    ("part", "name", "other"),
    [
        ("defects", "length_mm", 0.8), ("defects", "zones", ["other"]), ("defects", "named_by", "detector"),
        ("defects", "score", 0.8), ("counts", "at_least", 3), ("counts", "within_mm", 4.0),
    ],
)  # fmt: skip
def test_what_an_older_release_did_not_tell_is_left_out_and_what_it_told_is_compared(
    part: str, name: str, other: Any
) -> None:
    now = blemished()
    older = compare(1, without(now, part, name), now)
    assert (older.outcome, older.field, older.stored) == (
        "agrees_otherwise_versioned", f"{part}[0].{name}", None,
    )  # fmt: skip
    told = compare(1, without(now, part, name, **{name: other}), now)
    assert told.outcome == "disagrees"
    assert (told.field or "").startswith(f"{part}[0].{name}")
    more = compare(1, now, without(now, part, name))  # what was told must come out again
    assert (more.outcome, more.field, more.recomputed) == ("disagrees", f"{part}[0].{name}", None)


@pytest.mark.parametrize(
    ("name", "other"),
    [
        ("class", "stain"), ("severity", "major"), ("confidence", 0.5), ("size_mm", 1.1), ("zone", "back"),
        ("rule", "Q"), ("box_mm", [1.0, 2.0, 3.0, 5.0]), ("box_px", [1.0, 2.0, 3.0, 5.0]), ("view", "bottom"),
    ],
)  # fmt: skip
def test_what_decides_is_compared_with_records_of_an_older_release_too(name: str, other: Any) -> None:
    now = blemished()
    found = compare(1, without(now, "defects", *TOLD_BESIDE["defects"], **{name: other}), now)
    assert found.outcome == "disagrees"
    assert (found.field or "").startswith(f"defects[0].{name}")


def test_other_verdicts_counts_and_numbers_of_defects_disagree_with_an_older_record_too() -> None:
    now = blemished()
    older = without(now, "defects", *TOLD_BESIDE["defects"])
    for part, change in (("counts", {"severity": "major"}), ("counts", {"count": 3})):
        assert compare(1, without(older, part, **change), now).outcome == "disagrees"
    for fields in ({"defects": []}, {"verdict": "HOLD", "reasons": ["surface_unclassified"]}):
        altered = older.record() | fields
        altered["digest"] = digest_of(altered)
        assert compare(1, Inspection.model_validate(altered), now).outcome == "disagrees"
    assert compare(1, older, blemished(versions={"hallmark": "2"})).field == "versions.hallmark"
