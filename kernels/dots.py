"""Sub-pixel dots: an ellipse blurred by a Gaussian point spread, fitted to raw pixels.

Light is low + rise * Phi(-distance from the ellipse / blur), times a linear shading. What the blur does to a
curved edge is alike on opposite sides, so it changes the size found, not the centre.
"""

from __future__ import annotations

import math

import numpy as np

from kernels.compiled import F32, F64, compiled
from kernels.least_squares import correlation, factor, substitute, substitute_half

_SQRT2 = math.sqrt(2.0)
_NORM = 1.0 / math.sqrt(2.0 * math.pi)
_STEPS = 40
_P = 10  # x, y, form xx, form xy, blur, low, rise, shading in x, shading in y, form yy
_SHARPEST = 0.29


@compiled
def _distance(p: F64, dx: float, dy: float) -> tuple[float, float]:
    """Return the distance from the ellipse, outside above 0, to first order, and the form's gradient."""
    mx, my = p[2] * dx + p[3] * dy, p[3] * dx + p[9] * dy
    form = math.sqrt(max(mx * dx + my * dy, 0.0))
    gradient = math.hypot(mx, my)
    if gradient < 1e-9:
        return -1.0 / math.sqrt(0.5 * (p[2] + p[9])), 1.0
    return (form - 1.0) * form / gradient, gradient


@compiled
def _model(p: F64, dx: float, dy: float, sx: float, sy: float, j: F64) -> float:
    """Return the light at an offset from the centre, with its derivatives in j; sx, sy scale the shading."""
    distance, gradient = _distance(p, dx, dy)
    z = distance / p[4]
    inside = 0.5 * (1.0 - math.erf(z / _SQRT2))
    shade = 1.0 + p[7] * sx + p[8] * sy
    light = p[5] + p[6] * inside
    slope = -p[6] * shade * _NORM * math.exp(-0.5 * z * z) / p[4]
    # Derivatives of the distance as on the ellipse itself, near which alone they count.
    j[0] = -slope * (p[2] * dx + p[3] * dy) / gradient
    j[1] = -slope * (p[3] * dx + p[9] * dy) / gradient
    j[2] = slope * 0.5 * dx * dx / gradient
    j[3] = slope * dx * dy / gradient
    j[9] = slope * 0.5 * dy * dy / gradient
    j[4] = -slope * z
    j[5] = shade
    j[6] = inside * shade
    j[7] = light * sx
    j[8] = light * sy
    return light * shade


@compiled
def _weight(p: F64, dx: float, dy: float, clear: float) -> float:
    """Return how much a pixel counts: it fades over a pixel at `clear` outside the ellipse."""
    distance, _ = _distance(p, dx, dy)
    return min(max(clear - distance + 0.5, 0.0), 1.0)


@compiled
def _normal(
    light: F32, p: F64, cx: int, cy: int, reach: int, clear: float, hessian: F64, gradient: F64, j: F64
) -> tuple[float, float]:
    """Fill the weighted normal equations at p; return the weighted sum of squares and of weights."""
    hessian[:] = 0.0
    gradient[:] = 0.0
    cost, total = 0.0, 0.0
    for y in range(cy - reach, cy + reach + 1):
        for x in range(cx - reach, cx + reach + 1):
            dx, dy = x - p[0], y - p[1]
            w = _weight(p, dx, dy, clear)
            if w == 0.0:
                continue
            r = light[y, x] - _model(p, dx, dy, (x - cx) / reach, (y - cy) / reach, j)
            for i in range(_P):
                wj = w * j[i]
                gradient[i] += wj * r
                for m in range(i + 1):
                    hessian[i, m] += wj * j[m]
            cost += w * r * r
            total += w
    return cost, total


