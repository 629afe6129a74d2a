"""The fields of incoming-inspection and golden-sample records: the IQC and golden part of file g5.

Names are translated by meaning. That a field is required is read off our own models: it stands in every
record, known or null. A field's detail is what our model says of it: its description, or its choices.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal, get_args, get_origin

from pydantic import BaseModel

from hallmark.eligibility.adapter import Answer

# How others call what our records call by the first name; nothing about what is required.
_NAMES: dict[str, tuple[str, ...]] = {
    "supplier": ("supplier_id_name", "supplier_name", "vendor"),
    "received_at": ("date_time_received", "date_received"),
    "receipt": ("receipt_or_delivery_note", "delivery_note"),
    "quantity": ("quantity_received",),
    "manufacturer_lot": ("supplier_lot", "supplier_lot_number", "supplier_lot_or_heat_number", "heat_number"),
    "part_number": ("part_number_and_revision", "part_number_revision", "manufacturer_part_number"),
    "golden": ("specification_or_golden_sample_id_and_revision",),
    "sampling_standard": ("sampling_standard_and_edition", "sampling_plan_standard", "sampling_plan"),
    "switching_severity": ("inspection_severity", "severity", "switching_state"),
    "aql": ("aql_per_class", "aql_by_class"),
    "code_letter": ("sample_code_letter", "sample_size_code_letter"),
    "sample_size": ("sample_size_n",),
    "acceptance_number": ("ac_re", "ac", "accept_reject_numbers"),
    "rejection_number": ("re",),
    "checks": ("characteristics_inspected", "characteristics_checked"),
    "readings": ("measured_values", "measurements", "results"),
    "nonconforming": ("defects_found", "defects_by_class", "nonconforming_count"),
    "calibration_due": ("gauge_ids_and_calibration_due",),
    "inspector": ("inspector_id",),
    "evidence": ("certificate_of_conformity", "certificates", "attachments", "photos"),
    "nonconformities": ("ncr_id", "ncr_number", "ncr_reference"),
    "signed_by": ("electronic_signature", "approver_id", "approved_by"),
    "signed_at": ("electronic_signature_time",),
    "golden_id": ("golden_sample_id",),
    "reference_images": ("reference_photos",),
    "specification": ("specification_with_tolerances",),
    "content_digest": ("content_hash_sha256",),
    "supplier_signature": ("supplier_signature_name_date",),
    "buyer_signature": ("customer_signature_name_date", "buyer_signature_name_date"),
    "storage": ("storage_location", "storage_conditions"),
    "predecessor": ("supersedes",),
}
_OURS = {theirs: ours for ours, names in _NAMES.items() for theirs in names}


def answer_iqc(given: Mapping[str, Any]) -> Answer | None:
    """Return whether our record of a material lot or a golden sample requires a field, or None.

    None where the case is not about one of these records' fields, or none of ours means it.
    """
    name = given.get("field")
    if not isinstance(name, str):
        return None
    from quality.golden_record import GoldenSampleRecord, PhysicalCopyRecord
    from quality.materials import CheckRecord, IqcRecord

    ours = _OURS.get(name, name)
    models: tuple[type[BaseModel], ...] = (IqcRecord, CheckRecord, GoldenSampleRecord, PhysicalCopyRecord)
    for model in models:
        field = model.model_fields.get(ours)
        if field is not None:
            said = field.description or "/".join(map(str, _choices(field.annotation)))
            return {"required": field.is_required(), "detail": f"{name}({said})" if said else name}
    return None


def _choices(annotation: object) -> tuple[object, ...]:
    return get_args(annotation) if get_origin(annotation) is Literal else ()
