"""What incoming inspection asks of a material lot, and what speaks against it."""

from __future__ import annotations

import math
from dataclasses import dataclass
from fractions import Fraction

from golden.plans import IqcItem
from golden.spec import GoldenSpec
from quality.errors import StepError
from quality.materials.events import (
    AgreedMaterial,
    CheckInspected,
    EvidenceAdded,
    MaterialNonconforming,
    MaterialReceived,
)
from quality.sampling import InspectionSeverity, SamplingPlan, lot_plan


@dataclass(frozen=True, slots=True)
class CheckPlan:
    """Inspect `n` items of a delivery; reject at `Re` nonconforming ones or more.

    `sampling` is the standard's plan where the sample is one.
    """

    n: int
    Ac: int
    Re: int
    sampling: SamplingPlan | None = None


def agreed_material(spec: GoldenSpec, material: str) -> AgreedMaterial:
    """Return what a golden sample asks of a material; a check without id is called `check-N` by its place.

    Raises:
        StepError: the golden sample has no such material.
    """
    known = {m.id: m for m in spec.materials}
    if material not in known:
        raise StepError(
            f"no material {material!r} in the bill of materials of {spec.part.number}; "
            f"it holds: {', '.join(known) or 'none'}"
        )
    items = [item for item in spec.plans.iqc if item.material == material]
    return AgreedMaterial(
        part=spec.part.number,
        revision=spec.part.revision,
        material=known[material],
        items=tuple(
            item.model_copy(update={"id": item.id or f"check-{n}"}) for n, item in enumerate(items, 1)
        ),
        supplier=spec.party("supplier").name,
        buyer=spec.party("buyer").name,
    )


def check_plan(item: IqcItem, lot_size: int, severity: InspectionSeverity) -> CheckPlan:
    """Return the sample of a check; without a sampling it is one item, and a single item is inspected itself.

    Raises:
        SamplingError: the standard gives no plan.
    """
    sampling = item.sampling
    if sampling is None or lot_size == 1:
        return CheckPlan(1, 0, 1)
    if sampling.every_item:
        return CheckPlan(lot_size, 0, 1)
    if sampling.share is not None:
        return CheckPlan(math.ceil(Fraction(str(sampling.share)) * lot_size), 0, 1)
    assert sampling.aql is not None
    plan = lot_plan(lot_size, sampling.level, sampling.aql, severity, sampling.standard)
    return CheckPlan(plan.n, plan.Ac, plan.Re, plan)


def substitutions(
    agreed: AgreedMaterial, manufacturer: str | None, part_number: str | None
) -> tuple[MaterialNonconforming, ...]:
    """Return the substitutions that a manufacturer's name and part number show; case is no matter."""
    approved = agreed.material.approved_manufacturers, agreed.material.part_numbers
    found: list[MaterialNonconforming] = []
    for what, name, names in zip(
        ("manufacturer", "part_number"), (manufacturer, part_number), approved, strict=True
    ):
        if name is not None and names and name.casefold() not in {n.casefold() for n in names}:
            found.append(
                MaterialNonconforming(
                    cause=f"substitution:{what}", severity="major", agreed=", ".join(names), found=name
                )
            )
    return tuple(found)


def contradictions(received: MaterialReceived, evidence: EvidenceAdded) -> tuple[MaterialNonconforming, ...]:
    """Return what a piece of evidence shows: a substitution, or another origin than was declared."""
    delivery = received.delivery
    pairs = [
        (stated, declared)
        for stated, declared in (
            (evidence.manufacturer, delivery.manufacturer),
            (evidence.part_number, delivery.part_number),
            (evidence.manufacturer_lot, delivery.manufacturer_lot),
        )
        if stated is not None and stated.casefold() != declared.casefold()
    ]
    other = [
        MaterialNonconforming(
            cause=f"evidence:{evidence.proves}",
            severity="major",
            agreed=", ".join(declared for _, declared in pairs),
            found=", ".join(stated for stated, _ in pairs),
        )
        for _ in pairs[:1]
    ]
    return (*substitutions(received.agreed, evidence.manufacturer, evidence.part_number), *other)


def outside(item: IqcItem, reading: float) -> bool:
    """Return whether a reading lies outside the check's limits, which are inclusive."""
    below = item.lower is not None and reading < item.lower
    return below or (item.upper is not None and reading > item.upper)


def failure(item: IqcItem, plan: CheckPlan, result: CheckInspected) -> tuple[MaterialNonconforming, ...]:
    """Return the nonconformity of a check that its sample rejects."""
    if result.nonconforming < plan.Re:
        return ()
    found = f"{result.nonconforming} of {result.inspected} do not conform"
    agreed = f"{item.check}: at most {plan.Ac} of {plan.n}"
    return (
        MaterialNonconforming(cause=f"check:{item.id}", severity=item.severity, agreed=agreed, found=found),
    )
