"""The tables of ACME, as their migration makes them, and what a row of each is.

Contacts are personal data: they are here, where they can be erased, and in no event of the audit log.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy import (
    Boolean,
    CheckConstraint,
    Column,
    Index,
    Integer,
    PrimaryKeyConstraint,
    String,
    Table,
    Text,
)

from trustworks.core.audit.bound import bind
from trustworks.core.store import metadata
from trustworks.core.store.types import UtcDateTime

if TYPE_CHECKING:
    from datetime import datetime

accounts = Table(
    "acme_accounts",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("thumbprint", String(43), nullable=False, unique=True),  # one account to a key, also a closed one
    Column("jwk", Text, nullable=False),
    Column("contact", Text, nullable=False),
    Column("status", String(12), nullable=False),
    Column("terms_agreed_at", UtcDateTime, nullable=True),
    Column("external_key", String(64), nullable=True),
    Column("created_at", UtcDateTime, nullable=False),
    CheckConstraint("status IN ('valid', 'deactivated', 'revoked')", name="status_known"),
)
bind(accounts, but=("contact",))
Index("acme_accounts_created", accounts.c.created_at)

external_keys = Table(
    "acme_external_keys",
    metadata,
    Column("kid", String(64), primary_key=True),
    Column("comment", String(200), nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    Column("created_by", String(64), nullable=False),
    Column("expires_at", UtcDateTime, nullable=True),
    Column("revoked_at", UtcDateTime, nullable=True),
    Column("account", String(32), nullable=True, unique=True),
)
bind(external_keys, but=("comment",))

orders = Table(
    "acme_orders",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("account", String(32), nullable=False),
    Column("status", String(12), nullable=False),
    Column("names", Text, nullable=False),
    Column("profile", String(64), nullable=False),
    Column("expires", UtcDateTime, nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    Column("changed_at", UtcDateTime, nullable=False),
    Column("error", Text, nullable=True),
    Column("replaces", String(40), nullable=True),
    Column("serial", String(40), nullable=True),
    CheckConstraint("status IN ('pending', 'ready', 'processing', 'valid', 'invalid')", name="status_known"),
    CheckConstraint("(status = 'valid') = (serial IS NOT NULL)", name="valid_has_certificate"),
)
Index("acme_orders_account", orders.c.account, orders.c.created_at)
Index("acme_orders_serial", orders.c.serial)
Index("acme_orders_open", orders.c.status, orders.c.expires)
# A certificate is replaced by one order; one that failed does not count (RFC 9773, 5).
Index(
    "acme_orders_replaces",
    orders.c.replaces,
    unique=True,
    sqlite_where=orders.c.status != "invalid",
    postgresql_where=orders.c.status != "invalid",
)

authorizations = Table(
    "acme_authorizations",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("account", String(32), nullable=False),
    Column("name", String(255), nullable=False),
    Column("wildcard", Boolean, nullable=False),
    Column("status", String(12), nullable=False),
    Column("expires", UtcDateTime, nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    Column("changed_at", UtcDateTime, nullable=False),
    CheckConstraint(
        "status IN ('pending', 'valid', 'invalid', 'deactivated', 'expired', 'revoked')", name="status_known"
    ),
)
Index(
    "acme_authorizations_name", authorizations.c.account, authorizations.c.name, authorizations.c.changed_at
)
Index("acme_authorizations_open", authorizations.c.status, authorizations.c.expires)

order_authorizations = Table(
    "acme_order_authorizations",
    metadata,
    Column("order_id", String(32), nullable=False),
    Column("authorization_id", String(32), nullable=False),
    Column("place", Integer, nullable=False),
    PrimaryKeyConstraint("order_id", "authorization_id"),
)
Index("acme_authorizations_orders", order_authorizations.c.authorization_id)

# Also the queue of validation: `due_at` is when the next attempt may begin, `claimed_until` until when
# somebody is at it. What a process left when it died is due again after that.
challenges = Table(
    "acme_challenges",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("authorization", String(32), nullable=False),
    Column("type", String(20), nullable=False),
    Column("token", String(64), nullable=False),
    Column("status", String(12), nullable=False),
    Column("validated_at", UtcDateTime, nullable=True),
    Column("error", Text, nullable=True),
    Column("attempts", Integer, nullable=False, server_default="0"),
    Column("due_at", UtcDateTime, nullable=True),
    Column("claimed_until", UtcDateTime, nullable=True),
    CheckConstraint("status IN ('pending', 'processing', 'valid', 'invalid')", name="status_known"),
    CheckConstraint("(status = 'processing') = (due_at IS NOT NULL)", name="processing_is_due"),
)
Index("acme_challenges_authorization", challenges.c.authorization)
Index(
    "acme_challenges_due",
    challenges.c.due_at,
    sqlite_where=challenges.c.due_at.is_not(None),
    postgresql_where=challenges.c.due_at.is_not(None),
)

used_nonces = Table(
    "acme_used_nonces",
    metadata,
    Column("nonce", String(64), primary_key=True),
    Column("expires", UtcDateTime, nullable=False),
)
Index("acme_used_nonces_expires", used_nonces.c.expires)


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """An account (RFC 8555, 7.1.2); `jwk` is its public key, `external_key` the one that it is bound to."""

    id: str
    thumbprint: str
    jwk: dict[str, str]
    contact: tuple[str, ...]
    status: str
    terms_agreed_at: datetime | None
    external_key: str | None
    created_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class ExternalKey:
    """A key that an account may be bound to (RFC 8555, 7.3.4), without its octets: those are nowhere kept."""

    kid: str
    comment: str
    created_at: datetime
    created_by: str
    expires_at: datetime | None
    revoked_at: datetime | None
    account: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """An order (RFC 8555, 7.1.3). `names` are DNS names in small letters, a wildcard with its star.

    `error` is a problem document, `replaces` the serial number of the certificate that it renews (RFC 9773),
    `serial` the one of its own certificate.
    """

    id: str
    account: str
    status: str
    names: tuple[str, ...]
    profile: str
    expires: datetime
    created_at: datetime
    changed_at: datetime
    error: dict[str, Any] | None
    replaces: str | None
    serial: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Authorization:
    """An authorization (RFC 8555, 7.1.4) of `name`, without star; `wildcard` says that it stood there."""

    id: str
    account: str
    name: str
    wildcard: bool
    status: str
    expires: datetime
    created_at: datetime
    changed_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Challenge:
    """A challenge (RFC 8555, 7.1.5) and its place in the queue of validation."""

    id: str
    authorization: str
    type: str
    token: str
    status: str
    validated_at: datetime | None
    error: dict[str, Any] | None
    attempts: int
    due_at: datetime | None
    claimed_until: datetime | None


_JSON = frozenset({"jwk", "contact", "names", "error"})
_LISTS = frozenset({"contact", "names"})


def values(record: Any) -> dict[str, Any]:
    """The values of a record's row."""
    found = {name: getattr(record, name) for name in record.__dataclass_fields__}
    return {
        name: json.dumps(value, separators=(",", ":")) if name in _JSON and value is not None else value
        for name, value in found.items()
    }


def fields(row: Any) -> dict[str, Any]:
    """The fields of a row's record."""
    found: dict[str, Any] = {}
    for name, value in row._mapping.items():  # noqa: SLF001 - the public name of the library
        if name in _JSON and value is not None:
            read = json.loads(value)
            found[name] = tuple(read) if name in _LISTS else read
        else:
            found[name] = value
    return found
