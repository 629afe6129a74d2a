"""Sub-pixel X-corners: two straight edges crossing, blurred by a Gaussian point spread.

Light is low + rise * P(a blurred point lies on the same side of both edges), times a linear shading.
That probability is a bivariate normal one, exact for edges that cross at any angle, as on tilted boards. The
fit is least squares over raw pixels, the maximum-likelihood estimate for white noise.
"""

from __future__ import annotations

import math

import numpy as np

from kernels.compiled import F32, F64, compiled
from kernels.least_squares import correlation, factor, substitute, substitute_half

_SQRT2 = math.sqrt(2.0)
_NORM = 1.0 / math.sqrt(2.0 * math.pi)
_STEPS = 30
_P = 9  # x, y, angle 1, angle 2, blur, low, rise, shading in x, shading in y
_SHARPEST = 0.29  # pixels: the pixel's own width; sharpened pictures would go below
# Gauss-Legendre, six points on -1..1
_NODE = np.array([-0.9324695142, -0.6612093865, -0.2386191861, 0.2386191861, 0.6612093865, 0.9324695142])
_WEIGHT = np.array([0.1713244924, 0.3607615730, 0.4679139346, 0.4679139346, 0.3607615730, 0.1713244924])


@compiled
def _both_below(a: float, b: float, angle: float) -> float:
    """Return P(A < a, B < b) less its value for independent A and B; `angle` is asin of their correlation.

    Drezner and Wesolowsky (1990), doi:10.1080/00949659008811236, six points: to 1e-6 for |correlation| < 0.7.
    """
    total, half = 0.0, 0.5 * angle
    for i in range(6):
        t = half * (1.0 + _NODE[i])
        c = math.cos(t)
        total += _WEIGHT[i] * math.exp(-0.5 * (a * a + b * b - 2.0 * a * b * math.sin(t)) / (c * c))
    return total * half / (2.0 * math.pi)


@compiled
def _model(p: F64, dx: float, dy: float, sx: float, sy: float, j: F64) -> float:
    """Return the light at an offset from the corner, with its derivatives in j; sx, sy scale the shading."""
    cos1, sin1, cos2, sin2 = math.cos(p[2]), math.sin(p[2]), math.cos(p[3]), math.sin(p[3])
    a = (cos1 * dy - sin1 * dx) / p[4]
    b = (cos2 * dy - sin2 * dx) / p[4]
    rho = cos1 * cos2 + sin1 * sin2
    crossing = math.sqrt(1.0 - rho * rho)
    below_a, below_b = 0.5 * (1.0 + math.erf(a / _SQRT2)), 0.5 * (1.0 + math.erf(b / _SQRT2))
    same = 1.0 - below_a - below_b + 2.0 * below_a * below_b
    by_rho = 0.0
    if abs(a) < 5.0 and abs(b) < 5.0:
        same += 2.0 * _both_below(a, b, math.asin(rho))
        by_rho = math.exp(-0.5 * (a * a + b * b - 2.0 * rho * a * b) / (crossing * crossing))
        by_rho /= math.pi * crossing
    by_a = _NORM * math.exp(-0.5 * a * a) * math.erf((b - rho * a) / (_SQRT2 * crossing))
    by_b = _NORM * math.exp(-0.5 * b * b) * math.erf((a - rho * b) / (_SQRT2 * crossing))
    shade = 1.0 + p[7] * sx + p[8] * sy
    light = p[5] + p[6] * same
    gain = p[6] * shade
    by_angle = by_rho * (cos1 * sin2 - sin1 * cos2)
    j[0] = gain * (by_a * sin1 + by_b * sin2) / p[4]
    j[1] = -gain * (by_a * cos1 + by_b * cos2) / p[4]
    j[2] = gain * (by_angle - by_a * (cos1 * dx + sin1 * dy) / p[4])
    j[3] = gain * (-by_angle - by_b * (cos2 * dx + sin2 * dy) / p[4])
    j[4] = -gain * (by_a * a + by_b * b) / p[4]
    j[5] = shade
    j[6] = same * shade
    j[7] = light * sx
    j[8] = light * sy
    return light * shade


