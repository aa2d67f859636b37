"""Requests for revocation, and the notices to subjects that follow on a change of status."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from trustworks.core.store.migrations.append_only import keep, make_append_only
from trustworks.core.store.types import UtcDateTime

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "revocation_requests",
        sa.Column("id", sa.String(32), primary_key=True),
        sa.Column("serial", sa.String(40), nullable=True),
        sa.Column("kind", sa.String(20), nullable=False),
        sa.Column("requester", sa.String(200), nullable=False),
        sa.Column("reason", sa.Integer, nullable=True),
        sa.Column("invalidity_date", UtcDateTime, nullable=True),
        sa.Column("note", sa.String(2000), nullable=True),
        sa.Column("received_at", UtcDateTime, nullable=False),
        sa.Column("effective_at", UtcDateTime, nullable=True),
        sa.Column("recorded_at", UtcDateTime, nullable=False),
        sa.Column("recorded_by", sa.String(200), nullable=False),
        sa.Column("state", sa.String(10), nullable=False),
        sa.Column("confirmed_by", sa.String(200), nullable=True),
        sa.Column("confirmed_how", sa.String(200), nullable=True),
        sa.Column("delayed_why", sa.String(2000), nullable=True),
        sa.Column("decided_at", UtcDateTime, nullable=True),
        sa.Column("decided_by", sa.String(200), nullable=True),
        sa.Column("decided_why", sa.String(2000), nullable=True),
        sa.CheckConstraint("state IN ('pending', 'done', 'refused')", name="request_state_known"),
        sa.CheckConstraint("(state = 'pending') = (decided_at IS NULL)", name="request_decided"),
    )
    op.create_index("revocation_requests_state", "revocation_requests", ["state", "received_at"])
    op.create_table(
        "subject_notices",
        sa.Column("id", sa.String(32), primary_key=True),
        sa.Column("serial", sa.String(40), nullable=False),
        sa.Column("kind", sa.String(10), nullable=False),
        sa.Column("reason", sa.Integer, nullable=True),
        sa.Column("at", UtcDateTime, nullable=False),
        sa.Column("sent_at", UtcDateTime, nullable=True),
        sa.Column("tries", sa.Integer, nullable=False, server_default="0"),
        sa.Column("problem", sa.String(2000), nullable=True),
        sa.CheckConstraint("kind IN ('revoked', 'held', 'released')", name="notice_kind_known"),
    )
    op.create_index("subject_notices_waiting", "subject_notices", ["sent_at", "at"])
    decision = ("state", "decided_at", "decided_by", "decided_why")
    course = ("confirmed_by", "confirmed_how", "delayed_why")
    make_append_only("revocation_requests", changing=(*decision, *course))
    keep("revocation_requests", (*decision, *course), when="OLD.state <> 'pending'", name="second_decision")
    make_append_only("subject_notices", changing=("sent_at", "tries", "problem"))
