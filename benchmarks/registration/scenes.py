"""What registration is shown: the real scan S4 captured by the twin, partly covered, and other parts.

All frames are grey linear light of 8 bits. The twin renders by bilinear sampling of a twice finer grid; its
own error is below 0.003 px (compared with Fourier shifts of the same scan).
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import cv2
import numpy as np

from datasets import pcb_s4
from datasets.light import to_linear
from datasets.sensor import add_noise
from datasets.twin import WIDE_RANGES, Twin

CAPTURE = replace(
    WIDE_RANGES, angle_deg=2.0, shift_fraction=60 / 2448, gradient=0.3, blur_sigma_px=(0.7, 1.2)
)
TRIAL = replace(
    WIDE_RANGES, angle_deg=8.0, shift_fraction=0.1, scale_jitter=0.03, gradient=0.3, blur_sigma_px=(0.6, 1.2)
)
SENSOR = (2048, 2448)
_LUMA = np.array([0.299, 0.587, 0.114], np.float32)

Light = Any
"""(h, w, 3) float32 linear light of a golden image."""


@functools.cache
def scan() -> Light:
    """Return the good board's scan, (1888, 1663, 3) float32 linear light."""
    codes = cv2.imdecode(np.frombuffer(pcb_s4.good_scan(), np.uint8), cv2.IMREAD_COLOR_RGB)
    return to_linear(codes)


