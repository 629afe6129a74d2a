"""Surface comparison: the aligned unit against the golden image, illumination removed, edges tolerated."""

from __future__ import annotations

import math

import numpy as np

from kernels.compiled import F32, F64, I32, I64, U8, compiled
from kernels.field import spline_weights
from kernels.fixed_point import (
    add,
    least_unsigned,
    scale,
    scale_unsigned,
    shift_left,
    shift_right,
    subtract,
)

# sRGB codes are nearly 1.055 * light**(1/2.4) - 0.055: with this offset, a gain of light is one of codes.
CODE_OFFSET = 14.0
GAMMA = 2.4
BENT = 240  # codes: above, a camera's response bends, and codes of another light do not become these
BENT_CODES = 16  # by which they may be off
_CODE_BITS = np.int16(7)  # by which codes are shifted before a gain: more would not fit
_GAIN_TO_CODE_BITS = 9  # fewer bits has a product of both, in codes, than the gain
UNIT_GAIN: F64 = np.array([1.0, 0, 0, 0, 0, 0])  # illumination as in the golden image


@compiled
def fill_bent_maps(
    coefficients: F64,
    cx: float,
    cy: float,
    extent: float,
    scale: int,
    spacing: float,
    controls: F64,
    columns: I64,
    rows: I64,
    map_x: F32,
    map_y: F32,
) -> None:
    """Fill (p, q) float32 maps from listed pixels of the shrunk golden view to the equally shrunk frame.

    A field of displacements, a uniform cubic B-spline in full golden pixels, comes before the map.

    Args:
        coefficients: (6, 2) float64 of a quadratic map between full-scale images.
        cx: centre of the map's basis, x.
        cy: centre of the map's basis, y.
        extent: scale of the map's basis.
        scale: how much both images are shrunk.
        spacing: of the field's controls; control (j, i) lies at x = (i - 1) * spacing, y = (j - 1) * spacing.
        controls: (m, n, 2) float64 displacement x, y of the controls; (0, 0, 2) for no field.
        columns: (q,) golden x in shrunk pixels.
        rows: (p,) golden y in shrunk pixels.
        map_x: receives frame x.
        map_y: receives frame y.
    """
    x_of = (columns + 0.5) * scale - 0.5
    first = np.maximum(x_of, 0.0) / spacing
    weights = np.empty((4, len(columns)))
    for i in range(len(columns)):
        weights[0, i], weights[1, i], weights[2, i], weights[3, i] = spline_weights(first[i] - int(first[i]))
    row = np.zeros((controls.shape[1], 2))
    dx, dy = np.zeros(len(columns)), np.zeros(len(columns))
    for j in range(len(rows)):
        y_of = (rows[j] + 0.5) * scale - 0.5
        if controls.shape[0] > 0:
            t = max(y_of, 0.0) / spacing
            k = int(t)
            w = spline_weights(t - k)
            row[:] = (
                w[0] * controls[k] + w[1] * controls[k + 1] + w[2] * controls[k + 2] + w[3] * controls[k + 3]
            )
            end = 0
            while end < len(columns):  # one stretch between two controls after another
                begin, k = end, int(first[end])
                while end < len(columns) and int(first[end]) == k:
                    end += 1
                for axis in range(2):
                    out = dx if axis == 0 else dy
                    r0, r1, r2, r3 = row[k, axis], row[k + 1, axis], row[k + 2, axis], row[k + 3, axis]
                    for i in range(begin, end):
                        out[i] = (
                            weights[0, i] * r0 + weights[1, i] * r1 + weights[2, i] * r2 + weights[3, i] * r3
                        )
        for i in range(len(columns)):
            u, v = (x_of[i] + dx[i] - cx) / extent, (y_of + dy[i] - cy) / extent
            x = coefficients[0, 0] + u * (
                coefficients[1, 0] + u * coefficients[3, 0] + v * coefficients[4, 0]
            )
            y = coefficients[0, 1] + u * (
                coefficients[1, 1] + u * coefficients[3, 1] + v * coefficients[4, 1]
            )
            x += v * (coefficients[2, 0] + v * coefficients[5, 0])
            y += v * (coefficients[2, 1] + v * coefficients[5, 1])
            map_x[j, i] = (x + 0.5) / scale - 0.5
            map_y[j, i] = (y + 0.5) / scale - 0.5


