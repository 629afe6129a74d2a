"""Pieces of SVG that the sheets share: words, and a photograph as a screen shows its light."""

# OpenCV publishes incomplete types.
# pyright: reportUnknownMemberType=false
from __future__ import annotations

import base64
from html import escape

import cv2
import numpy as np

from calibration.mosaic import Codes
from hallmark.swatch import encoded
from kernels.compiled import F32, F64

INK, GREY, RED, BLUE = "#1f2937", "#6b7280", "#b3261e", "#0b5394"
_QUALITY = 88


def document(width: float, height: float, parts: list[str]) -> str:
    """Return a white sheet with these parts."""
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" '
        f'viewBox="0 0 {width:.0f} {height:.0f}" font-family="Source Sans Pro" font-size="17" fill="{INK}">'
    )
    ground = f'<rect width="{width:.0f}" height="{height:.0f}" fill="white"/>'
    return "\n".join([head, ground, *parts, "</svg>"])


def text(x: float, y: float, words: str, *, size: int = 17, weight: int = 400, colour: str = INK) -> str:
    """Return words from x on, standing on y."""
    return (
        f'<text x="{x:.1f}" y="{y:.1f}" font-size="{size}" font-weight="{weight}" fill="{colour}">'
        f"{escape(words)}</text>"
    )


def photograph(
    place: tuple[float, float, float], codes: Codes, table: F32, white: F64, finest: int = 1100
) -> str:
    """Return a photograph, white balanced.

    Args:
        place: left, top and width; the height follows.
        codes: (h, w, 3).
        table: codes to linear light.
        white: (3,) light that is shown white.
        finest: px of its longer side in the document.
    """
    x, y, width = place
    factor = min(1.0, finest / max(codes.shape[:2]))
    size = max(1, round(codes.shape[1] * factor)), max(1, round(codes.shape[0] * factor))
    light = np.asarray(cv2.resize(table[codes], size, interpolation=cv2.INTER_AREA), np.float64)
    bgr = np.ascontiguousarray(encoded(light / white)[:, :, ::-1])
    _, data = cv2.imencode(".jpg", bgr, [cv2.IMWRITE_JPEG_QUALITY, _QUALITY])
    return (
        f'<image x="{x}" y="{y}" width="{width}" height="{width * codes.shape[0] / codes.shape[1]:.1f}" '
        f'xlink:href="data:image/jpeg;base64,{base64.b64encode(data.tobytes()).decode("ascii")}"/>'
    )
