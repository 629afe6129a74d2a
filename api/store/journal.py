"""The journal table: append at the end, read, verify. There is no way to change or remove a line."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import Any

from sqlalchemy import Connection, RowMapping, Select, insert, select

from api.errors import JournalBrokenError
from api.store.tables import inspections, journal
from evidence.journal import BrokenChain, JournalLine, append, line_hash, verify_chain
from golden.digests import canonical_json, sha256

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
    subject: str | None = None,
    kinds: Sequence[str] | None = None,
    after: int = 0,
    limit: int | None = None,
) -> list[JournalLine]:
    """Return lines in order, after a sequence, of a subject and of these kinds."""
    query = select(journal).where(journal.c.sequence > after)
    if subject is not None:
        query = query.where(journal.c.subject == subject)
    if kinds is not None:
        query = query.where(journal.c.kind.in_(kinds))
    return list(_stream(connection, query.order_by(journal.c.sequence).limit(limit)))


def verify(connection: Connection) -> JournalLine | None:
    """Check every line and every stored inspection against its line; return the last line.

    Raises:
        BrokenChain: a line is altered, missing, doubled or out of order; or an inspection's stored record
            is not the one whose digest its line holds, or has no line, or is gone.
    """
    recorded: dict[str, str] = {}

    def noted() -> Iterator[JournalLine]:
        for line in _stream(connection, select(journal).order_by(journal.c.sequence)):
            if line.kind == STORED:
                recorded[line.subject] = str(line.body.get("record"))
            yield line

    last = verify_chain(noted())
    for row in connection.execute(select(inspections).execution_options(yield_per=500)).mappings():
        _check_record(row, recorded.pop(row["id"], None))
    if recorded:
        raise BrokenChain(f"inspection {min(recorded)}: its journal line stands, its record is gone")
    return last


def _check_record(row: RowMapping, noted: str | None) -> None:
    if noted is None:
        raise BrokenChain(f"inspection {row['id']}: stored without a journal line")
    altered = BrokenChain(f"inspection {row['id']}: its stored record is not the one that was recorded")
    if sha256(str(row["record"]).encode()) != noted:
        raise altered
    record = json.loads(row["record"])
    columns = ("id", "part", "revision", "serial", "lot", "station", "sequence", "verdict", "digest")
    if any(row[name] != record[name] for name in columns) or row["golden"] != record["golden"]["digest"]:
        raise altered


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
