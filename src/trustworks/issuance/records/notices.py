"""The outbox: what others are to be told, written in the transaction of what happened; who wants to know it.

A recipient is the subject (through the operator's command) or a webhook of a client of the JSON API. Each has
a row of its own for each event, which is waiting (`due_at` says when it is tried next), sent, or given up.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from sqlalchemy import (
    CheckConstraint,
    Column,
    Index,
    Integer,
    LargeBinary,
    String,
    Table,
    delete,
    func,
    insert,
    or_,
    select,
    update,
)

from trustworks.core.audit.bound import bind
from trustworks.core.store import metadata
from trustworks.core.store.prepared import PreparedSelect
from trustworks.core.store.types import UtcDateTime
from trustworks.issuance.profiles import SHORT_NAMES
from trustworks.issuance.records.clients import api_clients
from trustworks.issuance.records.tables import certificates

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import datetime

    from sqlalchemy import Connection

SUBJECT: Final = "subject"

ISSUED: Final = "certificate.issued"
REVOKED: Final = "certificate.revoked"
HELD: Final = "certificate.held"
RELEASED: Final = "certificate.released"
EXPIRING: Final = "certificate.expiring"
DECIDED: Final = "application.decided"
TEST: Final = "webhook.test"
# What a webhook may be told of, and what that means; a test comes to every webhook that asks for one.
EVENTS: Final[dict[str, str]] = {
    ISSUED: "A certificate was issued.",
    REVOKED: "A certificate was revoked; reason says why.",
    HELD: "A certificate was suspended (certificateHold).",
    RELEASED: "A certificate's suspension was lifted.",
    EXPIRING: "A certificate ends soon.",
    DECIDED: "An application was decided on; reason is approved, rejected, withdrawn or refused.",
}
STATES: Final = ("waiting", "sent", "undelivered")  # of a notice
_TOLD_TO_SUBJECTS: Final = frozenset({REVOKED, HELD, RELEASED})

webhooks = Table(
    "webhooks",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("client", String(64), nullable=False, index=True),
    Column("url", String(2000), nullable=False),
    Column("events", String(500), nullable=False),
    # Both encrypted; the earlier one signs beside the newer until its time is over.
    Column("secret", LargeBinary, nullable=False),
    Column("earlier_secret", LargeBinary, nullable=True),
    Column("earlier_until", UtcDateTime, nullable=True),
    Column("added_at", UtcDateTime, nullable=False),
    Column("added_by", String(200), nullable=False),
    Column("removed_at", UtcDateTime, nullable=True),
)
bind(webhooks)

notices = Table(
    "notices",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("recipient", String(32), nullable=False),
    Column("event", String(40), nullable=False),
    Column("serial", String(40), nullable=True),
    Column("application", String(32), nullable=True),
    Column("profile", String(64), nullable=True),
    Column("reason", String(40), nullable=True),
    Column("at", UtcDateTime, nullable=False),
    Column("due_at", UtcDateTime, nullable=True),
    Column("tries", Integer, nullable=False, server_default="0"),
    Column("sent_at", UtcDateTime, nullable=True),
    Column("given_up_at", UtcDateTime, nullable=True),
    Column("problem", String(2000), nullable=True),
    CheckConstraint(
        "due_at IS NULL OR (sent_at IS NULL AND given_up_at IS NULL)", name="notice_waits_or_not"
    ),
)
Index(
    "notices_due",
    notices.c.recipient,
    notices.c.due_at,
    sqlite_where=notices.c.due_at.is_not(None),
    postgresql_where=notices.c.due_at.is_not(None),
)
Index("notices_serial", notices.c.serial)
Index("notices_recipient", notices.c.recipient, notices.c.at)


class News(NamedTuple):
    """What happened to a certificate or an application, as far as others are told: no personal data."""

    event: str
    profile: str | None
    serial: str | None = None
    application: str | None = None
    reason: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """News for one recipient, and how far it got. `id` stays the same whenever it is sent again."""

    id: str
    recipient: str
    event: str
    serial: str | None
    application: str | None
    profile: str | None
    reason: str | None
    at: datetime
    due_at: datetime | None
    tries: int
    sent_at: datetime | None
    given_up_at: datetime | None
    problem: str | None

    @property
    def state(self) -> str:
        """waiting, sent or undelivered."""
        return "waiting" if self.due_at is not None else "sent" if self.sent_at is not None else "undelivered"


@dataclass(frozen=True, slots=True, kw_only=True)
class Webhook:
    """An address that a client wants to be told at. `secret` and `earlier_secret` are encrypted."""

    id: str
    client: str
    url: str
    events: frozenset[str]
    secret: bytes
    earlier_secret: bytes | None
    earlier_until: datetime | None
    added_at: datetime
    added_by: str
    removed_at: datetime | None


_LISTENING = PreparedSelect(
    select(webhooks.c.id, webhooks.c.events, api_clients.c.profiles)
    .select_from(webhooks.join(api_clients, api_clients.c.name == webhooks.c.client))
    .where(webhooks.c.removed_at.is_(None), api_clients.c.removed_at.is_(None))
)
_ADD = insert(notices)


def new_id() -> str:
    """An identifier of a notice or a webhook: 128 random bits."""
    return secrets.token_hex(16)


def tell(connection: Connection, news: Sequence[News], at: datetime) -> None:
    """Write what happened for everybody who wants to know it, in the transaction in which it happens."""
    if not news:
        return
    listening = [
        (identifier, frozenset(events.split()), frozenset(map(_plain, profiles.split())))
        for identifier, events, profiles in _LISTENING.all(connection)
    ]
    rows = []
    for one in news:
        recipients = [SUBJECT] if one.event in _TOLD_TO_SUBJECTS else []
        recipients += [
            identifier
            for identifier, events, profiles in listening
            if one.event in events and one.profile in profiles
        ]
        rows += [_row(one, recipient, at) for recipient in recipients]
    if rows:
        connection.execute(_ADD, rows)


def profiles_of(connection: Connection, serials: Sequence[str]) -> dict[str, str]:
    """The profiles of certificates, by their serials."""
    query = select(certificates.c.serial, certificates.c.profile).where(certificates.c.serial.in_(serials))
    return {row.serial: row.profile for row in connection.execute(query)}


def tell_one(connection: Connection, recipient: str, news: News, at: datetime) -> str:
    """Write news for one recipient, and answer the notice's id."""
    row = _row(news, recipient, at)
    connection.execute(_ADD, [row])
    identifier: str = row["id"]
    return identifier


