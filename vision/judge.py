"""The judge: results and deviations become one verdict with its reasons. Nothing defaults to accept."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from evidence import REASONS, CodeResult, ColourResult, PresenceResult, colour_reason, misstated
from evidence.inspection import BudgetLine, CharacteristicResult, CountResult, Defect, Verdict
from golden.catalogue import DefectCatalogue
from golden.conformity import capable, decide, decide_camera
from golden.spec import (
    Characteristic,
    Code,
    Colour,
    Component,
    DecisionRule,
    Dimension,
    Entered,
    GoldenSpec,
    Print,
    Surface,
    is_entered,
)
from vision.dimension.budget import Budget, Line

_ORDER = {code: i for i, code in enumerate(REASONS)}


def judge(
    results: Sequence[CharacteristicResult], defects: Sequence[Defect], catalogue: DefectCatalogue
) -> tuple[Verdict, tuple[str, ...]]:
    """Return the verdict and its reasons, in the registry's order.

    A nonconforming characteristic or a deviation that the catalogue rejects means REJECT; otherwise anything
    undecided means HOLD; only what is left is ACCEPT.
    """
    reasons: set[str] = set()
    for result in results:
        if result.decision == "nonconform":
            reasons.add(result.reason or "characteristic_nonconform")
        elif result.decision == "undecided":
            reasons.add(result.reason or "characteristic_undecided")
    reasons.update(defect_reasons(defects, catalogue))
    return verdict_of(reasons)


def defect_reasons(defects: Sequence[Defect], catalogue: DefectCatalogue) -> set[str]:
    """Return the reasons that deviations give, each alone and together by the counting rules they meet."""
    reasons: set[str] = set()
    for defect in defects:
        if defect.severity is None:
            reasons.add("surface_unclassified")
        elif defect.severity in catalogue.rejects:
            reasons.add("surface_rejected")
    if any(rule.severity in catalogue.rejects for rule, _ in catalogue.counted(defects)):
        reasons.add("surface_rejected")
    return reasons


def count_results(defects: Sequence[Defect], catalogue: DefectCatalogue) -> tuple[CountResult, ...]:
    """Return the counting rules that a unit's deviations meet, for its record."""
    return tuple(
        CountResult(
            rule=rule.id,
            count=len(part),
            severity=rule.severity,
            at_least=rule.at_least,
            within_mm=rule.within_mm,
            within_area_mm2=rule.within_area_mm2,
            closer_than_mm=rule.closer_than_mm,
        )
        for rule, part in catalogue.counted(defects)
    )


def verdict_of(reasons: set[str]) -> tuple[Verdict, tuple[str, ...]]:
    """Return the gravest verdict that the reasons ask for, and the reasons in order."""
    ordered = tuple(sorted(reasons, key=_ORDER.__getitem__))
    if any(REASONS[code].verdict == "REJECT" for code in ordered):
        return "REJECT", ordered
    return ("HOLD" if ordered else "ACCEPT"), ordered


def check_entered(spec: GoldenSpec, entered: Sequence[CharacteristicResult]) -> None:
    """Raise ValueError unless each entered result is the only one of a characteristic that is entered.

    A decision on a number is made again from the specification's limits and must be the one that was given; a
    colour that has a reference is decided again from the instrument's L*a*b*.
    """
    characteristics = {c.id: c for c in spec.characteristics if is_entered(c)}
    seen: set[str] = set()
    for result in entered:
        c = characteristics.get(result.id)
        if c is None:
            raise ValueError(f"{result.id!r} is not a characteristic that is entered; vision judges it")
        if result.id in seen:
            raise ValueError(f"{result.id!r} was entered twice")
        seen.add(result.id)
        if isinstance(c, Colour):
            wrong = misstated(c, result)
            if wrong is not None:
                raise ValueError(f"{result.id!r}: {wrong}")
            continue
        if c.unit is None or result.value is None:
            continue
        u = result.standard_uncertainty
        decision = "undecided"
        if u is not None or not c.decision.needs_uncertainty:
            decision = decide(result.value, u or 0.0, c.lower, c.upper, c.decision)
        if result.decision != decision:
            raise ValueError(f"{result.id!r}: {result.value} is {decision}, not {result.decision}")


def unmeasured(characteristic: Characteristic, reason: str) -> CharacteristicResult:
    """Return the result of a characteristic that could not be measured, and why."""
    source = "manual" if isinstance(characteristic, Entered) else "vision"
    return _result(characteristic, source=source, valid=False, reason=reason, decision="undecided")


def measured_colour(
    characteristic: Colour,
    value: float,
    standard_uncertainty: float,
    interval: tuple[float, float],
    colour: ColourResult,
    *,
    common_uncertainty: float,
    lines: Sequence[Line] = (),
) -> CharacteristicResult:
    """Return the decided result of a colour by a characterised camera.

    A camera's absolute colour that its uncertainty does not decide waits for an instrument's reading.

    Args:
        characteristic: what is decided.
        value: Delta E by its formula.
        standard_uncertainty: of the value.
        interval: bounds of the true difference, each one-sided at Phi(coverage_factor), about it.
        colour: how the colour differs.
        common_uncertainty: what of the uncertainty is the same for every unit of the station.
        lines: the budget.
    """
    value = round(value, 6)
    low, high = min(round(interval[0], 6), value), max(round(interval[1], 6), value)
    decision = decide_camera(characteristic, value, low, high)
    reason = colour_reason(characteristic, decision, value, (low, high))
    if decision == "undecided" and characteristic.reference is not None:
        reason = "colour_absolute"
    return _result(
        characteristic,
        value=value,
        standard_uncertainty=round(standard_uncertainty, 7),
        coverage_factor=characteristic.decision.coverage_factor,
        common_uncertainty=round(common_uncertainty, 7),
        budget=tuple(_budget_line(line) for line in lines),
        interval=(low, high),
        colour=colour,
        reason=reason,
        decision=decision,
    )


