"""Whether values look normal: Anderson and Darling's test with mean and standard deviation estimated."""

from __future__ import annotations

import math

import numpy as np

from quality.errors import ChartError
from quality.spc.samples import Vector


def anderson_darling(values: Vector) -> tuple[float, float]:
    """Return A^2 and its approximate p value for normality; p is good to about 0.01 from 0.01 to 0.2.

    D'Agostino and Stephens 1986, Goodness-of-Fit Techniques, table 4.9 (case 3).

    Raises:
        ChartError: fewer than 8 values, or constant ones.
    """
    from scipy.special import log_ndtr  # noqa: PLC0415 (quality stays light)

    n = values.size
    if n < 8 or np.ptp(values) == 0:
        raise ChartError(
            f"normality: {n} values, {np.ptp(values):g} apart; needs 8 or more that are not all equal"
        )
    z = np.sort((values - values.mean()) / values.std(ddof=1))
    weights = 2 * np.arange(1, n + 1) - 1
    statistic = float(-n - (weights * (log_ndtr(z) + log_ndtr(-z[::-1]))).sum() / n)
    return statistic, _p_value(statistic * (1 + 0.75 / n + 2.25 / n**2))


def _p_value(a: float) -> float:
    if a < 0.2:
        return 1 - math.exp(-13.436 + 101.14 * a - 223.73 * a**2)
    if a < 0.34:
        return 1 - math.exp(-8.318 + 42.796 * a - 59.938 * a**2)
    if a < 0.6:
        return math.exp(0.9177 - 4.279 * a - 1.38 * a**2)
    return math.exp(1.2937 - 5.709 * min(a, 100.0) + 0.0186 * min(a, 100.0) ** 2)
