"""How well a placement is aligned with the golden picture, and what of the rest is the camera's."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import cv2
import numpy as np
from scipy.interpolate import BSpline

from kernels.compiled import F64, U8

_EDGE = 8  # pixels where the aligned picture has no codes of its own
_BINS, _FEWEST = 8, 400  # codes per bin of a tone curve; pixels that tell one
_ROWS = ((150,) * 4, (270, 400, 530), (690,) * 4)  # knots of a smooth function of the row: the board's rows
_NOISE_PX = 0.8  # standard deviation over which the pictures' noise is alike


def aligned(golden: U8, unit: U8, affine: F64) -> U8:
    """Return the unit in the golden view, in the golden picture's exposure."""
    size = golden.shape[1], golden.shape[0]
    moved = cv2.warpAffine(unit, affine, size, flags=cv2.INTER_CUBIC | cv2.WARP_INVERSE_MAP)
    return _exposed(np.asarray(moved, np.uint8), golden)


def differences(golden: U8, unit: U8, affine: F64) -> dict[str, Any]:
    """Return how many pixels lie by more than 40 codes beyond a tolerance of 2 px.

    In any channel, in the mean of the channels, and in any channel of the unit as it was taken, which lies
    within half a pixel: what that has too is no matter of resampling.
    """
    seen = aligned(golden, unit, affine)
    beyond = _beyond(golden, seen)
    rows, columns = np.nonzero(beyond > 40)
    order = np.argsort(-beyond[rows, columns].astype(np.int64), kind="stable")[:5]
    return {
        "largest_codes": int(beyond.max()), "above_40": len(rows),
        "above_40_grey": int((_beyond(_grey(golden), _grey(seen)) > 40).sum()),
        "above_40_as_taken": int((_beyond(golden, _exposed(unit, golden)) > 40).sum()),
        "largest_at": [(int(columns[i]), int(rows[i])) for i in order],
    }  # fmt: skip


def not_by_rows(centres: F64, offsets: F64) -> F64:
    """Return (n, 2) offsets, pixels, less the smooth function of the row, and tilt along it, through them.

    It is drawn through the offsets themselves: no wave of the rows, however it is found, leaves much less.
    """
    knots = np.concatenate([np.asarray(k, np.float64) for k in _ROWS])
    row = np.clip(centres[:, 1], knots[0], knots[-1])
    rows = np.stack([_bump(knots, k, row) for k in range(len(knots) - 4)], axis=1)
    design = np.column_stack((rows, (centres[:, 0] - 600) / 400))
    return offsets - design @ np.linalg.lstsq(design, offsets, rcond=None)[0]


def recaptures(golden: U8, unit: U8, affine: F64, count: int) -> Iterator[U8]:
    """Yield the golden picture placed as a unit is, with as much noise as tells them apart at each place."""
    apart = golden.astype(np.float32) - aligned(golden, unit, affine)
    apart[:_EDGE] = apart[-_EDGE:] = 0
    apart[:, :_EDGE] = apart[:, -_EDGE:] = 0
    spread = np.sqrt(cv2.GaussianBlur(apart * apart, (0, 0), 3))
    size = golden.shape[1], golden.shape[0]
    for seed in range(count):
        noise = np.random.default_rng(seed).normal(0, 1, golden.shape).astype(np.float32)
        noise = cv2.GaussianBlur(noise, (0, 0), _NOISE_PX)
        codes = golden + spread * noise / noise.std()
        moved = cv2.warpAffine(codes, affine, size, flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE)
        yield np.clip(np.round(moved), 0, 255).astype(np.uint8)


def _bump(knots: F64, k: int, row: F64) -> F64:
    return np.asarray(BSpline(knots, np.eye(len(knots) - 4)[k], 3)(row), np.float64)


def _exposed(unit: U8, golden: U8) -> U8:
    """Return the unit by each channel's tone curve that makes it match: another exposure is no defect."""
    out = np.empty_like(unit)
    for k in range(3):
        codes, matching = unit[..., k].ravel(), golden[..., k].ravel()
        bins = codes // _BINS
        told = [b for b in range(256 // _BINS) if int((bins == b).sum()) > _FEWEST]
        at = [float(codes[bins == b].mean()) for b in told]
        to = np.maximum.accumulate([float(np.median(matching[bins == b])) for b in told])
        ends = max(to[0] - at[0], 0), min(to[-1] + 255 - at[-1], 255)  # beyond what is told, as there
        curve = np.interp(np.arange(256), [0, *at, 255], [ends[0], *to, ends[1]])
        out[..., k] = np.round(curve).astype(np.uint8)[unit[..., k]]
    return out


def _beyond(golden: U8, seen: U8) -> U8:
    kernel = np.ones((5, 5), np.uint8)
    low, high = cv2.erode(golden, kernel), cv2.dilate(golden, kernel)
    beyond = np.asarray(np.maximum(cv2.subtract(seen, high), cv2.subtract(low, seen)).max(axis=2), np.uint8)
    beyond[:_EDGE] = beyond[-_EDGE:] = 0
    beyond[:, :_EDGE] = beyond[:, -_EDGE:] = 0
    return beyond


def _grey(image: U8) -> U8:
    mean = np.asarray(image.mean(axis=2), np.float64)
    return np.repeat(np.round(mean)[..., None], 3, axis=2).astype(np.uint8)
