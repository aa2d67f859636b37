"""Key ceremonies: their plans, the entries of their transcripts, the seals; authorities that they make."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from trustworks.core.store.migrations.append_only import keep, keep_no_more, make_append_only
from trustworks.core.store.types import UtcDateTime

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "ceremonies",
        sa.Column("plan", sa.String(64), primary_key=True),
        sa.Column("type", sa.String(20), nullable=False),
        sa.Column("name", sa.String(64), nullable=False, unique=True),
        sa.Column("mode", sa.String(10), nullable=False),
        sa.Column("content", sa.LargeBinary, nullable=False),
        sa.Column("opened_at", UtcDateTime, nullable=False),
        sa.Column("statement", sa.LargeBinary, nullable=True),
        sa.Column("signature", sa.LargeBinary, nullable=True),
        sa.Column("signer", sa.LargeBinary, nullable=True),
        sa.Column("certificate", sa.LargeBinary, nullable=True),
        sa.Column("time_stamp", sa.LargeBinary, nullable=True),
    )
    op.create_table(
        "ceremony_entries",
        sa.Column("plan", sa.String(64), nullable=False),
        sa.Column("number", sa.Integer, autoincrement=False, nullable=False),
        sa.Column("body", sa.LargeBinary, nullable=False),
        sa.PrimaryKeyConstraint("plan", "number"),
        sa.ForeignKeyConstraint(["plan"], ["ceremonies.plan"]),
    )
    seal = ("statement", "signature", "signer", "certificate")
    make_append_only("ceremonies", changing=(*seal, "time_stamp"))
    keep("ceremonies", seal, when="OLD.statement IS NOT NULL", name="second_seal")
    keep("ceremonies", ("time_stamp",), when="OLD.time_stamp IS NOT NULL", name="second_stamp")
    make_append_only("ceremony_entries")
    # What an authority's revocation list is to follow, where it is not one that the configuration names.
    op.add_column("authorities", sa.Column("crl_validity_hours", sa.Integer, nullable=True))
    op.add_column("authorities", sa.Column("crl_every_hours", sa.Integer, nullable=True))
    columns = [one["name"] for one in sa.inspect(op.get_bind()).get_columns("authorities")]
    keep_no_more("authorities", name="update")
    keep("authorities", [name for name in columns if name not in {"changes", "pending_since"}])
