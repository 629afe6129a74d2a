"""The light in a band along an edge, fitted as a whole: maximum likelihood of a form's place and size.

Every pixel of the band is compared with low + rise * Phi(d / s), d its signed distance from the form and s
the blur. Levels may vary along the edge, as light does. The form lives in local metric coordinates u, v (a
cubic map of the raw pixels, near to pixels in size), so lens and tilt need no resampling. Gauss-Newton with
weights from the noise at each level is the maximum-likelihood estimate and reaches the Cramer-Rao bound.
"""

from __future__ import annotations

import math

import numpy as np

from kernels.compiled import F32, F64, I32, compiled
from kernels.least_squares import factor, substitute

LINE, CIRCLE = 0, 1
_SQRT2 = math.sqrt(2.0)
_NORM = 1.0 / math.sqrt(2.0 * math.pi)
_LEAST_BLUR, _MOST_BLUR = 0.25, 6.0  # raw pixels
_CONVERGED = 5e-4  # of the largest step; the error left after it is of second order
_FAR = 5.0  # blurs from the edge, where the light is level to 3e-7 of the rise
_MOST = 10  # parameters: three of the form, blur, low and rise with up to three terms each


@compiled
def _distance(form: int, p: F64, u: float, v: float) -> tuple[float, float, float]:
    """Return the signed distance from the form and its unit normal there."""
    if form == CIRCLE:
        du, dv = u - p[0], v - p[1]
        r = math.sqrt(du * du + dv * dv)
        return r - p[2], du / r, dv / r
    # a line through (0, p0) at angle p1 from u, normal (sin, -cos): to its left as the picture shows it
    s, c = math.sin(p[1]), math.cos(p[1])
    return s * u - c * (v - p[0]), s, -c


@compiled
def _cubic(c: F64, x: float, y: float, axis: int) -> float:
    """Return one coordinate of the cubic map at x, y."""
    square = c[3, axis] + x * c[6, axis] + y * c[7, axis]
    return (
        c[0, axis]
        + x * (c[1, axis] + x * square + y * c[4, axis])
        + y * (c[2, axis] + y * (c[5, axis] + x * c[8, axis] + y * c[9, axis]))
    )


@compiled
def gather_band(
    light: F32,
    left: float,
    top: float,
    cubic: F64,
    ring: F64,
    form: int,
    shape: F64,
    reach: float,
    sectors: int,
    span: F64,
) -> tuple[F64, I32]:
    """Collect the pixels within `reach` of a form.

    Args:
        light: (h, w) float32 linear light of a window of the frame.
        left: the window's first column in the coordinates that `cubic` takes.
        top: its first row.
        cubic: (10, 2) float64 coefficients of 1, x, y, xx, xy, yy, xxx, xxy, xyy, yyy giving u and v.
        ring: (2,) float64: pixels nearer to or farther from x = y = 0 than these are not looked at.
        form: LINE or CIRCLE.
        shape: (3,) float64 parameters: line (offset, angle, unused), circle (u, v, radius).
        reach: half width of the band, in units of u.
        sectors: into how many equal parts the edge is divided.
        span: (2,) float64 start and extent of the edge: angles in radians for a circle (a full one extends
            by 2 pi), u for a line.

    Returns:
        (n, 3) float64: u, v, light of each pixel; (n,) int32 its sector.
    """
    h, w = light.shape
    room = 0
    for j in range(h):
        y = top + j
        outer = ring[1] * ring[1] - y * y
        if outer > 0.0:
            room += (
                2 * int(math.sqrt(outer))
                + 3
                - (2 * int(math.sqrt(ring[0] * ring[0] - y * y)) if abs(y) < ring[0] else 0)
            )
    kept = np.empty((min(room, h * w), 3))
    sector = np.empty(kept.shape[0], np.int32)
    n = 0
    for j in range(h):
        y = top + j
        if abs(y) >= ring[1]:
            continue
        outer = math.sqrt(ring[1] * ring[1] - y * y)
        inner = math.sqrt(ring[0] * ring[0] - y * y) if abs(y) < ring[0] else -1.0
        i, end = max(math.ceil(-outer - left), 0), min(math.floor(outer - left), w - 1)
        while i <= end:
            x = left + i
            if abs(x) < inner:
                i = max(math.ceil(inner - left), i + 1)
                continue
            u, v = _cubic(cubic, x, y, 0), _cubic(cubic, x, y, 1)
            value = light[j, i]
            i += 1
            if form == CIRCLE:
                du, dv = u - shape[0], v - shape[1]
                square = du * du + dv * dv
                if not max(shape[2] - reach, 0.5) ** 2 <= square <= (shape[2] + reach) ** 2:
                    continue
                place = (math.atan2(dv, du) - span[0]) % (2.0 * math.pi)
            else:
                d, _, _ = _distance(form, shape, u, v)
                if not -reach <= d <= reach:
                    continue
                place = u - span[0]
            k = math.floor(place / span[1] * sectors)
            if 0 <= k < sectors and n < kept.shape[0]:
                kept[n, 0], kept[n, 1], kept[n, 2] = u, v, value
                sector[n] = k
                n += 1
    return kept[:n], sector[:n]


