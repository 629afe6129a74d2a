"""Rough X-corners: places in a picture where two dark and two bright sectors meet."""

from __future__ import annotations

from dataclasses import dataclass
from typing import cast

import cv2
import numpy as np

from kernels.compiled import F32, F64, I64

_SMOOTHING = 1.2  # pixels
_RADIUS = 4.0  # of the ring on which sectors are told apart, pixels
_SAMPLES = 48
_MOST = 6000
_FAINTEST = 0.02  # of the square root of light: contrast of a saddle's surroundings


@dataclass(frozen=True, slots=True, eq=False)
class Saddles:
    """Rough X-corners, n of them.

    Attributes:
        points: (n, 2) x, y, within about a pixel.
        angles: (n, 2) of both edges, radians in 0..pi, from x towards y; the sector from the first to the
            second is bright.
        contrast: (n,) bright less dark on the ring.
    """

    points: F64
    angles: F64
    contrast: F64


def find_saddles(image: F32) -> Saddles:
    """Find X-corners in an (h, w) float32 image of perceptual grey (0..1), at least 10 pixels apart."""
    smooth = np.asarray(cv2.GaussianBlur(image, (0, 0), _SMOOTHING), np.float32)
    dxx = cv2.Sobel(smooth, cv2.CV_32F, 2, 0, ksize=3, scale=0.25)
    dyy = cv2.Sobel(smooth, cv2.CV_32F, 0, 2, ksize=3, scale=0.25)
    dxy = cv2.Sobel(smooth, cv2.CV_32F, 1, 1, ksize=3, scale=0.25)
    saddle = cast("F32", dxy * dxy - dxx * dyy)
    peak = (saddle >= cv2.dilate(saddle, np.ones((5, 5), np.uint8))) & (saddle > (0.1 * _FAINTEST) ** 2)
    edge = int(_RADIUS) + 2
    peak[:edge], peak[-edge:], peak[:, :edge], peak[:, -edge:] = False, False, False, False
    ys, xs = np.nonzero(peak)
    strongest = np.argsort(-saddle[ys, xs], kind="stable")[:_MOST]
    points = np.stack((xs, ys), axis=1).astype(np.float64)[strongest]
    return _with_four_sectors(smooth, points)


def _with_four_sectors(smooth: F32, points: F64) -> Saddles:
    """Keep the points whose ring changes sign four times, opposite sectors being alike."""
    theta = 2 * np.pi * np.arange(_SAMPLES) / _SAMPLES
    ring_x = (points[:, :1] + _RADIUS * np.cos(theta)).astype(np.float32)
    ring_y = (points[:, 1:] + _RADIUS * np.sin(theta)).astype(np.float32)
    if not len(points):
        return Saddles(points, points, points[:, 0])
    ring = (
        cv2.remap(smooth, ring_x, ring_y, cv2.INTER_LINEAR).reshape(len(points), _SAMPLES).astype(np.float64)
    )
    half = _SAMPLES // 2
    # Shading is odd about the corner; what is even is the corner.
    even, odd = 0.5 * (ring[:, :half] + ring[:, half:]), 0.5 * (ring[:, :half] - ring[:, half:])
    high, low = even.max(axis=1), even.min(axis=1)
    level = 0.5 * (high + low)[:, None]
    above = even > level
    following = np.roll(above, -1, axis=1)
    rises, falls = ~above & following, above & ~following
    crossing = (rises.sum(axis=1) == 1) & (falls.sum(axis=1) == 1)
    like = np.sqrt((odd**2).mean(axis=1)) < 0.35 * even.std(axis=1)
    good = crossing & like & (high - low > _FAINTEST)
    even, level, points = even[good], level[good], points[good]
    first = _angle(even, level, rises[good].argmax(axis=1))
    second = _angle(even, level, falls[good].argmax(axis=1))
    angles = np.stack((first, second), axis=1)
    crossing_angle = np.abs(np.sin(second - first))
    kept = crossing_angle > 0.4
    return Saddles(points[kept], angles[kept], (high - low)[good][kept])


def _angle(even: F64, level: F64, at: I64) -> F64:
    """Return where half rings cross their level after sample `at`, radians in 0..pi."""
    rows = np.arange(len(even))
    before, after = even[rows, at], even[rows, (at + 1) % even.shape[1]]
    share = (level[:, 0] - before) / (after - before)
    return np.asarray((at + share) * (2 * np.pi / _SAMPLES) % np.pi, np.float64)
