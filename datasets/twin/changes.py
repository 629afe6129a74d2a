"""Known changes of a unit, drawn on the golden image in linear light before it is captured.

Positions are golden pixels, sizes millimetres. A change is the same in each capture of the unit: what is
irregular comes from the change's own `seed`. A change outside the image or with a meaningless size raises
`DatasetError` when it is drawn.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar, Protocol

import numpy as np
from numpy.typing import NDArray

from datasets.errors import DatasetError
from datasets.light import Floats, lab_from_linear, linear_from_lab, to_linear
from datasets.twin.canvas import Canvas, Point, Window, cover_polygon, cover_polyline, longest_extent

Colour = tuple[float, float, float]


class Change(Protocol):
    """Something known that differs from the golden sample."""

    kind: ClassVar[str]

    def size_mm(self, mm_per_px: float) -> float:
        """Return the known size, millimetres."""
        ...

    def draw(self, canvas: Canvas) -> Window:
        """Draw on the canvas; return a window that holds all pixels touched."""
        ...


@dataclass(frozen=True)
class HoleDiameter:
    """A hole drilled larger (or smaller) by `delta_mm`: its rim moves, texture around it gives way smoothly.

    Size: the absolute change of diameter.
    """

    kind: ClassVar[str] = "hole_diameter"
    center_px: Point
    radius_px: float
    delta_mm: float

    def size_mm(self, mm_per_px: float) -> float:  # noqa: ARG002
        """Return the absolute change of diameter."""
        return abs(self.delta_mm)

    def draw(self, canvas: Canvas) -> Window:
        """Move the rim radially by half of `delta_mm`."""
        growth = canvas.px(self.delta_mm) / 2
        rim = self.radius_px + growth
        _require(rim > 2 and self.radius_px > 2, "HoleDiameter leaves a hole of radius below 2 px")
        # Rigid over +-4 px, so that the rim keeps its profile; the displacement's slope stays well below 1.
        fall = max(12.0, 4 * abs(growth), 0.25 * self.radius_px)
        window = canvas.window([self.center_px], rim + 4 + fall + 8)
        x, y = window.grid()
        from_x, from_y = x - self.center_px[0], y - self.center_px[1]
        radius: Floats = np.hypot(from_x, from_y).astype(np.float32)
        share = _falling(np.abs(radius - rim).astype(np.float32) - 4, min(fall, max(rim - 4, 1.0)))
        pull: Floats = (np.float32(-growth) * share / np.maximum(radius, 1e-6)).astype(np.float32)
        canvas.linear[window.slices] = canvas.displaced(
            window, (pull * from_x).astype(np.float32), (pull * from_y).astype(np.float32)
        )
        return window


@dataclass(frozen=True)
class HoleShift:
    """A hole drilled at another place: the disc moves rigidly, texture around it gives way smoothly.

    Size: the distance moved.
    """

    kind: ClassVar[str] = "hole_shift"
    center_px: Point
    radius_px: float
    dx_mm: float
    dy_mm: float

    def size_mm(self, mm_per_px: float) -> float:  # noqa: ARG002
        """Return the distance moved."""
        return math.hypot(self.dx_mm, self.dy_mm)

    def draw(self, canvas: Canvas) -> Window:
        """Move the disc by (dx, dy)."""
        _require(self.radius_px > 2, "HoleShift needs a hole of radius above 2 px")
        dx, dy = canvas.px(self.dx_mm), canvas.px(self.dy_mm)
        at_x, at_y = self.center_px[0] + dx, self.center_px[1] + dy
        fall = max(16.0, 3 * math.hypot(dx, dy))
        window = canvas.window([(at_x, at_y)], self.radius_px + 6 + fall + 8)
        x, y = window.grid()
        share = _falling(np.hypot(x - at_x, y - at_y) - self.radius_px - 6, fall)
        canvas.linear[window.slices] = canvas.displaced(
            window, np.float32(-dx) * share, np.float32(-dy) * share
        )
        return window


@dataclass(frozen=True)
class ColourShift:
    """A region of another colour: linear RGB times `rgb_factors`, then plus `lab_offset` in L*a*b* (D65).

    With factors of 1, the length of `lab_offset` is the CIE 1976 colour difference, where that is in gamut.
    Size: the region's longest extent.
    """

    kind: ClassVar[str] = "colour_shift"
    polygon_px: tuple[Point, ...]
    rgb_factors: Colour = (1.0, 1.0, 1.0)
    lab_offset: Colour = (0.0, 0.0, 0.0)

    def size_mm(self, mm_per_px: float) -> float:
        """Return the region's longest extent."""
        return longest_extent(self.polygon_px) * mm_per_px

    def draw(self, canvas: Canvas) -> Window:
        """Recolour the region."""
        _require(min(self.rgb_factors) >= 0, "ColourShift.rgb_factors must not be negative")
        window, cover = _region(canvas, self.polygon_px)
        shifted = canvas.linear[window.slices] * np.array(self.rgb_factors, dtype=np.float32)
        if any(self.lab_offset):
            shifted = linear_from_lab(lab_from_linear(shifted) + np.array(self.lab_offset))
        canvas.blend(window, cover, shifted)
        return window


