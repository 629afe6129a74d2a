"""Every characteristic against closed forms; gradients against moved points; drawings; failures."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from calibration.plane_map import ScaleMap
from golden.spec import Dimension
from golden.tolerances import DatumSystem
from tests.golden.test_features import BOX, CIRCLE, ELLIPSE, HOLES, LINE, SLOT, THREAD, UPRIGHT, dimension
from tests.vision import fitted
from vision.dimension import Value, evaluate, extremes
from vision.dimension.datum import frame_of
from vision.edges.association import Associated, NotMeasured

F64 = npt.NDArray[np.float64]
PLANE = ScaleMap(0.02)
HOLE = {"type": "circle", **CIRCLE}
CORNER = {"type": "intersection", "a": LINE, "b": UPRIGHT}
BARE = {"nominal": 0, "lower": None, "upper": 1}


@dataclass(frozen=True)
class Case:
    """A dimension, the points of its edges and its value by a closed form."""

    feature: dict[str, Any]
    edges: tuple[tuple[str, F64], ...]
    truth: float
    fields: dict[str, Any]

    @property
    def dimension(self) -> Dimension:
        unit = {"angle": "deg", "area": "mm2"}.get(self.feature["type"], "mm")
        return dimension(self.feature, **{"nominal": 4, "lower": 3, "upper": 5, **self.fields, "unit": unit})


def fit(edges: Sequence[tuple[str, F64]]) -> list[Associated]:
    """Return the fitted edges; equal points are one edge."""
    made: dict[int, Associated] = {}
    for form, points in edges:
        if id(points) not in made:
            made[id(points)] = fitted.line(points) if form == "line" else fitted.circle(points, form=form)
    return [made[id(points)] for _, points in edges]


def case(feature: dict[str, Any], edges: Sequence[tuple[str, F64]], truth: float, **fields: Any) -> Case:
    return Case(feature, tuple(edges), truth, fields)


def line(start: Any, end: Any, off: Any = 0.0) -> tuple[str, F64]:
    return "line", fitted.straight(start, end, 30, off)


def hole(x: float, y: float, radius: float) -> tuple[str, F64]:
    return "circle", fitted.ring(x, y, radius, 60)


def thread_flanks(pitch: float, turn: float) -> list[tuple[str, F64]]:
    """Return flanks of three teeth of 60 degrees on an axis turned by `turn`."""
    c, s = math.cos(turn), math.sin(turn)
    lines: list[tuple[str, F64]] = []
    for i in range(6):
        x, lean = i * pitch / 2, (1 if i % 2 == 0 else -1) * math.tan(math.radians(30))
        ends = np.array([[x - 0.3 * lean, 0.3], [x + 0.3 * lean, -0.3]]) @ np.array([[c, s], [-s, c]])
        lines.append(line(*ends))
    return lines


X_AXIS, Y_AXIS = line((0, 0), (20, 0)), line((0, -10), (0, 10))
LEVEL, ABOVE = line((0, 5), (20, 5)), line((0, 2), (20, 2))
DATUMS = {"primary": LINE, "secondary": UPRIGHT}
WAVE = 0.01 * np.cos(np.linspace(0, 2 * math.pi, 30))
CASES = {
    "diameter": case({"type": "circle_diameter", "circle": CIRCLE}, [hole(3, 4, 2)], 4),
    "radius": case(
        {"type": "arc_radius", "arc": {**CIRCLE, "type": "arc", "start_deg": 0, "sweep_deg": 90}},
        [("arc", fitted.ring(3, 4, 5, 60, turn=math.pi / 2))],
        5,
    ),
    "centres": case({"type": "centre_distance", "a": CIRCLE, "b": CIRCLE}, [hole(0, 0, 1), hole(3, 4, 2)], 5),
    "points": case(
        {"type": "distance", "a": CORNER, "b": HOLE}, [X_AXIS, Y_AXIS, hole(3, 4, 2)], 5,
    ),
    "gap of circles": case(
        {"type": "distance", "a": HOLE, "b": HOLE, "circles": "nearest"}, [hole(0, 0, 1), hole(3, 4, 2)], 2
    ),
    "line to circle": case({"type": "distance", "a": LINE, "b": HOLE}, [X_AXIS, hole(3, -4, 2)], 4),
    "circle's far side to line": case(
        {"type": "distance", "a": HOLE, "b": LINE, "circles": "farthest"}, [hole(3, 4, 2), X_AXIS], 6
    ),
    "line to corner": case({"type": "distance", "a": LINE, "b": CORNER}, [LEVEL, X_AXIS, Y_AXIS], 5),
    "lines": case({"type": "distance", "a": LINE, "b": LINE}, [LEVEL, line((20, 1), (0, 1))], 4),
    "width": case(
        {"type": "edge_width", "start_px": [20, 50], "end_px": [40, 50], "band_px": 9, "inside": "dark"},
        [line((0, 0), (3, 4)), line((4 * 0.8, -4 * 0.6), (3 + 4 * 0.8, 4 - 4 * 0.6))],
        4,
    ),
    "slot's length": case(
        {"type": "slot_length", "slot": SLOT},
        [
            ("arc", fitted.ring(0, 0, 1.5, 60, math.pi / 2, math.pi)),
            ("arc", fitted.ring(6, 0, 1.5, 60, -math.pi / 2, math.pi)),
        ],
        9,
    ),
    "slot's width": case({"type": "slot_width", "slot": SLOT}, [LEVEL, ABOVE], 3),
    "rectangle": case({"type": "rectangle_height", "rectangle": BOX}, [LEVEL, ABOVE], 3),
    "angle": case(
        {"type": "angle", "a": LINE, "b": UPRIGHT}, [X_AXIS, line((0, 0), (-1, math.sqrt(3)))], 120,
        upper=180,
    ),
    "pitch": case(
        {"type": "pitch", "pattern": HOLES}, [hole(0, 0, 1), hole(3, 4, 1), hole(6, 8.3, 1)],
        math.hypot(3, 4.15),
    ),
    "largest pitch": case(
        {"type": "pitch", "pattern": HOLES, "of": "largest"}, [hole(0, 0, 1), hole(3, 4, 1), hole(6, 8.3, 1)],
        math.hypot(3, 4.3),
    ),
    "thread": case({"type": "pitch", "pattern": {**THREAD, "teeth": 3}}, thread_flanks(1.25, 0.2), 1.25),
    "area of a circle": case({"type": "area", "of": HOLE}, [hole(1, 2, 3)], 9 * math.pi),
    "area of a slot": case(
        {"type": "area", "of": SLOT},
        [
            line((0, -2), (6, -2)), line((0, 2), (6, 2)),
            ("arc", fitted.ring(0, 0, 2, 60, math.pi / 2, math.pi)),
            ("arc", fitted.ring(6, 0, 2, 60, -math.pi / 2, math.pi)),
        ],
        24 + 4 * math.pi,
    ),
    "area of a rectangle": case(
        {"type": "area", "of": BOX},
        [line((0, 0), (0, 4)), line((7, 0), (7, 4)), line((0, 0), (7, 0)), line((0, 4), (7, 4))],
        28,
    ),
    "position": case(
        {"type": "position", "circle": CIRCLE, "datums": DATUMS, "x_mm": 5, "y_mm": 4},
        [hole(5.03, 4.04, 1), X_AXIS, Y_AXIS], 0.1, **BARE,
    ),
    "position of a hole, maximum material": case(
        {
            "type": "position", "circle": CIRCLE, "datums": DATUMS, "x_mm": 5, "y_mm": 4,
            "material": {"requirement": "MMC", "of": "hole", "size_mm": 1.96},
        },
        [hole(5.03, 4.04, 1), X_AXIS, Y_AXIS], 0.06, **BARE,
    ),
    "position of a pin, least material": case(
        {
            "type": "position", "circle": CIRCLE, "datums": DATUMS, "x_mm": 5, "y_mm": 4,
            "material": {"requirement": "LMC", "of": "pin", "size_mm": 1.97},
        },
        [hole(5.03, 4.04, 1), X_AXIS, Y_AXIS], 0.07, **BARE,
    ),
    "position from hole and slot": case(
        {
            "type": "position", "circle": CIRCLE, "x_mm": 5, "y_mm": 0,
            "datums": {"primary": HOLE, "secondary": SLOT},
        },
        [hole(3, 3.1, 1), hole(0, 0, 1), line((5.2, 5.7), (6.8, 7.3)), line((5.7, 5.2), (7.3, 6.8))],
        2 * math.hypot((3 + 3.1) / math.sqrt(2) - 5, 0.1 / math.sqrt(2)), **BARE,
    ),
    "concentricity": case(
        {"type": "concentricity", "circle": CIRCLE, "datum": CIRCLE}, [hole(3.03, 4.04, 1), hole(3, 4, 2)],
        0.1, **BARE,
    ),
    "symmetry": case(
        {"type": "symmetry", "a": LINE, "b": LINE, "datum_a": LINE, "datum_b": LINE},
        [line((4, 4.1), (8, 4.1)), line((8, 6), (4, 6)), line((0, 0), (20, 0)), line((0, 10), (20, 10))],
        0.1, **BARE,
    ),
    "profile in datums": case(
        {"type": "line_profile", "line": LINE, "datums": DATUMS, "offset_mm": 4.98},
        [line((2, 5), (18, 5), -WAVE), X_AXIS, Y_AXIS], 2 * (0.02 + 0.01), **BARE,
    ),
    "profile at an angle": case(
        {
            "type": "line_profile", "line": LINE, "datums": DATUMS, "angle_deg": 90,
            "offset_mm": -3.01,
        },
        [line((3, -5), (3, 5)), X_AXIS, Y_AXIS], 0.02, **BARE,
    ),
    "straightness about the fit": case(
        {"type": "straightness", "line": LINE}, [line((2, 5), (18, 5), WAVE)], 0.02,
        association="least_squares", **BARE,
    ),
    "parallelism": case(
        {"type": "parallelism", "line": LINE, "datum": LINE}, [line((0, 5), (20, 5.02)), X_AXIS], 0.02, **BARE
    ),
    "perpendicularity": case(
        {"type": "perpendicularity", "line": LINE, "datum": LINE}, [line((7, 0), (7.03, 9)), X_AXIS], 0.03,
        **BARE,
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_values_are_those_of_closed_forms(name: str) -> None:
    made = CASES[name]
    found = evaluate(made.dimension, fit(made.edges), PLANE)
    assert isinstance(found, Value)
    # a wave is sampled beside its crest, and where it bends most neighbours differ as if by noise
    waved = name in ("straightness about the fit", "profile in datums")
    assert found.value == pytest.approx(made.truth, abs=3e-4 if waved else 1e-6)
    assert found.unit == made.dimension.unit
    assert found.set_aside == 0


def test_an_ellipse_has_axes_and_an_area() -> None:
    edge = [fitted.ellipse(3, 4, 5, 2, 0.3)]
    for feature, truth in (
        ({"type": "ellipse_major_axis", "ellipse": ELLIPSE}, 10),
        ({"type": "ellipse_minor_axis", "ellipse": ELLIPSE}, 4),
        ({"type": "area", "of": ELLIPSE}, 10 * math.pi),
    ):
        found = evaluate(case(feature, [], 0).dimension, edge, PLANE)
        assert isinstance(found, Value)
        assert found.value == pytest.approx(truth)
        tip = found.drawing.primitives[-1].points_px * 0.02
        if feature["type"] == "ellipse_major_axis":
            assert tip == pytest.approx(
                np.array([[3, 4]]) + [[-5], [5]] * np.array([math.cos(0.3), math.sin(0.3)])
            )


@settings(deadline=None, max_examples=8)
@given(st.floats(-40, 40), st.floats(-40, 40), st.floats(-3.1, 3.1))
def test_values_do_not_depend_on_where_the_part_lies(x: float, y: float, turn: float) -> None:
    c, s = math.cos(turn), math.sin(turn)
    for made in CASES.values():
        there = [(form, p @ np.array([[c, s], [-s, c]]) + (x, y)) for form, p in made.edges]
        here, moved = (evaluate(made.dimension, fit(e), PLANE) for e in (made.edges, there))
        assert isinstance(here, Value)
        assert isinstance(moved, Value)
        assert moved.value == pytest.approx(here.value, abs=1e-7)


def change(value: Value, displaced: Callable[[Associated], F64]) -> float:
    """Return what a value says that displacements (n,) of points along their normals do to it."""
    total = sum(float(g @ (a.gain @ displaced(a))) for a, g in value.parts)
    return total + sum(float(w @ displaced(a)[index]) for a, index, w in value.point_parts)


@pytest.mark.parametrize("name", CASES)
def test_a_gradient_is_what_moved_points_do(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Truth: the edges' points are really moved, fitted and evaluated again."""
    monkeypatch.setattr(extremes, "_noise", lambda _: (0.0, 0.0, math.inf))
    rng = np.random.default_rng(len(name))
    made = CASES[name]
    rough = [(f, p + 0.001 * rng.normal(size=p.shape)) for f, p in made.edges]
    edges = fit(rough)
    here = evaluate(made.dimension, edges, PLANE)
    assert isinstance(here, Value)
    for _ in range(3):
        steps = {id(e): 1e-6 * rng.normal(size=len(e.residuals)) for e in edges}
        ends: list[float] = []
        for sign in (1, -1):
            there = [
                (f, p + sign * steps[id(e)][:, None] * e.normals)
                for e, (f, p) in zip(edges, rough, strict=True)
            ]
            found = evaluate(made.dimension, fit(there), PLANE)
            assert isinstance(found, Value)
            ends.append(found.value)
        expected = change(here, lambda a: steps[id(a)])  # noqa: B023 (called at once)
        assert (ends[0] - ends[1]) / 2 == pytest.approx(expected, rel=1e-2, abs=2e-9 * max(here.value, 1))


