"""Zones, envelopes and local sizes against brute force, and their noise against simulation."""

from __future__ import annotations

import itertools
import math
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import minimize
from scipy.spatial import ConvexHull

from calibration.plane_map import ScaleMap
from tests.golden.test_features import CIRCLE, LINE, UPRIGHT, dimension
from tests.vision import fitted
from vision.dimension import Value, evaluate, extremes
from vision.edges.association import Associated, NotMeasured

F64 = npt.NDArray[np.float64]
PLANE = ScaleMap(0.02)
WIDTH = {"type": "edge_width", "start_px": [20, 50], "end_px": [40, 50], "band_px": 9, "inside": "dark"}


def measured(feature: dict[str, Any], *edges: Associated, **fields: Any) -> Value:
    limits = {"nominal": 0, "lower": None} if "upper" not in fields else {}
    value = evaluate(dimension(feature, **limits, **fields), edges, PLANE)
    assert isinstance(value, Value)
    return value


def size(feature: dict[str, Any], *edges: Associated, **fields: Any) -> Value:
    return measured(feature, *edges, **{"nominal": 10, "lower": 9.9, "upper": 10.1, **fields})


@pytest.fixture
def _noiseless(monkeypatch: pytest.MonkeyPatch) -> None:
    """Take nothing off for noise: what remains is the extreme of the points as they are."""
    monkeypatch.setattr(extremes, "_noise", lambda _: (0.0, 0.0, math.inf))


def rough_ring(seed: int, count: int = 40) -> F64:
    rng = np.random.default_rng(seed)
    return fitted.ring(3, -2, 5 + 0.2 * rng.normal(size=count), count, start=rng.uniform(0, 1))


def circles_through(points: F64) -> list[tuple[F64, float]]:
    """Return every circle on two points as a diameter, and through three points."""
    found: list[tuple[F64, float]] = []
    for a, b in itertools.combinations(points, 2):
        found.append(((a + b) / 2, math.dist(a, b) / 2))
    for a, b, c in itertools.combinations(points, 3):
        m = 2 * np.array([b - a, c - a])
        if abs(np.linalg.det(m)) > 1e-9:
            centre = np.linalg.solve(m, [b @ b - a @ a, c @ c - a @ a])
            found.append((centre, math.dist(centre, a)))
    return found


@pytest.mark.usefixtures("_noiseless")
@pytest.mark.parametrize("seed", range(3))
def test_envelopes_of_a_circle_are_those_of_all_triples(seed: int) -> None:
    points = rough_ring(seed, 24)
    edge = fitted.circle(points)
    around, within = [], []
    for centre, radius in circles_through(points):
        distance = np.hypot(*(points - centre).T)
        if distance.max() <= radius + 1e-9:
            around.append(2 * radius)
        if distance.min() >= radius - 1e-9 and math.dist(centre, edge.parameters[:2]) < 2.5:
            within.append(2 * radius)
    circle = {"type": "circle_diameter", "circle": CIRCLE}
    gn = size(circle, edge, association="minimum_circumscribed")
    gx = size(circle, edge, association="maximum_inscribed")
    assert gn.value == pytest.approx(min(around), abs=1e-6)
    assert gx.value == pytest.approx(max(within), abs=1e-8)


@pytest.mark.usefixtures("_noiseless")
@pytest.mark.parametrize("seed", range(4))
def test_roundness_is_the_least_of_all_centres(seed: int) -> None:
    points = rough_ring(seed)
    edge = fitted.circle(points)

    def zone(centre: Any) -> float:
        return float(np.ptp(np.hypot(*(points - centre).T)))

    roundness = {"type": "roundness", "circle": CIRCLE}
    value = measured(roundness, edge).value
    starts = [edge.parameters[:2] + 0.05 * np.array(d) for d in itertools.product((-1, 0, 1), repeat=2)]
    options = {"xatol": 1e-10, "fatol": 1e-12, "maxiter": 4000}
    best = min(minimize(zone, s, method="Nelder-Mead", options=options).fun for s in starts)
    assert value == pytest.approx(best, abs=1e-6)
    assert value <= best + 1e-9
    about_fit = measured(roundness, edge, association="least_squares").value
    assert about_fit == pytest.approx(zone(edge.parameters[:2]), abs=1e-12)