@compiled
def relight(image: U8, gain: F64, x: F32, y: F32, out: U8) -> None:
    """Write the image with its illumination removed, as `deviation` removes it.

    Args:
        image: (h, w, 3) uint8 codes.
        gain: (6,) as in `deviation`.
        x: (w,) place of the columns in -1..1.
        y: (h,) place of the rows in -1..1.
        out: (h, w, 3) uint8, receives the codes.
    """
    offset, half = np.float32(CODE_OFFSET), np.float32(0.5)
    least, most = np.float32(0.0), np.float32(255.0)
    for j in range(len(y)):
        v = y[j]
        a = np.float32(gain[0] + v * (gain[2] + v * gain[5]))
        b = np.float32(gain[1] + v * gain[4])
        g = np.float32(gain[3])
        for i in range(len(x)):
            k = a + x[i] * (b + x[i] * g)
            for c in range(3):
                code = (np.float32(image[j, i, c]) + offset) * k - offset
                out[j, i, c] = np.uint8(min(max(code + half, least), most))


@compiled
def block_means(image: U8, valid: U8, size: int) -> F64:
    """Return the mean offset code of each block over the valid pixels, (rows, columns).

    A block of which less than half is valid is 0.

    Args:
        image: (h, w, 3) uint8 codes; the mean is over channels too.
        valid: (h, w) uint8, 0 where a pixel does not count.
        size: block size in pixels, at most 85.
    """
    height, width = valid.shape
    rows, columns = height // size, width // size
    out = np.zeros((rows, columns))
    totals, counts = np.empty(columns * size, np.int16), np.empty(columns * size, np.int16)
    nothing, one = np.int16(0), np.int16(1)
    for r in range(rows):
        totals[:] = 0
        counts[:] = 0
        for y in range(r * size, (r + 1) * size):  # down the columns first: whole rows become vectors
            codes, counted = image[y].reshape(-1), valid[y]
            for x in range(columns * size):
                first = np.uint64(3 * x)
                grey = add(np.int16(codes[first]), np.int16(codes[first + np.uint64(1)]))
                grey = add(grey, np.int16(codes[first + np.uint64(2)]))
                totals[x] = add(totals[x], grey if counted[x] > 0 else nothing)
                counts[x] = add(counts[x], one if counted[x] > 0 else nothing)
        for c in range(columns):
            total, n = 0, 0
            for x in range(c * size, (c + 1) * size):
                total += np.uint16(totals[x])
                n += counts[x]
            if 2 * n >= size * size:
                out[r, c] = total / (3.0 * n) + CODE_OFFSET
    return out


