"""What an inspection found on a unit, by cause and severity class: the part that decisions count."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Literal

from pydantic import Field

from evidence import Inspection
from golden.catalogue import CharacteristicClass
from golden.regions import Closed
from golden.spec import GoldenSpec, Surface, is_entered, is_required

CLASSES: tuple[CharacteristicClass, ...] = ("critical", "major", "minor")  # worst first

NONCONFORMITY_CAUSES = ("characteristic:", "defect:", "count:", "reason:")
Cause = Annotated[str, Field(pattern=r"^(characteristic|defect|count|reason|checklist):")]


class Nonconformity(Closed):
    """One departure from the golden sample.

    `cause` is `characteristic:ID`, `defect:CLASS:ZONE`, `count:RULE` of a counting rule that is met or, where
    none of them names it, `reason:CODE`; a failed item of the outgoing checklist is `checklist:ITEM`.
    """

    cause: Cause
    severity: CharacteristicClass


class UnitFindings(Closed):
    """A unit's nonconformities, and the severity classes in which it is not decided."""

    nonconformities: tuple[Nonconformity, ...] = ()
    undecided: tuple[CharacteristicClass, ...] = ()

    def worst(self) -> CharacteristicClass | None:
        """Return the most serious class in which the unit does not conform."""
        found = {n.severity for n in self.nonconformities}
        return next((c for c in CLASSES if c in found), None)


def findings(
    spec: GoldenSpec, inspection: Inspection, checkpoint: Literal["oqc"] | None = None
) -> UnitFindings:
    """Return what an inspection found on its unit.

    Every weighed defect counts in its class, whether or not the catalogue lets the single unit pass, and so
    does every counting rule that is met. A surface characteristic counts by them, and by its own class only
    where it has neither. A unit on HOLD is decided in no class. Of a rejected unit each undecided result
    leaves its class open, and a deviation that the catalogue does not weigh leaves all open. At a checkpoint,
    so does a characteristic that has to be proven there and has no result.
    """
    open_classes: set[CharacteristicClass] = set()
    if inspection.verdict == "HOLD" or (
        inspection.verdict == "REJECT" and any(d.severity is None for d in inspection.defects)
    ):
        open_classes.update(CLASSES)
    severities: dict[str, CharacteristicClass] = {c.id: c.severity for c in spec.characteristics}
    if inspection.verdict == "REJECT":
        undecided = (r for r in inspection.characteristics if r.decision == "undecided")
        open_classes.update(severities[r.id] for r in undecided)
    if checkpoint is not None:
        entered = {r.id for r in inspection.characteristics if r.decision != "undecided"}
        open_classes.update(
            c.severity
            for c in spec.characteristics
            if is_entered(c) and is_required(c, checkpoint) and c.id not in entered
        )
    return UnitFindings(
        nonconformities=tuple(_nonconformities(spec, inspection)),
        undecided=tuple(c for c in CLASSES if c in open_classes),
    )


def late_findings(spec: GoldenSpec, inspection: Inspection) -> UnitFindings:
    """Return what a record that came after the freeze found: where it names no cause, its reasons are."""
    found = findings(spec, inspection)
    if found.nonconformities:
        return found
    causes = tuple(Nonconformity(cause=f"reason:{r}", severity="critical") for r in inspection.reasons)
    return UnitFindings(nonconformities=causes, undecided=found.undecided)


def _nonconformities(spec: GoldenSpec, inspection: Inspection) -> Iterator[Nonconformity]:
    characteristics = {c.id: c for c in spec.characteristics}
    for result in inspection.characteristics:
        if result.decision != "nonconform":
            continue
        characteristic = characteristics.get(result.id)
        if isinstance(characteristic, Surface) and _weighed_in(characteristic, spec, inspection):
            continue
        yield Nonconformity(
            cause=f"characteristic:{result.id}",
            severity="critical" if characteristic is None else characteristic.severity,
        )
    for defect in inspection.defects:
        if defect.severity is not None and defect.severity != "allowed":
            yield Nonconformity(cause=f"defect:{defect.defect_class}:{defect.zone}", severity=defect.severity)
    for met in inspection.counts:
        yield Nonconformity(cause=f"count:{met.rule}", severity=met.severity)


def _weighed_in(surface: Surface, spec: GoldenSpec, inspection: Inspection) -> bool:
    """Return whether a weighed defect, or one that takes part in a counting rule, lies in its zones."""
    weighed = [d for d in inspection.defects if d.severity not in (None, "allowed")]
    weighed += [d for _, part in spec.catalogue.counted(inspection.defects) for d in part]
    return any(d.zone in surface.zones for d in weighed)
