"""Links between a linear predictor and the probability of detection, and their concave log-likelihoods."""

from __future__ import annotations

import math
from typing import Literal

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Link = Literal["logit", "probit"]
_HALF_LOG_2PI = 0.5 * math.log(2 * math.pi)


def predictor_at(link: Link, probability: float) -> float:
    """Return the linear predictor at which the probability of detection is `probability`, within (0, 1)."""
    from scipy.special import logit, ndtri  # noqa: PLC0415 (scipy loads slowly)

    return float(logit(probability) if link == "logit" else ndtri(probability))


def probability_at(link: Link, predictor: Floats) -> Floats:
    """Return the probability of detection at linear predictors."""
    from scipy.special import expit, ndtr  # noqa: PLC0415 (scipy loads slowly)

    return np.asarray(expit(predictor) if link == "logit" else ndtr(predictor), np.float64)


def log_probability(link: Link, u: Floats) -> tuple[Floats, Floats, Floats]:
    """Return the log of the probability at `u`, and its first and second derivative; exact in both tails."""
    from scipy.special import expit, log_expit, log_ndtr  # noqa: PLC0415 (scipy loads slowly)

    if link == "logit":
        rest = np.asarray(expit(-u), np.float64)
        return np.asarray(log_expit(u), np.float64), rest, -rest * (1 - rest)
    value = np.asarray(log_ndtr(u), np.float64)
    ratio = np.exp(-0.5 * u * u - _HALF_LOG_2PI - value)  # the inverse Mills ratio
    return value, ratio, -ratio * (u + ratio)


def expected_weight(link: Link, predictor: Floats) -> Floats:
    """Return each trial's expected (Fisher) information about its linear predictor."""
    # p' = p * slope and -(1 - p)' = (1 - p) * other, so that p'^2 / (p (1 - p)) is their product
    _, slope, _ = log_probability(link, predictor)
    _, other, _ = log_probability(link, -predictor)
    return slope * other
