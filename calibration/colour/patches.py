# pyright: reportUnknownMemberType=false
"""The colours of a chart's patches in one picture: linear light, its covariance, what is wrong with it."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from calibration.colour.chart import Chart
from calibration.errors import PatchesError
from calibration.mosaic import Codes
from kernels.compiled import F32, F64, I64, Mask

INNER = 0.6  # of a patch's side: what is read of it
_FEWEST = 36  # pixels of a patch
_FAR = 4.0  # robust standard deviations from the median: dust and scratches
_BLOCKS = (4, 3)  # along each side, where there is room for them
_ROOM = 36  # pixels of a block


@dataclass(frozen=True, slots=True, eq=False)
class Patches:
    """The n patches of a chart, in its reading order, read from one picture.

    Attributes:
        rgb: (n, 3) mean linear light, 0..1 of full scale, black removed, flat field applied.
        covariance: (n, 3, 3) of these means, from the scatter of blocks about a plane: noise, also that which
            neighbouring pixels share (demosaicing, JPEG), the print's texture, and rounding to whole codes
            where noise is too small to average it. Not the falloff of the light.
        spread: (n, 3) standard deviation of linear light over the patch, falloff and all.
        codes: (n, 3) mean codes.
        clipped: (n,) share of pixels with a channel at either end of the table.
        left_out: (n,) share of pixels left out as dust or scratches.
        pixels: (n,) number of pixels averaged.
        centres: (n, 2) where the middles of the patches are in the raw frame, x and y, px.
    """

    rgb: F64
    covariance: F64
    spread: F64
    codes: F64
    clipped: F64
    left_out: F64
    pixels: I64
    centres: F64


def homography(corners: F64, chart: Chart) -> F64:
    """Return (3, 3) from a chart's columns and rows, the middle of the first patch being (0, 0), to pixels.

    Args:
        corners: (4, 2) see `sample_patches`.
        chart: which chart.

    Raises:
        PatchesError: the corners are not four, or no convex quadrilateral.
    """
    if corners.shape != (4, 2) or not np.isfinite(corners).all():
        raise PatchesError(f"the corners must be four finite points x, y, not {corners.tolist()}")
    sides = np.roll(corners, -1, axis=0) - corners
    turns = sides[:, 0] * np.roll(sides[:, 1], -1) - sides[:, 1] * np.roll(sides[:, 0], -1)
    if not (turns > 0).all():
        raise PatchesError(
            "the corners must go round the chart clockwise as it is read: the middles of the patches at the "
            "start and end of its first row, then at the end and start of its last row; corners given in "
            "another order, or of a mirrored chart, are not read"
        )
    right, low = chart.columns - 1.0, chart.rows - 1.0
    places = np.array([[0, 0], [right, 0], [right, low], [0, low]], np.float32)
    return np.asarray(cv2.getPerspectiveTransform(places, corners.astype(np.float32)), np.float64)


def sample_patches(pixels: Codes, corners: F64, chart: Chart, table: F32, flat: F32 | None = None) -> Patches:
    """Read all patches of a chart: the mean of the inner 60 % of each patch's side, in perspective.

    Raw pixels are averaged, never resampled ones, in linear light; pixels further than 4 robust standard
    deviations from the median are left out.

    Args:
        pixels: (h, w, 3) uint8 or uint16 codes, RGB, raw frame.
        corners: (4, 2) x, y px of the middles of the four corner patches, in the chart's own reading order:
            first row first column, first row last column, last row last column, last row first column. A few
            pixels off do no harm.
        chart: which chart.
        table: float32 code to linear light, one entry for each code.
        flat: (h, w) or (h, w, 3) float32 factors that make equally lit pixels equal, or None.

    Returns:
        Patches in the order of `chart.patches`.

    Raises:
        PatchesError: pixels, table or flat do not fit; the corners do not go round a chart; a patch lies
            outside the picture or shows fewer than 36 pixels.
    """
    _check(pixels, table, flat)
    matrix = homography(corners, chart)
    inverse = np.asarray(np.linalg.inv(matrix), np.float64)
    half = 0.5 * INNER * chart.patch_to_pitch
    rows: list[_Read] = []
    for number, patch in enumerate(chart.patches):
        place = np.array([number % chart.columns, number // chart.columns], np.float64)
        rows.append(_read(pixels, _Square(place, half, matrix, inverse), table, flat, patch.id))
    places = np.array([[i % chart.columns, i // chart.columns] for i in range(len(rows))], np.float64)
    return Patches(
        rgb=np.stack([r.rgb for r in rows]),
        covariance=np.stack([r.covariance for r in rows]),
        spread=np.stack([r.spread for r in rows]),
        codes=np.stack([r.codes for r in rows]),
        clipped=np.array([r.clipped for r in rows]),
        left_out=np.array([r.left_out for r in rows]),
        pixels=np.array([r.pixels for r in rows], np.int64),
        centres=project(matrix, places),
    )


def project(matrix: F64, points: F64) -> F64:
    """Return points (..., 2) under a homography (3, 3)."""
    lifted = points @ matrix[:, :2].T + matrix[:, 2]
    return np.asarray(lifted[..., :2] / lifted[..., 2:], np.float64)


def _check(pixels: Codes, table: F32, flat: F32 | None) -> None:
    if pixels.ndim != 3 or pixels.shape[2] != 3 or pixels.dtype.kind != "u" or pixels.dtype.itemsize > 2:
        raise PatchesError(
            f"a picture of a chart must be (h, w, 3) uint8 or uint16, not {pixels.shape} {pixels.dtype}"
        )
    highest = int(pixels.max(initial=0))
    if table.ndim != 1 or highest >= len(table):
        raise PatchesError(f"the table has {table.size} codes, the picture has codes up to {highest}")
    if flat is not None and flat.shape not in (pixels.shape, pixels.shape[:2]):
        raise PatchesError(f"a flat field of {flat.shape} does not fit a picture of {pixels.shape}")


@dataclass(frozen=True, slots=True, eq=False)
class _Square:
    """The inner part of a patch: its middle and half side in columns and rows, the way to pixels and back."""

    place: F64
    half: float
    matrix: F64
    inverse: F64

    def window(self) -> tuple[int, int, int, int]:
        """Return left, top, right and bottom of the pixels around it, the last two not included."""
        signs = np.array([[-1, -1], [1, -1], [1, 1], [-1, 1]], np.float64)
        ends = project(self.matrix, self.place + self.half * signs)
        left, top = np.floor(ends.min(axis=0)).astype(int)
        right, bottom = np.ceil(ends.max(axis=0)).astype(int) + 1
        return int(left), int(top), int(right), int(bottom)

    def local(self, left: int, top: int, right: int, bottom: int) -> F64:
        """Return (h, w, 2) where the pixels of a window are, -1..1 inside the square."""
        y, x = np.mgrid[top:bottom, left:right].astype(np.float64)
        return (project(self.inverse, np.stack((x, y), axis=2)) - self.place) / self.half


@dataclass(frozen=True, slots=True, eq=False)
class _Read:
    rgb: F64
    covariance: F64
    spread: F64
    codes: F64
    clipped: float
    left_out: float
    pixels: int


def _read(pixels: Codes, square: _Square, table: F32, flat: F32 | None, name: str) -> _Read:
    left, top, right, bottom = square.window()
    if left < 0 or top < 0 or right > pixels.shape[1] or bottom > pixels.shape[0]:
        raise PatchesError(f"patch {name} lies outside the picture: check the corners, or show it whole")
    local = square.local(left, top, right, bottom)
    inside = (np.abs(local) < 1).all(axis=2)
    codes = pixels[top:bottom, left:right][inside]
    if len(codes) < _FEWEST:
        raise PatchesError(
            f"patch {name} shows {len(codes)} pixels, at least {_FEWEST} are needed: move closer to the chart"
        )
    seen = table[codes].astype(np.float64)
    clipped = float(((seen <= table.min()) | (seen >= table.max())).any(axis=1).mean())
    slopes = np.asarray(np.gradient(table.astype(np.float64)), np.float64)
    step = np.asarray(np.interp(codes.mean(axis=0), np.arange(len(table)), slopes), np.float64)
    light = seen if flat is None else seen * _factors(flat[top:bottom, left:right][inside])
    kept = _without_dust(light, step)
    light, codes, local = light[kept], codes[kept], local[inside][kept]
    covariance = _covariance_of_mean(light, local)
    # Noise below half a code does not average rounding.
    rounded = np.where(codes.std(axis=0) < 0.5, step, 0.0)
    return _Read(
        rgb=light.mean(axis=0),
        covariance=covariance + np.diag(rounded**2 / 12),
        spread=light.std(axis=0),
        codes=codes.mean(axis=0),
        clipped=clipped,
        left_out=1.0 - float(kept.mean()),
        pixels=len(light),
    )


def _factors(flat: F32) -> F64:
    factors = flat.astype(np.float64)
    return factors[:, None] if factors.ndim == 1 else factors


def _without_dust(light: F64, step: F64) -> Mask:
    off = np.abs(light - np.median(light, axis=0))
    sigma = np.maximum(1.4826 * np.median(off, axis=0), np.abs(step))
    return np.asarray((off <= _FAR * sigma).all(axis=1), np.bool_)


def _covariance_of_mean(light: F64, local: F64) -> F64:
    """Return (3, 3) the covariance of the mean, from means of blocks about the plane through them."""
    side = next((b for b in _BLOCKS if len(light) >= b * b * _ROOM), _BLOCKS[-1])
    block = np.clip((0.5 * (local + 1) * side).astype(np.intp), 0, side - 1)
    index = block[:, 1] * side + block[:, 0]
    counts = np.bincount(index, minlength=side * side).astype(np.float64)
    filled = counts > 0
    counts = counts[filled]
    means, where = (
        np.stack([np.bincount(index, v, side * side) for v in values.T], axis=1)[filled] / counts[:, None]
        for values in (light, local)
    )
    root = np.sqrt(counts)[:, None]
    plane = np.column_stack((np.ones(len(where)), where)) * root
    fit, *_ = np.linalg.lstsq(plane, means * root)
    residual = means * root - plane @ fit
    freedom = max(len(counts) - 3, 1)
    return np.asarray(residual.T @ residual / freedom / counts.sum(), np.float64)
