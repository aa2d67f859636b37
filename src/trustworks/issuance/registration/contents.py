"""What tells who somebody is, bound to the audit log by salted digests: `audit verify` finds a change.

The log must not say who was identified, and what it said could not be erased. So each piece (an application
with its CSR, evidence, the reason of a decision) has a random salt beside it, and the digest of both is bound
to the event that tells of it. When the time of a record is over, its salt goes with its content, and the
digest that stays says nothing.
"""

from __future__ import annotations

import hashlib
import secrets
from typing import TYPE_CHECKING, Final

from sqlalchemy import Column, LargeBinary, String, Table, insert, select, update

from trustworks.core.audit.bound import bind
from trustworks.core.store import metadata
from trustworks.core.trace import implements

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from typing import Any

    from sqlalchemy import Connection

SALT_OCTETS: Final = 16

contents = Table(
    "registration_contents",
    metadata,
    Column("kind", String(12), primary_key=True),
    Column("id", String(40), primary_key=True),
    Column("application", String(32), nullable=False, index=True),
    Column("digest", String(64), nullable=False),
    Column("salt", LargeBinary(16), nullable=True),
)
bind(contents, but=("salt",))


def digest_of(salt: bytes, *parts: bytes) -> str:
    """SHA-256 of the salt and the parts, each with its length before it, in hexadecimal."""
    told = hashlib.sha256(salt)
    for part in parts:
        told.update(len(part).to_bytes(8, "big") + part)
    return told.hexdigest()


def add(connection: Connection, kind: str, identifier: str, application: str, *parts: bytes) -> None:
    """Bind a piece that was just written, in the transaction of its event."""
    salt = secrets.token_bytes(SALT_OCTETS)
    connection.execute(
        insert(contents).values(
            kind=kind, id=identifier, application=application, digest=digest_of(salt, *parts), salt=salt
        )
    )


def erase(connection: Connection, application: str) -> None:
    """Forget the salts of all that belongs to an application; its content is emptied by who calls this."""
    connection.execute(update(contents).where(contents.c.application == application).values(salt=None))


@implements("TRUSTWORKS:REGISTRATION-CONTENT-BOUND", disabled=None)
def content_objection(
    name: str, salt: bytes | None, digest: str, parts: tuple[bytes, ...] | None
) -> str | None:
    """What is wrong with a piece; `parts` is None of one that is erased, or gone."""
    if salt is None and parts is None:
        return None
    if salt is None or parts is None:
        return f"The {name} was erased in part: its content and its salt go together, when its time is over."
    if digest_of(salt, *parts) != digest:
        return f"The {name} is not what was registered: it was altered beside the log."
    return None


class RegisteredContents:
    """The `RecordChecker` of what was registered. What was written before digests were is not judged."""

    types: Final = None

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def event(self, _: Mapping[str, Any]) -> str | None:
        """That the digests are those that were logged is judged with all bound records."""
        return None

    def rest(self) -> Iterator[str]:
        """What is wrong with the contents."""
        from trustworks.issuance.registration import records  # noqa: PLC0415 - it binds by this module

        query = select(contents).execution_options(yield_per=1000)
        for row in self._connection.execute(query):
            parts = records.content_of(self._connection, row.kind, row.id, row.application)
            wrong = content_objection(f"{row.kind} {row.id}", row.salt, row.digest, parts)
            if wrong is not None:
                yield wrong
