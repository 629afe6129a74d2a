"""What imperfect inspection makes of a plan and of a screened lot.

A station detects a nonconforming unit with probability d and calls a conforming one nonconforming with
probability f (false alarm), so a fraction p looks like p' = p d + (1 - p) f. Both come from attribute
agreement on parts of known state, with exact intervals, and each defect class has its own.

A second look by the same station repeats its misses: what a station judged says nothing new about its
blind spots. So no function here takes a number of looks; evidence about a screened lot comes from
independent means.

Probabilities from simulation are labelled and barred from decisions.
Sources: Case, Bennett and Schmidt, J. Quality Technology 7 (1975) 1, doi:10.1080/00224065.1975.11980660;
Rogan and Gladen, Am. J. Epidemiology 107 (1978) 71, doi:10.1093/oxfordjournals.aje.a112510.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray
from pydantic import Field, model_validator

from golden.regions import Closed
from quality.curves import Plan, acceptance_probability
from quality.curves.plans import checked_quality
from quality.errors import EvidenceError, PlanError, SimulatedEvidenceError
from quality.proportions import Proportion, clopper_pearson

Source = Literal["measured on real parts", "simulated"]
Use = Literal["decision", "study"]
Floats = NDArray[np.float64]


class AgreementCount(Closed):
    """How often a station called parts of one known state nonconforming.

    Count each part once: repeated looks at the same part are not independent.
    """

    called_nonconforming: Annotated[int, Field(ge=0)]
    parts: Annotated[int, Field(ge=1)]
    source: Source

    @model_validator(mode="after")
    def _within(self) -> AgreementCount:
        if self.called_nonconforming > self.parts:
            raise ValueError(f"called_nonconforming {self.called_nonconforming} exceeds parts {self.parts}")
        return self

    def proportion(self, confidence: float = 0.95) -> Proportion:
        """Return the probability with its Clopper-Pearson interval."""
        return clopper_pearson(self.called_nonconforming, self.parts, confidence)


class InspectionError(Closed):
    """A station's errors for one defect class: on nonconforming parts (d) and on conforming ones (f)."""

    defect_class: Annotated[str, Field(min_length=1, max_length=128)]
    detection: AgreementCount
    false_alarm: AgreementCount

    @property
    def source(self) -> Source:
        """Return "measured on real parts" only where both counts are."""
        simulated = "simulated" in {self.detection.source, self.false_alarm.source}
        return "simulated" if simulated else "measured on real parts"


@dataclass(frozen=True, slots=True)
class EffectiveCurve:
    """Probabilities of acceptance at each true fraction `p`, and where its inputs come from.

    `perfect` is the plan's own curve, `effective` what it is with the estimated errors; `least` and
    `greatest` enclose it with the stated joint `confidence`.
    """

    defect_class: str
    p: Floats
    perfect: Floats
    effective: Floats
    least: Floats
    greatest: Floats
    confidence: float
    source: Source


@dataclass(frozen=True, slots=True)
class OutgoingEstimate:
    """Fraction nonconforming before a 100 % screen and among the units that it passed.

    `outgoing_lower` and `outgoing_upper` enclose the latter with the stated joint `confidence`.
    """

    defect_class: str
    incoming: float
    outgoing: float
    outgoing_lower: float
    outgoing_upper: float
    confidence: float
    source: Source


def apparent_fraction(p: ArrayLike, detection: float, false_alarm: float) -> Floats:
    """Return the fraction that inspection calls nonconforming: p' = p d + (1 - p) f.

    Raises:
        PlanError: a fraction or probability is not within 0 ... 1.
    """
    fractions = checked_quality(p, "binomial")
    checked_quality([detection, false_alarm], "binomial")
    return fractions * detection + (1 - fractions) * false_alarm


