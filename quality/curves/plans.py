"""The plans whose curves are computed, and what a curve may be asked for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from quality.errors import PlanError

Model = Literal["binomial", "poisson", "hypergeometric"]
Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class SinglePlan:
    """Inspect `n`, accept at `Ac` or fewer.

    Where nonconformities are counted (Poisson) a sample may hold more of them than units, so that Ac may
    reach n and more; with the other models a curve needs Ac < n. Where a plan leaves a gap between Ac and
    Re (ANSI/ASQ Z1.4 reduced inspection accepts such a lot), give Re - 1 as `Ac`: it is the lot's
    acceptance that the curve is about.

    Raises:
        PlanError: n is below 1, or Ac below 0.
    """

    n: int
    Ac: int

    def __post_init__(self) -> None:
        if self.n < 1 or self.Ac < 0:
            raise PlanError(f"n = {self.n}, Ac = {self.Ac} is no plan: n >= 1, Ac >= 0")

    @property
    def largest(self) -> int:
        """Return the most units that may be inspected."""
        return self.n

    @property
    def counts_units(self) -> bool:
        """Return whether so many nonconforming units can be found that the plan rejects."""
        return self.Ac < self.n


@dataclass(frozen=True, slots=True)
class DoublePlan:
    """Inspect `n[0]`: accept at `Ac[0]` or fewer, reject at `Re` or more, else inspect `n[1]` more.

    Both samples together are accepted at `Ac[1]` or fewer. As with `SinglePlan`, acceptance numbers may
    reach the sample sizes in the Poisson model only.

    Raises:
        PlanError: a sample without units, or numbers that do not follow 0 <= Ac[0] < Re <= Ac[1] + 1.
    """

    n: tuple[int, int]
    Ac: tuple[int, int]
    Re: int

    def __post_init__(self) -> None:
        (n1, n2), (first, both) = self.n, self.Ac
        if min(n1, n2) < 1 or not 0 <= first < self.Re <= both + 1:
            raise PlanError(
                f"n = {self.n}, Ac = {self.Ac}, Re = {self.Re} is no double plan: n >= 1, "
                "0 <= Ac[0] < Re <= Ac[1] + 1"
            )

    @property
    def largest(self) -> int:
        """Return the most units that may be inspected."""
        return sum(self.n)

    @property
    def counts_units(self) -> bool:
        """Return whether each sample can hold so many nonconforming units that the plan rejects."""
        return self.Ac[0] < self.n[0] and self.Ac[1] < self.largest


Plan = SinglePlan | DoublePlan


def checked_lot_size(plan: Plan, model: Model, lot_size: int | None) -> int | None:
    """Return the lot size.

    Raises:
        PlanError: the model is unknown, needs a lot size or does not count nonconformities as the plan does,
            or the sample exceeds the lot.
    """
    if model not in {"binomial", "poisson", "hypergeometric"}:
        raise PlanError(f"model {model!r} is not one of binomial, poisson, hypergeometric")
    if model != "poisson" and not plan.counts_units:
        raise PlanError(
            f"n = {plan.n}, Ac = {plan.Ac} counts nonconformities, as a sample may hold more than its units; "
            f"take model poisson: the {model} model counts units and needs Ac < n"
        )
    if lot_size is None and model == "hypergeometric":
        raise PlanError("the hypergeometric model is about one lot: give lot_size")
    if lot_size is not None and lot_size < plan.largest:
        raise PlanError(f"a lot of {lot_size} has fewer units than the sample of {plan.largest}")
    return lot_size


def checked_quality(p: ArrayLike, model: Model) -> Floats:
    """Return levels of quality as an array; raise PlanError for one that cannot be."""
    levels = np.asarray(p, dtype=np.float64)
    top = np.inf if model == "poisson" else 1.0
    bad = ~(np.isfinite(levels) & (levels >= 0) & (levels <= top))
    if bad.any():
        what = "nonconformities per unit" if model == "poisson" else "fraction nonconforming"
        limits = "at least 0" if model == "poisson" else "within 0 ... 1"
        raise PlanError(f"p = {levels[bad].flat[0]} is no {what}: give a number {limits}")
    return levels


def checked_risk(name: str, value: float) -> float:
    """Return a probability; raise PlanError unless it is strictly between 0 and 1."""
    if not 0.0 < value < 1.0:
        raise PlanError(f"{name} = {value} is no risk: give a probability between 0 and 1, both excluded")
    return value


def nonconforming_in_lot(p: Floats, lot_size: int) -> NDArray[np.int64]:
    """Return the whole numbers of nonconforming units of a lot; raise PlanError where p makes none."""
    counts = p * lot_size
    whole = np.rint(counts)
    off = np.abs(counts - whole) > 1e-6
    if off.any():
        count = float(counts[off].flat[0])
        raise PlanError(
            f"p = {p[off].flat[0]} is {count:.6g} nonconforming units of {lot_size}, no whole number; "
            f"the nearest are {int(count)}/{lot_size} and {int(count) + 1}/{lot_size}"
        )
    return whole.astype(np.int64)
