"""A picture of artwork followed onto another by a quadratic displacement: sums over blocks, and the warp.

A displacement, in full pixels, is c[0] + c[1] u + c[2] v + c[3] u^2 + c[4] u v + c[5] v^2, u and v from -1
to 1 over the picture's pixels, column 0 of c along x, column 1 along y. Pictures may be reduced by `scale`.
It is taken as constant along runs of a row, so that a run is sampled with four fixed weights: fields of a few
pixels over a picture change by some hundredths of a pixel in a run.
"""

from __future__ import annotations

import math

import numpy as np

from kernels.compiled import F64, I32, U8, compiled, inlined
from kernels.least_squares import factor, substitute

_RUN = 16
_MOST_ROWS = 128  # each adds at most 255 * 255 * 128 to a sum
_I = (
    np.int32
)  # numba widens sums and products of these: told otherwise at each, loops become vectors of eight
_ONE = np.uint64(1)  # indices without a sign cannot count from the end, or no vectors would be made


@inlined
def _displacement(c: F64, axis: int, u: float, v: float) -> float:
    along = c[0, axis] + (c[1, axis] + c[3, axis] * u) * u
    return along + (c[2, axis] + c[4, axis] * u + c[5, axis] * v) * v


@compiled
def _row_difference(golden: U8, unit: U8, y: int, first: int, count: int, dx: int, dy: int) -> int:
    """Return the sum of |golden - unit| over `count` pixels of a row, the unit's moved by a shift."""
    p, q, r, s = np.uint64(first), np.uint64(first + dx), np.uint64(y), np.uint64(y + dy)
    total = _I(0)
    for i in range(count):
        k = np.uint64(i)
        total = _I(total + _I(abs(_I(_I(golden[r, p + k]) - _I(unit[s, q + k])))))
    return int(total)


