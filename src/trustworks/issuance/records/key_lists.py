"""The tables of imported lists of keys, and all SQL on them.

The entries of a list lie sorted in rows, one for each beginning of two octets: a row of a list of millions
has some hundred octets. So a key is looked up by the primary key of one row, whatever the length of the list,
and nothing is held in memory.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import (
    BindParameter,
    Column,
    ForeignKey,
    Integer,
    LargeBinary,
    String,
    Table,
    and_,
    bindparam,
    insert,
    or_,
    select,
    update,
)

from trustworks.core.audit.bound import bind
from trustworks.core.store import metadata
from trustworks.core.store.prepared import PreparedSelect
from trustworks.core.store.types import UtcDateTime
from trustworks.issuance.model import RevocationReason
from trustworks.issuance.model.key_lists import BUCKET_OCTETS, OCTETS, KeyList, Naming, names_of_key
from trustworks.issuance.records.tables import certificates

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from datetime import datetime

    from sqlalchemy import Connection

key_lists = Table(
    "key_lists",
    metadata,
    Column("id", String(64), primary_key=True),
    Column("naming", String(30), nullable=False),
    Column("entries", Integer, nullable=False),
    Column("source", String(500), nullable=False),
    Column("dated_at", UtcDateTime, nullable=False),
    Column("imported_at", UtcDateTime, nullable=False),
    Column("imported_by", String(200), nullable=False),
    Column("retired_at", UtcDateTime, nullable=True),
    Column("retired_by", String(200), nullable=True),
    Column("retired_why", String(2000), nullable=True),
)
bind(key_lists)
key_list_entries = Table(
    "key_list_entries",
    metadata,
    Column("list", String(64), ForeignKey("key_lists.id"), primary_key=True),
    Column("bucket", Integer, primary_key=True, autoincrement=False),
    Column("entries", LargeBinary, nullable=False),
)

_USED = PreparedSelect(
    select(key_lists.c.id, key_lists.c.naming, key_lists.c.source)
    .where(key_lists.c.retired_at.is_(None))
    .order_by(key_lists.c.imported_at)
)
_LISTS: BindParameter[Any] = bindparam("lists", expanding=True)
_BUCKETS: BindParameter[Any] = bindparam("buckets", expanding=True)
# By both columns of the primary key: joined with the lists, SQLite reads every row of them.
_SOUGHT = PreparedSelect(
    select(key_list_entries.c.list, key_list_entries.c.bucket, key_list_entries.c.entries).where(
        key_list_entries.c.list.in_(_LISTS), key_list_entries.c.bucket.in_(_BUCKETS)
    )
)
MOST_AT_ONCE = 5_000  # rows that one statement inserts


def listed_keys(connection: Connection, spkis: Iterable[bytes]) -> dict[bytes, str]:
    """Those of these keys (SubjectPublicKeyInfo) that a list in use has, each with the list's source."""
    used = _USED.all(connection)
    if not used:
        return {}
    namings = {identifier: Naming(naming) for identifier, naming, _ in used}
    names = {spki: names_of_key(spki, namings.values()) for spki in spkis}
    buckets = {_bucket(name) for found in names.values() for name in found.values()}
    if not buckets:
        return {}
    rows = _SOUGHT.all(connection, lists=namings, buckets=buckets)
    entries = {(identifier, bucket): octets for identifier, bucket, octets in rows}
    listed: dict[bytes, str] = {}
    for spki, found in names.items():
        for identifier, _, source in used:
            name = found.get(namings[identifier])
            if name is not None and _has(entries.get((identifier, _bucket(name)), b""), name):
                listed.setdefault(spki, source)
    return listed


def _bucket(name: bytes) -> int:
    return int.from_bytes(name[:BUCKET_OCTETS], "big")


def _has(entries: bytes, name: bytes) -> bool:
    rest = name[BUCKET_OCTETS:]
    return any(entries[at : at + len(rest)] == rest for at in range(0, len(entries), len(rest)))


def add_key_list(connection: Connection, made: KeyList, entries: Sequence[bytes]) -> None:
    """Write a list with its entries, which are sorted. Raises IntegrityError for one that is there."""
    connection.execute(
        insert(key_lists).values(
            id=made.id,
            naming=made.naming.value,
            entries=made.entries,
            source=made.source,
            dated_at=made.dated_at,
            imported_at=made.imported_at,
            imported_by=made.imported_by,
        )
    )
    rows: list[dict[str, Any]] = []
    for bucket, octets in _rows(entries):
        rows.append({"list": made.id, "bucket": bucket, "entries": octets})
        if len(rows) == MOST_AT_ONCE:
            connection.execute(insert(key_list_entries), rows)
            rows = []
    if rows:
        connection.execute(insert(key_list_entries), rows)


def _rows(entries: Sequence[bytes]) -> Iterator[tuple[int, bytes]]:
    current, found = -1, bytearray()
    for entry in entries:
        if _bucket(entry) != current:
            if found:
                yield current, bytes(found)
            current, found = _bucket(entry), bytearray()
        found += entry[BUCKET_OCTETS:]
    if found:
        yield current, bytes(found)


def retire_key_list(connection: Connection, id_: str, *, at: datetime, by: str, why: str) -> None:
    """Write that a list is used no more."""
    values = {"retired_at": at, "retired_by": by, "retired_why": why}
    connection.execute(update(key_lists).where(key_lists.c.id == id_).values(**values))


def all_key_lists(connection: Connection) -> list[KeyList]:
    """Every list that was imported, the oldest first."""
    rows = connection.execute(select(key_lists).order_by(key_lists.c.imported_at, key_lists.c.id))
    return [KeyList(**{**row._mapping, "naming": Naming(row.naming)}) for row in rows]  # noqa: SLF001 - of a row


def entries_of(connection: Connection, made: KeyList) -> Iterator[bytes]:
    """The entries of a list as they are stored, in their order."""
    c = key_list_entries.c
    rest = OCTETS[made.naming] - BUCKET_OCTETS
    for row in connection.execute(
        select(c.bucket, c.entries).where(c.list == made.id).order_by(c.bucket)
    ).yield_per(1000):
        begin = row.bucket.to_bytes(BUCKET_OCTETS, "big")
        for at in range(0, len(row.entries), rest):
            yield begin + row.entries[at : at + rest]


def certified_keys(connection: Connection, now: datetime) -> Iterator[tuple[str, bytes]]:
    """Serial number and DER of each certificate that is issued, not revoked for good and not over."""
    c = certificates.c
    held = and_(c.revoked_at.is_not(None), c.revocation_reason == RevocationReason.certificateHold.value)
    query = (
        select(c.serial, c.der)
        .where(c.state == "issued", c.not_after > now, or_(c.revoked_at.is_(None), held))
        .order_by(c.serial)
    )
    for row in connection.execute(query).yield_per(1000):
        yield row.serial, bytes(row.der)
