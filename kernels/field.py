"""The local field: where blocks of the golden image lie in the unit, and one smooth spline through them.

A block that shows but a straight edge is known only across it. So each block gives a displacement with an
information matrix instead of a point, and the spline takes what each one knows.
"""

from __future__ import annotations

import math

import numpy as np

from kernels.compiled import F32, F64, I32, U8, compiled


@compiled
def brightness_and_hue(image: U8, out: F32) -> None:
    """Write luma, and three times red minus blue, of (h, w, 3) uint8 codes to (2, h, w) float32."""
    three, to_r, to_g, to_b = np.float32(3.0), np.float32(0.299), np.float32(0.587), np.float32(0.114)
    for y in range(image.shape[0]):
        for x in range(image.shape[1]):
            r, g, b = np.float32(image[y, x, 0]), np.float32(image[y, x, 1]), np.float32(image[y, x, 2])
            out[0, y, x] = to_r * r + to_g * g + to_b * b
            out[1, y, x] = three * (r - b)


@compiled
def limited_contrast(both: F32, around: F32, most: F32, out: F32) -> None:
    """Write the sum of both channels' differences from their surroundings, each limited.

    Args:
        both: (2, h, w) float32.
        around: (2, p, w) float32, the surroundings at p places evenly down the image.
        most: (2,) float32, the limits.
        out: (h, w) float32.
    """
    h, w = out.shape
    rows = around.shape[1]
    first_most, second_most = most[0], most[1]
    for y in range(h):
        place = min(max((y + 0.5) * rows / h - 0.5, 0.0), rows - 1.0)
        upper = int(place)
        lower, down = min(upper + 1, rows - 1), np.float32(place - upper)
        for x in range(w):
            a, b = around[0, upper, x], around[1, upper, x]
            first = both[0, y, x] - (a + down * (around[0, lower, x] - a))
            second = both[1, y, x] - (b + down * (around[1, lower, x] - b))
            out[y, x] = min(max(first, -first_most), first_most) + min(max(second, -second_most), second_most)


@compiled
def block_tensors(golden: F32, corners: I32, size: int) -> F64:
    """Return the mean structure tensor, (n, 3) of xx, xy, yy, of each block.

    Args:
        golden: (h, w) float32.
        corners: (n, 2) int32 x, y of each block's first pixel, at least 1 from the border.
        size: block size in pixels.
    """
    out = np.zeros((len(corners), 3))
    for k in range(len(corners)):
        for y in range(corners[k, 1], corners[k, 1] + size):
            for x in range(corners[k, 0], corners[k, 0] + size):
                gx = 0.5 * (golden[y, x + 1] - golden[y, x - 1])
                gy = 0.5 * (golden[y + 1, x] - golden[y - 1, x])
                out[k, 0] += gx * gx
                out[k, 1] += gx * gy
                out[k, 2] += gy * gy
    return out / (size * size)


@compiled
def search_blocks(golden: F32, unit: F32, corners: I32, size: int, reach: int) -> F64:
    """Return where the unit correlates best with each golden block: (n, 3) of dx, dy, correlation.

    Whole-pixel shifts up to `reach`, the best one refined by parabolas. Arguments as in `block_tensors`.
    """
    height, width = golden.shape
    out = np.zeros((len(corners), 3))
    side = 2 * reach + 1
    scores = np.empty((side, side))
    n = size * size
    block = np.empty((size, size), np.float32)
    for k in range(len(corners)):
        cx, cy = corners[k, 0], corners[k, 1]
        block[:] = golden[cy : cy + size, cx : cx + size]
        block -= block.mean()
        norm = 0.0
        for y in range(size):
            for x in range(size):
                norm += block[y, x] * block[y, x]
        scores[:] = -1.0
        best, bx, by = -1.0, 0, 0
        for dy in range(max(-reach, -cy), min(reach, height - size - cy) + 1):
            for dx in range(max(-reach, -cx), min(reach, width - size - cx) + 1):
                total = square = cross = np.float32(0.0)
                for y in range(size):
                    for x in range(size):
                        s = unit[cy + dy + y, cx + dx + x]
                        total += s
                        square += s * s
                        cross += s * block[y, x]
                spread = square - total * total / n
                score = cross / math.sqrt(spread * norm) if spread * norm > 0.0 else -1.0
                scores[dy + reach, dx + reach] = score
                if score > best:
                    best, bx, by = score, dx, dy
        out[k, 0], out[k, 1], out[k, 2] = bx, by, best
        if abs(bx) < reach and abs(by) < reach:
            i, j = bx + reach, by + reach
            out[k, 0] += _peak(scores[j, i - 1], scores[j, i], scores[j, i + 1])
            out[k, 1] += _peak(scores[j - 1, i], scores[j, i], scores[j + 1, i])
    return out


