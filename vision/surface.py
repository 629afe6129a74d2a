# pyright: reportUnknownMemberType=false
"""Surface: regions where the aligned unit differs from the golden image, sized in millimetres, with zone.

The unit is resampled once, at half resolution, into the golden view. Illumination is a smooth gain, the same
on all channels, so that a change of hue remains. At each pixel the golden image allows the interval of its
codes nearby (edges are tolerated to about two pixels of the frame) plus a tolerance for noise and texture.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from evidence import FrameError
from golden.regions import Region
from golden.spec import Colour, GoldenSpec, View
from kernels.colour import ciede2000, lab_from_linear
from kernels.comparison import (
    GAMMA,
    UNIT_GAIN,
    block_means,
    deviation,
    fill_bent_maps,
    fill_maps,
    mean_light,
    relight,
)
from kernels.compiled import F32, F64, I32, I64, U8, Mask
from models import CROP
from vision.field import NO_FIELD, Field, FieldFinder
from vision.mapping import QuadraticMap
from vision.regions import dense_outline, mask
from vision.robust import spread

SCALE = 2
_BLOCK = 24  # pixels at half resolution
_BASE_TOLERANCE = 9  # codes: noise and residual shading
_TEXTURE_TOLERANCE = 0.25  # of the golden interval's width
_STRONG = 12  # codes beyond the tolerance that a region must reach
_COLOUR_REPEATABILITY = 0.10  # CIEDE2000, what the model of light leaves over
_LEAST_SHARE = 0.5
_LIGHT_RANGE = (0.7, 1.43)  # light of the unit over light of the golden sample
_MOST_UNEVEN = 1.35  # greatest over least of that ratio: more is no gradient of a lamp


@dataclass(frozen=True, slots=True)
class Deviation:
    """One region that deviates. Boxes are x, y, width, height; `golden_px` and `frame_px` in full pixels.

    `zones` are all that it reaches into, the one with most of it first. `inside` (h, w) bool are its pixels
    in the window of the half-resolution view whose first pixel is `corner` (x, y).
    """

    golden_px: tuple[float, float, float, float]
    frame_px: tuple[float, float, float, float]
    size_mm: float
    zones: tuple[str, ...]
    corner: tuple[int, int]
    inside: Mask


@dataclass(frozen=True, slots=True)
class ColourDifference:
    """CIEDE2000 of a region's mean to the golden sample's, and its standard uncertainty."""

    value: float
    standard_uncertainty: float


@dataclass(frozen=True, slots=True, eq=False)
class Aligned:
    """A unit in the golden view at half resolution, with its illumination.

    Attributes:
        pixels: (h, w, 3) uint8 codes.
        gain: (6,) quadratic gain that makes it match the golden image.
        gain_residual: relative rms of what the gain leaves between blocks.
        field: where the unit's artwork lies beside the smooth map, or None where the map alone fits.
        shown: (h, w) uint8, 0 where the frame does not show what is inspected; None where it shows all of it.
    """

    pixels: U8
    gain: F64
    gain_residual: float
    field: Field | None = None
    shown: U8 | None = None

    @property
    def largest_px(self) -> float:
        """The greatest displacement of the field in native golden pixels, 0 without a field."""
        return 0.0 if self.field is None else self.field.largest_px

    def frame_points(self, mapping: QuadraticMap, golden: F64) -> F64:
        """Map (n, 2) golden points to the frame: the field first, then the map."""
        return mapping.points(golden if self.field is None else golden + self.field.points(golden))

    @property
    def comparable(self) -> bool:
        """Whether the unit's light is near enough to the golden sample's, everywhere, to be corrected."""
        u, v = (axis.ravel() for axis in np.meshgrid((-1.0, 0.0, 1.0), (-1.0, 0.0, 1.0)))
        gain = np.stack((np.ones_like(u), u, v, u * u, u * v, v * v), axis=1) @ self.gain
        ratio = np.maximum(gain, 1e-3) ** -GAMMA
        within = (ratio > _LIGHT_RANGE[0]) & (ratio < _LIGHT_RANGE[1])
        return bool(within.all()) and float(ratio.max() / ratio.min()) < _MOST_UNEVEN


class SurfaceComparator:
    """Compares one view; everything that does not depend on the frame is computed here.

    Buffers are reused between frames: one comparator serves one thread.

    Args:
        spec: the golden specification.
        view: the view.
        golden: (h, w, 3) uint8 RGB golden image.
        table: (256,) float32 code to light of golden image and frames.
    """

    def __init__(self, spec: GoldenSpec, view: View, golden: U8, table: F32) -> None:
        """Compile intervals, tolerances and zones of the view."""
        self.mm_per_px = view.mm_per_px
        self._table = table
        half = _half(golden)
        self._native = np.ascontiguousarray(golden)
        self._height, self._width = half.shape[:2]
        self._zone_names = [z.id for z in spec.zones if z.view == view.id]
        self._zones = self._label(spec, view)
        judged = [z.region for z in spec.zones if z.view == view.id]
        judged += [c.region for c in spec.characteristics if isinstance(c, Colour) and c.view == view.id]
        self._edges = np.concatenate([dense_outline(region) for region in judged] or [np.empty((0, 2))])
        kernel = np.ones((3, 3), np.uint8)
        soft = np.asarray(cv2.GaussianBlur(half, (3, 3), 0.5), np.uint8)
        self._low = np.minimum(np.asarray(cv2.erode(half, kernel), np.uint8), soft)
        self._high = np.maximum(np.asarray(cv2.dilate(half, kernel), np.uint8), soft)
        width = (self._high.astype(np.int16) - self._low).max(axis=2)
        self._tolerance = np.clip(_BASE_TOLERANCE + _TEXTURE_TOLERANCE * width, 0, 255).astype(np.uint8)
        self._lit = self._usable_for_light(half, view)
        self._golden_blocks = block_means(half, self._lit, _BLOCK)
        self._map_x = np.empty((self._height, self._width), np.float32)
        self._map_y = np.empty_like(self._map_x)
        self._out = np.empty((self._height, self._width), np.uint8)
        self._judged = self._zones
        self.golden = half
        usable = np.ones(golden.shape[:2], np.uint8)
        for region in view.ignore:
            usable[mask(region, *golden.shape[:2])] = 0
        seen = _half(_half(usable * 255)) == 255
        self._field_finder = FieldFinder(_half(half), seen, (golden.shape[1], golden.shape[0]))

    def _label(self, spec: GoldenSpec, view: View) -> U8:
        labels = np.zeros((self._height, self._width), np.uint8)
        for i, zone in reversed([*enumerate(z for z in spec.zones if z.view == view.id)]):
            labels[mask(zone.region, self._height, self._width, SCALE)] = i + 1
        for region in view.ignore:
            labels[mask(region, self._height, self._width, SCALE)] = 0
        for i, name in enumerate(self._zone_names):
            if not (labels == i + 1).any():
                raise FrameError(
                    f"zone {name!r} has no place of its own: earlier zones or ignored regions cover all of it"
                )
        return labels

    def _usable_for_light(self, half: U8, view: View) -> U8:
        """Return where illumination may be estimated: neither very dark, nor saturated, nor ignored."""
        grey = half.mean(axis=2)
        usable = (grey > 40) & (grey < 250)
        for region in view.ignore:
            usable &= ~mask(region, self._height, self._width, SCALE)
        return usable.astype(np.uint8)

    def in_frame(self, mapping: QuadraticMap, height: int, width: int) -> bool:
        """Return whether every zone and colour region lies wholly inside a frame of that size."""
        if not len(self._edges):
            return True
        points = mapping.points(self._edges)
        return bool(((points >= 0) & (points <= (width - 1, height - 1))).all())

    def align(self, frame: U8, mapping: QuadraticMap) -> Aligned:
        """Resample a (h, w, 3) uint8 frame into the golden view and estimate its illumination."""
        cx, cy = mapping.centre
        fill_maps(mapping.coefficients, cx, cy, mapping.extent, SCALE, self._map_x, self._map_y)
        half = _half(frame)
        border = cv2.BORDER_REPLICATE
        pixels = cv2.remap(half, self._map_x, self._map_y, cv2.INTER_LINEAR, borderMode=border)
        aligned = np.asarray(pixels, np.uint8)
        field = self._field(half, aligned, mapping)
        if field is not None:
            every = _range(0, self._width), _range(0, self._height)
            aligned = _resampled(half, mapping, field, SCALE, *every)
        gain, residual = self._illumination(aligned)
        unit = Aligned(aligned, gain, residual, field)
        points = unit.frame_points(mapping, self._edges)
        if ((points >= 0) & (points <= (frame.shape[1] - 1, frame.shape[0] - 1))).all():
            return unit
        every = _range(0, self._width), _range(0, self._height)
        full = np.full(half.shape[:2], 255, np.uint8)
        shown = _resampled(full, mapping, field, SCALE, *every, border=cv2.BORDER_CONSTANT)
        return Aligned(aligned, gain, residual, field, (shown == 255).astype(np.uint8))

    def _field(self, frame: U8, aligned: U8, mapping: QuadraticMap) -> Field | None:
        """Return the local field of a half-size frame, or None where the map alone fits."""
        quarter = _half(frame)
        every = _range(0, self._width // 2), _range(0, self._height // 2)

        def resample(field: Field | None) -> U8:
            return _resampled(quarter, mapping, field, 2 * SCALE, *every)

        return self._field_finder.find(_half(aligned), resample)

    def crops(
        self, frame: U8, aligned: Aligned, mapping: QuadraticMap, corners: npt.NDArray[np.integer[Any]]
    ) -> tuple[U8, U8]:
        """Cut squares out of the golden image and the unit at native resolution.

        Args:
            frame: (h, w, 3) uint8 frame that was aligned.
            aligned: what `align` made of it.
            mapping: the map that it was aligned by.
            corners: (n, 2) whole-numbered x, y of the squares' first pixels in the golden image. A square may
                reach over the image's border, whose pixels both crops then repeat.

        Returns:
            Golden and unit, each (n, CROP, CROP, 3) uint8 codes; the unit is resampled once, from the frame,
            and its illumination removed as in `deviations`.
        """
        golden = np.empty((len(corners), CROP, CROP, 3), np.uint8)
        unit = np.empty_like(golden)
        height, width = self._native.shape[:2]
        for k in range(len(corners)):
            left, top = int(corners[k, 0]), int(corners[k, 1])
            columns = np.clip(np.arange(left, left + CROP), 0, width - 1)
            rows = np.clip(np.arange(top, top + CROP), 0, height - 1)
            golden[k] = self._native.take(rows, axis=0).take(columns, axis=1)
            seen = _resampled(frame, mapping, aligned.field, 1, columns, rows)
            relight(seen, aligned.gain, _place(columns, self._width), _place(rows, self._height), unit[k])
        return golden, unit

    def whole(self, frame: U8, aligned: Aligned, mapping: QuadraticMap) -> U8:
        """Return all of the unit as `crops` would show it: (h, w, 3) uint8 of the golden image's size."""
        rows, columns = _range(0, self._native.shape[0]), _range(0, self._native.shape[1])
        seen = _resampled(frame, mapping, aligned.field, 1, columns, rows)
        relit = np.empty_like(seen)
        relight(seen, aligned.gain, _place(columns, self._width), _place(rows, self._height), relit)
        return relit

    def _illumination(self, aligned: U8) -> tuple[F64, float]:
        blocks = block_means(aligned, self._lit, _BLOCK)
        rows, columns = np.nonzero((blocks > 0) & (self._golden_blocks > 0))
        ratio = self._golden_blocks[rows, columns] / blocks[rows, columns]
        u = 2 * (columns + 0.5) * _BLOCK / self._width - 1
        v = 2 * (rows + 0.5) * _BLOCK / self._height - 1
        basis = np.column_stack((np.ones_like(u), u, v, u * u, u * v, v * v))
        weights = np.ones(len(ratio))
        gain, scatter = UNIT_GAIN, 0.0
        for _ in range(6):
            weighted = basis * weights[:, None]
            gain = np.asarray(
                np.linalg.solve(weighted.T @ basis + 1e-9 * np.eye(6), weighted.T @ ratio), np.float64
            )
            residual = np.abs(ratio - basis @ gain)
            scatter = spread(residual)
            weights = np.clip(1 - (residual / (4.685 * max(scatter, 1e-4))) ** 2, 0, None) ** 2
        return gain, scatter

    def deviations(self, aligned: Aligned, mapping: QuadraticMap, smallest_mm: float) -> list[Deviation]:
        """Return all regions of at least `smallest_mm` that deviate, largest first."""
        self._judged = self._zones if aligned.shown is None else self._zones * aligned.shown
        low, high = self._low, self._high
        deviation(aligned.pixels, aligned.gain, low, high, self._tolerance, self._judged, self._out)
        weak = (self._out > 0).astype(np.uint8)
        # opening by 2 x 2; the second anchor mirrors the first, or all would move by a pixel
        pair = np.ones((2, 2), np.uint8)
        weak = np.asarray(cv2.dilate(cv2.erode(weak, pair), pair, anchor=(0, 0)), np.uint8)
        weak = np.asarray(cv2.morphologyEx(weak, cv2.MORPH_CLOSE, np.ones((5, 5), np.uint8)), np.uint8)
        left, top, width, height = (int(n) for n in cv2.boundingRect(weak))
        if width == 0:
            return []
        count, labels, stats, _ = cv2.connectedComponentsWithStats(
            np.ascontiguousarray(weak[top : top + height, left : left + width]), connectivity=8
        )
        step = self.mm_per_px * SCALE
        regions: list[Deviation] = []
        for label in range(1, count):
            x, y, w, h, _ = (int(n) for n in stats[label])
            if math.hypot(w, h) * step < smallest_mm:
                continue
            inside = labels[y : y + h, x : x + w] == label
            x, y = left + x, top + y
            deviates = inside & (self._out[y : y + h, x : x + w] > 0)
            strength = int(self._out[y : y + h, x : x + w][deviates].max(initial=0))
            if strength < _STRONG:
                continue
            region = self.region(aligned, mapping, (x, y), inside, deviates)
            if region.size_mm >= smallest_mm:
                regions.append(region)
        regions.sort(key=lambda r: (-r.size_mm, r.golden_px))
        return regions

    def judged(self, x: int, y: int, width: int, height: int) -> Mask:
        """Return which pixels of a window of the half-resolution view `deviations` last judged."""
        return self._judged[y : y + height, x : x + width] > 0

    def deviating(self, x: int, y: int, width: int, height: int) -> Mask:
        """Return which pixels of a window of the half-resolution view deviate, as `deviations` last found."""
        return self._out[y : y + height, x : x + width] > 0

    def region(
        self,
        aligned: Aligned,
        mapping: QuadraticMap,
        corner: tuple[int, int],
        inside: Mask,
        deviates: Mask,
    ) -> Deviation:
        """Return the region of the pixels `inside` a window of the half-resolution view, not empty.

        Args:
            aligned: the unit.
            mapping: the map that it was aligned by.
            corner: x, y of the window's first pixel.
            inside: (h, w) bool, what the box and the size are of.
            deviates: (h, w) bool, what the zones are of.
        """
        rows, columns = np.flatnonzero(inside.any(axis=1)), np.flatnonzero(inside.any(axis=0))
        left, top = corner[0] + int(columns[0]), corner[1] + int(rows[0])
        inside = inside[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
        deviates = deviates[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
        h, w = inside.shape
        x, y, width, height = left * SCALE, top * SCALE, w * SCALE, h * SCALE
        corners = np.array([[x, y], [x + width, y], [x + width, y + height], [x, y + height]]) - 0.5
        frame = aligned.frame_points(mapping, corners)
        (least_x, least_y), (most_x, most_y) = frame.min(axis=0), frame.max(axis=0)
        return Deviation(
            golden_px=(x - 0.5, y - 0.5, float(width), float(height)),
            frame_px=(float(least_x), float(least_y), float(most_x - least_x), float(most_y - least_y)),
            size_mm=_longest_extent(inside) * self.mm_per_px * SCALE,
            zones=self._zones_of(self._zones[top : top + h, left : left + w][deviates]),
            corner=(left, top),
            inside=inside,
        )

    def _zones_of(self, labels: U8) -> tuple[str, ...]:
        counts = np.bincount(labels, minlength=len(self._zone_names) + 1)[1:]
        found = [(-int(n), name) for n, name in zip(counts, self._zone_names, strict=True) if n > 0]
        return tuple(name for _, name in sorted(found))

    def colour_reference(self, region: Region) -> ColourReference:
        """Return what a colour region needs of the golden image."""
        ys, xs = np.nonzero(mask(region, self._height, self._width, SCALE))
        pixels = np.column_stack((xs, ys)).astype(np.int32)
        return ColourReference(pixels, mean_light(self.golden, pixels, UNIT_GAIN, self._table))

    def colour_difference(self, aligned: Aligned, reference: ColourReference) -> ColourDifference | None:
        """Return the region's difference to the golden sample, or None where too little of it is usable."""
        light = mean_light(aligned.pixels, reference.pixels, aligned.gain, self._table)
        if light[6] < _LEAST_SHARE or reference.light[6] < _LEAST_SHARE:
            return None
        golden_lab = lab_from_linear(reference.light[:3])
        value = ciede2000(golden_lab, lab_from_linear(light[:3]))
        # what one standard deviation of the illumination's gain would do to the colour
        shifted = light[:3] * (1 + GAMMA * aligned.gain_residual)
        shading = ciede2000(lab_from_linear(light[:3]), lab_from_linear(shifted))
        return ColourDifference(value, math.hypot(shading, _COLOUR_REPEATABILITY))


@dataclass(frozen=True, slots=True, eq=False)
class ColourReference:
    """A colour region at half resolution: (n, 2) int32 pixels, and the golden image's mean light there."""

    pixels: I32
    light: F64


def _half(image: U8) -> U8:
    h, w = image.shape[0] // SCALE, image.shape[1] // SCALE
    cut = image[: h * SCALE, : w * SCALE]
    return np.asarray(cv2.resize(cut, (w, h), interpolation=cv2.INTER_AREA), np.uint8)


def _resampled(
    image: U8,
    mapping: QuadraticMap,
    field: Field | None,
    scale: int,
    columns: I64,
    rows: I64,
    border: int = cv2.BORDER_REPLICATE,
) -> U8:
    """Resample an image, shrunk by `scale`, at listed columns and rows of the equally shrunk golden view."""
    map_x = np.empty((len(rows), len(columns)), np.float32)
    map_y = np.empty_like(map_x)
    spacing, controls = NO_FIELD if field is None else (field.spacing, field.coefficients)
    fill_bent_maps(
        mapping.coefficients, *mapping.centre, mapping.extent, scale, spacing, controls, columns, rows,
        map_x, map_y,
    )  # fmt: skip
    return np.asarray(cv2.remap(image, map_x, map_y, cv2.INTER_LINEAR, borderMode=border), np.uint8)


def _range(start: int, stop: int) -> I64:
    return np.arange(start, stop, dtype=np.int64)


def _place(pixels: I64, length: int) -> F32:
    """Return where full pixels lie in an image of `length` shrunk ones that spans -1..1."""
    shrunk = (pixels + 0.5) / SCALE - 0.5
    return (2 * shrunk / (length - 1) - 1).astype(np.float32)


def _longest_extent(inside: Mask) -> float:
    """Return the largest distance across a region in pixels, pixels counted as squares of side one."""
    ys, xs = np.nonzero(inside)
    hull = cv2.convexHull(np.column_stack((xs, ys)).astype(np.int32)).reshape(-1, 2).astype(np.float64)
    spans = hull[:, None] - hull[None]
    return (
        float(np.hypot(np.abs(spans[..., 0]) + 1, np.abs(spans[..., 1]) + 1).max()) if len(hull) > 1 else 1.0
    )
