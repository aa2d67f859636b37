"""Requests of enrolment protocols that wait for an officer, and which credentials' requests do."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from trustworks.core.store.migrations.append_only import keep, keep_no_more, make_append_only
from trustworks.core.store.types import UtcDateTime

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None

# What of a credential changes; the rest is as it was created, now with `ask_officer`.
_CHANGING = ("used", "withdrawn_at")


def upgrade() -> None:
    """Make the table, and the column."""
    op.add_column(
        "enrolment_credentials", sa.Column("ask_officer", sa.Boolean, nullable=False, server_default="0")
    )
    columns = [one["name"] for one in sa.inspect(op.get_bind()).get_columns("enrolment_credentials")]
    keep_no_more("enrolment_credentials", name="update")
    keep("enrolment_credentials", [name for name in columns if name not in _CHANGING])
    op.create_table(
        "enrolment_requests",
        sa.Column("id", sa.String(32), primary_key=True),
        sa.Column("protocol", sa.String(4), nullable=False),
        sa.Column("client", sa.String(80), nullable=False),
        sa.Column("credential", sa.String(64), nullable=False),
        sa.Column("fingerprint", sa.LargeBinary(32), nullable=False),
        sa.Column("profile", sa.String(64), nullable=False),
        sa.Column("subject", sa.String(4000), nullable=False),
        sa.Column("alternative_names", sa.String(30000), nullable=False),
        sa.Column("key_sha256", sa.String(64), nullable=False),
        sa.Column("asked_at", UtcDateTime, nullable=False),
        sa.Column("body", sa.String(8), nullable=False),
        sa.Column("content", sa.LargeBinary, nullable=False),
        sa.Column("implicit", sa.Boolean, nullable=False),
        sa.Column("transaction_id", sa.LargeBinary(64), nullable=True),
        sa.Column("nonce", sa.LargeBinary(64), nullable=True),
        sa.Column("state", sa.String(10), nullable=False),
        sa.Column("decided_at", UtcDateTime, nullable=True),
        sa.Column("decided_by", sa.String(200), nullable=True),
        sa.Column("decided_why", sa.String(2000), nullable=True),
        sa.Column("serial", sa.String(40), nullable=True),
        sa.CheckConstraint("protocol IN ('cmp', 'est')", name="request_protocol_known"),
        sa.CheckConstraint(
            "state IN ('waiting', 'approved', 'refused', 'issued')", name="request_state_known"
        ),
        sa.CheckConstraint("(state = 'waiting') = (decided_at IS NULL)", name="request_decided"),
        sa.CheckConstraint("(state = 'issued') = (serial IS NOT NULL)", name="request_issued"),
    )
    op.create_index("enrolment_requests_state", "enrolment_requests", ["state", "asked_at"])
    op.create_index("enrolment_requests_credential", "enrolment_requests", ["credential", "state"])
    op.create_index("enrolment_requests_transaction", "enrolment_requests", ["transaction_id"], unique=True)
    decision = ("decided_at", "decided_by", "decided_why")
    conversation = ("body", "content", "implicit", "transaction_id", "nonce")
    make_append_only("enrolment_requests", changing=("state", "serial", *decision, *conversation))
    keep("enrolment_requests", decision, when="OLD.state <> 'waiting'", name="second_decision")
    keep(
        "enrolment_requests", ("state", "serial"), when="OLD.state IN ('refused', 'issued')", name="reopening"
    )
    # One and the same request is asked for once at a time; after it ended it may be asked for again, which
    # the trigger above would refuse if it knew of this key.
    op.create_index(
        "enrolment_requests_open",
        "enrolment_requests",
        ["fingerprint"],
        unique=True,
        sqlite_where=sa.text("state IN ('waiting', 'approved')"),
        postgresql_where=sa.text("state IN ('waiting', 'approved')"),
    )
