"""Registration against the twin's exact truth; where the unit cannot be found, it says why."""

from __future__ import annotations

import functools
import math
from dataclasses import replace

import cv2
import numpy as np
import pytest

from datasets.twin import DEMO_RANGES, WIDE_RANGES, MissingMaterial, Twin, TwinTruth, rectangle
from kernels.compiled import F64, U8
from kernels.light import decoding_table
from tests.vision import board, s4
from vision.pyramid import Pyramid
from vision.register import NotRegistered, Registered, Registrar


def seen(pixels: U8) -> Pyramid:
    return Pyramid.of(pixels, decoding_table("srgb"))


@functools.cache
def registrar() -> Registrar:
    return Registrar(seen(board.golden_rgb()), np.ones((board.HEIGHT, board.WIDTH), np.bool_))


def grid(width: int, height: int, rim: int = 10) -> F64:
    """Return points all over the part, its outermost pixels (that no zone inspects) left out."""
    x, y = np.meshgrid(np.linspace(rim, width - 1 - rim, 12), np.linspace(rim, height - 1 - rim, 12))
    return np.column_stack((x.ravel(), y.ravel()))


PART = grid(board.WIDTH, board.HEIGHT)


def greatest_error(found: Registered | NotRegistered, truth: TwinTruth, points: F64 = PART) -> float:
    assert isinstance(found, Registered), found
    return float(np.hypot(*(found.mapping.points(points) - truth.to_frame(points)).T).max())


@pytest.mark.parametrize("seed", range(12))
def test_loosely_placed_units_are_found_to_a_twentieth_of_a_pixel_everywhere(seed: int) -> None:
    shot = board.captured(seed, ranges=WIDE_RANGES)
    assert greatest_error(registrar().find(seen(shot.pixels)), shot.truth) < 0.05


@pytest.mark.parametrize("seed", range(4))
def test_units_in_the_fixture_are_found_to_a_twentieth_of_a_pixel_everywhere(seed: int) -> None:
    shot = board.captured(seed)
    assert greatest_error(registrar().find(seen(shot.pixels)), shot.truth) < 0.05


def test_the_wide_captures_reach_into_the_corners_of_the_range() -> None:
    truths = [board.captured(seed, ranges=WIDE_RANGES).truth for seed in range(12)]
    assert max(abs(t.pose.angle_deg) for t in truths) > 4
    width, height = board.twin(WIDE_RANGES).sensor_px
    middle = [t.to_frame([[(board.WIDTH - 1) / 2, (board.HEIGHT - 1) / 2]])[0] for t in truths]
    shifts = [np.abs(m - ((width - 1) / 2, (height - 1) / 2)) / (width, height) for m in middle]
    assert max(float(s.max()) for s in shifts) > 0.08


def test_the_real_board_is_found_to_a_twentieth_of_a_pixel_everywhere() -> None:
    golden = s4.golden_rgb()
    shot = Twin(golden, 0.02, WIDE_RANGES).capture(3)
    height, width = golden.shape[:2]
    found = Registrar(seen(golden), np.ones((height, width), np.bool_)).find(seen(shot.pixels))
    assert greatest_error(found, shot.truth, grid(width, height)) < 0.05


def test_pose_and_residuals_are_those_of_the_truth() -> None:
    shot = board.captured(5, ranges=replace(DEMO_RANGES, tilt=0.0))
    found = registrar().find(seen(shot.pixels))
    assert isinstance(found, Registered)
    assert found.pose.angle == pytest.approx(shot.truth.pose.angle_deg, abs=0.003)
    assert found.pose.scale == pytest.approx(shot.truth.pose.scale, abs=3e-5)
    assert found.pose.x == pytest.approx(shot.truth.pose.x_px, abs=0.03)
    assert found.pose.y == pytest.approx(shot.truth.pose.y_px, abs=0.03)
    assert found.residual_px < 0.06
    assert found.map_residual_px <= found.residual_px
    assert found.correlation > 0.95


def test_the_map_follows_a_tilt_that_the_pose_cannot() -> None:
    shot = board.captured(5, ranges=replace(DEMO_RANGES, tilt=0.004))
    found = registrar().find(seen(shot.pixels))
    assert greatest_error(found, shot.truth) < 0.05
    assert isinstance(found, Registered)
    pose_error = np.hypot(*(found.pose.points(PART) - shot.truth.to_frame(PART)).T).max()
    assert pose_error > 0.1


def test_missing_copper_does_not_drag_the_rest_along() -> None:
    x, y, w, h = board.PADDLE
    gone = MissingMaterial(rectangle(x - 4, y - 4, w + 8, h + 8), (480.0, 400.0))
    shot = board.captured(6, gone)
    assert greatest_error(registrar().find(seen(shot.pixels)), shot.truth) < 0.05


def reason(pixels: U8) -> str:
    found = registrar().find(seen(pixels))
    assert isinstance(found, NotRegistered), found
    return found.reason


