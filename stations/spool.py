"""The spool: a station's durable memory. One SQLite file, one folder of frames, one writer.

A unit's row is born with its HOLD record (`interrupted`) when the trigger arrives, so that whatever kills the
station, the sequence has no gap and no unit is without a verdict; `complete` replaces that record once.
See docs/decisions/0005-the-spool.md.
"""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Callable, Generator, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import Any, Literal, Self
from urllib.parse import quote

from pydantic import ValidationError

from evidence import Inspection, sha256, verify_digest
from stations.camera import timestamp
from stations.errors import FrameDroppedError, SpoolConflictError, SpoolForeignError
from stations.frame_files import FrameFiles, make_folder, sync_folder
from stations.spool_database import connect, explained, prepare, station_of, take_lock

State = Literal["open", "pending", "acknowledged", "refused"]

# what a kill may leave of a spool that was just being made
_OWN_FILES = {
    "frames",
    *(f"{db}.db{end}" for db in ("lock", "spool") for end in ("", "-journal", "-wal", "-shm")),
}


@dataclass(frozen=True, slots=True)
class SpooledUnit:
    """One row: what was reserved, its record, and how far it has travelled.

    Attributes:
        sequence: the station's gapless number of the unit, from 1.
        serial: the unit's serial.
        lot: its lot, or None.
        reserved_at: when the trigger arrived, RFC 3339 UTC.
        state: `open` while being inspected, `pending` until the server has it, then `acknowledged`, or
            `refused` with the server's `problem`.
        record: canonical JSON of the inspection.
        problem: why the server refused, or None.
    """

    sequence: int
    serial: str
    lot: str | None
    reserved_at: str
    state: State
    record: bytes = field(repr=False)
    problem: str | None

    @property
    def inspection(self) -> Inspection:
        """The stored record; raise SpoolConflictError where it is none."""
        try:
            return Inspection.model_validate_json(self.record)
        except ValidationError as error:
            raise SpoolConflictError(
                f"sequence {self.sequence}: the stored record is damaged ({error})"
            ) from error


