"""Outgoing quality control: a decision per severity class from the sample's findings.

Critical is inspected on every unit with Ac 0 (decision 0003): every unit of a frozen lot has been inspected
and accepted in production, and one critical nonconformity in the sample rejects the lot. Major and minor
each have a plan with a sample size of their own: the largest sample is drawn, and each class is judged on
the first units of the draw (ISO 2859-1:1999, clause 9.1).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal

from evidence.inspection import Name
from golden.catalogue import CharacteristicClass
from golden.plans import ClassPlan, CountingBasis, OqcPlan
from golden.regions import Closed
from quality.errors import EvidenceError
from quality.sampling import SamplingPlan, lot_plan
from quality.unit_findings import CLASSES, Nonconformity, UnitFindings

Outcome = Literal["accept", "reject", "undecided"]


class ClassSampling(Closed):
    """What one class asks: judge the first `n` units of the draw, accept at `Ac` or fewer.

    `plan` is null where every unit is inspected by agreement; `every_unit` is also true where the plan's
    sample is the whole lot.
    """

    severity: CharacteristicClass
    n: int
    Ac: int
    Re: int
    every_unit: bool
    plan: SamplingPlan | None


class ClassDecision(Closed):
    """One class: its sampling, what was found in its units, and what follows."""

    sampling: ClassSampling
    found: int
    undecided: tuple[Name, ...]
    outcome: Outcome


class OqcDecision(Closed):
    """The lot's outgoing decision: rejected by any class, accepted only by all, otherwise undecided.

    `causes` are the nonconformities of the classes that reject; they open non-conformances.
    """

    counting: CountingBasis
    classes: tuple[ClassDecision, ...]
    outcome: Outcome
    causes: tuple[Nonconformity, ...]


def oqc_plans(plan: OqcPlan, lot_size: int) -> tuple[ClassSampling, ...]:
    """Return what each class asks of a lot, critical first.

    Raises:
        SamplingError: the lot is empty, or the standard has no such plan.
    """
    by_class: dict[CharacteristicClass, ClassPlan] = {
        "critical": plan.critical,
        "major": plan.major,
        "minor": plan.minor,
    }
    return tuple(_class_sampling(plan, severity, by_class[severity], lot_size) for severity in CLASSES)


def sample_size(samplings: Sequence[ClassSampling]) -> int:
    """Return how many units to draw: the largest sample of the classes.

    Critical asks for no draw: its units have all been inspected, and it is judged on whatever is drawn.
    """
    return max(s.n for s in samplings if s.severity != "critical")


def decide_outgoing(
    plan: OqcPlan, lot_size: int, drawn: Sequence[str], findings: Mapping[str, UnitFindings]
) -> OqcDecision:
    """Decide a lot from its sample.

    By nonconforming units, a unit counts once, in its worst class; by nonconformities per 100 units, each
    nonconformity counts in its class. A unit without findings is undecided, and so is one whose count in the
    class may still change: such a class can reject, never accept.

    Args:
        plan: the outgoing plan of the golden sample.
        lot_size: number of units in the lot's manifest.
        drawn: serials of the sample, in the order drawn.
        findings: what the independent station (or a person) found, by serial.

    Raises:
        EvidenceError: fewer units are drawn than the plans ask, or one is drawn twice.
        SamplingError: as `oqc_plans`.
    """
    samplings = oqc_plans(plan, lot_size)
    if len(drawn) < sample_size(samplings) or len(set(drawn)) != len(drawn):
        raise EvidenceError(
            f"the draw must hold {sample_size(samplings)} different units; it holds {len(set(drawn))}"
        )
    decisions = tuple(_decide_class(s, plan.counting, drawn, findings) for s in samplings)
    outcomes = {d.outcome for d in decisions}
    rejecting = {d.sampling.severity for d in decisions if d.outcome == "reject"}
    causes = (n for serial in drawn if serial in findings for n in findings[serial].nonconformities)
    return OqcDecision(
        counting=plan.counting,
        classes=decisions,
        outcome="reject" if "reject" in outcomes else "undecided" if "undecided" in outcomes else "accept",
        causes=tuple(dict.fromkeys(n for n in causes if n.severity in rejecting)),
    )


def _class_sampling(
    plan: OqcPlan, severity: CharacteristicClass, class_plan: ClassPlan, lot_size: int
) -> ClassSampling:
    if class_plan.aql is None or lot_size == 1:  # the tables hold no lot of 1: the single item is inspected
        return ClassSampling(severity=severity, n=lot_size, Ac=0, Re=1, every_unit=True, plan=None)
    found = lot_plan(lot_size, plan.level, class_plan.aql, plan.severity, plan.standard, plan.counting)
    return ClassSampling(
        severity=severity, n=found.n, Ac=found.Ac, Re=found.Re, every_unit=found.hundred_percent, plan=found
    )


def _decide_class(
    sampling: ClassSampling,
    counting: CountingBasis,
    drawn: Sequence[str],
    findings: Mapping[str, UnitFindings],
) -> ClassDecision:
    severity = sampling.severity
    units = drawn[: sampling.n]
    known = [findings[serial] for serial in units if serial in findings]
    if counting == "nonconforming_units":
        found = sum(unit.worst() == severity for unit in known)
    else:
        found = sum(n.severity == severity for unit in known for n in unit.nonconformities)
    undecided = tuple(s for s in units if s not in findings or _open(findings[s], severity, counting))
    outcome: Outcome = "accept"
    if found >= sampling.Re:
        outcome = "reject"
    elif undecided:
        outcome = "undecided"
    return ClassDecision(sampling=sampling, found=found, undecided=undecided, outcome=outcome)


def _open(unit: UnitFindings, severity: CharacteristicClass, counting: CountingBasis) -> bool:
    """Return whether what is not decided on a unit could still change its count in this class."""
    if counting == "nonconformities_per_100_units":
        return severity in unit.undecided
    worst = unit.worst()
    settled = len(CLASSES) if worst is None else CLASSES.index(worst)
    could_become = [CLASSES.index(c) for c in unit.undecided if CLASSES.index(c) < settled]
    return any(place <= CLASSES.index(severity) for place in could_become)
