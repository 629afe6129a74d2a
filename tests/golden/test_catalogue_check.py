"""Catalogues as a whole: lines that never decide, and lines that contradict each other, are found."""

from __future__ import annotations

import itertools
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from golden.authoring import parse_spec
from golden.catalogue import DefectCatalogue, Measures
from golden.catalogue_check import faults, notes
from golden.errors import SpecInvalidError
from tests import builders

ZONES = ("pads", "rim")
Line = dict[str, Any]


def catalogue(*lines: Line, **other: Any) -> DefectCatalogue:
    rules = [{"id": f"L{i}", "defect_class": "stain", **line} for i, line in enumerate(lines)]
    return DefectCatalogue.model_validate({"rules": rules, "smallest_mm": 0.1, **other})


def faulty(*lines: Line) -> list[int]:
    return [fault.line for fault in faults(catalogue(*lines), ZONES)]


MINOR: Line = {"severity": "minor"}
MAJOR: Line = {"severity": "major"}


@pytest.mark.parametrize(
    ("lines", "unreached"),
    [
        ([MINOR, MINOR], [1]),
        ([MINOR, {**MAJOR, "from_mm": 2}], [1]),
        ([{**MAJOR, "from_mm": 2}, MINOR], []),
        ([{**MINOR, "defect_class": "any"}, MAJOR], [1]),
        ([MINOR, {**MAJOR, "defect_class": "any"}], []),  # there are other classes
        ([{**MINOR, "defect_class": "any"}, {**MAJOR, "defect_class": "unclassified"}], []),
        ([{**MINOR, "zone": "pads"}, {**MINOR, "zone": "rim"}, MAJOR], [2]),  # all zones are spoken for
        ([{**MINOR, "zone": "pads"}, MAJOR], []),
        ([{**MINOR, "to_mm": 2}, {**MINOR, "from_mm": 1}, {**MAJOR, "from_mm": 1.5, "to_mm": 3}], [2]),
        ([{**MINOR, "to_contrast": 20}, {**MAJOR, "to_mm": 2}], []),
        ([{**MINOR, "to_contrast": 20}, {**MINOR, "from_contrast": 20}, {**MAJOR, "to_mm": 2}], [2]),
        ([{**MAJOR, "to_mm": 1, "from_length_mm": 1}], [0]),  # longer than its longest extent
        ([{**MAJOR, "to_mm": 1, "from_area_mm2": 0.79}], [0]),  # a disk of 1 mm has 0.785 mm2
        ([{**MAJOR, "to_mm": 1, "from_area_mm2": 0.78}], []),
    ],
)
def test_a_line_that_never_decides_is_found(lines: list[Line], unreached: list[int]) -> None:
    assert faulty(*lines) == unreached


@pytest.mark.parametrize(
    ("lines", "milder"),
    [
        ([{**MAJOR, "to_mm": 2}, MINOR], [1]),
        ([{**MINOR, "to_mm": 2}, MAJOR], []),
        ([{**MAJOR, "to_area_mm2": 2}, MINOR], [1]),
        ([{**MAJOR, "to_mm": 2}, {**MINOR, "from_mm": 3}], []),  # between them the unit is held
        ([{**MAJOR, "to_mm": 2, "zone": "pads"}, {**MINOR, "zone": "rim"}], []),
        ([{**MAJOR, "to_mm": 2, "zone": "pads"}, MINOR], [1]),
        ([{**MAJOR, "to_mm": 2, "to_contrast": 9}, {**MINOR, "from_mm": 2, "from_contrast": 9}], []),
        ([{**MAJOR, "to_mm": 2, "to_contrast": 9}, {**MINOR, "from_mm": 2, "from_contrast": 8}], [1]),
        ([{**MAJOR, "to_mm": 2, "defect_class": "any"}, {**MINOR, "from_mm": 2}], [1]),
    ],
)
def test_a_line_by_which_more_is_milder_is_found(lines: list[Line], milder: list[int]) -> None:
    assert faulty(*lines) == milder