def measured(
    characteristic: Dimension | Colour | Component | Print,
    value: float,
    standard_uncertainty: float,
    set_aside: float | None = None,
    budget: Budget | None = None,
) -> CharacteristicResult:
    """Return the decided result of a measured dimension, colour difference or offset.

    Where the uncertainty is larger than the rule lets a measuring process have, or so large that no value
    could conform, the reason says that the process is not capable.
    """
    # decided on the numbers that are recorded, so that whoever reads them decides the same
    value, standard_uncertainty = round(value, 6), round(standard_uncertainty, 7)
    lower = characteristic.lower if isinstance(characteristic, Dimension) else None
    upper, rule = characteristic.upper, characteristic.decision
    decision = decide(value, standard_uncertainty, lower, upper, rule)
    reason = None if decision == "conform" else f"characteristic_{decision}"
    capability = standard_uncertainty, lower, upper, rule
    if decision == "undecided" and (_hopeless(*capability) or not capable(*capability)):
        reason = "measurement_not_capable"
    return _result(
        characteristic,
        value=value,
        standard_uncertainty=standard_uncertainty,
        coverage_factor=rule.coverage_factor,
        set_aside=None if set_aside is None else round(set_aside, 4),
        common_uncertainty=None if budget is None else round(budget.common_uncertainty, 7),
        budget=() if budget is None else tuple(_budget_line(line) for line in budget.lines),
        reason=reason,
        decision=decision,
    )


def placed(
    characteristic: Component | Print,
    offset: tuple[float, float] | None,
    presence: PresenceResult,
    reason: str | None,
) -> CharacteristicResult:
    """Return the decided result of a component or print.

    Args:
        characteristic: what is decided.
        offset: how far it lies from its place and the standard uncertainty, mm; None where it says nothing.
        presence: what was seen.
        reason: why it does not conform wherever it lies, a code of the registry; None where only its place
            decides.
    """
    found: dict[str, Any] = {"presence": presence}
    if offset is not None:
        result = measured(characteristic, *offset)
        if reason is None and result.decision == "nonconform":
            reason = f"{characteristic.kind}_shifted"
        if reason is None:
            return result.model_copy(update={"presence": presence, "reason": result.reason})
        found |= {
            "value": result.value, "standard_uncertainty": result.standard_uncertainty,
            "coverage_factor": result.coverage_factor,
        }  # fmt: skip
    held = reason is None or REASONS[reason].verdict == "HOLD"
    return _result(
        characteristic, **found, reason=reason, valid=not held, decision="undecided" if held else "nonconform"
    )


def coded(characteristic: Code, code: CodeResult, *, conforms: bool) -> CharacteristicResult:
    """Return the result of a code that was read."""
    if conforms:
        return _result(characteristic, code=code, decision="conform")
    return _result(characteristic, code=code, reason="code_wrong", decision="nonconform")


def _hopeless(
    standard_uncertainty: float, lower: float | None, upper: float | None, rule: DecisionRule
) -> bool:
    """Return whether not even the value in the middle of the tolerance could conform."""
    if upper is None:
        return False  # one limit alone leaves room beyond it
    middle = 0.0 if lower is None else (lower + upper) / 2
    return decide(middle, standard_uncertainty, lower, upper, rule) != "conform"


def _budget_line(line: Line) -> BudgetLine:
    freedom = line.degrees_of_freedom
    return BudgetLine(
        name=line.name, standard_uncertainty=round(line.standard_uncertainty, 8),
        degrees_of_freedom=round(freedom, 2) if math.isfinite(freedom) else None, common=line.common,
    )  # fmt: skip


def surface_result(
    characteristic: Surface, defects: Sequence[Defect], catalogue: DefectCatalogue
) -> CharacteristicResult:
    """Return a surface characteristic's result: how often the catalogue rejects what lies in its zones.

    Each deviation that it rejects counts once, and so does each counting rule that rejects and in which a
    deviation of these zones takes part.
    """
    own = [d for d in defects if d.zone in characteristic.zones]
    rejected = sum(d.severity in catalogue.rejects for d in own)
    rejected += sum(
        rule.severity in catalogue.rejects and any(d.zone in characteristic.zones for d in part)
        for rule, part in catalogue.counted(defects)
    )
    if rejected:
        return _result(characteristic, value=rejected, reason="surface_rejected", decision="nonconform")
    if any(d.severity is None for d in own):
        return _result(characteristic, valid=False, reason="surface_unclassified", decision="undecided")
    return _result(characteristic, value=0, decision="conform")


def _result(characteristic: Characteristic, **found: Any) -> CharacteristicResult:  # noqa: ANN401
    """Return a result that repeats what the golden sample states and adds what was found."""
    surface = isinstance(characteristic, Surface)
    stated: dict[str, Any] = {
        "id": characteristic.id,
        "name": characteristic.name,
        "source": "vision",
        "value": None,
        "unit": "1" if surface else characteristic.unit,
        "nominal": getattr(characteristic, "nominal", None),
        "lower": getattr(characteristic, "lower", None),
        "upper": 0.0 if surface else characteristic.upper,
        "standard_uncertainty": None,
        "coverage_factor": None,
        "rule": characteristic.decision,
        "valid": True,
        "reason": None,
    }
    return CharacteristicResult.model_validate({**stated, **found})
