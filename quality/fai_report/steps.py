"""The steps of a first article inspection report: each checks what must hold, and returns its event."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Literal

from pydantic import ValidationError

from evidence import GoldenReference
from golden.spec import GoldenSpec
from quality.errors import StepError
from quality.events import NewEvent, Person
from quality.fai_report.events import (
    FAIR_EVENTS,
    FairApproved,
    FairCustomerApproved,
    FairProduced,
    FairReturned,
    FairSubmitted,
    FairTriggered,
    FairVerified,
)
from quality.fai_report.forms import FairForms, FaiTrigger, FaiType
from quality.fai_report.reports import SUBJECT, Fair, check
from quality.fai_report.scope import fair_scope

Events = tuple[NewEvent, ...]
Known = Mapping[str, Fair]
Manner = Literal["on_site", "remote"]


def open_fair(
    known: Known,
    spec: GoldenSpec,
    golden: GoldenReference,
    identifier: str,
    *,
    characteristics: Sequence[str] | None = None,
    baseline: str | None = None,
    reason: str | None = None,
    trigger: FaiTrigger | None = None,
) -> Events:
    """Ask for a report: a full one, or a partial (delta) one where `characteristics` are named.

    A partial report names its signed baseline and its reason, and accounts for what is open there: what did
    not conform, and what a trigger affected.

    Raises:
        StepError: the identifier is taken, a partial report has no baseline or reason, its baseline does not
            bear it, or a characteristic is not in the golden sample.
    """
    opened = fair_scope(
        spec, golden, fai_type="full" if characteristics is None else "partial",
        characteristics=characteristics, baseline=baseline, reason=reason, trigger=trigger,
    )  # fmt: skip
    return _step(known, identifier, opened.kind, opened.model_dump())


def submit_fair(known: Known, identifier: str, forms: FairForms, person: Person) -> Events:
    """Submit the filled forms: every characteristic accounted for, every nonconforming one with its number.

    Raises:
        StepError: naming form, field and characteristic; or the person is not of the supplier in role
            inspector, quality or engineering.
    """
    return _step(known, identifier, FairSubmitted.kind, {"forms": forms.model_dump(), "person": person})


def verify_fair(
    known: Known, identifier: str, person: Person, *, manner: Manner = "on_site", evidence: str | None = None
) -> Events:
    """Sign fields 20 and 21: an inspector, quality or engineering of the supplier.

    Raises:
        StepError: not submitted, the wrong party or role, or remote without evidence of what was seen.
    """
    return _step(known, identifier, FairVerified.kind, _signing(person, manner, evidence))


def approve_fair(
    known: Known, identifier: str, person: Person, *, manner: Manner = "on_site", evidence: str | None = None
) -> Events:
    """Sign fields 22 and 23: another person, in role quality of the supplier.

    With a documented nonconformance the report is then a record that is not complete. Otherwise it is
    approved where the golden sample lets the supplier approve, else it waits for the buyer.

    Raises:
        StepError: not verified, the wrong party, role or person, remote without evidence, or the baseline
            of a partial report has been called into question by more than it accounts for.
    """
    return _step(known, identifier, FairApproved.kind, _signing(person, manner, evidence))


def customer_approve_fair(
    known: Known, identifier: str, person: Person, *, manner: Manner = "on_site", evidence: str | None = None
) -> Events:
    """Sign fields 24 and 25: role quality of the buyer. Required where the golden sample says so.

    Raises:
        StepError: as `approve_fair`.
    """
    return _step(known, identifier, FairCustomerApproved.kind, _signing(person, manner, evidence))


def return_fair(known: Known, identifier: str, person: Person, *, reason: str) -> Events:
    """Send the forms back to whoever fills them; signatures are void.

    Raises:
        StepError: nothing awaits a signature, or the person is not in role quality of the party whose
            signature comes next.
    """
    return _step(known, identifier, FairReturned.kind, {"person": person, "reason": reason})


def trigger_fair(
    known: Known,
    identifier: str,
    person: Person,
    *,
    trigger: FaiTrigger,
    extent: FaiType,
    description: str,
    affected: Sequence[str] = (),
    now: datetime,
) -> Events:
    """End an approved report's validity: an event calls for a full or a delta FAI.

    Raises:
        StepError: not approved or superseded, the person is of neither party or not in role quality or
            engineering, a lapse of production is not two years long at `now`, or `now` has no zone.
    """
    body = {
        "trigger": trigger, "extent": extent, "description": description, "affected": tuple(affected),
        "person": person,
    }  # fmt: skip
    return _step(known, identifier, FairTriggered.kind, body, now)


def note_production(known: Known, identifier: str, lot: str) -> Events:
    """Record that a lot was produced under the report; the two years of a lapse count from its line's time.

    Raises:
        StepError: the report is not approved, or no longer valid.
    """
    return _step(known, identifier, FairProduced.kind, {"lot": lot})


def _signing(person: Person, manner: Manner, evidence: str | None) -> dict[str, Any]:
    return {"person": person, "manner": manner, "evidence": evidence}


def _step(
    known: Known, identifier: str, kind: str, body: dict[str, Any], now: datetime | None = None
) -> Events:
    try:
        event = FAIR_EVENTS[kind].model_validate(body)
    except ValidationError as error:
        problem = error.errors(include_url=False)[0]["msg"]
        raise StepError(f"fair {identifier}: {kind}: {problem}") from error
    check(known, identifier, event, now)
    return (NewEvent(kind, f"{SUBJECT}{identifier}", event.model_dump(mode="json")),)
