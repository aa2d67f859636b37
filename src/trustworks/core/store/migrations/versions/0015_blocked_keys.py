"""Public keys whose private keys are known to others: none of them is certified (again)."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from trustworks.core.store.migrations.append_only import make_append_only
from trustworks.core.store.types import UtcDateTime

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the table."""
    op.create_table(
        "blocked_keys",
        sa.Column("spki_sha256", sa.LargeBinary(32), primary_key=True),
        sa.Column("shown_by", sa.String(20), nullable=False),
        sa.Column("note", sa.String(2000), nullable=True),
        sa.Column("blocked_at", UtcDateTime, nullable=False),
        sa.Column("blocked_by", sa.String(200), nullable=False),
        sa.CheckConstraint("shown_by IN ('private-key', 'signature', 'statement')", name="shown_by_known"),
    )
    make_append_only("blocked_keys")
