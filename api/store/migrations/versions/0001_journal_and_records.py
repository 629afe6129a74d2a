"""The journal, inspections with their rows, golden samples and API keys."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Make the first tables."""
    op.create_table(
        "journal",
        sa.Column("sequence", sa.BigInteger, primary_key=True, autoincrement=False),
        *_texts("time", "actor", "kind", "subject", "body", "previous", "hash"),
    )
    op.create_index("journal_by_subject", "journal", ["subject", "kind"])
    op.create_index("journal_by_kind", "journal", ["kind", "sequence"])
    op.create_table(
        "inspections",
        sa.Column("id", sa.Text, primary_key=True),
        sa.Column(
            "journal_sequence", sa.BigInteger, sa.ForeignKey("journal.sequence"), nullable=False, unique=True
        ),
        *_texts("recorded_at", "actor", "part", "revision"),
        sa.Column("serial", sa.Text),
        sa.Column("lot", sa.Text),
        sa.Column("station", sa.Text, nullable=False),
        sa.Column("sequence", sa.BigInteger, nullable=False),
        *_texts("verdict", "golden"),
        sa.Column("refused", sa.Text),
        *_texts("digest", "record"),
        sa.UniqueConstraint("station", "sequence", name="inspections_by_station"),
    )
    for name in ("lot", "serial", "part", "verdict"):
        op.create_index(f"inspections_by_{name}", "inspections", [name, "journal_sequence"])
    op.create_index("inspections_by_time", "inspections", ["recorded_at"])
    op.create_table("reasons", _inspection(), sa.Column("reason", sa.Text, primary_key=True))
    op.create_index("reasons_by_code", "reasons", ["reason"])
    op.create_table(
        "measurements",
        _inspection(),
        sa.Column("position", sa.Integer, primary_key=True),
        *_texts("characteristic"),
        sa.Column("value", sa.Float),
        sa.Column("unit", sa.Text),
        *(sa.Column(name, sa.Float) for name in ("standard_uncertainty", "lower", "upper")),
        sa.Column("valid", sa.Boolean, nullable=False),
        sa.Column("reason", sa.Text),
        *_texts("decision"),
    )
    op.create_index("measurements_by_characteristic", "measurements", ["characteristic"])
    op.create_table(
        "defects",
        _inspection(),
        sa.Column("position", sa.Integer, primary_key=True),
        *_texts("view", "class"),
        sa.Column("severity", sa.Text),
        *_texts("zone"),
        sa.Column("size_mm", sa.Float, nullable=False),
    )
    op.create_index("defects_by_severity", "defects", ["severity"])
    op.create_table(
        "goldens",
        sa.Column("digest", sa.Text, primary_key=True),
        sa.Column("journal_sequence", sa.BigInteger, sa.ForeignKey("journal.sequence"), nullable=False),
        *_texts("registered_at", "part", "revision"),
        sa.Column("version", sa.Integer, nullable=False),
        *_texts("issued"),
        sa.Column("expires", sa.Text),
        *_texts("bundle"),
        sa.UniqueConstraint("part", "revision", "version", name="goldens_by_version"),
    )
    op.create_table(
        "api_keys",
        sa.Column("id", sa.Text, primary_key=True),
        *_texts("role", "name"),
        sa.Column("station", sa.Text),
        sa.Column("party", sa.Text),
        *_texts("salt", "hash", "created_at"),
        sa.Column("revoked_at", sa.Text),
    )


def _texts(*names: str) -> list[sa.Column[str]]:
    return [sa.Column(name, sa.Text, nullable=False) for name in names]


def _inspection() -> sa.Column[str]:
    return sa.Column("inspection", sa.Text, sa.ForeignKey("inspections.id"), primary_key=True)
