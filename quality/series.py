"""The continuing series of a product's lots from one supplier: which severity the next lot is inspected by.

A series is a state derived from journal lines, like a lot; its subject is `switching:<supplier>:<product>`.
Each class with an AQL is switched on its own (ISO 2859-1:1999, clause 9.2). The severity of a lot is what the
series says when its sample is drawn; a journal that says otherwise is refused.

Lots may be judged side by side. One that was drawn before the series switched was inspected at a severity
that is no longer in force: the switching rules do not speak of it, and it is not counted, except that its
rejection ends reduced inspection (clause 9.3.4 d: other conditions). Resubmitted and isolated lots are never
counted.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Annotated, Any, ClassVar

from pydantic import Field

from evidence import sha256
from evidence.inspection import Name
from evidence.journal import JournalLine
from golden.catalogue import CharacteristicClass
from golden.plans import OqcPlan, SamplingStandard
from golden.regions import Closed
from golden.spec import PartyName
from quality.errors import SamplingError, StepError
from quality.events import NewEvent, Person, Reason, made
from quality.folding import read_event
from quality.outgoing import OqcDecision, Outcome
from quality.sampling import (
    DoublePlan,
    InspectionSeverity,
    Judgement,
    LotResult,
    SamplingPlan,
    Scheme,
    Switching,
    after_lot,
    begin,
    judge,
    restart_inspection,
    return_to_normal,
    set_conditions,
)
from quality.sign_off import require_signer

Aql = Annotated[str, Field(max_length=8)]


class ClassDrawn(Closed):
    """The AQL of a class, and the severity of inspection that a lot is drawn at."""

    aql: Aql
    severity: InspectionSeverity


class LotDrawn(Closed):
    """A lot's sample was drawn. `start` is the severity of a class that has no series of this AQL yet."""

    kind: ClassVar[str] = "switching.lot_drawn"
    lot: Name
    standard: SamplingStandard
    start: InspectionSeverity
    classes: dict[CharacteristicClass, ClassDrawn]
    deciders: Annotated[tuple[PartyName, ...], Field(min_length=1)]


class ClassResult(Closed):
    """What one class of a decided lot found, by which plan."""

    severity: CharacteristicClass
    plan: SamplingPlan | DoublePlan
    found: Annotated[int, Field(ge=0)]
    found_second: Annotated[int, Field(ge=0)] | None
    outcome: Outcome


class LotCounted(Closed):
    """A drawn lot was decided."""

    kind: ClassVar[str] = "switching.lot_counted"
    lot: Name
    results: tuple[ClassResult, ...]


class ConditionsSet(Closed):
    """The responsible authority says whether production is steady and reduced inspection is approved."""

    kind: ClassVar[str] = "switching.conditions_set"
    person: Person
    production_steady: bool
    reduced_approved: bool
    reason: Reason


class ReturnedToNormal(Closed):
    """The responsible authority ended a class's reduced inspection."""

    kind: ClassVar[str] = "switching.returned_to_normal"
    severity: CharacteristicClass
    person: Person
    reason: Reason


class InspectionRestarted(Closed):
    """A class's discontinued inspection was taken up again after a corrective action."""

    kind: ClassVar[str] = "switching.restarted"
    severity: CharacteristicClass
    person: Person
    corrective_action: Reason


SeriesEvent = LotDrawn | LotCounted | ConditionsSet | ReturnedToNormal | InspectionRestarted
SERIES_EVENTS: dict[str, type[SeriesEvent]] = {
    event.kind: event
    for event in (LotDrawn, LotCounted, ConditionsSet, ReturnedToNormal, InspectionRestarted)
}


@dataclass(frozen=True, slots=True)
class Series:
    """Where a series stands. Read only.

    `classes` holds the switching state of each class with an AQL; `drawn` what the lots that are not decided
    were drawn at; `not_counted` the lots that were inspected at a severity no longer in force; `deciders` the
    parties that are the responsible authority.
    """

    subject: str
    sequence: int = 0
    classes: Mapping[CharacteristicClass, Switching] = field(
        default_factory=dict[CharacteristicClass, Switching]
    )
    drawn: Mapping[str, Mapping[CharacteristicClass, ClassDrawn]] = field(
        default_factory=dict[str, Mapping[CharacteristicClass, ClassDrawn]]
    )
    not_counted: tuple[str, ...] = ()
    production_steady: bool = False
    reduced_approved: bool = False
    deciders: tuple[str, ...] = ()

    def record(self) -> dict[str, Any]:
        """Return the state as a JSON object."""
        return {
            "subject": self.subject,
            "classes": {severity: state.record() for severity, state in self.classes.items()},
            "drawn": {
                lot: {severity: drawn.severity for severity, drawn in classes.items()}
                for lot, classes in self.drawn.items()
            },
            "not_counted": list(self.not_counted),
            "production_steady": self.production_steady,
            "reduced_approved": self.reduced_approved,
        }


