"""Camera codes and light: the sRGB transfer (IEC 61966-2-1:1999) as tables, luminance of a window."""

from __future__ import annotations

import numpy as np

from kernels.compiled import F32, I64, U8, compiled

# ITU-R BT.709-6 luminance of linear RGB
_R, _G, _B = np.float32(0.2126), np.float32(0.7152), np.float32(0.0722)

_RUN = 64  # pixels whose differences are taken together
_STAGGER = 7  # rows between where neighbouring columns of runs begin


def decoding_table(transfer: str, white: int = 255) -> F32:
    """Return the table, (white + 1,) float32, from code to linear light in 0..1.

    Args:
        transfer: "srgb" (IEC 61966-2-1) or "linear".
        white: the highest code: 255 for 8 bits, 4095 for 12.

    Raises:
        ValueError: the transfer is neither.
    """
    codes = np.arange(white + 1) / white
    if transfer == "linear":
        return codes.astype(np.float32)
    if transfer != "srgb":
        raise ValueError(f"transfer {transfer!r} is neither 'srgb' nor 'linear'")
    light = np.where(codes <= 0.04045, codes / 12.92, ((codes + 0.055) / 1.055) ** 2.4)
    return light.astype(np.float32)


@compiled
def luminance_window(pixels: U8, table: F32, left: int, top: int, width: int, height: int) -> F32:
    """Return the linear-light luminance, (height, width) float32 in 0..1, of a window inside the frame.

    Args:
        pixels: (h, w, 3) uint8 RGB codes.
        table: (256,) float32 code to light.
        left: first column; the window must lie inside the frame.
        top: first row.
        width: columns.
        height: rows.
    """
    out = np.empty((height, width), np.float32)
    fill_luminance(pixels, table, left, top, width, height, out)
    return out


@compiled
def fill_luminance(pixels: U8, table: F32, left: int, top: int, width: int, height: int, out: F32) -> None:
    """Fill the first corner of `out`, at least (height, width) float32, as `luminance_window` would."""
    for y in range(height):
        row, light = pixels[top + y, left : left + width], out[y]
        for x in range(width):
            light[x] = _R * table[row[x, 0]] + _G * table[row[x, 1]] + _B * table[row[x, 2]]


@compiled
def luma_counts(pixels: U8, rows: int, columns: int) -> I64:
    """Return how often each luma (ITU-R BT.601-7, rounded) occurs, (256,) int64, in (h, w, 3) uint8 codes.

    Of each `rows`-th row each `columns`-th pixel counts.
    """
    counts = np.zeros((4, 256), np.int64)  # neighbours are often alike and would wait for each other
    for y in range(0, pixels.shape[0], rows):
        row = pixels[y]
        for i in range((pixels.shape[1] + columns - 1) // columns):
            p = row[i * columns]
            counts[i & 3, (19595 * p[0] + 38470 * p[1] + 7471 * p[2] + 32768) >> 16] += 1
    return counts.sum(axis=0)


@compiled
def difference_counts(pixels: U8, table: F32, step: int, levels: int) -> I64:
    """Return how often each absolute difference of luminance over two pixels occurs, (levels + 1,) int64.

    To the right and down, from each pixel of runs of 64: each column of runs takes every `step`-th row and
    begins at a row of its own, so that edges along rows and columns count as often as they are.

    Args:
        pixels: (h, w, 3) uint8 RGB codes.
        table: (256,) float32 code to light.
        step: rows from one run to the next below it.
        levels: what a difference of 1 is counted as.
    """
    height, width = pixels.shape[0] - 2, pixels.shape[1] - 2
    # eight counters, since neighbours often differ alike and would wait for each other
    counts = np.zeros((8, levels + 1), np.int64)
    here, below = np.empty((1, _RUN + 2), np.float32), np.empty((1, _RUN), np.float32)
    across, down = np.empty(_RUN, np.int32), np.empty(_RUN, np.int32)
    most = np.float32(levels)
    for left in range(0, width, _RUN):
        size = min(_RUN, width - left)
        for top in range(left // _RUN * _STAGGER % step, height, step):
            fill_luminance(pixels, table, left, top, size + 2, 1, here)
            fill_luminance(pixels, table, left, top + 2, size, 1, below)
            for x in range(size):
                across[x] = np.int32(most * abs(here[0, x + 2] - here[0, x]))
                down[x] = np.int32(most * abs(below[0, x] - here[0, x]))
            for x in range(size):
                counts[x & 7, across[x]] += 1
                counts[x & 7, down[x]] += 1
    return counts.sum(axis=0)
