"""How well a camera sees small differences of one material: the relative standard error of a Delta E.

The error of a camera's L*a*b* is a smooth function of the surface, so most of it cancels in the difference of
two similar surfaces. What is left is that error's slope along the difference. The chart shows slopes: between
neighbouring patches, each left out of the fit, how much farther apart are they measured than they are?

Neighbours on a chart differ in their pigments, while a batch differs from the golden sample in the amount of
the same ones or in a trace of another: its spectrum changes less for the same change of colour, and slopes
are smaller. `SAME_MATERIAL` is that ratio, found on the twin (`benchmarks.colour_coverage --slopes`) with
stations and materials drawn apart from those on which coverage is reported.
"""

from __future__ import annotations

import numpy as np

from calibration.errors import CalibrationError
from kernels.colour import ciede2000
from kernels.compiled import F64

NEIGHBOURS = 3
SAME_MATERIAL = 0.85
ORDINARY = 0.05  # relative error of an ordinary camera: the prior, and where no patches tell
_WEIGHT = 8.0  # patches that it counts for
_NEAREST = 8.0  # Delta E: nearer patches tell of their certificate's errors; a Classic has none so near


def slope_residual(reference: F64, left_out: F64) -> float:
    """Return the relative standard error of small CIEDE2000 differences of one material.

    The root mean square over the patches of the relative errors of the distances to their three nearest
    neighbours from 8 Delta E, shrunk to the prior by the number of patches: few patches cannot prove a camera
    perfect.

    Args:
        reference: (n, 3) L*a*b* of the chart.
        left_out: (n, 3) L*a*b* measured, each patch by a model that was fitted without it.

    Raises:
        CalibrationError: the two do not fit, or there are fewer than four patches.
    """
    n = len(reference)
    if reference.shape != left_out.shape or reference.shape != (n, 3) or n <= NEIGHBOURS:
        raise CalibrationError(
            f"slopes need L*a*b* (n, 3) of at least {NEIGHBOURS + 1} patches twice, not {reference.shape} "
            f"and {left_out.shape}"
        )
    true, seen = _distances(reference), _distances(left_out)
    squares = np.empty(n)
    for patch in range(n):
        near = [k for k in np.argsort(true[patch]) if true[patch, k] > _NEAREST][:NEIGHBOURS]
        relative = seen[patch, near] / true[patch, near] - 1
        squares[patch] = np.mean(relative**2) if near else ORDINARY**2
    mean = (squares.sum() + _WEIGHT * ORDINARY**2 / SAME_MATERIAL**2) / (n + _WEIGHT)
    return SAME_MATERIAL * float(np.sqrt(mean))


def _distances(lab: F64) -> F64:
    return np.array([[ciede2000(a, b) for b in lab] for a in lab])
