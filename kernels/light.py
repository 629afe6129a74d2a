"""Camera codes and light: the sRGB transfer (IEC 61966-2-1:1999) as tables, luminance of a window."""

from __future__ import annotations

import numpy as np

from kernels.compiled import F32, I64, U8, compiled

# ITU-R BT.709-6 luminance of linear RGB
_R, _G, _B = 0.2126, 0.7152, 0.0722


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
    for y in range(height):
        for x in range(width):
            p = pixels[top + y, left + x]
            out[y, x] = _R * table[p[0]] + _G * table[p[1]] + _B * table[p[2]]
    return out


@compiled
def code_counts(image: U8, step: int) -> I64:
    """Return how often each code occurs, (256,) int64, in every `step`-th row and column of (h, w) uint8."""
    counts = np.zeros((4, 256), np.int64)  # neighbours are often alike and would wait for each other
    columns = (image.shape[1] + step - 1) // step
    for y in range(0, image.shape[0], step):
        row = image[y]
        for i in range(columns):
            counts[i & 3, row[i * step]] += 1
    return counts.sum(axis=0)


@compiled
def difference_counts(image: U8) -> I64:
    """Return how often each absolute difference over two pixels occurs, (256,) int64.

    Along every second row and down every second column of a (h, w) uint8 image.
    """
    height, width = image.shape
    # eight counters, since neighbours often differ alike and would wait for each other
    counts = np.zeros((8, 256), np.int64)
    row_of, column_of = np.empty(width, np.uint8), np.empty(width, np.uint8)
    for y in range(0, height, 2):
        row = image[y]
        for x in range(width - 2):
            a, b = row[x], row[x + 2]
            row_of[x] = a - b if a > b else b - a
        for x in range(width - 2):
            counts[x & 7, row_of[x]] += 1
    for y in range(height - 2):
        here, there = image[y], image[y + 2]
        for x in range(0, width, 2):
            a, b = here[x], there[x]
            column_of[x >> 1] = a - b if a > b else b - a
        for x in range((width + 1) // 2):
            counts[x & 7, column_of[x]] += 1
    return counts.sum(axis=0)
