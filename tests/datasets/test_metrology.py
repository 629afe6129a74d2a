"""The metrology twin against closed forms, brute-force sampling and OpenCV's projection."""

from __future__ import annotations

import math
from collections.abc import Callable
from itertools import pairwise

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter
from scipy.special import ndtr
from scipy.stats import ncx2

from datasets.errors import DatasetError
from datasets.twin.metrology import (
    Camera,
    Coma,
    Disk,
    Ellipse,
    Light,
    Polygon,
    RoundedRectangle,
    Scene,
    Sector,
    Sensor,
    Shape,
    Slot,
    bevelled,
    bolt_circle,
    burr,
    expose,
    hole_grid,
    render,
    thread_profile,
)

Doubles = NDArray[np.float64]

_AT, _SHARE = (a / 2 for a in np.polynomial.legendre.leggauss(8))
LENS = Camera(64, 56, 150.0, 148.0, 30.0, 27.0, k1=-0.35, k2=0.1, p1=2e-3, p2=-1e-3).aimed(
    (0.0, 0.0), 60.0, tilt_deg=(22.0, -13.0), roll_deg=17.0
)


def over_pixels(width: int, height: int, at: Callable[[Doubles, Doubles], Doubles]) -> Doubles:
    """Integrate a smooth function of (x, y) over each pixel's square by quadrature."""
    x, y = np.meshgrid(np.arange(width, dtype=np.float64), np.arange(height, dtype=np.float64))
    total = np.zeros((height, width))
    for a, share_a in zip(_AT, _SHARE, strict=True):
        for b, share_b in zip(_AT, _SHARE, strict=True):
            total += share_a * share_b * at(x + a, y + b)
    return total


def blurred_disk(x: float, y: float, radius: float, sigma: float) -> Doubles:
    """A disk blurred by a Gaussian: the offset circle probability, a noncentral chi-square distribution."""
    return over_pixels(
        60, 50, lambda u, v: ncx2.cdf((radius / sigma) ** 2, 2, ((u - x) ** 2 + (v - y) ** 2) / sigma**2)
    )


def half_plane(angle_deg: float, point: tuple[float, float]) -> Polygon:
    """All points that lie against the normal (cos, sin) of the angle, as far as a scene needs."""
    normal = np.array([math.cos(math.radians(angle_deg)), math.sin(math.radians(angle_deg))])
    along, p = np.array([-normal[1], normal[0]]), np.array(point)
    corners = [
        p + 150 * along,
        p - 150 * along,
        p - 150 * along - 150 * normal,
        p + 150 * along - 150 * normal,
    ]
    return Polygon(tuple((float(a), float(b)) for a, b in corners), 0.1)


@pytest.mark.parametrize("sigma", [0.3, 0.7, 1.5])
@pytest.mark.parametrize("radius", [0.8, 14.7])
def test_a_disk_is_the_offset_circle_probability_over_the_pixel(sigma: float, radius: float) -> None:
    camera = Camera.scale(60, 50, 0.25, x=0, y=0)
    scene = Scene(1.0, (Disk(30.3 / 4, 24.8 / 4, radius / 4, 0.0),))
    light = expose(scene, camera, Sensor(psf_sigma_px=sigma))
    np.testing.assert_allclose(light, 1 - blurred_disk(30.3, 24.8, radius, sigma), atol=1e-6)


@pytest.mark.parametrize("sigma", [0.4, 1.0])
@pytest.mark.parametrize("angle", [0.0, 7.0, 90.0, 133.0, 270.0])
def test_a_straight_edge_is_the_normal_distribution_over_the_pixel(sigma: float, angle: float) -> None:
    c, s = math.cos(math.radians(angle)), math.sin(math.radians(angle))
    light = expose(
        Scene(0.9, (half_plane(angle, (30.2, 25.6)),)),
        Camera.scale(60, 50, 1.0, x=0, y=0),
        Sensor(psf_sigma_px=sigma),
    )
    edge = over_pixels(60, 50, lambda u, v: ndtr(((u - 30.2) * c + (v - 25.6) * s) / sigma))
    np.testing.assert_allclose(light, 0.1 + 0.8 * edge, atol=1e-6)


