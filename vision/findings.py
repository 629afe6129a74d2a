"""Findings become defects of the record: measured, weighed by the catalogue, with what explains them."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace

from evidence import Defect
from golden.catalogue import DefectCatalogue, DefectRule, Measures
from golden.spec import View
from vision.named import Finding
from vision.surface import Deviation


def defects_of(
    view: View,
    findings: Iterable[Finding],
    catalogue: DefectCatalogue,
    delta_e: Callable[[Deviation], float | None],
) -> list[Defect]:
    """Return a view's findings as defects, in the same order; lines weigh the numbers that are recorded.

    `delta_e` tells how a region's colour differs, None where it is not known.
    """
    return [_defect(view, finding, delta_e(finding.region), catalogue) for finding in findings]


def in_order(defects: Iterable[Defect], catalogue: DefectCatalogue) -> list[Defect]:
    """Return a unit's defects as its record lists them: gravest first, then largest."""
    return sorted(defects, key=lambda d: (catalogue.rank(d.severity), -d.size_mm, d.box_px))


def graver(
    part: Finding,
    whole: Deviation,
    catalogue: DefectCatalogue,
    delta_e: Callable[[Deviation], float | None] = lambda _: None,
) -> Finding:
    """Return a finding that is a part of a difference, or the same of all of it where that weighs more.

    Names divide a difference, and no limit on size is kept by being divided. `delta_e` as of `defects_of`.
    """
    found = replace(part, region=whole)
    lines = [_weighed(f, delta_e(f.region), catalogue)[2] for f in (part, found)]
    one, all_of_it = (catalogue.rank(None if line is None else line.severity) for line in lines)
    return found if all_of_it < one else part


def _weighed(
    finding: Finding, colour: float | None, catalogue: DefectCatalogue
) -> tuple[Measures, str, DefectRule | None]:
    """Return what a finding measures, as recorded, and the zone and line that decide it."""
    d = finding.region
    measures = Measures(d.size_mm, d.length_mm, d.area_mm2, d.contrast, colour).rounded()
    asked = finding.named_by != "comparison"
    return measures, *catalogue.weigh_in(finding.defect_class, d.zones, measures, asked=asked)


def _defect(view: View, finding: Finding, colour: float | None, catalogue: DefectCatalogue) -> Defect:
    d = finding.region
    measures, zone, line = _weighed(finding, colour, catalogue)
    second_class, second_confidence = finding.second or (None, None)
    fields = {
        "view": view.id,
        "class": finding.defect_class,
        "severity": None if line is None else line.severity,
        "confidence": _probability(finding.confidence),
        "box_px": tuple(round(v, 2) for v in d.frame_px),
        "box_mm": tuple(round(v * view.mm_per_px, 4) for v in d.golden_px),
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
