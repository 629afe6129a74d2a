"""The normal distribution against SciPy's."""

from __future__ import annotations

import numba
import numpy as np
from scipy.special import ndtr

from kernels.compiled import F64
from kernels.normal import FAR, distribution


@numba.njit
def _both(z: F64, out: F64) -> None:
    for i in range(len(z)):
        out[0, i], out[1, i] = distribution(z[i])


def test_distribution_and_density_are_those_of_scipy() -> None:
    z = np.concatenate((np.linspace(-FAR, FAR, 40_001)[1:-1], [0.0, -1e-9, 1e-9]))
    found = np.empty((2, len(z)))
    _both(z, found)
    density = np.exp(-0.5 * z * z) / np.sqrt(2 * np.pi)
    lower = z <= 0  # the smaller side keeps its relative precision
    assert np.abs(found[0][lower] / ndtr(z[lower]) - 1).max() < 1e-10
    assert np.abs(found[0] - ndtr(z)).max() < 1e-10
    assert np.abs(found[1] / density - 1).max() < 1e-10


def test_nothing_is_left_far_away() -> None:
    z = np.array([-1e300, -FAR, FAR, 1e300])
    found = np.empty((2, len(z)))
    _both(z, found)
    assert found[0].tolist() == [0, 0, 1, 1]
    assert found[1].tolist() == [0, 0, 0, 0]
