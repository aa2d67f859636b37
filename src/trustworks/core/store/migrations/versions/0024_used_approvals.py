"""Approvals that an act was done by: each serves once."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from trustworks.core.store.migrations.append_only import make_append_only
from trustworks.core.store.types import UtcDateTime

revision = "0024"
down_revision = "0023"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the table."""
    op.create_table(
        "role_approval_uses",
        sa.Column(
            "approval_id", sa.String(64), sa.ForeignKey("role_approvals.approval_id"), primary_key=True
        ),
        sa.Column("used_at", UtcDateTime, nullable=False),
        sa.Column("used_by", sa.String(64), nullable=False),
    )
    make_append_only("role_approval_uses")
