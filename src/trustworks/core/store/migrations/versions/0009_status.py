"""Partitioned and delta lists: a certificate's shard and its last change of status, and a list's scope."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from trustworks.core.store.migrations.append_only import keep
from trustworks.core.store.types import UtcDateTime

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

_REVOKED = sa.text("revoked_at IS NOT NULL")
_CHANGED = sa.text("change_number IS NOT NULL")


def upgrade() -> None:
    """Add the columns, and let a list follow only the one before it."""
    # NULL: the certificate names the complete list, as all did before there were shards.
    op.add_column("certificates", sa.Column("crl_shard", sa.Integer, nullable=True))
    op.add_column("certificates", sa.Column("change_number", sa.BigInteger, nullable=True))
    op.add_column("certificates", sa.Column("changed_at", UtcDateTime(), nullable=True))
    keep("certificates", ("crl_shard",), name="other_shard")
    # Answers alone what a list is made from: the rows themselves have the certificates, and lie anywhere.
    op.drop_index("certificates_revoked", "certificates")
    op.create_index(
        "certificates_listed",
        "certificates",
        ["authority", "crl_shard", "serial", "revoked_at", "revocation_reason", "invalidity_date", "state"],
        sqlite_where=_REVOKED,
        postgresql_where=_REVOKED,
    )
    for name, columns in (
        ("certificates_changes", ["authority", "change_number", "serial"]),
        ("certificates_shard_changes", ["authority", "crl_shard", "change_number", "changed_at"]),
    ):
        op.create_index(name, "certificates", columns, sqlite_where=_CHANGED, postgresql_where=_CHANGED)
    # A list's scope: the whole authority (NULL) or one shard of it. A delta list names the complete one that
    # it goes on from.
    op.add_column("crls", sa.Column("shard", sa.Integer, nullable=True))
    op.add_column("crls", sa.Column("base", sa.BigInteger, nullable=True))
    op.create_index("crls_scope", "crls", ["authority", "shard", "base", "number"])
    _only_grow()


def _only_grow() -> None:
    """Refuse a list whose number does not follow on the newest of its authority (RFC 5280, 5.2.3).

    The key refuses a number that is taken; this refuses one that was left out, so that numbers only grow.
    """
    before = "SELECT 1 FROM crls WHERE authority = NEW.authority AND number = NEW.number - 1"
    follows = f"NEW.number = 1 OR EXISTS ({before})"
    said = "the number of a revocation list follows on the one before"
    if op.get_bind().dialect.name == "sqlite":
        op.execute(
            f"CREATE TRIGGER crls_number BEFORE INSERT ON crls WHEN NOT ({follows}) "
            f"BEGIN SELECT RAISE(ABORT, '{said}'); END"
        )
        return
    op.execute(
        "CREATE FUNCTION trustworks_crl_number() RETURNS trigger LANGUAGE plpgsql AS "
        f"$$ BEGIN IF NOT ({follows}) THEN RAISE EXCEPTION '{said}'; END IF; RETURN NEW; END $$"
    )
    op.execute(
        "CREATE TRIGGER crls_number BEFORE INSERT ON crls "
        "FOR EACH ROW EXECUTE FUNCTION trustworks_crl_number()"
    )
