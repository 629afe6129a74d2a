"""Pictures of a colour chart: a black plate with a grid of patches, tilted before a camera, in order or not.

Drawn by the metrology twin, so edges and the corners told are exact. Lengths on the plate are mm.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from datasets.errors import DatasetError
from datasets.twin.colour.light import Light
from datasets.twin.colour.materials import material
from datasets.twin.colour.spectra import F64, WAVELENGTHS
from datasets.twin.metrology import Camera, Ellipse, Polygon, RoundedRectangle, Scene
from datasets.twin.metrology import Light as Level

Codes = NDArray[np.uint8] | NDArray[np.uint16]
Painted = tuple[RoundedRectangle | Polygon | Ellipse, F64]  # a shape and its reflectance (81,)

PLATE = np.full(len(WAVELENGTHS), 0.035)


@dataclass(frozen=True, slots=True, eq=False)
class ChartScene:
    """How a chart lies before the camera and what is wrong with it. What is not stated is drawn.

    Attributes:
        columns: of patches, as one reads the chart.
        rows: of patches.
        patch_mm: side of a patch; ColorChecker Classic: 40.
        patch_to_pitch: that side over the distance of neighbours.
        plate: False: no chart at all, only what else there is.
        share: longer side of the chart's outline in the frame, over the frame's shorter side.
        tilt_deg: the plate is tilted about both axes by up to this.
        roll_deg: and turned in its plane by up to this, in addition to `turns`.
        turns: quarter turns clockwise in the frame; 2 is upside down.
        mirrored: seen in a mirror, or a picture flipped by software.
        cropped: share of the chart's width or height beyond a side of the frame.
        covered: share of the chart under a sheet, from a side.
        clutter: number of coloured things around the chart.
        gradient: relative change of the light over the frame from left to right, and from top to bottom.
        right: lamp of the frame's right half, the station's own being that of the left: mixed illumination.
        background: reflectance (81,) of what the chart lies on; drawn by default.
    """

    columns: int = 6
    rows: int = 4
    patch_mm: float = 40.0
    patch_to_pitch: float = 0.88
    plate: bool = True
    share: float = 0.75
    tilt_deg: float = 10.0
    roll_deg: float = 6.0
    turns: int = 0
    mirrored: bool = False
    cropped: float = 0.0
    covered: float = 0.0
    clutter: int = 0
    gradient: tuple[float, float] = (0.0, 0.0)
    right: Light | None = None
    background: F64 | None = None

    def __post_init__(self) -> None:
        if min(self.columns, self.rows) < 2 or not 0 < self.patch_to_pitch < 1:
            raise DatasetError("a chart needs at least 2 x 2 patches with gaps between them")
        if not (0 <= self.cropped < 1 and 0 <= self.covered < 1 and self.share > 0):
            raise DatasetError(
                "shares cropped and covered lie in 0..1, the chart's share of the frame above 0"
            )

    @property
    def pitch_mm(self) -> float:
        """Distance of neighbouring patches."""
        return self.patch_mm / self.patch_to_pitch

    @property
    def outline_mm(self) -> tuple[float, float]:
        """Width and height of the plate."""
        rim = 1.5 * self.patch_mm  # a patch, and a quarter of one on either side
        return (self.columns - 1) * self.pitch_mm + rim, (self.rows - 1) * self.pitch_mm + rim

    def centres_mm(self) -> F64:
        """Return (n, 2) the patches' middles on the plate, in reading order; the plate's middle is (0, 0)."""
        x = (np.arange(self.columns) - (self.columns - 1) / 2) * self.pitch_mm
        y = (np.arange(self.rows) - (self.rows - 1) / 2) * self.pitch_mm
        across, down = np.meshgrid(-x if self.mirrored else x, y)
        return np.column_stack([across.ravel(), down.ravel()]).astype(np.float64)

    def placed(self, size: tuple[int, int], rng: np.random.Generator) -> Camera:
        """Return the camera, with the plate where the scene says in a frame (width, height)."""
        width, height = size
        tilt = rng.uniform(-self.tilt_deg, self.tilt_deg, 2)
        roll = 90.0 * self.turns + float(rng.uniform(-self.roll_deg, self.roll_deg))
        camera = Camera(width, height, 2.0 * width, 2.0 * width, (width - 1) / 2, (height - 1) / 2)
        far = 2.0 * width * max(self.outline_mm) / (self.share * min(size))
        camera = camera.aimed((0.0, 0.0), far, tilt_deg=(float(tilt[0]), float(tilt[1])), roll_deg=roll)
        w, h = self.outline_mm
        corners = np.array([[-w, -h, 0], [w, -h, 0], [w, h, 0], [-w, h, 0]]) / 2
        seen = camera.project(corners)
        low, high = seen.min(axis=0), seen.max(axis=0)
        reach = high - low
        room = np.array(size, np.float64) - 1 - reach
        start = np.asarray(rng.uniform(0.2, 0.8, 2) * room, np.float64)
        start[room < 0] = room[room < 0] / 2
        if self.cropped:
            axis, out = int(rng.integers(2)), self.cropped
            start[axis] = room[axis] + out * reach[axis] if rng.integers(2) else -out * reach[axis]
        x, y = (start - low).tolist()
        return replace(camera, cx=camera.cx + x, cy=camera.cy + y)

    def painted(self, patches: F64, rng: np.random.Generator) -> list[Painted]:
        """Return the shapes on the background in order, with their reflectances; patches (n, 81)."""
        if patches.shape != (self.columns * self.rows, len(WAVELENGTHS)):
            raise DatasetError(f"{patches.shape} patches for a chart of {self.columns} x {self.rows}")
        shapes = [_thing(rng, max(self.outline_mm)) for _ in range(self.clutter)]
        if not self.plate:
            return shapes
        w, h = self.outline_mm
        shapes.append((RoundedRectangle(0.0, 0.0, w, h, 0.1 * self.patch_mm, 0.0, 0.0), PLATE))
        side, corner = self.patch_mm, 0.01 * self.patch_mm
        for (x, y), reflectance in zip(self.centres_mm().tolist(), patches, strict=True):
            shapes.append((RoundedRectangle(x, y, side, side, corner, 0.0, 0.0), reflectance))
        if self.covered:
            shapes.append((self._sheet(rng), material(rng)))
        return shapes

    def _sheet(self, rng: np.random.Generator) -> Polygon:
        """A sheet over a share of the plate, its edge not quite along the patches."""
        w, h = self.outline_mm
        skew = float(rng.uniform(0.02, 0.08)) * (1 if rng.random() < 0.5 else -1)
        if rng.random() < 0.5:
            edge, far = (self.covered - 0.5) * w, -2.0 * w
            points = (
                (far, -1.1 * h),
                (edge - skew * h, -1.1 * h),
                (edge + skew * h, 1.1 * h),
                (far, 1.1 * h),
            )
        else:
            edge, far = (self.covered - 0.5) * h, -2.0 * h
            points = (
                (-1.1 * w, far),
                (1.1 * w, far),
                (1.1 * w, edge + skew * w),
                (-1.1 * w, edge - skew * w),
            )
        return Polygon(points if rng.random() < 0.5 else tuple((-x, -y) for x, y in points), 0.0)


@dataclass(frozen=True, slots=True, eq=False)
class ChartPicture:
    """A picture of a chart and what is true of it.

    Attributes:
        pixels: (h, w, 3) RGB uint8, or uint16 above 8 bits.
        corners: (4, 2) middles of the corner patches, px: first row first column, first row last column, last
            row last column, last row first column, as one reads the chart; outside the frame where cropped,
            NaN where there is no chart.
        centres: (n, 2) middles of all patches in reading order, px, likewise.
        rgb: (n, 3) exact linear light of the patches under the station's lamp, without falloff or gradient.
        seen: (n, 3) exact linear light at each middle, with all that; NaN outside the frame. Under a sheet it
            is the sheet's.
    """

    pixels: Codes
    corners: F64
    centres: F64
    rgb: F64
    seen: F64


def coloured(shapes: list[Painted], background: F64, response: F64, light: tuple[float, float]) -> Scene:
    """Return the scene as a camera of this response (81, 3) sees it, `light` being its gradient."""

    def of(reflectance: F64) -> tuple[float, float, float]:
        r, g, b = (reflectance @ response).tolist()
        return r, g, b

    return Scene(of(background), tuple(replace(s, reflectance=of(r)) for s, r in shapes), Level(1.0, light))


def _thing(rng: np.random.Generator, reach: float) -> Painted:
    """Something coloured near the plate: a box, a disc or a scrap."""
    x, y = rng.uniform(-1.3 * reach, 1.3 * reach, 2).tolist()
    a, b = rng.uniform(0.04 * reach, 0.3 * reach, 2).tolist()
    angle, kind = float(rng.uniform(0, 180)), int(rng.integers(3))
    if kind == 0:
        return RoundedRectangle(x, y, 2 * a, 2 * b, 0.2 * min(a, b), angle, 0.0), material(rng)
    if kind == 1:
        return Ellipse(x, y, a, b, angle, 0.0), material(rng)
    turn = np.sort(rng.uniform(0, 2 * np.pi, 5))
    around = zip((x + a * np.cos(turn)).tolist(), (y + b * np.sin(turn)).tolist(), strict=True)
    return Polygon(tuple(around), 0.0), material(rng)
