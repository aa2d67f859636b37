"""Published trusted lists; every issue stays."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from trustworks.core.store.migrations.append_only import make_append_only
from trustworks.core.store.types import UtcDateTime

revision = "0031"
down_revision = "0030"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the table."""
    op.create_table(
        "trusted_lists",
        sa.Column("kind", sa.String(8), primary_key=True),
        sa.Column("number", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("territory", sa.String(2), nullable=False),
        sa.Column("issued_at", UtcDateTime, nullable=False),
        sa.Column("next_update", UtcDateTime, nullable=False),
        sa.Column("sha256", sa.String(64), nullable=False),
        sa.Column("octets", sa.LargeBinary, nullable=False),
        sa.Column("signer", sa.LargeBinary, nullable=False),
        sa.Column("published_by", sa.String(200), nullable=False),
        sa.CheckConstraint("number > 0", name="trusted_list_number_positive"),
    )
    make_append_only("trusted_lists")
