"""The table of published lists, and all SQL on it. Every row is written once and stays."""

from __future__ import annotations

from dataclasses import fields
from datetime import datetime  # noqa: TC003 - dataclasses read it
from typing import TYPE_CHECKING, Final

from sqlalchemy import Column, Integer, LargeBinary, String, Table, func, select

from trustworks.core.audit.bound import bind
from trustworks.core.store.metadata import metadata
from trustworks.core.store.types import UtcDateTime
from trustworks.core.values import dataclass

if TYPE_CHECKING:
    from sqlalchemy import Connection

LIST: Final = "list"
LIST_OF_LISTS: Final = "lotl"

trusted_lists = Table(
    "trusted_lists",
    metadata,
    Column("kind", String(8), primary_key=True),
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("territory", String(2), nullable=False),
    Column("issued_at", UtcDateTime, nullable=False),
    Column("next_update", UtcDateTime, nullable=False),
    Column("sha256", String(64), nullable=False),
    Column("octets", LargeBinary, nullable=False),
    Column("signer", LargeBinary, nullable=False),
    Column("published_by", String(200), nullable=False),
)
bind(trusted_lists)


@dataclass(frozen=True, slots=True, kw_only=True)
class Issue:
    """A published list: `kind` is LIST or LIST_OF_LISTS, `signer` the certificate (DER) it is signed with."""

    kind: str
    number: int
    territory: str
    issued_at: datetime
    next_update: datetime
    sha256: str
    octets: bytes
    signer: bytes
    published_by: str


def add(connection: Connection, issue: Issue) -> None:
    """Keep an issue."""
    values = {one.name: getattr(issue, one.name) for one in fields(Issue)}
    connection.execute(trusted_lists.insert().values(**values))


def last_number(connection: Connection, kind: str) -> int:
    """The number of the newest issue of a kind; 0 where there is none."""
    query = select(func.max(trusted_lists.c.number)).where(trusted_lists.c.kind == kind)
    return connection.scalar(query) or 0


def newest(connection: Connection, kind: str) -> Issue | None:
    """The issue in force."""
    return numbered(connection, kind, last_number(connection, kind))


def numbered(connection: Connection, kind: str, number: int) -> Issue | None:
    """The issue of that number."""
    row = connection.execute(
        select(trusted_lists).where(trusted_lists.c.kind == kind, trusted_lists.c.number == number)
    ).one_or_none()
    return None if row is None else Issue(**row._mapping)  # noqa: SLF001 - the row by its columns' names
