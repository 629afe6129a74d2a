"""Who decides a colour: a camera a difference to the golden sample, an instrument an absolute colour."""

from __future__ import annotations

import math
from dataclasses import dataclass

from golden.characteristics import Colour, DecisionRule
from golden.colour_difference import LabValues, delta_e
from golden.colours import InstrumentReading
from golden.conformity.decisions import Decision, capable, decide, decide_asymmetric
from golden.conformity.probability import normal_cdf
from golden.errors import ReadingError

_MEDIAN = 1.5381722544550522  # of the distance that noise of one unit along three axes makes of nothing
_NEAR = 1e-3  # L*a*b*: nearer to its reference a colour has no direction
_STEP = 1e-4
_BISECTIONS = 60


@dataclass(frozen=True, slots=True)
class ReadingDecision:
    """What a reading says of a colour: Delta E, what is known of it, and the decision.

    `standard_uncertainty` and `interval` are in the characteristic's Delta E, None where the reading states
    no uncertainty. The interval's bounds are one-sided at Phi(coverage_factor).
    """

    value: float
    standard_uncertainty: float | None
    interval: tuple[float, float] | None
    decision: Decision


def decide_camera(colour: Colour, value: float, low: float, high: float) -> Decision:
    """Decide a colour that a camera has measured, from the bounds of its interval (see `decide_asymmetric`).

    A difference to the golden sample follows the characteristic's rule. An absolute colour is decided only
    where the whole interval lies on one side of the limit, whatever the rule: a simple one would take the
    camera's error for the part's. A value is freed of what noise adds: where U exceeds the whole tolerance,
    even 0 says nothing, and no value conforms by any rule.

    Raises:
        MeasurementError: as `decide_asymmetric`.
    """
    rule = colour.decision
    if colour.reference is not None:
        rule = rule.model_copy(update={"rule": "guarded", "guard_factor": max(rule.guard_factor, 1.0)})
    decision = decide_asymmetric(value, low, high, None, colour.upper, rule)
    return "undecided" if decision == "conform" and _lost_in_noise(colour, low, high) else decision


def camera_capable(colour: Colour, low: float, high: float) -> bool:
    """Return whether a camera's interval is narrow enough for the rule to let any value conform."""
    able = capable((high - low) / 2 / colour.decision.coverage_factor, None, colour.upper, colour.decision)
    return able and not _lost_in_noise(colour, low, high)


def _lost_in_noise(colour: Colour, low: float, high: float) -> bool:
    return (high - low) / 2 > colour.upper


def decide_reading(colour: Colour, reading: InstrumentReading) -> ReadingDecision:
    """Decide an absolute colour by an instrument's reading; Delta E follows from the L*a*b* that were read.

    The contract's value is the reference of the formula. A reading whose uncertainty nobody states may stand
    against a unit where the rule needs one, never for it. Numbers are rounded to what a record holds.

    Raises:
        ReadingError: the characteristic has no reference, or the reading was not made under its conditions.
    """
    reference = colour.reference
    if reference is None:
        raise ReadingError(
            f"{colour.id}: a difference to the golden sample, which the station measures; a reading decides "
            "only a colour that has a reference"
        )
    unmet = reference.conditions.unmet_by(reading.conditions)
    if unmet:
        raise ReadingError(
            f"{colour.id}: the reading does not hold under the agreed conditions ({'; '.join(unmet)}): "
            "measure again as agreed"
        )
    value = round(delta_e(reference.lab, reading.lab, colour.formula), 6)
    if reading.u is None:
        decision = decide(value, 0.0, None, colour.upper, colour.decision)
        if colour.decision.needs_uncertainty and decision == "conform":
            decision = "undecided"
        return ReadingDecision(value, None, None, decision)
    u = math.hypot(reading.u, reference.u) * _steepness(colour, reference.lab, reading.lab)
    low, high = (round(bound, 6) for bound in difference_interval(value, u, colour.decision))
    low, high = min(low, value), max(high, value)
    decision = decide_asymmetric(value, low, high, None, colour.upper, colour.decision)
    return ReadingDecision(value, round(u, 7), (low, high), decision)


def difference_interval(value: float, u: float, rule: DecisionRule) -> tuple[float, float]:
    """Return the bounds of a true colour difference, each one-sided at Phi(coverage_factor).

    The difference is the length of a vector of three components, each with the standard uncertainty `u`: it
    follows a non-central chi distribution of three degrees of freedom, and the bounds are the true lengths
    for which a reading as long as this one, or as short, would be just that rare. Of a reading shorter than
    noise alone makes half of all readings, the upper bound is that of the median: nearer is not better known
    (power-constrained limits, Cowan, Cranmer, Gross and Vitells 2011, arXiv:1105.3166).

    Args:
        value: Delta E that was read, not negative.
        u: standard uncertainty of each component, in Delta E.
        rule: gives the coverage factor.
    """
    if u == 0:
        return value, value
    length, tail = value / u, normal_cdf(-rule.coverage_factor)
    longer = max(length, _MEDIAN)
    low = 0.0 if _shorter(length, 0.0) <= 1 - tail else _solve(length, 1 - tail, 0.0, length)
    return low * u, _solve(longer, tail, longer, longer + rule.coverage_factor + 1) * u


def _solve(length: float, probability: float, low: float, high: float) -> float:
    """Return the true length for which a reading is at most `length` with that probability."""
    for _ in range(_BISECTIONS):
        middle = (low + high) / 2
        low, high = (middle, high) if _shorter(length, middle) > probability else (low, middle)
    return (low + high) / 2


def _shorter(length: float, true: float) -> float:
    """Return the probability that three-dimensional noise of unit variance leaves `true` at most `length`."""
    if true < 1e-6:
        return 2 * normal_cdf(length) - 1 - 2 * length * _density(length)
    wings = (_density(length - true) - _density(length + true)) / true
    return normal_cdf(length - true) - normal_cdf(-length - true) - wings


def _density(z: float) -> float:
    return math.exp(-z * z / 2) / math.sqrt(2 * math.pi)


def _steepness(colour: Colour, reference: LabValues, sample: LabValues) -> float:
    """Return how many Delta E one unit of L*a*b* is, along the direction in which the sample differs.

    Where the two are equal, along the steepest axis.
    """
    near = math.dist(reference, sample) < _NEAR

    def moved(axis: int, by: float) -> float:
        start = reference if near else sample
        lab = [v + by * (i == axis) for i, v in enumerate(start)]
        return delta_e(reference, (lab[0], lab[1], lab[2]), colour.formula)

    if near:
        return max(moved(axis, _STEP) / _STEP for axis in range(3))
    return math.hypot(*((moved(axis, _STEP) - moved(axis, -_STEP)) / (2 * _STEP) for axis in range(3)))
