"""The part that is inspected: drawn in closed form, captured by the twin, so that all of its truth is known.

A board of woven laminate with pads, drilled pads and components in cells of 80 px, four mounting holes in the
A board of woven laminate with pads, drilled pads and components in cells of 80 px, four mounting holes in
(pose, tilt, light, blur and noise of the demonstration line), of which every third has a scratch.
"""

from __future__ import annotations

import itertools
import json
import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from calibration import CameraCalibration
from datasets.scenes import Bar, Disk, Shape
from datasets.sensor import quantise
from datasets.twin import DEMO_RANGES, Scratch, Twin, TwinTruth
from golden.sample import GoldenSample
from golden.spec import GoldenSpec
from stations.camera import encode_png

SENSOR_PX = (2448, 2048)
MM_PER_PX = 0.02
VIEW, CAMERA = "top", "bench"
NOW = datetime(2026, 1, 1, tzinfo=UTC)

_CELL = 80
_BLUR_PX = 0.5
_WEAVE_PX, _WEAVE = 2.0, 0.3  # of the laminate: how fine, and its standard deviation as a share of its light
_RING_PX = 16  # of even brightness around a hole or track
_INSET_PX = 24  # of the inspected surface from the part's rim
_LAMINATE, _GOLD, _TIN = (0.03, 0.13, 0.06), (0.55, 0.38, 0.12), (0.45, 0.45, 0.42)
_INK, _BODY, _BORE = (0.62, 0.62, 0.58), (0.02, 0.02, 0.025), (0.008, 0.008, 0.008)
_PAINTS = ((0.40, 0.05, 0.05), (0.06, 0.10, 0.40), (0.50, 0.42, 0.05), (0.25, 0.25, 0.25), (0.30, 0.12, 0.32),
           (0.10, 0.35, 0.38))  # fmt: skip

Box = tuple[float, float, float, float]
"""x, y of the first corner, width, height in golden pixels."""


@dataclass(frozen=True)
class Layout:
    """Where the part's features lie: holes (x, y, radius), tracks and painted fields in golden pixels."""

    width: int
    height: int
    holes: tuple[tuple[float, float, float], ...]
    tracks: tuple[Box, ...]
    fields: tuple[Box, ...]

    @property
    def regions(self) -> list[tuple[int, int, int, int]]:
        """What colour is read of: the painted fields without their rims."""
        return [(round(x) + 12, round(y) + 12, round(w) - 24, round(h) - 24) for x, y, w, h in self.fields]

    @property
    def pitches(self) -> tuple[tuple[int, int], ...]:
        """Pairs of holes whose distance is measured."""
        return (0, 1), (0, 2)

    @property
    def corners(self) -> Any:
        """The four outermost pixel centres, (4, 2)."""
        w, h = self.width - 1, self.height - 1
        return np.array([(0, 0), (w, 0), (0, h), (w, h)], np.float64)

    def lengths_px(self, truth: TwinTruth) -> list[float]:
        """Return the eight true lengths in a frame: diameters, pitches, widths, in frame pixels."""

        def apart(a: Any, b: Any) -> float:
            p, q = truth.to_frame([a, b])
            return float(np.hypot(*(p - q)))

        lengths: list[float] = []
        for x, y, r in self.holes:
            lengths.append((apart((x - r, y), (x + r, y)) + apart((x, y - r), (x, y + r))) / 2)
        lengths += [apart(self.holes[i][:2], self.holes[j][:2]) for i, j in self.pitches]
        return lengths + [apart((x + w / 2, y), (x + w / 2, y + h)) for x, y, w, h in self.tracks]


