# pyright: reportUnknownMemberType=false
"""Dot targets: round dots on a square grid, measured at the images of their centres.

The image of a disk's centre is not the centre of its elliptic image (Heikkila 2000, doi:10.1109/34.879788):
the difference follows from how the other dots lie and is corrected.
"""

from __future__ import annotations

from collections import deque
from typing import Any, cast

import cv2
import numpy as np
from scipy.spatial import KDTree

from calibration.detection.lattice import rotations
from calibration.detection.refinement import Rough, blur_in_full, measured, reduced
from calibration.detection.result import FULL, Detection, NotDetected, not_found
from calibration.targets import Target
from kernels.compiled import F32, F64, I64
from kernels.dots import fit_dots

_SIDES = (1600, 100_000)  # longest sides at which dots are looked for
_SURROUNDINGS = (8, 24)  # parts of the longest side over which the local mean goes
_CONTRAST = 0.02  # of the square root of light, against the local mean
_SMALLEST = 16.0  # square pixels
_FLATTEST = 0.3  # short axis over long axis
_FILLED = 0.8  # share of the grid's places at which a dot must be seen
_STRAY = 0.3  # of a step, by which the next dot may lie off
_SEEDS = 6
_FEWEST = 20  # dots from which the bending of the lens can be told


def detect_dots(light: F32, target: Target) -> Detection | NotDetected:
    """Find and measure a whole grid of dots; arguments and result as `calibration.detection.detect`."""
    best: tuple[I64, I64] | None = None
    for scale in sorted({max(1, -(-max(light.shape) // side)) for side in _SIDES}, reverse=True):
        shrunk = reduced(light, scale)
        for parts in _SURROUNDINGS:
            ellipses = _ellipses(shrunk, max(shrunk.shape) // parts, dark=target.dark_dots)
            grid = _grid(ellipses[:, :2], target)
            if grid is None:
                continue
            if sorted(_extent(grid[1])) == sorted(target.across):
                return _measured(light, ellipses[grid[0]], grid[1], target, scale)
            if best is None or len(grid[0]) > len(best[0]):
                best = grid
    if best is None or len(best[0]) < 9:
        return not_found(light, "no grid of dots")
    nx, ny = sorted(_extent(best[1]), reverse=target.columns >= target.rows)
    return NotDetected(
        "target_wrong",
        f"a grid with {nx} x {ny} dots was seen, the definition has {target.columns} x {target.rows}",
        "show the defined target, whole and uncovered, or correct columns and rows in its definition",
    )


def _ellipses(light: F32, surroundings: int, *, dark: bool) -> F64:
    """Return (n, 5) x, y, half axes and angle of the first, radians, of what looks like a dot."""
    image = np.sqrt(np.maximum(light, 0, dtype=np.float32))
    mean = cv2.blur(image, (surroundings | 1, surroundings | 1), borderType=cv2.BORDER_REFLECT)
    mask = (mean - image if dark else image - mean) > _CONTRAST
    contours, _ = cv2.findContours(mask.astype(np.uint8), cv2.RETR_LIST, cv2.CHAIN_APPROX_NONE)
    rows: list[tuple[float, ...]] = []
    for contour in contours:
        if len(contour) < 8 or cv2.contourArea(contour) < _SMALLEST:
            continue
        (x, y), (first, second), angle = cv2.fitEllipse(contour)
        filled = cv2.contourArea(contour) / max(0.25 * np.pi * first * second, 1e-9)
        if min(first, second) > _FLATTEST * max(first, second) and 0.75 < filled < 1.15:
            rows.append((x, y, first / 2, second / 2, float(np.radians(angle))))
    return np.array(rows, np.float64).reshape(-1, 5)


def _extent(places: I64) -> tuple[int, int]:
    return int(places[:, 0].max()) + 1, int(places[:, 1].max()) + 1


def _grid(points: F64, target: Target) -> tuple[I64, I64] | None:
    """Return indices and places, from 0, of the dots of the wanted grid, or of the largest other one."""
    if len(points) < 9:
        return None
    tree = KDTree(points)
    middle = np.median(points, axis=0)
    best: tuple[I64, I64] | None = None
    for seed in np.argsort(((points - middle) ** 2).sum(axis=1), kind="stable")[:_SEEDS]:
        near = np.asarray(cast("Any", tree.query(points[seed], 9))[1], np.int64)[1:]
        steps = points[near] - points[seed]
        for second in steps[1:6]:
            slant = steps[0][0] * second[1] - steps[0][1] * second[0]
            if abs(slant) < 0.4 * float(np.hypot(*steps[0]) * np.hypot(*second)):
                continue
            members, places = _grow(points, tree, int(seed), steps[0], second * np.sign(slant))
            places = places - places.min(axis=0)
            size = _extent(places)
            if len(members) < _FILLED * size[0] * size[1]:
                continue
            if sorted(size) == sorted(target.across):
                return members, places
            if best is None or len(members) > len(best[0]):
                best = members, places
    return best


def _grow(points: F64, tree: KDTree, seed: int, along: F64, down: F64) -> tuple[I64, I64]:
    """Walk from dot to dot, each step as long as the last one that way."""
    places: dict[int, tuple[int, int]] = {seed: (0, 0)}
    taken = {(0, 0)}
    steps = {seed: (along, down)}
    queue = deque([seed])
    while queue:
        here = queue.popleft()
        for axis, sign in ((0, 1), (0, -1), (1, 1), (1, -1)):
            x, y = places[here]
            place = (x + sign, y) if axis == 0 else (x, y + sign)
            step = steps[here][axis]
            distance, index = cast("tuple[float, int]", cast("Any", tree.query(points[here] + sign * step)))
            there = int(index)
            reach = _STRAY * float(min(np.hypot(*steps[here][0]), np.hypot(*steps[here][1])))
            if place in taken or there in places or distance > reach:
                continue
            found = sign * (points[there] - points[here])
            places[there] = place
            taken.add(place)
            steps[there] = (found, steps[here][1]) if axis == 0 else (steps[here][0], found)
            queue.append(there)
    return np.array(list(places), np.int64), np.array(list(places.values()), np.int64)


def _measured(light: F32, ellipses: F64, places: I64, target: Target, scale: int) -> Detection | NotDetected:
    """Fit the dots of a grid in the full picture."""
    choices = [turned for turned, size in rotations(places, _extent(places)) if size == target.across]
    x = ellipses[:, 0] - ellipses[:, 0].mean()
    best = max(choices, key=lambda turned: float(x @ (turned[:, 0] - turned[:, 0].mean())))
    ids = best[:, 1] * target.columns + best[:, 0]
    order = np.argsort(ids)
    ids, full = ids[order], ellipses[order].copy()
    full[:, :2] = (full[:, :2] + 0.5) * scale - 0.5
    full[:, 2:4] *= scale
    radius = full[:, 2:4].min(axis=1)
    gap = 2 * radius * (target.pitch_mm / float(target.dot_mm or 1) - 1)
    starts = np.column_stack((full, np.full(len(full), blur_in_full(1.0, scale))))
    fits = fit_dots(light, starts, np.clip(0.5 * gap, 2.0, 8.0 * scale), FULL)
    rough = Rough(ids, full[:, :2], np.zeros((len(ids), 2)), 1.0, 2 * radius, gap)
    fits[:, :2] += _from_centre_of_image(fits, ids, target)
    return measured(fits, rough, target, light.shape[::-1], whole=True)


def _from_centre_of_image(fits: F64, ids: I64, target: Target) -> F64:
    """Return (n, 2) pixels from the centre of each dot's image to the image of its centre.

    The plane is seen by a homography, under which the centre of a disk's image is known exactly, and bent by
    the lens, a cubic field, which moves it by its second derivatives, to second order of the dot's size.
    """
    out = np.zeros((len(fits), 2))
    good = fits[:, 13] > 0
    if good.sum() < _FEWEST:
        return out
    plane = target.object_points(ids)[:, :2]
    radius = 0.5 * float(target.dot_mm or 0)
    for _ in range(2):  # the second time from better centres
        seen = fits[good, :2] + out[good]
        matrix, _ = cv2.findHomography(plane[good], seen, 0)
        flat = cv2.perspectiveTransform(plane[None], matrix).reshape(-1, 2)
        middle, unit = flat.mean(axis=0), 0.5 * float(np.ptp(flat, axis=0).max())
        bend, *_ = np.linalg.lstsq(_cubic((flat - middle) / unit)[good], seen - flat[good])
        second = np.einsum("dnk,kx->dnx", _second_derivatives((flat - middle) / unit), bend) / unit**2
        for i, (x, y) in enumerate(plane):
            here = matrix @ np.array([[1, 0, x], [0, 1, y], [0, 0, 1]], np.float64)
            # The circle round 0 maps to the conic of which this is the dual: its centre is its last column.
            dual = here @ np.diag([radius**2, radius**2, -1.0]) @ here.T
            centre = dual[:2, 2] / dual[2, 2]
            jacobian = (here[:2, :2] - np.outer(flat[i], here[2, :2])) / here[2, 2] * radius
            ends = _cubic((np.stack((flat[i], centre)) - middle) / unit) @ bend
            out[i] = flat[i] - centre + ends[0] - ends[1] - _bent(second[:, i], jacobian)
    return out


def _bent(second: F64, shape: F64) -> F64:
    """Return how far bending moves the centre of an ellipse fitted to a circle's image.

    In the frame of the circle, which `shape` maps to the ellipse, the contour moves by a mean, a cos 2t and a
    sin 2t term. Along its normal these have a first harmonic, which a fit takes for a shift.

    Args:
        second: (3, 2) second derivatives xx, xy, yy of the field.
        shape: (2, 2) from the unit circle to the ellipse.
    """
    xx, xy, yy = second
    along, down = shape.T
    by_along = xx * along[0] ** 2 + 2 * xy * along[0] * along[1] + yy * along[1] ** 2
    by_both = (
        xx * along[0] * down[0] + xy * (along[0] * down[1] + along[1] * down[0]) + yy * along[1] * down[1]
    )
    by_down = xx * down[0] ** 2 + 2 * xy * down[0] * down[1] + yy * down[1] ** 2
    uu, uv, vv = np.linalg.solve(shape, np.stack((by_along, by_both, by_down), axis=1)).T
    mean, cosine, sine = (uu + vv) / 4, (uu - vv) / 4, uv / 2
    shift = mean + 0.5 * np.array([cosine[0] + sine[1], sine[0] - cosine[1]])
    return np.asarray(shape @ shift, np.float64)


def _cubic(plane: F64) -> F64:
    x, y = plane.T
    one = np.ones_like(x)
    return np.stack((one, x, y, x * x, x * y, y * y, x**3, x * x * y, x * y * y, y**3), axis=1)


def _second_derivatives(plane: F64) -> F64:
    """Return (3, n, 10) second derivatives of `_cubic`: xx, xy, yy."""
    x, y = plane.T
    out = np.zeros((3, len(x), 10))
    out[0, :, 3], out[0, :, 6], out[0, :, 7] = 2, 6 * x, 2 * y
    out[1, :, 4], out[1, :, 7], out[1, :, 8] = 1, 2 * x, 2 * y
    out[2, :, 5], out[2, :, 8], out[2, :, 9] = 2, 2 * x, 6 * y
    return out
