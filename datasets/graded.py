"""Defects of graded size and contrast on a golden image, for studies of what an inspection detects.

The size is exact and asked for, not drawn as in `datasets.drawn`, from which models learn: a study must not
be made of what was trained on. A defect is one of the twin's changes, so that the twin captures it.
"""

# OpenCV publishes incomplete types.
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false
from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from datasets.drawn.materials import tell_apart
from datasets.errors import DatasetError
from datasets.light import Floats, encode, to_linear
from datasets.twin.canvas import Canvas, Point, longest_extent
from datasets.twin.changes import (
    Change,
    Discoloration,
    ExcessMaterial,
    MissingMaterial,
    Scratch,
    Stain,
    bar,
    blob,
)

Mask = NDArray[np.bool_]

NATURAL: Final = "natural"
"""The level of a kind whose contrast is that of the materials."""
LEVELS: Final = ("faint", "plain", "strong")
_SCRATCH_MM: Final = 0.12
_SCRATCH: Final = {"faint": 1.35, "plain": 1.8, "strong": 2.6}  # times the light, or its reciprocal
_STAIN: Final = {"faint": 0.25, "plain": 0.45, "strong": 0.65}  # opacity
_TARNISH: Final = {"faint": (0.92, 0.84, 0.78), "plain": (0.85, 0.70, 0.60), "strong": (0.70, 0.50, 0.40)}
_CLEAR_MM: Final = 2.0  # between two defects
_TRIES: Final = 80
_PLACES: Final = 4096  # looked at in one try
_NEAREST: Final = 40

WIDTH: Final = "width"
EXTENT: Final = "longest extent"
MEASURES: Final = {
    "missing_material": EXTENT, "excess_material": EXTENT, "short": WIDTH, "open": WIDTH, "scratch": EXTENT,
    "stain": EXTENT, "contamination": EXTENT, "discoloration": EXTENT,
}  # fmt: skip
"""What the size of each kind is: of a bridge or a cut its width, since its length is the conductors'."""


@dataclass(frozen=True)
class GradedDefect:
    """One defect: what the twin draws, its size by `MEASURES`, and its box x, y, width, height (golden px).

    `contrast` is how far the mean colour of what it covers changes, in the 8-bit codes of the channel that
    changes most, before the camera: texture counts for nothing.
    """

    kind: str
    level: str
    size_mm: float
    contrast: float
    box: tuple[int, int, int, int]
    change: Change


_ON_ANY: Final = ("scratch", "stain", "contamination", "discoloration")
_Drawer = Callable[[np.random.Generator, str, float], Change | None]