@pytest.mark.usefixtures("_noiseless")
@pytest.mark.parametrize("seed", range(4))
def test_straightness_is_the_width_of_the_hull(seed: int) -> None:
    """Truth: the narrowest strip that holds points lies along an edge of their convex hull."""
    rng = np.random.default_rng(seed)
    points = fitted.straight((1, 2), (9, 5), 50, 0.1 * rng.normal(size=50))
    hull = points[ConvexHull(points).vertices]
    widths = []
    for a, b in zip(hull, np.roll(hull, -1, axis=0), strict=True):
        n = np.array([a[1] - b[1], b[0] - a[0]]) / math.dist(a, b)
        widths.append(np.ptp(points @ n))
    value = measured({"type": "straightness", "line": LINE}, fitted.line(points))
    assert value.value == pytest.approx(min(widths), abs=1e-10)
    free = measured({"type": "line_profile", "line": LINE}, fitted.line(points))
    assert free.value == value.value


@pytest.mark.usefixtures("_noiseless")
@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("swapped", [False, True])
def test_pairs_of_parallel_lines_are_the_best_of_all_directions(seed: int, swapped: bool) -> None:
    rng = np.random.default_rng(seed)
    low = fitted.straight((0, 0), (0.5, 20), 30, 0.1 * rng.normal(size=30))
    high = fitted.straight((10, 0), (10.5, 20), 30, 0.1 * rng.normal(size=30))
    angles = np.linspace(-0.05, 0.05, 200_001)
    n = np.column_stack((np.cos(angles), -np.sin(angles)))
    inside = np.min(n @ high.T, axis=1) - np.max(n @ low.T, axis=1)
    outside = np.max(n @ high.T, axis=1) - np.min(n @ low.T, axis=1)
    edges = [fitted.line(low), fitted.line(high[::-1] if swapped else high)]
    edges = edges[::-1] if swapped else edges
    gx = size(WIDTH, *edges, association="maximum_inscribed").value
    gn = size(WIDTH, *edges, association="minimum_circumscribed").value
    assert gx == pytest.approx(inside.max(), abs=1e-5)
    assert gn == pytest.approx(outside.min(), abs=1e-5)
    assert gx >= inside.max() - 1e-12
    assert gn <= outside.min() + 1e-12


@pytest.mark.usefixtures("_noiseless")
def test_two_point_sizes_are_the_chords_through_the_centre() -> None:
    """Truth: r = 5 + 0.1 cos 2t has chords of 10.2 to 9.8; with three lobes all are 10."""
    t = 2 * math.pi * np.arange(120) / 120
    circle = {"type": "circle_diameter", "circle": CIRCLE}
    oval = fitted.circle(fitted.ring(3, 4, 5 + 0.1 * np.cos(2 * t), 120))
    two = {"association": "two_point"}
    assert size(circle, oval, rank="maximum", **two).value == pytest.approx(10.2, abs=1e-6)
    assert size(circle, oval, rank="minimum", **two).value == pytest.approx(9.8, abs=1e-6)
    assert size(circle, oval, rank="average", **two).value == pytest.approx(10.0, abs=1e-6)
    assert size(circle, oval, lower=9.5, upper=10.3, **two).value == pytest.approx(10.2, abs=1e-6)
    assert size(circle, oval, lower=9.7, upper=10.5, **two).value == pytest.approx(9.8, abs=1e-6)
    assert size(circle, oval, lower=None, upper=11, **two).value == pytest.approx(10.2, abs=1e-6)
    lobed = fitted.circle(fitted.ring(3, 4, 5 + 0.1 * np.cos(3 * t), 120))
    assert size(circle, lobed, rank="maximum", **two).value == pytest.approx(10.0, abs=1e-3)
    assert measured({"type": "roundness", "circle": CIRCLE}, lobed).value == pytest.approx(0.2, abs=1e-4)


@pytest.mark.usefixtures("_noiseless")
def test_two_point_widths_of_a_barrel() -> None:
    t = np.linspace(-1, 1, 41)
    low = fitted.line(fitted.straight((0, 0), (0, 20), 41, -0.05 * t**2))
    high = fitted.line(fitted.straight((10, 0), (10, 20), 41, 0.05 * t**2))
    two = {"association": "two_point"}
    # left of a way down the picture is to the right: the edges come nearer to each other at their ends
    assert size(WIDTH, low, high, rank="maximum", **two).value == pytest.approx(10.1, abs=1e-9)
    assert size(WIDTH, low, high, rank="minimum", **two).value == pytest.approx(10.0, abs=1e-9)
    assert size(WIDTH, low, high, rank="average", **two).value == pytest.approx(10 + 0.1 * (t**2).mean())


