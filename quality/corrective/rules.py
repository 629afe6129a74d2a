"""What must hold for an event of a corrective action: phases, parties, roles, times, order of proof."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Literal

from quality.corrective.criterion import LotEvidence, criterion_power
from quality.corrective.events import CapaOpened
from quality.corrective.reports import (
    Closure,
    Containment,
    EmergencyResponse,
    Implementation,
    PermanentActions,
    Report,
)
from quality.errors import StepError, TransitionError
from quality.events import Person
from quality.folding import instant
from quality.sign_off import require_signer

Phase = Literal[
    "absent", "open", "contained", "root_cause_verified", "actions_defined", "implemented", "verifying",
    "effective", "closed",
]  # fmt: skip
Transition = Literal[
    "contain", "verify_root_cause", "define_actions", "implement", "start_effectiveness", "effective",
    "not_effective", "close",
]  # fmt: skip

# Units are contained; and: the action is in force, so that a repeat speaks against it.
CONTAINED: tuple[Phase, ...] = (
    "contained", "root_cause_verified", "actions_defined", "implemented", "verifying",
)  # fmt: skip
IN_FORCE: tuple[Phase, ...] = ("implemented", "verifying", "effective", "closed")

TRANSITIONS: dict[tuple[Phase, Transition], Phase] = {
    ("open", "contain"): "contained",
    ("contained", "verify_root_cause"): "root_cause_verified",
    ("root_cause_verified", "define_actions"): "actions_defined",
    ("actions_defined", "implement"): "implemented",
    ("implemented", "start_effectiveness"): "verifying",
    ("verifying", "effective"): "effective",
    ("verifying", "not_effective"): "contained",
    ("effective", "close"): "closed",
}


def next_phase(phase: Phase, transition: Transition) -> Phase:
    """Return the phase that follows.

    Raises:
        TransitionError: it does not; `refusal` is "containment first", "effectiveness not verified" or
            "illegal transition NAME".
    """
    following = TRANSITIONS.get((phase, transition))
    if following is not None:
        return following
    if (phase, transition) == ("open", "verify_root_cause"):
        raise TransitionError("containment first", "the buyer approves D3 before a root cause is submitted")
    if transition == "close" and phase in ("implemented", "verifying"):
        raise TransitionError(
            "effectiveness not verified",
            "later lots meet the criterion, and somebody else than the owner verifies it, before D8",
        )
    raise TransitionError(
        f"illegal transition {transition}", f"the corrective action is {phase!r}; 8D disciplines go in order"
    )


def check_opening(event: CapaOpened, at: str) -> None:
    """Raise StepError unless two different parties answer, one of them asks, and the times are in order."""
    both = set(event.suppliers) & set(event.buyers)
    if both:
        raise StepError(
            f"{', '.join(sorted(both))} cannot be supplier and buyer of the same corrective action"
        )
    require_signer(event.person, "quality", (*event.suppliers, *event.buyers), "opening a corrective action")
    _not_after(event.opened_at, at, "opened_at")


def check_report(
    opened: CapaOpened, report: Report, person: Person, actions_approved: datetime | None, at: str
) -> None:
    """Raise StepError unless a report fits the case that it is about, and tells of nothing still to come."""
    match report:
        case EmergencyResponse():
            for name in ("nonconformance", "part", "revision", "opened_at"):
                if getattr(report, name) != getattr(opened, name):
                    raise StepError(
                        f"D0 {name} {getattr(report, name)!r}: the case is {getattr(opened, name)!r}"
                    )
            if opened.lot not in report.lots:
                raise StepError(f"D0 lots {', '.join(report.lots)}: the case's lot {opened.lot} is missing")
        case Containment():
            _not_after(report.in_force_from, at, "D3 in_force_from")
        case Implementation():
            _not_after(report.implemented_at, at, "D6 implemented_at")
            assert actions_approved is not None
            if instant(report.implemented_at) <= actions_approved:
                raise StepError(
                    f"D6 implemented_at {report.implemented_at}: the criterion was approved at "
                    f"{actions_approved.isoformat()}, and is fixed before the action is implemented"
                )
        case Closure():
            _not_after(report.closed_at, at, "D8 closed_at")
            if report.closed_by != person.name:
                raise StepError(f"D8 closed_by {report.closed_by}: it is submitted by {person.name}")
        case _:
            pass


def check_approval(opened: CapaOpened, report: Report, weak_criterion: str | None) -> None:
    """Raise StepError of a criterion that cannot show its claim, unless the buyer accepts it by name."""
    weak = _weakness(opened, report) if isinstance(report, PermanentActions) else None
    if weak is not None and weak_criterion is None:
        raise StepError(f"D5 criterion: {weak}; ask for more, or accept it by name with a reason")
    if weak is None and weak_criterion is not None:
        raise StepError(f"{report.discipline}: there is no weak criterion to accept; leave the reason out")


def _weakness(opened: CapaOpened, report: PermanentActions) -> str | None:
    power = criterion_power(report.criterion)
    if not power.shows_claim:
        return power.sentence()
    least = opened.deadlines.effectiveness_lots
    if report.criterion.lots < least:
        return f"{report.criterion.lots} lots, while the golden sample asks for {least} (effectiveness_lots)"
    return None


def check_lot(evidence: LotEvidence, seen: Sequence[str], implementation: Report, at: str) -> None:
    """Raise StepError unless a lot is a new one, all of it made after the action was implemented."""
    assert isinstance(implementation, Implementation)
    if evidence.lot in seen:
        raise StepError(f"lot {evidence.lot} has been counted, or is the failed one: evidence is a new lot")
    _not_after(evidence.produced_from, at, "produced_from")
    if instant(evidence.produced_from) <= instant(implementation.implemented_at):
        raise StepError(
            f"lot {evidence.lot} was produced from {evidence.produced_from}, not after the implementation at "
            f"{implementation.implemented_at}: it proves nothing about the action"
        )


def check_verifier(person: Person, owners: Sequence[str]) -> None:
    """Raise StepError where the person owns an action; case and spaces of a name do not make another."""
    if _same(person.name) in {_same(name) for name in owners}:
        raise StepError(f"{person.name} owns the action; somebody else verifies that it works")


def _same(name: str) -> str:
    return " ".join(name.split()).casefold()


def _not_after(stamp: str, at: str, name: str) -> None:
    if instant(stamp) > instant(at):
        raise StepError(f"{name} {stamp} lies in the future of {at}")
