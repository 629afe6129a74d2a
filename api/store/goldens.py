"""Golden samples that this server has seen: the newest version of each part cannot be rolled back.

Versions are counted by part number, as stations count them: a new revision of a part goes on counting.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass

from sqlalchemy import Connection, RowMapping, func, insert, select

from api.errors import GoldenConflictError
from api.store.journal import append_line
from api.store.tables import goldens

REGISTERED = "golden.registered"


@dataclass(frozen=True, slots=True)
class Registered:
    """A verified golden sample; times are RFC 3339 UTC, `bundle` is the address of the sealed file."""

    digest: str
    part: str
    revision: str
    version: int
    issued: str
    expires: str | None
    bundle: str


def register(connection: Connection, golden: Registered, *, actor: str, time: str) -> bool:
    """Register it with a journal line; return False where it was known already.

    Raises:
        GoldenConflictError: another golden sample of this part, of any revision, has this or a newer version.
    """
    if find(connection, golden.digest) is not None:
        return False
    newest = newest_version(connection, golden.part)
    if newest is not None and golden.version <= newest:
        raise GoldenConflictError(
            f"part {golden.part} already has version {newest} here; version {golden.version} of revision "
            f"{golden.revision} would roll it back"
        )
    body = asdict(golden)
    line = append_line(connection, time=time, actor=actor, kind=REGISTERED, subject=golden.digest, body=body)
    connection.execute(
        insert(goldens).values(**body, journal_sequence=line.sequence, registered_at=line.time)
    )
    return True


def find(connection: Connection, digest: str) -> Registered | None:
    """Return the golden sample of that digest, or None."""
    row = connection.execute(select(goldens).where(goldens.c.digest == digest)).mappings().first()
    return None if row is None else _registered(row)


def every(connection: Connection) -> list[Registered]:
    """Return all of them in the order of registration."""
    rows = connection.execute(select(goldens).order_by(goldens.c.journal_sequence)).mappings()
    return [_registered(row) for row in rows]


def newest_version(connection: Connection, part: str) -> int | None:
    """Return the newest version seen of a part number, whatever its revision, or None."""
    query = select(func.max(goldens.c.version)).where(goldens.c.part == part)
    return connection.execute(query).scalar()


def _registered(row: RowMapping) -> Registered:
    return Registered(
        digest=row["digest"], part=row["part"], revision=row["revision"], version=row["version"],
        issued=row["issued"], expires=row["expires"], bundle=row["bundle"],
    )  # fmt: skip
