"""Why a defect has its severity, and why some together have one, in the words of every paper and command."""

from __future__ import annotations

from evidence.inspection import CountResult, Defect
from golden.catalogue import UNCLASSIFIED
from golden.catalogue_words import near_said, number, value_said

_WORTH_SAYING = 0.005  # of a second class


def because(defect: Defect) -> str:
    """Return what decided a defect: its values against the limits, the line, the zone, the severity.

    Such as "length 1.32 mm >= 0.5 mm, line cat-3, zone pads: major". It follows from the record alone.
    """
    if defect.severity is None:
        return f"{_undecided(defect)}: held for a person"
    known = defect.measures.known()
    limits = defect.limits or ()
    said = [value_said(limit.measure, known[limit.measure], limit.from_, limit.to) for limit in limits]
    values = ", ".join(said) or f"size {number('size_mm', defect.size_mm)} mm"
    return f"{values}, line {defect.rule}, zone {defect.zone}: {defect.severity}"


def together(met: CountResult) -> str:
    """Return what a counting rule found, such as "4 deviations within 10 mm2 (3 or more), rule C1: minor"."""
    near = near_said(met.within_mm, met.within_area_mm2, met.closer_than_mm)
    least = "" if met.at_least is None else f" ({met.at_least} or more)"
    return (
        f"{' '.join(filter(None, (f'{met.count} deviations', near)))}{least}, rule {met.rule}: {met.severity}"
    )


def named(defect: Defect) -> str:
    """Return what named a defect and how sure it was, such as "confidence 0.93; next stain 0.05".

    Empty where nothing was asked.
    """
    parts: list[str] = []
    if defect.confidence is not None:
        parts.append(f"confidence {defect.confidence:.2f}")
    if defect.second_class is not None and (defect.second_confidence or 0.0) >= _WORTH_SAYING:
        parts.append(f"next {defect.second_class.replace('_', ' ')} {defect.second_confidence:.2f}")
    if defect.named_by == "islands":
        parts.append("by the islands of conductor")
    return "; ".join(parts)


def _undecided(defect: Defect) -> str:
    if defect.defect_class == UNCLASSIFIED and defect.confidence is not None:
        return f"named with too little confidence ({defect.confidence:.2f}), zone {defect.zone}"
    unnamed = defect.defect_class == UNCLASSIFIED
    what = "an unclassified deviation" if unnamed else f"this {defect.defect_class}"
    return f"no line decides {what} of {number('size_mm', defect.size_mm)} mm, zone {defect.zone}"
