"""Charts drawn for tests: antialiased, in perspective, with cast, blur and noise; nothing of the product."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np

LAYOUT = 0.88  # patch over pitch


def light_of(lab: Any) -> Any:
    """Linear sRGB light of L*a*b* (D50 taken as white), 0..1: a camera of which nothing more is asked."""
    f = (lab[:, :1] + 16) / 116 + np.column_stack((lab[:, 1] / 500, 0 * lab[:, 1], -lab[:, 2] / 200))
    xyz = np.where(f > 6 / 29, f**3, 3 * (6 / 29) ** 2 * (f - 4 / 29))
    to_rgb = np.array([[3.2406, -1.5372, -0.4986], [-0.9689, 1.8758, 0.0415], [0.0557, -0.2040, 1.0570]])
    white = np.array([0.9505, 1.0, 1.089])
    return np.clip(xyz * white @ to_rgb.T, 0.002, 1.0)


def quad(width: float, height: float, *, at: Any, size: float, angle: float, tilt: Any = (0.0, 0.0)) -> Any:
    """Homography of a chart of that many pitches, its middle at `at`, `size` px a pitch, turned clockwise."""
    c, s = np.cos(np.radians(angle)), np.sin(np.radians(angle))
    middle = np.array([[1, 0, -(width - 1) / 2], [0, 1, -(height - 1) / 2], [0, 0, 1]])
    lean = np.array([[1, 0, 0], [0, 1, 0], [tilt[0] / width, tilt[1] / height, 1]])
    turn = np.array([[size * c, -size * s, at[0]], [size * s, size * c, at[1]], [0, 0, 1]])
    return turn @ lean @ middle


def draw(light: Any, patches: Any, matrix: Any, *, frame: float = 0.012, margin: float = 0.75) -> None:
    """Draw a chart's patches (rows, columns, 3) into linear light (h, w, 3), on its dark card."""
    rows, columns = patches.shape[:2]
    card = np.array([[-margin, -margin], [columns - 1 + margin, rows - 1 + margin]])
    _fill(light, _box(*card[0], *card[1]), matrix, np.full(3, frame))
    for y in range(rows):
        for x in range(columns):
            if np.isfinite(patches[y, x]).all():
                h = LAYOUT / 2
                _fill(light, _box(x - h, y - h, x + h, y + h), matrix, patches[y, x])


def _box(left: float, top: float, right: float, bottom: float) -> Any:
    return np.array([[left, top], [right, top], [right, bottom], [left, bottom]], np.float64)


def _fill(light: Any, polygon: Any, matrix: Any, colour: Any) -> None:
    ends = cv2.perspectiveTransform(polygon[None], matrix).reshape(-1, 2)
    h, w = light.shape[:2]
    left, top = np.maximum(np.floor(ends.min(axis=0)).astype(int) - 1, 0)
    right, bottom = np.minimum(np.ceil(ends.max(axis=0)).astype(int) + 2, (w, h))
    if right <= left or bottom <= top:
        return
    fine = 4  # samples along each pixel's side
    mask = np.zeros(((bottom - top) * fine, (right - left) * fine), np.float32)
    inside = (ends - (left, top) + 0.5) * fine - 0.5
    cv2.fillConvexPoly(mask, np.round(inside * 256).astype(np.int32), 1.0, cv2.LINE_8, 8)
    share = cv2.resize(mask, (right - left, bottom - top), interpolation=cv2.INTER_AREA)[..., None]
    part = light[top:bottom, left:right]
    part[:] = part * (1 - share) + colour * share


def srgb(light: Any) -> Any:
    """Codes 0..255, not rounded, of linear light, IEC 61966-2-1."""
    light = np.clip(light, 0, 1)
    return 255 * np.where(light <= 0.0031308, 12.92 * light, 1.055 * light ** (1 / 2.4) - 0.055)


def exposed(light: Any, rng: Any, *, gamma: bool = True, blur: float = 0.8, noise: float = 0.004) -> Any:
    """A camera's uint8 picture of linear light."""
    seen = cv2.GaussianBlur(light, (0, 0), blur) if blur else light
    seen = seen + noise * np.sqrt(np.maximum(seen, 0.01)) * rng.standard_normal(seen.shape)
    return np.clip(np.round(srgb(seen) if gamma else 255 * seen), 0, 255).astype(np.uint8)
