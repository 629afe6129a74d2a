# pyright: reportUnknownMemberType=false
"""Naming: what the comparison found is shown to the classifier, whose answers become regions with a class.

The classifier sees crops that cover all deviations and answers with class probabilities for each cell of
4 x 4 golden pixels. Cells that are likelier a defect than not form regions, one for each class; the pixels
that deviate there say how large each is, the golden image's islands of conductor whether it joins or parts
any. A deviation outside them is dismissed if the classifier is sure that it is no defect, and stays
unclassified otherwise: nothing that deviates disappears without its word.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from evidence import NamedBy
from golden.catalogue import DefectCatalogue
from kernels.compiled import F32, I64, U8, Mask
from models import CELL, CROP, JOINED, PARTED, UNCLASSIFIED, Classifier
from vision.findings import graver
from vision.mapping import QuadraticMap
from vision.named import Dismissed, Finding, Named, largest_first
from vision.surface import SCALE, Aligned, Deviation, SurfaceComparator
from vision.topology import joins, parts

_CORE = 160  # pixels at a crop's middle in which a deviation has enough surroundings to be judged
_STEP = CELL // SCALE  # pixels of the half-resolution view in a cell
_OWN_SHARE = 0.2  # of a region's cells that a second class must hold to be a defect of its own
_SEEN_SHARE = 0.3  # of a region's pixels that deviate: with less, its cells say how large it is
# foreign matter beside solder may be solder, an absent feature beside missing material more of it
_ALIKE = {JOINED: {*JOINED, "contamination"}, PARTED: {*PARTED, "missing_feature"}}
_AT_ONCE = 32  # crops, which bounds the memory of a unit that deviates everywhere


@dataclass(frozen=True, slots=True, eq=False)
class _Region:
    """Cells, 1 in (rows, columns) uint8, that are one defect, and what it is."""

    defect_class: str
    confidence: float
    named_by: NamedBy
    second: tuple[str, float] | None
    score: float
    where: U8


@dataclass(frozen=True, slots=True, eq=False)
class _Part:
    """A region that was named or left unclassified, and the deviations, by their numbers, that it is part of.

    One without a finding is too small to be reported.
    """

    region: Deviation
    finding: Finding | None
    of: tuple[int, ...]


def unnamed(deviations: Sequence[Deviation]) -> Named:
    """Return deviations as they are, without a classifier."""
    return Named(tuple(Finding(UNCLASSIFIED, None, d, "comparison") for d in deviations))


class Namer:
    """Names the deviations of one view.

    Args:
        surface: the view's comparator, which found them.
        classifier: the model.
        catalogue: weighs parts of a deviation that have two names; smaller regions than its smallest are
            not reported.
    """

    def __init__(
        self, surface: SurfaceComparator, classifier: Classifier, catalogue: DefectCatalogue
    ) -> None:
        """Take what all units share."""
        self._surface, self._classifier, self._catalogue = surface, classifier, catalogue
        self._smallest_mm = catalogue.smallest_mm
        height, width = surface.golden.shape[:2]
        self._rows, self._columns = -(-height // _STEP), -(-width // _STEP)
        self._taper = _taper()
        self._cell_mm = surface.mm_per_px * CELL
        self._reach = max(round(self._smallest_mm / self._cell_mm), 1)
        classes = classifier.classes
        self._pairs = [
            (classes.index(one) - 1, classes.index(other) - 1)
            for one, other in (JOINED, PARTED) if one in classes and other in classes
        ]  # fmt: skip

    def name(
        self, frame: U8, aligned: Aligned, mapping: QuadraticMap, deviations: Sequence[Deviation]
    ) -> Named:
        """Name the deviations that the comparator last found.

        Raises:
            ValueError: the classifier answers in another shape than its contract says.
        """
        if not deviations:
            return Named(())
        corners = _covering(deviations)
        answers = [
            self._classifier.probabilities(*self._surface.crops(frame, aligned, mapping, some))
            for some in (corners[i : i + _AT_ONCE] for i in range(0, len(corners), _AT_ONCE))
        ]
        cells = self._cells(corners, np.concatenate(answers))
        boxes = _boxes(deviations)
        parts: list[_Part] = []
        held = np.zeros((self._rows, self._columns), np.uint8)
        for r in self._regions(cells):
            region = self._sized(aligned, mapping, r.where)
            if region is None:
                continue
            found = None
            if region.size_mm >= self._smallest_mm:
                found = Finding(r.defect_class, r.confidence, region, r.named_by, r.score, r.second)
                held |= r.where
            parts.append(_Part(region, found, _reached(r.where, deviations, boxes)))
        rest, dismissed = self._rest(aligned, mapping, cells, held, deviations)
        findings = self._weighed(aligned, mapping, [*parts, *rest], dismissed, deviations)
        return Named(largest_first(findings), tuple(one for _, one in dismissed), cells)

    def _cells(self, corners: I64, probabilities: F32) -> F32:
        """Return (rows, columns, k) probabilities, crops averaged; elsewhere NaN, which dismisses nothing."""
        n, side, k = len(corners), CROP // CELL, len(self._classifier.classes)
        if probabilities.shape != (n, side, side, k):
            raise ValueError(f"the classifier answered {probabilities.shape}, not {(n, side, side, k)}")
        total = np.zeros((self._rows, self._columns, k), np.float32)
        weight = np.zeros((self._rows, self._columns), np.float32)
        for (x, y), crop in zip((corners // CELL).tolist(), probabilities, strict=True):
            top, left = max(y, 0), max(x, 0)
            bottom, right = min(y + side, self._rows), min(x + side, self._columns)
            part = np.s_[top - y : bottom - y, left - x : right - x]
            total[top:bottom, left:right] += crop[part] * self._taper[part][..., None]
            weight[top:bottom, left:right] += self._taper[part]
        unseen = weight == 0
        total[unseen], weight[unseen] = np.nan, 1.0
        return total / weight[..., None]

    def _regions(self, cells: F32) -> list[_Region]:
        """Return each region likelier a defect than not, divided among its classes.

        Cells nearer to each other than the smallest defect that is reported belong together.
        """
        suspect = (cells[..., 0] < 0.5).astype(np.uint8)
        together = cv2.dilate(suspect, np.ones((self._reach, self._reach), np.uint8))
        count, labels, stats, _ = cv2.connectedComponentsWithStats(together, connectivity=8)
        regions: list[_Region] = []
        for label in range(1, count):
            x, y, w, h, _ = (int(n) for n in stats[label])
            at = np.s_[y : y + h, x : x + w]
            inside: Mask = (labels[at] == label) & (suspect[at] > 0)
            shares = self._merged(cells[at][inside][:, 1:])
            places = np.column_stack(np.nonzero(inside))
            for c, members, confidence in self._split(shares, places):
                chosen = np.zeros(inside.shape, np.uint8)
                chosen[inside] = members
                name, named_by = UNCLASSIFIED, "classifier"
                if confidence >= self._classifier.hold_below:
                    said = self._classifier.classes[c + 1]
                    name = self._by_islands(said, (x, y), chosen, cells[at])
                    named_by = "classifier" if name == said else "islands"
                where = np.zeros((self._rows, self._columns), np.uint8)
                where[at] = chosen
                score = float(1 - cells[at][chosen > 0, 0].mean())
                second = self._second(shares[members], c)
                regions.append(_Region(name, confidence, named_by, second, score, where))
        return regions

    def _second(self, shares: F32, first: int) -> tuple[str, float] | None:
        """Return the next likeliest class of a region's cells (n, k - 1), or None if there is no other."""
        means = shares.mean(axis=0)
        means[first] = -1.0
        c = int(means.argmax())
        return (self._classifier.classes[c + 1], float(means[c])) if means[c] > 0 else None

    def _split(self, shares: F32, places: I64) -> list[tuple[int, Mask, float]]:
        """Divide a region's cells (n, k - 1) at (n, 2) among its classes: class, (n,) members, confidence.

        A class has a region of its own where it is sure and holds much of the cells, or reaches as far as the
        smallest defect that is reported; the other cells follow the likeliest of these. If none is sure, the
        one with the most cells takes all.
        """
        best = shares.argmax(axis=1)
        own: list[tuple[int, float]] = []
        for c in np.unique(best).tolist():
            mine = best == c
            sure = float(shares[mine, c].mean())
            extent = float(np.hypot(*(np.ptp(places[mine], axis=0) + 1))) * self._cell_mm
            large = mine.sum() >= _OWN_SHARE * len(best) or extent >= self._smallest_mm
            if large and sure >= self._classifier.hold_below:
                own.append((c, sure))
        if not own:
            c = int(np.bincount(best).argmax())
            return [(c, np.ones(len(best), np.bool_), float(shares[best == c, c].mean()))]
        classes = np.array([c for c, _ in own])
        chosen = classes[shares[:, classes].argmax(axis=1)]
        return [(c, chosen == c, sure) for c, sure in own if (chosen == c).any()]

    def _merged(self, shares: F32) -> F32:
        """Return (n, k - 1) probabilities in which classes that the islands tell apart are one."""
        if self._classifier.islands is None:
            return shares
        shares = shares.copy()
        for one, other in self._pairs:
            shares[:, one] += shares[:, other]
            shares[:, other] = 0
        return shares

    def _by_islands(self, name: str, corner: tuple[int, int], chosen: U8, cells: F32) -> str:
        """Return the class by what a region's cells, in a window at `corner`, do to the islands.

        Cells of other classes count where they are likelier such material (or such a gap) than not.
        """
        islands = self._classifier.islands
        pair = next((p for p in (JOINED, PARTED) if name == p[0]), None)
        if islands is None or pair is None:
            return name
        alike = [c for c, n in enumerate(self._classifier.classes) if n in _ALIKE[pair]]
        may_be: U8 = (cells[..., alike].sum(axis=2) >= 0.5).astype(np.uint8)
        may_be |= chosen
        _, labels, _, _ = cv2.connectedComponentsWithStats(may_be, connectivity=8)
        reached: Mask = np.isin(labels, labels[chosen > 0])
        at = corner[0] * _STEP, corner[1] * _STEP
        region: Mask = reached.repeat(_STEP, axis=0).repeat(_STEP, axis=1)
        region = region[: islands.shape[0] - at[1], : islands.shape[1] - at[0]]
        return pair[(joins if pair is JOINED else parts)(islands, at, region)]

    def _sized(self, aligned: Aligned, mapping: QuadraticMap, where: U8) -> Deviation | None:
        """Return the region that cells hold, sized by the pixels that deviate there, None outside zones."""
        x, y, w, h = (int(n) for n in cv2.boundingRect(where))
        height, width = self._surface.golden.shape[:2]
        left, top = max(x - 1, 0) * _STEP, max(y - 1, 0) * _STEP
        right, bottom = min((x + w + 1) * _STEP, width), min((y + h + 1) * _STEP, height)
        near = np.asarray(cv2.dilate(where, np.ones((3, 3), np.uint8)), np.uint8)
        window = np.s_[top:bottom, left:right]
        judged = self._surface.judged(left, top, right - left, bottom - top)
        solid = _pixels(where, window) & judged
        inside = self._surface.deviating(left, top, right - left, bottom - top) & _pixels(near, window)
        if inside.sum() < _SEEN_SHARE * solid.sum():
            inside = solid
        if not inside.any():
            return None
        region = self._surface.region(aligned, mapping, (left, top), inside, inside)
        return region if region.zones else None

    def _rest(
        self,
        aligned: Aligned,
        mapping: QuadraticMap,
        cells: F32,
        held: U8,
        deviations: Sequence[Deviation],
    ) -> tuple[list[_Part], list[tuple[int, Dismissed]]]:
        """Return what no region holds and the classifier does not dismiss; what it does, with whose it is."""
        near = np.asarray(cv2.dilate(held, np.ones((3, 3), np.uint8)), np.uint8)
        rest: list[_Part] = []
        dismissed: list[tuple[int, Dismissed]] = []
        apart = ((k, p) for k, d in enumerate(deviations) for p in self._apart(aligned, mapping, near, d))
        for number, part in apart:
            none = self._is_none(cells, part)
            if none >= self._classifier.dismiss_from:
                dismissed.append((number, Dismissed(part, none)))
            else:
                score = None if np.isnan(none) else 1 - none
                found = Finding(UNCLASSIFIED, None, part, "classifier", score)
                rest.append(_Part(part, found, (number,)))
        return rest, dismissed

    def _apart(self, aligned: Aligned, mapping: QuadraticMap, near: U8, d: Deviation) -> list[Deviation]:
        """Return what no region holds of a deviation: all of it, or its parts that are not too small.

        One that no region holds half of is never too small: all of it is judged then.
        """
        (x, y), (h, w) = d.corner, map(int, d.inside.shape)
        rows = np.arange(y, y + h, dtype=np.int64) // _STEP
        columns = np.arange(x, x + w, dtype=np.int64) // _STEP
        alone: Mask = d.inside & (near[rows[:, None], columns] == 0)
        if alone.sum() == d.inside.sum():
            return [d]
        count, labels, stats, _ = cv2.connectedComponentsWithStats(alone.astype(np.uint8), connectivity=8)
        parts: list[Deviation] = []
        for label in range(1, count):
            left, top, width, height, _ = (int(n) for n in stats[label])
            left, top = x + left, y + top
            inside = labels[top - y : top - y + height, left - x : left - x + width] == label
            deviates = inside & self._surface.deviating(left, top, width, height)
            parts.append(self._surface.region(aligned, mapping, (left, top), inside, deviates))
        parts = [p for p in parts if p.zones and p.size_mm >= self._smallest_mm]
        return parts or ([d] if 2 * alone.sum() >= d.inside.sum() else [])

    def _weighed(
        self,
        aligned: Aligned,
        mapping: QuadraticMap,
        parts: Sequence[_Part],
        dismissed: Sequence[tuple[int, Dismissed]],
        deviations: Sequence[Deviation],
    ) -> list[Finding]:
        """Return what is reported: each part, or with all parts of its deviations where that is graver."""
        of_deviation: dict[int, list[_Part]] = {}
        for part in parts:
            for number in part.of:
                of_deviation.setdefault(number, []).append(part)
        shared = {
            number: _named_of(
                deviations[number],
                [part.region for part in some if part.finding is not None],
                [part.region for part in some if part.finding is None],
                [one.region for k, one in dismissed if k == number],
            )
            for number, some in of_deviation.items() if len(some) > 1
        }  # fmt: skip
        colour = functools.partial(self._surface.delta_e, aligned)
        findings: list[Finding] = []
        for found, of in ((part.finding, part.of) for part in parts):
            if found is None:
                continue
            own = found.region
            beside = [(deviations[k].corner, shared[k]) for k in of if k in shared]
            corner, inside = _together([(own.corner, own.inside), *beside])
            if np.count_nonzero(inside) == np.count_nonzero(own.inside):
                findings.append(found)
                continue
            whole = self._surface.region(aligned, mapping, corner, inside, inside)
            findings.append(graver(found, whole, self._catalogue, colour))
        return findings

    def _is_none(self, cells: F32, d: Deviation) -> float:
        """Return how probable it is that a deviation is no defect; NaN where that was not asked."""
        rows, columns = _cells_of(d)
        return float(cells[rows, columns, 0].mean())


