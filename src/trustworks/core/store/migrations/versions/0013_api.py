"""The JSON API: clients, their sessions, requests that must not count twice."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from trustworks.core.store.migrations.append_only import make_append_only
from trustworks.core.store.types import UtcDateTime

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "api_clients",
        sa.Column("name", sa.String(64), primary_key=True),
        sa.Column("certificate", sa.LargeBinary, nullable=False),
        sa.Column("key_id", sa.String(64), nullable=False, unique=True),
        sa.Column("secret_sha256", sa.LargeBinary(32), nullable=False),
        sa.Column("acts", sa.String(500), nullable=False),
        sa.Column("profiles", sa.String(2000), nullable=False),
        sa.Column("added_at", UtcDateTime, nullable=False),
        sa.Column("added_by", sa.String(64), nullable=False),
        sa.Column("removed_at", UtcDateTime, nullable=True),
    )
    make_append_only("api_clients", changing=("removed_at",))
    op.create_table(
        "api_sessions",
        sa.Column("token_sha256", sa.LargeBinary(32), primary_key=True),
        sa.Column("client", sa.String(64), nullable=False),
        sa.Column("nonce", sa.String(128), nullable=False, unique=True),
        sa.Column("opened_at", UtcDateTime, nullable=False),
        sa.Column("ends_at", UtcDateTime, nullable=False, index=True),
    )
    op.create_table(
        "api_requests",
        sa.Column("client", sa.String(64), nullable=False),
        sa.Column("key", sa.String(128), nullable=False),
        sa.Column("request", sa.LargeBinary(32), nullable=False),
        sa.Column("serial", sa.String(40), nullable=False),
        sa.Column("at", UtcDateTime, nullable=False, index=True),
        sa.PrimaryKeyConstraint("client", "key"),
    )
