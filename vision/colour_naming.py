"""Naming by a detector of crops: each place that the surface comparison found is shown, and bounded alike.

A crop of `models.detector.SIDE` native pixels shows golden image and unit about the place, as prepared pairs
show it to a fit (`hallmark.training.colour`): the unit resampled once into the golden view, its illumination
removed. A deviation that is too long for one crop is divided, so that nothing is dismissed unseen. Sizes are
of the pixels that deviate; the detector's boxes say only which places are one defect.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from golden.catalogue import DefectCatalogue
from kernels.compiled import F32, I64, U8, Mask
from models import CELL, UNCLASSIFIED, Classifier
from models.detector import SIDE, Detector
from models.detector.crops import corners, mirrored
from models.detector.decision import DISMISSED, decide
from vision.answers import finding, groups, one_defect
from vision.findings import graver
from vision.mapping import QuadraticMap
from vision.named import Dismissed, Finding, Named, largest_first
from vision.naming import Namer
from vision.surface import SCALE, Aligned, Deviation, SurfaceComparator

LONGEST_PX: Final = 64
"""Longest side of a place in golden pixels: a crop shows 8 px all round."""

_LONGEST: Final = LONGEST_PX // SCALE  # in the half-resolution view
_MOST: Final = 512  # places that are shown: a unit that deviates everywhere is held anyway
_AT_ONCE: Final = 64  # crops


@dataclass(frozen=True, slots=True, eq=False)
class Place:
    """Pixels of a deviation that one crop shows.

    Attributes:
        deviation: its number among those that were divided.
        box: x1 y1 x2 y2 in whole pixels of the golden image, x2 and y2 exclusive.
        corner: x, y of the first pixel of its window of the half-resolution view.
        inside: (h, w) bool, its pixels in that window.
    """

    deviation: int
    box: tuple[int, int, int, int]
    corner: tuple[int, int]
    inside: Mask


def places(surface: SurfaceComparator, deviations: Sequence[Deviation]) -> list[Place]:
    """Return where deviations that a comparator last found are shown to a detector, in their order.

    In one place each; a longer one in as few equal parts as show all of it that deviates.
    """
    found: list[Place] = []
    for number, d in enumerate(deviations):
        h, w = d.inside.shape
        down, across = math.ceil(h / _LONGEST), math.ceil(w / _LONGEST)
        for i in range(down):
            for j in range(across):
                top, left = i * h // down, j * w // across
                part = d.inside[top : (i + 1) * h // down, left : (j + 1) * w // across]
                x, y = d.corner[0] + left, d.corner[1] + top
                if (part & surface.deviating(x, y, part.shape[1], part.shape[0])).any():
                    found.append(_place(number, (x, y), part))
    return found


def _place(number: int, corner: tuple[int, int], inside: Mask) -> Place:
    """Return the place of the pixels inside a window, which has some."""
    rows, columns = np.flatnonzero(inside.any(axis=1)), np.flatnonzero(inside.any(axis=0))
    x, y = corner[0] + int(columns[0]), corner[1] + int(rows[0])
    inside = inside[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    h, w = inside.shape
    return Place(number, (x * SCALE, y * SCALE, (x + w) * SCALE, (y + h) * SCALE), (x, y), inside)


def namer_for(
    surface: SurfaceComparator,
    golden: U8,
    image: str,
    catalogue: DefectCatalogue,
    model: Classifier | Detector | None,
) -> Namer | CropNamer | None:
    """Return what names the deviations of a view, or None where the model is none for it.

    Args:
        surface: the view's comparator.
        golden: (h, w, 3) uint8 RGB golden image.
        image: digest of its file.
        catalogue: of the golden sample.
        model: a cell classifier, or a detector of three channels; of this image, or a detector of any.
    """
    if model is None or model.golden_image not in (None, image):
        return None
    if not isinstance(model, Detector):
        return Namer(surface, model, catalogue)
    return CropNamer(surface, golden, model, catalogue) if model.channels == 3 else None


class CropNamer:
    """Names the deviations of one view.

    Args:
        surface: the view's comparator, which found them.
        golden: (h, w, 3) uint8 RGB golden image.
        detector: of three channels.
        catalogue: weighs parts of a deviation that have two names.
    """

    def __init__(
        self, surface: SurfaceComparator, golden: U8, detector: Detector, catalogue: DefectCatalogue
    ) -> None:
        """Take what all units share."""
        self._surface, self._golden, self._detector = surface, golden, detector
        self._catalogue = catalogue

    def name(
        self, frame: U8, aligned: Aligned, mapping: QuadraticMap, deviations: Sequence[Deviation]
    ) -> Named:
        """Name the deviations that the comparator last found.

        Of very many the smallest are not shown: they stay unclassified, and no line lets them pass.

        Raises:
            ModelError: the detector fails.
        """
        if not deviations:
            return Named(())
        shown = places(self._surface, deviations)
        last = shown[_MOST].deviation if len(shown) > _MOST else len(deviations)
        shown = [place for place in shown if place.deviation < last]
        unseen = [Finding(UNCLASSIFIED, None, d, "detector") for d in deviations[last:]]
        if not shown:
            return Named(largest_first(unseen))
        probabilities, boxes = self._asked(frame, aligned, mapping, shown)
        said = decide(probabilities, self._detector.operating, self._detector.hold_below)
        whole = np.array([place.deviation for place in shown], np.int64)
        findings: list[Finding] = []
        dismissed: list[Dismissed] = []
        for group in groups(one_defect(whole, said, boxes)):
            region = self._region(aligned, mapping, shown, group)
            if said[group[0]] == DISMISSED:
                dismissed.append(Dismissed(region, float(probabilities[group, 0].min())))
                continue
            one = finding(self._detector.classes, region, probabilities[group], int(said[group[0]]))
            parts = np.flatnonzero(np.isin(whole, whole[group]) & (said != DISMISSED))
            if len(parts) > len(group):
                all_of_it = self._region(aligned, mapping, shown, parts)
                colour = functools.partial(self._surface.delta_e, aligned)
                one = graver(one, all_of_it, self._catalogue, colour)
            findings.append(one)
        cells = self._cells(shown, probabilities)
        return Named(largest_first((*findings, *unseen)), tuple(dismissed), cells)

    def _asked(
        self, frame: U8, aligned: Aligned, mapping: QuadraticMap, shown: Sequence[Place]
    ) -> tuple[F32, I64]:
        """Return probabilities (n, k), and boxes (n, 4) in golden pixels, a place's own for none."""
        shape = self._golden.shape
        own = np.array([place.box for place in shown], np.int64)
        at = corners(own, shape)
        golden = np.empty((_AT_ONCE, SIDE, SIDE, 3), np.uint8)
        unit = np.empty_like(golden)
        told: list[F32] = []
        bounded: list[F32] = []
        for start in range(0, len(at), _AT_ONCE):
            some = at[start : start + _AT_ONCE]
            for k, (x, y) in enumerate(some.tolist()):
                columns, rows = mirrored(x, shape[1]), mirrored(y, shape[0])
                golden[k] = self._golden.take(rows, axis=0).take(columns, axis=1)
                unit[k] = self._surface.seen(frame, aligned, mapping, columns, rows)
            n = len(some)
            found = self._detector.find(golden[:n], unit[:n], np.zeros(n, np.int64))
            told.append(found.probabilities)
            bounded.append(found.boxes)
        boxes = np.concatenate(bounded) + np.concatenate((at, at), axis=1)
        boxes = np.clip(np.round(boxes), 0, (shape[1], shape[0], shape[1], shape[0]))
        real = (boxes[:, 2:] > boxes[:, :2]).all(axis=1, keepdims=True)
        return np.concatenate(told), np.where(real, boxes, own).astype(np.int64)

    def _region(
        self, aligned: Aligned, mapping: QuadraticMap, shown: Sequence[Place], members: I64
    ) -> Deviation:
        """Return some places as one region, measured by their pixels."""
        numbers: list[int] = members.tolist()
        parts = [shown[k] for k in numbers]
        left, top = (min(part.corner[axis] for part in parts) for axis in (0, 1))
        right = max(part.corner[0] + part.inside.shape[1] for part in parts)
        bottom = max(part.corner[1] + part.inside.shape[0] for part in parts)
        inside = np.zeros((bottom - top, right - left), np.bool_)
        for part in parts:
            (x, y), (h, w) = part.corner, part.inside.shape
            inside[y - top : y - top + h, x - left : x - left + w] |= part.inside
        deviates = inside & self._surface.deviating(left, top, right - left, bottom - top)
        return self._surface.region(aligned, mapping, (left, top), inside, deviates)

    def _cells(self, shown: Sequence[Place], probabilities: F32) -> F32:
        """Return what was said of each place in the cells of its box, elsewhere NaN; the surest stands."""
        height, width = self._golden.shape[:2]
        cells = np.full((-(-height // CELL), -(-width // CELL), probabilities.shape[1]), np.nan, np.float32)
        order: list[int] = np.argsort(-probabilities[:, 0]).tolist()
        for k in order:
            x1, y1, x2, y2 = shown[k].box
            cells[y1 // CELL : -(-y2 // CELL), x1 // CELL : -(-x2 // CELL)] = probabilities[k]
        return cells
