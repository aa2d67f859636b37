"""Lists of weak and published keys that were imported: none of those keys is certified."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from trustworks.core.store.migrations.append_only import make_append_only
from trustworks.core.store.types import UtcDateTime

revision = "0021"
down_revision = "0020"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "key_lists",
        sa.Column("id", sa.String(64), primary_key=True),
        sa.Column("naming", sa.String(30), nullable=False),
        sa.Column("entries", sa.Integer, nullable=False),
        sa.Column("source", sa.String(500), nullable=False),
        sa.Column("dated_at", UtcDateTime, nullable=False),
        sa.Column("imported_at", UtcDateTime, nullable=False),
        sa.Column("imported_by", sa.String(200), nullable=False),
        sa.Column("retired_at", UtcDateTime, nullable=True),
        sa.Column("retired_by", sa.String(200), nullable=True),
        sa.Column("retired_why", sa.String(2000), nullable=True),
    )
    op.create_table(
        "key_list_entries",
        sa.Column("list", sa.String(64), sa.ForeignKey("key_lists.id"), primary_key=True),
        sa.Column("bucket", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("entries", sa.LargeBinary, nullable=False),
    )
    make_append_only("key_lists", changing=("retired_at", "retired_by", "retired_why"))
    make_append_only("key_list_entries")
