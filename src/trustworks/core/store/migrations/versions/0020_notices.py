"""One outbox for all that is told to others: subjects by a command, clients of the JSON API by webhooks."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from trustworks.core.store.migrations.append_only import make_append_only
from trustworks.core.store.types import UtcDateTime

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None

_REASONS = (
    "unspecified",
    "keyCompromise",
    "cACompromise",
    "affiliationChanged",
    "superseded",
    "cessationOfOperation",
    "certificateHold",
    None,
    "removeFromCRL",
    "privilegeWithdrawn",
    "aACompromise",
)


def upgrade() -> None:
    """Make the tables, and take over the notices that subjects got or wait for."""
    op.create_table(
        "webhooks",
        sa.Column("id", sa.String(32), primary_key=True),
        sa.Column("client", sa.String(64), nullable=False, index=True),
        sa.Column("url", sa.String(2000), nullable=False),
        sa.Column("events", sa.String(500), nullable=False),
        sa.Column("secret", sa.LargeBinary, nullable=False),
        sa.Column("earlier_secret", sa.LargeBinary, nullable=True),
        sa.Column("earlier_until", UtcDateTime, nullable=True),
        sa.Column("added_at", UtcDateTime, nullable=False),
        sa.Column("added_by", sa.String(200), nullable=False),
        sa.Column("removed_at", UtcDateTime, nullable=True),
    )
    make_append_only("webhooks", changing=("secret", "earlier_secret", "earlier_until", "removed_at"))
    op.create_table(
        "notices",
        sa.Column("id", sa.String(32), primary_key=True),
        sa.Column("recipient", sa.String(32), nullable=False),
        sa.Column("event", sa.String(40), nullable=False),
        sa.Column("serial", sa.String(40), nullable=True),
        sa.Column("application", sa.String(32), nullable=True),
        sa.Column("profile", sa.String(64), nullable=True),
        sa.Column("reason", sa.String(40), nullable=True),
        sa.Column("at", UtcDateTime, nullable=False),
        sa.Column("due_at", UtcDateTime, nullable=True),
        sa.Column("tries", sa.Integer, nullable=False, server_default="0"),
        sa.Column("sent_at", UtcDateTime, nullable=True),
        sa.Column("given_up_at", UtcDateTime, nullable=True),
        sa.Column("problem", sa.String(2000), nullable=True),
        sa.CheckConstraint(
            "due_at IS NULL OR (sent_at IS NULL AND given_up_at IS NULL)", name="notice_waits_or_not"
        ),
    )
    whether = sa.text("due_at IS NOT NULL")
    op.create_index(
        "notices_due", "notices", ["recipient", "due_at"], sqlite_where=whether, postgresql_where=whether
    )
    op.create_index("notices_serial", "notices", ["serial"])
    op.create_index("notices_recipient", "notices", ["recipient", "at"])
    names = " ".join(f"WHEN {code} THEN '{name}'" for code, name in enumerate(_REASONS) if name)
    op.execute(
        "INSERT INTO notices "  # noqa: S608 - names of our own
        "(id, recipient, event, serial, profile, reason, at, due_at, tries, sent_at, problem) "
        "SELECT n.id, 'subject', 'certificate.' || n.kind, n.serial, c.profile, "
        f"CASE n.reason {names} END, n.at, "
        "CASE WHEN n.sent_at IS NULL THEN n.at END, n.tries, n.sent_at, n.problem "
        "FROM subject_notices n LEFT JOIN certificates c ON c.serial = n.serial"
    )
    # What subjects were told of is kept; what clients were told of goes when its time is over.
    make_append_only(
        "notices",
        changing=("due_at", "tries", "sent_at", "given_up_at", "problem"),
        kept="OLD.recipient = 'subject'",
    )
    op.drop_table("subject_notices")
    # How far certificates that end soon were told of.
    op.create_table(
        "notice_marks",
        sa.Column("name", sa.String(40), primary_key=True),
        sa.Column("at", UtcDateTime, nullable=False),
        sa.Column("serial", sa.String(40), nullable=False),
    )
    op.create_index("certificates_end", "certificates", ["not_after", "serial"])
