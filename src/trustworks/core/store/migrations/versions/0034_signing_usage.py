"""What clients used of the signing service, day by day."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from trustworks.core.store.migrations.append_only import make_append_only
from trustworks.core.store.types import UtcDateTime

revision = "0034"
down_revision = "0033"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the table."""
    op.create_table(
        "signing_usage",
        sa.Column("client", sa.String(63), nullable=False),
        sa.Column("day", UtcDateTime, nullable=False),
        sa.Column("requests", sa.Integer, nullable=False),
        sa.Column("time_stamps", sa.Integer, nullable=False),
        sa.PrimaryKeyConstraint("client", "day", name="pk_signing_usage"),
    )
    make_append_only("signing_usage", changing=("requests", "time_stamps"))
