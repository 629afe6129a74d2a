"""Lines with limits on length, area, contrast and colour, and what is held because it is not known."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from golden.catalogue import MEASURES, DefectCatalogue, DefectRule, Measures
from golden.digests import canonical_json


def catalogue(*lines: dict[str, Any], **other: Any) -> DefectCatalogue:
    rules = [{"id": f"L{i}", "defect_class": "stain", **line} for i, line in enumerate(lines)]
    return DefectCatalogue.model_validate({"rules": rules, "smallest_mm": 0.1, **other})


def line_of(written: DefectCatalogue, measures: Measures, **other: Any) -> str | None:
    found = written.weigh("stain", "pads", measures, **other)
    return None if found is None else found.id


@pytest.mark.parametrize(
    ("field", "measure"),
    [("mm", "size_mm"), ("length_mm", "length_mm"), ("area_mm2", "area_mm2"), ("contrast", "contrast"),
     ("delta_e", "delta_e")],
)  # fmt: skip
def test_from_is_inclusive_and_to_exclusive_of_every_measure(field: str, measure: str) -> None:
    written = catalogue(
        {f"from_{field}": 2.0, f"to_{field}": 4.0, "severity": "minor"},
        {f"from_{field}": 4.0, "severity": "major"},
    )
    known = Measures(1.0, 1.0, 1.0, 1.0, 1.0)
    expected = {1.9999: None, 2.0: "L0", 3.9999: "L0", 4.0: "L1"}
    assert {v: line_of(written, replace(known, **{measure: v})) for v in expected} == expected


def test_all_limits_of_a_line_must_hold() -> None:
    written = catalogue(
        {"from_length_mm": 2.0, "to_contrast": 20, "severity": "allowed"}, {"severity": "minor"}
    )
    assert line_of(written, Measures(3, length_mm=2.5, contrast=10)) == "L0"
    assert line_of(written, Measures(3, length_mm=1.5, contrast=10)) == "L1"
    assert line_of(written, Measures(3, length_mm=2.5, contrast=20)) == "L1"


def test_a_faint_stain_is_allowed_below_its_delta_e() -> None:
    written = catalogue({"to_delta_e": 2.0, "severity": "allowed"}, {"severity": "minor"})
    assert line_of(written, Measures(3, delta_e=1.99)) == "L0"
    assert line_of(written, Measures(3, delta_e=2.0)) == "L1"


def test_what_a_line_asks_and_is_not_known_holds_and_is_not_passed_on() -> None:
    written = catalogue({"from_contrast": 20, "severity": "major"}, {"severity": "allowed"})
    assert line_of(written, Measures(3)) is None
    assert line_of(written, Measures(3, contrast=19.9)) == "L1"
    decided = catalogue({"from_contrast": 20, "from_mm": 5, "severity": "major"}, {"severity": "allowed"})
    assert line_of(decided, Measures(3)) == "L1"  # the size alone says that the first does not hold


def test_what_a_classifier_did_not_name_no_line_lets_pass() -> None:
    lines = {"defect_class": "unclassified", "to_mm": 1.0, "severity": "allowed"}
    written = catalogue(lines, {"defect_class": "unclassified", "severity": "major"})
    assert written.weigh("unclassified", "pads", Measures(0.5), asked=True) is None
    assert written.weigh("unclassified", "pads", Measures(0.5)) == written.rules[0]
    assert written.weigh("unclassified", "pads", Measures(1.0), asked=True) == written.rules[1]
    passing = written.model_copy(update={"rejects": ("critical",)})
    assert passing.weigh("unclassified", "pads", Measures(1.0), asked=True) is None
    named = catalogue({"defect_class": "any", "severity": "allowed"})
    assert named.weigh("stain", "pads", Measures(1.0), asked=True) == named.rules[0]
    assert named.weigh("unclassified", "pads", Measures(1.0)) is None


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"from_area_mm2": 2.0, "to_area_mm2": 2.0}, "to_area_mm2 2 must be above from_area_mm2 2"),
        ({"from_contrast": 9.0, "to_contrast": 3.0}, "to_contrast 3 must be above from_contrast 9"),
        ({"from_mm": 3.0, "to_mm": 2.0}, "to_mm 2 must be above from_mm 3"),
        ({"from_length_mm": -1.0}, "greater than or equal to 0"),
        ({"to_delta_e": 0.0}, "greater than 0"),
    ],
)
def test_limits_that_leave_nothing_are_refused(change: dict[str, Any], sentence: str) -> None:
    with pytest.raises(ValidationError, match=sentence):
        catalogue({"severity": "minor", **change})


def test_a_line_without_the_new_limits_is_written_as_before() -> None:
    line = DefectRule(id="R", defect_class="stain", severity="minor")
    assert canonical_json(line.model_dump(mode="json")) == (
        b'{"defect_class":"stain","description":"","from_mm":0.0,"id":"R","severity":"minor","to_mm":null,'
        b'"zone":"any"}'
    )


limit = st.one_of(st.none(), st.sampled_from([1.0, 2.0, 3.0]))
lines = st.fixed_dictionaries(
    {
        "defect_class": st.sampled_from(["stain", "any", "unclassified"]),
        "zone": st.sampled_from(["any", "pads", "rim"]),
        "severity": st.sampled_from(["critical", "major", "minor", "allowed"]),
        **{f"from_{m}": limit for m in ("length_mm", "area_mm2", "contrast", "delta_e")},
    }
)
rejects = st.sampled_from([("critical",), ("critical", "major"), ("critical", "major", "minor")])
value = st.sampled_from([0.5, 1.0, 2.5, 3.0])
zones = st.lists(st.sampled_from(["pads", "rim", "back"]), min_size=1, max_size=3, unique=True)


@given(st.lists(lines, min_size=1, max_size=6), rejects, zones, st.data())
def test_no_unknown_makes_a_deviation_pass(
    written: list[dict[str, Any]], rejecting: tuple[str, ...], where: list[str], data: st.DataObject
) -> None:
    """What is decided in spite of unknowns would be decided the same whatever they were; else it is held."""
    whole = Measures(*(data.draw(value) for _ in MEASURES))
    hidden = data.draw(st.sets(st.sampled_from(MEASURES[1:])))
    book = catalogue(*written, rejects=rejecting)
    blind = replace(whole, **dict.fromkeys(hidden))
    defect_class = data.draw(st.sampled_from(["stain", "whisker", "unclassified"]))
    asked = data.draw(st.booleans())
    for zone in where:
        line = book.weigh(defect_class, zone, blind, asked=asked)
        if line is not None:
            assert line == book.weigh(defect_class, zone, whole, asked=asked)
        if asked and defect_class == "unclassified" and line is not None:
            assert line.severity in book.rejects
        if defect_class == "whisker" and line is not None:
            assert line.defect_class == "any"
    _, gravest = book.weigh_in(defect_class, where, blind, asked=asked)
    each = [book.weigh(defect_class, zone, blind, asked=asked) for zone in where]
    if any(
        line is None for line in each
    ):  # an unknown in one zone is not outweighed by what passes in others
        assert gravest is None or gravest.severity in book.rejects


@pytest.mark.parametrize(
    ("measures", "written"),
    [
        (Measures(1.00005, 2.00004, 3.0000049, 4.06, 5.006), Measures(1.0001, 2.0, 3.0, 4.1, 5.01)),
        (Measures(1.5), Measures(1.5)),
    ],
)
def test_lines_weigh_the_digits_that_are_recorded(measures: Measures, written: Measures) -> None:
    assert measures.rounded() == written
