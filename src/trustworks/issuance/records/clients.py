"""The tables of the JSON API: its clients, their sessions, and the requests that must not count twice."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from sqlalchemy import (
    Column,
    LargeBinary,
    PrimaryKeyConstraint,
    String,
    Table,
    bindparam,
    delete,
    insert,
    select,
    update,
)
from sqlalchemy.exc import IntegrityError

from trustworks.core.audit.bound import bind
from trustworks.core.store import metadata
from trustworks.core.store.types import UtcDateTime

if TYPE_CHECKING:
    from sqlalchemy import Connection


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiClient:
    """A system of an integrator that speaks the JSON API.

    It signs in by the key of `certificate` and by a secret. `acts` are what it may do, in the words of
    `core.roles.model.Act`; `profiles` by which it may have certificates issued.
    """

    name: str
    certificate: bytes
    key_id: str
    secret_sha256: bytes
    acts: frozenset[str]
    profiles: frozenset[str]
    added_at: datetime
    added_by: str
    removed_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiSession:
    """A sign-in of a client that lasts until `ends_at`."""

    client: ApiClient
    ends_at: datetime

    @staticmethod
    def forgotten_before(now: datetime) -> datetime:
        """When a session ended whose nonce need not be kept: its sign-in would be too old by far."""
        return now - timedelta(hours=1)


api_clients = Table(
    "api_clients",
    metadata,
    Column("name", String(64), primary_key=True),
    Column("certificate", LargeBinary, nullable=False),
    Column("key_id", String(64), nullable=False, unique=True),
    Column("secret_sha256", LargeBinary(32), nullable=False),
    Column("acts", String(500), nullable=False),
    Column("profiles", String(2000), nullable=False),
    Column("added_at", UtcDateTime, nullable=False),
    Column("added_by", String(64), nullable=False),
    Column("removed_at", UtcDateTime, nullable=True),
)
bind(api_clients)

# A sign-in's nonce is used once, whether its session still lasts or not.
api_sessions = Table(
    "api_sessions",
    metadata,
    Column("token_sha256", LargeBinary(32), primary_key=True),
    Column("client", String(64), nullable=False),
    Column("nonce", String(128), nullable=False, unique=True),
    Column("opened_at", UtcDateTime, nullable=False),
    Column("ends_at", UtcDateTime, nullable=False, index=True),
)

# Which certificate a request with that Idempotency-Key got; `request` is SHA-256 of its body.
api_requests = Table(
    "api_requests",
    metadata,
    Column("client", String(64), nullable=False),
    Column("key", String(128), nullable=False),
    Column("request", LargeBinary(32), nullable=False),
    Column("serial", String(40), nullable=False),
    Column("at", UtcDateTime, nullable=False, index=True),
    PrimaryKeyConstraint("client", "key"),
)

_SESSION = (
    select(api_sessions.c.ends_at, *api_clients.c)
    .select_from(api_sessions.join(api_clients, api_clients.c.name == api_sessions.c.client))
    .where(api_sessions.c.token_sha256 == bindparam("token"))
)
_REQUEST = select(api_requests.c.request, api_requests.c.serial).where(
    api_requests.c.client == bindparam("client"), api_requests.c.key == bindparam("key")
)


def add_client(connection: Connection, client: ApiClient) -> bool:
    """Write a new client; False when there is or was one of that name or with that key."""
    try:
        with connection.begin_nested():
            connection.execute(
                insert(api_clients).values(
                    name=client.name,
                    certificate=client.certificate,
                    key_id=client.key_id,
                    secret_sha256=client.secret_sha256,
                    acts=" ".join(sorted(client.acts)),
                    profiles=" ".join(sorted(client.profiles)),
                    added_at=client.added_at,
                    added_by=client.added_by,
                    removed_at=None,
                )
            )
    except IntegrityError:
        return False
    return True


def api_client(connection: Connection, name: str) -> ApiClient | None:
    """The client of that name, removed or not, or None."""
    row = connection.execute(select(api_clients).where(api_clients.c.name == name)).one_or_none()
    return None if row is None else _client(row)


def list_clients(connection: Connection) -> list[ApiClient]:
    """All clients that there are or were, by name."""
    return [_client(row) for row in connection.execute(select(api_clients).order_by(api_clients.c.name))]


def remove_client(connection: Connection, name: str, *, at: datetime) -> bool:
    """Let a client in no more; False when there is none of that name."""
    result = connection.execute(
        update(api_clients)
        .where(api_clients.c.name == name, api_clients.c.removed_at.is_(None))
        .values(removed_at=at)
    )
    connection.execute(delete(api_sessions).where(api_sessions.c.client == name))
    return result.rowcount == 1


def add_session(
    connection: Connection, token_sha256: bytes, session: ApiSession, *, nonce: str, at: datetime
) -> bool:
    """Write a session; False when its nonce was used before. Sessions that ended an hour ago go."""
    connection.execute(delete(api_sessions).where(api_sessions.c.ends_at < session.forgotten_before(at)))
    try:
        with connection.begin_nested():
            connection.execute(
                insert(api_sessions).values(
                    token_sha256=token_sha256,
                    client=session.client.name,
                    nonce=nonce,
                    opened_at=at,
                    ends_at=session.ends_at,
                )
            )
    except IntegrityError:
        return False
    return True


def api_session(connection: Connection, token_sha256: bytes) -> ApiSession | None:
    """The session with this token, ended or not, with its client as it is now."""
    row = connection.execute(_SESSION, {"token": token_sha256}).one_or_none()
    return None if row is None else ApiSession(client=_client(row), ends_at=row.ends_at)


def end_session(connection: Connection, token_sha256: bytes, *, at: datetime) -> None:
    """Let a session's token count no more."""
    connection.execute(
        update(api_sessions).where(api_sessions.c.token_sha256 == token_sha256).values(ends_at=at)
    )


def add_request(
    connection: Connection, client: str, key: str, *, request: bytes, serial: str, at: datetime
) -> bool:
    """Write which certificate a request got; False when one with the key has got another."""
    try:
        with connection.begin_nested():
            connection.execute(
                insert(api_requests).values(client=client, key=key, request=request, serial=serial, at=at)
            )
    except IntegrityError:
        return False
    return True


def forget_requests(connection: Connection, before: datetime) -> int:
    """Forget which requests were answered before a moment; answers how many. Their keys are free then."""
    return connection.execute(delete(api_requests).where(api_requests.c.at < before)).rowcount


def earlier_request(connection: Connection, client: str, key: str) -> tuple[bytes, str] | None:
    """The digest and the serial of the request with that key, or None."""
    row = connection.execute(_REQUEST, {"client": client, "key": key}).one_or_none()
    return None if row is None else (row.request, row.serial)


def _client(row: Any) -> ApiClient:
    return ApiClient(
        name=row.name,
        certificate=row.certificate,
        key_id=row.key_id,
        secret_sha256=row.secret_sha256,
        acts=frozenset(row.acts.split()),
        profiles=frozenset(row.profiles.split()),
        added_at=row.added_at,
        added_by=row.added_by,
        removed_at=row.removed_at,
    )
