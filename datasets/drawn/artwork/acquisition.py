"""Another good board of the same design, as a line's camera sees it: what differs without being a defect."""

# OpenCV publishes incomplete types.
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false
from __future__ import annotations

import math
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
Mask = NDArray[np.bool_]

_MOST_SHIFT: Final = 16
_LEAST_CONDUCTOR_PX: Final = 20  # a smaller part is a speck
_SPECK_PX: Final = 5


def good_unit(copper: Mask, rng: np.random.Generator) -> Mask:
    """Return where another good board of this design shows copper, (h, w) bool.

    It is shifted and locally moved against the design, its strips are stepped, its holes have drifted, its
    conductors are up to 1 px wider or narrower, with ragged edges and specks of up to 5 px. What the design
    does not show beyond its border is reflected. No conductor is broken and none are joined.
    """
    field = _signed_distance(_drilled(copper, rng))
    x, y = _where(copper.shape, rng)
    moved = cv2.remap(field, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT_101)
    unit = _etched(np.asarray(moved, np.float32), rng)
    _add_specks(unit, rng)
    return unit


def _signed_distance(copper: Mask) -> Floats:
    """Return the distance to the nearest edge in pixels, positive in copper."""
    inside = cv2.distanceTransform(copper.astype(np.uint8), cv2.DIST_L2, 5)
    outside = cv2.distanceTransform((~copper).astype(np.uint8), cv2.DIST_L2, 5)
    inner, outer = np.minimum(np.asarray(inside), 64.0), np.minimum(np.asarray(outside), 64.0)
    return np.where(copper, inner - 0.5, 0.5 - outer).astype(np.float32)


def _drilled(copper: Mask, rng: np.random.Generator) -> Mask:
    """Return the copper with its round holes moved as one drilling moves them, never out of their copper."""
    if rng.random() < 0.5:
        return copper
    count, labels, stats, _ = cv2.connectedComponentsWithStats((~copper).astype(np.uint8), connectivity=4)
    drift = rng.normal(0, 1.2, 2)
    out = copper.copy()
    for label in range(1, count):
        left, top, width, height, area = (int(n) for n in stats[label])
        if not (30 <= area <= 2500 and 0.75 < width / height < 1.33 and 0.7 < area / (width * height) < 0.87):
            continue
        dx, dy = (int(n) for n in np.clip(np.rint(drift + rng.normal(0, 0.4, 2)), -3, 3))
        around = (
            slice(top + dy - 2, top + dy + height + 2),
            slice(left + dx - 2, left + dx + width + 2),
        )
        if around[0].start < 0 or around[1].start < 0:
            continue
        hole = np.pad(labels[top : top + height, left : left + width] == label, 2)
        ring = np.asarray(cv2.dilate(hole.astype(np.uint8), np.ones((5, 5), np.uint8)), bool)
        free = copper[around] | (labels[around] == label)
        if free.shape != ring.shape or not free[ring].all():
            continue
        out[top : top + height, left : left + width] |= hole[2:-2, 2:-2]
        out[around] &= ~hole
    return out


def _where(shape: tuple[int, ...], rng: np.random.Generator) -> tuple[Floats, Floats]:
    """Return at which x and y of the design each pixel of the unit looks, (h, w) each."""
    h, w = shape[0], shape[1]
    grids: list[Floats] = []
    rough = float(rng.choice([0.0, 0.4, 1.0, 2.0], p=[0.35, 0.35, 0.2, 0.1]))
    bent = float(rng.choice([0.0, 0.5, 1.5, 3.0], p=[0.4, 0.3, 0.2, 0.1]))
    u, v = np.linspace(-1, 1, w, dtype=np.float32)[None, :], np.linspace(-1, 1, h, dtype=np.float32)[:, None]
    for axis in (0, 1):
        a, b, c, d, e = (float(n) for n in rng.normal(0, 0.5 * bent, 5))
        field = _shift(rng) + a * u + b * v + c * u * u + d * u * v + e * v * v
        if rough:
            wavelength = math.exp(rng.uniform(math.log(60), math.log(220)))
            field = field + rough * smooth_noise(rng, (h, w), wavelength)
        if rng.random() < 0.25:
            field = field + (_steps(h, rng)[:, None] if axis == 0 else _steps(w, rng)[None, :])
        grids.append(np.asarray(field, np.float32))
    across, along = grids
    if rng.random() < 0.5:  # a line scan wanders from row to row
        wander = rng.normal(0, 1, h).astype(np.float32) * np.float32(rng.uniform(0.1, 0.45))
        across = across + wander[:, None]
    x = np.arange(w, dtype=np.float32)[None, :] + across
    y = np.arange(h, dtype=np.float32)[:, None] + along
    return np.asarray(x, np.float32), np.asarray(y, np.float32)