@compiled
def closest_shift(golden: U8, unit: U8, reach: int) -> tuple[int, int]:
    """Return dx, dy such that unit(x + dx, y + dy) differs least from golden(x, y), neither beyond `reach`.

    Absolute differences of what is `reach` or more inside the golden picture are summed, each shift's only
    while it can still be the best; of equal ones the first counts, no shift before all others.
    """
    h, w = golden.shape
    best, best_x, best_y = np.int64(1) << 62, 0, 0
    for n in range(-1, (2 * reach + 1) ** 2):
        dx = n % (2 * reach + 1) - reach if n >= 0 else 0
        dy = n // (2 * reach + 1) - reach if n >= 0 else 0
        total = np.int64(0)
        for y in range(reach, h - reach):
            total += _row_difference(golden, unit, y, reach, w - 2 * reach, dx, dy)
            if total >= best:
                break
        if total < best:
            best, best_x, best_y = total, dx, dy
    return best_x, best_y


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
    sums = np.zeros((3, w), np.int32)
    for y in range(1, h - 1):
        _add_edges(unit, y, sums)
        if _closes(y, h, blocks):
            _close_blocks(sums, y * blocks // h, blocks, out)
    out *= 0.25


@compiled
def _add_edges(unit: U8, y: int, sums: I32) -> None:
    r = np.uint64(y)
    for i in range(1, unit.shape[1] - 1):
        k = np.uint64(i)
        gx = _I(_I(unit[r, k + _ONE]) - _I(unit[r, k - _ONE]))
        gy = _I(_I(unit[r + _ONE, k]) - _I(unit[r - _ONE, k]))
        sums[0, k] += _I(gx * gx)
        sums[1, k] += _I(gx * gy)
        sums[2, k] += _I(gy * gy)


@inlined
def _closes(y: int, h: int, blocks: int) -> bool:
    """Tell whether sums of 32 bits are to be added up: a row of blocks ends, or they may soon overflow."""
    return (y + 1) * blocks // h != y * blocks // h or y == h - 2 or y % _MOST_ROWS == 0


@compiled
def _close_blocks(sums: I32, row: int, blocks: int, out: F64) -> None:
    """Add sums over a row of blocks, (3, w), up; leave them at zero."""
    w = sums.shape[1]
    for k in range(3):
        for column in range(blocks):
            for x in range(-(-column * w // blocks), -(-(column + 1) * w // blocks)):
                out[k, row * blocks + column] += sums[k, x]
    sums[:] = 0


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
    sums, seen = np.zeros((3, w), np.int32), np.empty(w, np.int32)
    for y in range(1, h - 1):
        v = (2.0 * y + 1.0) / h - 1.0
        for x in range(w):
            seen[x] = _I(unit[y, x]) << _I(7)
        for column in range(blocks):
            first, last = -(-column * w // blocks), -(-(column + 1) * w // blocks)
            u = (first + last) / w - 1.0
            fx = -_displacement(c, 0, u, v) / scale
            fy = -_displacement(c, 1, u, v) / scale
            left, top = math.floor(fx), math.floor(fy) + y
            begin, end = max(first, -left), min(last, w - 1 - left)
            if 0 <= top < h - 1 and begin < end:
                a, b = (fx - left) * 128, (fy - math.floor(fy)) * 128
                _sample(golden, top, left, int(a), int(b), begin, end, seen)
        _add_offsets(unit, y, seen, sums)
        if _closes(y, h, blocks):
            _close_blocks(sums, y * blocks // h, blocks, out)
    out[:2] *= 1 / 256.0
    out[2] *= 1 / 128.0


@compiled
def _sample(golden: U8, top: int, left: int, right: int, down: int, first: int, last: int, seen: I32) -> None:
    """Write a run of a row in 1/128 codes: between rows `top` and the next, x + `left` and the next."""
    p, q, t = np.uint64(first + left), np.uint64(first), np.uint64(top)
    a, b, c, d = _I(right), _I(down), _I(128 - right), _I(128 - down)
    for i in range(last - first):
        k = np.uint64(i)
        upper = _I(_I(_I(golden[t, p + k]) * c) + _I(_I(golden[t, p + k + _ONE]) * a))
        lower = _I(_I(_I(golden[t + _ONE, p + k]) * c) + _I(_I(golden[t + _ONE, p + k + _ONE]) * a))
        seen[q + k] = _I(_I(_I(upper * d) + _I(lower * b)) >> _I(7))


@compiled
def _add_offsets(unit: U8, y: int, seen: I32, sums: I32) -> None:
    r = np.uint64(y)
    for i in range(1, unit.shape[1] - 1):
        k = np.uint64(i)
        off = _I(seen[k] - _I(_I(unit[r, k]) << _I(7)))
        gx = _I(_I(unit[r, k + _ONE]) - _I(unit[r, k - _ONE]))
        gy = _I(_I(unit[r + _ONE, k]) - _I(unit[r - _ONE, k]))
        sums[0, k] += _I(gx * off)
        sums[1, k] += _I(gy * off)
        sums[2, k] += _I(abs(off))


@compiled
def block_step(edges: F64, offsets: F64, basis: F64, robust: float, out: F64) -> None:
    """Write what the coefficients change by, (6, 2) in pixels of the pictures, to bring golden onto unit.

    Least squares over blocks, in three rounds: a block that would have moved by `robust` pixels otherwise has
    a quarter of its weight (S. Geman and D. McClure 1987).

    Args:
        edges: of `block_edges`.
        offsets: of `block_offsets`.
        basis: (n, 6) float64, the displacement's terms at the middle of each block.
        robust: pixels.
        out: (6, 2) float64, overwritten.
    """
    n = len(basis)
    floor = 1e-3 * (edges[0].mean() + edges[2].mean()) + 1e-3
    normal, right = np.empty((12, 12)), np.empty(12)
    weights = np.ones(n)
    for _ in range(3):
        normal[:], right[:] = 0.0, 0.0
        for k in range(n):
            for i in range(6):
                p = weights[k] * basis[k, i]
                right[i] += p * offsets[0, k]
                right[6 + i] += p * offsets[1, k]
                for j in range(i + 1):
                    normal[i, j] += p * basis[k, j] * edges[0, k]
                    normal[6 + i, 6 + j] += p * basis[k, j] * edges[2, k]
                for j in range(6):
                    normal[6 + i, j] += p * basis[k, j] * edges[1, k]
        for i in range(12):
            normal[i, i] += floor
        factor(normal, 12)
        substitute(normal, right, 12)
        for k in range(n):
            xx, xy, yy = edges[0, k], edges[1, k], edges[2, k]
            cut = (xx + floor) * (yy + floor) - xy * xy
            x = ((yy + floor) * offsets[0, k] - xy * offsets[1, k]) / cut
            y = ((xx + floor) * offsets[1, k] - xy * offsets[0, k]) / cut
            for i in range(6):
                x -= basis[k, i] * right[i]
                y -= basis[k, i] * right[6 + i]
            squared = (xx * x * x + 2 * xy * x * y + yy * y * y) / (xx + yy + floor)
            weights[k] = 1 / (1 + squared / (robust * robust)) ** 2
    out[:, 0], out[:, 1] = right[:6], right[6:]


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
    seen = np.empty(w, np.int32)
    for y in range(h):
        v = (2.0 * y + 1.0) / h - 1.0
        for x in range(w):
            seen[x] = _I(unit[y, x]) << _I(7)
        for first in range(0, w, _RUN):
            last = min(first + _RUN, w)
            u = (first + last) / w - 1.0
            fx, fy = -_displacement(c, 0, u, v) - dx, -_displacement(c, 1, u, v) - dy
            left, top = math.floor(fx), math.floor(fy) + y
            begin, end = max(first, -left), min(last, w - 1 - left)
            if 0 <= top < h - 1 and begin < end:
                a, b = (fx - left) * 128, (fy - math.floor(fy)) * 128
                _sample(golden, top, left, int(a), int(b), begin, end, seen)
        for x in range(w):
            out[y, x] = np.uint8(_I(seen[x] + _I(64)) >> _I(7))
