"""Density and spacing: counting rules for deviations in any circle of an area, or closer than a distance."""

from __future__ import annotations

import itertools
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from tests.golden.test_catalogue import Spot, rule

AREA = math.pi * 25  # a circle of 5 mm radius


def smallest_circle(points: list[tuple[float, float]]) -> float:
    """Return the radius of the smallest circle that holds all points: through two or three of them."""
    best = math.inf
    centres = [((a[0] + b[0]) / 2, (a[1] + b[1]) / 2) for a, b in itertools.combinations(points, 2)]
    for (ax, ay), (bx, by), (cx, cy) in itertools.combinations(points, 3):
        d = 2 * (ax * (by - cy) + bx * (cy - ay) + cx * (ay - by))
        if abs(d) > 1e-9:
            a, b, c = ax**2 + ay**2, bx**2 + by**2, cx**2 + cy**2
            centres.append(
                ((a * (by - cy) + b * (cy - ay) + c * (ay - by)) / d,
                 (a * (cx - bx) + b * (ax - cx) + c * (bx - ax)) / d)
            )  # fmt: skip
    for centre in [*centres, *points[:1]]:
        best = min(best, max(math.dist(centre, p) for p in points))
    return best


@pytest.mark.parametrize(
    ("places", "taking"),
    [
        ([(0, 0), (10, 0), (5, 5)], [0, 1, 2]),  # on the rim of the circle about (5, 0)
        ([(0, 0), (10.001, 0), (5, 0)], []),
        ([(0, 0), (4, 0), (30, 0), (8, 0)], [0, 1, 3]),
        ([(0, 0), (0, 0), (0, 0)], [0, 1, 2]),
        ([(0, 0), (5, 0), (10, 0), (15, 0)], [0, 1, 2, 3]),  # two circles share the two between
        ([(0, 0), (9, 0), (18, 0)], []),
        ([(0, 0), (9, 0), (4.5, 7.7942)], []),  # each pair fits, the circle round the triangle is 5.196 mm
    ],
)
def test_those_take_part_that_one_circle_of_the_area_holds(
    places: list[tuple[float, float]], taking: list[int]
) -> None:
    spots = [Spot(x, y) for x, y in places]
    assert rule(within_area_mm2=AREA).taking_part(spots) == [spots[i] for i in taking]


def test_circles_lie_in_one_view() -> None:
    spots = [Spot(), Spot(), Spot(view="side")]
    assert rule(within_area_mm2=AREA).taking_part(spots) == []
    assert rule(within_area_mm2=AREA, at_least=2).taking_part(spots) == spots[:2]


places = st.lists(
    st.builds(Spot, x=st.integers(0, 12).map(float), y=st.integers(0, 12).map(float)), max_size=8
)


@given(places, st.integers(2, 4), st.sampled_from([1.0, 2.0, 3.3, 5.0]))
def test_density_by_its_definition(spots: list[Spot], at_least: int, radius: float) -> None:
    """Truth: every group of at_least whose smallest enclosing circle is no larger."""
    expected: set[int] = set()
    for group in itertools.combinations(range(len(spots)), at_least):
        if smallest_circle([(spots[i].x, spots[i].y) for i in group]) <= radius + 1e-5:
            expected.update(group)
    found = rule(within_area_mm2=math.pi * radius**2, at_least=at_least).taking_part(spots)
    assert found == [spots[i] for i in sorted(expected)]


def test_many_in_one_place_are_counted_in_time() -> None:
    crowd = [Spot(0.01 * (i % 20), 0.01 * (i // 20)) for i in range(400)]
    assert len(rule(within_area_mm2=AREA).taking_part(crowd)) == 400


@pytest.mark.parametrize(
    ("gap", "taking"),
    [(1.9999, 2), (2.0, 0), (0.0, 2), (-0.1, 2)],
    ids=["near", "spaced", "touch", "overlap"],
)
def test_spacing_is_what_is_free_between_boxes_and_the_least_is_allowed(gap: float, taking: int) -> None:
    pair = [Spot(0, 0, side=0.4), Spot(0.4 + gap, 0, side=0.4)]
    assert len(rule(at_least=2, closer_than_mm=2.0).taking_part(pair)) == taking


def test_spacing_across_a_corner_is_its_diagonal() -> None:
    spots = [Spot(0, 0, side=2.0), Spot(5, 6, side=2.0)]  # 3 and 4 mm free
    assert rule(at_least=2, closer_than_mm=5.01).taking_part(spots) == spots
    assert not rule(at_least=2, closer_than_mm=5.0).taking_part(spots)
    assert not rule(at_least=2, closer_than_mm=5.01).taking_part(
        [spots[0], Spot(5, 6, side=2.0, view="side")]
    )


@pytest.mark.parametrize(
    "ways", [{"within_mm": 1, "within_area_mm2": 1}, {"within_mm": 1, "closer_than_mm": 1}]
)
def test_a_rule_says_in_one_way_what_is_near(ways: dict[str, float]) -> None:
    with pytest.raises(ValidationError, match="a rule says in one way what is near"):
        rule(**ways)
