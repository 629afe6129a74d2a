"""Registration knows how well it knows: stated uncertainty, covered parts, other parts, wide poses."""

from __future__ import annotations

import functools
import math
from dataclasses import replace

import cv2
import numpy as np
import pytest

from datasets.sensor import add_noise, quantise
from datasets.twin import WIDE_RANGES, Twin, TwinTruth
from kernels.compiled import F64, U8
from kernels.map_fit import QUADRATIC
from tests.vision import board
from tests.vision.test_register import PART, placed, registrar, seen
from vision.mapping import QuadraticMap, Similarity, from_similarity
from vision.register import NotRegistered, PoseRange, Registered, Registrar
from vision.register.fitting import fit_map

CORNERS = np.array(
    [(0, 0), (board.WIDTH - 1, 0), (0, board.HEIGHT - 1), (board.WIDTH - 1, board.HEIGHT - 1)], float
)
HARD = replace(WIDE_RANGES, gradient=0.3, blur_sigma_px=(0.7, 1.2))


def shot(seed: int, covered: float = 0.0, line: Twin | None = None) -> tuple[U8, TwinTruth]:
    """Return a frame's codes, a share of the part being covered, and its truth."""
    rng = np.random.default_rng([seed, 5])
    light, truth = (line or board.twin(HARD)).expose(seed)
    if covered:
        side = math.sqrt(covered)
        x, y = rng.uniform(0, 1 - side, 2) * (board.WIDTH, board.HEIGHT)
        far = np.array([x, y]) + side * np.array([board.WIDTH, board.HEIGHT])
        outline = truth.to_frame([(x, y), (far[0], y), far, (x, far[1])])
        grey = float(rng.uniform(0.02, 0.4))
        cv2.fillPoly(light, [np.round(outline).astype(np.int32)], (grey, grey, grey))
    add_noise(light, rng, full_well_e=20_000, read_noise_e=12)
    return quantise(light), truth


def find(pixels: U8, by: Registrar | None = None) -> Registered | NotRegistered:
    return (by or registrar()).find(seen(pixels))


def test_the_stated_uncertainty_contains_the_truth_as_often_as_it_says() -> None:
    distances: list[float] = []
    stated: list[float] = []
    errors: list[float] = []
    for seed in range(30):
        pixels, truth = shot(seed, covered=0.15 * (seed % 2))
        found = find(pixels)
        assert isinstance(found, Registered)
        off = found.mapping.points(CORNERS) - truth.to_frame(CORNERS)
        spread = found.covariances(CORNERS)
        distances += [float(d @ np.linalg.solve(c, d)) for d, c in zip(off, spread, strict=True)]
        errors += [float(d @ d) for d in off]
        stated += [float(np.trace(c)) for c in spread]
        assert found.u_px == pytest.approx(math.sqrt(max(np.linalg.eigvalsh(c)[1] for c in spread)))
        assert found.bending_px == 0
    within = np.mean(np.array(distances) < 5.991)  # 95 % of chi-squared of two dimensions
    assert 0.88 <= within <= 0.995
    assert 0.7 < math.sqrt(np.mean(errors) / np.mean(stated)) < 1.4
    assert math.sqrt(np.mean(errors)) < 0.04


@pytest.mark.parametrize("seed", range(8))
def test_a_quarter_covered_moves_nothing(seed: int) -> None:
    pixels, truth = shot(seed, covered=0.25)
    found = find(pixels)
    assert isinstance(found, Registered)
    assert np.hypot(*(found.mapping.points(PART) - truth.to_frame(PART)).T).max() < 0.12
    assert 0.5 < found.share < 0.9


@functools.cache
def bands(seed: int) -> tuple[Twin, tuple[int, ...]]:
    """Return a line that makes the board in two to five bands, each shifted by up to 60 px."""
    rng = np.random.default_rng([seed, 8])
    rows = np.linspace(0, board.HEIGHT, int(rng.integers(3, 7))).astype(int)
    shifts = tuple(int(s) for s in rng.integers(-60, 61, len(rows) - 1))
    pieces = [
        np.roll(board.golden_rgb()[a:b], s, 1) for a, b, s in zip(rows[:-1], rows[1:], shifts, strict=True)
    ]
    return Twin(np.concatenate(pieces), board.MM_PER_PX, HARD), shifts


