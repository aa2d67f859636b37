"""The record of seals: which key sealed for which client, and when. All SQL of this service is here.

A seal is counted from before it is made, so that clients get no more of them than they may have, however many
processes serve them, and whenever one of these ends. Once its key was asked to sign it stays counted,
whatever becomes of the document.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import Column, Index, PrimaryKeyConstraint, String, Table, func, insert, select, update

from trustworks.core.store.metadata import metadata
from trustworks.core.store.types import UtcDateTime

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy import Connection

BEGUN, SIGNED, GIVEN, FAILED = "begun", "signed", "given", "failed"

# `key` is the SHA-256 of the public key in hexadecimal. Nothing of a document is here.
seals = Table(
    "signing_seals",
    metadata,
    Column("id", String(32), nullable=False),
    Column("client", String(63), nullable=False),
    Column("seal", String(63), nullable=False),
    Column("key", String(64), nullable=False),
    Column("begun", UtcDateTime, nullable=False),
    Column("state", String(8), nullable=False),
    Column("level", String(40), nullable=True),
    PrimaryKeyConstraint("id"),
    Index(None, "client", "begun"),
)


def counted(connection: Connection, client: str, *, since: datetime) -> int:
    """The seals that a client got since then, with those that are being made."""
    query = (
        select(func.count())
        .select_from(seals)
        .where(seals.c.client == client, seals.c.begun >= since, seals.c.state != FAILED)
    )
    return int(connection.execute(query).scalar_one())


def one_at_a_time(connection: Connection, client: str) -> None:
    """Until this transaction ends no other counts the seals of that client; of SQLite none other writes."""
    if connection.dialect.name == "postgresql":
        connection.execute(select(func.pg_advisory_xact_lock(func.hashtext(f"signing:{client}"))))


def begin(connection: Connection, *, id_: str, client: str, seal: str, key: str, at: datetime) -> None:
    """A seal is being made."""
    connection.execute(insert(seals).values(id=id_, client=client, seal=seal, key=key, begun=at, state=BEGUN))


def sign(connection: Connection, id_: str) -> None:
    """Its key signs now."""
    connection.execute(update(seals).where(seals.c.id == id_).values(state=SIGNED))


def fail(connection: Connection, id_: str) -> None:
    """Nothing came of it. Where its key had not signed it counts no more."""
    unsigned = (seals.c.id == id_) & (seals.c.state == BEGUN)
    connection.execute(update(seals).where(unsigned).values(state=FAILED))


def give(connection: Connection, id_: str, *, level: str) -> None:
    """It is made, with that level."""
    connection.execute(update(seals).where(seals.c.id == id_).values(state=GIVEN, level=level))
