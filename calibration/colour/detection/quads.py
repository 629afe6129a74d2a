# pyright: reportUnknownMemberType=false
"""Even four-sided patches of a picture, whatever their colour: what edges close in."""

from __future__ import annotations

import math
from typing import cast

import cv2
import numpy as np

from kernels.compiled import F64, I32, U8

_THRESHOLDS = (7, 14, 28, 48)  # of the gradient, codes of the lifted picture
_LEAST_SIDE = 5.0  # pixels of the picture looked at
_GREATEST_SHARE = 0.05  # of the picture's area
_THINNEST = 0.3  # short side over long side
_FILLED = 0.8  # area of a contour over that of its quadrilateral
_EATEN = 1.6  # pixels that the gradient's reach takes off each side
_MIDDLE = 0.4  # to which the median of a picture is lifted


def reduced(picture: U8, scale: int) -> tuple[U8, F64]:
    """Return the picture at a whole part of its size and (3, 3) from its pixels to the picture's."""
    h, w = picture.shape[0] // scale, picture.shape[1] // scale
    small = cv2.resize(picture[: h * scale, : w * scale], (w, h), interpolation=cv2.INTER_AREA)
    enlarge = np.array([[scale, 0, 0.5 * scale - 0.5], [0, scale, 0.5 * scale - 0.5], [0, 0, 1.0]])
    return np.asarray(small, np.uint8), enlarge


def lifted(picture: U8) -> U8:
    """Return the picture stretched and its darks raised, channel by channel: linear files show edges."""
    out = np.empty_like(picture)
    for channel in range(3):
        plane = picture[..., channel]
        counts = np.cumsum(np.bincount(plane[::2, ::2].ravel(), minlength=256), dtype=np.int64)
        low, middle, high = (
            int(np.searchsorted(counts, share * float(counts[-1]))) for share in (0.002, 0.5, 0.998)
        )
        width = max(high - low, 8)
        at = min(max((middle - low) / width, 0.02), 0.98)
        power = min(max(math.log(_MIDDLE) / math.log(at), 0.45), 1.0)
        codes = np.clip((np.arange(256.0) - low) / width, 0, 1) ** power
        out[..., channel] = cv2.LUT(plane, np.round(255 * codes).astype(np.uint8))
    return out


def find_quads(picture: U8) -> F64:
    """Return (n, 4, 2) corners x, y, clockwise as seen, of the even quadrilaterals of a lifted picture."""
    smooth = cv2.GaussianBlur(picture, (3, 3), 0)
    kernel = np.ones((3, 3), np.uint8)
    gradient = np.asarray(cv2.morphologyEx(smooth, cv2.MORPH_GRADIENT, kernel), np.uint8).max(axis=2)
    greatest = _GREATEST_SHARE * gradient.size
    quads: list[F64] = []
    for threshold in _THRESHOLDS:
        even = (gradient < threshold).astype(np.uint8)
        contours, tree = cast(
            "tuple[list[I32], I32]", cv2.findContours(even, cv2.RETR_CCOMP, cv2.CHAIN_APPROX_SIMPLE)
        )
        if not len(contours):
            continue
        for contour, parent in zip(contours, np.reshape(tree, (-1, 4))[:, 3].tolist(), strict=True):
            if parent >= 0 or len(contour) < 4:  # a hole is an edge seen from inside
                continue
            area = cv2.contourArea(contour)
            if _LEAST_SIDE**2 <= area <= greatest:
                quad = _quad(contour, area)
                if quad is not None:
                    quads.append(quad)
    return _distinct(np.array(quads, np.float64).reshape(-1, 4, 2))


def _quad(contour: I32, area: float) -> F64 | None:
    hull = cv2.convexHull(contour)
    around = cv2.arcLength(hull, closed=True)
    # At low resolution a patch is wider than its round corners by little.
    for tolerance in (0.04, 0.07, 0.1):
        polygon = cv2.approxPolyDP(hull, tolerance * around, closed=True).reshape(-1, 2).astype(np.float64)
        if len(polygon) <= 4:
            break
    if len(polygon) != 4:
        return None
    sides = np.hypot(*(np.roll(polygon, -1, axis=0) - polygon).T)
    if sides.min() < max(_THINNEST * sides.max(), _LEAST_SIDE - 1):
        return None
    signed = cv2.contourArea(polygon.astype(np.float32), oriented=True)
    if not _FILLED < area / max(abs(signed), 1e-9) < 1.3:
        return None
    return _widened(polygon if signed > 0 else polygon[::-1])


def _widened(quad: F64) -> F64:
    """Move each side out by what the gradient has eaten."""
    after = np.roll(quad, -1, axis=0) - quad
    after /= np.hypot(*after.T)[:, None]
    out = np.stack((after[:, 1], -after[:, 0]), axis=1)  # clockwise, y down: outwards
    before = np.roll(out, 1, axis=0)
    bend = 1 + (out * before).sum(axis=1, keepdims=True)
    return np.asarray(quad + _EATEN * (out + before) / np.maximum(bend, 0.3), np.float64)


def _distinct(quads: F64) -> F64:
    """Keep one, the largest, of quadrilaterals that lie on each other."""
    if not len(quads):
        return quads
    centres = quads.mean(axis=1)
    sizes = np.sqrt(np.abs([cv2.contourArea(q.astype(np.float32)) for q in quads]))
    kept: list[int] = []
    free = np.ones(len(quads), np.bool_)
    for i in np.argsort(-sizes, kind="stable"):
        if free[i]:
            kept.append(int(i))
            near = np.abs(centres - centres[i]).max(axis=1) < 0.3 * sizes[i]
            free[near & (sizes > 0.6 * sizes[i])] = False
    return quads[kept]
