"""All SQL on ACME accounts, on the keys that they may be bound to, and on nonces that were used."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import delete, func, insert, select, update
from sqlalchemy.exc import IntegrityError

from trustworks.issuance.records.acme.tables import (
    Account,
    ExternalKey,
    accounts,
    external_keys,
    fields,
    used_nonces,
    values,
)

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy import Connection


def add_account(connection: Connection, account: Account) -> bool:
    """Write a new account; False when its key has one already."""
    try:
        with connection.begin_nested():
            connection.execute(insert(accounts).values(values(account)))
    except IntegrityError:
        return False
    return True


def account(connection: Connection, id_: str, *, lock: bool = False) -> Account | None:
    """The account with this id, or None; with `lock` nobody else changes it until the commit."""
    query = select(accounts).where(accounts.c.id == id_)
    row = connection.execute(query.with_for_update() if lock else query).one_or_none()
    return None if row is None else Account(**fields(row))


def account_of_key(connection: Connection, thumbprint: str) -> Account | None:
    """The account with this key (RFC 7638 thumbprint), in whatever status, or None."""
    row = connection.execute(select(accounts).where(accounts.c.thumbprint == thumbprint)).one_or_none()
    return None if row is None else Account(**fields(row))


def save_account(connection: Connection, changed: Account) -> bool:
    """Write a changed account over the old one; False when its new key has an account already."""
    try:
        with connection.begin_nested():
            connection.execute(update(accounts).where(accounts.c.id == changed.id).values(values(changed)))
    except IntegrityError:
        return False
    return True


def list_accounts(connection: Connection, *, status: str | None = None, limit: int = 100) -> list[Account]:
    """The newest accounts, newest first."""
    query = select(accounts).order_by(accounts.c.created_at.desc(), accounts.c.id).limit(limit)
    if status is not None:
        query = query.where(accounts.c.status == status)
    return [Account(**fields(row)) for row in connection.execute(query)]


def count_accounts(connection: Connection, since: datetime) -> int:
    """How many accounts were made since a moment."""
    query = select(func.count()).select_from(accounts).where(accounts.c.created_at >= since)
    return int(connection.execute(query).scalar_one())


def add_external_key(connection: Connection, key: ExternalKey) -> None:
    """Write a new key that an account may be bound to."""
    connection.execute(insert(external_keys).values(values(key)))


def external_key(connection: Connection, kid: str, *, lock: bool = False) -> ExternalKey | None:
    """The key with this identifier, or None; with `lock` nobody else changes it until the commit."""
    query = select(external_keys).where(external_keys.c.kid == kid)
    row = connection.execute(query.with_for_update() if lock else query).one_or_none()
    return None if row is None else ExternalKey(**fields(row))


def save_external_key(connection: Connection, changed: ExternalKey) -> None:
    """Write a changed key over the old one."""
    connection.execute(
        update(external_keys).where(external_keys.c.kid == changed.kid).values(values(changed))
    )


def list_external_keys(connection: Connection, limit: int = 100) -> list[ExternalKey]:
    """The newest keys, newest first."""
    query = select(external_keys).order_by(external_keys.c.created_at.desc(), external_keys.c.kid)
    return [ExternalKey(**fields(row)) for row in connection.execute(query.limit(limit))]


def use_nonce(connection: Connection, nonce: str, expires: datetime) -> bool:
    """Write that a nonce was used; False when it was used before, by whatever process."""
    try:
        with connection.begin_nested():
            connection.execute(insert(used_nonces).values(nonce=nonce, expires=expires))
    except IntegrityError:
        return False
    return True


def forget_nonces(connection: Connection, now: datetime) -> int:
    """Forget used nonces that expired, which are refused by their age; how many those were."""
    return connection.execute(delete(used_nonces).where(used_nonces.c.expires < now)).rowcount
