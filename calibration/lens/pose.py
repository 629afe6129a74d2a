"""Where the object plane lies: the target seen once more by a calibrated lens."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np

from calibration.errors import LensError
from calibration.lens.adjustment import Model, adjust, in_camera
from calibration.lens.calibrate import LensCalibration
from calibration.lens.observations import Corners, gather
from calibration.lens.plane import LensMap
from calibration.lens.projection import project
from calibration.lens.start import posed, prior_for
from kernels.compiled import F64

_LARGEST_EXCESS = 5.0  # of the residuals over what corners and calibration explain


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
    corrections, left = np.zeros_like(seen.target), 0.0
    known = {int(i): place for place, i in enumerate(lens.seen.ids)}
    places = [known.get(int(i), -1) for i in seen.ids]
    same = min(places) >= 0 and np.allclose(lens.seen.target[places], seen.target, rtol=0, atol=1e-9)
    if same:
        corrections, left = lens.estimate.corrections[places], lens.u_corrections_mm
    start = posed(seen, kind, intrinsics, corrections)
    if start is None:
        raise LensError("no pose of the target explains the corners: is it this camera, and this target?")
    scale = _px_per_mm(lens, start.rotations[0], seen.target, start.translations[0])
    seen = replace(seen, u_px=np.hypot(seen.u_px, left * scale))
    prior = prior_for(seen, kind, float(intrinsics[0]), 1.0)
    solution = adjust(seen, Model(kind, ()), start, prior, noise_scale=lens.noise_scale)
    freedom = 2 * len(seen) - 6
    chi2 = float(np.square(solution.residuals / seen.u_px).sum()) / freedom
    if math.sqrt(chi2) > _LARGEST_EXCESS * lens.noise_scale:
        rms = float(np.sqrt(np.square(solution.residuals).sum(axis=1).mean()))
        raise LensError(
            f"the corners lie {rms:.2g} px rms from where this lens shows the target: was lens, focus or "
            "camera changed since the calibration, or the definition of the target?"
        )
    noise = max(lens.noise_scale, math.sqrt(chi2))
    information = solution.information
    estimate = solution.estimate
    k = len(lens.model.free)
    arms = in_camera(estimate, seen) - estimate.translations[0]
    _, by_intrinsics, by_xyz = project(kind, intrinsics, arms + estimate.translations[0])
    by_lens = by_intrinsics[:, :, lens.model.columns].reshape(-1, k)
    by_pose = np.concatenate([np.cross(arms[:, None, :], by_xyz), by_xyz], axis=2).reshape(-1, 6)
    weight = np.repeat(1 / np.square(seen.u_px[:, 0] * lens.noise_scale), 2)[:, None]
    response = -np.linalg.solve(information, by_pose.T @ (by_lens * weight))  # d(pose) / d(intrinsics)
    down = np.vstack([np.eye(k), response])
    covariance = down @ lens.covariance[:k, :k] @ down.T
    covariance[k:, k:] += solution.covariance() * (noise / lens.noise_scale) ** 2
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


def _px_per_mm(lens: LensCalibration, rotation: F64, target: F64, translation: F64) -> float:
    middle = (rotation @ target.mean(axis=0) + translation)[None]
    _, _, by_xyz = project(lens.model.kind, lens.estimate.intrinsics, middle)
    return math.sqrt(abs(float(np.linalg.det(by_xyz[0] @ rotation[:, :2]))))
