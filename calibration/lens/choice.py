"""Which model the pictures ask for: judged by corners that took no part in a fit, never by habit."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from calibration.errors import LensError
from calibration.lens.adjustment import Estimate, Model, Prior, Solution, adjust, residuals_of
from calibration.lens.observations import Observations
from calibration.lens.projection import Kind, folds_back
from calibration.lens.start import posed
from kernels.compiled import F64, I64, Mask

PINHOLE = ("fx", "fy", "cx", "cy")
FAMILIES: dict[Kind, tuple[tuple[str, ...], ...]] = {
    "perspective": (
        PINHOLE, (*PINHOLE, "k1"), (*PINHOLE, "k1", "k2"), (*PINHOLE, "k1", "k2", "p1", "p2"),
        (*PINHOLE, "k1", "k2", "k3", "p1", "p2"),
    ),
    "telecentric": (PINHOLE, (*PINHOLE, "k1"), (*PINHOLE, "skew", "k1")),
}  # fmt: skip
FEWEST_POSES = 4
_MOST_FOLDS = 5


@dataclass(frozen=True, slots=True, eq=False)
class Candidate:
    """A model with what it predicts of corners that it has not seen.

    Attributes:
        model: which.
        squares: (n,) normalised squared distance of each corner from its prediction; NaN where not predicted,
            infinite where the model fails.
        hold_out_px: root mean square distance of prediction and corner.
    """

    model: Model
    squares: F64
    hold_out_px: float

    @property
    def mean(self) -> float:
        """Mean normalised squared distance."""
        return math.inf if np.isinf(self.squares).any() else float(np.nanmean(self.squares))


def candidate(
    seen: Observations, model: Model, fitted: Solution, prior: Prior, *, new_points: bool
) -> Candidate:
    """Predict held-out corners by cross-validation.

    Folds hold out pictures and, within them, points of the target: the pose of a held-out picture is fitted
    to its other points, then the held-out points are predicted. Errors of the target are common to all
    pictures; with `new_points` the held-out points take no part in the training pictures either, so that
    neither the lens nor corrections can have learned them. Fewer than four pictures hold out points only.

    Args:
        seen: all corners.
        model: what to fit.
        fitted: it, fitted to all corners: where the folds' fits start.
        prior: of the intrinsics.
        new_points: whether held-out points must be new to the model.
    """
    squares, distances = np.full(len(seen), np.nan), np.full(len(seen), np.nan)
    folds = min(_MOST_FOLDS, seen.poses) if seen.poses >= FEWEST_POSES else _MOST_FOLDS
    pose_fold = (np.arange(seen.poses) % folds)[seen.pose]
    point_fold = _scattered(len(seen.target), folds)[seen.point]
    for fold in range(folds):
        points = point_fold == fold
        poses = pose_fold == fold if seen.poses >= FEWEST_POSES else np.ones(len(seen), np.bool_)
        try:
            estimate = _trained(seen, model, fitted, prior, poses, points, new_points=new_points)
        except LensError:
            squares[:] = np.inf
            break
        tested = seen.where(poses & points)
        off = residuals_of(model.kind, estimate, tested)
        squares[poses & points] = np.square(off / np.hypot(tested.u_px, fitted.misfit_px)).sum(axis=1) / 2
        distances[poses & points] = np.square(off).sum(axis=1)
    if folds_back(fitted.estimate.intrinsics, seen.size):
        squares[:] = np.inf
    known = distances[~np.isnan(distances)]
    return Candidate(model, squares, math.sqrt(float(known.mean())) if len(known) else math.inf)


def _trained(
    seen: Observations,
    model: Model,
    fitted: Solution,
    prior: Prior,
    poses: Mask,
    points: Mask,
    *,
    new_points: bool,
) -> Estimate:
    misfit = fitted.misfit_px
    if seen.poses < FEWEST_POSES:
        return adjust(seen.where(~points), model, fitted.estimate, prior, misfit_px=misfit).estimate
    known = ~poses & ~points if new_points else ~poses
    start = replace(fitted.estimate, corrections=np.zeros_like(seen.target))
    estimate = adjust(seen.where(known), model, start, prior, misfit_px=misfit).estimate
    others = seen.where(poses & ~points)
    first = posed(others, model.kind, estimate.intrinsics, estimate.corrections)
    if first is None:
        raise LensError("a held-out picture allows no pose")
    return adjust(others, Model(model.kind, ()), first, prior, misfit_px=misfit).estimate


def _scattered(count: int, folds: int) -> I64:
    """Deal points to folds as if at random, the same each time."""
    order = np.random.default_rng(1).permutation(count)
    fold = np.empty(count, np.int64)
    fold[order] = np.arange(count) % folds
    return fold


def excess(worse: Candidate, better: Candidate, seen: Observations) -> tuple[float, float]:
    """Return by how much one predicts worse than the other, and the standard error of that.

    Corners of one picture err together, and so do those of one point of the target: the error is that of sums
    over pictures or over points, the larger of the two.
    """
    if not np.isfinite(better.mean) or not np.isfinite(worse.mean):
        return (0.0 if worse.mean == better.mean else math.copysign(math.inf, worse.mean - better.mean)), 0.0
    difference = worse.squares - better.squares
    tested = ~np.isnan(difference)
    difference, count = difference[tested], int(tested.sum())
    mean = float(difference.mean())
    errors: list[float] = []
    for group in (seen.pose[tested], seen.point[tested]):
        sums = np.bincount(group, difference - mean)
        groups = len(np.unique(group))
        if groups > 1:
            errors.append(float(np.sqrt(np.square(sums).sum() * groups / (groups - 1))) / count)
    return mean, max(errors)


def simplest(candidates: Sequence[Candidate], seen: Observations) -> Candidate:
    """Return the first (simplest) that predicts no worse than the best by more than one standard error."""
    best = min(candidates, key=lambda one: one.mean)
    if not np.isfinite(best.mean):
        raise LensError(
            "no model of a lens predicts the corners: check the target's definition and the pictures"
        )
    for one in candidates:
        more, error = excess(one, best, seen)
        if one is best or more <= error:
            return one
    raise AssertionError("the best is among the candidates")
