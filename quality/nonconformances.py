"""Non-conformances, derived from journal lines: one per lot and cause, and what becomes of the units.

A cause names a characteristic, or a defect class and its zone: everything of one cause is merged. They open
by a rejected lot, a critical nonconformity, a failed first article, a late finding, a result out of
specification in production, a rejected material lot, or a buyer's claim; a single rejected unit is tallied.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from decimal import Decimal
from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field

from evidence.inspection import Name
from evidence.journal import JournalLine
from golden.catalogue import CharacteristicClass
from golden.regions import Closed
from golden.spec import GoldenSpec
from quality.errors import StepError
from quality.events import (
    NewEvent,
    NonconformanceNoted,
    Person,
    Reason,
    Role,
    Trigger,
    made,
    nonconformance_events,
    nonconformance_id,
)
from quality.folding import read_event
from quality.sign_off import require_signer
from quality.unit_findings import CLASSES

_OPENED, _EXTENDED = "nonconformance.opened", "nonconformance.extended"
Decision = Literal["use_as_is", "concession", "repair", "rework", "scrap", "return_to_supplier"]
PartyRole = Literal["supplier", "buyer"]

# Who may decide what: product that stays outside the specification needs the buyer (AS9100D 8.7.1; a repair
# does not make it conform, ISO 9000:2015 3.12.9).
AUTHORITY: dict[Decision, tuple[tuple[PartyRole, ...], tuple[Role, ...]]] = {
    "use_as_is": (("buyer",), ("quality",)),
    "concession": (("buyer",), ("quality",)),
    "repair": (("buyer",), ("quality", "engineering")),
    "rework": (("supplier", "buyer"), ("quality", "engineering", "production")),
    "scrap": (("supplier", "buyer"), ("quality", "production")),
    "return_to_supplier": (("supplier", "buyer"), ("quality",)),
}


class Disposition(Closed):
    """What becomes of a quantity of nonconforming product, decided by a person who may.

    `serials` names the units; without them the quantity is of units that no line names.
    """

    kind: ClassVar[str] = "nonconformance.disposed"
    decision: Decision
    quantity: Annotated[Decimal, Field(gt=0, max_digits=15, decimal_places=6)]
    serials: tuple[Name, ...] = ()
    person: Person
    acts_for: PartyRole
    reason: Reason


NONCONFORMANCE_EVENTS: dict[str, type[NonconformanceNoted | Disposition]] = {
    _OPENED: NonconformanceNoted, _EXTENDED: NonconformanceNoted, Disposition.kind: Disposition,
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Nonconformance:
    """A cause of nonconformity in a lot: when it opened, its worst severity, and what it was seen on.

    `quantity` is affected beside the named units. The status is "disposed" once every named unit and all of
    the quantity have a disposition; whatever is found later opens it again.
    """

    id: str
    lot: str
    cause: str
    severity: CharacteristicClass
    opened_at: str
    triggers: tuple[Trigger, ...]
    serials: tuple[str, ...]
    inspections: tuple[str, ...]
    status: str = "open"
    quantity: Decimal = Decimal(0)
    dispositions: tuple[Disposition, ...] = ()
    sequence: int = 0

    def record(self) -> dict[str, Any]:
        """Return the JSON object."""
        fields = asdict(self)
        del fields["sequence"]
        return {
            **fields,
            "triggers": list(self.triggers),
            "serials": list(self.serials),
            "inspections": list(self.inspections),
            "quantity": str(self.quantity),
            "dispositions": [d.model_dump(mode="json") for d in self.dispositions],
        }


def note_nonconformance(known: Mapping[str, Nonconformance], note: NonconformanceNoted) -> NewEvent:
    """Return the event that opens a cause's non-conformance in its lot, or extends it where it is known."""
    causes = [n.cause for n in known.values() if n.lot == note.lot]
    return nonconformance_events(causes, (note,))[0]


def dispose(
    nonconformance: Nonconformance,
    spec: GoldenSpec,
    decision: Decision,
    person: Person,
    *,
    quantity: Decimal,
    reason: str,
    serials: Sequence[str] = (),
) -> tuple[NewEvent, ...]:
    """Decide what becomes of nonconforming product: `AUTHORITY` says who may.

    Raises:
        StepError: the person has not the role, or acts for no party that may; the units are not this
            non-conformance's or have their disposition; or the quantity is not theirs.
    """
    parties, roles = AUTHORITY[decision]
    deciding = {p.name: p.role for p in spec.parties if p.role in parties}
    require_signer(person, roles, tuple(deciding), f"{nonconformance.id}: {decision}")
    event = made(
        Disposition, decision=decision, quantity=quantity, serials=tuple(serials), person=person,
        acts_for=deciding[person.party], reason=reason,
    )  # fmt: skip
    _disposed(nonconformance, event)
    return (NewEvent(event.kind, nonconformance.id, event.model_dump(mode="json")),)


