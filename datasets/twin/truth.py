"""What a capture was made of: the truth that comes with each frame."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

Box = tuple[int, int, int, int]
"""Left, top, width, height in pixels: columns left .. left + width - 1."""


@dataclass(frozen=True)
class Similarity:
    """p_frame = scale * R(angle) * p_golden + (x, y); pixel centres at integers, angle from x towards y."""

    x_px: float
    y_px: float
    angle_deg: float
    scale: float


@dataclass(frozen=True)
class Lighting:
    """Relative light over the sensor, with u and v from -1 to 1 across its width and height.

    The factor is exposure * (1 + a u + b v + aa u^2 + ab u v + bb v^2), where a, b, aa, ab and bb are the
    attributes `u`, `v`, `uu`, `uv` and `vv`; then `colour` multiplies red, green and blue.
    """

    exposure: float
    u: float
    v: float
    uu: float
    uv: float
    vv: float
    colour: tuple[float, float, float]

    def field(self, width: int, height: int) -> NDArray[np.float32]:
        """Return the factor at each pixel of a sensor (height, width), float32, without `colour`."""
        u = np.linspace(-1, 1, width, dtype=np.float32)[None, :]
        v = np.linspace(-1, 1, height, dtype=np.float32)[:, None]
        along_u = np.float32(self.exposure) * (1 + np.float32(self.u) * u + np.float32(self.uu) * u * u)
        along_v = np.float32(self.exposure) * (np.float32(self.v) * v + np.float32(self.vv) * v * v)
        return ((along_u + along_v) + (np.float32(self.exposure * self.uv) * v) * u).astype(
            np.float32, copy=False
        )


@dataclass(frozen=True)
class ChangeTruth:
    """One change as it lies in the golden image and in this frame.

    `size_mm` is the change's known size (see the change's own docstring). The boxes are the tight extent of
    the pixels that differ by at least `datasets.twin.VISIBLE_CODES` 8-bit codes: in the golden image before
    the optical blur, in the frame after it, in both without noise and lighting; None where no pixel does.
    """

    kind: str
    size_mm: float
    box_golden: Box | None
    box_frame: Box | None


@dataclass(frozen=True)
class TwinTruth:
    """Everything drawn for one capture.

    `homography` maps golden to frame pixels, exactly. `pose` is its similarity part: the two agree, to first
    order, at the golden image's centre, and everywhere where `tilt` is 0.
    """

    seed: int
    homography: tuple[tuple[float, float, float], ...]
    pose: Similarity
    lighting: Lighting
    blur_sigma_px: float
    full_well_e: float
    read_noise_e: float
    changes: tuple[ChangeTruth, ...]

    def to_frame(self, points: ArrayLike) -> NDArray[np.float64]:
        """Map points (n, 2), golden pixels, to the frame's pixels (n, 2), float64."""
        return project(np.array(self.homography), points)

    def to_golden(self, points: ArrayLike) -> NDArray[np.float64]:
        """Map points (n, 2), frame pixels, to golden pixels (n, 2), float64."""
        return project(np.linalg.inv(np.array(self.homography)), points)


def project(homography: NDArray[np.float64], points: ArrayLike) -> NDArray[np.float64]:
    """Apply a 3x3 homography to points (n, 2)."""
    xy = np.asarray(points, dtype=np.float64).reshape(-1, 2)
    mapped = np.column_stack([xy, np.ones(len(xy))]) @ homography.T
    return mapped[:, :2] / mapped[:, 2:]