def _pixels(cells: U8, window: tuple[slice, slice]) -> Mask:
    """Return a window of the half-resolution view in which each pixel has its cell's value."""
    rows, columns = window
    part = cells[
        rows.start // _STEP : -(-rows.stop // _STEP), columns.start // _STEP : -(-columns.stop // _STEP)
    ]
    whole = part.repeat(_STEP, axis=0).repeat(_STEP, axis=1)
    return whole[: rows.stop - rows.start, : columns.stop - columns.start] > 0


def _boxes(deviations: Sequence[Deviation]) -> I64:
    """Return x1, y1, x2, y2 (n, 4) of deviations in the half-resolution view, x2 and y2 exclusive."""
    corners = np.array([d.corner for d in deviations], np.int64)
    sides = np.array([d.inside.shape[::-1] for d in deviations], np.int64)
    return np.concatenate((corners, corners + sides), axis=1)


def _reached(where: U8, deviations: Sequence[Deviation], boxes: I64) -> tuple[int, ...]:
    """Return the numbers of the deviations, bounded by `_boxes`, of which cells hold any pixel."""
    x, y, w, h = (int(n) * _STEP for n in cv2.boundingRect(where))
    meets = (boxes[:, :2] < (x + w, y + h)).all(axis=1) & (boxes[:, 2:] > (x, y)).all(axis=1)
    numbers: list[int] = np.flatnonzero(meets).tolist()
    return tuple(k for k in numbers if where[_cells_of(deviations[k])].any())