def replay_nonconformances(lines: Iterable[JournalLine]) -> dict[str, Nonconformance]:
    """Return the non-conformances by id, in order of opening; lines of other kinds are skipped.

    Raises:
        StepError: a line does not follow from those before it, or its body or subject does not fit.
    """
    known: dict[str, Nonconformance] = {}
    for line in lines:
        if line.kind in NONCONFORMANCE_EVENTS:
            known[line.subject] = _after(known.get(line.subject), line)
    return known


def apply_nonconformance(known: Mapping[str, Nonconformance], line: JournalLine) -> dict[str, Nonconformance]:
    """Return what is known after one more line; a line of another kind changes nothing."""
    if line.kind not in NONCONFORMANCE_EVENTS:
        return dict(known)
    return {**known, line.subject: _after(known.get(line.subject), line)}


def _after(before: Nonconformance | None, line: JournalLine) -> Nonconformance:
    event = read_event(line, NONCONFORMANCE_EVENTS, line.subject, 0 if before is None else before.sequence)
    where = f"journal line {line.sequence}: {line.kind} of {line.subject} does not follow"
    if isinstance(event, Disposition):
        if before is None:
            raise StepError(f"{where}: it is not open")
        return replace(_disposed(before, event), sequence=line.sequence)
    if line.subject != nonconformance_id(event.lot, event.cause) or (before is None) != (
        line.kind == _OPENED
    ):
        raise StepError(where)
    if before is None:
        return Nonconformance(
            id=line.subject, lot=event.lot, cause=event.cause, severity=event.severity, opened_at=line.time,
            triggers=(event.trigger,), serials=event.serials, inspections=event.inspections,
            quantity=event.quantity, sequence=line.sequence,
        )  # fmt: skip
    extended = replace(
        before,
        severity=min(before.severity, event.severity, key=CLASSES.index),
        triggers=_merged(before.triggers, (event.trigger,)),
        serials=_merged(before.serials, event.serials),
        inspections=_merged(before.inspections, event.inspections),
        quantity=before.quantity + event.quantity,
        sequence=line.sequence,
    )
    return replace(extended, status=_status(extended))


def _disposed(before: Nonconformance, event: Disposition) -> Nonconformance:
    """Return the non-conformance after a disposition; raise StepError where it cannot be decided so."""
    where = f"{before.id}: {event.decision} of {event.quantity}"
    parties, roles = AUTHORITY[event.decision]
    if event.acts_for not in parties or not set(roles) & set(event.person.roles):
        raise StepError(f"{where} is for the {' or '.join(parties)} in role {' or '.join(roles)} to decide")
    named, counted = _decided(before)
    strange = [s for s in event.serials if s not in before.serials or s in named]
    if strange or len(set(event.serials)) < len(event.serials):
        raise StepError(
            f"{where}: unit {strange[0] if strange else event.serials[0]} is not one of its units without a "
            "disposition, or is named twice"
        )
    if event.serials and event.quantity != len(event.serials):
        raise StepError(f"{where}: {len(event.serials)} units are named; the quantity is theirs")
    if not event.serials and before.quantity and counted + event.quantity > before.quantity:
        raise StepError(f"{where}: only {before.quantity - counted} beside the named units are left")
    after = replace(before, dispositions=(*before.dispositions, event))
    return replace(after, status=_status(after))


def _decided(nonconformance: Nonconformance) -> tuple[set[str], Decimal]:
    """Return the named units that have a disposition, and the quantity beside them that has one."""
    named = {s for d in nonconformance.dispositions for s in d.serials}
    return named, sum((d.quantity for d in nonconformance.dispositions if not d.serials), Decimal(0))


def _status(nonconformance: Nonconformance) -> str:
    named, counted = _decided(nonconformance)
    whole = named.issuperset(nonconformance.serials) and counted >= nonconformance.quantity
    return "disposed" if nonconformance.dispositions and whole else "open"


def _merged(old: tuple[Any, ...], new: tuple[Any, ...]) -> tuple[Any, ...]:
    return tuple(dict.fromkeys((*old, *new)))
