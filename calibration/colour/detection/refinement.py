# pyright: reportUnknownMemberType=false
"""A lattice to a part of a pixel: its homography and the patches' width from all edges of all patches."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from calibration.colour.patches import project
from kernels.compiled import F32, F64, U8

_ALONG = np.linspace(-0.36, 0.36, 7)  # of a side, where edges are looked for
_REACH = (0.8, 0.7, 0.6, 0.6)  # of a gap, to both sides of where they are expected: the next patch is beyond
_GAPS = (0.06, 0.15)  # of a pitch, least and greatest that are reckoned with
_STEP = 0.5  # pixels
_LEAST_EDGES = 24
_SIDES = np.array([[1.0, 0.0], [0.0, 1.0], [-1.0, 0.0], [0.0, -1.0]])


@dataclass(frozen=True, slots=True, eq=False)
class Refined:
    """The homography from places to pixels, side of a patch over pitch, robust rms of edges in px."""

    matrix: F64
    patch_to_pitch: float
    residual_px: float


def refine(pixels: U8, matrix: F64, size: tuple[int, int], patch_to_pitch: float) -> Refined:
    """Fit a lattice to the edges of its patches in the full picture.

    Args:
        pixels: (h, w, 3) codes.
        matrix: (3, 3) homography from places, from (0, 0), to pixels; good to a tenth of a pitch.
        size: columns and rows of places.
        patch_to_pitch: side of a patch over the pitch.
    """
    part, corner = _part(pixels, matrix, size)
    move = np.eye(3)
    move[:2, 2] = -corner
    state = Refined(move @ matrix, patch_to_pitch, float("nan"))
    gap = float(np.clip(1 - patch_to_pitch, *_GAPS))
    for reach in _REACH:
        better = _adjusted(part, state, size, reach * gap)
        if better is None:
            break
        state = better
    move[:2, 2] = corner
    back = move @ state.matrix
    return Refined(back / back[2, 2], state.patch_to_pitch, state.residual_px)


def _part(pixels: U8, matrix: F64, size: tuple[int, int]) -> tuple[F32, F64]:
    """Return the chart's surroundings as float32 and where they begin."""
    columns, rows = size
    outline = np.array([[-1, -1], [columns, -1], [columns, rows], [-1, rows]], np.float64)
    ends = project(matrix, outline)
    low = np.maximum(np.floor(ends.min(axis=0)).astype(int), 0)
    high = np.ceil(ends.max(axis=0)).astype(int) + 1
    part = pixels[low[1] : max(high[1], low[1] + 1), low[0] : max(high[0], low[0] + 1)]
    return part.astype(np.float32), low.astype(np.float64)


def _adjusted(part: F32, state: Refined, size: tuple[int, int], reach: float) -> Refined | None:
    """Move the lattice to the edges: one weighted Gauss-Newton step, weights after Cauchy."""
    places, ways = _edge_places(size, state.patch_to_pitch)
    at = project(state.matrix, places)
    step = project(state.matrix, places + 0.01 * ways) - at
    scale = np.hypot(step[:, 0], step[:, 1]) / 0.01  # px a pitch across this edge
    normal = step / (0.01 * scale)[:, None]
    offset, contrast = _edges(part, at, normal, reach * scale)
    good = np.isfinite(offset) & (contrast > 0.1 * np.nanmax(contrast, initial=0.0))
    if good.sum() < _LEAST_EDGES:
        return None
    along = _derivatives(state.matrix, places)
    design = np.column_stack((np.einsum("nk,nkp->np", normal, along), 0.5 * scale))[good]
    target, weight = offset[good], np.ones(int(good.sum()))
    change, sigma = np.zeros(9), 0.0
    for _ in range(6):
        root = np.sqrt(weight)
        change, *_ = np.linalg.lstsq(design * root[:, None], target * root, rcond=1e-10)
        off = target - design @ change
        sigma = max(1.4826 * float(np.median(np.abs(off))), 0.02)
        weight = contrast[good] / (1 + (off / (2 * sigma)) ** 2)
    matrix = state.matrix / state.matrix[2, 2]
    matrix = matrix + np.append(change[:8], 0.0).reshape(3, 3)
    share = float(np.clip(state.patch_to_pitch + change[8], 0.2, 1.0))
    return Refined(matrix, share, sigma)


def _edge_places(size: tuple[int, int], share: float) -> tuple[F64, F64]:
    """Return (n, 2) places on the patches' edges and (n, 2) the outward direction at each."""
    y, x = np.mgrid[: size[1], : size[0]]
    centres = np.stack((x.ravel(), y.ravel()), axis=1).astype(np.float64)
    beside = _SIDES[:, ::-1] * (1, -1)
    on_side = 0.5 * share * _SIDES[:, None] + share * _ALONG[None, :, None] * beside[:, None]
    places = centres[:, None, None] + on_side[None]
    ways = np.broadcast_to(_SIDES[None, :, None], places.shape)
    return places.reshape(-1, 2), ways.reshape(-1, 2)


def _edges(part: F32, at: F64, normal: F64, reach: F64) -> tuple[F64, F64]:
    """Return (n,) the offset of the strongest edge along each normal, px, NaN without one; its contrast."""
    count = int(np.ceil(reach.max() / _STEP)) + 1
    along = np.arange(-count, count + 1) * _STEP
    where = (at[:, None] + along[None, :, None] * normal[:, None]).astype(np.float32)
    seen = cv2.remap(part, where[..., 0], where[..., 1], cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    apart = int(2 / _STEP)
    change = np.zeros(where.shape[:2])
    change[:, apart // 2 : -(apart // 2)] = np.linalg.norm(seen[:, apart:] - seen[:, :-apart], axis=2)
    change[np.abs(along)[None] > reach[:, None]] = 0
    peak = np.clip(change.argmax(axis=1), 1, len(along) - 2)
    rows = np.arange(len(at))
    before, top, after = change[rows, peak - 1], change[rows, peak], change[rows, peak + 1]
    bend = before - 2 * top + after
    offset = along[peak] + _STEP * np.where(bend < 0, 0.5 * (before - after) / np.where(bend < 0, bend, 1), 0)
    inner = (before > 0) & (after > 0) & (bend < 0)
    h, w = part.shape[:2]
    inside = (at >= 0).all(axis=1) & (at[:, 0] <= w - 1) & (at[:, 1] <= h - 1)
    return np.where(inner & inside, offset, np.nan), top


def _derivatives(matrix: F64, places: F64) -> F64:
    """Return (n, 2, 8) how pixels move with the homography's first eight entries, the last being 1."""
    matrix = matrix / matrix[2, 2]
    lifted = np.column_stack((places, np.ones(len(places))))
    w = lifted @ matrix[2]
    at = lifted @ matrix[:2].T / w[:, None]
    out = np.zeros((len(places), 2, 8))
    out[:, 0, 0:3] = out[:, 1, 3:6] = lifted / w[:, None]
    out[:, :, 6:8] = -at[:, :, None] * places[:, None, :] / w[:, None, None]
    return out