class GradedDefects:
    """Draws defects of asked size on one golden image.

    Args:
        golden_rgb: (h, w, 3) uint8 RGB codes, at least 256 pixels each way.
        mm_per_px: its scale.
        where: (h, w) bool, where defects may lie; everywhere by default.

    Attributes:
        kinds: what can be drawn on this image: without two materials, only what lies on a surface.
    """

    def __init__(self, golden_rgb: NDArray[np.uint8], mm_per_px: float, where: Mask | None = None) -> None:
        """Tell the materials apart."""
        if golden_rgb.ndim != 3 or golden_rgb.shape[2] != 3 or min(golden_rgb.shape[:2]) < 256:
            raise DatasetError(
                f"the golden image has shape {golden_rgb.shape}; give (h, w, 3) of 256 x 256 px or more"
            )
        self._mm_per_px = mm_per_px
        self._linear = to_linear(golden_rgb)
        self._where = np.ones(golden_rgb.shape[:2], np.bool_) if where is None else where
        m = tell_apart(golden_rgb)
        self._conductor, self._islands = m.conductor, m.islands
        self._bare = m.substrate & (m.islands == 0)
        self._depth = _distance(m.conductor)
        self._gap = _distance(self._bare)
        self._drawers: dict[str, _Drawer] = {
            "missing_material": self._missing, "excess_material": self._excess, "short": self._short,
            "open": self._open, "scratch": self._scratch, "stain": self._stain,
            "contamination": self._contamination, "discoloration": self._discoloration,
        }  # fmt: skip
        two = m.conductor.mean() > 0.01 and m.substrate.mean() > 0.01
        self.kinds = tuple(kind for kind in MEASURES if two or kind in _ON_ANY)

    def levels(self, kind: str) -> tuple[str, ...]:
        """Return the levels of contrast that a kind is drawn with."""
        return LEVELS if kind in ("scratch", "stain", "discoloration") else (NATURAL,)

    def draw(
        self, rng: np.random.Generator, wanted: Sequence[tuple[str, str, float]]
    ) -> tuple[GradedDefect, ...]:
        """Draw one unit's defects, none near another; what finds no place after many tries is left out.

        Args:
            rng: decides places and shapes.
            wanted: kind, level and size in mm of each.

        Raises:
            DatasetError: a kind or level that this image does not have.
        """
        canvas = Canvas(self._linear.copy(), self._mm_per_px)
        drawn: list[GradedDefect] = []
        for kind, level, size_mm in wanted:
            if kind not in self.kinds or level not in self.levels(kind):
                raise DatasetError(f"no {level} {kind} can be drawn here; choose of {self.kinds}")
            for _ in range(_TRIES):
                change = self._drawers[kind](rng, level, size_mm / self._mm_per_px)
                box = None if change is None else self._box(change)
                if change is None or box is None or self._near(box, drawn):
                    continue
                contrast = self._contrast(canvas, change)
                drawn.append(GradedDefect(kind, level, size_mm, contrast, box, change))
                break
        return tuple(drawn)

    def _box(self, change: Change) -> tuple[int, int, int, int] | None:
        """Return the box of what a change covers, or None where it leaves the places allowed."""
        points = np.asarray(_outline(change, self._mm_per_px))
        low, high = np.floor(points.min(axis=0)).astype(int), np.ceil(points.max(axis=0)).astype(int)
        h, w = map(int, self._where.shape)
        if low.min() < 8 or high[0] >= w - 8 or high[1] >= h - 8:
            return None
        inside = self._where[low[1] : high[1] + 1, low[0] : high[0] + 1]
        if not inside.all():
            return None
        return int(low[0]), int(low[1]), int(high[0] - low[0]) + 1, int(high[1] - low[1]) + 1

    def _near(self, box: tuple[int, int, int, int], drawn: Sequence[GradedDefect]) -> bool:
        clear = _CLEAR_MM / self._mm_per_px
        for d in drawn:
            x, y, w, h = d.box
            apart_x = max(x - box[0] - box[2], box[0] - x - w)
            apart_y = max(y - box[1] - box[3], box[1] - y - h)
            if max(apart_x, apart_y) < clear:
                return True
        return False

    def _contrast(self, canvas: Canvas, change: Change) -> float:
        window = change.draw(canvas)
        differs = encode(canvas.linear[window.slices]) - encode(self._linear[window.slices])
        covered = np.abs(differs).max(axis=2) > 0
        return float(np.abs(differs[covered].mean(axis=0)).max()) * 255 if covered.any() else 0.0

    def _at(
        self, rng: np.random.Generator, field: Floats | None = None, low: float = 0.0, high: float = math.inf
    ) -> tuple[int, int] | None:
        """Return a random place allowed where low < field < high, or None where many tries find none."""
        h, w = map(int, self._where.shape)
        xs, ys = rng.integers(w, size=_PLACES), rng.integers(h, size=_PLACES)
        good = self._where[ys, xs]
        if field is not None:
            good &= (field[ys, xs] > low) & (field[ys, xs] < high)
        first = int(good.argmax())
        return (int(xs[first]), int(ys[first])) if good[first] else None

    def _clone(
        self, rng: np.random.Generator, polygon: tuple[Point, ...], of: Floats
    ) -> tuple[float, float] | None:
        """Return the nearest place around which the material with depth `of` fills the polygon's box.

        The nearest, since shade and light change over a picture: where copper is etched away, the
        laminate of that place shows.
        """
        half = np.ptp(np.asarray(polygon), axis=0) / 2 + 4
        need, margin = float(half.min()), math.ceil(float(half.max())) + 3
        h, w = of.shape
        if 2 * margin >= min(h, w):
            return None
        xs = rng.integers(margin, w - margin, size=_PLACES)
        ys = rng.integers(margin, h - margin, size=_PLACES)
        deep = of[ys, xs] > min(need, 0.8 * float(of.max()))
        xs, ys = xs[deep], ys[deep]
        middle = np.asarray(polygon).mean(axis=0)
        near = np.argsort(np.hypot(xs - middle[0], ys - middle[1]))[:_NEAREST]
        for x, y in zip(xs[near].tolist(), ys[near].tolist(), strict=True):
            rows = slice(int(y - half[1]), int(y + half[1]) + 1)
            columns = slice(int(x - half[0]), int(x + half[0]) + 1)
            if (of[rows, columns] > 0).mean() > 0.97:
                return float(x), float(y)
        return None

    def _missing(self, rng: np.random.Generator, _level: str, size: float) -> Change | None:
        """A pit within the conductor, or a bite out of its edge."""
        bite = bool(rng.integers(2))
        at = self._at(rng, self._depth, 0.5, 2.0) if bite else self._at(rng, self._depth, size / 2 + 2)
        if at is None:
            return None
        outline = self._sized(rng, at, size, self._conductor)
        if outline is None:
            return None
        source = self._clone(rng, outline, self._gap)
        return None if source is None else MissingMaterial(outline, source)

    def _excess(self, rng: np.random.Generator, _level: str, size: float) -> Change | None:
        """An island where none belongs, or a spur at an edge, that joins nothing."""
        spur = bool(rng.integers(2))
        at = self._at(rng, self._gap, 0.5, 2.0) if spur else self._at(rng, self._gap, size / 2 + 3)
        if at is None:
            return None
        outline = self._sized(rng, at, size, self._bare)
        if outline is None or len(self._touched(outline)) > 1:
            return None
        source = self._clone(rng, outline, self._depth)
        return None if source is None else ExcessMaterial(outline, source)

    def _sized(
        self, rng: np.random.Generator, at: tuple[int, int], size: float, seen_on: Mask
    ) -> tuple[Point, ...] | None:
        """Return an irregular outline whose part on `seen_on` has this longest extent, within 1 %."""
        seed, rough = int(rng.integers(2**31)), float(rng.uniform(0.05, 0.25))
        radius = size / 2
        for _ in range(8):
            if radius > 3 * size:
                return None
            outline = blob((float(at[0]), float(at[1])), radius, roughness=rough, seed=seed)
            seen = _seen_extent(outline, seen_on)
            if abs(seen / size - 1) < 0.01 or (seen > 0 and abs(seen - size) < 0.5):
                return outline
            if seen == 0:
                return None
            radius *= size / seen
        return None

    def _touched(self, outline: tuple[Point, ...]) -> set[int]:
        points = np.asarray(outline)
        low, high = np.floor(points.min(axis=0)).astype(int) - 4, np.ceil(points.max(axis=0)).astype(int) + 5
        if low.min() < 0:
            return {0, 1, 2}
        mask = np.zeros((high[1] - low[1], high[0] - low[0]), np.uint8)
        cv2.fillPoly(mask, [np.round(points - low).astype(np.int32).reshape(-1, 1, 2)], 1)
        mask = np.asarray(cv2.dilate(mask, np.ones((5, 5), np.uint8)), np.uint8)
        part = self._islands[low[1] : high[1], low[0] : high[0]]
        mask = mask[: part.shape[0], : part.shape[1]]
        return set(np.unique(part[mask > 0]).tolist()) - {0}

    def _short(self, rng: np.random.Generator, _level: str, size: float) -> Change | None:
        """A straight bridge of conductor between two islands."""
        ends = self._across(rng, self._gap, (3.0, 0.6 / self._mm_per_px), 3.0)
        if ends is None:
            return None
        islands = [int(self._islands[round(y), round(x)]) for x, y in ends]
        if 0 in islands or islands[0] == islands[1]:
            return None
        outline = bar(*ends, size)
        source = self._clone(rng, outline, self._depth)
        return None if source is None else ExcessMaterial(outline, source)

    def _open(self, rng: np.random.Generator, _level: str, size: float) -> Change | None:
        """A straight cut across a conductor."""
        ends = self._across(rng, self._depth, (4.0, 0.6 / self._mm_per_px), 4.0)
        if ends is None or not all(self._bare[round(y), round(x)] for x, y in ends):
            return None
        outline = bar(*ends, size)
        source = self._clone(rng, outline, self._gap)
        return None if source is None else MissingMaterial(outline, source)

    def _across(
        self, rng: np.random.Generator, distance: Floats, half: tuple[float, float], beyond: float
    ) -> tuple[Point, Point] | None:
        """Return the ends of the shortest way across a strip of material, each `beyond` px past its edge."""
        at = self._at(rng, distance, *half)
        if at is None:
            return None
        x, y = at
        gy, gx = np.gradient(distance[max(y - 3, 0) : y + 4, max(x - 3, 0) : x + 4])
        length = math.hypot(float(gx.mean()), float(gy.mean()))
        if length < 0.2:  # on the ridge the direction is not told
            return None
        ux, uy = float(gx.mean()) / length, float(gy.mean()) / length
        ends: list[Point] = []
        for sign in (-1, 1):
            step = 0.0
            while step < 3 * half[1]:
                px, py = x + sign * step * ux, y + sign * step * uy
                if not (0 <= px < distance.shape[1] - 1 and 0 <= py < distance.shape[0] - 1):
                    return None
                if distance[round(py), round(px)] == 0:
                    break
                step += 0.5
            ends.append((x + sign * (step + beyond) * ux, y + sign * (step + beyond) * uy))
        if any(not (0 <= a < distance.shape[1] - 1 and 0 <= b < distance.shape[0] - 1) for a, b in ends):
            return None
        return ends[0], ends[1]

    def _scratch(self, rng: np.random.Generator, level: str, size: float) -> Change | None:
        at = self._at(rng)
        if at is None:
            return None
        turn = rng.uniform(0, 2 * math.pi)
        dx, dy = size / 2 * math.cos(turn), size / 2 * math.sin(turn)
        factor = _SCRATCH[level] if rng.integers(2) else 1 / _SCRATCH[level]
        return Scratch(((at[0] - dx, at[1] - dy), (at[0] + dx, at[1] + dy)), _SCRATCH_MM, factor)

    def _stain(self, rng: np.random.Generator, level: str, size: float) -> Change | None:
        return self._spot(rng, size, _STAIN[level], (92.0, 70.0, 38.0))

    def _contamination(self, rng: np.random.Generator, _level: str, size: float) -> Change | None:
        grey = float(rng.uniform(20, 60) if rng.integers(2) else rng.uniform(228, 245))
        return self._spot(rng, size, 0.97, (grey, grey, grey))

    def _spot(
        self, rng: np.random.Generator, size: float, opacity: float, colour: tuple[float, float, float]
    ) -> Change | None:
        at = self._at(rng)
        if at is None:
            return None
        seed = int(rng.integers(2**31))
        spot = Stain((float(at[0]), float(at[1])), size / 2 * self._mm_per_px, opacity, colour, seed)
        true = spot.size_mm(self._mm_per_px) / self._mm_per_px
        return Stain(spot.center_px, spot.radius_mm * size / true, opacity, colour, seed)

    def _discoloration(self, rng: np.random.Generator, level: str, size: float) -> Change | None:
        at = self._at(rng)
        if at is None:
            return None
        return Discoloration((float(at[0]), float(at[1])), size / 2 * self._mm_per_px, _TARNISH[level])


