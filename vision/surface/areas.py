# pyright: reportUnknownMemberType=false
"""Areas: means over squares, which show what is too faint for a single pixel's tolerance.

The mean of n pixels has 1/sqrt(n) of their noise and little of their texture, so that what limits it is what
the model of a good unit leaves over. Brightness and two differences of channels (opponent colours) are
compared: a lamp moves the first, hardly the others. A square may differ by what the golden image's structure
becomes when it lies a pixel elsewhere or is a pixel wider, and by a floor; a unit whose calm places differ
more from the golden image than a capture does (another sheen, another polish) is compared by its own spread,
as a detector of constant false-alarm rate does (Rohling 1983, doi:10.1109/TAES.1983.309350).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

import cv2
import numpy as np

from kernels.areas import (
    BLOCK,
    CELL,
    block_ratios,
    cell_means,
    exceeding,
    magnitudes,
    opponent_differences,
)
from kernels.comparison import BENT, BENT_CODES, CODE_OFFSET, relight
from kernels.compiled import F32, F64, I32, U8, Mask
from kernels.quadratic import middle_of_positive, padded, robust_quadratic
from vision.surface.aligned import Aligned
from vision.surface.candidates import Candidate
from vision.surface.interval import Interval, learned_interval
from vision.surface.sampling import middles
from vision.surface.tally import Spread

_FLOOR = np.array([7.0, 3.0, 3.0], np.float32)  # codes; good captures of the twin reach 2.8, 1.2 and 1.0
_TEXTURE = np.array([24.0, 12.0, 12.0], np.float32)  # codes: fine structure of less is texture
_SPREADS = 8.6  # medians of a unit's own differences: 5.8 standard deviations of normal ones
_EVERY = 3  # calm squares, of which one tells a unit's spread
_FEWEST = 12  # blocks or squares that tell something of a whole unit
_SMOOTHED = 5  # pixels over which an outline is taken
_NEAR = 4  # pixels around a region that its blur and the smoothing reach
_OPPONENT = np.array([[1 / 3, 1 / 3, 1 / 3], [1, 0, -1], [-0.5, 1, -0.5]], np.float32)
"""Brightness, red minus blue, green minus both, of RGB codes."""


class AreaChannel:
    """Compares means over squares; what does not depend on the unit is computed here.

    Args:
        golden: (h, w, 3) uint8 golden codes at half resolution.
        judged: (h, w) uint8, 0 where the surface is not inspected.
        reach: pixels that an edge may lie elsewhere.
    """

    def __init__(self, golden: U8, judged: U8, reach: int) -> None:
        """Take the golden image's means and what they may become."""
        self._golden_codes, self._foreseen_width = golden, _allowed(golden, reach)
        self._golden, self._width = golden.astype(np.float32), self._foreseen_width
        self._mean, self._middle = _cells(self._golden), np.zeros_like(self._width)
        self._judged = _whole(judged)
        typical = np.median(self._width[self._judged, 0]) if self._judged.any() else 0.0
        calm = self._judged & (self._width[..., 0] <= typical)
        self._sample = np.flatnonzero(calm)[::_EVERY].astype(np.int32)
        self._calm = np.zeros(self._mean.shape[:2], np.float32)
        self._calm[:-1, :-1] = calm
        counts = _blocks(self._calm)
        self._known = np.flatnonzero(counts > 0).astype(np.int32)
        self._places = padded(_middles_of_blocks(self._known, counts.shape[1], self._mean.shape))
        rows, columns = self._mean.shape[:2]
        self._cells = np.empty((3, rows, columns), np.float32)
        self._ratios = np.zeros((3, self._places.shape[1]))
        self._found = np.empty((3, rows - 1, columns - 1), np.float32)
        self._over = np.empty((rows - 1, columns - 1), np.float32)
        self._sampled = np.empty(len(self._sample), np.float32)
        self._lay_out()

    def _lay_out(self) -> None:
        """Lay out for the kernels what units are compared with, one plane for each channel."""
        self._planes = np.ascontiguousarray(np.moveaxis(self._mean, 2, 0)) + np.float32(CODE_OFFSET)
        self._allowed = np.ascontiguousarray(np.moveaxis(self._width, 2, 0))
        self._allowed_middle = np.ascontiguousarray(np.moveaxis(self._middle, 2, 0))
        counts = _blocks(self._calm) * BLOCK**2
        each = np.zeros_like(self._calm)
        rows, columns = (n * BLOCK for n in counts.shape)
        each[:rows, :columns] = 1 / np.maximum(counts, 1).repeat(BLOCK, axis=0).repeat(BLOCK, axis=1)
        self._shares = np.asarray(self._calm * each / self._planes, np.float32)

    def learn(self, foreseen: Interval, units: Spread, count: int, foreseen_only: Mask) -> None:
        """Compare from now on with the mean of approved units.

        A square may differ by more than before by two things: towards the golden sample by how far that lies
        from the mean, since a unit like it is never wrong, and, where units vary more than foreseen, by how
        much farther from their mean the pixels of the next one may lie. The latter is taken as if the pixels
        of a square varied together: sums of single pixels do not tell whether they do, and noise that is each
        pixel's own would need less. What was learned before is forgotten.

        Args:
            foreseen: interval of the golden image alone.
            units: mean and variance of the units.
            count: how many they are, the one set aside included.
            foreseen_only: (h, w) bool, where the golden image alone stays the measure.
        """
        golden = self._golden_codes.astype(np.float32)
        moved = np.asarray((units.mean - golden) * ~foreseen_only[..., None], np.float32)
        more = _squares(_cells(_farther(foreseen, units, count, foreseen_only)))
        self._golden = np.asarray(golden + moved, np.float32)
        self._mean = _cells(self._golden)
        own = cv2.transform(_squares(_cells(moved)), _OPPONENT)
        self._middle = np.asarray(-own / 2, np.float32)
        self._width = np.asarray(self._foreseen_width + np.abs(self._middle) + more, np.float32)
        self._lay_out()

    def excess(self, aligned: Aligned) -> U8:
        """Return (h, w) uint8: by how many codes the mean around a pixel exceeds what is tolerated.

        0 where nothing does. The pixels of a deviation are those that have, smoothed, more than half of the
        difference that its squares have.
        """
        out = np.zeros(self._golden.shape[:2], np.uint8)
        cell_means(aligned.pixels, self._cells)
        lamp = self._lamp(aligned.gain)
        opponent_differences(self._cells, aligned.gain, lamp, self._planes, self._found)
        judged = self._judged if aligned.shown is None else self._judged & _whole(aligned.shown)
        allowed = self._allowed_middle, self._allowed, self._tolerated()
        if exceeding(self._found, *allowed, judged.view(np.uint8), self._over) > 0:
            self._outline(aligned, lamp, out)
        return out

    def _lamp(self, gain: F64) -> F64:
        """Return the smooth part of unit over golden image, less one, in each channel: the lamp's colour.

        (3, 6) quadratics on u, v in -1..1 over the cells.
        """
        lamp = np.zeros((3, 6))
        if len(self._known) >= _FEWEST:
            block_ratios(self._cells, gain, self._shares, self._known, self._ratios)
            for channel, ratios in enumerate(self._ratios):
                lamp[channel] = robust_quadratic(self._places, ratios, len(self._known), True)[0]
        return lamp

    def _tolerated(self) -> F32:
        """Return how much the squares' differences may differ by, beside their structure."""
        if len(self._sample) < _FEWEST:
            return _FLOOR
        spreads = np.empty(3, np.float32)
        for k, plane in enumerate(self._found):
            magnitudes(plane.reshape(-1), self._sample, self._sampled)
            spreads[k] = middle_of_positive(self._sampled)
        return np.maximum(_FLOOR, np.float32(_SPREADS) * spreads)

    def _outline(self, aligned: Aligned, lamp: F64, out: U8) -> None:
        """Write the excess of squares to the pixels that have more than half of their difference."""
        over = self._over
        x, y, w, h = cv2.boundingRect((over > 0).astype(np.uint8))
        rows, columns = self._mean.shape[:2]
        top, left = max(y - 1, 0), max(x - 1, 0)
        bottom, right = min(y + h + 2, rows), min(x + w + 2, columns)
        most = np.zeros((bottom - top, right - left), np.float32)
        whose = np.zeros((*most.shape, 3), np.float32)
        padded = np.pad(over, ((2, 2), (2, 2)))
        differs = np.pad(np.moveaxis(self._found, 0, 2), ((2, 2), (2, 2), (0, 0)))
        for dy in range(4):  # squares that hold a cell or touch it
            for dx in range(4):
                at = np.s_[top + dy : bottom + dy, left + dx : right + dx]
                better = padded[at] > most
                most[better] = padded[at][better]
                whose[better] = differs[at][better]
        window = np.s_[top * CELL : bottom * CELL, left * CELL : right * CELL]
        u, v = 2 * (np.arange(left, right) + 0.5) / columns - 1, 2 * (np.arange(top, bottom) + 0.5) / rows - 1
        codes = (_smooth(lamp, u, v) * self._planes[:, top:bottom, left:right]).astype(np.float32)
        share = self._share(aligned, window, np.ascontiguousarray(np.moveaxis(codes, 0, 2)), whose)
        codes = np.clip(np.ceil(_each_pixel(most)), 0, 255).astype(np.uint8)
        flagged = np.pad((over > 0).astype(np.uint8), ((1, 1), (1, 1)))
        flagged = flagged[:-1, :-1] | flagged[:-1, 1:] | flagged[1:, :-1] | flagged[1:, 1:]  # their cells
        of_square = _each_pixel(flagged[top:bottom, left:right].astype(np.float32)) > 0
        out[window] = np.where(_reaching((share > 0.5) & (codes > 0), of_square), codes, 0)

    def _share(self, aligned: Aligned, window: tuple[slice, slice], lamp: F32, whose: F32) -> F32:
        """Return how much of its cell's difference, `whose` (rows, columns, 3), each pixel has."""
        height, width = self._golden.shape[:2]
        seen = np.ascontiguousarray(aligned.pixels[window])
        relit = np.empty_like(seen)
        relight(seen, aligned.gain, middles(width)[window[1]], middles(height)[window[0]], relit)
        differs = relit - self._golden[window] - _each_pixel(lamp)
        smooth = cv2.transform(cv2.blur(differs, (_SMOOTHED, _SMOOTHED)), _OPPONENT / _FLOOR[:, None])
        pattern = whose / _FLOOR
        power = np.maximum((pattern * pattern).sum(axis=2), np.float32(1e-6))
        share = (smooth * _each_pixel(pattern)).sum(axis=2) / _each_pixel(power)
        most = cv2.dilate(share, np.ones((2 * CELL + 1, 2 * CELL + 1), np.uint8))
        return share / np.maximum(most, 1)  # of what is smaller than a square, the most is more than the mean


