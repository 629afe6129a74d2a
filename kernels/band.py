"""The pixels of a band along an edge, in local metric coordinates.

The coordinates u, v are a cubic map of the raw pixels, near to pixels in size, so that lens and tilt need no
resampling: what is fitted to the band is the frame's own light (`kernels.band_fit`).
"""

from __future__ import annotations

import math

import numpy as np

from kernels.compiled import F32, F64, I32, compiled

LINE, CIRCLE = 0, 1


@compiled
def distance(form: int, p: F64, u: float, v: float) -> tuple[float, float, float]:
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
        (3, n) float64: u, v and light of the pixels; (n,) int32 their sectors.
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
    kept = np.empty((3, min(room, h * w)))
    sector = np.empty(kept.shape[1], np.int32)
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
                d, _, _ = distance(form, shape, u, v)
                if not -reach <= d <= reach:
                    continue
                place = u - span[0]
            k = math.floor(place / span[1] * sectors)
            if 0 <= k < sectors and n < kept.shape[1]:
                kept[0, n], kept[1, n], kept[2, n] = u, v, value
                sector[n] = k
                n += 1
    return kept[:, :n], sector[:n]
