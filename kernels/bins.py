"""Light of a window in bins of 2 x 2 pixels, and sums of bins: what regions of colour are read from.

Means over whole pixels only: nothing is resampled.
"""

from __future__ import annotations

import numpy as np

from kernels.compiled import F32, F64, U8, Codes, Mask, compiled

LOWEST, HIGHEST = 1, 2  # bits of what `light_bins` says of clipping


@compiled
def light_bins(
    pixels: Codes, table: F32, flat: F32, left: int, top: int, rows: int, columns: int
) -> tuple[F32, F32, U8]:
    """Return mean light, variance within and clipping of bins of 2 x 2 pixels.

    Args:
        pixels: (h, w, 3) uint8 or uint16 codes; above the table's they count as its highest.
        table: (white + 1,) float32 code to linear light.
        flat: (h, w, 3) float32 factors of light, or (1, 1, 3) where all pixels share them.
        left: first column of the window; all of it must lie inside the frame.
        top: first row of the window.
        rows: of bins.
        columns: of bins.

    Returns:
        (rows, columns, 3) float32 means; the same of the variance of the four pixels' light (of three degrees
        of freedom); (rows, columns) uint8, LOWEST and HIGHEST set where a channel of a pixel has that code.
    """
    mean = np.empty((rows, columns, 3), np.float32)
    within = np.empty((rows, columns, 3), np.float32)
    clipped = np.zeros((rows, columns), np.uint8)
    white = len(table) - 1
    even = flat.shape[0] == 1
    for j in range(rows):
        y = top + 2 * j
        for i in range(columns):
            x = left + 2 * i
            for c in range(3):
                p, q = min(pixels[y, x, c], white), min(pixels[y, x + 1, c], white)
                r, s = min(pixels[y + 1, x, c], white), min(pixels[y + 1, x + 1, c], white)
                if min(p, q, r, s) == 0:
                    clipped[j, i] |= LOWEST
                if max(p, q, r, s) == white:
                    clipped[j, i] |= HIGHEST
                a, b, d, e = table[p], table[q], table[r], table[s]
                if even:
                    f = flat[0, 0, c]
                    a, b, d, e = f * a, f * b, f * d, f * e
                else:
                    a, b = a * flat[y, x, c], b * flat[y, x + 1, c]
                    d, e = d * flat[y + 1, x, c], e * flat[y + 1, x + 1, c]
                m = np.float32(0.25) * (a + b + d + e)
                mean[j, i, c] = m
                within[j, i, c] = ((a - m) ** 2 + (b - m) ** 2 + (d - m) ** 2 + (e - m) ** 2) / np.float32(3)
    return mean, within, clipped


@compiled
def moments(mean: F32, within: F32, used: Mask) -> tuple[F64, F64, F64]:
    """Return mean and variance of the light of used bins' pixels and the mean of the variance within bins.

    Args:
        mean: (h, w, 3) float32 of bins, see `light_bins`.
        within: (h, w, 3) float32.
        used: (h, w) bool, at least one of them.

    Returns:
        Three times (3,) float64.
    """
    total, squares, inner = np.zeros(3), np.zeros(3), np.zeros(3)
    count = 0
    h, w = used.shape
    for j in range(h):
        for i in range(w):
            if used[j, i]:
                count += 1
                for c in range(3):
                    v = np.float64(mean[j, i, c])
                    total[c] += v
                    squares[c] += v * v
                    inner[c] += within[j, i, c]
    centre = total / count
    inner /= count
    return centre, np.maximum(squares / count - centre**2, 0.0) + 0.75 * inner, inner


@compiled
def tile_sums(values: F32, used: Mask, rows: int, columns: int) -> tuple[F64, F64]:
    """Return the sums of used bins over tiles of rows x columns of them, and how many there are.

    Args:
        values: (h, w, n) float32.
        used: (h, w) bool.
        rows: of bins in a tile; the last tile may have fewer.
        columns: of bins in a tile.

    Returns:
        (p, q, n) float64 sums and (p, q) float64 counts.
    """
    h, w, n = values.shape
    sums = np.zeros(((h + rows - 1) // rows, (w + columns - 1) // columns, n))
    counts = np.zeros(sums.shape[:2])
    for j in range(h):
        q = j // rows
        for i in range(w):
            if used[j, i]:
                p = i // columns
                counts[q, p] += 1.0
                for c in range(n):
                    sums[q, p, c] += values[j, i, c]
    return sums, counts
