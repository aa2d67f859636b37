"""Trusted roles: operators, their roles, credentials and sessions, and approvals."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from trustworks.core.store.migrations.append_only import keep, make_append_only
from trustworks.core.store.types import UtcDateTime

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "role_operators",
        sa.Column("name", sa.String(64), primary_key=True),
        sa.Column("state", sa.String(10), nullable=False),
        sa.Column("enrolled_at", UtcDateTime, nullable=False),
        sa.Column("enrolled_by", sa.String(64), nullable=False),
        sa.Column("names", sa.String(2000), nullable=False),
        sa.Column("identifiers", sa.String(2000), nullable=False),
        sa.Column("failures", sa.Integer, nullable=False),
        sa.Column("locked_until", UtcDateTime, nullable=True),
        sa.CheckConstraint("state IN ('active', 'locked', 'retired')", name="state_known"),
    )
    op.create_table(
        "role_grants",
        sa.Column("operator", sa.String(64), sa.ForeignKey("role_operators.name"), nullable=False),
        sa.Column("role", sa.String(32), nullable=False),
        sa.Column("granted_at", UtcDateTime, nullable=False),
        sa.Column("granted_by", sa.String(64), nullable=False),
        sa.Column("withdrawn_at", UtcDateTime, nullable=True),
        sa.Column("withdrawn_by", sa.String(64), nullable=True),
        sa.PrimaryKeyConstraint("operator", "role", "granted_at"),
        sa.CheckConstraint("(withdrawn_at IS NULL) = (withdrawn_by IS NULL)", name="withdrawal_complete"),
    )
    op.create_table(
        "role_credentials",
        sa.Column("key_id", sa.String(64), primary_key=True),
        sa.Column("operator", sa.String(64), sa.ForeignKey("role_operators.name"), nullable=False),
        sa.Column("kind", sa.String(12), nullable=False),
        sa.Column("label", sa.String(64), nullable=False),
        sa.Column("public", sa.LargeBinary, nullable=False),
        sa.Column("handle", sa.LargeBinary, nullable=True, unique=True),
        sa.Column("rp_id", sa.String(255), nullable=True),
        sa.Column("origin", sa.String(300), nullable=True),
        sa.Column("sign_count", sa.BigInteger, nullable=False),
        sa.Column("added_at", UtcDateTime, nullable=False),
        sa.Column("added_by", sa.String(64), nullable=False),
        sa.Column("removed_at", UtcDateTime, nullable=True),
        sa.Column("removed_by", sa.String(64), nullable=True),
        sa.CheckConstraint("kind IN ('certificate', 'passkey')", name="kind_known"),
        sa.CheckConstraint(
            "(kind = 'passkey') = (handle IS NOT NULL) AND (kind = 'passkey') = (rp_id IS NOT NULL) "
            "AND (kind = 'passkey') = (origin IS NOT NULL)",
            name="passkey_complete",
        ),
        sa.CheckConstraint("(removed_at IS NULL) = (removed_by IS NULL)", name="removal_complete"),
    )
    op.create_index("role_credentials_operator", "role_credentials", ["operator"])
    op.create_table(
        "role_sessions",
        sa.Column("token_sha256", sa.LargeBinary(32), primary_key=True),
        sa.Column("operator", sa.String(64), sa.ForeignKey("role_operators.name"), nullable=False),
        sa.Column("key_id", sa.String(64), sa.ForeignKey("role_credentials.key_id"), nullable=False),
        sa.Column("factors", sa.String(64), nullable=False),
        sa.Column("opened_at", UtcDateTime, nullable=False),
        sa.Column("used_at", UtcDateTime, nullable=False),
        sa.Column("ends_at", UtcDateTime, nullable=False),
        sa.Column("closed_at", UtcDateTime, nullable=True),
    )
    op.create_index("role_sessions_operator", "role_sessions", ["operator"])
    op.create_table(
        "role_challenges",
        sa.Column("challenge_sha256", sa.LargeBinary(32), primary_key=True),
        sa.Column("purpose", sa.String(120), nullable=False),
        sa.Column("ends_at", UtcDateTime, nullable=False),
    )
    op.create_index("role_challenges_end", "role_challenges", ["ends_at"])
    op.create_table(
        "role_approvals",
        sa.Column("approval_id", sa.String(64), primary_key=True),
        sa.Column("what", sa.String(64), nullable=False),
        sa.Column("sha256", sa.String(64), nullable=False),
        sa.Column("operator", sa.String(64), sa.ForeignKey("role_operators.name"), nullable=False),
        sa.Column("role", sa.String(32), nullable=False),
        sa.Column("given_at", UtcDateTime, nullable=False),
        sa.Column("key_id", sa.String(64), sa.ForeignKey("role_credentials.key_id"), nullable=False),
        sa.Column("body", sa.LargeBinary, nullable=False),
        sa.Column("recorded_at", UtcDateTime, nullable=False),
    )
    op.create_index("role_approvals_subject", "role_approvals", ["what", "sha256"])
    op.create_table(
        "role_changes",
        sa.Column("sha256", sa.String(64), primary_key=True),
        sa.Column("body", sa.LargeBinary, nullable=False),
        sa.Column("operator", sa.String(64), nullable=False),
        sa.Column("requested_at", UtcDateTime, nullable=False),
        sa.Column("requested_by", sa.String(64), nullable=False),
        sa.Column("state", sa.String(10), nullable=False),
        sa.Column("ended_at", UtcDateTime, nullable=True),
        sa.CheckConstraint("state IN ('waiting', 'applied', 'dropped')", name="state_known"),
        sa.CheckConstraint("(state = 'waiting') = (ended_at IS NULL)", name="end_complete"),
    )
    op.create_index("role_changes_state", "role_changes", ["state"])
    # What was said once stays said: who retired, a role withdrawn, a key removed, a session closed.
    make_append_only("role_operators", changing=("state", "names", "identifiers", "failures", "locked_until"))
    keep("role_operators", ("state",), when="OLD.state = 'retired'", name="return")
    make_append_only("role_grants", changing=("withdrawn_at", "withdrawn_by"))
    keep("role_grants", ("withdrawn_at", "withdrawn_by"), when="OLD.withdrawn_at IS NOT NULL", name="return")
    make_append_only("role_credentials", changing=("sign_count", "removed_at", "removed_by"))
    keep("role_credentials", ("removed_at", "removed_by"), when="OLD.removed_at IS NOT NULL", name="return")
    make_append_only("role_sessions", changing=("used_at", "closed_at"))
    keep("role_sessions", ("used_at", "closed_at"), when="OLD.closed_at IS NOT NULL", name="return")
    make_append_only("role_approvals")
    make_append_only("role_changes", changing=("state", "ended_at"))
    keep("role_changes", ("state", "ended_at"), when="OLD.state <> 'waiting'", name="second_end")
