"""The record of a golden sample as the field keeps it: the sealed file and its physical copies in one."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from pydantic import Field

from golden.regions import Closed
from golden.sample import GoldenSample
from golden.spec import Characteristic
from quality.errors import StepError
from quality.events import Person
from quality.folding import stamp
from quality.physical import PhysicalState


class DatedSignature(Closed):
    """Who signed a physical copy for a party, and when."""

    person: Person
    at: str


class PhysicalCopyRecord(Closed):
    """A physical copy: identity, seal, whose hands it is in, and both parties' signatures."""

    copy_id: str
    sample: str
    shows: str | None
    pictures: tuple[str, ...]
    seal_number: str
    holder: str
    storage: str | None
    supplier_signature: DatedSignature | None
    buyer_signature: DatedSignature | None
    retired: str | None


class GoldenSampleRecord(Closed):
    """What a golden sample's record holds; `valid_until` is null where the agreement has no end."""

    golden_id: str
    part_number: str
    part_name: str
    revision: str
    version: int
    predecessor: str | None
    specification: tuple[Characteristic, ...]
    reference_images: tuple[str, ...]
    defect_catalogue: dict[str, Any]
    physical_samples: tuple[PhysicalCopyRecord, ...]
    limit_samples: tuple[PhysicalCopyRecord, ...] = Field(description="accept/reject boundary")
    supplier: str
    buyer: str
    content_digest: str
    signing_keys: tuple[str, ...]
    valid_from: str
    valid_until: str | None = Field(description="re-validation, colour fading")


def golden_sample_record(sample: GoldenSample, copies: Iterable[PhysicalState]) -> GoldenSampleRecord:
    """Return the record of a verified golden sample and its physical copies.

    Raises:
        StepError: a copy is not sealed, or is of another golden sample.
    """
    spec = sample.spec
    records = [_copy(sample, copy) for copy in copies]
    return GoldenSampleRecord(
        golden_id=f"{spec.part.number}-{spec.part.revision}-v{sample.version}",
        part_number=spec.part.number,
        part_name=spec.part.name,
        revision=spec.part.revision,
        version=sample.version,
        predecessor=sample.predecessor,
        specification=spec.characteristics,
        reference_images=tuple(view.image for view in spec.views),
        defect_catalogue=spec.catalogue.model_dump(mode="json"),
        physical_samples=_of(records, golden=True),
        limit_samples=_of(records, golden=False),
        supplier=spec.party("supplier").name,
        buyer=spec.party("buyer").name,
        content_digest=sample.digest,
        signing_keys=tuple(s.keyid for s in sample.signatures),
        valid_from=stamp(sample.issued),
        valid_until=None if sample.expires is None else stamp(sample.expires),
    )


def _of(records: Sequence[PhysicalCopyRecord], *, golden: bool) -> tuple[PhysicalCopyRecord, ...]:
    return tuple(r for r in records if (r.sample == "golden") == golden)


def _copy(sample: GoldenSample, state: PhysicalState) -> PhysicalCopyRecord:
    sealed = state.sealed
    if sealed is None or sealed.golden.digest != sample.digest:
        raise StepError(f"{state.subject}: is no sealed copy of golden sample {sample.digest}")
    signed = {party: DatedSignature(person=p, at=at) for party, (p, at) in state.signatures.items()}
    assert state.holder is not None
    return PhysicalCopyRecord(
        copy_id=state.copy,
        sample=sealed.sample,
        shows=sealed.shows,
        pictures=sealed.pictures,
        seal_number=state.seals[-1],
        holder=state.holder,
        storage=state.storage,
        supplier_signature=signed.get(sealed.supplier),
        buyer_signature=signed.get(sealed.buyer),
        retired=None if state.retired is None else state.retired[1],
    )
