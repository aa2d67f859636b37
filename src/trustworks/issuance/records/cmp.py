"""The tables of enrolment and all SQL on them: what requests are authorised by, and CMP's transactions.

Both are written in the transaction of what they are about: a use is counted, and a transaction's id taken,
where the certificate is recorded. So neither counts for a request that came to nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from sqlalchemy import (
    Boolean,
    CheckConstraint,
    Column,
    Index,
    Integer,
    LargeBinary,
    String,
    Table,
    insert,
    select,
    update,
)
from sqlalchemy.exc import IntegrityError

from trustworks.core.audit.bound import bind
from trustworks.core.store import metadata
from trustworks.core.store.types import UtcDateTime

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy import Connection, RowMapping

# secret: shared with the client. certificate, ra: of another authority, known by its SHA-256; a registration
# authority's requests are for others, and it has seen their proofs of possession.
Kind = Literal["secret", "certificate", "ra"]
TransactionState = Literal["waiting", "confirmed", "rejected", "expired", "ended"]

credentials = Table(
    "enrolment_credentials",
    metadata,
    Column("reference", String(64), primary_key=True),
    Column("kind", String(12), nullable=False),
    Column("sealed", LargeBinary, nullable=True),
    Column("profile", String(64), nullable=False),
    Column("subject", String(2000), nullable=False),
    Column("alternative_names", String(4000), nullable=False),
    Column("uses", Integer, nullable=False),
    Column("used", Integer, nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    Column("created_by", String(200), nullable=False),
    Column("expires_at", UtcDateTime, nullable=False),
    Column("withdrawn_at", UtcDateTime, nullable=True),
    Column("ask_officer", Boolean, nullable=False, server_default="0"),
    CheckConstraint("kind IN ('secret', 'certificate', 'ra')", name="kind_known"),
    CheckConstraint("(kind = 'secret') = (sealed IS NOT NULL)", name="secret_is_sealed"),
    CheckConstraint("used >= 0 AND used <= uses", name="used_within"),
)
bind(credentials, but=("used",))

transactions = Table(
    "cmp_transactions",
    metadata,
    Column("transaction_id", LargeBinary(64), primary_key=True),
    Column("credential", String(80), nullable=False),
    Column("body", String(8), nullable=False),
    Column("nonce", LargeBinary(64), nullable=False),
    Column("state", String(10), nullable=False),
    Column("serial", String(40), nullable=True),
    Column("cert_req_id", Integer, nullable=True),
    Column("began_at", UtcDateTime, nullable=False),
    Column("confirm_by", UtcDateTime, nullable=True),
    CheckConstraint("state IN ('waiting', 'confirmed', 'rejected', 'expired', 'ended')", name="state_known"),
    CheckConstraint("state <> 'waiting' OR confirm_by IS NOT NULL", name="waits_until"),
)
Index("cmp_transactions_waiting", transactions.c.state, transactions.c.confirm_by)
Index("cmp_transactions_serial", transactions.c.serial)


@dataclass(frozen=True, slots=True, kw_only=True)
class Credential:
    """What a request may be authorised by, and what for.

    `subject` is written as `wire.read_subject` reads it; ``*`` in a value stands for any characters.
    `alternative_names` are those that may be asked for. `sealed` is the secret, encrypted. With `ask_officer`
    each request waits for a registration officer.
    """

    reference: str
    kind: Kind
    profile: str
    subject: str
    alternative_names: tuple[str, ...]
    uses: int
    used: int
    created_at: datetime
    created_by: str
    expires_at: datetime
    withdrawn_at: datetime | None = None
    sealed: bytes | None = None
    ask_officer: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Transaction:
    """A transaction that changed something. `nonce` is the senderNonce of our answer.

    `serial` is the certificate that it brought, or that it asked to revoke.
    """

    transaction_id: bytes
    credential: str
    body: str
    nonce: bytes
    state: TransactionState
    began_at: datetime
    serial: str | None = None
    cert_req_id: int | None = None
    confirm_by: datetime | None = None


# Credentials


def add_credential(connection: Connection, new: Credential) -> bool:
    """Write a credential; False when one has the reference already."""
    return _inserted(
        connection,
        credentials,
        {
            "reference": new.reference,
            "kind": new.kind,
            "sealed": new.sealed,
            "profile": new.profile,
            "subject": new.subject,
            "alternative_names": "\n".join(new.alternative_names),
            "uses": new.uses,
            "used": new.used,
            "created_at": new.created_at,
            "created_by": new.created_by,
            "expires_at": new.expires_at,
            "withdrawn_at": new.withdrawn_at,
            "ask_officer": new.ask_officer,
        },
    )


def credential(connection: Connection, reference: str) -> Credential | None:
    """The credential with that reference, usable or not; or None."""
    query = select(credentials).where(credentials.c.reference == reference)
    row = connection.execute(query).mappings().one_or_none()
    return None if row is None else _credential(row)


def list_credentials(connection: Connection, *, limit: int) -> list[Credential]:
    """The newest credentials, newest first."""
    query = select(credentials).order_by(credentials.c.created_at.desc(), credentials.c.reference)
    return [_credential(row) for row in connection.execute(query.limit(limit)).mappings()]


def use_credential(connection: Connection, reference: str, now: datetime) -> bool:
    """Count a use; False when none is left, or the credential's time is over, or it was withdrawn."""
    c = credentials.c
    result = connection.execute(
        update(credentials)
        .where(c.reference == reference, c.used < c.uses, c.expires_at > now, c.withdrawn_at.is_(None))
        .values(used=c.used + 1)
    )
    return result.rowcount == 1


