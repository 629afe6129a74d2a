"""Robust statistics of short lists; NumPy's median costs more than the measurements it serves."""

from __future__ import annotations

import numpy as np

from kernels.compiled import F64


def median(values: F64) -> float:
    """Return the median of (n,) values, n >= 1; of an even number the upper of the middle two."""
    middle = len(values) // 2
    return float(np.partition(values, middle)[middle])


def spread(residuals: F64) -> float:
    """Return the standard deviation that a normal distribution of this median absolute residual has."""
    return 1.4826 * median(np.abs(residuals))
