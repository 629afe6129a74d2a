"""The tables. The journal and the whole records are the truth; every other row is made from them."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Float,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    Table,
    Text,
    UniqueConstraint,
)

metadata = MetaData()

journal = Table(
    "journal",
    metadata,
    Column("sequence", BigInteger, primary_key=True, autoincrement=False),
    Column("time", Text, nullable=False),
    Column("actor", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("subject", Text, nullable=False),
    Column("body", Text, nullable=False),  # canonical JSON
    Column("previous", Text, nullable=False),
    Column("hash", Text, nullable=False),
    Index("journal_by_subject", "subject", "kind"),
    Index("journal_by_kind", "kind", "sequence"),
)

inspections = Table(
    "inspections",
    metadata,
    Column("id", Text, primary_key=True),
    Column("journal_sequence", BigInteger, ForeignKey("journal.sequence"), nullable=False, unique=True),
    Column("recorded_at", Text, nullable=False),
    Column("actor", Text, nullable=False),
    Column("part", Text, nullable=False),
    Column("revision", Text, nullable=False),
    Column("serial", Text),
    Column("lot", Text),
    Column("station", Text, nullable=False),
    Column("sequence", BigInteger, nullable=False),
    Column("verdict", Text, nullable=False),
    Column("golden", Text, nullable=False),
    Column("refused", Text),  # why the lot does not count it
    Column("digest", Text, nullable=False),
    Column("record", Text, nullable=False),  # canonical JSON of the whole record, timings included
    UniqueConstraint("station", "sequence", name="inspections_by_station"),
    Index("inspections_by_lot", "lot", "journal_sequence"),
    Index("inspections_by_serial", "serial", "journal_sequence"),
    Index("inspections_by_part", "part", "journal_sequence"),
    Index("inspections_by_verdict", "verdict", "journal_sequence"),
    Index("inspections_by_time", "recorded_at"),
)


def _inspection() -> Column[str]:
    return Column("inspection", Text, ForeignKey("inspections.id"), primary_key=True)


reasons = Table(
    "reasons",
    metadata,
    _inspection(),
    Column("reason", Text, primary_key=True),
    Index("reasons_by_code", "reason"),
)

measurements = Table(
    "measurements",
    metadata,
    _inspection(),
    Column("position", Integer, primary_key=True),
    Column("characteristic", Text, nullable=False),
    Column("value", Float),
    Column("unit", Text),
    Column("standard_uncertainty", Float),
    Column("lower", Float),
    Column("upper", Float),
    Column("valid", Boolean, nullable=False),
    Column("reason", Text),
    Column("decision", Text, nullable=False),
    Index("measurements_by_characteristic", "characteristic"),
)

defects = Table(
    "defects",
    metadata,
    _inspection(),
    Column("position", Integer, primary_key=True),
    Column("view", Text, nullable=False),
    Column("class", Text, nullable=False),
    Column("severity", Text),
    Column("zone", Text, nullable=False),
    Column("size_mm", Float, nullable=False),
    Index("defects_by_severity", "severity"),
)

goldens = Table(
    "goldens",
    metadata,
    Column("digest", Text, primary_key=True),
    Column("journal_sequence", BigInteger, ForeignKey("journal.sequence"), nullable=False),
    Column("registered_at", Text, nullable=False),
    Column("part", Text, nullable=False),
    Column("revision", Text, nullable=False),
    Column("version", Integer, nullable=False),
    Column("issued", Text, nullable=False),
    Column("expires", Text),
    Column("bundle", Text, nullable=False),  # SHA-256 of the sealed file in the frame store
    UniqueConstraint("part", "revision", "version", name="goldens_by_version"),
)

api_keys = Table(
    "api_keys",
    metadata,
    Column("id", Text, primary_key=True),
    Column("role", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("station", Text),
    Column("party", Text),
    Column("signs", Text, nullable=False, server_default=""),  # roles that the person signs for, by spaces
    Column("salt", Text, nullable=False),
    Column("hash", Text, nullable=False),
    Column("created_at", Text, nullable=False),
    Column("revoked_at", Text),
)
