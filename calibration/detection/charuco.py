# pyright: reportUnknownMemberType=false
"""ChArUco boards: markers say which corner is which, our own fits say where it is."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, cast

import cv2
import numpy as np

from calibration.detection.chessboard import find_board
from calibration.detection.refinement import Rough, blur_in_full, fit, measured, reduced
from calibration.detection.result import Detection, NotDetected, not_found
from calibration.targets import Target
from kernels.compiled import F32, F64, I64, U8, Mask

_SIDES = (1600, 100_000)  # longest sides at which markers are looked for
_SMALL = 1000  # longest side at which markers of other dictionaries are looked for
_FEWEST = 3  # markers that must agree
_AGREEING = 0.8  # share of the markers seen that must lie as on the board
_TOLERANCE = 0.2  # of the pitch, for a marker's corner
_LARGEST_COLUMNS = 60  # of boards that a wrong one is compared with
_UNREADABLE = 2.0  # blur in pixels that explains why markers are not read
_NEAREST = 24  # marker corners that say where a corner lies
_REACH = 2.5  # pitches from the nearest marker seen within which corners are looked for


@dataclass(frozen=True, slots=True, eq=False)
class Markers:
    """Markers seen: ids (n,) and their corners (n, 4, 2) in full pixels; `scale` is how much was shrunk."""

    ids: I64
    corners: F64
    scale: int


def detect_charuco(light: F32, target: Target) -> Detection | NotDetected:
    """Find and measure the visible part of a board; arguments and result as `detect`."""
    dictionary = dictionary_named(str(target.dictionary))
    if dictionary is None:
        return NotDetected(
            "target_wrong",
            f"OpenCV knows no dictionary {target.dictionary}",
            "correct dictionary in the target's definition, such as DICT_5X5_100",
        )
    markers = find_markers(light, dictionary)
    if len(markers.ids) < _FEWEST:
        return _nothing_of(light, target, dictionary)
    squares = _layout(target.columns, target.rows, _parity(target), target)
    foreign = markers.ids >= len(squares)
    agreeing = _agreeing(markers, squares, target)
    if not agreeing.all():
        other = _other_board(markers, target, agreeing.sum())
        if other is not None or agreeing.mean() < _AGREEING:
            return other or _no_board(markers, len(squares))
    keep = np.flatnonzero(~foreign)
    markers = Markers(markers.ids[keep], markers.corners[keep], markers.scale)
    kept = np.flatnonzero(_agreeing(markers, squares, target))
    rough = _rough(light, Markers(markers.ids[kept], markers.corners[kept], markers.scale), squares, target)
    if not len(rough.ids):
        return NotDetected(
            "target_partial", "no corner of the board lies in the picture", "show more of the target"
        )
    found = measured(fit(light, rough), rough, target, light.shape[::-1], whole=False)
    if (
        isinstance(found, Detection)
        and min(np.ptp(found.target_mm[:, 0]), np.ptp(found.target_mm[:, 1])) == 0
    ):
        return NotDetected(
            "target_partial", "the corners seen lie on one line", "show more of the target in the picture"
        )
    return found


def dictionary_named(name: str) -> cv2.aruco.Dictionary | None:
    """Return OpenCV's predefined dictionary of that name, or None."""
    number = cast("int | None", getattr(cv2.aruco, name, None))
    return None if number is None else cv2.aruco.getPredefinedDictionary(number)


