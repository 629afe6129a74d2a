"""What the demo knows about each unit before a station sees it, and how findings are held against it."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from datasets.twin import Box, Twin
from evidence import Inspection
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

    That is: REJECT with the seeded characteristic nonconforming, and for a fault of the surface a region
    that overlaps its true place in the frame.
    """
    seeded = unit.seeded
    if seeded is None or inspection.verdict == "ACCEPT":
        return False
    named = {c.id for c in inspection.characteristics if c.decision == "nonconform"}
    if any(id_ in named for id_ in seeded.stopped_by if not id_.startswith("surface-")):
        return inspection.verdict == "REJECT"
    truth = twin.capture(unit.seed, (seeded.change,)).truth.changes[0].box_frame
    return truth is not None and any(_overlap(d.box_px, truth) for d in inspection.defects)


def _overlap(a: Sequence[float], b: Box) -> bool:
    return a[0] < b[0] + b[2] and b[0] < a[0] + a[2] and a[1] < b[1] + b[3] and b[1] < a[1] + a[3]
