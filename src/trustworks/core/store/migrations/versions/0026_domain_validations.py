"""What applicants put up to show control over the names of web sites, and when it was seen."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from trustworks.core.store.migrations.append_only import make_append_only
from trustworks.core.store.types import UtcDateTime

revision = "0026"
down_revision = "0025"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the table."""
    op.create_table(
        "domain_validations",
        sa.Column("id", sa.String(32), primary_key=True),
        sa.Column("application", sa.String(32), nullable=False, index=True),
        sa.Column("name", sa.String(260), nullable=True),
        sa.Column("token", sa.String(64), nullable=False),
        sa.Column("value", sa.String(64), nullable=False),
        sa.Column("drawn_at", UtcDateTime, nullable=False),
        sa.Column("drawn_by", sa.String(64), nullable=False),
        sa.Column("method", sa.String(8), nullable=True),
        sa.Column("validated_at", UtcDateTime, nullable=True),
        sa.Column("validated_by", sa.String(64), nullable=True),
    )
    make_append_only("domain_validations", changing=("name", "method", "validated_at", "validated_by"))
