"""Findings become defects of the record: measured, weighed by the catalogue, with what explains them."""

from __future__ import annotations

from collections.abc import Iterable

from evidence import Defect
from golden.catalogue import DefectCatalogue, DefectRule, Measures
from vision.compiled_view import CompiledView
from vision.naming import Finding
from vision.surface import Aligned


def defects_of(
    compiled: CompiledView, aligned: Aligned, findings: Iterable[Finding], catalogue: DefectCatalogue
) -> list[Defect]:
    """Return a view's findings as defects, in the same order; lines weigh the numbers that are recorded."""
    return [_defect(compiled, aligned, finding, catalogue) for finding in findings]


def in_order(defects: Iterable[Defect], catalogue: DefectCatalogue) -> list[Defect]:
    """Return a unit's defects as its record lists them: gravest first, then largest."""
    return sorted(defects, key=lambda d: (catalogue.rank(d.severity), -d.size_mm, d.box_px))


def _defect(compiled: CompiledView, aligned: Aligned, finding: Finding, catalogue: DefectCatalogue) -> Defect:
    d = finding.region
    colour = compiled.surface.delta_e(aligned, d)
    measures = Measures(d.size_mm, d.length_mm, d.area_mm2, d.contrast, colour).rounded()
    asked = finding.named_by != "comparison"
    zone, line = catalogue.weigh_in(finding.defect_class, d.zones, measures, asked=asked)
    second_class, second_confidence = finding.second or (None, None)
    fields = {
        "view": compiled.view.id,
        "class": finding.defect_class,
        "severity": None if line is None else line.severity,
        "confidence": _probability(finding.confidence),
        "box_px": tuple(round(v, 2) for v in d.frame_px),
        "box_mm": tuple(round(v * compiled.view.mm_per_px, 4) for v in d.golden_px),
        **measures.known(),
        "zone": zone,
        "zones": d.zones,
        "rule": None if line is None else line.id,
        "limits": _limits(line),
        "named_by": finding.named_by,
        "score": _probability(finding.score),
        "second_class": second_class,
        "second_confidence": _probability(second_confidence),
    }
    return Defect.model_validate(fields)


def _limits(line: DefectRule | None) -> list[dict[str, object]] | None:
    if line is None:
        return None
    return [{"measure": m, "from": low or None, "to": high} for m, (low, high) in line.limits().items()]


def _probability(value: float | None) -> float | None:
    return None if value is None else round(min(max(value, 0.0), 1.0), 4)
