"""Failures of the second factor, counted for the credential that showed the first, and for nobody else."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from trustworks.core.store.types import UtcDateTime

revision = "0028"
down_revision = "0027"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the columns. Those of role_operators, which strangers could fill, are not looked at any more."""
    op.add_column("role_credentials", sa.Column("failures", sa.Integer, nullable=False, server_default="0"))
    op.add_column("role_credentials", sa.Column("locked_until", UtcDateTime, nullable=True))
