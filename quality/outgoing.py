"""Outgoing quality control: a decision per severity class from the sample's findings.

Critical is inspected on every unit with Ac 0 (decision 0003): every unit of a frozen lot has been inspected
and accepted in production, and one critical nonconformity in the sample rejects the lot. Major and minor
each have a plan with a sample size of their own: the largest sample is drawn, and each class is judged on
the first units of the draw (ISO 2859-1:1999, clause 9.1). A double plan's second sample are the units of the
draw that follow its first.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal

from evidence.inspection import Name
from golden.catalogue import CharacteristicClass
from golden.plans import ClassPlan, CountingBasis, LimitingQuality, OqcPlan
from golden.regions import Closed
from quality.errors import EvidenceError
from quality.sampling import DoublePlan, InspectionSeverity, SamplingPlan, double_lot_plan, lot_plan
from quality.unit_findings import CLASSES, Nonconformity, UnitFindings

Outcome = Literal["accept", "reject", "undecided"]
Severities = Mapping[CharacteristicClass, InspectionSeverity]


class SecondSample(Closed):
    """The second sample of a double plan: `n` more units; Ac and Re are of both samples together."""

    n: int
    Ac: int
    Re: int


class ClassSampling(Closed):
    """What one class asks: judge the first `n` units of the draw, accept at `Ac` or fewer, reject from `Re`.

    `plan` is null where every unit is inspected by agreement, and where n is computed from a
    `limiting_quality`; `every_unit` is also true where the plan's sample is the whole lot. With a `second`
    sample, what lies between `Ac` and `Re` calls for it; without, it is accepted (reduced inspection of Z1.4
    alone has such a gap).
    """

    severity: CharacteristicClass
    n: int
    Ac: int
    Re: int
    every_unit: bool
    plan: SamplingPlan | DoublePlan | None
    second: SecondSample | None = None
    limiting_quality: LimitingQuality | None = None


class ClassDecision(Closed):
    """One class: its sampling, the drawn units it is judged on, what was found in them, and what follows.

    `found` is what the first sample holds, failed checklist items of the class included; `found_second` what
    the second holds, null where none is called for. `units` counts both samples.
    """

    sampling: ClassSampling
    units: int
    found: int
    found_second: int | None = None
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


class ClassTally(Closed):
    """Where a class stands while the sample is judged.

    `found` of the `n` units of the samples called for so far, with the numbers that it is compared with;
    `remaining` units are not judged or not decided. `decided` is the outcome that no remaining unit can
    change, null while one can: where nonconformities are counted, one unit may hold any number.
    """

    severity: CharacteristicClass
    n: int
    found: int
    Ac: int
    Re: int
    remaining: int
    second_sample: bool
    decided: Literal["accept", "reject"] | None


def oqc_plans(
    plan: OqcPlan, lot_size: int, severities: Severities | None = None
) -> tuple[ClassSampling, ...]:
    """Return what each class asks of a lot, critical first.

    Args:
        plan: the outgoing plan of the golden sample.
        lot_size: number of units in the lot's manifest.
        severities: the severity of inspection in force, by class; the plan's where a class has none.

    Raises:
        SamplingError: the lot is empty, the standard has no such plan, or the lot is too small for the
            acceptance number of a limiting quality.
    """
    by_class: dict[CharacteristicClass, ClassPlan] = {
        "critical": plan.critical,
        "major": plan.major,
        "minor": plan.minor,
    }
    in_force = severities or {}
    return tuple(
        _class_sampling(plan, severity, by_class[severity], lot_size, in_force.get(severity, plan.severity))
        for severity in CLASSES
    )


def sample_size(samplings: Sequence[ClassSampling]) -> int:
    """Return how many units to draw: the largest sample of the classes, a second sample included.

    Critical asks for no draw: its units have all been inspected, and it is judged on whatever is inspected.
    """
    return max(s.n + (0 if s.second is None else s.second.n) for s in samplings if s.severity != "critical")


def decide_outgoing(
    plan: OqcPlan,
    lot_size: int,
    drawn: Sequence[str],
    findings: Mapping[str, UnitFindings],
    *,
    severities: Severities | None = None,
    failed: Sequence[Nonconformity] = (),
) -> OqcDecision:
    """Decide a lot from its sample.

    By nonconforming units, a unit counts once, in its worst class; by nonconformities per 100 units, each
    nonconformity counts in its class. A unit without findings is undecided, and so is one whose count in the
    class may still change: such a class can reject, never accept.

    Args:
        plan: the outgoing plan of the golden sample.
        lot_size: number of units in the lot's manifest.
        drawn: serials of the sample, in the order drawn.
        findings: what the independent means (or a person) found, by serial.
        severities: as `oqc_plans`.
        failed: items of the checklist that failed; each counts once in its class.

    Raises:
        EvidenceError: fewer units are drawn than the plans ask, or one is drawn twice.
        SamplingError: as `oqc_plans`.
    """
    samplings = oqc_plans(plan, lot_size, severities)
    if len(drawn) < sample_size(samplings) or len(set(drawn)) != len(drawn):
        raise EvidenceError(
            f"the draw must hold {sample_size(samplings)} different units; it holds {len(set(drawn))}"
        )
    beside = {severity: sum(n.severity == severity for n in failed) for severity in CLASSES}
    sampled = [
        _decide_class(s, plan.counting, drawn, findings, beside[s.severity])
        for s in samplings
        if s.severity != "critical"
    ]
    # every unit that another class looks at is one more on which nothing critical may be found
    looked_at = max(d.units for d in sampled)
    critical = _decide_critical(samplings[0], plan.counting, drawn, looked_at, findings, beside["critical"])
    decisions = (critical, *sampled)
    outcomes = {d.outcome for d in decisions}
    rejecting = {d.sampling.severity for d in decisions if d.outcome == "reject"}
    causes = [n for serial in drawn if serial in findings for n in findings[serial].nonconformities]
    return OqcDecision(
        counting=plan.counting,
        classes=decisions,
        outcome="reject" if "reject" in outcomes else "undecided" if "undecided" in outcomes else "accept",
        causes=tuple(dict.fromkeys(n for n in (*causes, *failed) if n.severity in rejecting)),
    )


def class_tally(decision: ClassDecision, counting: CountingBasis) -> ClassTally:
    """Return where a class stands; see `ClassTally`."""
    sampling, second = decision.sampling, decision.sampling.second
    called = second is not None and decision.found_second is not None
    numbers = second if second is not None and called else sampling
    found, remaining = decision.found + (decision.found_second or 0), len(decision.undecided)
    could_be_found = remaining if counting == "nonconforming_units" or remaining == 0 else numbers.Re
    accepts = numbers.Re - 1 if second is None or called else numbers.Ac
    decided: Literal["accept", "reject"] | None = None
    if found >= numbers.Re:
        decided = "reject"
    elif found + could_be_found <= accepts:
        decided = "accept"
    return ClassTally(
        severity=sampling.severity,
        n=decision.units,
        found=found,
        Ac=numbers.Ac,
        Re=numbers.Re,
        remaining=remaining,
        second_sample=called,
        decided=decided,
    )


def _class_sampling(
    plan: OqcPlan,
    severity: CharacteristicClass,
    class_plan: ClassPlan,
    lot_size: int,
    in_force: InspectionSeverity,
) -> ClassSampling:
    if class_plan.limiting_quality is not None:
        return _limiting_quality(severity, class_plan.limiting_quality, lot_size)
    if class_plan.aql is None or lot_size == 1:  # the tables hold no lot of 1: the single item is inspected
        return ClassSampling(severity=severity, n=lot_size, Ac=0, Re=1, every_unit=True, plan=None)
    table = double_lot_plan if plan.sampling == "double" else lot_plan
    found = table(lot_size, plan.level, class_plan.aql, in_force, plan.standard, plan.counting)
    if isinstance(found, SamplingPlan):
        return ClassSampling(
            severity=severity,
            n=found.n,
            Ac=found.Ac,
            Re=found.Re,
            every_unit=found.hundred_percent,
            plan=found,
        )
    return ClassSampling(
        severity=severity,
        n=found.n1,
        Ac=found.Ac1,
        Re=found.Re1,
        every_unit=False,
        plan=found,
        second=SecondSample(n=found.n2, Ac=found.Ac2, Re=found.Re2),
    )


def _limiting_quality(severity: CharacteristicClass, limit: LimitingQuality, lot_size: int) -> ClassSampling:
    from quality.curves import isolated_lot_plan  # noqa: PLC0415 (importing the room stays light)

    found = isolated_lot_plan(lot_size, limit.fraction, limit.consumer_risk, limit.Ac)
    return ClassSampling(
        severity=severity,
        n=found.n,
        Ac=found.Ac,
        Re=found.Re,
        every_unit=found.hundred_percent,
        plan=None,
        limiting_quality=limit,
    )


def _decide_class(
    sampling: ClassSampling,
    counting: CountingBasis,
    drawn: Sequence[str],
    findings: Mapping[str, UnitFindings],
    failed: int,
) -> ClassDecision:
    units = drawn[: sampling.n]
    found = failed + _found(units, findings, sampling.severity, counting)
    undecided = _undecided(units, findings, sampling.severity, counting)
    second = sampling.second
    if second is None or undecided or found <= sampling.Ac or found >= sampling.Re:
        return ClassDecision(
            sampling=sampling,
            units=len(units),
            found=found,
            undecided=undecided,
            outcome=_outcome(found, sampling.Re, undecided),
        )
    more = drawn[sampling.n : sampling.n + second.n]
    found_second = _found(more, findings, sampling.severity, counting)
    undecided = _undecided(more, findings, sampling.severity, counting)
    return ClassDecision(
        sampling=sampling,
        units=len(units) + len(more),
        found=found,
        found_second=found_second,
        undecided=undecided,
        outcome=_outcome(found + found_second, second.Re, undecided),
    )


def _decide_critical(
    sampling: ClassSampling,
    counting: CountingBasis,
    drawn: Sequence[str],
    looked_at: int,
    findings: Mapping[str, UnitFindings],
    failed: int,
) -> ClassDecision:
    """Judge critical on every unit that any class needs; what was found on another drawn unit counts too."""
    found = failed + _found(drawn, findings, sampling.severity, counting)
    undecided = _undecided(drawn[:looked_at], findings, sampling.severity, counting)
    return ClassDecision(
        sampling=sampling,
        units=looked_at,
        found=found,
        undecided=undecided,
        outcome=_outcome(found, sampling.Re, undecided),
    )


def _outcome(found: int, re: int, undecided: tuple[str, ...]) -> Outcome:
    if found >= re:
        return "reject"
    return "undecided" if undecided else "accept"


def _found(
    units: Sequence[str],
    findings: Mapping[str, UnitFindings],
    severity: CharacteristicClass,
    counting: CountingBasis,
) -> int:
    known = [findings[serial] for serial in units if serial in findings]
    if counting == "nonconforming_units":
        return sum(unit.worst() == severity for unit in known)
    return sum(n.severity == severity for unit in known for n in unit.nonconformities)


def _undecided(
    units: Sequence[str],
    findings: Mapping[str, UnitFindings],
    severity: CharacteristicClass,
    counting: CountingBasis,
) -> tuple[str, ...]:
    return tuple(s for s in units if s not in findings or _open(findings[s], severity, counting))


def _open(unit: UnitFindings, severity: CharacteristicClass, counting: CountingBasis) -> bool:
    """Return whether what is not decided on a unit could still change its count in this class."""
    if counting == "nonconformities_per_100_units":
        return severity in unit.undecided
    worst = unit.worst()
    settled = len(CLASSES) if worst is None else CLASSES.index(worst)
    could_become = [CLASSES.index(c) for c in unit.undecided if CLASSES.index(c) < settled]
    return any(place <= CLASSES.index(severity) for place in could_become)
