"""Bundle adjustment: intrinsics, poses and, where asked for, the target's own errors, in one weighted fit.

Levenberg-Marquardt on the normal equations with analytic derivatives. What is known before is part of the
fit: broad priors for the intrinsics (`Prior`) and, for the target's points, errors about zero with a standard
deviation that the fit itself estimates ("object-releasing", Strobl and Hirzinger 2011,
doi:10.1109/ICCVW.2011.6130369, made proper by that prior). An error of the target is the same in every
picture, so it must not count as noise that averages out; its part of the covariance is kept.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Any, cast

import numpy as np
from scipy.linalg import LinAlgError, cho_factor, cho_solve  # pyright: ignore[reportUnknownVariableType]

from calibration.errors import LensError
from calibration.lens.observations import Observations
from calibration.lens.projection import CX, FX, FY, INTRINSICS, K1, SKEW, Kind, project
from kernels.compiled import F64, I64

_STEPS = 100
_CONVERGED = 1e-4  # decrease that a step promises, in units of the mean square: 1 % of the uncertainty
_DISTORTION_POWERS = np.array([2, 4, 1, 1, 6])  # of the radius, for k1, k2, p1, p2, k3
_UNSETTLED = 1.0  # the same: more than this after all steps is no minimum
_ROTATION_RIDGE = 1.0  # per rad^2: where nothing tells a tilt, it is known to a radian
_TRANSLATION_RIDGE = 1e-8  # per mm^2: the distance of a telecentric lens has no effect


@dataclass(frozen=True, slots=True, eq=False)
class Prior:
    """What is known of any lens before a picture is seen; standard deviations, broad against good data.

    Attributes:
        focal: middle of fx, px (or px per mm).
        u_log_focal: of ln fx.
        centre: (2,) of the frame, px.
        u_centre: of the principal point, px.
        corner: radius of the frame's corner on the plane: distortion is judged by what it does there.
        u_log_aspect: of ln(fy / fx).
        u_skew: of the skew.
        u_radial: displacement of the corner by each radial term, as share of its radius.
        u_tangential: the same of the tangential terms.
    """

    focal: float
    u_log_focal: float
    centre: tuple[float, float]
    u_centre: float
    corner: float
    u_log_aspect: float = 0.01
    u_skew: float = 0.01
    u_radial: float = 0.5
    u_tangential: float = 0.02

    def residuals(self, intrinsics: F64) -> tuple[F64, F64]:
        """Return normalised residuals (10,) and their derivatives (10, 10)."""
        r, jacobian = np.zeros(10), np.zeros((10, 10))
        fx, fy = intrinsics[FX], intrinsics[FY]
        r[0], jacobian[0, FX] = math.log(fx / self.focal) / self.u_log_focal, 1 / (fx * self.u_log_focal)
        r[1], jacobian[1, FY] = math.log(fy / fx) / self.u_log_aspect, 1 / (fy * self.u_log_aspect)
        jacobian[1, FX] = -1 / (fx * self.u_log_aspect)
        r[2:4] = (intrinsics[CX:SKEW] - self.centre) / self.u_centre
        jacobian[2, CX] = jacobian[3, CX + 1] = 1 / self.u_centre
        weights = self.corner**_DISTORTION_POWERS / self.u_radial
        weights[2:4] *= self.u_radial / self.u_tangential
        weights = np.append(1 / self.u_skew, weights)
        r[4:] = intrinsics[SKEW:] * weights
        jacobian[range(4, 10), range(4, 10)] = weights
        return r, jacobian


@dataclass(frozen=True, slots=True, eq=False)
class Model:
    """What is fitted.

    Attributes:
        kind: of lens.
        free: names of the intrinsics that are estimated; the others stay.
        target_sigma: standard deviation of the target's point errors in its plane and across it, mm; None
            takes the target as perfect.
    """

    kind: Kind
    free: tuple[str, ...]
    target_sigma: tuple[float, float] | None = None

    @property
    def columns(self) -> I64:
        """Which intrinsics are free, as places in `INTRINSICS`."""
        return np.array([INTRINSICS.index(name) for name in self.free], np.int64)


@dataclass(frozen=True, slots=True, eq=False)
class Estimate:
    """Intrinsics (10,), rotations (p, 3, 3) and translations (p, 3) of the poses, corrections (m, 3); mm."""

    intrinsics: F64
    rotations: F64
    translations: F64
    corrections: F64


@dataclass(frozen=True, slots=True, eq=False)
class Solution:
    """An adjusted estimate.

    Attributes:
        estimate: the values.
        residuals: (n, 2) px, observed less projected.
        information: inverse covariance of free intrinsics, poses (small rotation about the camera's axes,
            then translation; 6 each) and, where released, the target's corrections (3 each).
        misfit_px: what was added in quadrature to the corners' stated uncertainties, at least 0.
        degrees_of_freedom: of the residuals.
    """

    estimate: Estimate
    residuals: F64
    information: F64
    misfit_px: float
    degrees_of_freedom: float

    def covariance(self) -> F64:
        """Return the covariance of all parameters, in the order of `information`."""
        scale = 1 / np.sqrt(np.diag(self.information))
        inverse = np.linalg.inv(self.information * np.outer(scale, scale))
        return np.asarray(0.5 * (inverse + inverse.T) * np.outer(scale, scale), np.float64)


def in_camera(estimate: Estimate, seen: Observations) -> F64:
    """Return the target's points of each corner in the camera's frame, (n, 3) mm."""
    points = (seen.target + estimate.corrections)[seen.point]
    turned = np.einsum("nij,nj->ni", estimate.rotations[seen.pose], points)
    return np.asarray(turned + estimate.translations[seen.pose], np.float64)


def residuals_of(kind: Kind, estimate: Estimate, seen: Observations) -> F64:
    """Return observed less projected, (n, 2) px."""
    return np.asarray(seen.px - project(kind, estimate.intrinsics, in_camera(estimate, seen))[0], np.float64)


def adjust(
    seen: Observations, model: Model, start: Estimate, prior: Prior, *, misfit_px: float = 0.0
) -> Solution:
    """Fit a model from a start.

    Raises:
        LensError: the fit does not settle; the corners do not belong to the target or the start is far off.
    """
    equations = _Equations(seen, model, prior, misfit_px)
    estimate, damping, growth = start, 1e-3, 2.0
    information, gradient, cost = equations.at(estimate)
    left = math.inf
    for _ in range(_STEPS):
        step = _solve(information, gradient, damping)
        moved = equations.moved(estimate, step)
        tried = equations.at(moved) if equations.possible(moved) else None
        left = float(step @ gradient) / max(1.0, cost / (2 * len(seen)))
        if tried is not None and tried[2] <= cost:
            # Nielsen's rule: the damping follows how well the last decrease was foretold.
            foretold = (cost - tried[2]) / max(float(step @ gradient), 1e-30)
            damping *= max(0.1, 1 - (2 * min(foretold, 1.0) - 1) ** 3)
            estimate, (information, gradient, cost), growth = moved, tried, 2.0
        else:
            damping, growth = damping * growth, 2 * growth
        damping = min(max(damping, 1e-12), 1e6)
        if left < _CONVERGED:
            break
    if left > _UNSETTLED:
        raise LensError("the calibration does not settle: check the target's definition and the pictures")
    residuals = residuals_of(model.kind, estimate, seen)
    freedom = 2 * len(seen) - len(model.free) - 6 * len(np.unique(seen.pose))
    return Solution(estimate, residuals, information, misfit_px, float(max(freedom, 1)))


def adjust_scaled(seen: Observations, model: Model, start: Estimate, prior: Prior) -> tuple[Model, Solution]:
    """Fit with what the corners' uncertainties leave out, and the target's errors, estimated too.

    What is left out is one standard deviation for all corners, in quadrature with each one's own, such that
    the weighted sum of squares is the number of degrees of freedom: a factor instead would let a few corners
    of little noise decide against an error of model or target that all have in common. The target's
    deviations follow sigma^2 = sum(correction^2) / (number - trace(covariance) / sigma^2) (MacKay 1992,
    doi:10.1162/neco.1992.4.3.415), which is restricted maximum likelihood at its fixed point.
    """
    solution = adjust(seen, model, start, prior)
    for _ in range(12):
        freedom, sigma = _freedom_and_sigma(seen, model, solution)
        misfit = _misfit(solution.residuals, seen.u_px, freedom)
        still = abs(misfit - solution.misfit_px) < 0.02 * float(np.median(np.hypot(seen.u_px, misfit)))
        if sigma is not None and model.target_sigma is not None:
            still &= all(
                abs(a - b) <= 0.02 * b + 1e-6 for a, b in zip(sigma, model.target_sigma, strict=True)
            )
            model = replace(model, target_sigma=sigma)
        solution = adjust(seen, model, solution.estimate, prior, misfit_px=misfit)
        solution = replace(solution, degrees_of_freedom=freedom)
        if still:
            break
    return model, solution


def _misfit(residuals: F64, u_px: F64, freedom: float) -> float:
    """Return what added in quadrature makes the weighted sum of squares as large as `freedom`; at least 0."""
    squares, variances = np.square(residuals), np.square(u_px)
    if float((squares / variances).sum()) <= freedom:
        return 0.0
    low, high = 0.0, float(squares.sum()) / freedom
    for _ in range(50):
        middle = 0.5 * (low + high)
        if float((squares / (variances + middle)).sum()) > freedom:
            low = middle
        else:
            high = middle
    return math.sqrt(high)


def _freedom_and_sigma(
    seen: Observations, model: Model, solution: Solution
) -> tuple[float, tuple[float, float] | None]:
    freedom = solution.degrees_of_freedom
    if model.target_sigma is None:
        return freedom, None
    first = len(model.free) + 6 * seen.poses
    variances = np.diag(solution.covariance())[first:].reshape(-1, 3)
    known = np.array([model.target_sigma[0], model.target_sigma[0], model.target_sigma[1]])
    explained = np.clip(1 - variances / known**2, 1e-6, 1)
    corrections = np.square(solution.estimate.corrections)
    flat = math.sqrt(float(corrections[:, :2].sum() / explained[:, :2].sum()))
    across = math.sqrt(float(corrections[:, 2].sum() / explained[:, 2].sum()))
    rigid = 2 * len(seen) - len(model.free) - 6 * len(np.unique(seen.pose))
    return max(rigid - float(explained.sum()), 1.0), (max(flat, 1e-6), max(across, 1e-6))


class _Equations:
    """The normal equations of one model and table of corners."""

    def __init__(self, seen: Observations, model: Model, prior: Prior, misfit_px: float) -> None:
        self.seen, self.model, self.prior = seen, model, prior
        self.columns = model.columns
        k, first_point = len(self.columns), len(self.columns) + 6 * seen.poses
        released = model.target_sigma is not None
        self.size = first_point + (3 * len(seen.target) if released else 0)
        index = [np.broadcast_to(np.arange(k), (len(seen), k)), k + 6 * seen.pose[:, None] + np.arange(6)]
        if released:
            index.append(first_point + 3 * seen.point[:, None] + np.arange(3))
        self.index = np.concatenate(index, axis=1)
        self.places = (self.index[:, :, None] * self.size + self.index[:, None, :]).ravel()
        self.weight = 1 / np.hypot(seen.u_px, misfit_px)
        self.ridge = np.zeros(self.size)
        self.ridge[k:first_point] = np.tile([_ROTATION_RIDGE] * 3 + [_TRANSLATION_RIDGE] * 3, seen.poses)
        self.inverse_sigma = np.zeros(3)
        if model.target_sigma is not None:
            flat, across = model.target_sigma
            self.inverse_sigma[:] = 1 / flat, 1 / flat, 1 / across
            self.ridge[first_point:] = np.tile(self.inverse_sigma**2, len(seen.target))

    def at(self, estimate: Estimate) -> tuple[F64, F64, float]:
        """Return information matrix, gradient (downhill) and the weighted sum of squares."""
        seen, k = self.seen, len(self.columns)
        points = in_camera(estimate, seen)
        pixels, by_intrinsics, by_xyz = project(self.model.kind, estimate.intrinsics, points)
        residual = (seen.px - pixels) * self.weight
        jacobian = np.empty((len(seen), 2, self.index.shape[1]))
        jacobian[:, :, :k] = by_intrinsics[:, :, self.columns]
        # A small rotation d about the camera's axes moves a point by d x arm: the derivative is v -> arm x v.
        arm = points - estimate.translations[seen.pose]
        jacobian[:, :, k : k + 3] = np.cross(arm[:, None, :], by_xyz)
        jacobian[:, :, k + 3 : k + 6] = by_xyz
        if self.model.target_sigma is not None:
            jacobian[:, :, k + 6 :] = by_xyz @ estimate.rotations[seen.pose]
        jacobian *= self.weight[:, :, None]
        blocks = jacobian.transpose(0, 2, 1) @ jacobian
        information = _summed(self.places, blocks, self.size**2).reshape(self.size, self.size)
        slope = np.einsum("nac,na->nc", jacobian, residual)
        gradient = _summed(self.index.ravel(), slope, self.size)
        information[np.diag_indices(self.size)] += self.ridge

        r, by = self.prior.residuals(estimate.intrinsics)
        by = by[:, self.columns]
        information[:k, :k] += by.T @ by
        gradient[:k] -= by.T @ r
        pulled = estimate.corrections * self.inverse_sigma
        if self.model.target_sigma is not None:
            gradient[k + 6 * seen.poses :] -= (pulled * self.inverse_sigma).ravel()
        cost = float((residual * residual).sum() + r @ r + (pulled * pulled).sum())
        return information, gradient, cost

    def moved(self, estimate: Estimate, step: F64) -> Estimate:
        k, poses = len(self.columns), self.seen.poses
        by = np.zeros(len(INTRINSICS))
        by[self.columns] = step[:k]
        intrinsics = estimate.intrinsics + by
        pose = step[k : k + 6 * poses].reshape(poses, 6)
        translations = estimate.translations + pose[:, 3:]
        # Focal length and distance make up for each other in their ratio: where they are hardly told apart,
        # the
        # valley of the fit is straight only in their logarithms.
        scales = estimate.intrinsics[: FY + 1]
        intrinsics[: FY + 1] = scales * np.exp(np.clip(by[: FY + 1] / scales, -1, 1))
        grown = intrinsics[FX] / scales[0]
        bent, powers = estimate.intrinsics[K1:], _DISTORTION_POWERS
        intrinsics[K1:] = bent * grown**powers + by[K1:] - bent * powers * by[FX] / scales[0]
        if self.model.kind == "perspective":
            far = estimate.translations[:, 2]
            translations[:, 2] = far * np.exp(np.clip(pose[:, 5] / far, -1, 1))
        corrections = estimate.corrections
        if self.model.target_sigma is not None:
            corrections = corrections + step[k + 6 * poses :].reshape(-1, 3)
        return Estimate(
            intrinsics, rotation_matrices(pose[:, :3]) @ estimate.rotations,
            translations, corrections,
        )  # fmt: skip

    def possible(self, estimate: Estimate) -> bool:
        """Return whether scales are positive and the target lies before the camera."""
        if estimate.intrinsics[FX] <= 0 or estimate.intrinsics[FY] <= 0:
            return False
        if not np.isfinite(estimate.intrinsics[K1:]).all():
            return False
        return self.model.kind == "telecentric" or float(in_camera(estimate, self.seen)[:, 2].min()) > 0


def _summed(places: I64, values: F64, size: int) -> F64:
    return np.asarray(np.bincount(places, values.ravel(), size), np.float64)


def _solve(information: F64, gradient: F64, damping: float) -> F64:
    scale = 1 / np.sqrt(np.diag(information))
    matrix = information * np.outer(scale, scale)
    matrix[np.diag_indices(len(matrix))] += damping
    try:
        factor = cast("Any", cho_factor)(matrix, lower=True, overwrite_a=True, check_finite=False)
    except LinAlgError as error:
        raise LensError("the pictures do not determine the lens: add other poses of the target") from error
    return np.asarray(cho_solve(factor, gradient * scale, check_finite=False) * scale, np.float64)


def rotation_matrices(vectors: F64) -> F64:
    """Return the rotations (p, 3, 3) by vectors (p, 3), radians (Rodrigues)."""
    angle = np.linalg.norm(vectors, axis=1)[:, None, None]
    x, y, z = vectors.T
    cross = np.zeros((len(vectors), 3, 3))
    cross[:, 0, 1], cross[:, 0, 2], cross[:, 1, 2] = -z, y, -x
    cross -= cross.transpose(0, 2, 1)
    turn = np.sinc(angle / np.pi) * cross + 0.5 * np.sinc(angle / (2 * np.pi)) ** 2 * (cross @ cross)
    return np.asarray(np.eye(3) + turn, np.float64)
