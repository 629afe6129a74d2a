"""Balloons never lie over each other or the picture, and their leaders do not cross."""

import itertools
import math

from hypothesis import given, settings
from hypothesis import strategies as st

from hallmark.report.balloons import columns, margin, place, ring

WIDTH, HEIGHT, RADIUS = 1663.0, 1888.0, 41.0

Point = tuple[float, float]
anchors = st.lists(
    st.tuples(st.integers(0, 1662), st.integers(0, 1887)).map(lambda p: (float(p[0]), float(p[1]))),
    max_size=40,
    unique=True,
)


def side(a: Point, b: Point, c: Point) -> float:
    return (b[0] - a[0]) * (c[1] - a[1]) - (b[1] - a[1]) * (c[0] - a[0])


def cross(p: Point, q: Point, r: Point, s: Point) -> bool:
    """Whether two segments cross properly, well clear of touching."""
    d = [side(p, q, r), side(p, q, s), side(r, s, p), side(r, s, q)]
    return min(map(abs, d)) > 1e-3 and d[0] * d[1] < 0 and d[2] * d[3] < 0


@given(anchors)
@settings(max_examples=60)
def test_apart_outside_and_uncrossed(points: list[Point]) -> None:
    slots = ring(len(points), WIDTH, HEIGHT, RADIUS)
    centers = place(points, slots)
    assert len(centers) == len(points)
    reach = margin(slots, WIDTH, HEIGHT, RADIUS)
    for x, y in centers:
        beyond = max(-x, -y, x - WIDTH, y - HEIGHT)
        assert beyond >= RADIUS, "a balloon lies over the picture"
        assert beyond + RADIUS <= reach, "a balloon lies outside the drawing"
    leaders = list(zip(points, centers, strict=True))
    for (p, q), (r, s) in itertools.combinations(leaders, 2):
        assert math.dist(q, s) >= 2.2 * RADIUS
        assert not cross(p, q, r, s)


@given(st.integers(60, 400), st.floats(30, 3000), st.floats(30, 3000))
@settings(max_examples=10)
def test_more_than_one_ring_holds(count: int, width: float, height: float) -> None:
    points = [(width * ((i * 0.618) % 1), height * ((i * 0.414) % 1)) for i in range(count)]
    centers = place(points, ring(count, width, height, RADIUS))
    for a, b in itertools.combinations(centers, 2):
        assert math.dist(a, b) >= 2.2 * RADIUS


def test_nothing_to_place() -> None:
    assert place([], []) == []


def test_everything_at_one_point_still_gets_its_own_balloon() -> None:
    centers = place([(800.0, 900.0)] * 30, ring(30, WIDTH, HEIGHT, RADIUS))
    assert len(set(centers)) == 30


@given(anchors)
@settings(max_examples=40)
def test_labels_stand_beside_the_picture_apart_and_uncrossed(points: list[Point]) -> None:
    gap, spacing = 50.0, 130.0
    starts = place(points, columns(len(points), WIDTH, HEIGHT, gap, spacing))
    assert {x for x, _ in starts} <= {-gap, WIDTH + gap}
    for (p, q), (r, s) in itertools.combinations(zip(points, starts, strict=True), 2):
        assert q[0] != s[0] or abs(q[1] - s[1]) > spacing * 0.999
        assert not cross(p, q, r, s)