def _cells_of(d: Deviation) -> tuple[I64, I64]:
    """Return rows and columns of the cells of a deviation's pixels, one of each pixel."""
    rows, columns = np.nonzero(d.inside)
    return (rows + d.corner[1]) // _STEP, (columns + d.corner[0]) // _STEP


def _named_of(
    d: Deviation, reported: Sequence[Deviation], small: Sequence[Deviation], dismissed: Sequence[Deviation]
) -> Mask:
    """Return which pixels of a deviation's window are its own and named.

    What is dismissed takes from small parts alone: it may be all of a deviation that holds reported ones.
    """
    named = np.zeros_like(d.inside)
    for regions, value in ((small, True), (dismissed, False), (reported, True)):
        for region in regions:
            here, there = _shared(d, region)
            named[here][region.inside[there]] = value
    return named & d.inside


def _shared(d: Deviation, other: Deviation) -> tuple[tuple[slice, slice], tuple[slice, slice]]:
    """Return the common pixels of two windows in each of them; empty slices where there are none."""
    (x, y), (h, w) = d.corner, d.inside.shape
    (u, v), (m, n) = other.corner, other.inside.shape
    top, left = max(y, v), max(x, u)
    bottom, right = max(min(y + h, v + m), top), max(min(x + w, u + n), left)
    here = np.s_[top - y : bottom - y, left - x : right - x]
    there = np.s_[top - v : bottom - v, left - u : right - u]
    return here, there


