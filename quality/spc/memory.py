"""Charts with memory: EWMA and tabular CUSUM of standardised points.

Roberts 1959 (doi:10.1080/00401706.1959.10489860); Page 1954 (doi:10.1093/biomet/41.1-2.100); head start:
Lucas and Crosier 1982 (doi:10.1080/00401706.1982.10487759).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from quality.errors import ChartError
from quality.spc.samples import Vector


@dataclass(frozen=True, slots=True)
class EwmaDesign:
    """`weight` of the newest point, in (0, 1]; limits at `width` exact standard errors of the average."""

    weight: float = 0.2
    width: float = 3.0

    def __post_init__(self) -> None:
        if not (0 < self.weight <= 1 and 0 < self.width < np.inf):
            raise ChartError(
                f"EWMA weight {self.weight}, width {self.width}: needs 0 < weight <= 1 and width > 0"
            )


@dataclass(frozen=True, slots=True)
class CusumDesign:
    """`allowance` k, `decision` interval h and `head_start` (fast initial response), in standard errors.

    The head start is that of both sums, at most h; Lucas and Crosier recommend h / 2. Default none.
    """

    allowance: float = 0.5
    decision: float = 5.0
    head_start: float = 0.0

    def __post_init__(self) -> None:
        if not (
            0 <= self.allowance < np.inf
            and 0 < self.decision < np.inf
            and 0 <= self.head_start <= self.decision
        ):
            raise ChartError(
                f"CUSUM k {self.allowance}, h {self.decision}, head start {self.head_start}: needs k >= 0,"
                " h > 0 and a head start of 0 to h"
            )


def ewma(z: Vector, design: EwmaDesign) -> tuple[Vector, Vector]:
    """Return the averages, started at 0, and their exact (time-varying) standard errors."""
    averages = np.empty_like(z)
    average = 0.0
    for i, point in enumerate(z):
        average = average + design.weight * (float(point) - average)
        averages[i] = average
    return averages, ewma_errors(z.size, design.weight)


def ewma_errors(count: int, weight: float) -> Vector:
    """Return the standard errors of the first `count` averages of independent points."""
    powers = (1 - weight) ** (2.0 * np.arange(1, count + 1))
    return np.sqrt(weight / (2 - weight) * (1 - powers))


def cusum(z: Vector, design: CusumDesign) -> tuple[Vector, Vector]:
    """Return the upper and the lower sums, both positive; a signal does not reset them."""
    return _sums(z, design), _sums(-z, design)


def _sums(z: Vector, design: CusumDesign) -> Vector:
    sums = np.empty_like(z)
    total = design.head_start
    for i, point in enumerate(z):
        total = max(0.0, total + float(point) - design.allowance)
        sums[i] = total
    return sums


def since_zero(sums: Vector, point: int) -> tuple[int, ...]:
    """Return the points that a sum at `point` was made of: those after it was last 0."""
    zeros = np.flatnonzero(sums[:point] == 0)
    return tuple(range(int(zeros[-1]) + 1 if zeros.size else 0, point + 1))
