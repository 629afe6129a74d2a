"""Where the object plane lies: the target seen once more by a calibrated lens."""

from __future__ import annotations

import math

import numpy as np

from calibration.errors import LensError
from calibration.lens.adjustment import Model, Solution, adjust, in_camera
from calibration.lens.calibrate import LensCalibration
from calibration.lens.observations import Corners, Observations, gather
from calibration.lens.plane import LensMap
from calibration.lens.projection import project
from calibration.lens.start import posed, prior_for
from kernels.compiled import F64, I64

_LARGEST_EXCESS = 10.0  # of the residuals over what corners and calibration explain


def object_plane(
    lens: LensCalibration, detection: Corners, *, pitch_relative_uncertainty: float | None = None
) -> LensMap:
    """Find the plane of a target in one new picture by a calibrated lens.

    The lens is held; its covariance passes through the pose fitted with it (a Schmidt filter), so that what
    the pose makes up for of the lens's errors cancels in the map. Corrections of the target's points are used
    where the target is the one of the calibration. A picture of the calibration has `LensCalibration.plane`
    instead.

    Args:
        lens: the calibrated lens.
        detection: the target's corners.
        pitch_relative_uncertainty: of the target's pitch; None where it is the calibration's target.

    Raises:
        LensError: the corners do not fit the lens: another camera or resolution, a moved focus, a wrong
            target.
    """
    seen = gather([detection], lens.size)
    kind, intrinsics = lens.model.kind, lens.estimate.intrinsics
    corrections, places = _corrections(lens, seen)
    start = posed(seen, kind, intrinsics, corrections)
    if start is None:
        raise LensError("no pose of the target explains the corners: is it this camera, and this target?")
    prior = prior_for(seen, kind, float(intrinsics[0]), 1.0)
    solution = adjust(seen, Model(kind, ()), start, prior, misfit_px=lens.misfit_px)
    freedom = 2 * len(seen) - 6
    noise = np.hypot(seen.u_px, lens.misfit_px)
    excess = math.sqrt(float(np.square(solution.residuals / noise).sum()) / freedom)
    if excess > _LARGEST_EXCESS:
        rms = float(np.sqrt(np.square(solution.residuals).sum(axis=1).mean()))
        raise LensError(
            f"the corners lie {rms:.2g} px rms from where this lens shows the target: was lens, focus or "
            "camera changed since the calibration, or the definition of the target?"
        )
    k, estimate = len(lens.model.free), solution.estimate
    response, held = _response(lens, seen, solution, places)
    down = np.zeros((k + 6, held.shape[0]))
    down[:k, :k], down[k:] = np.eye(k), response
    covariance = down @ held @ down.T
    covariance[k:, k:] += solution.covariance() * max(1.0, excess) ** 2
    pitch = (
        lens.pitch_relative_uncertainty if pitch_relative_uncertainty is None else pitch_relative_uncertainty
    )
    return LensMap(
        kind=kind, size=lens.size, free=lens.model.free, intrinsics=intrinsics,
        rotation=estimate.rotations[0], translation=estimate.translations[0],
        covariance=0.5 * (covariance + covariance.T),
        degrees_of_freedom=min(lens.degrees_of_freedom, float(freedom)), pitch_relative_uncertainty=pitch,
        centre_mm=seen.target[:, :2].mean(axis=0),
    )  # fmt: skip


def _corrections(lens: LensCalibration, seen: Observations) -> tuple[F64, I64 | None]:
    """Return corrections (m, 3) of the points, and where a released calibration has them."""
    if lens.model.target_sigma is None or not np.isin(seen.ids, lens.seen.ids).all():
        return np.zeros_like(seen.target), None
    places = np.searchsorted(lens.seen.ids, seen.ids).astype(np.int64)
    if not np.allclose(lens.seen.target[places], seen.target, rtol=0, atol=1e-9):
        return np.zeros_like(seen.target), None
    return lens.estimate.corrections[places], places


def _response(
    lens: LensCalibration, seen: Observations, solution: Solution, places: I64 | None
) -> tuple[F64, F64]:
    """Return d(pose) / d(what is held), (6, h), and the covariance of that: lens, and corrections in use."""
    k, kind, estimate = len(lens.model.free), lens.model.kind, solution.estimate
    points = in_camera(estimate, seen)
    _, by_intrinsics, by_xyz = project(kind, estimate.intrinsics, points)
    arms = points - estimate.translations[0]
    by_pose = np.concatenate([np.cross(arms[:, None, :], by_xyz), by_xyz], axis=2)
    by_pose = by_pose / (np.square(seen.u_px) + lens.misfit_px**2)[:, :, None]
    slopes = [np.einsum("nac,nak->ck", by_pose, by_intrinsics[:, :, lens.model.columns])]
    which = [np.arange(k)]
    if places is not None:
        by_points = np.einsum("nac,nak->nck", by_pose, by_xyz @ estimate.rotations[0])
        slopes.append(by_points.transpose(1, 0, 2).reshape(6, -1))
        first = k + 6 * lens.seen.poses
        which.append((first + 3 * places[seen.point][:, None] + np.arange(3)).ravel())
    held = np.concatenate(which)
    response = -np.linalg.solve(solution.information, np.concatenate(slopes, axis=1))
    return np.asarray(response, np.float64), lens.covariance[np.ix_(held, held)]
