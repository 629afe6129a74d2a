"""The inspection record: one unit, all its views and results, one verdict."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field, model_validator

from evidence.colours import ColourResult
from evidence.frame import Timestamp
from evidence.light import LightRecord
from evidence.presence import CodeResult, PresenceResult
from evidence.reasons import REASONS
from golden.catalogue import CharacteristicClass, Measure, Measures
from golden.digests import canonical_json, sha256
from golden.regions import Closed, Stated
from golden.spec import DecisionRule

SCHEMA = "hallmark.inspection/1"
MOST_DEFECTS = 200

Digest = Annotated[str, Field(pattern=r"^sha256:[0-9a-f]{64}$")]
Name = Annotated[str, Field(min_length=1, max_length=128)]
Verdict = Literal["ACCEPT", "REJECT", "HOLD"]
PixelBox = tuple[float, float, float, float]
SerialSource = Literal["code", "label"]
NamedBy = Literal["comparison", "classifier", "islands", "detector"]


class GoldenReference(Closed):
    """Which sealed golden sample judged."""

    digest: Digest
    version: Annotated[int, Field(ge=1)]


class ModelReference(Closed):
    """Which model named the defects: a cell classifier or a detector of crops."""

    name: Name
    digest: Digest


class Pose(Closed):
    """p_unit = scale * R(angle) * p_golden + (x, y); angle from x towards y; residual is rms, in pixels.

    `field_px` is the largest displacement by the smooth local field that follows the pose; 0 without one.
    `wave_px` is the largest by a wave of the frame's rows, where components and prints were placed by one.
    """

    x_px: float
    y_px: float
    angle_deg: float
    scale: Annotated[float, Field(gt=0)]
    residual_px: Annotated[float, Field(ge=0)]
    field_px: Annotated[float, Field(ge=0)] = 0.0
    wave_px: Stated[Annotated[float, Field(ge=0)]] = None


class FrameRecord(Closed):
    """Provenance of one frame; `pose` is null where the unit was not found.

    `colours` is the digest of the golden sample's colours as this station measured them, where units are
    compared with those; `light` is what a tile in the frame shows of the lamp, where there is one.
    `variation` is the digest of what approved units show, where the surface is compared with that.
    """

    view: Name
    camera: Name
    digest: Digest
    captured_at: Timestamp | None
    calibration: Digest | None
    pose: Pose | None
    colours: Stated[Digest] = None
    light: Stated[LightRecord] = None
    variation: Stated[Digest] = None


class BudgetLine(Closed):
    """One source of a value's uncertainty, in the value's unit.

    `common` sources act alike on every unit of the station; null degrees of freedom are infinite.
    """

    name: Name
    standard_uncertainty: Annotated[float, Field(ge=0)]
    degrees_of_freedom: Annotated[float, Field(ge=1)] | None
    common: bool


class CharacteristicResult(Closed):
    """A number never travels alone: value, unit, uncertainty, limits, rule, validity, decision.

    `value` and `standard_uncertainty` are null where nothing was measured, and then `reason` says why.
    `set_aside` is the share of edge points that a robust fit did not follow: a burr is among them. `budget`
    says where the standard uncertainty comes from, and `common_uncertainty` is what of it is the same for
    every unit of the station and does not average out over a lot. `interval` is the expanded interval of a
    value whose uncertainty reaches farther to one side, each bound one-sided at Phi(coverage_factor); such a
    value is decided by it (see `golden.conformity.decide_asymmetric`). `colour` says how a colour differs,
    `presence` how a component or print sits and looks, `code` what a code says.
    """

    id: Name
    name: str
    source: Literal["vision", "manual", "imported"]
    value: float | None
    unit: str | None
    nominal: float | None
    lower: float | None
    upper: float | None
    standard_uncertainty: Annotated[float, Field(ge=0)] | None
    coverage_factor: float | None
    rule: DecisionRule
    valid: bool
    reason: str | None
    decision: Literal["conform", "nonconform", "undecided"]
    set_aside: Annotated[float, Field(ge=0, le=1)] | None = None
    common_uncertainty: Annotated[float, Field(ge=0)] | None = None
    budget: tuple[BudgetLine, ...] = ()
    interval: Stated[tuple[float, float]] = None
    colour: Stated[ColourResult] = None
    presence: Stated[PresenceResult] = None
    code: Stated[CodeResult] = None

    @model_validator(mode="after")
    def _honest(self) -> CharacteristicResult:
        if self.reason is not None and self.reason not in REASONS:
            raise ValueError(f"reason {self.reason!r} is not in the registry")
        if not self.valid and (self.reason is None or self.decision != "undecided"):
            raise ValueError("an invalid result is undecided and says why")
        if self.interval is not None:
            low, high = self.interval
            if self.value is None or not low <= self.value <= high:
                raise ValueError(f"value {self.value} does not lie in its interval {low} to {high}")
        return self


class LineLimit(Closed):
    """A limit of the catalogue's line that decided: the measure lies in `[from, to)`; null is open."""

    measure: Measure
    from_: Annotated[float, Field(ge=0)] | None = Field(alias="from")
    to: Annotated[float, Field(gt=0)] | None


