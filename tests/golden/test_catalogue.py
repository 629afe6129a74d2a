"""Counting rules of the catalogue: what is counted, when it is enough, and how near is near."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from golden.catalogue import CountingRule, DefectCatalogue, DefectSeverity
from golden.spec import GoldenSpec
from tests.builders import tiny_fields


@dataclass(frozen=True)
class Spot:
    """A weighed deviation: a box of 0.2 mm around its place."""

    x: float = 1.0
    y: float = 1.0
    defect_class: str = "stain"
    severity: DefectSeverity | None = "allowed"
    zone: str = "front"
    view: str = "top"
    side: float = 0.2

    @property
    def box_mm(self) -> tuple[float, float, float, float]:
        return self.x - self.side / 2, self.y - self.side / 2, self.side, self.side


def rule(**other: Any) -> CountingRule:
    return CountingRule.model_validate({"id": "C1", "at_least": 3, "severity": "major", **other})


@pytest.mark.parametrize("count", [0, 1, 2])
def test_fewer_than_at_least_meet_nothing(count: int) -> None:
    assert rule().taking_part([Spot()] * count) == []


@pytest.mark.parametrize("count", [3, 4])
def test_at_least_so_many_take_part_in_the_order_given(count: int) -> None:
    spots = [Spot(x=30.0 - 10 * i) for i in range(count)]
    assert rule().taking_part(spots) == spots


@pytest.mark.parametrize(
    ("fields", "other", "counted"),
    [
        ({"classes": ["stain"]}, {"defect_class": "scratch"}, False),
        ({"classes": ["stain", "scratch"]}, {"defect_class": "scratch"}, True),
        ({}, {"defect_class": "scratch"}, True),
        ({}, {"defect_class": "unclassified"}, False),
        ({"classes": ["stain", "unclassified"]}, {"defect_class": "unclassified"}, True),
        ({"classes": ["unclassified", "any"]}, {"defect_class": "unclassified"}, True),
        ({"weighed": ["allowed"]}, {"severity": "minor"}, False),
        ({"weighed": ["allowed", "minor"]}, {"severity": "minor"}, True),
        ({}, {"severity": "critical"}, True),
        ({}, {"severity": None}, False),
        ({"zone": "front"}, {"zone": "back"}, False),
        ({"zone": "front"}, {}, True),
        ({}, {"zone": "back"}, True),
        ({}, {"view": "side"}, True),
    ],
)
def test_what_is_counted(fields: dict[str, Any], other: dict[str, Any], counted: bool) -> None:
    third = Spot(**other)
    expected = [Spot(), third, Spot()] if counted else []
    assert rule(**fields).taking_part([Spot(), third, Spot()]) == expected


@pytest.mark.parametrize(
    ("places", "taking"),
    [
        ([(0, 0), (-3, 4), (5, 0)], [0, 1, 2]),  # two at exactly 5 mm of the first
        ([(0, 0), (-3, 4.0001), (5, 0)], []),
        ([(0, 0), (5, 0), (10, 0)], [0, 1, 2]),  # a row: the one between has both near, the ends take part
        ([(0, 0), (5, 0), (10.0001, 0)], []),
        ([(0, 0), (1, 0), (20, 0), (21, 0)], []),  # two pairs are no three
        ([(0, 0), (40, 0), (1, 0), (2, 0)], [0, 2, 3]),  # the one far away does not
        ([(0, 0), (1, 0), (2, 0), (20, 0), (21, 0), (22, 0)], [0, 1, 2, 3, 4, 5]),  # two groups
        ([(0, 0), (1, 0), (2, 0), (7, 0), (12, 0)], [0, 1, 2, 3, 4]),  # 7 has 2 and 12 near
        ([(0, 0), (1, 0), (2, 0), (6.5, 0), (11.6, 0)], [0, 1, 2, 3]),  # 6.5 has only 2 near
        ([(0, 0), (0, 0), (0, 0)], [0, 1, 2]),
    ],
)
def test_near_is_centre_to_centre_and_inclusive(places: list[tuple[float, float]], taking: list[int]) -> None:
    spots = [Spot(x, y) for x, y in places]
    assert rule(within_mm=5.0).taking_part(spots) == [spots[i] for i in taking]


def test_the_distance_is_between_centres_whatever_the_size() -> None:
    assert len(rule(within_mm=5.0).taking_part([Spot(0, 0), Spot(5, 0, side=4.0), Spot(0, 5)])) == 3
    assert not rule(within_mm=5.0).taking_part([Spot(0, 0), Spot(6, 0, side=11.0), Spot(0, 5)])


def test_the_distance_is_that_of_the_recorded_digits() -> None:
    """1.1 - 1.0 is a little more than 0.1 in binary; the record says 0.1."""
    assert len(rule(at_least=2, within_mm=0.1).taking_part([Spot(1.0, 1.0), Spot(1.1, 1.0)])) == 2
    assert not rule(at_least=2, within_mm=0.1).taking_part([Spot(1.0, 1.0), Spot(1.1001, 1.0)])


def test_places_in_two_views_are_not_near_each_other() -> None:
    spots = [Spot(view="top"), Spot(view="top"), Spot(view="side")]
    assert not rule(within_mm=5.0).taking_part(spots)
    assert rule(within_mm=5.0).taking_part([*spots, Spot(view="top")]) == [*spots[:2], spots[0]]


def test_an_uncounted_deviation_between_brings_none_together() -> None:
    row = [Spot(0, 0), Spot(5, 0, severity=None), Spot(10, 0), Spot(10, 1)]
    assert not rule(within_mm=5.0).taking_part(row)


coordinates = st.integers(0, 12).map(float)
spots_of_any_kind = st.lists(
    st.builds(
        Spot, x=coordinates, y=coordinates, defect_class=st.sampled_from(["stain", "unclassified"]),
        severity=st.sampled_from(["minor", "allowed", None]), view=st.sampled_from(["top", "side"]),
    ),
    max_size=9,
)  # fmt: skip


@given(spots_of_any_kind, st.integers(2, 4), st.sampled_from([None, 1, 2, 5]), st.randoms())
def test_counting_by_its_definition_and_in_any_order(
    spots: list[Spot], at_least: int, within: int | None, random: Any
) -> None:
    """Truth: every group of at_least around one of them, enumerated; whole millimetres, so exact."""
    counted = [s for s in spots if s.severity is not None and s.defect_class == "stain"]
    expected: set[int] = set()
    for group in itertools.combinations(range(len(counted)), at_least):
        if any(
            within is None
            or all(
                counted[a].view == counted[b].view
                and (counted[a].x - counted[b].x) ** 2 + (counted[a].y - counted[b].y) ** 2 <= within**2
                for b in group
            )
            for a in group
        ):
            expected.update(group)
    written = rule(at_least=at_least, within_mm=within)
    assert written.taking_part(spots) == [counted[i] for i in sorted(expected)]
    mixed = random.sample(spots, len(spots))
    assert sorted(map(repr, written.taking_part(mixed))) == sorted(map(repr, written.taking_part(spots)))


@given(spots_of_any_kind, spots_of_any_kind)
def test_more_deviations_never_unmake_a_count(spots: list[Spot], more: list[Spot]) -> None:
    written = rule(at_least=2, within_mm=2)
    assert len(written.taking_part(spots + more)) >= len(written.taking_part(spots))


def catalogue(*counts: dict[str, Any], **other: Any) -> dict[str, Any]:
    lines = [
        {"id": "R1", "defect_class": "stain", "zone": "front", "to_mm": 1.0, "severity": "allowed"},
        {"id": "R2", "defect_class": "any", "severity": "minor"},
    ]
    return {"rules": lines, "smallest_mm": 0.1, "counts": counts, **other}


C1: dict[str, Any] = {"id": "C1", "at_least": 3, "severity": "major"}


def test_each_rule_that_is_met_applies_in_the_catalogues_order_and_none_counts_another() -> None:
    minors = {**C1, "id": "C2", "weighed": ["minor"], "at_least": 2, "severity": "major"}
    majors = {**C1, "id": "C0", "weighed": ["major"], "at_least": 2, "severity": "critical"}
    written = DefectCatalogue.model_validate(
        catalogue(
            {**C1, "weighed": ["allowed"], "severity": "minor"}, minors, majors,
            rules=[*catalogue()["rules"], {"id": "R3", "defect_class": "open", "severity": "major"}],
        )
    )  # fmt: skip
    spots = [Spot()] * 3 + [Spot(severity="minor", defect_class="scratch")] * 2
    assert [(r.id, len(part)) for r, part in written.counted(spots)] == [("C1", 3), ("C2", 2)]
    assert written.counted(spots[:2]) == []


def test_a_catalogue_without_counting_rules_counts_nothing() -> None:
    assert DefectCatalogue.model_validate(catalogue()).counted([Spot()] * 50) == []


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"at_least": 1}, "greater than or equal to 2"),
        ({"within_mm": 0}, "greater than 0"),
        ({"classes": []}, "at least 1 item"),
        ({"weighed": []}, "at least 1 item"),
        ({"severity": "allowed"}, "'critical', 'major' or 'minor'"),
        ({"severity": "minor", "weighed": ["minor"]}, "not graver than what is counted, minor"),
        ({"severity": "minor", "weighed": ["major", "critical"]}, "major or critical"),
        ({"classes": ["stain", "unclassified"]}, r"counts\[0\].classes: no line weighs 'unclassified'"),
        ({"weighed": ["critical"], "severity": "critical"}, "not graver"),
        (
            {"classes": ["scratch"], "weighed": ["allowed"]},
            "no line weighs 'scratch' so that rule 'C1' could",
        ),
        ({"weighed": ["allowed"], "zone": "back"}, "no line weighs 'any'"),
        ({"surprise": 1}, "Extra inputs"),
    ],
)
def test_a_counting_rule_that_makes_no_sense_is_refused(change: dict[str, Any], sentence: str) -> None:
    with pytest.raises(ValidationError, match=sentence):
        DefectCatalogue.model_validate(catalogue({**C1, **change}))


@pytest.mark.parametrize(
    "change",
    [
        {},
        {"classes": ["stain"], "weighed": ["allowed"], "zone": "front"},
        {"weighed": ["minor", "critical"]},
        {"classes": ["scratch"], "zone": "back"},
        {"severity": "minor", "weighed": ["minor", "allowed"]},
    ],
)
def test_a_counting_rule_that_a_line_can_feed_is_accepted(change: dict[str, Any]) -> None:
    DefectCatalogue.model_validate(catalogue({**C1, **change}))


def test_a_misspelt_class_is_refused_where_only_named_classes_are_weighed() -> None:
    lines = [{"id": "R1", "defect_class": "stain", "severity": "minor"}]
    with pytest.raises(ValidationError, match="no line weighs 'stian'"):
        DefectCatalogue.model_validate(catalogue({**C1, "classes": ["stain", "stian"]}, rules=lines))
    unnamed = [{"id": "R1", "defect_class": "unclassified", "severity": "minor"}]
    with pytest.raises(ValidationError, match="no line weighs 'any'"):
        DefectCatalogue.model_validate(catalogue(C1, rules=unnamed))
    DefectCatalogue.model_validate(catalogue({**C1, "classes": ["unclassified"]}, rules=unnamed))


@pytest.mark.parametrize(
    ("counts", "sentence"),
    [
        ([{**C1, "zone": "back"}], r"catalogue.counts\[0\].zone: no zone 'back'"),
        ([C1, C1], "counts.id: 'C1' occurs twice"),
        ([{**C1, "id": "speck"}], "counts.id: 'speck' occurs twice"),
    ],
)
def test_a_counting_rules_name_and_zone_are_checked_in_the_specification(
    counts: list[dict[str, Any]], sentence: str
) -> None:
    fields = tiny_fields()
    fields["catalogue"]["counts"] = counts
    with pytest.raises(ValidationError, match=sentence):
        GoldenSpec.model_validate(fields)
