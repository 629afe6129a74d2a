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
_LEAST_ISLAND_PX: Final = 500
_KINDS: Final = 4
_MARGIN: Final = 0.2  # by which a pixel must look more like conductor than like anything else
_CORE_PX: Final = 5  # a conductor is at least about twice as wide
_AROUND_PX: Final = 35  # lightness is compared with what lies so near


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

    Holes are dark. The rest is divided by k-means into kinds of local lightness, yellowness and texture; the
    most textured kinds are the conductor: metal is scratched in all directions and polished, laminate is
    smooth in every shade. Texture is the mixed second derivative, which neither the stripes of a scan nor the
    bright line along an etched edge has.
    """
    calm = np.asarray(cv2.GaussianBlur(codes, (0, 0), 1.5))
    dark = _without_specks(_opened(calm.max(axis=2) < _DARK_CODE, 3), _LEAST_HOLE_PX)
    near_dark = np.asarray(cv2.dilate(dark.astype(np.uint8), _disk(5))) > 0
    lab = lab_from_linear(to_linear(codes)).astype(np.float32)
    mixed = cv2.Sobel(cv2.GaussianBlur(lab[..., 0], (0, 0), 0.8), cv2.CV_32F, 1, 1)
    texture = _smoothed_outside(np.minimum(np.abs(np.asarray(mixed)), 4), near_dark, 2.5)
    lightness = np.minimum(lab[..., 0], np.percentile(lab[..., 0], 98))
    looks = np.stack(
        [
            _smoothed_outside(lightness, near_dark, 2.0)
            - _smoothed_outside(lightness, near_dark, _AROUND_PX),
            _smoothed_outside(lab[..., 2], near_dark, 4.0),
            np.log(texture + 0.05),
        ],
        axis=-1,
    )
    side = _smoothed_outside(_most_textured(looks, ~near_dark), near_dark, 1.5) > _MARGIN
    conductor = ~_without_specks(~_without_specks(side, _LEAST_AREA_PX), 6 * _LEAST_AREA_PX) & ~dark
    joined = conductor | (np.asarray(cv2.dilate(dark.astype(np.uint8), _disk(2))) > 0)
    islands = _islands(joined)
    return Materials(conductor, ~conductor & ~dark, dark, islands, _holes(dark))


def _most_textured(looks: Floats, valid: Mask) -> Floats:
    """Return how much nearer looks (h, w, 3) are to textured kinds than to others, in [-1, 1]."""
    known = looks[valid]
    if not len(known) or np.ptp(known, axis=0).max() < 1:  # all in the dark, or one even surface
        return np.full(valid.shape, -1, np.float32)
    spread = np.maximum(known.std(axis=0), 1e-3)  # a grey picture has no yellowness
    scaled = ((looks - known.mean(axis=0)) / spread).astype(np.float32)
    cv2.setRNGSeed(1)
    criteria = (cv2.TERM_CRITERIA_EPS + cv2.TERM_CRITERIA_MAX_ITER, 50, 1e-4)
    sample = np.ascontiguousarray(scaled[valid][::7])
    _, _, centres = cv2.kmeans(sample, _KINDS, np.empty(0, np.int32), criteria, 3, cv2.KMEANS_PP_CENTERS)
    far = np.stack([np.sqrt(((scaled - centre) ** 2).sum(axis=-1)) for centre in np.asarray(centres)])
    texture = np.asarray(centres)[:, 2]
    metal = texture > 0.5 * texture.max()  # 0 is the picture's mean
    if not metal.any():  # light and dark, and no texture at all
        return np.full(valid.shape, -1, np.float32)
    return np.clip(far[~metal].min(axis=0) - far[metal].min(axis=0), -1, 1).astype(np.float32)


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
    """Number the islands of conductor; slivers are not any.

    A bridge thinner than a conductor's core joins nothing: a mask read off a picture has some.
    """
    h, w = joined.shape
    cores = _opened(joined, _CORE_PX)
    cored, coreless = _cored(joined, cores)
    of_core, rest = _numbered(cores), _numbered(coreless)
    places = cv2.distanceTransformWithLabels((~cores).astype(np.uint8), cv2.DIST_L2, 5)[1]
    nearest = np.asarray(places, np.int64)
    by_place = np.zeros(int(nearest.max()) + 1, np.int64)
    by_place[nearest[cores]] = of_core[cores]
    labels = np.where(cored, by_place[nearest], 0) + np.where(coreless, rest + int(of_core.max()), 0)
    numbers, at, areas = np.unique(labels, return_inverse=True, return_counts=True)
    ends = np.concatenate((labels[[0, -1]].ravel(), labels[:, [0, -1]].ravel()))
    sliver = (areas < _LEAST_ISLAND_PX) | (np.isin(numbers, ends) & (areas < 0.01 * h * w))
    keep = (numbers > 0) & ~sliver
    return (np.cumsum(keep) * keep).astype(np.int32)[at.reshape(h, w)]


def _numbered(mask: Mask) -> NDArray[np.int64]:
    return np.asarray(cv2.connectedComponents(mask.astype(np.uint8), connectivity=4)[1], np.int64)


def _cored(joined: Mask, cores: Mask) -> tuple[Mask, Mask]:
    """Divide the mask into its connected parts that have a core and those that have none."""
    parts = _numbered(joined)
    with_core = np.zeros(int(parts.max()) + 1, np.bool_)
    with_core[np.unique(parts[cores])] = True
    cored = with_core[parts] & joined
    return cored, joined & ~cored


def _holes(dark: Mask) -> tuple[Hole, ...]:
    _, _, stats, centres = cv2.connectedComponentsWithStats(dark.astype(np.uint8), connectivity=4)
    found = [
        Hole(float(x), float(y), float(np.sqrt(area / np.pi)))
        for (x, y), area in zip(centres[1:], stats[1:, cv2.CC_STAT_AREA], strict=True)
    ]
    return tuple(h for h in found if h.radius >= 6)
