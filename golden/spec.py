"""The golden specification: what supplier and buyer agreed, as closed pydantic models.

Coordinates are pixels of the view's reference image (pixel centres at integers, x right, y down);
sizes and tolerances are millimetres. Limits are limits of size (ISO 286-1), both inclusive.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from decimal import Decimal
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from golden.catalogue import DefectCatalogue
from golden.characteristics import (
    Characteristic,
    Checkpoint,
    Code,
    Colour,
    Component,
    DecisionRule,
    Dimension,
    Entered,
    Print,
    Surface,
    is_entered,
    is_required,
)
from golden.comparison import Artwork, Comparison
from golden.plans import Deadlines, Plans
from golden.regions import Closed, Identifier, PixelPoint, Region, Stated, bounds

__all__ = [
    "SCHEMA", "Characteristic", "Checkpoint", "Code", "Colour", "Component", "DecisionRule", "Dimension",
    "Entered", "GoldenSpec", "ImagePath", "LimitSample", "Material", "Part", "Party", "PartyName",
    "PartyRole", "PhysicalSample", "Print", "Surface", "View", "Viewing", "Zone", "is_entered", "is_required",
    "located", "refuse_duplicates",
]  # fmt: skip

SCHEMA = "hallmark.golden/1"

PartyRole = Literal["supplier", "buyer", "laboratory", "other"]
PartyName = Annotated[str, Field(min_length=1, max_length=200)]
ImagePath = Annotated[str, Field(pattern=r"^images/[A-Za-z0-9][A-Za-z0-9._-]{0,99}$")]


class Party(Closed):
    """A party to the agreement; `name` is what a trusted key is bound to."""

    name: PartyName
    role: PartyRole
    contact: str | None = None


class Part(Closed):
    """The part that the golden sample defines.

    `expansion_ppm_per_k` is its linear thermal expansion, with its standard uncertainty: lengths hold at
    20 degrees C (ISO 1:2022) where the camera's certificate states a temperature.
    """

    number: Identifier
    revision: Annotated[str, Field(pattern=r"^[A-Za-z0-9._-]{1,32}$")]
    name: Annotated[str, Field(min_length=1, max_length=200)]
    expansion_ppm_per_k: Stated[Annotated[float, Field(ge=-100, le=1000)]] = None
    u_expansion_ppm_per_k: Stated[Annotated[float, Field(ge=0, le=1000)]] = None


class View(Closed):
    """One required picture of a unit, with the golden reference image it is compared to.

    `image` is a path inside the bundle (and beside the YAML while authoring); `mm_per_px` is the
    nominal scale of that image and `transfer` how its codes relate to light. `height_mm` is where the
    measured edges lie above the plane that stations calibrate, with its standard uncertainty. `comparison`
    says what makes a difference of its surface a deviation; `artwork` that it shows binary artwork.
    """

    id: Identifier
    image: ImagePath
    width_px: Annotated[int, Field(ge=16, le=20000)]
    height_px: Annotated[int, Field(ge=16, le=20000)]
    mm_per_px: Annotated[float, Field(gt=0, le=10)]
    transfer: Literal["srgb", "linear"] = "srgb"
    ignore: tuple[Region, ...] = ()
    height_mm: Stated[Annotated[float, Field(ge=-1000, le=1000)]] = None
    u_height_mm: Stated[Annotated[float, Field(ge=0, le=100)]] = None
    comparison: Stated[Comparison] = None
    artwork: Stated[Artwork] = None

    @model_validator(mode="after")
    def _name(self) -> Self:
        if self.id == "inspection":
            raise ValueError("a view cannot be called inspection: the record itself is sent under that name")
        if self.artwork is not None and self.comparison is not None:
            raise ValueError("artwork is compared in its own way: give artwork or comparison, not both")
        return self


class Viewing(Closed):
    """The conditions under which a person judges a zone; appearance limits mean nothing without them."""

    distance_mm: Annotated[float, Field(gt=0, le=10000)]
    time_s: Annotated[float, Field(gt=0, le=600)]
    illuminance_lx: Annotated[float, Field(gt=0, le=100000)]
    illuminant: Annotated[str, Field(max_length=32)] = "D65"
    angle_deg: Annotated[float, Field(ge=0, le=90)] = 90.0


class Zone(Closed):
    """A part of a view whose surface is compared; a point belongs to the first zone that holds it."""

    id: Identifier
    name: Annotated[str, Field(min_length=1, max_length=200)]
    view: Identifier
    region: Region
    viewing: Viewing


class Material(Closed):
    """A material of the bill of materials: who may make it, under which part numbers, and what proves it.

    `part_numbers` are the manufacturers' own; none means that any of an approved manufacturer may be used.
    One unit of the part takes `per_unit` of it, in `unit`.
    """

    id: Identifier
    name: Annotated[str, Field(min_length=1, max_length=200)]
    standard: Annotated[str, Field(min_length=1, max_length=200)]
    approved_manufacturers: Annotated[tuple[str, ...], Field(min_length=1)]
    part_numbers: tuple[str, ...] = ()
    unit: Annotated[str, Field(min_length=1, max_length=32)] | None = None
    per_unit: Annotated[Decimal, Field(gt=0, max_digits=15, decimal_places=6)] | None = None
    required_evidence: Annotated[tuple[str, ...], Field(min_length=1)]

    @model_validator(mode="after")
    def _amount(self) -> Self:
        if self.per_unit is not None and self.unit is None:
            raise ValueError("per_unit needs a unit: add it, or remove per_unit")
        return self


class PhysicalSample(Closed):
    """A copy of the golden sample that exists in the world.

    It is retired once its colour has moved by more than `retire_delta_e` (Delta E*ab) from its first reading.
    """

    id: Identifier
    seal_number: Annotated[str, Field(min_length=1, max_length=64)]
    holder: Annotated[str, Field(min_length=1, max_length=200)]
    storage: str | None = None
    retire_delta_e: Annotated[float, Field(gt=0, le=100)] | None = None


class LimitSample(Closed):
    """A boundary sample: the last that is accepted or the first that is rejected.

    It is retired as a `PhysicalSample` is.
    """

    id: Identifier
    seal_number: Annotated[str, Field(min_length=1, max_length=64)]
    holder: Annotated[str, Field(min_length=1, max_length=200)]
    shows: Annotated[str, Field(min_length=1, max_length=500)]
    verdict: Literal["accept", "reject"]
    image: ImagePath | None = None
    retire_delta_e: Annotated[float, Field(gt=0, le=100)] | None = None


class GoldenSpec(Closed):
    """Everything that supplier and buyer seal. One object, closed: unknown keys are refused."""

    schema_: Literal["hallmark.golden/1"] = Field(alias="schema", default=SCHEMA)
    part: Part
    parties: Annotated[tuple[Party, ...], Field(min_length=2, max_length=8)]
    views: Annotated[tuple[View, ...], Field(min_length=1, max_length=32)]
    characteristics: Annotated[tuple[Characteristic, ...], Field(min_length=1, max_length=2000)]
    zones: Annotated[tuple[Zone, ...], Field(max_length=200)] = ()
    catalogue: DefectCatalogue
    materials: tuple[Material, ...] = ()
    physical_samples: tuple[PhysicalSample, ...] = ()
    limit_samples: tuple[LimitSample, ...] = ()
    plans: Plans
    deadlines: Deadlines = Deadlines()

    @model_validator(mode="after")
    def _references(self) -> Self:
        if not {"supplier", "buyer"} <= {p.role for p in self.parties}:
            raise ValueError("parties: name at least one supplier and one buyer")
        refuse_duplicates("parties.name", (p.name for p in self.parties))
        refuse_duplicates("views.id", (v.id for v in self.views))
        refuse_duplicates("characteristics.id", (c.id for c in self.characteristics))
        refuse_duplicates("characteristics.number", (str(c.number) for c in self.characteristics))
        refuse_duplicates("zones.id", (z.id for z in self.zones))
        refuse_duplicates("catalogue.rules.id", (r.id for r in self.catalogue.rules))
        refuse_duplicates(
            "catalogue.rules.id and catalogue.counts.id",
            (rule.id for rule in (*self.catalogue.rules, *self.catalogue.counts)),
        )
        refuse_duplicates("materials.id", (m.id for m in self.materials))
        refuse_duplicates(
            "physical_samples.id and limit_samples.id",
            (sample.id for sample in (*self.physical_samples, *self.limit_samples)),
        )
        self._check_zone_names()
        self._check_regions()
        self._check_parts()
        self._check_artwork()
        self._check_identity()
        self._check_key_characteristics()
        materials = {m.id for m in self.materials}
        for i, item in enumerate(self.plans.iqc):
            if item.material not in materials:
                raise ValueError(
                    f"plans.iqc[{i}].material: no material {item.material!r}: add it to materials"
                )
        refuse_duplicates("plans.iqc.id", (item.id for item in self.plans.iqc if item.id is not None))
        return self

    def _check_zone_names(self) -> None:
        zones = {z.id for z in self.zones}
        if "any" in zones:
            raise ValueError("zones.id: 'any' means every zone in the catalogue: choose another id")
        for field, rules in (("rules", self.catalogue.rules), ("counts", self.catalogue.counts)):
            for i, rule in enumerate(rules):
                if rule.zone not in zones | {"any"}:
                    raise ValueError(f"catalogue.{field}[{i}].zone: no zone {rule.zone!r}: add it to zones")
        for i, c in enumerate(self.characteristics):
            unknown = sorted(set(c.zones) - zones) if isinstance(c, Surface) else []
            if unknown:
                raise ValueError(f"characteristics[{i}].zones: no zone {unknown[0]!r}: add it to zones")

    def _check_parts(self) -> None:
        least = 2 * self.catalogue.smallest_mm  # a part is longer than half of split_mm
        for i, view in enumerate(self.views):
            split = None if view.comparison is None else view.comparison.split_mm
            if split is not None and split < least:
                raise ValueError(
                    f"views[{i}].comparison.split_mm: {split:g} makes parts below "
                    f"catalogue.smallest_mm, which nobody would see: give at least {least:g}, twice that"
                )

    def _check_artwork(self) -> None:
        artwork = {v.id for v in self.views if v.artwork is not None}
        for i, c in enumerate(self.characteristics):
            view = c.feature.view if isinstance(c, Dimension) else getattr(c, "view", None)
            if view in artwork:
                raise ValueError(
                    f"characteristics[{i}] ({c.id}): view {view!r} is artwork, of which the surface alone is "
                    "judged: take the characteristic from another view"
                )

    def _check_identity(self) -> None:
        identifying = [c.id for c in self.characteristics if isinstance(c, Code) and c.identifies]
        if len(identifying) > 1:
            raise ValueError(
                f"characteristics: {' and '.join(identifying)} both say which unit it is: let one identify"
            )

    def _check_key_characteristics(self) -> None:
        known = {c.id: c for c in self.characteristics}
        for i, key in enumerate(self.plans.ipqc.key_characteristics):
            where = f"plans.ipqc.key_characteristics[{i}]"
            c = known.get(key.characteristic)
            if c is None:
                raise ValueError(f"{where}: no characteristic {key.characteristic!r}: add it")
            counted = isinstance(c, Surface) or c.unit is None
            if counted != (key.chart in ("p", "np")):
                needs = "p or np: it gives no variables data" if counted else "xbar_r, xbar_s or i_mr"
                raise ValueError(f"{where}.chart: {key.characteristic} takes {needs}")

    def _check_regions(self) -> None:
        views = {v.id: v for v in self.views}
        for where, view_id, points in located(self):
            view = views.get(view_id)
            if view is None:
                raise ValueError(f"{where}: no view {view_id!r}: add it to views")
            for x, y in points:
                if not (-0.5 <= x <= view.width_px - 0.5 and -0.5 <= y <= view.height_px - 0.5):
                    raise ValueError(
                        f"{where}: reaches to ({x:g}, {y:g}), outside view {view_id!r} of "
                        f"{view.width_px} x {view.height_px} px: move or shrink it"
                    )

    def view(self, view_id: str) -> View:
        """Return the view of that id; raise KeyError if there is none."""
        return {v.id: v for v in self.views}[view_id]

    def party(self, role: PartyRole) -> Party:
        """Return the first party of that role; raise KeyError if there is none."""
        return {p.role: p for p in reversed(self.parties)}[role]


def refuse_duplicates(where: str, names: Iterable[str]) -> None:
    """Raise ValueError naming the first name that occurs twice."""
    seen: set[str] = set()
    for name in names:
        if name in seen:
            raise ValueError(f"{where}: {name!r} occurs twice: give each its own")
        seen.add(name)


def located(spec: GoldenSpec) -> Iterable[tuple[str, str, Sequence[PixelPoint]]]:
    """Yield field path, view id and extreme points of everything in the spec that lies in a view."""
    for v, view in enumerate(spec.views):
        for i, region in enumerate(view.ignore):
            yield f"views[{v}].ignore[{i}]", view.id, bounds(region)
    for i, zone in enumerate(spec.zones):
        yield f"zones[{i}].region ({zone.id})", zone.view, bounds(zone.region)
    for i, c in enumerate(spec.characteristics):
        if isinstance(c, Colour):
            yield f"characteristics[{i}].region ({c.id})", c.view, bounds(c.region)
            if c.other is not None:
                yield f"characteristics[{i}].other ({c.id})", c.view, bounds(c.other)
        elif isinstance(c, Component | Print | Code):
            yield f"characteristics[{i}].region ({c.id})", c.view, bounds(c.region)
        elif isinstance(c, Dimension):
            yield f"characteristics[{i}].feature ({c.id})", c.feature.view, c.feature.extreme_points
