"""All SQL on the authorities, and on how often a status of theirs was changed."""

from __future__ import annotations

from dataclasses import fields
from typing import TYPE_CHECKING, Any

from sqlalchemy import BindParameter, bindparam, case, func, insert, literal, select, update

from trustworks.core.store.prepared import PreparedSelect
from trustworks.issuance.model import AuthorityRecord
from trustworks.issuance.records.tables import authorities, certificates, crls

if TYPE_CHECKING:
    from collections.abc import Collection
    from datetime import datetime

    from sqlalchemy import Connection

# What never changes in a row; `changes` and `pending_since` read the rest.
_AUTHORITY = tuple(authorities.c[field.name] for field in fields(AuthorityRecord))
_CHANGES = select(authorities.c.changes).where(authorities.c.name == bindparam("name"))
_DIGESTS: BindParameter[Any] = bindparam("digests", expanding=True)
_AUTHORITY_KEYS = PreparedSelect(
    select(authorities.c.spki_sha256).where(authorities.c.spki_sha256.in_(_DIGESTS))
)
_ALL = PreparedSelect(select(*_AUTHORITY).order_by(authorities.c.name))
_LOCK = select(*_AUTHORITY).with_for_update()
_LOCK_NAME = PreparedSelect(_LOCK.where(authorities.c.name == bindparam("name")))
_LOCK_SERIAL = PreparedSelect(_LOCK.where(authorities.c.serial == bindparam("serial")))


def authority(connection: Connection, name: str) -> AuthorityRecord | None:
    """The authority with this name, or None."""
    row = connection.execute(select(*_AUTHORITY).where(authorities.c.name == name)).one_or_none()
    return None if row is None else AuthorityRecord(**row._mapping)  # noqa: SLF001 - the public name of the library


def lock_authority(
    connection: Connection, *, name: str | None = None, serial: str | None = None
) -> AuthorityRecord | None:
    """The authority with this name or certificate, or None; who asks in this way too waits for the commit.

    What must not cross: issuing, changing a status, publishing the last list. (SQLite has one writer.)
    """
    if serial is None:
        row = _LOCK_NAME.first(connection, name=name)
    else:
        row = _LOCK_SERIAL.first(connection, serial=serial)
    return None if row is None else AuthorityRecord(**_LOCK_NAME.mapping(row))


def list_authorities(connection: Connection, *, limit: int | None = None) -> list[AuthorityRecord]:
    """All authorities, by name; with `limit` those that were made first, of which there may be thousands."""
    if limit is None:
        return [AuthorityRecord(**_ALL.mapping(row)) for row in _ALL.all(connection)]
    rows = connection.execute(select(*_AUTHORITY).order_by(authorities.c.created_at).limit(limit))
    return [AuthorityRecord(**row._mapping) for row in rows]  # noqa: SLF001


def authority_with_key(connection: Connection, spki_sha256: bytes) -> str | None:
    """The name of the authority whose key has this SHA-256; None for a key that is no authority's."""
    query = select(authorities.c.name).where(authorities.c.spki_sha256 == spki_sha256)
    return connection.execute(query.order_by(authorities.c.name).limit(1)).scalar()


def authority_keys(connection: Connection, digests: Collection[bytes]) -> frozenset[bytes]:
    """Those of the hashes that are of authorities' public keys; there may be thousands of authorities."""
    return frozenset(bytes(one) for (one,) in _AUTHORITY_KEYS.all(connection, digests=digests))


def authorities_since(connection: Connection, moment: datetime) -> list[tuple[datetime, str, bytes]]:
    """When each authority below another was made since a moment, its name and its certificate."""
    c = authorities.c
    wanted = c.parent.is_not(None), c.created_at >= moment
    query = select(c.created_at, c.name, c.certificate).where(*wanted)
    return [(row.created_at, row.name, row.certificate) for row in connection.execute(query)]


def add_authority(connection: Connection, record: AuthorityRecord) -> None:
    """Write a new authority."""
    connection.execute(
        insert(authorities).values({column.name: getattr(record, column.name) for column in _AUTHORITY})
    )


def changes(connection: Connection, name: str) -> int:
    """How often the status of a certificate of this authority was changed (`set_revocation`)."""
    counted: int = connection.execute(_CHANGES, {"name": name}).scalar_one()
    return counted


def pending_since(connection: Connection, name: str) -> datetime | None:
    """When the oldest change of status was recorded that the newest list lacks; asked while it lacks one.

    None: it is from before changes were counted.
    """
    query = select(authorities.c.pending_since).where(authorities.c.name == name)
    found: datetime | None = connection.execute(query).scalar_one()
    return found


def count_change(connection: Connection, serial: str, at: datetime) -> None:
    """Count a change of status for the authority of that certificate; `at` is when it is recorded."""
    whose = select(certificates.c.authority).where(certificates.c.serial == serial).scalar_subquery()
    counted, since = authorities.c.changes, authorities.c.pending_since
    listed = (
        select(crls.c.changes)
        .where(crls.c.authority == authorities.c.name, crls.c.shard.is_(None), crls.c.base.is_(None))
        .order_by(crls.c.number.desc())
        .limit(1)
        .scalar_subquery()
    )
    now = literal(at, since.type)
    first = case((counted == listed, now), else_=func.coalesce(since, now))
    connection.execute(
        update(authorities)
        .where(authorities.c.name == whose)
        .values(changes=counted + 1, pending_since=first)
    )
