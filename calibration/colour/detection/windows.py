# pyright: reportUnknownMemberType=false
"""Where in a lattice a chart may lie, and how well each place and orientation fits its colours."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from calibration.colour.chart import Chart
from calibration.colour.detection.colours import CLEAR, FEWEST, Orientation, best_scores, fit_robustly, orders
from calibration.colour.detection.lattice import Lattice
from calibration.colour.patches import project
from kernels.compiled import F64, I64, U8, Mask

_PROMISING = 8  # readings fitted robustly where none is clear: the best, and those of the fullest windows
_MOST_WINDOWS = 600
_CUT = 0.03  # of a pitch, that may lie beyond the border
_BLOCKS = 3  # along each side of a patch
_READ = 0.8  # of a patch's side
UNEVEN = 0.4  # see `Cells`
BARE = 2
_LIKE = 0.25  # of the way from a cell's colour to that of gaps
_FAINT = 1.0  # distance of these, in standard deviations over the cells, below which gaps tell nothing
_NO_GAPS = 0.95  # patch to pitch
SAMPLES = 9  # along a pitch


@dataclass(frozen=True, slots=True, eq=False)
class Cells:
    """What is seen at the places of a lattice, row by row, n of them.

    Attributes:
        codes: (n, 3) medians.
        uneven: (n,) how far a ninth of a cell lies off its middle colour, in standard deviations over cells.
        bare: (n,) how many of the eight gaps around a cell have the cell's colour and not that of gaps.
        seen: (n,) whether the cell lies in the picture.
    """

    codes: F64
    uneven: F64
    bare: I64
    seen: Mask

    @property
    def fair(self) -> Mask:
        """Which cells show one colour: those of which the chart can be told, if they are enough."""
        even = self.seen & ~self.covered
        return even if even.sum() >= FEWEST else self.seen

    @property
    def covered(self) -> Mask:
        """Which cells show more than one colour, or no edge."""
        return (self.uneven > UNEVEN) | (self.bare >= BARE)


@dataclass(frozen=True, slots=True, eq=False)
class Reading:
    """A chart laid over a window of a lattice.

    Attributes:
        matrix: (3, 3) homography from the window's places, from (0, 0), to pixels.
        size: the window's columns and rows.
        orientation: how the chart lies in it.
        order: for each patch of the chart its place in the window, row by row.
        score: of all patches seen.
        kept_score: without the strange ones.
        runner_up: score of the best other orientation in this window.
        cells: what is seen at each place.
        outside: quadrilaterals of the lattice beyond the window.
        support: quadrilaterals of the lattice within it.
    """

    matrix: F64
    size: tuple[int, int]
    orientation: Orientation
    order: I64
    score: float
    kept_score: float
    runner_up: float
    cells: Cells
    outside: int
    support: int


def read_cells(picture: U8, matrix: F64, places: F64, patch_to_pitch: float) -> Cells:
    """Sample the cells at places (n, 2) of a lattice."""
    along = _READ * patch_to_pitch * (np.arange(SAMPLES) - (SAMPLES - 1) / 2) / SAMPLES
    inner = np.stack(np.meshgrid(along, along), axis=-1)
    at = project(matrix, places[:, None, None] + inner).astype(np.float32)
    x, y = (at[..., axis].reshape(len(places), -1) for axis in (0, 1))
    seen = cv2.remap(picture, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE).astype(np.float64)
    codes = np.median(seen, axis=1)
    part = SAMPLES // _BLOCKS
    blocks = seen.reshape(-1, _BLOCKS, part, _BLOCKS, part, 3).mean(axis=(2, 4))
    blocks = blocks.reshape(len(places), -1, 3)
    scale = np.maximum(codes.std(axis=0), 3.0)
    uneven = np.sqrt((((blocks - codes[:, None]) / scale) ** 2).mean(axis=2)).max(axis=1)
    h, w = picture.shape[:2]
    half = patch_to_pitch / 2 - _CUT
    box = half * np.array([[-1, -1], [1, -1], [1, 1], [-1, 1]], np.float64)
    ends = project(matrix, places[:, None] + box)
    inside = np.asarray(((ends >= -0.5) & (ends <= (w - 0.5, h - 0.5))).all(axis=(1, 2)), np.bool_)
    bare = np.zeros(len(places), np.int64)
    if patch_to_pitch < _NO_GAPS:
        bare = _bare(picture, matrix, places, codes / scale, scale)
    return Cells(codes, uneven, bare, inside)


def _bare(picture: U8, matrix: F64, places: F64, colours: F64, scale: F64) -> I64:
    """Count the gaps around each cell that look like it: a sheet over the chart has none."""
    around = np.array([[x, y] for x in (-0.5, 0, 0.5) for y in (-0.5, 0, 0.5) if x or y])
    at = project(matrix, places[:, None] + around).astype(np.float32)
    x, y = at[..., 0], at[..., 1]
    gaps = cv2.remap(picture, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    seen = gaps.astype(np.float64) / scale
    usual = np.median(seen.reshape(-1, 3), axis=0)
    far = np.linalg.norm(colours - usual, axis=1)
    near = np.linalg.norm(seen - colours[:, None], axis=2) < _LIKE * far[:, None]
    return np.asarray((near & (far > _FAINT)[:, None]).sum(axis=1), np.int64)


def read_lattice(picture: U8, lattice: Lattice, chart: Chart) -> list[Reading]:
    """Return the most promising readings of a lattice, best first."""
    tried: list[_Tried] = []
    least = max(FEWEST, chart.columns * chart.rows / 3)
    for size in dict.fromkeys(((chart.columns, chart.rows), (chart.rows, chart.columns))):
        ways = [way for way in orders(chart.columns, chart.rows) if way[1] == size]
        references = np.stack([_at_places(chart.lab, order) for _, _, order in ways])
        for window in _windows(picture, lattice, size, chart.patch_to_pitch):
            if window.cells.fair.sum() >= least:
                scores = best_scores(window.cells.codes, window.cells.fair, references)
                ranked = np.argsort(-scores)
                for k, (orientation, _, order) in enumerate(ways):
                    runner_up = scores[ranked[1] if k == ranked[0] else ranked[0]]
                    tried.append(_Tried(window, orientation, order, float(scores[k]), float(runner_up)))
    tried.sort(key=lambda each: -each.score)
    promising = tried[:1]
    if tried and tried[0].score < CLEAR:
        fullest = sorted(tried, key=lambda each: -_inside(lattice, each.window).sum())
        promising = tried[:_PROMISING]
        promising += [each for each in fullest[:_PROMISING] if each not in promising]
    return sorted((_reading(chart, lattice, each) for each in promising), key=lambda r: -r.kept_score)


@dataclass(frozen=True, slots=True, eq=False)
class _Window:
    offset: I64
    size: tuple[int, int]
    cells: Cells


@dataclass(frozen=True, slots=True, eq=False)
class _Tried:
    window: _Window
    orientation: Orientation
    order: I64
    score: float
    runner_up: float


def grid(size: tuple[int, int]) -> F64:
    """Return (n, 2) the places of a window, row by row."""
    y, x = np.mgrid[: size[1], : size[0]].astype(np.float64)
    return np.stack((x.ravel(), y.ravel()), axis=1)


def _at_places(values: F64, order: I64) -> F64:
    """Return what belongs to the patches in the order of the window's places."""
    out = np.empty_like(values)
    out[order] = values
    return out


