# pyright: reportUnknownMemberType=false
"""Registration: where the golden sample lies in the unit's frame, or why that is not known.

Coarse: template matches of spread patches at 1/8 scale, consensus over pairs. Fine: patch tracking at 1/4
and 1/1 with gain and offset of each patch free, then one smooth map through the patch centres. A unit is
found only if enough patches agree at every stage; otherwise the failure carries its reason.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import pairwise

import cv2
import numpy as np

from evidence import FrameError
from kernels.compiled import F32, F64, U8, Mask
from kernels.patches import prepare_patches, track_patches
from vision.mapping import (
    QuadraticMap,
    Similarity,
    fit_similarity,
    from_similarity,
    robust_quadratic,
    robust_similarity,
)
from vision.pyramid import Pyramid
from vision.robust import median

# The range of poses that a station judges; what lies beyond is misplaced, not guessed.
LARGEST_ANGLE_DEG = 8.0
LARGEST_SHIFT = 0.15  # of the field
SCALE_RANGE = (0.93, 1.07)

_COARSE = 8
_COARSE_HALF = 12
_COARSE_PATCHES = 28
_CONSENSUS_PX = 2.5
_LEVELS = ((4, 8, 70, 0.5), (1, 12, 90, 0.5))  # scale, half size, patches, least correlation
_LEAST_SHARE = 0.35
_TYPICAL_BLUR_PX = 0.75  # of a camera; a golden scan is sharper, and unequal blur moves patches
_LEAST_PATCHES = 8
_STEPS = 15
_LEAST_CONTRAST = 1.0  # levels of light rms at 1/8 scale: below, there is nothing to match


@dataclass(frozen=True, slots=True, eq=False)
class Registered:
    """The unit was found.

    Attributes:
        pose: similarity from golden to frame.
        mapping: the smooth map that measurement and comparison use.
        residual_px: rms distance of the patches from the similarity.
        map_residual_px: rms distance of the patches from the smooth map.
        correlation: median correlation of the finest patches with the golden image; falls with blur.
    """

    pose: Similarity
    mapping: QuadraticMap
    residual_px: float
    map_residual_px: float
    correlation: float


@dataclass(frozen=True, slots=True)
class NotRegistered:
    """The unit was not found, or not where it can be judged: a reason code of the registry."""

    reason: str


@dataclass(frozen=True, slots=True, eq=False)
class _Level:
    scale: int
    half: int
    least: float
    centres: F64  # golden pixels at full scale
    values: F32
    gradients: F32
    inverses: F64


class Registrar:
    """Finds one golden view in frames; everything that does not depend on the frame is computed here.

    Images are linear light: blur and shading commute with light, not with gamma-encoded codes, on which a
    blurred hole moves by a tenth of a pixel (see docs/decisions/0008-register-on-light.md).

    Args:
        golden: (h, w) uint8 linear light of the golden image.
        usable: (h, w) bool, where patches may lie.

    Raises:
        evidence.FrameError: there are too few places to find a unit by.
    """

    def __init__(self, golden: U8, usable: Mask) -> None:
        """Choose and prepare the patches of every level."""
        self._shape = golden.shape
        h, w = golden.shape
        self._centre = ((w - 1) / 2, (h - 1) / 2)
        self._extent = max(h, w) / 2
        images = Pyramid.of(golden)
        masks = Pyramid.of(usable.astype(np.uint8) * 255)
        small, mask = images.eighth, masks.eighth == 255
        self._coarse = _spread(small, mask, _COARSE_HALF, _COARSE_PATCHES).astype(np.float64)
        self._templates = [_cut(small, c, _COARSE_HALF) for c in self._coarse]
        self._levels: list[_Level] = []
        for scale, half, count, least in _LEVELS:
            image = images.at(scale)
            if scale == 1:
                image = np.asarray(cv2.GaussianBlur(image, (0, 0), _TYPICAL_BLUR_PX), np.uint8)
            mask = masks.at(scale) == 255
            centres = _spread(image, mask, half, count).astype(np.float64)
            if len(centres) < 2 * _LEAST_PATCHES or len(self._coarse) < _LEAST_PATCHES:
                raise FrameError(
                    f"a reference image of {golden.shape[1]} x {golden.shape[0]} px shows too little"
                    " structure to find units by; use a larger picture, or ignore less of it"
                )
            values, gradients, inverses = prepare_patches(image.astype(np.float32), centres, half)
            self._levels.append(
                _Level(scale, half, least, (centres + 0.5) * scale - 0.5, values, gradients, inverses)
            )

    def find(self, pyramid: Pyramid) -> Registered | NotRegistered:
        """Find the golden view in the linear light of a frame."""
        small = pyramid.eighth
        if min(small.shape) < 4 * _COARSE_HALF or float(np.std(small)) < _LEAST_CONTRAST:
            return NotRegistered("unit_not_found")
        pose = self._search(small, windowed=True) or self._search(small, windowed=False)
        if pose is None:
            turned = self._search(np.ascontiguousarray(small[::-1, ::-1]), windowed=False)
            return NotRegistered("unit_not_found" if turned is None else "unit_upside_down")
        if self._misplaced(pose, pyramid.full.shape):
            return NotRegistered("unit_misplaced")
        return self._refine(pyramid, pose)

    def _search(self, small: U8, *, windowed: bool) -> Similarity | None:
        h, w = small.shape
        offset = np.array([w, h]) / 2 - np.array([self._shape[1], self._shape[0]]) / (2 * _COARSE)
        reach = 0.1 * max(h, w) + math.radians(6) * 0.5 * math.hypot(h, w) + 2
        found = np.full((len(self._coarse), 2), np.nan)
        size = 2 * _COARSE_HALF + 1
        for i, (centre, template) in enumerate(zip(self._coarse, self._templates, strict=True)):
            left, top, right, bottom = 0, 0, w, h
            if windowed:
                x, y = centre + offset
                left, right = max(int(x - reach) - _COARSE_HALF, 0), min(int(x + reach) + _COARSE_HALF + 1, w)
                top, bottom = max(int(y - reach) - _COARSE_HALF, 0), min(int(y + reach) + _COARSE_HALF + 1, h)
            if right - left < size or bottom - top < size:
                continue
            score = cv2.matchTemplate(small[top:bottom, left:right], template, cv2.TM_CCOEFF_NORMED)
            _, best, _, where = cv2.minMaxLoc(score)
            if best > 0.3:
                found[i] = left + where[0] + _COARSE_HALF, top + where[1] + _COARSE_HALF
        seen = ~np.isnan(found[:, 0])
        golden, unit = self._coarse[seen], found[seen]
        inliers = _consensus(golden, unit)
        if inliers is None or inliers.sum() < max(_LEAST_PATCHES, _LEAST_SHARE * len(self._coarse)):
            return None
        golden, unit = (p[inliers] * _COARSE + (_COARSE - 1) / 2 for p in (golden, unit))
        return fit_similarity(golden, unit, np.ones(len(golden)))

    def _misplaced(self, pose: Similarity, shape: tuple[int, ...]) -> bool:
        h, w = shape
        centre = pose.points(np.array([self._centre]))[0]
        shift = np.abs(centre - ((w - 1) / 2, (h - 1) / 2)) / (w, h)
        scale = SCALE_RANGE[0] <= pose.scale <= SCALE_RANGE[1]
        return abs(pose.angle) > LARGEST_ANGLE_DEG or float(shift.max()) > LARGEST_SHIFT or not scale

    def _refine(self, pyramid: Pyramid, pose: Similarity) -> Registered | NotRegistered:
        mapping = from_similarity(pose, self._centre, self._extent)
        golden = unit = np.empty((0, 2))
        weights = correlations = np.empty(0)
        for level in self._levels:
            predicted = (mapping.points(level.centres) + 0.5) / level.scale - 0.5
            tracked = track_patches(
                pyramid.at(level.scale), level.values, level.gradients, level.inverses, level.half,
                predicted, mapping.jacobians(level.centres), _STEPS,
            )  # fmt: skip
            good = tracked[:, 2] > level.least
            least = max(2 * _LEAST_PATCHES, _LEAST_SHARE * len(good))
            if good.sum() < least:
                return NotRegistered("unit_not_found")
            golden, unit = level.centres[good], (tracked[good, :2] + 0.5) * level.scale - 0.5
            correlations = tracked[good, 2]
            fit = robust_quadratic(golden, unit, 0.02 * level.scale, self._centre, self._extent)
            if fit is None or (fit[1] > 0).sum() < least:
                return NotRegistered("unit_not_found")
            mapping, weights = fit
        kept = weights > 0
        pose, _ = robust_similarity(golden[kept], unit[kept], 0.02)
        return Registered(
            pose,
            mapping,
            _rms(unit[kept] - pose.points(golden[kept])),
            _rms(unit[kept] - mapping.points(golden[kept])),
            median(correlations[kept]),
        )


def _rms(difference: F64) -> float:
    return math.sqrt(float((difference**2).sum()) / len(difference))


def _cut(image: U8, centre: F64, half: int) -> U8:
    x, y = int(centre[0]), int(centre[1])
    return np.ascontiguousarray(image[y - half : y + half + 1, x - half : x + half + 1])


def _spread(image: U8, mask: Mask, half: int, count: int) -> np.ndarray[tuple[int, ...], np.dtype[np.int64]]:
    """Choose up to `count` patch centres rich in two-dimensional structure, spread over the image."""
    size = 2 * half + 1
    strength = cv2.cornerMinEigenVal(image.astype(np.float32), size)
    ok = cv2.erode(mask.astype(np.uint8), np.ones((size + 4, size + 4), np.uint8), borderValue=0)
    strength = np.where(ok > 0, strength, 0)
    h, w = image.shape
    # the best centre of each cell of a grid with about `count` cells, strongest cells first
    cell = max(math.sqrt(h * w / count), 1.0)
    ys, xs = _cuts(h, cell), _cuts(w, cell)
    best: list[tuple[float, int, int]] = []
    for top, bottom in pairwise(ys):
        for left, right in pairwise(xs):
            block = strength[top:bottom, left:right]
            y, x = np.unravel_index(int(np.argmax(block)), block.shape)
            if block[y, x] > 0:
                best.append((float(block[y, x]), int(left + x), int(top + y)))
    best.sort(key=lambda b: (-b[0], b[1], b[2]))
    return np.array([(x, y) for _, x, y in best[:count]], np.int64).reshape(-1, 2)


def _cuts(length: int, cell: float) -> list[int]:
    n = max(round(length / cell), 1)
    return [round(length * i / n) for i in range(n + 1)]


def _consensus(golden: F64, unit: F64) -> Mask | None:
    """Return the largest set of matches that one similarity explains, over all pairs of matches."""
    n = len(golden)
    if n < 2:
        return None
    g = golden[:, 0] + 1j * golden[:, 1]
    u = unit[:, 0] + 1j * unit[:, 1]
    i, j = np.triu_indices(n, 1)
    far = np.abs(g[j] - g[i]) > 3 * _COARSE_HALF
    i, j = i[far], j[far]
    if len(i) == 0:
        return None
    a = (u[j] - u[i]) / (g[j] - g[i])
    plausible = np.abs(np.abs(a) - 1) < 0.3
    i, a = i[plausible], a[plausible]
    if len(i) == 0:
        return None
    b = u[i] - a * g[i]
    inside = np.abs(a[:, None] * g + b[:, None] - u) < _CONSENSUS_PX
    return inside[int(np.argmax(inside.sum(axis=1)))]
