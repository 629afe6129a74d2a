"""Calipers across a form: where its places lie in the picture, and the edge that each of them shows.

Forms live in local coordinates u, v, a cubic map of raw pixels (`kernels.band`); the edge is looked for in
the raw picture, across it as the picture shows it.
"""

from __future__ import annotations

import math

import numpy as np

from kernels.band import CIRCLE
from kernels.compiled import F32, F64, compiled
from kernels.edges import edges_across

_STEPS, _CLOSE = 8, 1e-9  # of Newton's method, pixels


@compiled
def _mapped(c: F64, x: float, y: float) -> tuple[float, float, float, float, float, float]:
    """Return u and v at a pixel, then du/dx, du/dy, dv/dx, dv/dy."""
    xx, xy, yy = x * x, x * y, y * y
    u = c[0, 0] + x * c[1, 0] + y * c[2, 0] + xx * c[3, 0] + xy * c[4, 0] + yy * c[5, 0]
    v = c[0, 1] + x * c[1, 1] + y * c[2, 1] + xx * c[3, 1] + xy * c[4, 1] + yy * c[5, 1]
    u += xx * (x * c[6, 0] + y * c[7, 0]) + yy * (x * c[8, 0] + y * c[9, 0])
    v += xx * (x * c[6, 1] + y * c[7, 1]) + yy * (x * c[8, 1] + y * c[9, 1])
    ux = c[1, 0] + 2 * x * c[3, 0] + y * c[4, 0] + 3 * xx * c[6, 0] + 2 * xy * c[7, 0] + yy * c[8, 0]
    uy = c[2, 0] + x * c[4, 0] + 2 * y * c[5, 0] + xx * c[7, 0] + 2 * xy * c[8, 0] + 3 * yy * c[9, 0]
    vx = c[1, 1] + 2 * x * c[3, 1] + y * c[4, 1] + 3 * xx * c[6, 1] + 2 * xy * c[7, 1] + yy * c[8, 1]
    vy = c[2, 1] + x * c[4, 1] + 2 * y * c[5, 1] + xx * c[7, 1] + 2 * xy * c[8, 1] + 3 * yy * c[9, 1]
    return u, v, ux, uy, vx, vy


@compiled
def looks(cubic: F64, form: int, shape: F64, places: F64) -> F64:
    """Return where the places of a form lie in the picture and how its edge runs there.

    Args:
        cubic: (10, 2) float64 from pixels beside the local origin to u, v, see `kernels.band.gather_band`.
        form: LINE or CIRCLE.
        shape: (3,) float64 parameters: line (offset, angle, unused), circle (u, v, radius).
        places: (n,) float64 u along a line, angles in radians around a circle.

    Returns:
        (n, 5) float64: x and y in pixels beside the local origin, the unit vector across the edge in the
        picture along the form's normal, and how many u a pixel is along it.
    """
    out = np.empty((len(places), 5))
    x = y = 0.0
    for k in range(len(places)):
        if form == CIRCLE:
            nu, nv = math.cos(places[k]), math.sin(places[k])
            u, v = shape[0] + shape[2] * nu, shape[1] + shape[2] * nv
        else:
            nu, nv = math.sin(shape[1]), -math.cos(shape[1])
            u, v = places[k], shape[0] - places[k] * nu / nv
        ux, uy, vx, vy = 1.0, 0.0, 0.0, 1.0
        for _ in range(_STEPS):  # from the place before: it is near
            at_u, at_v, ux, uy, vx, vy = _mapped(cubic, x, y)
            size = ux * vy - uy * vx
            dx, dy = (vy * (u - at_u) - uy * (v - at_v)) / size, (ux * (v - at_v) - vx * (u - at_u)) / size
            x, y = x + dx, y + dy
            if dx * dx + dy * dy < _CLOSE * _CLOSE:
                break
        across_x, across_y = ux * nu + vx * nv, uy * nu + vy * nv
        per_pixel = math.hypot(across_x, across_y)
        out[k, 0], out[k, 1], out[k, 2], out[k, 3] = x, y, across_x / per_pixel, across_y / per_pixel
        out[k, 4] = per_pixel
    return out


@compiled
def calipers(
    light: F32, left: float, top: float, cubic: F64, form: int, shape: F64, places: F64, reach: float,
    near: float, bright: float,
) -> F64:  # fmt: skip
    """Find the edge across a form at each of its places.

    Args:
        light: (h, w) float32 linear light of a window of the frame.
        left: the window's first column in the coordinates that `cubic` takes.
        top: its first row.
        cubic: as `looks`.
        form: as `looks`.
        shape: as `looks`.
        places: as `looks`.
        reach: half length of a caliper in pixels, see `kernels.edges.edges_across`.
        near: half length of the fit about its steepest place, 0 for that place itself.
        bright: +1 where light rises along the form's normal, else -1.

    Returns:
        (n, 4) float64: u and v of the edge, its blur in pixels and its rise; NaN where none was found.
    """
    at = looks(cubic, form, shape, places)
    centres, directions = at[:, :2] - np.array([left, top]), at[:, 2:4].copy()
    curvature = np.full(len(places), 1.0 / max(shape[2], 1.0) if form == CIRCLE else 0.0)
    seen = edges_across(light, centres, directions, reach, near, bright, curvature)
    out = np.full((len(places), 4), np.nan)
    for k in range(len(places)):
        if seen[k, 4] > 0.0:
            x, y = at[k, 0] + seen[k, 0] * at[k, 2], at[k, 1] + seen[k, 0] * at[k, 3]
            out[k, 0], out[k, 1] = _mapped(cubic, x, y)[:2]
            out[k, 2], out[k, 3] = seen[k, 1], seen[k, 2]
    return out