@settings(deadline=None, max_examples=15)
@given(st.floats(-50, 50), st.floats(-50, 50), st.floats(0, 2 * math.pi), st.integers(0, 1000))
def test_extremes_do_not_depend_on_where_the_part_lies(x: float, y: float, turn: float, seed: int) -> None:
    """Noise of the same points is the same, whichever way they lie."""
    rng = np.random.default_rng(seed)
    c, s = math.cos(turn), math.sin(turn)
    ring = fitted.ring(0, 0, 5 + 0.01 * rng.normal(size=40), 40)
    edge = fitted.straight((-5, 3), (5, 3), 40, 0.01 * rng.normal(size=40))

    def values(move: Any) -> list[tuple[float, float]]:
        circle, line = fitted.circle(move(ring)), fitted.line(move(edge))
        every = [
            measured({"type": "roundness", "circle": CIRCLE}, circle),
            measured({"type": "straightness", "line": LINE}, line),
            size({"type": "circle_diameter", "circle": CIRCLE}, circle, association="maximum_inscribed"),
        ]
        return [(v.value, v.noise) for v in every]

    there = values(lambda p: p @ np.array([[c, s], [-s, c]]) + (x, y))
    assert np.array(there) == pytest.approx(np.array(values(lambda p: p)), abs=1e-8)


FORMS = {"perfect": 0.0, "like the noise": 1.5, "oval": 10.0}


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("what", ["roundness", "maximum_inscribed", "minimum_circumscribed", "two_point"])
def test_what_noise_adds_is_taken_off_and_what_is_left_is_stated(what: str, form: str) -> None:
    """Simulated circles: 2 u holds the truth in 19 of 20; without correction hardly ever."""
    rng = np.random.default_rng(len(what))
    count, noise, t = 60, 0.003, 2 * math.pi * np.arange(60) / 60
    radius = 5 + FORMS[form] * noise * (np.cos(2 * t) + 0.3 * np.cos(3 * t + 1))
    if what == "roundness":
        feature, fields = {"type": "roundness", "circle": CIRCLE}, {}
    else:
        feature, fields = {"type": "circle_diameter", "circle": CIRCLE}, {"association": what}
        if what == "two_point":
            fields["rank"] = "maximum"
    of = measured if what == "roundness" else size
    truth = of(
        feature, fitted.circle(fitted.ring(0, 0, radius + 1e-9 * rng.normal(size=count), count)), **fields
    )
    runs = [
        of(
            feature,
            fitted.circle(fitted.ring(0, 0, radius + noise * rng.normal(size=count), count)),
            **fields,
        )
        for _ in range(60)
    ]
    error = np.array([v.value for v in runs]) - truth.value
    u = np.array([v.noise for v in runs])
    assert (np.abs(error) <= 2 * u).mean() >= 0.85  # of 60 runs: 95 % less three standard deviations
    assert abs(error.mean()) < 1.2 * noise
    assert u.mean() < 2 * noise  # peak to valley of the noise alone is about 4.5 of it


def test_a_straight_edge_is_straight_within_its_noise() -> None:
    rng = np.random.default_rng(2)
    runs = [
        measured(
            {"type": "straightness", "line": LINE},
            fitted.line(fitted.straight((0, 0), (10, 1), 60, 0.002 * rng.normal(size=60))),
        )
        for _ in range(60)
    ]
    assert np.mean([v.value <= 2 * v.noise for v in runs]) >= 0.87
    assert np.mean([v.value for v in runs]) < 0.003


