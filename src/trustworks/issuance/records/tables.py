"""The tables of issuance, as their migrations (``0003_issuance.py`` and later) make them.

A row of `certificates` is written before the key signs (state ``issuing``) and is never deleted: that is what
keeps a serial from being used twice, by every authority of the provider and across any crash.
"""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    Index,
    Integer,
    LargeBinary,
    PrimaryKeyConstraint,
    String,
    Table,
)

from trustworks.core.audit.bound import bind
from trustworks.core.store import metadata
from trustworks.core.store.types import UtcDateTime

certificates = Table(
    "certificates",
    metadata,
    Column("serial", String(40), primary_key=True),
    Column("authority", String(64), nullable=False),
    Column("profile", String(64), nullable=False),
    Column("subject", String(2000), nullable=False),
    Column("state", String(10), nullable=False),
    Column("not_before", UtcDateTime, nullable=False),
    Column("not_after", UtcDateTime, nullable=False),
    Column("spki_sha256", LargeBinary(32), nullable=False),
    Column("requested_at", UtcDateTime, nullable=False),
    Column("requested_by", String(200), nullable=False),
    Column(
        "tbs", LargeBinary, nullable=True
    ),  # what the key was asked to sign, until the signature is recorded
    Column("der", LargeBinary, nullable=True),
    Column("issued_at", UtcDateTime, nullable=True),
    Column("revoked_at", UtcDateTime, nullable=True),
    Column("revocation_reason", Integer, nullable=True),
    Column("invalidity_date", UtcDateTime, nullable=True),
    Column("revoked_recorded_at", UtcDateTime, nullable=True),
    # Which shard of its authority's lists the certificate names; None: the complete list. Fixed at issuance.
    Column("crl_shard", Integer, nullable=True),
    # Which of the authority's changes of status was the certificate's last, and when it was recorded.
    Column("change_number", BigInteger, nullable=True),
    Column("changed_at", UtcDateTime, nullable=True),
    CheckConstraint("state IN ('issuing', 'issued', 'abandoned')", name="state_known"),
    CheckConstraint("(state = 'issued') = (der IS NOT NULL)", name="issued_has_der"),
    CheckConstraint(
        "(revoked_at IS NULL) = (revocation_reason IS NULL) "
        "AND (revoked_at IS NULL) = (revoked_recorded_at IS NULL)",
        name="revocation_complete",
    ),
)
Index("certificates_spki", certificates.c.spki_sha256)
Index("certificates_state", certificates.c.authority, certificates.c.state)
Index("certificates_end", certificates.c.not_after, certificates.c.serial)
# The newest certificates: the first page of every search.
Index("certificates_requested", certificates.c.requested_at, certificates.c.serial)
# Whatever a list is made from; this index answers alone, the rows themselves lie anywhere.
Index(
    "certificates_listed",
    certificates.c.authority,
    certificates.c.crl_shard,
    certificates.c.serial,
    certificates.c.revoked_at,
    certificates.c.revocation_reason,
    certificates.c.invalidity_date,
    certificates.c.state,
    sqlite_where=certificates.c.revoked_at.is_not(None),
    postgresql_where=certificates.c.revoked_at.is_not(None),
)
Index(
    "certificates_changes",
    certificates.c.authority,
    certificates.c.change_number,
    certificates.c.serial,
    sqlite_where=certificates.c.change_number.is_not(None),
    postgresql_where=certificates.c.change_number.is_not(None),
)
Index(
    "certificates_shard_changes",
    certificates.c.authority,
    certificates.c.crl_shard,
    certificates.c.change_number,
    certificates.c.changed_at,
    sqlite_where=certificates.c.change_number.is_not(None),
    postgresql_where=certificates.c.change_number.is_not(None),
)
# A list counts what it has to hold, and whoever waits for one asks since when; this index answers alone.
Index(
    "certificates_revocations",
    certificates.c.authority,
    certificates.c.revoked_recorded_at,
    sqlite_where=certificates.c.revoked_at.is_not(None),
    postgresql_where=certificates.c.revoked_at.is_not(None),
)

