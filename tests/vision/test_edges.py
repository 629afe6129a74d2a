"""Edges against the metrology twin, whose edges are exact."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest

from calibration import Noise
from calibration.plane_map import ScaleMap
from datasets.twin.metrology import Camera, Disk, Ellipse, Light, Polygon, Scene, Sensor, burr, expose, render
from kernels.compiled import F64
from kernels.light import decoding_table
from tests.vision.exact import TrueMap, lens, light_of
from vision.edges import Associated, NotMeasured, RawLight, fit_circle, fit_ellipse, fit_line
from vision.edges.fit import curvature_shift
from vision.edges.start import agreed_circle, agreed_line

PLAIN = ScaleMap(1.0)
SIZE = 120


def plain(size: int = SIZE) -> Camera:
    return Camera.scale(size, size, 1.0, x=0, y=0)


def circle(raw: RawLight, plane: Any, place: F64, **other: Any) -> Associated:
    found = fit_circle(raw, plane, (place[0] + 1.0, place[1] - 1.0), place[2] + 1.0, reach_px=8, **other)
    assert isinstance(found, Associated), found
    return found


@pytest.mark.parametrize("dark", [0.1, 0.8])
@pytest.mark.parametrize(("radius", "blur"), [(8.0, 0.7), (15.0, 1.5), (40.0, 1.0)])
def test_a_circle_is_found_without_bias(radius: float, blur: float, dark: float) -> None:
    truth = np.array([60.3, 59.6, radius + 0.2])
    raw = light_of(Scene(0.9 - dark, (Disk(*truth, dark),)), plain(), psf_sigma_px=blur)
    found = circle(raw, PLAIN, truth, inside="dark" if dark < 0.5 else "bright")
    np.testing.assert_allclose(found.parameters, truth, atol=3e-4)
    assert found.blur_px == pytest.approx(math.hypot(blur, math.sqrt(1 / 12)), abs=0.02)
    assert found.contrast == pytest.approx(abs(0.9 - 2 * dark), rel=0.01)
    assert found.inlier_share == 1.0
    assert found.bright == (1.0 if dark < 0.5 else -1.0)


def test_the_side_that_is_not_asked_for_is_found() -> None:
    truth = np.array([60.0, 60.0, 30.0])
    for dark in (0.1, 0.8):
        raw = light_of(Scene(0.9 - dark, (Disk(*truth, dark),)), plain())
        assert circle(raw, PLAIN, truth).bright == (1.0 if dark < 0.5 else -1.0)


def test_the_wrong_side_is_not_measured() -> None:
    raw = light_of(Scene(0.8, (Disk(60, 60, 30, 0.1),)), plain())
    found = fit_circle(raw, PLAIN, (60, 60), 30, reach_px=8, inside="bright")
    assert isinstance(found, NotMeasured)
    assert found.reason in ("edge_not_found", "edge_disputed")


def test_curvature_shift_solves_its_own_equation() -> None:
    shift = curvature_shift(1.5, 15.0)
    assert shift == pytest.approx(1.5**2 / (2 * (15.0 + shift)), rel=1e-12)
    assert curvature_shift(0.0, 10.0) == 0.0


@pytest.mark.parametrize("tilt", [0.0, 8.0])
def test_circle_arc_and_line_hold_through_a_lens(tilt: float) -> None:
    camera = lens(400, 300, tilt=tilt)
    plane = TrueMap(camera)
    truth = np.array([4.0, -2.0, 6.0])
    corners = ((-14.0, -20.0), (-10.0, 20.0), (-40.0, 20.0), (-40.0, -20.0))
    scene = Scene(0.8, (Disk(*truth, 0.1), Polygon(corners, 0.15)))
    raw = light_of(scene, camera, psf_sigma_px=1.0)
    centre = camera.project(np.array([[4.0, -2.0, 0.0]]))[0]
    per_mm = 1 / math.sqrt(abs(np.linalg.det(plane.jacobians(centre[None])[0])))
    place = (float(centre[0]), float(centre[1]))
    whole = fit_circle(raw, plane, place, 6.0 * per_mm, reach_px=8, inside="dark")
    assert isinstance(whole, Associated)
    np.testing.assert_allclose(whole.parameters, truth, atol=5e-4 / per_mm)
    arc = fit_circle(raw, plane, place, 6.0 * per_mm, reach_px=8, inside="dark", start_deg=-60, end_deg=70)
    assert isinstance(arc, Associated)
    assert arc.form == "arc"
    np.testing.assert_allclose(arc.parameters, truth, atol=2e-3 / per_mm)
    sides = np.degrees(np.arctan2(*(arc.points_px - centre).T[::-1]))
    assert sides.min() > -62
    assert sides.max() < 72
    ends = camera.project(np.array([[-13.0, -10.0, 0.0], [-11.0, 10.0, 0.0]]))
    line = fit_line(raw, plane, tuple(ends[0]), tuple(ends[1]), reach_px=8, dark="right")
    assert isinstance(line, Associated)
    expected = math.atan2(40.0, 4.0)
    assert line.parameters[2] == pytest.approx(expected, abs=2e-5)
    off = (line.parameters[:2] - (-12.0, 0.0)) @ (math.sin(expected), -math.cos(expected))
    assert abs(off) < 5e-4 / per_mm
    np.testing.assert_allclose(np.hypot(*line.normals.T), 1.0)


def test_a_line_tells_left_from_right_in_the_picture_even_where_the_plane_is_mirrored() -> None:
    @dataclass(frozen=True)
    class Mirrored(ScaleMap):
        def to_mm(self, px: F64) -> F64:
            return px * (1.0, -1.0)

        def to_px(self, mm: F64) -> F64:
            return mm * (1.0, -1.0)

        def jacobians(self, px: F64) -> F64:
            return np.broadcast_to(np.diag([1.0, -1.0]), (len(px), 2, 2))

    half = Polygon(((-9.0, 60.2), (200.0, 60.2), (200.0, 200.0), (-9.0, 200.0)), 0.1)  # dark below
    raw = light_of(Scene(0.8, (half,)), plain())
    for plane, sign in ((PLAIN, 1.0), (Mirrored(1.0), -1.0)):
        found = fit_line(raw, plane, (20, 60), (100, 60), reach_px=6, dark="right")
        assert isinstance(found, Associated)
        assert found.parameters[1] == pytest.approx(60.2 * sign, abs=1e-3)
        assert isinstance(fit_line(raw, plane, (20, 60), (100, 60), reach_px=6, dark="left"), NotMeasured)
        unasked = fit_line(raw, plane, (20, 60), (100, 60), reach_px=6)
        assert isinstance(unasked, Associated)
        assert unasked.bright == found.bright == sign


def test_an_ellipse_is_found_without_bias() -> None:
    truth = (60.2, 59.7, 40.0, 28.0, 25.0)
    raw = light_of(Scene(0.8, (Ellipse(*truth, 0.1),)), plain())
    found = fit_ellipse(raw, PLAIN, (61, 59), 41, 27, 27, reach_px=8, inside="dark")
    assert isinstance(found, Associated)
    np.testing.assert_allclose(found.parameters[:4], truth[:4], atol=2e-3)
    assert math.degrees(found.parameters[4]) == pytest.approx(25.0, abs=0.02)


def test_what_hides_or_burrs_a_part_of_the_edge_is_set_aside() -> None:
    disk = Disk(60.3, 59.6, 35.0, 0.1)
    hidden = Scene(
        0.8, (disk, burr(disk, 200, 5, 8, 0.1), Polygon(((80, 40), (119, 40), (119, 75), (80, 75)), 0.4))
    )
    found = circle(light_of(hidden, plain()), PLAIN, np.array([60.3, 59.6, 35.0]), inside="dark")
    np.testing.assert_allclose(found.parameters, (60.3, 59.6, 35.0), atol=0.01)
    assert 0.6 < found.inlier_share < 0.9
    aside = found.points_mm[~found.kept]
    assert len(aside) >= 1  # the burr's points are told, since a burr blocks assembly
    assert found.residuals[~found.kept].max() > 1.0
    assert not found.gain[:, ~found.kept].any()


def test_light_that_grows_over_the_frame_moves_nothing() -> None:
    truth = np.array([60.0, 60.0, 35.0])
    raw = light_of(Scene(0.7, (Disk(*truth, 0.1),), Light(0.9, (0.3, -0.2))), plain())
    np.testing.assert_allclose(circle(raw, PLAIN, truth, inside="dark").parameters, truth, atol=3e-3)
    half = Polygon(((60.2, -9.0), (200.0, -9.0), (200.0, 200.0), (60.2, 200.0)), 0.1)
    raw = light_of(Scene(0.7, (half,), Light(0.9, (0.3, -0.2))), plain())
    found = fit_line(raw, PLAIN, (60, 20), (60, 100), reach_px=8, dark="left")
    assert isinstance(found, Associated)
    assert found.parameters[0] == pytest.approx(60.2, abs=4e-3)


@pytest.mark.parametrize(
    ("scene", "reason"),
    [
        (Scene(0.5), "edge_not_found"),
        (Scene(1.4, (Disk(60, 60, 30, 0.1),)), "feature_saturated"),
        (Scene(0.8, (Disk(20, 60, 30, 0.1),)), "unit_out_of_frame"),
    ],
)
def test_what_cannot_be_measured_says_why(scene: Scene, reason: str) -> None:
    sensor, rng = Sensor(), np.random.default_rng(5)
    raw = RawLight.of_codes(render(scene, plain(), sensor, rng), sensor.light_of_codes())
    x = 20.0 if reason == "unit_out_of_frame" else 60.0
    assert fit_circle(raw, PLAIN, (x, 60), 30, reach_px=8, inside="dark") == NotMeasured(reason)


def test_a_square_is_no_circle() -> None:
    raw = light_of(Scene(0.8, (Polygon(((35, 35), (85, 35), (85, 85), (35, 85)), 0.1),)), plain())
    found = fit_circle(raw, PLAIN, (60, 60), 29, reach_px=10, inside="dark")
    assert isinstance(found, NotMeasured) or np.ptp(found.residuals) > 1.0  # or its form tells


def test_stated_uncertainties_are_the_errors_size() -> None:
    """Normalised errors of 120 noisy circles and lines have a spread of one: within 3.3 standard errors."""
    rng, sensor = np.random.default_rng(11), Sensor(bits=12, full_well_e=10000, read_noise_e=8)
    noise = Noise(gain=1 / 10000, read=8 / 10000)
    truth = np.array([40.2, 39.7, 20.0])
    light = expose(Scene(0.8, (Disk(*truth, 0.2),)), plain(80), sensor)
    table, off = sensor.light_of_codes(), []
    for known in (True, False):
        for _ in range(60):
            raw = RawLight.of_codes(sensor.read(light, rng), table, noise=noise if known else None)
            found = circle(raw, PLAIN, truth, inside="dark")
            off.append((found.parameters - truth) / np.sqrt(np.diag(found.covariance)))
    spread = np.sqrt((np.array(off) ** 2).mean())
    assert spread == pytest.approx(1.0, abs=3.3 / math.sqrt(2 * 360))


def test_gain_is_how_a_least_squares_fit_follows_its_points() -> None:
    raw = light_of(Scene(0.8, (Disk(60.3, 59.6, 35.0, 0.1),)), plain())
    found = circle(raw, PLAIN, np.array([60.3, 59.6, 35.0]), inside="dark")
    shift = found.moved(np.broadcast_to(np.array([0.3, -0.2]), (1, len(found.points_mm), 2)).copy())
    np.testing.assert_allclose(shift[0], (0.3, -0.2, 0.0), atol=1e-9)
    grown = found.moved(0.1 * found.normals[None])
    np.testing.assert_allclose(grown[0], (0.0, 0.0, 0.1), atol=1e-9)
    half = Polygon(((-9.0, 60.2), (200.0, 60.2), (200.0, 200.0), (-9.0, 200.0)), 0.1)
    line = fit_line(light_of(Scene(0.8, (half,)), plain()), PLAIN, (20, 60), (100, 60), reach_px=6)
    assert isinstance(line, Associated)
    turn = np.zeros((1, len(line.points_mm), 2))
    turn[0, :, 1] = 0.001 * (line.points_mm[:, 0] - line.parameters[0])  # turned from x towards y
    np.testing.assert_allclose(line.moved(turn)[0], (0.0, 0.0, 0.001), atol=1e-8)
    np.testing.assert_allclose(line.moved(turn * 0 + (0.0, 0.5))[0], (0.0, 0.5, 0.0), atol=1e-8)


def test_codes_of_any_depth_are_the_same_light() -> None:
    scene = Scene(0.8, (Disk(40.2, 39.7, 20.0, 0.1),))
    light = expose(scene, plain(80), Sensor())
    codes16 = np.round(light * 65535).astype(np.uint16)
    rgb = np.repeat(np.round(light * 255).astype(np.uint8)[..., None], 3, axis=2)
    found = [
        circle(RawLight.of_codes(c, decoding_table("linear", t)), PLAIN, np.array([40.2, 39.7, 20.0]))
        for c, t in (
            (codes16, 65535),
            (rgb, 255),
            (rgb[..., 0].copy(), 255),
            (np.stack([codes16] * 3, -1), 65535),
        )
    ]
    for f in found:
        np.testing.assert_allclose(f.parameters, (40.2, 39.7, 20.0), atol=5e-3)
    flat = np.full((80, 80), 0.5, np.float32)
    half = RawLight.of_codes(codes16, decoding_table("linear", 65535), flat=flat)
    assert circle(half, PLAIN, np.array([40.2, 39.7, 20.0])).contrast == pytest.approx(0.35, rel=0.01)


def test_starts_stand_nearly_half_of_the_points_elsewhere() -> None:
    angle = np.linspace(0, 2 * math.pi, 60, endpoint=False)
    points = np.column_stack((10 + 20 * np.cos(angle), -5 + 20 * np.sin(angle)))
    points[10:34] += (7.0, 4.0)
    agreed = agreed_circle(points)
    assert agreed is not None
    np.testing.assert_allclose(agreed[0], (10, -5, 20), atol=0.02)
    assert not agreed[1][10:34].all()
    assert agreed[1][34:].all()
    u = np.linspace(-20, 20, 40)
    line = np.column_stack((u, 3 + 0.1 * u))
    line[:17, 1] += 5.0
    straight = agreed_line(line)
    assert straight is not None
    np.testing.assert_allclose(straight[0], (3, 0.1), atol=1e-9)
    assert agreed_circle(points[:5]) is None
    assert agreed_line(line[:3]) is None
    assert agreed_circle(np.column_stack((u, u))) is None


def lobed(lobes: int, height: float) -> Scene:
    angle = np.linspace(0, 2 * math.pi, 720, endpoint=False)
    radius = 35.0 + height * np.cos(lobes * angle)
    outline = zip((60 + radius * np.cos(angle)).tolist(), (60 + radius * np.sin(angle)).tolist(), strict=True)
    return Scene(0.8, (Polygon(tuple(outline), 0.1),))


def test_an_edge_that_is_not_smooth_widens_its_uncertainty_and_a_smooth_one_does_not() -> None:
    noise, truth = Noise(gain=1 / 20000, read=4e-4), np.array([60.0, 60.0, 35.0])
    sensor, rng = Sensor(bits=12), np.random.default_rng(2)

    def found(scene: Scene) -> Associated:
        codes = render(scene, plain(), sensor, rng)
        return circle(
            RawLight.of_codes(codes, sensor.light_of_codes(), noise=noise), PLAIN, truth, inside="dark"
        )

    smooth, rough = found(Scene(0.8, (Disk(60.0, 60.0, 35.0, 0.1),))), found(lobed(9, 0.2))
    assert rough.parameters[2] == pytest.approx(35.0, abs=0.02)
    scatter = 0.2 / math.sqrt(2) / math.sqrt(int(rough.kept.sum()))  # of the mean over the places
    assert math.sqrt(rough.covariance[2, 2]) == pytest.approx(scatter, rel=0.35)
    assert math.sqrt(smooth.covariance[2, 2]) < scatter / 5
    assert math.isfinite(rough.degrees_of_freedom)
    assert math.isinf(smooth.degrees_of_freedom)


def test_a_lobed_form_is_measured_where_nearly_all_of_it_is_seen() -> None:
    found = circle(light_of(lobed(5, 1.6), plain()), PLAIN, np.array([60.0, 60.0, 35.0]), inside="dark")
    assert found.parameters[2] == pytest.approx(35.0, abs=0.1)
    assert np.ptp(found.residuals) == pytest.approx(3.2, abs=0.5)


def test_even_light_costs_a_line_no_precision() -> None:
    """The stated offset is near the bound of known levels: (noise / rise) sqrt(2 sqrt(pi) blur / length)."""
    sensor, rng = Sensor(bits=12, full_well_e=math.inf), np.random.default_rng(5)
    half = Polygon(((-9.0, 60.2), (200.0, 60.2), (200.0, 200.0), (-9.0, 200.0)), 0.1)
    light = expose(Scene(0.8, (half,)), plain(), sensor) + 0.005 * rng.standard_normal((SIZE, SIZE))
    raw = RawLight.of_light(light.astype(np.float32), noise=Noise(gain=0, read=0.005))
    found = fit_line(raw, PLAIN, (20, 60), (100, 60), reach_px=8, dark="right")
    assert isinstance(found, Associated)
    bound = 0.005 / 0.7 * math.sqrt(2 * math.sqrt(math.pi) * found.blur_px / 80)
    u = math.sqrt(found.covariance[1, 1])
    assert bound < u < 1.18 * bound