@compiled
def _level(light: float, variance: F64) -> float:
    i = int(light * (variance.shape[0] - 1) + 0.5)
    return variance[min(max(i, 0), variance.shape[0] - 1)]


@compiled
def _predict(
    form: int,
    full: bool,
    p: F64,
    start: F64,
    per_px: float,
    along: float,
    u: float,
    v: float,
    j: F64,
) -> tuple[float, float]:
    """Return the model's light at u, v and its slope across the edge; fill its derivatives by the parameters.

    Light on a whole circle varies linearly over it, on dark and bright each by itself. Along an arc or a line
    each varies linearly with the place, and both by the same share across the edge.
    """
    count, m = (3, 3 if full else 2) if form == CIRCLE else (2, 2)
    low_at, rise_at, across_at = count + 1, count + 1 + m, count + 1 + 2 * m
    blur = p[count]
    d, nu, nv = _distance(form, p, u, v)
    per_u = per_px / blur
    z = d * per_u
    j[low_at] = 1.0
    factor = 1.0
    if m == 3:
        j[low_at + 1], j[low_at + 2] = (u - start[0]) / start[2], (v - start[1]) / start[2]
    else:
        j[low_at + 1] = along
        factor += p[across_at] * d
    phi, density = (1.0 if z > 0.0 else 0.0), 0.0
    if -_FAR < z < _FAR:
        phi = 0.5 * (1.0 + math.erf(z / _SQRT2))
        density = _NORM * math.exp(-0.5 * z * z)
    low = rise = 0.0
    for k in range(m):
        low += p[low_at + k] * j[low_at + k]
        rise += p[rise_at + k] * j[low_at + k]
        j[low_at + k] *= factor
        j[rise_at + k] = j[low_at + k] * phi
    light = low + rise * phi
    slope = factor * rise * density * per_u
    if m == 2:
        j[across_at] = d * light
        slope += p[across_at] * light
    j[count] = -factor * rise * density * z / blur
    if form == CIRCLE:
        j[0], j[1], j[2] = -slope * nu, -slope * nv, -slope
    else:
        j[0], j[1] = -slope * nv, slope * (nu * (v - p[0]) - nv * u)
    return factor * light, slope


