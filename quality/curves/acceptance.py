"""The operating characteristic: how probably a lot of a given quality is accepted, and what follows from it.

Binomial: samples of a process, p is the fraction nonconforming. Poisson: nonconformities, p is their mean
number per unit. Hypergeometric: one lot of `lot_size` units of which p * lot_size (a whole number) are
nonconforming. Inspection is taken to be perfect; `quality.inspection_error` says what follows if it is not.

Promised: the hypergeometric model is exact integer arithmetic, rounded once; the others are within 1e-12.
Source: Montgomery, Introduction to Statistical Quality Control, 8th ed., chapters 15.2 and 15.3.
"""

from __future__ import annotations

from math import comb
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from quality.curves.plans import (
    DoublePlan,
    Floats,
    Model,
    Plan,
    SinglePlan,
    checked_lot_size,
    checked_quality,
    nonconforming_in_lot,
)


class Stages(NamedTuple):
    """Probabilities, by level of quality: accepted on the first sample, on the second, and a second drawn."""

    first: Floats
    second: Floats
    continued: Floats


def acceptance_probability(
    plan: Plan, p: ArrayLike, *, model: Model = "binomial", lot_size: int | None = None
) -> Floats:
    """Return the probability of acceptance at each level of quality, in the shape of `p`.

    Raises:
        PlanError: p out of range (or, hypergeometric, no whole number of units), the model unknown or without
            its lot size, or a sample larger than the lot.
    """
    stages = _stages(plan, p, model, lot_size)
    return np.minimum(stages.first + stages.second, 1.0)


def average_sample_number(
    plan: Plan, p: ArrayLike, *, model: Model = "binomial", lot_size: int | None = None
) -> Floats:
    """Return the mean number of units inspected per lot, each drawn sample being inspected to its end.

    Raises:
        PlanError: as `acceptance_probability`.
    """
    stages = _stages(plan, p, model, lot_size)
    if isinstance(plan, SinglePlan):
        return np.full(stages.first.shape, float(plan.n))
    return plan.n[0] + plan.n[1] * stages.continued


def average_outgoing_quality(
    plan: Plan, p: ArrayLike, *, model: Model = "binomial", lot_size: int | None = None
) -> Floats:
    """Return the mean quality that leaves rectifying inspection, at each level of incoming quality.

    Rejected lots are inspected to the last unit and every nonconforming unit found is replaced by a good one.
    Without a lot size the sample is taken to be a vanishing part of the lot (factor 1 - n/N left out).

    Raises:
        PlanError: as `acceptance_probability`.
    """
    stages = _stages(plan, p, model, lot_size)
    sizes = (plan.n, plan.n) if isinstance(plan, SinglePlan) else (plan.n[0], plan.largest)
    first, second = (1.0 if lot_size is None else 1.0 - size / lot_size for size in sizes)
    return np.asarray(p, dtype=np.float64) * (stages.first * first + stages.second * second)


def _stages(plan: Plan, p: ArrayLike, model: Model, lot_size: int | None) -> Stages:
    size = checked_lot_size(plan, model, lot_size)
    levels = checked_quality(p, model)
    if model == "hypergeometric":
        assert size is not None
        return _exact_stages(plan, levels, size)
    if isinstance(plan, SinglePlan):
        return Stages(_at_most(plan.Ac, plan.n, levels, model), np.zeros_like(levels), np.zeros_like(levels))
    (n1, n2), (first, both) = plan.n, plan.Ac
    second, continued = np.zeros_like(levels), np.zeros_like(levels)
    for x in range(first + 1, min(plan.Re, n1 + 1) if model == "binomial" else plan.Re):
        found = _exactly(x, n1, levels, model)
        continued = continued + found
        second = second + found * _at_most(both - x, n2, levels, model)
    return Stages(_at_most(first, n1, levels, model), second, continued)


def _at_most(x: int, n: int, p: Floats, model: Model) -> Floats:
    from scipy import special  # noqa: PLC0415 (importing the room stays light)

    if model == "poisson":
        return special.pdtr(x, n * p)
    return special.bdtr(x, n, p) if x < n else np.ones_like(p)


def _exactly(x: int, n: int, p: Floats, model: Model) -> Floats:
    from scipy import special  # noqa: PLC0415 (importing the room stays light)

    if model == "poisson":
        return np.exp(special.xlogy(x, n * p) - n * p - special.gammaln(x + 1))
    ways = special.gammaln(n + 1) - special.gammaln(x + 1) - special.gammaln(n - x + 1)
    return np.exp(ways + special.xlogy(x, p) + special.xlog1py(n - x, -p))


def _exact_stages(plan: Plan, levels: Floats, lot_size: int) -> Stages:
    numbers = nonconforming_in_lot(levels, lot_size)
    rows = [exact_stages(plan, lot_size, int(number)) for number in numbers.flat]
    by_stage = np.array(rows, dtype=np.float64).reshape(*numbers.shape, 3)
    return Stages(by_stage[..., 0], by_stage[..., 1], by_stage[..., 2])


def exact_stages(plan: Plan, lot_size: int, nonconforming: int) -> tuple[float, float, float]:
    """Return `Stages` of one lot by counting its samples: integers, divided once at the end."""
    if isinstance(plan, SinglePlan):
        accepted = _samples(plan.n, plan.Ac, lot_size, nonconforming)
        return accepted / comb(lot_size, plan.n), 0.0, 0.0
    (n1, n2), (first, _) = plan.n, plan.Ac
    firsts, seconds = comb(lot_size, n1), comb(lot_size - n1, n2)
    accepted = _samples(n1, first, lot_size, nonconforming)
    later, continued = _exact_second(plan, lot_size, nonconforming)
    return accepted / firsts, later / (firsts * seconds), continued / firsts


def _exact_second(plan: DoublePlan, lot_size: int, nonconforming: int) -> tuple[int, int]:
    """Return the pairs of samples that accept at the second, and the first samples that call for one."""
    (n1, n2), (first, both) = plan.n, plan.Ac
    good = lot_size - nonconforming
    later = continued = 0
    for x in range(max(first + 1, n1 - good), min(plan.Re, nonconforming + 1, n1 + 1)):
        ways = comb(nonconforming, x) * comb(good, n1 - x)
        continued += ways
        later += ways * _samples(n2, both - x, lot_size - n1, nonconforming - x)
    return later, continued


def _samples(n: int, most: int, lot_size: int, nonconforming: int) -> int:
    """Return how many samples of n have at most `most` of the lot's nonconforming units."""
    good = lot_size - nonconforming
    x = max(0, n - good)
    ways, total = comb(nonconforming, x) * comb(good, n - x), 0
    while x <= most and ways:
        total += ways
        ways = ways * (nonconforming - x) * (n - x) // ((x + 1) * (good - n + x + 1))
        x += 1
    return total
