"""Catmull-Rom interpolation: exact on ramps, no 1/32-pixel rounding."""

from __future__ import annotations

import math

from kernels.compiled import F32, U8, compiled


@compiled
def catmull_rom(image: F32 | U8, x: float, y: float) -> float:
    """Return the interpolated value at (x, y), pixel centres at integers; borders repeat the edge pixel."""
    height, width = image.shape
    ix, iy = math.floor(x), math.floor(y)
    fx, fy = x - ix, y - iy
    wx0 = fx * (-0.5 + fx * (1.0 - 0.5 * fx))
    wx1 = 1.0 + fx * fx * (-2.5 + 1.5 * fx)
    wx2 = fx * (0.5 + fx * (2.0 - 1.5 * fx))
    wx3 = fx * fx * (-0.5 + 0.5 * fx)
    wy0 = fy * (-0.5 + fy * (1.0 - 0.5 * fy))
    wy1 = 1.0 + fy * fy * (-2.5 + 1.5 * fy)
    wy2 = fy * (0.5 + fy * (2.0 - 1.5 * fy))
    wy3 = fy * fy * (-0.5 + 0.5 * fy)
    x0 = min(max(ix - 1, 0), width - 1)
    x1 = min(max(ix, 0), width - 1)
    x2 = min(max(ix + 1, 0), width - 1)
    x3 = min(max(ix + 2, 0), width - 1)
    total = 0.0
    for j in range(4):
        row = image[min(max(iy - 1 + j, 0), height - 1)]
        weight = wy0 if j == 0 else (wy1 if j == 1 else (wy2 if j == 2 else wy3))
        total += weight * (wx0 * row[x0] + wx1 * row[x1] + wx2 * row[x2] + wx3 * row[x3])
    return total