def series_subject(supplier: str, product: str) -> str:
    """Return the subject of a supplier's series of a product; a name that is too long is told by its hash."""
    subject = f"switching:{supplier}:{product}"
    return subject if len(subject) <= 128 else f"switching:{sha256(supplier.encode())[7:39]}:{product}"


def replay_series(subject: str, lines: Iterable[JournalLine]) -> Series:
    """Return a series from journal lines in order; lines of other subjects are skipped.

    Raises:
        StepError: a line of the series does not follow from those before it.
    """
    state = Series(subject)
    for line in lines:
        if line.subject == subject:
            state = apply_series(state, line)
    return state


def apply_series(state: Series, line: JournalLine) -> Series:
    """Return the series after one more of its lines.

    Raises:
        StepError: the line is of another subject, or does not follow from the state.
    """
    event = read_event(line, SERIES_EVENTS, state.subject, state.sequence)
    try:
        return replace(_after(state, event), sequence=line.sequence)
    except SamplingError as error:
        raise StepError(f"journal line {line.sequence}: {error}") from error


def draw_in_series(
    state: Series, lot: str, plan: OqcPlan, deciders: Sequence[str]
) -> tuple[dict[CharacteristicClass, InspectionSeverity], NewEvent]:
    """Return the severities that the next lot is inspected at, and the event that tells the series so.

    A class whose standard or AQL is another than before begins a new series at the plan's severity.

    Raises:
        StepError: inspection of a class is discontinued, or the lot is drawn already.
        SamplingError: the standard does not hold the AQL.
    """
    aqls: dict[CharacteristicClass, str | None] = {"major": plan.major.aql, "minor": plan.minor.aql}
    classes: dict[CharacteristicClass, ClassDrawn] = {}
    for severity, aql in aqls.items():
        if aql is not None:
            in_force = _in_force(state, severity, plan.standard, aql, plan.severity).severity
            classes[severity] = ClassDrawn(aql=aql, severity=in_force)
    event = LotDrawn(
        lot=lot, standard=plan.standard, start=plan.severity, classes=classes, deciders=tuple(deciders)
    )
    _after(state, event)
    severities: dict[CharacteristicClass, InspectionSeverity] = {
        severity: drawn.severity for severity, drawn in classes.items()
    }
    return severities, _event(state, event)


def count_in_series(subject: str, lot: str, decision: OqcDecision) -> NewEvent:
    """Return the event that counts a decided lot in its series."""
    results = tuple(
        ClassResult(
            severity=c.sampling.severity,
            plan=c.sampling.plan,
            found=c.found,
            found_second=c.found_second,
            outcome=c.outcome,
        )
        for c in decision.classes
        if c.sampling.plan is not None
    )
    return _event(Series(subject), LotCounted(lot=lot, results=results))


def set_reduced_conditions(
    state: Series, person: Person, *, production_steady: bool, reduced_approved: bool, reason: str
) -> tuple[NewEvent, ...]:
    """Say whether production is steady and whether reduced inspection is approved (clause 9.3.3).

    Raises:
        StepError: no lot was drawn yet, the person does not act in role quality for the deciding party, or
            the reason is empty.
    """
    event = made(
        ConditionsSet,
        person=person,
        production_steady=production_steady,
        reduced_approved=reduced_approved,
        reason=reason,
    )
    _after(state, event)
    return (_event(state, event),)


def end_reduced(
    state: Series, severity: CharacteristicClass, person: Person, *, reason: str
) -> tuple[NewEvent, ...]:
    """End a class's reduced inspection by decision (clause 9.3.4 d).

    Raises:
        StepError: as `set_reduced_conditions`, or inspection of the class is not reduced.
    """
    event = made(ReturnedToNormal, severity=severity, person=person, reason=reason)
    _after(state, event)
    return (_event(state, event),)


def restart(
    state: Series, severity: CharacteristicClass, person: Person, *, corrective_action: str
) -> tuple[NewEvent, ...]:
    """Take up a class's discontinued inspection again, tightened, after a corrective action (clause 9.4).

    Raises:
        StepError: as `set_reduced_conditions`, or inspection of the class is not discontinued.
    """
    event = made(InspectionRestarted, severity=severity, person=person, corrective_action=corrective_action)
    _after(state, event)
    return (_event(state, event),)


def _event(state: Series, event: SeriesEvent) -> NewEvent:
    return NewEvent(event.kind, state.subject, event.model_dump(mode="json"))