def test_a_feature_that_occurs_twice_counts_once() -> None:
    """The gap between a hole and itself is not uncertain."""
    one = fitted.circle(fitted.ring(0, 0, 2 + 0.01 * np.cos(np.arange(60)), 60))
    made = CASES["centres"].dimension
    other = fitted.circle(fitted.ring(5, 0, 2, 60))
    pair = evaluate(made, [one, other], PLANE)
    assert isinstance(pair, Value)
    assert len(pair.parts) == 2
    frame = {**CASES["position"].feature, "datums": {"primary": LINE, "secondary": HOLE}, "x_mm": 0}
    x_axis = fitted.line(X_AXIS[1])
    same = evaluate(case(frame, [], 0, **BARE).dimension, [one, x_axis, one], PLANE)
    assert isinstance(same, Value)
    assert len(same.parts) == 2
    # along the primary the hole is its own origin: moving it that way changes nothing
    assert same.parts[0][1][0] == pytest.approx(0, abs=1e-8)


@pytest.mark.parametrize("truth", [0.0, 0.5, 1.0, 2.0, 4.0, 20.0])
def test_a_corrected_offset_holds_the_truth(truth: float) -> None:
    """Simulated concentricity: without the correction a centred part is found off in 14 of 100."""
    rng = np.random.default_rng(3)
    made = CASES["concentricity"].dimension
    inside: list[bool] = []
    for _ in range(150):
        noise = 0.01 * rng.normal(size=(2, 60))
        a = fitted.circle(fitted.ring(truth * 0.002, 0, 2 + noise[0], 60))
        b = fitted.circle(fitted.ring(0, 0, 3 + noise[1], 60))
        found = evaluate(made, [a, b], PLANE)
        assert isinstance(found, Value)
        assert found.offset is not None
        u_along, u_across = (
            math.sqrt(sum(float(g @ f.covariance @ g) for f, g in parts))
            for parts in (found.offset.along, found.offset.across)
        )
        inside.append(abs(found.corrected(u_along, u_across) - truth * 0.004) <= 2 * u_along)
    assert np.mean(inside) >= 0.9


