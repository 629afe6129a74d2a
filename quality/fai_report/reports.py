"""First article inspection reports (FAIR), derived from journal lines: one by subject `fair:<identifier>`.

A partial report rests on its baseline, so the reports are folded together. The steps that make such lines
are in `quality.fai_report.steps`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from typing import Any, Literal

from evidence.journal import JournalLine
from quality.errors import StepError
from quality.events import Person
from quality.fai_report.completeness import (
    FairSummary,
    Shortcoming,
    content_shortcomings,
    lapse_date,
    lapsed,
    shortcomings,
)
from quality.fai_report.events import (
    FAIR_EVENTS,
    FairApproved,
    FairCustomerApproved,
    FairEvent,
    FairOpened,
    FairProduced,
    FairReturned,
    FairSubmitted,
    FairTriggered,
    FairVerified,
    Signing,
)
from quality.fai_report.forms import FairForms, SignedPartNumberAccountability
from quality.fai_report.scope import check_forms
from quality.folding import instant, read_event

SUBJECT = "fair:"
Phase = Literal["opened", "submitted", "verified", "reviewed", "incomplete", "approved"]

ALLOWED: dict[str, tuple[tuple[Phase, ...], str]] = {
    "fair.submitted": (("opened",), "forms are submitted once, and again after a return"),
    "fair.verified": (("submitted",), "the forms are submitted first, and field 20 is signed once"),
    "fair.approved": (("verified",), "field 20 is signed first, and field 22 once"),
    "fair.customer_approved": (
        ("reviewed", "approved"),
        "fields 20 and 22 are signed first; a report with a documented nonconformance is not approved",
    ),
    "fair.returned": (
        ("submitted", "verified", "reviewed"),
        "only forms that await a signature are returned",
    ),
    "fair.triggered": (("approved",), "only an approved report can lose its validity"),
    "fair.produced": (("approved",), "production runs under an approved report"),
}


@dataclass(frozen=True, slots=True)
class Signed:
    """A signature and its date (UTC)."""

    event: Signing
    on: date

    def record(self) -> dict[str, Any]:
        """Return the JSON object."""
        return {**self.event.model_dump(mode="json"), "on": self.on.isoformat()}


@dataclass(frozen=True, slots=True)
class Fair:
    """A report as its journal lines tell it. Read only.

    `triggers` are the events that ended its validity; `superseded_by` is the partial report that was
    approved on its baseline; `last_production` counts from the approval.
    """

    identifier: str
    opened: FairOpened
    phase: Phase = "opened"
    sequence: int = 0
    forms: FairForms | None = None
    verified: Signed | None = None
    approved: Signed | None = None
    customer: Signed | None = None
    triggers: tuple[FairTriggered, ...] = ()
    last_production: date | None = None
    superseded_by: str | None = None

    def summary(self) -> FairSummary:
        """Return the figures by which the report's completeness is judged."""
        rows = () if self.forms is None else self.forms.form3.rows
        failed = () if self.forms is None else self.forms.nonconforming
        return FairSummary(
            fai_type=self.opened.fai_type,
            baseline=self.opened.baseline,
            reason=self.opened.reason,
            characteristics=len(self.opened.required),
            accounted=len(rows),
            nonconforming=len(failed),
            numbered=sum(row.nonconformance is not None for row in failed),
            verified_by=None if self.verified is None else self.verified.event.person.name,
            approved_by=None if self.approved is None else self.approved.event.person.name,
        )

    def form1(self) -> SignedPartNumberAccountability:
        """Return form 1 with its signatures.

        Raises:
            StepError: fields 20 to 23 are not signed.
        """
        if self.forms is None or self.verified is None or self.approved is None:
            raise StepError(f"fair {self.identifier}: form 1, fields 20 to 23: the report is {self.phase!r}")
        return SignedPartNumberAccountability.model_validate(
            {
                **self.forms.form1.model_dump(),
                "verified_by": self.verified.event.person.name,
                "verified_on": self.verified.on,
                "approved_by": self.approved.event.person.name,
                "approved_on": self.approved.on,
                "customer_approval": self.customer and self.customer.event.person.name,
                "customer_approved_on": self.customer and self.customer.on,
            }
        )

    def record(self) -> dict[str, Any]:
        """Return the state as a JSON object."""
        return {
            "identifier": self.identifier,
            "phase": self.phase,
            "opened": self.opened.model_dump(mode="json"),
            "forms": None if self.forms is None else self.forms.model_dump(mode="json"),
            **{
                name: None if signed is None else signed.record()
                for name, signed in (
                    ("verified", self.verified), ("approved", self.approved), ("customer", self.customer),
                )
            },
            "triggers": [trigger.model_dump(mode="json") for trigger in self.triggers],
            "last_production": self.last_production and self.last_production.isoformat(),
            "superseded_by": self.superseded_by,
        }  # fmt: skip


