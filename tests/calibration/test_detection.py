"""Targets are found, told from others and measured: against the twin's exact corners."""

from __future__ import annotations

from functools import cache
from typing import Any

import cv2
import numpy as np
import pytest

from calibration import CalibrationError
from calibration.detection import Detection, NotDetected, detect
from calibration.targets import Target
from datasets.twin.metrology import Board, Camera, Light, Sensor, charuco, chessboard, dots, expose, render

LENS = Camera(640, 480, 900.0, 900.0, 319.5, 239.5, k1=-0.1)
QUIET = Sensor(psf_sigma_px=0.8, full_well_e=np.inf)


def charuco_target(columns: int = 7, rows: int = 5, **fields: Any) -> Target:
    stated = {"marker_mm": 7.0, "dictionary": "DICT_5X5_100", **fields}
    return Target(
        kind="charuco", columns=columns, rows=rows, pitch_mm=10, pitch_relative_uncertainty=1e-5, **stated
    )


def chessboard_target(columns: int = 8, rows: int = 6, **fields: Any) -> Target:
    return Target(
        kind="chessboard", columns=columns, rows=rows, pitch_mm=10, pitch_relative_uncertainty=1e-5, **fields
    )


def dots_target(columns: int = 7, rows: int = 5, dot_mm: float = 6.0, **fields: Any) -> Target:
    return Target(
        kind="dots", columns=columns, rows=rows, pitch_mm=10, pitch_relative_uncertainty=1e-5,
        dot_mm=dot_mm, **fields,
    )  # fmt: skip


@cache
def charuco_board(columns: int = 7, rows: int = 5) -> Board:
    return charuco(columns, rows, 10.0, 7.0, cv2.aruco.DICT_5X5_100)


def camera_on(board: Board, distance: float = 160.0, tilt: tuple[float, float] = (20, -15)) -> Camera:
    return LENS.aimed(board.centre_mm, distance, tilt_deg=tilt, roll_deg=20.0)


def light_of(board: Board, sensor: Sensor = QUIET, **pose: Any) -> Any:
    return expose(board, camera_on(board, **pose), sensor).astype(np.float32)


@cache
def charuco_light() -> Any:
    return light_of(charuco_board())


@cache
def chessboard_light() -> Any:
    return light_of(chessboard(8, 6, 10.0))


def found(light: Any, target: Target) -> Detection:
    result = detect(light, target)
    assert isinstance(result, Detection), result
    return result


def reason(light: Any, target: Target) -> str:
    result = detect(light, target)
    assert isinstance(result, NotDetected)
    assert result.message
    assert result.remedy
    return result.reason


def test_charuco_corners_on_this_opencv_have_no_bias() -> None:
    """The permanent check of what other versions of OpenCV got wrong by half a pixel (below 4.13)."""
    rng = np.random.default_rng(5)
    board = charuco_board()
    for blur in (0.5, 1.0, 2.0):
        errors = []
        for _ in range(2):
            camera = LENS.aimed(
                (board.centre_mm[0] + rng.uniform(-1, 1), board.centre_mm[1] + rng.uniform(-1, 1)),
                140.0, tilt_deg=tuple(rng.uniform(-30, 30, 2)), roll_deg=rng.uniform(0, 360),
            )  # fmt: skip
            light = expose(board, camera, Sensor(psf_sigma_px=blur, full_well_e=np.inf)).astype(np.float32)
            seen = found(light, charuco_target())
            assert len(seen.ids) == 24
            errors.append(seen.points_px - camera.project(board.corners_mm)[seen.ids])
        signed = np.concatenate(errors)
        assert np.abs(signed.mean(axis=0)).max() < 0.003
        assert np.sqrt((signed**2).mean()) < 0.01
        assert np.abs(signed).max() < 0.03


@pytest.mark.parametrize("blur", [0.3, 0.5, 1.0, 2.0])
def test_chessboard_corners_have_no_bias(blur: float) -> None:
    board = chessboard(8, 6, 10.0)
    camera = camera_on(board, tilt=(-30.0, 25.0))
    light = expose(board, camera, Sensor(psf_sigma_px=blur, full_well_e=np.inf)).astype(np.float32)
    seen = found(light, chessboard_target(first_square="black"))
    errors = seen.points_px - camera.project(seen.target_mm)
    assert len(seen.ids) == 35
    assert np.abs(errors.mean(axis=0)).max() < 0.002
    assert np.sqrt((errors**2).mean()) < 0.003
    assert np.median(seen.blur_px) == pytest.approx(np.sqrt(max(blur, 0.3) ** 2 + 1 / 12), rel=0.1)


