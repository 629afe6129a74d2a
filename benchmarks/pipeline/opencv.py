"""The fastest all-OpenCV script: every step is one vectorised call into a buffer that is there already.

Templates at 1/8 of the scale give a rough pose, pyramidal Lucas-Kanade at corners of the golden image the
homography; the frame is warped once, at half its resolution and with 8-bit taps; light is evened by a gain
of its blurred ratio to the golden image; one `inRange` against the golden image's interval (eroded, dilated,
plus noise) finds what deviates. Circles and edges are found on polar and upright windows of the raw frame in
linear light, to a part of a pixel; colours are means of linear light, compared by CIEDE2000.
"""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np

from benchmarks.pipeline.peers import Answer, Script, project
from benchmarks.pipeline.scene import Layout
from kernels.colour import ciede2000, lab_from_linear

_SMALL = 8
_HALF, _SEARCH = 12, 24  # pixels at 1/8
_NOISE = 14  # codes beyond the golden interval
_GAIN_STEP = 16  # pixels: how finely light is evened
_ANGLES, _DEPTH = 360, 32  # of a circle's polar window
TABLE = np.where(
    np.arange(256) <= 10, np.arange(256) / 255 / 12.92, ((np.arange(256) / 255 + 0.055) / 1.055) ** 2.4
).astype(np.float32)


def opencv(golden: Any, part: Layout) -> Script:
    """Return the script, compiled for a golden image."""
    return script(part, placer(golden), surface(golden, part), _circle, _width)


def script(part: Layout, place: Any, face: Any, circle: Any, width: Any, *, colour: bool = False) -> Script:
    """Return a script made of its steps; `circle` and `width` are given the frame in colour or in grey."""
    grey: Any = None

    def run(frame: Any) -> Answer | None:
        nonlocal grey
        grey = cv2.cvtColor(frame, cv2.COLOR_RGB2GRAY, dst=grey)
        homography = place(grey)
        if homography is None:
            return None
        colours, count = face(frame, homography)
        seen = frame if colour else grey
        circles = [circle(seen, homography, hole) for hole in part.holes]
        lengths = [2 * r for _, _, r in circles]
        lengths += [float(np.hypot(circles[i][0] - circles[j][0], circles[i][1] - circles[j][1]))
                    for i, j in part.pitches]  # fmt: skip
        lengths += [width(seen, homography, track) for track in part.tracks]
        return Answer(project(homography, part.corners), lengths, colours, count)

    return run


def placer(golden: Any, count: int = 300, apart: int = 40) -> Any:
    """Return what finds the homography from golden to a grey frame, by so many points so far apart."""
    grey = cv2.cvtColor(golden, cv2.COLOR_RGB2GRAY)
    small = _shrunk(grey)
    spots = cv2.goodFeaturesToTrack(
        small[_HALF + 2 : -_HALF - 2, _HALF + 2 : -_HALF - 2], 16, 0.01, min(small.shape) / 5, blockSize=9
    ).reshape(-1, 2).astype(int) + _HALF + 2  # fmt: skip
    patches = [small[y - _HALF : y + _HALF + 1, x - _HALF : x + _HALF + 1].copy() for x, y in spots]
    points = cv2.goodFeaturesToTrack(grey, count, 0.01, apart, blockSize=7).reshape(-1, 1, 2)
    window = {"winSize": (15, 15), "maxLevel": 2}
    criteria = (cv2.TERM_CRITERIA_EPS | cv2.TERM_CRITERIA_COUNT, 12, 0.01)

    padded: Any = None

    def place(frame: Any) -> Any:
        nonlocal padded
        if padded is None:  # Lucas-Kanade wants two pictures of one size
            more = np.array(frame.shape) - grey.shape
            padded = cv2.copyMakeBorder(grey, 0, int(more[0]), 0, int(more[1]), cv2.BORDER_REPLICATE)
        shrunk = _shrunk(frame)
        offset = (np.array(shrunk.shape[::-1]) - small.shape[::-1]) // 2
        here: list[Any] = []
        there: list[Any] = []
        for (x, y), patch in zip(spots, patches, strict=True):
            left, top = np.maximum(np.array([x, y]) + offset - _HALF - _SEARCH, 0)
            area = shrunk[top : top + 2 * (_HALF + _SEARCH) + 1, left : left + 2 * (_HALF + _SEARCH) + 1]
            _, best, _, at = cv2.minMaxLoc(cv2.matchTemplate(area, patch, cv2.TM_CCOEFF_NORMED))
            if best > 0.5:
                here.append((x, y))
                there.append((left + at[0] + _HALF, top + at[1] + _HALF))
        if len(here) < 4:
            return None
        rough, _ = cv2.estimateAffinePartial2D(np.float32(here), np.float32(there), ransacReprojThreshold=2)
        if rough is None:
            return None
        shift = (_SMALL - 1) / 2
        rough[:, 2] = _SMALL * rough[:, 2] + shift - rough[:, :2] @ (shift, shift)
        start = cv2.transform(points, rough).astype(np.float32)
        found, ok, _ = cv2.calcOpticalFlowPyrLK(
            padded, frame, points, start, **window, criteria=criteria, flags=cv2.OPTFLOW_USE_INITIAL_FLOW
        )
        kept = ok.ravel() == 1
        if kept.sum() < 8:
            return None
        return cv2.findHomography(points[kept], found[kept], cv2.USAC_MAGSAC, 0.2)[0]

    return place


