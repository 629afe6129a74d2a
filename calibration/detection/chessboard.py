"""Chessboards: found by their X-corners at a coarse scale, told apart from other boards, measured at full."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from calibration.detection.lattice import grow_lattices, rotations
from calibration.detection.refinement import Rough, blur_in_full, fit, measured, reduced
from calibration.detection.result import Detection, NotDetected, not_found
from calibration.detection.saddles import find_saddles
from calibration.targets import Target
from kernels.compiled import F32, F64, I64

_SIDES = (800, 1600)  # longest sides at which a board is looked for before the full picture
_COARSE = (400, 200)  # and after it: there a blurred board is still seen
_KEPT_LINE = 0.5  # share of a row or column that must be seen for it to belong to the board


@dataclass(frozen=True, slots=True, eq=False)
class Board:
    """Corners of a chessboard of unknown size.

    Attributes:
        points: (n, 2) in pixels of the full picture.
        angles: (n, 2) of both edges; the sector from the first to the second is bright.
        places: (n, 2) whole numbers from 0, in the picture's sense of rotation.
        size: how many corners across and down its places reach.
        blur: typical blur, full pixels.
    """

    points: F64
    angles: F64
    places: I64
    size: tuple[int, int]
    blur: float


def detect_chessboard(light: F32, target: Target) -> Detection | NotDetected:
    """Find and measure a whole chessboard; arguments and result as `calibration.detection.detect`."""
    board = find_board(light, target.across)
    if board is None:
        return not_found(light, "no chessboard")
    if sorted(board.size) != sorted(target.across):
        return _other_size(light, board, target)
    placed = _oriented(board, target)
    if placed is None:
        return NotDetected(
            "target_mirrored",
            "the board's first square has the wrong colour: a mirrored picture, or a wrong definition",
            "switch off the camera's mirroring, or correct first_square in the target's definition",
        )
    rough = _completed(board, placed, target)
    return measured(fit(light, rough), rough, target, light.shape[::-1], whole=True)


def find_board(light: F32, wanted: tuple[int, int]) -> Board | None:
    """Return the first board of the wanted number of corners at any scale, else the largest seen."""
    best: Board | None = None
    for scale in _scales(light):
        board = _find_at(light, scale, wanted)
        if board is not None and sorted(board.size) == sorted(wanted):
            return board
        if board is not None and (best is None or len(board.points) > len(best.points)):
            best = board
    return best


def _scales(light: F32) -> list[int]:
    longest = max(light.shape)
    fine = {max(1, -(-longest // side)) for side in _SIDES} | {1}
    coarse = {-(-longest // side) for side in _COARSE} - fine
    return sorted(fine, reverse=True) + sorted(s for s in coarse if s > max(fine))


def _find_at(light: F32, scale: int, wanted: tuple[int, int]) -> Board | None:
    shrunk = reduced(light, scale)
    image = np.sqrt(np.maximum(shrunk, 0, dtype=np.float32))
    saddles = find_saddles(image)
    boards = [_trimmed(*board) for board in grow_lattices(image, saddles)[:8]]
    boards = [(members, places) for members, places in boards if len(members) >= 4]
    if not boards:
        return None
    right = [board for board in boards if sorted(_extent(board[1])) == sorted(wanted)]
    members, places = right[0] if right else boards[0]
    points, angles = saddles.points[members], saddles.angles[members]
    every = np.zeros(len(points), np.int64)
    rough = Rough(every, points, angles, 1.0, pitches(points, places, angles), np.full(len(points), np.inf))
    fits = fit(shrunk, rough)
    ok = fits[:, 13] > 0
    points[ok] = fits[ok, :2]
    blur = blur_in_full(float(np.median(fits[ok, 4])) if ok.any() else 1.0, scale)
    return Board((points + 0.5) * scale - 0.5, angles, places, _extent(places), blur)


def _extent(places: I64) -> tuple[int, int]:
    return int(places[:, 0].max()) + 1, int(places[:, 1].max()) + 1


def _trimmed(members: I64, places: I64) -> tuple[I64, I64]:
    """Take away outer lines of which little was seen: things beside the board that look like a corner."""
    while len(members) >= 4:
        nx, ny = _extent(places)
        for axis, full in ((0, ny), (1, nx)):
            lines = np.bincount(places[:, axis])
            outer = next((line for line in (0, len(lines) - 1) if lines[line] < _KEPT_LINE * full), None)
            if outer is not None:
                kept = places[:, axis] != outer
                members, places = members[kept], places[kept]
                break
        else:
            return members, places
        if len(places):
            places = places - places.min(axis=0)
    return members, places


def pitches(points: F64, places: I64, angles: F64) -> F64:
    """Return (n,) pixels to the nearest edge of a neighbour: the least step to one, times their slant."""
    at = {(int(x), int(y)): i for i, (x, y) in enumerate(places)}
    out = np.full(len(points), np.inf)
    for (x, y), i in at.items():
        for dx, dy in ((1, 0), (0, 1)):
            j = at.get((x + dx, y + dy))
            if j is not None:
                step = float(np.hypot(*(points[j] - points[i])))
                out[i], out[j] = min(out[i], step), min(out[j], step)
    out[np.isinf(out)] = np.median(out)
    return out * np.abs(np.sin(angles[:, 1] - angles[:, 0]))


def _oriented(board: Board, target: Target) -> I64 | None:
    """Return the places in the target's frame; None where no rotation fits its colours.

    Of rotations that the board's colours do not tell apart the one is taken whose x points most to the right.
    """
    choices: list[tuple[int, float, I64]] = []
    for places, size in rotations(board.places, board.size):
        if size != target.across:
            continue
        black = _first_is_black(board, places)
        if target.first_square is not None and black != (target.first_square == "black"):
            continue
        x = places[:, 0] - places[:, 0].mean()
        to_right = float(x @ (board.points[:, 0] - board.points[:, 0].mean()))
        choices.append((int(black), to_right, places))
    return max(choices, key=lambda choice: choice[:2])[2] if choices else None


def _first_is_black(board: Board, places: I64) -> bool:
    """Return whether the square before the first corner, in both x and y, is black."""
    votes = 0
    along, *_ = np.linalg.lstsq(np.column_stack((places, np.ones(len(places)))), board.points)
    toward = -(along[0] + along[1])  # from a corner into the square before it
    angle = np.arctan2(toward[1], toward[0])
    for (x, y), (first, second) in zip(places, board.angles, strict=True):
        inside = (angle - first) % np.pi < (second - first) % np.pi
        votes += 1 if bool(inside) == bool((x + y) % 2) else -1
    return votes > 0


def _completed(board: Board, places: I64, target: Target) -> Rough:
    """Return all corners of the target: those not seen are put where their neighbours say."""
    nx, ny = target.across
    ids = places[:, 1] * nx + places[:, 0]
    points, angles = np.full((nx * ny, 2), np.nan), np.zeros((nx * ny, 2))
    points[ids], angles[ids] = board.points, board.angles
    lost = np.setdiff1d(target.ids(), ids)
    if len(lost):
        plane = target.object_points()[:, :2]
        matrix, _ = cv2.findHomography(plane[ids], board.points, 0)
        flat = cv2.perspectiveTransform(plane[None], matrix).reshape(-1, 2)
        for i in lost:
            near = ids[np.argsort(((plane[ids] - plane[i]) ** 2).sum(axis=1), kind="stable")[:6]]
            points[i] = flat[i] + (points[near] - flat[near]).mean(axis=0)
            same = near[(near % nx + near // nx - i % nx - i // nx) % 2 == 0]
            angles[i] = angles[same[0]] if len(same) else angles[near[0]][::-1]
    every = np.stack((target.ids() % nx, target.ids() // nx), axis=1)
    pitch = pitches(points, every, angles)
    return Rough(target.ids(), points, angles, board.blur, pitch, np.full(len(pitch), np.inf))


def _other_size(light: F32, board: Board, target: Target) -> NotDetected:
    columns, rows = target.across
    nx, ny = sorted(board.size, reverse=columns >= rows)
    seen = f"a board with {nx} x {ny} inner corners was seen, the definition has {columns} x {rows}"
    if (sorted(board.size) > sorted(target.across) and nx * ny > len(target.ids())) or not _leaves(
        light, board
    ):
        return NotDetected(
            "target_wrong",
            f"{seen} (columns and rows count squares)",
            "show the defined target, whole and uncovered, or correct columns and rows in its definition",
        )
    return NotDetected(
        "target_partial",
        f"{seen}, and the board reaches the border of the picture",
        "move the target until it lies whole in the picture",
    )


def _leaves(light: F32, board: Board) -> bool:
    """Return whether the next corners around those seen would lie outside the picture."""
    h, w = light.shape
    design = np.column_stack((board.places, np.ones(len(board.places))))
    affine, *_ = np.linalg.lstsq(design, board.points)
    nx, ny = board.size
    around = np.array([[-1, -1, 1], [nx, -1, 1], [nx, ny, 1], [-1, ny, 1]]) @ affine
    return bool((around < 0).any() or (around[:, 0] > w - 1).any() or (around[:, 1] > h - 1).any())
