"""A board under a characterised camera: golden sample, certificate, placements and units of known colour."""

from __future__ import annotations

import functools
from typing import Any

import numpy as np

from calibration import CameraCalibration
from calibration.colour.camera import ColourCalibration
from calibration.colour.characterise import characterise
from calibration.colour.chart import Chart
from calibration.colour.patches import Patches
from datasets.sensor import quantise
from evidence import CharacteristicResult, Frame, Inspection
from golden.sample import GoldenSample
from tests.vision import board
from vision import GoldenColours, Inspector, measure_golden

TO_XYZ = np.array([[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]])
WHITE = np.array([0.95047, 1.0, 1.08883])
X, Y, W, H = (int(v) for v in board.PADDLE)
PATCH = np.s_[Y - 4 : Y + H + 4, X - 4 : X + W + 4]
TILE = np.array([[20.0, 280], [50, 280], [50, 310], [20, 310]])  # of the frame's margin, kept white
TILE_PATCH = np.s_[270:320, 10:60]


def lab_of(rgb: np.ndarray) -> np.ndarray:
    t = rgb @ TO_XYZ.T / WHITE
    f = np.where(t > (6 / 29) ** 3, np.cbrt(t), t / (3 * (6 / 29) ** 2) + 4 / 29)
    return np.stack((116 * f[..., 1] - 16, 500 * (f[..., 0] - f[..., 1]), 200 * (f[..., 1] - f[..., 2])), -1)


@functools.cache
def colour() -> ColourCalibration:
    """Return the colours of a camera that is sRGB, from a chart of random colours."""
    rng = np.random.default_rng(12)
    chart = Chart.open("classic-after-2014")
    rgb = rng.uniform(0.05, 0.85, (24, 3))
    rgb[18:] = np.array([0.85, 0.58, 0.36, 0.19, 0.09, 0.04])[:, None]
    patches = tuple(
        p.model_copy(update={"lab": tuple(lab.tolist())})
        for p, lab in zip(chart.patches, lab_of(rgb), strict=True)
    )
    chart = chart.model_copy(update={"patches": patches, "illuminant": "D65"})
    codes = 255 * np.where(rgb <= 0.0031308, 12.92 * rgb, 1.055 * rgb ** (1 / 2.4) - 0.055)
    read = Patches(
        rgb=rgb, covariance=np.tile(1e-8 * np.eye(3), (24, 1, 1)), spread=np.full((24, 3), 1e-3), codes=codes,
        clipped=np.zeros(24), left_out=np.zeros(24), pixels=np.full(24, 900),
        centres=np.array([[100.0 * (i % 6), 100.0 * (i // 6)] for i in range(24)]),
    )  # fmt: skip
    return characterise(read, chart, light="D65", transfer="srgb").colour


@functools.cache
def certificate() -> CameraCalibration:
    return board.calibration().reissued(board.ISSUED, colour=colour())


@functools.cache
def light() -> np.ndarray:
    found = board.board_light().astype(np.float64)
    found[TILE_PATCH] = 0.75
    return found


@functools.cache
def golden() -> GoldenSample:
    return board.sample(spec(), {"images/top.png": board.png(quantise(light()))})


def spec() -> dict[str, Any]:
    """Return the board's specification with colours of one region by every quantity."""
    fields = board.fields()
    fields["views"][0]["mm_per_px"] = 10 * board.MM_PER_PX  # so that tiles of mottle fit
    for zone in fields["zones"]:
        if zone["id"] == "rim":
            zone["region"].update({"x": 70, "width": 720})
    (copper,) = (c for c in fields["characteristics"] if c["kind"] == "colour")
    copper["upper"] = 1.5
    for number, (name, more) in enumerate(MORE.items(), 20):
        fields["characteristics"].append({**copper, "id": name, "number": number, **more})
    return fields


D65 = {"illuminant": "D65", "observer": "2"}
MATCHED = {"type": "rectangle", "x": 304, "y": 514, "width": 32, "height": 42}


def absolute(*lab: float) -> dict[str, Any]:
    conditions = {**D65, "geometry": "45/0"}
    return {
        "reference": {"lab": lab, "instrument": "Spectrophotometer 1", "u": 0.1, "conditions": conditions}
    }


MORE: dict[str, dict[str, Any]] = {
    "places": {"quantity": "p95"},
    "eye": {"quantity": "p95", "viewing_distance_mm": 300.0},
    "gradient": {"quantity": "gradient"},
    "mottle": {"quantity": "mottle", "upper": 0.5},
    "match": {"quantity": "match", "other": MATCHED},
    "cmc": {"formula": "CMC_2_1", "unit": "CMC_2_1"},
    "d50": {"conditions": {"illuminant": "D50", "observer": "2"}},
    "near": absolute(68.5, 6.7, 25.5),
    "far": absolute(20.0, 0.0, 0.0),
}


def shot(seed: int, patch: Any = 1.0, gain: Any = 1.0, extra: np.ndarray | None = None) -> Frame:
    """Return a frame: the paddle's light times `patch`, all light times `gain`; moved and noisy by seed."""
    rng = np.random.default_rng(seed)
    scene = light().copy()
    scene[PATCH] *= patch
    if extra is not None:
        scene += extra
    move = tuple(int(n) for n in rng.integers(-4, 5, 2))
    tile = scene[TILE_PATCH].copy()
    scene = np.roll(scene, move, axis=(0, 1))
    scene[TILE_PATCH] = tile  # the tile stays where it is
    scene = scene * gain * (1 + 0.002 * rng.standard_normal())
    seen = scene + 0.006 * np.sqrt(np.maximum(scene, 0.01)) * rng.standard_normal(scene.shape)
    return board.frame(quantise(np.clip(seen, 0, 1)))


@functools.cache
def placements(count: int = 5) -> tuple[Frame, ...]:
    return tuple(shot(100 + n) for n in range(count))


@functools.cache
def golden_colours(tile: bool = False) -> GoldenColours:
    frames = placements(12) if tile else placements()
    return measure_golden(golden(), "top", certificate(), frames, tile=TILE if tile else None)


@functools.cache
def inspector(tile: bool = False) -> Inspector:
    return Inspector(golden(), {"top": certificate()}, colours={"top": golden_colours(tile)})


def inspected(frame: Frame, by: Inspector | None = None) -> tuple[CharacteristicResult, Inspection]:
    record = (by or inspector()).inspect({"top": frame}, serial="S1")
    return of(record, "copper"), record


def of(record: Inspection, name: str) -> CharacteristicResult:
    (result,) = (c for c in record.characteristics if c.id == name)
    return result


@functools.cache
def good() -> Inspection:
    return inspected(shot(1))[1]
