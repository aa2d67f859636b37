"""Devices that hold the keys of subjects, and products that lost their certification."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from trustworks.core.store.migrations.append_only import make_append_only
from trustworks.core.store.types import UtcDateTime

revision = "0030"
down_revision = "0029"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "device_evidence",
        sa.Column("id", sa.String(32), primary_key=True),
        sa.Column("application", sa.String(32), nullable=False, index=True),
        sa.Column("product", sa.String(64), nullable=False),
        sa.Column("way", sa.String(16), nullable=False),
        sa.Column("key_id", sa.String(64), nullable=False),
        sa.Column("content", sa.Text, nullable=True),
        sa.Column("recorded_at", UtcDateTime, nullable=False),
        sa.Column("recorded_by", sa.String(64), nullable=False),
    )
    op.create_index("device_evidence_product", "device_evidence", ["product"])
    make_append_only("device_evidence", changing=("content",))
    op.create_table(
        "device_losses",
        sa.Column("product", sa.String(64), primary_key=True),
        sa.Column("lost_on", sa.String(10), nullable=False),
        sa.Column("why", sa.String(1000), nullable=False),
        sa.Column("recorded_at", UtcDateTime, nullable=False),
        sa.Column("recorded_by", sa.String(64), nullable=False),
    )
    make_append_only("device_losses")