def _row(news: News, recipient: str, at: datetime) -> dict[str, Any]:
    return {"id": new_id(), "recipient": recipient, **news._asdict(), "at": at, "due_at": at}


def _plain(profile: str) -> str:
    """A profile as records name it: without a version, and not by a short name."""
    plain = profile.partition("/")[0]
    return SHORT_NAMES.get(plain, plain)


# Webhooks


def add_webhook(connection: Connection, webhook: Webhook) -> None:
    """Write a new one."""
    connection.execute(
        insert(webhooks).values(
            id=webhook.id,
            client=webhook.client,
            url=webhook.url,
            events=" ".join(sorted(webhook.events)),
            secret=webhook.secret,
            added_at=webhook.added_at,
            added_by=webhook.added_by,
        )
    )


def webhook(connection: Connection, identifier: str) -> Webhook | None:
    """The webhook with this id, also one that was removed; None where its client was."""
    row = connection.execute(_with_client().where(webhooks.c.id == identifier)).one_or_none()
    return None if row is None else _webhook(row)


def list_webhooks(connection: Connection, client: str | None = None) -> list[Webhook]:
    """The webhooks that there are, of one client or of all, the oldest first."""
    query = _with_client().where(webhooks.c.removed_at.is_(None))
    if client is not None:
        query = query.where(webhooks.c.client == client)
    return [_webhook(row) for row in connection.execute(query.order_by(webhooks.c.added_at, webhooks.c.id))]


def _with_client() -> Any:
    return (
        select(webhooks)
        .select_from(webhooks.join(api_clients, api_clients.c.name == webhooks.c.client))
        .where(api_clients.c.removed_at.is_(None))
    )


def rotate_webhook(
    connection: Connection, identifier: str, secret: bytes, *, earlier_until: datetime
) -> bool:
    """Give a webhook a new secret beside its last one; False where there is no such webhook."""
    done = connection.execute(
        update(webhooks)
        .where(webhooks.c.id == identifier, webhooks.c.removed_at.is_(None))
        .values(secret=secret, earlier_secret=webhooks.c.secret, earlier_until=earlier_until)
    )
    return done.rowcount == 1


def remove_webhook(connection: Connection, identifier: str, *, at: datetime) -> bool:
    """Tell a webhook nothing more, not even what waits; False where there is no such webhook."""
    done = connection.execute(
        update(webhooks)
        .where(webhooks.c.id == identifier, webhooks.c.removed_at.is_(None))
        .values(removed_at=at)
    )
    connection.execute(
        update(notices)
        .where(notices.c.recipient == identifier, notices.c.due_at.is_not(None))
        .values(due_at=None, given_up_at=at, problem="The webhook was removed.")
    )
    return done.rowcount == 1


