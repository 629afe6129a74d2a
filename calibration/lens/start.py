"""Where an adjustment starts: poses from homographies, the focal length that explains them best."""

# OpenCV publishes incomplete types.
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false
from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import cv2
import numpy as np

from calibration.errors import LensError
from calibration.lens.adjustment import Estimate, Prior, residuals_of
from calibration.lens.observations import Observations
from calibration.lens.projection import FX, Kind, undistort
from kernels.compiled import F64

U_LOG_FOCAL = 0.8  # ordinary lenses: 0.5 to 12 times the frame's longer side within two standard deviations
U_CENTRE = 0.03  # of the longer side
_FOCALS = np.geomspace(0.4, 30.0, 14)
_LEAST_TILT = math.radians(
    3.0
)  # a fit that starts at no tilt cannot find which way a telecentric target tilts


def prior_for(
    seen: Observations, kind: Kind, focal: float | None = None, u_focal: float | None = None
) -> Prior:
    """Return what is known of a lens of this kind before its pictures; a focal length may be stated."""
    width, height = seen.size
    longer = max(seen.size)
    if kind == "telecentric":
        focal = focal or float(np.median([_affine(seen, i)[1] for i in range(seen.poses)]))
    middle = focal or 2.5 * longer
    relative = u_focal / middle if focal and u_focal else U_LOG_FOCAL
    return Prior(
        focal=middle, u_log_focal=relative, centre=((width - 1) / 2, (height - 1) / 2),
        u_centre=U_CENTRE * longer, corner=math.hypot(width, height) / 2 / middle,
    )  # fmt: skip


def first_estimate(seen: Observations, kind: Kind, prior: Prior) -> tuple[Estimate, Prior]:
    """Return a start without distortion, and the prior with its corner radius fitted to that.

    Raises:
        LensError: no pose explains a picture.
    """
    stated = kind == "telecentric" or prior.u_log_focal < U_LOG_FOCAL
    focals = [prior.focal] if stated else list(_FOCALS * max(seen.size))
    best: tuple[float, Estimate] | None = None
    for focal in focals:
        intrinsics = np.zeros(10)
        intrinsics[:4] = focal, focal, *prior.centre
        estimate = posed(seen, kind, intrinsics)
        if estimate is None:
            continue
        cost = float(np.abs(residuals_of(kind, estimate, seen)).mean())
        if best is None or cost < best[0]:
            best = cost, estimate
    if best is None:
        raise LensError("no pose of the target explains the corners: check the target's definition")
    start = best[1]
    corner = math.hypot(*seen.size) / 2 / float(start.intrinsics[FX])
    return start, replace(prior, corner=corner)


def posed(seen: Observations, kind: Kind, intrinsics: F64, corrections: F64 | None = None) -> Estimate | None:
    """Return poses for given intrinsics from each picture alone; None where a picture allows none."""
    rotations = np.tile(np.eye(3), (seen.poses, 1, 1))
    translations = np.tile(np.array([0.0, 0.0, 1.0]), (seen.poses, 1))
    corrections = np.zeros_like(seen.target) if corrections is None else corrections
    for pose in np.unique(seen.pose):
        here = seen.where(seen.pose == pose)
        target = (seen.target + corrections)[here.point]
        plane = undistort(intrinsics, here.px)
        if np.isnan(plane).any():
            return None
        if kind == "telecentric":
            turn, shift = _telecentric_pose(target, plane)
        else:
            found = _perspective_pose(target, plane)
            if found is None:
                return None
            turn, shift = found
        rotations[pose], translations[pose] = turn, shift
    return Estimate(intrinsics, rotations, translations, corrections)


def _perspective_pose(target: F64, plane: F64) -> tuple[F64, F64] | None:
    centre = target[:, :2].mean(axis=0)
    homography: Any = cv2.findHomography(target[:, :2] - centre, plane, 0)[0]
    if homography is None or not np.isfinite(homography).all():
        return None
    matrix = np.asarray(homography, np.float64)
    matrix = matrix * (2 / float(np.linalg.norm(matrix[:, :2], axis=0).sum()))
    if matrix[2, 2] < 0:
        matrix = -matrix
    turn = _nearest_rotation(np.column_stack([matrix[:, :2], np.cross(matrix[:, 0], matrix[:, 1])]))
    shift = matrix[:, 2] - turn[:, :2] @ centre
    if float((target @ turn[2]).min() + shift[2]) <= 0:
        return None
    return turn, np.asarray(shift, np.float64)


def _telecentric_pose(target: F64, plane: F64) -> tuple[F64, F64]:
    flat = target[:, :2]
    affine = np.linalg.lstsq(flat - flat.mean(axis=0), plane - plane.mean(axis=0), rcond=None)[0].T
    left, _, right = np.linalg.svd(affine)
    if np.linalg.det(left) < 0:
        left[:, 1], right[1] = -left[:, 1], -right[1]
    values = np.linalg.svd(affine, compute_uv=False)
    tilt = max(math.acos(min(1.0, float(values[1] / max(values[0], 1.0)))), _LEAST_TILT)
    about = np.array([
        [1, 0, 0], [0, math.cos(tilt), -math.sin(tilt)], [0, math.sin(tilt), math.cos(tilt)]
    ])  # fmt: skip
    outer, inner = np.eye(3), np.eye(3)
    outer[:2, :2], inner[:2, :2] = left, right
    turn = outer @ about @ inner
    shift = np.array([*(plane.mean(axis=0) - turn[:2, :2] @ flat.mean(axis=0)), 0.0])
    return np.asarray(turn, np.float64), shift


def _affine(seen: Observations, pose: int) -> tuple[F64, float]:
    here = seen.pose == pose
    flat, px = seen.target[seen.point[here], :2], seen.px[here]
    affine = np.linalg.lstsq(flat - flat.mean(axis=0), px - px.mean(axis=0), rcond=None)[0].T
    return affine, float(np.linalg.svd(affine, compute_uv=False)[0])


def tilts_of(rotations: F64) -> F64:
    """Return how rotations (p, 3, 3) tilt a target about the camera's x and y axis, (p, 2) degrees."""
    normal = rotations[:, :, 2]
    about_x = np.degrees(np.arctan2(-normal[:, 1], normal[:, 2]))
    about_y = np.degrees(np.arctan2(normal[:, 0], normal[:, 2]))
    return np.column_stack([about_x, about_y])


def _nearest_rotation(matrix: F64) -> F64:
    left, _, right = np.linalg.svd(matrix)
    turn = left @ right
    if np.linalg.det(turn) < 0:
        turn = left @ np.diag([1.0, 1.0, -1.0]) @ right
    return np.asarray(turn, np.float64)
