"""Looking into the log: events by type, stream, actor and time."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from trustworks.core.audit import records
from trustworks.core.audit.reading import MOST, loads
from trustworks.core.audit.stored import Entry, event_entries
from trustworks.core.errors import Malformed

if TYPE_CHECKING:
    from sqlalchemy import Connection

# What every event has (`model.encode`), beside a subject and a detail.
_TEXTS = ("actor", "outcome", "time", "type")


@dataclass(frozen=True, slots=True)
class Stored:
    """An event of the log, as it is stored. What it says is in the hashed body; the columns only find it."""

    entry: Entry

    @property
    def value(self) -> dict[str, Any]:
        """The event as JSON values. Raises `Malformed` for what no event of the log is."""
        value = _value(self.body)
        if value is None:
            raise self._unreadable()
        return value

    @property
    def body(self) -> bytes:
        """The event as it was hashed. Raises `Malformed` for a row with values of other kinds."""
        if not self.entry.is_plain or self.entry.body is None:
            raise self._unreadable()
        return self.entry.body

    @property
    def time(self) -> datetime:
        """When it happened. Raises `Malformed`."""
        return datetime.fromisoformat(self.value["time"])

    @property
    def type(self) -> str:
        """What happened. Raises `Malformed`."""
        return str(self.value["type"])

    def as_dict(self) -> dict[str, Any]:
        """The event with its place in the Merkle log (null before it comes there). Raises `Malformed`."""
        return {**self.value, "position": self.entry.position, "hash": (self.entry.hash or b"").hex()}

    def _unreadable(self) -> Malformed:
        return Malformed(
            f"Event {self.entry.sequence} of stream {self.entry.stream} cannot be read, so it is not what "
            "was written. Run `trustworks audit verify`."
        )


def _value(body: bytes) -> dict[str, Any] | None:
    """What an event says; None for what no event of the log is."""
    try:
        value = loads(body)
        if not isinstance(value, dict) or not isinstance(value["subject"], dict) or "detail" not in value:
            return None
        if not all(isinstance(value[name], str) for name in _TEXTS):
            return None
        return None if datetime.fromisoformat(value["time"]).tzinfo is None else value
    except (Malformed, KeyError, ValueError):
        return None


def newest(
    connection: Connection,
    *,
    limit: int,
    type_prefix: str = "",
    stream: str | None = None,
    actor: str | None = None,
    outcome: str | None = None,
    since: datetime | None = None,
    until: datetime | None = None,
) -> list[Stored]:
    """The newest events that fit, newest first. `type_prefix` is a type or its beginning (``timestamp.``)."""
    e = records.events
    query = event_entries().order_by(e.c.time.desc(), e.c.stream, e.c.sequence.desc())
    if type_prefix:
        query = query.where(e.c.type.startswith(type_prefix, autoescape=True))
    if stream is not None:
        query = query.where(e.c.stream == stream)
    if since is not None:
        query = query.where(e.c.time >= since)
    if until is not None:
        query = query.where(e.c.time < until)
    if actor is None and outcome is None:
        return [Stored(Entry._make(row)) for row in connection.execute(query.limit(limit))]
    found: list[Stored] = []
    # Actor and outcome are in the event alone; nothing is indexed that only an investigation asks for.
    with connection.execute(query.execution_options(yield_per=500)) as rows:
        for row in rows:
            event = Stored(Entry._make(row))
            if _fits(event, actor, outcome):
                found.append(event)
                if len(found) == limit:
                    break
    return found


def _fits(event: Stored, actor: str | None, outcome: str | None) -> bool:
    try:
        value = event.value
    except Malformed:
        return True  # whose it is cannot be told, and it is not left out for that
    return (actor is None or value.get("actor") == actor) and (
        outcome is None or value.get("outcome") == outcome
    )


def one(connection: Connection, stream: str, sequence: int) -> Stored | None:
    """The event at that place of a stream; None where there is none."""
    if not 0 <= sequence <= MOST:
        return None  # nor could a database be asked for it
    e = records.events
    row = connection.execute(event_entries().where(e.c.stream == stream, e.c.sequence == sequence)).first()
    return None if row is None else Stored(Entry._make(row))