def surface(golden: Any, part: Layout) -> Any:
    """Return what resamples a frame at half its resolution and returns colour differences and deviations."""
    size = part.width // 2, part.height // 2
    small = cv2.resize(golden, size, interpolation=cv2.INTER_AREA)
    boxes = [((x + 1) // 2, (y + 1) // 2, w // 2 - 1, h // 2 - 1) for x, y, w, h in part.regions]
    reference = [lab_from_linear(_mean_light(small, box)) for box in boxes]
    compare, aligned = _comparer(small), np.empty_like(small)
    shrink = np.array([[0.5, 0, -0.25], [0, 0.5, -0.25], [0, 0, 1]])
    grow = np.linalg.inv(shrink)
    shrunk: Any = None

    def face(frame: Any, homography: Any) -> tuple[list[float], int]:
        nonlocal shrunk
        h, w = (n // 2 for n in frame.shape[:2])
        shrunk = cv2.resize(frame, (w, h), dst=shrunk, interpolation=cv2.INTER_AREA)
        cv2.warpPerspective(
            shrunk, shrink @ homography @ grow, size, dst=aligned,
            flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP, borderMode=cv2.BORDER_REPLICATE,
        )  # fmt: skip
        evened, count = compare(aligned)
        colours = [
            float(ciede2000(r, lab_from_linear(_mean_light(evened, box))))
            for r, box in zip(reference, boxes, strict=True)
        ]
        return colours, count

    return face


def _comparer(golden: Any) -> Any:
    """Return what evens an aligned picture's light and counts the regions that deviate."""
    h, w = golden.shape[:2]
    kernel = np.ones((3, 3), np.uint8)
    noise = np.full_like(golden, _NOISE)
    low = cv2.subtract(cv2.erode(golden, kernel, iterations=1), noise)
    high = cv2.add(cv2.dilate(golden, kernel, iterations=1), noise)
    size = (w // _GAIN_STEP, h // _GAIN_STEP)
    wanted = cv2.resize(golden, size, interpolation=cv2.INTER_AREA).astype(np.float32).sum(axis=2)
    evened, gain8 = np.empty_like(golden), np.empty_like(golden)
    inside, opened = np.empty((h, w), np.uint8), np.empty((h, w), np.uint8)
    lit = (wanted > 120) & (wanted < 720)
    v, u = np.mgrid[-1 : 1 : size[1] * 1j, -1 : 1 : size[0] * 1j]
    basis = np.stack((np.ones_like(u), u, v, u * u, u * v, v * v), axis=-1)
    inverse = np.linalg.pinv(basis[lit])

    def compare(aligned: Any) -> tuple[Any, int]:
        seen = cv2.resize(aligned, size, interpolation=cv2.INTER_AREA).astype(np.float32).sum(axis=2)
        ratio = basis @ (inverse @ (wanted[lit] / np.maximum(seen[lit], 1)))
        small = cv2.merge([np.clip(128 * ratio, 0, 255).astype(np.uint8)] * 3)
        cv2.resize(small, (w, h), dst=gain8, interpolation=cv2.INTER_LINEAR)
        cv2.multiply(aligned, gain8, dst=evened, scale=1 / 128)
        cv2.inRange(evened, low, high, dst=inside)
        cv2.bitwise_not(inside, dst=inside)
        cv2.morphologyEx(inside, cv2.MORPH_OPEN, kernel, dst=opened)
        if cv2.countNonZero(opened) == 0:
            return evened, 0
        x, y, wide, high_ = cv2.boundingRect(opened)
        return evened, cv2.connectedComponents(opened[y : y + high_, x : x + wide])[0] - 1

    return compare


def _shrunk(grey: Any) -> Any:
    h, w = (n // _SMALL * _SMALL for n in grey.shape)
    return cv2.resize(grey[:h, :w], (w // _SMALL, h // _SMALL), interpolation=cv2.INTER_AREA)


def _mean_light(codes: Any, box: tuple[int, int, int, int]) -> Any:
    x, y, w, h = box
    return np.array(cv2.mean(cv2.LUT(np.ascontiguousarray(codes[y : y + h, x : x + w]), TABLE))[:3])


def _circle(grey: Any, homography: Any, hole: tuple[float, float, float]) -> Any:
    """Return centre and radius of a hole in the frame: steepest place along 360 rays, least squares."""
    x, y, r = hole
    cx, cy = project(homography, np.array([(x, y)]))[0]
    angle = np.arange(_ANGLES, dtype=np.float32) * np.float32(2 * np.pi / _ANGLES)
    radius = np.float32(r - _DEPTH / 2) + np.arange(_DEPTH, dtype=np.float32)
    reach = int(r + _DEPTH / 2 + 3)
    left, top = int(cx) - reach, int(cy) - reach
    window = cv2.LUT(grey[top : top + 2 * reach + 1, left : left + 2 * reach + 1], TABLE)
    map_x = np.cos(angle)[:, None] * radius + np.float32(cx - left)
    map_y = np.sin(angle)[:, None] * radius + np.float32(cy - top)
    at = radius[0] + _steepest(cv2.remap(window, map_x, map_y, cv2.INTER_LINEAR))
    px, py = cx + at * np.cos(angle), cy + at * np.sin(angle)
    design = np.column_stack((2 * px, 2 * py, np.ones_like(px)))
    a, b, c = np.linalg.lstsq(design, px * px + py * py, rcond=None)[0]
    return a, b, float(np.sqrt(c + a * a + b * b))


def _width(grey: Any, homography: Any, track: tuple[float, float, float, float]) -> float:
    """Return the width of a track in the frame: steepest places across both edges, means of the rows."""
    x, y, w, h = track
    lines: list[float] = []
    top, bottom = project(homography, np.array([(x + w / 2, y), (x + w / 2, y + h)]))
    across = (bottom - top) / np.hypot(*(bottom - top))
    along = np.array([-across[1], across[0]])
    place = np.arange(-40, 41, dtype=np.float32)
    depth = np.arange(_DEPTH, dtype=np.float32) - np.float32(_DEPTH / 2)
    for point in (top, bottom):
        left, upper = (int(v) - 64 for v in point)
        window = cv2.LUT(grey[upper : upper + 129, left : left + 129], TABLE)
        map_x = (point[0] - left + along[0] * place[:, None] + across[0] * depth).astype(np.float32)
        map_y = (point[1] - upper + along[1] * place[:, None] + across[1] * depth).astype(np.float32)
        at = _steepest(cv2.remap(window, map_x, map_y, cv2.INTER_LINEAR)) - _DEPTH / 2
        lines.append(float(point @ across + np.median(at)))
    return lines[1] - lines[0]


def _steepest(profiles: Any) -> Any:
    """Return where each row of (n, m) light is steepest, by a parabola through three differences."""
    slope = np.abs(cv2.Sobel(profiles, cv2.CV_32F, 1, 0, ksize=1))
    k = slope[:, 2:-2].argmax(axis=1) + 2
    n = np.arange(len(k))
    a, b, c = slope[n, k - 1], slope[n, k], slope[n, k + 1]
    return k + np.clip(0.5 * (a - c) / np.minimum(a - 2 * b + c, -1e-9), -0.5, 0.5)
