"""The pixels of a band along an edge, in local metric coordinates.

The coordinates u, v are a cubic map of the raw pixels, near to pixels in size, so that lens and tilt need no
resampling: what is fitted to the band is the frame's own light (`kernels.band_fit`).
"""

from __future__ import annotations

import math

import numpy as np

from kernels.compiled import F32, F64, I32, compiled, inlined

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
def _row(c: F64, y: float, left: float, count: int, axis: int, out: F64) -> None:
    """Write one coordinate of the cubic map at `count` pixels of a row from x = `left` on."""
    c0 = c[0, axis] + y * (c[2, axis] + y * (c[5, axis] + y * c[9, axis]))
    c1 = c[1, axis] + y * (c[4, axis] + y * c[8, axis])
    c2, c3 = c[3, axis] + y * c[7, axis], c[6, axis]
    for i in range(count):
        x = left + i
        out[i] = c0 + x * (c1 + x * (c2 + x * c3))


@inlined
def _angle(u: float, v: float) -> float:
    """Return the angle of a vector, -pi to pi, to 1e-5 (Abramowitz and Stegun 1964, 4.4.49): vectors can.

    That says which sector of an edge a pixel belongs to.
    """
    a, b = abs(u), abs(v)
    t = min(a, b) / max(a, b, 1e-300)
    s = t * t
    t *= 0.9998660 + s * (-0.3302995 + s * (0.1801410 + s * (-0.0851330 + s * 0.0208351)))
    t = 0.5 * math.pi - t if b > a else t
    t = math.pi - t if u < 0.0 else t
    return -t if v < 0.0 else t


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
    u, v, off, place = np.empty(w), np.empty(w), np.empty(w), np.empty(w)
    lower, upper = -reach, reach
    if form == CIRCLE:
        lower, upper = max(shape[2] - reach, 0.5) ** 2, (shape[2] + reach) ** 2
    per_turn, s, c = 0.5 / math.pi, math.sin(shape[1]), math.cos(shape[1])
    n = 0
    for j in range(h):
        y = top + j
        if abs(y) >= ring[1]:
            continue
        outer = math.sqrt(ring[1] * ring[1] - y * y)
        inner = math.sqrt(ring[0] * ring[0] - y * y) if abs(y) < ring[0] else 0.0
        first, end = max(math.ceil(-outer - left), 0), min(math.floor(outer - left), w - 1) + 1
        before, after = (
            max(min(math.floor(-inner - left) + 1, end), first),
            max(math.ceil(inner - left), first),
        )
        for start, stop in ((first, before), (max(after, before), end)):
            count = stop - start
            _row(cubic, y, left + start, count, 0, u)
            _row(cubic, y, left + start, count, 1, v)
            if form == CIRCLE:
                for i in range(count):
                    du, dv = u[i] - shape[0], v[i] - shape[1]
                    off[i] = du * du + dv * dv
                    turn = (_angle(du, dv) - span[0]) * per_turn
                    place[i] = (turn - math.floor(turn)) * (2.0 * math.pi) / span[1] * sectors
            else:
                for i in range(count):
                    off[i] = s * u[i] - c * (v[i] - shape[0])
                    place[i] = (u[i] - span[0]) / span[1] * sectors
            for i in range(count):
                if lower <= off[i] <= upper and 0.0 <= place[i] < sectors and n < kept.shape[1]:
                    kept[0, n], kept[1, n], kept[2, n] = u[i], v[i], light[j, start + i]
                    sector[n] = np.int32(place[i])
                    n += 1
    return kept[:, :n], sector[:n]
