"""All SQL on blocked keys: those whose private keys are known to others."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import BindParameter, bindparam, insert, or_, select

from trustworks.core.store.prepared import PreparedSelect
from trustworks.issuance.model import LOST
from trustworks.issuance.records.tables import blocked_keys as blocked
from trustworks.issuance.records.tables import certificates

if TYPE_CHECKING:
    from collections.abc import Collection
    from datetime import datetime

    from sqlalchemy import Connection

_DIGESTS: BindParameter[Any] = bindparam("digests", expanding=True)
_BLOCKED = PreparedSelect(select(blocked.c.spki_sha256).where(blocked.c.spki_sha256.in_(_DIGESTS)))
_LOST_REASONS = [reason.value for reason in LOST]


def blocked_keys(connection: Connection, digests: Collection[bytes]) -> frozenset[bytes]:
    """Those of these hashes of public keys that are blocked."""
    return frozenset(bytes(one) for (one,) in _BLOCKED.all(connection, digests=digests))


def block_key(
    connection: Connection, spki_sha256: bytes, *, shown_by: str, note: str | None, at: datetime, by: str
) -> None:
    """Write that a key is blocked. Raises IntegrityError for one that is already."""
    values = {"shown_by": shown_by, "note": note, "blocked_at": at, "blocked_by": by}
    connection.execute(insert(blocked).values(spki_sha256=spki_sha256, **values))


def authorities_of_key(connection: Connection, spki_sha256: bytes) -> list[str]:
    """The names of the authorities that certified a key or are about to, by name."""
    c = certificates.c
    query = select(c.authority).where(c.spki_sha256 == spki_sha256, c.state != "abandoned").distinct()
    return sorted(connection.execute(query).scalars())


def unrevoked_of_blocked(connection: Connection, spki_sha256: bytes | None = None) -> list[str]:
    """A certificate of each blocked key (of the one given) that is not revoked as lost yet, by serial."""
    c = certificates.c
    query = (
        select(c.serial)
        .join(blocked, blocked.c.spki_sha256 == c.spki_sha256)
        .where(c.state == "issued", or_(c.revoked_at.is_(None), c.revocation_reason.not_in(_LOST_REASONS)))
        .order_by(c.serial)
    )
    if spki_sha256 is not None:
        query = query.where(c.spki_sha256 == spki_sha256)
    return list(connection.execute(query).scalars())
