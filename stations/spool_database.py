"""The spool's database: its tables, how it is opened and locked, and its errors as sentences."""

from __future__ import annotations

import errno
import sqlite3
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from stations.errors import SpoolError, SpoolForeignError, SpoolFullError, SpoolInUseError

FORMAT = 1
_SCHEMA = """
CREATE TABLE station (only INTEGER PRIMARY KEY CHECK (only = 1), id TEXT NOT NULL) STRICT;
CREATE TABLE unit (
    sequence INTEGER PRIMARY KEY,
    serial TEXT NOT NULL,
    lot TEXT,
    reserved_at TEXT NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('open', 'pending', 'acknowledged', 'refused')),
    record BLOB NOT NULL,
    problem TEXT
) STRICT;
CREATE INDEX unit_by_state ON unit (state, sequence);
CREATE TABLE frame (
    sequence INTEGER NOT NULL REFERENCES unit (sequence),
    view TEXT NOT NULL,
    digest TEXT NOT NULL,
    dropped INTEGER NOT NULL DEFAULT 0 CHECK (dropped IN (0, 1)),
    PRIMARY KEY (sequence, view)
) STRICT;
CREATE INDEX frame_by_digest ON frame (digest);
CREATE TABLE golden (part TEXT PRIMARY KEY, version INTEGER NOT NULL) STRICT;
CREATE TRIGGER unit_sequence_has_no_gap BEFORE INSERT ON unit
WHEN NEW.sequence <> (SELECT COALESCE(MAX(sequence), 0) + 1 FROM unit)
BEGIN SELECT RAISE(ABORT, 'the next sequence is the last plus one'); END;
CREATE TRIGGER unit_stays BEFORE DELETE ON unit
BEGIN SELECT RAISE(ABORT, 'a unit is never deleted'); END;
CREATE TRIGGER unit_record_stays BEFORE UPDATE OF sequence, serial, lot, reserved_at, record ON unit
WHEN OLD.state <> 'open'
BEGIN SELECT RAISE(ABORT, 'a completed record is never changed'); END;
"""


def connect(database: str, *, uri: bool = False) -> sqlite3.Connection:
    """Open the database: what is committed is on disk."""
    connection = sqlite3.connect(database, uri=uri, timeout=10, isolation_level=None, check_same_thread=False)
    connection.execute("PRAGMA foreign_keys = ON")
    connection.execute("PRAGMA synchronous = FULL")
    return connection


def take_lock(directory: Path) -> sqlite3.Connection:
    """Hold an exclusive SQLite lock on a file of its own: the system releases it however the process ends."""
    lock = sqlite3.connect(directory / "lock.db", timeout=0, isolation_level=None, check_same_thread=False)
    try:
        lock.execute("BEGIN EXCLUSIVE")
    except sqlite3.OperationalError as error:
        lock.close()
        raise SpoolInUseError(
            f"{directory} is in use by another process: each station needs its own spool"
        ) from error
    return lock


def prepare(connection: sqlite3.Connection, station: str) -> None:
    """Create the tables of a new spool in one transaction."""
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    if version != 0:
        return
    connection.execute("PRAGMA journal_mode = WAL")
    connection.executescript(f"BEGIN IMMEDIATE; {_SCHEMA}")
    connection.execute("INSERT INTO station (only, id) VALUES (1, ?)", (station,))
    connection.execute(f"PRAGMA user_version = {FORMAT}")
    connection.execute("COMMIT")


def station_of(directory: Path, connection: sqlite3.Connection) -> str:
    """Return whose spool it is; raise SpoolForeignError where it is none of this format."""
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    if version != FORMAT:
        raise SpoolForeignError(f"{directory} is not a spool of format {FORMAT} (found {version})")
    (station,) = connection.execute("SELECT id FROM station").fetchone()
    return station


@contextmanager
def explained(directory: Path) -> Generator[None]:
    """Turn errors of disk and database into sentences."""
    try:
        yield
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise _full(directory) from error
        raise SpoolError(f"spool {directory}: {error.strerror or error}") from error
    except sqlite3.Error as error:
        code = getattr(error, "sqlite_errorcode", 0) & 0xFF
        if code == sqlite3.SQLITE_FULL:
            raise _full(directory) from error
        if code == sqlite3.SQLITE_NOTADB:
            raise SpoolForeignError(f"{directory}/spool.db is not a spool: use another folder") from error
        raise SpoolError(f"spool {directory}: {error}") from error


def _full(directory: Path) -> SpoolFullError:
    return SpoolFullError(
        f"spool {directory}: the disk is full. The unit under way is HOLD; free space, then start again"
    )
