"""Patch tracking: where small patches of the golden image lie in the unit's image, to hundredths of a pixel.

Inverse-compositional Gauss-Newton (Baker and Matthews 2004, doi:10.1023/B:VISI.0000011205.11775.fd) over a
translation per patch. Gain, offset and blur of each patch are projected out (as the project-out algorithm
does with appearance), so that neither shading nor focus moves it.
"""

from __future__ import annotations

import math

import numpy as np

from kernels.compiled import F32, F64, U8, compiled

SAMPLING_BLUR_PX = math.sqrt(1 / 3)
"""Standard deviation of the blur that sampling a unit adds: the golden image needs it as well."""

_NUISANCES = 3  # gain, offset, blur
_FEWEST_STEPS = 2
_HOPELESS = 0.3  # a patch of less correlation after those steps is not there
_CONVERGED_PX = 0.02


@compiled
def prepare_patches(image: F32, centres: F64, half: int) -> tuple[F32, F32, F64]:
    """Cut patches and their projected gradients from the golden image.

    Args:
        image: (h, w) float32 golden image.
        centres: (m, 2) float64 whole-numbered patch centres, at least half + 1 from the border.
        half: half size; a patch is (2 half + 1) squared.

    Returns:
        values (m, n) float32, zero mean and unit norm per patch (zero where the patch is flat);
        gradients (m, n, 2) float32 of those values, with mean, value and Laplacian projected out;
        inverse Hessians (m, 2, 2) float64, zero where a patch cannot be located.
    """
    m, size = centres.shape[0], 2 * half + 1
    n = size * size
    values = np.zeros((m, n), np.float32)
    gradients = np.zeros((m, n, 2), np.float32)
    inverses = np.zeros((m, 2, 2))
    patch, bend, slope = np.empty(n), np.empty(n), np.empty((2, n))
    for k in range(m):
        cx, cy = int(centres[k, 0]), int(centres[k, 1])
        i = 0
        for y in range(cy - half, cy + half + 1):
            for x in range(cx - half, cx + half + 1):
                patch[i] = image[y, x]
                slope[0, i] = 0.5 * (image[y, x + 1] - image[y, x - 1])
                slope[1, i] = 0.5 * (image[y + 1, x] - image[y - 1, x])
                bend[i] = image[y, x + 1] + image[y, x - 1] + image[y + 1, x] + image[y - 1, x] - 4 * patch[i]
                i += 1
        patch -= patch.mean()
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
            gradients[k, :, c] = slope[c]
        values[k] = patch
        a, b, d = (slope[0] * slope[0]).sum(), (slope[0] * slope[1]).sum(), (slope[1] * slope[1]).sum()
        determinant = a * d - b * b
        if determinant > 1e-3 * a * d and a * d > 0.0:
            inverses[k, 0, 0], inverses[k, 1, 1] = d / determinant, a / determinant
            inverses[k, 0, 1] = inverses[k, 1, 0] = -b / determinant
    return values, gradients, inverses


@compiled
def _sample(image: U8, x: float, y: float, jacobian: F64, half: int, out: F32) -> float:
    """Fill `out` with the patch about (x, y), which lies inside the image; return its mean.

    Cubic B-spline weights without prefilter: they blur by SAMPLING_BLUR_PX alike at each sub-pixel phase and
    suppress the images of the spectrum that moved Catmull-Rom samples by up to 0.02 px at quarter pixels.
    """
    i = 0
    total = np.float32(0.0)
    two, sixth = np.float32(2.0), np.float32(1.0 / 6.0)
    j00, j10 = jacobian[0, 0], jacobian[1, 0]
    for v in range(-half, half + 1):
        row_x, row_y = x + jacobian[0, 1] * v, y + jacobian[1, 1] * v
        for u in range(-half, half + 1):
            at_x, at_y = row_x + j00 * u, row_y + j10 * u
            ix, iy = int(at_x), int(at_y)  # positive, so this is the floor
            fx, fy = np.float32(at_x - ix), np.float32(at_y - iy)
            gx, gy = np.float32(1.0) - fx, np.float32(1.0) - fy
            x0, x3 = sixth * gx * gx * gx, sixth * fx * fx * fx
            y0, y3 = sixth * gy * gy * gy, sixth * fy * fy * fy
            x1, x2 = gx - two * x0 + x3, fx - two * x3 + x0
            y1, y2 = gy - two * y0 + y3, fy - two * y3 + y0
            c = ix - 1
            a, b, d, e = image[iy - 1], image[iy], image[iy + 1], image[iy + 2]
            s = (
                y0 * (x0 * a[c] + x1 * a[c + 1] + x2 * a[c + 2] + x3 * a[c + 3])
                + y1 * (x0 * b[c] + x1 * b[c + 1] + x2 * b[c + 2] + x3 * b[c + 3])
                + y2 * (x0 * d[c] + x1 * d[c + 1] + x2 * d[c + 2] + x3 * d[c + 3])
                + y3 * (x0 * e[c] + x1 * e[c + 1] + x2 * e[c + 2] + x3 * e[c + 3])
            )
            out[i] = s
            total += s
            i += 1
    return float(total / i)


