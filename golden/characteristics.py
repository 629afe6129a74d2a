"""The kinds of characteristics.

Dimension, colour and surface; component, print and code; and what people or instruments prove.
"""

from __future__ import annotations

import re
from typing import Annotated, Literal, Self, TypeGuard

from pydantic import Field, model_validator

from golden.catalogue import CharacteristicClass
from golden.colours import ColourConditions, Formula, LabReference, Quantity
from golden.features import DimensionFeature
from golden.regions import Closed, Identifier, Region, Stated
from golden.sizes import AssociationOperator, Rank, Unit

Checkpoint = Literal["iqc", "fai", "ipqc", "oqc"]
Symbology = Literal["DataMatrix", "QRCode", "Code128"]


def _is_mean(quantity: object) -> bool:
    return quantity == "mean"  # not written, so that agreements from before it keep their bytes


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
    """A colour difference with its limit; `upper` is in units of `formula`, the golden sample its reference.

    Without `reference` the golden sample is measured on the same station, and the camera decides. `reference`
    is a contractual absolute colour: a camera's value may be reported, a spectrophotometer's reading under
    its conditions decides; each unit needs one, or only units at the checkpoints of `required_at`.

    `quantity` is what differs: the region's `mean`; `p95`, the 95th percentile over the region's places, with
    `viewing_distance_mm` of the pattern as the eye sees it from there (S-CIELAB); `mottle`, how uneven the
    region is beyond the golden sample's; `gradient`, how far it runs from end to end beyond the golden
    sample's; `match`, how the region and `other` differ on the unit beyond how they do on the golden sample.
    `conditions` are the light and observer for which the difference must hold, else the certificate's.
    """

    kind: Literal["colour"]
    view: Identifier
    region: Region
    formula: Formula = "CIEDE2000"
    upper: Annotated[float, Field(gt=0, le=100, allow_inf_nan=False)]
    unit: Formula = "CIEDE2000"
    quantity: Annotated[Quantity, Field(exclude_if=_is_mean)] = "mean"
    other: Stated[Region] = None
    conditions: Stated[ColourConditions] = None
    reference: Stated[LabReference] = None
    required_at: Stated[Annotated[tuple[Checkpoint, ...], Field(min_length=1)]] = None
    viewing_distance_mm: Stated[Annotated[float, Field(gt=0, le=10000)]] = None

    @model_validator(mode="after")
    def _means_something(self) -> Self:
        if "unit" not in self.model_fields_set:
            object.__setattr__(self, "unit", self.formula)
        if self.unit != self.formula:
            raise ValueError(f"the difference is in {self.formula}, not in {self.unit}: remove unit")
        if (self.quantity == "match") != (self.other is not None):
            raise ValueError("other is the region that a match is made with: give it with quantity: match")
        if self.required_at is not None and self.reference is None:
            raise ValueError("required_at is where a reference is proven: give a reference, or remove it")
        if self.viewing_distance_mm is not None and self.quantity != "p95":
            raise ValueError("viewing_distance_mm is of patterns: set quantity: p95, or remove it")
        if self.reference is not None:
            if self.quantity != "mean":
                raise ValueError("a reference is of a mean colour: remove quantity")
            if self.conditions is not None:
                raise ValueError("a reference has conditions of its own: remove conditions")
        return self

    @property
    def needs_calibration(self) -> bool:
        """Whether it means something only by a camera characterised for colour, or by an instrument."""
        plain = self.quantity == "mean" and self.formula == "CIEDE2000" and self.conditions is None
        return self.reference is not None or not plain


class Surface(_Characteristic):
    """No deviation in these zones beyond what the catalogue allows; the value counts what it does not."""

    kind: Literal["surface"]
    zones: Annotated[tuple[Identifier, ...], Field(min_length=1)]


