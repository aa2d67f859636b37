"""How orders and authorizations end or move on; inside the transaction of whoever asks."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from trustworks.issuance.enrolment.acme.model import Problem
from trustworks.issuance.enrolment.acme.rules.orders import moved
from trustworks.issuance.records import acme as records

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy import Connection

    from trustworks.issuance.records.acme import Authorization, Order

UNFINISHED = ("pending", "ready")


def move_order(
    connection: Connection,
    order: Order,
    event: str,
    now: datetime,
    *,
    error: dict[str, Any] | None = None,
    serial: str | None = None,
) -> Order:
    """Move an order by an event of the table `MOVES`, and write it."""
    changed = replace(order, status=moved(order.status, event), changed_at=now, error=error, serial=serial)
    records.save_order(connection, changed)
    return changed


def authorization_ended(
    connection: Connection, ended: Authorization, status: str, now: datetime, error: dict[str, Any]
) -> None:
    """End an authorization; its challenges wait no longer, and the orders that need it have failed."""
    records.save_authorization(connection, replace(ended, status=status, changed_at=now))
    for one in records.challenges_of(connection, ended.id):
        if one.status == "processing":
            records.save_challenge(
                connection, replace(one, status="invalid", due_at=None, claimed_until=None, error=error)
            )
    for order in records.orders_of_authorization(connection, ended.id, UNFINISHED):
        move_order(connection, order, "failed", now, error=error)


def authorization_validated(connection: Connection, validated: Authorization, now: datetime) -> list[str]:
    """Move the orders on whose last authorization this was; their ids."""
    ready = []
    for order in records.orders_of_authorization(connection, validated.id, ("pending",)):
        needed = records.authorizations_of(connection, order.id)
        if all(one.status == "valid" and one.expires > now for one in needed):
            move_order(connection, order, "authorized", now)
            ready.append(order.id)
    return ready


def end_everything(connection: Connection, account: str, now: datetime) -> None:
    """End what an account has begun: it is closed."""
    closed = Problem("unauthorized", "The account was deactivated.").document()
    orders, authorizations = records.of_account(connection, account)
    for one in authorizations:
        authorization_ended(connection, one, "deactivated", now, closed)
    for order in orders:
        current = records.order(connection, order.id, lock=True)
        if current is not None and current.status in UNFINISHED:
            move_order(connection, current, "failed", now, error=closed)
