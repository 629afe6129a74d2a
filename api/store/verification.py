"""The check of the whole journal, and of every row against the line that it was made from."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict
from typing import Any

from sqlalchemy import Connection, RowMapping, select

from api.store import goldens, keys
from api.store.journal import STORED, stream_lines
from api.store.tables import api_keys, inspections
from api.store.tables import goldens as golden_rows
from evidence.journal import BrokenChain, JournalLine, verify_chain
from golden.digests import sha256

Lines = dict[str, JournalLine]


def verify(connection: Connection) -> JournalLine | None:
    """Check every line, and each inspection, golden sample and API key against its line; return the last.

    Of an API key, salt and hash are secrets' and in no line; they are not covered.

    Raises:
        BrokenChain: a line is altered, missing, doubled or out of order; or a row says something else than
            the line that it was made from, or has no line, or is gone.
    """
    made: dict[str, Lines] = {kind: {} for kind in (STORED, goldens.REGISTERED, keys.CREATED, keys.REVOKED)}

    def noted() -> Iterator[JournalLine]:
        for line in stream_lines(connection):
            if line.kind in made:
                made[line.kind][line.subject] = line
            yield line

    last = verify_chain(noted())
    _check_inspections(connection, made[STORED])
    _check_goldens(connection, made[goldens.REGISTERED])
    _check_keys(connection, made[keys.CREATED], made[keys.REVOKED])
    return last


def _check_inspections(connection: Connection, lines: Lines) -> None:
    for row in connection.execute(select(inspections).execution_options(yield_per=500)).mappings():
        _check_record(row, _line_of(f"inspection {row['id']}", row["id"], lines))
    _none_left("inspection", lines)


def _check_record(row: RowMapping, line: JournalLine) -> None:
    where = f"inspection {row['id']}"
    altered = BrokenChain(f"{where}: its stored record is not the one that was recorded")
    if sha256(str(row["record"]).encode()) != line.body.get("record"):
        raise altered
    record = json.loads(row["record"])
    columns = ("id", "part", "revision", "serial", "lot", "station", "sequence", "verdict", "digest")
    if any(row[name] != record[name] for name in columns) or row["golden"] != record["golden"]["digest"]:
        raise altered
    _same(where, row, {"recorded_at": line.time, "actor": line.actor, "refused": line.body.get("refused"),
                       "journal_sequence": line.sequence})  # fmt: skip


def _check_goldens(connection: Connection, lines: Lines) -> None:
    rows = {row["digest"]: row for row in connection.execute(select(golden_rows)).mappings()}
    for golden in goldens.every(connection):
        where, row = f"golden sample {golden.digest}", rows[golden.digest]
        line = _line_of(where, golden.digest, lines)
        _same(where, asdict(golden), line.body)
        _same(where, row, {"registered_at": line.time, "journal_sequence": line.sequence})
    _none_left("golden sample", lines)


def _check_keys(connection: Connection, created: Lines, revoked: Lines) -> None:
    for row in connection.execute(select(api_keys)).mappings():
        where, subject = f"API key {row['id']}", f"key-{row['id']}"
        line = _line_of(where, subject, created)
        end = revoked.get(subject)
        # a line from before keys said so signs for nothing
        _same(where, row, {"signs": "", **line.body, "created_at": line.time, "revoked_at": end and end.time})
    _none_left("API key", created)


def _line_of(where: str, subject: str, lines: Lines) -> JournalLine:
    line = lines.pop(subject, None)
    if line is None:
        raise BrokenChain(f"{where}: stored without a journal line")
    return line


def _none_left(what: str, lines: Lines) -> None:
    if lines:
        raise BrokenChain(f"{what} {min(lines)}: its journal line stands, its row is gone")


def _same(where: str, row: RowMapping | dict[str, Any], noted: dict[str, Any]) -> None:
    for name, value in noted.items():
        if row[name] != value:
            raise BrokenChain(f"{where}: its {name} is not the one that was recorded")
