"""False calls: how often an inspection reports a defect where there is none."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from quality.errors import StudyError
from quality.pod.hit_miss import Scale, scaled
from quality.pod.links import predictor_at, probability_at
from quality.proportions import Proportion, check_probability, clopper_pearson, upper_bound


@dataclass(frozen=True, slots=True)
class FalseCalls:
    """What an inspection reported on units without any defect.

    Attributes:
        units: inspected.
        calls: reported on all of them together.
        rate: calls per unit.
        lower: exact Poisson bound of the rate (Garwood, Biometrika 28 (1936) 437, doi:10.2307/2333958).
        upper: the other bound of the two-sided interval.
        stopped: units with at least one call, with the interval of their share (Clopper and Pearson).
        stopped_upper: one-sided upper bound of that share.
        confidence: of both intervals and the bound.
        clustered: p-value of calls that come alone; where it is small they come together, and the Poisson
            interval is too narrow. Null where no unit has two and nothing can be said.
    """

    units: int
    calls: int
    rate: float
    lower: float
    upper: float
    stopped: Proportion
    stopped_upper: float
    confidence: float
    clustered: float | None


def false_calls(calls: Sequence[int], confidence: float = 0.95) -> FalseCalls:
    """Return the false-call rate of units without any defect.

    Args:
        calls: of each unit, 0 or more.
        confidence: of the intervals.

    Raises:
        StudyError: no units, or a count below 0.
        ProportionError: a confidence outside (0, 1).
    """
    from scipy.special import chdtrc, gammaincinv  # noqa: PLC0415 (scipy loads slowly)

    if not calls or min(calls) < 0:
        raise StudyError("false calls: give the count, 0 or more, of at least one unit without a defect")
    tail = (1 - check_probability("confidence", confidence)) / 2
    n, total = len(calls), sum(calls)
    counts = np.asarray(calls, np.float64)
    dispersion = float(((counts - counts.mean()) ** 2).sum()) / max(total / n, 1e-300)
    stopped = int((counts > 0).sum())
    return FalseCalls(
        units=n,
        calls=total,
        rate=total / n,
        lower=0.0 if total == 0 else float(gammaincinv(total, tail)) / n,
        upper=float(gammaincinv(total + 1, 1 - tail)) / n,
        stopped=clopper_pearson(stopped, n, confidence),
        stopped_upper=upper_bound(stopped, n, confidence),
        confidence=confidence,
        clustered=float(chdtrc(n - 1, dispersion)) if n > 1 and max(calls) > 1 else None,
    )


@dataclass(frozen=True, slots=True)
class NoiseFit:
    """Answers where there is no defect, normal in f(a-hat): the probability of a false call by threshold."""

    response_scale: Scale
    mean: float
    deviation: float
    readings: int

    def false_call_probability(self, threshold: float) -> float:
        """Return the probability that one reading exceeds the threshold.

        Raises:
            StudyError: the threshold is no answer of this scale.
        """
        at = (self.mean - scaled(threshold, self.response_scale)) / self.deviation
        return float(probability_at("probit", at)[0])

    def threshold_for(self, probability: float) -> float:
        """Return the threshold that is exceeded with this probability.

        Raises:
            ProportionError: the probability is not within (0, 1).
        """
        check_probability("probability", probability)
        at = self.mean - self.deviation * predictor_at("probit", probability)
        return float(np.exp(at)) if self.response_scale == "log" else at


def fit_noise(responses: ArrayLike, response_scale: Scale = "log") -> NoiseFit:
    """Fit the answers of places without a defect (MIL-HDBK-1823A, false-call analysis).

    Raises:
        StudyError: fewer than 8 readings, all alike, or broken numbers.
    """
    y = scaled(responses, response_scale)
    if len(y) < 8 or float(y.std()) == 0:
        raise StudyError(f"{len(y)} readings of noise: at least 8 are needed, not all alike")
    return NoiseFit(response_scale, float(y.mean()), float(y.std(ddof=1)), len(y))
