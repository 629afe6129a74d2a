"""Sub-pixel edges: an erf step fitted to profiles sampled across the edge.

The model is the image of an ideal step under a Gaussian point spread: v(t) = low + rise * Phi((t - t0) / s).
Fitting it is the maximum-likelihood estimate for white noise; the bound of one profile is
sigma_t >= (noise / rise) * sqrt(2 sqrt(pi) s) (samples one pixel apart).
"""

from __future__ import annotations

import math

import numpy as np

from kernels.compiled import F32, F64, compiled
from kernels.least_squares import factor, substitute
from kernels.normal import distribution

_STEPS = 15


@compiled
def fit_edge(t: F64, v: F64, w: F64, n: int, start: float, step: F64, out: F64) -> bool:
    """Fit one erf step to weighted samples by Gauss-Newton.

    Args:
        t: (>= n,) float64 positions across the edge, in pixels, increasing.
        v: (>= n,) float64 values.
        w: (>= n,) float64 weights.
        n: how many samples count.
        start: first guess of the edge's position.
        step: (2, >= n) float64, to work in.
        out: (4,) float64, receives t0, s (both in pixels), rise, residual rms.

    Returns:
        Whether the fit ended inside the samples with a blur between 0.1 and 4 pixels.
    """
    low, high = v[0], v[n - 1]
    t0, s, rise = start, 1.0, high - low
    if rise == 0.0:
        return False
    jtj = np.empty((4, 4))
    jtr = np.empty(4)
    j = np.empty(4)
    j[3] = 1.0
    sse, total = 0.0, 0.0
    for _ in range(_STEPS):
        jtj[:] = 0.0
        jtr[:] = 0.0
        sse, total = 0.0, 0.0
        for i in range(n):
            step[0, i], step[1, i] = distribution((t[i] - t0) / s)
        for i in range(n):
            z, phi, density = (t[i] - t0) / s, step[0, i], step[1, i]
            r = v[i] - low - rise * phi
            j[0] = -rise * density / s
            j[1] = -rise * density * z / s
            j[2] = phi
            for p in range(4):
                jtr[p] += w[i] * j[p] * r
                for q in range(p + 1):
                    jtj[p, q] += w[i] * j[p] * j[q]
            sse += w[i] * r * r
            total += w[i]
        for p in range(4):
            jtj[p, p] *= 1.0 + 1e-6
        if not factor(jtj, 4):
            return False
        substitute(jtj, jtr, 4)
        t0 += min(max(jtr[0], -1.0), 1.0)
        s = min(max(s + min(max(jtr[1], -0.4), 0.4), 0.1), 5.0)
        rise += jtr[2]
        low += jtr[3]
        if abs(jtr[0]) < 1e-4 and abs(jtr[1]) < 1e-3:  # the next one would be of the square of that
            break
    out[0], out[1], out[2], out[3] = t0, s, rise, math.sqrt(sse / max(total - 4.0, 1.0))
    return t[0] < t0 < t[n - 1] and 0.1 <= s < 4.0


@compiled
def edges_across(
    image: F32, centres: F64, directions: F64, reach: float, near: float, sign: float, curvature: F64
) -> F64:
    """Find one edge on each of many profiles, from raw pixels: nothing is interpolated.

    A profile takes, at each step along its main axis, the two pixels beside its line, each at its own
    projected position and weighted by its nearness to the line.

    Args:
        image: (h, w) float32 linear light.
        centres: (m, 2) float64 x, y of each profile's middle: where the edge is expected.
        directions: (m, 2) float64 unit vectors of the profiles.
        reach: half length of a profile, in pixels, at least 4: how far the edge is searched.
        near: half length of the fit around the steepest place, in pixels; 0 fits nothing and returns that
            place, good to about a pixel.
        sign: +1 for a rise along the profile (dark to bright), -1 for a fall.
        curvature: (m,) float64 1 / radius of the edge where profiles run outward across it, 0 where straight.

    Returns:
        (m, 5) float64: edge position along the profile from its middle in pixels, blur in pixels, rise,
        residual rms, and 1.0 where the edge was found with the asked sign, else 0.0.
    """
    m = centres.shape[0]
    height, width = image.shape
    found = np.zeros((m, 5))
    room = 2 * (2 * int(reach) + 3)
    t = np.empty(room)
    v = np.empty(room)
    w = np.empty(room)
    mean = np.empty(room // 2)
    fit, step = np.empty(4), np.empty((2, room))
    for k in range(m):
        cx, cy = centres[k, 0], centres[k, 1]
        dx, dy = directions[k, 0], directions[k, 1]
        flat = abs(dx) >= abs(dy)
        main = dx if flat else dy
        middle = cx if flat else cy
        span = reach * abs(main)
        first, last = math.ceil(middle - span), math.floor(middle + span)
        forward = main > 0.0
        n, steps, inside = 0, last - first + 1, True
        for i in range(steps):
            a = first + i if forward else last - i
            along = (a - middle) / main
            other = (cy + along * dy) if flat else (cx + along * dx)
            b = math.floor(other)
            f = other - b
            if not (0 <= a < (width if flat else height) and b >= 0 and b + 1 < (height if flat else width)):
                inside = False
                break
            mean[i] = 0.0
            for side in range(2):
                px, py = (a, b + side) if flat else (b + side, a)
                rx, ry = px - cx, py - cy
                across = rx * dy - ry * dx
                t[n] = rx * dx + ry * dy + 0.5 * curvature[k] * across * across
                v[n] = image[py, px]
                w[n] = f if side == 1 else 1.0 - f
                mean[i] += w[n] * v[n]
                n += 1
        if not inside or steps < 7:
            continue
        best, where = 0.0, -1
        for i in range(2, steps - 2):
            slope = sign * (mean[i + 1] + mean[i + 2] - mean[i - 1] - mean[i - 2])
            if slope > best:
                best, where = slope, i
        if where < 0:
            continue
        guess = t[2 * where] * w[2 * where] + t[2 * where + 1] * w[2 * where + 1]
        if near == 0.0:
            found[k, 0], found[k, 4] = guess, 1.0
            continue
        kept = 0
        for i in range(n):
            if abs(t[i] - guess) <= near:
                t[kept], v[kept], w[kept] = t[i], v[i], w[i]
                kept += 1
        ok = fit_edge(t, v, w, kept, guess, step, fit)
        found[k, 0], found[k, 1], found[k, 2], found[k, 3] = fit[0], fit[1], fit[2], fit[3]
        if ok and sign * fit[2] > 0.0 and abs(fit[0] - guess) < 2.5:
            found[k, 4] = 1.0
    return found
