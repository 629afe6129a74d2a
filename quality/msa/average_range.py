"""Gage R&R by average and range (AIAG MSA 4th ed., chapter III-B): the worksheet's method."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np

from quality.errors import StudyError
from quality.msa.study import CrossedStudy, positive
from quality.spc.constants import LARGEST, constants

_MANY_RANGES = 15  # AIAG reads d2 instead of d2* where more ranges than this are averaged
_NDC = 1.41


@dataclass(frozen=True, slots=True)
class RangeConstants:
    """K1 (trials), K2 (levels) and K3 (parts): standard deviation over mean range."""

    k1: float
    k2: float
    k3: float


@dataclass(frozen=True, slots=True)
class AverageRange:
    """The worksheet's results: standard deviations, ranges and the range chart's upper limit, in data units.

    `ev` is repeatability, `av` reproducibility, `pv` the parts' and `tv` the total variation. `av_squared` is
    what the worksheet gives for AV squared; where it is negative `av` is 0 and `set_to_zero` says so.
    """

    factor: str
    constants: RangeConstants
    mean_range_by_level: tuple[float, ...]
    mean_range: float
    range_of_levels: float
    range_of_parts: float
    ev: float
    av_squared: float
    pv: float
    upper_range_limit: float
    tolerance: float | None
    sigmas: float

    @property
    def set_to_zero(self) -> bool:
        """Whether reproducibility came out negative and was replaced by 0."""
        return self.av_squared < 0

    @property
    def av(self) -> float:
        """Reproducibility, not negative."""
        return math.sqrt(max(0.0, self.av_squared))

    @property
    def gage_rr(self) -> float:
        """Root sum of squares of repeatability and reproducibility."""
        return math.hypot(self.ev, self.av)

    @property
    def tv(self) -> float:
        """Root sum of squares of gage R&R and the parts' variation."""
        return math.hypot(self.gage_rr, self.pv)

    def percent_of_study(self, deviation: float) -> float:
        """Return 100 times a standard deviation of these over the total."""
        return 100 * deviation / self.tv

    def percent_of_tolerance(self, deviation: float) -> float:
        """Return 100 times `sigmas` of a standard deviation of these over the tolerance.

        Raises:
            StudyError: the study was given no tolerance.
        """
        if self.tolerance is None:
            raise StudyError("percent of tolerance needs a tolerance: give one to the study")
        return 100 * self.sigmas * deviation / self.tolerance

    @property
    def ndc_raw(self) -> float:
        """1.41 times the parts' variation over gage R&R."""
        return _NDC * self.pv / self.gage_rr

    @property
    def ndc(self) -> int:
        """Number of distinct categories: truncated, not rounded."""
        return math.floor(self.ndc_raw)


def range_constants(
    parts: int, levels: int, trials: int, *, repeatability: Literal["aiag", "d2_star"] = "aiag"
) -> RangeConstants:
    """Return K1 to K3 of a study's shape, good to 1e-9: the reciprocals of d2* = sqrt(d2^2 + d3^2 / ranges).

    K2 and K3 are of a single range. K1 is of parts x levels ranges; "aiag" reads d2 instead of d2* for it
    where there are more than 15, as the printed worksheet does (0.5908 for three trials).

    Raises:
        StudyError: a number is outside 2 to 25, where ranges are of use.
    """
    for name, n in (("parts", parts), ("levels", levels), ("trials", trials)):
        if not 2 <= n <= LARGEST:
            raise StudyError(f"{n} {name}: ranges serve 2 to {LARGEST}; use the analysis of variance")
    many = repeatability == "aiag" and parts * levels > _MANY_RANGES
    k1 = 1 / constants(trials).d2 if many else 1 / _d2_star(trials, parts * levels)
    return RangeConstants(k1, 1 / _d2_star(levels, 1), 1 / _d2_star(parts, 1))


def average_range(
    study: CrossedStudy,
    *,
    range_constants_used: RangeConstants | None = None,
    tolerance: float | None = None,
    sigmas: float = 6.0,
) -> AverageRange:
    """Return gage R&R of a crossed study by average and range.

    It cannot see an interaction and gives no intervals: `crossed_gage_rr` does.

    Args:
        study: checked readings, at most 25 parts, levels and trials.
        range_constants_used: printed constants to follow a worksheet; else `range_constants` of the shape.
        tolerance: width between the limits, positive, data units; or None.
        sigmas: width of the study in standard deviations.

    Raises:
        StudyError: the study is too large for ranges, or an argument is outside its range.
    """
    positive(tolerance, "tolerance")
    positive(sigmas, "sigmas")
    p, o, r = len(study.parts), len(study.levels), study.trials
    k = range_constants_used or range_constants(p, o, r)
    x = np.array(study.values)
    ranges = np.ptp(x, axis=2).mean(axis=0)
    mean_range = float(ranges.mean())
    between = float(np.ptp(x.mean(axis=(0, 2))))
    ev = mean_range * k.k1
    return AverageRange(
        factor=study.factor,
        constants=k,
        mean_range_by_level=tuple(float(v) for v in ranges),
        mean_range=mean_range,
        range_of_levels=between,
        range_of_parts=(of_parts := float(np.ptp(x.mean(axis=(1, 2))))),
        ev=ev,
        av_squared=(between * k.k2) ** 2 - ev**2 / (p * r),
        pv=of_parts * k.k3,
        upper_range_limit=constants(r).D4 * mean_range,
        tolerance=tolerance,
        sigmas=sigmas,
    )


def _d2_star(size: int, ranges: int) -> float:
    c = constants(size)
    return math.sqrt(c.d2**2 + c.d3**2 / ranges)
