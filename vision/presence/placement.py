# pyright: reportUnknownMemberType=false
"""Where a picture lies in another, to hundredths of a pixel, and how well that is known.

Gauss-Newton over shift and turn, with gain, an offset of each channel and blur solved for at each step as the
patch tracker projects them out (`kernels.patches`), so that neither light nor focus moves the picture.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import cv2
import numpy as np

from kernels.compiled import F32, F64
from vision.presence.window import Picture

FLOOR_PX = 0.1
"""Standard uncertainty of a shift that no covariance shows: two captures of one board agree so far."""

_STEPS = 15
_LONGEST = 2.0  # pixels of a step
_CONVERGED = 0.005
_CORRELATED = 4.0  # neighbouring pixels are resampled from the same ones: so many count as one
_MOTION = 3  # of the columns: x, y and angle


@dataclass(frozen=True, slots=True, eq=False)
class Placement:
    """Where a picture lies: shift of its centre in pixels, turn in degrees from x towards y, and how alike.

    Attributes:
        dx: shift along x.
        dy: shift along y.
        angle: turn.
        covariance: (3, 3) of dx, dy and angle, by the pictures' own misfit.
        correlation: of the two, 0 to 1, light and blur apart.
        gain: contrast of the other picture over this one's.
        seen: (h, w, 3) float32, the other picture moved back and in this one's light.
    """

    dx: float
    dy: float
    angle: float
    covariance: F64
    correlation: float
    gain: float
    seen: F32

    @property
    def offset(self) -> float:
        """Length of the shift."""
        return math.hypot(self.dx, self.dy)

    @property
    def unexplained(self) -> float:
        """Share of the variance that the picture does not explain, 0 to 1."""
        return 1 - self.correlation**2

    def u_px(self, other: float) -> float:
        """Return the standard uncertainty per axis with another source of it, pixels."""
        own = (self.covariance[0, 0] + self.covariance[1, 1]) / 2
        return math.sqrt(own + FLOOR_PX**2 + other**2)

    def u_angle(self, size: tuple[int, int]) -> float:
        """Return the standard uncertainty of the turn of a picture of that width and height, degrees."""
        return math.hypot(math.sqrt(self.covariance[2, 2]), math.degrees(FLOOR_PX / (max(size) / 2)))


def place(
    picture: Picture, seen: F32, start: tuple[float, float, float] = (0.0, 0.0, 0.0)
) -> Placement | None:
    """Find a picture in another, near a start.

    Args:
        picture: what is looked for.
        seen: (H, W, 3) float32, where: larger by the same on both sides of each axis.
        start: dx, dy and angle (degrees) to begin with.

    Returns:
        Where it lies; None where it shows no structure, leaves the picture or is nothing alike.
    """
    columns = _columns(picture)
    normal = columns.T @ columns
    if np.linalg.cond(normal) > 1e14:
        return None
    inverse = np.asarray(np.linalg.inv(normal), np.float64)
    w, h = picture.size
    room = (seen.shape[1] - w) / 2 + 1, (seen.shape[0] - h) / 2 + 1
    dx, dy, angle = start[0], start[1], math.radians(start[2])
    fit = np.zeros(len(inverse))
    for _ in range(_STEPS):
        moved = _moved(seen, picture, dx, dy, angle)
        fit = inverse @ (columns.T @ moved[picture.inside].reshape(-1))
        if fit[_MOTION] <= 0.05:
            return None
        step = -fit[:_MOTION] / fit[_MOTION]
        step *= min(1.0, _LONGEST / max(math.hypot(step[0], step[1]), 1e-9))
        c, s = math.cos(angle), math.sin(angle)
        dx, dy, angle = dx + c * step[0] - s * step[1], dy + s * step[0] + c * step[1], angle + step[2]
        if abs(dx) > room[0] or abs(dy) > room[1] or abs(angle - math.radians(start[2])) > 0.35:
            return None
        if math.hypot(step[0], step[1]) < _CONVERGED:
            break
    return _placed(picture, seen, (dx, dy, angle), columns, inverse)


def _placed(
    picture: Picture, seen: F32, pose: tuple[float, float, float], columns: F64, inverse: F64
) -> Placement | None:
    moved = _moved(seen, picture, *pose)
    codes = moved[picture.inside].astype(np.float64)
    still = columns[:, _MOTION:]
    fit = np.linalg.solve(still.T @ still, still.T @ codes.reshape(-1))
    residual = codes.reshape(-1) - still @ fit
    total = float(((codes - codes.mean(axis=0)) ** 2).sum())
    if fit[0] <= 0.05 or total <= 0:
        return None
    left = float(residual @ residual)
    variance = _CORRELATED * left / max(len(residual) - len(fit), 1)
    scaling = np.array([1.0, 1.0, math.degrees(1.0)]) / fit[0]
    covariance = variance * inverse[:_MOTION, :_MOTION] * np.outer(scaling, scaling)
    shown = picture.values.copy()
    shown[picture.inside] += (residual / fit[0]).reshape(-1, 3).astype(np.float32)
    correlation = math.sqrt(max(1 - left / total, 0.0))
    return Placement(pose[0], pose[1], math.degrees(pose[2]), covariance, correlation, float(fit[0]), shown)


def _columns(picture: Picture) -> F64:
    """Return what a unit's codes are a sum of: motion in x, y and angle; gain, blur, offsets of channels."""
    values, (w, h) = picture.values, picture.size
    along_x = cv2.Sobel(values, cv2.CV_32F, 1, 0, ksize=3, scale=1 / 8)
    along_y = cv2.Sobel(values, cv2.CV_32F, 0, 1, ksize=3, scale=1 / 8)
    x = (np.arange(w, dtype=np.float32) - (w - 1) / 2)[None, :, None]
    y = (np.arange(h, dtype=np.float32) - (h - 1) / 2)[:, None, None]
    parts = (along_x, along_y, along_y * x - along_x * y, values, cv2.Laplacian(values, cv2.CV_32F))
    columns = [np.asarray(part)[picture.inside].reshape(-1) for part in parts]
    ones = np.ones((int(picture.inside.sum()), 1)) * np.eye(3)[:, None, :]
    return np.column_stack([*columns, *ones.reshape(3, -1)]).astype(np.float64)


def _moved(seen: F32, picture: Picture, dx: float, dy: float, angle: float) -> F32:
    """Return the other picture where this one lies at a pose."""
    w, h = picture.size
    cx, cy = (w - 1) / 2, (h - 1) / 2
    at_x, at_y = (seen.shape[1] - 1) / 2 + dx, (seen.shape[0] - 1) / 2 + dy
    c, s = math.cos(angle), math.sin(angle)
    to_seen = np.array([[c, -s, at_x - c * cx + s * cy], [s, c, at_y - s * cx - c * cy]])
    flags = cv2.INTER_CUBIC | cv2.WARP_INVERSE_MAP
    moved = cv2.warpAffine(seen, to_seen, (w, h), flags=flags, borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(moved, np.float32)
