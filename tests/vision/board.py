"""Builders for tests of vision: a small synthetic board, its golden sample, certificates and frames.

The board is painted from closed forms of `datasets.scenes`, so that every hole, pitch and width is known.
"""

from __future__ import annotations

import functools
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import cv2
import numpy as np

from calibration import CameraCalibration
from datasets.scenes import Bar, Disk
from datasets.sensor import quantise
from datasets.twin import DEMO_RANGES, CaptureRanges, Change, Twin, TwinFrame
from evidence import Frame
from golden.sample import GoldenSample
from golden.spec import GoldenSpec
from kernels.compiled import F32, U8
from vision import Inspector

WIDTH, HEIGHT = 800, 640
MM_PER_PX = 0.02
SIGMA = 0.55
ISSUED = datetime(2026, 1, 1, tzinfo=UTC)
UNTIL = datetime(2027, 1, 1, tzinfo=UTC)
CAPTURED = "2026-06-01T12:00:00Z"
CAMERA = "cell-1"

LAMINATE, COPPER, HOLE = (0.05, 0.16, 0.07), (0.52, 0.34, 0.18), (0.012, 0.012, 0.014)
HOLES = (Disk((90.3, 84.6), 34.2, 0.0), Disk((712.4, 92.1), 33.7, 0.0), Disk((95.8, 548.2), 35.1, 0.0))
TRACK = (380.0, 418.6)  # left and right edge of the wide track, x in px
TRACK_Y = (180.0, 420.0)
PADDLE = (540.0, 380.0, 120.0, 110.0)  # a large copper area: x, y, width, height
_RECTANGLES = (
    (TRACK[0], TRACK_Y[0], TRACK[1] - TRACK[0], TRACK_Y[1] - TRACK_Y[0]),
    PADDLE,
    (180, 60, 90, 44), (300, 52, 30, 70), (360, 70, 210, 18), (590, 60, 50, 40), (200, 150, 24, 180),
    (250, 140, 60, 26), (250, 190, 22, 140), (300, 230, 40, 40), (460, 130, 26, 210), (520, 160, 90, 20),
    (520, 210, 20, 110), (570, 220, 46, 46), (640, 180, 60, 24), (720, 200, 24, 160), (650, 260, 30, 60),
    (60, 170, 60, 24), (70, 240, 30, 120), (130, 230, 30, 46), (60, 400, 90, 22), (180, 380, 30, 120),
    (240, 370, 80, 40), (240, 440, 26, 90), (290, 450, 70, 24), (300, 510, 40, 50), (180, 545, 90, 20),
    (380, 470, 24, 100), (430, 450, 60, 30), (440, 520, 70, 40), (690, 400, 50, 26), (700, 460, 24, 90),
    (550, 540, 90, 24), (660, 575, 80, 20),
)  # fmt: skip


@functools.cache
def golden_rgb() -> U8:
    """Return the golden image, (HEIGHT, WIDTH, 3) sRGB codes."""
    return quantise(board_light())


def board_light(holes: Sequence[Disk] = HOLES, rectangles: Iterable[tuple[float, ...]] = _RECTANGLES) -> F32:
    """Return the board in linear light."""
    rng = np.random.default_rng(2026)
    grain = sum(
        cv2.GaussianBlur(rng.standard_normal((HEIGHT, WIDTH)), (0, 0), s) * s * a
        for s, a in ((1.2, 0.03), (5, 0.06), (20, 0.08))
    )
    light = np.array(LAMINATE) * (1 + np.asarray(grain)[..., None])
    for x, y, w, h in rectangles:
        cover = (
            Bar((x + w / 2, 0), 0, w, 0.0).cover(WIDTH, 1, SIGMA)
            * Bar((0, y + h / 2), 90, h, 0.0).cover(1, HEIGHT, SIGMA)
        )[..., None]
        light += cover * (np.array(COPPER) - light)
    for hole in holes:
        light += hole.cover(WIDTH, HEIGHT, SIGMA)[..., None] * (np.array(HOLE) - light)
    return np.clip(light, 0, 1).astype(np.float32)


def png(pixels: U8) -> bytes:
    """Return the PNG file of RGB or grey pixels."""
    rgb = pixels[..., ::-1] if pixels.ndim == 3 else pixels
    return cv2.imencode(".png", np.ascontiguousarray(rgb), [cv2.IMWRITE_PNG_COMPRESSION, 1])[1].tobytes()


def _circle(disk: Disk) -> dict[str, Any]:
    return {"center_px": disk.center_px, "radius_px": disk.radius_px, "inside": "dark"}


def _dimension(
    number: int, name: str, nominal: float, feature: dict[str, Any], **other: Any
) -> dict[str, Any]:
    return {
        "kind": "dimension", "number": number, "id": name, "name": name, "severity": "major",
        "nominal": nominal, "lower": nominal - 0.1, "upper": nominal + 0.1,
        "feature": {"view": "top", **feature}, **other,
    }  # fmt: skip


def pitch(a: Disk, b: Disk) -> float:
    """Return the distance of two centres in mm."""
    return float(np.hypot(*np.subtract(a.center_px, b.center_px))) * MM_PER_PX


