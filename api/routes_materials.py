"""Routes of incoming material and of genealogy: each is signed by the person of an approver's key."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request

import quality
from api.bodies_materials import (
    Booking,
    Concession,
    CountedCheck,
    MadeUnits,
    MeasuredCheck,
    NewEvidence,
    NewMaterial,
    PackedCarton,
    SentShipment,
)
from api.genealogy_index import GenealogyIndex
from api.guard import READERS, allow
from api.ledger import Ledger, person_of, timestamp
from api.past import Past
from api.problems import Problem
from api.routes_records import House, Text
from api.store import goldens
from api.store.keys import ApiKey
from evidence import GoldenReference
from evidence.journal import JournalLine
from quality import genealogy, materials
from quality.materials import MATERIAL_EVENTS, AgreedMaterial, EvidenceAdded, MaterialState
from quality.sampling import Switching

router = APIRouter()

Approver = Annotated[ApiKey, Depends(allow("approver"))]
Events = Sequence[quality.NewEvent]
_KINDS = tuple(MATERIAL_EVENTS)


@router.post("/materials", status_code=201)
def receive_material(ledger: House, key: Approver, body: NewMaterial) -> dict[str, Any]:
    """Receive a material lot: an inspector of either party. A substitution opens its non-conformance."""
    person = person_of(key)

    def step(past: Past) -> Events:
        golden = _golden(past, body.golden)
        spec = past.spec(golden.digest)
        agreed = materials.agreed_material(spec, body.material)
        return materials.receive_material(
            _read(past, body.id), spec, golden, body.material, body.delivery, person, now=past.now,
            series=_series(past, agreed, body.delivery.supplier), restart=body.restart,
        )  # fmt: skip

    return _take(ledger, key, body.id, step)


@router.get("/materials/{id}", dependencies=[Depends(allow(*READERS))])
def get_material(ledger: House, id: str) -> dict[str, Any]:  # noqa: A002 (the path says {id})
    """Read a material lot's incoming-inspection record: what was agreed, found, decided and booked."""
    with ledger.past() as past:
        return _known(past, id).record()


@router.post("/materials/{id}/evidence")
def add_evidence(ledger: House, key: Approver, id: str, body: NewEvidence) -> dict[str, Any]:  # noqa: A002
    """Add a certificate, label, report, picture or vision record: an inspector of either party."""
    added = EvidenceAdded.model_validate({**body.model_dump(), "person": person_of(key)})
    return _take(ledger, key, id, lambda past: materials.add_evidence(_known(past, id), added, now=past.now))


@router.post("/materials/{id}/inspections")
def inspect_material(
    ledger: House,
    key: Approver,
    id: str,  # noqa: A002
    body: MeasuredCheck | CountedCheck,
) -> dict[str, Any]:
    """Enter the result of one agreed check, measured or counted: an inspector of either party."""
    person = person_of(key)

    def step(past: Past) -> Events:
        state = _known(past, id)
        if isinstance(body, MeasuredCheck):
            return materials.inspect_measured(
                state, body.check, body.readings, body.instrument, person, now=past.now, records=body.records
            )
        return materials.inspect_attribute(
            state, body.check, body.inspected, body.nonconforming, person, now=past.now, records=body.records
        )

    return _take(ledger, key, id, step)


@router.post("/materials/{id}/decision")
def decide_material(ledger: House, key: Approver, id: str) -> dict[str, Any]:  # noqa: A002
    """Sign what follows from the results, as the supplier's quality: released, or rejected on any finding."""

    def step(past: Past) -> Events:
        state = _known(past, id)
        series = _series(past, state.receipt.agreed, state.receipt.delivery.supplier)
        return materials.decide_material(state, person_of(key), now=past.now, series=series)

    return _take(ledger, key, id, step)


@router.post("/materials/{id}/concession")
def concede_material(ledger: House, key: Approver, id: str, body: Concession) -> dict[str, Any]:  # noqa: A002
    """Let a quantity of a rejected lot be used until a time, as the buyer's quality."""
    return _take(
        ledger,
        key,
        id,
        lambda past: materials.concede_material(
            _known(past, id), person_of(key), quantity=body.quantity, reason=body.reason,
            expires=body.expires, now=past.now,
        ),
    )  # fmt: skip


@router.post("/materials/{id}/bookings")
def book_material(ledger: House, key: Approver, id: str, body: Booking) -> dict[str, Any]:  # noqa: A002
    """Book released or conceded material to an open lot of its part, as the supplier's production."""

    def step(past: Past) -> Events:
        state = _known(past, id)
        part = past.spec_of(past.lot(body.lot)).part.number
        if part != state.receipt.agreed.part:
            raise quality.StepError(
                f"{state.subject} was received for part {state.receipt.agreed.part}; "
                f"lot {body.lot} is of {part}"
            )
        return materials.book_material(state, body.lot, body.quantity, person_of(key), now=past.now)

    return _take(ledger, key, id, step)


