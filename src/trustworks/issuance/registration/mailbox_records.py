"""The table of values that were mailed to show control over mailboxes, and all SQL on it.

An address tells who somebody is: it goes when the time of its application is over, as the rest does.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import Column, Integer, String, Table, func, insert, select, update

from trustworks.core.audit.bound import bind
from trustworks.core.store import metadata
from trustworks.core.store.types import UtcDateTime
from trustworks.issuance.registration import contents
from trustworks.issuance.registration.model import MailboxValidation

if TYPE_CHECKING:
    from collections.abc import Collection
    from datetime import datetime

    from sqlalchemy import Connection

validations = Table(
    "mailbox_validations",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("application", String(32), nullable=False, index=True),
    Column("address", String(255), nullable=True, index=True),
    Column("digest", String(64), nullable=False),
    Column("drawn_at", UtcDateTime, nullable=False),
    Column("drawn_by", String(64), nullable=False),
    Column("mailed_at", UtcDateTime, nullable=True),
    Column("wrong", Integer, nullable=False),
    Column("validated_at", UtcDateTime, nullable=True),
    Column("validated_by", String(64), nullable=True),
)
bind(validations, but=("address",))


def add(connection: Connection, drawn: MailboxValidation) -> None:
    """Write that a value was drawn."""
    connection.execute(
        insert(validations).values(
            id=drawn.id,
            application=drawn.application,
            address=drawn.address,
            digest=drawn.digest,
            drawn_at=drawn.drawn_at,
            drawn_by=drawn.drawn_by,
            wrong=0,
        )
    )
    contents.add(connection, "mailbox", drawn.id, drawn.application, drawn.address.encode())


def mailed(connection: Connection, identifier: str, *, at: datetime) -> None:
    """Write that the mail server took the mail."""
    connection.execute(update(validations).where(validations.c.id == identifier).values(mailed_at=at))


def guessed(connection: Connection, identifier: str) -> None:
    """Count a wrong value."""
    connection.execute(
        update(validations).where(validations.c.id == identifier).values(wrong=validations.c.wrong + 1)
    )


def validated(connection: Connection, identifier: str, *, by: str, at: datetime, most_wrong: int) -> bool:
    """Write that the value came back; False where it did before, or was guessed at too often meanwhile."""
    result = connection.execute(
        update(validations)
        .where(
            validations.c.id == identifier,
            validations.c.validated_at.is_(None),
            validations.c.wrong < most_wrong,
        )
        .values(validated_at=at, validated_by=by)
    )
    return result.rowcount == 1


def get(connection: Connection, identifier: str) -> MailboxValidation | None:
    """What was drawn under a number and is not erased, or None."""
    query = select(validations).where(validations.c.id == identifier, validations.c.address.is_not(None))
    row = connection.execute(query).one_or_none()
    return None if row is None else _validation(row)


def count_recent(connection: Connection, address: str, since: datetime) -> int:
    """How many values were drawn for a mailbox, for whatever application."""
    query = select(func.count()).where(validations.c.address == address, validations.c.drawn_at > since)
    return int(connection.execute(query).scalar_one())


def of_applications(connection: Connection, applications: Collection[str]) -> tuple[MailboxValidation, ...]:
    """All that was drawn for these applications and is not erased, the newest last."""
    query = (
        select(validations)
        .where(validations.c.application.in_(sorted(applications)), validations.c.address.is_not(None))
        .order_by(validations.c.drawn_at, validations.c.id)
    )
    return tuple(_validation(row) for row in connection.execute(query))


def erase(connection: Connection, application: str) -> None:
    """Forget the addresses."""
    connection.execute(
        update(validations).where(validations.c.application == application).values(address=None)
    )


def _validation(row: Any) -> MailboxValidation:
    return MailboxValidation(
        id=row.id,
        application=row.application,
        address=row.address,
        digest=row.digest,
        drawn_at=row.drawn_at,
        drawn_by=row.drawn_by,
        mailed_at=row.mailed_at,
        wrong=row.wrong,
        validated_at=row.validated_at,
        validated_by=row.validated_by,
    )
