# pyright: reportUnknownMemberType=false
"""The comparison of one view: a frame is aligned with the golden image, and what deviates becomes regions.

The unit is resampled once, at half resolution, into the golden view. Illumination is a smooth gain, the same
on all channels, so that a change of hue remains. At each pixel the golden image allows the interval of its
codes nearby (edges are tolerated to about two pixels of the frame) plus a tolerance for noise and texture.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from golden.comparison import Comparison
from golden.regions import Region
from golden.spec import Colour, GoldenSpec, View
from kernels.comparison import UNIT_GAIN, deviation, mean_light, relight
from kernels.compiled import F32, I64, U8, Mask
from kernels.warp import warp
from models import CROP
from vision.field import Field, FieldFinder
from vision.mapping import QuadraticMap
from vision.pyramid import Pyramid
from vision.regions import dense_outline, mask
from vision.surface.aligned import Aligned, Illumination
from vision.surface.areas import AreaChannel, unexplained
from vision.surface.candidates import Candidate, Limits, candidates
from vision.surface.colour import ColourDifference, ColourReference
from vision.surface.colour_channel import ColourChannel
from vision.surface.deviation import Deviation, largest_extent, principal_extent
from vision.surface.interval import golden_interval, holding, learned_interval
from vision.surface.sampling import SCALE, every, half, middles, place, resampled
from vision.surface.variation import VariationModel
from vision.zones import ZoneMap


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
        self.mm_per_px, self.step_mm = view.mm_per_px, view.mm_per_px * SCALE
        self._table = table
        golden_half = half(golden)
        self._native = np.ascontiguousarray(golden)
        self._height, self._width = golden_half.shape[:2]
        self._zone_map = ZoneMap.of(spec, view, self._height, self._width, SCALE)
        self._zones = self._zone_map.labels
        judged = [z.region for z in spec.zones if z.view == view.id]
        judged += [c.region for c in spec.characteristics if isinstance(c, Colour) and c.view == view.id]
        self._edges = np.concatenate([dense_outline(region) for region in judged] or [np.empty((0, 2))])
        stated = view.comparison
        reach = 1 if stated is None or stated.edge_px is None else math.ceil(stated.edge_px / SCALE)
        self._foreseen = self._interval = golden_interval(golden_half, reach)
        self._limits = Limits.of(stated, self.step_mm)
        self._least_delta_e = 0.0 if stated is None else stated.least_delta_e or 0.0
        self._colour_channel = self._colours(stated, golden_half)
        self._areas = AreaChannel(golden_half, self._zones, reach)
        self._tinted: Mask | None = None
        ignored = np.zeros(golden_half.shape[:2], np.bool_)
        for region in view.ignore:
            ignored |= mask(region, self._height, self._width, SCALE)
        self._illumination = Illumination(golden_half, ignored)
        self._out = np.empty((self._height, self._width), np.uint8)
        self._judged = self._zones
        self.golden = golden_half
        usable = np.full_like(golden, 255)
        for region in view.ignore:
            usable[mask(region, *golden.shape[:2])] = 0
        seen = half(half(usable))[..., 0] == 255
        self._field_finder = FieldFinder(half(golden_half), seen, (golden.shape[1], golden.shape[0]))

    def _colours(self, stated: Comparison | None, golden: U8) -> ColourChannel | None:
        """Return what compares mean colours, where the golden sample asks for it."""
        if stated is None or stated.colour_delta_e is None or stated.colour_over_mm is None:
            return None
        side = max(round(stated.colour_over_mm / self.step_mm), 2)
        return ColourChannel(golden, self._foreseen, self._zones, self._table, side, stated.colour_delta_e)

    def learn(self, variation: VariationModel) -> None:
        """Compare from now on with what a view's approved units show, not with the golden image alone."""
        units, count = variation.tally.spread(), variation.tally.count
        alone = variation.unconfirmed | (self._zones == 0)  # beside a part anything may be seen
        learned = learned_interval(self._foreseen, units, count, alone, variation.places > 0)
        self._interval = holding(learned, self.golden, self._foreseen)
        self._areas.learn(self._foreseen, units, count, alone)

    @property
    def widened(self) -> U8:
        """Return (h, w) uint8, how many codes beyond the golden image's interval pass."""
        return self._interval.wider_than(self._foreseen) * (self._zones > 0)

    @property
    def passes(self) -> tuple[F32, F32]:
        """Return the least and the greatest code that passes at each pixel, both (h, w, 3) float32."""
        return self._interval.bounds

    def relit(self, aligned: Aligned) -> U8:
        """Return the unit's codes at half resolution, its illumination removed: (h, w, 3) uint8."""
        out = np.empty_like(aligned.pixels)
        relight(aligned.pixels, aligned.gain, middles(self._width), middles(self._height), out)
        return out

    def _compared(self, aligned: Aligned) -> U8:
        """Return by how many codes each pixel exceeds what is tolerated; the same buffer every time."""
        self._judged = self._zones if aligned.shown is None else self._zones * aligned.shown
        allowed = self._interval.low, self._interval.high, self._interval.tolerance
        deviation(aligned.pixels, aligned.gain, *allowed, self._judged, self._out)
        return self._out

    def in_frame(self, mapping: QuadraticMap, height: int, width: int) -> bool:
        """Return whether every zone and colour region lies wholly inside a frame of that size."""
        if not len(self._edges):
            return True
        points = mapping.points(self._edges)
        return bool(((points >= 0) & (points <= (width - 1, height - 1))).all())

    def align(self, frame: U8, mapping: QuadraticMap, seen: Pyramid | None = None) -> Aligned:
        """Resample a (h, w, 3) uint8 frame into the golden view and estimate its illumination.

        `seen` is the pyramid of the frame, where the caller has made it.
        """
        small = half(frame) if seen is None else seen.half
        quarter = half(small) if seen is None else seen.quarter
        aligned = np.empty((self._height, self._width, 3), np.uint8)
        warp(small, mapping.coefficients, *mapping.centre, mapping.extent, SCALE, aligned)
        field = self._field(quarter, aligned, mapping)
        if field is not None:
            aligned = resampled(small, mapping, field, SCALE, every(self._width), every(self._height))
        gain, residual = self._illumination.of(aligned)
        unit = Aligned(aligned, gain, residual, field)
        points = unit.frame_points(mapping, self._edges)
        if ((points >= 0) & (points <= (frame.shape[1] - 1, frame.shape[0] - 1))).all():
            return unit
        full = np.full(small.shape[:2], 255, np.uint8)
        shown = resampled(
            full, mapping, field, SCALE, every(self._width), every(self._height), border=cv2.BORDER_CONSTANT
        )
        return Aligned(aligned, gain, residual, field, (shown == 255).astype(np.uint8))

    def _field(self, quarter: U8, aligned: U8, mapping: QuadraticMap) -> Field | None:
        """Return the local field of a frame at a quarter of its size, or None where the map alone fits."""
        columns, rows = every(self._width // 2), every(self._height // 2)

        def resample(field: Field | None) -> U8:
            return resampled(quarter, mapping, field, 2 * SCALE, columns, rows)

        return self._field_finder.find(half(aligned), resample)

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
            unit[k] = self.seen(frame, aligned, mapping, columns, rows)
        return golden, unit

    def whole(self, frame: U8, aligned: Aligned, mapping: QuadraticMap) -> U8:
        """Return all of the unit as `crops` would show it: (h, w, 3) uint8 of the golden image's size."""
        height, width = self._native.shape[:2]
        return self.seen(frame, aligned, mapping, every(width), every(height))

    def seen(self, frame: U8, aligned: Aligned, mapping: QuadraticMap, columns: I64, rows: I64) -> U8:
        """Return listed columns and rows of what `whole` returns: the same bits, at their cost alone."""
        pixels = resampled(frame, mapping, aligned.field, 1, columns, rows)
        relit = np.empty_like(pixels)
        relight(pixels, aligned.gain, place(columns, self._width), place(rows, self._height), relit)
        return relit

    def deviations(self, aligned: Aligned, mapping: QuadraticMap, smallest_mm: float) -> list[Deviation]:
        """Return all regions of at least `smallest_mm` that deviate, largest first."""
        found = (
            self.region(aligned, mapping, c.corner, c.inside, c.deviates)
            for c in self._candidates(aligned, smallest_mm)
        )
        regions = [r for r in found if r.size_mm >= smallest_mm and self._coloured(aligned, r)]
        return sorted(regions, key=lambda r: (-r.size_mm, r.golden_px))

    def _candidates(self, aligned: Aligned, smallest_mm: float) -> Iterator[Candidate]:
        excess = self._compared(aligned)
        self._tinted = None
        areas = self._areas.excess(aligned)
        if areas.any():
            areas *= self._judged > 0
            areas = unexplained(areas, candidates(excess, self.step_mm, 0.0, self._limits))
            np.maximum(excess, areas, out=excess)
            self._tinted = areas > 0 if self._limits.areas else None
        if self._colour_channel is not None:
            tinted = self._colour_channel.deviates(self.relit(aligned)) & (self._judged > 0)
            self._tinted = tinted if self._tinted is None else self._tinted | tinted
        return candidates(excess, self.step_mm, smallest_mm, self._limits, self._tinted)

    def _coloured(self, aligned: Aligned, found: Deviation) -> bool:
        """Return whether a region's colour differs as much as the golden sample asks; unknown is enough."""
        if self._least_delta_e == 0:
            return True
        value = self.delta_e(aligned, found)
        return value is None or value >= self._least_delta_e

    def judged(self, x: int, y: int, width: int, height: int) -> Mask:
        """Return which pixels of a window of the half-resolution view `deviations` last judged."""
        return self._judged[y : y + height, x : x + width] > 0

    def deviating(self, x: int, y: int, width: int, height: int) -> Mask:
        """Return which pixels of a window of the half-resolution view deviate, as `deviations` last found."""
        found = self._out[y : y + height, x : x + width] >= self._limits.weak
        return found if self._tinted is None else found | self._tinted[y : y + height, x : x + width]

    def excess(self) -> U8:
        """Return by how many codes each pixel exceeds what is tolerated, as `deviations` last found.

        (h, w) uint8 of the half-resolution view, the caller's own.
        """
        return self._out.copy()

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
            deviates: (h, w) bool, what the zones and the contrast are of.
        """
        rows, columns = np.flatnonzero(inside.any(axis=1)), np.flatnonzero(inside.any(axis=0))
        left, top = corner[0] + int(columns[0]), corner[1] + int(rows[0])
        inside = inside[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
        deviates = deviates[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
        h, w = inside.shape
        at = np.s_[top : top + h, left : left + w]
        x, y, width, height = left * SCALE, top * SCALE, w * SCALE, h * SCALE
        corners = np.array([[x, y], [x + width, y], [x + width, y + height], [x, y + height]]) - 0.5
        frame = aligned.frame_points(mapping, corners)
        (least_x, least_y), (most_x, most_y) = frame.min(axis=0), frame.max(axis=0)
        return Deviation(
            golden_px=(x - 0.5, y - 0.5, float(width), float(height)),
            frame_px=(float(least_x), float(least_y), float(most_x - least_x), float(most_y - least_y)),
            size_mm=largest_extent(inside) * self.step_mm,
            area_mm2=float(inside.sum()) * self.step_mm**2,
            length_mm=principal_extent(inside) * self.step_mm,
            contrast=float(self._out[at][deviates].max(initial=0)),
            zones=self.zones_of((left, top), deviates),
            corner=(left, top),
            inside=inside,
        )

    def zones_of(self, corner: tuple[int, int], pixels: Mask) -> tuple[str, ...]:
        """Return the zones that pixels of a window at `corner` lie in, the one with most of them first."""
        (x, y), (h, w) = corner, pixels.shape
        return self._zone_map.named(self._zones[y : y + h, x : x + w][pixels])

    def delta_e(self, aligned: Aligned, found: Deviation) -> float | None:
        """Return CIEDE2000 of a region's mean colour to the golden sample's; None if too little is usable."""
        rows, columns = np.nonzero(found.inside)
        pixels = np.column_stack((columns + found.corner[0], rows + found.corner[1])).astype(np.int32)
        there = ColourReference(pixels, mean_light(self.golden, pixels, UNIT_GAIN, self._table))
        difference = there.difference(aligned, self._table)
        return None if difference is None else difference.value

    def colour_reference(self, region: Region) -> ColourReference:
        """Return what a colour region needs of the golden image."""
        return ColourReference.of(self.golden, region, self._table)

    def colour_difference(self, aligned: Aligned, reference: ColourReference) -> ColourDifference | None:
        """Return the region's difference to the golden sample, or None where too little of it is usable."""
        return reference.difference(aligned, self._table)
