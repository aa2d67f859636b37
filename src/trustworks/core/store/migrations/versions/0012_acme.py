"""The tables of ACME: accounts, keys they are bound to, orders, authorizations, challenges, used nonces."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from trustworks.core.store.types import UtcDateTime

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the tables."""
    op.create_table(
        "acme_accounts",
        sa.Column("id", sa.String(32), primary_key=True),
        sa.Column("thumbprint", sa.String(43), nullable=False, unique=True),
        sa.Column("jwk", sa.Text, nullable=False),
        sa.Column("contact", sa.Text, nullable=False),
        sa.Column("status", sa.String(12), nullable=False),
        sa.Column("terms_agreed_at", UtcDateTime(), nullable=True),
        sa.Column("external_key", sa.String(64), nullable=True),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.CheckConstraint("status IN ('valid', 'deactivated', 'revoked')", name="status_known"),
    )
    op.create_index("acme_accounts_created", "acme_accounts", ["created_at"])
    op.create_table(
        "acme_external_keys",
        sa.Column("kid", sa.String(64), primary_key=True),
        sa.Column("comment", sa.String(200), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("created_by", sa.String(64), nullable=False),
        sa.Column("expires_at", UtcDateTime(), nullable=True),
        sa.Column("revoked_at", UtcDateTime(), nullable=True),
        sa.Column("account", sa.String(32), nullable=True, unique=True),
    )
    _orders()
    _authorizations()
    op.create_table(
        "acme_used_nonces",
        sa.Column("nonce", sa.String(64), primary_key=True),
        sa.Column("expires", UtcDateTime(), nullable=False),
    )
    op.create_index("acme_used_nonces_expires", "acme_used_nonces", ["expires"])


def _orders() -> None:
    op.create_table(
        "acme_orders",
        sa.Column("id", sa.String(32), primary_key=True),
        sa.Column("account", sa.String(32), nullable=False),
        sa.Column("status", sa.String(12), nullable=False),
        sa.Column("names", sa.Text, nullable=False),
        sa.Column("profile", sa.String(64), nullable=False),
        sa.Column("expires", UtcDateTime(), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("changed_at", UtcDateTime(), nullable=False),
        sa.Column("error", sa.Text, nullable=True),
        sa.Column("replaces", sa.String(40), nullable=True),
        sa.Column("serial", sa.String(40), nullable=True),
        sa.CheckConstraint(
            "status IN ('pending', 'ready', 'processing', 'valid', 'invalid')", name="status_known"
        ),
        sa.CheckConstraint("(status = 'valid') = (serial IS NOT NULL)", name="valid_has_certificate"),
    )
    op.create_index("acme_orders_account", "acme_orders", ["account", "created_at"])
    op.create_index("acme_orders_serial", "acme_orders", ["serial"])
    op.create_index("acme_orders_open", "acme_orders", ["status", "expires"])
    counts = sa.text("status <> 'invalid'")
    op.create_index(
        "acme_orders_replaces",
        "acme_orders",
        ["replaces"],
        unique=True,
        sqlite_where=counts,
        postgresql_where=counts,
    )


def _authorizations() -> None:
    op.create_table(
        "acme_authorizations",
        sa.Column("id", sa.String(32), primary_key=True),
        sa.Column("account", sa.String(32), nullable=False),
        sa.Column("name", sa.String(255), nullable=False),
        sa.Column("wildcard", sa.Boolean, nullable=False),
        sa.Column("status", sa.String(12), nullable=False),
        sa.Column("expires", UtcDateTime(), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("changed_at", UtcDateTime(), nullable=False),
        sa.CheckConstraint(
            "status IN ('pending', 'valid', 'invalid', 'deactivated', 'expired', 'revoked')",
            name="status_known",
        ),
    )
    op.create_index("acme_authorizations_name", "acme_authorizations", ["account", "name", "changed_at"])
    op.create_index("acme_authorizations_open", "acme_authorizations", ["status", "expires"])
    op.create_table(
        "acme_order_authorizations",
        sa.Column("order_id", sa.String(32), nullable=False),
        sa.Column("authorization_id", sa.String(32), nullable=False),
        sa.Column("place", sa.Integer, nullable=False),
        sa.PrimaryKeyConstraint("order_id", "authorization_id"),
    )
    op.create_index("acme_authorizations_orders", "acme_order_authorizations", ["authorization_id"])
    op.create_table(
        "acme_challenges",
        sa.Column("id", sa.String(32), primary_key=True),
        sa.Column("authorization", sa.String(32), nullable=False),
        sa.Column("type", sa.String(20), nullable=False),
        sa.Column("token", sa.String(64), nullable=False),
        sa.Column("status", sa.String(12), nullable=False),
        sa.Column("validated_at", UtcDateTime(), nullable=True),
        sa.Column("error", sa.Text, nullable=True),
        sa.Column("attempts", sa.Integer, nullable=False, server_default="0"),
        sa.Column("due_at", UtcDateTime(), nullable=True),
        sa.Column("claimed_until", UtcDateTime(), nullable=True),
        sa.CheckConstraint("status IN ('pending', 'processing', 'valid', 'invalid')", name="status_known"),
        sa.CheckConstraint("(status = 'processing') = (due_at IS NOT NULL)", name="processing_is_due"),
    )
    op.create_index("acme_challenges_authorization", "acme_challenges", ["authorization"])
    waiting = sa.text("due_at IS NOT NULL")
    op.create_index(
        "acme_challenges_due", "acme_challenges", ["due_at"], sqlite_where=waiting, postgresql_where=waiting
    )