def test_stated_uncertainties_are_those_of_repeated_frames() -> None:
    board = chessboard(6, 5, 10.0)
    camera = Camera(240, 200, 400.0, 400.0, 119.5, 99.5).aimed(board.centre_mm, 130.0, tilt_deg=(10, 25))
    sensor = Sensor(psf_sigma_px=0.9, full_well_e=8000, bits=12)
    rng = np.random.default_rng(1)
    target = chessboard_target(6, 5, first_square="black")
    frames = [found(render(board, camera, sensor, rng).astype(np.float32) / 4095, target) for _ in range(25)]
    errors = np.stack([frame.points_px - camera.project(frame.target_mm) for frame in frames])
    stated = np.stack([frame.u_px for frame in frames])
    assert np.sqrt((errors**2).mean()) == pytest.approx(np.sqrt((stated**2).mean()), rel=0.15)
    assert np.median([frame.correlation for frame in frames]) < 1.4


def test_jpeg_blocks_raise_the_stated_uncertainty_with_the_error() -> None:
    board = chessboard(8, 6, 10.0)
    camera = camera_on(board)
    codes = render(board, camera, Sensor(psf_sigma_px=0.9, full_well_e=20000), np.random.default_rng(2))
    _, packed = cv2.imencode(".jpg", codes, [cv2.IMWRITE_JPEG_QUALITY, 40])
    decoded = cv2.imdecode(packed, cv2.IMREAD_GRAYSCALE)
    plain, lossy = (found(c.astype(np.float32) / 255, chessboard_target()) for c in (codes, decoded))
    assert np.median(lossy.u_px) > 1.5 * np.median(plain.u_px)
    truth = camera.project(board.corners_mm)
    errors = lossy.points_px - truth[np.hypot(*(lossy.points_px[:, None] - truth).T).argmin(axis=0)]
    assert np.sqrt((errors**2).mean()) < 1.8 * np.sqrt((lossy.u_px**2).mean())


def test_shading_does_not_move_corners() -> None:
    board = chessboard(8, 6, 10.0).lit(Light(0.7, (0.9, -0.4)))
    camera = camera_on(chessboard(8, 6, 10.0))
    seen = found(expose(board, camera, QUIET).astype(np.float32), chessboard_target(first_square="black"))
    assert np.abs(seen.points_px - camera.project(seen.target_mm)).max() < 0.005


def test_part_of_a_charuco_board_keeps_its_ids() -> None:
    board = charuco_board()
    camera = LENS.aimed((65.0, 35.0), 120.0, roll_deg=200.0)
    seen = found(expose(board, camera, QUIET).astype(np.float32), charuco_target())
    assert 6 <= len(seen.ids) < 24
    assert np.abs(seen.points_px - camera.project(board.corners_mm)[seen.ids]).max() < 0.01
    assert np.array_equal(seen.target_mm, board.corners_mm[seen.ids])


def test_part_of_a_chessboard_is_refused() -> None:
    board = chessboard(8, 6, 10.0)
    light = expose(board, LENS.aimed((75.0, 20.0), 160.0), QUIET).astype(np.float32)
    assert reason(light, chessboard_target()) == "target_partial"


def test_mirrored_boards_are_refused() -> None:
    assert reason(np.ascontiguousarray(charuco_light()[:, ::-1]), charuco_target()) == "target_mirrored"
    flipped = np.ascontiguousarray(chessboard_light()[::-1])
    assert reason(flipped, chessboard_target(first_square="black")) == "target_mirrored"
    assert found(flipped, chessboard_target()).ids.size == 35


@pytest.mark.parametrize(
    ("target", "words"),
    [
        (charuco_target(dictionary="DICT_4X4_50"), "DICT_5X5"),
        (charuco_target(dictionary="DICT_9X9_9"), "knows no dictionary"),
        (charuco_target(8, 5), "7 columns"),
        (charuco_target(7, 6, legacy_pattern=True), "7 columns"),
    ],
)
def test_another_charuco_board_is_named(target: Target, words: str) -> None:
    result = detect(charuco_light(), target)
    assert isinstance(result, NotDetected)
    assert result.reason == "target_wrong"
    assert words in result.message