@compiled
def fit_dots(light: F32, starts: F64, clear: F64, full: float) -> F64:
    """Fit an ellipse at each start.

    Args:
        light: (h, w) float32 linear light.
        starts: (n, 6) float64: x, y within about a fifth of the dot; both half axes; the angle of the first,
            from x towards y, in radians; blur in pixels within a factor of two.
        clear: (n,) float64 distance outside the dot up to which pixels count, at least 2.
        full: light at and above which a pixel is saturated.

    Returns:
        (n, 14) float64: x, y, form xx, form xy, blur, low (outside), rise (inside less outside), residual
        rms, variance of x and of y for white noise, form yy, the factor by which noise that is not white
        raises the variances, share of saturated pixels, and 1.0 where the fit converged, else 0.0. The
        ellipse is where form xx dx dx + 2 form xy dx dy + form yy dy dy = 1.
    """
    height, width = light.shape
    count = len(starts)
    out = np.zeros((count, 14))
    hessian, gradient, j = np.empty((_P, _P)), np.empty(_P), np.empty(_P)
    p, best, step = np.zeros(_P), np.empty(_P), np.empty(_P)
    for k in range(count):
        a, b, angle = starts[k, 2], starts[k, 3], starts[k, 4]
        reach = math.ceil(max(a, b) * 1.1 + clear[k]) + 2
        cx, cy = round(starts[k, 0]), round(starts[k, 1])
        if cx - reach < 0 or cy - reach < 0 or cx + reach >= width or cy + reach >= height:
            continue
        cos, sin = math.cos(angle), math.sin(angle)
        p[0], p[1] = starts[k, 0], starts[k, 1]
        p[2] = (cos / a) ** 2 + (sin / b) ** 2
        p[3] = cos * sin * (1.0 / (a * a) - 1.0 / (b * b))
        p[9] = (sin / a) ** 2 + (cos / b) ** 2
        p[4] = max(starts[k, 5], _SHARPEST)
        p[7], p[8] = 0.0, 0.0
        if not _start_levels(light, p, cx, cy, reach, clear[k]):
            continue
        best_cost, damping, converged = np.inf, 1e-3, False
        for _ in range(_STEPS):
            cost, total = _normal(light, p, cx, cy, reach, clear[k], hessian, gradient, j)
            cost /= max(total, 1.0)
            if cost <= best_cost * (1.0 + 1e-6):
                best_cost = min(cost, best_cost)
                best[:] = p
                damping = max(damping * 0.1, 1e-9)
            else:
                damping = min(damping * 30.0, 1e3)
                p[:] = best
                _normal(light, p, cx, cy, reach, clear[k], hessian, gradient, j)
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
            for i in range(_P):
                p[i] += min(max(step[i], -1.0), 1.0) if i < 2 else step[i]
            p[4] = min(max(p[4], _SHARPEST), max(a, b))
            outside = math.hypot(p[0] - cx, p[1] - cy) > 0.5 * max(a, b) + 1.0
            if outside or p[2] <= 0.0 or p[2] * p[9] - p[3] * p[3] <= 0.0:
                break
            if abs(step[0]) + abs(step[1]) < 1e-6:
                converged = True
                break
        if converged:
            _report(light, p, cx, cy, reach, clear[k], full, hessian, gradient, j, out[k])
    return out


@compiled
def _start_levels(light: F32, p: F64, cx: int, cy: int, reach: int, clear: float) -> bool:
    """Set low and rise of p from the pixels outside and inside; False where there is no rise."""
    sums, counts = np.zeros(2), np.zeros(2)
    for y in range(cy - reach, cy + reach + 1):
        for x in range(cx - reach, cx + reach + 1):
            distance, _ = _distance(p, x - p[0], y - p[1])
            if distance < clear:
                kind = 1 if distance < 0.0 else 0
                sums[kind] += light[y, x]
                counts[kind] += 1.0
    if counts[0] < 5.0 or counts[1] < 5.0:
        return False
    p[5] = sums[0] / counts[0]
    p[6] = sums[1] / counts[1] - p[5]
    return p[6] != 0.0


@compiled
def _report(
    light: F32,
    p: F64,
    cx: int,
    cy: int,
    reach: int,
    clear: float,
    full: float,
    hessian: F64,
    gradient: F64,
    j: F64,
    out: F64,
) -> None:
    """Fill one row of what `fit_dots` returns."""
    cost, total = _normal(light, p, cx, cy, reach, clear, hessian, gradient, j)
    if total < _P + 5.0 or not factor(hessian, _P):
        return
    rows = np.zeros((2, _P))
    rows[0, 0], rows[1, 1] = 1.0, 1.0
    substitute(hessian, rows[0], _P)
    substitute(hessian, rows[1], _P)
    side = 2 * reach + 1
    pixels = np.zeros((side, side, 3 + _P))
    saturated, seen = 0, 0
    white = np.zeros(2)
    for y in range(side):
        for x in range(side):
            here = pixels[y, x]
            px, py = cx - reach + x, cy - reach + y
            dx, dy = px - p[0], py - p[1]
            w = _weight(p, dx, dy, clear)
            if w == 0.0:
                continue
            v = light[py, px]
            here[2] = v - _model(p, dx, dy, (px - cx) / reach, (py - cy) / reach, j)
            for i in range(_P):
                here[0] += w * rows[0, i] * j[i]
                here[1] += w * rows[1, i] * j[i]
                here[3 + i] = j[i]
            substitute_half(hessian, here[3:], _P)
            white[0] += here[0] * here[0]
            white[1] += here[1] * here[1]
            seen += 1
            if v >= full:
                saturated += 1
    variance = cost / (total - _P)
    for i in range(7):
        out[i] = p[i]
    out[7] = math.sqrt(variance)
    out[8], out[9], out[10] = variance * white[0], variance * white[1], p[9]
    out[11] = correlation(pixels, variance)
    out[12] = saturated / seen
    out[13] = 1.0