def test_material_limits_stay_above_zero_and_the_bonus_is_not_cut() -> None:
    feature = CASES["position of a hole, maximum material"].feature
    for size, truth, of in (
        (1.85, 0.0, "hole"),
        (2.05, 0.15, "hole"),
        (2.05, 0.05, "pin"),
        (1.98, 0.12, "pin"),
    ):
        material = {"requirement": "MMC", "of": of, "size_mm": size}
        made = case({**feature, "material": material}, [], 0, **BARE)
        found = evaluate(made.dimension, fit(CASES["position"].edges), PLANE)
        assert isinstance(found, Value)
        assert found.value == pytest.approx(truth, abs=1e-6)
        assert found.corrected(0.0, 0.0) == pytest.approx(truth, abs=1e-6)


def system(primary: dict[str, Any], secondary: dict[str, Any]) -> DatumSystem:
    return DatumSystem.model_validate({"primary": primary, "secondary": secondary})


def test_datum_systems_take_degrees_of_freedom_in_order() -> None:
    """Truth: constructed by hand from lines and holes that are not square to each other."""
    a, b = np.array([10.0, 2.0, 0.1]), np.array([1.0, 8.0, math.pi / 2 + 0.12])
    u, n = np.array([math.cos(0.1), math.sin(0.1)]), np.array([-math.sin(0.1), math.cos(0.1)])
    # the secondary keeps its nominal right angle: the origin is the foot of its middle on the primary
    frame = frame_of(system(LINE, UPRIGHT), [a, b])
    assert frame.origin == pytest.approx(a[:2] + u * ((b[:2] - a[:2]) @ u))
    assert frame.angle == pytest.approx(0.1)
    assert frame.of_mm(frame.origin + 3 * u + 2 * n) == pytest.approx([3, 2])
    assert frame.to_mm(np.array([3.0, 2.0])) == pytest.approx(frame.origin + 3 * u + 2 * n)
    # nominally at 45 degrees it is not the foot
    slanted = {**UPRIGHT, "end_px": [90, 90]}
    skew = frame_of(system(LINE, slanted), [a, b])
    assert math.atan2(*(b[:2] - skew.origin)[::-1]) == pytest.approx(0.1 + math.pi / 4)
    hole = np.array([4.0, 5.0, 1.0])
    assert frame_of(system(LINE, HOLE), [a, hole]).of_mm(hole[:2])[0] == pytest.approx(0)
    other = np.array([7.0, 9.0, 2.0])
    holes = frame_of(system(HOLE, HOLE), [hole, other])
    assert holes.of_mm(np.stack((hole[:2], other[:2]))) == pytest.approx(np.array([[0, 0], [5, 0]]))
    assert frame_of(system(HOLE, LINE), [hole, a]).of_mm(hole[:2] + u) == pytest.approx([1, 0])