# Notices on their way


def due_recipients(connection: Connection, now: datetime) -> list[str]:
    """Who is to be told something now, who waits longest first."""
    due = func.min(notices.c.due_at)
    query = select(notices.c.recipient).where(notices.c.due_at <= now)
    return list(connection.execute(query.group_by(notices.c.recipient).order_by(due)).scalars())


def due_notices(connection: Connection, recipient: str, now: datetime, *, limit: int) -> list[Notice]:
    """What a recipient is to be told now, in the order in which it happened as far as nothing went wrong."""
    query = select(notices).where(notices.c.recipient == recipient, notices.c.due_at <= now)
    return [
        _notice(row)
        for row in connection.execute(query.order_by(notices.c.due_at, notices.c.id).limit(limit))
    ]


def claim(connection: Connection, notice: Notice, *, until: datetime) -> bool:
    """Take a notice for oneself until a moment; False when another process has it or sent it."""
    done = connection.execute(
        update(notices)
        .where(notices.c.id == notice.id, notices.c.due_at == notice.due_at)
        .values(due_at=until)
    )
    return done.rowcount == 1


def note_sent(connection: Connection, notice: Notice, at: datetime) -> None:
    """Note that a notice arrived."""
    connection.execute(
        update(notices)
        .where(notices.c.id == notice.id, notices.c.sent_at.is_(None))
        .values(due_at=None, sent_at=at, given_up_at=None, tries=notices.c.tries + 1, problem=None)
    )


def note_failed(connection: Connection, notice: Notice, problem: str, *, again_at: datetime) -> None:
    """Note why a notice did not arrive, and when it is tried again."""
    connection.execute(
        update(notices)
        .where(notices.c.id == notice.id, notices.c.due_at.is_not(None))
        .values(due_at=again_at, tries=notices.c.tries + 1, problem=problem)
    )


def give_up(connection: Connection, notice: Notice, problem: str, *, at: datetime) -> None:
    """Note that a notice is tried no more."""
    connection.execute(
        update(notices)
        .where(notices.c.id == notice.id, notices.c.due_at.is_not(None))
        .values(due_at=None, given_up_at=at, tries=notices.c.tries + 1, problem=problem)
    )


def try_again(connection: Connection, recipient: str, identifier: str | None, *, at: datetime) -> int:
    """Let what was given up be tried anew, one notice or all of a recipient; answers how many."""
    query = update(notices).where(notices.c.recipient == recipient, notices.c.given_up_at.is_not(None))
    if identifier is not None:
        query = query.where(notices.c.id == identifier)
    return connection.execute(query.values(due_at=at, given_up_at=None, tries=0)).rowcount


def list_notices(
    connection: Connection, recipient: str, *, state: str | None = None, limit: int = 100
) -> list[Notice]:
    """What a recipient was told or is to be told, the newest first; `state` as `Notice.state`."""
    n = notices.c
    states = {
        "waiting": n.due_at.is_not(None),
        "sent": n.sent_at.is_not(None),
        "undelivered": n.given_up_at.is_not(None),
    }
    query = select(notices).where(n.recipient == recipient)
    if state is not None:
        query = query.where(states[state])
    return [_notice(row) for row in connection.execute(query.order_by(n.at.desc(), n.id).limit(limit))]


def notices_about(connection: Connection, serial: str) -> list[Notice]:
    """What the subject of a certificate was to be told, the oldest first: each change of its status."""
    n = notices.c
    query = select(notices).where(n.serial == serial, n.recipient == SUBJECT).order_by(n.at, n.id)
    return [_notice(row) for row in connection.execute(query)]


def forget_notices(connection: Connection, before: datetime) -> int:
    """Forget what webhooks were told, or were not, before a moment; what subjects were told of stays."""
    n = notices.c
    old = or_(n.sent_at < before, n.given_up_at < before)
    return connection.execute(delete(notices).where(n.recipient != SUBJECT, old)).rowcount


def _notice(row: Any) -> Notice:
    return Notice(**row._mapping)  # noqa: SLF001 - the public name of the library


def _webhook(row: Any) -> Webhook:
    values: dict[str, Any] = dict(row._mapping)  # noqa: SLF001 - as above
    events: Iterable[str] = values.pop("events").split()
    return Webhook(events=frozenset(events), **values)
