"""Round parts and holes found roughly in a whole frame: where to look, not what they measure."""

# OpenCV publishes incomplete types.
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false
from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from scipy.ndimage import map_coordinates

from kernels.compiled import F32, F64

_WORKING_RADIUS = 62.0  # px of the largest circle in the reduced picture: fine enough, and quick
_STRONG = 100.0  # Scharr gradient of an edge, in codes of the reduced picture
_ROUND = 0.8  # how round a candidate must be for cv2.HOUGH_GRADIENT_ALT
_BLUR = 1.0
_DIRECTIONS = 120
_OFF = 0.06  # of the radius: how far a candidate's radius may be off
_WEBER = 0.03  # relative change of light per pixel that is an edge
_LEAST_SUPPORT = 0.5
_FLOOR = 0.005  # of full scale: light below it is black


@dataclass(frozen=True, slots=True)
class RoughCircle:
    """A circle good to a few pixels: raw pixels, and the share of its directions that show an edge, 0..1."""

    x: float
    y: float
    radius: float
    support: float


def find_circles(light: F32, *, least_px: float, greatest_px: float) -> list[RoughCircle]:
    """Find round parts or holes in a frame.

    Candidates come from a gradient Hough transform on a reduced picture (Yuen et al. 1990,
    doi:10.1016/0262-8856(90)90059-E, as cv2.HOUGH_GRADIENT_ALT); one is kept where at least half of its
    directions show an edge of one sign near it. Of circles that cross or lie in one another the one with the
    longest edge is kept, so that a coin is found once, whatever is minted on it.

    Args:
        light: (h, w) float32 linear light, 0..1.
        least_px: least radius, raw pixels, at least 8.
        greatest_px: greatest radius.

    Returns:
        The circles, that with the longest edge first.

    Raises:
        ValueError: the radii are no range.
    """
    if not 8 <= least_px <= greatest_px:
        raise ValueError(f"radii from {least_px} to {greatest_px} px are no range that starts at 8 or more")
    step = max(1, round(greatest_px / _WORKING_RADIUS))
    height, width = (n // step * step for n in light.shape)
    small = light[:height, :width].reshape(height // step, step, width // step, step).mean(axis=(1, 3))
    codes = np.sqrt(np.clip(small, 0, 1)) * 255  # even steps for the eye, and for shadow and light alike
    picture = cv2.GaussianBlur(codes.astype(np.uint8), (0, 0), _BLUR)
    seen = cv2.HoughCircles(
        picture, cv2.HOUGH_GRADIENT_ALT, 1.5, 3, param1=_STRONG, param2=_ROUND,
        minRadius=int(least_px * (1 - _OFF) / step), maxRadius=int(np.ceil(greatest_px * (1 + _OFF) / step)),
    )  # fmt: skip
    if seen is None:
        return []
    log = np.log(small.astype(np.float32) + np.float32(_FLOOR))
    circles = np.asarray(seen, np.float64).reshape(-1, np.shape(seen)[-1])[:, :3]
    kept: list[RoughCircle] = []
    rough = [_supported(log, x, y, r, step) for x, y, r in circles]
    for one in sorted(rough, key=lambda c: -c.support * c.radius):
        if one.support < _LEAST_SUPPORT or not least_px <= one.radius <= greatest_px:
            continue
        if all((one.x - c.x) ** 2 + (one.y - c.y) ** 2 > (one.radius + c.radius) ** 2 * 0.8 for c in kept):
            kept.append(one)
    return kept


def _supported(log: F32, x: float, y: float, radius: float, step: int) -> RoughCircle:
    """Return a candidate with the radius near its own where most directions show an edge of one sign."""
    reach = max(2.0, _OFF * radius)
    radii = np.arange(radius - reach - 2, radius + reach + 2.5, 0.5)
    angles = np.arange(_DIRECTIONS) * (2 * np.pi / _DIRECTIONS)
    at = (y + np.outer(radii, np.sin(angles)), x + np.outer(radii, np.cos(angles)))
    values = np.asarray(map_coordinates(log, at, order=1, mode="nearest"), np.float64)
    slope = (values[4:] - values[:-4]) / 2.0
    best, place = 0.0, len(radii) // 2
    for sign in (1.0, -1.0):
        edge = sign * slope > _WEBER * step**0.5
        wide = edge[:-2] | edge[1:-1] | edge[2:]
        share: F64 = wide.mean(axis=1)
        if share.max() > best:
            best, place = float(share.max()), int(share.argmax()) + 3
    middle = (step - 1) / 2
    return RoughCircle(x * step + middle, y * step + middle, float(radii[place]) * step, best)
