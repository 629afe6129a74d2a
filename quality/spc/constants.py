"""Control-chart constants of normal samples of n = 2 to 25, by numerical integration.

The range W of n standard normal values has P(W <= w) = n * integral of phi(x) (Phi(x + w) - Phi(x))^(n-1) dx,
d2 = E W and d3 the standard deviation of W (Tippett 1925, doi:10.1093/biomet/17.3-4.364). The standard
deviation of n values has the mean c4 * sigma. Printed tables (ISO 7870-2, ASTM MNL 7) round these to
three or four decimals; here they are good to 1e-10.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cache

import numpy as np

from quality.errors import ChartError

SMALLEST, LARGEST = 2, 25


@dataclass(frozen=True, slots=True)
class Constants:
    """The constants of one subgroup size `n`, dimensionless; names as in ISO 7870-2.

    `d2`, `d3`, `c4`: mean and standard deviation of the range, mean of the standard deviation, of standard
    normal samples. All others follow from them for limits at three standard errors; a lower limit that would
    be negative is 0.
    """

    n: int
    d2: float
    d3: float
    c4: float

    @property
    def c5(self) -> float:
        """Standard deviation of the standard deviation."""
        return math.sqrt(1 - self.c4**2)

    @property
    def A(self) -> float:  # noqa: N802 (published name)
        """Limits of a mean from sigma."""
        return 3 / math.sqrt(self.n)

    @property
    def A2(self) -> float:  # noqa: N802
        """Limits of a mean from the mean range."""
        return self.A / self.d2

    @property
    def A3(self) -> float:  # noqa: N802
        """Limits of a mean from the mean standard deviation."""
        return self.A / self.c4

    @property
    def B3(self) -> float:  # noqa: N802
        """Lower limit of a standard deviation from the mean standard deviation."""
        return self.B5 / self.c4

    @property
    def B4(self) -> float:  # noqa: N802
        """Upper limit of a standard deviation from the mean standard deviation."""
        return self.B6 / self.c4

    @property
    def B5(self) -> float:  # noqa: N802
        """Lower limit of a standard deviation from sigma."""
        return max(0.0, self.c4 - 3 * self.c5)

    @property
    def B6(self) -> float:  # noqa: N802
        """Upper limit of a standard deviation from sigma."""
        return self.c4 + 3 * self.c5

    @property
    def D1(self) -> float:  # noqa: N802
        """Lower limit of a range from sigma."""
        return max(0.0, self.d2 - 3 * self.d3)

    @property
    def D2(self) -> float:  # noqa: N802
        """Upper limit of a range from sigma."""
        return self.d2 + 3 * self.d3

    @property
    def D3(self) -> float:  # noqa: N802
        """Lower limit of a range from the mean range."""
        return self.D1 / self.d2

    @property
    def D4(self) -> float:  # noqa: N802
        """Upper limit of a range from the mean range."""
        return self.D2 / self.d2


def constants(n: int) -> Constants:
    """Return the constants of subgroups of `n` values, 2 to 25, good to 1e-10.

    Raises:
        ChartError: n outside 2 to 25.
    """
    if not SMALLEST <= n <= LARGEST:
        raise ChartError(
            f"subgroup size {n}: a range or standard deviation chart takes {SMALLEST} to {LARGEST} values"
            " in a subgroup; single values go on an I-MR chart, larger subgroups are split"
        )
    return _constants(n)


@cache
def _constants(n: int) -> Constants:
    d2, d3 = _range_moments(n)
    return Constants(n, d2, d3, c4(n - 1))


def c4(degrees: float) -> float:
    """Return E s / sigma of a standard deviation of normal values with `degrees` > 0 degrees of freedom."""
    return math.sqrt(2 / degrees) * math.exp(math.lgamma((degrees + 1) / 2) - math.lgamma(degrees / 2))


def _range_moments(n: int) -> tuple[float, float]:
    """Mean and standard deviation of the range: E W = int (1 - F) dw, E W^2 = int 2 w (1 - F) dw."""
    from scipy.special import ndtr  # noqa: PLC0415 (quality stays light)

    nodes, weights = np.polynomial.legendre.leggauss(120)
    w = 8 * (nodes + 1)  # 0 to 16, behind which nothing is left for n <= 25
    x = np.linspace(-9 - 16, 9, 1361)  # the trapezoidal rule converges faster than any power here
    density = np.exp(-(x**2) / 2) / math.sqrt(2 * math.pi)
    inside = ndtr(x[None, :] + w[:, None]) - ndtr(x)[None, :]
    tail = 1 - n * (x[1] - x[0]) * (inside ** (n - 1) @ density)
    first = float(8 * weights @ tail)
    second = float(8 * weights @ (2 * w * tail))
    return first, math.sqrt(second - first**2)
