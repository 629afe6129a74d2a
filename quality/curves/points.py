"""Points of a curve: producer's and consumer's, indifference, AOQL; and the curve as a table."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from quality.curves.acceptance import (
    acceptance_probability,
    average_outgoing_quality,
    average_sample_number,
    exact_stages,
)
from quality.curves.plans import Floats, Model, Plan, checked_lot_size, checked_risk

TABLE_PROBABILITIES = (0.99, 0.95, 0.90, 0.75, 0.50, 0.25, 0.10, 0.05, 0.01)


class RiskPoints(NamedTuple):
    """Levels of quality accepted with 95 % (producer), 50 % (indifference) and 10 % (consumer)."""

    p95: float
    p50: float
    p10: float


class OcPoint(NamedTuple):
    """A row of an OC table: quality, probability of acceptance, mean outgoing quality and sample number."""

    p: float
    Pa: float
    AOQ: float
    ASN: float


class OutgoingLimit(NamedTuple):
    """The worst mean outgoing quality and the incoming quality that makes it."""

    AOQL: float
    p: float


def producer_point(
    plan: Plan, Pa: float = 0.95, *, model: Model = "binomial", lot_size: int | None = None
) -> float:
    """Return the worst quality that is still accepted with at least probability `Pa`; within 1e-12.

    Raises:
        PlanError: Pa is no probability, or as `acceptance_probability`.
    """
    return _crossing(plan, checked_risk("Pa", Pa), model, lot_size, side="producer")


def consumer_point(
    plan: Plan, Pa: float = 0.10, *, model: Model = "binomial", lot_size: int | None = None
) -> float:
    """Return the best quality that is accepted with at most probability `Pa`; within 1e-12.

    It differs from `producer_point` of the same Pa in the hypergeometric model only, where p goes in steps.

    Raises:
        PlanError: Pa is no probability, or as `acceptance_probability`.
    """
    return _crossing(plan, checked_risk("Pa", Pa), model, lot_size, side="consumer")


def risk_points(plan: Plan, *, model: Model = "binomial", lot_size: int | None = None) -> RiskPoints:
    """Return the 95, 50 and 10 % points of a plan; raises as `consumer_point`."""
    return RiskPoints(
        producer_point(plan, 0.95, model=model, lot_size=lot_size),
        consumer_point(plan, 0.50, model=model, lot_size=lot_size),
        consumer_point(plan, 0.10, model=model, lot_size=lot_size),
    )


def oc_table(
    plan: Plan,
    probabilities: Sequence[float] = TABLE_PROBABILITIES,
    *,
    model: Model = "binomial",
    lot_size: int | None = None,
) -> tuple[OcPoint, ...]:
    """Return the curve at the quality of each probability of acceptance, as standards tabulate it.

    In the hypergeometric model a row holds the best lot accepted with at most that probability, and its
    own probability.

    Raises:
        PlanError: a probability is not between 0 and 1, or as `acceptance_probability`.
    """
    wanted = np.array([checked_risk("Pa", value) for value in probabilities])
    checked_lot_size(plan, model, lot_size)
    if model == "hypergeometric":
        p = np.array([_crossing(plan, Pa, model, lot_size, side="consumer") for Pa in wanted])
    else:
        p = _solve(plan, wanted, model)
    columns = (
        curve(plan, p, model=model, lot_size=lot_size)
        for curve in (acceptance_probability, average_outgoing_quality, average_sample_number)
    )
    return tuple(OcPoint(*map(float, row)) for row in zip(p, *columns, strict=True))


def average_outgoing_quality_limit(
    plan: Plan, *, model: Model = "binomial", lot_size: int | None = None
) -> OutgoingLimit:
    """Return the maximum of the AOQ curve and where it lies.

    AOQL is within 1e-12, p within 1e-6 of itself (the curve is flat there); hypergeometric: exact.

    Raises:
        PlanError: as `acceptance_probability`.
    """
    low, high = 0.0, _crossing(plan, 1e-4, model, lot_size, side="consumer")
    while True:
        p = np.linspace(low, high, 257)
        if model == "hypergeometric":
            assert lot_size is not None
            p = np.unique(np.rint(p * lot_size)) / lot_size
        aoq = average_outgoing_quality(plan, p, model=model, lot_size=lot_size)
        best = int(np.argmax(aoq))
        narrower = float(p[max(best - 1, 0)]), float(p[min(best + 1, len(p) - 1)])
        if p.size < 257 or narrower[1] - narrower[0] < 1e-8 * narrower[1]:
            return OutgoingLimit(float(aoq[best]), float(p[best]))
        low, high = narrower


def _crossing(plan: Plan, Pa: float, model: Model, lot_size: int | None, *, side: str) -> float:
    checked_lot_size(plan, model, lot_size)
    if model != "hypergeometric":
        return float(_solve(plan, np.array([Pa]), model)[0])
    assert lot_size is not None
    lot = lot_size

    def beyond(number: int) -> bool:
        first, second, _ = exact_stages(plan, lot, number)
        return first + second < Pa or (side == "consumer" and first + second == Pa)

    numbers = range(lot + 1)
    place = bisect_left(numbers, True, key=beyond)
    return (place if side == "consumer" else place - 1) / lot


def _solve(plan: Plan, Pa: Floats, model: Model) -> Floats:
    """Return where the falling curve has the probabilities `Pa`, by halving an interval for all at once."""
    low, high = np.zeros_like(Pa), np.ones_like(Pa)
    if model == "poisson":
        while (accepts := acceptance_probability(plan, high, model=model) > Pa).any():
            high = np.where(accepts, 2 * high, high)
    for _ in range(64):
        middle = (low + high) / 2
        above = acceptance_probability(plan, middle, model=model) > Pa
        low, high = np.where(above, middle, low), np.where(above, high, middle)
    return high
