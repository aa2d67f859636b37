"""The register's tables, and all SQL on them.

An entry is never changed: each change is its next version, and one without content says that it was removed.
The catalogue holds what can be read out of the imported files at any time, so that it can be searched.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Final

from sqlalchemy import Column, Integer, LargeBinary, String, Table, Text, func, select

from trustworks.assurance.model import (
    Binding,
    Certificate,
    Check,
    Confirmation,
    Document,
    Headcount,
    Product,
    ProviderPaper,
    Transfer,
)
from trustworks.assurance.records.encoding import decode, encode
from trustworks.core.audit.bound import bind
from trustworks.core.store.metadata import metadata
from trustworks.core.store.types import UtcDateTime

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import datetime

    from sqlalchemy import Connection

    from trustworks.assurance.model import Entry


class EntryKind(StrEnum):
    """What an entry is about."""

    PRODUCT = "product"
    CERTIFICATE = "certificate"
    BINDING = "binding"
    DOCUMENT = "document"
    CHECK = "check"
    CONFIRMATION = "confirmation"
    TRANSFER = "transfer"
    HEADCOUNT = "headcount"
    PAPER = "paper"


TYPES: Final[Mapping[EntryKind, type[Entry]]] = {
    EntryKind.PRODUCT: Product,
    EntryKind.CERTIFICATE: Certificate,
    EntryKind.BINDING: Binding,
    EntryKind.DOCUMENT: Document,
    EntryKind.CHECK: Check,
    EntryKind.CONFIRMATION: Confirmation,
    EntryKind.TRANSFER: Transfer,
    EntryKind.HEADCOUNT: Headcount,
    EntryKind.PAPER: ProviderPaper,
}

_entries = Table(
    "assurance_entries",
    metadata,
    Column("kind", String(16), primary_key=True),
    Column("id", String(200), primary_key=True),
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("content", Text, nullable=True),
    Column("written_at", UtcDateTime, nullable=False),
    Column("written_by", String(200), nullable=False),
)
bind(_entries)
# `source` says where it was downloaded. `content` is the file, octet by octet.
_files = Table(
    "assurance_files",
    metadata,
    Column("sha256", String(64), primary_key=True),
    Column("name", String(200), nullable=False),
    Column("source", String(500), nullable=False),
    Column("retrieved_at", UtcDateTime, nullable=False),
    Column("added_at", UtcDateTime, nullable=False),
    Column("added_by", String(200), nullable=False),
    Column("content", LargeBinary, nullable=False),
)
bind(_files)
_catalogue = Table(
    "assurance_catalogue",
    metadata,
    Column("id", String(200), primary_key=True),
    Column("source", String(16), primary_key=True),
    Column("words", Text, nullable=False),
    Column("content", Text, nullable=False),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Version:
    """One version of an entry; `content` is None where it was removed."""

    kind: EntryKind
    id: str
    number: int
    content: str | None
    written_at: datetime
    written_by: str


@dataclass(frozen=True, slots=True, kw_only=True)
class File:
    """A file that is kept as it came. `content` is empty where only its entry was asked for."""

    sha256: str
    name: str
    source: str
    retrieved_at: datetime
    added_at: datetime
    added_by: str
    content: bytes = b""


def write(
    connection: Connection, kind: EntryKind, identifier: str, content: str | None, *, at: datetime, by: str
) -> int:
    """The next version of an entry; answers its number."""
    last = newest(connection, kind, identifier)
    number = 1 if last is None else last.number + 1
    connection.execute(
        _entries.insert().values(
            kind=kind.value, id=identifier, number=number, content=content, written_at=at, written_by=by
        )
    )
    return number


def newest(connection: Connection, kind: EntryKind, identifier: str) -> Version | None:
    """The last version of an entry."""
    row = connection.execute(
        select(_entries)
        .where(_entries.c.kind == kind.value, _entries.c.id == identifier)
        .order_by(_entries.c.number.desc())
        .limit(1)
    ).first()
    return None if row is None else Version(**{**row._mapping, "kind": EntryKind(row.kind)})  # noqa: SLF001 - SQLAlchemy's


def history(connection: Connection, kind: EntryKind, identifier: str) -> list[Version]:
    """All versions of an entry, the oldest first."""
    rows = connection.execute(
        select(_entries)
        .where(_entries.c.kind == kind.value, _entries.c.id == identifier)
        .order_by(_entries.c.number)
    )
    return [Version(**{**row._mapping, "kind": EntryKind(row.kind)}) for row in rows]  # noqa: SLF001 - as above


def written_by_others(connection: Connection, kind: EntryKind, by: str) -> int:
    """How many versions of entries of one kind somebody else than `by` wrote."""
    found: int = connection.execute(
        select(func.count())
        .select_from(_entries)
        .where(_entries.c.kind == kind.value, _entries.c.written_by != by)
    ).scalar_one()
    return found


def entries(connection: Connection, kind: EntryKind, *, as_written: bool = False) -> dict[str, Entry]:
    """What stands of one kind, by id, in the order of the ids, or in that in which it was written."""
    last = (
        select(_entries.c.id, func.max(_entries.c.number).label("number"))
        .where(_entries.c.kind == kind.value)
        .group_by(_entries.c.id)
        .subquery()
    )
    rows = connection.execute(
        select(_entries.c.id, _entries.c.content)
        .join(last, (_entries.c.id == last.c.id) & (_entries.c.number == last.c.number))
        .where(_entries.c.kind == kind.value, _entries.c.content.is_not(None))
        .order_by(*((_entries.c.written_at,) if as_written else ()), _entries.c.id)
    )
    return {row.id: decode(TYPES[kind], row.content) for row in rows}


def add_file(connection: Connection, given: File) -> bool:
    """Keep a file; False where one with the same octets is kept already."""
    if connection.scalar(select(_files.c.sha256).where(_files.c.sha256 == given.sha256)) is not None:
        return False
    connection.execute(
        _files.insert().values(
            sha256=given.sha256,
            name=given.name,
            source=given.source,
            retrieved_at=given.retrieved_at,
            added_at=given.added_at,
            added_by=given.added_by,
            content=given.content,
        )
    )
    return True


def file(connection: Connection, sha256: str) -> File | None:
    """A kept file with its octets."""
    row = connection.execute(select(_files).where(_files.c.sha256 == sha256)).first()
    return None if row is None else File(**row._mapping)  # noqa: SLF001 - as above


def files(connection: Connection) -> list[File]:
    """All kept files without their octets, the newest first."""
    rows = connection.execute(
        select(*(one for one in _files.c if one.name != "content")).order_by(
            _files.c.added_at.desc(), _files.c.sha256
        )
    )
    return [File(**row._mapping) for row in rows]  # noqa: SLF001 - as above


def replace_catalogue(connection: Connection, source: str, certificates: Iterable[Certificate]) -> None:
    """What a source says now of these certificates takes the place of what it said before.

    A document that was downloaded earlier than another of its kind, and is imported later, takes no place.
    """
    from trustworks.assurance.sources.merging import merge  # noqa: PLC0415 - loads the importers

    given = {one.id: one for one in certificates}
    known = list(given)
    for begin in range(0, len(known), 500):
        part = known[begin : begin + 500]
        of_these = (_catalogue.c.source == source, _catalogue.c.id.in_(part))
        for row in connection.execute(select(_catalogue.c.id, _catalogue.c.content).where(*of_these)):
            given[row.id] = merge(decode(Certificate, row.content), given[row.id])
        connection.execute(_catalogue.delete().where(*of_these))
    if given:
        connection.execute(
            _catalogue.insert(),
            [
                {"id": one.id, "source": source, "words": _words(one), "content": encode(one)}
                for one in given.values()
            ],
        )


def _words(certificate: Certificate) -> str:
    told = [certificate.number]
    told += [one.value for one in certificate.facts if isinstance(one.value, str)]
    return " ".join(dict.fromkeys(told)).casefold()


def catalogued(connection: Connection, identifier: str) -> list[Certificate]:
    """What each source says of a certificate."""
    rows = connection.execute(
        select(_catalogue.c.content).where(_catalogue.c.id == identifier).order_by(_catalogue.c.source)
    )
    return [decode(Certificate, row.content) for row in rows]


def find(connection: Connection, words: Iterable[str], *, most: int) -> list[Certificate]:
    """Certificates of the catalogue whose entry has all the words."""
    query = select(_catalogue.c.content).order_by(_catalogue.c.id, _catalogue.c.source).limit(most)
    for word in words:
        query = query.where(_catalogue.c.words.contains(word.casefold(), autoescape=True))
    return [decode(Certificate, row.content) for row in connection.execute(query)]
