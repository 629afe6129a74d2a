"""Decision rules: a measured value with uncertainty becomes conform, nonconform or undecided.

Sources: ISO 14253-1:2017, ILAC-G8:09/2019, JCGM 106:2012.
"""

from __future__ import annotations

import math
from typing import Literal

from golden.conformity.probability import check_numbers, conformance_probability
from golden.errors import MeasurementError
from golden.spec import DecisionRule

Decision = Literal["conform", "nonconform", "undecided"]
Disposition = Literal["accept", "accept_with_record", "hold", "reject"]

_ROUNDING = 1e-9  # 0.85 - 0.75 is a little less than 0.1: decimals that are equal count as equal


def decide(
    value: float, standard_uncertainty: float, lower: float | None, upper: float | None, rule: DecisionRule
) -> Decision:
    """Decide one value against its limits of size (inclusive).

    With T the interval between the limits and w the guard band, a value conforms inside T less w on each
    side, does not conform outside T plus w on each side, and is undecided between. Example: 10 +-0.1 mm
    with u = 0.0125 mm, k = 2, w = U = 0.025 mm: conforms in [9.925, 10.075], does not conform below 9.875
    or above 10.125. Where the rule asks for a capable measuring process, a value of one that is not
    capable is "undecided" instead of "conform" (see `capable`).

    Args:
        value: measured value, in the unit of the limits.
        standard_uncertainty: one standard deviation, same unit, not negative.
        lower: lower limit or None.
        upper: upper limit or None.
        rule: decision rule; w is `guard_factor * coverage_factor * standard_uncertainty`, and 0 under the
            simple rule.

    Returns:
        "conform", "nonconform" or "undecided". Under the simple rule "undecided" only where the measuring
        process is not capable. Where the guard band leaves no interval of acceptance, a value inside the
        limits is "undecided".

    Raises:
        MeasurementError: a number is not finite, the uncertainty is negative, both limits are absent, lower
            lies above upper, or the rule asks for a capable measuring process and there is no tolerance.
    """
    check_numbers(value, standard_uncertainty, lower, upper)
    able = capable(standard_uncertainty, lower, upper, rule)
    guard = 0.0
    if rule.rule == "guarded":
        guard = rule.guard_factor * rule.coverage_factor * standard_uncertainty
    low = -math.inf if lower is None else lower
    high = math.inf if upper is None else upper
    if low + guard <= value <= high - guard:
        return "conform" if able else "undecided"
    if value < low - guard or value > high + guard:
        return "nonconform"
    return "undecided"


def decide_asymmetric(
    value: float, low: float, high: float, lower: float | None, upper: float | None, rule: DecisionRule
) -> Decision:
    """Decide one value whose uncertainty reaches farther to one side, as a small colour difference's does.

    As `decide`, with the guard band `guard_factor * (high - value)` towards greater values and
    `guard_factor * (value - low)` towards smaller ones: a value conforms where what may lie above it stays
    below the upper limit and does not conform where what may lie below it stays above. U is half
    the width of the interval.

    Args:
        value: measured value, in the unit of the limits.
        low: lower bound of the expanded interval, one-sided at the probability Phi(coverage_factor).
        high: upper bound, likewise.
        lower: lower limit or None.
        upper: upper limit or None.
        rule: decision rule.

    Raises:
        MeasurementError: as `decide`, or the value does not lie in its interval.
    """
    check_numbers(value, 0.0, lower, upper)
    if not (math.isfinite(low) and math.isfinite(high) and low <= value <= high):
        raise MeasurementError(f"value {value} must lie in its finite interval {low} to {high}")
    able = capable((high - low) / 2 / rule.coverage_factor, lower, upper, rule)
    factor = rule.guard_factor if rule.rule == "guarded" else 0.0
    least, most = value - factor * (value - low), value + factor * (high - value)
    floor = -math.inf if lower is None else lower
    ceiling = math.inf if upper is None else upper
    if floor <= least and most <= ceiling:
        return "conform" if able else "undecided"
    if most < floor or least > ceiling:
        return "nonconform"
    return "undecided"


def decide_by_probability(
    value: float,
    standard_uncertainty: float,
    lower: float | None,
    upper: float | None,
    *,
    limit: float = 0.95,
) -> Decision:
    """Decide one value by its conformance probability (the default rule of ISO 14253-1:2017, clause 5).

    Conformity is proven where the probability of conformity reaches `limit` and nonconformity where that of
    nonconformity does, both inclusive. A guard band of 1.645 u gives the same at 95 % as long as u is small
    against the tolerance; this holds for every u.

    Raises:
        MeasurementError: as `decide`, or the limit does not lie in (0.5, 1).
    """
    if not 0.5 < limit < 1:
        raise MeasurementError(f"conformance probability limit {limit} must lie between 0.5 and 1")
    probability = conformance_probability(value, standard_uncertainty, lower, upper)
    if probability >= limit:
        return "conform"
    return "nonconform" if 1 - probability >= limit else "undecided"


def disposition(decision: Decision, proves: Literal["supplier", "buyer"]) -> Disposition:
    """Return what a decision means where that party must prove (ISO 14253-1:2017, clauses 5.2 to 5.4).

    The supplier proves conformity and the buyer proves nonconformity. What is undecided is therefore held
    where the supplier delivers (outgoing inspection), and accepted with a record where the buyer receives.
    """
    if decision == "conform":
        return "accept"
    if decision == "nonconform":
        return "reject"
    return "hold" if proves == "supplier" else "accept_with_record"


def capable(
    standard_uncertainty: float, lower: float | None, upper: float | None, rule: DecisionRule
) -> bool:
    """Return whether the rule lets a value of this uncertainty be accepted at all.

    True where U over the tolerance is at most `rule.largest_u_over_tolerance`, and where that is null.

    Raises:
        MeasurementError: as `u_over_tolerance`.
    """
    largest = rule.largest_u_over_tolerance
    if largest is None:
        return True
    ratio = u_over_tolerance(standard_uncertainty, lower, upper, rule)
    return ratio <= largest * (1 + _ROUNDING)


def u_over_tolerance(
    standard_uncertainty: float, lower: float | None, upper: float | None, rule: DecisionRule
) -> float:
    """Return U = k u over the tolerance, k the rule's coverage factor.

    Raises:
        MeasurementError: there is no tolerance, or the uncertainty is negative or not finite.
    """
    if not (math.isfinite(standard_uncertainty) and standard_uncertainty >= 0):
        raise MeasurementError(f"standard uncertainty {standard_uncertainty} must be finite, not negative")
    return rule.coverage_factor * standard_uncertainty / tolerance(lower, upper)


def tolerance(lower: float | None, upper: float | None) -> float:
    """Return the width between the limits; from zero where only the upper is given (ISO 22514-7).

    Raises:
        MeasurementError: only a lower limit is given, or the width is not positive.
    """
    if upper is None:
        raise MeasurementError("a lower limit alone leaves no tolerance: give an upper limit")
    width = upper - (0.0 if lower is None else lower)
    if not (math.isfinite(width) and width > 0):
        raise MeasurementError(f"limits {lower} and {upper} leave no tolerance above zero")
    return width
