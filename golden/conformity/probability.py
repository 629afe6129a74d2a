"""How sure one measured value is: conformance probability and the measurement capability index."""

from __future__ import annotations

import math

from golden.errors import MeasurementError


def conformance_probability(
    value: float, standard_uncertainty: float, lower: float | None, upper: float | None
) -> float:
    """Return the probability that the true value lies within the limits (JCGM 106:2012, equation 6).

    The true value, given the measured one, is normal about it with the standard uncertainty. Limits are
    inclusive; without uncertainty the result is 0 or 1. Absolute error below 1e-15.

    Raises:
        MeasurementError: a number is not finite, the uncertainty is negative, both limits are absent or lower
            lies above upper.
    """
    check_numbers(value, standard_uncertainty, lower, upper)
    low = -math.inf if lower is None else lower
    high = math.inf if upper is None else upper
    if standard_uncertainty == 0:
        return float(low <= value <= high)
    z_low, z_high = (low - value) / standard_uncertainty, (high - value) / standard_uncertainty
    if z_low > 0:  # both in the upper tail: differences of small numbers keep their digits
        z_low, z_high = -z_high, -z_low
    return normal_cdf(z_high) - normal_cdf(z_low)


def measurement_capability_index(standard_uncertainty: float, lower: float, upper: float) -> float:
    """Return Cm = (upper - lower) / (4 u): tolerance over twice U at k = 2 (JCGM 106:2012, 7.6.3).

    Raises:
        MeasurementError: a number is not finite, u is not positive, or lower is not below upper.
    """
    if not (all(map(math.isfinite, (standard_uncertainty, lower, upper))) and standard_uncertainty > 0):
        raise MeasurementError(
            f"standard uncertainty {standard_uncertainty} must be positive, limits {lower}, {upper} finite"
        )
    if lower >= upper:
        raise MeasurementError(f"lower {lower} must lie below upper {upper}")
    return (upper - lower) / (4 * standard_uncertainty)


def normal_cdf(z: float) -> float:
    """Return the standard normal distribution function, exact to double precision in both tails."""
    return 0.5 * math.erfc(-z / math.sqrt(2))


def check_numbers(
    value: float, standard_uncertainty: float, lower: float | None, upper: float | None
) -> None:
    """Raise MeasurementError unless value, uncertainty and limits can be compared."""
    numbers = (value, standard_uncertainty, 0.0 if lower is None else lower, 0.0 if upper is None else upper)
    if not all(map(math.isfinite, numbers)):
        raise MeasurementError(f"value, standard uncertainty and limits {numbers} must be finite")
    if standard_uncertainty < 0:
        raise MeasurementError(f"standard uncertainty {standard_uncertainty} is negative")
    if lower is None and upper is None:
        raise MeasurementError("a decision needs a limit")
    if lower is not None and upper is not None and lower > upper:
        raise MeasurementError(f"lower {lower} lies above upper {upper}")
