"""Where a log is read from for verification: the database. An exported file is `export`'s."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

from sqlalchemy import BigInteger, func, select, type_coerce

from trustworks.core.audit import checkpoint as checkpoints
from trustworks.core.audit import records
from trustworks.core.audit.completeness import StreamRow
from trustworks.core.audit.report import Finding
from trustworks.core.errors import Malformed

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy import Connection

    from trustworks.core.audit.checkpoint import Checkpoint
    from trustworks.core.audit.report import Report


class Entry(NamedTuple):
    """An event as it is stored.

    `position` and `leaf` are its place and hash in the Merkle log, None before it comes there. `body` is
    None when the log has the place and the event is gone. `time` (microseconds) and `type` are the table's
    columns for searching, None in an export.
    """

    stream: str
    sequence: int
    body: bytes | None
    hash: bytes | None
    position: int | None
    leaf: bytes | None
    time: int | None
    type: str | None


class StoredCheckpoint(NamedTuple):
    """A checkpoint with its number; `checkpoint` is None where it cannot be read, and `wrong` says why."""

    number: int | None
    checkpoint: Checkpoint | None
    wrong: str = ""


class Source(Protocol):
    """A log to verify."""

    def total(self) -> int:
        """How many entries there are, about."""

    def checkpoints(self) -> list[StoredCheckpoint]:
        """All checkpoints, oldest first."""

    def streams(self) -> list[StreamRow] | None:
        """The streams that the source knows besides their events; None when it knows of none."""

    def entries(self) -> Iterator[Entry | Finding]:
        """The Merkle log in its order, then the events that are not in it, stream by stream.

        What cannot be read as an entry comes as a finding in its place.
        """

    def tile(self, level: int, tile: int) -> tuple[bytes, bytes] | None:
        """A full tile's root and hashes, for sources that have tiles; None when it is missing."""

    @property
    def has_tiles(self) -> bool:
        """Whether `tile` answers."""

    def closing(self, report: Report) -> tuple[Finding, ...]:
        """After the last entry: where the source says of itself something else than was read."""


class DatabaseSource:
    """The log as one transaction sees it."""

    has_tiles = True

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def total(self) -> int:
        """All events."""
        return int(self._connection.execute(select(func.count()).select_from(records.events)).scalar_one())

    def checkpoints(self) -> list[StoredCheckpoint]:
        """The table of checkpoints."""
        c = records.checkpoints.c
        columns = (c.number, c.body, c.signature, c.spki, c.certificate, c.time_stamp)
        rows = self._connection.execute(select(*columns).order_by(c.number))
        return [_stored(number, parts) for number, *parts in rows]

    def streams(self) -> list[StreamRow] | None:
        """The table of streams."""
        s = records.streams.c
        return [StreamRow(*row) for row in self._connection.execute(select(s.stream, s.logged, s.closed))]

    def entries(self) -> Iterator[Entry | Finding]:
        """The log joined with the events, then the events that are not in the log."""
        e, log = records.events, records.log
        event = (e.c.body, e.c.hash)
        columns = (type_coerce(e.c.time, BigInteger), e.c.type)
        both = (e.c.stream == log.c.stream) & (e.c.sequence == log.c.sequence)
        logged = (
            select(log.c.stream, log.c.sequence, *event, log.c.position, log.c.hash, *columns)
            .select_from(log.outerjoin(e, both))
            .order_by(log.c.position)
        )
        waiting = (
            select(e.c.stream, e.c.sequence, *event, log.c.position, log.c.hash, *columns)
            .select_from(e.outerjoin(log, both))
            .where(log.c.position.is_(None))
            .order_by(e.c.stream, e.c.sequence)
        )
        for query in (logged, waiting):
            with self._connection.execute(query.execution_options(yield_per=1000)) as result:
                for part in result.partitions():
                    for entry in map(Entry._make, part):
                        yield entry if _is_plain(entry) else _odd(entry)

    def tile(self, level: int, tile: int) -> tuple[bytes, bytes] | None:
        """The row of `audit_tiles`."""
        t = records.tiles
        row = self._connection.execute(
            select(t.c.root, t.c.hashes).where(t.c.level == level, t.c.tile == tile)
        ).one_or_none()
        return None if row is None else (row.root, row.hashes)

    def closing(self, report: Report) -> tuple[Finding, ...]:
        """A database says nothing of itself that its tables do not."""
        del report
        return ()


def _stored(number: int, parts: list[Any]) -> StoredCheckpoint:
    body, signature, spki, certificate, time_stamp = parts
    if not all(type(one) is bytes for one in (body, signature, spki, certificate or b"", time_stamp or b"")):
        return StoredCheckpoint(number, None, _ODD)
    try:
        return StoredCheckpoint(number, checkpoints.read(body, signature, spki, certificate, time_stamp))
    except Malformed as error:
        return StoredCheckpoint(number, None, str(error))


# SQLite takes any kind of value in any column.
_ODD = "A column holds a value of a kind that the log does not write."


def _is_plain(entry: Entry) -> bool:
    """Whether all values are of the kinds that the log writes."""
    return (
        type(entry.stream) is str
        and type(entry.sequence) is int
        and (entry.body is None or (type(entry.body) is bytes and type(entry.hash) is bytes))
        and (entry.position is None or (type(entry.position) is int and type(entry.leaf) is bytes))
        and (entry.body is None or (type(entry.time) is int and type(entry.type) is str))
    )


def _odd(entry: Entry) -> Finding:
    return Finding(
        kind="altered",
        message=_ODD,
        stream=str(entry.stream),
        sequence=entry.sequence if type(entry.sequence) is int else None,
        position=entry.position if type(entry.position) is int else None,
        type=None if entry.type is None else str(entry.type),
    )