def test_edges_that_cannot_be_what_the_feature_says_are_disputed() -> None:
    across = [fitted.line(X_AXIS[1]), fitted.line(Y_AXIS[1])]
    for name in ("width", "lines", "slot's width"):
        assert evaluate(CASES[name].dimension, across, PLANE) == NotMeasured("edge_disputed")
    flat = [fitted.line(X_AXIS[1])] * 6
    assert evaluate(CASES["thread"].dimension, flat, PLANE) == NotMeasured("edge_disputed")
    edges = [fitted.circle(fitted.ring(0, 0, 1, 60)), NotMeasured("edge_not_found")]
    assert evaluate(CASES["centres"].dimension, edges, PLANE) == NotMeasured("edge_not_found")


@pytest.mark.parametrize("name", CASES)
def test_each_has_a_drawing_of_what_is_measured(name: str) -> None:
    made = CASES[name]
    found = evaluate(made.dimension, fit(made.edges), PLANE)
    assert isinstance(found, Value)
    courses = {id(p) for _, p in made.edges}
    assert len(found.drawing.primitives) >= len(courses)
    for primitive in found.drawing.primitives:
        assert np.isfinite(primitive.points_px).all()
        assert primitive.points_px.shape[1] == 2
    length = {"diameter": 4, "centres": 5, "line to circle": 4, "width": 4, "slot's length": 9, "lines": 4}
    if name in length:
        arrow = found.drawing.primitives[-1]
        assert arrow.kind == "arrow"
        assert math.dist(*arrow.points_px) * 0.02 == pytest.approx(length[name])
