"""Decision rules: a measured value with uncertainty becomes conform, nonconform or undecided.

Sources: ISO 14253-1:2017 (clauses 5.2 and 5.3), ILAC-G8:09/2019, JCGM 106:2012.
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

    Args:
        value: measured value, in the unit of the limits.
        standard_uncertainty: one standard deviation, same unit, not negative.
        lower: lower limit or None.
        upper: upper limit or None.
        rule: decision rule; the guard band is `guard_factor * coverage_factor * standard_uncertainty`.

    Returns:
        "conform", "nonconform" or "undecided". Under the simple rule never "undecided". Where the guard
        band leaves no interval of acceptance, a value inside the limits is "undecided".

    Raises:
        ValueError: a number is not finite, the uncertainty is negative, or both limits are absent.
    """
    if not (math.isfinite(value) and math.isfinite(standard_uncertainty)):
        raise ValueError(f"value {value} and standard uncertainty {standard_uncertainty} must be finite")
    if standard_uncertainty < 0:
        raise ValueError(f"standard uncertainty {standard_uncertainty} is negative")
    if lower is None and upper is None:
        raise ValueError("a decision needs a limit")
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
