"""The tables of trusted roles, as their migration makes them. Rows are never deleted, but for challenges."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    PrimaryKeyConstraint,
    String,
    Table,
)

from trustworks.core.audit.bound import bind
from trustworks.core.store.metadata import metadata
from trustworks.core.store.types import UtcDateTime

# `names` and `identifiers` (JSON lists) tell the person from others; they are personal data, kept here alone,
# and can be emptied.
operators = Table(
    "role_operators",
    metadata,
    Column("name", String(64), primary_key=True),
    Column("state", String(10), nullable=False),
    Column("enrolled_at", UtcDateTime, nullable=False),
    Column("enrolled_by", String(64), nullable=False),
    Column("names", String(2000), nullable=False),
    Column("identifiers", String(2000), nullable=False),
    Column("failures", Integer, nullable=False),  # these two are not looked at since migration 0028
    Column("locked_until", UtcDateTime, nullable=True),
    CheckConstraint("state IN ('active', 'locked', 'retired')", name="state_known"),
)
bind(operators, but=("names", "identifiers", "failures", "locked_until"))

grants = Table(
    "role_grants",
    metadata,
    Column("operator", String(64), ForeignKey(operators.c.name), nullable=False),
    Column("role", String(32), nullable=False),
    Column("granted_at", UtcDateTime, nullable=False),
    Column("granted_by", String(64), nullable=False),
    Column("withdrawn_at", UtcDateTime, nullable=True),
    Column("withdrawn_by", String(64), nullable=True),
    PrimaryKeyConstraint("operator", "role", "granted_at"),
    CheckConstraint("(withdrawn_at IS NULL) = (withdrawn_by IS NULL)", name="withdrawal_complete"),
)
bind(grants)

# The primary key is the public key's hash: a key is one operator's, for good.
credentials = Table(
    "role_credentials",
    metadata,
    Column("key_id", String(64), primary_key=True),
    Column("operator", String(64), ForeignKey(operators.c.name), nullable=False),
    Column("kind", String(12), nullable=False),
    Column("label", String(64), nullable=False),
    Column("public", LargeBinary, nullable=False),
    Column("handle", LargeBinary, nullable=True, unique=True),
    Column("rp_id", String(255), nullable=True),
    Column("origin", String(300), nullable=True),
    Column("sign_count", BigInteger, nullable=False),
    Column("added_at", UtcDateTime, nullable=False),
    Column("added_by", String(64), nullable=False),
    Column("removed_at", UtcDateTime, nullable=True),
    Column("removed_by", String(64), nullable=True),
    Column("failures", Integer, nullable=False, server_default="0"),
    Column("locked_until", UtcDateTime, nullable=True),
    CheckConstraint("kind IN ('certificate', 'passkey')", name="kind_known"),
    CheckConstraint(
        "(kind = 'passkey') = (handle IS NOT NULL) AND (kind = 'passkey') = (rp_id IS NOT NULL) "
        "AND (kind = 'passkey') = (origin IS NOT NULL)",
        name="passkey_complete",
    ),
    CheckConstraint("(removed_at IS NULL) = (removed_by IS NULL)", name="removal_complete"),
)
bind(credentials, but=("sign_count", "failures", "locked_until"))
Index("role_credentials_operator", credentials.c.operator)

# Of the session's token only the hash is kept: who reads the database cannot take a session over.
sessions = Table(
    "role_sessions",
    metadata,
    Column("token_sha256", LargeBinary(32), primary_key=True),
    Column("operator", String(64), ForeignKey(operators.c.name), nullable=False),
    Column("key_id", String(64), ForeignKey(credentials.c.key_id), nullable=False),
    Column("factors", String(64), nullable=False),
    Column("opened_at", UtcDateTime, nullable=False),
    Column("used_at", UtcDateTime, nullable=False),
    Column("ends_at", UtcDateTime, nullable=False),
    Column("closed_at", UtcDateTime, nullable=True),
)
Index("role_sessions_operator", sessions.c.operator)

# What an authenticator is asked to sign, until it did or the time has passed.
challenges = Table(
    "role_challenges",
    metadata,
    Column("challenge_sha256", LargeBinary(32), primary_key=True),
    Column("purpose", String(120), nullable=False),
    Column("ends_at", UtcDateTime, nullable=False),
)
Index("role_challenges_end", challenges.c.ends_at)

# `body` is the approval as canonical JSON, signature and all.
approvals = Table(
    "role_approvals",
    metadata,
    Column("approval_id", String(64), primary_key=True),
    Column("what", String(64), nullable=False),
    Column("sha256", String(64), nullable=False),
    Column("operator", String(64), ForeignKey(operators.c.name), nullable=False),
    Column("role", String(32), nullable=False),
    Column("given_at", UtcDateTime, nullable=False),
    Column("key_id", String(64), ForeignKey(credentials.c.key_id), nullable=False),
    Column("body", LargeBinary, nullable=False),
    Column("recorded_at", UtcDateTime, nullable=False),
)
bind(approvals)
Index("role_approvals_subject", approvals.c.what, approvals.c.sha256)

# Which approvals an act was done by: a row here, and it serves no other.
approval_uses = Table(
    "role_approval_uses",
    metadata,
    Column("approval_id", String(64), ForeignKey(approvals.c.approval_id), primary_key=True),
    Column("used_at", UtcDateTime, nullable=False),
    Column("used_by", String(64), nullable=False),
)
bind(approval_uses)

# Approvals that are held while an act outside the database is done; open where there is no outcome.
approval_holds = Table(
    "role_approval_holds",
    metadata,
    Column("hold_id", String(40), nullable=False),
    Column("approval_id", String(64), ForeignKey(approvals.c.approval_id), nullable=False),
    Column("held_at", UtcDateTime, nullable=False),
    Column("held_by", String(64), nullable=False),
    Column("outcome", String(10), nullable=True),
    Column("ended_at", UtcDateTime, nullable=True),
    PrimaryKeyConstraint("hold_id", "approval_id"),
    CheckConstraint("outcome IN ('used', 'returned')", name="outcome_known"),
    CheckConstraint("(outcome IS NULL) = (ended_at IS NULL)", name="end_complete"),
)
bind(approval_holds)
Index("role_approval_holds_approval", approval_holds.c.approval_id)

# Changes of roles that wait for approvals; `body` is what is approved, `sha256` its hash.
changes = Table(
    "role_changes",
    metadata,
    Column("sha256", String(64), primary_key=True),
    Column("body", LargeBinary, nullable=False),
    Column("operator", String(64), nullable=False),
    Column("requested_at", UtcDateTime, nullable=False),
    Column("requested_by", String(64), nullable=False),
    Column("state", String(10), nullable=False),
    Column("ended_at", UtcDateTime, nullable=True),
    CheckConstraint("state IN ('waiting', 'applied', 'dropped')", name="state_known"),
    CheckConstraint("(state = 'waiting') = (ended_at IS NULL)", name="end_complete"),
)
bind(changes)
Index("role_changes_state", changes.c.state)
