"""What later lots must show before a corrective action counts as effective: fixed beforehand."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from evidence.inspection import Name, Timestamp
from golden.regions import Closed
from quality.corrective.effectiveness import fisher_p_value, pass_probability, sample_size
from quality.proportions import upper_bound

# As far as the statistics below are exact; nobody inspects more.
Fraction = Annotated[float, Field(ge=1e-9, lt=1)]
Units = Annotated[int, Field(ge=1, le=1_000_000_000)]
Outcome = Literal["effective", "not_effective"]


class Counts(Closed):
    """Units that did not conform by this cause, of those inspected for it."""

    nonconforming: Annotated[int, Field(ge=0)]
    inspected: Units

    @model_validator(mode="after")
    def _not_more(self) -> Self:
        if self.nonconforming > self.inspected:
            raise ValueError(f"{self.nonconforming} nonconforming of {self.inspected} inspected units")
        return self


class Criterion(Closed):
    """The action is effective when `lots` later lots with `units` inspected hold few enough bad units.

    `claim_below` is the fraction nonconforming that shall be excluded, with `confidence`; at most
    `max_nonconforming` units may fail by this cause. `before` is what was counted before the action.
    """

    claim_below: Fraction
    confidence: Fraction = 0.95
    lots: Units
    units: Units
    max_nonconforming: Annotated[int, Field(ge=0)] = 0
    before: Counts | None = None

    @model_validator(mode="after")
    def _can_fail(self) -> Self:
        if self.max_nonconforming >= self.units:
            raise ValueError(f"max_nonconforming {self.max_nonconforming} of {self.units} units cannot fail")
        return self


class LotEvidence(Closed):
    """What a later lot showed: units inspected for the cause, and when its production began."""

    lot: Name
    counts: Counts
    produced_from: Timestamp


@dataclass(frozen=True, slots=True)
class CriterionPower:
    """What a met criterion proves.

    It excludes a fraction nonconforming of `excluded_fraction` or more with the criterion's confidence, and
    shows its claim if that is not above `claim_below`; `units_needed` units would. If nothing has changed
    since `before`, it is met by chance with `passes_unchanged` (None where nothing was counted before).
    """

    excluded_fraction: float
    confidence: float
    shows_claim: bool
    units_needed: int
    passes_unchanged: float | None

    def sentence(self) -> str:
        """Return it as people read it."""
        can = "shows" if self.shows_claim else f"does not show (that takes {self.units_needed} units)"
        return (
            f"a met criterion excludes {self.excluded_fraction:.2%} nonconforming or more with "
            f"{self.confidence:.0%} confidence, which {can} its claim"
        )


def criterion_power(criterion: Criterion) -> CriterionPower:
    """Return what the criterion proves when it is met by exactly as many units as it asks for.

    Three clean samples of 13 exclude 7.4 % with 95 % confidence, no less (Clopper-Pearson, one-sided).
    """
    c, before = criterion, criterion.before
    excluded = upper_bound(c.max_nonconforming, c.units, c.confidence)
    needed = sample_size(c.claim_below, c.confidence, c.max_nonconforming)
    chance = None
    if before is not None:
        chance = pass_probability(before.nonconforming / before.inspected, c.units, c.max_nonconforming)
    return CriterionPower(excluded, c.confidence, c.units >= needed, needed, chance)


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the later lots show: the outcome, None while they are too few, and the numbers behind it.

    `upper_bound` is one-sided at the criterion's confidence; `p_value` is of Fisher's exact test against
    `before` (None where nothing was counted before).
    """

    outcome: Outcome | None
    lots: int
    inspected: int
    nonconforming: int
    upper_bound: float | None
    p_value: float | None


def judge(criterion: Criterion, evidence: Sequence[LotEvidence]) -> Verdict:
    """Judge later lots by the criterion; it fails with the first nonconforming unit too many."""
    bad = sum(e.counts.nonconforming for e in evidence)
    units = sum(e.counts.inspected for e in evidence)
    outcome: Outcome | None = None
    if bad > criterion.max_nonconforming:
        outcome = "not_effective"
    elif len(evidence) >= criterion.lots and units >= criterion.units:
        outcome = "effective"
    bound = upper_bound(bad, units, criterion.confidence) if units else None
    p, before = None, criterion.before
    if before is not None and units:
        p = fisher_p_value((bad, units), (before.nonconforming, before.inspected), "less")
    return Verdict(outcome, len(evidence), units, bad, bound, p)
