"""All SQL on challenges, which are the queue of validation too."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import or_, select, update

from trustworks.issuance.records.acme.tables import Challenge, challenges, fields, values

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy import Connection


def challenge(connection: Connection, id_: str, *, lock: bool = False) -> Challenge | None:
    """The challenge with this id, or None; with `lock` nobody else changes it until the commit."""
    query = select(challenges).where(challenges.c.id == id_)
    row = connection.execute(query.with_for_update() if lock else query).one_or_none()
    return None if row is None else Challenge(**fields(row))


def challenges_of(connection: Connection, authorization_id: str) -> list[Challenge]:
    """The challenges of an authorization, by type."""
    query = select(challenges).where(challenges.c.authorization == authorization_id)
    return [Challenge(**fields(row)) for row in connection.execute(query.order_by(challenges.c.type))]


def save_challenge(connection: Connection, changed: Challenge) -> None:
    """Write a changed challenge over the old one."""
    connection.execute(update(challenges).where(challenges.c.id == changed.id).values(values(changed)))


def due_challenges(connection: Connection, now: datetime, limit: int) -> list[str]:
    """The ids of challenges whose next attempt may begin and is nobody's, the longest due first."""
    c = challenges.c
    query = (
        select(c.id)
        .where(c.due_at <= now, or_(c.claimed_until.is_(None), c.claimed_until <= now))
        .order_by(c.due_at)
        .limit(limit)
    )
    return list(connection.execute(query).scalars())


def claim_challenge(connection: Connection, id_: str, now: datetime, until: datetime) -> bool:
    """Take an attempt for oneself until a moment; False when another process was quicker."""
    c = challenges.c
    result = connection.execute(
        update(challenges)
        .where(c.id == id_, c.due_at <= now, or_(c.claimed_until.is_(None), c.claimed_until <= now))
        .values(claimed_until=until, attempts=c.attempts + 1)
    )
    return result.rowcount == 1