def layout(sensor_px: tuple[int, int] = SENSOR_PX) -> Layout:
    """Return the part that fills about nine tenths of such a sensor, at least 984 x 896 px."""
    columns, rows = (int(0.9 * side) // _CELL for side in sensor_px)
    w, h = columns * _CELL, rows * _CELL
    holes = [(x + 0.3 * i, y + 0.2 * i, 50.0 + 1.7 * i)
             for i, (x, y) in enumerate(itertools.product((80.0, w - 80.0), (80.0, h - 80.0)))]  # fmt: skip
    tracks = [(2.5 * _CELL, (row + 0.3) * _CELL, 2.6 * _CELL, 33.4) for row in (2, rows - 3)]
    side = 2 * _CELL - 16.0
    cells = itertools.product((3, rows - 5), (columns // 2 - 1, columns - 5, columns - 2))
    fields = [(x * _CELL + 8.0, y * _CELL + 8.0, side, side) for y, x in cells]
    return Layout(w, h, tuple(holes), tuple(tracks), tuple(fields))


def golden_light(part: Layout) -> Any:
    """Return the part's linear light, (h, w, 3) float32."""
    rng = np.random.Generator(np.random.SFC64(7))
    grain = rng.standard_normal((part.height, part.width), dtype=np.float32)
    weave = cv2.GaussianBlur(grain, (0, 0), _WEAVE_PX)
    weave *= _WEAVE / weave.std()
    light = np.clip(1 + weave, 0.2, 3)[:, :, None] * np.array(_LAMINATE, np.float32)
    free = np.ones((part.height // _CELL, part.width // _CELL), np.bool_)
    for x, y, r in part.holes:
        _disk(light, x, y, r + _RING_PX, _TIN)
        _disk(light, x, y, r, _BORE)
        reach = r + _RING_PX
        _reserve(free, (x - reach, y - reach, 2 * reach, 2 * reach))
    for box in part.tracks:
        x, y, w, h = box
        around = (x - _RING_PX, y - _RING_PX, w + 2 * _RING_PX, h + 2 * _RING_PX)
        _rectangle(light, around, _LAMINATE)
        _rectangle(light, box, _GOLD)
        _reserve(free, around)
    for box, paint in zip(part.fields, _PAINTS, strict=True):
        _rectangle(light, box, paint)
        _reserve(free, box)
    for row, column in zip(*np.nonzero(free), strict=True):
        kind, size = rng.random(), rng.uniform(10, 24)
        x, y = (np.array([column, row]) + 0.5) * _CELL + rng.uniform(-10, 10, 2)
        if kind < 0.3:
            _disk(light, x, y, size, _GOLD)
        elif kind < 0.55:
            _disk(light, x, y, size + 4, _TIN)
            _disk(light, x, y, 0.5 * size, _BORE)
        elif kind < 0.9:
            w, h = rng.uniform(14, 52, 2)
            level = (_INK, _BODY, _GOLD)[int(rng.integers(3))]
            _rectangle(light, (x - w / 2, y - h / 2, w, h), level)
    return light


def _reserve(free: Any, box: Box) -> None:
    x, y, w, h = box
    free[int(y) // _CELL : math.ceil((y + h) / _CELL), int(x) // _CELL : math.ceil((x + w) / _CELL)] = False


def _disk(light: Any, x: float, y: float, radius: float, level: Sequence[float]) -> None:
    left, top, size = int(x - radius) - 6, int(y - radius) - 6, int(2 * radius) + 13
    _paint(light, left, top, Disk((x - left, y - top), radius, 1.0).cover(size, size, _BLUR_PX), level)


def _rectangle(light: Any, box: Box, level: Sequence[float]) -> None:
    x, y, w, h = box
    left, top, wide, high = int(x) - 6, int(y) - 6, int(w) + 13, int(h) + 13
    middle = (x + w / 2 - left, y + h / 2 - top)
    sides: tuple[Shape, Shape] = Bar(middle, 0.0, w, 1.0), Bar(middle, 90.0, h, 1.0)
    cover = np.prod([side.cover(wide, high, _BLUR_PX) for side in sides], axis=0)
    _paint(light, left, top, cover, level)


def _paint(light: Any, left: int, top: int, cover: Any, level: Sequence[float]) -> None:
    window = light[top : top + cover.shape[0], left : left + cover.shape[1]]
    window += cover[: window.shape[0], : window.shape[1], None] * (np.array(level) - window)


def spec(part: Layout) -> GoldenSpec:
    """Return the agreed specification: eight dimensions, six colours, all of the surface."""
    circles = [{"center_px": (x, y), "radius_px": r, "inside": "dark"} for x, y, r in part.holes]
    asked: list[tuple[float, dict[str, Any]]] = [
        (2 * r, {"type": "circle_diameter", "circle": c})
        for (_, _, r), c in zip(part.holes, circles, strict=True)
    ]
    for i, j in part.pitches:
        apart = math.dist(part.holes[i][:2], part.holes[j][:2])
        asked.append((apart, {"type": "centre_distance", "a": circles[i], "b": circles[j]}))
    for x, y, w, h in part.tracks:
        ends = {"start_px": (x + w / 2, y), "end_px": (x + w / 2, y + h)}
        asked.append((h, {"type": "edge_width", **ends, "band_px": 80, "inside": "bright"}))
    dimensions: list[dict[str, Any]] = [
        {"kind": "dimension", "id": f"length-{n}", "name": f"Length {n}", "severity": "major",
         "feature": {**feature, "view": VIEW}, "nominal": px * MM_PER_PX,
         "lower": px * MM_PER_PX - 0.1, "upper": px * MM_PER_PX + 0.1}
        for n, (px, feature) in enumerate(asked)
    ]  # fmt: skip
    colours = [
        {"kind": "colour", "id": f"paint-{n}", "name": f"Paint {n}", "severity": "minor", "view": VIEW,
         "region": {"type": "rectangle", "x": x, "y": y, "width": w, "height": h}, "upper": 3.0}
        for n, (x, y, w, h) in enumerate(part.regions)
    ]  # fmt: skip
    surface = {"kind": "surface", "id": "face", "name": "Face", "severity": "major", "zones": ["all"]}
    inside = {"type": "rectangle", "x": _INSET_PX, "y": _INSET_PX, "width": part.width - 2 * _INSET_PX,
              "height": part.height - 2 * _INSET_PX}  # fmt: skip
    every = [*dimensions, *colours, surface]
    return GoldenSpec.model_validate({
        "schema": "hallmark.golden/1",
        "part": {"number": "P5", "revision": "A", "name": "Board of the pipeline benchmark"},
        "parties": [{"name": "Supplier", "role": "supplier"}, {"name": "Buyer", "role": "buyer"}],
        "views": [{"id": VIEW, "image": "images/top.png", "width_px": part.width, "height_px": part.height,
                   "mm_per_px": MM_PER_PX}],
        "characteristics": [{**c, "number": n + 1} for n, c in enumerate(every)],
        "zones": [{"id": "all", "name": "Face", "view": VIEW, "region": inside,
                   "viewing": {"distance_mm": 300, "time_s": 10, "illuminance_lx": 1000}}],
        "catalogue": {"smallest_mm": 0.2, "rules": [
            {"id": "any", "defect_class": "any", "severity": "major", "description": "Any deviation"}]},
        "plans": {},
    })  # fmt: skip


def sample(part: Layout, image: bytes) -> GoldenSample:
    """Return the golden sample of the part's encoded golden image."""
    return GoldenSample(
        spec=spec(part), digest="sha256:" + "0" * 64, version=1, issued=NOW, expires=None, predecessor=None,
        images={"images/top.png": image}, signatures=(),
    )  # fmt: skip


def certificate() -> CameraCalibration:
    """Return a certificate that states the scale."""
    return CameraCalibration.nominal(
        camera=CAMERA, mm_per_px=MM_PER_PX, relative_uncertainty=1e-3, issued=NOW,
        valid_until=NOW + timedelta(days=3650),
    )  # fmt: skip


@dataclass(frozen=True)
class Shot:
    """A frame as its PNG file, the golden corners in it (4, 2) and its eight true lengths in pixels."""

    data: bytes
    corners: Any
    lengths_px: list[float]
    scratched: bool

    @property
    def pixels(self) -> Any:
        """The frame's codes, (h, w, 3) uint8 RGB."""
        return cv2.imdecode(np.frombuffer(self.data, np.uint8), cv2.IMREAD_COLOR_RGB)


def write(folder: Path, frames: int, sensor_px: tuple[int, int] = SENSOR_PX) -> None:
    """Draw the part, capture it and write golden image, frames and truth to a folder."""
    part = layout(sensor_px)
    light = golden_light(part)
    (folder / "golden.png").write_bytes(encode_png(quantise(light.copy())))
    twin = Twin(light, MM_PER_PX, DEMO_RANGES, sensor_px)
    truths: list[dict[str, Any]] = []
    x, y = part.width / 2, part.height / 2
    scratch = Scratch(polyline_px=((x - 60, y - 10), (x + 40, y + 25)), width_mm=0.1, brightness=3.0)
    for seed in range(frames):
        scratched = seed % 3 == 2
        shot = twin.capture(seed, [scratch] if scratched else [])
        (folder / f"frame-{seed}.png").write_bytes(encode_png(shot.pixels))
        truths.append({
            "corners": shot.truth.to_frame(part.corners).tolist(), "lengths_px": part.lengths_px(shot.truth),
            "scratched": scratched,
        })  # fmt: skip
    (folder / "truth.json").write_text(json.dumps({"sensor_px": sensor_px, "frames": truths}), "utf-8")


def read(folder: Path) -> tuple[Layout, bytes, list[Shot]]:
    """Return what `write` wrote: the part, its golden image's file and the frames."""
    truth = json.loads((folder / "truth.json").read_text("utf-8"))
    shots = [
        Shot(
            (folder / f"frame-{n}.png").read_bytes(), np.array(t["corners"]), t["lengths_px"], t["scratched"]
        )
        for n, t in enumerate(truth["frames"])
    ]
    return layout(tuple(truth["sensor_px"])), (folder / "golden.png").read_bytes(), shots