authorities = Table(
    "authorities",
    metadata,
    Column("name", String(64), primary_key=True),
    Column("certificate", LargeBinary, nullable=False),
    Column("serial", String(40), nullable=False),
    Column("spki_sha256", LargeBinary(32), nullable=False, unique=True),
    Column("token", String(64), nullable=False),
    Column("key_label", String(64), nullable=False),
    Column("parent", String(64), nullable=True),
    Column("created_at", UtcDateTime, nullable=False),
    # How often the status of one of its certificates was changed, and when the oldest change was recorded
    # that the newest list lacks. Nothing but these two ever changes in a row.
    Column("changes", BigInteger, nullable=False, server_default="0"),
    Column("pending_since", UtcDateTime, nullable=True),
    # Hours of its revocation list, where they are its own and not the configuration's.
    Column("crl_validity_hours", Integer, nullable=True),
    Column("crl_every_hours", Integer, nullable=True),
)
bind(authorities, but=("changes", "pending_since"))

crls = Table(
    "crls",
    metadata,
    Column("authority", String(64), nullable=False),
    Column("number", BigInteger, nullable=False),
    Column("this_update", UtcDateTime, nullable=False),
    Column("next_update", UtcDateTime, nullable=False),
    Column("entries", Integer, nullable=False),
    Column("der", LargeBinary, nullable=False),
    Column("recorded_at", UtcDateTime, nullable=False),
    # Up to which of the authority's changes the list goes; -1 in those from before changes were counted.
    Column("changes", BigInteger, nullable=False, server_default="-1"),
    # The list's scope: one shard, or None for all certificates of the authority.
    Column("shard", Integer, nullable=True),
    # The number of the complete list that a delta list goes on from; None in complete lists.
    Column("base", BigInteger, nullable=True),
    PrimaryKeyConstraint("authority", "number"),
)
Index("crls_scope", crls.c.authority, crls.c.shard, crls.c.base, crls.c.number)

revocation_requests = Table(
    "revocation_requests",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("serial", String(40), nullable=True),
    Column("kind", String(20), nullable=False),
    Column("requester", String(200), nullable=False),
    Column("reason", Integer, nullable=True),
    Column("invalidity_date", UtcDateTime, nullable=True),
    Column("note", String(2000), nullable=True),
    Column("received_at", UtcDateTime, nullable=False),
    Column("effective_at", UtcDateTime, nullable=True),
    Column("recorded_at", UtcDateTime, nullable=False),
    Column("recorded_by", String(200), nullable=False),
    Column("state", String(10), nullable=False),
    Column("confirmed_by", String(200), nullable=True),
    Column("confirmed_how", String(200), nullable=True),
    Column("delayed_why", String(2000), nullable=True),
    Column("decided_at", UtcDateTime, nullable=True),
    Column("decided_by", String(200), nullable=True),
    Column("decided_why", String(2000), nullable=True),
    CheckConstraint("state IN ('pending', 'done', 'refused')", name="request_state_known"),
    CheckConstraint("(state = 'pending') = (decided_at IS NULL)", name="request_decided"),
)
bind(revocation_requests, but=("requester", "note"))
Index("revocation_requests_state", revocation_requests.c.state, revocation_requests.c.received_at)


# Keys whose private keys are known to others, whether one of their certificates is ours or not.
blocked_keys = Table(
    "blocked_keys",
    metadata,
    Column("spki_sha256", LargeBinary(32), primary_key=True),
    Column("shown_by", String(20), nullable=False),
    Column("note", String(2000), nullable=True),
    Column("blocked_at", UtcDateTime, nullable=False),
    Column("blocked_by", String(200), nullable=False),
    CheckConstraint("shown_by IN ('private-key', 'signature', 'statement')", name="shown_by_known"),
)
bind(blocked_keys, but=("note",))