def unexplained(areas: U8, found: Iterable[Candidate]) -> U8:
    """Return the areas (h, w) without those that regions of single pixels explain.

    A square's mean exceeds what is tolerated beside a strong scratch, too, whose own pixels show better how
    large it is. An area remains where it goes on beyond the regions that were found.
    """
    left_over = np.zeros_like(areas)
    x, y, w, h = (int(n) for n in cv2.boundingRect(areas))
    if w == 0:
        return left_over
    near = np.zeros(areas.shape, np.uint8)
    for c in found:
        (left, top), (rows, columns) = c.corner, c.inside.shape
        near[top : top + rows, left : left + columns] |= c.inside
    left, top = max(x - _NEAR, 0), max(y - _NEAR, 0)
    square = np.ones((2 * _NEAR + 1, 2 * _NEAR + 1), np.uint8)
    near = np.asarray(cv2.dilate(near[top : y + h + _NEAR, left : x + w + _NEAR], square), np.uint8)
    apart = near[y - top : y - top + h, x - left : x - left + w] == 0
    within = np.s_[y : y + h, x : x + w]
    left_over[within] = areas[within] * _reaching(areas[within] > 0, apart)
    return left_over


def _reaching(mask: Mask, place: Mask) -> Mask:
    """Return the connected parts of a mask that have a pixel in a place."""
    found = cv2.connectedComponents(mask.astype(np.uint8), connectivity=8)
    labels = np.asarray(found[1], np.intp)
    reaches = np.zeros(found[0], np.bool_)
    reaches[labels[mask & place]] = True
    return reaches[labels]


