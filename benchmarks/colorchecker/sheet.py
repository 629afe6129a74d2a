"""The contact sheet: photographs with the lattice found and its score; traps and what was said of them."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np

from benchmarks.colorchecker.detection import CHART, Tile
from calibration.colour.detection import FoundChart
from calibration.colour.patches import homography, project

WIDTH, HEIGHT, ACROSS = 300, 270, 5
_CAPTION = 34
_ROOM = 2.2  # what is shown around a chart, in its own sizes
_FOUND, _REFUSED, _PAPER, _INK = (40, 230, 60), (240, 60, 60), (250, 250, 250), (20, 20, 20)


def sheet(tiles: list[Tile]) -> Any:
    """Return an RGB picture of all tiles, row by row."""
    drawn = [_tile(*tile) for tile in tiles]
    drawn += [np.full_like(drawn[0], 250)] * (-len(drawn) % ACROSS)
    return np.vstack([np.hstack(drawn[i : i + ACROSS]) for i in range(0, len(drawn), ACROSS)])


def _tile(name: str, picture: Any, outcome: Any) -> Any:
    height, width = picture.shape[:2]
    middle, size = np.array([width, height]) / 2, float(max(width, height))
    if outcome.corners is not None:
        middle = outcome.corners.mean(axis=0)
        size = _ROOM * float(np.ptp(outcome.corners, axis=0).max())
    scale = min(WIDTH, HEIGHT - _CAPTION) / size
    shift = np.array([WIDTH, HEIGHT - _CAPTION]) / 2 - scale * middle
    move = np.array([[scale, 0, shift[0]], [0, scale, shift[1]], [0, 0, 1.0]])
    shrunk, reduce = _smaller(picture, scale)
    out = cv2.warpAffine(
        _bright(shrunk), (move @ reduce)[:2], (WIDTH, HEIGHT), flags=cv2.INTER_LINEAR, borderValue=_PAPER
    )
    if outcome.corners is not None:
        _lattice(out, project(move, outcome.corners), _FOUND if isinstance(outcome, FoundChart) else _REFUSED)
    out[HEIGHT - _CAPTION :] = _PAPER
    if isinstance(outcome, FoundChart):
        turned = round(outcome.turned_deg) % 360
        said = f"score {outcome.score:.2f}, next {outcome.runner_up:.2f}, turned {turned} deg"
    else:
        said = f"refused: {outcome.reason}" + (f", {len(outcome.patches)} patches" if outcome.patches else "")
    for line, text in enumerate((name, said)):
        at = (4, HEIGHT - _CAPTION + 13 + 15 * line)
        cv2.putText(out, text, at, cv2.FONT_HERSHEY_SIMPLEX, 0.42, _INK, 1, cv2.LINE_AA)
    return cv2.copyMakeBorder(out, 2, 2, 2, 2, cv2.BORDER_CONSTANT, value=_PAPER)


def _smaller(picture: Any, scale: float) -> tuple[Any, Any]:
    """Reduce by a whole number, so that the warp that follows loses nothing; return the way back too."""
    k = max(1, int(1 / scale))
    h, w = picture.shape[0] // k, picture.shape[1] // k
    small = cv2.resize(picture[: h * k, : w * k], (w, h), interpolation=cv2.INTER_AREA)
    return small, np.array([[k, 0, 0.5 * k - 0.5], [0, k, 0.5 * k - 0.5], [0, 0, 1.0]])


def _bright(picture: Any) -> Any:
    """Lift dark pictures so that one sees them on paper; their cast stays."""
    full = max(float(np.percentile(picture, 99.5)), 1.0)
    return picture if full > 200 else np.minimum(255 * (picture / full) ** (1 / 1.8), 255).astype(np.uint8)


def _lattice(out: Any, corners: Any, colour: tuple[int, int, int]) -> None:
    """Outline the patches; a disc on the first one, an arrow along the first row."""
    matrix = homography(corners, CHART) if _clockwise(corners) else homography(corners[[1, 0, 3, 2]], CHART)
    half = 0.5 * CHART.patch_to_pitch
    box = half * np.array([[-1, -1], [1, -1], [1, 1], [-1, 1]])
    for i in range(CHART.columns * CHART.rows):
        ends = project(matrix, np.array([i % CHART.columns, i // CHART.columns]) + box)
        cv2.polylines(out, [np.round(8 * ends).astype(np.int32)], True, colour, 1, cv2.LINE_AA, 3)
    first, last = (tuple(np.round(corners[i]).astype(int).tolist()) for i in (0, 1))
    cv2.arrowedLine(out, first, last, colour, 2, cv2.LINE_AA, tipLength=0.08)
    cv2.circle(out, first, 4, colour, -1, cv2.LINE_AA)


def _clockwise(corners: Any) -> bool:
    a, b, c, _ = corners
    return bool(np.cross(np.append(b - a, 0), np.append(c - b, 0))[2] > 0)