coordinate = st.one_of(st.none(), st.sampled_from([1.0, 2.0, 3.0]))
drawn = st.fixed_dictionaries(
    {
        "defect_class": st.sampled_from(["stain", "scratch", "any", "unclassified"]),
        "zone": st.sampled_from(["any", *ZONES]),
        "severity": st.sampled_from(["major", "minor"]),
        "from_mm": st.sampled_from([0.0, 1.0, 2.0]),
        "to_mm": st.sampled_from([None, 3.0, 4.0]),
        "from_contrast": st.sampled_from([None, 1.0, 2.0]),
        "to_contrast": st.sampled_from([None, 3.0, 4.0]),
    }
)


@given(st.lists(drawn, min_size=1, max_size=6))
def test_both_kinds_of_fault_are_those_that_trying_every_deviation_shows(lines: list[Line]) -> None:
    """Truth: `weigh` itself on a grid that has a point in each cell between limits."""
    written = catalogue(*lines)
    grid = [0.5, 1.5, 2.5, 3.5, 4.5]
    decided: dict[tuple[str, str, int, int], str] = {}
    cases = itertools.product(["stain", "scratch", "dent", "unclassified"], ZONES, range(5), range(5))
    for defect_class, zone, i, j in cases:
        line = written.weigh(defect_class, zone, Measures(grid[i], contrast=grid[j]))
        if line is not None:
            decided[defect_class, zone, i, j] = line.id
    severities = {line.id: line.severity for line in written.rules}
    wrong = {line.id for line in written.rules} - set(decided.values())
    for (defect_class, zone, i, j), line in decided.items():
        for further in ((defect_class, zone, i + 1, j), (defect_class, zone, i, j + 1)):
            other = decided.get(further)
            if other is not None and (severities[line], severities[other]) == ("major", "minor"):
                wrong.add(other)
    assert {written.rules[fault.line].id for fault in faults(written, ZONES)} == wrong


@pytest.mark.parametrize(
    ("lines", "other", "sentence"),
    [
        ([{"defect_class": "any", "to_mm": 1, "severity": "allowed"}, MAJOR], {},
         "can be allowed by line 'L0', read before 'L1'"),
        ([{"severity": "allowed", "to_mm": 1}, {**MAJOR, "zone": "pads"}], {}, "move 'L1' up"),
        ([{"to_mm": 0.1, "severity": "allowed"}, MINOR], {}, "line 'L0' is for sizes below 0.1 mm"),
        ([{"defect_class": "unclassified", "severity": "minor"}], {"rejects": ["critical"]},
         "lets pass what nobody has named"),
        ([{"from_mm": 2, "severity": "major"}], {},
         "no line weighs a 'stain' of size < 2 mm in zone pads, rim: it holds the unit"),
        ([{"from_contrast": 5, "severity": "major"}], {}, "of contrast < 5 codes in zone pads, rim"),
    ],
)  # fmt: skip
def test_what_may_not_be_meant_is_noted(lines: list[Line], other: dict[str, Any], sentence: str) -> None:
    written = catalogue(*lines, **other)
    assert faults(written, ZONES) == []
    assert any(sentence in note for note in notes(written, ZONES)), notes(written, ZONES)


@pytest.mark.parametrize(
    "lines",
    [
        [{"to_mm": 1, "severity": "allowed"}, {**MINOR}],
        [{"defect_class": "any", "to_mm": 1, "severity": "major"}, {**MINOR, "to_mm": 1, "zone": "pads"}],
        [{**MAJOR, "from_mm": 2}, {"defect_class": "any", "severity": "allowed"}],
    ],
)
def test_what_is_well_written_has_no_notes(lines: list[Line]) -> None:
    written = catalogue(*lines)
    assert [n for n in notes(written, ZONES) if "up if that is not meant" in n] == []


def test_a_specification_with_such_a_line_is_refused_with_its_place() -> None:
    fields = builders.tiny_fields()
    again = {"id": "again", "defect_class": "scratch", "from_mm": 5.0, "severity": "major"}
    fields["catalogue"]["rules"] += [{"id": "rest", "defect_class": "any", "severity": "minor"}, again]
    place = len(fields["catalogue"]["rules"]) - 1
    text = yaml.safe_dump(fields, sort_keys=False)
    number = text.splitlines().index("  - id: again") + 1
    sentence = (
        f"line {number}: catalogue.rules\\[{place}\\]: line 'again' never decides: .* by .*rest; move it up"
    )
    with pytest.raises(SpecInvalidError, match=sentence):
        parse_spec(text, "golden.yaml")
