"""Resampling of a colour image through a smooth map, bilinear, as fast as the map is gentle.

Where a row comes from neighbours in one row of the image, which a nearly upright unit of nearly the golden
size gives for dozens of pixels on end, whole runs are interpolated as vectors.
"""

from __future__ import annotations

import numpy as np

from kernels.compiled import F32, F64, I32, U8, compiled

_NEXT = np.uint64(3)  # codes to the next pixel


@compiled
def warp(image: U8, coefficients: F64, cx: float, cy: float, extent: float, scale: int, out: U8) -> None:
    """Resample an image shrunk by `scale` into the equally shrunk golden view.

    Args:
        image: (h, w, 3) uint8, at least 2 x 2; beyond its border its border is repeated.
        coefficients: (6, 2) float64 of a quadratic map between full-scale images, see `vision.mapping`.
        cx: centre of the map's basis, x.
        cy: centre of the map's basis, y.
        extent: scale of the map's basis.
        scale: how much both images are shrunk.
        out: (p, q, 3) uint8, receives the resampled codes, rounded.
    """
    height, width = out.shape[:2]
    column, row = np.empty(width, np.int32), np.empty(width, np.int32)
    # a weight for each code of a pixel, so that a run of pixels is one loop
    right, down = np.empty(3 * width, np.float32), np.empty(3 * width, np.float32)
    flat = image.reshape(-1)
    for j in range(height):
        v = ((j + 0.5) * scale - 0.5 - cy) / extent
        _places(coefficients, cx, extent, scale, v, image.shape[0], image.shape[1], column, row, right, down)
        codes = out[j].reshape(-1)
        start = 0
        while start < width:
            end, shift, y = start + 1, column[start] - start, row[start]
            while end < width and column[end] - end == shift and row[end] == y:
                end += 1
            first = 3 * (y * image.shape[1] + column[start])
            _run(flat, first, first + 3 * image.shape[1], right, down, codes, 3 * start, 3 * (end - start))
            start = end


@compiled
def _places(
    coefficients: F64, cx: float, extent: float, scale: int, v: float, height: int, width: int,
    column: I32, row: I32, right: F32, down: F32,
) -> None:  # fmt: skip
    """Fill in where the pixels of a row come from: first column and row, and weights of the next ones."""
    ax = coefficients[0, 0] + v * (coefficients[2, 0] + v * coefficients[5, 0])
    bx = coefficients[1, 0] + v * coefficients[4, 0]
    ay = coefficients[0, 1] + v * (coefficients[2, 1] + v * coefficients[5, 1])
    by = coefficients[1, 1] + v * coefficients[4, 1]
    most_x, most_y = np.float32(width - 1), np.float32(height - 1)
    for i in range(len(column)):
        u = ((i + 0.5) * scale - 0.5 - cx) / extent
        x = np.float32((ax + u * (bx + u * coefficients[3, 0]) + 0.5) / scale - 0.5)
        y = np.float32((ay + u * (by + u * coefficients[3, 1]) + 0.5) / scale - 0.5)
        x, y = min(max(x, np.float32(0)), most_x), min(max(y, np.float32(0)), most_y)
        left, top = min(np.int32(x), np.int32(width - 2)), min(np.int32(y), np.int32(height - 2))
        column[i], row[i] = left, top
        fx, fy = x - np.float32(left), y - np.float32(top)
        for c in range(3):
            right[3 * i + c], down[3 * i + c] = fx, fy


@compiled
def _run(image: U8, here: int, below: int, right: F32, down: F32, out: U8, start: int, count: int) -> None:
    """Interpolate `count` codes from those that start at `here` and in the next row at `below`."""
    # indices without a sign cannot count from the end, or no vectors would be made
    p, q, s = np.uint64(here), np.uint64(below), np.uint64(start)
    for i in range(count):
        k = np.uint64(i)
        a, b = np.float32(image[p + k]), np.float32(image[p + k + _NEXT])
        c, d = np.float32(image[q + k]), np.float32(image[q + k + _NEXT])
        upper, lower = a + right[s + k] * (b - a), c + right[s + k] * (d - c)
        out[s + k] = np.uint8(upper + down[s + k] * (lower - upper) + np.float32(0.5))
