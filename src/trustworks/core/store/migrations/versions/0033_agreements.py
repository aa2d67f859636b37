"""What signers agreed to before something was signed for them."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from trustworks.core.store.migrations.append_only import make_append_only
from trustworks.core.store.types import UtcDateTime

revision = "0033"
down_revision = "0032"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the table."""
    op.create_table(
        "signing_agreements",
        sa.Column("id", sa.String(32), nullable=False),
        sa.Column("client", sa.String(63), nullable=False),
        sa.Column("seal", sa.String(63), nullable=False),
        sa.Column("key", sa.String(64), nullable=False),
        sa.Column("digest", sa.String(64), nullable=False),
        sa.Column("dtbs", sa.String(128), nullable=False),
        sa.Column("agreed", UtcDateTime, nullable=False),
        sa.Column("agreement", sa.LargeBinary, nullable=True),
        sa.Column("proof", sa.LargeBinary, nullable=True),
        sa.Column("value", sa.String(64), nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_signing_agreements"),
    )
    make_append_only("signing_agreements", changing=("agreement", "proof", "value"))
