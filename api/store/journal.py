"""The journal table: append at the end, read. There is no way to change or remove a line."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import Any

from sqlalchemy import Connection, RowMapping, Select, insert, select

from api.errors import JournalBrokenError
from api.store.tables import journal
from evidence.journal import BrokenChain, JournalLine, append, line_hash
from golden.digests import canonical_json

STORED = "inspection.stored"  # `inspection.recorded` is quality's: the lot counts it


def append_line(
    connection: Connection, *, time: str, actor: str, kind: str, subject: str, body: dict[str, Any]
) -> JournalLine:
    """Append one line inside a write transaction and return it.

    Raises:
        JournalBrokenError: the last line does not hold; a new one would bury the break.
    """
    line = append(last_line(connection), time=time, actor=actor, kind=kind, subject=subject, body=body)
    fields = line.model_dump(mode="json")
    fields["body"] = canonical_json(fields["body"]).decode()
    connection.execute(insert(journal).values(fields))
    return line


def last_line(connection: Connection) -> JournalLine | None:
    """Return the last line, checked against its own hash; None of an empty journal."""
    row = connection.execute(select(journal).order_by(journal.c.sequence.desc()).limit(1)).mappings().first()
    if row is None:
        return None
    try:
        line = _line(row)
    except BrokenChain as error:
        raise JournalBrokenError(str(error)) from error
    if line.hash != line_hash(line.model_dump(mode="json")):
        raise JournalBrokenError(f"journal line {line.sequence}: its content does not match its hash")
    return line


def read_lines(
    connection: Connection,
    *,
    subject: str | Sequence[str] | None = None,
    kinds: Sequence[str] | None = None,
    after: int = 0,
    limit: int | None = None,
) -> list[JournalLine]:
    """Return lines in order, after a sequence, of a subject (or several) and of these kinds."""
    query = select(journal).where(journal.c.sequence > after)
    if subject is not None:
        subjects = (subject,) if isinstance(subject, str) else subject
        query = query.where(journal.c.subject.in_(subjects))
    if kinds is not None:
        query = query.where(journal.c.kind.in_(kinds))
    return list(_stream(connection, query.order_by(journal.c.sequence).limit(limit)))


def stream_lines(connection: Connection) -> Iterator[JournalLine]:
    """Yield every line in order; raise BrokenChain at one that does not read as it was written."""
    return _stream(connection, select(journal).order_by(journal.c.sequence))


def _stream(connection: Connection, query: Select[Any]) -> Iterator[JournalLine]:
    for row in connection.execute(query.execution_options(yield_per=500)).mappings():
        yield _line(row)


def _line(row: RowMapping) -> JournalLine:
    where = f"journal line {row['sequence']}"
    try:
        line = JournalLine.model_validate({**row, "body": json.loads(row["body"])})
        fields = line.model_dump(mode="json")
        fields["body"] = canonical_json(fields["body"]).decode()
    except (ValueError, TypeError) as error:  # pydantic's and json's errors are ValueErrors
        raise BrokenChain(f"{where}: it does not read as a journal line") from error
    if fields != dict(row):  # the model strips white space, the chain must not
        raise BrokenChain(f"{where}: it is not written as it was")
    return line