def find_markers(light: F32, dictionary: cv2.aruco.Dictionary, *, flipped: bool = False) -> Markers:
    """Return the markers of a dictionary that are seen at the first scale at which there are enough."""
    scales = sorted({max(1, -(-max(light.shape) // side)) for side in _SIDES}, reverse=True)
    parameters = cv2.aruco.DetectorParameters()
    parameters.minMarkerPerimeterRate = 0.02
    found = Markers(np.zeros(0, np.int64), np.zeros((0, 4, 2)), 1)
    for scale in scales:
        image = _grey(light, scale)
        image = np.ascontiguousarray(image[:, ::-1]) if flipped else image
        corners, ids, _ = cv2.aruco.ArucoDetector(dictionary, parameters).detectMarkers(image)
        seen = cast("Any", ids)  # None where there are no markers
        if seen is not None and len(seen) > len(found.ids):
            places = np.asarray(cast("Sequence[Any]", corners), np.float64).reshape(-1, 4, 2)
            found = Markers(np.asarray(seen, np.int64).reshape(-1), (places + 0.5) * scale - 0.5, scale)
        if len(found.ids) > _FEWEST:
            break
    return found


def _grey(light: F32, scale: int) -> U8:
    """Return perceptual grey in 0..255, its 99.5th percentile at white."""
    root = np.sqrt(np.maximum(reduced(light, scale), 0, dtype=np.float32))
    white = max(float(np.percentile(root[::4, ::4], 99.5)), 1e-3)
    return np.minimum(root * np.float32(255 / white), 255).astype(np.uint8)


def _layout(columns: int, rows: int, parity: int, target: Target) -> F64:
    """Return (n, 4, 2) mm in the target's frame of every marker's corners: clockwise from its first, as seen.

    Markers stand, row by row, in the squares whose column and row add up to a number of that parity.
    """
    y, x = np.divmod(np.arange(columns * rows), columns)
    white = (x + y) % 2 == parity
    side = float(target.marker_mm or 0)
    origin = (np.stack((x, y), axis=1)[white] - 0.5) * target.pitch_mm - 0.5 * side
    return origin[:, None] + side * np.array([[0, 0], [1, 0], [1, 1], [0, 1]])


def _parity(target: Target) -> int:
    return 0 if target.legacy_pattern else 1


def _agreeing(markers: Markers, layout: F64, target: Target) -> Mask:
    """Return (n,) which markers lie where one flat board has them."""
    out = np.zeros(len(markers.ids), np.bool_)
    known = np.flatnonzero(markers.ids < len(layout))
    if len(known) < _FEWEST:
        return out
    seen = markers.corners[known].reshape(-1, 2)
    there = layout[markers.ids[known]].reshape(-1, 2)
    matrix, _ = cv2.findHomography(seen, there, cv2.RANSAC, _TOLERANCE * target.pitch_mm, maxIters=300)
    if cast("Any", matrix) is None:
        return out
    off = cv2.perspectiveTransform(seen[None], matrix).reshape(-1, 2) - there
    out[known] = (np.hypot(off[:, 0], off[:, 1]).reshape(-1, 4) < _TOLERANCE * target.pitch_mm).all(axis=1)
    return out


def _rough(light: F32, markers: Markers, layout: F64, target: Target) -> Rough:
    """Return the corners that markers surround, improved at the scale at which the markers were found."""
    plane, seen = layout[markers.ids].reshape(-1, 2), markers.corners.reshape(-1, 2)
    height, width = light.shape
    ids: list[int] = []
    rows: list[tuple[float, ...]] = []
    for i, place in enumerate(target.object_points()[:, :2]):
        distance = np.hypot(*(plane - place).T)
        if distance.min() > _REACH * target.pitch_mm:
            continue
        # Nearby markers, so that the lens bends nothing; enough, so that their corners' errors even out.
        near = np.argsort(distance, kind="stable")[:_NEAREST]
        matrix, _ = cv2.findHomography(plane[near] - place, seen[near], 0)
        if cast("Any", matrix) is None or matrix[2, 2] == 0:
            continue
        x, y = matrix[:2, 2] / matrix[2, 2]
        columns = (matrix[:2, :2] - np.outer((x, y), matrix[2, :2])) / matrix[2, 2] * target.pitch_mm
        along, down = np.arctan2(columns[1], columns[0]) % np.pi
        pitch = np.hypot(*columns).min() * abs(np.sin(down - along))
        if 4 < x < width - 5 and 4 < y < height - 5:
            ids.append(i)
            rows.append((x, y, along, down, pitch))
    table = np.array(rows, np.float64).reshape(-1, 5)
    clear = 0.5 * (1 - float(target.marker_mm or 0) / target.pitch_mm) * table[:, 4]
    rough = Rough(np.array(ids, np.int64), table[:, :2], table[:, 2:4], 1.0, table[:, 4], clear)
    return _improved(light, rough, markers.scale) if markers.scale > 1 and ids else rough


def _improved(light: F32, rough: Rough, scale: int) -> Rough:
    shrunk = replace(
        rough, points=(rough.points + 0.5) / scale - 0.5, pitch=rough.pitch / scale, clear=rough.clear / scale
    )
    fits = fit(reduced(light, scale), shrunk)
    ok = fits[:, 13] > 0
    if not ok.any():
        return rough
    points = rough.points.copy()
    points[ok] = (fits[ok, :2] + 0.5) * scale - 0.5
    return replace(rough, points=points, blur=blur_in_full(float(np.median(fits[ok, 4])), scale))


_OTHER = "show the defined target, or correct columns, rows and legacy_pattern in its definition"


def _other_board(markers: Markers, target: Target, agreeing: int) -> NotDetected | None:
    """Say which board the markers belong to, if there is one that more of them agree with."""
    beyond = int(markers.ids.max())
    best, said = agreeing, None
    for parity in (1, 0):
        for columns in range(3, _LARGEST_COLUMNS):
            rows = -(-2 * (beyond + 1) // columns) + 1
            count = int(_agreeing(markers, _layout(columns, rows, parity, target), target).sum())
            if count > best and count >= _AGREEING * len(markers.ids):
                best, kind = count, "" if parity else " of the legacy pattern"
                said = NotDetected(
                    "target_wrong",
                    f"the markers lie as on a board{kind} with {columns} columns and at least {rows - 1} "
                    f"rows, the definition has {target.columns} columns and {target.rows} rows"
                    + (" of the legacy pattern" if target.legacy_pattern else ""),
                    _OTHER,
                )
                if best == len(markers.ids):
                    return said
    return said


def _no_board(markers: Markers, held: int) -> NotDetected:
    beyond = int(markers.ids.max())
    return NotDetected(
        "target_wrong",
        f"{len(markers.ids)} markers were seen, up to number {beyond}, but not as on the defined board, "
        f"which has {held}",
        _OTHER,
    )


def _nothing_of(light: F32, target: Target, dictionary: cv2.aruco.Dictionary) -> NotDetected:
    """Say why no markers of the dictionary were seen."""
    layout = _layout(target.columns, target.rows, _parity(target), target)
    mirrored = find_markers(light, dictionary, flipped=True)
    if len(mirrored.ids) >= _FEWEST and _agreeing(mirrored, layout, target).mean() >= _AGREEING:
        return NotDetected(
            "target_mirrored",
            "the board is seen as in a mirror",
            "switch off the camera's mirroring, or print the target anew, not mirrored",
        )
    small = reduced(light, max(1, -(-max(light.shape) // _SMALL)))
    others = {
        name: len(find_markers(small, other).ids)
        for name in sorted(vars(cv2.aruco))
        if re.fullmatch(r"DICT_([4-7]X[4-7]_1000|APRILTAG_36H11|ARUCO_ORIGINAL|ARUCO_MIP_36H12)", name)
        and (other := dictionary_named(name)) is not None
    }
    name = max(others, key=lambda other: others[other])
    if others[name] >= _FEWEST:
        return NotDetected(
            "target_wrong",
            f"no markers of {target.dictionary} were seen, but {others[name]} of {name} or a part of it",
            "show the defined target, or correct dictionary in its definition",
        )
    board = find_board(light, target.across)
    if board is not None and sorted(board.size) == sorted(target.across) and board.blur > _UNREADABLE:
        return NotDetected(
            "target_blurred",
            f"the board was found, but its markers cannot be read: the blur is {board.blur:.1f} pixels",
            "focus on the target, close the aperture or shorten the exposure",
        )
    if board is not None and min(board.size) >= 3:
        return NotDetected(
            "target_wrong",
            f"a chessboard with {max(board.size)} x {min(board.size)} inner corners was seen, but no markers "
            f"of {target.dictionary}",
            "show the defined target; if it is the right one, come nearer until each bit of a marker is at "
            "least 3 pixels wide",
        )
    return not_found(light, "no ChArUco board")
