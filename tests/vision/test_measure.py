"""Dimensions on scenes whose sizes are known in closed form."""

from __future__ import annotations

import functools
import math
from typing import Any

import numpy as np
import pytest

from datasets.scenes import Bar, Disk, HalfPlane, Scene, Shape
from datasets.sensor import add_noise, quantise
from golden.spec import Dimension
from kernels.compiled import F32, U8
from kernels.light import decoding_table
from tests.vision.board import calibration, sample
from vision.mapping import QuadraticMap, Similarity, from_similarity
from vision.measure import Conditions, Gauge, Measured, NotMeasured

MM_PER_PX = 0.02
TABLE = decoding_table("srgb")
IN_PLACE = Similarity(0.0, 0.0, 0.0, 1.0)
NOISE = {"full_well_e": 20_000.0, "read_noise_e": 12.0}  # without it, 8-bit codes round all calipers alike


def mapping(pose: Similarity = IN_PLACE) -> QuadraticMap:
    return from_similarity(pose, (100.0, 100.0), 100.0)


def circle(x: float, y: float, radius: float, inside: str = "dark") -> dict[str, Any]:
    return {"center_px": (x, y), "radius_px": radius, "inside": inside}


def dimension(feature: dict[str, Any], **other: Any) -> Dimension:
    return Dimension.model_validate({
        "kind": "dimension", "number": 1, "id": "d", "name": "d", "severity": "major", "nominal": 1.0,
        "lower": 0.0, "upper": 100.0, "feature": {"view": "top", **feature}, **other,
    })  # fmt: skip


def diameter(x: float, y: float, radius: float, inside: str = "dark") -> Dimension:
    return dimension({"type": "circle_diameter", "circle": circle(x, y, radius, inside)})


def distance(a: dict[str, Any], b: dict[str, Any]) -> Dimension:
    return dimension({"type": "centre_distance", "a": a, "b": b})


def width(
    start: tuple[float, float], end: tuple[float, float], band: float, inside: str = "dark"
) -> Dimension:
    return dimension(
        {"type": "edge_width", "start_px": start, "end_px": end, "band_px": band, "inside": inside}
    )


def caliper(pixels: U8, pose: Similarity = IN_PLACE, relative_uncertainty: float = 0.0) -> Gauge:
    certificate = calibration(mm_per_px=MM_PER_PX, relative_uncertainty=relative_uncertainty)
    golden = sample().spec
    return Gauge(pixels, mapping(pose), Conditions.of(golden, golden.views[0], certificate))


def measured(pixels: U8, stated: Dimension, pose: Similarity = IN_PLACE) -> tuple[float, float]:
    """Return value and standard uncertainty in pixels."""
    result = caliper(pixels, pose).measure(stated)
    assert isinstance(result, Measured), result
    return result.value / MM_PER_PX, result.standard_uncertainty / MM_PER_PX


def reason(pixels: U8, stated: Dimension) -> str:
    result = caliper(pixels).measure(stated)
    assert isinstance(result, NotMeasured), result
    return result.reason


def noisy(light: F32, seed: int) -> U8:
    """Return codes with the noise of the twin's camera."""
    copy = light.copy()
    add_noise(copy, np.random.default_rng(seed), **NOISE)
    return quantise(copy)


def scene(*shapes: Shape, size: int = 200, background: float = 0.4, blur: float = 0.75) -> Scene:
    return Scene(size, size, background, shapes, blur_sigma_px=blur)


@functools.cache
def disk_light(radius: float, blur: float, x: float, y: float, bright: bool = False) -> F32:
    size = 2 * math.ceil(radius) + 50
    low, high = (0.5, 0.06) if bright else (0.06, 0.5)
    return scene(Disk((x, y), radius, low), size=size, background=high, blur=blur).light()


@pytest.mark.parametrize("blur", [0.6, 0.8, 1.2])
@pytest.mark.parametrize("radius", [15.0, 22.37, 40.81, 75.6, 150.2])
def test_the_diameter_of_a_disk_has_no_bias(radius: float, blur: float) -> None:
    middle = math.ceil(radius) + 25
    x, y = middle + 0.31, middle - 0.27
    light = disk_light(radius, blur, x, y)
    values = [measured(noisy(light, s), diameter(x + 1, y - 2, radius + 1.5))[0] for s in range(8)]
    assert np.mean(values) == pytest.approx(2 * radius, abs=0.02)