def valid_fair(state: Fair, now: datetime) -> bool:
    """Return whether production may run on the report at `now`; `invalid_because` says why not.

    Raises:
        StepError: `now` has no zone.
    """
    return not invalid_because(state, now)


def invalid_because(state: Fair, now: datetime) -> tuple[Shortcoming, ...]:
    """Return everything that keeps the report from being valid at `now`.

    Raises:
        StepError: `now` has no zone.
    """
    today = utc_date(now)
    found = list(shortcomings(state.summary()))
    if state.approved is not None and state.opened.approved_by == "buyer" and state.customer is None:
        found.append(Shortcoming("customer_approval", "the buyer approves the report in field 24"))
    found += [
        Shortcoming("triggered", f"{t.trigger}: {t.description}; it calls for a {t.extent} FAI")
        for t in state.triggers
    ]
    if state.last_production is not None and lapsed(state.last_production, today):
        sentence = f"production lapsed on {lapse_date(state.last_production)}; FAI is needed again"
        found.append(Shortcoming("production_lapse", sentence))
    if state.superseded_by is not None:
        found.append(Shortcoming("superseded", f"{state.superseded_by} took its place"))
    return tuple(found)


def utc_date(now: datetime) -> date:
    """Return the UTC date of a time; raise StepError where it has no zone."""
    if now.tzinfo is None:
        raise StepError(f"now {now} has no zone; give an aware datetime")
    return now.astimezone(UTC).date()


def replay_fairs(lines: Iterable[JournalLine]) -> dict[str, Fair]:
    """Return the reports by identifier, in order of opening; lines of other kinds are skipped.

    Raises:
        StepError: a line does not follow from those before it.
    """
    known: dict[str, Fair] = {}
    for line in lines:
        if line.kind in FAIR_EVENTS:
            _fold(known, line)
    return known


def apply_fair(known: Mapping[str, Fair], line: JournalLine) -> dict[str, Fair]:
    """Return the reports after one more line; a line of another kind changes nothing.

    Raises:
        StepError: the line does not follow.
    """
    after = dict(known)
    if line.kind in FAIR_EVENTS:
        _fold(after, line)
    return after


def _fold(known: dict[str, Fair], line: JournalLine) -> None:
    if not line.subject.startswith(SUBJECT):
        where = f"journal line {line.sequence}"
        raise StepError(f"{where}: {line.kind} of {line.subject!r}; the subject is {SUBJECT}<identifier>")
    identifier = line.subject.removeprefix(SUBJECT)
    before = known.get(identifier)
    event = read_event(line, FAIR_EVENTS, line.subject, 0 if before is None else before.sequence)
    now = instant(line.time)
    check(known, identifier, event, now)
    after = _opened(identifier, event) if before is None else _after(before, event, utc_date(now))
    known[identifier] = replace(after, sequence=line.sequence)
    if after.phase == "approved" and (before is None or before.phase != "approved") and after.opened.baseline:
        known[after.opened.baseline] = replace(known[after.opened.baseline], superseded_by=identifier)


def check(known: Mapping[str, Fair], identifier: str, event: FairEvent, now: datetime | None = None) -> None:
    """Refuse an event that does not follow.

    Raises:
        StepError: naming the report and what must happen first, or who signs.
    """
    state = known.get(identifier)
    if isinstance(event, FairOpened):
        if state is not None:
            raise StepError(f"fair {identifier}: a report is opened once; choose another identifier")
        _check_type(identifier, event)
        check_baseline(known, identifier, event)
        return
    if state is None:
        raise StepError(f"fair {identifier}: {event.kind} cannot follow: the report is not opened")
    phases, needs = ALLOWED[event.kind]
    if state.phase not in phases:
        raise StepError(f"fair {identifier}: {event.kind} cannot follow while it is {state.phase!r}: {needs}")
    match event:
        case FairSubmitted():
            _require(state, event.person, "supplier", ("inspector", "quality", "engineering"), "submitted")
            check_forms(identifier, state.opened, event.forms)
            for lack in content_shortcomings(replace(state, forms=event.forms).summary()):
                raise StepError(f"fair {identifier}: {lack.sentence}")
        case FairVerified() | FairApproved() | FairCustomerApproved():
            _check_signing(known, state, event)
        case FairReturned():
            party = "buyer" if state.phase == "reviewed" else "supplier"
            _require(state, event.person, party, ("quality",), "returned")
        case FairTriggered():
            _check_trigger(state, event, now)
        case FairProduced():
            if state.triggers or state.superseded_by:
                raise StepError(f"fair {identifier}: no lot is produced under a report that is not valid")


def _check_type(identifier: str, event: FairOpened) -> None:
    if event.fai_type == "partial" and not (event.baseline and event.reason):
        raise StepError(
            f"fair {identifier}: form 1, field 14: a partial FAI names its baseline and its reason"
        )
    if event.fai_type == "full" and event.baseline is not None:
        raise StepError(f"fair {identifier}: form 1, field 14: a full FAI has no baseline")


