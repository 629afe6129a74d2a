"""The check standard: an artefact, measured each shift, says whether a calibration still holds.

Four charts for each of its sizes (NIST/SEMATECH e-Handbook of Statistical Methods, 2.2.2 and 6.3.2):

* bias: mean of a check less the artefact's certificate, against the uncertainty of both;
* shift: the same less the mean of the first checks after the calibration, against repeatability;
* drift: its exponentially weighted moving average, against repeatability;
* spread: standard deviation within a check, against repeatability.

Limits are set so that a camera in which nothing changed is called bad in at most the share `false_alarm` of
its checks, all sizes and charts together (Bonferroni).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise
from statistics import NormalDist
from typing import Annotated, Literal, Self

from pydantic import AwareDatetime, Field, model_validator
from scipy.special import chdtri

from calibration.artefacts import Artefact, CalibratedSize, check_ids
from calibration.errors import CheckError
from evidence.inspection import Digest
from golden.regions import Closed, Identifier

WEIGHT = 0.2  # of the newest check in the moving average
DETECTED = 0.95  # probability with which a drift counts as seen
_CHARTS = 4
_NORMAL = NormalDist()

Chart = Literal["bias", "shift", "drift", "spread"]
Verdict = Literal["good", "bad", "incomplete"]


class CheckedSize(CalibratedSize):
    """A size of the check standard.

    Attributes:
        repeatability_mm: standard deviation of single readings, the artefact re-placed for each, over the
            conditions of shifts in which nothing changed.
    """

    repeatability_mm: Annotated[float, Field(gt=0, le=100)]


class CheckStandard(Artefact):
    """The artefact, how often it is measured and how many false alarms are accepted.

    Attributes:
        sizes: what is measured.
        every_hours: longest time from one check to the next.
        baseline: how many first checks after a calibration make its reference.
        false_alarm: largest share of checks that are called bad though nothing changed.
    """

    sizes: Annotated[tuple[CheckedSize, ...], Field(min_length=1, max_length=50)]
    every_hours: Annotated[float, Field(gt=0, le=8784)] = 8.0
    baseline: Annotated[int, Field(ge=2, le=50)] = 5
    false_alarm: Annotated[float, Field(ge=1e-6, le=0.1)] = 0.001

    @model_validator(mode="after")
    def _fits(self) -> Self:
        check_ids(self.sizes)
        return self

    @property
    def every(self) -> timedelta:
        """Longest time from one check to the next."""
        return timedelta(hours=self.every_hours)

    @property
    def factor(self) -> float:
        """Limits of bias, shift and drift, in standard deviations."""
        return _NORMAL.inv_cdf(1 - self._share / 2)

    @property
    def _share(self) -> float:
        return self.false_alarm / (_CHARTS * len(self.sizes))

    def spread_limit(self, size: CheckedSize, readings: int) -> float:
        """Return the limit of the standard deviation of two or more readings, mm."""
        return size.repeatability_mm * math.sqrt(float(chdtri(readings - 1, self._share)) / (readings - 1))

    def detection(self, scale_drift: float, *, readings: int = 1) -> Detection:
        """Return how soon a sudden relative change of scale is seen, once the first checks are made.

        By the charts of shift and drift alone, errors of the sizes being independent: a lower bound.

        Args:
            scale_drift: relative, such as 0.001.
            readings: of each size in a check.
        """
        z, first = self.factor, 1 / self.baseline
        ratios = [
            abs(scale_drift) * s.value_mm / s.repeatability_mm * math.sqrt(readings) for s in self.sizes
        ]

        def seen(gain: float, variance: float) -> float:
            away = [gain * ratio / math.sqrt(variance) for ratio in ratios]
            return 1 - math.prod(_NORMAL.cdf(z - d) - _NORMAL.cdf(-z - d) for d in away)

        at_once = seen(1, 1 + first)
        for checks in range(1, 1001):
            old = (1 - WEIGHT) ** checks
            variance = WEIGHT / (2 - WEIGHT) * (1 - old**2) + first * (1 - old) ** 2
            if max(1 - (1 - at_once) ** checks, seen(1 - old, variance)) >= DETECTED:
                return Detection(at_once, checks)
        return Detection(at_once, None)


@dataclass(frozen=True, slots=True)
class Detection:
    """How soon a change is seen.

    Attributes:
        at_once: probability that the first check after it is bad.
        within: number of checks by which one was bad with a probability of DETECTED; None: not in 1000.
    """

    at_once: float
    within: int | None


class Reading(Closed):
    """A size's readings in one check; `u_mm` is the standard uncertainty of one of them by its budget."""

    id: Identifier
    values_mm: Annotated[tuple[float, ...], Field(min_length=1, max_length=100)]
    u_mm: Annotated[float, Field(ge=0, le=100)]


