"""All SQL on requests for revocation."""

from __future__ import annotations

import secrets
from dataclasses import fields
from typing import TYPE_CHECKING, Any

from sqlalchemy import insert, select, update

from trustworks.issuance.model import RevocationReason, RevocationRequest
from trustworks.issuance.records.tables import revocation_requests as requests

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy import Connection


def new_id() -> str:
    """An identifier for a request: 128 random bits."""
    return secrets.token_hex(16)


def add_revocation_request(connection: Connection, request: RevocationRequest) -> None:
    """Write a request."""
    values = {field.name: getattr(request, field.name) for field in fields(request)}
    values["reason"] = None if request.reason is None else request.reason.value
    connection.execute(insert(requests).values(values))


def revocation_request(
    connection: Connection, identifier: str, *, lock: bool = False
) -> RevocationRequest | None:
    """The request with this identifier, or None; with `lock` nobody else changes it until the commit."""
    query = select(requests).where(requests.c.id == identifier)
    row = connection.execute(query.with_for_update() if lock else query).one_or_none()
    return None if row is None else request_of_row(row)


def revocation_requests(
    connection: Connection, *, state: str | None = None, limit: int = 1000
) -> list[RevocationRequest]:
    """The requests, the oldest first."""
    query = select(requests).order_by(requests.c.received_at, requests.c.id).limit(limit)
    if state is not None:
        query = query.where(requests.c.state == state)
    return [request_of_row(row) for row in connection.execute(query)]


def due_requests(connection: Connection, now: datetime) -> list[RevocationRequest]:
    """The confirmed requests whose moment has come."""
    query = select(requests).where(
        requests.c.state == "pending", requests.c.confirmed_how.is_not(None), requests.c.effective_at <= now
    )
    return [request_of_row(row) for row in connection.execute(query.order_by(requests.c.effective_at))]


def change_request(connection: Connection, identifier: str, **values: Any) -> bool:
    """Change a pending request; False when there is no such one."""
    result = connection.execute(
        update(requests).where(requests.c.id == identifier, requests.c.state == "pending").values(**values)
    )
    return result.rowcount == 1


def request_of_row(row: Any) -> RevocationRequest:
    """The request in a row of the table."""
    values = dict(row._mapping)  # noqa: SLF001 - the public name of the library
    reason = values.pop("reason")
    return RevocationRequest(reason=None if reason is None else RevocationReason(reason), **values)
