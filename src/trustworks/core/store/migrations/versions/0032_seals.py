"""Seals that were made for clients."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from trustworks.core.store.migrations.append_only import make_append_only
from trustworks.core.store.types import UtcDateTime

revision = "0032"
down_revision = "0031"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the table."""
    op.create_table(
        "signing_seals",
        sa.Column("id", sa.String(32), nullable=False),
        sa.Column("client", sa.String(63), nullable=False),
        sa.Column("seal", sa.String(63), nullable=False),
        sa.Column("key", sa.String(64), nullable=False),
        sa.Column("begun", UtcDateTime, nullable=False),
        sa.Column("state", sa.String(8), nullable=False),
        sa.Column("level", sa.String(40), nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_signing_seals"),
    )
    op.create_index("ix_signing_seals_client_begun", "signing_seals", ["client", "begun"])
    make_append_only("signing_seals", changing=("state", "level"))
