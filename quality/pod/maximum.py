"""Newton's method for the concave log-likelihoods of this package."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from quality.errors import StudyError

Floats = NDArray[np.float64]
Likelihood = Callable[[Floats], tuple[float, Floats, Floats]]

_STEPS = 200
_HALVINGS = 60
_NEAR = 1e-9  # Newton decrement, in log-likelihood, from which one more step is exact to rounding


def maximum(likelihood: Likelihood, start: Floats) -> tuple[Floats, float]:
    """Return where a concave log-likelihood is greatest and how great, by Newton with halved steps.

    Args:
        likelihood: parameters (k,) to value, gradient (k,) and Hessian (k, k); -inf outside its domain.
        start: within the domain.

    Raises:
        StudyError: it has no maximum, or one that 200 steps do not reach.
    """
    at = np.asarray(start, np.float64)
    value, gradient, hessian = likelihood(at)
    for _ in range(_STEPS):
        try:
            step = np.linalg.solve(-hessian, gradient)
        except np.linalg.LinAlgError:
            break
        decrement = float(gradient @ step)
        if 0 <= decrement < _NEAR:
            return at + step, value + decrement / 2
        for halving in range(_HALVINGS):
            trial = at + step / 2**halving
            found = likelihood(trial)
            if found[0] >= value:
                break
        else:
            break
        at, (value, gradient, hessian) = trial, found
    raise StudyError("the likelihood has no maximum that can be reached: the trials do not determine a curve")