def _farther(foreseen: Interval, units: Spread, count: int, foreseen_only: Mask) -> F32:
    """Return (h, w, 1) codes by which the next unit may lie farther from the units' mean than foreseen.

    Intervals pool variances over squares: as multiples of the foreseen ones, where a calm place's noise
    counts for many codes at an edge beside it, or as they are, where an edge's counts for the calm place.
    The narrower holds.
    """
    low, high = foreseen.bounds
    half_width = (high - low) / 2
    grey = np.full_like(foreseen.low, 128)
    even = Interval(grey, grey, np.full_like(foreseen.tolerance, foreseen.tolerance.min()))
    reaches: list[F32] = []
    for prior in (foreseen, even):
        least, greatest = prior.bounds
        middle = np.asarray((least + greatest) / 2, np.float32)
        still = replace(units, mean=middle)  # where the mean lies is no variation
        least, greatest = learned_interval(prior, still, count, foreseen_only).bounds
        reaches.append(np.asarray((greatest - least) / 2, np.float32))
    farther = np.minimum(*reaches) - half_width
    return np.asarray(np.maximum(farther, 0).max(axis=2, keepdims=True), np.float32)


def _allowed(golden: U8, reach: int) -> F32:
    """Return by how much the means of squares may change, (rows, columns, 3) opponent codes.

    What edges do that lie `reach` pixels elsewhere, each by itself or all together. Texture is left out,
    since its lines add up to nothing over a square: it is what a median takes away and is faint.
    """
    kernel = np.ones((2 * reach + 1, 2 * reach + 1), np.uint8)
    codes = np.asarray(cv2.transform(golden.astype(np.float32), _OPPONENT), np.float32)
    calm = np.dstack([cv2.medianBlur(np.ascontiguousarray(golden[..., c]), 5) for c in range(3)])
    edges = np.asarray(cv2.transform(calm.astype(np.float32), _OPPONENT), np.float32)
    wider = np.maximum(_squares(_cells(cv2.dilate(edges, kernel) - edges)), 0)
    thinner = np.maximum(_squares(_cells(edges - cv2.erode(edges, kernel))), 0)
    lines = np.maximum(np.abs(codes - edges) - _TEXTURE, 0)
    fine = _squares(_cells(np.asarray(lines, np.float32)))
    means = np.asarray(cv2.blur(codes, (2 * CELL, 2 * CELL)), np.float32)
    moved = np.maximum(cv2.dilate(means, kernel) - means, means - cv2.erode(means, kernel))
    rows, columns = wider.shape[:2]
    moved = moved[CELL : CELL * rows + 1 : CELL, CELL : CELL * columns + 1 : CELL]
    most = np.asarray(np.maximum(np.maximum(wider, thinner) + fine, moved), np.float32)
    bent = np.asarray((golden >= BENT).any(axis=2, keepdims=True), np.float32)
    return np.asarray(most + np.float32(BENT_CODES) * _squares(_cells(bent)), np.float32)