@compiled
def _peak(before: float, here: float, after: float) -> float:
    bend = before - 2.0 * here + after
    return 0.5 * (before - after) / bend if bend < 0.0 and before > -1.0 and after > -1.0 else 0.0


@compiled
def step_blocks(golden: F32, unit: F32, corners: I32, size: int, floor: float) -> F64:
    """Return one Gauss-Newton step of each golden block towards the unit: (n, 3) of dx, dy, correlation.

    The gradient is the mean of both images'; gain and offset of each block are taken out.

    Args:
        golden: (h, w) float32.
        unit: (h, w) float32.
        corners: as in `block_tensors`.
        size: block size in pixels.
        floor: added to the structure tensor, which keeps the step small where a block knows nothing.
    """
    out = np.zeros((len(corners), 3))
    n = size * size
    for k in range(len(corners)):
        cx, cy = corners[k, 0], corners[k, 1]
        mean_g = mean_u = 0.0
        for y in range(cy, cy + size):
            for x in range(cx, cx + size):
                mean_g += golden[y, x]
                mean_u += unit[y, x]
        mean_g /= n
        mean_u /= n
        gg = gu = uu = 0.0
        for y in range(cy, cy + size):
            for x in range(cx, cx + size):
                g, u = golden[y, x] - mean_g, unit[y, x] - mean_u
                gg += g * g
                gu += g * u
                uu += u * u
        if gg <= 0.0 or gu <= 0.0:
            continue
        gain = min(max(math.sqrt(gg / uu), 0.5), 2.0)
        a = b = d = p = q = 0.0
        for y in range(cy, cy + size):
            for x in range(cx, cx + size):
                gx = 0.25 * (golden[y, x + 1] - golden[y, x - 1] + gain * (unit[y, x + 1] - unit[y, x - 1]))
                gy = 0.25 * (golden[y + 1, x] - golden[y - 1, x] + gain * (unit[y + 1, x] - unit[y - 1, x]))
                r = golden[y, x] - mean_g - gain * (unit[y, x] - mean_u)
                a += gx * gx
                b += gx * gy
                d += gy * gy
                p += gx * r
                q += gy * r
        a += floor * n
        d += floor * n
        determinant = a * d - b * b
        out[k, 0] = (d * p - b * q) / determinant
        out[k, 1] = (a * q - b * p) / determinant
        out[k, 2] = gu / math.sqrt(gg * uu)
    return out


@compiled
def spline_weights(t: float) -> tuple[float, float, float, float]:
    """Return the four cubic B-spline weights at t in 0..1 between the second and the third control."""
    r = 1.0 - t
    return (
        r * r * r / 6.0,
        (t * t * (3.0 * t - 6.0) + 4.0) / 6.0,
        (r * r * (3.0 * r - 6.0) + 4.0) / 6.0,
        t * t * t / 6.0,
    )


@compiled
def spline_values(places: F64, controls: F64) -> F64:
    """Return the values, (n, 2), of the spline of `fit_spline`'s controls, at places as it takes them."""
    out = np.zeros((len(places), 2))
    for k in range(len(places)):
        ix, iy = int(places[k, 0]), int(places[k, 1])
        wx, wy = spline_weights(places[k, 0] - ix), spline_weights(places[k, 1] - iy)
        for j in range(4):
            for i in range(4):
                weight = wy[j] * wx[i]
                out[k, 0] += weight * controls[iy + j, ix + i, 0]
                out[k, 1] += weight * controls[iy + j, ix + i, 1]
    return out


