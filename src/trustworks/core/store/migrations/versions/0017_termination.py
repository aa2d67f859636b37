"""Terminations: authorities that issue no more, the steps of plans, and the last answers of responders."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from trustworks.core.store.migrations.append_only import make_append_only
from trustworks.core.store.types import UtcDateTime

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "terminated_authorities",
        sa.Column("authority", sa.String(64), primary_key=True),
        sa.Column("plan", sa.String(64), nullable=False),
        sa.Column("terminated_at", UtcDateTime, nullable=False),
        sa.Column("terminated_by", sa.String(200), nullable=False),
    )
    op.create_table(
        "termination_steps",
        sa.Column("plan", sa.String(64), nullable=False),
        sa.Column("step", sa.String(200), nullable=False),
        sa.Column("result", sa.String(8000), nullable=False),
        sa.Column("done_at", UtcDateTime, nullable=False),
        sa.Column("done_by", sa.String(200), nullable=False),
        sa.PrimaryKeyConstraint("plan", "step"),
    )
    op.create_table(
        "last_answers",
        sa.Column("authority", sa.String(64), nullable=False),
        sa.Column("serial", sa.String(40), nullable=False),
        sa.Column("issuer_hash", sa.String(10), nullable=False),
        sa.Column("der", sa.LargeBinary, nullable=False),
        sa.Column("produced_at", UtcDateTime, nullable=False),
        sa.PrimaryKeyConstraint("authority", "serial", "issuer_hash"),
    )
    for table in ("terminated_authorities", "termination_steps", "last_answers"):
        make_append_only(table)
