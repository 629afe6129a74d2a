"""An approver's key says which roles the person signs for."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Keys made before sign for no role."""
    op.add_column("api_keys", sa.Column("signs", sa.Text, nullable=False, server_default=""))
