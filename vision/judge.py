"""The judge: results and deviations become one verdict with its reasons. Nothing defaults to accept."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from evidence import REASONS
from evidence.inspection import CharacteristicResult, Defect, Verdict
from golden.conformity import decide
from golden.spec import Characteristic, Colour, DefectCatalogue, Dimension, Entered, Surface

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


def defect_reasons(defects: Iterable[Defect], catalogue: DefectCatalogue) -> set[str]:
    """Return the reasons that deviations give."""
    reasons: set[str] = set()
    for defect in defects:
        if defect.severity is None:
            reasons.add("surface_unclassified")
        elif defect.severity in catalogue.rejects:
            reasons.add("surface_rejected")
    return reasons


def verdict_of(reasons: set[str]) -> tuple[Verdict, tuple[str, ...]]:
    """Return the gravest verdict that the reasons ask for, and the reasons in order."""
    ordered = tuple(sorted(reasons, key=_ORDER.__getitem__))
    if any(REASONS[code].verdict == "REJECT" for code in ordered):
        return "REJECT", ordered
    return ("HOLD" if ordered else "ACCEPT"), ordered


def unmeasured(characteristic: Characteristic, reason: str) -> CharacteristicResult:
    """Return the result of a characteristic that could not be measured, and why."""
    source = "manual" if isinstance(characteristic, Entered) else "vision"
    return _result(characteristic, source=source, valid=False, reason=reason, decision="undecided")


def measured(
    characteristic: Dimension | Colour, value: float, standard_uncertainty: float
) -> CharacteristicResult:
    """Return the decided result of a measured dimension or colour difference."""
    lower = characteristic.lower if isinstance(characteristic, Dimension) else None
    decision = decide(value, standard_uncertainty, lower, characteristic.upper, characteristic.decision)
    return _result(
        characteristic,
        value=round(value, 6),
        standard_uncertainty=round(standard_uncertainty, 7),
        coverage_factor=characteristic.decision.coverage_factor,
        reason=None if decision == "conform" else f"characteristic_{decision}",
        decision=decision,
    )


def surface_result(
    characteristic: Surface, defects: Sequence[Defect], catalogue: DefectCatalogue
) -> CharacteristicResult:
    """Return a surface characteristic's result: how many deviations of its zones the catalogue rejects."""
    own = [d for d in defects if d.zone in characteristic.zones]
    rejected = sum(d.severity in catalogue.rejects for d in own)
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
