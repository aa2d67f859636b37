"""All SQL on orders and their authorizations."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from sqlalchemy import func, insert, select, update
from sqlalchemy.exc import IntegrityError

from trustworks.issuance.records.acme.tables import (
    Authorization,
    Challenge,
    Order,
    authorizations,
    challenges,
    fields,
    order_authorizations,
    orders,
    values,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import datetime

    from sqlalchemy import Connection


def add_order(connection: Connection, order: Order, authorization_ids: Sequence[str]) -> bool:
    """Write a new order; False when another order replaces the same certificate already."""
    try:
        with connection.begin_nested():
            connection.execute(insert(orders).values(values(order)))
    except IntegrityError:
        return False
    rows = [
        {"order_id": order.id, "authorization_id": one, "place": place}
        for place, one in enumerate(authorization_ids)
    ]
    connection.execute(insert(order_authorizations), rows)
    return True


def order(connection: Connection, id_: str, *, lock: bool = False) -> Order | None:
    """The order with this id, or None; with `lock` nobody else changes it until the commit."""
    query = select(orders).where(orders.c.id == id_)
    row = connection.execute(query.with_for_update() if lock else query).one_or_none()
    return None if row is None else Order(**fields(row))


def order_of_serial(connection: Connection, serial: str) -> Order | None:
    """The order whose certificate has this serial number, or None."""
    row = connection.execute(select(orders).where(orders.c.serial == serial)).one_or_none()
    return None if row is None else Order(**fields(row))


def save_order(connection: Connection, changed: Order) -> None:
    """Write a changed order over the old one."""
    connection.execute(update(orders).where(orders.c.id == changed.id).values(values(changed)))


def list_orders(
    connection: Connection,
    *,
    account: str | None = None,
    statuses: Iterable[str] = (),
    limit: int = 100,
    offset: int = 0,
) -> list[Order]:
    """The newest orders, newest first."""
    query = select(orders).order_by(orders.c.created_at.desc(), orders.c.id).limit(limit).offset(offset)
    if account is not None:
        query = query.where(orders.c.account == account)
    wanted = list(statuses)
    if wanted:
        query = query.where(orders.c.status.in_(wanted))
    return [Order(**fields(row)) for row in connection.execute(query)]


def count_orders(
    connection: Connection,
    account: str,
    *,
    since: datetime | None = None,
    statuses: Iterable[str] = (),
    names: tuple[str, ...] | None = None,
) -> int:
    """How many orders of an account there are that fit."""
    query = select(func.count()).select_from(orders).where(orders.c.account == account)
    if since is not None:
        query = query.where(orders.c.created_at >= since)
    wanted = list(statuses)
    if wanted:
        query = query.where(orders.c.status.in_(wanted))
    if names is not None:
        query = query.where(orders.c.names == json.dumps(names, separators=(",", ":")))
    return int(connection.execute(query).scalar_one())


def ended_orders(connection: Connection, statuses: Iterable[str], now: datetime, limit: int) -> list[Order]:
    """Unfinished orders whose end has come."""
    query = select(orders).where(orders.c.status.in_(list(statuses)), orders.c.expires <= now).limit(limit)
    return [Order(**fields(row)) for row in connection.execute(query)]


def stuck_orders(connection: Connection, before: datetime, limit: int) -> list[Order]:
    """Orders that have been in processing since before a moment."""
    query = select(orders).where(orders.c.status == "processing", orders.c.changed_at < before)
    return [Order(**fields(row)) for row in connection.execute(query.limit(limit))]


# Authorizations


def add_authorization(
    connection: Connection, authorization: Authorization, offered: Sequence[Challenge]
) -> None:
    """Write a new authorization with its challenges."""
    connection.execute(insert(authorizations).values(values(authorization)))
    connection.execute(insert(challenges), [values(one) for one in offered])


def authorization(connection: Connection, id_: str, *, lock: bool = False) -> Authorization | None:
    """The authorization with this id, or None; with `lock` nobody else changes it until the commit."""
    query = select(authorizations).where(authorizations.c.id == id_)
    row = connection.execute(query.with_for_update() if lock else query).one_or_none()
    return None if row is None else Authorization(**fields(row))


def save_authorization(connection: Connection, changed: Authorization) -> None:
    """Write a changed authorization over the old one."""
    connection.execute(
        update(authorizations).where(authorizations.c.id == changed.id).values(values(changed))
    )


def authorizations_of(connection: Connection, order_id: str) -> list[Authorization]:
    """The authorizations of an order, in the order of its names."""
    query = (
        select(authorizations)
        .join(order_authorizations, order_authorizations.c.authorization_id == authorizations.c.id)
        .where(order_authorizations.c.order_id == order_id)
        .order_by(order_authorizations.c.place)
    )
    return [Authorization(**fields(row)) for row in connection.execute(query)]


def orders_of_authorization(
    connection: Connection, authorization_id: str, statuses: Iterable[str]
) -> list[Order]:
    """The orders in these statuses that need an authorization; nobody else changes them until the commit."""
    query = (
        select(orders)
        .join(order_authorizations, order_authorizations.c.order_id == orders.c.id)
        .where(
            order_authorizations.c.authorization_id == authorization_id,
            orders.c.status.in_(list(statuses)),
        )
        .order_by(orders.c.id)
        .with_for_update(of=orders)
    )
    return [Order(**fields(row)) for row in connection.execute(query)]


def valid_authorization(
    connection: Connection, account: str, name: str, *, wildcard: bool, since: datetime, until: datetime
) -> Authorization | None:
    """The newest valid authorization of a name that was validated since a moment and lasts beyond `until`."""
    c = authorizations.c
    query = (
        select(authorizations)
        .where(
            c.account == account,
            c.name == name,
            c.wildcard == wildcard,
            c.status == "valid",
            c.changed_at >= since,
            c.expires > until,
        )
        .order_by(c.changed_at.desc())
        .limit(1)
    )
    row = connection.execute(query).one_or_none()
    return None if row is None else Authorization(**fields(row))


def count_failures(connection: Connection, account: str, name: str, since: datetime) -> int:
    """How many authorizations of a name failed for an account since a moment."""
    c = authorizations.c
    query = (
        select(func.count())
        .select_from(authorizations)
        .where(c.account == account, c.name == name, c.status == "invalid", c.changed_at >= since)
    )
    return int(connection.execute(query).scalar_one())


def ended_authorizations(
    connection: Connection, statuses: Iterable[str], now: datetime, limit: int
) -> list[Authorization]:
    """Authorizations whose end has come."""
    c = authorizations.c
    query = select(authorizations).where(c.status.in_(list(statuses)), c.expires <= now).limit(limit)
    return [Authorization(**fields(row)) for row in connection.execute(query)]


def of_account(connection: Connection, account: str) -> tuple[list[Order], list[Authorization]]:
    """The unfinished orders and the usable authorizations of an account, which end with it."""
    c, d = orders.c, authorizations.c
    open_orders = select(orders).where(c.account == account, c.status.in_(("pending", "ready")))
    usable = select(authorizations).where(d.account == account, d.status.in_(("pending", "valid")))
    found: tuple[list[Any], list[Any]] = (
        [Order(**fields(row)) for row in connection.execute(open_orders)],
        [Authorization(**fields(row)) for row in connection.execute(usable)],
    )
    return found
