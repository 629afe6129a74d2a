"""A picture of artwork followed onto another by a quadratic displacement: sums over blocks, and the warp.

A displacement, in full pixels, is c[0] + c[1] u + c[2] v + c[3] u^2 + c[4] u v + c[5] v^2, u and v from -1
to 1 over the picture's pixels, column 0 of c along x, column 1 along y. Pictures may be reduced by `scale`.
It is taken as constant along runs of a row, so that a run is sampled with four fixed weights: fields of a few
pixels over a picture change by some hundredths of a pixel in a run.
"""

from __future__ import annotations

import math

import numpy as np

from kernels.compiled import F64, U8, compiled, inlined

_RUN = 16


@inlined
def _displacement(c: F64, axis: int, u: float, v: float) -> float:
    along = c[0, axis] + (c[1, axis] + c[3, axis] * u) * u
    return along + (c[2, axis] + c[4, axis] * u + c[5, axis] * v) * v


@compiled
def block_edges(unit: U8, blocks: int, out: F64) -> None:
    """Sum gx gx, gx gy and gy gy of a picture over blocks.

    Args:
        unit: (h, w) uint8, the outermost pixels of which count for nothing.
        blocks: along each side; block rows and columns are y * blocks // h and x * blocks // w.
        out: (3, blocks * blocks) float64, overwritten; gradients are central differences, codes per pixel.
    """
    h, w = unit.shape
    out[:] = 0.0
    for y in range(1, h - 1):
        for column in range(blocks):
            xx, xy, yy = 0, 0, 0
            for x in range(max(-(-column * w // blocks), 1), min(-(-(column + 1) * w // blocks), w - 1)):
                gx = np.int32(unit[y, x + 1]) - np.int32(unit[y, x - 1])
                gy = np.int32(unit[y + 1, x]) - np.int32(unit[y - 1, x])
                xx += gx * gx
                xy += gx * gy
                yy += gy * gy
            b = y * blocks // h * blocks + column
            out[0, b] += 0.25 * xx
            out[1, b] += 0.25 * xy
            out[2, b] += 0.25 * yy


@compiled
def block_offsets(golden: U8, unit: U8, c: F64, scale: float, blocks: int, out: F64) -> None:
    """Sum gx off, gy off and |off| over blocks: off is the displaced golden picture less the unit.

    Args:
        golden: (h, w) uint8, displaced, sampled bilinearly to 1/128 px; where it does not reach, off is 0.
        unit: (h, w) uint8, whose gradients count as in `block_edges`.
        c: (6, 2) float64, the displacement.
        scale: by which both are reduced.
        blocks: as of `block_edges`; each row of a block is a run.
        out: (3, blocks * blocks) float64, overwritten.
    """
    h, w = unit.shape
    out[:] = 0.0
    for y in range(1, h - 1):
        v = (2.0 * y + 1.0) / h - 1.0
        for column in range(blocks):
            first = max(-(-column * w // blocks), 1)
            last = min(-(-(column + 1) * w // blocks), w - 1)
            u = (first + last) / w - 1.0
            fx = -_displacement(c, 0, u, v) / scale
            fy = -_displacement(c, 1, u, v) / scale
            left, top = math.floor(fx), math.floor(fy) + y
            if top < 0 or top + 1 >= h:
                continue
            a, b = np.int32((fx - left) * 128), np.int32((fy - math.floor(fy)) * 128)
            along_x, along_y, total = 0, 0, 0
            for x in range(max(first, -left), min(last, w - 1 - left)):
                upper = golden[top, x + left] * (128 - a) + golden[top, x + left + 1] * a
                lower = golden[top + 1, x + left] * (128 - a) + golden[top + 1, x + left + 1] * a
                off = np.int32((upper * (128 - b) + lower * b) >> 7) - (np.int32(unit[y, x]) << 7)
                along_x += (np.int32(unit[y, x + 1]) - np.int32(unit[y, x - 1])) * off
                along_y += (np.int32(unit[y + 1, x]) - np.int32(unit[y - 1, x])) * off
                total += abs(off)
            at = y * blocks // h * blocks + column
            out[0, at] += along_x / 256.0
            out[1, at] += along_y / 256.0
            out[2, at] += total / 128.0


@compiled
def displaced(golden: U8, unit: U8, c: F64, dx: int, dy: int, out: U8) -> None:
    """Write the golden picture moved by a shift and a displacement, sampled bilinearly to 1/128 px.

    Args:
        golden: (h, w) uint8.
        unit: (h, w) uint8, which stands where the golden picture does not reach.
        c: (6, 2) float64.
        dx: whole pixels by which it is moved besides, along x; `dy` along y.
        dy: see `dx`.
        out: (h, w) uint8, overwritten.
    """
    h, w = unit.shape
    for y in range(h):
        v = (2.0 * y + 1.0) / h - 1.0
        for first in range(0, w, _RUN):
            last = min(first + _RUN, w)
            u = (first + last) / w - 1.0
            fx, fy = -_displacement(c, 0, u, v) - dx, -_displacement(c, 1, u, v) - dy
            left, top = math.floor(fx), math.floor(fy) + y
            a, b = np.int32((fx - left) * 128), np.int32((fy - math.floor(fy)) * 128)
            begin, end = max(first, -left), min(last, w - 1 - left)
            if top < 0 or top + 1 >= h:
                begin = end = last
            for x in range(first, min(begin, last)):
                out[y, x] = unit[y, x]
            for x in range(begin, end):
                upper = golden[top, x + left] * (128 - a) + golden[top, x + left + 1] * a
                lower = golden[top + 1, x + left] * (128 - a) + golden[top + 1, x + left + 1] * a
                out[y, x] = np.uint8((upper * (128 - b) + lower * b + 8192) >> 14)
            for x in range(max(end, first), last):
                out[y, x] = unit[y, x]
