"""What a golden image shows: conductor, bare substrate and holes, told apart by their colours alone."""

# OpenCV publishes incomplete types.
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false
from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from datasets.light import Floats, lab_from_linear, to_linear

Mask = NDArray[np.bool_]

_DARK_CODE: Final = 80  # holes look into the dark
_LEAST_HOLE_PX: Final = 150
_LEAST_AREA_PX: Final = 1500  # smaller islands and gaps are texture
_KINDS: Final = 4
_WEIGHTS: Final = (1.0, 1.0, 0.7)  # of lightness, yellowness and texture


@dataclass(frozen=True)
class Hole:
    """A hole, in pixels."""

    x: float
    y: float
    radius: float


@dataclass(frozen=True)
class Materials:
    """Where each material is seen.

    Attributes:
        conductor: (h, w) bool.
        substrate: (h, w) bool, bare.
        dark: (h, w) bool, holes.
        islands: (h, w) int32, which island of conductor, 0 elsewhere; a hole belongs to what surrounds it.
        holes: every hole.
    """

    conductor: Mask
    substrate: Mask
    dark: Mask
    islands: NDArray[np.int32]
    holes: tuple[Hole, ...]


def tell_apart(codes: NDArray[np.uint8]) -> Materials:
    """Tell the materials of a golden image (h, w, 3) RGB codes apart.

    Holes are dark. The rest is divided by k-means into four kinds of lightness, yellowness and texture; the
    most textured is the conductor: metal is scratched and polished, laminate is smooth in every shade.
    """
    calm = np.asarray(cv2.GaussianBlur(codes, (0, 0), 1.5))
    dark = _without_specks(_opened(calm.max(axis=2) < _DARK_CODE, 3), _LEAST_HOLE_PX)
    near_dark = np.asarray(cv2.dilate(dark.astype(np.uint8), _disk(5))) > 0
    lab = lab_from_linear(to_linear(codes)).astype(np.float32)
    detail = np.abs(lab[..., 0] - np.asarray(cv2.GaussianBlur(lab[..., 0], (0, 0), 3)))
    lightness = np.minimum(lab[..., 0], np.percentile(lab[..., 0], 98))
    looks = np.stack(
        [
            _smoothed_outside(lightness, near_dark, 2.0),
            _smoothed_outside(lab[..., 2], near_dark, 4.0),
            _smoothed_outside(np.minimum(detail, 5), near_dark, 3.0),
        ],
        axis=-1,
    )
    side = _smoothed_outside(_most_textured(looks, ~near_dark), near_dark, 2.0) > 0.5
    side = np.asarray(cv2.morphologyEx(side.astype(np.uint8), cv2.MORPH_CLOSE, _disk(5))) > 0
    conductor = ~_without_specks(~_without_specks(side, _LEAST_AREA_PX), 3 * _LEAST_AREA_PX) & ~dark
    joined = conductor | (np.asarray(cv2.dilate(dark.astype(np.uint8), _disk(6))) > 0)
    islands = _islands(joined)
    return Materials(conductor, ~conductor & ~dark, dark, islands, _holes(dark))


def _most_textured(looks: Floats, valid: Mask) -> Floats:
    """Return 1 where a pixel's looks (h, w, 3) are of the kind with the most texture, else 0."""
    known = looks[valid]
    if not len(known) or np.ptp(known, axis=0).max() < 1:  # all in the dark, or one even surface
        return np.zeros(valid.shape, np.float32)
    spread = np.maximum(known.std(axis=0), 1e-3)  # a grey picture has no yellowness
    scaled = (looks - known.mean(axis=0)) / spread * np.array(_WEIGHTS, np.float32)
    cv2.setRNGSeed(1)
    criteria = (cv2.TERM_CRITERIA_EPS + cv2.TERM_CRITERIA_MAX_ITER, 50, 1e-4)
    sample = np.ascontiguousarray(scaled[valid][::7], np.float32)
    _, _, centres = cv2.kmeans(sample, _KINDS, np.empty(0, np.int32), criteria, 3, cv2.KMEANS_PP_CENTERS)
    distance = np.stack([((scaled - centre) ** 2).sum(axis=-1) for centre in np.asarray(centres)])
    return (distance.argmin(axis=0) == int(np.argmax(centres[:, 2]))).astype(np.float32)


def _smoothed_outside(plane: Floats, left_out: Mask, sigma: float) -> Floats:
    weight = (~left_out).astype(np.float32)
    total = cv2.GaussianBlur(plane * weight, (0, 0), sigma)
    return np.asarray(total / np.maximum(cv2.GaussianBlur(weight, (0, 0), sigma), 1e-3), np.float32)


def _disk(radius: int) -> NDArray[np.uint8]:
    return np.asarray(cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * radius + 1,) * 2), np.uint8)


def _opened(mask: Mask, radius: int) -> Mask:
    return np.asarray(cv2.morphologyEx(mask.astype(np.uint8), cv2.MORPH_OPEN, _disk(radius))) > 0


def _without_specks(mask: Mask, least: int) -> Mask:
    _, labels, stats, _ = cv2.connectedComponentsWithStats(mask.astype(np.uint8), connectivity=4)
    keep = stats[:, cv2.CC_STAT_AREA] >= least
    keep[0] = False
    return np.asarray(keep[np.asarray(labels, np.int64)], np.bool_)


def _islands(joined: Mask) -> NDArray[np.int32]:
    """Number the islands of conductor; slivers at the image's border are not any."""
    h, w = joined.shape
    _, labels, stats, _ = cv2.connectedComponentsWithStats(joined.astype(np.uint8), connectivity=4)
    left, top, width, height, area = np.asarray(stats).T
    border = (left == 0) | (top == 0) | (left + width == w) | (top + height == h)
    keep = ~(border & (area < 0.01 * h * w))
    keep[0] = False
    numbers = np.asarray(labels, np.int64)
    return np.asarray(numbers * keep[numbers], np.int32)


def _holes(dark: Mask) -> tuple[Hole, ...]:
    _, _, stats, centres = cv2.connectedComponentsWithStats(dark.astype(np.uint8), connectivity=4)
    found = [
        Hole(float(x), float(y), float(np.sqrt(area / np.pi)))
        for (x, y), area in zip(centres[1:], stats[1:, cv2.CC_STAT_AREA], strict=True)
    ]
    return tuple(h for h in found if h.radius >= 6)
