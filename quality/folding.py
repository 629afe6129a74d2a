"""What every reducer of this room does with a journal line: fold it in, read its event and its time."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from typing import TypeVar

from pydantic import ValidationError

from evidence.journal import JournalLine
from golden.regions import Closed
from quality.errors import StepError

Event = TypeVar("Event", bound=Closed)
State = TypeVar("State")


def read_event(line: JournalLine, models: Mapping[str, type[Event]], subject: str, after: int) -> Event:
    """Return the event of a subject's line that follows the line `after`.

    Raises:
        StepError: the line is of another subject, comes before, is of no kind of `models`, or its body is
            not that of its kind.
    """
    where = f"journal line {line.sequence}"
    if line.subject != subject:
        raise StepError(f"{where} is about {line.subject!r}, not about {subject!r}")
    model = models.get(line.kind)
    if model is None:
        raise StepError(
            f"{where}: {line.kind!r} is not an event of {subject!r}; these are: {', '.join(models)}"
        )
    if line.sequence <= after:
        raise StepError(f"{where} comes after line {after} of {subject!r}")
    try:
        return model.model_validate(line.body)
    except ValidationError as error:
        raise StepError(f"{where}: not the body of {line.kind}: {error}") from error


def fold(
    state: State, subject: str, lines: Iterable[JournalLine], apply: Callable[[State, JournalLine], State]
) -> State:
    """Return a state after the journal lines of its subject, in order; others are skipped."""
    for line in lines:
        if line.subject == subject:
            state = apply(state, line)
    return state


def make_event(model: type[Event], where: str, /, **fields: object) -> Event:
    """Return a step's new event; raise StepError naming the field that it cannot have so."""
    try:
        return model.model_validate(fields)
    except ValidationError as error:
        problem = error.errors(include_url=False)[0]
        field = ".".join(map(str, problem["loc"])) or "the entry"
        raise StepError(f"{where}: {field}: {problem['msg']}") from error


def instant(text: str) -> datetime:
    """Return the aware time (UTC) of a record's time stamp; raise StepError where there is no such time."""
    try:
        return datetime.fromisoformat(text).astimezone(UTC)
    except ValueError as error:
        raise StepError(f"{text!r} is not a time: {error}") from error


def aware(now: datetime) -> datetime:
    """Return the time in UTC; raise StepError of one without a zone, or that UTC's calendar does not hold."""
    if now.tzinfo is None:
        raise StepError(f"the time {now} has no zone: give an aware time")
    try:
        return now.astimezone(UTC)
    except OverflowError as error:
        raise StepError(f"the time {now} lies outside the calendar in UTC") from error


def stamp(now: datetime) -> str:
    """Return the time stamp of an aware time, as records write it; StepError of one without a zone."""
    return aware(now).isoformat().replace("+00:00", "Z")