def fields() -> dict[str, Any]:
    """Return the JSON fields of the board's specification, for tests that alter them."""
    viewing = {"distance_mm": 300, "time_s": 10, "illuminance_lx": 1000}
    x, y, w, h = PADDLE
    return {
        "schema": "hallmark.golden/1",
        "part": {"number": "B1", "revision": "A", "name": "Test board"},
        "parties": [{"name": "Maker", "role": "supplier"}, {"name": "Taker", "role": "buyer"}],
        "views": [
            {"id": "top", "image": "images/top.png", "width_px": WIDTH, "height_px": HEIGHT,
             "mm_per_px": MM_PER_PX},
        ],
        "characteristics": [
            _dimension(1, "hole-a", 2 * HOLES[0].radius_px * MM_PER_PX,
                       {"type": "circle_diameter", "circle": _circle(HOLES[0])}),
            _dimension(2, "pitch-ab", pitch(HOLES[0], HOLES[1]),
                       {"type": "centre_distance", "a": _circle(HOLES[0]), "b": _circle(HOLES[1])}),
            _dimension(3, "track", (TRACK[1] - TRACK[0]) * MM_PER_PX,
                       {"type": "edge_width", "start_px": [TRACK[0], 300], "end_px": [TRACK[1], 300],
                        "band_px": 41, "inside": "bright"}),
            {"kind": "colour", "number": 4, "id": "copper", "name": "Copper", "severity": "minor",
             "view": "top", "upper": 3.0,
             "region": {"type": "rectangle", "x": x + 15, "y": y + 15, "width": w - 30, "height": h - 30}},
            {"kind": "surface", "number": 5, "id": "field-surface", "name": "Field", "severity": "major",
             "zones": ["field"]},
            {"kind": "surface", "number": 6, "id": "rim-surface", "name": "Rim", "severity": "minor",
             "zones": ["rim"]},
        ],
        "zones": [
            {"id": "field", "name": "Field", "view": "top", "viewing": viewing,
             "region": {"type": "rectangle", "x": 150, "y": 130, "width": 500, "height": 380}},
            {"id": "rim", "name": "Rim", "view": "top", "viewing": viewing,
             "region": {"type": "rectangle", "x": 10, "y": 10, "width": 780, "height": 620}},
        ],
        "catalogue": {
            "smallest_mm": 0.3,
            "rules": [
                {"id": "open", "defect_class": "open", "severity": "major"},
                {"id": "speck", "defect_class": "speck", "severity": "allowed"},
                {"id": "field", "defect_class": "unclassified", "zone": "field", "from_mm": 0.4,
                 "severity": "major"},
            ],
        },
        "plans": {},
    }  # fmt: skip


def sample(
    spec: dict[str, Any] | None = None,
    images: Mapping[str, bytes] | None = None,
    expires: datetime | None = None,
) -> GoldenSample:
    """Return an opened golden sample, as if its seal had been verified."""
    return GoldenSample(
        spec=GoldenSpec.model_validate(fields() if spec is None else spec),
        digest="sha256:" + "5" * 64, version=1, issued=ISSUED, expires=expires, predecessor=None,
        images={"images/top.png": png(golden_rgb())} if images is None else images, signatures=(),
    )  # fmt: skip


def calibration(**stated: Any) -> CameraCalibration:
    """Return the certificate of the camera `CAMERA`."""
    default = {
        "camera": CAMERA, "mm_per_px": MM_PER_PX, "relative_uncertainty": 0.0003, "issued": ISSUED,
        "valid_until": UNTIL,
    }  # fmt: skip
    return CameraCalibration.nominal(**{**default, **stated})


def inspector(spec: dict[str, Any] | None = None, **other: Any) -> Inspector:
    """Return a fresh inspector of the board with a certified camera."""
    return Inspector(sample(spec), {"top": calibration()}, **other)


@functools.cache
def shared_inspector() -> Inspector:
    """Return one inspector of the board for tests that only read."""
    return inspector()


@functools.cache
def twin(ranges: CaptureRanges = DEMO_RANGES) -> Twin:
    """Return the simulated line that captures the board."""
    return Twin(golden_rgb(), MM_PER_PX, ranges)


@functools.cache
def captured(seed: int, *changes: Change, ranges: CaptureRanges = DEMO_RANGES) -> TwinFrame:
    """Return a capture of the board; its pixels are shared, so do not write to them."""
    shot = twin(ranges).capture(seed, changes)
    shot.pixels.setflags(write=False)
    return shot


def frame(
    pixels: U8, *, camera: str = CAMERA, captured_at: str | None = CAPTURED, view: str = "top"
) -> Frame:
    """Return a frame of these pixels; the raw bytes stand for the file."""
    pixels = np.ascontiguousarray(pixels)
    return Frame(pixels=pixels, data=pixels.tobytes(), view=view, camera=camera, captured_at=captured_at)


def overlap(one: Sequence[float], two: Sequence[float]) -> bool:
    """Return whether two boxes x, y, width, height share any area."""
    return (
        one[0] < two[0] + two[2] and two[0] < one[0] + one[2]
        and one[1] < two[1] + two[3] and two[1] < one[1] + one[3]
    )  # fmt: skip