def _cells(image: F32) -> F32:
    """Return the means over cells of (h, w, k), (h // CELL, w // CELL, k); what is beyond is left out."""
    rows, columns = (n // CELL for n in image.shape[:2])
    cut = image[: rows * CELL, : columns * CELL]
    means = np.asarray(cv2.resize(cut, (columns, rows), interpolation=cv2.INTER_AREA), np.float32)
    return means.reshape(rows, columns, -1)


def _squares(cells: F32) -> F32:
    """Return the means over squares of 2 x 2 cells, one for each cell but the last of each axis."""
    down = cells[:-1] + cells[1:]
    return np.asarray((down[:, :-1] + down[:, 1:]) * np.float32(0.25), np.float32)


def _whole(judged: U8) -> Mask:
    """Return which squares lie wholly where (h, w) uint8 is not 0."""
    return _squares(_cells((judged > 0).astype(np.float32)))[..., 0] > 0.999


def _blocks(cells: F32) -> F32:
    """Return the means over blocks of BLOCK cells; what is beyond whole blocks is left out."""
    rows, columns = (n // BLOCK for n in cells.shape[:2])
    if rows == 0 or columns == 0:
        return np.zeros((rows, columns, *cells.shape[2:]), np.float32)
    cut = cells[: rows * BLOCK, : columns * BLOCK]
    return np.asarray(cv2.resize(cut, (columns, rows), interpolation=cv2.INTER_AREA), np.float32)


def _middles_of_blocks(numbers: I32, across: int, shape: tuple[int, ...]) -> F64:
    """Return (2, n) u, v in -1..1 over (rows, columns, 3) of cells at the middles of numbered blocks."""
    v, u = ((2.0 * (axis + 0.5)) * BLOCK for axis in np.divmod(numbers, across))
    return np.asarray(np.stack((u / shape[1] - 1, v / shape[0] - 1)), np.float64)


def _smooth(quadratics: F64, u: F64, v: F64) -> F64:
    """Return (k, rows, columns) values of (k, 6) quadratics at columns u and rows v."""
    v = v[:, None]
    one, along, down, along_along, across, down_down = quadratics.T[:, :, None, None]
    return one + u * (along + u * along_along + v * across) + v * (down + v * down_down)


def _each_pixel(cells: F32) -> F32:
    """Return what each pixel's cell has."""
    size = cells.shape[1] * CELL, cells.shape[0] * CELL
    return np.asarray(cv2.resize(cells, size, interpolation=cv2.INTER_NEAREST), np.float32)
