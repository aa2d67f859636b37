"""The table of what applicants put up to show control over names, and all SQL on it.

A name may tell who somebody is: it goes when the time of its application is over, as the rest does.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import Column, String, Table, insert, select, update

from trustworks.core.audit.bound import bind
from trustworks.core.store import metadata
from trustworks.core.store.types import UtcDateTime
from trustworks.issuance.registration import contents
from trustworks.issuance.registration.model import DomainValidation

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable
    from datetime import datetime

    from sqlalchemy import Connection

    from trustworks.issuance.registration.model import DomainMethod

validations = Table(
    "domain_validations",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("application", String(32), nullable=False, index=True),
    Column("name", String(260), nullable=True),
    Column("token", String(64), nullable=False),
    Column("value", String(64), nullable=False),
    Column("drawn_at", UtcDateTime, nullable=False),
    Column("drawn_by", String(64), nullable=False),
    Column("method", String(8), nullable=True),
    Column("validated_at", UtcDateTime, nullable=True),
    Column("validated_by", String(64), nullable=True),
)
bind(validations, but=("name",))


def add(connection: Connection, drawn: Iterable[DomainValidation]) -> None:
    """Write what was drawn for names."""
    for one in drawn:
        connection.execute(
            insert(validations).values(
                id=one.id,
                application=one.application,
                name=one.name,
                token=one.token,
                value=one.value,
                drawn_at=one.drawn_at,
                drawn_by=one.drawn_by,
            )
        )
        contents.add(connection, "domain", one.id, one.application, one.name.encode())


def validated(
    connection: Connection, identifier: str, *, method: DomainMethod, by: str, at: datetime
) -> bool:
    """Write that control was seen; False where that was written before."""
    result = connection.execute(
        update(validations)
        .where(validations.c.id == identifier, validations.c.validated_at.is_(None))
        .values(method=method, validated_at=at, validated_by=by)
    )
    return result.rowcount == 1


def of_applications(connection: Connection, applications: Collection[str]) -> tuple[DomainValidation, ...]:
    """All that was drawn for these applications and is not erased, the newest last."""
    query = (
        select(validations)
        .where(validations.c.application.in_(sorted(applications)), validations.c.name.is_not(None))
        .order_by(validations.c.drawn_at, validations.c.id)
    )
    return tuple(_validation(row) for row in connection.execute(query))


def erase(connection: Connection, application: str) -> None:
    """Forget the names."""
    connection.execute(update(validations).where(validations.c.application == application).values(name=None))


def _validation(row: Any) -> DomainValidation:
    return DomainValidation(
        id=row.id,
        application=row.application,
        name=row.name,
        token=row.token,
        value=row.value,
        drawn_at=row.drawn_at,
        drawn_by=row.drawn_by,
        method=row.method,
        validated_at=row.validated_at,
        validated_by=row.validated_by,
    )