def test_a_lopsided_spread_is_two_disks_and_keeps_its_balance() -> None:
    coma = Coma(0.3, 1.0, -0.6, 1.2)
    camera = Camera.scale(60, 50, 1.0, x=0, y=0)
    light = 1 - expose(Scene(1.0, (Disk(30, 25, 9, 0.0),)), camera, Sensor(psf_sigma_px=0.8, coma=coma))
    both = 0.7 * blurred_disk(29.7, 25.18, 9, 0.8) + 0.3 * blurred_disk(30.7, 24.58, 9, 1.2)
    np.testing.assert_allclose(light, both, atol=1e-6)
    balance = np.array([(light * np.arange(60)).sum(), (light.T * np.arange(50)).sum()]) / light.sum()
    np.testing.assert_allclose(balance, [30, 25], atol=1e-6)


def test_light_that_falls_off_is_blurred_with_the_edge_it_falls_on() -> None:
    # (1 + g x) times a step at x = e, convolved with a Gaussian: (1 + g x) Phi - g s^2 phi, over the pixel.
    g, e, s = 0.6 / 60, 30.2, 0.8
    scene = Scene(1.0, (half_plane(0.0, (e, 25.0)),), Light(0.7, (0.6, 0.0)))
    light = expose(scene, Camera.scale(60, 50, 1.0, x=0, y=0), Sensor(psf_sigma_px=s))

    def closed(u: Doubles, v: Doubles) -> Doubles:
        z = (u - e) / s
        step = 1 + g * (u - 29.5)
        bell = np.exp(-0.5 * z * z) / math.sqrt(2 * math.pi)
        return 0.1 * step + 0.9 * (step * ndtr(z) + g * s * bell)

    exact = 0.7 * over_pixels(60, 50, closed)
    slope = np.gradient(exact, axis=1)
    shift = ((light - exact) * slope).sum() / np.square(slope).sum()
    assert abs(shift) < 2e-4
    np.testing.assert_allclose(light, exact, atol=1e-3 * 0.9 * 0.7 * 0.5)


Side = Callable[[Doubles, Doubles], Doubles]
"""A function of a point in mm that is below 0 inside a shape."""


def sampled(camera: Camera, sigma: float, ground: float, shapes: list[tuple[Side, float, float]]) -> Doubles:
    """Brute force on 16 x 16 places per pixel: paint (side, reflectance, z) in turn, blur, average.

    A place on an edge is covered as far as the edge, taken as straight there, leaves of it.
    """
    fine, margin = 16, 6
    w, h = camera.width + 2 * margin, camera.height + 2 * margin
    u, v = np.meshgrid(*((np.arange(n * fine) + 0.5) / fine - 0.5 - margin for n in (w, h)))
    seen = np.full(u.shape, ground)
    for side, reflectance, z in shapes:
        x, y = camera.to_plane(np.column_stack([u.ravel(), v.ravel()]), z).T
        f = side(x, y).reshape(u.shape)
        cover = np.clip(0.5 - f / np.hypot(*np.gradient(f)), 0, 1)
        seen = seen * (1 - cover) + reflectance * cover
    means = gaussian_filter(seen, sigma * fine, truncate=6).reshape(h, fine, w, fine).mean(axis=(1, 3))
    return means[margin:-margin, margin:-margin]


def displacement(found: Doubles, exact: Doubles) -> Doubles:
    """How far a picture is shifted (x, y) and how far its edges are grown, px, by least squares."""
    gy, gx = np.gradient(exact)
    steep = np.hypot(gx, gy)
    edges = steep > 0.05
    design = np.column_stack([gx[edges], gy[edges], steep[edges]])
    return np.asarray(np.linalg.lstsq(design, (exact - found)[edges], rcond=None)[0])