def test_another_chessboard_is_named() -> None:
    for target in (chessboard_target(9, 6), chessboard_target(7, 6), charuco_target()):
        result = detect(chessboard_light(), target)
        assert isinstance(result, NotDetected)
        assert result.reason == "target_wrong"
        assert "7 x 5" in result.message


def test_blurred_dark_saturated_and_empty_pictures_say_so() -> None:
    target = chessboard_target()
    assert reason(light_of(chessboard(8, 6, 10.0), Sensor(psf_sigma_px=7, full_well_e=np.inf)), target) == (
        "target_blurred"
    )
    assert reason(chessboard_light() * np.float32(0.01), target) == "target_dark"
    assert reason(np.minimum(chessboard_light() * np.float32(2), 1), target) == "target_saturated"
    assert reason(np.full((300, 400), 0.4, np.float32), target) == "target_not_found"
    assert reason(np.zeros((300, 400), np.float32), charuco_target()) == "target_dark"
    assert reason(np.random.default_rng(0).random((300, 400), np.float32), target) == "target_not_found"


@pytest.mark.parametrize("blur", [0.5, 1.5])
def test_dots_are_measured_at_the_images_of_their_centres(blur: float) -> None:
    board = dots(7, 5, 10.0, 6.0)
    camera = LENS.aimed(board.centre_mm, 150.0, tilt_deg=(28, -22), roll_deg=15)
    light = expose(board, camera, Sensor(psf_sigma_px=blur, full_well_e=np.inf)).astype(np.float32)
    seen = found(light, dots_target())
    errors = seen.points_px - camera.project(seen.target_mm)
    assert len(seen.ids) == 35
    assert np.abs(errors.mean(axis=0)).max() < 0.001
    assert np.sqrt((errors**2).mean()) < 0.001


def test_bright_dots_and_other_grids_of_dots() -> None:
    board = dots(7, 5, 10.0, 6.0, ground=0.05, dot=0.8)
    light = light_of(board)
    assert len(found(light, dots_target(dark_dots=False)).ids) == 35
    result = detect(light, dots_target(7, 6, dark_dots=False))
    assert isinstance(result, NotDetected)
    assert result.reason == "target_wrong"
    assert "7 x 5" in result.message
    assert reason(np.full((300, 400), 0.4, np.float32), dots_target()) == "target_not_found"


def test_stated_uncertainty_of_dots_is_that_of_repeated_frames() -> None:
    board = dots(5, 4, 10.0, 5.0)
    camera = Camera(240, 200, 400.0, 400.0, 119.5, 99.5).aimed(board.centre_mm, 130.0, tilt_deg=(10, 25))
    rng = np.random.default_rng(1)
    sensor = Sensor(psf_sigma_px=0.9, full_well_e=8000, bits=12)
    frames = [
        found(render(board, camera, sensor, rng).astype(np.float32) / 4095, dots_target(5, 4, dot_mm=5.0))
        for _ in range(25)
    ]
    errors = np.stack([frame.points_px - camera.project(frame.target_mm) for frame in frames])
    stated = np.stack([frame.u_px for frame in frames])
    assert np.sqrt((errors**2).mean()) == pytest.approx(np.sqrt((stated**2).mean()), rel=0.15)


def test_dirt_on_a_corner_leaves_that_corner_out() -> None:
    light = chessboard_light().copy()
    whole = found(light, chessboard_target())
    x, y = np.round(whole.points_px[17]).astype(int)
    cv2.circle(light, (int(x) + 3, int(y) + 2), 6, 0.5, -1)
    seen = found(light, chessboard_target())
    assert np.array_equal(np.setdiff1d(whole.ids, seen.ids), whole.ids[17:18])
    assert seen.left_out == {"disputed": 1}


def test_light_must_be_one_float32_plane() -> None:
    for light in (np.zeros((9, 9)), np.zeros((9, 9, 3), np.float32)):
        with pytest.raises(CalibrationError, match="float32"):
            detect(light, chessboard_target())