class Defect(Closed):
    """A surface deviation: where, how large, what it is and what the catalogue makes of it.

    `box_px` is x, y, width, height in the raw frame; `box_mm` the same in the golden view. What lines weigh:
    `size_mm` is the longest extent, `length_mm` that along its own direction, `area_mm2` its area, `contrast`
    the codes by which it exceeds the tolerance, `delta_e` the CIEDE2000 of its mean colour. It was weighed in
    all `zones`; `zone` is the gravest of them. `severity` and `rule` are null where no line of the catalogue
    decides; `limits` are those of the line that did.

    `named_by` is what named the class: nobody but the `comparison`, the `classifier`, the golden image's
    `islands` of conductor (which tell joined from unjoined) or the `detector`. `confidence` is that in the
    class that was named, or would not be named for too little of it; null where nobody was asked or no defect
    was seen. `score` is the probability that it is a defect at all, and `second_class` the next likeliest.
    """

    view: Name
    defect_class: str = Field(alias="class")
    severity: Literal["critical", "major", "minor", "allowed"] | None
    confidence: Annotated[float, Field(ge=0, le=1)] | None
    box_px: PixelBox
    box_mm: PixelBox
    size_mm: Annotated[float, Field(ge=0)]
    zone: str
    rule: str | None
    length_mm: Stated[Annotated[float, Field(ge=0)]] = None
    area_mm2: Stated[Annotated[float, Field(ge=0)]] = None
    contrast: Stated[Annotated[float, Field(ge=0)]] = None
    delta_e: Stated[Annotated[float, Field(ge=0)]] = None
    zones: Stated[tuple[str, ...]] = None
    limits: Stated[tuple[LineLimit, ...]] = None
    named_by: Stated[NamedBy] = None
    score: Stated[Annotated[float, Field(ge=0, le=1)]] = None
    second_class: Stated[str] = None
    second_confidence: Stated[Annotated[float, Field(ge=0, le=1)]] = None

    @property
    def measures(self) -> Measures:
        """What the catalogue's lines weigh."""
        return Measures(self.size_mm, self.length_mm, self.area_mm2, self.contrast, self.delta_e)


class CountResult(Closed):
    """A counting rule that is met: which, how many defects take part, and what they are together.

    The defects keep their own severity and rule. All deviations of the unit count, listed or not. `at_least`
    and how near they must lie are the rule's own.
    """

    rule: Name
    count: Annotated[int, Field(ge=1)]
    severity: CharacteristicClass
    at_least: Stated[Annotated[int, Field(ge=2)]] = None
    within_mm: Stated[Annotated[float, Field(gt=0)]] = None
    within_area_mm2: Stated[Annotated[float, Field(gt=0)]] = None
    closer_than_mm: Stated[Annotated[float, Field(gt=0)]] = None


class Inspection(Closed):
    """One unit's record. `digest` covers everything except `digest` itself and `timing_ms`.

    `defects` lists at most MOST_DEFECTS, gravest first. `counts` are the counting rules that are met, in the
    catalogue's order; `dismissed` is the number of deviations that the model called not a defect.
    `serial_source` says where the serial number is from where nobody gave it: the unit's own `code`, or the
    `label` of its frames, say their file's name, which nothing on the unit confirms.
    """

    schema_: Literal["hallmark.inspection/1"] = Field(alias="schema", default=SCHEMA)
    id: Name
    part: Name
    revision: Name
    serial: Name | None
    lot: Name | None
    station: Name | None
    sequence: Annotated[int, Field(ge=1)] | None
    golden: GoldenReference
    model: ModelReference | None
    frames: tuple[FrameRecord, ...]
    characteristics: tuple[CharacteristicResult, ...]
    defects: tuple[Defect, ...]
    verdict: Verdict
    reasons: tuple[str, ...]
    versions: dict[str, str]
    digest: Digest
    timing_ms: dict[str, float] = Field(default_factory=dict)
    counts: tuple[CountResult, ...] = ()
    dismissed: Annotated[int, Field(ge=0)] = 0
    serial_source: Stated[SerialSource] = None

    @model_validator(mode="after")
    def _reasons(self) -> Inspection:
        unknown = [r for r in self.reasons if r not in REASONS]
        if unknown:
            raise ValueError(f"reasons {unknown} are not in the registry")
        if (self.verdict == "ACCEPT") != (not self.reasons):
            raise ValueError("ACCEPT has no reasons; REJECT and HOLD have at least one")
        if (self.verdict == "REJECT") != any(REASONS[r].verdict == "REJECT" for r in self.reasons):
            raise ValueError(f"verdict {self.verdict} does not follow from reasons {list(self.reasons)}")
        if self.serial is None and self.serial_source is not None:
            raise ValueError(f"serial_source {self.serial_source!r} of no serial number")
        return self

    def record(self) -> dict[str, Any]:
        """Return the JSON object of the whole record, timings included.

        A field that an older release did not write stays away: its digest remains that of its content.
        """
        return self.model_dump(mode="json", by_alias=True, exclude_unset=True)

    def to_json(self) -> bytes:
        """Return the canonical JSON of the whole record."""
        return canonical_json(self.record())


def digest_of(record: dict[str, Any]) -> str:
    """Return the digest of an inspection's JSON object: all of it but `digest` and `timing_ms`."""
    return sha256(canonical_json({k: v for k, v in record.items() if k not in ("digest", "timing_ms")}))


def complete(fields: dict[str, Any]) -> Inspection:
    """Build an Inspection from its JSON fields without `id` and `digest`, which follow from the content.

    The id is derived from the identity of the unit, the golden sample and the frames, so that the same
    inspection always has the same id. Raises pydantic.ValidationError on anything that does not fit.
    """
    identity = {k: fields.get(k) for k in ("golden", "serial", "lot", "station", "sequence")}
    identity["frames"] = [(f["view"], f["digest"]) for f in fields["frames"]]
    name = "insp-" + sha256(canonical_json(identity))[7:39]
    draft = Inspection.model_validate({**fields, "id": name, "digest": "sha256:" + "0" * 64})
    record = draft.model_dump(mode="json", by_alias=True)  # every field, defaults too
    return Inspection.model_validate({**record, "digest": digest_of(record)})


def verify_digest(inspection: Inspection) -> bool:
    """Return whether the record's digest is the digest of its content."""
    return digest_of(inspection.record()) == inspection.digest
