"""Means over cells and squares of 2 x 2 cells, and how far a unit's lie from the golden image's.

Channels are planes here, (3, rows, columns), so that whole rows are vectors.
"""

from __future__ import annotations

import numpy as np

from kernels.comparison import CODE_OFFSET
from kernels.compiled import F32, F64, I32, U8, compiled
from kernels.fixed_point import add

CELL = 4  # pixels
BLOCK = 6  # cells


@compiled
def cell_means(image: U8, out: F32) -> None:
    """Write the mean offset code of each cell, channel by channel; what is beyond whole cells is left out.

    Args:
        image: (h, w, 3) uint8 codes.
        out: (3, h // CELL, w // CELL) float32, receives the means.
    """
    rows, columns = out.shape[1:]
    size = 3 * CELL * columns
    sums = np.zeros(size + 9, np.int16)
    share, offset = np.float32(1.0 / (CELL * CELL)), np.float32(CODE_OFFSET)
    for r in range(rows):
        a, b = image[CELL * r].reshape(-1), image[CELL * r + 1].reshape(-1)
        c, d = image[CELL * r + 2].reshape(-1), image[CELL * r + 3].reshape(-1)
        for i in range(size):
            upper, lower = add(np.int16(a[i]), np.int16(b[i])), add(np.int16(c[i]), np.int16(d[i]))
            sums[i] = add(upper, lower)
        for pixels in (1, 2):
            for i in range(size):
                sums[i] = add(sums[i], sums[i + 3 * pixels])
        for channel in range(3):
            means = out[channel, r]
            for k in range(columns):
                means[k] = np.float32(sums[12 * k + channel]) * share + offset


@compiled
def block_ratios(cells: F32, gain: F64, shares: F32, blocks: I32, out: F64) -> None:
    """Write by how much blocks of a unit, illumination removed, exceed the golden image's: shares of them.

    Args:
        cells: (3, rows, columns) float32 offset codes.
        gain: (6,) float64 quadratic gain on u, v in -1..1 over the cells.
        shares: (3, rows, columns) float32: what each cell counts for in its block, over its golden offset
            code; a block's counts add up to 1.
        blocks: (n,) int32 numbers of the blocks that are wanted.
        out: (3, m) float64, m >= n, receives the ratios less 1 of the n blocks.
    """
    rows, columns = cells.shape[1:]
    across = cells.shape[2] // BLOCK
    x, gains, total = _middles(columns), np.empty(columns, np.float32), np.zeros((3, columns), np.float32)
    n = 0
    for row in range(rows // BLOCK):
        if n == len(blocks) or blocks[n] // across > row:
            continue
        total[:] = 0.0
        for r in range(BLOCK * row, BLOCK * (row + 1)):
            _along(gain, x, (2.0 * r + 1.0) / rows - 1.0, gains)
            for c in range(3):
                codes, share, sums = cells[c, r], shares[c, r], total[c]
                for i in range(columns):
                    sums[i] += codes[i] * gains[i] * share[i]
        while n < len(blocks) and blocks[n] // across == row:
            first = blocks[n] % across * BLOCK
            for c in range(3):
                mean = 0.0
                for i in range(first, first + BLOCK):
                    mean += total[c, i]
                out[c, n] = mean - 1.0
            n += 1


@compiled
def opponent_differences(cells: F32, gain: F64, lamp: F64, golden: F32, out: F32) -> None:
    """Write by how much the means of squares differ from the golden image's, in opponent codes.

    Args:
        cells: (3, rows, columns) float32 offset codes of the unit.
        gain: (6,) float64 quadratic gain on u, v in -1..1 over the cells.
        lamp: (3, 6) float64 by how much each channel is brighter after it, a share of the golden image.
        golden: (3, rows, columns) float32 offset codes.
        out: (3, rows - 1, columns - 1) float32, receives brightness, red minus blue, green minus both.
    """
    rows, columns = cells.shape[1:]
    x, gains, golden_gains = _middles(columns), np.empty(columns, np.float32), np.empty(columns, np.float32)
    last, pairs = np.zeros((3, columns), np.float32), np.empty((3, columns), np.float32)
    third, half, quarter = np.float32(1.0 / 3.0), np.float32(0.5), np.float32(0.25)
    for r in range(rows):
        y = (2.0 * r + 1.0) / rows - 1.0
        _along(gain, x, y, gains)
        for c in range(3):
            _along(lamp[c], x, y, golden_gains)
            own, reference, above, both = cells[c, r], golden[c, r], last[c], pairs[c]
            for i in range(columns):
                differs = own[i] * gains[i] - reference[i] - reference[i] * golden_gains[i]
                both[i] = above[i] + differs
                above[i] = differs
        if r > 0:
            red, green, blue = pairs
            brightness, red_blue, green_both = out[0, r - 1], out[1, r - 1], out[2, r - 1]
            for i in range(columns - 1):
                p, q, s = (red[i] + red[i + 1]) * quarter, green[i] + green[i + 1], blue[i] + blue[i + 1]
                q, s = q * quarter, s * quarter
                brightness[i] = (p + q + s) * third
                red_blue[i] = p - s
                green_both[i] = q - (p + s) * half


@compiled
def exceeding(found: F32, middle: F32, allowed: F32, floor: F32, judged: U8, out: F32) -> float:
    """Write by how much squares exceed what they may differ by, 0 where not judged; return the most.

    Args:
        found: (3, rows, columns) float32 differences.
        middle: (3, rows, columns) float32 of what is allowed.
        allowed: (3, rows, columns) float32 by how much each may differ from it beside the floor.
        floor: (3,) float32 of all squares.
        judged: (rows, columns) uint8, 0 where a square does not count.
        out: (rows, columns) float32, receives the greatest excess over planes, 0 or below for none.
    """
    most = np.float32(0.0)
    a, b, c = floor
    for r in range(out.shape[0]):
        f, g, h = found[0, r], found[1, r], found[2, r]
        p, q, s = allowed[0, r], allowed[1, r], allowed[2, r]
        t, u, v = middle[0, r], middle[1, r], middle[2, r]
        counts, row = judged[r], out[r]
        for i in range(out.shape[1]):
            first, second = abs(f[i] - t[i]) - (p[i] + a), abs(g[i] - u[i]) - (q[i] + b)
            third = abs(h[i] - v[i]) - (s[i] + c)
            beyond = max(first, second, third)
            row[i] = beyond if counts[i] > 0 else np.float32(0.0)
        for i in range(out.shape[1]):
            most = max(most, row[i])
    return float(most)


@compiled
def magnitudes(found: F32, at: I32, out: F32) -> None:
    """Write the magnitudes of listed places of a plane, (n,) of (m,) float32."""
    for k in range(len(at)):
        out[k] = abs(found[at[k]])


@compiled
def _middles(count: int) -> F32:
    """Return the middles of `count` cells that span -1..1."""
    out = np.empty(count, np.float32)
    for i in range(count):
        out[i] = (2.0 * i + 1.0) / count - 1.0
    return out


@compiled
def _along(quadratic: F64, x: F32, y: float, out: F32) -> None:
    """Write a quadratic's values along a row."""
    a = np.float32(quadratic[0] + y * (quadratic[2] + y * quadratic[5]))
    b, c = np.float32(quadratic[1] + y * quadratic[4]), np.float32(quadratic[3])
    for i in range(len(x)):
        out[i] = a + x[i] * (b + x[i] * c)