def withdraw_credential(connection: Connection, reference: str, now: datetime) -> bool:
    """Let a credential authorise nothing any more; False when there is none, or it is withdrawn already."""
    c = credentials.c
    result = connection.execute(
        update(credentials).where(c.reference == reference, c.withdrawn_at.is_(None)).values(withdrawn_at=now)
    )
    return result.rowcount == 1


# Transactions


def add_transaction(connection: Connection, new: Transaction) -> bool:
    """Write a transaction; False when its id was used before, by whomever."""
    return _inserted(
        connection,
        transactions,
        {
            "transaction_id": new.transaction_id,
            "credential": new.credential,
            "body": new.body,
            "nonce": new.nonce,
            "state": new.state,
            "serial": new.serial,
            "cert_req_id": new.cert_req_id,
            "began_at": new.began_at,
            "confirm_by": new.confirm_by,
        },
    )


def transaction(connection: Connection, transaction_id: bytes) -> Transaction | None:
    """The transaction with that id, or None."""
    query = select(transactions).where(transactions.c.transaction_id == transaction_id)
    row = connection.execute(query).mappings().one_or_none()
    return None if row is None else Transaction(**row)


def enrolled_by(connection: Connection, serial: str) -> str | None:
    """The credential that a certificate was enrolled with, or None."""
    c = transactions.c
    query = select(c.credential).where(c.serial == serial, c.body != "rr").limit(1)
    return connection.execute(query).scalar()


def end_waiting(
    connection: Connection, transaction_id: bytes, state: TransactionState, *, now: datetime | None = None
) -> bool:
    """Let a transaction wait for its confirmation no more; False when it does not.

    With `now` only while its time is not over.
    """
    c = transactions.c
    statement = update(transactions).where(c.transaction_id == transaction_id, c.state == "waiting")
    if now is not None:
        statement = statement.where(c.confirm_by >= now)
    return connection.execute(statement.values(state=state)).rowcount == 1


def unconfirmed(connection: Connection, now: datetime, *, limit: int = 1000) -> list[Transaction]:
    """Transactions whose certificates were not confirmed in time."""
    c = transactions.c
    query = select(transactions).where(c.state == "waiting", c.confirm_by < now)
    rows = connection.execute(query.order_by(c.confirm_by).limit(limit)).mappings()
    return [Transaction(**row) for row in rows]


def _inserted(connection: Connection, table: Table, values: dict[str, object]) -> bool:
    try:
        with connection.begin_nested():  # what it failed on is told in the same transaction
            connection.execute(insert(table).values(values))
    except IntegrityError:
        return False
    return True


def _credential(row: RowMapping) -> Credential:
    values = dict(row)
    names = values.pop("alternative_names")
    return Credential(**values, alternative_names=tuple(names.split("\n")) if names else ())