def test_shapes_that_hide_one_another_under_a_lens_agree_with_sampling() -> None:
    shapes = (
        Disk(0.5, -0.3, 8.0, 0.1),
        Polygon(((-10.0, -3.0), (-2.0, -4.0), (-3.0, 3.3)), 0.5),
        Disk(1.0, 1.0, 2.5, 0.7),
        Disk(6.0, 4.0, 3.0, 0.3, height=-4.0),
    )

    def triangle(x: Doubles, y: Doubles) -> Doubles:
        corners = [(-10.0, -3.0), (-2.0, -4.0), (-3.0, 3.3)]
        ways = zip(corners, [*corners[1:], corners[0]], strict=True)
        return np.max(
            [((y - q) * (a - p) - (x - p) * (b - q)) / -math.dist((a, b), (p, q)) for (p, q), (a, b) in ways],
            axis=0,
        )

    def disk(a: float, b: float, radius: float) -> Side:
        return lambda x, y: np.hypot(x - a, y - b) - radius

    brute = sampled(
        LENS,
        0.8,
        0.9,
        [
            (disk(0.5, -0.3, 8), 0.1, 0),
            (triangle, 0.5, 0),
            (disk(1, 1, 2.5), 0.7, 0),
            (disk(6, 4, 3), 0.3, -4),
        ],
    )
    light = expose(Scene(0.9, shapes), LENS, Sensor(psf_sigma_px=0.8))
    assert np.abs(displacement(light, brute)).max() < 1e-4
    assert np.abs(light - brute).max() < 1e-3
    # Each edge by itself lies where it should: a disk alone, to a tenth of what is promised.
    light = expose(Scene(0.9, shapes[:1]), LENS, Sensor(psf_sigma_px=0.8))
    brute = sampled(LENS, 0.8, 0.9, [(disk(0.5, -0.3, 8), 0.1, 0)])
    assert np.abs(displacement(light, brute)).max() < 1e-4
    assert np.abs(light - brute).max() < 5e-4


@pytest.mark.parametrize(
    ("shape", "area"),
    [
        (Disk(1, 2, 7, 0.0), math.pi * 49),
        (Ellipse(-2, 1, 9, 4, 33, 0.0), math.pi * 36),
        (Slot(0, 1, 20, 6, 25, 0.0), 14 * 6 + math.pi * 9),
        (RoundedRectangle(1, -1, 18, 11, 2.5, -20, 0.0), 18 * 11 - (4 - math.pi) * 2.5**2),
        (Sector(0, 0, 10, 200, 320, 0.0), math.pi * 100 / 3),
        (Polygon(((-9, -8), (-7, 9), (8, 6), (0, 0)), 0.0), 125.5),
    ],
)
def test_shapes_take_away_their_area_and_hold_their_points(shape: Shape, area: float) -> None:
    camera = Camera.scale(121, 121, 0.25)
    light = expose(Scene(1.0, (shape,)), camera, Sensor(psf_sigma_px=0.5))
    assert (1 - light).sum() / 16 == pytest.approx(area, rel=1e-6)
    # The twin tests its own outlines by `contains` where shapes overlap: the two must be one shape.
    y, x = np.mgrid[:121, :121].astype(np.float64)
    held = shape.contains(camera.to_plane(np.column_stack([x.ravel(), y.ravel()]))).reshape(121, 121)
    sure = np.abs(light - 0.5) > 0.45
    np.testing.assert_array_equal(held[sure], light[sure] < 0.5)
    behind = camera.posed((0.0, math.pi, 0.0), (0.0, 0.0, 0.0))
    np.testing.assert_allclose(
        expose(Scene(1.0, (shape,)), behind, Sensor(psf_sigma_px=0.5)), light[:, ::-1], atol=1e-6
    )