def _windows(picture: U8, lattice: Lattice, size: tuple[int, int], patch_to_pitch: float) -> list[_Window]:
    """Return the windows that hold, or lie within, what is known of a lattice."""
    across = np.array(size)
    low, high = lattice.places.min(axis=0), lattice.places.max(axis=0)
    first, last = np.minimum(low, high - across + 1), np.maximum(low, high - across + 1)
    if np.prod(last - first + 1) > _MOST_WINDOWS:
        return []
    whole = last - first + across
    y, x = np.mgrid[: whole[1], : whole[0]]
    places = np.stack((x.ravel(), y.ravel()), axis=1) + first
    cells = read_cells(picture, lattice.matrix, places.astype(np.float64), patch_to_pitch)
    out: list[_Window] = []
    for top in range(int(last[1] - first[1]) + 1):
        for left in range(int(last[0] - first[0]) + 1):
            index = ((y >= top) & (y < top + size[1]) & (x >= left) & (x < left + size[0])).ravel()
            part = Cells(cells.codes[index], cells.uneven[index], cells.bare[index], cells.seen[index])
            out.append(_Window(first + np.array((left, top)), size, part))
    return out


def _inside(lattice: Lattice, window: _Window) -> Mask:
    """Return which quadrilaterals of a lattice lie in a window."""
    places, end = lattice.places, window.offset + window.size
    return np.asarray(((places >= window.offset) & (places < end)).all(axis=1), np.bool_)


def _reading(chart: Chart, lattice: Lattice, tried: _Tried) -> Reading:
    """Fit robustly: covered patches may have spoilt the scores."""
    window = tried.window
    reference = _at_places(chart.lab, tried.order)
    kept, _ = fit_robustly(window.cells.codes, window.cells.fair, reference, grid(window.size))
    move = np.eye(3)
    move[:2, 2] = window.offset
    inside = _inside(lattice, window)
    return Reading(
        matrix=lattice.matrix @ move,
        size=window.size,
        orientation=tried.orientation,
        order=tried.order,
        score=tried.score,
        kept_score=kept,
        runner_up=tried.runner_up,
        cells=window.cells,
        outside=int((~inside).sum()),
        support=int(inside.sum()),
    )