class SpoolReader:
    """A spool to look at, whether its station runs or not."""

    def __init__(self, directory: Path, connection: sqlite3.Connection) -> None:
        self.directory = directory
        self._connection = connection
        self._lock = threading.RLock()
        self._frames = FrameFiles(directory / "frames")
        self.station = station_of(directory, connection)

    @classmethod
    def read(cls, directory: Path) -> SpoolReader:
        """Open an existing spool for reading.

        Raises:
            SpoolForeignError: there is no spool, or not one of this format.
        """
        path = directory / "spool.db"
        if not path.is_file():
            raise SpoolForeignError(f"{directory} is not a spool: it has no spool.db")
        with explained(directory):
            return cls(directory, connect(f"file:{quote(str(path.resolve()))}?mode=ro", uri=True))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the database."""
        self._connection.close()

    def units(self, state: State | None = None) -> list[SpooledUnit]:
        """Return all rows, or those of a state, in sequence order."""
        where = "" if state is None else "WHERE state = ?"
        rows = self._select(
            f"SELECT {_COLUMNS} FROM unit {where} ORDER BY sequence",  # noqa: S608 (constants only)
            () if state is None else (state,),
        )
        return [_unit(row) for row in rows]

    def unit(self, sequence: int) -> SpooledUnit:
        """Return one row; raise SpoolConflictError where there is none."""
        rows = self._select(f"SELECT {_COLUMNS} FROM unit WHERE sequence = ?", (sequence,))  # noqa: S608
        if not rows:
            raise SpoolConflictError(f"{self.directory} holds no unit with sequence {sequence}")
        return _unit(rows[0])

    def naming(self, digest: str, *, since: datetime | None, before: int | None) -> Iterator[SpooledUnit]:
        """Yield the rows whose record names a digest, newest first.

        Args:
            digest: `sha256:` and hexadecimal digits.
            since: leave out units that were triggered earlier; records are long, so that this saves time.
            before: leave out this sequence and larger ones.
        """
        query = (
            f"SELECT {_COLUMNS} FROM unit WHERE sequence < ? AND reserved_at >= ? "  # noqa: S608 (constants)
            "AND instr(record, ?) ORDER BY sequence DESC LIMIT 1"
        )
        below, earliest = _LARGEST if before is None else before, "" if since is None else timestamp(since)
        while rows := self._select(query, (below, earliest, digest.encode())):
            unit = _unit(rows[0])
            yield unit
            below = unit.sequence

    def counts(self) -> dict[str, int]:
        """Return how many units are in each state."""
        return dict(self._select("SELECT state, COUNT(*) FROM unit GROUP BY state ORDER BY state"))

    def frames(self, sequence: int, archive: Path | None = None) -> dict[str, bytes]:
        """Return the stored frame bytes of a unit by view, each checked against its digest.

        Args:
            sequence: the unit.
            archive: where to look for frames that were dropped: the server's folder of frames, in which
                a file's folder is the first two digits of its digest.

        Raises:
            FrameLostError: a frame is absent or altered.
            FrameDroppedError: they were dropped after acknowledgement.
        """
        query = "SELECT view, digest, dropped FROM frame WHERE sequence = ? ORDER BY view"
        frames: dict[str, bytes] = {}
        for view, digest, dropped in self._select(query, (sequence,)):
            if dropped and archive is not None:
                frames[view] = FrameFiles(archive / digest.removeprefix("sha256:")[:2]).get(digest)
                continue
            if dropped:
                raise FrameDroppedError(
                    f"{self.directory}: the frames of sequence {sequence} were dropped after the server had "
                    "acknowledged them; name the server's folder of frames (--frames)"
                )
            frames[view] = self._frames.get(digest)
        return frames

    def newest_version(self, part: str) -> int | None:
        """Return the newest golden version that this station has seen of a part number, or None."""
        rows = self._select("SELECT version FROM golden WHERE part = ?", (part,))
        return rows[0][0] if rows else None

    def _select(self, query: str, parameters: tuple[object, ...] = ()) -> list[Any]:
        with self._lock, explained(self.directory):
            return self._connection.execute(query, parameters).fetchall()


class Spool(SpoolReader):
    """The station's own spool: one process writes, several threads may (line and forwarder)."""

    recovered: tuple[int, ...] = ()

    def __init__(self, directory: Path, connection: sqlite3.Connection, lock: sqlite3.Connection) -> None:
        super().__init__(directory, connection)
        self._held_lock = lock

    @classmethod
    def open(cls, directory: Path, station: str) -> Spool:
        """Open a station's spool, create it if need be, and close what a kill left open.

        Rows left open become pending with the `interrupted` record they were born with; `recovered` holds
        their sequences.

        Raises:
            SpoolInUseError: another process has it open.
            SpoolForeignError: it belongs to another station, or is no spool of this format.
            SpoolFullError: the disk is full.
        """
        with explained(directory):
            make_folder(directory)
            others = {path.name for path in directory.iterdir()} - _OWN_FILES
            if others and not (directory / "spool.db").exists():
                raise SpoolForeignError(f"{directory} holds other files and no spool: use an empty folder")
            lock = take_lock(directory)
            try:
                connection = connect(str(directory / "spool.db"))
                prepare(connection, station)
                sync_folder(directory)
                spool = cls(directory, connection, lock)
            except BaseException:  # whatever it is goes on its way; the lock must not stay behind
                lock.close()
                raise
        if spool.station != station:
            found = spool.station
            spool.close()
            raise SpoolForeignError(
                f"{directory} is the spool of station {found}, not of {station}: use another folder"
            )
        with explained(directory):
            spool._frames.prepare()
        spool.recovered = spool._close_open_rows()
        return spool

    def close(self) -> None:
        """Close the database and let others open it."""
        super().close()
        self._held_lock.close()

    def reserve(
        self, *, serial: str, lot: str | None, at: datetime, held: Callable[[int], Inspection]
    ) -> int:
        """Commit a row with the next sequence, before anything else happens to the unit.

        Args:
            serial: the unit's serial.
            lot: its lot, or None.
            at: when the trigger arrived, timezone-aware.
            held: makes the HOLD record of a sequence that stands if the station is killed from here on.

        Raises:
            SpoolFullError: the disk is full; nothing is reserved.
        """
        with self._transaction() as connection:
            (sequence,) = connection.execute("SELECT COALESCE(MAX(sequence), 0) + 1 FROM unit").fetchone()
            record = held(sequence)
            self._check(record, sequence, serial)
            if record.verdict != "HOLD":
                raise SpoolConflictError(f"sequence {sequence}: the record before a decision is HOLD")
            connection.execute(
                "INSERT INTO unit (sequence, serial, lot, reserved_at, state, record) "
                "VALUES (?, ?, ?, ?, 'open', ?)",
                (sequence, serial, lot, timestamp(at), record.to_json()),
            )
        return sequence

    def complete(self, inspection: Inspection, frames: Mapping[str, bytes]) -> None:
        """Store a reserved unit's frames, then its record; both are durable when this returns.

        Args:
            inspection: the record; station, sequence and serial are those reserved.
            frames: encoded bytes by view, one for each frame that the record names.

        Raises:
            SpoolFullError: the disk is full; the row stays open and its verdict is HOLD.
            SpoolConflictError: the record does not fit the row, or the frames do not fit the record.
        """
        sequence = inspection.sequence
        if sequence is None:
            raise SpoolConflictError("the record has no sequence; reserve one first")
        unit = self.unit(sequence)
        if unit.state != "open":
            raise SpoolConflictError(f"sequence {sequence} already has its record")
        self._check(inspection, sequence, unit.serial)
        named = {frame.view: frame.digest for frame in inspection.frames}
        digests = {view: sha256(data) for view, data in frames.items()}
        if named != digests:
            raise SpoolConflictError(f"sequence {sequence}: the frames are not those that the record names")
        # One lock over both: a file that is there already must not be dropped before its new row says so.
        with self._lock:
            with explained(self.directory):
                self._frames.put({digests[view]: data for view, data in frames.items()})
            with self._transaction() as connection:
                connection.executemany(
                    "INSERT INTO frame (sequence, view, digest) VALUES (?, ?, ?)",
                    [(sequence, view, digest) for view, digest in named.items()],
                )
                connection.execute(
                    "UPDATE unit SET state = 'pending', record = ? WHERE sequence = ?",
                    (inspection.to_json(), sequence),
                )

    def next_pending(self) -> SpooledUnit | None:
        """Return the oldest unit that the server does not have yet, or None."""
        query = f"SELECT {_COLUMNS} FROM unit WHERE state = 'pending' ORDER BY sequence LIMIT 1"  # noqa: S608
        rows = self._select(query)
        return _unit(rows[0]) if rows else None

    def acknowledge(self, sequence: int) -> None:
        """Note that the server has the unit; raise SpoolConflictError where it was not pending."""
        self._move(sequence, "acknowledged", None)

    def refuse(self, sequence: int, problem: str) -> None:
        """Note why the server will not take the unit; raise SpoolConflictError where it was not pending."""
        self._move(sequence, "refused", problem)

    def retry_refused(self) -> int:
        """Make refused units pending again, once what the server missed is there; return how many."""
        with self._transaction() as connection:
            return connection.execute(
                "UPDATE unit SET state = 'pending', problem = NULL WHERE state = 'refused'"
            ).rowcount

    def saw_version(self, part: str, version: int) -> None:
        """Remember the newest golden version seen of a part number; an older one changes nothing."""
        with self._transaction() as connection:
            connection.execute(
                "INSERT INTO golden (part, version) VALUES (?, ?) "
                "ON CONFLICT (part) DO UPDATE SET version = MAX(version, excluded.version)",
                (part, version),
            )

    def prune(self, keep_newest: int) -> int:
        """Drop frame files of acknowledged units, except of the newest `keep_newest` units; return how many.

        A frame that any other unit still needs stays. Records always stay.
        """
        with self._lock:  # over check and removal: no unit may come to need the file in between
            with self._transaction() as connection:
                connection.execute(
                    "UPDATE frame SET dropped = 1 WHERE dropped = 0 AND sequence IN ("
                    "SELECT sequence FROM unit WHERE state = 'acknowledged' "
                    "AND sequence <= (SELECT MAX(sequence) FROM unit) - ?)",
                    (keep_newest,),
                )
                rows = connection.execute(
                    "SELECT digest FROM frame GROUP BY digest HAVING MIN(dropped) = 1"
                ).fetchall()
            with explained(self.directory):
                return sum(self._frames.drop(digest) for (digest,) in rows)

    def _check(self, inspection: Inspection, sequence: int, serial: str) -> None:
        found = (inspection.station, inspection.sequence, inspection.serial)
        if found != (self.station, sequence, serial):
            raise SpoolConflictError(
                f"the record of {found} does not belong to {(self.station, sequence, serial)}"
            )
        if not verify_digest(inspection):
            raise SpoolConflictError(f"sequence {sequence}: the record's digest is not that of its content")

    def _move(self, sequence: int, state: State, problem: str | None) -> None:
        with self._transaction() as connection:
            moved = connection.execute(
                "UPDATE unit SET state = ?, problem = ? WHERE sequence = ? AND state = 'pending'",
                (state, problem, sequence),
            )
            if moved.rowcount != 1:
                raise SpoolConflictError(f"sequence {sequence} is not pending")

    def _close_open_rows(self) -> tuple[int, ...]:
        with self._transaction() as connection:
            rows = connection.execute(
                "UPDATE unit SET state = 'pending' WHERE state = 'open' RETURNING sequence"
            ).fetchall()
        return tuple(sorted(sequence for (sequence,) in rows))

    @contextmanager
    def _transaction(self) -> Generator[sqlite3.Connection]:
        """One durable transaction: committed and synced on leaving, or not there at all."""
        with self._lock, explained(self.directory):
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                yield self._connection
                self._connection.execute("COMMIT")
            except BaseException:  # whatever it is goes on its way; nothing half-written stays
                if self._connection.in_transaction:
                    self._connection.execute("ROLLBACK")
                raise


_LARGEST = 2**63 - 1
_COLUMNS = "sequence, serial, lot, reserved_at, state, record, problem"


def _unit(row: tuple[Any, ...]) -> SpooledUnit:
    return SpooledUnit(*row)
