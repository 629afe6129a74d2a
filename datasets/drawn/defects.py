"""Defects drawn on a unit, one way of failing each, with the pixels that they cover.

Each drawer tries once at a random place and size and returns what it drew, or None where it would not be
that defect: a short must join two islands of conductor, an open must part one, excess must join nothing.
"""

# OpenCV publishes incomplete types.
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false
from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from datasets.drawn.appearance import fibre_colour, film, inlaid, lump, solder
from datasets.drawn.materials import Mask, Materials
from datasets.drawn.shapes import Patch, blob, disk, ragged, shifted, stroke, wandering
from datasets.drawn.texture import Surface
from datasets.light import Floats


@dataclass(frozen=True)
class Unit:
    """What drawers draw on.

    Attributes:
        codes: (h, w, 3) float32, drawn on in place.
        materials: of the golden image.
        conductor: the material as texture.
        substrate: the material as texture.
        depth: (h, w) float32 distance of each conductor pixel to its edge, px.
        gap: (h, w) float32 distance of each other pixel to the nearest conductor, px.
        px_per_mm: scale.
    """

    codes: Floats
    materials: Materials
    conductor: Surface
    substrate: Surface
    depth: Floats
    gap: Floats
    px_per_mm: float

    def px(self, rng: np.random.Generator, least_mm: float, most_mm: float) -> float:
        """Return a length in pixels, log-uniform between two in millimetres."""
        return math.exp(rng.uniform(math.log(least_mm), math.log(most_mm))) * self.px_per_mm


Drawer = Callable[[np.random.Generator, Unit], Patch | None]
_LEAST_PART_PX: Final = 400  # a smaller rest of conductor is a sliver
_LEAST_CHANGE: Final = 5.0  # codes that half of a defect must differ by at the least, when calmed


def _place(rng: np.random.Generator, where: Mask) -> tuple[int, int] | None:
    for _ in range(400):
        x, y = int(rng.integers(where.shape[1])), int(rng.integers(where.shape[0]))
        if where[y, x]:
            return x, y
    return None


def _islands_touched(unit: Unit, patch: Patch, reach: int) -> set[int]:
    solid = (
        np.asarray(cv2.dilate((patch.cover > 0.5).astype(np.uint8), np.ones((reach, reach), np.uint8))) > 0
    )
    return set(np.unique(unit.materials.islands[patch.window][solid]).tolist()) - {0}


def _parts_after_cut(unit: Unit, patch: Patch) -> bool:
    """Return whether the cut parts a conductor, seen in a window well beyond it."""
    reach = 60
    h, w = unit.materials.islands.shape
    rows, columns = patch.window
    y0, y1 = max(rows.start - reach, 0), min(rows.stop + reach, h)
    x0, x1 = max(columns.start - reach, 0), min(columns.stop + reach, w)
    before = (unit.materials.islands[y0:y1, x0:x1] > 0).astype(np.uint8)
    after = before.copy()
    inner = after[rows.start - y0 : rows.stop - y0, columns.start - x0 : columns.stop - x0]
    inner[patch.cover > 0.5] = 0
    metal = unit.materials.conductor[y0:y1, x0:x1]
    return _parts(after, metal) > _parts(before, metal)


def _parts(joined: NDArray[np.uint8], metal: Mask) -> int:
    """Return how many connected parts hold more than a sliver of metal: a hole alone is none."""
    count, labels = cv2.connectedComponents(joined, connectivity=4)
    areas = np.bincount(np.asarray(labels)[metal & (joined > 0)], minlength=count)
    return int((areas[1:] >= _LEAST_PART_PX).sum())


def missing_material(rng: np.random.Generator, unit: Unit) -> Patch | None:
    """A bite at an edge, a pit in the middle, or a stroke of conductor that is not there."""
    edge = rng.uniform() < 0.55
    where = (unit.depth > 0) & (unit.depth < 3) if edge else unit.depth > 8
    at = _place(rng, where)
    if at is None:
        return None
    radius = unit.px(rng, 0.22, 1.3)
    shape = unit.depth.shape
    if rng.uniform() < 0.3:
        line = wandering(rng, *at, rng.uniform(0, 6.28), 3 * radius, 0.6)
        patch = stroke(shape, line, float(rng.uniform(8, max(9, radius))))
    else:
        patch = blob(rng, shape, *at, radius, float(rng.uniform(0.05, 0.5)))
    if patch is None or _parts_after_cut(unit, patch):
        return None
    on = unit.materials.conductor[patch.window]
    deep = float(unit.depth[patch.window][patch.cover > 0.5].max(initial=0))
    if (on & (patch.cover > 0.5)).sum() < 150 or deep < 8:
        return None
    patch = Patch(patch.x0, patch.y0, patch.cover * on)
    inlaid(rng, unit.codes, patch, unit.substrate)
    return patch