@functools.cache
def half_scan() -> Light:
    """Return the same at half the scale."""
    h, w = scan().shape[:2]
    return cv2.resize(scan(), (w // 2 + 1, h // 2), interpolation=cv2.INTER_AREA)


def grey(light: Light) -> Any:
    """Return (h, w) uint8 linear grey."""
    return np.clip(np.round(light @ _LUMA * 255), 0, 255).astype(np.uint8)


def corners(golden: Any) -> Any:
    """Return the four outermost pixel centres of a golden image."""
    h, w = golden.shape[:2]
    return np.array([(0, 0), (w - 1, 0), (0, h - 1), (w - 1, h - 1)], np.float64)


def capture(twin: Twin, seed: int, golden: Light, covered: float, rng: Any) -> tuple[Any, Any]:
    """Return a frame (h, w) uint8 and its truth, a share of the part being covered by something else."""
    light, truth = twin.expose(seed)
    light = np.ascontiguousarray(light @ _LUMA, np.float32)
    if covered > 0:
        _cover(light, truth, golden.shape, covered, rng)
    add_noise(light, rng, full_well_e=truth.full_well_e, read_noise_e=truth.read_noise_e)
    return np.clip(np.round(light * 255), 0, 255).astype(np.uint8), truth


def _cover(light: Any, truth: Any, shape: tuple[int, ...], share: float, rng: Any) -> None:
    """Lay a rectangle over the part: of one brightness, of clouds, or of another piece of the same part."""
    h, w = shape[:2]
    aspect = rng.uniform(0.4, 2.5)
    width = min((share * aspect) ** 0.5, 1.0)
    height = min(share / width, 1.0)
    x, y = rng.uniform(0, 1 - width) * w, rng.uniform(0, 1 - height) * h
    right, bottom = x + width * w, y + height * h
    outline = truth.to_frame([(x, y), (right, y), (right, bottom), (x, bottom)])
    mask = np.zeros(light.shape, np.uint8)
    cv2.fillPoly(mask, [np.round(outline).astype(np.int32)], 1)
    kind = rng.integers(3)
    if kind == 0:
        cover = np.full_like(light, rng.uniform(0.01, 0.5))
    elif kind == 1:
        cover = _clouds(light.shape, rng)
    else:
        cover = np.roll(light, tuple(int(s) for s in rng.integers(50, 400, 2)), (0, 1))
    np.copyto(light, cover, where=mask > 0)


def _clouds(shape: tuple[int, ...], rng: Any) -> Any:
    noise = cv2.GaussianBlur(rng.standard_normal(shape[:2], dtype=np.float32), (0, 0), rng.uniform(1, 10))
    return np.clip(0.2 + 0.08 * noise / noise.std(), 0, 1)


# Parts that are others. Each returns its picture and the displacements (golden px, x) under which a piece of
# the golden part is in it: to be registered by the greatest of these is right.
Other = Callable[[Light, Any], tuple[Light, list[int]]]


def family(golden: Light, rng: Any) -> tuple[Light, list[int]]:
    """Return a part of the same family: patches of 40 to 160 px replaced by other features of the part."""
    out = golden.copy()
    h, w = golden.shape[:2]
    for _ in range(int(rng.integers(6, 16))):
        s = int(rng.integers(40, 160))
        (y, v), (x, u) = rng.integers(0, h - s, 2), rng.integers(0, w - s, 2)
        out[y : y + s, x : x + s] = golden[v : v + s, u : u + s]
    return out, [0]


def mirrored(golden: Light, _: Any) -> tuple[Light, list[int]]:
    """Return the mirror image."""
    return golden[:, ::-1].copy(), []


def two_parts(golden: Light, rng: Any) -> tuple[Light, list[int]]:
    """Return the part cut across, one piece shifted by 6 to 60 px."""
    cut, shift = int(rng.uniform(0.35, 0.65) * len(golden)), int(rng.integers(6, 60))
    out = golden.copy()
    out[cut:] = np.roll(golden, shift, 1)[cut:]
    return out, [0, shift]


def bands(golden: Light, rng: Any) -> tuple[Light, list[int]]:
    """Return the part in three to seven bands, each shifted by up to 60 px."""
    rows = np.linspace(0, len(golden), int(rng.integers(4, 9))).astype(int)
    shifts = [int(s) for s in rng.integers(-60, 61, len(rows) - 1)]
    pieces = [np.roll(golden[a:b], s, 1) for a, b, s in zip(rows[:-1], rows[1:], shifts, strict=True)]
    return np.concatenate(pieces), shifts


def tiles(golden: Light, rng: Any) -> tuple[Light, list[int]]:
    """Return the part's tiles in another order."""
    side = int(rng.choice([60, 100, 160]))
    rows, columns = golden.shape[0] // side, golden.shape[1] // side
    out = golden.copy()
    for here, there in enumerate(rng.permutation(rows * columns)):
        (y, x), (v, u) = divmod(here, columns), divmod(int(there), columns)
        out[y * side : (y + 1) * side, x * side : (x + 1) * side] = golden[
            v * side : (v + 1) * side, u * side : (u + 1) * side
        ]
    return out, []


def texture(golden: Light, rng: Any) -> tuple[Light, list[int]]:
    """Return a plain texture."""
    return _clouds(golden.shape, rng)[..., None].repeat(3, 2).astype(np.float32), []


def another(golden: Light, rng: Any) -> tuple[Light, list[int]]:
    """Return another board: rectangles and disks."""
    h, w = golden.shape[:2]
    light = np.full((h, w), 0.05, np.float32)
    for _ in range(int(rng.integers(20, 80))):
        at = (int(rng.uniform(0, w)), int(rng.uniform(0, h)))
        if rng.random() < 0.5:
            far = (at[0] + int(rng.uniform(10, 150)), at[1] + int(rng.uniform(10, 150)))
            cv2.rectangle(light, at, far, float(rng.uniform(0.2, 0.5)), -1)
        else:
            cv2.circle(light, at, int(rng.uniform(8, 40)), float(rng.uniform(0.01, 0.5)), -1)
    return light[..., None].repeat(3, 2), []


OTHERS: dict[str, Other] = {
    "same family, patches differ": family, "mirrored": mirrored, "cut and shifted": two_parts,
    "shifted bands": bands, "shuffled tiles": tiles, "plain texture": texture, "another board": another,
}  # fmt: skip