def effective_curve(
    plan: Plan, p: ArrayLike, error: InspectionError, *, use: Use, confidence: float = 0.95
) -> EffectiveCurve:
    """Return a plan's curve (binomial) as the station's errors make it, by true fraction nonconforming.

    Args:
        plan: single or double plan.
        p: true fractions nonconforming.
        error: the inspecting station's errors for the class.
        use: "decision" refuses simulated probabilities; "study" labels them.
        confidence: that both probabilities lie in their intervals (Bonferroni).

    Raises:
        SimulatedEvidenceError: a decision by simulated probabilities.
        PlanError: a fraction that cannot be.
        ProportionError: a confidence that cannot be.
    """
    _check_use(error, use)
    each = 1 - (1 - confidence) / 2
    d, f = error.detection.proportion(each), error.false_alarm.proportion(each)
    fractions = checked_quality(p, "binomial")

    def accepted(detection: float, false_alarm: float) -> Floats:
        return acceptance_probability(plan, apparent_fraction(fractions, detection, false_alarm))

    return EffectiveCurve(
        defect_class=error.defect_class,
        p=fractions,
        perfect=acceptance_probability(plan, fractions),
        effective=accepted(d.value, f.value),
        least=accepted(d.upper, f.upper),
        greatest=accepted(d.lower, f.lower),
        confidence=confidence,
        source=error.source,
    )


def outgoing_quality(
    screened: int, rejected: int, error: InspectionError, *, use: Use, confidence: float = 0.95
) -> OutgoingEstimate:
    """Return what a 100 % screen by one station leaves among the units that it passed.

    From the fraction rejected r: p = (r - f) / (d - f), limited to 0 ... 1, and of the passed units
    p (1 - d) / (p (1 - d) + (1 - p) (1 - f)) are nonconforming. The bounds take r, d and f at the ends of
    their intervals, each wide enough that all three hold together with the stated confidence; where these
    ends do not tell detection from false alarm, the bound is 0 or 1.

    Args:
        screened: units inspected, each once or again by the same station.
        rejected: those that the station rejected for this class.
        error: the station's errors for the class.
        use: "decision" refuses simulated probabilities; "study" labels them.
        confidence: joint confidence of the bounds.

    Raises:
        SimulatedEvidenceError: a decision by simulated probabilities.
        EvidenceError: the station detects no better than it raises false alarms.
        PlanError: every unit was rejected, so that none is outgoing.
        ProportionError: counts or confidence that cannot be.
    """
    _check_use(error, use)
    each = 1 - (1 - confidence) / 3
    r = clopper_pearson(rejected, screened, each)
    d, f = error.detection.proportion(each), error.false_alarm.proportion(each)
    if rejected == screened:
        raise PlanError(f"all {screened} units were rejected: there is no outgoing quality to estimate")
    if d.value <= f.value:
        raise EvidenceError(
            f"class {error.defect_class!r}: detection {d.value:.4g} is not above the false-alarm rate "
            f"{f.value:.4g}; such a screen tells nothing about the units"
        )
    return OutgoingEstimate(
        defect_class=error.defect_class,
        incoming=_incoming(r.value, d.value, f.value),
        outgoing=_passed(r.value, d.value, f.value),
        outgoing_lower=_passed(r.lower, d.upper, f.upper) if d.upper > f.upper else 0.0,
        outgoing_upper=_passed(r.upper, d.lower, f.lower) if d.lower > f.lower else 1.0,
        confidence=confidence,
        source=error.source,
    )


def _incoming(r: float, d: float, f: float) -> float:
    return min(max((r - f) / (d - f), 0.0), 1.0)


def _passed(r: float, d: float, f: float) -> float:
    p = _incoming(r, d, f)
    missed, passed = p * (1 - d), (1 - p) * (1 - f)
    return missed / (missed + passed) if missed + passed > 0 else 0.0


def _check_use(error: InspectionError, use: Use) -> None:
    if use == "decision" and error.source == "simulated":
        raise SimulatedEvidenceError(
            f"class {error.defect_class!r}: its detection or false-alarm probability is simulated; a "
            "decision needs both measured on real parts (attribute agreement)"
        )
