"""How often, and until when, what was enrolled by a credential may be renewed by its holders."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from trustworks.core.store.migrations.append_only import make_append_only
from trustworks.core.store.types import UtcDateTime

revision = "0022"
down_revision = "0021"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the table. Credentials that there are get their row, with its event, at their first renewal."""
    op.create_table(
        "enrolment_renewals",
        sa.Column("reference", sa.String(64), primary_key=True),
        sa.Column("most", sa.Integer, nullable=False),
        sa.Column("made", sa.Integer, nullable=False),
        sa.Column("until", UtcDateTime, nullable=False),
        sa.CheckConstraint("made >= 0 AND made <= most", name="renewals_within"),
    )
    make_append_only("enrolment_renewals", changing=("made",))
