"""Budgets against what the sources do when they are drawn at random (JCGM 101:2008)."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pytest

from calibration import EdgeDefinition
from calibration.plane_map import Mode, ScaleMap
from datasets.twin.metrology import Camera, Disk, Polygon, Scene
from golden.spec import Dimension
from kernels.compiled import F64
from tests.vision.exact import light_of
from vision.dimension import Value, evaluate
from vision.dimension.budget import Line, Repeatability, Thermal, budget, point_noise
from vision.edges import Associated, fit_circle, fit_line

PX = 0.1  # mm
HOLES = ((6.0, 6.2, 2.0), (14.1, 6.0, 1.5))


@dataclass(frozen=True)
class Doubtful(ScaleMap):
    """A plane map of which a magnification and a tilt are uncertain."""

    def modes(self, px: F64) -> tuple[Mode, ...]:
        mm = self.to_mm(px)
        x = (mm[:, 0] - 10)[:, None] / 10
        return (
            Mode("lens", np.stack([2e-3 * (mm - 10), 1e-3 * x * (mm - 10)]), 12.0),
            Mode("height", 1e-3 * (mm - 10)[None]),
        )


PLANE = Doubtful(PX)


def scene() -> Any:
    half = Polygon(((-9, 11.02), (99, 11.02), (99, 99), (-9, 99)), 0.1)
    return light_of(Scene(0.8, (*(Disk(*h, 0.1) for h in HOLES), half)), Camera.scale(200, 140, PX, x=0, y=0))


@pytest.fixture(scope="module")
def edges() -> dict[str, Associated]:
    raw = scene()
    found = {
        name: fit_circle(raw, PLANE, (h[0] / PX, h[1] / PX), h[2] / PX, reach_px=6, inside="dark")
        for name, h in zip("ab", HOLES, strict=True)
    }
    found["line"] = fit_line(raw, PLANE, (20, 110), (180, 110), reach_px=6, dark="right")
    for edge in found.values():
        assert isinstance(edge, Associated), edge
    return found


def value(kind: str, *features: Associated) -> Value:
    circle = {"center_px": (50, 50), "radius_px": 20, "inside": "dark"}
    other = {"center_px": (90, 50), "radius_px": 20, "inside": "dark"}
    line = {"type": "line", "start_px": (20, 110), "end_px": (180, 110), "dark": "right"}
    feature = {
        "circle_diameter": {"circle": circle}, "centre_distance": {"a": circle, "b": other},
        "distance": {"a": {"type": "circle", **circle}, "b": line},
        "area": {"of": {"type": "circle", **circle}},
    }[kind]  # fmt: skip
    dimension = Dimension.model_validate({
        "kind": "dimension", "number": 1, "id": "d", "name": "d", "severity": "major", "nominal": 1,
        "upper": 9,
        "feature": {"type": kind, "view": "top", **feature},
    })  # fmt: skip
    found = evaluate(dimension, features, PLANE)
    assert isinstance(found, Value), found
    return found


def named(lines: tuple[Line, ...]) -> dict[str, Line]:
    return {line.name: line for line in lines}


@pytest.mark.parametrize(
    ("kind", "names"), [("circle_diameter", "a"), ("centre_distance", "ab"), ("distance", ("a", "line"))]
)
def test_modes_do_to_a_value_what_displaced_points_do(
    kind: str, names: Any, edges: dict[str, Associated]
) -> None:
    used = [edges[n] for n in names]
    stated = named(budget(value(kind, *used), PLANE).lines)
    rng = np.random.default_rng(3)
    for mode in PLANE.modes(np.zeros((1, 2))):
        drawn: list[float] = []
        for z in rng.standard_normal((400, len(mode.displacements))):
            moved = []
            for edge in used:
                own = next(m for m in PLANE.modes(edge.points_px) if m.name == mode.name)
                change = edge.moved(np.einsum("m,mnx->nx", z, own.displacements)[None])[0]
                moved.append(replace(edge, parameters=edge.parameters + change))
            drawn.append(value(kind, *moved).value)
        assert stated[mode.name].standard_uncertainty == pytest.approx(np.std(drawn), rel=0.12)
        assert stated[mode.name].common
        assert stated[mode.name].degrees_of_freedom == mode.degrees_of_freedom


def test_a_magnification_grows_a_diameter_by_its_share(edges: dict[str, Associated]) -> None:
    lines = named(budget(value("circle_diameter", edges["a"]), PLANE).lines)
    assert lines["height"].standard_uncertainty == pytest.approx(1e-3 * 4.0, rel=2e-3)


def test_edges_too_far_out_make_disks_large_and_leave_pitches_alone(edges: dict[str, Associated]) -> None:
    edge = EdgeDefinition(correction_mm=0.01, common_mm=0.002, degrees_of_freedom=7)
    diameter = budget(value("circle_diameter", edges["a"]), PLANE, edge=edge)
    assert diameter.value == pytest.approx(4.0 - 0.02, abs=1e-4)
    line = named(diameter.lines)["edge definition"]
    assert (line.standard_uncertainty, line.degrees_of_freedom) == (pytest.approx(0.004), 7)
    pitch = budget(value("centre_distance", edges["a"], edges["b"]), PLANE, edge=edge)
    assert "edge definition" not in {
        n for n, line in named(pitch.lines).items() if line.standard_uncertainty > 1e-9
    }
    assert pitch.value == pytest.approx(math.dist(HOLES[0][:2], HOLES[1][:2]), abs=1e-4)


def test_features_are_shifted_each_by_itself(edges: dict[str, Associated]) -> None:
    edge = EdgeDefinition(correction_mm=0, common_mm=0, local_mm=0.003)
    sizes = {
        kind: named(budget(value(kind, *(edges[n] for n in names)), PLANE, edge=edge).lines)["edge shift"]
        for kind, names in (("circle_diameter", "a"), ("centre_distance", "ab"), ("distance", ("a", "line")))
    }
    assert sizes["circle_diameter"].standard_uncertainty == pytest.approx(0.006, rel=1e-6)
    assert sizes["centre_distance"].standard_uncertainty == pytest.approx(0.003 * math.sqrt(2), rel=1e-6)
    assert sizes["distance"].standard_uncertainty == pytest.approx(0.003 * math.sqrt(2), rel=1e-6)
    assert not any(line.common for line in sizes.values())


def test_repeatability_replaces_the_noise_of_edges_where_it_is_larger(edges: dict[str, Associated]) -> None:
    noisy = replace(edges["a"], covariance=np.diag([1e-6, 1e-6, 1e-6]), degrees_of_freedom=20.0)
    given = value("circle_diameter", noisy)
    small = budget(given, PLANE, repeatability=Repeatability(0.001, 9))
    assert named(small.lines)["edge noise"].standard_uncertainty == pytest.approx(0.002)
    assert "repeatability" not in named(small.lines)
    large = budget(given, PLANE, repeatability=Repeatability(0.003, 9))
    assert "edge noise" not in named(large.lines)
    assert named(large.lines)["repeatability"] == Line("repeatability", 0.003, 9, common=False)


def test_a_warm_part_is_brought_to_20_degrees(edges: dict[str, Associated]) -> None:
    thermal = Thermal(expansion_per_k=20e-6, u_expansion_per_k=2e-6, temperature_c=30, u_temperature_c=0.5)
    length = budget(value("centre_distance", edges["a"], edges["b"]), PLANE, thermal=thermal)
    apart = math.dist(HOLES[0][:2], HOLES[1][:2])
    assert length.value == pytest.approx(apart * (1 - 2e-4), abs=1e-4)
    expected = apart * math.hypot(20e-6 * 0.5, 2e-6 * 10)
    assert named(length.lines)["temperature"].standard_uncertainty == pytest.approx(expected, rel=1e-3)
    area = budget(value("area", edges["a"]), PLANE, thermal=thermal)
    assert named(area.lines)["temperature"].standard_uncertainty == pytest.approx(
        2 * math.pi * 4 * math.hypot(20e-6 * 0.5, 2e-6 * 10), rel=1e-3
    )


def test_common_and_independent_lines_add_up_and_few_degrees_of_freedom_widen(
    edges: dict[str, Associated],
) -> None:
    noisy = replace(edges["a"], covariance=np.diag([0, 0, 1e-6]), degrees_of_freedom=10.0)
    exact = budget(value("circle_diameter", noisy), ScaleMap(PX))
    assert exact.common_uncertainty == 0
    assert exact.degrees_of_freedom == pytest.approx(10)
    assert exact.standard_uncertainty == pytest.approx(0.002 * math.sqrt(10 / 8))
    both = budget(value("circle_diameter", noisy), ScaleMap(PX, 1e-3))
    assert both.common_uncertainty == pytest.approx(4e-3, rel=2e-3)
    u = math.hypot(0.002, both.common_uncertainty)
    nu = u**4 / (0.002**4 / 10)
    assert both.degrees_of_freedom == pytest.approx(nu, rel=1e-6)
    assert both.standard_uncertainty == pytest.approx(u * math.sqrt(nu / (nu - 2)), rel=1e-6)


def test_point_noise_is_told_from_form(edges: dict[str, Associated]) -> None:
    rng, n = np.random.default_rng(1), 4000
    angle = np.linspace(0, 2 * math.pi, n, endpoint=False)
    oval = 0.05 * np.cos(2 * angle)
    feature = replace(edges["a"], residuals=oval + 0.002 * rng.standard_normal(n), kept=np.ones(n, np.bool_))
    assert point_noise(feature) == pytest.approx(0.002, rel=0.05)
    assert (
        point_noise(replace(feature, residuals=np.array([0.1, -0.3, 0.2]), kept=np.ones(3, np.bool_))) == 0.3
    )