@compiled
def fit_spline(
    places: F64, shifts: F64, information: F64, rows: int, columns: int, stiffness: float, ridge: float
) -> F64:
    """Return the controls (rows, columns, 2) of the cubic B-spline that fits shifts best and bends least.

    Args:
        places: (n, 2) x, y in units of the spacing; 0 <= x < columns - 3, 0 <= y < rows - 3.
        shifts: (n, 2) displacement at each place.
        information: (n, 3) xx, xy, yy: the weight of each displacement.
        rows: of controls.
        columns: of controls.
        stiffness: weight of each squared second difference of the controls.
        ridge: weight of each squared control: what holds where nothing is known.
    """
    n = 2 * rows * columns
    band = 2 * (3 * columns + 3) + 2
    matrix = np.zeros((n, band))  # matrix[j, k] is row j + k of column j
    right = np.zeros(n)
    weight = np.empty(16)
    index = np.empty(16, np.int64)
    for k in range(len(places)):
        ix, iy = int(places[k, 0]), int(places[k, 1])
        wx, wy = spline_weights(places[k, 0] - ix), spline_weights(places[k, 1] - iy)
        for j in range(4):
            for i in range(4):
                weight[4 * j + i] = wy[j] * wx[i]
                index[4 * j + i] = 2 * ((iy + j) * columns + ix + i)
        xx, xy, yy = information[k, 0], information[k, 1], information[k, 2]
        px = xx * shifts[k, 0] + xy * shifts[k, 1]
        py = xy * shifts[k, 0] + yy * shifts[k, 1]
        for a in range(16):
            right[index[a]] += weight[a] * px
            right[index[a] + 1] += weight[a] * py
            for b in range(a + 1):
                w, low, lag = weight[a] * weight[b], index[b], index[a] - index[b]
                matrix[low, lag] += w * xx
                matrix[low, lag + 1] += w * xy
                matrix[low + 1, lag] += w * yy
                if lag > 0:
                    matrix[low + 1, lag - 1] += w * xy
    matrix[:, 0] += ridge
    for j in range(rows):
        for i in range(columns):
            here = 2 * (j * columns + i)
            if 0 < i < columns - 1:
                _stiffen(matrix, here - 2, 2, stiffness)
            if 0 < j < rows - 1:
                _stiffen(matrix, here - 2 * columns, 2 * columns, stiffness)
    _solve_banded(matrix, right)
    return right.reshape(rows, columns, 2)


@compiled
def _stiffen(matrix: F64, first: int, step: int, stiffness: float) -> None:
    """Add the square of the second difference at first, first + step, first + 2 step, on both axes."""
    for c in range(first, first + 2):
        matrix[c, 0] += stiffness
        matrix[c, step] -= 2.0 * stiffness
        matrix[c, 2 * step] += stiffness
        matrix[c + step, 0] += 4.0 * stiffness
        matrix[c + step, step] -= 2.0 * stiffness
        matrix[c + 2 * step, 0] += stiffness


@compiled
def _solve_banded(matrix: F64, right: F64) -> None:
    """Solve by Cholesky, in place; a library's banded solver may differ with its number of threads."""
    n, band = matrix.shape
    for j in range(n):
        reach = min(band, n - j)
        pivot = math.sqrt(matrix[j, 0])
        for k in range(reach):
            matrix[j, k] /= pivot
        right[j] /= pivot
        for k in range(1, reach):
            factor = matrix[j, k]
            if factor != 0.0:
                right[j + k] -= factor * right[j]
                for m in range(k, reach):
                    matrix[j + k, m - k] -= factor * matrix[j, m]
    for j in range(n - 1, -1, -1):
        for k in range(1, min(band, n - j)):
            right[j] -= matrix[j, k] * right[j + k]
        right[j] /= matrix[j, 0]
