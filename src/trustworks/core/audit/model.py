"""What is recorded: events, and the rows that are recorded with them."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import UTC
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Literal, get_args

from trustworks.core.audit.canonical import JSON, canonical_text
from trustworks.core.store.types import microseconds

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from sqlalchemy import Table

__all__ = ["JSON", "Encoded", "Event", "Outcome", "Row", "encode"]

Outcome = Literal["success", "failure", "refused"]

_TYPE = re.compile(r"[a-z][a-z0-9.-]{0,79}")
_OUTCOMES = frozenset(get_args(Outcome))


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """One thing that happened, in the words of the service that did it.

    `type` is dotted, such as ``timestamp.issued``; `actor` is a role, a process or a pseudonym of who
    acted; `subject` names the thing that it happened to (a serial number, a key's label), `detail` says
    how.

    No personal data: the log is never erased. Name a person by the key of a record that can be erased, or
    by a hash salted with a value that can be destroyed; a bare hash of a name or an address is personal
    data too.
    """

    type: str
    outcome: Outcome
    actor: str
    subject: Mapping[str, JSON]
    detail: Mapping[str, JSON] = field(default_factory=dict)
    time: datetime


@dataclass(frozen=True, slots=True)
class Row:
    """A row to insert together with an event. `values` names every column that the database does not fill."""

    table: Table
    values: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Encoded:
    """An event as canonical JSON, cut where its place in the stream is filled in."""

    head: bytes
    tail: bytes
    type: str
    time: int


def encode(event: Event) -> Encoded:
    """Write the event as canonical JSON, all but its place. Raises ValueError for what cannot be written."""
    if event.outcome not in _OUTCOMES:
        raise ValueError(f"{event.outcome!r} is no outcome of an event: use success, failure or refused")
    _check_type(event.type)
    time = event.time
    head = (
        '{"actor":'
        + canonical_text(event.actor)
        + ',"detail":'
        + canonical_text(event.detail)
        + ',"outcome":"'
        + event.outcome
        + '",'
    )
    tail = (
        ',"subject":'
        + canonical_text(event.subject)
        + ',"time":"'
        + time_text(time)
        + '","type":'
        + canonical_text(event.type)
        + ',"version":1}'
    )
    return Encoded(head.encode(), tail.encode(), event.type, microseconds(time))


@lru_cache(1024)
def _check_type(name: str) -> None:
    if not _TYPE.fullmatch(name):
        raise ValueError(f"{name!r} is no type of an event: use lower-case letters, digits, '.' and '-'")


def time_text(time: datetime) -> str:
    """The moment in UTC to the microsecond, as RFC 3339 writes it."""
    if time.tzinfo is not UTC:
        time = time.astimezone(UTC)
    return time.isoformat(timespec="microseconds")[:-6] + "Z"


def place(encoded: Encoded, previous: bytes, sequence: int, stream: bytes) -> bytes:
    """The whole event at its place in a stream; `previous` is the hexadecimal hash of the one before."""
    return b'%b"previous":"%b","sequence":%d,"stream":"%b"%b' % (
        encoded.head,
        previous,
        sequence,
        stream,
        encoded.tail,
    )