@given(
    k1=st.floats(-0.3, 0.3), k2=st.floats(-0.05, 0.1), p1=st.floats(-0.01, 0.01), k3=st.floats(-0.01, 0.02),
    tilt=st.tuples(st.floats(-35, 35), st.floats(-35, 35)), roll=st.floats(-180, 180), z=st.floats(-5, 5),
)  # fmt: skip
@settings(max_examples=60, deadline=None)
def test_projection_is_opencvs_and_can_be_undone(
    k1: float, k2: float, p1: float, k3: float, tilt: tuple[float, float], roll: float, z: float
) -> None:
    camera = Camera(2000, 1500, 2100.0, 2050.0, 990.0, 760.0, k1, k2, p1, -p1 / 2, k3).aimed(
        (20.0, 10.0), 150.0, tilt_deg=tilt, roll_deg=roll
    )
    x, y = np.meshgrid(np.linspace(-20, 60, 7), np.linspace(-20, 40, 6))
    points = np.column_stack([x.ravel(), y.ravel(), np.full(x.size, z)])
    pixels = camera.project(points)
    turn, shift = np.array(camera.rotation), np.array(camera.translation)
    theirs = cv2.projectPoints(points, turn, shift, camera.matrix, camera.distortion)[0]
    np.testing.assert_allclose(pixels, theirs.reshape(-1, 2), atol=1e-8)
    np.testing.assert_allclose(camera.to_plane(pixels, z), points[:, :2], atol=1e-9)
    np.testing.assert_allclose(camera.project(np.array([[20.0, 10.0, 0.0]])), [[990.0, 760.0]], atol=1e-9)


def test_telecentric_views_do_not_shrink_with_depth() -> None:
    camera = Camera.telecentric(800, 600, 20.0, k1=1e-5, rotation=(0.2, -0.1, 0.3))
    points = np.random.default_rng(0).uniform(-10, 10, (50, 3))
    # Along the line of sight nothing moves; across it the camera turns, distorts per mm^2 and scales.
    sight = cv2.Rodrigues(np.array(camera.rotation))[0][2]
    np.testing.assert_allclose(camera.project(points + 3 * sight), camera.project(points), atol=1e-9)
    flat = (points @ cv2.Rodrigues(np.array(camera.rotation))[0].T)[:, :2]
    bent = flat * (1 + 1e-5 * np.square(flat).sum(axis=1, keepdims=True))
    np.testing.assert_allclose(camera.project(points), bent * 20 + [399.5, 299.5], atol=1e-9)
    np.testing.assert_allclose(
        camera.to_plane(camera.project(points * [1, 1, 0] + [0, 0, 2]), 2), points[:, :2]
    )


def test_a_plain_scale_turns_from_x_towards_y() -> None:
    camera = Camera.scale(100, 80, 0.5, angle_deg=90, x=10, y=20)
    np.testing.assert_allclose(
        camera.project(np.array([[0, 0, 0], [1, 0, 7], [0, 1, 0]])), [[10, 20], [10, 22], [8, 20]]
    )
    np.testing.assert_allclose(Camera.scale(100, 80, 0.5).project(np.zeros((1, 3))), [[49.5, 39.5]])


def test_a_window_is_cut_out_of_the_frame() -> None:
    scene = Scene(
        (0.9, 0.8, 0.7), (Disk(0, 0, 9, 0.1), Slot(4, 3, 12, 3, 40, (0.2, 0.5, 0.6))), Light(0.9, (0.2, -0.3))
    )
    for sensor in (
        Sensor(vignetting=0.4, gain_spread=0.01, dark_spread_e=10),
        Sensor(bayer="GRBG", coma=Coma(0.2, 0.5, 0.1, 1.0)),
    ):
        whole = expose(scene, LENS, sensor)
        part = expose(scene, LENS, sensor, (7, 13, 31, 25))
        np.testing.assert_allclose(part, whole[13:38, 7:38], atol=1e-12)


def test_a_spike_grows_from_its_disk_without_a_seam() -> None:
    camera = Camera.scale(200, 200, 0.1)
    disk = Disk(0, 0, 6, 0.1)
    plain = expose(Scene(0.9, (disk,)), camera, Sensor())
    spiked = expose(Scene(0.9, (disk, burr(disk, 30, 1.5, 1.0, 0.1))), camera, Sensor())
    changed = np.argwhere(np.abs(spiked - plain) > 1e-6)
    x, y = camera.to_plane(changed[:, ::-1].astype(np.float64)).T
    assert np.hypot(x, y).min() > 5.3
    assert np.abs(np.degrees(np.arctan2(y, x)) - 30).max() < 12
    # A triangle over a chord of the edge, less the piece of the disk beyond the chord.
    extra = (plain - spiked).sum() / 0.8 / 100
    assert extra == pytest.approx(0.5 * 1.0 * 1.5, rel=0.03)
    bevel = expose(Scene(0.9, bevelled(disk, 0.5, 0.5)), camera, Sensor())
    ring = (plain - bevel).sum() / 0.4 / 100
    assert ring == pytest.approx(math.pi * (6.5**2 - 36), rel=1e-6)


