"""Calibration targets: chessboard, ChArUco board, dots.

The first point of a board is its origin, x runs along its rows, y down its columns, z into the plate.
"""

# OpenCV publishes incomplete types.
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false
from __future__ import annotations

from typing import Literal

import cv2
import numpy as np
from numpy.typing import NDArray

from datasets.errors import DatasetError
from datasets.twin.metrology.scene import Board
from datasets.twin.metrology.shapes import Cells, Disks, Doubles, Reflectance

_WHITE = 0.85
_BLACK = 0.05

Box = tuple[float, float, float, float]


def chessboard(
    columns: int,
    rows: int,
    square_mm: float,
    *,
    white: Reflectance = _WHITE,
    black: Reflectance = _BLACK,
    first: Literal["black", "white"] = "black",
) -> Board:
    """Return a board of columns x rows squares, `first` being the colour of the first, on a white ground.

    Its points are the (columns - 1) x (rows - 1) inner corners.

    Raises:
        DatasetError: fewer than 2 x 2 squares, or squares of no size.
    """
    _check(columns, rows, square_mm)
    squares = _boxes(_fields(columns, rows, 0 if first == "black" else 1), square_mm)
    return Board(
        background=white,
        shapes=(Cells(tuple(squares), black),),
        corners_mm=_grid(columns - 1, rows - 1) * square_mm,
    )


def charuco(
    columns: int,
    rows: int,
    square_mm: float,
    marker_mm: float,
    dictionary: int = cv2.aruco.DICT_4X4_250,
    *,
    white: Reflectance = _WHITE,
    black: Reflectance = _BLACK,
) -> Board:
    """Return OpenCV's `CharucoBoard((columns, rows), square_mm, marker_mm, dictionary)`.

    Not the legacy pattern: the first square is black; markers 0, 1, ... stand in the white squares along the
    rows. Its points are the inner corners with OpenCV's ids and coordinates (`getChessboardCorners`).

    Args:
        columns: squares along a row.
        rows: squares down a column.
        square_mm: side of a square.
        marker_mm: side of a marker, black border included.
        dictionary: number of a predefined dictionary, `cv2.aruco.DICT_...`.
        white: reflectance of the ground.
        black: reflectance of squares and markers.

    Raises:
        DatasetError: sizes out of range, or more white squares than the dictionary has markers.
    """
    _check(columns, rows, square_mm)
    markers = cv2.aruco.getPredefinedDictionary(dictionary)
    white_squares = _fields(columns, rows, 1)
    if not 0 < marker_mm < square_mm:
        raise DatasetError("a marker must be smaller than its square")
    if len(white_squares) > len(markers.bytesList):
        held = len(markers.bytesList)
        raise DatasetError(
            f"{len(white_squares)} white squares need more markers than the dictionary's {held}"
        )
    boxes = _boxes(_fields(columns, rows, 0), square_mm)
    side = int(markers.markerSize) + 2
    bit, margin = marker_mm / side, (square_mm - marker_mm) / 2
    for number, (c, r) in enumerate(white_squares):
        bits = np.asarray(cv2.aruco.generateImageMarker(markers, number, side)) < 128
        boxes.extend(_bits(bits, (c - 1) * square_mm + margin, (r - 1) * square_mm + margin, bit))
    return Board(
        background=white,
        shapes=(Cells(tuple(boxes), black),),
        corners_mm=_grid(columns - 1, rows - 1) * square_mm,
    )


def dots(
    columns: int,
    rows: int,
    pitch_mm: float,
    diameter_mm: float,
    *,
    ground: Reflectance = _WHITE,
    dot: Reflectance = _BLACK,
) -> Board:
    """Return a square grid of columns x rows dots; its points are their centres.

    Raises:
        DatasetError: fewer than 2 x 2 dots, or dots that touch.
    """
    _check(columns, rows, pitch_mm)
    if not 0 < diameter_mm < pitch_mm:
        raise DatasetError("dots must be smaller than their pitch")
    centres = _grid(columns, rows) * pitch_mm
    places = tuple((float(x), float(y)) for x, y, _ in centres)
    return Board(background=ground, shapes=(Disks(places, diameter_mm / 2, dot),), corners_mm=centres)


def _check(columns: int, rows: int, pitch_mm: float) -> None:
    if columns < 2 or rows < 2 or pitch_mm <= 0:
        raise DatasetError(f"a board needs at least 2 x 2 fields of some size, not {columns} x {rows}")


def _fields(columns: int, rows: int, parity: int) -> list[tuple[int, int]]:
    return [(c, r) for r in range(rows) for c in range(columns) if (c + r) % 2 == parity]


def _boxes(fields: list[tuple[int, int]], side: float) -> list[Box]:
    return [((c - 1) * side, (r - 1) * side, side, side) for c, r in fields]


def _bits(black: NDArray[np.bool_], x: float, y: float, bit: float) -> list[Box]:
    return [(x + c * bit, y + r * bit, bit, bit) for r, c in np.argwhere(black).tolist()]


def _grid(columns: int, rows: int) -> Doubles:
    y, x = np.mgrid[:rows, :columns]
    return np.column_stack([x.ravel(), y.ravel(), np.zeros(x.size)]).astype(np.float64)
