"""The most accurate all-OpenCV script, as fast as that can be made; what it compares is the fastest one's.

The pose of sixty Lucas-Kanade points only says where to look: squares about 300 corners are resampled from
the frame's linear light in one call through that pose, so that neither turn nor tilt is left in them; each is
given its golden square's mean and contrast, and Lucas-Kanade tracks all of them in one call, at full
resolution. The golden squares are blurred as a camera and one bilinear resampling do. Edges are centroids of
the gradient of luminance, and circles and lines leave out what lies off them.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import cv2
import numpy as np

from benchmarks.pipeline.opencv import TABLE, placer, script, surface
from benchmarks.pipeline.peers import Script, project
from benchmarks.pipeline.scene import Layout

_ROUGH, _ROUGH_APART = 60, 150
_POINTS, _APART = 300, 40
_HALF, _MARGIN = 12, 3  # pixels: of a square, and beyond
_BLUR = 0.75
_MOST_STEP = 2.0  # pixels from the rough pose
_ANGLES, _DEPTH = 360, 32  # of a circle's polar window
_REACH = 6  # pixels on either side of the steepest place that its centroid is of
_FAINT = 0.08  # of the steepest: what is no edge
_LIGHT8 = np.round(TABLE * 255).astype(np.uint8)
_LUMINANCE = np.array([[0.2126, 0.7152, 0.0722]], np.float32)


def opencv_accurate(golden: Any, part: Layout) -> Script:
    """Return the script, compiled for a golden image."""
    place = _refined(golden, placer(golden, _ROUGH, _ROUGH_APART))
    return script(part, place, surface(golden, part), _circle, _width, colour=True)


def _refined(golden: Any, rough: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """Return what finds the homography by squares that are resampled through a rough one."""
    light = cv2.LUT(cv2.cvtColor(golden, cv2.COLOR_RGB2GRAY), _LIGHT8)
    reach = _HALF + _MARGIN
    side, rim = 2 * reach + 1, 2 * reach
    inner = np.ascontiguousarray(light[rim:-rim, rim:-rim])
    points = cv2.goodFeaturesToTrack(inner, _POINTS, 0.01, _APART, blockSize=2 * _HALF + 1)
    points = points.reshape(-1, 2).round() + rim
    step = np.mgrid[-reach : reach + 1, -reach : reach + 1].astype(np.float32)[::-1].transpose(1, 2, 0)
    grid = (points[:, None, None] + step).reshape(-1, side, 2).astype(np.float32)
    squares = cv2.remap(cv2.GaussianBlur(light, (0, 0), _BLUR), grid, None, cv2.INTER_NEAREST)
    values = squares.reshape(len(points), -1).astype(np.float32)
    mean, contrast = values.mean(axis=1, keepdims=True), values.std(axis=1, keepdims=True)
    at = np.stack((np.full(len(points), reach), np.arange(len(points)) * side + reach), 1).astype(np.float32)
    criteria = (cv2.TERM_CRITERIA_EPS | cv2.TERM_CRITERIA_COUNT, 10, 0.01)
    window = (2 * _HALF + 1, 2 * _HALF + 1)
    lit: Any = None

    def place(frame: Any) -> Any:
        nonlocal lit
        start = rough(frame)
        if start is None:
            return None
        lit = cv2.LUT(frame, _LIGHT8, dst=lit)
        seen = cv2.remap(lit, cv2.perspectiveTransform(grid, start), None, cv2.INTER_LINEAR)
        own = seen.reshape(len(points), -1).astype(np.float32)
        gain = contrast / np.maximum(own.std(axis=1, keepdims=True), 1e-3)
        own = own * gain + (mean - gain * own.mean(axis=1, keepdims=True) + 0.5)
        evened = np.clip(own, 0, 255).astype(np.uint8).reshape(squares.shape)
        found, ok, _ = cv2.calcOpticalFlowPyrLK(
            squares, evened, at, at.copy(), winSize=window, maxLevel=0, criteria=criteria,
            flags=cv2.OPTFLOW_USE_INITIAL_FLOW,
        )  # fmt: skip
        moved = found - at
        kept = (ok.ravel() == 1) & (np.abs(moved).max(axis=1) < _MOST_STEP)
        if kept.sum() < 8:
            return None
        there = cv2.perspectiveTransform((points + moved)[None].astype(np.float64), start)[0]
        return cv2.findHomography(points[kept], there[kept], cv2.USAC_MAGSAC, 0.2)[0]

    return place


def _luminance(frame: Any, left: int, top: int, width: int, height: int) -> Any:
    """Return the linear luminance of a window."""
    codes = np.ascontiguousarray(frame[top : top + height, left : left + width])
    return cv2.transform(cv2.LUT(codes, TABLE), _LUMINANCE)


def _circle(frame: Any, homography: Any, hole: tuple[float, float, float]) -> Any:
    """Return centre and radius of a hole in the frame by 360 rays."""
    x, y, r = hole
    cx, cy = project(homography, np.array([(x, y)]))[0]
    angle = np.arange(_ANGLES, dtype=np.float32) * np.float32(2 * np.pi / _ANGLES)
    unit = np.column_stack((np.cos(angle), np.sin(angle)))
    radius = np.float32(r - _DEPTH / 2) + np.arange(_DEPTH, dtype=np.float32)
    reach = int(r + _DEPTH / 2 + 3)
    left, top = int(cx) - reach, int(cy) - reach
    window = _luminance(frame, left, top, 2 * reach + 1, 2 * reach + 1)
    map_x = unit[:, :1] * radius + np.float32(cx - left)
    map_y = unit[:, 1:] * radius + np.float32(cy - top)
    place, spread = _edges(cv2.remap(window, map_x, map_y, cv2.INTER_LINEAR))
    off = place + (radius[0] - r)
    design = np.column_stack((unit, np.ones(_ANGLES)))
    moved = np.linalg.lstsq(design, off, rcond=None)[0]
    kept = _near(off - design @ moved)
    a, b, more = np.linalg.lstsq(design[kept], off[kept], rcond=None)[0]
    # blur makes a hole small by half its variance over the radius
    return cx + a, cy + b, r + more + (a * a + b * b) / (4 * r) + np.median(spread) / (2 * r)


def _width(frame: Any, homography: Any, track: tuple[float, float, float, float]) -> float:
    """Return the width of a track in the frame by 81 profiles across each edge."""
    x, y, w, h = track
    lines: list[float] = []
    across_it, along_it = x + w / 2, y + h / 2
    ends = [(across_it, y), (across_it, y + h), (across_it - 40, along_it), (across_it + 40, along_it)]
    first, last, before, after = project(homography, np.array(ends))
    along = (after - before) / np.hypot(*(after - before))
    across = np.array([-along[1], along[0]])
    place = np.arange(-40, 41, dtype=np.float32)
    depth = np.arange(_DEPTH, dtype=np.float32) - np.float32(_DEPTH / 2)
    for point in (first, last):
        left, top = (int(v) - 64 for v in point)
        window = _luminance(frame, left, top, 129, 129)
        map_x = (point[0] - left + along[0] * place[:, None] + across[0] * depth).astype(np.float32)
        map_y = (point[1] - top + along[1] * place[:, None] + across[1] * depth).astype(np.float32)
        at = _edges(cv2.remap(window, map_x, map_y, cv2.INTER_LINEAR))[0] - _DEPTH / 2
        lines.append(float(point @ across + at[_near(at - np.median(at))].mean()))
    return lines[1] - lines[0]


def _edges(profiles: Any) -> tuple[Any, Any]:
    """Return the centroid of each row's gradient about its steepest place, and that gradient's variance."""
    slope = np.abs(cv2.Sobel(profiles, cv2.CV_32F, 1, 0, ksize=1))
    margin = _REACH + 1
    steepest = slope[:, margin:-margin].argmax(axis=1) + margin
    index = steepest[:, None] + np.arange(-_REACH, _REACH + 1)
    own = np.take_along_axis(slope, index, axis=1)
    own = np.maximum(own - _FAINT * own.max(axis=1, keepdims=True), 0)
    total = own.sum(axis=1)
    place = (own * index).sum(axis=1) / total
    return place, (own * (index - place[:, None]) ** 2).sum(axis=1) / total


def _near(residuals: Any) -> Any:
    """Return which residuals are no outliers."""
    size = np.abs(residuals)
    return size <= 4 * 1.4826 * np.median(size) + 1e-3
