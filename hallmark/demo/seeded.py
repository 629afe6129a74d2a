"""The six units of the demo's lot that are not good, and what must stop them.

They are fixed before anything is rendered; the seed of a demo moves them to other serials and captures.
"""

from __future__ import annotations

from dataclasses import dataclass

from datasets.twin import (
    Change,
    ColourShift,
    ExcessMaterial,
    HoleDiameter,
    HoleShift,
    MissingMaterial,
    Stain,
    bar,
    rectangle,
)


@dataclass(frozen=True, slots=True)
class Seeded:
    """One known fault.

    Attributes:
        description: what was changed, in words.
        change: the change.
        stopped_by: the characteristic that must be nonconforming because of it.
        defect_class: what a fault of the surface should be named; None for one that is measured.
    """

    description: str
    change: Change
    stopped_by: str
    defect_class: str | None = None


SEEDED: tuple[Seeded, ...] = (
    Seeded("Hole top left drilled 0.25 mm too large",
           HoleDiameter((172.3, 178.5), 71.6, 0.25), "hole-tl"),
    Seeded("Hole top right drilled 0.25 mm to the right",
           HoleShift((1522.0, 193.5), 71.1, 0.25, 0.0), "pitch-top"),
    Seeded("Laminate printed too yellow (8 in b*)",
           ColourShift(rectangle(24, 600, 160, 240), lab_offset=(0.0, 0.0, 8.0)), "colour-laminate"),
    Seeded("Centre track interrupted over 0.5 mm",
           MissingMaterial(bar((455, 1200), (508, 1200), 24), (554, 1220)), "surface-conductors", "open"),
    Seeded("Copper bridge between track and plane",
           ExcessMaterial(bar((900, 1520), (900, 1575), 30), (963, 481)), "surface-conductors", "short"),
    Seeded("Flux stain of 3 mm on the plane",
           Stain((1100.0, 520.0), 1.5), "surface-conductors", "stain"),
)  # fmt: skip
