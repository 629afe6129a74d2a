"""Routes of first article inspection reports: forms, signatures in order, triggers, production under them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from typing import Annotated, Any

from fastapi import APIRouter, Depends
from pydantic import ValidationError

import quality
from api.bodies_first_article import (
    FairProduction,
    FairReturn,
    FairSignature,
    FairSubmission,
    FairTrigger,
    FormsOfRecords,
    NewFair,
)
from api.guard import READERS, Approver, Qc, allow
from api.ledger import Ledger, person_of
from api.past import Past
from api.problems import Problem
from api.routes_records import House
from api.store import goldens
from api.store.keys import ApiKey
from evidence import GoldenReference
from quality import fai_report
from quality.fai_report import Fair, FairForms

router = APIRouter()

Known = Mapping[str, Fair]
Sign = Callable[..., tuple[quality.NewEvent, ...]]


@router.get("/fairs/{id}", dependencies=[Depends(allow(*READERS))])
def get_fair(ledger: House, id: str) -> dict[str, Any]:  # noqa: A002 (the path says {id})
    """Read a report: scope, forms, signatures, triggers; `invalid_because` is empty while it is valid."""
    with ledger.past() as past:
        state = _fairs(past).get(id)
        if state is None:
            raise Problem("not-found", f"no first article inspection report {id!r}")
        lacks = fai_report.invalid_because(state, past.now)
        return {**state.record(), "invalid_because": [asdict(lack) for lack in lacks]}


@router.post("/fairs", status_code=201)
def open_fair(
    ledger: House, key: Annotated[ApiKey, Depends(allow("qc", "engineer"))], body: NewFair
) -> dict[str, Any]:
    """Ask for a report under a registered golden sample: a full one, or a partial one on its baseline."""

    def opened(past: Past) -> Sequence[quality.NewEvent]:
        golden = goldens.find(past.connection, body.golden)
        if golden is None:
            raise Problem("golden-unknown", f"no golden sample {body.golden} is registered here")
        reference = GoldenReference(digest=golden.digest, version=golden.version)
        return fai_report.open_fair(
            _fairs(past), past.spec(golden.digest), reference, body.identifier,
            characteristics=body.characteristics, baseline=body.baseline, reason=body.reason,
            trigger=body.trigger,
        )  # fmt: skip

    ledger.take(key, opened)
    return get_fair(ledger, body.identifier)


@router.post("/fairs/{id}/submission")
def submit_fair(ledger: House, key: Approver, id: str, body: FairSubmission) -> dict[str, Any]:  # noqa: A002
    """Submit the forms, as inspector, quality or engineering of the supplier."""
    person = person_of(key)

    def submitted(past: Past, known: Known) -> Sequence[quality.NewEvent]:
        forms = body.forms
        if body.records is not None:
            forms = _forms(past, known[id], body.records)
        assert forms is not None, "the body has either"
        return fai_report.submit_fair(known, id, forms, person)

    return _take(ledger, key, id, submitted)


@router.post("/fairs/{id}/verification")
def verify_fair(ledger: House, key: Approver, id: str, body: FairSignature) -> dict[str, Any]:  # noqa: A002
    """Sign fields 20 and 21, as inspector, quality or engineering of the supplier."""
    return _sign(ledger, key, id, body, fai_report.verify_fair)


@router.post("/fairs/{id}/approval")
def approve_fair(ledger: House, key: Approver, id: str, body: FairSignature) -> dict[str, Any]:  # noqa: A002
    """Sign fields 22 and 23: another person, as quality of the supplier."""
    return _sign(ledger, key, id, body, fai_report.approve_fair)


@router.post("/fairs/{id}/customer-approval")
def customer_approve_fair(
    ledger: House,
    key: Approver,
    id: str,  # noqa: A002
    body: FairSignature,
) -> dict[str, Any]:
    """Sign fields 24 and 25, as quality of the buyer."""
    return _sign(ledger, key, id, body, fai_report.customer_approve_fair)


@router.post("/fairs/{id}/return")
def return_fair(ledger: House, key: Approver, id: str, body: FairReturn) -> dict[str, Any]:  # noqa: A002
    """Send the forms back, as quality of the party whose signature comes next; signatures are void."""
    person = person_of(key)
    return _take(
        ledger, key, id, lambda _, known: fai_report.return_fair(known, id, person, reason=body.reason)
    )


@router.post("/fairs/{id}/triggers")
def trigger_fair(ledger: House, key: Approver, id: str, body: FairTrigger) -> dict[str, Any]:  # noqa: A002
    """End an approved report's validity, as quality or engineering of either party."""
    person = person_of(key)
    return _take(
        ledger,
        key,
        id,
        lambda past, known: fai_report.trigger_fair(
            known, id, person, trigger=body.trigger, extent=body.extent, description=body.description,
            affected=body.affected, now=past.now,
        ),
    )  # fmt: skip


@router.post("/fairs/{id}/production")
def note_production(ledger: House, key: Qc, id: str, body: FairProduction) -> dict[str, Any]:  # noqa: A002
    """Record that an open lot of its part is produced under the report, so that production has not lapsed."""

    def produced(past: Past, known: Known) -> Sequence[quality.NewEvent]:
        part, lot = known[id].opened.part_number, past.lot(body.lot)
        if lot.part != part:
            raise quality.StepError(f"fair {id}: it is of part {part}; lot {body.lot} is of {lot.part}")
        return fai_report.note_production(known, id, body.lot)

    return _take(ledger, key, id, produced)


def _sign(ledger: Ledger, key: ApiKey, fair: str, body: FairSignature, sign: Sign) -> dict[str, Any]:
    person = person_of(key)
    return _take(
        ledger,
        key,
        fair,
        lambda _, known: sign(known, fair, person, manner=body.manner, evidence=body.evidence),
    )


def _take(
    ledger: Ledger,
    key: ApiKey,
    fair: str,
    step: Callable[[Past, Known], Sequence[quality.NewEvent]],
) -> dict[str, Any]:
    """Take a step of a report and return its state."""

    def taken(past: Past) -> Sequence[quality.NewEvent]:
        known = _fairs(past)
        if fair not in known:
            raise Problem("not-found", f"no first article inspection report {fair!r}")
        return step(past, known)

    ledger.take(key, taken)
    return get_fair(ledger, fair)


def _fairs(past: Past) -> dict[str, Fair]:
    return fai_report.replay_fairs(past.lines(kinds=tuple(fai_report.FAIR_EVENTS)))


def _forms(past: Past, fair: Fair, given: FormsOfRecords) -> FairForms:
    """Return the forms as recorded inspections and entered results fill them."""
    golden = fair.opened.golden
    records = [past.inspection(name) for name in given.inspections]
    for record in records:
        if record.golden != golden:
            raise Problem(
                "evidence",
                f"inspection {record.id} was made by golden sample {record.golden.digest}, the report is "
                f"of {golden.digest}",
            )
    decision = quality.first_article(
        past.spec(golden.digest), records, given.entered, units=fair.opened.units
    )
    try:
        return fai_report.prepare_forms(
            fair.identifier, fair.opened, decision, form1=given.form1, materials=given.materials,
            nonconformances=given.nonconformances, instruments=given.instruments,
        )  # fmt: skip
    except ValidationError as error:
        raise Problem("invalid", error.errors(include_url=False)[0]["msg"]) from error
