"""Enrolment: what requests are authorised by, and the transactions of the certificate management protocol."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from trustworks.core.store.migrations.append_only import make_append_only
from trustworks.core.store.types import UtcDateTime

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "enrolment_credentials",
        sa.Column("reference", sa.String(64), primary_key=True),
        sa.Column("kind", sa.String(12), nullable=False),
        sa.Column("sealed", sa.LargeBinary, nullable=True),
        sa.Column("profile", sa.String(64), nullable=False),
        sa.Column("subject", sa.String(2000), nullable=False),
        sa.Column("alternative_names", sa.String(4000), nullable=False),
        sa.Column("uses", sa.Integer, nullable=False),
        sa.Column("used", sa.Integer, nullable=False),
        sa.Column("created_at", UtcDateTime, nullable=False),
        sa.Column("created_by", sa.String(200), nullable=False),
        sa.Column("expires_at", UtcDateTime, nullable=False),
        sa.Column("withdrawn_at", UtcDateTime, nullable=True),
        sa.CheckConstraint("kind IN ('secret', 'certificate', 'ra')", name="kind_known"),
        sa.CheckConstraint("(kind = 'secret') = (sealed IS NOT NULL)", name="secret_is_sealed"),
        sa.CheckConstraint("used >= 0 AND used <= uses", name="used_within"),
    )
    make_append_only("enrolment_credentials", changing=("used", "withdrawn_at"))
    op.create_table(
        "cmp_transactions",
        sa.Column("transaction_id", sa.LargeBinary(64), primary_key=True),
        sa.Column("credential", sa.String(80), nullable=False),
        sa.Column("body", sa.String(8), nullable=False),
        sa.Column("nonce", sa.LargeBinary(64), nullable=False),
        sa.Column("state", sa.String(10), nullable=False),
        sa.Column("serial", sa.String(40), nullable=True),
        sa.Column("cert_req_id", sa.Integer, nullable=True),
        sa.Column("began_at", UtcDateTime, nullable=False),
        sa.Column("confirm_by", UtcDateTime, nullable=True),
        sa.CheckConstraint(
            "state IN ('waiting', 'confirmed', 'rejected', 'expired', 'ended')", name="state_known"
        ),
        sa.CheckConstraint("state <> 'waiting' OR confirm_by IS NOT NULL", name="waits_until"),
    )
    op.create_index("cmp_transactions_waiting", "cmp_transactions", ["state", "confirm_by"])
    op.create_index("cmp_transactions_serial", "cmp_transactions", ["serial"])
    make_append_only("cmp_transactions", changing=("state",))