@router.post("/genealogy/units", status_code=201)
def make_units(request: Request, ledger: House, key: Approver, body: MadeUnits) -> dict[str, Any]:
    """Note the cavity and material lots of units, as the supplier's production."""
    index = _index(request)

    def step(past: Past) -> Events:
        spec = past.spec_of(past.lot(body.lot))
        with index.reading(past) as known:
            return genealogy.make_units(
                known, spec, body.lot, body.serials, person_of(key), cavity=body.cavity,
                materials=body.materials,
            )  # fmt: skip

    ledger.take(key, step)
    return body.model_dump(mode="json")


@router.post("/genealogy/cartons", status_code=201)
def pack_carton(request: Request, ledger: House, key: Approver, body: PackedCarton) -> dict[str, Any]:
    """Pack units of frozen lots into a new carton, as the production of their supplier."""
    index = _index(request)

    def step(past: Past) -> Events:
        specs = [past.spec_of(past.lot(lot)) for lot in body.units]
        with index.reading(past) as known:
            packed = [genealogy.pack_carton(known, s, body.carton, body.units, person_of(key)) for s in specs]
        return packed[0]

    ledger.take(key, step)
    return body.model_dump(mode="json")


@router.post("/genealogy/shipments", status_code=201)
def send_shipment(request: Request, ledger: House, key: Approver, body: SentShipment) -> dict[str, Any]:
    """Send cartons of released lots to a customer, as the production of their supplier."""
    index = _index(request)

    def step(past: Past) -> Events:
        with index.reading(past) as known:
            lots = dict.fromkeys(lot for c in body.cartons for lot, _ in known.cartons.get(c, ()))
            specs = [past.spec_of(past.lot(lot)) for lot in lots]
            if not specs:
                raise quality.StepError(f"shipment {body.shipment}: carton {body.cartons[0]} is not packed")
            sent = [
                genealogy.send_shipment(known, s, body.shipment, body.cartons, body.customer, person_of(key))
                for s in specs
            ]
        return sent[0]

    ledger.take(key, step)
    return body.model_dump(mode="json")


@router.get("/recall", dependencies=[Depends(allow(*READERS))])
def recall(
    request: Request,
    ledger: House,
    material: Text = None,
    lot: Text = None,
    unit: Text = None,
    cavity: Text = None,
) -> dict[str, Any]:
    """Say where a material lot, or a cavity of a lot, has got to; or what is in a unit of a lot.

    Give `material`, or `lot` with `cavity`, or `lot` with `unit`. What the journal does not know is not
    found, rather than nowhere.
    """
    given = tuple(
        n for n, v in (("material", material), ("lot", lot), ("unit", unit), ("cavity", cavity)) if v
    )
    with ledger.past() as past, _index(request).reading(past) as known:
        if material and given == ("material",):
            if material not in known.kinds:
                raise Problem("not-found", f"no material lot {material!r}")
            return asdict(genealogy.units_with_material(known, material))
        if lot and unit and given == ("lot", "unit"):
            if lot not in known.lots or unit not in known.lots[lot].units:
                raise Problem("not-found", f"lot {lot!r} has no unit {unit!r}")
            found = genealogy.origin(known, lot, unit)
            golden = None if found.golden is None else found.golden.model_dump()
            return {**asdict(found), "golden": golden}
        if lot and cavity and given == ("lot", "cavity"):
            affected = genealogy.units_of_cavity(known, lot, cavity)
            if not affected.units:
                raise Problem(
                    "not-found", f"no unit of lot {lot!r} is known to come out of cavity {cavity!r}"
                )
            return asdict(affected)
    raise Problem("invalid", "give material, or lot and unit, or lot and cavity")


def _take(ledger: Ledger, key: ApiKey, material: str, step: Callable[[Past], Events]) -> dict[str, Any]:
    ledger.take(key, step)
    with ledger.past() as past:
        return _known(past, material).record()


def _read(past: Past, material: str) -> MaterialState:
    subject = MaterialState(material).subject
    return materials.replay_material(material, past.lines(subject=subject))


def _known(past: Past, material: str) -> MaterialState:
    state = _read(past, material)
    if state.received is None:
        raise Problem("not-found", f"no material lot {material!r}")
    return state


def _golden(past: Past, digest: str) -> GoldenReference:
    found = goldens.find(past.connection, digest)
    if found is None:
        raise Problem("golden-unknown", f"no golden sample {digest} is registered here")
    if found.expires is not None and found.expires <= timestamp(past.now):
        raise Problem("golden-expired", f"golden sample {digest} expired at {found.expires}")
    return GoldenReference(digest=digest, version=found.version)


def _series(past: Past, agreed: AgreedMaterial, supplier: str) -> dict[str, Switching]:
    """Return where the checks stand of a material from a supplier; other checks are another series."""
    lines: dict[str, list[JournalLine]] = {}
    decided: list[str] = []
    for line in past.lines(kinds=_KINDS):
        lines.setdefault(line.subject, []).append(line)
        if line.kind == "material.decided":
            decided.append(line.subject)
    states = [materials.replay_material(s.partition(":")[2], lines[s]) for s in decided]
    return materials.iqc_series(
        state
        for state in states
        if (state.receipt.delivery.supplier, state.receipt.agreed.part) == (supplier, agreed.part)
        and (state.receipt.agreed.material.id, state.receipt.agreed.items)
        == (agreed.material.id, agreed.items)
    )


def _index(request: Request) -> GenealogyIndex:
    return request.app.state.genealogy
