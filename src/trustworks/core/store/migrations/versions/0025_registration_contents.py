"""Salted digests of what tells who somebody is: bound to the log, and empty words once the salt is gone."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from trustworks.core.store.migrations.append_only import make_append_only

revision = "0025"
down_revision = "0024"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the table."""
    op.create_table(
        "registration_contents",
        sa.Column("kind", sa.String(12), primary_key=True),
        sa.Column("id", sa.String(40), primary_key=True),
        sa.Column("application", sa.String(32), nullable=False, index=True),
        sa.Column("digest", sa.String(64), nullable=False),
        sa.Column("salt", sa.LargeBinary(16), nullable=True),
    )
    make_append_only("registration_contents", changing=("salt",))
