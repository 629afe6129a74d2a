"""The map from raw pixels through a calibrated lens onto the object plane, and its uncertainty."""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace
from typing import Self

import numpy as np

from calibration.errors import LensError
from calibration.lens.projection import INTRINSICS, Kind, project, undistort
from calibration.plane_map import Mode
from kernels.compiled import F64

_GRID = 9
_NEGLIGIBLE = 1e-3  # of the largest component's effect


@dataclass(frozen=True, slots=True, eq=False)
class LensMap:
    """A plane map through a lens: raw px to mm in the target's frame, on a plane above the target.

    Attributes:
        kind: of lens.
        size: of the frame (width, height), px.
        free: names of the intrinsics that are uncertain.
        intrinsics: (10,) in the order of `INTRINSICS`.
        rotation: (3, 3), of the target's frame into the camera's.
        translation: (3,) mm.
        covariance: of the free intrinsics, a small rotation about the camera's axes and the translation, at
            least as large as the map's own errors: (k + 6, k + 6).
        degrees_of_freedom: of that covariance.
        pitch_relative_uncertainty: of the target's pitch.
        centre_mm: where the pitch's error and a part's tilt displace nothing.
        height_mm: of the plane above the target's, towards the camera.
        u_height_mm: its standard uncertainty.
        u_tilt_deg: standard uncertainty of how the plane lies tilted against the target, about either axis.
    """

    kind: Kind
    size: tuple[int, int]
    free: tuple[str, ...]
    intrinsics: F64
    rotation: F64
    translation: F64
    covariance: F64
    degrees_of_freedom: float
    pitch_relative_uncertainty: float
    centre_mm: F64
    height_mm: float = 0.0
    u_height_mm: float = 0.0
    u_tilt_deg: float = 0.0
    _components: F64 = field(init=False, repr=False)

    def __post_init__(self) -> None:
        width, height = self.size
        x, y = np.meshgrid(np.linspace(0, width - 1, _GRID), np.linspace(0, height - 1, _GRID))
        mm = self.to_mm(np.column_stack([x.ravel(), y.ravel()]))
        object.__setattr__(self, "_components", self._principal(mm[np.isfinite(mm).all(axis=1)]))

    def at(self, height_mm: float, *, u_height_mm: float = 0.0, u_tilt_deg: float = 0.0) -> Self:
        """Return the map onto another plane, parallel to the target's.

        Raises:
            LensError: an uncertainty is negative.
        """
        if u_height_mm < 0 or not 0 <= u_tilt_deg < 45 or not math.isfinite(height_mm + u_height_mm):
            raise LensError(
                "a plane needs a finite height, an uncertainty >= 0 and a tilt of 0 to 45 degrees"
            )
        return replace(self, height_mm=height_mm, u_height_mm=u_height_mm, u_tilt_deg=u_tilt_deg)

    def to_mm(self, px: F64) -> F64:
        """Map (n, 2) raw pixels to (n, 2) mm on the plane; NaN where a pixel does not see it."""
        plane = undistort(self.intrinsics, np.asarray(px, np.float64).reshape(-1, 2))
        r, t = self.rotation, self.translation - self.rotation[:, 2] * self.height_mm
        x, y = plane[:, 0], plane[:, 1]
        mm = np.empty((len(plane), 2))
        if self.kind == "telecentric":
            inverse = np.linalg.inv(r[:2, :2])
            return np.asarray((plane - t[:2]) @ inverse.T, np.float64)
        # Homography plane <- mm is [r1 r2 t]; its inverse, row by row.
        inverse = np.linalg.inv(np.column_stack([r[:, 0], r[:, 1], t]))
        scale = inverse[2, 0] * x + inverse[2, 1] * y + inverse[2, 2]
        scale = np.where(scale > 0, scale, np.nan)
        mm[:, 0] = (inverse[0, 0] * x + inverse[0, 1] * y + inverse[0, 2]) / scale
        mm[:, 1] = (inverse[1, 0] * x + inverse[1, 1] * y + inverse[1, 2]) / scale
        return mm

    def to_px(self, mm: F64) -> F64:
        """Map (n, 2) mm on the plane to (n, 2) raw pixels."""
        return project(self.kind, self.intrinsics, self._arms(mm) + self.translation)[0]

    def jacobians(self, px: F64) -> F64:
        """Return d(mm) / d(px) at (n, 2) raw pixels: (n, 2, 2)."""
        _, _, by_xyz = project(self.kind, self.intrinsics, self._arms(self.to_mm(px)) + self.translation)
        return np.asarray(np.linalg.inv(by_xyz @ self.rotation[:, :2]), np.float64)

    def modes(self, px: F64) -> tuple[Mode, ...]:
        """Return how the mapped points may be displaced.

        "lens": principal components of the covariance of lens and pose; "target": the pitch; "height" and
        "tilt": of the plane above the target, where they were given. Components are the same for any points.
        """
        mm = self.to_mm(px)
        by_parameters, by_height = self._sensitivities(mm)
        modes = [
            Mode("lens", np.einsum("nxk,km->mnx", by_parameters, self._components), self.degrees_of_freedom)
        ]
        out = mm - self.centre_mm
        if self.pitch_relative_uncertainty > 0:
            modes.append(Mode("target", (self.pitch_relative_uncertainty * out)[None]))
        if self.u_height_mm > 0:
            modes.append(Mode("height", (self.u_height_mm * by_height)[None]))
        if self.u_tilt_deg > 0:
            slope = math.tan(math.radians(self.u_tilt_deg))
            tilted = slope * out.T[:, :, None] * by_height
            # A tilted length is seen shortened: second order, but all that a telecentric lens sees.
            shortened = 0.5 * slope**2 * np.stack([out * [1.0, 0.0], out * [0.0, 1.0]])
            modes.append(Mode("tilt", np.concatenate([tilted, shortened])))
        return tuple(modes)

    def _arms(self, mm: F64) -> F64:
        """Points of the plane in the camera's axes, from the target's origin, (n, 3) mm."""
        flat = np.asarray(mm, np.float64).reshape(-1, 2)
        return np.asarray(flat @ self.rotation[:, :2].T - self.height_mm * self.rotation[:, 2], np.float64)

    def _sensitivities(self, mm: F64) -> tuple[F64, F64]:
        """Return d(mm) / d(covariance's parameters) (n, 2, k + 6) and d(mm) / d(height) (n, 2).

        The projection of the mapped point stays where it is: d(mm) = -(d px / d mm)^-1 d px.
        """
        arms = self._arms(mm)
        _, by_intrinsics, by_xyz = project(self.kind, self.intrinsics, arms + self.translation)
        columns = [INTRINSICS.index(name) for name in self.free]
        by_rotation = np.cross(arms[:, None, :], by_xyz)
        moved = np.concatenate([by_intrinsics[:, :, columns], by_rotation, by_xyz], axis=2)
        inverse = np.linalg.inv(by_xyz @ self.rotation[:, :2])
        by_height = -np.einsum("nij,nj->ni", inverse, by_xyz @ -self.rotation[:, 2])
        return np.asarray(-inverse @ moved, np.float64), np.asarray(by_height, np.float64)

    def _principal(self, mm: F64) -> F64:
        """Return the components (k + 6, m) of the covariance that displace points, largest first."""
        by_parameters, _ = self._sensitivities(mm)
        scale = np.sqrt(np.diag(self.covariance))
        values, vectors = np.linalg.eigh(self.covariance / np.outer(scale, scale))
        root = scale[:, None] * vectors * np.sqrt(np.maximum(values, 0))
        effects = by_parameters.reshape(-1, len(root)) @ root
        _, sizes, turn = np.linalg.svd(effects, full_matrices=False)
        kept = sizes > _NEGLIGIBLE * sizes[0]
        return np.asarray(root @ turn[kept].T, np.float64)
