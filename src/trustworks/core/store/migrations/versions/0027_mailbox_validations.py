"""What was mailed to show control over mailboxes, and when it was answered."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from trustworks.core.store.migrations.append_only import make_append_only
from trustworks.core.store.types import UtcDateTime

revision = "0027"
down_revision = "0026"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the table."""
    op.create_table(
        "mailbox_validations",
        sa.Column("id", sa.String(32), primary_key=True),
        sa.Column("application", sa.String(32), nullable=False, index=True),
        sa.Column("address", sa.String(255), nullable=True, index=True),
        sa.Column("digest", sa.String(64), nullable=False),
        sa.Column("drawn_at", UtcDateTime, nullable=False),
        sa.Column("drawn_by", sa.String(64), nullable=False),
        sa.Column("mailed_at", UtcDateTime, nullable=True),
        sa.Column("wrong", sa.Integer, nullable=False),
        sa.Column("validated_at", UtcDateTime, nullable=True),
        sa.Column("validated_by", sa.String(64), nullable=True),
    )
    make_append_only(
        "mailbox_validations", changing=("address", "mailed_at", "wrong", "validated_at", "validated_by")
    )
