"""The table of enrolment requests that wait for an officer, and all SQL on it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from sqlalchemy import (
    Boolean,
    CheckConstraint,
    Column,
    Index,
    LargeBinary,
    String,
    Table,
    func,
    insert,
    select,
    text,
    update,
)
from sqlalchemy.exc import IntegrityError

from trustworks.core.audit.bound import bind
from trustworks.core.store import metadata
from trustworks.core.store.types import UtcDateTime

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from sqlalchemy import Connection, RowMapping

Protocol = Literal["cmp", "est"]
# waiting: for an officer. approved: the client fetches its certificate when it asks again.
State = Literal["waiting", "approved", "refused", "issued"]
OPEN = ("waiting", "approved")

requests = Table(
    "enrolment_requests",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("protocol", String(4), nullable=False),
    Column("client", String(80), nullable=False),
    Column("credential", String(64), nullable=False),
    Column("fingerprint", LargeBinary(32), nullable=False),
    Column("profile", String(64), nullable=False),
    Column("subject", String(4000), nullable=False),
    Column("alternative_names", String(30000), nullable=False),
    Column("key_sha256", String(64), nullable=False),
    Column("asked_at", UtcDateTime, nullable=False),
    Column("body", String(8), nullable=False),
    Column("content", LargeBinary, nullable=False),
    Column("implicit", Boolean, nullable=False),
    Column("transaction_id", LargeBinary(64), nullable=True),
    Column("nonce", LargeBinary(64), nullable=True),
    Column("state", String(10), nullable=False),
    Column("decided_at", UtcDateTime, nullable=True),
    Column("decided_by", String(200), nullable=True),
    Column("decided_why", String(2000), nullable=True),
    Column("serial", String(40), nullable=True),
    CheckConstraint("protocol IN ('cmp', 'est')", name="request_protocol_known"),
    CheckConstraint("state IN ('waiting', 'approved', 'refused', 'issued')", name="request_state_known"),
    CheckConstraint("(state = 'waiting') = (decided_at IS NULL)", name="request_decided"),
    CheckConstraint("(state = 'issued') = (serial IS NOT NULL)", name="request_issued"),
)
# The conversation goes on with each question of a client, and no event tells of it; names are personal data.
_CONVERSATION = ("body", "content", "implicit", "transaction_id", "nonce")
bind(requests, but=("subject", "alternative_names", "decided_why", *_CONVERSATION))
Index("enrolment_requests_state", requests.c.state, requests.c.asked_at)
Index("enrolment_requests_credential", requests.c.credential, requests.c.state)
Index("enrolment_requests_transaction", requests.c.transaction_id, unique=True)
_OPEN = text("state IN ('waiting', 'approved')")
Index(
    "enrolment_requests_open",
    requests.c.fingerprint,
    unique=True,
    sqlite_where=_OPEN,
    postgresql_where=_OPEN,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Conversation:
    """By what message a client asks, and how it is answered.

    `content` is the request as it came: PKCS#10 of EST and of CMP's p10cr, CRMF of the other bodies. The rest
    is CMP's: whether confirmation is implicit, the transaction, the senderNonce of our last answer.
    """

    body: str
    content: bytes
    implicit: bool = False
    transaction_id: bytes | None = None
    nonce: bytes | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class WaitingRequest:
    """A request that waits for an officer, or did.

    `client` is who asked, `credential` the reference of what authorised it; `fingerprint` is over all that an
    officer decides on. `subject` is written as `wire.read_subject` reads it.
    """

    id: str
    protocol: Protocol
    client: str
    credential: str
    fingerprint: bytes
    profile: str
    subject: str
    alternative_names: tuple[str, ...]
    key_sha256: str
    asked_at: datetime
    conversation: Conversation = field(repr=False)
    state: State = "waiting"
    decided_at: datetime | None = None
    decided_by: str | None = None
    decided_why: str | None = None
    serial: str | None = None


def add(connection: Connection, new: WaitingRequest) -> bool:
    """Write a request; False when the same one is open already, or its transaction's id was used."""
    values = {
        name: getattr(new, name)
        for name in WaitingRequest.__dataclass_fields__
        if name not in {"conversation", "alternative_names"}
    }
    values |= {"alternative_names": "\n".join(new.alternative_names), **_columns(new.conversation)}
    try:
        with connection.begin_nested():
            connection.execute(insert(requests).values(values))
    except IntegrityError:
        return False
    return True


def get(connection: Connection, id_: str, *, lock: bool = False) -> WaitingRequest | None:
    """The request with this id, or None; with `lock` nobody else changes it until the commit."""
    query = select(requests).where(requests.c.id == id_)
    return _one(connection.execute(query.with_for_update() if lock else query).mappings().one_or_none())


def newest(connection: Connection, fingerprint: bytes) -> WaitingRequest | None:
    """The newest request of this fingerprint, in whatever state, or None."""
    query = select(requests).where(requests.c.fingerprint == fingerprint)
    rows = connection.execute(query.order_by(requests.c.asked_at.desc(), requests.c.id).limit(1))
    return _one(rows.mappings().one_or_none())


def of_transaction(connection: Connection, transaction_id: bytes) -> WaitingRequest | None:
    """The request that is asked for in a transaction of CMP, or None."""
    query = select(requests).where(requests.c.transaction_id == transaction_id)
    return _one(connection.execute(query).mappings().one_or_none())


def count_open(connection: Connection, credential: str) -> int:
    """How many requests of a credential wait, or are approved and not fetched yet."""
    c = requests.c
    query = select(func.count()).select_from(requests).where(c.credential == credential, c.state.in_(OPEN))
    return int(connection.execute(query).scalar_one())


def listed(connection: Connection, *, states: Iterable[str], limit: int) -> list[WaitingRequest]:
    """Requests in these states, the oldest first."""
    query = select(requests).where(requests.c.state.in_(list(states)))
    rows = connection.execute(query.order_by(requests.c.asked_at, requests.c.id).limit(limit)).mappings()
    return [found for row in rows if (found := _one(row)) is not None]


def go_on(connection: Connection, id_: str, conversation: Conversation) -> None:
    """Write by what message the client asks now."""
    connection.execute(update(requests).where(requests.c.id == id_).values(_columns(conversation)))


def decide(connection: Connection, id_: str, state: State, *, at: datetime, by: str, why: str) -> bool:
    """Write the decision on a request; False when it waits for none."""
    statement = update(requests).where(requests.c.id == id_, requests.c.state == "waiting")
    values = {"state": state, "decided_at": at, "decided_by": by, "decided_why": why}
    return connection.execute(statement.values(values)).rowcount == 1


def issued(connection: Connection, id_: str, serial: str) -> bool:
    """Write the certificate that an approved request got; False when it is not approved, or has one."""
    statement = update(requests).where(requests.c.id == id_, requests.c.state == "approved")
    return connection.execute(statement.values(state="issued", serial=serial)).rowcount == 1


def _columns(conversation: Conversation) -> dict[str, object]:
    return {name: getattr(conversation, name) for name in Conversation.__dataclass_fields__}


def _one(row: RowMapping | None) -> WaitingRequest | None:
    if row is None:
        return None
    values = dict(row)
    conversation = Conversation(**{name: values.pop(name) for name in Conversation.__dataclass_fields__})
    names = values.pop("alternative_names")
    return WaitingRequest(
        **values, alternative_names=tuple(names.split("\n")) if names else (), conversation=conversation
    )
