"""Light that falls off across a unit moves its patches; it is measured on them and taken back.

A patch is located with its gain free, but a gain that changes within it moves it by up to hundredths of a
pixel. To project that out of each patch, as blur is, costs a fifth of the precision; all patches together
know the fall of light much better.
"""

from __future__ import annotations

import math

import numpy as np

from kernels.compiled import F64, compiled
from kernels.quadratic import robust_quadratic

_FEWEST = 12  # patches that tell the six coefficients of smooth light
_LANES = 32  # `robust_quadratic` takes whole numbers of them
_DARKEST = 1e-6


@compiled
def undo_drift(
    tracked: F64,
    centres: F64,
    means: F64,
    drifts: F64,
    coefficients: F64,
    cx: float,
    cy: float,
    extent: float,
) -> None:
    """Move tracked patches back by what the fall of the unit's light moved them.

    Args:
        tracked: (m, 7) from `kernels.patches.track_mapped`; x and y are changed.
        centres: (m, 2) patch centres in the golden image.
        means: (m,) from `kernels.patches.prepare_patches`.
        drifts: (m, 2, 2) from there.
        coefficients: (6, 2) float64 of a quadratic map near the answer, see `vision.mapping`.
        cx: centre of the map's basis, x.
        cy: centre of the map's basis, y.
        extent: scale of the map's basis.
    """
    m, c = len(centres), coefficients
    if m < _FEWEST:
        return
    padded = (m + _LANES - 1) // _LANES * _LANES
    places, logs = np.zeros((2, padded)), np.zeros(padded)
    for k in range(m):
        places[0, k], places[1, k] = (centres[k, 0] - cx) / extent, (centres[k, 1] - cy) / extent
        logs[k] = math.log(max(tracked[k, 6], _DARKEST) / max(means[k], _DARKEST))
    g, _ = robust_quadratic(places, logs, m, True)
    g /= extent
    for k in range(m):
        u, v = places[0, k], places[1, k]
        along_x, along_y = g[1] + 2.0 * u * g[3] + v * g[4], g[2] + u * g[4] + 2.0 * v * g[5]
        x = drifts[k, 0, 0] * along_x + drifts[k, 0, 1] * along_y
        y = drifts[k, 1, 0] * along_x + drifts[k, 1, 1] * along_y
        for i in range(2):
            to_x = c[1, i] + 2.0 * u * c[3, i] + v * c[4, i]
            to_y = c[2, i] + u * c[4, i] + 2.0 * v * c[5, i]
            tracked[k, i] -= (to_x * x + to_y * y) / extent
