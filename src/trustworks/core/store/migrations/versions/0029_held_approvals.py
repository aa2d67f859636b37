"""Approvals that are held while an act outside the database is done: what became of it ends the hold."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from trustworks.core.store.migrations.append_only import keep, make_append_only
from trustworks.core.store.types import UtcDateTime

revision = "0029"
down_revision = "0028"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the table."""
    op.create_table(
        "role_approval_holds",
        sa.Column("hold_id", sa.String(40), nullable=False),
        sa.Column("approval_id", sa.String(64), sa.ForeignKey("role_approvals.approval_id"), nullable=False),
        sa.Column("held_at", UtcDateTime, nullable=False),
        sa.Column("held_by", sa.String(64), nullable=False),
        sa.Column("outcome", sa.String(10), nullable=True),
        sa.Column("ended_at", UtcDateTime, nullable=True),
        sa.PrimaryKeyConstraint("hold_id", "approval_id"),
        sa.CheckConstraint("outcome IN ('used', 'returned')", name="outcome_known"),
        sa.CheckConstraint("(outcome IS NULL) = (ended_at IS NULL)", name="end_complete"),
    )
    op.create_index("role_approval_holds_approval", "role_approval_holds", ["approval_id"])
    make_append_only("role_approval_holds", changing=("outcome", "ended_at"))
    keep("role_approval_holds", ("outcome", "ended_at"), when="OLD.outcome IS NOT NULL", name="second_end")