@dataclass(frozen=True)
class MissingMaterial:
    """Material that is not there (a cut, a mouse bite): the region shows the surface seen around `source_px`.

    Size: the region's longest extent.
    """

    kind: ClassVar[str] = "missing_material"
    polygon_px: tuple[Point, ...]
    source_px: Point

    def size_mm(self, mm_per_px: float) -> float:
        """Return the region's longest extent."""
        return longest_extent(self.polygon_px) * mm_per_px

    def draw(self, canvas: Canvas) -> Window:
        """Show the surface around `source_px` in the region."""
        return _clone(canvas, self.polygon_px, self.source_px)


@dataclass(frozen=True)
class ExcessMaterial:
    """Material too much (a bridge, a blob): the region shows the surface seen around `source_px`.

    Size: the region's longest extent.
    """

    kind: ClassVar[str] = "excess_material"
    polygon_px: tuple[Point, ...]
    source_px: Point

    def size_mm(self, mm_per_px: float) -> float:
        """Return the region's longest extent."""
        return longest_extent(self.polygon_px) * mm_per_px

    def draw(self, canvas: Canvas) -> Window:
        """Show the surface around `source_px` in the region."""
        return _clone(canvas, self.polygon_px, self.source_px)


@dataclass(frozen=True)
class Scratch:
    """A thin line along `polyline_px`, its light multiplied by `brightness` (above 1 bright, below 1 dark).

    Size: the length of the line.
    """

    kind: ClassVar[str] = "scratch"
    polyline_px: tuple[Point, ...]
    width_mm: float
    brightness: float

    def size_mm(self, mm_per_px: float) -> float:
        """Return the length of the line."""
        return (
            sum(math.dist(a, b) for a, b in zip(self.polyline_px[:-1], self.polyline_px[1:], strict=True))
            * mm_per_px
        )

    def draw(self, canvas: Canvas) -> Window:
        """Brighten or darken the line."""
        _require(len(self.polyline_px) >= 2, "Scratch.polyline_px needs at least two points")
        _require(
            self.width_mm > 0 and self.brightness >= 0, "Scratch needs width above 0 and brightness 0 or more"
        )
        width_px = canvas.px(self.width_mm)
        window = canvas.window(self.polyline_px, width_px / 2 + 2)
        cover = cover_polyline(window, self.polyline_px, width_px)
        scratched = np.minimum(canvas.linear[window.slices] * np.float32(self.brightness), 1)
        canvas.blend(window, cover, scratched)
        return window


@dataclass(frozen=True)
class Stain:
    """An irregular spot that lets the surface shine through by 1 - `opacity`; its edge is soft.

    `colour` is in sRGB codes. Size: the outline's longest extent.
    """

    kind: ClassVar[str] = "stain"
    center_px: Point
    radius_mm: float
    opacity: float = 0.6
    colour: Colour = (58.0, 54.0, 50.0)
    seed: int = 0

    def size_mm(self, mm_per_px: float) -> float:
        """Return the outline's longest extent."""
        return longest_extent(self._outline(mm_per_px)) * mm_per_px

    def _outline(self, mm_per_px: float) -> tuple[Point, ...]:
        return blob(self.center_px, self.radius_mm / mm_per_px, roughness=0.15, seed=self.seed)

    def draw(self, canvas: Canvas) -> Window:
        """Lay the spot over the surface."""
        _require(self.radius_mm > 0, "Stain.radius_mm must be above 0")
        _require(0 < self.opacity <= 1, "Stain.opacity must be above 0 and at most 1")
        _require(
            all(0 <= code <= 255 for code in self.colour), "Stain.colour must be three codes from 0 to 255"
        )
        window, cover = _region(canvas, self._outline(canvas.mm_per_px))
        soft = _softened(cover)
        tint = to_linear(np.array(self.colour).round().astype(np.uint8))
        canvas.blend(window, np.float32(self.opacity) * soft, np.broadcast_to(tint, (*soft.shape, 3)))
        return window


