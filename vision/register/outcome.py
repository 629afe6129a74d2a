"""What registration gives: the map with its uncertainty, or the reason why there is none."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from kernels.compiled import F64
from vision.mapping import QuadraticMap, Similarity, basis

SAMPLING_PX: Final = 0.002
"""Standard uncertainty that all patches share: sampling phase, measured on exact shifts."""


@dataclass(frozen=True, slots=True)
class PoseRange:
    """The poses of a unit that are judged; a unit that lies beyond is misplaced, not guessed.

    Attributes:
        angle_deg: largest turn either way.
        shift: largest shift of the part's centre from the frame's, as a share of the field on either axis.
        scale: least and greatest size relative to the golden image.
    """

    angle_deg: float
    shift: float
    scale: tuple[float, float]

    def holds(self, pose: Similarity, golden: tuple[int, ...], frame: tuple[int, ...]) -> bool:
        """Return whether the pose of a golden image in a frame, shapes (h, w), lies in the range."""
        (gh, gw), (h, w) = golden[:2], frame[:2]
        ((x, y),) = pose.points(np.array([[(gw - 1) / 2, (gh - 1) / 2]])).tolist()
        shift = max(abs(x - (w - 1) / 2) / w, abs(y - (h - 1) / 2) / h)
        scale = self.scale[0] <= pose.scale <= self.scale[1]
        return abs(pose.angle) <= self.angle_deg and shift <= self.shift and scale


STATION_RANGE: Final = PoseRange(angle_deg=10.5, shift=0.155, scale=(0.93, 1.07))
"""What stations judge: surfaces compare at one resolution, so the scale is held closer than it is found."""


@dataclass(frozen=True, slots=True, eq=False)
class Registered:
    """The unit was found.

    Attributes:
        pose: similarity from golden to frame, nearest to the map.
        mapping: the smooth map that measurement and comparison use.
        model: "projective" (a plane in perspective, to second order), or "quadratic" where the patches
            contradict that.
        covariance: (12, 12) float64 of `mapping.coefficients` in row-major order, squared pixels.
        bending_px: rms distance, per axis, of all patches found from the map, where the part is no smooth
            piece (it bends locally, or pieces of it moved apart); 0 where the map explains the patches.
        u_px: greatest standard uncertainty per axis of a mapped point of the golden view: at its corners.
        residual_px: rms distance of the patches from the similarity, each weighted by how well it is located.
        map_residual_px: the same from the smooth map.
        correlation: median correlation of the finest patches with the golden image; falls with blur.
        share: share of the finest patches that agree with the map.
    """

    pose: Similarity
    mapping: QuadraticMap
    model: str
    covariance: F64
    bending_px: float
    u_px: float
    residual_px: float
    map_residual_px: float
    correlation: float
    share: float

    def covariances(self, golden: F64) -> F64:
        """Return the (n, 2, 2) covariance of the frame positions of (n, 2) golden points, squared pixels."""
        rows = basis(golden, self.mapping.centre, self.mapping.extent)
        fitted = np.einsum("ni,iajb,nj->nab", rows, self.covariance.reshape(6, 2, 6, 2), rows)
        return fitted + (self.bending_px**2 + SAMPLING_PX**2) * np.eye(2)


@dataclass(frozen=True, slots=True)
class NotRegistered:
    """The unit was not found, or not where it can be judged: a reason code of the registry."""

    reason: str