@pytest.mark.parametrize("angle", [0.0, 2e-4, 2e-3])
def test_an_angle_to_a_noisy_datum_is_believed_as_far_as_it_stands_out(angle: float) -> None:
    """Simulated: the short datum turns by 1.5e-4 rad in its noise, which widens a long edge's zone."""
    rng = np.random.default_rng(4)
    inside: list[bool] = []
    for _ in range(60):
        edge = fitted.straight((0, 0), (40, 40 * angle), 80, 0.002 * rng.normal(size=80))
        datum = fitted.line(fitted.straight((0, 5), (8, 5), 40, 0.002 * rng.normal(size=40)))
        value = measured({"type": "parallelism", "line": LINE, "datum": LINE}, fitted.line(edge), datum)
        u = math.hypot(value.noise, *(math.sqrt(g @ a.covariance @ g) for a, g in value.parts))
        inside.append(abs(value.value - 40 * angle) <= 2 * u)
    assert np.mean(inside) >= 0.87


def test_form_is_not_taken_for_noise() -> None:
    """A covariance that was estimated from residuals holds the form: the neighbours tell."""
    t = 2 * math.pi * np.arange(80) / 80
    rng = np.random.default_rng(0)
    oval = fitted.circle(fitted.ring(0, 0, 5 + 0.1 * np.cos(2 * t) + 0.001 * rng.normal(size=80), 80))
    assert extremes.noise_of(oval) == pytest.approx(0.001, rel=0.3)
    few = fitted.circle(fitted.ring(0, 0, 5 + 0.001 * rng.normal(size=12), 12))
    assert 0.0004 < extremes.noise_of(few) < 0.0016
    assert measured({"type": "roundness", "circle": CIRCLE}, oval).value == pytest.approx(0.2, abs=0.004)


def burred(height: float, where: slice = slice(10, 12)) -> Associated:
    rng = np.random.default_rng(1)
    radius, kept = 5 + 0.002 * rng.normal(size=80), np.ones(80, bool)
    radius[where] += height
    kept[where] = False
    return fitted.circle(fitted.ring(0, 0, radius, 80), kept)


@pytest.mark.parametrize(
    ("height", "operator", "reason"),
    [
        (-0.1, "maximum_inscribed", "edge_disputed"), (-0.1, "minimum_circumscribed", None),
        (0.1, "maximum_inscribed", None), (0.1, "minimum_circumscribed", "edge_disputed"),
        (0.1, "two_point", "edge_disputed"), (-0.1, "two_point", "edge_disputed"),
        (0.1, "least_squares", None), (0.001, "maximum_inscribed", None),
    ],
)  # fmt: skip
def test_an_operator_that_hangs_on_points_set_aside_is_refused(
    height: float, operator: str, reason: str | None
) -> None:
    made = dimension(
        {"type": "circle_diameter", "circle": CIRCLE}, association=operator, nominal=10, lower=9, upper=11
    )
    found = evaluate(made, [burred(height)], PLANE)
    assert (found.reason if isinstance(found, NotMeasured) else None) == reason
    if isinstance(found, Value):
        assert found.set_aside == pytest.approx(2 / 80)
        assert len(found.points_px) == 78


def test_what_was_not_seen_is_not_claimed() -> None:
    roundness = dimension({"type": "roundness", "circle": CIRCLE}, nominal=0, lower=None)
    assert evaluate(roundness, [burred(0.0, slice(10, 25))], PLANE) == NotMeasured("edge_disputed")
    assert isinstance(evaluate(roundness, [burred(0.0, slice(10, 13))], PLANE), Value)


def test_orientation_hangs_on_two_points_and_on_the_datum() -> None:
    """Truth: an edge of length 10 at 0.01 rad to its datum; the datum's turn counts by that length."""
    edge = fitted.line(fitted.straight((0, 0), (10 * math.cos(0.01), 10 * math.sin(0.01)), 60, 1e-7))
    datum = fitted.line(fitted.straight((0, 3), (10, 3), 60, 1e-4 * np.resize([1, -1], 60)))
    upright = fitted.line(fitted.straight((0, 3), (0, 13), 60, 1e-4 * np.resize([1, -1], 60)))
    for kind, other, against in (("parallelism", datum, LINE), ("perpendicularity", upright, UPRIGHT)):
        value = measured({"type": kind, "line": LINE, "datum": against}, edge, other)
        assert value.value == pytest.approx(10 * math.sin(0.01), abs=1e-4)
        ((_, gradient),) = value.parts
        assert abs(gradient[2]) == pytest.approx(10 * math.cos(0.01), rel=1e-3)
        ((_, _, weights),) = value.point_parts
        assert sorted(weights) == pytest.approx([-1, 1], abs=1e-3)