def open_(rng: np.random.Generator, unit: Unit) -> Patch | None:
    """A cut across a conductor that parts it."""
    at = _place(rng, (unit.depth > 8) & (unit.depth < 55))
    if at is None:
        return None
    x, y = at
    gy, gx = np.gradient(unit.depth[max(y - 3, 0) : y + 4, max(x - 3, 0) : x + 4])
    across = math.atan2(float(gy.mean()), float(gx.mean())) + float(rng.normal(0, 0.25))
    half = float(unit.depth[y, x]) * 2 + 14
    width = unit.px(rng, 0.12, 1.2)
    start = (x - half * math.cos(across), y - half * math.sin(across))
    line = wandering(rng, *start, across, 2 * half, 0.25)
    patch = stroke(unit.depth.shape, line, float(max(width, 7)))
    if patch is None:
        return None
    if rng.uniform() < 0.5:
        patch = ragged(rng, patch, float(rng.uniform(1, 3)))
    patch = Patch(patch.x0, patch.y0, patch.cover * unit.materials.conductor[patch.window])
    if not _parts_after_cut(unit, patch):
        return None
    inlaid(rng, unit.codes, patch, unit.substrate)
    return patch


def short(rng: np.random.Generator, unit: Unit) -> Patch | None:
    """Conductor or solder across a gap, so that two islands are joined."""
    at = _place(rng, (unit.gap > 8) & (unit.gap < 60))
    if at is None:
        return None
    x, y = at
    angle = rng.uniform(0, math.pi)
    reach = float(unit.gap[y, x]) * float(rng.uniform(1.2, 2.6)) + 10
    start = (x - reach * math.cos(angle), y - reach * math.sin(angle))
    if rng.uniform() < 0.5:
        line = wandering(rng, *start, angle, 2 * reach, 0.4)
        patch = stroke(unit.gap.shape, line, list(unit.px(rng, 0.15, 1.2) * rng.uniform(0.7, 1.3, len(line))))
    else:
        patch = blob(
            rng, unit.gap.shape, x, y, max(unit.px(rng, 0.4, 2.6), 1.1 * reach), float(rng.uniform(0.1, 0.5))
        )
    if patch is None:
        return None
    metal = rng.uniform() < 0.45
    if metal:
        patch = Patch(patch.x0, patch.y0, patch.cover * (unit.gap[patch.window] > 0))
    if not _joins(unit, patch):
        return None
    if metal:
        inlaid(rng, unit.codes, patch, unit.conductor)
    else:
        solder(rng, unit.codes, patch)
    return patch


def _joins(unit: Unit, patch: Patch) -> bool:
    """Return whether one connected piece of the patch touches two islands."""
    solid = (patch.cover > 0.5).astype(np.uint8)
    count, labels = cv2.connectedComponents(solid, connectivity=4)
    islands = unit.materials.islands[patch.window]
    for label in range(1, count):
        piece = np.asarray(cv2.dilate((labels == label).astype(np.uint8), np.ones((5, 5), np.uint8))) > 0
        if len(set(np.unique(islands[piece]).tolist()) - {0}) >= 2:
            return True
    return False


def excess_material(rng: np.random.Generator, unit: Unit) -> Patch | None:
    """Conductor or solder where there should be none, or heaped on a conductor, that joins nothing."""
    kind = rng.uniform()
    shape = unit.gap.shape
    if kind < 0.35:  # etched where the resist failed: strokes, arcs, islands on bare substrate
        at = _place(rng, unit.gap > 14)
        patch = None if at is None else _stray(rng, unit, at)
        copper = True
    elif kind < 0.65:  # a spur or a lump at an edge
        at = _place(rng, (unit.gap > 0) & (unit.gap < 4))
        copper = bool(rng.uniform() < 0.6)
        patch = (
            None
            if at is None
            else blob(rng, shape, *at, unit.px(rng, 0.22, 1.2), float(rng.uniform(0.05, 0.5)))
        )
    else:  # solder on a conductor
        at = _place(rng, unit.depth > 5)
        copper = False
        patch = (
            None
            if at is None
            else blob(rng, shape, *at, unit.px(rng, 0.35, 2.2), float(rng.uniform(0.1, 0.5)))
        )
    if patch is None:
        return None
    if copper:
        patch = Patch(patch.x0, patch.y0, patch.cover * (unit.gap[patch.window] > 0))
    if (patch.cover > 0.5).sum() < 150 or len(_islands_touched(unit, patch, 9)) > 1:
        return None
    if copper:
        if float(unit.gap[patch.window][patch.cover > 0.5].max(initial=0)) < 8:
            return None
        inlaid(rng, unit.codes, patch, unit.conductor)
    else:
        solder(rng, unit.codes, patch)
    return patch