def _distance(mask: Mask) -> Floats:
    return np.asarray(cv2.distanceTransform(mask.astype(np.uint8), cv2.DIST_L2, 5), np.float32)


def _seen_extent(outline: tuple[Point, ...], seen_on: Mask) -> float:
    """Return the longest extent, px, of the part of an outline that lies on a material."""
    points = np.asarray(outline)
    low, high = np.floor(points.min(axis=0)).astype(int), np.ceil(points.max(axis=0)).astype(int) + 1
    h, w = seen_on.shape
    if low.min() < 0 or high[0] > w or high[1] > h:
        return 0.0
    mask = np.zeros((high[1] - low[1], high[0] - low[0]), np.uint8)
    fine = np.round((points - low) * 16).astype(np.int32).reshape(-1, 1, 2)
    cv2.fillPoly(mask, [fine], 1, cv2.LINE_8, 4)
    seen = (mask > 0) & seen_on[low[1] : high[1], low[0] : high[0]]
    ys, xs = np.nonzero(seen)
    if len(xs) < 3:
        return 0.0
    hull = cv2.convexHull(np.column_stack((xs, ys)).astype(np.int32)).reshape(-1, 2).astype(np.float64)
    # fillPoly marks every pixel the outline touches: one pixel less is what it holds between their centres
    return longest_extent([(float(x), float(y)) for x, y in hull])


def _outline(change: Change, mm_per_px: float) -> Sequence[Point]:
    """Return points whose box holds a change."""
    if isinstance(change, MissingMaterial | ExcessMaterial):
        return change.polygon_px
    if isinstance(change, Scratch):
        return change.polyline_px
    assert isinstance(change, Stain | Discoloration)
    reach = change.size_mm(mm_per_px) / 2 / mm_per_px
    x, y = change.center_px
    return ((x - reach, y - reach), (x + reach, y + reach))
