"""Roots and maxima of functions of few numbers, by scipy."""

# scipy publishes incomplete types.
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false
from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


def root(function: Callable[[float], float], low: float, high: float, within: float) -> float:
    """Return where a function changes its sign between `low` and `high`, to `within`."""
    from scipy.optimize import brentq  # noqa: PLC0415 (scipy loads slowly)

    found: Any = brentq(function, low, high, xtol=within)
    return float(found)


def greatest(function: Callable[[float], float], bracket: tuple[float, float]) -> float:
    """Return the greatest value of a function with one maximum, looked for from `bracket` on."""
    from scipy.optimize import minimize_scalar  # noqa: PLC0415 (scipy loads slowly)

    def loss(at: float) -> float:
        return -function(float(at))

    found: Any = minimize_scalar(loss, bracket=bracket, options={"xtol": 1e-9})
    return -float(found.fun)


def greatest_of_two(function: Callable[[Floats], float]) -> tuple[Floats, float]:
    """Return where a function of two numbers is greatest, and its value, looked for from (0, 0) on."""
    from scipy.optimize import minimize  # noqa: PLC0415 (scipy loads slowly)

    def loss(at: Floats) -> float:
        return -function(np.asarray(at, np.float64))

    found: Any = minimize(
        loss,
        np.zeros(2),
        method="Nelder-Mead",
        options={"xatol": 1e-9, "fatol": 1e-13, "maxiter": 2000},
    )
    return np.asarray(found.x, np.float64), -float(found.fun)