def test_thread_has_the_diameters_of_the_tables() -> None:
    # ISO 724: M10 has pitch 1.5, pitch diameter 9.026 and minor diameter 8.376 mm.
    thread = thread_profile(0, 0, 1.5, 10.0, 6, 0.0)
    x, y = np.array(thread.points).T
    assert np.ptp(y) == pytest.approx(10.0)
    assert np.unique(np.abs(y).round(4)).min() == pytest.approx(8.376 / 2, abs=5e-4)
    along = np.linspace(-3, 3, 60001)
    for side in (1, -1):
        on_pitch_line = thread.contains(np.column_stack([along, np.full(len(along), side * 9.026 / 2)]))
        assert on_pitch_line.mean() == pytest.approx(0.5, abs=1e-3)
    flanks = np.abs(np.diff(y)) > 1e-9
    slopes = np.degrees(np.arctan2(np.abs(np.diff(y)), np.abs(np.diff(x))))[flanks]
    np.testing.assert_allclose(slopes[slopes < 89], 60.0, atol=1e-6)
    crests = [thread.contains(np.column_stack([along, np.full(len(along), v)])) for v in (4.99, -4.99)]
    assert not (crests[0] & crests[1]).any()  # half a pitch apart


def test_patterns_of_holes_lie_where_they_are_said_to() -> None:
    holes = bolt_circle(1, 2, 40, 3, 6, 0.9, start_deg=90)
    assert (holes[0].x, holes[0].y, holes[0].radius) == pytest.approx((1, 22, 1.5))
    apart = [math.dist((a.x, a.y), (b.x, b.y)) for a, b in pairwise(holes)]
    assert apart == pytest.approx([20.0] * 5)
    grid = hole_grid(0, 0, 3, 2, (5, 7), 2, 0.9)
    assert [(h.x, h.y) for h in grid] == [(0, 0), (5, 0), (10, 0), (0, 7), (5, 7), (10, 7)]


def test_what_cannot_be_seen_is_refused() -> None:
    rng = np.random.default_rng(0)
    with pytest.raises(DatasetError, match="behind the camera"):
        expose(Scene(1.0, (half_plane(30, (0, 0)),)), LENS, Sensor())
    with pytest.raises(DatasetError, match="folds back"):
        Camera(100, 100, 50, 50, 50, 50, k1=-0.5).project(np.array([[2.0, 0.0, 1.0]]))
    with pytest.raises(DatasetError, match="leaves the frame"):
        render(Scene(1.0), LENS, Sensor(), rng, (60, 0, 10, 10))
    with pytest.raises(DatasetError, match="does not look at the plane"):
        Camera(10, 10, 5, 5, 5, 5, rotation=(math.pi / 2, 0, 0), translation=(0, 1, 9)).to_plane(
            np.zeros((1, 2))
        )
    for wrong in (
        lambda: Disk(0, 0, 0, 0.1),
        lambda: Slot(0, 0, 2, 3, 0, 0.1),
        lambda: Polygon(((0, 0), (1, 1), (2, 2)), 0.1),
        lambda: RoundedRectangle(0, 0, 2, 2, 1, 0, 0.1),
        lambda: Sector(0, 0, 1, 0, 360, 0.1),
        lambda: Light(1.0, (1.5, 0.6)),
        lambda: thread_profile(0, 0, 3, 3, 1, 0.1),
        lambda: bevelled(Disk(0, 0, 1, 0.1), -1, 0.5),
    ):
        with pytest.raises(DatasetError):
            wrong()