@compiled
def _weight(p: F64, dx: float, dy: float, radius: float, clear: float) -> float:
    """Return how much a pixel counts: it fades over a pixel at the radius and at `clear` from both edges.

    What lies clear of both edges says nothing about the corner, and may be a marker or dirt. Fading keeps the
    window centred on the corner wherever it lies between pixels.
    """
    from_edge = min(
        abs(math.cos(p[2]) * dy - math.sin(p[2]) * dx), abs(math.cos(p[3]) * dy - math.sin(p[3]) * dx)
    )
    edge = min(radius - math.hypot(dx, dy), clear - from_edge)
    return min(max(edge + 0.5, 0.0), 1.0)


@compiled
def fit_corners(light: F32, starts: F64, radii: F64, clear: F64, full: float) -> F64:
    """Fit an X-corner at each start.

    Args:
        light: (h, w) float32 linear light.
        starts: (n, 5) float64: x, y within about 1.5 pixels; the angles of both edges, from x towards y, in
            radians, within about 15 degrees; blur in pixels within a factor of two.
        radii: (n,) float64 radius of the window, pixels, at least 3.
        clear: (n,) float64 distance from both edges beyond which pixels do not count, at least 1.5.
        full: light at and above which a pixel is saturated.

    Returns:
        (n, 14) float64: x, y, angle 1, angle 2, blur (standard deviation in pixels, pixel included), low,
        rise, residual rms, variance of x, of y and covariance for white noise, the factor by which noise that
        is not white raises them, share of saturated pixels, and 1.0 where the fit converged within 3 pixels
        of its start, else 0.0. The sector from angle 1, turning from x towards y, to angle 2 is bright where
        rise is negative.
    """
    height, width = light.shape
    count = len(starts)
    out = np.zeros((count, 14))
    hessian, gradient, j = np.empty((_P, _P)), np.empty(_P), np.empty(_P)
    p, best, step = np.empty(_P), np.empty(_P), np.empty(_P)
    largest = math.ceil(float(radii.max())) + 3 if count else 0
    side = 2 * largest + 1
    pixels = np.empty((side, side, 3 + _P))
    for k in range(count):
        reach = math.ceil(float(radii[k])) + 3
        cx, cy = round(starts[k, 0]), round(starts[k, 1])
        if cx - reach < 0 or cy - reach < 0 or cx + reach >= width or cy + reach >= height:
            continue
        for i in range(5):
            p[i] = starts[k, i]
        p[4] = min(max(p[4], _SHARPEST), 0.4 * radii[k])
        if not _start_levels(light, p, cx, cy, reach, radii[k], clear[k]):
            continue
        best_cost, damping, converged = np.inf, 1e-3, False
        for _ in range(_STEPS):
            cost, total = _normal(light, p, cx, cy, reach, radii[k], clear[k], hessian, gradient, j)
            cost /= max(total, 1.0)
            if cost <= best_cost * (1.0 + 1e-9):
                best_cost = min(cost, best_cost)
                best[:] = p
                damping = max(damping * 0.1, 1e-9)
            else:
                damping = min(damping * 30.0, 1e3)
                p[:] = best
                _normal(light, p, cx, cy, reach, radii[k], clear[k], hessian, gradient, j)
            if p[4] <= _SHARPEST and gradient[4] < 0.0:
                hessian[4, :] = 0.0
                hessian[:, 4] = 0.0
                hessian[4, 4] = 1.0
                gradient[4] = 0.0
            for i in range(_P):
                hessian[i, i] *= 1.0 + damping
            step[:] = gradient
            if not factor(hessian, _P):
                break
            substitute(hessian, step, _P)
            p[0] += min(max(step[0], -1.0), 1.0)
            p[1] += min(max(step[1], -1.0), 1.0)
            p[2] += min(max(step[2], -0.2), 0.2)
            p[3] += min(max(step[3], -0.2), 0.2)
            p[4] = min(max(p[4] + min(max(step[4], -0.5), 0.5), _SHARPEST), 0.6 * radii[k])
            for i in range(5, _P):
                p[i] += step[i]
            if math.hypot(p[0] - cx, p[1] - cy) > 3.0 or abs(math.sin(p[2] - p[3])) < 0.3:
                break
            if abs(step[0]) + abs(step[1]) < 1e-6 and abs(step[4]) < 1e-4:
                converged = True
                break
        if converged:
            _report(light, p, cx, cy, reach, radii[k], clear[k], full, hessian, gradient, j, pixels, out[k])
    return out


