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
_LEAST_PART_PX: Final = 12  # a smaller one is a speck
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
    field = np.asarray(cv2.distanceTransform(copper.astype(np.uint8), cv2.DIST_L2, 5), np.float32)
    field -= np.asarray(cv2.distanceTransform((~copper).astype(np.uint8), cv2.DIST_L2, 5), np.float32)
    field -= np.copysign(np.float32(0.5), field)  # the edge lies between two pixels
    return field


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
    rough = float(rng.choice([0.0, 0.3, 0.8, 2.0], p=[0.5, 0.3, 0.14, 0.06]))
    bent = float(rng.choice([0.0, 0.3, 1.0, 3.0], p=[0.5, 0.3, 0.14, 0.06]))
    u, v = np.linspace(-1, 1, w, dtype=np.float32)[None, :], np.linspace(-1, 1, h, dtype=np.float32)[:, None]
    for axis, shift in enumerate(_shift(rng)):
        a, b, c, d, e = (float(n) for n in rng.normal(0, 0.5 * bent, 5))
        field = shift + a * u + b * v + c * u * u + d * u * v + e * v * v
        if rough:
            wavelength = math.exp(rng.uniform(math.log(60), math.log(220)))
            field = field + rough * smooth_noise(rng, (h, w), wavelength)
        if rng.random() < 0.06:
            field = field + (_steps(h, rng)[:, None] if axis == 0 else _steps(w, rng)[None, :])
        grids.append(np.asarray(field, np.float32))
    across, along = grids
    if rng.random() < 0.5:  # a line scan wanders from row to row
        wander = rng.normal(0, 1, h).astype(np.float32) * np.float32(rng.uniform(0.1, 0.45))
        across = across + wander[:, None]
    x = np.arange(w, dtype=np.float32)[None, :] + across
    y = np.arange(h, dtype=np.float32)[:, None] + along
    return np.asarray(x, np.float32), np.asarray(y, np.float32)


def _shift(rng: np.random.Generator) -> tuple[float, float]:
    """Return a shift across and along, most often none, once in ten times up to 16 px."""
    most = float(rng.choice([0.0, 1.0, _MOST_SHIFT], p=[0.65, 0.23, 0.12]))
    if most > 1:
        most = math.exp(rng.uniform(math.log(2), math.log(_MOST_SHIFT)))
    x, y = most * rng.uniform(-1, 1, 2) + rng.normal(0, 0.15, 2)
    return float(x), float(y)


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
    own = np.asarray(
        cv2.GaussianBlur(field, (0, 0), float(rng.uniform(0.5, 1.3)))
    )  # the design's edges are ragged
    wider = float(np.clip(rng.normal(0, 0.1 if rng.random() < 0.85 else 0.4), -1, 1))
    ragged = float(rng.choice([0.35, 0.5, 0.75], p=[0.55, 0.35, 0.1]))
    noise = ragged * smooth_noise(rng, field.shape, float(rng.uniform(4, 12)))
    blur = float(rng.uniform(0.4, 1.1))
    level = float(np.clip(rng.normal(0, 15), -45, 45))
    parts = _parts(field > 0)
    for strength in (1.0, 0.5, 0.25):
        soft = own + np.float32(strength) * (np.float32(wider) + noise)
        soft = np.clip(soft * 127 + 128, 0, 255).astype(np.uint8)
        unit = np.asarray(cv2.GaussianBlur(soft, (0, 0), blur)) > np.uint8(128 + strength * level)
        if _parts(unit) == parts:
            return unit
    return np.asarray(field > 0)


def _parts(copper: Mask) -> tuple[int, int]:
    """Return how many parts of copper there are, and how many openings in them, specks aside."""
    contours, tree = cv2.findContours(copper.astype(np.uint8), cv2.RETR_CCOMP, cv2.CHAIN_APPROX_SIMPLE)
    counts = [0, 0]
    for contour, links in zip(contours, tree[0] if len(contours) else (), strict=True):
        counts[int(links[3]) >= 0] += cv2.contourArea(contour) >= _LEAST_PART_PX
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
