"""The judge: results and deviations become one verdict with its reasons. Nothing defaults to accept."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from evidence import REASONS
from evidence.inspection import CharacteristicResult, Defect, Verdict
from golden.conformity import decide
from golden.spec import Characteristic, DefectCatalogue, Entered, Surface

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
    return CharacteristicResult(**_stated(characteristic), value=None, standard_uncertainty=None,
                                source="manual" if isinstance(characteristic, Entered) else "vision",
                                valid=False, reason=reason, decision="undecided")  # fmt: skip


def measured(
    characteristic: Characteristic, value: float, standard_uncertainty: float
) -> CharacteristicResult:
    """Return the decided result of a measured dimension or colour difference."""
    stated = _stated(characteristic)
    decision = decide(value, standard_uncertainty, stated["lower"], stated["upper"], characteristic.decision)
    reason = {
        "conform": None,
        "nonconform": "characteristic_nonconform",
        "undecided": "characteristic_undecided",
    }
    return CharacteristicResult(
        **stated, value=round(value, 6), standard_uncertainty=round(standard_uncertainty, 7),
        source="vision", valid=True, reason=reason[decision], decision=decision,
    )  # fmt: skip


def surface_result(
    characteristic: Surface, defects: Sequence[Defect], catalogue: DefectCatalogue
) -> CharacteristicResult:
    """Return a surface characteristic's result: how many deviations of its zones the catalogue rejects."""
    own = [d for d in defects if d.zone in characteristic.zones]
    rejected = sum(d.severity in catalogue.rejects for d in own)
    stated = {
        **_stated(characteristic),
        "coverage_factor": None,
        "standard_uncertainty": None,
        "source": "vision",
    }
    if rejected:
        return CharacteristicResult(
            **stated, value=rejected, valid=True, reason="surface_rejected", decision="nonconform"
        )
    if any(d.severity is None for d in own):
        return CharacteristicResult(
            **stated, value=None, valid=False, reason="surface_unclassified", decision="undecided"
        )
    return CharacteristicResult(**stated, value=0, valid=True, reason=None, decision="conform")


def _stated(characteristic: Characteristic) -> dict[str, Any]:
    """Return what the golden sample states about a characteristic, as a result repeats it."""
    surface = isinstance(characteristic, Surface)
    return {
        "id": characteristic.id,
        "name": characteristic.name,
        "unit": "1" if surface else characteristic.unit,
        "nominal": getattr(characteristic, "nominal", None),
        "lower": getattr(characteristic, "lower", None),
        "upper": 0.0 if surface else characteristic.upper,
        "coverage_factor": characteristic.decision.coverage_factor,
        "rule": characteristic.decision,
    }