def _together(masks: Sequence[tuple[tuple[int, int], Mask]]) -> tuple[tuple[int, int], Mask]:
    """Return masks, each with the corner x, y of its window, as one."""
    if len(masks) == 1:
        return masks[0]
    left, top = (min(corner[axis] for corner, _ in masks) for axis in (0, 1))
    right = max(x + mask.shape[1] for (x, _), mask in masks)
    bottom = max(y + mask.shape[0] for (_, y), mask in masks)
    inside = np.zeros((bottom - top, right - left), np.bool_)
    for (x, y), mask in masks:
        h, w = mask.shape
        inside[y - top : y - top + h, x - left : x - left + w] |= mask
    return (left, top), inside


def _taper() -> F32:
    """Return how much each cell of a crop counts: least at its border, where it sees little around it."""
    n = CROP // CELL
    ramp = np.minimum(np.arange(n) + 1, np.arange(n)[::-1] + 1) / (n / 2)
    return np.minimum(ramp[:, None], ramp[None, :]).astype(np.float32)


def _covering(deviations: Sequence[Deviation]) -> I64:
    """Return corners (n, 2) of crops that have each deviation in their cores, on whole cells.

    A deviation that fits is centred in a crop, unless the core of an earlier crop holds it already; a larger
    one is tiled.
    """
    corners: list[tuple[int, int]] = []
    margin = (CROP - _CORE) // 2
    for d in deviations:
        x, y, w, h = d.golden_px
        for cx in _centres(x, w):
            for cy in _centres(y, h):
                left, top = cx - min(w, _CORE) / 2, cy - min(h, _CORE) / 2
                right, bottom = cx + min(w, _CORE) / 2, cy + min(h, _CORE) / 2
                if not any(
                    a + margin <= left and right <= a + CROP - margin
                    and b + margin <= top and bottom <= b + CROP - margin
                    for a, b in corners
                ):  # fmt: skip
                    corners.append((_on_cell(cx - CROP / 2), _on_cell(cy - CROP / 2)))
    return np.array(corners, np.int64).reshape(-1, 2)


def _centres(start: float, length: float) -> list[float]:
    parts = max(int(np.ceil(length / _CORE)), 1)
    return [start + length * (i + 0.5) / parts for i in range(parts)]


def _on_cell(value: float) -> int:
    return round(value / CELL) * CELL