def _shift(rng: np.random.Generator) -> float:
    """Return a shift, most often none, once in twenty times up to 16 px."""
    draw = rng.random()
    if draw < 0.7:
        return float(rng.normal(0, 0.2))
    if draw < 0.92:
        return float(rng.choice([-1.0, 1.0]) + rng.normal(0, 0.2))
    size = math.exp(rng.uniform(math.log(2), math.log(_MOST_SHIFT)))
    return size if rng.random() < 0.5 else -size


def _steps(length: int, rng: np.random.Generator) -> Floats:
    """Return the offset of each row or column of strips that do not quite meet; it slides within a step."""
    out = np.zeros(length, np.float32)
    at = np.arange(length, dtype=np.float32)
    for _ in range(int(rng.integers(1, 4))):
        size = math.exp(rng.uniform(0, math.log(7))) * float(rng.choice([-1, 1]))
        start = float(rng.uniform(0, length))
        end = start + float(rng.uniform(40, 200))
        slide = max(1.0, abs(size))  # no faster, or the step would break conductors
        out += np.float32(size) * np.clip((at - start) / slide, 0, 1) * np.clip((end - at) / slide, 0, 1)
    return out


def smooth_noise(rng: np.random.Generator, shape: tuple[int, int], wavelength: float) -> Floats:
    """Return a smooth random field (h, w) float32 of mean about 0 and standard deviation about 1."""
    h, w = shape
    step = max(wavelength / 4, 1.0)
    grid = rng.standard_normal((math.ceil(h / step) + 4, math.ceil(w / step) + 4), np.float32)
    grid = cv2.GaussianBlur(grid, (0, 0), 1.0) * np.float32(3.5)
    fine = cv2.resize(grid, None, fx=step, fy=step, interpolation=cv2.INTER_LINEAR)
    return np.asarray(fine[:h, :w], np.float32)


def _etched(field: Floats, rng: np.random.Generator) -> Mask:
    """Return copper as wide as etching, optics and threshold leave it, milder if a conductor would part."""
    h, w = field.shape
    wider = float(rng.normal(0, 0.35))
    ragged = float(rng.choice([0.1, 0.3, 0.6], p=[0.4, 0.4, 0.2]))
    noise = smooth_noise(rng, (h, w), float(rng.uniform(6, 14)))
    blur = float(rng.uniform(0.4, 1.1))
    level = float(rng.uniform(-45, 45))
    edges = np.float32(np.clip(wider, -1, 1)) + np.float32(ragged) * noise
    parts = _parts(field > 0)
    for strength in (1.0, 0.5, 0.25):
        soft = np.clip((field + np.float32(strength) * edges) * 127 + 128, 0, 255).astype(np.uint8)
        unit = np.asarray(cv2.GaussianBlur(soft, (0, 0), blur)) > 128 + strength * level
        if _parts(unit) == parts:
            return unit
    return np.asarray(field > 0)


def _parts(copper: Mask) -> tuple[int, int]:
    """Return how many parts of copper and of substrate there are, specks aside."""
    counts: list[int] = []
    for mask, connectivity in ((copper, 8), (~copper, 4)):
        stats = cv2.connectedComponentsWithStats(mask.astype(np.uint8), connectivity=connectivity)[2]
        counts.append(int((stats[1:, cv2.CC_STAT_AREA] >= _LEAST_CONDUCTOR_PX).sum()))
    return counts[0], counts[1]


def _add_specks(unit: Mask, rng: np.random.Generator) -> None:
    """Put specks of 1 to 5 px onto copper and substrate."""
    h, w = unit.shape
    for _ in range(int(rng.integers(0, 12)) if rng.random() < 0.6 else 0):
        x, y = int(rng.integers(1, w - 1)), int(rng.integers(1, h - 1))
        here = bool(unit[y, x])
        if not (unit[max(y - 4, 0) : y + 5, max(x - 4, 0) : x + 5] == here).all():
            continue
        for _ in range(int(rng.integers(1, _SPECK_PX + 1))):
            unit[y, x] = not here
            x = min(max(x + int(rng.integers(-1, 2)), 0), w - 1)
            y = min(max(y + int(rng.integers(-1, 2)), 0), h - 1)