@compiled
def fit_band(
    pixels: F64,
    sector: I32,
    sectors: int,
    weights: F64,
    form: int,
    full: bool,
    graded: bool,
    per_u: F64,
    variance: F64,
    bright: float,
    start: F64,
    steps: int,
) -> tuple[F64, F64, F64, F64, F64, bool]:
    """Fit the form, the blur and the levels to the pixels of a band.

    Args:
        pixels: (n, 3) float64 from `gather_band`.
        sector: (n,) int32 from `gather_band`.
        sectors: how many there are.
        weights: (n,) float64, 0 for pixels that are set aside.
        form: LINE or CIRCLE.
        full: whether a circle is a whole one.
        graded: whether light may grow across an arc or a line too; it costs a third of its precision.
        per_u: (sectors,) float64 raw pixels per unit of u, across the edge at each sector.
        variance: (m,) float64 noise variance of light from 0 to 1 in equal steps.
        bright: +1 where the bright side is outside a circle or left of a line, else -1.
        start: (6,) float64: shape (3), blur in raw pixels, low, rise.
        steps: greatest number of Gauss-Newton steps.

    Returns:
        (10,) float64 parameters: form (line 2, circle 3), blur, terms of low, terms of rise, and without a
        whole circle the share by which light grows across the edge per u; (10, 10) float64 inverse of their
        information; (sectors, 3) float64 per sector: mean offset of the edge from the form along the normal
        in units of u, its information, weighted pixels; (n,) float64 residuals over their noise; (1,)
        float64: mean square of those that count; whether the fit converged.
    """
    n = pixels.shape[0]
    count, m = (3, 3 if full else 2) if form == CIRCLE else (2, 2)
    size = count + 1 + 2 * m + (1 if m == 2 and graded else 0)
    p = np.zeros(_MOST)
    p[:count] = start[:count]
    p[count], p[count + 1], p[count + 1 + m] = start[3], start[4], start[5]
    a, b, j = np.zeros((_MOST, _MOST)), np.zeros(_MOST), np.zeros(_MOST)
    per_sector, totals, residuals = np.zeros((sectors, 3)), np.zeros(1), np.zeros(n)
    long = 0.0
    for i in range(n):
        long = max(long, abs(pixels[i, 0] - start[0]))
    converged = False
    counted = 0.0
    for turn in range(steps + 1):
        last = converged or turn == steps
        a[:] = 0.0
        b[:] = 0.0
        for i in range(n):
            k = sector[i]
            if weights[i] == 0.0 and not last:
                continue
            along = 2.0 * (k + 0.5) / sectors - 1.0
            model, slope = _predict(
                form, full, p, start, bright * float(per_u[k]), along, pixels[i, 0], pixels[i, 1], j
            )
            weight = 1.0 / _level(model, variance)
            r = pixels[i, 2] - model
            if last:
                residuals[i] = r * math.sqrt(weight)
            weight *= weights[i]
            if weight == 0.0:
                continue
            if last:  # a form that moves outward by e changes the light by -slope e
                per_sector[k, 0] -= weight * slope * r
                per_sector[k, 1] += weight * slope * slope
                per_sector[k, 2] += weights[i]
                totals[0] += weight * r * r
                counted += 1.0
            for q in range(size):
                wj = weight * j[q]
                b[q] += wj * r
                row = a[q]
                for c in range(q + 1):
                    row[c] += wj * j[c]
        for q in range(size):
            a[q, q] *= 1.0 + 1e-10
        if not factor(a, size):
            return p, a, per_sector, residuals, totals, False
        if last:
            break
        substitute(a, b, size)
        largest = 0.0
        for q in range(count):
            limit = 2.0 / long if form == LINE and q == 1 else 1.0
            p[q] += min(max(b[q], -limit), limit)
            largest = max(largest, abs(b[q]) / limit)
        p[count] = min(max(p[count] + min(max(b[count], -0.3), 0.3), _LEAST_BLUR), _MOST_BLUR)
        for q in range(count + 1, size):
            p[q] += b[q]
        converged = largest < _CONVERGED
    inverse = np.zeros((_MOST, _MOST))
    for q in range(size):
        b[:] = 0.0
        b[q] = 1.0
        substitute(a, b, size)
        inverse[:, q] = b
    for k in range(sectors):
        if per_sector[k, 1] > 0.0:
            per_sector[k, 0] /= per_sector[k, 1]
    totals[0] /= max(counted - size, 1.0)
    return p, inverse, per_sector, residuals, totals, converged