@pytest.mark.parametrize("radius", [15.0, 60.3])
def test_a_bright_disk_measures_as_a_dark_one(radius: float) -> None:
    middle = math.ceil(radius) + 25.2
    light = disk_light(radius, 0.8, middle, middle, bright=True)
    values = [measured(noisy(light, s), diameter(middle, middle, radius, "bright"))[0] for s in range(6)]
    assert np.mean(values) == pytest.approx(2 * radius, abs=0.02)


def test_uncertainty_covers_diameter_and_place_in_at_least_95_of_100() -> None:
    rng = np.random.default_rng(12)
    inside: list[bool] = []
    stated: list[float] = []
    for k in range(20):
        radius, blur = float(rng.uniform(15, 45)), float(rng.uniform(0.6, 1.2))
        x, y = (float(v) for v in math.ceil(radius) + 25 + rng.uniform(-0.5, 0.5, 2))
        light = disk_light(radius, blur, x, y)
        for seed in range(12):
            value, u = measured(noisy(light, 100 * k + seed), diameter(x, y, radius))
            inside.append(abs(value - 2 * radius) <= 2 * u)
            stated.append(u)
    assert len(inside) == 240
    assert np.mean(inside) >= 0.95
    assert min(stated) > 0.01
    assert max(stated) < 0.2  # a statement that covers everything is worth nothing


def test_uncertainty_covers_distances_and_widths_in_at_least_95_of_100() -> None:
    rng = np.random.default_rng(13)
    inside: list[bool] = []
    for _ in range(10):
        ax, ay, bx, by = (float(v) for v in np.array([40, 45, 160, 150]) + rng.uniform(-1, 1, 4))
        angle, across = float(rng.uniform(0, 180)), float(rng.uniform(12, 40))
        blur = float(rng.uniform(0.6, 1.2))
        disks = scene(Disk((ax, ay), 20.3, 0.05), Disk((bx, by), 24.8, 0.05), blur=blur).light()
        bar = scene(Bar((100.2, 99.7), angle, across, 0.05), blur=blur).light()
        turn = math.radians(angle)
        half = across / 2 * np.array([math.cos(turn), math.sin(turn)])
        ends = tuple(100.2 - half), tuple(100.2 + half)
        pitch = distance(circle(ax, ay, 20.3), circle(bx, by, 24.8))
        for seed in range(11):
            value, u = measured(noisy(disks, seed), pitch)
            inside.append(abs(value - math.hypot(bx - ax, by - ay)) <= 2 * u)
            value, u = measured(noisy(bar, seed), width(*ends, 31))
            inside.append(abs(value - across) <= 2 * u)
            assert u < 0.2
    assert len(inside) == 220
    assert np.mean(inside) >= 0.95


def test_the_scales_uncertainty_is_added_in_squares() -> None:
    pixels = quantise(disk_light(30.0, 0.8, 55.0, 55.0))
    exact = caliper(pixels).measure(diameter(55, 55, 30))
    vague = caliper(pixels, relative_uncertainty=0.01).measure(diameter(55, 55, 30))
    assert isinstance(exact, Measured)
    assert isinstance(vague, Measured)
    assert vague.value == exact.value
    expected = math.hypot(exact.standard_uncertainty, 0.01 * exact.value)
    assert vague.standard_uncertainty == pytest.approx(expected, rel=1e-3)


def test_the_distance_of_centres_has_no_bias() -> None:
    light = scene(Disk((45.37, 52.18), 21.4, 0.05), Disk((158.71, 140.06), 26.9, 0.7)).light()
    stated = distance(circle(46, 51, 21), circle(158, 141, 27, "bright"))
    values = [measured(noisy(light, s), stated)[0] for s in range(8)]
    assert np.mean(values) == pytest.approx(math.hypot(158.71 - 45.37, 140.06 - 52.18), abs=0.01)


@pytest.mark.parametrize("angle", [0, 13, 45, 71, 90, 128, 180, 230, 300])
@pytest.mark.parametrize("inside", ["dark", "bright"])
def test_the_width_of_a_bar_at_any_angle_has_no_bias(angle: float, inside: str) -> None:
    level, background = (0.05, 0.5) if inside == "dark" else (0.5, 0.05)
    light = scene(Bar((100.3, 99.6), angle, 23.72, level), background=background).light()
    turn = math.radians(angle)
    half = 12.4 * np.array([math.cos(turn), math.sin(turn)])
    stated = width(tuple(np.array([100, 100]) - half), tuple(np.array([100, 100]) + half), 41, inside)
    values = [measured(noisy(light, s), stated)[0] for s in range(4)]
    assert np.mean(values) == pytest.approx(23.72, abs=0.02)


