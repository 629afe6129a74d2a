"""Patch tracking: where small patches of the golden image lie in the unit's image, to hundredths of a pixel.

Inverse-compositional Gauss-Newton (Baker and Matthews 2004, doi:10.1023/B:VISI.0000011205.11775.fd) over a
translation per patch; gain and offset of each patch are projected out, so shading does not move it.
"""

from __future__ import annotations

import math

import numpy as np

from kernels.compiled import F32, F64, U8, compiled
from kernels.interpolation import catmull_rom


@compiled
def prepare_patches(image: F32, centres: F64, half: int) -> tuple[F32, F32, F64]:
    """Cut patches and their projected gradients from the golden image.

    Args:
        image: (h, w) float32 golden image.
        centres: (m, 2) float64 whole-numbered patch centres, at least half + 1 from the border.
        half: half size; a patch is (2 half + 1) squared.

    Returns:
        values (m, n) float32, zero mean and unit norm per patch (zero where the patch is flat);
        gradients (m, n, 2) float32 of those values with mean and value projected out;
        inverse Hessians (m, 2, 2) float64, zero where a patch cannot be located.
    """
    m, size = centres.shape[0], 2 * half + 1
    n = size * size
    values = np.zeros((m, n), np.float32)
    gradients = np.zeros((m, n, 2), np.float32)
    inverses = np.zeros((m, 2, 2))
    for k in range(m):
        cx, cy = int(centres[k, 0]), int(centres[k, 1])
        i = 0
        mean = 0.0
        for y in range(cy - half, cy + half + 1):
            for x in range(cx - half, cx + half + 1):
                values[k, i] = image[y, x]
                gradients[k, i, 0] = 0.5 * (image[y, x + 1] - image[y, x - 1])
                gradients[k, i, 1] = 0.5 * (image[y + 1, x] - image[y - 1, x])
                mean += image[y, x] / n
                i += 1
        norm = 0.0
        for i in range(n):
            values[k, i] -= mean
            norm += values[k, i] * values[k, i]
        norm = math.sqrt(norm)
        if norm < 1e-6 * n:
            values[k, :] = 0.0
            continue
        for c in range(2):
            mean_g, along = 0.0, 0.0
            for i in range(n):
                values_i = values[k, i] / norm
                mean_g += gradients[k, i, c] / n
                along += gradients[k, i, c] * values_i
            for i in range(n):
                gradients[k, i, c] = (gradients[k, i, c] - mean_g - along * values[k, i] / norm) / norm
        a = b = d = 0.0
        for i in range(n):
            values[k, i] /= norm
            gx, gy = gradients[k, i, 0], gradients[k, i, 1]
            a += gx * gx
            b += gx * gy
            d += gy * gy
        determinant = a * d - b * b
        if determinant > 1e-3 * a * d and a * d > 0.0:
            inverses[k, 0, 0], inverses[k, 1, 1] = d / determinant, a / determinant
            inverses[k, 0, 1] = inverses[k, 1, 0] = -b / determinant
    return values, gradients, inverses


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
        (m, 3) float64: x, y in the unit's image and the correlation coefficient at the last step;
        the correlation is -1 where a patch left the image, cannot be located or diverged.
    """
    m, n = values.shape
    height, width = image.shape
    out = np.empty((m, 3))
    sample = np.empty(n)
    reach = half * 1.5
    for k in range(m):
        x, y = positions[k, 0], positions[k, 1]
        j00, j01, j10, j11 = jacobians[k, 0, 0], jacobians[k, 0, 1], jacobians[k, 1, 0], jacobians[k, 1, 1]
        correlation = -1.0
        if inverses[k, 0, 0] > 0.0:
            for _ in range(steps):
                if not (reach < x < width - 1 - reach and reach < y < height - 1 - reach):
                    correlation = -1.0
                    break
                i = 0
                mean = 0.0
                for v in range(-half, half + 1):
                    for u in range(-half, half + 1):
                        s = catmull_rom(image, x + j00 * u + j01 * v, y + j10 * u + j11 * v)
                        sample[i] = s
                        mean += s
                        i += 1
                mean /= n
                along = norm = 0.0
                for i in range(n):
                    d = sample[i] - mean
                    along += d * values[k, i]
                    norm += d * d
                correlation = along / math.sqrt(norm) if norm > 0.0 else -1.0
                if along <= 0.0:
                    correlation = -1.0
                    break
                bx = by = 0.0
                for i in range(n):
                    r = (sample[i] - mean) / along - values[k, i]
                    bx += gradients[k, i, 0] * r
                    by += gradients[k, i, 1] * r
                du = inverses[k, 0, 0] * bx + inverses[k, 0, 1] * by
                dv = inverses[k, 1, 0] * bx + inverses[k, 1, 1] * by
                long = math.hypot(du, dv)
                if long > 2.0:
                    du *= 2.0 / long
                    dv *= 2.0 / long
                x -= j00 * du + j01 * dv
                y -= j10 * du + j11 * dv
                if long < 0.01:
                    break
            if math.hypot(x - positions[k, 0], y - positions[k, 1]) > half:
                correlation = -1.0
        out[k, 0], out[k, 1], out[k, 2] = x, y, correlation
    return out
