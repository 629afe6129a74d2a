"""A drawn board with a chip, an LED, a printed value and a QR code, and what is agreed of it."""

from __future__ import annotations

import functools
from typing import Any

import cv2
import numpy as np

from golden.spec import GoldenSpec
from kernels.compiled import U8
from tests.vision import board

W, H, MM = 640, 480, 0.1
CHIP, LED, CODE, TEXT = (300, 200), (180, 300), (430, 90, 96, 96), (70, 60, 190, 40)

GROUND, INK = (30.0, 80.0, 120.0), (235.0, 235.0, 230.0)


def _chip(body: tuple[int, int, int] = (35, 34, 36)) -> Any:
    """A body with silver pins on both sides and a dot at pin 1."""
    picture = np.zeros((60, 70, 4), np.float32)
    picture[5:55, 12:58] = (*body, 1)
    for y in (10, 22, 34, 46):
        picture[y : y + 6, 2:12] = picture[y : y + 6, 58:68] = (205, 205, 200, 1)
    cv2.circle(picture, (20, 14), 4, (190, 180, 60, 1.0), -1)
    return picture


def led() -> Any:
    picture = np.zeros((60, 70, 4), np.float32)
    picture[12:48, 6:64] = (225, 225, 215, 1)
    picture[20:40, 22:48] = (180, 60, 40, 1)
    picture[12:48, 6:12] = (120, 110, 100, 1)
    return picture


def _paste(image: Any, picture: Any, at: tuple[float, float], angle: float = 0.0) -> None:
    """Draw a picture centred at a point, turned from x towards y, by area-true supersampling."""
    h, w = picture.shape[:2]
    turn = cv2.getRotationMatrix2D(((w - 1) / 2, (h - 1) / 2), -angle, 1.0)
    turn[:, 2] += np.array(at) - ((w - 1) / 2, (h - 1) / 2)
    moved = cv2.warpAffine(picture * picture[..., 3:], turn, (W, H), flags=cv2.INTER_LINEAR)
    cover = moved[..., 3:]
    image += moved[..., :3] - cover * image


def _symbol(text: str) -> Any:
    """A QR code by OpenCV's encoder, which shares nothing with the reader."""
    code = cv2.QRCodeEncoder.create().encode(text)
    return cv2.resize(code, CODE[2:], interpolation=cv2.INTER_NEAREST)


@functools.cache
def _ground() -> Any:
    rng = np.random.default_rng(7)
    image = np.full((H, W, 3), GROUND, np.float32)
    for _ in range(120):
        a, b = rng.integers(0, (W, H), 2), rng.integers(0, (W, H), 2)
        b = a + (b - a) // 5
        cv2.line(image, a.tolist(), b.tolist(), (45, 105, 140), 3, cv2.LINE_AA)
    for x, y in ((30, 30), (610, 30), (30, 450), (610, 450), (90, 400), (520, 300), (420, 420), (560, 210)):
        cv2.circle(image, (x, y), 14, (190, 180, 150), -1, cv2.LINE_AA)
        cv2.circle(image, (x, y), 6, (20, 20, 20), -1, cv2.LINE_AA)
    image[180:220, 265:336] = (30, 80, 120)
    return image


def picture(
    *,
    chip: Any = None,
    at: tuple[float, float] = CHIP,
    angle: float = 0.0,
    text: str = "10K35 A4",
    code: str | None = "UNIT-0042",
    seed: int = 1,
    light: float = 1.0,
    ink: tuple[float, float, float] = INK,
) -> U8:
    """Return a board; `chip` False leaves it bare, `ink` is the colour of the text."""
    image = _ground().copy()
    if chip is not False:
        _paste(image, _chip() if chip is None else chip, at, angle)
    _paste(image, led(), LED)
    cover = np.zeros((H, W), np.uint8)
    cv2.putText(cover, text, (80, 92), cv2.FONT_HERSHEY_DUPLEX, 0.9, 255, 2, cv2.LINE_AA)
    image += (cover / 255.0)[..., None] * (np.array(ink) - image)
    x, y, w, h = CODE
    image[y - 10 : y + h + 10, x - 10 : x + w + 10] = 235
    if code is not None:
        image[y : y + h, x : x + w] = _symbol(code)[..., None] * 0.9
    noise = np.random.default_rng(seed).normal(0, 2, image.shape)
    return np.clip(np.round(cv2.GaussianBlur(image, (0, 0), 0.7) * light + noise), 0, 255).astype(np.uint8)


def _box(x: float, y: float, w: float, h: float) -> dict[str, Any]:
    return {"type": "rectangle", "x": x, "y": y, "width": w, "height": h}


def fields(**code: Any) -> dict[str, Any]:
    shared = {"severity": "major", "view": "top"}
    body = {"upper": 0.3, "kind": "component", **shared}
    return {
        **board.fields(),
        "views": [{"id": "top", "image": "images/top.png", "width_px": W, "height_px": H, "mm_per_px": MM}],
        "characteristics": [
            {**body, "number": 1, "id": "chip", "name": "U1",
             "region": _box(CHIP[0] - 33, CHIP[1] - 26, 67, 52)},
            {**body, "number": 2, "id": "led", "name": "D1", "polarised": False,
             "region": _box(LED[0] - 30, LED[1] - 19, 60, 38)},
            {**shared, "kind": "print", "number": 3, "id": "value", "name": "Value", "upper": 0.3,
             "detail_mm": 2.0, "region": _box(*TEXT)},
            {**shared, "kind": "code", "number": 4, "id": "code", "name": "Code", "symbology": "QRCode",
             "region": _box(CODE[0] - 8, CODE[1] - 8, CODE[2] + 16, CODE[3] + 16),
             **(code or {"pattern": "UNIT-(?P<serial>[0-9]{4})", "identifies": True})},
        ],
        "zones": [],
        "catalogue": {
            "smallest_mm": 0.5, "rules": [{"id": "any", "defect_class": "any", "severity": "minor"}],
        },
    }  # fmt: skip


@functools.cache
def spec() -> GoldenSpec:
    return GoldenSpec.model_validate(fields())
