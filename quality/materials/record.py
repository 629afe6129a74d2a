"""The supplier's record of an incoming inspection, complete for export."""

from __future__ import annotations

from datetime import date
from typing import Literal

from pydantic import Field

from evidence import GoldenReference
from evidence.inspection import Digest
from golden.catalogue import CharacteristicClass
from golden.plans import IqcItem
from golden.regions import Closed
from quality.events import Person
from quality.materials.events import (
    EvidenceAdded,
    MaterialBooked,
    MaterialConceded,
    MaterialNonconforming,
)
from quality.materials.lots import CheckResult, MaterialState, Phase, missing, required_evidence
from quality.materials.plan import check_plan
from quality.sampling import InspectionSeverity


class CheckRecord(Closed):
    """One check: what was agreed, the sample, and what it gave; results are null before it is inspected."""

    id: str
    check: str
    method: str
    standard: str | None
    severity: CharacteristicClass
    unit: str | None
    lower: float | None
    upper: float | None
    sampling_standard: str | None
    inspection_level: str | None
    aql: str | None
    switching_severity: InspectionSeverity | None
    code_letter: str | None
    sample_size: int
    acceptance_number: int
    rejection_number: int
    inspected: int | None
    nonconforming: int | None
    readings: tuple[float, ...]
    instrument: str | None
    calibration_due: date | None
    vision_records: tuple[Digest, ...]
    inspector: Person | None
    inspected_at: str | None
    outcome: Literal["accept", "reject", "hold"]


class IqcRecord(Closed):
    """The record of a material lot. Every field stands in it; what is not known yet is null or "hold"."""

    record_id: str
    received_at: str
    received_by: Person
    supplier: str
    manufacturer: str
    manufacturer_lot: str
    purchase_order: str
    receipt: str
    material: str
    description: str
    part_number: str
    quantity: str = Field(description="lot size")
    unit: str
    lot_size: int
    golden: GoldenReference
    part: str
    revision: str
    material_standard: str
    approved_manufacturers: tuple[str, ...]
    approved_part_numbers: tuple[str, ...]
    required_evidence: tuple[str, ...]
    evidence: tuple[EvidenceAdded, ...]
    checks: tuple[CheckRecord, ...]
    nonconformities: tuple[MaterialNonconforming, ...]
    missing: tuple[str, ...]
    decision: Literal["accept", "reject", "hold"]
    disposition: Phase
    signed_by: Person | None
    signed_at: str | None
    switching_state_after: dict[str, str] | None
    concession: MaterialConceded | None
    booked: tuple[MaterialBooked, ...]
    remaining: str


def iqc_record(state: MaterialState) -> IqcRecord:
    """Return the record of a material lot; raise StepError of one that was not received."""
    received, decided = state.receipt, state.decision
    agreed, delivery = received.agreed, received.delivery
    return IqcRecord(
        record_id=state.id,
        received_at=delivery.received_at,
        received_by=received.person,
        supplier=delivery.supplier,
        manufacturer=delivery.manufacturer,
        manufacturer_lot=delivery.manufacturer_lot,
        purchase_order=delivery.purchase_order,
        receipt=delivery.receipt,
        material=agreed.material.id,
        description=agreed.material.name,
        part_number=delivery.part_number,
        quantity=str(delivery.quantity),
        unit=delivery.unit,
        lot_size=delivery.lot_size,
        golden=received.golden,
        part=agreed.part,
        revision=agreed.revision,
        material_standard=agreed.material.standard,
        approved_manufacturers=agreed.material.approved_manufacturers,
        approved_part_numbers=agreed.material.part_numbers,
        required_evidence=required_evidence(state),
        evidence=state.evidence,
        checks=tuple(_check(state, item) for item in agreed.items),
        nonconformities=tuple(state.findings.values()),
        missing=missing(state),
        decision="hold" if decided is None else decided.outcome,
        disposition=state.phase,
        signed_by=None if decided is None else decided.person,
        signed_at=state.decided_at,
        switching_state_after=None if decided is None else dict(decided.switching_after),
        concession=state.concession,
        booked=state.bookings,
        remaining=str(state.remaining),
    )


def _check(state: MaterialState, item: IqcItem) -> CheckRecord:
    name, received = str(item.id), state.receipt
    severity = received.severities.get(name, "normal")
    plan = check_plan(item, received.delivery.lot_size, severity)
    result: CheckResult | None = state.checks.get(name)
    event = None if result is None else result.event
    gauge = None if event is None else event.instrument
    table = plan.sampling
    rejected = f"check:{name}" in state.findings
    return CheckRecord(
        **item.model_dump(include={"check", "method", "standard", "severity", "unit", "lower", "upper"}),
        id=name,
        sampling_standard=None if table is None else table.standard,
        inspection_level=None if table is None else table.level,
        aql=None if table is None else table.aql,
        switching_severity=None if table is None else table.severity,
        code_letter=None if table is None else table.code_letter,
        sample_size=plan.n,
        acceptance_number=plan.Ac,
        rejection_number=plan.Re,
        inspected=None if event is None else event.inspected,
        nonconforming=None if event is None else event.nonconforming,
        readings=() if event is None else event.readings,
        instrument=None if gauge is None else gauge.id,
        calibration_due=None if gauge is None else gauge.calibration_due,
        vision_records=() if event is None else event.records,
        inspector=None if event is None else event.person,
        inspected_at=None if result is None else result.at,
        outcome="hold" if event is None else "reject" if rejected else "accept",
    )
