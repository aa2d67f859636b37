"""Looking into the log: events by type, stream, actor and time, and the state of the tree."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy import func, select

from trustworks.core.audit import records
from trustworks.core.audit.reading import loads
from trustworks.core.audit.tree import Tree
from trustworks.core.errors import Malformed

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy import Connection, Row, Select


# What every event has (`model.encode`).
_NAMES = frozenset({"actor", "detail", "outcome", "subject", "time", "type"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Stored:
    """An event of the log. `position` is its place in the Merkle log, None before it comes there."""

    stream: str
    sequence: int
    position: int | None
    time: datetime
    type: str
    hash: bytes
    body: bytes

    @property
    def value(self) -> dict[str, Any]:
        """The event as JSON values. Raises `Malformed` for what no event of the log is."""
        try:
            value = loads(self.body)
        except Malformed:
            value = None
        if (
            not isinstance(value, dict)
            or not value.keys() >= _NAMES
            or not isinstance(value["subject"], dict)
        ):
            raise Malformed(
                f"Event {self.sequence} of stream {self.stream} cannot be read, so it is not what was "
                "written. Run `trustworks audit verify`."
            )
        return value

    def as_dict(self) -> dict[str, Any]:
        """The event with its place in the log, as JSON values."""
        return {**self.value, "position": self.position, "hash": self.hash.hex()}


@dataclass(frozen=True, slots=True, kw_only=True)
class LogState:
    """The Merkle log and its newest checkpoint. `waiting` is how many events are not in the tree yet."""

    size: int
    root: str
    waiting: int
    checkpoint_size: int | None = None
    checkpoint_time: datetime | None = None
    time_stamped_size: int | None = None


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
    query = _events().order_by(e.c.time.desc(), e.c.stream, e.c.sequence.desc())
    if type_prefix:
        query = query.where(e.c.type.startswith(type_prefix, autoescape=True))
    if stream is not None:
        query = query.where(e.c.stream == stream)
    if since is not None:
        query = query.where(e.c.time >= since)
    if until is not None:
        query = query.where(e.c.time < until)
    if actor is None and outcome is None:
        return [_stored(row) for row in connection.execute(query.limit(limit))]
    found: list[Stored] = []
    # Actor and outcome are in the event alone; nothing is indexed that only an investigation asks for.
    with connection.execution_options(yield_per=500).execute(query) as rows:
        for row in rows:
            event = _stored(row)
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
    """The event at that place of a stream."""
    e = records.events
    row = connection.execute(_events().where(e.c.stream == stream, e.c.sequence == sequence)).one_or_none()
    return None if row is None else _stored(row)


def state(connection: Connection) -> LogState:
    """The state of the Merkle log."""
    tree = Tree(connection)
    size = tree.size()
    s, e, c = records.streams, records.events, records.checkpoints
    waiting = connection.execute(
        select(func.count())
        .select_from(e.join(s, s.c.stream == e.c.stream))
        .where(s.c.closed.is_(False), e.c.sequence >= s.c.logged)
    ).scalar_one()
    last = select(c.c.size, c.c.time).order_by(c.c.number.desc()).limit(1)
    checkpoint = connection.execute(last).one_or_none()
    stamped = connection.execute(last.where(c.c.time_stamp.is_not(None))).one_or_none()
    return LogState(
        size=size,
        root=tree.root(size).hex(),
        waiting=int(waiting),
        checkpoint_size=None if checkpoint is None else checkpoint.size,
        checkpoint_time=None if checkpoint is None else checkpoint.time,
        time_stamped_size=None if stamped is None else stamped.size,
    )


def _events() -> Select[Any]:
    e, log = records.events, records.log
    both = (e.c.stream == log.c.stream) & (e.c.sequence == log.c.sequence)
    columns = (e.c.stream, e.c.sequence, log.c.position, e.c.time, e.c.type, e.c.hash, e.c.body)
    return select(*columns).select_from(e.outerjoin(log, both))


def _stored(row: Row[Any]) -> Stored:
    return Stored(
        stream=row.stream,
        sequence=row.sequence,
        position=row.position,
        time=row.time,
        type=row.type,
        hash=bytes(row.hash),
        body=bytes(row.body),
    )
