"""Live evidence, duties that were done, planned changes and incidents."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from trustworks.core.store.migrations.append_only import make_append_only
from trustworks.core.store.types import BigInt, UtcDateTime

revision = "0036"
down_revision = "0035"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "assurance_evidence",
        sa.Column("number", BigInt, autoincrement=False, nullable=False),
        sa.Column("at", UtcDateTime, nullable=False),
        sa.Column("kind", sa.String(24), nullable=False),
        sa.Column("subject", sa.String(200), nullable=False),
        sa.Column("outcome", sa.String(8), nullable=False),
        sa.Column("digest", sa.String(64), nullable=False),
        sa.Column("content", sa.LargeBinary, nullable=False),
        sa.PrimaryKeyConstraint("number", name="pk_assurance_evidence"),
    )
    op.create_index(
        "ix_assurance_evidence_kind_subject_number", "assurance_evidence", ["kind", "subject", "number"]
    )
    op.create_table(
        "assurance_rounds",
        sa.Column("number", BigInt, autoincrement=False, nullable=False),
        sa.Column("at", UtcDateTime, nullable=False),
        sa.Column("by", sa.String(200), nullable=False),
        sa.Column("items", sa.LargeBinary, nullable=False),
        sa.PrimaryKeyConstraint("number", name="pk_assurance_rounds"),
    )
    op.create_table(
        "assurance_duties_done",
        sa.Column("number", sa.Integer, autoincrement=False, nullable=False),
        sa.Column("duty", sa.String(40), nullable=False),
        sa.Column("done_on", sa.String(10), nullable=False),
        sa.Column("document", sa.String(64), nullable=False),
        sa.Column("persons", sa.Text, nullable=False),
        sa.Column("note", sa.Text, nullable=False),
        sa.Column("entered_at", UtcDateTime, nullable=False),
        sa.Column("entered_by", sa.String(200), nullable=False),
        sa.PrimaryKeyConstraint("number", name="pk_assurance_duties_done"),
    )
    op.create_table(
        "assurance_changes",
        sa.Column("number", sa.Integer, autoincrement=False, nullable=False),
        sa.Column("plan", sa.LargeBinary, nullable=False),
        sa.PrimaryKeyConstraint("number", name="pk_assurance_changes"),
    )
    op.create_table(
        "assurance_change_acts",
        sa.Column("change", sa.Integer, nullable=False),
        sa.Column("number", sa.Integer, autoincrement=False, nullable=False),
        sa.Column("state", sa.String(12), nullable=False),
        sa.Column("at", UtcDateTime, nullable=False),
        sa.Column("by", sa.String(200), nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("change", "number", name="pk_assurance_change_acts"),
        sa.ForeignKeyConstraint(
            ["change"], ["assurance_changes.number"], name="fk_assurance_change_acts_change_assurance_changes"
        ),
    )
    op.create_table(
        "assurance_incidents",
        sa.Column("number", sa.Integer, autoincrement=False, nullable=False),
        sa.Column("at", UtcDateTime, nullable=False),
        sa.Column("product", sa.String(64), nullable=False),
        sa.Column("content", sa.LargeBinary, nullable=False),
        sa.PrimaryKeyConstraint("number", name="pk_assurance_incidents"),
    )
    for table in (
        "assurance_evidence",
        "assurance_rounds",
        "assurance_duties_done",
        "assurance_changes",
        "assurance_change_acts",
        "assurance_incidents",
    ):
        make_append_only(table)
