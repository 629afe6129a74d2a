"""sRGB codes, linear light and CIE L*a*b*, as the standards write them.

Sources: IEC 61966-2-1 (transfer function and primaries, D65 white), CIE 15 (L*a*b*).
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]

_XYZ_FROM_RGB: Final = np.array(
    [[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]], dtype=np.float64
)
_WHITE: Final = _XYZ_FROM_RGB.sum(axis=1)
_LAB_KNEE: Final = 6 / 29


def to_linear(codes: NDArray[np.uint8]) -> Floats:
    """Return linear light 0..1 (float32, same shape) of 8-bit sRGB codes."""
    return _DECODE[codes]


def encode(linear: NDArray[np.floating]) -> Floats:
    """Return sRGB values 0..1 (float32, same shape, not rounded) of linear light, clipped to 0..1."""
    x = np.clip(linear, 0.0, 1.0).astype(np.float32)
    return np.where(x <= 0.0031308, 12.92 * x, 1.055 * x ** (1 / 2.4) - 0.055).astype(np.float32)


def _decode(values: NDArray[np.float64]) -> Floats:
    return np.where(values <= 0.04045, values / 12.92, ((values + 0.055) / 1.055) ** 2.4).astype(np.float32)


_DECODE: Final = _decode(np.arange(256) / 255.0)


def lab_from_linear(linear: NDArray[np.floating]) -> NDArray[np.float64]:
    """Return L*a*b* (D65, last axis) of linear sRGB."""
    t = (linear.astype(np.float64) @ _XYZ_FROM_RGB.T) / _WHITE
    root = np.asarray(np.cbrt(t), dtype=np.float64)
    f = np.where(t > _LAB_KNEE**3, root, t / (3 * _LAB_KNEE**2) + 4 / 29)
    return np.stack(
        [116 * f[..., 1] - 16, 500 * (f[..., 0] - f[..., 1]), 200 * (f[..., 1] - f[..., 2])], axis=-1
    )


def linear_from_lab(lab: NDArray[np.float64]) -> Floats:
    """Return linear sRGB (last axis, clipped to 0..1) of L*a*b* (D65)."""
    fy = (lab[..., 0] + 16) / 116
    f = np.stack([fy + lab[..., 1] / 500, fy, fy - lab[..., 2] / 200], axis=-1)
    t = np.where(f > _LAB_KNEE, f**3, 3 * _LAB_KNEE**2 * (f - 4 / 29))
    return np.clip((t * _WHITE) @ np.linalg.inv(_XYZ_FROM_RGB).T, 0, 1).astype(np.float32)
