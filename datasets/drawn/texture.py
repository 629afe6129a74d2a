"""Texture of each material: what lies on its slowly changing colour, and endless other samples of it."""

# OpenCV publishes incomplete types.
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false
from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from datasets.drawn.materials import Mask, Materials
from datasets.light import Floats

_BASE_SIGMA_PX: Final = 15.0
_TILE: Final = 128
_OVERLAP: Final = 32


@dataclass(frozen=True)
class Surface:
    """One material all over the image, as if nothing else were there.

    Attributes:
        base: (h, w, 3) float32 its slowly changing colour, codes.
        detail: (h, w, 3) float32 what lies on it, 0 where the material is not seen.
        seen: (h, w) bool where `detail` is clean.
        corners: (n, 2) int32 x, y of tiles of `_TILE` pixels that show nothing else.
    """

    base: Floats
    detail: Floats
    seen: Mask
    corners: NDArray[np.int32]

    def sample(self, rng: np.random.Generator, width: int, height: int) -> Floats:
        """Return another sample of the texture, (height, width, 3)."""
        step = _TILE - _OVERLAP
        total = np.zeros((height + 2 * _TILE, width + 2 * _TILE, 3), np.float32)
        square = np.zeros(total.shape[:2], np.float32)
        phase_x, phase_y = (int(n) for n in rng.integers(0, step, 2))
        for top in range(phase_y, height + _TILE, step):
            for left in range(phase_x, width + _TILE, step):
                x, y = self.corners[int(rng.integers(len(self.corners)))]
                tile = self.detail[y : y + _TILE, x : x + _TILE]
                turn = int(rng.integers(4))
                tile = tile[:: 1 - 2 * (turn & 1), :: 1 - (turn & 2)]
                total[top : top + _TILE, left : left + _TILE] += tile * _FEATHER[..., None]
                square[top : top + _TILE, left : left + _TILE] += _FEATHER**2
        # overlapping tiles are independent: weights are normalised by their squares, or seams would be calm
        inner = np.s_[_TILE : _TILE + height, _TILE : _TILE + width]
        return np.asarray(total[inner] / np.sqrt(np.maximum(square[inner], 1e-6))[..., None], np.float32)


def _feather() -> Floats:
    ramp = np.minimum(np.arange(_TILE) + 0.5, np.arange(_TILE)[::-1] + 0.5) / _OVERLAP
    one = np.clip(ramp, 0, 1)
    return np.asarray(one[:, None] * one[None, :], np.float32)


_FEATHER: Final = _feather()


def surfaces(codes: Floats, materials: Materials) -> tuple[Surface, Surface]:
    """Return conductor and bare substrate of a golden image (h, w, 3) float32 codes."""
    return _surface(codes, materials.conductor), _surface(codes, materials.substrate)


def _surface(codes: Floats, where: Mask) -> Surface:
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (15, 15))
    seen = np.asarray(cv2.erode(where.astype(np.uint8), kernel, borderValue=0)) > 0
    base = _filled_blur(codes, seen, _BASE_SIGMA_PX)
    detail = np.where(seen[..., None], codes - base, 0).astype(np.float32)
    whole = cv2.erode(seen.astype(np.uint8), np.ones((_TILE, _TILE), np.uint8), anchor=(0, 0), borderValue=0)
    ys, xs = np.nonzero(np.asarray(whole)[: codes.shape[0] - _TILE, : codes.shape[1] - _TILE])
    if not len(xs):  # nowhere a whole tile: take the tiles that show most of it
        share = cv2.boxFilter(seen.astype(np.float32), -1, (_TILE, _TILE), anchor=(0, 0), normalize=True)
        inner = np.asarray(share)[: codes.shape[0] - _TILE, : codes.shape[1] - _TILE]
        ys, xs = np.nonzero(inner >= max(float(inner.max()) - 0.05, 0.1))
    return Surface(base, detail, seen, np.column_stack((xs, ys)).astype(np.int32))


def _filled_blur(codes: Floats, where: Mask, sigma: float) -> Floats:
    """Return the blurred colour of the places that count, carried on into all others."""
    weight = where.astype(np.float32)
    out = np.zeros_like(codes)
    filled = np.zeros(where.shape, np.bool_)
    for widen in (1, 3, 9, 40):  # nearest first
        # wide blurs are slow: shrink instead
        shrink = max(int(sigma * widen / 15), 1)
        small_weight = _shrunk(weight, shrink)
        small = _shrunk(codes * weight[..., None], shrink)
        s = sigma * widen / shrink
        total, share = cv2.GaussianBlur(small, (0, 0), s), cv2.GaussianBlur(small_weight, (0, 0), s)
        size = (codes.shape[1], codes.shape[0])
        value = cv2.resize(total / np.maximum(share, 1e-6)[..., None], size, interpolation=cv2.INTER_LINEAR)
        known = np.asarray(cv2.resize(share, size, interpolation=cv2.INTER_LINEAR)) > 0.02
        fresh = known & ~filled
        out[fresh] = np.asarray(value)[fresh]
        filled |= known
    return out


def _shrunk(image: Floats, by: int) -> Floats:
    if by == 1:
        return image
    size = (max(image.shape[1] // by, 1), max(image.shape[0] // by, 1))
    return np.asarray(cv2.resize(image, size, interpolation=cv2.INTER_AREA), np.float32)