@compiled
def track_patches(
    image: U8,
    values: F32,
    gradients: F32,
    inverses: F64,
    half: int,
    positions: F64,
    jacobians: F64,
    steps: int,
) -> F64:
    """Locate each patch near its predicted position.

    Args:
        image: (h, w) uint8 image of the unit.
        values: from `prepare_patches`.
        gradients: from `prepare_patches`.
        inverses: from `prepare_patches`.
        half: half size of a patch.
        positions: (m, 2) float64 predicted centres in the unit's image.
        jacobians: (m, 2, 2) float64 local map from golden to unit pixels.
        steps: greatest number of Gauss-Newton steps.

    Returns:
        (m, 6) float64: x, y in the unit's image; the correlation coefficient at the last step, -1 where a
        patch left the image, cannot be located or diverged; and xx, xy, yy of the covariance of (x, y) that
        the patch's own misfit implies, in squared pixels of the unit's image.
    """
    m, n = values.shape
    height, width = image.shape
    out = np.zeros((m, 6))
    sample = np.empty(n, np.float32)
    for k in range(m):
        x, y = positions[k, 0], positions[k, 1]
        j = jacobians[k]
        reach_x = half * (abs(j[0, 0]) + abs(j[0, 1])) + 2.0
        reach_y = half * (abs(j[1, 0]) + abs(j[1, 1])) + 2.0
        correlation = -1.0
        if inverses[k, 0, 0] > 0.0:
            for step in range(steps):
                if not (reach_x < x < width - 1 - reach_x and reach_y < y < height - 1 - reach_y):
                    correlation = -1.0
                    break
                mean = np.float32(_sample(image, x, y, j, half, sample))
                along = norm = np.float32(0.0)
                for i in range(n):
                    d = sample[i] - mean
                    sample[i] = d
                    along += d * values[k, i]
                    norm += d * d
                correlation = along / math.sqrt(norm) if norm > 0.0 else -1.0
                if along <= 0.0 or (step >= _FEWEST_STEPS and correlation < _HOPELESS):
                    correlation = -1.0
                    break
                bx = by = np.float32(0.0)
                for i in range(n):
                    bx += gradients[k, i, 0] * sample[i]
                    by += gradients[k, i, 1] * sample[i]
                # the projected gradients are orthogonal to `values`, which need not be subtracted
                du = (inverses[k, 0, 0] * bx + inverses[k, 0, 1] * by) / along
                dv = (inverses[k, 1, 0] * bx + inverses[k, 1, 1] * by) / along
                long = math.hypot(du, dv)
                if long > 2.0:
                    du *= 2.0 / long
                    dv *= 2.0 / long
                x -= j[0, 0] * du + j[0, 1] * dv
                y -= j[1, 0] * du + j[1, 1] * dv
                if long < _CONVERGED_PX:
                    break
            if math.hypot(x - positions[k, 0], y - positions[k, 1]) > half:
                correlation = -1.0
        out[k, 0], out[k, 1], out[k, 2] = x, y, correlation
        if correlation > 0.0:
            misfit = max(1.0 / correlation**2 - 1.0, 0.0) / (n - _NUISANCES - 2)
            covariance = j @ inverses[k] @ j.T
            out[k, 3], out[k, 4], out[k, 5] = (
                misfit * covariance[0, 0],
                misfit * covariance[0, 1],
                misfit * covariance[1, 1],
            )
    return out
