"""All SQL on sessions, and on the challenges that authenticators sign."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import delete, func, insert, select, update
from sqlalchemy.exc import IntegrityError

from trustworks.core.roles.model import Factor, Session
from trustworks.core.roles.records.tables import challenges, sessions

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy import Connection


def add_session(connection: Connection, token_sha256: bytes, session: Session) -> None:
    """Write a session that was opened."""
    connection.execute(
        insert(sessions).values(
            token_sha256=token_sha256,
            operator=session.operator,
            key_id=session.key_id,
            factors=" ".join(sorted(one.value for one in session.factors)),
            opened_at=session.opened_at,
            used_at=session.used_at,
            ends_at=session.ends_at,
        )
    )


def session(connection: Connection, token_sha256: bytes) -> Session | None:
    """The session with this token, unless it was closed."""
    query = select(sessions).where(sessions.c.token_sha256 == token_sha256, sessions.c.closed_at.is_(None))
    row = connection.execute(query).one_or_none()
    if row is None:
        return None
    return Session(
        operator=row.operator,
        key_id=row.key_id,
        factors=frozenset(map(Factor, row.factors.split())),
        opened_at=row.opened_at,
        used_at=row.used_at,
        ends_at=row.ends_at,
    )


def touch_session(connection: Connection, token_sha256: bytes, *, at: datetime) -> None:
    """Remember that a session was used."""
    connection.execute(
        update(sessions)
        .where(sessions.c.token_sha256 == token_sha256, sessions.c.closed_at.is_(None))
        .values(used_at=at)
    )


def close_session(connection: Connection, token_sha256: bytes, *, at: datetime) -> None:
    """Close a session."""
    connection.execute(
        update(sessions)
        .where(sessions.c.token_sha256 == token_sha256, sessions.c.closed_at.is_(None))
        .values(closed_at=at)
    )


def close_sessions(connection: Connection, operator: str, *, at: datetime) -> int:
    """Close all sessions of an operator, and answer how many there were that might have lasted."""
    return connection.execute(
        update(sessions)
        .where(sessions.c.operator == operator, sessions.c.closed_at.is_(None), sessions.c.ends_at > at)
        .values(closed_at=at)
    ).rowcount


def count_open_sessions(connection: Connection, *, at: datetime, used_since: datetime) -> int:
    """How many sessions last at this moment, of those that were used since."""
    query = (
        select(func.count())
        .select_from(sessions)
        .where(sessions.c.closed_at.is_(None), sessions.c.ends_at > at, sessions.c.used_at > used_since)
    )
    return int(connection.execute(query).scalar_one())


# Challenges


def add_challenge(
    connection: Connection, challenge_sha256: bytes, purpose: str, *, ends_at: datetime
) -> None:
    """Write a challenge."""
    connection.execute(
        insert(challenges).values(challenge_sha256=challenge_sha256, purpose=purpose, ends_at=ends_at)
    )


def use_challenge(
    connection: Connection, challenge_sha256: bytes, purpose: str, *, ends_at: datetime
) -> bool:
    """Note that a challenge was used; False when it was before."""
    try:
        with connection.begin_nested():  # what it failed on is told in the same transaction
            add_challenge(connection, challenge_sha256, purpose, ends_at=ends_at)
    except IntegrityError:
        return False
    return True


def take_challenge(connection: Connection, challenge_sha256: bytes, purpose: str, *, now: datetime) -> bool:
    """Whether the challenge was waiting for that purpose; it waits no more."""
    done = connection.execute(
        delete(challenges).where(
            challenges.c.challenge_sha256 == challenge_sha256,
            challenges.c.purpose == purpose,
            challenges.c.ends_at > now,
        )
    )
    return done.rowcount == 1


def purpose_of(connection: Connection, challenge_sha256: bytes) -> str | None:
    """What a challenge waits for; None where none does."""
    query = select(challenges.c.purpose).where(challenges.c.challenge_sha256 == challenge_sha256)
    return connection.execute(query).scalar_one_or_none()


def drop_challenges(connection: Connection, *, now: datetime) -> None:
    """Forget the challenges whose time has passed."""
    connection.execute(delete(challenges).where(challenges.c.ends_at <= now))
