"""The golden specification: what supplier and buyer agreed, as closed pydantic models.

Coordinates are pixels of the view's reference image (pixel centres at integers, x right, y down);
sizes and tolerances are millimetres. Limits are limits of size (ISO 286-1), both inclusive.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from decimal import Decimal
from typing import Annotated, Literal, Self, TypeVar

from pydantic import Field, model_validator

from golden.catalogue import CharacteristicClass, DefectCatalogue
from golden.features import DimensionFeature
from golden.plans import Deadlines, Plans
from golden.regions import Closed, Identifier, PixelPoint, Region, bounds
from golden.sizes import AssociationOperator, Rank, Unit

SCHEMA = "hallmark.golden/1"

PartyRole = Literal["supplier", "buyer", "laboratory", "other"]
PartyName = Annotated[str, Field(min_length=1, max_length=200)]
ImagePath = Annotated[str, Field(pattern=r"^images/[A-Za-z0-9][A-Za-z0-9._-]{0,99}$")]
Checkpoint = Literal["iqc", "fai", "ipqc", "oqc"]


def _is_none(value: object) -> bool:
    return value is None


_T = TypeVar("_T")
# what an older agreement does not state is not written, so that its bytes stay
Stated = Annotated[_T | None, Field(exclude_if=_is_none)]


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
    measured edges lie above the plane that stations calibrate, with its standard uncertainty.
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

    @model_validator(mode="after")
    def _name(self) -> Self:
        if self.id == "inspection":
            raise ValueError("a view cannot be called inspection: the record itself is sent under that name")
        return self


class DecisionRule(Closed):
    """How a measured value with uncertainty is decided (ISO 14253-1:2017, ILAC-G8:2019, JCGM 106:2012).

    `simple` compares the value with the limits; `guarded` moves each limit by `guard_factor` times the
    expanded uncertainty U = k u: inside the reduced interval conforms, outside the enlarged interval does
    not conform, between is undecided. The default is the guard band U = 2u (ILAC-G8, ISO 14253-1:1998); a
    coverage factor of 1.645 gives the 95 % limit of ISO 14253-1:2017. `who_proves` names who must prove
    what where the value is undecided: the supplier proves conformity, the buyer proves nonconformity.
    `largest_u_over_tolerance` is how capable the measuring process must be: where U over the tolerance (from
    zero where only `upper` is given) is larger, a value inside the limits is undecided, never accepted. Null
    asks for nothing and is not written, so that agreements from before it keep their bytes.
    """

    rule: Literal["simple", "guarded"] = "guarded"
    coverage_factor: Annotated[float, Field(ge=1, le=4)] = 2.0
    guard_factor: Annotated[float, Field(ge=0, le=2)] = 1.0
    who_proves: Literal["supplier", "buyer"] = "supplier"
    largest_u_over_tolerance: Annotated[float, Field(gt=0, le=1)] | None = Field(
        default=None, exclude_if=lambda ratio: ratio is None
    )

    @property
    def needs_uncertainty(self) -> bool:
        """Whether a value whose uncertainty nobody states can conform by this rule."""
        return self.rule == "guarded" or self.largest_u_over_tolerance is not None


class _Characteristic(Closed):
    """What all numbered characteristics share; `number` is the balloon on the drawing."""

    number: Annotated[int, Field(ge=1, le=9999)]
    id: Identifier
    name: Annotated[str, Field(min_length=1, max_length=200)]
    severity: CharacteristicClass
    decision: DecisionRule = DecisionRule()

    @model_validator(mode="after")
    def _tolerance(self) -> Self:
        if self.decision.largest_u_over_tolerance is not None:
            lower, upper = getattr(self, "lower", None), getattr(self, "upper", None)
            if upper is None or upper <= (0.0 if lower is None else lower):
                raise ValueError(
                    "decision.largest_u_over_tolerance needs a tolerance: give an upper limit above lower, "
                    "or above zero where there is no lower; or remove it"
                )
        return self


class Dimension(_Characteristic):
    """A size, distance, angle, area or geometrical deviation with its limits.

    `unit` follows from the feature and need not be written, nor need `association` where the feature's own is
    meant (minimum zone for form, else least squares). A geometrical tolerance has nominal 0 and an upper
    limit only. `rank` chooses which of all local two-point sizes is the value (ISO 14405-1 SX, SN, SA); where
    it is absent, the one nearest to a limit or farthest beyond it, since every local size must conform.
    """

    kind: Literal["dimension"]
    feature: DimensionFeature
    nominal: Annotated[float, Field(ge=0, le=1e10, allow_inf_nan=False)]
    lower: Annotated[float, Field(ge=0, le=1e10, allow_inf_nan=False)] | None = None
    upper: Annotated[float, Field(ge=0, le=1e10, allow_inf_nan=False)] | None = None
    association: AssociationOperator = "least_squares"
    rank: Rank | None = Field(default=None, exclude_if=lambda rank: rank is None)
    unit: Unit = "mm"

    @model_validator(mode="after")
    def _means_something(self) -> Self:
        feature = self.feature
        # what is not written follows from the feature; set as a frozen class may while it is being made
        if "unit" not in self.model_fields_set:
            object.__setattr__(self, "unit", feature.unit)
        if "association" not in self.model_fields_set:
            object.__setattr__(self, "association", feature.allowed[0])
        if self.unit != feature.unit:
            raise ValueError(f"{feature.type} is in {feature.unit}, not in {self.unit}: remove unit")
        if self.association not in feature.allowed:
            raise ValueError(
                f"association {self.association} means nothing for {feature.type}: "
                f"choose {' or '.join(feature.allowed)}"
            )
        if self.rank is not None and self.association != "two_point":
            raise ValueError("rank is of local two-point sizes: remove it, or set association: two_point")
        if feature.one_sided and (self.nominal != 0 or self.lower is not None):
            raise ValueError(f"{feature.type} counts from zero: set nominal: 0 and give an upper limit only")
        most = {"mm": 100_000, "deg": 180, "mm2": 1e10}[self.unit]
        if max(self.nominal, self.lower or 0, self.upper or 0) > most:
            raise ValueError(f"nominal and limits in {self.unit} cannot be above {most:g}")
        check_limits(self.lower, self.nominal, self.upper)
        return self


class Colour(_Characteristic):
    """Colour difference of a region's mean to the golden sample's, with its limit.

    The golden sample is the reference of the formula. `upper` is in units of Delta E.
    """

    kind: Literal["colour"]
    view: Identifier
    region: Region
    formula: Literal["CIEDE2000"] = "CIEDE2000"
    upper: Annotated[float, Field(gt=0, le=100, allow_inf_nan=False)]
    unit: Literal["CIEDE2000"] = "CIEDE2000"


class Surface(_Characteristic):
    """No deviation in these zones beyond what the catalogue allows; the value counts what it does not."""

    kind: Literal["surface"]
    zones: Annotated[tuple[Identifier, ...], Field(min_length=1)]


class Entered(_Characteristic):
    """A characteristic that people or instruments prove: material, function or attribute.

    With a unit it is a number with limits; without, it is conform or nonconform. `every_unit` says
    whether a unit's verdict waits for it; otherwise it is proven at the checkpoints in `required_at`.
    """

    kind: Literal["material", "functional", "attribute"]
    method: Annotated[str, Field(min_length=1, max_length=500)]
    unit: Annotated[str, Field(min_length=1, max_length=32)] | None = None
    nominal: Annotated[float, Field(allow_inf_nan=False)] | None = None
    lower: Annotated[float, Field(allow_inf_nan=False)] | None = None
    upper: Annotated[float, Field(allow_inf_nan=False)] | None = None
    every_unit: bool = False
    required_at: tuple[Checkpoint, ...] = ("fai",)

    @model_validator(mode="after")
    def _limits(self) -> Self:
        if self.unit is not None:
            check_limits(self.lower, self.nominal, self.upper)
        elif (self.nominal, self.lower, self.upper) != (None, None, None):
            raise ValueError("nominal, lower and upper need a unit: add it, or remove them")
        if not self.every_unit and not self.required_at:
            raise ValueError(
                "would never be proven: name a checkpoint in required_at, or set every_unit: true"
            )
        return self


Characteristic = Annotated[Dimension | Colour | Surface | Entered, Field(discriminator="kind")]


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


def check_limits(lower: float | None, nominal: float | None, upper: float | None) -> None:
    """Raise ValueError unless limits exist, are ordered and enclose the nominal."""
    if lower is None and upper is None:
        raise ValueError("needs a limit: give lower, upper or both")
    if lower is not None and upper is not None and lower >= upper:
        raise ValueError(f"lower {lower:g} must be below upper {upper:g}: exchange or correct them")
    if nominal is not None and lower is not None and nominal < lower:
        raise ValueError(f"nominal {nominal:g} lies below lower {lower:g}: correct one of them")
    if nominal is not None and upper is not None and nominal > upper:
        raise ValueError(f"nominal {nominal:g} lies above upper {upper:g}: correct one of them")


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
        elif isinstance(c, Dimension):
            yield f"characteristics[{i}].feature ({c.id})", c.feature.view, c.feature.extreme_points
