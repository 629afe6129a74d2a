"""The local field, and crops of unit and golden image at native resolution."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable

import cv2
import numpy as np
import pytest
from scipy.interpolate import BSpline
from scipy.ndimage import map_coordinates

from datasets.light import to_linear
from kernels.comparison import CODE_OFFSET
from kernels.compiled import F64, U8
from tests.vision import board, s4
from vision.field import Field
from vision.mapping import QuadraticMap
from vision.pyramid import Pyramid
from vision.register import Registered
from vision.surface import Aligned, SurfaceComparator

GAIN = np.array([1.04, -0.03, 0.02, 0.01, -0.015, 0.02])


def test_a_field_is_the_uniform_cubic_spline_of_its_controls() -> None:
    rng = np.random.default_rng(1)
    controls = rng.normal(size=(9, 8, 2))
    field = Field(50.0, controls, (220, 260), 0.0)
    points = rng.uniform((0, 0), (219, 259), (40, 2))
    along_x = BSpline.design_matrix(points[:, 0], (np.arange(12) - 3) * 50.0, 3).toarray()
    along_y = BSpline.design_matrix(points[:, 1], (np.arange(13) - 3) * 50.0, 3).toarray()
    expected = np.einsum("nj,ni,jia->na", along_y, along_x, controls)
    np.testing.assert_allclose(field.points(points), expected, atol=1e-12)


@functools.cache
def comparator() -> SurfaceComparator:
    sample = board.sample()
    golden = board.golden_rgb()
    table = to_linear(np.arange(256, dtype=np.uint8)).astype(np.float32)
    return SurfaceComparator(sample.spec, sample.spec.views[0], golden, table)


def quadratic(coefficients: F64) -> QuadraticMap:
    return QuadraticMap(((board.WIDTH - 1) / 2, (board.HEIGHT - 1) / 2), board.WIDTH / 2, coefficients)


TURNED = quadratic(
    np.array([[430, 340], [404, 9], [-8.5, 403], [1.5, -0.8], [0.7, 1.1], [-1.2, 0.9]], np.float64)
)


def bent() -> Field:
    controls = np.random.default_rng(7).uniform(-6, 6, (10, 12, 2))
    return Field(100.0, controls, (board.WIDTH, board.HEIGHT), 6.0)


@pytest.mark.parametrize("field", [None, bent()], ids=["map alone", "with field"])
@pytest.mark.parametrize("corner", [(200, 150), (-40, -30), (700, 500)])
def test_a_crop_is_one_resampling_of_the_frame_with_its_illumination_removed(
    field: Field | None, corner: tuple[int, int]
) -> None:
    smooth = cv2.GaussianBlur(board.golden_rgb(), (0, 0), 2)
    frame = np.asarray(cv2.resize(smooth, (860, 690), interpolation=cv2.INTER_CUBIC), np.uint8)
    aligned = Aligned(frame, GAIN, 0.0, field)
    golden, unit = comparator().crops(frame, aligned, TURNED, np.array([corner]))
    x, y = np.meshgrid(np.arange(256) + corner[0], np.arange(256) + corner[1])
    x, y = np.clip(x, 0, board.WIDTH - 1), np.clip(y, 0, board.HEIGHT - 1)
    np.testing.assert_array_equal(golden[0], board.golden_rgb()[y, x])
    places = np.column_stack((x.ravel(), y.ravel())).astype(np.float64)
    at = aligned.frame_points(TURNED, places)
    u, v = (places[:, 0] + 0.5) / (board.WIDTH / 2) - 1, (places[:, 1] + 0.5) / (board.HEIGHT / 2) - 1
    # the corners of the half-size image are the centres of its outermost pixels
    u, v = u * (board.WIDTH / 2) / (board.WIDTH / 2 - 1), v * (board.HEIGHT / 2) / (board.HEIGHT / 2 - 1)
    gain = np.stack((np.ones_like(u), u, v, u * u, u * v, v * v), axis=1) @ GAIN
    for c in range(3):
        seen = map_coordinates(frame[..., c].astype(float), at[:, ::-1].T, order=1, mode="nearest")
        expected = np.clip((seen + CODE_OFFSET) * gain - CODE_OFFSET, 0, 255)
        assert np.abs(unit[0, ..., c].ravel() - expected).max() < 1.2  # two roundings


HEIGHT, WIDTH = s4.golden_rgb().shape[:2]
NO_MAP = QuadraticMap((0.0, 0.0), 1.0, np.array([[0, 0], [1, 0], [0, 1], [0, 0], [0, 0], [0, 0]], float))


@functools.cache
def s4_comparator() -> SurfaceComparator:
    table = to_linear(np.arange(256, dtype=np.uint8)).astype(np.float32)
    stated = s4.spec()
    return SurfaceComparator(stated, stated.views[0], s4.golden_rgb(), table)


def wave(amplitude: float, length: float, seed: int) -> Callable[[F64], F64]:
    """Return a displacement of (n, 2) golden points: a plane wave on each axis, in drawn directions."""
    rng = np.random.default_rng(seed)
    angle, phase = rng.uniform(0, math.pi, 2), rng.uniform(0, 2 * math.pi, 2)
    across = np.stack((np.cos(angle), np.sin(angle)))
    return lambda p: amplitude / math.sqrt(2) * np.sin(2 * math.pi / length * (p @ across) + phase)


def displaced(golden: U8, field: Callable[[F64], F64]) -> U8:
    """Return the image in which golden point g lies at g + field(g), by cubic interpolation."""
    y, x = np.mgrid[:HEIGHT:8, :WIDTH:8]
    at = np.column_stack((x.ravel(), y.ravel())).astype(float)
    source = at.copy()
    for _ in range(12):
        source = at - field(source)
    coarse = (source - at).reshape(*x.shape, 2).astype(np.float32)
    y, x = np.mgrid[:HEIGHT, :WIDTH]
    nodes = (y / 8, x / 8)
    dx, dy = (map_coordinates(coarse[..., c], nodes, order=3, mode="nearest") for c in range(2))
    out = [
        map_coordinates(golden[..., c].astype(np.float32), (y + dy, x + dx), order=3, mode="nearest")
        for c in range(3)
    ]
    return np.clip(np.round(np.stack(out, axis=-1)), 0, 255).astype(np.uint8)


def scratched(image: U8, seed: int) -> U8:
    """Return the image under other light, with scratches and grain of its own."""
    rng = np.random.default_rng(seed)
    layer = np.zeros(image.shape[:2], np.float32)
    for _ in range(250):
        start, angle = rng.uniform((0, 0), (WIDTH, HEIGHT)), rng.uniform(0, math.pi)
        end = start + rng.uniform(60, 400) * np.array([math.cos(angle), math.sin(angle)])
        level, width = float(rng.normal() * 26), int(rng.integers(1, 4))
        cv2.line(layer, tuple(start.astype(int).tolist()), tuple(end.astype(int).tolist()), level, width)
    layer += cv2.GaussianBlur(rng.normal(size=layer.shape).astype(np.float32), (0, 0), 1.5) * 15
    light = np.linspace(0.95, 1.08, WIDTH)[None, :, None]
    return np.clip(image * light + layer[..., None], 0, 255).astype(np.uint8)


def error_across_edges(found: Field, field: Callable[[F64], F64]) -> F64:
    """Return the error where the golden image has strong edges, along their normals, by float gradients."""
    grey = cv2.GaussianBlur(s4.golden_rgb().astype(np.float32).mean(axis=2), (0, 0), 4)
    gy, gx = np.gradient(grey)
    strength = np.hypot(gx, gy)
    strength[:30], strength[-30:], strength[:, :30], strength[:, -30:] = 0, 0, 0, 0
    y, x = np.nonzero(strength > 4)
    y, x = y[::29], x[::29]
    at = np.column_stack((x, y)).astype(float)
    normal = np.column_stack((gx[y, x], gy[y, x])) / strength[y, x][:, None]
    return ((found.points(at) - field(at)) * normal).sum(axis=1)


def rms(values: F64) -> float:
    return math.sqrt(float((values**2).mean()))


@functools.cache
def unit(amplitude: float, length: float, seed: int) -> U8:
    return displaced(s4.golden_rgb(), wave(amplitude, length, seed))


WAVES = [(15, 500, 1), (15, 900, 3), (30, 1500, 7), (5, 600, 5)]


@pytest.mark.parametrize("stated", WAVES)
def test_a_smooth_displacement_is_found_under_scratches_and_light_of_its_own(
    stated: tuple[float, float, int],
) -> None:
    aligned = s4_comparator().align(scratched(unit(*stated), stated[2]), NO_MAP)
    assert aligned.field is not None
    error = error_across_edges(aligned.field, wave(*stated))
    assert len(error) > 500
    assert rms(error) < 0.55
    assert aligned.largest_px == pytest.approx(stated[0], abs=0.25 * stated[0])


@pytest.mark.parametrize("seed", range(5))
def test_an_ordinary_capture_needs_no_field(seed: int) -> None:
    for part, name in ((board, "top"), (s4, "top")):
        compiled = part.shared_inspector()._setup.views[name]
        pixels = part.captured(seed).pixels
        found = compiled.registrar.find(Pyramid.of(pixels, compiled.table))
        assert isinstance(found, Registered)
        aligned = compiled.surface.align(pixels, found.mapping)
        assert aligned.field is None
        assert aligned.largest_px == 0.0
        # nor is it otherwise than without all this: bytes of the map alone
        height, width = aligned.pixels.shape[:2]
        y, x = np.mgrid[:height, :width]
        at = found.mapping.points(np.column_stack((x.ravel(), y.ravel())) * 2 + 0.5)
        half = cv2.resize(pixels, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA)
        maps = ((at + 0.5) / 2 - 0.5).astype(np.float32).reshape(height, width, 2)
        seen = cv2.remap(half, maps, None, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
        assert np.abs(seen.astype(int) - aligned.pixels).max() <= 1


def solder(image: U8) -> U8:
    out = image.copy()
    cv2.circle(out, (700, 1000), 95, (225, 225, 222), -1, cv2.LINE_AA)
    return out


def without_track(image: U8) -> U8:
    out = image.copy()
    cv2.rectangle(out, (440, 960), (520, 1430), image[1100, 640].tolist(), -1)
    return out


@pytest.mark.parametrize(
    ("draw", "box"),
    [(solder, (600, 900, 800, 1100)), (without_track, (400, 940, 560, 1450))],
    ids=["solder", "missing track"],
)
def test_a_large_defect_bends_no_field(draw: Callable[[U8], U8], box: tuple[int, int, int, int]) -> None:
    assert s4_comparator().align(draw(s4.golden_rgb()), NO_MAP).field is None
    stated = WAVES[1]
    aligned = s4_comparator().align(displaced(draw(s4.golden_rgb()), wave(*stated)), NO_MAP)
    assert aligned.field is not None
    x, y = np.meshgrid(np.arange(box[0], box[2], 8), np.arange(box[1], box[3], 8))
    at = np.column_stack((x.ravel(), y.ravel())).astype(float)
    error = np.hypot(*(aligned.field.points(at) - wave(*stated)(at)).T)
    assert rms(error) < 1.6  # of 15; nothing but the surroundings tells
    assert error.max() < 3


def test_where_there_is_no_structure_the_map_holds() -> None:
    golden = board.golden_rgb().copy()
    golden[:, 400:] = 120
    sample = board.sample()
    table = to_linear(np.arange(256, dtype=np.uint8)).astype(np.float32)
    aligner = SurfaceComparator(sample.spec, sample.spec.views[0], golden, table)
    moved = np.roll(golden, 6, axis=1)
    field = aligner.align(moved, NO_MAP).field
    assert field is not None
    known, unknown = np.array([[200.0, 300.0]]), np.array([[780.0, 300.0]])
    assert field.points(known)[0, 0] == pytest.approx(6, abs=0.5)
    assert abs(field.points(unknown)[0, 0]) < 3