@pytest.mark.parametrize("seed", range(10))
def test_a_part_of_shifted_pieces_is_registered_by_its_pieces_or_refused(seed: int) -> None:
    line, shifts = bands(seed)
    pixels, truth = shot(seed, line=line)
    found = find(pixels)
    if isinstance(found, Registered):
        mapped = found.mapping.points(CORNERS)
        off = [np.hypot(*(mapped - truth.to_frame(CORNERS + np.array([s, 0]))).T) for s in shifts]
        assert np.min(off, axis=0).max() < max(0.1, 5 * found.u_px)
    else:
        assert found.reason in {"unit_not_found", "unit_misplaced"}


@pytest.mark.parametrize(
    ("angle", "scale", "shift"),
    [
        (10.0, 1.0, (0.0, 0.0)), (-10.0, 0.98, (60.0, 40.0)), (0.0, 1.0, (175.0, -140.0)),
        (4.0, 1.05, (-90.0, 90.0)),
    ],
)  # fmt: skip
def test_a_unit_at_the_rim_of_the_range_is_found_where_it_lies(
    angle: float, scale: float, shift: tuple[float, float]
) -> None:
    found = find(placed(angle, scale, shift))
    assert isinstance(found, Registered)
    assert found.pose.angle == pytest.approx(angle, abs=0.02)
    assert found.pose.scale == pytest.approx(scale, abs=2e-4)


@pytest.mark.parametrize("scale", [0.8, 0.88, 1.1, 1.2])
def test_a_scale_wrong_by_a_fifth_is_found_by_who_judges_it_and_misplaced_for_a_station(scale: float) -> None:
    pixels, golden = placed(3.0, scale), board.golden_rgb()
    everywhere = Registrar(seen(golden), np.ones(golden.shape[:2], np.bool_), PoseRange(12, 0.2, (0.75, 1.3)))
    found = find(pixels, everywhere)
    assert isinstance(found, Registered)
    assert found.pose.scale == pytest.approx(scale, abs=1e-3)
    assert find(pixels) == NotRegistered("unit_misplaced")


def bent(strength: float) -> tuple[U8, F64]:
    """Return the board bent along x by up to `strength` px (a parabola in y), and where its corners went."""
    y, x = np.mgrid[: board.HEIGHT, : board.WIDTH].astype(np.float32)
    v = (y - (board.HEIGHT - 1) / 2) / (board.HEIGHT / 2)
    moved = cv2.remap(
        board.golden_rgb(), x - strength * v * v, y, cv2.INTER_LANCZOS4, borderMode=cv2.BORDER_REFLECT
    )
    where = (CORNERS[:, 1] - (board.HEIGHT - 1) / 2) / (board.HEIGHT / 2)
    return np.asarray(moved, np.uint8), CORNERS + np.outer(strength * where**2, (1, 0))


def test_bending_is_followed_where_the_patches_ask_for_it() -> None:
    pixels, corners = bent(1.5)
    found = find(pixels)
    assert isinstance(found, Registered)
    assert found.model == "quadratic"
    assert np.abs(found.mapping.points(CORNERS) - corners).max() < 0.05
    flat = find(bent(0.0)[0])
    assert isinstance(flat, Registered)
    assert flat.model == "projective"


def test_the_fit_is_that_of_the_true_map_and_sets_outliers_aside() -> None:
    rng = np.random.default_rng(3)
    golden_points = rng.uniform(0, 800, (70, 2))
    truth = QuadraticMap(
        (400.0, 300.0),
        400.0,
        rng.normal(0, 2, (6, 2)) + np.array([[500, 400], [400, 7], [-7, 400], [0, 0], [0, 0], [0, 0]]),
    )
    unit = truth.points(golden_points) + rng.normal(0, 0.01, (70, 2))
    unit[:20] += rng.uniform(3, 9, (20, 2))
    start = from_similarity(Similarity(100, 100, 1.0, 1.0), truth.centre, truth.extent)
    fit = fit_map(golden_points, unit, np.tile((1e-4, 0, 1e-4), (70, 1)), start, (QUADRATIC, QUADRATIC))
    assert fit is not None
    assert (fit.weights[:20] == 0).all()
    off = (fit.mapping.coefficients - truth.coefficients).reshape(-1)
    assert off @ np.linalg.solve(fit.covariance, off) < 32.9  # 99.9 % of chi-squared of twelve dimensions
