"""Incoming quality control: material lots, from receipt to the production lots that they are booked to.

The subject of a material lot's lines is `material:<id>`; its state is `MaterialState(id)`.

State
    replay_material(id, lines) -> MaterialState; apply_material(state, line); state.record() -> JSON object of
    `IqcRecord`. Phases: absent -> received -> released | rejected;  rejected -> conceded

Steps (StepError, or the events to append; `now` is aware)
    receive_material(state, spec, golden, material, Delivery, person, now=, series=, restart=)
                                                                                       inspector, either party
    add_evidence(state, EvidenceAdded, now=)                                           inspector, either party
    inspect_measured(state, check, readings, Instrument, person, now=)                 inspector, either party
    inspect_attribute(state, check, inspected, nonconforming, person, now=)            inspector, either party
    decide_material(state, person, now=, series=)                                      quality, supplier
    concede_material(state, person, quantity=, reason=, expires=, now=)                quality, buyer
    book_material(state, lot, quantity, person, now=)                                  production, supplier
    A cause that a step finds (substitution:WHAT, evidence:KIND, check:ID) is told once more as an event
    `material.nonconforming` of its own: what opens the non-conformance.

Pure
    agreed_material(spec, material), check_plan(item, lot_size, severity), iqc_series(states) -> by check,
    uncovered(spec, states, lot, units): what of the bill of materials is not booked for so many units;
    require_booked(...): refuses it where the golden sample's plan of first articles asks for it
"""

from quality.materials.bill import require_booked, uncovered
from quality.materials.events import (
    MATERIAL_EVENTS,
    AgreedMaterial,
    CheckInspected,
    Delivery,
    EvidenceAdded,
    Instrument,
    MaterialBooked,
    MaterialNonconforming,
)
from quality.materials.lots import MaterialState, apply_material, replay_material
from quality.materials.plan import CheckPlan, agreed_material, check_plan
from quality.materials.record import CheckRecord, IqcRecord
from quality.materials.series import iqc_series
from quality.materials.steps import (
    add_evidence,
    book_material,
    concede_material,
    decide_material,
    inspect_attribute,
    inspect_measured,
    receive_material,
)

__all__ = [
    "MATERIAL_EVENTS", "AgreedMaterial", "CheckInspected", "CheckPlan", "CheckRecord", "Delivery",
    "EvidenceAdded", "Instrument", "IqcRecord", "MaterialBooked", "MaterialNonconforming", "MaterialState",
    "add_evidence", "agreed_material", "apply_material", "book_material", "check_plan", "concede_material",
    "decide_material", "inspect_attribute", "inspect_measured", "iqc_series", "receive_material",
    "replay_material", "require_booked", "uncovered",
]  # fmt: skip