def _after(state: Series, event: SeriesEvent) -> Series:
    match event:
        case LotDrawn():
            return _after_draw(state, event)
        case LotCounted():
            return _after_decision(state, event)
        case ConditionsSet():
            _require_authority(state, event.person, event.kind)
            steady, approved = event.production_steady, event.reduced_approved
            classes = {
                severity: set_conditions(s, production_steady=steady, reduced_approved=approved)
                for severity, s in state.classes.items()
            }
            return replace(state, classes=classes, production_steady=steady, reduced_approved=approved)
        case ReturnedToNormal(severity=severity):
            _require_authority(state, event.person, event.kind)
            after = return_to_normal(_class(state, severity), event.reason)
            return replace(state, classes={**state.classes, severity: after})
        case InspectionRestarted(severity=severity):
            _require_authority(state, event.person, event.kind)
            after = restart_inspection(_class(state, severity), event.corrective_action)
            return replace(state, classes={**state.classes, severity: after})


def _after_draw(state: Series, event: LotDrawn) -> Series:
    if event.lot in state.drawn:
        raise StepError(f"{state.subject}: lot {event.lot} is drawn already, and not decided")
    classes = dict(state.classes)
    for severity, drawn in event.classes.items():
        classes[severity] = _in_force(state, severity, event.standard, drawn.aql, event.start)
        if drawn.severity != classes[severity].severity:
            raise StepError(
                f"{state.subject}: lot {event.lot} was drawn at {drawn.severity} inspection of {severity}; "
                f"{classes[severity].severity} inspection is in force"
            )
    return replace(
        state, classes=classes, drawn={**state.drawn, event.lot: event.classes}, deciders=event.deciders
    )


def _after_decision(state: Series, event: LotCounted) -> Series:
    drawn = state.drawn.get(event.lot)
    if drawn is None:
        raise StepError(f"{state.subject}: lot {event.lot} was not drawn, or is counted already")
    classes, not_counted = dict(state.classes), state.not_counted
    for result in event.results:
        asked = drawn.get(result.severity)
        if asked != ClassDrawn(aql=result.plan.aql, severity=result.plan.severity):
            raise StepError(
                f"{state.subject}: lot {event.lot} was drawn by another plan of {result.severity}"
            )
        _require_outcome(state, event.lot, result)
        if result.outcome == "undecided":  # another class rejected the lot first
            continue
        before = classes[result.severity]
        if before.discontinued or (before.severity, before.scheme.aql, before.scheme.standard) != (
            result.plan.severity, result.plan.aql, result.plan.standard
        ):  # fmt: skip
            not_counted = tuple(dict.fromkeys((*not_counted, event.lot)))
            if before.severity == "reduced" and result.outcome == "reject":
                classes[result.severity] = return_to_normal(
                    before, f"lot {event.lot}, drawn at {result.plan.severity} inspection, was not accepted"
                )
            continue
        counted = LotResult(result.plan, _countable(result), result.found_second)
        classes[result.severity] = after_lot(before, counted)
    still = {lot: asked for lot, asked in state.drawn.items() if lot != event.lot}
    return replace(state, classes=classes, drawn=still, not_counted=not_counted)


def _require_outcome(state: Series, lot: str, result: ClassResult) -> None:
    """Raise StepError unless the outcome is what the class's plan makes of its counts."""
    judged = judge(result.plan, _countable(result), result.found_second)
    outcomes: dict[Judgement, tuple[Outcome, ...]] = {
        "accept": ("accept", "undecided"),
        "accept_and_return_to_normal": ("accept", "undecided"),
        "take_second_sample": ("undecided",),
        "reject": ("reject",),
    }
    if result.outcome not in outcomes[judged]:
        raise StepError(
            f"{state.subject}: lot {lot}: {result.found} found in {result.severity} is {judged}, "
            f"yet the line says {result.outcome}"
        )


def _countable(result: ClassResult) -> int:
    """Return the count, of nonconforming units at most n: failed items of the checklist count beside them."""
    if result.plan.counting != "nonconforming_units":
        return result.found
    return min(result.found, result.plan.n if isinstance(result.plan, SamplingPlan) else result.plan.n1)


def _in_force(
    state: Series,
    severity: CharacteristicClass,
    standard: SamplingStandard,
    aql: str,
    start: InspectionSeverity,
) -> Switching:
    scheme, known = Scheme(standard, aql), state.classes.get(severity)
    if known is None or known.scheme != scheme:
        agreed = start == "reduced"  # both parties have sealed it in the golden sample
        return begin(
            scheme,
            start,
            production_steady=agreed or state.production_steady,
            reduced_approved=agreed or state.reduced_approved,
        )
    if known.discontinued:
        raise StepError(
            f"{state.subject}: inspection of {severity} is discontinued ({known.reason}); no lot is "
            "inspected until a corrective action restarts it (ISO 2859-1:1999, 9.4)"
        )
    return known


def _class(state: Series, severity: CharacteristicClass) -> Switching:
    if severity not in state.classes:
        raise StepError(f"{state.subject}: class {severity} is not sampled in it")
    return state.classes[severity]


def _require_authority(state: Series, person: Person, step: str) -> None:
    if not state.deciders:
        raise StepError(f"{state.subject}: no lot was drawn yet; {step} comes after the first")
    require_signer(person, "quality", state.deciders, step)