@pytest.mark.parametrize("off", [-3.0, 2.0, 4.0])
def test_a_width_is_taken_square_to_the_edges_found_not_to_the_nominal_line(off: float) -> None:
    light = scene(Bar((100.0, 100.0), off, 60.0, 0.05)).light()
    value, _ = measured(quantise(light), width((70, 100), (130, 100), 41))
    assert value == pytest.approx(60.0, abs=0.02)
    assert 60 / math.cos(math.radians(off)) - 60 > 0.03  # what it would be otherwise


@pytest.mark.parametrize(("angle", "x", "y"), [(2.0, 4.3, -2.7), (-5.0, -3.0, 9.0), (90.0, 199.0, 0.0)])
def test_sizes_do_not_depend_on_the_pose(angle: float, x: float, y: float) -> None:
    pose = Similarity(x, y, angle, 1.0)
    hole, end = pose.points(np.array([[60.0, 60.0], [140.0, 150.0]]))
    disks = scene(Disk(tuple(hole), 25.5, 0.05), Disk(tuple(end), 18.2, 0.05)).codes(1, **NOISE)
    assert measured(disks, diameter(60, 60, 25), pose)[0] == pytest.approx(51.0, abs=0.02)
    stated = distance(circle(60, 60, 25), circle(140, 150, 18))
    assert measured(disks, stated, pose)[0] == pytest.approx(math.hypot(80, 90), abs=0.02)
    centre = tuple(pose.points(np.array([[100.0, 100.0]]))[0])
    bar = scene(Bar(centre, angle, 31.3, 0.05)).codes(1, **NOISE)
    assert measured(bar, width((84, 100), (116, 100), 31), pose)[0] == pytest.approx(31.3, abs=0.02)


def test_a_magnified_frame_is_measured_by_the_certificates_scale_not_the_poses() -> None:
    # the plane of the certificate is where the part lies: a larger image is a larger part
    pose = Similarity(0.0, 0.0, 0.0, 1.02)
    disk = scene(Disk((102.0, 102.0), 40.8, 0.05)).codes()
    assert measured(disk, diameter(100, 100, 40), pose)[0] == pytest.approx(81.6, abs=0.02)


def test_the_nominal_place_may_be_wrong_by_several_pixels() -> None:
    disk = scene(Disk((100.0, 100.0), 40.0, 0.05)).codes()
    for dx, dy, dr in ((6, 0, 0), (-4, 5, 0), (0, 0, 6), (0, 0, -6), (3, -3, 3)):
        value, _ = measured(disk, diameter(100 + dx, 100 + dy, 40 + dr))
        assert value == pytest.approx(80.0, abs=0.03)


@pytest.mark.parametrize("level", [0.05, 0.9])
def test_a_small_burr_or_chip_hardly_moves_a_diameter(level: float) -> None:
    rim = (100 + 40 * math.cos(0.7), 100 + 40 * math.sin(0.7))
    disk = scene(Disk((100.0, 100.0), 40.0, 0.05), Disk(rim, 4.0, level)).codes(3, **NOISE)
    value, u = measured(disk, diameter(100, 100, 40))
    assert value == pytest.approx(80.0, abs=0.12)
    assert abs(value - 80.0) <= 2 * u


def test_dirt_at_one_edge_hardly_moves_a_width() -> None:
    bar = scene(Bar((100.0, 100.0), 0, 40.0, 0.05), Disk((80.0, 108.0), 4.0, 0.05)).codes()
    value, u = measured(bar, width((80, 100), (120, 100), 61))
    assert value == pytest.approx(40.0, abs=0.12)
    assert abs(value - 40.0) <= 2 * u


def test_points_of_the_result_lie_on_the_edge_without_the_burr() -> None:
    rim = (100 + 40 * math.cos(0.7), 100 + 40 * math.sin(0.7))
    pixels = scene(Disk((100.0, 100.0), 40.0, 0.05), Disk(rim, 5.0, 0.05)).codes()
    result = caliper(pixels).measure(diameter(100, 100, 40))
    assert isinstance(result, Measured)
    points = np.array(result.points_px)
    distances = np.hypot(points[:, 0] - 100, points[:, 1] - 100)
    assert np.abs(distances - 40).max() < 0.5
    assert 55 < len(points) < 62


