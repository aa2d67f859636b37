"""The records of seals, of agreements and of what clients used: all SQL of this service is here.

A seal is counted from before it is made, so that clients get no more of them than they may have, however many
processes serve them, and whenever one of these ends. Once its key was asked to sign it stays counted,
whatever becomes of the document.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from sqlalchemy import (
    Column,
    Index,
    Integer,
    LargeBinary,
    PrimaryKeyConstraint,
    String,
    Table,
    bindparam,
    func,
    insert,
    select,
    update,
)

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

# `digest` is the SHA-256 of the agreement, which has a random number, so that it tells nothing of a document;
# `dtbs` is the DTBS/R that it is about, and `value` the SHA-256 of the value that came of it, as the key gave
# it (ECDSA in DER). The agreement and its seal (`proof`) have names in them: these two may be taken away when
# their time is over.
agreements = Table(
    "signing_agreements",
    metadata,
    Column("id", String(32), nullable=False),
    Column("client", String(63), nullable=False),
    Column("seal", String(63), nullable=False),
    Column("key", String(64), nullable=False),
    Column("digest", String(64), nullable=False),
    Column("dtbs", String(128), nullable=False),
    Column("agreed", UtcDateTime, nullable=False),
    Column("agreement", LargeBinary, nullable=True),
    Column("proof", LargeBinary, nullable=True),
    Column("value", String(64), nullable=True),
    PrimaryKeyConstraint("id"),
)

# `day` is its first moment (UTC). `time_stamps` has those that are set aside for requests under way, too.
usage = Table(
    "signing_usage",
    metadata,
    Column("client", String(63), nullable=False),
    Column("day", UtcDateTime, nullable=False),
    Column("requests", Integer, nullable=False),
    Column("time_stamps", Integer, nullable=False),
    PrimaryKeyConstraint("client", "day"),
)


def use(
    connection: Connection, client: str, day: datetime, *, requests: int = 0, time_stamps: int = 0
) -> tuple[int, int]:
    """Add to what a client used on a day, or take away; answers its requests and time-stamps with that.

    Who counts asks `one_at_a_time` before.
    """
    here = (usage.c.client == client) & (usage.c.day == day)
    row = connection.execute(select(usage.c.requests, usage.c.time_stamps).where(here)).one_or_none()
    found = (requests, time_stamps)
    if row is not None:
        found = (row.requests + requests, row.time_stamps + time_stamps)
        connection.execute(update(usage).where(here).values(requests=found[0], time_stamps=found[1]))
    else:
        values = {"client": client, "day": day, "requests": found[0], "time_stamps": found[1]}
        connection.execute(insert(usage).values(values))
    return found


# Made once: what each seal asks costs more to put together than to carry out.
_COUNTED: Final = (
    select(func.count())
    .select_from(seals)
    .where(
        seals.c.client == bindparam("client_"),
        seals.c.begun >= bindparam("since"),
        seals.c.state != FAILED,
    )
)
_BEGIN: Final = insert(seals)
_SIGN: Final = update(seals).where(seals.c.id == bindparam("id_")).values(state=SIGNED)
_GIVE: Final = (
    update(seals).where(seals.c.id == bindparam("id_")).values(state=GIVEN, level=bindparam("level_"))
)


def counted(connection: Connection, client: str, *, since: datetime) -> int:
    """The seals that a client got since then, with those that are being made."""
    return int(connection.execute(_COUNTED, {"client_": client, "since": since}).scalar_one())


def one_at_a_time(connection: Connection, client: str) -> None:
    """Until this transaction ends no other counts the seals of that client; of SQLite none other writes."""
    if connection.dialect.name == "postgresql":
        connection.execute(select(func.pg_advisory_xact_lock(func.hashtext(f"signing:{client}"))))


def begin(connection: Connection, *, id_: str, client: str, seal: str, key: str, at: datetime) -> None:
    """A seal is being made."""
    row = {"id": id_, "client": client, "seal": seal, "key": key, "begun": at, "state": BEGUN}
    connection.execute(_BEGIN, row)


def sign(connection: Connection, id_: str) -> None:
    """Its key signs now."""
    connection.execute(_SIGN, {"id_": id_})


def fail(connection: Connection, id_: str) -> None:
    """Nothing came of it. Where its key had not signed it counts no more."""
    unsigned = (seals.c.id == id_) & (seals.c.state == BEGUN)
    connection.execute(update(seals).where(unsigned).values(state=FAILED))


def give(connection: Connection, id_: str, *, level: str) -> None:
    """It is made, with that level."""
    connection.execute(_GIVE, {"id_": id_, "level_": level})


def is_agreed(connection: Connection, id_: str) -> bool:
    """Whether there is an agreement of that number."""
    query = select(func.count()).select_from(agreements).where(agreements.c.id == id_)
    return bool(connection.execute(query).scalar_one())


def agree(connection: Connection, **columns: object) -> None:
    """Something was agreed to. Raises IntegrityError where there is one with its number."""
    connection.execute(insert(agreements).values(**columns))


def signed(connection: Connection, id_: str, *, value: str) -> None:
    """A signature came of it, whose value has that SHA-256."""
    connection.execute(update(agreements).where(agreements.c.id == id_).values(value=value))
