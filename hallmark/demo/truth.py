"""What the demo knows about each unit before a station sees it, and how findings are held against it."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from datasets.twin import Box, Twin
from evidence import Defect, Inspection
from hallmark.demo.seeded import SEEDED, Seeded
from stations.process import TwinJob

LOT_SIZE = 80


@dataclass(frozen=True, slots=True)
class Unit:
    """One unit of the lot: its serial, the seed of its capture, and what was done to it."""

    serial: str
    seed: int
    seeded: Seeded | None

    def job(self, at: datetime) -> TwinJob:
        """Return the capture of this unit."""
        return TwinJob(self.serial, self.seed, () if self.seeded is None else (self.seeded.change,), at)


def plan_lot(seed: int) -> list[Unit]:
    """Return the lot's units: captures and the places of the six faults follow from the seed."""
    draw = random.Random(f"hallmark-demo-{seed}")  # noqa: S311 (reproducible, not secret)
    faulty = dict(zip(draw.sample(range(LOT_SIZE), len(SEEDED)), SEEDED, strict=True))
    return [Unit(f"S4-{i + 1:04d}", draw.randrange(1, 2**31), faulty.get(i)) for i in range(LOT_SIZE)]


def matches(unit: Unit, inspection: Inspection, twin: Twin) -> bool:
    """Return whether a faulty unit was stopped for what was done to it.

    A fault that is measured: REJECT with its characteristic nonconforming. A fault of the surface: not
    accepted, and a deviation overlaps its true place in the frame, whatever it was named.
    """
    seeded = unit.seeded
    if seeded is None or inspection.verdict == "ACCEPT":
        return False
    if seeded.defect_class is None:
        nonconform = {c.id for c in inspection.characteristics if c.decision == "nonconform"}
        return inspection.verdict == "REJECT" and seeded.stopped_by in nonconform
    return bool(deviations_at(unit, inspection, twin))


def deviations_at(unit: Unit, inspection: Inspection, twin: Twin) -> list[Defect]:
    """Return the deviations that overlap the true place of a unit's fault, gravest first."""
    if unit.seeded is None:
        return []
    place = twin.capture(unit.seed, (unit.seeded.change,)).truth.changes[0].box_frame
    return [] if place is None else [d for d in inspection.defects if _overlap(d.box_px, place)]


def _overlap(a: Sequence[float], b: Box) -> bool:
    return a[0] < b[0] + b[2] and b[0] < a[0] + a[2] and a[1] < b[1] + b[3] and b[1] < a[1] + a[3]
