"""The rows as events of the audit log bind them: what is compared when the log is verified.

All values are read as they are stored. What somebody put into a column by hand need be no moment and no text.
The counts of changes are not bound: they say when a list is due; what it holds comes from the revocations.
"""

from __future__ import annotations

from hashlib import sha256
from typing import TYPE_CHECKING, Any, NamedTuple

from sqlalchemy import BigInteger, select, type_coerce

from trustworks.core.audit.rows import row_digest
from trustworks.core.store.types import UtcDateTime
from trustworks.issuance.records.tables import authorities, certificates, crls

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from sqlalchemy import Column, ColumnElement, Connection

# What the intent to issue says; it is never changed.
_INTENT = (
    certificates.c.serial,
    certificates.c.authority,
    certificates.c.profile,
    certificates.c.subject,
    certificates.c.not_before,
    certificates.c.not_after,
    certificates.c.spki_sha256,
    certificates.c.requested_at,
    certificates.c.requested_by,
)
_REVOCATION = (
    certificates.c.serial,
    certificates.c.revoked_at,
    certificates.c.revocation_reason,
    certificates.c.invalidity_date,
    certificates.c.revoked_recorded_at,
)


class BoundCertificate(NamedTuple):
    """A row of `certificates`: digests of its parts, None where the row has no such part."""

    serial: str
    state: str
    intent: bytes
    issued: bytes | None
    revocation: bytes | None


def intent_digest(values: Mapping[str, Any]) -> bytes:
    """The digest of an intent, by its row's values. A shard counts where there is one, see `_intent`."""
    return _intent([values[column.name] for column in _INTENT], values.get("crl_shard"))


def _intent(values: Sequence[Any], shard: object) -> bytes:
    """The digest of an intent; what was logged before there were shards has the same without one."""
    return row_digest([*values, *(() if shard is None else (shard,))])


def issued_digest(serial: str, sha256_hex: str, issued_at: object) -> bytes:
    """The digest of what issuing adds to an intent: the certificate's hash, and the moment (microseconds)."""
    return row_digest([serial, sha256_hex, issued_at])


def revocation_digests(connection: Connection, serials: Iterable[str]) -> dict[str, str]:
    """The digests of the revocations of these certificates as they are now, in hexadecimal, by serial."""
    query = select(*map(_raw, _REVOCATION)).where(certificates.c.serial.in_(list(serials)))
    return {row[0]: row_digest(tuple(row)).hex() for row in connection.execute(query)}


def bound_certificates(connection: Connection) -> Iterator[BoundCertificate]:
    """All rows, in no order; streamed."""
    c = certificates.c
    query = select(
        *map(_raw, _INTENT), c.state, c.der, _raw(c.issued_at), c.crl_shard, *map(_raw, _REVOCATION)
    )
    first = len(_INTENT)
    for row in connection.execute(query.execution_options(yield_per=1000)):
        state, der, issued_at, shard = row[first : first + 4]
        revocation = row[first + 4 :]
        yield BoundCertificate(
            serial=row[0],
            state=state,
            intent=_intent(row[:first], shard),
            issued=None if der is None else issued_digest(row[0], _hash(der), issued_at),
            revocation=None if revocation[1:] == (None,) * 4 else row_digest(revocation),
        )


def list_digest(
    authority: str,
    number: object,
    sha256_hex: str,
    facts: Iterable[object],
    scope: tuple[object, object] = (None, None),
) -> bytes:
    """The digest of a published list; `facts`: both updates, entries, when recorded (microseconds).

    `scope`: the shard, and the number of the list before a delta list. What was logged before there were
    such lists has the same digest without them.
    """
    part = () if scope == (None, None) else scope
    return row_digest([authority, number, sha256_hex, *facts, *part])


def bound_lists(connection: Connection) -> Iterator[tuple[str, int, bytes]]:
    """Authority, number and digest of all published lists; streamed."""
    c = crls.c
    facts = (_raw(c.this_update), _raw(c.next_update), c.entries, _raw(c.recorded_at))
    query = select(c.authority, c.number, c.der, c.shard, c.base, *facts)
    for authority, number, der, shard, base, *told in connection.execute(
        query.execution_options(yield_per=20)
    ):
        yield authority, number, list_digest(authority, number, _hash(der), told, (shard, base))


def unfounded_authorities(connection: Connection) -> list[str]:
    """The authorities whose certificate or key is not the one that was issued to them under that serial."""
    c = certificates.c
    pairs = authorities.outerjoin(certificates, c.serial == authorities.c.serial)
    query = select(
        authorities.c.name, authorities.c.certificate, authorities.c.spki_sha256, c.der, c.spki_sha256
    ).select_from(pairs)
    return [
        str(name)
        for name, certificate, key, der, certified in connection.execute(query)
        if (certificate, key) != (der, certified)
    ]


def _raw(column: Column[Any]) -> ColumnElement[Any]:
    return type_coerce(column, BigInteger) if isinstance(column.type, UtcDateTime) else column


def _hash(der: object) -> str:
    return sha256(der).hexdigest() if isinstance(der, bytes) else ""
