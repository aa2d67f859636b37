"""The register of keys: keys, their history with states, and their backups."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from trustworks.core.store.migrations.append_only import make_append_only
from trustworks.core.store.types import UtcDateTime

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the tables, whose rows are written once."""
    op.create_table(
        "module_keys",
        sa.Column("spki_sha256", sa.String(64), primary_key=True),
        sa.Column("label", sa.String(64), nullable=False),
        sa.Column("key_id", sa.String(128), nullable=False),
        sa.Column("algorithm", sa.String(32), nullable=False),
        sa.Column("entered_at", UtcDateTime, nullable=False),
    )
    op.create_table(
        "module_key_backups",
        sa.Column("backup", sa.String(64), primary_key=True),
        sa.Column("spki_sha256", sa.String(64), sa.ForeignKey("module_keys.spki_sha256"), nullable=False),
        sa.Column("threshold", sa.Integer, nullable=False),
        sa.Column("custodians", sa.Text, nullable=False),
        sa.Column("made_at", UtcDateTime, nullable=False),
        sa.CheckConstraint("threshold >= 2", name="dual_control"),
    )
    op.create_table(
        "module_key_history",
        sa.Column("spki_sha256", sa.String(64), sa.ForeignKey("module_keys.spki_sha256"), nullable=False),
        sa.Column("number", sa.Integer, nullable=False),
        sa.Column("act", sa.String(20), nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("token", sa.String(64), nullable=False),
        sa.Column("serial", sa.String(64), nullable=False),
        sa.Column("backup", sa.String(64), nullable=False),
        sa.Column("at", UtcDateTime, nullable=False),
        sa.Column("by", sa.String(200), nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("spki_sha256", "number"),
        sa.CheckConstraint(
            "state IN ('pre-operational', 'operational', 'suspended', 'deactivated', 'destroyed')",
            name="state_known",
        ),
        sa.CheckConstraint("number >= 1", name="number_counts"),
    )
    for table in ("module_keys", "module_key_backups", "module_key_history"):
        make_append_only(table)