@compiled
def deviation(image: U8, gain: F64, low: U8, high: U8, tolerance: U8, zones: U8, out: U8) -> None:
    """Write how far each pixel lies outside the golden interval, in codes.

    What is brighter than white shows as white. A code of the unit from BENT on may stand for more light, so
    that it must lie BENT_CODES deeper to be too dark; a lower one is what it says.

    Args:
        image: (h, w, 3) uint8 aligned unit.
        gain: (6,) float64 quadratic gain on 1, u, v, uu, uv, vv with u, v in -1..1 over the image; positive
            everywhere, magnitudes below 16.
        low: (h, w, 3) uint8 least golden code nearby.
        high: (h, w, 3) uint8 greatest golden code nearby.
        tolerance: (h, w) uint8 codes that are tolerated beyond the interval.
        zones: (h, w) uint8, 0 where the surface is not inspected.
        out: (h, w) uint8, receives the greatest excess over channels, clipped at 255; 0 outside zones. Within
            0.55 of the exact excess where the gain's magnitudes add up to less than 2 and its slopes to 0.5.
    """
    height, width = zones.shape
    gain_bits = _gain_bits(gain)
    unit, bits = float(1 << gain_bits), np.int16(gain_bits - _GAIN_TO_CODE_BITS)
    # the three channels side by side: whole rows in one loop become vectors
    across, bent_across = np.empty(3 * width, np.int16), np.empty(3 * width, np.int16)
    for x in range(width):
        u = 2.0 * x / (width - 1) - 1.0
        for i in range(3 * x, 3 * x + 3):
            across[i] = np.int16(math.floor(u * 32767.0 + 0.5))
            bent_across[i] = np.int16(math.floor(u * u * gain[3] * unit + 0.5))
    excess = np.empty(3 * width, np.int16)
    offset, nothing, white = np.int16(CODE_OFFSET), np.int16(0), np.int16(255)
    half, most = np.int16((1 << bits) // 2), np.int16((255 + CODE_OFFSET) * (1 << bits))
    bent = np.int16(BENT_CODES << bits)
    for y in range(height):
        v = 2.0 * y / (height - 1) - 1.0
        # rounded, and half of the last place more, which the product with b loses
        a = np.int16(math.floor((gain[0] + v * (gain[2] + v * gain[5])) * unit + 1.0))
        b = np.int16(math.floor((gain[1] + v * gain[4]) * unit * 2.0 + 0.5))
        codes, least, greatest = image[y].reshape(-1), low[y].reshape(-1), high[y].reshape(-1)
        for i in range(3 * width):
            k = add(add(scale(across[i], b), bent_across[i]), a)
            value = scale_unsigned(shift_left(add(np.int16(codes[i]), offset), _CODE_BITS), k)
            value = least_unsigned(value, most)
            darkest = add(value, bent if codes[i] >= BENT else nothing)
            over = subtract(value, shift_left(add(np.int16(greatest[i]), offset), bits))
            under = subtract(shift_left(add(np.int16(least[i]), offset), bits), darkest)
            excess[i] = max(over, under)
        allowed, inspected, row = tolerance[y], zones[y], out[y]
        for x in range(width):
            p, q, r = excess[3 * x], excess[3 * x + 1], excess[3 * x + 2]
            worst = subtract(max(p, q, r), shift_left(np.int16(allowed[x]), bits))
            worst = min(shift_right(max(add(worst, half), nothing), bits), white)
            row[x] = np.uint8(worst if inspected[x] > 0 else nothing)


@compiled
def _gain_bits(gain: F64) -> int:
    """Return of how many bits a fraction of a gain can be, so that 16 bits hold it: 15 where it is near 1."""
    total = 0.0
    for k in range(6):
        total += abs(gain[k])
    total = max(total, 4.0 * (abs(gain[1]) + abs(gain[4])), 2.0 * abs(gain[3]))
    bits = 15
    while total >= float(1 << (16 - bits)) and bits > _GAIN_TO_CODE_BITS + 1:
        bits -= 1
    return bits


@compiled
def mean_light(image: U8, pixels: I32, gain: F64, table: F32) -> F64:
    """Return the mean linear light of listed pixels, illumination removed.

    Args:
        image: (h, w, 3) uint8 codes.
        pixels: (n, 2) int32 x, y.
        gain: (6,) as in `deviation`.
        table: (256,) float32 code to light.

    Returns:
        (7,) float64: mean of the three channels, their variances, and the share of unsaturated pixels,
        over which the means are taken.
    """
    height, width = image.shape[:2]
    total = np.zeros(3)
    square = np.zeros(3)
    n = 0
    for i in range(pixels.shape[0]):
        x, y = pixels[i, 0], pixels[i, 1]
        p = image[y, x]
        if p[0] >= 254 or p[1] >= 254 or p[2] >= 254:
            continue
        u = 2.0 * x / (width - 1) - 1.0
        v = 2.0 * y / (height - 1) - 1.0
        k = gain[0] + u * gain[1] + v * gain[2] + u * u * gain[3] + u * v * gain[4] + v * v * gain[5]
        for c in range(3):
            code = min(max((p[c] + CODE_OFFSET) * k - CODE_OFFSET, 0.0), 254.999)
            whole = int(code)
            light = table[whole] + (code - whole) * (table[whole + 1] - table[whole])
            total[c] += light
            square[c] += light * light
        n += 1
    out = np.zeros(7)
    if n > 0:
        for c in range(3):
            out[c] = total[c] / n
            out[3 + c] = max(square[c] / n - out[c] * out[c], 0.0)
    out[6] = n / max(pixels.shape[0], 1)
    return out