@pytest.mark.parametrize("seed", range(3))
def test_a_unit_turned_by_half_a_turn_is_upside_down(seed: int) -> None:
    assert reason(np.ascontiguousarray(board.captured(seed).pixels[::-1, ::-1])) == "unit_upside_down"


@pytest.mark.parametrize("turn", [1, 3])
def test_a_unit_turned_by_a_quarter_is_not_found(turn: int) -> None:
    assert reason(np.ascontiguousarray(np.rot90(board.captured(0).pixels, turn))) == "unit_not_found"


@pytest.mark.parametrize("axis", [0, 1])
def test_the_mirrored_board_is_another_part(axis: int) -> None:
    assert reason(np.ascontiguousarray(np.flip(board.captured(1).pixels, axis))) == "unit_not_found"


@pytest.mark.parametrize("tile", [50, 100, 160])
def test_the_same_board_in_shuffled_tiles_is_another_part(tile: int) -> None:
    assert reason(shuffled(board.captured(2).pixels, tile)) == "unit_not_found"


def shuffled(pixels: U8, tile: int) -> U8:
    rows, columns = pixels.shape[0] // tile, pixels.shape[1] // tile
    order = np.random.default_rng(0).permutation(rows * columns)
    out = pixels.copy()
    for here, there in enumerate(order):
        (y, x), (v, u) = divmod(here, columns), divmod(int(there), columns)
        out[y * tile : (y + 1) * tile, x * tile : (x + 1) * tile] = pixels[
            v * tile : (v + 1) * tile, u * tile : (u + 1) * tile
        ]
    return out


def another_board() -> U8:
    rng = np.random.default_rng(77)
    boxes = [(*rng.uniform((40, 40), (700, 560)), *rng.uniform((20, 20), (120, 60))) for _ in range(36)]
    light = board.board_light(holes=board.HOLES[1:2], rectangles=boxes)
    return Twin(light, board.MM_PER_PX).capture(0).pixels


def test_another_board_of_the_same_making_is_another_part() -> None:
    assert reason(another_board()) == "unit_not_found"


@pytest.mark.parametrize(
    "pixels",
    [
        np.random.default_rng(1).integers(0, 256, (706, 882, 3)).astype(np.uint8),
        np.zeros((706, 882, 3), np.uint8),
        np.full((706, 882, 3), 128, np.uint8),
        cv2.GaussianBlur(np.random.default_rng(2).normal(128, 900, (706, 882, 3)).clip(0, 255), (0, 0), 9)
        .round().astype(np.uint8),
        np.tile(np.linspace(0, 255, 882).astype(np.uint8)[None, :, None], (706, 1, 3)),
        np.kron(np.indices((15, 18)).sum(axis=0) % 2, np.ones((48, 48))).astype(np.uint8)[:706, :, None]
        .repeat(3, axis=2) * 255,
    ],
    ids=["noise", "black", "grey", "clouds", "ramp", "chessboard"],
)  # fmt: skip
def test_what_is_no_board_is_not_found(pixels: U8) -> None:
    assert reason(pixels) == "unit_not_found"


def placed(angle: float = 0.0, scale: float = 1.0, shift: tuple[float, float] = (0, 0)) -> U8:
    """Return the golden image placed in a frame of 1200 x 1000 px, otherwise dark."""
    c, s = scale * math.cos(math.radians(angle)), scale * math.sin(math.radians(angle))
    turn = np.array([[c, -s], [s, c]])
    middle = np.array([(board.WIDTH - 1) / 2, (board.HEIGHT - 1) / 2])
    at = np.array([599.5, 499.5]) + shift - turn @ middle
    return np.asarray(
        cv2.warpAffine(
            board.golden_rgb(),
            np.column_stack((turn, at)),
            (1200, 1000),
            flags=cv2.INTER_AREA,
            borderValue=(30, 30, 30),
        ),
        np.uint8,
    )


def test_the_taught_pose_itself_is_found() -> None:
    found = registrar().find(seen(placed()))
    assert isinstance(found, Registered)
    assert found.pose.x == pytest.approx(200, abs=0.05)
    assert found.pose.y == pytest.approx(180, abs=0.05)


@pytest.mark.parametrize(
    ("pose", "expected"),
    [
        ({"angle": 12.0}, "unit_misplaced"),
        ({"angle": -12.0}, "unit_misplaced"),
        ({"shift": (195.0, 0.0)}, "unit_misplaced"),
        ({"shift": (0.0, -170.0)}, "unit_misplaced"),
        ({"scale": 1.09}, "unit_misplaced"),
        ({"scale": 0.91}, "unit_misplaced"),
    ],
)
def test_a_unit_beyond_the_range_of_poses_is_misplaced(pose: dict[str, float], expected: str) -> None:
    assert reason(placed(**pose)) == expected  # type: ignore[arg-type]


def test_a_tiny_frame_holds_no_unit() -> None:
    assert reason(board.captured(0).pixels[:300, :300]) == "unit_not_found"