@dataclass(frozen=True)
class Discoloration:
    """A tarnished area: linear RGB times `rgb_factors` at its centre, fading to nothing at `radius_mm`.

    Size: twice `radius_mm`.
    """

    kind: ClassVar[str] = "discoloration"
    center_px: Point
    radius_mm: float
    rgb_factors: Colour = (0.85, 0.70, 0.60)

    def size_mm(self, mm_per_px: float) -> float:  # noqa: ARG002
        """Return the diameter of the area."""
        return 2 * self.radius_mm

    def draw(self, canvas: Canvas) -> Window:
        """Tint the area."""
        _require(self.radius_mm > 0, "Discoloration.radius_mm must be above 0")
        _require(min(self.rgb_factors) >= 0, "Discoloration.rgb_factors must not be negative")
        radius = canvas.px(self.radius_mm)
        window = canvas.window([self.center_px], radius + 1)
        x, y = window.grid()
        cover = _falling(np.hypot(x - self.center_px[0], y - self.center_px[1]), radius)
        factors = np.array(self.rgb_factors, dtype=np.float32)
        canvas.blend(window, cover, canvas.linear[window.slices] * factors)
        return window


def rectangle(left: float, top: float, width: float, height: float) -> tuple[Point, ...]:
    """Return the corners of an upright rectangle."""
    return ((left, top), (left + width, top), (left + width, top + height), (left, top + height))


def bar(start: Point, end: Point, width: float) -> tuple[Point, ...]:
    """Return the corners of a straight bar from `start` to `end`: a bridge, or a cut across a conductor."""
    length = math.dist(start, end)
    _require(length > 0 and width > 0, "a bar needs two different ends and a width above 0")
    nx, ny = -(end[1] - start[1]) / length * width / 2, (end[0] - start[0]) / length * width / 2
    return (
        (start[0] + nx, start[1] + ny),
        (end[0] + nx, end[1] + ny),
        (end[0] - nx, end[1] - ny),
        (start[0] - nx, start[1] - ny),
    )


def blob(center: Point, radius: float, *, roughness: float = 0.1, seed: int = 0) -> tuple[Point, ...]:
    """Return an irregular closed outline of 48 points about `radius` from `center`, the same for one seed."""
    _require(radius > 0 and 0 <= roughness < 0.5, "a blob needs a radius above 0 and roughness from 0 to 0.5")
    rng = np.random.Generator(np.random.SFC64(np.random.SeedSequence(seed)))
    angle = np.arange(48) * (2 * math.pi / 48)
    wave = sum(
        (math.cos(phase) * np.cos(order * angle) + math.sin(phase) * np.sin(order * angle)) / order
        for order, phase in zip(range(2, 7), rng.uniform(0, 2 * math.pi, 5).tolist(), strict=True)
    )
    out = radius * (1 + roughness * np.asarray(wave))
    return tuple(
        zip(
            (center[0] + out * np.cos(angle)).tolist(),
            (center[1] + out * np.sin(angle)).tolist(),
            strict=True,
        )
    )


def _region(canvas: Canvas, polygon: tuple[Point, ...]) -> tuple[Window, Floats]:
    _require(len(polygon) >= 3, "a region needs at least three corners")
    window = canvas.window(polygon, 2)
    return window, cover_polygon(window, polygon)


def _clone(canvas: Canvas, polygon: tuple[Point, ...], source: Point) -> Window:
    window, cover = _region(canvas, polygon)
    height, width = cover.shape
    left, top = round(source[0] - (width - 1) / 2), round(source[1] - (height - 1) / 2)
    limit_y, limit_x = canvas.linear.shape[:2]
    _require(
        0 <= left <= limit_x - width and 0 <= top <= limit_y - height,
        f"source_px {source} is too near the image's edge for a region of {width} x {height} px",
    )
    canvas.blend(window, cover, canvas.linear[top : top + height, left : left + width].copy())
    return window


def _falling(distance: NDArray[np.floating], over: float) -> Floats:
    """Return 1 up to distance 0, a raised cosine down to 0 at `over`, 0 beyond."""
    return (0.5 + 0.5 * np.cos(np.pi * np.clip(distance / np.float32(over), 0, 1))).astype(np.float32)


def _softened(cover: Floats) -> Floats:
    """Return the coverage with a soft inner edge, 0 still where it was 0."""
    padded = np.pad(cover, 3)
    box = sum(
        padded[3 + i : 3 + i + cover.shape[0], 3 + j : 3 + j + cover.shape[1]]
        for i in (-3, -1, 1, 3)
        for j in (-3, -1, 1, 3)
    )
    return (np.asarray(box, dtype=np.float32) / 16 * cover).astype(np.float32)


def _require(condition: bool, sentence: str) -> None:
    if not condition:
        raise DatasetError(sentence)