def _stray(rng: np.random.Generator, unit: Unit, at: tuple[int, int]) -> Patch | None:
    shape = unit.gap.shape
    if rng.uniform() < 0.35:
        return blob(rng, shape, *at, unit.px(rng, 0.22, 1.6), float(rng.uniform(0.05, 0.4)))
    width = unit.px(rng, 0.15, 0.6)
    total: Patch | None = None
    x, y = float(at[0]), float(at[1])
    for _ in range(int(rng.integers(1, 5))):  # strokes that go on from one another, at any angle
        line = wandering(
            rng, x, y, rng.uniform(0, 6.28), unit.px(rng, 0.6, 4.0), float(rng.choice([0.0, 0.5, 2.5]))
        )
        piece = stroke(shape, line, width)
        if piece is not None:
            total = piece if total is None else _both(total, piece)
        keep = line[int(rng.integers(len(line)))]
        x, y = float(keep[0]), float(keep[1])
    return total


def _both(a: Patch, b: Patch) -> Patch:
    x0, y0 = min(a.x0, b.x0), min(a.y0, b.y0)
    x1 = max(a.x0 + a.cover.shape[1], b.x0 + b.cover.shape[1])
    y1 = max(a.y0 + a.cover.shape[0], b.y0 + b.cover.shape[0])
    cover = np.zeros((y1 - y0, x1 - x0), np.float32)
    for p in (a, b):
        h, w = p.cover.shape
        part = cover[p.y0 - y0 : p.y0 - y0 + h, p.x0 - x0 : p.x0 - x0 + w]
        np.maximum(part, p.cover, out=part)
    return Patch(x0, y0, cover)


def scratch(rng: np.random.Generator, unit: Unit) -> Patch | None:
    """A gouge: wider and stronger than polishing leaves, over whatever it crosses."""
    h, w = unit.gap.shape
    x, y = rng.uniform(0, w), rng.uniform(0, h)
    length = unit.px(rng, 1.2, 14)
    line = wandering(rng, x, y, rng.uniform(0, 6.28), length, float(rng.choice([0.05, 0.2, 0.7])), 14)
    width = float(rng.uniform(4.0, 10.0))
    profile = width * np.clip(
        np.sin(np.linspace(0.15, 3.0, len(line))) + rng.normal(0, 0.12, len(line)), 0.35, 1.2
    )
    patch = stroke((h, w), line, list(profile))
    if patch is None or (patch.cover > 0.5).sum() < 120:
        return None
    part = unit.codes[patch.window]
    bright = rng.uniform() < 0.6
    amplitude = float(rng.uniform(55, 115)) * (1 if bright else -1)
    grain = 1 + 0.35 * rng.standard_normal(patch.cover.shape).astype(np.float32)
    grain = cv2.GaussianBlur(grain, (0, 0), 1.5)
    tint = (1 + rng.normal(0, 0.08, 3)).astype(np.float32)
    part += (patch.cover * grain)[..., None] * np.float32(amplitude) * tint
    if rng.uniform() < 0.5:  # a burr throws a line of the other sign beside it
        beside = shifted(patch.cover, int(rng.choice([-2, 2])), 2) * (1 - patch.cover)
        part -= beside[..., None] * np.float32(0.5 * amplitude)
    return patch


def stain(rng: np.random.Generator, unit: Unit) -> Patch | None:
    """A film of flux, oil or water that the surface shines through."""
    h, w = unit.gap.shape
    patch = blob(
        rng,
        (h, w),
        rng.uniform(0, w),
        rng.uniform(0, h),
        unit.px(rng, 0.3, 3.2),
        float(rng.uniform(0.1, 0.6)),
    )
    if patch is None:
        return None
    return film(rng, unit.codes, patch)


