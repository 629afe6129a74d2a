"""Guard bands: how far inside a limit to accept, for a stated risk or a test uncertainty ratio (TUR).

TUR is the tolerance's half width over the expanded uncertainty U at k = 2 (ANSI/NCSL Z540.3). A factor of
this module times the half width is the acceptance limit's distance from the middle.
"""

from __future__ import annotations

import math
from statistics import NormalDist

from golden.conformity.probability import normal_cdf
from golden.errors import MeasurementError

_BISECTIONS = 100


def guard_band_for_risk(
    standard_uncertainty: float, largest_risk: float, tolerance: float | None = None
) -> float:
    """Return the guard band at whose edge an accepted item is nonconforming with just the stated risk.

    This is the specific consumer's risk of JCGM 106:2012, 8.3.3: with one limit g = z(1 - risk) u. With two,
    `tolerance` apart, what lies beyond the other limit counts too, and g is a little larger. Absolute error
    below 1e-12 u.

    Args:
        standard_uncertainty: positive, in the unit of the tolerance.
        largest_risk: in (0, 0.5).
        tolerance: width between two limits, or None where there is one limit.

    Raises:
        MeasurementError: an argument is outside its range, or nothing between the limits is sure enough.
    """
    u = standard_uncertainty
    if not (math.isfinite(u) and u > 0):
        raise MeasurementError(f"standard uncertainty {u} must be positive and finite")
    if not 0 < largest_risk < 0.5:
        raise MeasurementError(f"largest risk {largest_risk} must lie between 0 and 0.5")
    if tolerance is None:
        return u * -NormalDist().inv_cdf(largest_risk)
    if not (math.isfinite(tolerance) and tolerance > 0):
        raise MeasurementError(f"tolerance {tolerance} must be positive and finite")

    def risk(guard: float) -> float:
        return normal_cdf(-guard / u) + normal_cdf((guard - tolerance) / u)

    low, high = 0.0, tolerance / 2
    if risk(high) > largest_risk:
        raise MeasurementError(
            f"with u = {u:g} even a value in the middle of a tolerance of {tolerance:g} is nonconforming "
            f"with probability {risk(high):.3g}, above {largest_risk:g}: measure with less uncertainty"
        )
    for _ in range(_BISECTIONS):
        middle = (low + high) / 2
        low, high = (middle, high) if risk(middle) > largest_risk else (low, middle)
    return high


def rss_factor(tur: float) -> float:
    """Return sqrt(1 - 1 / TUR^2), acceptance limits by root sum of squares; 0 at a TUR of 1.

    Raises:
        MeasurementError: TUR is below 1 or not finite.
    """
    return math.sqrt(1 - 1 / _at_least_one(tur) ** 2)


def dobbert_factor(tur: float) -> float:
    """Return 1 - M / TUR with M = 1.04 - exp(0.38 ln TUR - 0.54), at most 1.

    Method 6 of ANSI/NCSL Z540.3's handbook (Dobbert, NCSLI 2008): a false accept risk of at most 2 % whatever
    the process. From a TUR of about 4.6 no guard band is needed and the factor is 1.

    Raises:
        MeasurementError: TUR is below 1 or not finite.
    """
    m = 1.04 - math.exp(0.38 * math.log(_at_least_one(tur)) - 0.54)
    return min(1.0, 1 - m / tur)


def test95_factor(tur: float) -> float:
    """Return 1 - 1 / TUR: a guard band of U on each side, whatever the TUR.

    Raises:
        MeasurementError: TUR is below 1 or not finite.
    """
    return 1 - 1 / _at_least_one(tur)


def _at_least_one(tur: float) -> float:
    if not (math.isfinite(tur) and tur >= 1):
        raise MeasurementError(
            f"test uncertainty ratio {tur} must be at least 1: U is wider than the tolerance"
        )
    return tur
