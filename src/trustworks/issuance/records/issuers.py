"""All SQL on the authorities and on the revocation lists that they publish."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import insert, select

from trustworks.issuance.model import AuthorityRecord, CrlHead, CrlRecord
from trustworks.issuance.records.tables import authorities, crls

if TYPE_CHECKING:
    from sqlalchemy import Connection

_AUTHORITY_KEYS = select(authorities.c.spki_sha256)


def authority(connection: Connection, name: str) -> AuthorityRecord | None:
    """The authority with this name, or None."""
    row = connection.execute(select(authorities).where(authorities.c.name == name)).one_or_none()
    return None if row is None else AuthorityRecord(**row._mapping)  # noqa: SLF001 - the public name of the library


def lock_authority(
    connection: Connection, *, name: str | None = None, serial: str | None = None
) -> AuthorityRecord | None:
    """The authority with this name or certificate, or None; who asks in this way too waits for the commit.

    What must not cross: issuing, revoking the authority, publishing its last list. (SQLite has one writer.)
    """
    wanted = authorities.c.name == name if serial is None else authorities.c.serial == serial
    row = connection.execute(select(authorities).where(wanted).with_for_update()).one_or_none()
    return None if row is None else AuthorityRecord(**row._mapping)  # noqa: SLF001


def list_authorities(connection: Connection) -> list[AuthorityRecord]:
    """All authorities, by name."""
    rows = connection.execute(select(authorities).order_by(authorities.c.name))
    return [AuthorityRecord(**row._mapping) for row in rows]  # noqa: SLF001


def authority_keys(connection: Connection) -> frozenset[bytes]:
    """The hashes of the authorities' public keys."""
    return frozenset(connection.execute(_AUTHORITY_KEYS).scalars())


def add_authority(connection: Connection, record: AuthorityRecord) -> None:
    """Write a new authority."""
    connection.execute(
        insert(authorities).values(
            {column.name: getattr(record, column.name) for column in authorities.columns}
        )
    )


# Revocation lists


def last_crl(connection: Connection, authority: str) -> CrlRecord | None:
    """The newest list of an authority, or None."""
    row = connection.execute(
        select(crls).where(crls.c.authority == authority).order_by(crls.c.number.desc()).limit(1)
    ).one_or_none()
    return None if row is None else CrlRecord(**row._mapping)  # noqa: SLF001


def crl_heads(connection: Connection, authority: str, limit: int = 1) -> list[CrlHead]:
    """The newest lists of an authority without their octets, newest first."""
    query = (
        select(crls.c.authority, crls.c.number, crls.c.this_update, crls.c.next_update, crls.c.entries)
        .where(crls.c.authority == authority)
        .order_by(crls.c.number.desc())
        .limit(limit)
    )
    return [CrlHead(**row._mapping) for row in connection.execute(query)]  # noqa: SLF001


def crl(connection: Connection, authority: str, number: int) -> CrlRecord | None:
    """One list of an authority, or None."""
    row = connection.execute(
        select(crls).where(crls.c.authority == authority, crls.c.number == number)
    ).one_or_none()
    return None if row is None else CrlRecord(**row._mapping)  # noqa: SLF001


def crl_values(record: CrlRecord) -> dict[str, Any]:
    """The values of a row of `crls`."""
    return {column.name: getattr(record, column.name) for column in crls.columns}
