"""Registration: applications, the evidence of identities, decisions."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from trustworks.core.store.migrations.append_only import keep, make_append_only
from trustworks.core.store.types import UtcDateTime

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "applications",
        sa.Column("id", sa.String(32), primary_key=True),
        sa.Column("state", sa.String(10), nullable=False),
        sa.Column("profile", sa.String(64), nullable=False),
        sa.Column("key_id", sa.String(64), nullable=False),
        sa.Column("asked", sa.Text, nullable=True),
        sa.Column("subject", sa.String(2000), nullable=True),
        sa.Column("csr", sa.LargeBinary, nullable=True),
        sa.Column("salt", sa.LargeBinary(16), nullable=True),
        sa.Column("digest", sa.String(64), nullable=False),
        sa.Column("serial", sa.String(40), nullable=True, unique=True),
        sa.Column("received_at", UtcDateTime, nullable=False),
        sa.Column("received_by", sa.String(64), nullable=False),
        sa.Column("changed_at", UtcDateTime, nullable=False),
        sa.CheckConstraint(
            "state IN ('received', 'approved', 'issued', 'rejected', 'withdrawn', 'refused')",
            name="application_state_known",
        ),
        sa.CheckConstraint("(state = 'issued') = (serial IS NOT NULL)", name="issued_has_serial"),
    )
    op.create_index("applications_state", "applications", ["state", "received_at"])
    op.create_table(
        "identity_evidence",
        sa.Column("id", sa.String(32), primary_key=True),
        sa.Column("application", sa.String(32), nullable=False),
        sa.Column("about", sa.String(20), nullable=False),
        sa.Column("method", sa.String(40), nullable=False),
        sa.Column("origin", sa.String(32), nullable=True),
        sa.Column("content", sa.Text, nullable=True),
        sa.Column("recorded_at", UtcDateTime, nullable=False),
        sa.Column("recorded_by", sa.String(64), nullable=False),
    )
    op.create_index("identity_evidence_application", "identity_evidence", ["application"])
    op.create_index("identity_evidence_origin", "identity_evidence", ["origin"])
    op.create_table(
        "registration_decisions",
        sa.Column("application", sa.String(32), nullable=False),
        sa.Column("number", sa.Integer, nullable=False),
        sa.Column("act", sa.String(10), nullable=False),
        sa.Column("by", sa.String(64), nullable=False),
        sa.Column("at", UtcDateTime, nullable=False),
        sa.Column("reason", sa.String(1000), nullable=True),
        sa.PrimaryKeyConstraint("application", "number"),
    )
    erased = ("asked", "subject", "csr", "salt")
    make_append_only("applications", changing=("state", "serial", "changed_at", *erased))
    make_append_only("identity_evidence", changing=("content",))
    make_append_only("registration_decisions", changing=("reason",))
    # What is known of a person is forgotten as a whole, or stays as it was.
    for table, columns in (
        ("applications", erased),
        ("identity_evidence", ("content",)),
        ("registration_decisions", ("reason",)),
    ):
        some_stay = " OR ".join(f"NEW.{column} IS NOT NULL" for column in columns)
        keep(table, columns, when=some_stay, name="rewriting")
    keep(
        "applications",
        ("state", "serial"),
        when="OLD.state NOT IN ('received', 'approved')",
        name="second_end",
    )
