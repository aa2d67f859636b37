"""The table of published statements, and all SQL on it. Every row is written once."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import Column, Integer, LargeBinary, String, Table, Text, func, select

from trustworks.app.statements.model import DIGITS, Document, Version
from trustworks.core.audit.bound import bind
from trustworks.core.store.metadata import metadata
from trustworks.core.store.types import UtcDateTime
from trustworks.core.trace import implements

if TYPE_CHECKING:
    from sqlalchemy import Connection, Row

statements = Table(
    "statements",
    metadata,
    Column("document", String(8), primary_key=True),
    Column("language", String(2), primary_key=True),
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("sha256", String(64), nullable=False),
    Column("title", String(200), nullable=False),
    Column("text", Text, nullable=False),
    Column("pdf", LargeBinary, nullable=False),
    Column("published_at", UtcDateTime, nullable=False),
    Column("published_by", String(200), nullable=False),
)
bind(statements)
_HEAD = (
    statements.c.document,
    statements.c.language,
    statements.c.number,
    statements.c.sha256,
    statements.c.title,
    statements.c.published_at,
    statements.c.published_by,
)


def add(connection: Connection, version: Version) -> None:
    """Keep a version."""
    connection.execute(
        statements.insert().values(
            document=version.document.value,
            language=version.language,
            number=version.number,
            sha256=version.sha256,
            title=version.title,
            text=version.text,
            pdf=version.pdf,
            published_at=version.published_at,
            published_by=version.published_by,
        )
    )


def last_number(connection: Connection, document: Document, language: str) -> int:
    """The number of the newest version; 0 where there is none."""
    found = connection.scalar(
        select(func.max(statements.c.number)).where(
            statements.c.document == document.value, statements.c.language == language
        )
    )
    return found or 0


def newest(connection: Connection, document: Document, language: str) -> Version | None:
    """The version in force."""
    return version(connection, document, language, last_number(connection, document, language))


def version(connection: Connection, document: Document, language: str, number: int) -> Version | None:
    """The version of that number."""
    row = connection.execute(
        select(statements).where(
            statements.c.document == document.value,
            statements.c.language == language,
            statements.c.number == number,
        )
    ).first()
    return None if row is None else _version(row)


@implements("TRUSTWORKS:STATEMENTS-VERSIONED", disabled=None)
def by_digest(connection: Connection, document: Document, language: str, digits: str) -> Version | None:
    """The version whose digest begins with `digits`, `DIGITS` of them; the newest, if one text came back."""
    if len(digits) != DIGITS:
        return None
    row = connection.execute(
        select(statements)
        .where(
            statements.c.document == document.value,
            statements.c.language == language,
            func.substr(statements.c.sha256, 1, DIGITS) == digits,
        )
        .order_by(statements.c.number.desc())
        .limit(1)
    ).first()
    return None if row is None else _version(row)


def listed(connection: Connection) -> list[Version]:
    """All versions, the newest first, without text and PDF."""
    rows = connection.execute(
        select(*_HEAD).order_by(statements.c.document, statements.c.language, statements.c.number.desc())
    )
    return [
        Version(
            document=Document(row.document),
            language=row.language,
            number=row.number,
            sha256=row.sha256,
            title=row.title,
            text="",
            pdf=b"",
            published_at=row.published_at,
            published_by=row.published_by,
        )
        for row in rows
    ]


def _version(row: Row[Any]) -> Version:
    return Version(
        document=Document(row.document),
        language=row.language,
        number=row.number,
        sha256=row.sha256,
        title=row.title,
        text=row.text,
        pdf=row.pdf,
        published_at=row.published_at,
        published_by=row.published_by,
    )