class Component(_Characteristic):
    """A component is present, the right one, in its place and not turned, as the golden sample shows it.

    `region` is its body on the golden image. `upper` limits how far, in mm, its centre may lie from where the
    golden sample has it, `upper_angle_deg` how far it may be turned. One that is not `polarised` may also sit
    turned by 180 degrees. The other components of the view are what it must not be exchanged for, unless they
    have the same `part_number`.
    """

    kind: Literal["component"]
    view: Identifier
    region: Region
    upper: Annotated[float, Field(gt=0, le=100, allow_inf_nan=False)]
    upper_angle_deg: Annotated[float, Field(gt=0, le=30, allow_inf_nan=False)] = 10.0
    polarised: bool = True
    part_number: Stated[Annotated[str, Field(min_length=1, max_length=200)]] = None
    unit: Literal["mm"] = "mm"

    @property
    def lower(self) -> None:
        """There is none: an offset counts from zero."""


class Print(_Characteristic):
    """A text or logo is printed as on the golden sample; it is compared, never read.

    `region` holds all of it. `upper` limits how far, in mm, the whole of it may lie from its place.
    `detail_mm` is the height of its smallest characters, or the size of a logo's smallest part: one that is
    missing, added or another is found.
    """

    kind: Literal["print"]
    view: Identifier
    region: Region
    upper: Annotated[float, Field(gt=0, le=100, allow_inf_nan=False)]
    detail_mm: Annotated[float, Field(gt=0, le=100, allow_inf_nan=False)]
    unit: Literal["mm"] = "mm"

    @property
    def lower(self) -> None:
        """There is none: an offset counts from zero."""


class Code(_Characteristic):
    """A DataMatrix (ISO/IEC 16022), QR (ISO/IEC 18004) or Code 128 (ISO/IEC 15417) symbol and what it says.

    `region` holds the symbol with its quiet zone. Its whole content must be `content`, or match `pattern`, a
    regular expression; without either, any content conforms. Where `identifies` is set the content, or the
    pattern's group `serial`, is the unit's serial number.
    """

    kind: Literal["code"]
    view: Identifier
    region: Region
    symbology: Symbology
    content: Stated[Annotated[str, Field(min_length=1, max_length=4000)]] = None
    pattern: Stated[Annotated[str, Field(min_length=1, max_length=500)]] = None
    identifies: bool = False

    @model_validator(mode="after")
    def _means_something(self) -> Self:
        if self.content is not None and self.pattern is not None:
            raise ValueError("content and pattern exclude each other: remove one")
        if self.content is not None and self.identifies:
            raise ValueError("a fixed content identifies no unit: give a pattern, or remove identifies")
        if self.pattern is not None:
            try:
                re.compile(self.pattern)
            except re.error as error:
                raise ValueError(f"pattern is no regular expression: {error}: correct it") from error
        return self

    @property
    def unit(self) -> None:
        """There is none: a content conforms or does not."""

    @property
    def lower(self) -> None:
        """There is none."""

    @property
    def upper(self) -> None:
        """There is none."""

    def serial(self, content: str) -> str | None:
        """Return the unit's serial number that a content states; None where it states none."""
        found = None if self.pattern is None else re.fullmatch(self.pattern, content)
        if not self.identifies or (self.pattern is not None and found is None):
            return None
        return found["serial"] if found is not None and "serial" in found.re.groupindex else content

    def conforms(self, content: str) -> bool:
        """Return whether a whole content is the agreed one."""
        if self.content is not None:
            return content == self.content
        return self.pattern is None or re.fullmatch(self.pattern, content) is not None


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


Characteristic = Annotated[
    Dimension | Colour | Surface | Component | Print | Code | Entered, Field(discriminator="kind")
]


def is_required(characteristic: Characteristic, checkpoint: Checkpoint | None = None) -> bool:
    """Return whether a unit must prove it at a checkpoint; without one, whether every unit must."""
    if isinstance(characteristic, Entered):
        return characteristic.every_unit or checkpoint in characteristic.required_at
    if isinstance(characteristic, Colour) and characteristic.required_at is not None:
        return checkpoint in characteristic.required_at
    return True


def is_entered(characteristic: Characteristic) -> TypeGuard[Entered | Colour]:
    """Return whether people or instruments give its result: an absolute colour takes a reading."""
    if isinstance(characteristic, Colour):
        return characteristic.reference is not None
    return isinstance(characteristic, Entered)


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
