"""The tables of ceremonies, as their migration makes them; all SQL on them."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from sqlalchemy import (
    Column,
    ForeignKeyConstraint,
    Integer,
    LargeBinary,
    PrimaryKeyConstraint,
    String,
    Table,
    insert,
    select,
    update,
)

from trustworks.core.audit.bound import bind
from trustworks.core.ceremony import plan as plans
from trustworks.core.ceremony.transcript import Entry, Seal, Transcript, read_entry
from trustworks.core.store import metadata
from trustworks.core.store.types import UtcDateTime

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime
    from typing import Any

    from sqlalchemy import Connection

    from trustworks.core.ceremony.model import Read

# A ceremony is known by the digest of its plan, and so no plan is carried out twice. The columns of the seal
# are written once, when the ceremony is over; the time-stamp may come later. Nothing else ever changes.
ceremonies = Table(
    "ceremonies",
    metadata,
    Column("plan", String(64), primary_key=True),
    Column("type", String(20), nullable=False),
    Column("name", String(64), nullable=False, unique=True),
    Column("mode", String(10), nullable=False),
    Column("content", LargeBinary, nullable=False),
    Column("opened_at", UtcDateTime, nullable=False),
    Column("statement", LargeBinary, nullable=True),
    Column("signature", LargeBinary, nullable=True),
    Column("signer", LargeBinary, nullable=True),
    Column("certificate", LargeBinary, nullable=True),
    Column("time_stamp", LargeBinary, nullable=True),
)
bind(ceremonies)

entries = Table(
    "ceremony_entries",
    metadata,
    Column("plan", String(64), nullable=False),
    Column("number", Integer, autoincrement=False, nullable=False),
    Column("body", LargeBinary, nullable=False),
    PrimaryKeyConstraint("plan", "number"),
    ForeignKeyConstraint(["plan"], ["ceremonies.plan"]),
)
bind(entries)


def add_ceremony(connection: Connection, plan: Read, mode: str, at: datetime) -> None:
    """Write a ceremony that begins. Raises IntegrityError where its plan or its name is there."""
    connection.execute(
        insert(ceremonies).values(
            plan=plan.digest,
            type=plan.plan.type,
            name=plan.plan.name,
            mode=mode,
            content=plan.canonical,
            opened_at=at,
        )
    )


def add_entry(connection: Connection, plan: str, entry: Entry) -> None:
    """Write an entry. Raises IntegrityError where one of its number is there."""
    connection.execute(insert(entries).values(plan=plan, number=entry.number, body=entry.body))


def set_seal(connection: Connection, plan: str, seal: Seal) -> None:
    """Write the seal."""
    connection.execute(
        update(ceremonies)
        .where(ceremonies.c.plan == plan)
        .values(statement=seal.body, signature=seal.signature, signer=seal.spki, certificate=seal.certificate)
    )


def set_time_stamp(connection: Connection, plan: str, token: bytes) -> None:
    """Write the time-stamp of the seal."""
    connection.execute(update(ceremonies).where(ceremonies.c.plan == plan).values(time_stamp=token))


def transcript(connection: Connection, plan: str) -> Transcript | None:
    """The transcript of the ceremony with this plan's digest, without signatures; None: there is none."""
    row = connection.execute(select(ceremonies).where(ceremonies.c.plan == plan)).mappings().one_or_none()
    if row is None:
        return None
    bodies = connection.execute(
        select(entries.c.body).where(entries.c.plan == plan).order_by(entries.c.number)
    ).scalars()
    return Transcript(
        plan=plans.from_canonical(row["content"]),
        entries=tuple(read_entry(json.loads(body)) for body in bodies),
        seal=None
        if row["statement"] is None
        else Seal(
            body=row["statement"],
            signature=row["signature"],
            spki=row["signer"],
            certificate=row["certificate"],
            time_stamp=row["time_stamp"],
        ),
    )


def digest_of(connection: Connection, name: str) -> str | None:
    """The digest of the plan with this name, or with this digest; None where there is no such ceremony."""
    wanted = (ceremonies.c.name == name) | (ceremonies.c.plan == name)
    found: str | None = connection.execute(select(ceremonies.c.plan).where(wanted)).scalar_one_or_none()
    return found


def listing(connection: Connection) -> list[Mapping[str, Any]]:
    """All ceremonies, the newest first: plan, type, name, mode, opened_at, sealed, time_stamped."""
    columns = ceremonies.c
    rows = connection.execute(
        select(
            columns.plan,
            columns.type,
            columns.name,
            columns.mode,
            columns.opened_at,
            columns.statement.is_not(None).label("sealed"),
            columns.time_stamp.is_not(None).label("time_stamped"),
        ).order_by(columns.opened_at.desc(), columns.plan)
    )
    return [dict(row) for row in rows.mappings()]