def check_baseline(known: Mapping[str, Fair], identifier: str, event: FairOpened) -> None:
    """Refuse a partial report whose baseline does not bear it, or that leaves out what is open there.

    Raises:
        StepError: naming the baseline and what is missing.
    """
    if event.baseline is None:
        return
    where = f"fair {identifier}: baseline {event.baseline}"
    baseline = known.get(event.baseline)
    if baseline is None or baseline.phase not in ("approved", "incomplete"):
        raise StepError(
            f"{where} is {'unknown' if baseline is None else baseline.phase!r}; name a signed report"
        )
    if baseline.superseded_by is not None:
        raise StepError(f"{where} is superseded; name {baseline.superseded_by}")
    if baseline.opened.part_number != event.part_number:
        raise StepError(f"{where} is of part {baseline.opened.part_number}, not of {event.part_number}")
    if any(trigger.extent == "full" for trigger in baseline.triggers):
        raise StepError(f"{where} calls for a full FAI")
    failed = () if baseline.forms is None else tuple(row.id for row in baseline.forms.nonconforming)
    needed = {*failed, *(name for trigger in baseline.triggers for name in trigger.affected)}
    missing = sorted(needed - {c.id for c in event.required})
    if missing:
        raise StepError(f"{where} leaves {', '.join(missing)} open; the partial FAI must account for them")


def _check_signing(known: Mapping[str, Fair], state: Fair, event: Signing) -> None:
    match event:
        case FairVerified():
            _require(state, event.person, "supplier", ("inspector", "quality", "engineering"), "verified")
        case FairApproved():
            _require(state, event.person, "supplier", ("quality",), "reviewed and approved")
            assert state.verified is not None
            if event.person.name == state.verified.event.person.name:
                raise StepError(
                    f"fair {state.identifier}: {event.person.name} signed field 20; another signs 22"
                )
        case FairCustomerApproved():
            _require(state, event.person, "buyer", ("quality",), "approved for the customer")
            if state.customer is not None:
                raise StepError(f"fair {state.identifier}: field 24 is signed already")
    if _after(state, event, date.min).phase == "approved" != state.phase:
        check_baseline(known, state.identifier, state.opened)


def _check_trigger(state: Fair, event: FairTriggered, now: datetime | None) -> None:
    where = f"fair {state.identifier}"
    if state.superseded_by is not None:
        raise StepError(f"{where}: it is superseded; record the trigger on {state.superseded_by}")
    _require(state, event.person, None, ("quality", "engineering"), "called into question")
    assert state.last_production is not None
    if event.trigger == "production_lapse" and (
        now is None or not lapsed(state.last_production, utc_date(now))
    ):
        raise StepError(f"{where}: production lapses on {lapse_date(state.last_production)}, not before")


def _require(
    state: Fair, person: Person, party: Literal["supplier", "buyer"] | None, roles: tuple[str, ...], what: str
) -> None:
    """Raise StepError unless the person acts for the party and has one of the roles."""
    sides = {"supplier": state.opened.suppliers, "buyer": state.opened.buyers}
    names = (*sides["supplier"], *sides["buyer"]) if party is None else sides[party]
    if person.party not in names or not set(roles) & set(person.roles):
        raise StepError(
            f"fair {state.identifier}: is {what} by the {party or 'supplier or buyer'} ({', '.join(names)}) "
            f"in role {' or '.join(roles)}; {person.name} acts for {person.party} with "
            f"{', '.join(person.roles) or 'no role'}"
        )


def _opened(identifier: str, event: FairEvent) -> Fair:
    assert isinstance(event, FairOpened)
    return Fair(identifier, event)


def _after(state: Fair, event: FairEvent, on: date) -> Fair:  # noqa: PLR0911 (one return per event)
    match event:
        case FairOpened():
            raise AssertionError("a report is opened once")
        case FairSubmitted():
            return replace(state, phase="submitted", forms=event.forms)
        case FairVerified():
            return replace(state, phase="verified", verified=Signed(event, on))
        case FairApproved():
            return _approved(replace(state, phase="reviewed", approved=Signed(event, on)), on)
        case FairCustomerApproved():
            return _approved(replace(state, customer=Signed(event, on)), on)
        case FairReturned():
            return replace(state, phase="opened", forms=None, verified=None, approved=None)
        case FairTriggered():
            return replace(state, triggers=(*state.triggers, event))
        case FairProduced():
            return replace(state, last_production=on)


def _approved(state: Fair, on: date) -> Fair:
    """Return the report after a signature: incomplete, waiting for the customer, or approved."""
    if state.forms is not None and state.forms.nonconforming:
        return replace(state, phase="incomplete")
    if state.opened.approved_by == "buyer" and state.customer is None:
        return state
    return replace(state, phase="approved", last_production=state.last_production or on)
