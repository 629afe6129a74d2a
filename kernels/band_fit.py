"""The light in a band along an edge, fitted as a whole: maximum likelihood of a form's place and size.

Every pixel of the band is compared with low + rise * Phi(d / s), d its signed distance from the form and s
the blur. Levels may vary along the edge, as light does. Gauss-Newton with weights from the noise at each
level is the maximum-likelihood estimate and reaches the Cramer-Rao bound. Pixels that no noise and no shape
of the edge explains are left out, and what is left is fitted again.
"""

from __future__ import annotations

import math

import numpy as np

from kernels.band import CIRCLE, LINE, distance
from kernels.compiled import F64, I32, Mask, compiled
from kernels.consensus import median
from kernels.least_squares import factor, substitute
from kernels.normal import FAR, distribution

_LEAST_BLUR, _MOST_BLUR = 0.25, 6.0  # raw pixels
_CONVERGED = 5e-4  # of the largest step; the error left after it is of second order
_STEPS = 12
_STALE = 0.02  # pixels of the form and the blur, share of the rise: normal equations hold so far
_CLEANINGS = 4
_FOREIGN, _FOREIGN_RISE = 4.5, 0.08  # spreads of the noise and shares of the rise that light may be off
_GRADED = 2.0  # standard uncertainties that light must grow across an edge to be believed
_LEAST_SIDE = 8  # pixels on either side of an edge
_MOST = 10  # parameters: three of the form, blur, low and rise with up to three terms each
_LANES = 64  # pixels side by side: sums have one order, whatever vectors a processor has
_U, _V, _LIGHT, _X, _Y, _PER_U, _WEIGHT = 0, 1, 2, 3, 4, 5, 6  # rows of a chunk of the band
_D, _NU, _NV, _PHI, _DENSITY, _MODEL, _SLOPE = 0, 1, 2, 3, 4, 5, 6  # rows of what the model makes of it
_NEAR = 5.3  # blurs: what starts farther from the edge than that is hardly ever near it
_TOLD = 512  # values that tell a median; of twice as many and more, some are left out


@compiled
def fit_band(
    pixels: F64, sector: I32, kept: Mask, form: int, full: bool, per_u: F64, variance: F64,
    noise_known: bool, bright: float, shape: F64, blur: float,
) -> tuple[F64, F64, F64, float, bool]:  # fmt: skip
    """Fit the form, the blur and the levels to the pixels of a band, cleaned of what does not belong to it.

    Light that grows across an arc or a line is believed only where it is evident: it costs a third of the
    precision.

    Args:
        pixels: (3, n) float64 from `gather_band`.
        sector: (n,) int32 from `gather_band`.
        kept: (sectors,) bool, which sectors count.
        form: LINE or CIRCLE.
        full: whether a circle is a whole one.
        per_u: (sectors,) float64 raw pixels per unit of u, across the edge at each sector.
        variance: (m,) float64 noise variance of light from 0 to 1 in equal steps.
        noise_known: whether that is the camera's; else the fit's own residuals say how large it is.
        bright: +1 where the bright side is outside a circle or left of a line, else -1.
        shape: (3,) float64 where the form's parameters start, see `gather_band`.
        blur: where the blur starts, raw pixels.

    Returns:
        (10,) float64 parameters: form (line 2, circle 3), blur, terms of low, terms of rise, and without a
        whole circle the share by which light grows across the edge per u; (10, 10) float64 inverse of their
        information; (sectors, 3) float64 per sector: mean offset of the edge from the form along the normal
        in units of u, its information, the share of its pixels that count; mean square of the residuals over
        their noise; whether both sides show enough and the fit converged to an edge of the asked sign.
    """
    sectors = len(kept)
    count, m = (3, 3 if full else 2) if form == CIRCLE else (2, 2)
    p, inverse, places = np.zeros(_MOST), np.zeros((_MOST, _MOST)), np.zeros((sectors, 3))
    low, rise = _levels(form, shape, blur, bright, pixels)
    if math.isnan(rise):
        return p, inverse, places, 0.0, False
    p[:count], p[count], p[count + 1], p[count + 1 + m] = shape[:count], blur, low, rise
    band, place = _band(pixels, sector, kept, form, full, per_u, bright, shape, blur)
    chunks = len(band)
    wanted, weights = band[:, _WEIGHT].copy(), band[:, _WEIGHT].copy()
    residuals = np.empty((chunks, _LANES))
    graded, mean_square = m == 2, 0.0
    for _ in range(_CLEANINGS):
        mean_square, converged = _gauss_newton(
            band, place, form, m, graded, p, variance, shape, inverse, places, residuals
        )
        rise = p[count + 1 + m]
        if not converged or rise <= 0.0:
            return p, inverse, places, mean_square, False
        changed = _foreign(band, wanted, residuals, rise, variance, weights)
        across = count + 1 + 2 * m
        noise = 1.0 if noise_known else mean_square
        even = graded and abs(p[across]) < _GRADED * math.sqrt(max(noise * inverse[across, across], 0.0))
        if not even and not changed:
            break
        band[:, _WEIGHT] = weights
        graded = graded and not even
        p[count + 2 : count + 1 + m] = 0.0
        p[count + 2 + m :] = 0.0
    seen = np.zeros(sectors)
    for k in sector:
        seen[k] += 1.0
    for k in range(sectors):
        places[k, 2] /= max(seen[k], 1.0)
    return p, inverse, places, mean_square, True