@compiled
def _start_levels(light: F32, p: F64, cx: int, cy: int, reach: int, radius: float, clear: float) -> bool:
    """Set low, rise and shading of p from the pixels of both kinds of sector; False where none rises."""
    sums, counts = np.zeros(2), np.zeros(2)
    for y in range(cy - reach, cy + reach + 1):
        for x in range(cx - reach, cx + reach + 1):
            dx, dy = x - p[0], y - p[1]
            if _weight(p, dx, dy, radius, clear) > 0.0:
                a = math.cos(p[2]) * dy - math.sin(p[2]) * dx
                b = math.cos(p[3]) * dy - math.sin(p[3]) * dx
                kind = 1 if (a > 0.0) == (b > 0.0) else 0
                sums[kind] += light[y, x]
                counts[kind] += 1.0
    if counts[0] < 5.0 or counts[1] < 5.0:
        return False
    p[5] = sums[0] / counts[0]
    p[6] = sums[1] / counts[1] - p[5]
    p[7], p[8] = 0.0, 0.0
    return p[6] != 0.0


@compiled
def _normal(
    light: F32,
    p: F64,
    cx: int,
    cy: int,
    reach: int,
    radius: float,
    clear: float,
    hessian: F64,
    gradient: F64,
    j: F64,
) -> tuple[float, float]:
    """Fill the weighted normal equations at p; return the weighted sum of squares and of weights."""
    hessian[:] = 0.0
    gradient[:] = 0.0
    cost, total = 0.0, 0.0
    for y in range(cy - reach, cy + reach + 1):
        for x in range(cx - reach, cx + reach + 1):
            dx, dy = x - p[0], y - p[1]
            w = _weight(p, dx, dy, radius, clear)
            if w == 0.0:
                continue
            r = light[y, x] - _model(p, dx, dy, (x - cx) / radius, (y - cy) / radius, j)
            for i in range(_P):
                wj = w * j[i]
                gradient[i] += wj * r
                for m in range(i + 1):
                    hessian[i, m] += wj * j[m]
            cost += w * r * r
            total += w
    return cost, total


@compiled
def _report(
    light: F32,
    p: F64,
    cx: int,
    cy: int,
    reach: int,
    radius: float,
    clear: float,
    full: float,
    hessian: F64,
    gradient: F64,
    j: F64,
    pixels: F64,
    out: F64,
) -> None:
    """Fill one row of what `fit_corners` returns."""
    cost, total = _normal(light, p, cx, cy, reach, radius, clear, hessian, gradient, j)
    if total < _P + 5.0 or not factor(hessian, _P):
        return
    rows = np.zeros((2, _P))
    rows[0, 0], rows[1, 1] = 1.0, 1.0
    substitute(hessian, rows[0], _P)
    substitute(hessian, rows[1], _P)
    side = 2 * reach + 1
    saturated, seen = 0, 0
    white = np.zeros(3)
    for y in range(side):
        for x in range(side):
            here = pixels[y, x]
            here[:] = 0.0
            px, py = cx - reach + x, cy - reach + y
            dx, dy = px - p[0], py - p[1]
            w = _weight(p, dx, dy, radius, clear)
            if w == 0.0:
                continue
            v = light[py, px]
            here[2] = v - _model(p, dx, dy, (px - cx) / radius, (py - cy) / radius, j)
            for i in range(_P):
                here[0] += w * rows[0, i] * j[i]
                here[1] += w * rows[1, i] * j[i]
                here[3 + i] = j[i]
            substitute_half(hessian, here[3:], _P)
            white[0] += here[0] * here[0]
            white[1] += here[1] * here[1]
            white[2] += here[0] * here[1]
            seen += 1
            if v >= full:
                saturated += 1
    variance = cost / (total - _P)
    for i in range(7):
        out[i] = p[i]
    out[7] = math.sqrt(variance)
    out[8], out[9], out[10] = variance * white[0], variance * white[1], variance * white[2]
    out[11] = correlation(pixels[:side, :side], variance)
    out[12] = saturated / seen
    out[13] = 1.0
