"""How incidents ended."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from trustworks.core.store.migrations.append_only import make_append_only
from trustworks.core.store.types import UtcDateTime

revision = "0037"
down_revision = "0036"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the table."""
    op.create_table(
        "assurance_incident_ends",
        sa.Column("number", sa.Integer, autoincrement=False, nullable=False),
        sa.Column("outcome", sa.String(12), nullable=False),
        sa.Column("ended_on", sa.String(10), nullable=False),
        sa.Column("at", UtcDateTime, nullable=False),
        sa.Column("by", sa.String(200), nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("number", name="pk_assurance_incident_ends"),
        sa.ForeignKeyConstraint(
            ["number"],
            ["assurance_incidents.number"],
            name="fk_assurance_incident_ends_number_assurance_incidents",
        ),
    )
    make_append_only("assurance_incident_ends")
