"""Decision rules: a measured value with uncertainty becomes conform, nonconform or undecided.

Sources: ISO 14253-1:2017, ILAC-G8:09/2019, JCGM 106:2012.
"""

from __future__ import annotations

import math
from typing import Literal

from golden.spec import DecisionRule

Decision = Literal["conform", "nonconform", "undecided"]


def decide(
    value: float, standard_uncertainty: float, lower: float | None, upper: float | None, rule: DecisionRule
) -> Decision:
    """Decide one value against its limits of size (inclusive).

    With T the interval between the limits and w the guard band, a value conforms inside T less w on each
    side, does not conform outside T plus w on each side, and is undecided between. Example: 10 +-0.1 mm
    with u = 0.0125 mm, k = 2, w = U = 0.025 mm: conforms in [9.925, 10.075], does not conform below 9.875
    or above 10.125.

    Args:
        value: measured value, in the unit of the limits.
        standard_uncertainty: one standard deviation, same unit, not negative.
        lower: lower limit or None.
        upper: upper limit or None.
        rule: decision rule; w is `guard_factor * coverage_factor * standard_uncertainty`, and 0 under the
            simple rule.

    Returns:
        "conform", "nonconform" or "undecided". Under the simple rule never "undecided". Where the guard
        band leaves no interval of acceptance, a value inside the limits is "undecided".

    Raises:
        ValueError: a number is not finite, the uncertainty is negative, both limits are absent, or lower
            lies above upper.
    """
    numbers = (value, standard_uncertainty, 0.0 if lower is None else lower, 0.0 if upper is None else upper)
    if not all(map(math.isfinite, numbers)):
        raise ValueError(f"value, standard uncertainty and limits {numbers} must be finite")
    if standard_uncertainty < 0:
        raise ValueError(f"standard uncertainty {standard_uncertainty} is negative")
    if lower is None and upper is None:
        raise ValueError("a decision needs a limit")
    if lower is not None and upper is not None and lower > upper:
        raise ValueError(f"lower {lower} lies above upper {upper}")
    guard = 0.0
    if rule.rule == "guarded":
        guard = rule.guard_factor * rule.coverage_factor * standard_uncertainty
    low = -math.inf if lower is None else lower
    high = math.inf if upper is None else upper
    if low + guard <= value <= high - guard:
        return "conform"
    if value < low - guard or value > high + guard:
        return "nonconform"
    return "undecided"
