"""Plans from what they must do: two points of the curve, zero acceptance, limiting quality of one lot."""

from __future__ import annotations

from bisect import bisect_left
from dataclasses import dataclass
from math import ceil
from typing import ClassVar, NamedTuple

from quality.curves.acceptance import acceptance_probability
from quality.curves.plans import Model, SinglePlan, checked_quality, checked_risk
from quality.errors import PlanError

MOST_UNITS = 1_000_000


class CurvePoint(NamedTuple):
    """A quality and its probability of acceptance: at least that much (producer) or at most (consumer)."""

    p: float
    Pa: float


@dataclass(frozen=True, slots=True)
class IsolatedLotPlan:
    """A plan for one isolated lot, and the exact probability with which it accepts at the limiting quality.

    `nonconforming` is the smallest number of units that makes the lot as bad as `limiting_quality`.
    """

    basis: ClassVar[str] = (
        "computed from limiting quality and consumer's risk for this lot size by the exact hypergeometric "
        "distribution; not copied from the tables of ISO 2859-2"
    )

    lot_size: int
    limiting_quality: float
    consumer_risk: float
    nonconforming: int
    n: int
    Ac: int
    Re: int
    probability_at_limit: float
    hundred_percent: bool


def find_single_plan(
    producer: CurvePoint, consumer: CurvePoint, *, model: Model = "binomial", lot_size: int | None = None
) -> SinglePlan:
    """Return the plan with the smallest n (and of these the smallest Ac) that meets both points.

    Lots of quality `producer.p` are accepted with at least `producer.Pa`, those of `consumer.p` with at most
    `consumer.Pa`. With n - 1 units no acceptance number meets both.

    Raises:
        PlanError: a point that cannot be, producer's and consumer's points the wrong way round, no plan in
            the lot, or none with at most a million units.
    """
    check_points(producer, consumer, model)
    most = MOST_UNITS if lot_size is None else lot_size
    n = 1
    for Ac in range(MOST_UNITS):
        least = n if model == "poisson" else max(n, Ac + 1)
        found = _smallest_sample(Ac, consumer, model, lot_size, at_least=least, most=most)
        if found is None:
            break
        n = found
        plan = SinglePlan(n, Ac)
        if _accepts(plan, producer.p, model, lot_size) >= producer.Pa:
            return plan
    raise PlanError(
        f"no single plan with n <= {most} accepts p = {producer.p} with at least {producer.Pa} and "
        f"p = {consumer.p} with at most {consumer.Pa} ({model}); take points further apart"
    )


def zero_acceptance_size(p: float, consumer_risk: float, *, lot_size: int | None = None) -> int:
    """Return the smallest n of which a sample without nonconforming units has at most `consumer_risk`.

    With a lot size it is exact for that lot (hypergeometric, p * lot_size whole), else for a process.

    Raises:
        PlanError: p is not above 0, no risk between 0 and 1, p is no whole number of units, or n would be
            above a million.
    """
    model: Model = "binomial" if lot_size is None else "hypergeometric"
    checked_quality(p, model)
    point = CurvePoint(p, checked_risk("consumer_risk", consumer_risk))
    most = MOST_UNITS if lot_size is None else lot_size
    n = _smallest_sample(0, point, model, lot_size, at_least=1, most=most) if p > 0 else None
    if n is None:
        raise PlanError(f"no sample of at most {most} units finds p = {p} with a risk of {consumer_risk}")
    return n


def isolated_lot_plan(
    lot_size: int, limiting_quality: float, consumer_risk: float = 0.10, Ac: int = 0
) -> IsolatedLotPlan:
    """Return the smallest sample of an isolated lot that accepts limiting quality with at most that risk.

    Computed, not copied from ISO 2859-2: its tables round to preferred numbers, so their n may differ.

    Args:
        lot_size: units of the lot, at least 1.
        limiting_quality: fraction nonconforming that is to be accepted rarely, above 0 and at most 1.
        consumer_risk: the largest probability of accepting such a lot.
        Ac: acceptance number; 0 for critical classes.

    Raises:
        PlanError: the numbers cannot be, or a lot at limiting quality has no more than Ac nonconforming
            units, so that even inspecting all of it accepts.
    """
    if lot_size < 1:
        raise PlanError(f"lot size {lot_size} is not a lot: it has no units")
    if not 0 < limiting_quality <= 1:
        raise PlanError(f"limiting quality {limiting_quality} is no fraction above 0 and at most 1")
    checked_risk("consumer_risk", consumer_risk)
    nonconforming = ceil(lot_size * limiting_quality - 1e-9)
    if not 0 <= Ac < nonconforming:
        raise PlanError(
            f"Ac = {Ac}: a lot of {lot_size} at limiting quality {limiting_quality} has {nonconforming} "
            "nonconforming units; the acceptance number must be at least 0 and below that"
        )
    point = CurvePoint(nonconforming / lot_size, consumer_risk)
    n = _smallest_sample(Ac, point, "hypergeometric", lot_size, at_least=Ac + 1, most=lot_size)
    assert n is not None  # n = lot_size finds more than Ac with certainty
    return IsolatedLotPlan(
        lot_size=lot_size,
        limiting_quality=limiting_quality,
        consumer_risk=consumer_risk,
        nonconforming=nonconforming,
        n=n,
        Ac=Ac,
        Re=Ac + 1,
        probability_at_limit=_accepts(SinglePlan(n, Ac), point.p, "hypergeometric", lot_size),
        hundred_percent=n == lot_size,
    )


def _smallest_sample(
    Ac: int, point: CurvePoint, model: Model, lot_size: int | None, *, at_least: int, most: int
) -> int | None:
    """Return the smallest n, from `at_least` to `most`, that accepts the point with at most its Pa."""

    def refuses(n: int) -> bool:
        return _accepts(SinglePlan(n, Ac), point.p, model, lot_size) <= point.Pa

    step, low = 1, at_least
    while (high := min(low + step, most)) < most and not refuses(high):
        low, step = high, 2 * step
    n = low + bisect_left(range(low, high + 1), True, key=refuses)
    return n if n <= high else None


def _accepts(plan: SinglePlan, p: float, model: Model, lot_size: int | None) -> float:
    return float(acceptance_probability(plan, p, model=model, lot_size=lot_size))


def check_points(producer: CurvePoint, consumer: CurvePoint, model: Model) -> None:
    """Raise PlanError unless both points can be and the producer's is the better one."""
    checked_quality([producer.p, consumer.p], model)
    checked_risk("producer.Pa", producer.Pa)
    checked_risk("consumer.Pa", consumer.Pa)
    if not producer.p < consumer.p or not producer.Pa > consumer.Pa:
        raise PlanError(
            f"producer's point {tuple(producer)} must have the better quality and the higher probability of "
            f"acceptance than consumer's point {tuple(consumer)}"
        )