class CheckResult(Closed):
    """One check. A size that was not found is left out: the check is then incomplete and counts as missed.

    Attributes:
        time: when.
        calibration: digest of the certificate that measured.
        serial: of the check standard.
        readings: by size.
        note: in words.
    """

    time: AwareDatetime
    calibration: Digest
    serial: Annotated[str, Field(min_length=1, max_length=128)]
    readings: Annotated[tuple[Reading, ...], Field(max_length=50)]
    note: Annotated[str, Field(max_length=1000)] = ""


@dataclass(frozen=True, slots=True)
class ChartPoint:
    """One value of one chart, mm; `limit` is the largest magnitude that is not beyond."""

    size: str
    chart: Chart
    value: float
    limit: float

    @property
    def beyond(self) -> bool:
        """Whether it lies beyond its limits."""
        return abs(self.value) > self.limit


@dataclass(frozen=True, slots=True)
class ChartedCheck:
    """A check, its points and whether it was good, bad or incomplete."""

    result: CheckResult
    points: tuple[ChartPoint, ...]
    verdict: Verdict

    @property
    def time(self) -> datetime:
        """When."""
        return self.result.time

    @property
    def beyond(self) -> tuple[ChartPoint, ...]:
        """What makes it bad."""
        return tuple(point for point in self.points if point.beyond)


def chart(
    standard: CheckStandard, checks: Sequence[CheckResult], *, calibration: str
) -> tuple[ChartedCheck, ...]:
    """Return the charts of one certificate's checks; those of others are skipped.

    A check that bias, shift or spread call bad enters neither reference nor average, so that the next one
    decides by itself whether it was a mishap.

    Args:
        standard: the artefact.
        checks: in order of time.
        calibration: digest of the certificate.

    Raises:
        CheckError: a check is not later than the one before.
    """
    own = [c for c in checks if c.calibration == calibration and c.serial == standard.serial]
    for before, after in pairwise(own):
        if after.time <= before.time:
            raise CheckError(f"the check of {after.time} follows the one of {before.time}: put them in order")
    traces = [_Trace(standard, size) for size in standard.sizes]
    ids = {size.id for size in standard.sizes}
    charted: list[ChartedCheck] = []
    for check in own:
        readings = {reading.id: reading for reading in check.readings}
        if set(readings) != ids or standard.expired(check.time.date()):
            charted.append(ChartedCheck(check, (), "incomplete"))
            continue
        points = tuple(point for trace in traces for point in trace.points(readings[trace.size.id]))
        if all(point.chart == "drift" for point in points if point.beyond):
            for trace in traces:
                trace.keep()
        charted.append(ChartedCheck(check, points, "bad" if any(p.beyond for p in points) else "good"))
    return tuple(charted)


class _Trace:
    """One size's way through the checks of a certificate."""

    def __init__(self, standard: CheckStandard, size: CheckedSize) -> None:
        self.standard, self.size = standard, size
        self.first: tuple[tuple[float, int], ...] = ()
        self.average = self.variance = 0.0
        self.old = 1.0  # weight in the average of what was before the first check
        self.latest = (self.first, self.average, self.variance, self.old)

    def points(self, reading: Reading) -> list[ChartPoint]:
        """Return what the charts show of one check's readings; `keep` adds them to the average."""
        values, size, z = reading.values_mm, self.size, self.standard.factor
        n = len(values)
        mean = sum(values) / n
        bias = mean - size.value_mm
        points = [ChartPoint(size.id, "bias", bias, z * math.hypot(size.u_mm, reading.u_mm))]
        if n > 1:
            spread = math.sqrt(sum((v - mean) ** 2 for v in values) / (n - 1))
            points.append(ChartPoint(size.id, "spread", spread, self.standard.spread_limit(size, n)))
        if len(self.first) < self.standard.baseline:
            self.latest = ((*self.first, (bias, n)), self.average, self.variance, self.old)
            return points
        square = size.repeatability_mm**2
        shift = bias - sum(b for b, _ in self.first) / len(self.first)
        reference = square * sum(1 / k for _, k in self.first) / len(self.first) ** 2
        average = self.average + WEIGHT * (shift - self.average)
        variance = (1 - WEIGHT) ** 2 * self.variance + WEIGHT**2 * square / n
        old = self.old * (1 - WEIGHT)
        drift_limit = z * math.sqrt(variance + reference * (1 - old) ** 2)
        points.append(ChartPoint(size.id, "shift", shift, z * math.sqrt(square / n + reference)))
        points.append(ChartPoint(size.id, "drift", average, drift_limit))
        self.latest = (self.first, average, variance, old)
        return points

    def keep(self) -> None:
        """Add the check that `points` was asked about last to the first checks or to the average."""
        self.first, self.average, self.variance, self.old = self.latest