@compiled
def _foreign(band: F64, wanted: F64, residuals: F64, rise: float, variance: F64, weights: F64) -> bool:
    """Write the weights without the pixels that neither noise nor the edge's shape explains.

    Return whether they are others than the band's.
    """
    n, own = len(band) * _LANES, 0
    flat, all_weights = np.abs(residuals).reshape(-1), band[:, _WEIGHT].copy().reshape(-1)
    counted = np.empty(n)
    for i in range(0, n, max(n // _TOLD, 1)):
        if all_weights[i] > 0.0:
            counted[own] = flat[i]
            own += 1
    noisy = _FOREIGN * 1.4826 * median(counted[: max(own, 1)])
    changed = False
    for c in range(len(band)):
        for i in range(_LANES):
            weights[c, i] = wanted[c, i]
            size = abs(residuals[c, i])
            if size > noisy and size > _FOREIGN_RISE * rise / math.sqrt(_level(band[c, _LIGHT, i], variance)):
                weights[c, i] = 0.0
            changed = changed or weights[c, i] != band[c, _WEIGHT, i]
    return changed


@compiled
def _levels(form: int, shape: F64, blur: float, bright: float, pixels: F64) -> tuple[float, float]:
    """Return the median light on the dark side and by how much the bright side's exceeds it.

    NaN where either side shows too little.
    """
    n = pixels.shape[1]
    dark, lit = np.empty(n), np.empty(n)
    darker = lighter = 0
    for i in range(0, n, max(n // _TOLD, 1)):
        off = distance(form, shape, pixels[0, i], pixels[1, i])[0] * bright
        if off < -blur:
            dark[darker] = pixels[2, i]
            darker += 1
        elif off > blur:
            lit[lighter] = pixels[2, i]
            lighter += 1
    if darker < _LEAST_SIDE or lighter < _LEAST_SIDE:
        return np.nan, np.nan
    low = median(dark[:darker])
    return low, median(lit[:lighter]) - low


@compiled
def _band(
    pixels: F64, sector: I32, kept: Mask, form: int, full: bool, per_u: F64, bright: float, shape: F64,
    blur: float,
) -> tuple[F64, I32]:  # fmt: skip
    """Return what a fit reads, (chunks, 7, _LANES), and the sectors, (chunks, _LANES).

    _X and _Y are where light is told to vary: over a whole circle, or along the edge.

    What lies far on the dark side, near the edge and far on the bright side is kept apart, so that most
    chunks are of one kind; pixels without weight fill the last chunk of each.
    """
    n, sectors = pixels.shape[1], len(kept)
    side, counts, off = np.empty(n, np.int32), np.zeros(3, np.int64), np.empty(n)
    if form == CIRCLE:
        for i in range(n):
            du, dv = pixels[0, i] - shape[0], pixels[1, i] - shape[1]
            off[i] = math.sqrt(du * du + dv * dv) - shape[2]
    else:
        for i in range(n):
            off[i] = distance(form, shape, pixels[0, i], pixels[1, i])[0]
    far = _NEAR * blur
    for i in range(n):
        z = off[i] * bright * per_u[sector[i]]
        side[i] = 0 if z < -far else (2 if z > far else 1)
        counts[side[i]] += 1
    slots = np.zeros(4, np.int64)
    for k in range(3):
        slots[k + 1] = slots[k] + (counts[k] + _LANES - 1) // _LANES * _LANES
    chunks, per_radius = slots[3] // _LANES, 1.0 / max(shape[2], 1.0)
    band, place = np.zeros((chunks, 7, _LANES)), np.zeros((chunks, _LANES), np.int32)
    for i in range(n):
        k, slot = sector[i], slots[side[i]]
        slots[side[i]] += 1
        chunk, lane = band[slot // _LANES], slot % _LANES
        chunk[_U, lane], chunk[_V, lane], chunk[_LIGHT, lane] = pixels[0, i], pixels[1, i], pixels[2, i]
        if full:
            chunk[_X, lane] = (pixels[0, i] - shape[0]) * per_radius
            chunk[_Y, lane] = (pixels[1, i] - shape[1]) * per_radius
        else:
            chunk[_X, lane] = 2.0 * (k + 0.5) / sectors - 1.0
        chunk[_PER_U, lane] = bright * per_u[k]
        chunk[_WEIGHT, lane] = 1.0 if kept[k] else 0.0
        place[slot // _LANES, lane] = k
    for kind in range(3):
        for slot in range(slots[kind], (slots[kind] + _LANES - 1) // _LANES * _LANES):
            band[slot // _LANES, :_WEIGHT, slot % _LANES] = band[slot // _LANES, :_WEIGHT, 0]
    return band, place


@compiled
def _level(light: float, variance: F64) -> float:
    i = int(light * (variance.shape[0] - 1) + 0.5)
    return variance[min(max(i, 0), variance.shape[0] - 1)]


@compiled
def _gauss_newton(
    band: F64, place: I32, form: int, m: int, graded: bool, p: F64, variance: F64, start: F64,
    inverse: F64, places: F64, residuals: F64,
) -> tuple[float, bool]:  # fmt: skip
    """Move the parameters `p` to the best fit; fill what `fit_band` returns and the residuals over noise.

    Return the mean square of those that count, and whether the fit converged.
    """
    chunks, sectors = len(band), len(places)
    count = 3 if form == CIRCLE else 2
    size = count + 1 + 2 * m + (1 if m == 2 and graded else 0)
    long = np.abs(band[:, _U] - start[0]).max()
    a, b = np.zeros((_MOST, _MOST)), np.zeros(_MOST)
    sums = np.empty((_MOST + _MOST * (_MOST + 1) // 2, _LANES))
    j, made, off = np.zeros((_MOST, _LANES)), np.zeros((7, _LANES)), np.empty(_LANES)
    own, weighted, weights = np.empty(_LANES), np.empty(_LANES), np.empty((chunks, _LANES))
    converged, total, counted, lanes = False, 0.0, 0.0, band.shape[2]
    moved = np.inf  # since the normal equations were made; as long as they hold, only their right side is new
    for turn in range(_STEPS + 1):
        last, fresh = converged or turn == _STEPS, moved > _STALE
        sums[:] = 0.0
        if last:
            places[:] = 0.0
        for n in range(chunks):
            first, end = _predict(form, m, p, band, n, j, made)
            for i in range(lanes):
                off[i] = band[n, _LIGHT, i] - made[_MODEL, i]
            if fresh:
                for i in range(lanes):
                    weights[n, i] = 1.0 / _level(made[_MODEL, i], variance)
            if last:  # a form that moves outward by e changes the light by -slope e
                for i in range(lanes):
                    residuals[n, i] = off[i] * math.sqrt(weights[n, i])
                for i in range(lanes):
                    k, weight, slope = place[n, i], weights[n, i] * band[n, _WEIGHT, i], made[_SLOPE, i]
                    if weight > 0.0:
                        places[k, 0] -= weight * slope * off[i]
                        places[k, 1] += weight * slope * slope
                        places[k, 2] += band[n, _WEIGHT, i]
                        total += weight * off[i] * off[i]
                        counted += 1.0
            for i in range(lanes):
                own[i] = weights[n, i] * band[n, _WEIGHT, i]
            if fresh:
                _add_products(j, own, first, min(end, size), size, weighted, sums)
            if not last:
                for i in range(lanes):
                    own[i] *= off[i]
                for q in range(first, min(end, size)):
                    for i in range(lanes):
                        sums[q, i] += j[q, i] * own[i]
        if fresh:
            _gather_products(sums, size, a)
            if not factor(a, size):
                return 0.0, False
            moved = 0.0
        if last:
            break
        for q in range(size):
            b[q] = _sum(sums[q])
        substitute(a, b, size)
        largest = 0.0
        for q in range(count):
            limit = 2.0 / long if form == LINE and q == 1 else 1.0
            p[q] += min(max(b[q], -limit), limit)
            largest = max(largest, abs(b[q]) / limit)
        p[count] = min(max(p[count] + min(max(b[count], -0.3), 0.3), _LEAST_BLUR), _MOST_BLUR)
        moved += max(largest, abs(b[count]))
        for q in range(count + 1, size):
            p[q] += b[q]
            moved = max(moved, abs(b[q] / p[count + 1 + m]))
        converged = largest < _CONVERGED
    inverse[:] = 0.0
    for q in range(size):
        b[:] = 0.0
        b[q] = 1.0
        substitute(a, b, size)
        inverse[:, q] = b
    for k in range(sectors):
        if places[k, 1] > 0.0:
            places[k, 0] /= places[k, 1]
    return total / max(counted - size, 1.0), converged


@compiled
def _predict(form: int, m: int, p: F64, band: F64, n: int, j: F64, made: F64) -> tuple[int, int]:
    """Fill in a chunk's light by the model, its slope across the edge, and its derivatives by the parameters.

    Return the first parameter and that after the last one whose derivatives are not all zero.

    Light on a whole circle varies linearly over it, on dark and bright each by itself. Along an arc or a line
    each varies linearly with the place, and both by the same share across the edge.
    """
    lanes = band.shape[
        2
    ]  # a number that no compiler knows, or it unrolls instead; rows cut out would cost more
    blur_at = 3 if form == CIRCLE else 2
    low_at, rise_at = blur_at + 1, blur_at + 1 + m
    per_blur, p0, p1, p2 = 1.0 / p[blur_at], p[0], p[1], p[2]
    if form == CIRCLE:
        for i in range(lanes):
            du, dv = band[n, _U, i] - p0, band[n, _V, i] - p1
            r = math.sqrt(du * du + dv * dv)
            made[_D, i], made[_NU, i], made[_NV, i] = r - p2, du * (1.0 / r), dv * (1.0 / r)
    else:
        s, c = math.sin(p1), math.cos(p1)
        for i in range(lanes):
            made[_D, i] = s * band[n, _U, i] - c * (band[n, _V, i] - p0)
            made[_NU, i], made[_NV, i] = s, -c
    side = _side(band, n, per_blur, made)
    if side == 0:
        for i in range(lanes):
            made[_PHI, i], made[_DENSITY, i] = distribution(made[_PHI, i])
    else:
        made[_PHI] = 0.5 + 0.5 * side
        made[_DENSITY] = 0.0
    low, low_x, rise, rise_x = p[low_at], p[low_at + 1], p[rise_at], p[rise_at + 1]
    if m == 3:
        low_y, rise_y = p[low_at + 2], p[rise_at + 2]
        for i in range(lanes):
            x, y, d, phi = band[n, _X, i], band[n, _Y, i], made[_D, i], made[_PHI, i]
            z = band[n, _PER_U, i] * per_blur
            slope = (rise + rise_x * x + rise_y * y) * made[_DENSITY, i] * z
            made[_MODEL, i] = low + low_x * x + low_y * y + (rise + rise_x * x + rise_y * y) * phi
            made[_SLOPE, i], j[blur_at, i] = slope, -slope * d * per_blur
            j[low_at, i], j[low_at + 1, i], j[low_at + 2, i] = 1.0, x, y
            j[rise_at, i], j[rise_at + 1, i], j[rise_at + 2, i] = phi, x * phi, y * phi
        if side != 0:  # light there says nothing of the form, and on the dark side nothing of the rise
            return low_at, (rise_at if side < 0 else _MOST)
    else:
        across = p[blur_at + 5]
        for i in range(lanes):
            x, d, phi, z = band[n, _X, i], made[_D, i], made[_PHI, i], band[n, _PER_U, i] * per_blur
            light, more = low + low_x * x + (rise + rise_x * x) * phi, 1.0 + across * d
            steep = more * (rise + rise_x * x) * made[_DENSITY, i] * z
            made[_MODEL, i], made[_SLOPE, i] = more * light, steep + across * light
            j[blur_at, i], j[blur_at + 5, i] = -steep * d * per_blur, d * light
            j[low_at, i], j[low_at + 1, i] = more, x * more
            j[rise_at, i], j[rise_at + 1, i] = more * phi, x * more * phi
        if side != 0 and across == 0.0:
            return low_at, _MOST
    if form == CIRCLE:
        for i in range(lanes):
            slope = made[_SLOPE, i]
            j[0, i], j[1, i], j[2, i] = -slope * made[_NU, i], -slope * made[_NV, i], -slope
    else:
        for i in range(lanes):
            slope, nu, nv = made[_SLOPE, i], made[_NU, i], made[_NV, i]
            j[0, i], j[1, i] = -slope * nv, slope * (nu * (band[n, _V, i] - p0) - nv * band[n, _U, i])
    return 0, _MOST


@compiled
def _side(band: F64, n: int, per_blur: float, made: F64) -> int:
    """Write a chunk's distances in blurs to where its distribution will be.

    Return -1 or 1 where all of it lies far on the dark or the bright side, else 0.
    """
    lanes = band.shape[2]
    dark = bright = 0
    for i in range(lanes):
        z = made[_D, i] * (band[n, _PER_U, i] * per_blur)
        made[_PHI, i] = z
        dark += z <= -FAR
        bright += z >= FAR
    return 1 if bright == lanes else (-1 if dark == lanes else 0)


@compiled
def _add_products(
    j: F64, weights: F64, first: int, end: int, size: int, weighted: F64, sums: F64
) -> None:  # fmt: skip
    """Add a chunk's part of the normal equations' lower triangle, which follows `size` right sides, by lanes.

    Of the parameters from `first` to before `end`; the chunk's derivatives by all others are zero.
    """
    lanes = len(weights)
    for q in range(first, end):
        for i in range(lanes):
            weighted[i] = weights[i] * j[q, i]
        row = size + q * (q + 1) // 2
        for c in range(first, q + 1):
            for i in range(lanes):
                sums[row + c, i] += weighted[i] * j[c, i]


@compiled
def _gather_products(sums: F64, size: int, a: F64) -> None:
    """Write the lower triangle from its lanes; its diagonal a little greater, or nothing could be solved."""
    k = size
    for q in range(size):
        for c in range(q + 1):
            a[q, c] = _sum(sums[k])
            k += 1
        a[q, q] *= 1.0 + 1e-10


@compiled
def _sum(lanes: F64) -> float:
    total = 0.0
    for i in range(_LANES):
        total += lanes[i]
    return total
