"""The audit log: streams, events, the Merkle log over them, its tiles and checkpoints."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from trustworks.core.store.migrations.append_only import make_append_only
from trustworks.core.store.types import BigInt, LargeBinary, UtcDateTime

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the tables of `core.audit.records`."""
    op.create_table(
        "audit_streams",
        sa.Column("stream", sa.String(80), nullable=False),
        sa.Column("role", sa.String(40), nullable=False),
        sa.Column("opened", UtcDateTime(), nullable=False),
        sa.Column("logged", BigInt, nullable=False),
        sa.Column("closed", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("stream", name="pk_audit_streams"),
    )
    op.create_table(
        "audit_events",
        sa.Column("stream", sa.String(80), nullable=False),
        sa.Column("sequence", BigInt, nullable=False),
        sa.Column("time", UtcDateTime(), nullable=False),
        sa.Column("type", sa.String(80), nullable=False),
        sa.Column("hash", LargeBinary(), nullable=False),
        sa.Column("body", LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("stream", "sequence", name="pk_audit_events"),
    )
    op.create_index("ix_audit_events_time", "audit_events", ["time"])
    op.create_table(
        "audit_log",
        sa.Column("position", BigInt, autoincrement=False, nullable=False),
        sa.Column("stream", sa.String(80), nullable=False),
        sa.Column("sequence", BigInt, nullable=False),
        sa.Column("hash", LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("position", name="pk_audit_log"),
        sa.UniqueConstraint("stream", "sequence", name="uq_audit_log_stream_sequence"),
        sa.ForeignKeyConstraint(
            ["stream", "sequence"],
            ["audit_events.stream", "audit_events.sequence"],
            name="fk_audit_log_stream_sequence_audit_events",
        ),
    )
    op.create_table(
        "audit_tiles",
        sa.Column("level", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("tile", BigInt, autoincrement=False, nullable=False),
        sa.Column("root", LargeBinary(), nullable=False),
        sa.Column("hashes", LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("level", "tile", name="pk_audit_tiles"),
    )
    op.create_table(
        "audit_checkpoints",
        sa.Column("number", BigInt, autoincrement=False, nullable=False),
        sa.Column("size", BigInt, nullable=False),
        sa.Column("time", UtcDateTime(), nullable=False),
        sa.Column("body", LargeBinary(), nullable=False),
        sa.Column("signature", LargeBinary(), nullable=False),
        sa.Column("spki", LargeBinary(), nullable=False),
        sa.Column("certificate", LargeBinary(), nullable=True),
        sa.Column("time_stamp", LargeBinary(), nullable=True),
        sa.PrimaryKeyConstraint("number", name="pk_audit_checkpoints"),
    )
    for table in ("audit_events", "audit_log", "audit_tiles", "audit_checkpoints"):
        make_append_only(table)
    make_append_only("audit_streams", changing=("logged", "closed"))
