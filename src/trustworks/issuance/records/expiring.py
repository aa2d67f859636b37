"""Certificates that end soon, and how far others were told of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from sqlalchemy import Column, String, Table, and_, bindparam, insert, or_, select, update

from trustworks.core.store import metadata
from trustworks.core.store.types import UtcDateTime
from trustworks.issuance.records.tables import certificates

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from sqlalchemy import Connection

notice_marks = Table(
    "notice_marks",
    metadata,
    Column("name", String(40), primary_key=True),
    Column("at", UtcDateTime, nullable=False),
    Column("serial", String(40), nullable=False),
)


class Ending(NamedTuple):
    """A certificate that ends soon."""

    serial: str
    profile: str
    not_before: datetime
    not_after: datetime


def ending_mark(connection: Connection, name: str) -> tuple[datetime, str] | None:
    """Up to which end, and which serial of that end, certificates were told of."""
    row = connection.execute(select(notice_marks).where(notice_marks.c.name == name)).one_or_none()
    return None if row is None else (row.at, row.serial)


def set_ending_mark(connection: Connection, name: str, at: datetime, serial: str) -> None:
    """Note how far certificates were told of."""
    done = connection.execute(
        update(notice_marks).where(notice_marks.c.name == name).values(at=at, serial=serial)
    )
    if done.rowcount == 0:
        connection.execute(insert(notice_marks).values(name=name, at=at, serial=serial))


_ENDING = (
    select(certificates.c.serial, certificates.c.profile, certificates.c.not_before, certificates.c.not_after)
    .where(
        or_(
            certificates.c.not_after > bindparam("at"),
            and_(certificates.c.not_after == bindparam("at"), certificates.c.serial > bindparam("serial")),
        ),
        certificates.c.not_after >= bindparam("at"),
        certificates.c.not_after <= bindparam("until"),
        certificates.c.state == "issued",
        certificates.c.revoked_at.is_(None),
    )
    .order_by(certificates.c.not_after, certificates.c.serial)
    .limit(bindparam("most"))
)


def ending(
    connection: Connection, after: tuple[datetime, str], until: datetime, *, most: int
) -> Iterator[Ending]:
    """Certificates in force that end behind a mark and not after `until`, by their end."""
    given = {"at": after[0], "serial": after[1], "until": until, "most": most}
    for row in connection.execute(_ENDING, given):
        yield Ending(row.serial, row.profile, row.not_before, row.not_after)
