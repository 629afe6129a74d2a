"""CIEDE2000 of small differences as a metric: square roots of its (3, 3) form at a colour."""

from __future__ import annotations

import numpy as np

from kernels.compiled import F64


def ciede2000_root(lab: F64) -> F64:
    """Return R (..., 3, 3) at L*a*b* (..., 3): for a small difference d, CIEDE2000 is |R d|.

    The first row is lightness; rows two and three are chroma and hue, turned as their rotation term asks. At
    zero chroma, where hue has no meaning, they are a* and b*. ISO/CIE 11664-6:2014, with differences to first
    order; the formula's G is that of the mean of both colours and so the same for both.
    """
    values: F64 = np.asarray(lab, np.float64)
    lightness, a, b = values[..., 0], values[..., 1], values[..., 2]
    c7 = np.hypot(a, b) ** 7
    stretch = 1.5 - 0.5 * np.sqrt(c7 / (c7 + 25.0**7))
    chroma = np.hypot(stretch * a, b)
    coloured = chroma > 0
    cosine: F64 = np.where(coloured, stretch * a / np.where(coloured, chroma, 1.0), 1.0)
    sine: F64 = np.where(coloured, b / np.where(coloured, chroma, 1.0), 0.0)
    hue = np.degrees(np.arctan2(sine, cosine)) % 360
    t = (
        1
        - 0.17 * np.cos(np.radians(hue - 30))
        + 0.24 * np.cos(np.radians(2 * hue))
        + 0.32 * np.cos(np.radians(3 * hue + 6))
        - 0.20 * np.cos(np.radians(4 * hue - 63))
    )
    squared = (lightness - 50) ** 2
    s_l = 1 + 0.015 * squared / np.sqrt(20 + squared)
    s_c, s_h = 1 + 0.045 * chroma, 1 + 0.015 * chroma * t
    p7 = chroma**7
    turn = np.radians(60 * np.exp(-(((hue - 275) / 25) ** 2)))
    r_t = -2 * np.sqrt(p7 / (p7 + 25.0**7)) * np.sin(turn)
    root = np.zeros((*values.shape, 3))
    root[..., 0, 0] = 1 / s_l
    # x^2 + y^2 + r x y = (x + r y / 2)^2 + (1 - r^2 / 4) y^2 with x = dC / s_c, y = dH / s_h; |r| < 2
    dc = np.stack((stretch * cosine, sine), axis=-1) / s_c[..., None]
    dh = np.stack((-stretch * sine, cosine), axis=-1) / s_h[..., None]
    root[..., 1, 1:] = dc + (r_t / 2)[..., None] * dh
    root[..., 2, 1:] = np.sqrt(1 - r_t**2 / 4)[..., None] * dh
    return root


def ciede2000_axes(lab: F64) -> F64:
    """Return the symmetric root A (..., 3, 3) at L*a*b* (..., 3): |A d| is CIEDE2000 of a small difference d.

    Its axes stay those of L*, a* and b*, so that what errors have in common in these directions can be
    carried from one colour to another.
    """
    root = ciede2000_root(lab)
    values, vectors = np.linalg.eigh(np.swapaxes(root, -1, -2) @ root)
    axes: F64 = (vectors * np.sqrt(values)[..., None, :]) @ np.swapaxes(vectors, -1, -2)
    return axes
