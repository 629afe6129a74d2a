"""Inspections at rest: whole as canonical JSON, and as rows that queries and charts read."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Integer, RowMapping, Select, and_, cast, func, insert, select

from api.errors import SequenceTakenError
from api.store.journal import STORED, append_line
from api.store.tables import defects, inspections, measurements, reasons
from evidence.inspection import Inspection
from golden.digests import sha256


@dataclass(frozen=True, slots=True)
class Stored:
    """An inspection at rest: canonical JSON, its journal line, when and by whom; why its lot refused it."""

    record: str
    journal_sequence: int
    recorded_at: str
    actor: str
    refused: str | None

    def fields(self) -> dict[str, Any]:
        """Return the JSON object of the record."""
        return json.loads(self.record)


@dataclass(frozen=True, slots=True)
class Filters:
    """What a list is narrowed to; None narrows nothing. Times are RFC 3339 UTC, `since` inclusive."""

    part: str | None = None
    lot: str | None = None
    serial: str | None = None
    station: str | None = None
    verdict: str | None = None
    reason: str | None = None
    severity: str | None = None
    since: str | None = None
    until: str | None = None


def find_by_sequence(connection: Connection, inspection: Inspection) -> Stored | None:
    """Return what the inspection's station and sequence already hold.

    Raises:
        SequenceTakenError: they hold a record of another digest.
    """
    query = select(inspections).where(
        inspections.c.station == inspection.station, inspections.c.sequence == inspection.sequence
    )
    row = connection.execute(query).mappings().first()
    if row is None:
        return None
    if row["digest"] != inspection.digest:
        raise SequenceTakenError(
            f"station {inspection.station!r} has already recorded sequence {inspection.sequence} as "
            f"{row['id']} with digest {row['digest']}; number the next inspection further"
        )
    return _stored(row)


def store(
    connection: Connection, inspection: Inspection, *, refused: str | None, actor: str, time: str
) -> Stored:
    """Append the journal line and write the record and its rows, all in the caller's transaction.

    `refused` is why the lot does not count the record, None where it does or there is no lot.
    """
    whole = inspection.to_json()
    body = {**_journal_body(inspection, whole), "refused": refused}
    line = append_line(connection, time=time, actor=actor, kind=STORED, subject=inspection.id, body=body)
    stored = Stored(whole.decode(), line.sequence, time, actor, refused)
    same = {
        name: getattr(inspection, name)
        for name in ("id", "part", "revision", "serial", "lot", "station", "sequence", "verdict", "digest")
    }
    row = {**same, "golden": inspection.golden.digest, "journal_sequence": line.sequence}
    row |= {"recorded_at": time, "actor": actor, "refused": refused, "record": stored.record}
    connection.execute(insert(inspections).values(row))
    _explode(connection, inspection)
    return stored


def _journal_body(inspection: Inspection, whole: bytes) -> dict[str, Any]:
    body = {
        name: getattr(inspection, name)
        for name in ("digest", "part", "revision", "serial", "lot", "station", "sequence", "verdict")
    }
    return {**body, "golden": inspection.golden.digest, "record": sha256(whole)}


def _explode(connection: Connection, inspection: Inspection) -> None:
    key = {"inspection": inspection.id}
    result_columns = [c.name for c in measurements.columns][3:]
    rows: dict[Any, list[dict[str, Any]]] = {
        reasons: [{**key, "reason": code} for code in dict.fromkeys(inspection.reasons)],
        measurements: [
            {**key, "position": i, "characteristic": c.id, **{n: getattr(c, n) for n in result_columns}}
            for i, c in enumerate(inspection.characteristics)
        ],
        defects: [
            {**key, "position": i, "view": d.view, "class": d.defect_class, "severity": d.severity,
             "zone": d.zone, "size_mm": d.size_mm}
            for i, d in enumerate(inspection.defects)
        ],
    }  # fmt: skip
    for table, values in rows.items():
        if values:
            connection.execute(insert(table), values)


def get(connection: Connection, inspection_id: str) -> Stored | None:
    """Return one inspection, or None."""
    row = connection.execute(select(inspections).where(inspections.c.id == inspection_id)).mappings().first()
    return None if row is None else _stored(row)


def page(
    connection: Connection, filters: Filters, *, after: int | None, newest_first: bool, limit: int
) -> list[Stored]:
    """Return at most `limit` inspections that match, in journal order, beyond the sequence `after`."""
    order = inspections.c.journal_sequence
    query = _narrow(select(inspections), filters)
    if after is not None:
        query = query.where(order < after if newest_first else order > after)
    query = query.order_by(order.desc() if newest_first else order).limit(limit)
    return [_stored(row) for row in connection.execute(query).mappings()]


def _narrow(query: Select[Any], filters: Filters) -> Select[Any]:
    for name in ("part", "lot", "serial", "station", "verdict"):
        wanted = getattr(filters, name)
        if wanted is not None:
            query = query.where(inspections.c[name] == wanted)
    if filters.reason is not None:
        held = select(reasons.c.inspection).where(reasons.c.reason == filters.reason)
        query = query.where(inspections.c.id.in_(held))
    if filters.severity is not None:
        held = select(defects.c.inspection).where(defects.c.severity == filters.severity)
        query = query.where(inspections.c.id.in_(held))
    if filters.since is not None:
        query = query.where(inspections.c.recorded_at >= filters.since)
    if filters.until is not None:
        query = query.where(inspections.c.recorded_at < filters.until)
    return query


@dataclass(frozen=True, slots=True)
class StationState:
    """How far a station has come; `missing` are the gaps in its numbering, both ends inclusive."""

    station: str
    highest: int
    recorded: int
    missing: tuple[tuple[int, int], ...]


def stations(connection: Connection) -> Sequence[StationState]:
    """Return every station that has posted, by name, with the gaps in its numbering from 1 on."""
    column = inspections.c.sequence
    totals = select(inspections.c.station, func.max(column), func.count()).group_by(inspections.c.station)
    found: list[StationState] = []
    for station, highest, count in connection.execute(totals.order_by(inspections.c.station)).all():
        missing = () if highest == count else _gaps(connection, station)
        found.append(StationState(station, highest, count, missing))
    return found


def _gaps(connection: Connection, station: str) -> tuple[tuple[int, int], ...]:
    column = inspections.c.sequence
    before = func.coalesce(func.lag(column).over(order_by=column), cast(0, Integer))
    pairs = select(before.label("before"), column.label("here")).where(inspections.c.station == station)
    walked = pairs.subquery()
    query = select(walked.c.before, walked.c.here).where(and_(walked.c.here > walked.c.before + 1))
    rows = connection.execute(query.order_by(walked.c.here).limit(100)).all()
    return tuple((before + 1, here - 1) for before, here in rows)


def _stored(row: RowMapping) -> Stored:
    return Stored(row["record"], row["journal_sequence"], row["recorded_at"], row["actor"], row["refused"])
