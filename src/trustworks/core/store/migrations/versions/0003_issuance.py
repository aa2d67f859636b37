"""Issuance: certificates, authorities, revocation lists."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from trustworks.core.store.migrations.append_only import keep, make_append_only
from trustworks.core.store.types import UtcDateTime

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "certificates",
        sa.Column("serial", sa.String(40), primary_key=True),
        sa.Column("authority", sa.String(64), nullable=False),
        sa.Column("profile", sa.String(64), nullable=False),
        sa.Column("subject", sa.String(2000), nullable=False),
        sa.Column("state", sa.String(10), nullable=False),
        sa.Column("not_before", UtcDateTime, nullable=False),
        sa.Column("not_after", UtcDateTime, nullable=False),
        sa.Column("spki_sha256", sa.LargeBinary(32), nullable=False),
        sa.Column("requested_at", UtcDateTime, nullable=False),
        sa.Column("requested_by", sa.String(200), nullable=False),
        sa.Column("tbs", sa.LargeBinary, nullable=True),
        sa.Column("der", sa.LargeBinary, nullable=True),
        sa.Column("issued_at", UtcDateTime, nullable=True),
        sa.Column("revoked_at", UtcDateTime, nullable=True),
        sa.Column("revocation_reason", sa.Integer, nullable=True),
        sa.Column("invalidity_date", UtcDateTime, nullable=True),
        sa.Column("revoked_recorded_at", UtcDateTime, nullable=True),
        sa.CheckConstraint("state IN ('issuing', 'issued', 'abandoned')", name="state_known"),
        sa.CheckConstraint("(state = 'issued') = (der IS NOT NULL)", name="issued_has_der"),
        sa.CheckConstraint(
            "(revoked_at IS NULL) = (revocation_reason IS NULL) "
            "AND (revoked_at IS NULL) = (revoked_recorded_at IS NULL)",
            name="revocation_complete",
        ),
    )
    op.create_index("certificates_spki", "certificates", ["spki_sha256"])
    op.create_index("certificates_state", "certificates", ["authority", "state"])
    op.create_index(
        "certificates_revoked",
        "certificates",
        ["authority", "serial"],
        sqlite_where=sa.text("revoked_at IS NOT NULL"),
        postgresql_where=sa.text("revoked_at IS NOT NULL"),
    )
    op.create_index(
        "certificates_revocations",
        "certificates",
        ["authority", "revoked_recorded_at"],
        sqlite_where=sa.text("revoked_at IS NOT NULL"),
        postgresql_where=sa.text("revoked_at IS NOT NULL"),
    )
    op.create_table(
        "authorities",
        sa.Column("name", sa.String(64), primary_key=True),
        sa.Column("certificate", sa.LargeBinary, nullable=False),
        sa.Column("serial", sa.String(40), nullable=False),
        sa.Column("spki_sha256", sa.LargeBinary(32), nullable=False, unique=True),
        sa.Column("token", sa.String(64), nullable=False),
        sa.Column("key_label", sa.String(64), nullable=False),
        sa.Column("parent", sa.String(64), nullable=True),
        sa.Column("created_at", UtcDateTime, nullable=False),
    )
    op.create_table(
        "crls",
        sa.Column("authority", sa.String(64), nullable=False),
        sa.Column("number", sa.BigInteger, nullable=False),
        sa.Column("this_update", UtcDateTime, nullable=False),
        sa.Column("next_update", UtcDateTime, nullable=False),
        sa.Column("entries", sa.Integer, nullable=False),
        sa.Column("der", sa.LargeBinary, nullable=False),
        sa.Column("recorded_at", UtcDateTime, nullable=False),
        sa.PrimaryKeyConstraint("authority", "number"),
    )
    issuing = ("state", "tbs", "der", "issued_at")
    revocation = ("revoked_at", "revocation_reason", "invalidity_date", "revoked_recorded_at")
    make_append_only("certificates", changing=(*issuing, *revocation))
    # An intent ends once; a revocation is for good, unless it is a hold (6 in RFC 5280, 5.3.1).
    keep("certificates", issuing, when="OLD.state <> 'issuing'", name="second_end")
    keep(
        "certificates",
        revocation,
        when="OLD.revoked_at IS NOT NULL AND OLD.revocation_reason <> 6",
        name="reinstatement",
    )
    make_append_only("authorities")
    make_append_only("crls")