def contamination(rng: np.random.Generator, unit: Unit) -> Patch | None:
    """Foreign matter: a fibre, a crumb, a lump that hides the surface."""
    h, w = unit.gap.shape
    x, y = rng.uniform(0, w), rng.uniform(0, h)
    if rng.uniform() < 0.45:
        line = wandering(
            rng, x, y, rng.uniform(0, 6.28), unit.px(rng, 0.8, 7), float(rng.uniform(1.0, 4.0)), 24
        )
        patch = stroke((h, w), line, float(rng.uniform(2.5, 7)))
        if patch is None:
            return None
        return lump(rng, unit.codes, patch, fibre_colour(rng), relief=0.3)
    patch = blob(rng, (h, w), x, y, unit.px(rng, 0.22, 1.6), float(rng.uniform(0.1, 0.6)))
    if patch is None:
        return None
    return lump(rng, unit.codes, patch, fibre_colour(rng), relief=1.0)


def discoloration(rng: np.random.Generator, unit: Unit) -> Patch | None:
    """Tarnish or heat: a soft area of another hue."""
    h, w = unit.gap.shape
    radius = unit.px(rng, 0.6, 4.0)
    patch = blob(rng, (h, w), rng.uniform(0, w), rng.uniform(0, h), radius, float(rng.uniform(0.05, 0.3)))
    if patch is None:
        return None
    soft = np.asarray(cv2.GaussianBlur(np.pad(patch.cover, 1), (0, 0), 0.22 * radius), np.float32)[1:-1, 1:-1]
    soft *= (patch.cover > 0) | (soft > 0.3)
    hue = rng.normal(0, 1, 3)
    hue -= hue.mean() * float(rng.uniform(0.3, 1.0))
    factors = 1 + hue / max(float(np.abs(hue).max()), 1e-6) * rng.uniform(0.13, 0.38)
    part = unit.codes[patch.window]
    part *= 1 + soft[..., None] * (factors - 1).astype(np.float32)
    return Patch(patch.x0, patch.y0, soft)


def missing_feature(rng: np.random.Generator, unit: Unit) -> Patch | None:
    """A hole that was not drilled, or a whole island of conductor that is not there."""
    shape = unit.gap.shape
    if rng.uniform() < 0.65 and unit.materials.holes:
        hole = unit.materials.holes[int(rng.integers(len(unit.materials.holes)))]
        patch = disk(shape, hole.x, hole.y, hole.radius + 6)
        if patch is None:
            return None
        around = np.asarray(cv2.GaussianBlur(patch.cover, (0, 0), 1.0), np.float32)
        metal = (
            int(unit.materials.islands[int(hole.y), min(int(hole.x + hole.radius + 10), shape[1] - 1)]) > 0
        )
        inlaid(
            rng, unit.codes, Patch(patch.x0, patch.y0, around), unit.conductor if metal else unit.substrate
        )
        return patch
    ids, counts = np.unique(unit.materials.islands[::4, ::4], return_counts=True)
    areas = counts * 16 / unit.px_per_mm**2
    small = [int(i) for i, mm2 in zip(ids, areas, strict=True) if i > 0 and 0.15 <= mm2 < 25]
    if not small:
        return None
    island = small[int(rng.integers(len(small)))]
    ys, xs = np.nonzero(unit.materials.islands == island)
    x0, y0, x1, y1 = (
        max(int(xs.min()) - 4, 0),
        max(int(ys.min()) - 4, 0),
        int(xs.max()) + 5,
        int(ys.max()) + 5,
    )
    cover = (unit.materials.islands[y0:y1, x0:x1] == island).astype(np.float32)
    cover = np.asarray(cv2.dilate(cover, np.ones((7, 7), np.uint8)), np.float32)
    if (unit.materials.dark[y0:y1, x0:x1] & (cover > 0)).any():
        keep = np.asarray(
            cv2.dilate(unit.materials.dark[y0:y1, x0:x1].astype(np.uint8), np.ones((5, 5), np.uint8))
        )
        cover *= 1 - keep  # the holes are drilled all the same
    patch = Patch(x0, y0, cover)
    inlaid(rng, unit.codes, patch, unit.substrate)
    return patch


DRAWERS: Final[dict[str, Drawer]] = {
    "missing_material": missing_material,
    "excess_material": excess_material,
    "short": short,
    "open": open_,
    "scratch": scratch,
    "stain": stain,
    "contamination": contamination,
    "discoloration": discoloration,
    "missing_feature": missing_feature,
}
"""One drawer for each class."""


def visible(before: Floats, after: Floats, cover: Floats) -> bool:
    """Return whether at least half of the covered pixels changed so that one could see it."""
    change = np.asarray(cv2.GaussianBlur(after - before, (0, 0), 2.0))
    calm = np.abs(change).max(axis=2)[cover > 0.3]
    return bool(len(calm)) and float(np.median(calm)) >= _LEAST_CHANGE
