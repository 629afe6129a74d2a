# pyright: reportUnknownMemberType=false
"""Finds one golden view in frames: search, patch tracking from coarse to fine, acceptance."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np

from evidence import FrameError
from kernels.compiled import F32, F64, Mask
from kernels.map_fit import PROJECTIVE, QUADRATIC, SIMILARITY, agreed_similarity, fit_summary
from kernels.patches import SAMPLING_BLUR_PX, prepare_patches, track_mapped
from kernels.shading import undo_drift
from vision.mapping import QuadraticMap, Similarity
from vision.pyramid import COARSEST, Pyramid
from vision.register import search
from vision.register.fitting import Fit, fit_map
from vision.register.outcome import (
    SAMPLING_PX,
    STATION_RANGE,
    NotRegistered,
    PoseRange,
    Registered,
)
from vision.register.places import spread_places
from vision.robust import median

_EITHER: Final = (PROJECTIVE, QUADRATIC)
_LEVELS: Final = (
    (8, search.HALF, 20, (SIMILARITY, SIMILARITY), 0.1),
    (4, 8, 70, _EITHER, 0.05),
    (1, 12, 72, _EITHER, 0.01),
)
_TYPICAL_BLUR_PX: Final = 0.75  # of a camera; a golden scan is sharper
_LEAST_CORRELATION: Final = 0.5
_LEAST_SHARE: Final = 0.45  # of the patches of a level; a quarter of the part may be covered
_CLEAR_SHARE: Final = 0.6  # above, no other pose can explain as much
_LEAST_PATCHES: Final = 8
_STEPS: Final = 8
_FLOOR_PX: Final = 0.003  # of a patch's position beyond its misfit: sampling, texture at its rim
_SMOOTH_PX: Final = 2.0  # what tilt and slow bending put between a similarity and a unit
_MOST_BENDING: Final = 0.006  # of half the longer side: a part that departs further is not this part
_LEAST_NINTH: Final = 0.2  # of the patches in each ninth of a part that bends
_MOST_DISTORTED: Final = 0.025  # of half the longer side: between the map and the pose, at the corners
_BENDING_AGREES: Final = 0.85  # of the patches found, where a map may bend
_ONE_PIECE_AGREES: Final = 0.78  # of the patches found: where fewer do, the part is not one smooth piece
_ROUGH: Final = 6.0  # times the scatter that patches imply: nor is it there
_LARGEST_U_PX: Final = 0.5
_LEAST_CONTRAST: Final = 0.004  # of light, rms at 1/8 scale: below, there is nothing to match


@dataclass(frozen=True, slots=True, eq=False)
class _Level:
    scale: int
    half: int
    models: tuple[int, int]
    settled: float  # of patches: pixels at this scale
    centres: F64  # golden pixels at full scale
    values: F32
    gradients: F32
    inverses: F64
    means: F64
    drifts: F64

    @property
    def least(self) -> float:
        """How many patches must be found and agree."""
        return max(_LEAST_PATCHES, _LEAST_SHARE * len(self.centres))


@dataclass(frozen=True, slots=True, eq=False)
class _Matches:
    """The patches of a level that were found, in full-scale pixels."""

    golden: F64
    unit: F64
    correlations: F64
    covariances: F64  # (n, 3): xx, xy, yy


class Registrar:
    """Finds one golden view in frames; everything that does not depend on the frame is computed here.

    Images are linear light: blur and shading commute with light, not with gamma-encoded codes, on which a
    blurred hole moves by a tenth of a pixel (see docs/decisions/0008-register-on-light.md).

    Args:
        golden: the golden image.
        usable: (h, w) bool, where patches may lie.
        judged: the poses that are judged.

    Raises:
        evidence.FrameError: there are too few places to find a unit by.
    """

    def __init__(self, golden: Pyramid, usable: Mask, judged: PoseRange = STATION_RANGE) -> None:
        """Choose and prepare the patches of every level."""
        h, w = usable.shape
        self._shape, self._judged = usable.shape, judged
        self._centre = ((w - 1) / 2, (h - 1) / 2)
        self._extent = max(h, w) / 2
        self._corners = np.array([(0, 0), (w - 1, 0), (0, h - 1), (w - 1, h - 1)], np.float64)
        self._levels: list[_Level] = []
        for scale, half, count, models, settled in _LEVELS:
            image = golden.light(scale)
            centres = spread_places(image, _whole(usable, scale), half, count)
            if len(centres) < _LEAST_PATCHES * (1 if scale == COARSEST else 2):
                raise FrameError(
                    f"a reference image of {w} x {h} px shows too little structure to find units by; use a"
                    " larger picture, or ignore less of it"
                )
            blur = math.hypot(SAMPLING_BLUR_PX, _TYPICAL_BLUR_PX if scale == 1 else 0.0)
            seen = np.asarray(cv2.GaussianBlur(image, (0, 0), blur), np.float32)
            prepared = prepare_patches(seen, centres, half)
            self._levels.append(
                _Level(scale, half, models, settled, (centres + 0.5) * scale - 0.5, *prepared)
            )
            if scale == COARSEST:
                self._search = search.Search(image, centres, self._centre, self._extent)

    def find(self, pyramid: Pyramid) -> Registered | NotRegistered:
        """Find the golden view in a frame."""
        small = pyramid.light(COARSEST)
        if min(small.shape) < 4 * search.HALF or float(np.std(small)) < _LEAST_CONTRAST:
            return NotRegistered("unit_not_found")
        found = self._best(pyramid, self._search.candidates(small))
        if found is not None:
            judged = self._judged.holds(found.pose, self._shape, pyramid.full.shape)
            return found if judged else NotRegistered("unit_misplaced")
        turned = Pyramid.of(np.ascontiguousarray(pyramid.full[::-1, ::-1]), pyramid.table)
        found = self._best(turned, self._search.candidates(turned.light(COARSEST), resized=False))
        return NotRegistered("unit_not_found" if found is None else "unit_upside_down")

    def _best(self, pyramid: Pyramid, candidates: Iterator[QuadraticMap]) -> Registered | None:
        best: Registered | None = None
        for near in candidates:
            found = self._refine(pyramid, near)
            if found is not None and (best is None or found.share > best.share):
                best = found
            if best is not None and best.share >= _CLEAR_SHARE:
                break
        return best

    def _refine(self, pyramid: Pyramid, near: QuadraticMap) -> Registered | None:
        """Return the unit near a map, or None where too little of it agrees at one of the scales."""
        eighth, quarter, full = self._levels
        fit = self._fitted(self._track(pyramid, eighth, near), near, eighth)
        if fit is None:
            return None
        matches = self._track(pyramid, quarter, fit.mapping)
        agreed = self._agreed(matches, quarter)
        fit = self._fitted(matches, fit.mapping if agreed is None else agreed, quarter, bent=agreed is None)
        if fit is None or (agreed is None and not self._everywhere(matches.golden, quarter)):
            return None
        matches = self._track(pyramid, full, fit.mapping)
        fit = self._fitted(matches, fit.mapping, full, bent=agreed is None)
        return None if fit is None else self._outcome(matches, fit, bent=agreed is None)

    def _agreed(self, matches: _Matches, level: _Level) -> QuadraticMap | None:
        """Return the pose that most patches share but for tilt and slow bending, if there is one."""
        coefficients, count = agreed_similarity(
            matches.golden, matches.unit, _SMOOTH_PX, self._extent / 3, *self._centre, self._extent
        )
        return None if count < level.least else QuadraticMap(self._centre, self._extent, coefficients)

    def _track(self, pyramid: Pyramid, level: _Level, mapping: QuadraticMap) -> _Matches:
        tracked = track_mapped(
            pyramid.at(level.scale), pyramid.table, level.values, level.gradients, level.inverses, level.half,
            level.centres, mapping.coefficients, *mapping.centre, mapping.extent, level.scale, _STEPS,
            level.settled,
        )  # fmt: skip
        good = np.flatnonzero(tracked[:, 2] > _LEAST_CORRELATION)
        tracked, centres = tracked.take(good, axis=0), level.centres.take(good, axis=0)
        if level.scale == 1:
            undo_drift(
                tracked, centres, level.means.take(good), level.drifts.take(good, axis=0),
                mapping.coefficients, *mapping.centre, mapping.extent,
            )  # fmt: skip
        return _Matches(centres, tracked[:, :2].copy(), tracked[:, 2], tracked[:, 3:6])

    def _fitted(
        self, matches: _Matches, start: QuadraticMap, level: _Level, *, bent: bool = False
    ) -> Fit | None:
        if len(matches.golden) < level.least:
            return None
        floor, models = _FLOOR_PX * level.scale**2, level.models
        if bent:  # what the part departs by hides how well its patches are located
            floor = median(np.hypot(*(matches.unit - start.points(matches.golden)).T))
            models = QUADRATIC, QUADRATIC
        covariances = matches.covariances + np.array([floor**2, 0, floor**2])
        fit = fit_map(matches.golden, matches.unit, covariances, start, models)
        smooth = fit is not None and np.count_nonzero(fit.weights) >= _BENDING_AGREES * len(matches.golden)
        if models == _EITHER and not smooth:  # pieces that moved apart look like bending to some patches
            fit = fit_map(matches.golden, matches.unit, covariances, start, (PROJECTIVE, PROJECTIVE))
        return fit if fit is not None and np.count_nonzero(fit.weights) >= level.least else None

    def _everywhere(self, golden: F64, level: _Level) -> bool:
        """Return whether patches are found in all ninths of the part: bending is known where it shows."""
        h, w = self._shape

        def count(points: F64) -> F64:
            return np.histogram2d(points[:, 0], points[:, 1], bins=3, range=((0, w), (0, h)))[0]

        return bool((count(golden) >= _LEAST_NINTH * count(level.centres)).all())

    def _outcome(self, matches: _Matches, fit: Fit, *, bent: bool) -> Registered | None:
        kept = fit.weights > 0
        count = int(np.count_nonzero(kept))
        agree = count / len(kept)
        if bent and agree < _BENDING_AGREES:
            return None
        if not bent and fit.spread > _ROUGH and not self._everywhere(matches.golden[kept], self._levels[-1]):
            return None
        weights = fit.weights
        if not bent:  # faint patches are located badly; their distances say little about the map
            weights = weights / (matches.covariances[:, 0] + matches.covariances[:, 2] + _FLOOR_PX**2)
        scattered = bent or fit.spread > _ROUGH or agree < _ONE_PIECE_AGREES
        (c, s, x, y), residual, map_residual, bending, u_px, departs = fit_summary(
            matches.golden, matches.unit, weights, fit.mapping.coefficients, fit.covariance, *self._centre,
            self._extent, self._corners, scattered, SAMPLING_PX,
        )  # fmt: skip
        if max(map_residual / _MOST_BENDING, departs / _MOST_DISTORTED) > self._extent:
            return None
        if bending == 0 and u_px > _LARGEST_U_PX:
            return None
        return Registered(
            pose=Similarity(x, y, math.degrees(math.atan2(s, c)), math.hypot(c, s)), mapping=fit.mapping,
            model=fit.model, covariance=fit.covariance, bending_px=bending, u_px=u_px, residual_px=residual,
            map_residual_px=map_residual, correlation=median(matches.correlations[kept]),
            share=count / len(self._levels[-1].centres),
        )  # fmt: skip


def _whole(usable: Mask, scale: int) -> Mask:
    """Return which blocks of scale x scale pixels are usable everywhere."""
    h, w = (n // scale for n in usable.shape)
    blocks = usable[: h * scale, : w * scale].reshape(h, scale, w, scale)
    return np.asarray(blocks.all(axis=(1, 3)), np.bool_)
