"""Boards of the metrology twin as OpenCV draws, numbers and finds them."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from datasets.errors import DatasetError
from datasets.twin.metrology import Camera, Sensor, charuco, chessboard, dots, expose, render

LENS = Camera(1000, 800, 1500.0, 1500.0, 510.0, 395.0, k1=-0.12, k2=0.05, p1=1e-3)


@pytest.mark.parametrize(
    ("columns", "rows", "dictionary"),
    [(7, 5, cv2.aruco.DICT_4X4_50), (6, 8, cv2.aruco.DICT_6X6_250), (5, 4, cv2.aruco.DICT_APRILTAG_36h11)],
)
def test_charuco_is_opencvs_picture(columns: int, rows: int, dictionary: int) -> None:
    theirs = cv2.aruco.CharucoBoard((columns, rows), 8.0, 6.0, cv2.aruco.getPredefinedDictionary(dictionary))
    side = 32  # px per square: cells of a marker are whole pixels where it has 6, and 3 where it has 8
    drawn = theirs.generateImage((columns * side, rows * side), marginSize=0)
    board = charuco(columns, rows, 8.0, 6.0, dictionary, white=1.0, black=0.0)
    camera = Camera.scale(columns * side, rows * side, 8 / side, x=side - 0.5, y=side - 0.5)
    light = expose(board, camera, Sensor(psf_sigma_px=0.2))
    np.testing.assert_array_equal(light > 0.5, drawn > 127)
    first = theirs.getChessboardCorners()[0]
    np.testing.assert_allclose(board.corners_mm, theirs.getChessboardCorners() - first, atol=1e-5)


def test_charuco_is_found_by_opencv_with_its_ids() -> None:
    board = charuco(9, 7, 4.0, 3.0, cv2.aruco.DICT_5X5_100)
    camera = LENS.aimed(board.centre_mm, 85.0, tilt_deg=(15, -20), roll_deg=30)
    frame = render(board, camera, Sensor(), np.random.default_rng(0))
    theirs = cv2.aruco.CharucoBoard(
        (9, 7), 4.0, 3.0, cv2.aruco.getPredefinedDictionary(cv2.aruco.DICT_5X5_100)
    )
    corners, ids, _, _ = cv2.aruco.CharucoDetector(theirs).detectBoard(frame)
    assert len(ids) == len(board.corners_mm) == 48
    off = corners.reshape(-1, 2) - camera.project(board.corners_mm[ids.ravel()])
    assert np.abs(np.median(off, axis=0)).max() < 0.02
    assert np.abs(off).max() < 0.3


@pytest.mark.parametrize("first", ["black", "white"])
def test_corners_of_a_chessboard_are_its_points_of_symmetry(first: str) -> None:
    board = chessboard(8, 6, 4.0, white=0.9, black=0.1, first=first)  # type: ignore[arg-type]
    camera = Camera.scale(400, 300, 0.1, angle_deg=8.0, x=60.0, y=40.0)
    light = expose(board, camera, Sensor(psf_sigma_px=1.0))
    pixels = camera.project(board.corners_mm)
    assert len(pixels) == 35
    # Half a turn about a corner exchanges nothing near it, a mirror about it exchanges black and white.
    for x, y in pixels[[0, 6, 17, 34]]:
        moved = Camera.scale(41, 41, 0.1, angle_deg=8.0, x=60.0 - x + 20, y=40.0 - y + 20)
        around = expose(board, moved, Sensor(psf_sigma_px=1.0))
        np.testing.assert_allclose(around, around[::-1, ::-1], atol=5e-6)
        assert around[20, 20] == pytest.approx(0.5, abs=5e-6)
    outer = camera.project(np.array([[-2.0, -2.0, 0.0]]))[0].round().astype(int)
    assert light[outer[1], outer[0]] == pytest.approx(0.1 if first == "black" else 0.9, abs=1e-3)


def test_chessboard_is_found_by_opencv() -> None:
    board = chessboard(10, 8, 4.0)
    camera = LENS.aimed(board.centre_mm, 75.0, tilt_deg=(20, 10))
    frame = render(board, camera, Sensor(), np.random.default_rng(0))
    found, corners = cv2.findChessboardCornersSB(frame, (9, 7))
    assert found
    corners, truth = corners.reshape(-1, 2), camera.project(board.corners_mm)
    nearest = np.linalg.norm(corners[:, None] - truth, axis=2).min(axis=0)
    assert np.sqrt(np.square(nearest).mean()) < 0.05


def test_dots_lie_on_their_grid() -> None:
    board = dots(5, 4, 6.0, 2.5, ground=0.9, dot=0.1)
    camera = Camera.scale(330, 260, 0.1, angle_deg=5.0, x=50.3, y=30.6)
    light = 0.9 - expose(board, camera, Sensor())
    for x, y in camera.project(board.corners_mm):
        c, r = round(x), round(y)
        patch = light[r - 25 : r + 26, c - 25 : c + 26]
        at = np.arange(-25, 26)
        np.testing.assert_allclose(
            [c + (patch * at).sum() / patch.sum(), r + (patch.T * at).sum() / patch.sum()], [x, y], atol=1e-6
        )
    assert board.corners_mm[6].tolist() == [6.0, 6.0, 0.0]


def test_boards_that_cannot_be_made_are_refused() -> None:
    with pytest.raises(DatasetError, match="2 x 2"):
        chessboard(1, 5, 2.0)
    with pytest.raises(DatasetError, match="smaller than its square"):
        charuco(5, 5, 2.0, 2.0)
    with pytest.raises(DatasetError, match="more markers than the dictionary's 50"):
        charuco(12, 12, 2.0, 1.5, cv2.aruco.DICT_4X4_50)
    with pytest.raises(DatasetError, match="smaller than their pitch"):
        dots(5, 5, 2.0, 2.0)
