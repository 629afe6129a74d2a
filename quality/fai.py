"""The first-article decision, item by item: every characteristic of the golden sample, on every unit.

At the first article the supplier proves conformity (ISO 14253-1:2017, clause 5.4): an undecided or missing
item is not accepted, whoever has to prove it elsewhere.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from evidence import CharacteristicResult, ColourResult, Inspection, entered_colour
from evidence.inspection import Name
from golden import conformity
from golden.catalogue import CharacteristicClass
from golden.colours import InstrumentReading
from golden.errors import ReadingError
from golden.regions import Closed, Stated
from golden.spec import Characteristic, Colour, Entered, GoldenSpec, is_entered, is_required
from quality.errors import EvidenceError
from quality.record_checks import check_judged, check_results
from quality.unit_findings import Nonconformity

FaiOutcome = Literal["conform", "nonconform", "undecided", "missing"]

_EXPLAINED_BY_ITEMS = (
    "characteristic_nonconform", "characteristic_undecided", "colour_absolute", "measurement_not_capable",
    "not_entered",
)  # fmt: skip


class EnteredResult(Closed):
    """What a person or instrument found on a unit for a material, functional or attribute characteristic.

    A characteristic with a unit takes `value` (and its standard uncertainty, same unit), one without takes
    `conform`. A colour that has a reference takes a spectrophotometer's `reading`, from which its Delta E
    follows. `evidence` names the record that proves it: certificate, test report, signature; `instrument`
    is the identity of what measured or tested (a first article inspection report asks for it).
    """

    serial: Name
    characteristic: Name
    value: float | None = None
    standard_uncertainty: Annotated[float, Field(ge=0)] | None = None
    conform: bool | None = None
    evidence: Annotated[str, Field(min_length=1, max_length=500)]
    source: Literal["manual", "imported"] = "manual"
    instrument: Annotated[str, Field(min_length=1, max_length=500)] | None = None
    reading: Stated[InstrumentReading] = None

    @model_validator(mode="after")
    def _one_of(self) -> Self:
        if [self.value, self.conform, self.reading].count(None) != 2:
            raise ValueError("give a value, or conform: true or false, or a colour's reading")
        if self.value is None and self.standard_uncertainty is not None:
            raise ValueError("only a value has a standard uncertainty; a reading states its own as u")
        if self.reading is not None and self.instrument not in (None, self.reading.instrument):
            raise ValueError("the reading names its instrument: remove instrument")
        return self


class FaiItem(Closed):
    """One characteristic on one unit. `required` is false where it is proven at another checkpoint."""

    number: int
    id: Name
    name: str
    kind: Literal[
        "dimension", "colour", "surface", "component", "print", "code", "material", "functional", "attribute"
    ]
    severity: CharacteristicClass
    serial: Name
    required: bool
    outcome: FaiOutcome
    value: float | None = None
    unit: str | None = None
    nominal: float | None = None
    lower: float | None = None
    upper: float | None = None
    standard_uncertainty: float | None = None
    coverage_factor: float | None = None
    source: Literal["vision", "manual", "imported"] | None = None
    evidence: str | None = None
    reason: str | None = None
    instrument: str | None = None
    interval: Stated[tuple[float, float]] = None
    colour: Stated[ColourResult] = None


class FirstArticleDecision(Closed):
    """Accepted only if every required item conforms on every unit and nothing else stopped a unit.

    `causes` are what stood against acceptance, merged; each opens a non-conformance.
    """

    serials: tuple[Name, ...]
    inspections: tuple[Name, ...]
    items: tuple[FaiItem, ...]
    accepted: bool
    causes: tuple[Nonconformity, ...]


def first_article(
    spec: GoldenSpec,
    inspections: Sequence[Inspection],
    entered: Sequence[EnteredResult] = (),
    *,
    units: int | None = None,
) -> FirstArticleDecision:
    """Decide a first article from its units' inspections and the results that people entered.

    Args:
        spec: the golden sample's specification, with which the inspections were made.
        inspections: one record per first-article unit, at least `units` of them.
        entered: results of material, functional and attribute characteristics, and readings of colours that
            have a reference.
        units: how many at least; `spec.plans.fai.units` unless given.

    Raises:
        EvidenceError: too few units or a unit twice; an entered result of another unit, of no such
            characteristic, or given twice; a record as `check_results` refuses it, or that would prove
            conformity without having judged every view.
    """
    serials = tuple(_serial(i) for i in inspections)
    if len(set(serials)) != len(serials):
        raise EvidenceError("the first article names a unit twice; give one inspection per unit")
    least = spec.plans.fai.units if units is None else units
    if len(serials) < least:
        raise EvidenceError(f"the first article is {len(serials)} units; the plan asks for {least}")
    for inspection in inspections:
        check_results(spec, inspection)
    proofs = _by_item(spec, serials, entered)
    items = tuple(
        _item(c, serial, inspection, proofs.get((serial, c.id)))
        for serial, inspection in zip(serials, inspections, strict=True)
        for c in sorted(spec.characteristics, key=lambda c: c.number)
    )
    against = [
        Nonconformity(cause=f"characteristic:{i.id}", severity=i.severity)
        for i in items
        if i.outcome == "nonconform" or (i.required and i.outcome != "conform")
    ]
    for inspection in inspections:
        against += _other_causes(inspection, explained=bool(against))
    if not against:
        for inspection in inspections:
            check_judged(spec, inspection)
    return FirstArticleDecision(
        serials=serials,
        inspections=tuple(i.id for i in inspections),
        items=items,
        accepted=not against,
        causes=tuple(dict.fromkeys(against)),
    )


def _serial(inspection: Inspection) -> str:
    if inspection.serial is None:
        raise EvidenceError(
            f"inspection {inspection.id} names no unit; a first article needs a serial number"
        )
    return inspection.serial


def _by_item(
    spec: GoldenSpec, serials: Sequence[str], entered: Sequence[EnteredResult]
) -> dict[tuple[str, str], EnteredResult]:
    takes = {c.id: c for c in spec.characteristics if is_entered(c)}
    proofs: dict[tuple[str, str], EnteredResult] = {}
    for result in entered:
        where = f"result of {result.characteristic} on {result.serial}"
        characteristic = takes.get(result.characteristic)
        if characteristic is None:
            raise EvidenceError(f"{where}: no such characteristic is entered; these are: {', '.join(takes)}")
        if result.serial not in serials:
            raise EvidenceError(f"{where}: the unit is not one of the first article ({', '.join(serials)})")
        field, needs = _needs(characteristic)
        if getattr(result, field) is None:
            raise EvidenceError(f"{where}: the characteristic takes {needs}")
        if (result.serial, result.characteristic) in proofs:
            raise EvidenceError(f"{where} is given twice")
        proofs[result.serial, result.characteristic] = result
    return proofs


def _needs(c: Entered | Colour) -> tuple[str, str]:
    """Return which field of an entered result a characteristic takes, and in words."""
    if isinstance(c, Colour):
        return "reading", "a spectrophotometer's reading: L*a*b*, conditions, instrument and u"
    if c.unit is None:
        return "conform", "conform: true or false"
    return "value", f"a value in {c.unit}"


def _item(c: Characteristic, serial: str, inspection: Inspection, proof: EnteredResult | None) -> FaiItem:
    result = next((r for r in inspection.characteristics if r.id == c.id), None)
    blank = FaiItem(
        number=c.number, id=c.id, name=c.name, kind=c.kind, severity=c.severity, serial=serial,
        required=is_required(c, "fai"), outcome="missing",
    )  # fmt: skip
    if proof is not None:
        if result is not None and result.decision != "undecided":
            raise EvidenceError(
                f"result of {c.id} on {serial} is given twice: inspection {inspection.id} holds one"
            )
        return blank.model_copy(update=_proven(c, proof))
    if result is None:
        return blank
    missing = result.reason in ("not_entered", "view_missing")
    by = inspection.station if result.source == "vision" else None
    return blank.model_copy(
        update={
            **_found(result), "outcome": "missing" if missing else result.decision,
            "evidence": inspection.id, "reason": result.reason,
            "instrument": result.colour.reading.instrument if result.colour and result.colour.reading else by,
        }
    )  # fmt: skip


def _found(result: CharacteristicResult) -> dict[str, object]:
    return {
        "value": result.value, "unit": result.unit, "nominal": result.nominal,
        "lower": result.lower, "upper": result.upper,
        "standard_uncertainty": result.standard_uncertainty,
        "coverage_factor": result.coverage_factor, "source": result.source,
        "interval": result.interval, "colour": result.colour,
    }  # fmt: skip


def _proven(c: Characteristic, proof: EnteredResult) -> dict[str, object]:
    """Return an item's fields of an entered result, decided by the golden sample's rule."""
    if isinstance(c, Colour):
        return _read(c, proof)
    assert isinstance(c, Entered), "nothing else is entered"
    outcome: FaiOutcome
    if proof.value is None:
        outcome = "conform" if proof.conform else "nonconform"
    elif proof.standard_uncertainty is None and c.decision.needs_uncertainty:
        outcome = "undecided"  # such a rule cannot be met by a number whose uncertainty nobody states
    else:
        outcome = conformity.decide(
            proof.value, proof.standard_uncertainty or 0.0, c.lower, c.upper, c.decision
        )
    return {
        "outcome": outcome, "value": proof.value, "unit": c.unit, "nominal": c.nominal,
        "lower": c.lower, "upper": c.upper, "standard_uncertainty": proof.standard_uncertainty,
        "coverage_factor": None if proof.value is None else c.decision.coverage_factor,
        "source": proof.source, "evidence": proof.evidence, "instrument": proof.instrument,
    }  # fmt: skip


def _read(c: Colour, proof: EnteredResult) -> dict[str, object]:
    """Return an item's fields of a colour that an instrument has read."""
    assert proof.reading is not None, "asked for before"
    try:
        result = entered_colour(c, proof.reading, proof.source)
    except ReadingError as error:
        raise EvidenceError(f"result of {c.id} on {proof.serial}: {error}") from error
    return {
        **_found(result), "outcome": result.decision, "reason": result.reason,
        "evidence": proof.evidence, "instrument": proof.reading.instrument,
    }  # fmt: skip


def _other_causes(inspection: Inspection, *, explained: bool) -> list[Nonconformity]:
    """Return what stopped a unit beside its characteristics: defects, counting rules, else reasons."""
    if all(reason in _EXPLAINED_BY_ITEMS for reason in inspection.reasons):
        return []
    causes = [
        Nonconformity(cause=f"defect:{d.defect_class}:{d.zone}", severity=d.severity or "critical")
        for d in inspection.defects
        if d.severity != "allowed"
    ]
    causes += [Nonconformity(cause=f"count:{met.rule}", severity=met.severity) for met in inspection.counts]
    if causes or explained:
        return causes
    return [
        Nonconformity(cause=f"reason:{reason}", severity="critical")
        for reason in inspection.reasons
        if reason not in _EXPLAINED_BY_ITEMS
    ]
