"""Engineering change: a new golden sample, from which lot or time on, approved by both parties.

The subject is `change:<id>`. A lot is made by one version: that which is effective when it is opened.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Annotated, Any, ClassVar, Self

from pydantic import Field, model_validator

from evidence import GoldenReference
from evidence.inspection import Name, Timestamp
from evidence.journal import JournalLine
from golden.regions import Closed
from golden.spec import GoldenSpec, PartyName
from quality.errors import StepError
from quality.events import NewEvent, Person
from quality.folding import aware, fold, instant, make_event, read_event, stamp
from quality.sign_off import require_signer
from quality.spec_differences import delta_fai, differences


class Effectivity(Closed):
    """From when a change holds: for the lots that it names, or for every lot opened from a time on."""

    lots: tuple[Name, ...] = ()
    from_time: Timestamp | None = None

    @model_validator(mode="after")
    def _one_of(self) -> Self:
        if bool(self.lots) == (self.from_time is not None):
            raise ValueError("give either lots or from_time")
        return self


class ChangeProposed(Closed):
    """A golden sample replaces another; `delta_fai` names the characteristics to be proven again."""

    kind: ClassVar[str] = "change.proposed"
    before: GoldenReference
    after: GoldenReference
    effectivity: Effectivity
    reason: Annotated[str, Field(min_length=1, max_length=1000)]
    differences: Annotated[tuple[str, ...], Field(min_length=1)]
    delta_fai: tuple[Name, ...]
    supplier: PartyName
    buyer: PartyName
    person: Person


class ChangeApproved(Closed):
    """A party agrees; once both have, the change holds."""

    kind: ClassVar[str] = "change.approved"
    person: Person


ChangeEvent = ChangeProposed | ChangeApproved
CHANGE_EVENTS: dict[str, type[ChangeEvent]] = {e.kind: e for e in (ChangeProposed, ChangeApproved)}


@dataclass(frozen=True, slots=True)
class ChangeState:
    """A change as its journal lines tell it. Read only; `approvals` is by party, with the time."""

    id: str
    sequence: int = 0
    proposed: ChangeProposed | None = None
    approvals: dict[str, tuple[Person, str]] = field(default_factory=dict[str, tuple[Person, str]])

    @property
    def subject(self) -> str:
        """The subject of its lines."""
        return f"change:{self.id}"

    @property
    def approved_at(self) -> datetime | None:
        """When the second party approved; None before."""
        times = [instant(at) for _, at in self.approvals.values()]
        return max(times) if len(times) == 2 else None

    def record(self) -> dict[str, Any]:
        """Return the JSON object."""
        body = None if self.proposed is None else self.proposed.model_dump(mode="json")
        approvals = [{**p.model_dump(mode="json"), "at": at} for p, at in self.approvals.values()]
        phase = "absent" if body is None else "proposed" if self.approved_at is None else "approved"
        return {"id": self.id, "phase": phase, "proposed": body, "approvals": approvals}


def replay_change(change: str, lines: Iterable[JournalLine]) -> ChangeState:
    """Return a change's state from journal lines in order; lines of other subjects are skipped.

    Raises:
        StepError: a line of the change does not follow from those before it.
    """
    state = ChangeState(change)
    return fold(state, state.subject, lines, apply_change)


def apply_change(state: ChangeState, line: JournalLine) -> ChangeState:
    """Return the state after one more line of the change; the given state stays as it is.

    Raises:
        StepError: the line is of another subject, or does not follow from the state.
    """
    event = read_event(line, CHANGE_EVENTS, state.subject, state.sequence)
    return replace(_after(state, event, instant(line.time)), sequence=line.sequence)


def propose_change(
    state: ChangeState,
    old: tuple[GoldenReference, GoldenSpec],
    new: tuple[GoldenReference, GoldenSpec],
    effectivity: Effectivity,
    person: Person,
    *,
    reason: str,
    now: datetime,
) -> tuple[NewEvent, ...]:
    """Propose that one golden sample replaces another: engineering, supplier or buyer.

    Raises:
        StepError: the specifications are of two parts or do not differ, the new version is not higher, or the
            change is proposed already.
    """
    (before, old_spec), (after, new_spec) = old, new
    if old_spec.part.number != new_spec.part.number:
        raise StepError(
            f"{state.subject}: {new_spec.part.number} is another part than {old_spec.part.number}; "
            "a change is of one part"
        )
    found = differences(old_spec, new_spec)
    if not found:
        raise StepError(f"{state.subject}: the two golden samples agree in every field; there is no change")
    event = make_event(
        ChangeProposed,
        state.subject,
        before=before,
        after=after,
        effectivity=effectivity,
        reason=reason,
        differences=tuple(difference.sentence for difference in found),
        delta_fai=delta_fai(found),
        supplier=new_spec.party("supplier").name,
        buyer=new_spec.party("buyer").name,
        person=person,
    )
    return _events(state, event, now)


def approve_change(state: ChangeState, person: Person, *, now: datetime) -> tuple[NewEvent, ...]:
    """Approve a change for a party: engineering of the supplier, and of the buyer.

    Raises:
        StepError: it is not proposed, or the party has approved.
    """
    return _events(state, ChangeApproved(person=person), now)


def golden_for(
    first: GoldenReference, changes: Sequence[ChangeState], lot: str, opened_at: datetime
) -> GoldenReference:
    """Return the golden sample that a lot opened then is made by.

    From `first`, every change that both parties had approved by then, and that names the lot or holds from a
    time that had come, leads to the next. A lot once opened stays with its version.

    Raises:
        StepError: two changes of one version hold for the lot, or the time has no zone.
    """
    current, at = first, aware(opened_at)
    while True:
        holding = [
            change
            for change in changes
            if change.proposed is not None
            and change.proposed.before == current
            and _holds(change, change.proposed.effectivity, lot, at)
        ]
        if len(holding) > 1:
            both = " and ".join(change.subject for change in holding)
            raise StepError(f"lot {lot}: {both} each replace version {current.version}")
        if not holding:
            return current
        assert holding[0].proposed is not None
        current = holding[0].proposed.after


def require_effective(
    first: GoldenReference,
    changes: Sequence[ChangeState],
    lot: str,
    opened_at: datetime,
    golden: GoldenReference,
) -> None:
    """Raise StepError unless a lot opened then may be made by this golden sample."""
    due = golden_for(first, changes, lot, opened_at)
    if golden != due:
        raise StepError(
            f"lot {lot}: is made by version {due.version} ({due.digest[:19]}), not by version "
            f"{golden.version} ({golden.digest[:19]}): that one is not effective for it"
        )


def _holds(change: ChangeState, effectivity: Effectivity, lot: str, at: datetime) -> bool:
    if change.approved_at is None or at < change.approved_at:
        return False
    return lot in effectivity.lots or (
        effectivity.from_time is not None and at >= instant(effectivity.from_time)
    )


def _events(state: ChangeState, event: ChangeEvent, now: datetime) -> tuple[NewEvent, ...]:
    _after(state, event, aware(now))
    return (NewEvent(event.kind, state.subject, event.model_dump(mode="json")),)


def _after(state: ChangeState, event: ChangeEvent, now: datetime) -> ChangeState:
    proposed = event if isinstance(event, ChangeProposed) else state.proposed
    if proposed is None:
        raise StepError(f"{state.subject}: {event.kind} cannot follow: the change is proposed first")
    require_signer(
        event.person, "engineering", (proposed.supplier, proposed.buyer), f"{state.subject}: {event.kind}"
    )
    if isinstance(event, ChangeProposed):
        if state.proposed is not None:
            raise StepError(f"{state.subject}: is proposed already")
        if event.after.version <= event.before.version or event.after.digest == event.before.digest:
            raise StepError(
                f"{state.subject}: version {event.after.version} does not come after {event.before.version}"
            )
        if event.effectivity.from_time is not None:
            instant(event.effectivity.from_time)
        return replace(state, proposed=event)
    if event.person.party in state.approvals:
        raise StepError(f"{state.subject}: {event.person.party} has approved already")
    return replace(state, approvals={**state.approvals, event.person.party: (event.person, stamp(now))})
