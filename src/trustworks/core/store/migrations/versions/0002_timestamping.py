"""Time-stamping: the record of every token."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from trustworks.core.store.migrations.append_only import make_append_only
from trustworks.core.store.types import BigInt, LargeBinary, UtcDateTime

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the tables of `timestamping.records`."""
    op.create_table(
        "timestamp_tokens",
        sa.Column("serial", sa.String(40), nullable=False),
        sa.Column("unit", sa.String(32), nullable=False),
        sa.Column("policy", sa.String(255), nullable=False),
        sa.Column("qualified", sa.Boolean(), nullable=False),
        sa.Column("imprint_hash", sa.String(16), nullable=False),
        sa.Column("imprint", LargeBinary(), nullable=False),
        sa.Column("gen_time", UtcDateTime(), nullable=False),
        sa.Column("tst_info", LargeBinary(), nullable=False),
        sa.Column("clock_mode", sa.String(16), nullable=False),
        sa.Column("clock_lease", sa.String(120), nullable=False),
        sa.Column("clock_sources", sa.Text(), nullable=False),
        sa.Column("clock_bound_us", BigInt, nullable=True),
        sa.Column("clock_leap", sa.String(16), nullable=False),
        sa.Column("stream", sa.String(80), nullable=False),
        sa.PrimaryKeyConstraint("serial", name="pk_timestamp_tokens"),
    )
    op.create_index("ix_timestamp_tokens_gen_time", "timestamp_tokens", ["gen_time"])
    make_append_only("timestamp_tokens")
