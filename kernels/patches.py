"""Patch tracking: where small patches of the golden image lie in the unit's image, to hundredths of a pixel.

Inverse-compositional Gauss-Newton (Baker and Matthews 2004, doi:10.1023/B:VISI.0000011205.11775.fd) over a
translation per patch. Gain, offset and blur of each patch are projected out (as the project-out algorithm
does with appearance), so that neither shading nor focus moves it.
"""

from __future__ import annotations

import math

import numpy as np

from kernels.compiled import F32, F64, U8, compiled
from kernels.light import fill_luminance

SAMPLING_BLUR_PX = math.sqrt(1 / 3)
"""Standard deviation of the blur that sampling a unit adds: the golden image needs it as well."""

_NUISANCES = 3  # gain, offset, blur
_FEWEST_STEPS = 2
_HOPELESS = 0.3  # a patch of less correlation after those steps is not there

LARGEST_HALF = 15
"""Greatest half size of a patch: a row of it is sampled as one vector."""

_RUN = 2 * LARGEST_HALF + 2
_LANES = 32  # sums that run side by side: one would wait for itself at each step
_ROOM = 1  # pixels that a patch may move before more light is decoded


@compiled
def prepare_patches(image: F32, centres: F64, half: int) -> tuple[F32, F32, F64, F64, F64]:
    """Cut patches and their projected gradients from the golden image.

    Args:
        image: (h, w) float32 golden image.
        centres: (m, 2) float64 whole-numbered patch centres, at least half + 1 from the border.
        half: half size, at most LARGEST_HALF; a patch is (2 half + 1) squared.

    Returns:
        values (m, n) float32, zero mean and unit norm per patch (zero where the patch is flat), with zeros up
        to a multiple of 32;
        gradients (m, 2, n) float32 of those values, with mean, value and Laplacian projected out;
        inverse Hessians (m, 2, 2) float64, zero where a patch cannot be located;
        means (m,) float64 of the golden image in each patch;
        drifts (m, 2, 2) float64: by how many golden pixels a patch is found too far along x and y (rows) per
        share of light that the unit gains with each pixel along x and y (columns).
    """
    m, size = centres.shape[0], 2 * half + 1
    n = size * size
    padded = -(-n // _LANES) * _LANES
    values = np.zeros((m, padded), np.float32)
    gradients = np.zeros((m, 2, padded), np.float32)
    inverses, means, drifts = np.zeros((m, 2, 2)), np.zeros(m), np.zeros((m, 2, 2))
    patch, bend, slope, ramp = np.empty(n), np.empty(n), np.empty((2, n)), np.empty((2, n))
    for k in range(m):
        cx, cy = int(centres[k, 0]), int(centres[k, 1])
        i = 0
        for y in range(cy - half, cy + half + 1):
            for x in range(cx - half, cx + half + 1):
                patch[i] = image[y, x]
                ramp[0, i], ramp[1, i] = (x - cx) * image[y, x], (y - cy) * image[y, x]
                slope[0, i] = 0.5 * (image[y, x + 1] - image[y, x - 1])
                slope[1, i] = 0.5 * (image[y + 1, x] - image[y - 1, x])
                bend[i] = image[y, x + 1] + image[y, x - 1] + image[y + 1, x] + image[y - 1, x] - 4 * patch[i]
                i += 1
        means[k] = patch.mean()
        patch -= means[k]
        norm = math.sqrt((patch * patch).sum())
        if norm < 1e-6 * n:
            continue
        patch /= norm
        bend -= bend.mean()
        bend -= (bend * patch).sum() * patch
        bend /= max(math.sqrt((bend * bend).sum()), 1e-12)
        for c in range(2):
            slope[c] -= slope[c].mean()
            slope[c] -= (slope[c] * patch).sum() * patch
            slope[c] -= (slope[c] * bend).sum() * bend
            slope[c] /= norm
            gradients[k, c, :n] = slope[c]
        values[k, :n] = patch
        a, b, d = (slope[0] * slope[0]).sum(), (slope[0] * slope[1]).sum(), (slope[1] * slope[1]).sum()
        determinant = a * d - b * b
        if determinant > 1e-3 * a * d and a * d > 0.0:
            inverses[k, 0, 0], inverses[k, 1, 1] = d / determinant, a / determinant
            inverses[k, 0, 1] = inverses[k, 1, 0] = -b / determinant
        for c in range(2):
            x, y = (slope[0] * ramp[c]).sum() / norm, (slope[1] * ramp[c]).sum() / norm
            drifts[k, 0, c] = -(inverses[k, 0, 0] * x + inverses[k, 0, 1] * y)
            drifts[k, 1, c] = -(inverses[k, 1, 0] * x + inverses[k, 1, 1] * y)
    return values, gradients, inverses, means, drifts


@compiled
def _decode(
    codes: U8, table: F32, left: int, top: int, right: int, bottom: int, window: F32, sums: F32
) -> float:
    """Fill the window's corner with the light of columns left to right, rows top to bottom, less its mean.

    So small numbers are what is summed later, and single precision is enough. Returns the mean.
    """
    width, height = right - left, bottom - top
    fill_luminance(codes, table, left, top, width, height, window)
    sums[:] = 0.0
    for y in range(height):
        out = window[y]
        for x in range(width):
            sums[x] += out[x]
    mean = sums[:width].sum() / np.float32(width * height)
    for y in range(height):
        out = window[y]
        for x in range(width):
            out[x] -= mean
    return float(mean)


@compiled
def _level_row(window: F32, first: int, x: float, y: float, dx: float, dy: float, out: F32) -> None:
    """Sample _RUN places (x + u dx + u, y + u dy) of a window from its element `first` on, as one vector.

    But for `u`, each lies less than two pixels from the first place's pixel: five weights on either axis, of
    which the first or the last is 0, serve all.
    """
    two, one, zero, sixth = np.float32(2.0), np.float32(1.0), np.float32(0.0), np.float32(1.0 / 6.0)
    x_0, y_0, x_1, y_1 = np.float32(x), np.float32(y), np.float32(dx), np.float32(dy)
    flat, stride = window.reshape(-1), window.shape[1]
    a, b, c = flat[first:], flat[first + stride :], flat[first + 2 * stride :]
    d, e = flat[first + 3 * stride :], flat[first + 4 * stride :]
    for u in range(_RUN):
        fx, fy = x_0 + x_1 * np.float32(u), y_0 + y_1 * np.float32(u)
        right, below = fx >= one, fy >= one
        fx -= one if right else zero
        fy -= one if below else zero
        gx, gy = one - fx, one - fy
        w0, w3 = sixth * gx * gx * gx, sixth * fx * fx * fx
        v0, v3 = sixth * gy * gy * gy, sixth * fy * fy * fy
        w1, w2 = gx - two * w0 + w3, fx - two * w3 + w0
        v1, v2 = gy - two * v0 + v3, fy - two * v3 + v0
        x0, x1, x2 = zero if right else w0, w0 if right else w1, w1 if right else w2
        x3, x4 = w2 if right else w3, w3 if right else zero
        y0, y1, y2 = zero if below else v0, v0 if below else v1, v1 if below else v2
        y3, y4 = v2 if below else v3, v3 if below else zero
        out[u] = (
            y0 * (x0 * a[u] + x1 * a[u + 1] + x2 * a[u + 2] + x3 * a[u + 3] + x4 * a[u + 4])
            + y1 * (x0 * b[u] + x1 * b[u + 1] + x2 * b[u + 2] + x3 * b[u + 3] + x4 * b[u + 4])
            + y2 * (x0 * c[u] + x1 * c[u + 1] + x2 * c[u + 2] + x3 * c[u + 3] + x4 * c[u + 4])
            + y3 * (x0 * d[u] + x1 * d[u + 1] + x2 * d[u + 2] + x3 * d[u + 3] + x4 * d[u + 4])
            + y4 * (x0 * e[u] + x1 * e[u + 1] + x2 * e[u + 2] + x3 * e[u + 3] + x4 * e[u + 4])
        )


@compiled
def _any_row(window: F32, x: float, y: float, dx: float, dy: float, count: int, out: F32) -> None:
    """Sample `count` places (x + u dx, y + u dy) of a window, one by one."""
    two, one, sixth = np.float32(2.0), np.float32(1.0), np.float32(1.0 / 6.0)
    for u in range(count):
        at_x, at_y = x + dx * u, y + dy * u
        ix, iy = int(at_x), int(at_y)  # positive, so this is the floor
        fx, fy = np.float32(at_x - ix), np.float32(at_y - iy)
        gx, gy = one - fx, one - fy
        x0, x3 = sixth * gx * gx * gx, sixth * fx * fx * fx
        y0, y3 = sixth * gy * gy * gy, sixth * fy * fy * fy
        x1, x2 = gx - two * x0 + x3, fx - two * x3 + x0
        y1, y2 = gy - two * y0 + y3, fy - two * y3 + y0
        c = ix - 1
        a, b, d, e = window[iy - 1], window[iy], window[iy + 1], window[iy + 2]
        out[u] = (
            y0 * (x0 * a[c] + x1 * a[c + 1] + x2 * a[c + 2] + x3 * a[c + 3])
            + y1 * (x0 * b[c] + x1 * b[c + 1] + x2 * b[c + 2] + x3 * b[c + 3])
            + y2 * (x0 * d[c] + x1 * d[c + 1] + x2 * d[c + 2] + x3 * d[c + 3])
            + y3 * (x0 * e[c] + x1 * e[c + 1] + x2 * e[c + 2] + x3 * e[c + 3])
        )


@compiled
def _sample(window: F32, x: float, y: float, jacobian: F64, half: int, out: F32) -> None:
    """Fill `out`, (n + _RUN,), with the patch about (x, y) of a window; it lies inside by two pixels.

    Cubic B-spline weights without prefilter: they blur by SAMPLING_BLUR_PX alike at each sub-pixel phase and
    suppress the images of the spectrum that moved Catmull-Rom samples by up to 0.02 px at quarter pixels.
    """
    size = 2 * half + 1
    dx, dy = jacobian[0, 0], jacobian[1, 0]
    stride = window.shape[1]
    for v in range(-half, half + 1):
        row_x, row_y = x + jacobian[0, 1] * v - half * dx, y + jacobian[1, 1] * v - half * dy
        # where the row ends, but for the pixels that it has passed
        end_x, end_y = row_x + (dx - 1.0) * (size - 1), row_y + dy * (size - 1)
        left, top = int(min(row_x, end_x)), int(min(row_y, end_y))
        start = (v + half) * size
        if max(row_x, end_x) < left + 2 and max(row_y, end_y) < top + 2:
            first = (top - 1) * stride + left - 1
            _level_row(window, first, row_x - left, row_y - top, dx - 1.0, dy, out[start:])
        else:
            _any_row(window, row_x, row_y, dx, dy, size, out[start:])


@compiled
def _products(
    sample: F32, values: F32, gradients: F32, sums: F32
) -> tuple[float, float, float, float, float]:
    """Return the sums of samples, of their squares and of their products with the golden patch's."""
    total, squares, along, along_x, along_y = sums[0], sums[1], sums[2], sums[3], sums[4]
    sums[:] = 0.0
    for start in range(0, len(values), _LANES):
        end = start + _LANES
        seen, value = sample[start:end], values[start:end]
        slope_x, slope_y = gradients[0, start:end], gradients[1, start:end]
        for i in range(_LANES):
            s = seen[i]
            total[i] += s
            squares[i] += s * s
            along[i] += s * value[i]
            along_x[i] += s * slope_x[i]
            along_y[i] += s * slope_y[i]
    for k in range(5):
        for i in range(1, _LANES):
            sums[k, 0] += sums[k, i]
    return float(total[0]), float(squares[0]), float(along[0]), float(along_x[0]), float(along_y[0])


@compiled
def track_patches(
    codes: U8,
    table: F32,
    values: F32,
    gradients: F32,
    inverses: F64,
    half: int,
    positions: F64,
    jacobians: F64,
    steps: int,
    settled: float,
) -> F64:
    """Locate each patch near its predicted position, on light that is decoded where patches lie.

    Args:
        codes: (h, w, 3) uint8 picture of the unit.
        table: (256,) float32 code to light.
        values: from `prepare_patches`.
        gradients: from `prepare_patches`.
        inverses: from `prepare_patches`.
        half: half size of a patch.
        positions: (m, 2) float64 predicted centres in the unit's picture.
        jacobians: (m, 2, 2) float64 local map from golden to unit pixels.
        steps: greatest number of Gauss-Newton steps.
        settled: golden pixels; after a shorter step there is none.

    Returns:
        (m, 7) float64: x, y in the unit's picture; the correlation coefficient at the last step, -1 where a
        patch left the picture, cannot be located or diverged; xx, xy, yy of the covariance of (x, y) that the
        patch's own misfit implies, in squared pixels of the unit's picture; and the patch's mean light.
    """
    m, n = len(values), (2 * half + 1) ** 2
    height, width = codes.shape[:2]
    out = np.zeros((m, 7))
    sample, sums = np.empty(n + _RUN, np.float32), np.empty((5, _LANES), np.float32)
    reach = 2.0 * half * (np.abs(jacobians).max() if m else 0.0) + 2.0
    side = 2 * (int(reach) + _ROOM) + 4
    window, columns = np.zeros((side + 1, side + _RUN), np.float32), np.empty(side, np.float32)
    for k in range(m):
        x, y = positions[k, 0], positions[k, 1]
        j, inverse = jacobians[k], inverses[k]
        reach_x = half * (abs(j[0, 0]) + abs(j[0, 1])) + 2.0
        reach_y = half * (abs(j[1, 0]) + abs(j[1, 1])) + 2.0
        left = top = right = bottom = 0
        correlation, mean, base = -1.0, 0.0, 0.0
        if inverse[0, 0] > 0.0:
            for step in range(steps):
                if not (reach_x < x < width - 1 - reach_x and reach_y < y < height - 1 - reach_y):
                    correlation = -1.0
                    break
                if not (
                    left + reach_x < x < right - 1 - reach_x and top + reach_y < y < bottom - 1 - reach_y
                ):
                    left, right = max(int(x - reach_x) - _ROOM, 0), min(int(x + reach_x) + 2 + _ROOM, width)
                    top, bottom = max(int(y - reach_y) - _ROOM, 0), min(int(y + reach_y) + 2 + _ROOM, height)
                    base = _decode(codes, table, left, top, right, bottom, window, columns)
                _sample(window, x - left, y - top, j, half, sample)
                sample[n:] = 0.0
                total, norm, along, bx, by = _products(sample, values[k], gradients[k], sums)
                norm -= total * total / n
                mean = base + total / n
                correlation = along / math.sqrt(norm) if norm > 0.0 else -1.0
                if along <= 0.0 or (step >= _FEWEST_STEPS and correlation < _HOPELESS):
                    correlation = -1.0
                    break
                # the projected gradients are orthogonal to `values`, which need not be subtracted
                du = (inverse[0, 0] * bx + inverse[0, 1] * by) / along
                dv = (inverse[1, 0] * bx + inverse[1, 1] * by) / along
                long = math.hypot(du, dv)
                if long > 2.0:
                    du *= 2.0 / long
                    dv *= 2.0 / long
                x -= j[0, 0] * du + j[0, 1] * dv
                y -= j[1, 0] * du + j[1, 1] * dv
                if long < settled:
                    break
            if math.hypot(x - positions[k, 0], y - positions[k, 1]) > half:
                correlation = -1.0
        out[k, 0], out[k, 1], out[k, 2], out[k, 6] = x, y, correlation, mean
        if correlation > 0.0:
            misfit = max(1.0 / correlation**2 - 1.0, 0.0) / (n - _NUISANCES - 2)
            xx, xy, yy = inverse[0, 0], inverse[0, 1], inverse[1, 1]
            out[k, 3] = misfit * (j[0, 0] * (xx * j[0, 0] + 2.0 * xy * j[0, 1]) + yy * j[0, 1] * j[0, 1])
            out[k, 4] = misfit * (
                j[0, 0] * (xx * j[1, 0] + xy * j[1, 1]) + j[0, 1] * (xy * j[1, 0] + yy * j[1, 1])
            )
            out[k, 5] = misfit * (j[1, 0] * (xx * j[1, 0] + 2.0 * xy * j[1, 1]) + yy * j[1, 1] * j[1, 1])
    return out


@compiled
def track_mapped(
    codes: U8,
    table: F32,
    values: F32,
    gradients: F32,
    inverses: F64,
    half: int,
    centres: F64,
    coefficients: F64,
    cx: float,
    cy: float,
    extent: float,
    scale: int,
    steps: int,
    settled: float,
) -> F64:
    """Locate each patch of a picture shrunk by `scale` near where a map puts it; all in full-scale pixels.

    Args:
        codes: as in `track_patches`.
        table: as in `track_patches`.
        values: as in `track_patches`.
        gradients: as in `track_patches`.
        inverses: as in `track_patches`.
        half: as in `track_patches`.
        centres: (m, 2) float64 patch centres in the golden image.
        coefficients: (6, 2) float64 of a quadratic map between full-scale images, see `vision.mapping`.
        cx: centre of the map's basis, x.
        cy: centre of the map's basis, y.
        extent: scale of the map's basis.
        scale: how much the picture, and the golden image that `values` are of, are shrunk.
        steps: as in `track_patches`.
        settled: as in `track_patches`, of the shrunk picture.

    Returns:
        (m, 7) float64 as `track_patches`, positions and covariances at full scale.
    """
    m, c = len(centres), coefficients
    positions, jacobians = np.empty((m, 2)), np.empty((m, 2, 2))
    for k in range(m):
        u, v = (centres[k, 0] - cx) / extent, (centres[k, 1] - cy) / extent
        for i in range(2):
            at = c[0, i] + u * (c[1, i] + u * c[3, i] + v * c[4, i]) + v * (c[2, i] + v * c[5, i])
            positions[k, i] = (at + 0.5) / scale - 0.5
            jacobians[k, i, 0] = (c[1, i] + 2.0 * u * c[3, i] + v * c[4, i]) / extent
            jacobians[k, i, 1] = (c[2, i] + u * c[4, i] + 2.0 * v * c[5, i]) / extent
    out = track_patches(codes, table, values, gradients, inverses, half, positions, jacobians, steps, settled)
    for k in range(m):
        out[k, :2] = (out[k, :2] + 0.5) * scale - 0.5
        out[k, 3:6] *= scale * scale
    return out
