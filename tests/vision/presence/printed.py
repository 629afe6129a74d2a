"""Texts drawn at eight times the resolution, seen by a camera at a place between pixels: analytic prints."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np

from golden.characteristics import Print
from kernels.compiled import F32, U8
from vision.presence.prints import PrintCheck

W, H = 110, 40
_FINE = 8  # fine pixels in one
_GROUND, _FIRST, _STEP = 50.0, 14.0, 1.05  # codes; pixels to the first character; heights between two


@dataclass(frozen=True, slots=True)
class Capture:
    """How a print is taken.

    Attributes:
        dx: shift along x, pixels.
        dy: shift along y.
        angle: turn, degrees.
        blur: standard deviation of the optics, pixels.
        noise: of each channel, codes.
        light: share of the golden sample's.
        slope: by how much of itself light rises from the left to the right.
    """

    dx: float = 0.0
    dy: float = 0.0
    angle: float = 0.0
    blur: float = 0.7
    noise: float = 2.0
    light: float = 1.0
    slope: float = 0.0


def drawn(text: str, height: float, contrast: float, seed: int, taken: Capture | None = None) -> U8:
    """Return (H, W, 3) uint8 of light text on a dark body; its characters are `height` px high."""
    taken = taken or Capture()
    fine = np.zeros((H * _FINE, W * _FINE), np.uint8)
    thick = round(0.14 * height * _FINE)
    scale = (height * _FINE - thick) / 21  # Hershey's capitals are 21 units high
    for k, character in enumerate(text):
        at = (_FIRST + k * _STEP * height) * _FINE, (H + height) / 2 * _FINE - thick / 2
        place = round(at[0]), round(at[1])
        cv2.putText(fine, character, place, cv2.FONT_HERSHEY_SIMPLEX, scale, 255, thick, cv2.LINE_AA)
    cover = cv2.blur(cv2.GaussianBlur(fine / 255.0, (0, 0), taken.blur * _FINE), (_FINE, _FINE))
    turn = cv2.getRotationMatrix2D(((W - 1) / 2, (H - 1) / 2), -taken.angle, 1.0)
    turn[:, 2] += taken.dx, taken.dy
    to_frame = np.vstack((turn, (0, 0, 1))) @ np.array(
        [[1 / _FINE, 0, 0.5 / _FINE - 0.5], [0, 1 / _FINE, 0.5 / _FINE - 0.5], [0, 0, 1]]
    )
    to_fine = np.linalg.inv(to_frame)[:2]
    cover = cv2.warpAffine(cover, to_fine, (W, H), flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP)
    light = taken.light * (1 + taken.slope * np.linspace(-0.5, 0.5, W))[:, None]
    noise = np.random.default_rng(seed).normal(0, taken.noise, (H, W, 3))
    codes = (_GROUND + contrast * cover[..., None]) * light + noise
    return np.clip(np.round(codes), 0, 255).astype(np.uint8)


def check(golden: U8, detail_px: float, region: dict[str, Any] | None = None) -> PrintCheck:
    """Return the check of a print that fills a golden picture, but for 8 px."""
    h, w = golden.shape[:2]
    region = region or {"type": "rectangle", "x": 8, "y": 8, "width": w - 16, "height": h - 16}
    fields: dict[str, Any] = {
        "kind": "print", "number": 1, "id": "value", "name": "Value", "severity": "major", "view": "top",
        "upper": 0.3, "region": region, "detail_mm": detail_px / 10,
    }  # fmt: skip
    return PrintCheck(Print.model_validate(fields), golden, 0.1)


def wide(of: PrintCheck, unit: U8) -> F32:
    """Return a unit's codes as the check's window sees them."""
    rows, columns = of.window.places(of.window.pad)
    rows, columns = np.clip(rows, 0, unit.shape[0] - 1), np.clip(columns, 0, unit.shape[1] - 1)
    return unit[np.ix_(rows, columns)].astype(np.float32)
