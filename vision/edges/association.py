"""What fitting an edge gives: an associated feature with its points, or why there is none."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from kernels.compiled import F64, Mask

Form = Literal["line", "circle", "arc", "ellipse"]


@dataclass(frozen=True, slots=True)
class NotMeasured:
    """Nothing could be measured: a reason code of the registry."""

    reason: str


@dataclass(frozen=True, slots=True, eq=False)
class Associated:
    """A form fitted to an edge, in mm on the object plane.

    Attributes:
        form: which form.
        parameters: line (x, y, angle): a point in the middle of the edge and its direction in radians, from x
            towards y; circle and arc (x, y, radius); ellipse (x, y, semi-axis a, semi-axis b, angle of a).
        covariance: (k, k) of the parameters from what is independent at each edge point: noise and roughness.
        degrees_of_freedom: of that covariance.
        points_px: (n, 2) edge points in the raw frame, in order along the edge, on the form or not.
        points_mm: (n, 2) the same on the object plane, blur-curvature corrected.
        normals: (n, 2) unit normals in mm: outward from circle and ellipse; (sin angle, -cos angle) from a
            line, which is to its left where y points down.
        residuals: (n,) mm, signed distance of the points from the form along the normals.
        kept: (n,) bool, which points decided; the others were set aside as burr, dirt or occlusion.
        gain: (k, n) change of each parameter per mm that each point moves along its normal; 0 where not kept.
        bright: +1 where the bright side lies along the normals, else -1.
        inlier_share: share of the places looked at whose point was found and kept, 0..1.
        blur_px: standard deviation of the edge's blur in raw pixels, pixel included.
        contrast: bright less dark, linear light.
    """

    form: Form
    parameters: F64
    covariance: F64
    degrees_of_freedom: float
    points_px: F64
    points_mm: F64
    normals: F64
    residuals: F64
    kept: Mask
    gain: F64
    bright: float
    inlier_share: float
    blur_px: float
    contrast: float

    def moved(self, displacements: F64) -> F64:
        """Return what displacing the points does to the parameters: (m, n, 2) mm gives (m, k)."""
        along = np.einsum("mnx,nx->mn", displacements, self.normals)
        return np.asarray(along @ self.gain.T, np.float64)