@pytest.mark.parametrize(
    ("stated", "why"),
    [
        (diameter(100, 100, 40), "no edge at all"),
        (distance(circle(60, 60, 20), circle(140, 140, 20)), "no edge at all"),
        (width((80, 100), (120, 100), 41), "no edge at all"),
    ],
)
def test_an_even_surface_has_no_edges(stated: Dimension, why: str) -> None:
    assert reason(scene().codes(1, **NOISE), stated) in (
        "edge_not_found", "edge_disputed",
    ), why  # fmt: skip


@pytest.mark.parametrize(
    ("stated", "shape"),
    [
        (diameter(100, 100, 40, "bright"), Disk((100.0, 100.0), 40.0, 0.05)),
        (width((80, 100), (120, 100), 41, "bright"), Bar((100.0, 100.0), 0, 40.0, 0.05)),
    ],
)
def test_the_other_polarity_is_not_found(stated: Dimension, shape: Shape) -> None:
    assert reason(scene(shape).codes(), stated) == "edge_not_found"


def test_a_distance_needs_both_circles() -> None:
    pixels = scene(Disk((60.0, 60.0), 20.0, 0.05)).codes()
    for a, b in (((60, 60), (140, 140)), ((140, 140), (60, 60))):
        assert reason(pixels, distance(circle(*a, 20), circle(*b, 20))) == "edge_not_found"


def test_half_a_circle_is_not_a_circle() -> None:
    pixels = scene(Disk((100.0, 100.0), 40.0, 0.05), HalfPlane((100.0, 100.0), 180.0, 0.4)).codes()
    assert reason(pixels, diameter(100, 100, 40)) == "edge_not_found"


def square(half: float) -> U8:
    """Return a dark square of that half side in the middle of 200 x 200 px."""
    sides = Scene(200, 200, 1.0, (Bar((100.0, 0.0), 0, 2 * half, 0.0),), blur_sigma_px=0.7).light()
    cover = (1 - sides) * (1 - sides.transpose(1, 0, 2))
    return quantise((0.5 - 0.45 * cover).astype(np.float32))


def test_a_square_is_disputed_as_a_circle() -> None:
    assert reason(square(36.0), diameter(100, 100, 40)) in ("edge_disputed", "edge_not_found")


def test_an_edge_of_which_two_fifths_lie_elsewhere_is_disputed() -> None:
    bars = {w: scene(Bar((100.0, 100.0), 0, w, 0.05)).light() for w in (34.0, 40.0, 46.0)}
    rows = np.full(200, 40.0)
    rows[70:131] = [34.0] * 16 + [40.0] * 29 + [46.0] * 16
    pixels = quantise(np.stack([bars[float(w)][y] for y, w in enumerate(rows)]))
    assert reason(pixels, width((80, 100), (120, 100), 61)) == "edge_disputed"


@pytest.mark.parametrize(
    "stated",
    [
        diameter(28.5, 100, 28), diameter(100, 175, 28), diameter(-0.5, -0.5, 28),
        distance(circle(100, 100, 28), circle(180, 100, 28)),
        width((0.5, 100), (42, 100), 21), width((80, 190), (120, 190), 61),
    ],
)  # fmt: skip
def test_a_feature_that_reaches_over_the_frame_is_out_of_it(stated: Dimension) -> None:
    pixels = scene(Disk((100.0, 100.0), 28.0, 0.05)).codes()
    assert reason(pixels, stated) == "unit_out_of_frame"


@pytest.mark.parametrize("operator", ["two_point", "maximum_inscribed", "minimum_circumscribed"])
def test_every_association_operator_gives_the_size_of_a_perfect_disk(operator: str) -> None:
    pixels = scene(Disk((100.0, 100.0), 40.0, 0.05)).codes(1, **NOISE)
    stated = dimension({"type": "circle_diameter", "circle": circle(100, 100, 40)}, association=operator)
    value, u = measured(pixels, stated)
    assert value == pytest.approx(80.0, abs=0.05)
    assert abs(value - 80.0) < 2.5 * u


def test_blur_does_not_change_a_diameter_beyond_its_uncertainty() -> None:
    # a blurred disk of radius 15 would otherwise measure small by s^2 / R = 0.1 px
    for blur in (0.5, 0.8, 1.2):
        pixels = noisy(disk_light(15.0, blur, 40.0, 40.0), 1)
        assert measured(pixels, diameter(40, 40, 15))[0] == pytest.approx(30.0, abs=0.02)
